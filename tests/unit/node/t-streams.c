/* SPDX-License-Identifier: ISC
 *
 * The table of streams: counts, its limit, and forgetting the silent ones.
 */
#include "node/streams.h"

#include <stdlib.h>

#include "tests/tap.h"

static struct stream_key
key_of(uint32_t n)
{
	return (struct stream_key){.exporter = addr_v4(0x0a000000 + n), .port = 2055, .proto = PROTO_V5};
}

static void
hear(struct streams *s, uint32_t n, uint32_t sequence, int64_t sec)
{
	struct stream_key k = key_of(n);

	streams_heard(s, &k, sequence, wall_from_sec(sec, 0));
}

int
main(void)
{
	struct streams s;
	uint64_t wrong = 0;

	if (streams_init(&s, 100) != ERR_OK)
		abort();
	for (uint32_t round = 0; round < 3; round++) {
		for (uint32_t n = 0; n < 100; n++)
			hear(&s, n, 1000 * round + n, 10 + round);
	}
	is_u64(s.count, 100, "streams");
	for (uint32_t n = 0; n < 100; n++) {
		const struct stream *st = &s.all[n];
		struct stream_key k = key_of(n);

		wrong += stream_key_cmp(&st->key, &k) != 0 || st->datagrams != 3 ||
		    st->sequence != 2000 + n || !st->moved;
	}
	is_u64(wrong, 0, "each with its key, last sequence and count");

	hear(&s, 200, 1, 20);
	is_u64(s.count, 100, "one beyond the limit is not kept");
	is_u64(s.refused, 1, "but counted");
	hear(&s, 50, 7, 20);
	is_u64(s.all[50].sequence, 7, "those that are known go on");

	hear(&s, 99, 8, 1000);
	hear(&s, 3, 9, 1000);
	streams_prune(&s, wall_from_sec(500, 0));
	is_u64(s.count, 2, "a full table forgets silent streams");
	hear(&s, 99, 10, 1001);
	hear(&s, 3, 11, 1001);
	hear(&s, 200, 12, 1001);
	is_u64(s.count, 3, "those that were heard are still found, and new ones have room");
	streams_prune(&s, wall_from_sec(5000, 0));
	is_u64(s.count, 3, "a table that is not full forgets nothing");
	for (uint32_t i = 0; i < s.count; i++) {
		if (s.all[i].sequence == 10 || s.all[i].sequence == 11)
			is_u64(s.all[i].datagrams, 5, "with its count");
	}
	streams_clear(&s);
	return done_testing();
}
