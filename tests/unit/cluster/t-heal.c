/* SPDX-License-Identifier: ISC
 *
 * Healing: a damaged record is found at another node by what its header says, and only there.
 */
#include "cluster/heal.h"
#include "tests/tap.h"
#include "tests/unit/archive/world.h"

#define PATHS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define FLOWS 3
#define RECORDS 50

/* A log of equally long datagrams [from, to). */
static void
log_of(const char *path, const char *node, uint32_t from, uint32_t to)
{
	struct log_folder f;

	log_folder_open(&f, path, "lab", node, (uint64_t)node[0]);
	for (uint32_t i = from; i < to; i++) {
		const struct buf *b = world_v5(i, FLOWS);
		struct record r = world_record(RECORD_DATAGRAM, WORLD_T0 + i, b->data, b->len);

		log_folder_add(&f, &r);
	}
	log_folder_close(&f, true);
}

/* Flips a bit in every step-th body of a log. */
static unsigned
hurt(const char *from, const char *to, unsigned step)
{
	struct buf b = BUF_INIT;
	size_t size = record_size(24 + 48 * FLOWS);
	unsigned n = 0;

	world_slurp(from, &b);
	for (unsigned i = 0; i < RECORDS; i += step, n++)
		b.data[SEGMENT_RECORDS_AT + i * size + RECORD_HEADER_SIZE + 40] ^= 1;
	world_save(to, b.data, b.len);
	buf_clear(&b);
	return n;
}

static void
expect(const char *const *paths, uint64_t damaged, uint64_t healed, const char *name)
{
	struct heal_report h;
	struct pool p;
	bool right = true;

	if (world_pool(&p, paths) != ERR_OK || heal_look(&p, &h) != ERR_OK)
		give_up(name);
	is_u64(h.damaged, damaged, "%s: damaged", name);
	is_u64(h.healed, healed, "%s: healed", name);
	for (size_t i = 0; i < h.healed; i++) /* record n of a log from 0 holds datagram n - 1 */
		right &= p.datagrams[h.list[i].datagram].sequence == h.list[i].sequence - 1;
	ok(right, "%s: each by its own datagram", name);
	heal_clear(&h);
	pool_clear(&p);
}

int
main(void)
{
	static const char segment[] = "a/00-0000000001-20231114T221500Z.fbs";
	unsigned every, some;

	world_open();
	log_of("a", "a", 0, RECORDS);
	log_of("b", "b", 0, RECORDS);
	log_of("c", "c", RECORDS / 2, RECORDS);
	every = hurt(segment, "every.fbs", 1);
	some = hurt(segment, "some.fbs", 5);
	expect(PATHS("a", "b"), 0, 0, "sound logs");
	expect(PATHS("some.fbs", "b"), some, some, "another node has them all");
	expect(PATHS("every.fbs", "c"), every, RECORDS / 2, "another node has half of them");
	expect(PATHS("every.fbs"), every, 0, "nobody has them");
	expect(PATHS("every.fbs", "b", "some.fbs"), some, some,
	    "two damaged copies: what one has whole is not damaged");
	expect(PATHS("every.fbs", "a", "b"), 0, 0, "a sound copy closes the hole");
	world_archive("ab", 300 * NS_PER_SEC, PATHS("some.fbs", "b"));
	expect(PATHS("ab"), some, some, "an archive remembers");
	expect(PATHS("ab", "a"), 0, 0, "until a sound copy comes");
	world_close();
	return done_testing();
}
