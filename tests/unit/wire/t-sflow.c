/* SPDX-License-Identifier: ISC
 *
 * sFlow's samples and records: what is in them, each prefix, each length wrong in turn.
 */
#include "wire/sflow.h"

#include <string.h>

#include "tests/sample.h"
#include "tests/tap.h"

#define SAMPLES 6 /* of sample_everything; the one at 1 is unknown */

/* How a datagram is walked. */
struct walked {
	unsigned formats[16];
	size_t count;
	size_t records;
	struct sflow it;
};

static struct walked
walk(const uint8_t *bytes, size_t len)
{
	uint8_t *copy = malloc(len > 0 ? len : 1); /* so that a byte too far is seen */
	struct walked w = {.count = 0};
	struct sflow_sample sample;
	struct sflow_record record;
	struct proto_info info;

	if (copy == NULL)
		abort();
	if (len > 0)
		memcpy(copy, bytes, len);
	if (proto_recognise(copy, len, &info) == ERR_OK) {
		sflow_init(&w.it, &info, copy, len);
		while (sflow_next(&w.it, &sample) == ERR_OK) {
			if (w.count < sizeof(w.formats) / sizeof(w.formats[0]))
				w.formats[w.count] = sample.format;
			w.count++;
			while (sflow_record_next(&sample, &record))
				w.records += rd_ok(&record.body);
		}
		if (sflow_next(&w.it, &sample) != ERR_END)
			abort();
	}
	free(copy);
	return w;
}

static void
test_values(void)
{
	struct sample s;
	struct sflow it;
	struct sflow_sample a = {0};
	struct sflow_record r = {0};
	struct proto_info info;

	sample_everything(&s, 6);
	ok(proto_recognise(s.bytes.data, s.bytes.len, &info) == ERR_OK && info.count == SAMPLES,
	    "an agent over IPv6");
	is_u64(proto_check(s.bytes.data, s.bytes.len, &info), FAULT_NONE, "nothing is wrong with it");
	sflow_init(&it, &info, s.bytes.data, s.bytes.len);
	ok(sflow_next(&it, &a) == ERR_OK && a.kind == SFLOW_FLOW && a.format == SFLOW_SAMPLE_FLOW,
	    "a flow sample");
	ok(a.sequence == 1 && a.source_class == 0 && a.source_index == 7 && a.rate == 1024 &&
		a.pool == 2048 && a.drops == 3 && a.input.format == 0 && a.input.value == 7 &&
		a.output.value == 8,
	    "its numbers");
	ok(sflow_record_next(&a, &r) && r.format == 1003 && rd_left(&r.body) == 60, "its first record");
	while (sflow_record_next(&a, &r))
		continue;
	is_u64(r.format, 1002, "its last record");
	ok(sflow_next(&it, &a) == ERR_OK && a.kind == SFLOW_COUNTERS && a.sequence == 2 &&
		a.source_index == 7 && a.left == 3,
	    "an unknown format is passed over; counters");
	is_u64(it.unknown, 1, "and counted");
	ok(sflow_next(&it, &a) == ERR_OK && a.format == SFLOW_SAMPLE_FLOW_EXPANDED &&
		a.source_index == 70000 && a.rate == 512 && a.input.value == 70000 &&
		a.output.format == SFLOW_INTERFACE_SEVERAL && a.output.value == 5,
	    "an expanded flow sample");
	ok(sflow_next(&it, &a) == ERR_OK && a.format == SFLOW_SAMPLE_COUNTERS_EXPANDED &&
		a.source_class == 2 && a.source_index == 1,
	    "expanded counters");
	ok(sflow_next(&it, &a) == ERR_OK && a.kind == SFLOW_DROP && a.drops == 6 && a.input.value == 7 &&
		a.output.value == 8 && a.reason == 263,
	    "a discarded packet");
	ok(sflow_next(&it, &a) == ERR_END && it.fault == FAULT_NONE && it.malformed == 0, "the end");
	buf_clear(&s.bytes);
}

static void
test_packed(void)
{
	struct sample s;
	struct sflow it;
	struct sflow_sample a = {0};
	struct proto_info info;

	sample_begin(&s, 4);
	sample_open(&s, 1);
	sample_words(&s, 8, 1U, 0x02000007U, 1U, 1U, 0U, 0x3fffffffU, 0x40000003U, 0U);
	sample_close(&s);
	sample_end(&s);
	ok(proto_recognise(s.bytes.data, s.bytes.len, &info) == ERR_OK, "an agent over IPv4");
	sflow_init(&it, &info, s.bytes.data, s.bytes.len);
	ok(sflow_next(&it, &a) == ERR_OK && a.source_class == 2 && a.source_index == 7,
	    "class and index share a word");
	ok(a.input.format == 0 && a.input.value == 0x3fffffff &&
		a.output.format == SFLOW_INTERFACE_DISCARDED && a.output.value == 3,
	    "so do format and value of an interface");
	ok(!sflow_record_next(&a, &(struct sflow_record){0}), "a sample without records");
	buf_clear(&s.bytes);
}

static void
test_prefixes(void)
{
	struct sample s;
	size_t bad = 0, short_of = 0;

	sample_everything(&s, 4);
	for (size_t len = 0; len < s.bytes.len; len++) {
		struct walked w = walk(s.bytes.data, len);
		size_t whole = 0;

		for (size_t i = 0; i < s.length_count; i++) {
			size_t end = s.lengths[i] + 4 + sample_get(&s, s.lengths[i]);

			whole += !s.of_record[i] && s.sample_of[i] != 1 && end <= len;
		}
		bad += len >= 4 && w.it.fault == FAULT_NONE;
		short_of += w.count != whole;
	}
	is_u64(bad, 0, "each prefix is at fault");
	is_u64(short_of, 0, "each prefix gives the samples that are whole in it");
	buf_clear(&s.bytes);
}

/* A record's length costs its sample, and a sample's at most what stands behind it. */
static void
test_lies(void)
{
	static const uint32_t lies[] = {0, 1, 3, 4, 0x7fffffff, 0x80000000, 0xfffffffc, 0xffffffff};
	struct sample s;
	size_t crossed = 0, unseen = 0, others = 0, tried = 0;

	sample_everything(&s, 4);
	for (size_t i = 0; i < s.length_count; i++) {
		uint32_t truth = sample_get(&s, s.lengths[i]);

		for (size_t k = 0; k < sizeof(lies) / sizeof(lies[0]) + 2; k++) {
			uint32_t lie = k < sizeof(lies) / sizeof(lies[0]) ? lies[k]
			    : k % 2 == 0                                  ? truth + 4
									  : truth - 4;
			struct walked w;
			unsigned known_before = s.sample_of[i] - (s.sample_of[i] > 1);

			if (lie == truth)
				continue;
			tried++;
			sample_put(&s, s.lengths[i], lie);
			w = walk(s.bytes.data, s.bytes.len);
			sample_put(&s, s.lengths[i], truth);
			unseen += w.it.fault == FAULT_NONE;
			crossed += w.count < known_before;
			if (s.of_record[i]) /* never more than its own sample */
				others += w.count + w.it.malformed != SAMPLES - 1 || w.it.malformed > 1;
		}
	}
	ok(tried > 100, "%zu wrong lengths", tried);
	is_u64(crossed, 0, "samples before are found whatever the length");
	is_u64(others, 0, "a record's length costs its sample alone");
	is_u64(unseen, 0, "each is at fault");
	buf_clear(&s.bytes);
}

static void
test_counts(void)
{
	struct sample s;
	struct walked w;

	sample_everything(&s, 4);
	sample_put(&s, s.count_at, SAMPLES + 1);
	w = walk(s.bytes.data, s.bytes.len);
	ok(w.count == SAMPLES - 1 && w.it.fault == FAULT_SAMPLE_LENGTH && w.it.malformed == 1,
	    "one sample more than there are");
	sample_put(&s, s.count_at, UINT32_MAX);
	w = walk(s.bytes.data, s.bytes.len);
	ok(w.count == SAMPLES - 1 && w.it.malformed == 1, "four milliards of them");
	sample_put(&s, s.count_at, SAMPLES - 1);
	w = walk(s.bytes.data, s.bytes.len);
	ok(w.count == SAMPLES - 2 && w.it.fault == FAULT_STRAY, "one less");
	sample_put(&s, s.count_at, SAMPLES);
	sample_put(&s, s.lengths[0] + 4 + 28, UINT32_MAX); /* records of the first sample */
	w = walk(s.bytes.data, s.bytes.len);
	ok(w.count == SAMPLES - 2 && w.it.malformed == 1 && w.formats[0] == 2,
	    "records that are not there cost the sample");
	buf_clear(&s.bytes);
}

static void
test_parts(void)
{
	static const uint8_t text[] = {0, 0, 0, 5, 'h', 'e', 'l', 'l', 'o', 0, 0, 0, 9};
	static const uint8_t six[20] = {0, 0, 0, 2, 0x20, 1};
	struct rd r = rd_init(text, 12);
	struct sflow_address a;
	uint32_t len = 0;
	const uint8_t *bytes = sflow_octets(&r, &len);

	ok(bytes == text + 4 && len == 5 && rd_left(&r) == 0, "octets with filler");
	r = rd_init(text, 9);
	ok(sflow_octets(&r, &len) != NULL && rd_ok(&r), "filler that is left out at the end");
	r = rd_init(text, 8);
	ok(sflow_octets(&r, &len) == NULL && !rd_ok(&r), "octets that are cut");
	r = rd_init(six, 20);
	a = sflow_address(&r);
	ok(a.version == 6 && a.bytes == six + 4, "an address of IPv6");
	r = rd_init(six, 19);
	a = sflow_address(&r);
	ok(a.version == 0 && !rd_ok(&r), "an address that is cut");
	r = rd_init(text + 9, 4); /* 0, 0, 0, 9 */
	a = sflow_address(&r);
	ok(a.version == 0 && rd_ok(&r), "an address of no kind has no bytes");
}

int
main(void)
{
	test_values();
	test_packed();
	test_prefixes();
	test_lies();
	test_counts();
	test_parts();
	return done_testing();
}
