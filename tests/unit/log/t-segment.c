/* SPDX-License-Identifier: ISC
 *
 * Headers and seals to bytes and back; the bytes are those that flowbraid-segment(5) shows.
 */
#include "log/segment.h"

#include <string.h>

#include "base/crc32c.h"
#include "base/rd.h"
#include "tests/tap.h"

static const struct segment_header header = {
    .kind = SEGMENT_WINDOW,
    .compatible = 0x80000001,
    .cluster = "edge",
    .node = "col-a",
    .lane = 0x0102,
    .incarnation = 0x1122334455667788ULL,
    .number = 0x0a0b0c0d,
    .first_sequence = 42,
    .time = {1700000000000000000LL},
};

static bool
same_header(const struct segment_header *a, const struct segment_header *b)
{
	return a->kind == b->kind && a->compatible == b->compatible && a->incompatible == b->incompatible &&
	    strcmp(a->cluster, b->cluster) == 0 && strcmp(a->node, b->node) == 0 && a->lane == b->lane &&
	    a->incarnation == b->incarnation && a->number == b->number &&
	    a->first_sequence == b->first_sequence && a->time.ns == b->time.ns;
}

/* Puts the right CRC behind a header that was changed. */
static void
fix(uint8_t *bytes)
{
	uint32_t crc = crc32c(0, bytes, 508);

	for (int i = 0; i < 4; i++)
		bytes[508 + i] = (uint8_t)(crc >> (24 - 8 * i));
}

static void
test_header(void)
{
	static const uint8_t begin[] = {0x89, 'F', 'B', 'S', 'E', 'G', '\r', '\n', 0, 1, 2, 0, 0x80, 0, 0, 1,
	    0, 0, 0, 0, 0, 2, 1, 2, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0, 0, 0, 0, 0x0a, 0x0b,
	    0x0c, 0x0d};
	uint8_t bytes[SEGMENT_RECORDS_AT], changed[SEGMENT_HEADER_SIZE];
	struct segment_header got;
	unsigned refused = 0;

	segment_header_write(&header, bytes);
	ok(memcmp(bytes, begin, sizeof(begin)) == 0, "header: the bytes of the description");
	ok(memcmp(bytes + 56, "edge\0\0", 6) == 0 && memcmp(bytes + 120, "col-a\0\0", 7) == 0,
	    "header: names");
	ok(memcmp(bytes, bytes + SEGMENT_HEADER_SIZE, SEGMENT_HEADER_SIZE) == 0, "header: two equal copies");
	ok(segment_header_read(bytes, sizeof(bytes), &got) == ERR_OK && same_header(&got, &header),
	    "header: round trip");
	ok(segment_header_read(bytes, SEGMENT_HEADER_SIZE - 1, &got) == ERR_CUT, "header: cut");
	for (size_t i = 0; i < SEGMENT_HEADER_SIZE; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			memcpy(changed, bytes, sizeof(changed));
			changed[i] ^= (uint8_t)(1u << bit);
			if (segment_header_read(changed, sizeof(changed), &got) != ERR_OK)
				refused++;
		}
	}
	is_u64(refused, SEGMENT_HEADER_SIZE * 8, "header: each bit toggled is refused");
	memcpy(changed, bytes, sizeof(changed));
	changed[9] = 2;
	fix(changed);
	ok(segment_header_read(changed, sizeof(changed), &got) == ERR_UNKNOWN, "header: version 2");
	changed[9] = 1;
	changed[19] = SEGMENT_SELECTED << 1;
	fix(changed);
	ok(segment_header_read(changed, sizeof(changed), &got) == ERR_UNKNOWN,
	    "header: incompatible feature");
	changed[19] = SEGMENT_SELECTED;
	fix(changed);
	ok(segment_header_read(changed, sizeof(changed), &got) == ERR_OK &&
		got.incompatible == SEGMENT_SELECTED,
	    "header: the one that is known");
	changed[19] = 0;
	changed[21] = 4;
	fix(changed);
	ok(segment_header_read(changed, sizeof(changed), &got) == ERR_MALFORMED, "header: unknown kind");
	changed[21] = 1;
	changed[119] = 'x';
	fix(changed);
	ok(segment_header_read(changed, sizeof(changed), &got) == ERR_MALFORMED,
	    "header: bytes behind a name");
	memset(changed + 56, 'x', 64);
	fix(changed);
	ok(segment_header_read(changed, sizeof(changed), &got) == ERR_MALFORMED,
	    "header: a name without end");
}

static void
test_record(void)
{
	static const uint8_t begin[] = {0xfb, 0x5e, 1, 3, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 1, 0};
	struct record r = {
	    .type = RECORD_DATAGRAM,
	    .flags = RECORD_CUT | RECORD_MALFORMED,
	    .listener = 9,
	    .port = 2055,
	    .sequence = 256,
	    .time = {-5},
	    .addr = addr_v4(0xc0000201),
	    .len = 5,
	};
	uint32_t seed = record_seed(header.incarnation);
	uint8_t bytes[RECORD_HEADER_SIZE], body[8] = {1, 2, 3, 4, 5};
	struct record got;
	unsigned refused = 0;

	is_u64(seed, crc32c(0, "\x11\x22\x33\x44\x55\x66\x77\x88", 8),
	    "record: the seed is the incarnation's CRC");
	r.body_crc = record_body_crc(seed, body, r.len);
	is_u64(r.body_crc, crc32c(seed, body, 8), "record: the body's CRC covers its padding");
	is_u64(record_body_crc(seed, NULL, 0), seed, "record: the CRC of no body is the seed");
	record_header_write(&r, seed, bytes);
	ok(memcmp(bytes, begin, sizeof(begin)) == 0, "record: the bytes of the description");
	ok(record_header_read(bytes, seed, &got) == ERR_OK && got.type == r.type && got.flags == r.flags &&
		got.listener == r.listener && got.port == r.port && got.sequence == r.sequence &&
		got.time.ns == r.time.ns && addr_cmp(&got.addr, &r.addr) == 0 && got.len == r.len &&
		got.body_crc == r.body_crc && got.body == NULL,
	    "record: round trip");
	ok(record_header_read(bytes, seed + 1, &got) == ERR_CHECKSUM, "record: of another incarnation");
	for (size_t i = 0; i < sizeof(bytes); i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			bytes[i] ^= (uint8_t)(1u << bit);
			if (record_header_read(bytes, seed, &got) != ERR_OK)
				refused++;
			bytes[i] ^= (uint8_t)(1u << bit);
		}
	}
	is_u64(refused, sizeof(bytes) * 8, "record: each bit toggled is refused");
	r.len = RECORD_BODY_MAX + 1;
	record_header_write(&r, seed, bytes);
	ok(record_header_read(bytes, seed, &got) == ERR_MALFORMED, "record: too long");
	r.len = 5;
	r.type = (enum record_type)0;
	record_header_write(&r, seed, bytes);
	ok(record_header_read(bytes, seed, &got) == ERR_MALFORMED, "record: type 0");
	r.type = (enum record_type)200;
	record_header_write(&r, seed, bytes);
	ok(record_header_read(bytes, seed, &got) == ERR_OK, "record: a type that is not known yet");
	is_u64(record_size(0), 56, "record: size without body");
	is_u64(record_size(1), 64, "record: size with padding");
	is_u64(record_size(8), 64, "record: size without padding");
}

static void
test_seal(void)
{
	struct seal s = {
	    .count = 10,
	    .first = 42,
	    .last = 51,
	    .length = 4096,
	    .digest = sha256_of("a", 1),
	    .previous_number = 6,
	    .previous = sha256_of("b", 1),
	};
	uint8_t body[SEAL_BODY_SIZE + 1] = {0}, record[SEAL_RECORD_SIZE];
	uint32_t seed = record_seed(1);
	struct sha256 d;
	struct record r;
	struct seal got;

	seal_write(&s, body);
	ok(seal_read(body, SEAL_BODY_SIZE, &got) == ERR_OK && memcmp(&got, &s, sizeof(s)) == 0,
	    "seal: round trip");
	ok(seal_read(body, SEAL_BODY_SIZE - 1, &got) == ERR_CUT, "seal: cut");
	ok(seal_read(body, SEAL_BODY_SIZE + 1, &got) == ERR_MALFORMED, "seal: longer");
	body[SEAL_BODY_SIZE - 1] = 1;
	ok(seal_read(body, SEAL_BODY_SIZE, &got) == ERR_MALFORMED, "seal: a reserved byte");
	body[SEAL_BODY_SIZE - 1] = 0;
	d = sha256_of(body, SEAL_BODY_SIZE);
	got = s;
	ok(memcmp(seal_digest(&got).b, d.b, sizeof(d.b)) == 0, "seal: its digest is that of its body");
	seal_record_write(&s, 52, (wall_t){7}, seed, record);
	ok(record_header_read(record, seed, &r) == ERR_OK && r.type == RECORD_SEAL && r.sequence == 52 &&
		r.len == SEAL_BODY_SIZE &&
		r.body_crc == record_body_crc(seed, record + RECORD_HEADER_SIZE, SEAL_BODY_SIZE),
	    "seal: its record");
}

int
main(void)
{
	test_header();
	test_record();
	test_seal();
	return done_testing();
}
