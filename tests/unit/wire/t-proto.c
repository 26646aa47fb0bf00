/* SPDX-License-Identifier: ISC
 *
 * Recognition and the check of lengths: every protocol, whole, cut at every byte, and with one lie.
 */
#include "tests/tap.h"
#include "tests/unit/wire/build-export.h"
#include "wire/proto.h"

static const enum proto all[] = {PROTO_V1, PROTO_V5, PROTO_V7, PROTO_V8, PROTO_V9, PROTO_IPFIX, PROTO_SFLOW5};
#define ALL (sizeof(all) / sizeof(all[0]))

static const size_t header_sizes[ALL] = {16, 24, 24, 28, 20, 16, 28};

/* A valid datagram of two records, or of a template and two records of it. */
static struct export valid(enum proto p)
{
	struct export x = export_new(p);

	if (p == PROTO_V9 || p == PROTO_IPFIX) {
		export_template(&x, 256, FIELDS({8, 4, 0}, {12, 4, 0}, {4, 1, 0}));
		export_options(&x, 257, 1, FIELDS({1, 4, 0}, {34, 4, 0}));
		export_data(&x, 256, 2, 9);
	} else {
		export_records(&x, 2);
	}
	export_end(&x);
	return x;
}

static enum proto_fault
check(const struct export *x)
{
	struct proto_info info = export_info(x);

	return proto_check(x->bytes.data, x->bytes.len, &info);
}

static void
is_fault(const struct export *x, enum proto_fault want, const char *what)
{
	is_text(proto_fault_name(check(x)), proto_fault_name(want), "%s: %s", proto_name(x->proto), what);
}

static void
test_headers(enum proto p, size_t header_size)
{
	struct export x = valid(p);
	struct proto_info i = export_info(&x);
	const char *name = proto_name(p);
	bool sets = p == PROTO_V9 || p == PROTO_IPFIX, has_domain = p != PROTO_V1 && p != PROTO_V7;

	ok(i.proto == p && !i.cut, "%s: recognised", name);
	is_u64(i.header_len, header_size, "%s: length of the header", name);
	is_u64(i.has_sequence ? i.sequence : 0, p == PROTO_V1 ? 0 : EXPORT_SEQUENCE, "%s: sequence", name);
	is_u64(i.has_uptime ? i.uptime_ms : 0, p == PROTO_IPFIX ? 0 : EXPORT_UPTIME, "%s: uptime", name);
	is_u64(i.domain, has_domain ? EXPORT_DOMAIN : 0, "%s: domain, engine type before engine id", name);
	is_u64(i.has_time ? (uint64_t)(i.export_time.ns / NS_PER_SEC) : 0,
	    p == PROTO_SFLOW5 ? 0 : EXPORT_SECONDS, "%s: seconds", name);
	is_u64((uint64_t)(i.export_time.ns % NS_PER_SEC), sets || p == PROTO_SFLOW5 ? 0 : EXPORT_NANOSECONDS,
	    "%s: nanoseconds", name);
	is_u64(i.count, p == PROTO_IPFIX ? 0 : p == PROTO_V9 ? 4 : 2, "%s: count", name);
	is_u64(i.sampling, p == PROTO_V5 ? EXPORT_SAMPLING : 0, "%s: sampling", name);
	is_u64(i.aggregation, p == PROTO_V8 ? 1 : 0, "%s: aggregation", name);
	is_fault(&x, FAULT_NONE, "is sound");
	export_free(&x);
}

/* A prefix is refused, or recognised as cut with none of its numbers, or has a fault. But v9 does not say how long it
 * is: a prefix of whole sets is sound, and so is one with zeros behind them. */
static void
test_prefixes(enum proto p, size_t header_size)
{
	struct export x = valid(p);
	unsigned wrong = 0, sound = 0;

	for (size_t len = 0; len < x.bytes.len; len++) {
		uint8_t *bytes = export_prefix(&x, len);
		struct proto_info i = {.header_len = 99};
		enum err e = proto_recognise(bytes, len, &i);
		struct proto_info none = {.proto = p, .cut = true, .header_len = (uint32_t)len};

		if (e != ERR_OK)
			wrong += len >= 4 || i.header_len != 99;
		else if (len < header_size)
			wrong += memcmp(&i, &none, sizeof(i)) != 0 ||
			    proto_check(bytes, len, &i) != FAULT_HEADER_CUT;
		else
			sound += proto_check(bytes, len, &i) == FAULT_NONE;
		free(bytes);
	}
	is_u64(wrong, 0, "%s: prefixes shorter than the header have nothing but the protocol", proto_name(p));
	is_u64(sound, p == PROTO_V9 ? 7 : 0, "%s: longer prefixes have a fault", proto_name(p));
	export_free(&x);
}

static void
test_unknown(void)
{
	static const uint8_t unknown[][8] = {{0, 0}, {0, 2}, {0, 3}, {0, 4}, {0, 6}, {0, 11}, {5, 0},
	    {0xff, 0xff}, {0, 0, 0, 4}, {0, 0, 0, 6}, {0, 0, 5, 0}, {0, 0, 0, 5, 0, 0, 0, 3},
	    {0, 0, 0, 5, 0, 0, 0, 0}};
	struct proto_info i = {.count = 77};
	unsigned known = 0;

	for (size_t k = 0; k < sizeof(unknown) / sizeof(unknown[0]); k++)
		known += proto_recognise(unknown[k], 8, &i) != ERR_UNKNOWN;
	is_u64(known, 0, "versions that do not exist are not recognised");
	ok(proto_recognise(NULL, 0, &i) == ERR_UNKNOWN, "nor is an empty payload");
	ok(proto_recognise((const uint8_t *)"", 1, &i) == ERR_UNKNOWN, "nor a single byte");
	is_u64(i.count, 77, "and nothing is answered");
}

static void
test_sflow_v6(void)
{
	static const uint8_t head[] = {0, 0, 0, 5, 0, 0, 0, 2, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	    0, 0, 9, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0, 0};
	struct proto_info i;

	ok(proto_recognise(head, sizeof(head), &i) == ERR_OK && !i.cut, "sFlow 5: IPv6 agent");
	ok(memcmp(i.agent.b, head + 8, 16) == 0, "sFlow 5: its address");
	is_u64(i.domain, 3, "sFlow 5: sub-agent behind it");
	is_u64(i.header_len, sizeof(head), "sFlow 5: the header is longer with it");
	ok(proto_recognise(head, sizeof(head) - 1, &i) == ERR_OK && i.cut, "sFlow 5: cut with it");
}

static void
lie(enum proto p, enum place place, uint16_t value, enum proto_fault want, const char *what)
{
	struct export x = valid(p);

	export_lie(&x, place, value);
	is_fault(&x, want, what);
	export_free(&x);
}

static void
test_counts(void)
{
	static const enum proto old[] = {PROTO_V1, PROTO_V5, PROTO_V7, PROTO_V8};
	struct export x;

	for (size_t i = 0; i < sizeof(old) / sizeof(old[0]); i++) {
		lie(old[i], PLACE_COUNT, 3, FAULT_COUNT, "one record more than there are");
		lie(old[i], PLACE_COUNT, 1, FAULT_COUNT, "one record less");
		lie(old[i], PLACE_COUNT, 0, FAULT_COUNT, "no records, but bytes");
		lie(old[i], PLACE_COUNT, UINT16_MAX, FAULT_COUNT, "as many records as can be said");
		x = export_new(old[i]);
		export_end(&x);
		is_fault(&x, FAULT_NONE, "no records");
		export_free(&x);
	}
	lie(PROTO_V9, PLACE_COUNT, 0, FAULT_NONE, "the header's count is not believed");
	lie(PROTO_SFLOW5, PLACE_COUNT, 3, FAULT_SAMPLE_LENGTH, "one sample more than there are");
	lie(PROTO_SFLOW5, PLACE_COUNT, 1, FAULT_STRAY, "one sample less");
	lie(PROTO_SFLOW5, PLACE_SAMPLE_LENGTH, 41, FAULT_SAMPLE_LENGTH, "a sample runs past the end");
	lie(PROTO_SFLOW5, PLACE_SAMPLE_LENGTH, 39, FAULT_SAMPLE_LENGTH,
	    "a sample ends before its records do");
}

/* Lengths of records as flow-tools and Cisco have them. */
static void
test_aggregates(void)
{
	static const uint8_t lengths[] = {28, 28, 32, 32, 40, 32, 40, 44, 32, 32, 32, 32, 40, 40};
	unsigned wrong = 0;

	for (unsigned scheme = 0; scheme <= 255; scheme++) {
		struct export x = export_new(PROTO_V8);
		bool known = scheme >= 1 && scheme <= sizeof(lengths);
		uint8_t record[44] = {0};

		export_bytes(&x, record, known ? lengths[scheme - 1] : 28);
		x.records = 1;
		export_end(&x);
		x.bytes.data[22] = (uint8_t)scheme;
		wrong += check(&x) != (known ? FAULT_NONE : FAULT_COUNT);
		export_bytes(&x, record, 1);
		wrong += check(&x) != FAULT_COUNT;
		export_free(&x);
	}
	is_u64(wrong, 0,
	    "v8: records are as long as the scheme says, and a scheme that does not exist is a fault");
}

static void
test_sets(enum proto p)
{
	uint16_t length;
	struct export x = valid(p);

	length = export_truth(&x, PLACE_SET_LENGTH);
	export_free(&x);
	lie(p, PLACE_SET_LENGTH, 0, FAULT_SET_LENGTH, "a set of length 0");
	lie(p, PLACE_SET_LENGTH, 3, FAULT_SET_LENGTH, "a set shorter than its header");
	lie(p, PLACE_SET_LENGTH, 4, FAULT_SET_LENGTH, "a set of nothing, its records read as sets");
	lie(p, PLACE_SET_LENGTH, (uint16_t)(length + 1), FAULT_SET_LENGTH, "a set one byte past the end");
	lie(p, PLACE_SET_LENGTH, UINT16_MAX, FAULT_SET_LENGTH, "a set of 65,535 bytes");
	lie(p, PLACE_SET_LENGTH, (uint16_t)(length - 1), FAULT_STRAY, "a stray byte behind the last set");
	lie(p, PLACE_FIELD_COUNT, 400, FAULT_TEMPLATE, "a template with more fields than its set holds");
	lie(p, PLACE_FIELD_COUNT, UINT16_MAX, FAULT_TEMPLATE, "a template with 65,535 fields");
	lie(p, PLACE_TEMPLATE_ID, 255, FAULT_TEMPLATE, "a template with an id of sets");
	for (uint16_t id = 0; id < 8; id++) {
		x = valid(p);
		export_open(&x, id);
		export_close(&x);
		export_end(&x);
		export_lie(&x, PLACE_SET_LENGTH, 0);
		is_fault(&x, FAULT_SET_LENGTH, "a last set of length 0, of any kind");
		export_free(&x);
	}
}

static void
test_message_length(void)
{
	struct export x = valid(PROTO_IPFIX);
	uint16_t length = export_truth(&x, PLACE_MESSAGE_LENGTH);

	export_free(&x);
	lie(PROTO_IPFIX, PLACE_MESSAGE_LENGTH, (uint16_t)(length + 1), FAULT_LENGTH,
	    "a message longer than its datagram");
	lie(PROTO_IPFIX, PLACE_MESSAGE_LENGTH, (uint16_t)(length - 1), FAULT_LENGTH, "a message shorter");
	lie(PROTO_IPFIX, PLACE_MESSAGE_LENGTH, 0, FAULT_LENGTH, "a message of length 0");
}

static void
test_names(void)
{
	static const char *const names[ALL] = {"v1", "v5", "v7", "v8", "v9", "IPFIX", "sFlow 5"};
	static const char *const versions[ALL] = {"1", "5", "7", "8", "9", "10", "\"sflow5\""};
	unsigned same = 0;

	for (size_t i = 0; i < ALL; i++) {
		is_text(proto_name(all[i]), names[i], "name of %s", names[i]);
		is_text(proto_version_json(all[i]), versions[i], "version of %s", names[i]);
	}
	for (unsigned f = 0; f < FAULT_COUNT_OF_KINDS; f++) {
		for (unsigned g = 0; g < f; g++)
			same += strcmp(proto_fault_name((enum proto_fault)f),
				    proto_fault_name((enum proto_fault)g)) == 0;
	}
	is_u64(same, 0, "every fault has a name of its own");
	is_text(proto_name((enum proto)77), "none", "name of a protocol that does not exist");
	is_text(proto_name(PROTO_NONE), "none", "name of no protocol");
	is_text(proto_version_json(PROTO_NONE), "null", "version of no protocol");
	is_text(proto_fault_name(FAULT_COUNT_OF_KINDS), "unknown", "a fault that does not exist has a name");
}

int
main(void)
{
	for (size_t i = 0; i < ALL; i++) {
		test_headers(all[i], header_sizes[i]);
		test_prefixes(all[i], header_sizes[i]);
	}
	test_unknown();
	test_sflow_v6();
	test_counts();
	test_aggregates();
	test_sets(PROTO_V9);
	test_sets(PROTO_IPFIX);
	test_message_length();
	test_names();
	return done_testing();
}
