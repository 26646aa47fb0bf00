/* SPDX-License-Identifier: ISC
 *
 * Keys of streams: their order, which is the archive's, and their canonical bytes.
 */
#include "tests/tap.h"
#include "wire/stream.h"

/* Each is less than the next. */
static struct stream_key ordered[] = {
    {.port = 1, .proto = PROTO_V5},
    {.exporter = {{1}}, .port = 1, .proto = PROTO_V9, .agent = {{9}}, .domain = 9},
    {.exporter = {{1}}, .port = 255, .proto = PROTO_V5},
    {.exporter = {{1}}, .port = 256, .proto = PROTO_V5, .domain = 1},
    {.exporter = {{1}}, .port = 256, .proto = PROTO_V5, .domain = 256},
    {.exporter = {{1}}, .port = 256, .proto = PROTO_V5, .agent = {{1}}},
    {.exporter = {{1}}, .port = 256, .proto = PROTO_SFLOW5, .agent = {{1}}, .domain = UINT32_MAX},
    {.exporter = {{2}}, .port = 1, .proto = PROTO_V1},
};
#define COUNT (sizeof(ordered) / sizeof(ordered[0]))

static void
test_order(void)
{
	struct buf a = BUF_INIT, b = BUF_INIT;
	unsigned wrong = 0, wrong_bytes = 0, same_hash = 0;

	for (size_t i = 0; i < COUNT; i++) {
		for (size_t k = 0; k < COUNT; k++) {
			int want = i < k ? -1 : i > k, got = stream_key_cmp(&ordered[i], &ordered[k]), bytes;

			buf_reset(&a);
			buf_reset(&b);
			stream_key_write(&a, &ordered[i]);
			stream_key_write(&b, &ordered[k]);
			bytes = memcmp(a.data, b.data, STREAM_KEY_SIZE);
			wrong += (got > 0) != (want > 0) || (got < 0) != (want < 0);
			wrong_bytes += (bytes > 0) != (want > 0) || (bytes < 0) != (want < 0);
			same_hash += i != k &&
			    stream_key_hash(&ordered[i], 1) == stream_key_hash(&ordered[k], 1);
		}
	}
	is_u64(wrong, 0, "order: exporter, port, protocol, agent, domain");
	is_u64(wrong_bytes, 0, "canonical bytes have the same order");
	is_u64(same_hash, 0, "different keys have different hashes");
	buf_clear(&a);
	buf_clear(&b);
}

static void
test_bytes(void)
{
	struct stream_key k = {.exporter = addr_v4(0xc0000201),
	    .agent = {{0x20, 1}},
	    .domain = 0x01020304,
	    .port = 2055,
	    .proto = PROTO_SFLOW5};
	static const uint8_t want[STREAM_KEY_SIZE] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1,
	    8, 7, 105, 0, 0x20, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4};
	struct stream_key back = {0};
	struct buf b = BUF_INIT;
	struct rd r;
	unsigned taken = 0;

	stream_key_write(&b, &k);
	ok(b.len == sizeof(want) && memcmp(b.data, want, sizeof(want)) == 0, "canonical bytes");
	r = rd_init(b.data, b.len);
	ok(stream_key_read(&r, &back) == ERR_OK && stream_key_cmp(&k, &back) == 0, "read back");
	is_u64(rd_left(&r), 0, "all of them");
	for (size_t len = 0; len < b.len; len++) {
		r = rd_init(b.data, len);
		taken += stream_key_read(&r, &back) != ERR_CUT;
	}
	is_u64(taken, 0, "every prefix is refused");
	b.data[19] = 1;
	r = rd_init(b.data, b.len);
	ok(stream_key_read(&r, &back) == ERR_MALFORMED, "filler that is not 0 is refused");
	buf_clear(&b);
}

static void
test_key_of(void)
{
	struct proto_info info = {.proto = PROTO_SFLOW5, .agent = {{7}}, .domain = 3, .sequence = 9};
	struct addr exporter = addr_v4(1);
	struct stream_key want = {
	    .exporter = exporter, .agent = {{7}}, .domain = 3, .port = 6343, .proto = PROTO_SFLOW5};
	struct stream_key got = stream_key_of(&exporter, 6343, &info);

	ok(stream_key_cmp(&got, &want) == 0, "key of a datagram");
}

int
main(void)
{
	test_order();
	test_bytes();
	test_key_of();
	return done_testing();
}
