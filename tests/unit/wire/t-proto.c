/* SPDX-License-Identifier: ISC
 *
 * Recognition of all protocols, headers that are cut, and the check of lengths.
 */
#include "wire/proto.h"

#include "tests/message.h"
#include "tests/tap.h"

static struct proto_info
recognise(const struct buf *b, const char *what)
{
	struct proto_info info = {0};

	ok(proto_recognise(b->data, b->len, &info) == ERR_OK, "%s is recognised", what);
	return info;
}

static void
test_old(struct buf *b)
{
	static const uint16_t versions[] = {1, 5, 7, 8};

	for (size_t i = 0; i < 4; i++) {
		uint16_t v = versions[i];
		struct proto_info info;

		message_old(b, v, 3, 4000);
		if (v == 5)
			b->data[20] = 7;
		if (v == 8) {
			message_put_u16(b, 20, 0x0709);
			buf_u32(b, 0);
		}
		info = recognise(b, proto_name((enum proto)v));
		is_u64(info.proto, v, "version");
		is_u64(info.count, 3, "count");
		is_u64(info.uptime_ms, MESSAGE_UPTIME, "uptime");
		is_u64((uint64_t)info.export_time.ns, MESSAGE_SECONDS * 1000000000ULL + 500000000, "export time");
		is_u64(info.has_sequence, v != 1, "sequence is there");
		is_u64(info.sequence, v == 1 ? 0 : 4000, "sequence");
		is_u64(info.domain, v == 5 ? 0x0702 : v == 8 ? 0x0709 : 0, "domain");
		is_u64(info.header_len, b->len, "header");
		ok(!info.cut && info.has_uptime && info.has_time, "whole");
	}
}

static void
test_new(struct buf *b)
{
	struct proto_info info;

	message_v9(b, 77, 0x80000005);
	info = recognise(b, "v9");
	ok(info.proto == PROTO_V9 && info.sequence == 77 && info.domain == 0x80000005 && info.has_uptime &&
		info.export_time.ns == MESSAGE_SECONDS * NS_PER_SEC && info.header_len == 20,
	    "v9's header");
	message_ipfix(b, 78, 6);
	info = recognise(b, "IPFIX");
	ok(info.proto == PROTO_IPFIX && info.sequence == 78 && info.domain == 6 && !info.has_uptime && info.has_time &&
		info.header_len == 16,
	    "IPFIX' header");
}

static void
put_sflow(struct buf *b, uint32_t address_type)
{
	buf_reset(b);
	buf_u32(b, 5);
	buf_u32(b, address_type);
	for (uint32_t i = 0; i < (address_type == 2 ? 4U : 1U); i++)
		buf_u32(b, 0xc0000263 + i);
	buf_u32(b, 11); /* sub-agent */
	buf_u32(b, 79);
	buf_u32(b, MESSAGE_UPTIME);
	buf_u32(b, 1);
	buf_u32(b, 1); /* a sample of 8 bytes */
	buf_u32(b, 8);
	buf_u64(b, 0);
}

static void
test_sflow(struct buf *b)
{
	struct proto_info info;
	char text[ADDR_TEXT_SIZE];

	put_sflow(b, 1);
	info = recognise(b, "sFlow");
	ok(info.proto == PROTO_SFLOW5 && info.sequence == 79 && info.domain == 11 && info.count == 1 && !info.has_time &&
		info.has_uptime,
	    "sFlow's header");
	is_text(addr_text(&info.agent, text), "192.0.2.99", "its agent");
	is_u64(proto_check(b->data, b->len, &info), FAULT_NONE, "its sample fits");
	b->data[35] = 9;
	is_u64(proto_check(b->data, b->len, &info), FAULT_SAMPLE_LENGTH, "a sample past the end");
	b->data[35] = 8;
	buf_u32(b, 0);
	is_u64(proto_check(b->data, b->len, &info), FAULT_STRAY, "bytes behind the last sample");
	put_sflow(b, 2);
	info = recognise(b, "sFlow with an IPv6 agent");
	ok(info.header_len == 40 && !addr_is_v4(&info.agent) && info.domain == 11, "has a longer header");
	put_sflow(b, 3);
	is_u64(proto_recognise(b->data, b->len, &info), ERR_UNKNOWN, "an agent of no known kind");
}

static void
test_unknown(void)
{
	static const uint8_t inputs[][4] = {{0, 0, 0, 4}, {0, 2, 0, 0}, {0, 3, 0, 0}, {0, 4, 0, 0}, {0, 6, 0, 0},
	    {0, 11, 0, 0}, {5, 0, 0, 0}, {'G', 'E', 'T', ' '}};
	struct proto_info info;

	for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++)
		is_u64(proto_recognise(inputs[i], 4, &info), ERR_UNKNOWN, "input %zu begins like nothing known", i);
	is_u64(proto_recognise(NULL, 0, &info), ERR_UNKNOWN, "nor does nothing");
	is_u64(proto_recognise((const uint8_t *)"", 1, &info), ERR_UNKNOWN, "nor one byte");
}

/* Every prefix that holds the version is recognised as cut, with no number in it believed. */
static void
test_cut(struct buf *b, const char *what, size_t header)
{
	unsigned bad = 0;

	for (size_t len = 4; len < header; len++) {
		uint8_t *cut = malloc(len);
		struct proto_info info = {0};

		memcpy(cut, b->data, len);
		if (proto_recognise(cut, len, &info) != ERR_OK || !info.cut || info.domain != 0 || info.sequence != 0 ||
		    info.has_time || info.has_sequence || info.header_len != len ||
		    proto_check(cut, len, &info) != FAULT_HEADER_CUT)
			bad++;
		free(cut);
	}
	is_u64(bad, 0, "%s: every cut header", what);
}

static void
test_counts(struct buf *b)
{
	struct proto_info info;

	message_old(b, 5, 2, 1);
	message_old_record(b, 5, 1);
	message_old_record(b, 5, 2);
	info = recognise(b, "v5");
	is_u64(proto_check(b->data, b->len, &info), FAULT_NONE, "two records, as counted");
	is_u64(proto_check(b->data, b->len - 1, &info), FAULT_COUNT, "a byte short");
	buf_u8(b, 0);
	is_u64(proto_check(b->data, b->len, &info), FAULT_COUNT, "a byte too many");
	message_put_u16(b, 2, 65535);
	info = recognise(b, "v5 with a count that lies");
	is_u64(proto_check(b->data, b->len, &info), FAULT_COUNT, "more counted than there");
}

static void
test_names(void)
{
	unsigned empty = 0;

	is_text(proto_name(PROTO_IPFIX), "IPFIX", "a protocol's name");
	is_text(proto_name(PROTO_SFLOW5), "sFlow 5", "another");
	is_text(proto_name((enum proto)77), "none", "no protocol");
	for (int i = 0; i < FAULT_COUNT_OF_KINDS; i++)
		empty += proto_fault_name((enum proto_fault)i) == NULL || proto_fault_name((enum proto_fault)i)[0] == '\0';
	is_u64(empty, 0, "every fault has a name");
	is_text(proto_fault_name((enum proto_fault)99), "unknown", "what is none has none");
}

int
main(void)
{
	struct buf b = BUF_INIT;

	test_old(&b);
	test_new(&b);
	test_sflow(&b);
	test_unknown();
	message_old(&b, 5, 0, 1);
	test_cut(&b, "v5", 24);
	message_v9(&b, 1, 1);
	test_cut(&b, "v9", 20);
	message_ipfix(&b, 1, 1);
	test_cut(&b, "IPFIX", 16);
	put_sflow(&b, 1);
	test_cut(&b, "sFlow", 28);
	test_counts(&b);
	test_names();
	buf_clear(&b);
	return done_testing();
}
