/* SPDX-License-Identifier: ISC
 *
 * Stream keys: order, canonical bytes, hash.
 */
#include "wire/stream.h"

#include "tests/tap.h"

static struct stream_key
key(uint32_t exporter, uint16_t port, uint8_t proto, uint32_t agent, uint32_t domain)
{
	return (struct stream_key){.exporter = addr_v4(exporter), .port = port, .proto = proto, .agent = addr_v4(agent),
	    .domain = domain};
}

int
main(void)
{
	/* in order */
	struct stream_key keys[] = {key(1, 9, 9, 9, 9), key(2, 1, 9, 9, 9), key(2, 2, 5, 9, 9), key(2, 2, 9, 1, 9),
	    key(2, 2, 9, 2, 1), key(2, 2, 9, 2, 0x80000000)};
	size_t count = sizeof(keys) / sizeof(keys[0]);
	struct buf b = BUF_INIT;
	struct stream_key again;
	struct rd r;
	unsigned wrong = 0, same_hash = 0;

	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < count; k++) {
			int c = stream_key_cmp(&keys[i], &keys[k]);

			wrong += (c < 0) != (i < k) || (c > 0) != (i > k);
			same_hash += i != k && stream_key_hash(&keys[i]) == stream_key_hash(&keys[k]);
		}
	}
	is_u64(wrong, 0, "exporter, port, protocol, agent, domain, in this order");
	is_u64(same_hash, 0, "different keys have different hashes");
	stream_key_write(&b, &keys[5]);
	is_u64(b.len, STREAM_KEY_SIZE, "size");
	ok(memcmp(b.data, "\0\0\0\0\0\0\0\0\0\0\xff\xff\0\0\0\2\0\2\x09\0\0\0\0\0\0\0\0\0\0\0\xff\xff\0\0\0\2\x80\0\0\0", 40) == 0,
	    "canonical bytes");
	r = rd_init(b.data, b.len);
	ok(stream_key_read(&r, &again) == ERR_OK && stream_key_cmp(&again, &keys[5]) == 0 && rd_left(&r) == 0,
	    "read back the same");
	for (size_t len = 0; len < b.len; len++) {
		r = rd_init(b.data, len);
		wrong += stream_key_read(&r, &again) != ERR_CUT;
	}
	is_u64(wrong, 0, "no prefix is a key");
	buf_clear(&b);
	return done_testing();
}
