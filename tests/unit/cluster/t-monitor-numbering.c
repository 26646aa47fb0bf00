/* SPDX-License-Identifier: ISC
 *
 * Domains that share a counter, as a monitor sees nodes find that out: what each claimed is taken back at once, and what all count together is
 * held against a node only as far as it can know.
 */
#include "cluster/monitor_numbering.h"

#include <stdlib.h>

#include "tests/tap.h"

#define T0 ((int64_t)1800000000 * NS_PER_SEC)

static struct view *v;
static int64_t now_ns;

enum row { DOMAIN_1 = 1, DOMAIN_2 = 2, ALL = 0 };

/* What a node says of one stream. */
struct says {
	enum row row;
	bool shared;
	int64_t first, next;
	struct seq_range missing; /* nothing: empty */
};

static void
begin(void)
{
	static const char *const urls[] = {"http://a", "http://b"};
	const struct view_options o = {
	    .window_ns = 3600 * NS_PER_SEC, .silent_ns = 3 * NS_PER_SEC, .interval_ns = NS_PER_SEC};

	view_free(v);
	now_ns = 0;
	if (view_new(urls, 2, &o, (wall_t){T0}, (mono_t){NS_PER_SEC}, &v) != ERR_OK)
		exit(1);
}

static void
answer(unsigned node, const struct says *says, size_t count)
{
	struct node_report r = {.cluster = "c",
	    .version = "1",
	    .node = {(char)('a' + node)},
	    .time_ns = T0 + now_ns,
	    .started_ns = T0 - 5000 * NS_PER_SEC};
	struct report_stream streams[3] = {{.unit = NULL}};
	struct report_range missing[3];
	const char *why;

	for (size_t i = 0; i < count; i++) {
		const struct says *one = &says[i];

		streams[i] = (struct report_stream){.key = {.exporter = addr_v4(0xc0000201),
							.port = 5000,
							.proto = PROTO_V9,
							.all = one->row == ALL,
							.domain = (uint32_t)one->row},
		    .unit = "datagrams",
		    .shared = one->shared,
		    .counts = !one->shared,
		    .boot_ns = T0 - 9000 * NS_PER_SEC,
		    .epoch = 1,
		    .first = one->first,
		    .from = one->first,
		    .next = one->next,
		    .datagrams = (uint64_t)now_ns,
		    .heard = (uint64_t)now_ns,
		    .since_ns = T0 - NS_PER_SEC,
		    .heard_ns = T0 + now_ns,
		    .range = i,
		    .ranges = one->missing.from < one->missing.to};
		missing[i] = (struct report_range){
		    one->missing, (uint64_t)(one->missing.to - one->missing.from)};
	}
	r.streams = streams;
	r.stream_count = count;
	r.missing = missing;
	r.missing_count = count;
	if (view_answer(v, node, &r, (wall_t){T0 + now_ns}, (mono_t){now_ns + NS_PER_SEC}, &why) != ERR_OK)
		exit(1);
}

static void
turn(void)
{
	now_ns += NS_PER_SEC;
	if (view_turn(v, (wall_t){T0 + now_ns}, (mono_t){now_ns + NS_PER_SEC}) != ERR_OK)
		exit(1);
}

/* By all, on a, on b. */
static uint64_t
missing_now(unsigned what)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < v->stream_count; i++)
		sum += what == 0 ? v->streams[i]->residual_units : v->streams[i]->at[what - 1].units;
	return sum;
}

static const struct says apart_1 = {DOMAIN_1, false, 0, 20, {6, 8}};

/* Domain 1 was alone for 20 datagrams, of which nobody heard 6 and 7. */
static void
alone(void)
{
	begin();
	for (unsigned i = 0; i < 4; i++) {
		answer(0, &apart_1, 1);
		answer(1, &apart_1, 1);
		turn();
	}
}

static void
test_together(void)
{
	alone();
	is_u64(missing_now(0), 2, "one domain: missing by all");
	for (unsigned i = 0; i < 6; i++) {
		const struct says a[] = {{DOMAIN_1, true, 0, 0, {0, 0}}, {DOMAIN_2, true, 0, 0, {0, 0}},
		    {ALL, false, 0, 40 + i, {6, 8}}};
		/* b has not found it out yet, and misses what domain 2 sent */
		const struct says b[] = {
		    {DOMAIN_1, false, 0, 40 + i, {21, 22}}, {DOMAIN_2, false, 20, 40 + i, {23, 24}}};

		if (i % 3 == 0)
			answer(0, a, 3);
		answer(1, b, 2);
		turn();
	}
	is_u64(missing_now(0), 2, "a says that domains share a counter: nothing else is missing by all");
	is_u64(missing_now(1), 2, "on a what it tells");
	is_u64(missing_now(2), 0, "on b, which cannot know, nothing");
	for (unsigned i = 0; i < 6; i++) {
		const struct says all[] = {{DOMAIN_1, true, 0, 0, {0, 0}}, {DOMAIN_2, true, 0, 0, {0, 0}},
		    {ALL, false, 0, 50 + i, {6, 8}}};
		const struct says less[] = {{DOMAIN_1, true, 0, 0, {0, 0}}, {DOMAIN_2, true, 0, 0, {0, 0}},
		    {ALL, false, 0, 50 + i, {44, 47}}};

		answer(0, all, 3);
		answer(1, less, 3);
		turn();
	}
	is_u64(missing_now(0), 0, "b has found it out, too: it had 6 and 7");
	is_u64(missing_now(1), 2, "a misses them");
	is_u64(missing_now(2), 3, "b misses what it tells");
	is_u64(v->stream_count, 3, "two domains, and what they count together");
}

static void
test_deaf(void)
{
	alone();
	for (unsigned i = 0; i < 6; i++) {
		const struct says a[] = {{DOMAIN_1, true, 0, 0, {0, 0}}, {DOMAIN_2, true, 0, 0, {0, 0}},
		    {ALL, false, 0, 40 + i, {6, 8}}};
		const struct says b[] = {{DOMAIN_1, false, 0, 40 + i, {30, 35}}};

		answer(0, a, 3);
		answer(1, b, 1);
		turn();
	}
	is_u64(missing_now(0), 0, "b hears one domain alone: by all nothing is missing");
	is_u64(missing_now(1), 2, "what a misses of all");
	is_u64(missing_now(2), 5, "what b does");
}

int
main(void)
{
	test_together();
	test_deaf();
	view_free(v);
	return done_testing();
}
