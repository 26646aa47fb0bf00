/* SPDX-License-Identifier: ISC
 *
 * The ledger, against gaps that are known: by node, by all, at the edges, over a wrap, with doubles and conflicts.
 */
#include "cluster/ledger.h"
#include "cluster/overlap.h"
#include "tests/message.h"
#include "tests/tap.h"
#include "tests/unit/archive/world.h"

#define PATHS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define FLOWS 10

/* A log of datagrams whose marks are '+'; sequence first + FLOWS * place. '2' is heard twice. */
static void
log_of(const char *path, const char *node, uint32_t first, const char *marks)
{
	struct log_folder f;

	log_folder_open(&f, path, "lab", node, (uint64_t)node[0]);
	for (uint32_t i = 0; marks[i] != '\0'; i++) {
		const struct buf *b = world_v5(first + FLOWS * i, FLOWS);
		struct record r = world_record(RECORD_DATAGRAM, WORLD_T0 + i * NS_PER_SEC, b->data, b->len);

		for (int k = marks[i] == '2' ? 2 : marks[i] == '+'; k > 0; k--)
			log_folder_add(&f, &r);
	}
	log_folder_close(&f, true);
}

static void
make(const char *const *paths, struct pool *p, struct plan *plan, struct ledger *l)
{
	if (world_pool(p, paths) != ERR_OK || plan_make(p, plan) != ERR_OK ||
	    ledger_make(p, plan, l) != ERR_OK)
		give_up("no ledger");
}

static void
clear(struct pool *p, struct plan *plan, struct ledger *l)
{
	ledger_clear(l);
	plan_clear(plan);
	pool_clear(p);
}

static void
gaps(uint32_t first, const char *name)
{
	struct pool p;
	struct plan plan;
	struct ledger l;
	char a[32], b[32];

	(void)snprintf(a, sizeof(a), "a%u", first);
	(void)snprintf(b, sizeof(b), "b%u", first);
	log_of(a, "a", first, "..+2+.+..+");
	log_of(b, "b", first, "+.+++.+.+.");
	make(PATHS(a, b), &p, &plan, &l);
	is_u64(l.count, 1, "%s: one stream, one epoch", name);
	is_u64(l.residual, 3 * FLOWS, "%s: missing by all", name);
	is_u64(l.epochs[0].heard, 7 * FLOWS, "%s: heard by the cluster", name);
	is_u64(l.epochs[0].nodes[0].missing, 5 * FLOWS, "%s: missing by a, also before its first", name);
	is_u64(l.epochs[0].nodes[1].missing, 4 * FLOWS, "%s: missing by b, also behind its last", name);
	ok(l.epochs[0].gaps.count == 3 &&
		l.epochs[0].gaps.ranges[1].to - l.epochs[0].gaps.ranges[1].from == FLOWS &&
		l.epochs[0].gaps.ranges[1].from - l.epochs[0].gaps.ranges[0].from == 4 * FLOWS,
	    "%s: three gaps, where they are", name);
	is_u64(l.conflicts, 0, "%s: a double is no conflict", name);
	clear(&p, &plan, &l);
}

/* Another datagram under a number that is taken. */
static void
conflict(void)
{
	const struct buf *b;
	struct log_folder f;
	struct record r;
	struct pool p;
	struct plan plan;
	struct ledger l;

	log_of("one", "a", 0, "++++++");
	log_folder_open(&f, "two", "lab", "b", 2);
	b = world_v5(FLOWS, FLOWS);
	b->data[b->len - 1] ^= 1;
	r = world_record(RECORD_DATAGRAM, WORLD_T0 + NS_PER_SEC, b->data, b->len);
	log_folder_add(&f, &r);
	log_folder_close(&f, true);
	make(PATHS("one", "two"), &p, &plan, &l);
	is_u64(l.conflicts, 1, "two datagrams with one number: a conflict");
	is_u64(p.datagram_count, 7, "and both are kept");
	is_u64(l.residual, 0, "nothing is missing");
	clear(&p, &plan, &l);
}

static void
add_life(const char *path, uint64_t incarnation, int64_t from, int64_t to)
{
	const struct buf *b = world_v5(1, 1);
	struct record r = world_record(RECORD_DATAGRAM, from, b->data, b->len);
	struct log_folder f;

	log_folder_open(&f, path, "lab", "x", incarnation);
	log_folder_add(&f, &r);
	r.time.ns = to;
	log_folder_add(&f, &r);
	log_folder_close(&f, true);
}

static void
overlaps(void)
{
	struct overlaps o;
	struct pool p;

	add_life("life1", 7, WORLD_T0, WORLD_T0 + 10);
	add_life("life2", 5, WORLD_T0 + 10, WORLD_T0 + 20);
	add_life("life3", 6, WORLD_T0 + 15, WORLD_T0 + 17);
	if (world_pool(&p, PATHS("life2", "life1")) != ERR_OK || overlap_find(&p, &o) != ERR_OK)
		give_up("no overlaps");
	is_u64(o.count, 0, "lives that follow one another do not overlap");
	overlap_clear(&o);
	pool_clear(&p);
	if (world_pool(&p, PATHS("life3", "life2", "life1")) != ERR_OK || overlap_find(&p, &o) != ERR_OK)
		give_up("no overlaps");
	ok(o.count == 1 && o.list[0].from_ns == WORLD_T0 + 15 && o.list[0].to_ns == WORLD_T0 + 17,
	    "a life within another one does");
	overlap_clear(&o);
	pool_clear(&p);
}

int
main(void)
{
	world_open();
	gaps(0, "from 0");
	gaps(0xffffffd0, "over the wrap");
	conflict();
	overlaps();
	world_close();
	return done_testing();
}
