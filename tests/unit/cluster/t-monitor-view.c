/* SPDX-License-Identifier: ISC
 *
 * What a monitor makes of nodes' reports, against a truth that is kept apart: an exporter, nodes that hear some of it, and what they have told.
 */
#include "cluster/monitor_view.h"

#include <stdlib.h>
#include <string.h>

#include "cluster/monitor_document.h"
#include "tests/tap.h"

#define NODES 3
#define MOST 200000
#define JOINED 7 /* gaps that are nearer than this may be joined */
#define T0 ((int64_t)1800000000 * NS_PER_SEC)

/* An exporter's life, and what each node heard of it in its own. */
struct world {
	int64_t now_ns; /* true time since T0 */
	uint8_t proto;
	int64_t boot_ns;
	uint64_t lives;
	int64_t base, sent; /* number of the first datagram, and how many were sent */
	struct {
		int64_t skew_ns, started_ns;
		bool silent;         /* one of its collectors has told nothing yet */
		bool knows;          /* heard something of this life */
		int64_t first, next; /* datagrams */
		bool heard[MOST], told[MOST];
		uint64_t epoch, datagrams, heard_ns, since_ns;
		uint64_t kernel_drops;
		/* What its last answer told, from which the next one may be told as a difference. */
		bool based, base_heard[MOST];
		int64_t base_first, base_next;
		uint64_t base_life, base_started, base_epoch;
	} node[NODES];
	bool differences;       /* answers are differences, where they can be */
	bool losing;            /* some answers are lost on their way, some tell more than they need to */
	bool lost;              /* the one at hand is */
	unsigned wholes, parts; /* streams in answers */
	int64_t joined_behind;  /* 0: ranges are never joined; else so many of the last datagrams' are not */
	uint64_t past[NODES], past_all; /* missing in former lives of the exporter, as histories have it */
	struct report_range ranges[MOST];
	struct view *v;
	unsigned answers;
};

static struct world w;

static uint64_t seed;

static unsigned
draw(unsigned n)
{
	seed = seed * 6364136223846793005U + 1442695040888963407U;
	return (unsigned)(seed >> 33) % n;
}

/* The monitor begins, or begins anew. */
static void
new_view(int64_t window_s)
{
	static const char *const urls[NODES] = {"http://a", "http://b", "http://c"};
	const struct view_options o = {
	    .window_ns = window_s * NS_PER_SEC, .silent_ns = 3 * NS_PER_SEC, .interval_ns = NS_PER_SEC};

	view_free(w.v);
	if (view_new(urls, NODES, &o, (wall_t){T0 + w.now_ns}, (mono_t){NS_PER_SEC + w.now_ns}, &w.v) !=
	    ERR_OK)
		exit(1);
	for (unsigned n = 0; n < NODES; n++) {
		w.node[n].based = false;
		memset(w.node[n].told, 0, sizeof(w.node[n].told));
	}
}

static void
world_start(uint8_t proto, int64_t base, int64_t window_s)
{
	struct view *old = w.v;

	memset(&w, 0, sizeof(w));
	w.v = old;
	w.proto = proto;
	w.base = base;
	w.boot_ns = T0 - 1000 * NS_PER_SEC;
	new_view(window_s);
	for (unsigned n = 0; n < NODES; n++)
		w.node[n].started_ns = T0 - 5000 * NS_PER_SEC;
}

static void
node_hears(unsigned n, int64_t i)
{
	w.node[n].heard[i] = true;
	if (!w.node[n].knows || i < w.node[n].first)
		w.node[n].first = i;
	if (!w.node[n].knows || i >= w.node[n].next)
		w.node[n].next = i + 1;
	if (w.node[n].datagrams++ == 0)
		w.node[n].since_ns = (uint64_t)(T0 + w.now_ns);
	w.node[n].knows = true;
	w.node[n].heard_ns = (uint64_t)(T0 + w.now_ns);
}

/* One more datagram, heard by the nodes of the mask. */
static void export(unsigned mask)
{
	for (unsigned n = 0; n < NODES; n++) {
		if ((mask >> n & 1) != 0)
			node_hears(n, w.sent);
	}
	w.sent++;
}

static void
export_many(unsigned count, unsigned mask)
{
	while (count-- > 0)
		export(mask);
}

static void
exporter_restarts(void)
{
	w.boot_ns = w.proto == PROTO_IPFIX ? REPORT_NO_BOOT : T0 + w.now_ns;
	w.base = 0;
	w.sent = 0;
	w.lives++;
	for (unsigned n = 0; n < NODES; n++) {
		if (w.node[n].datagrams > 0)
			w.node[n].epoch++;
		w.node[n].knows = false;
		memset(w.node[n].heard, 0, sizeof(w.node[n].heard));
		memset(w.node[n].told, 0, sizeof(w.node[n].told));
	}
}

static void
node_restarts(unsigned n)
{
	w.node[n].started_ns = T0 + w.now_ns + w.node[n].skew_ns;
	w.node[n].knows = false;
	w.node[n].epoch = w.node[n].datagrams = w.node[n].kernel_drops = 0;
	memset(w.node[n].heard, 0, sizeof(w.node[n].heard));
}

/* Datagrams before it are old enough for their gaps to be joined. */
static int64_t
exact_from(unsigned n)
{
	return w.joined_behind > 0 ? w.node[n].next - w.joined_behind : INT64_MIN;
}

/* Whether a range, maybe a joined one, holds a datagram and the one behind it. */
static bool
is_in_range(unsigned n, int64_t i)
{
	int64_t from = i, to = i + 1;

	while (from >= w.node[n].first && w.node[n].heard[from])
		from--;
	while (to < w.node[n].next && w.node[n].heard[to])
		to++;
	return !w.node[n].heard[i] ||
	    (to < exact_from(n) && from >= w.node[n].first && to - from - 1 < JOINED);
}

/* The first datagram from which on a node tells: where what it heard differs from what its last answer told. */
static int64_t
where_changed(unsigned n)
{
	int64_t i = w.node[n].first;

	if (!w.differences || !w.node[n].based || w.node[n].base_life != w.lives ||
	    w.node[n].base_started != (uint64_t)w.node[n].started_ns || w.node[n].base_first != i ||
	    w.node[n].base_epoch != w.node[n].epoch)
		return i;
	while (i < w.node[n].base_next && w.node[n].heard[i] == w.node[n].base_heard[i])
		i++;
	if (w.losing && draw(3) == 0)
		i -= draw((unsigned)(i - w.node[n].first) + 1);
	while (i > w.node[n].first && is_in_range(n, i - 1)) /* a range is told whole */
		i--;
	return i;
}

static void
remember_base(unsigned n)
{
	w.node[n].based = w.node[n].knows;
	w.node[n].base_first = w.node[n].first;
	w.node[n].base_next = w.node[n].next;
	w.node[n].base_life = w.lives;
	w.node[n].base_epoch = w.node[n].epoch;
	w.node[n].base_started = (uint64_t)w.node[n].started_ns;
	memcpy(w.node[n].base_heard, w.node[n].heard, (size_t)w.sent * sizeof(bool));
}

/* What is missing from s->from on. Of what is older than `exact` datagrams neighbouring gaps are joined. */
static void
put_ranges(unsigned n, struct report_stream *s)
{
	int64_t exact = exact_from(n);

	for (int64_t i = s->from - w.base; i < w.node[n].next; i++) {
		struct report_range *last = s->ranges > 0 ? &w.ranges[s->ranges - 1] : NULL;

		if (!w.lost && w.node[n].heard[i])
			w.node[n].told[i] = true;
		if (w.node[n].heard[i])
			continue;
		if (last != NULL &&
		    (last->range.to == w.base + i || (i < exact && i + w.base - last->range.to < JOINED))) {
			last->range.to = w.base + i + 1;
			last->missing++;
		} else {
			w.ranges[s->ranges++] = (struct report_range){
			    .range = {w.base + i, w.base + i + 1}, .missing = 1};
		}
	}
}

static const char *
answer(unsigned n)
{
	struct node_report r = {.cluster = "c", .version = "1"};
	struct report_stream s = {.key = {.exporter = addr_v4(0xc0000201), .port = 5000, .proto = w.proto},
	    .unit = "datagrams",
	    .counts = true,
	    .boot_ns = w.proto == PROTO_IPFIX
		? REPORT_NO_BOOT
		: w.boot_ns + (w.proto == PROTO_SFLOW5 ? w.node[n].skew_ns : 0)};
	int64_t ms = (int64_t)(w.answers++ % 3) * 100 * NS_PER_MSEC; /* they do not come at once */
	const char *why = NULL;

	r.node[0] = (char)('a' + n);
	r.time_ns = T0 + w.now_ns + ms + w.node[n].skew_ns;
	r.started_ns = w.node[n].silent ? REPORT_NOT_STARTED : w.node[n].started_ns;
	r.datagrams = w.node[n].datagrams;
	r.kernel_drops = w.node[n].kernel_drops;
	r.missing = w.ranges;
	if (w.node[n].knows) {
		r.streams = &s;
		r.stream_count = 1;
		s.first = w.base + w.node[n].first;
		s.next = w.base + w.node[n].next;
		s.datagrams = s.heard = w.node[n].datagrams;
		s.epoch = w.node[n].epoch + 1;
		s.since_ns = (int64_t)w.node[n].since_ns + w.node[n].skew_ns;
		s.heard_ns = (int64_t)w.node[n].heard_ns + w.node[n].skew_ns;
		s.from = w.base + where_changed(n);
		if (s.from > s.first)
			w.parts++;
		else
			w.wholes++;
		r.whole = s.from == s.first;
		put_ranges(n, &s);
	}
	if (w.lost)
		return NULL;
	if (view_answer(w.v, n, &r, (wall_t){T0 + w.now_ns + ms}, (mono_t){NS_PER_SEC + w.now_ns + ms},
		&why) != ERR_OK) {
		w.node[n].based = false;
		return why;
	}
	remember_base(n);
	if (view_wants_all(w.v, n, (mono_t){NS_PER_SEC + w.now_ns + ms}))
		w.node[n].based = false;
	return NULL;
}

/* A second: the nodes of the mask answer. */
static void
second(unsigned mask)
{
	w.now_ns += NS_PER_SEC;
	for (unsigned n = 0; n < NODES; n++) {
		w.lost = (mask >> n & 1) != 0 && w.losing && draw(10) == 0;
		if ((mask >> n & 1) != 0)
			(void)answer(n);
		if ((mask >> n & 1) == 0 || w.lost)
			view_no_answer(w.v, n, "timed out", (mono_t){NS_PER_SEC + w.now_ns});
	}
	if (view_turn(w.v, (wall_t){T0 + w.now_ns + 500 * NS_PER_MSEC},
		(mono_t){NS_PER_SEC + w.now_ns + 500 * NS_PER_MSEC}) != ERR_OK)
		exit(1);
}

static void
seconds(unsigned count, unsigned mask, unsigned each, unsigned heard_by)
{
	while (count-- > 0) {
		export_many(each, heard_by);
		second(mask);
	}
}

static const struct view_stream *
stream(void)
{
	return w.v->streams[0];
}

static uint64_t
sum(const uint64_t row[VIEW_BUCKETS])
{
	uint64_t n = 0;

	for (size_t i = 0; i < VIEW_BUCKETS; i++)
		n += row[i];
	return n;
}

static const char *
health(void)
{
	return view_health_name(view_health(w.v));
}

/* --- one at a time --- */

static void
test_losses(uint8_t proto, int64_t base)
{
	world_start(proto, base, 360);
	is_text(health(), "blind", "nobody has answered");
	seconds(5, 7, 10, 7);
	is_text(health(), "whole", "proto %u from %" PRIi64 ": all is heard", proto, base);
	export_many(7, 6);
	seconds(5, 7, 10, 7);
	is_u64(stream()->at[0].units, 7, "a misses 7");
	is_u64(stream()->at[1].units + stream()->at[2].units, 0, "b and c do not");
	is_u64(stream()->residual_units, 0, "they have them");
	is_u64(sum(w.v->nodes[0].missing), 7, "the timeline says so");
	is_text(health(), "thinner", "thinner");
	export_many(5, 0);
	export_many(1, 1);
	seconds(5, 7, 10, 7);
	is_u64(stream()->residual_units, 5, "what nobody heard");
	is_u64(stream()->at[0].units, 12, "a misses that, too");
	is_u64(stream()->at[1].units, 6, "b, and one more");
	is_u64(view_residual(w.v, VIEW_RECENT_NS), 5, "in the last minutes");
	is_text(health(), "losing", "losing");
	is_u64(stream()->sent_units, (uint64_t)w.sent - 10, "all but the last second is judged");
	/* what is late fills */
	node_hears(1, 107);
	seconds(2, 7, 10, 7);
	is_u64(stream()->residual_units, 4, "what comes late is taken off");
	is_u64(stream()->at[1].units, 5, "of b, too");
	seconds(400, 7, 10, 7);
	is_u64(stream()->residual_units, 0, "beyond the window it is forgotten");
	is_text(health(), "whole", "whole again");
	is_u64(w.v->left_out, 0, "nothing was left out");
}

static void
test_last_ones(void)
{
	world_start(PROTO_V9, 0, 360);
	seconds(5, 7, 10, 7);
	export_many(3, 5);
	second(7);
	second(7);
	is_u64(stream()->at[1].units, 0, "the last datagrams are not judged at once");
	is_u64(stream()->hearing, 3, "nor is b stalled");
	seconds(4, 7, 0, 7);
	is_u64(stream()->at[1].units, 3, "but when others have told for a while");
	is_u64(stream()->hearing, 2, "b has stalled");
	is_text(health(), "thinner", "thinner");
	seconds(5, 7, 10, 7);
	is_u64(stream()->hearing, 3, "it hears again");
	seconds(20, 7, 0, 7);
	is_u64(stream()->hearing, 3, "an exporter that is silent on all stalls on none");
	export_many(5, 7);
	second(5);
	is_u64(stream()->hearing, 3, "nor is the first answer behind a silence held against the others");
	second(7);
	for (int i = 0; i < 4; i++) { /* one that sends once in ten seconds */
		seconds(1, 7, 1, 7);
		seconds(9, 7, 0, 7);
	}
	is_u64(stream()->hearing, 3, "nor a slow one");
}

static void
test_down(void)
{
	world_start(PROTO_V9, 0, 360);
	seconds(5, 7, 10, 7);
	seconds(2, 5, 10, 7);
	is_u64(w.v->nodes[1].state, VIEW_UP, "one answer that fails is nothing");
	seconds(8, 5, 10, 7);
	is_u64(w.v->nodes[1].state, VIEW_DOWN, "several are");
	is_text(w.v->nodes[1].why, "timed out", "why");
	is_u64(stream()->hearing, 2, "2 of 3 hear");
	ok(stream()->at[1].units >= 80, "b is not known to have heard it");
	is_u64(stream()->residual_units, 0, "others have it");
	seconds(5, 7, 10, 7);
	is_u64(stream()->at[1].units, 0, "it had: it was only not reached");
	is_text(health(), "whole", "whole");
	/* a node that is down indeed */
	seconds(10, 5, 10, 5);
	node_restarts(1);
	seconds(5, 7, 10, 7);
	is_u64(stream()->at[1].units, 100, "what it missed while it was down");
	is_u64(stream()->residual_units, 0, "on one only");
	{
		struct view_gap g[10];
		size_t count = view_gaps(w.v, g, 10);

		is_u64(count, 1, "one gap");
		is_u64(g[0].units, 100, "of 100");
		is_u64(g[0].nodes, 2, "on b");
		is_text(view_cause(w.v, &g[0]), "node down", "as it was down");
	}
	seconds(10, 0, 10, 7);
	is_text(health(), "blind", "blind");
	seconds(5, 7, 10, 7);
	is_u64(stream()->residual_units, 0, "all had heard meanwhile");
	is_u64(stream()->at[0].units, 0, "a had");
}

static void
test_exporter_restarts(uint8_t proto, unsigned before)
{
	world_start(proto, 0, 360);
	if (proto == PROTO_IPFIX)
		w.boot_ns = REPORT_NO_BOOT;
	seconds(5, 7, 10, 7);
	export_many(3, 6);
	export_many(2, 0);
	seconds(5, 7, before, 7);
	exporter_restarts();
	seconds(5, 7, 10, 7);
	is_u64(stream()->residual_units, 2, "proto %u: what was missing before stays", proto);
	is_u64(stream()->at[0].units, 5, "on a, too");
	is_u64(stream()->hearing, 3, "all hear the new life");
	export_many(4, 0);
	export_many(4, 3);
	seconds(5, 7, 10, 7);
	is_u64(stream()->residual_units, 6, "what is missing in the new life comes to it");
	is_u64(stream()->at[2].units, 10, "c misses 4 more");
	is_u64(view_residual(w.v, VIEW_RECENT_NS), 6, "and on the timeline");
	is_u64(sum(w.v->nodes[2].missing), 10, "of c");
	{
		struct view_gap g[10];

		is_u64(view_gaps(w.v, g, 10), 4, "both lives' gaps are there"); /* all, a; all, c */
	}
	/* the beginning is missing on one */
	exporter_restarts();
	export_many(6, 4);
	seconds(6, 7, 10, 7);
	is_u64(stream()->at[0].units, 5 + 4 + 6, "the first ones of a life, missing on a");
	is_u64(stream()->at[2].units, 10, "not on c");
	seconds(400, 7, 10, 7);
	is_u64(stream()->residual_units + stream()->at[0].units, 0, "all of it is forgotten in time");
	is_u64(sum(w.v->nodes[0].missing) + sum(w.v->residual), 0, "on the timeline, too");
}

static void
test_clock_back(void)
{
	world_start(PROTO_V9, 0, 360);
	seconds(5, 7, 10, 7);
	w.boot_ns -= 100000 * NS_PER_SEC; /* its clock is set: another boot time, the same numbers */
	seconds(3, 7, 10, 7);
	export_many(2, 0);
	seconds(5, 7, 10, 7);
	is_u64(stream()->residual_units, 2, "a clock that is set is no restart");
	is_u64(stream()->life, 1, "one life");
	exporter_restarts();
	w.boot_ns = T0 - 500000 * NS_PER_SEC; /* without a clock of its own */
	seconds(5, 7, 10, 7);
	export_many(3, 0);
	seconds(5, 7, 10, 7);
	is_u64(stream()->residual_units, 5, "a restart into the past is seen");
	is_u64(stream()->hearing, 3, "by all");
}

static void
test_skew(void)
{
	world_start(PROTO_SFLOW5, 4294967290, 360);
	w.node[0].skew_ns = -3600 * NS_PER_SEC;
	w.node[2].skew_ns = 86400 * NS_PER_SEC;
	w.node[0].started_ns += w.node[0].skew_ns;
	seconds(5, 7, 10, 7);
	export_many(3, 0);
	export_many(4, 3);
	seconds(5, 7, 10, 7);
	is_u64(stream()->residual_units, 3, "clocks that are off: the residual");
	is_u64(stream()->at[2].units, 7, "and a node's");
	ok(llabs(w.v->nodes[2].skew_ns - 86400 * NS_PER_SEC) < NS_PER_MSEC, "skew");
	ok(llabs(stream()->heard_ns - T0 - w.now_ns) < 2 * NS_PER_SEC, "heard last, by our clock");
	seconds(400, 7, 10, 7);
	is_u64(w.v->stream_count, 1, "it is not forgotten");
	seconds(800, 7, 0, 7);
	is_u64(w.v->stream_count, 0, "one that is silent for a window is");
}

static void
test_monitor_starts_late(void)
{
	world_start(PROTO_V9, 0, 3600);
	for (int i = 0; i < 60; i++) { /* nobody looks */
		export_many(10, i == 30 ? 6 : 7);
		w.now_ns += NS_PER_SEC;
	}
	new_view(3600);
	export_many(20, 0);
	node_restarts(2);
	export_many(10, 7);
	seconds(1, 3, 10, 7);
	seconds(1, 7, 10, 7);
	seconds(5, 7, 10, 7);
	is_u64(stream()->at[0].units, 10 + 20, "what a missed before");
	is_u64(stream()->at[1].units, 20, "what b missed before");
	is_u64(stream()->at[2].units, 0, "what c, which was not alive, is not held against it");
	is_u64(stream()->residual_units, 0, "nor claimed to be missing on all, for c may have it");
	ok(sum(w.v->nodes[0].heard) >= 600, "what was heard before is on the timeline");
	is_u64(w.v->bucket - w.v->nodes[0].since, 6,
	    "from then on it is known what a heard"); /* steps of 10 s */
	ok(view_knows(w.v, 2, w.v->bucket) && !view_knows(w.v, 2, w.v->bucket - 6), "c, less long");
	ok(view_knows(w.v, VIEW_ALL, w.v->bucket - 6) && !view_knows(w.v, VIEW_ALL, w.v->bucket - 7),
	    "anybody");
	export_many(2, 0);
	seconds(5, 7, 10, 7);
	is_u64(stream()->residual_units, 2, "from now on it is");
}

static void
test_names(void)
{
	world_start(PROTO_V9, 0, 360);
	seconds(2, 7, 10, 7);
	memcpy(w.v->cluster, "other", 6);
	is_text(answer(0), "it is of another cluster", "another cluster");
	memcpy(w.v->cluster, "c", 2);
	memcpy(w.v->nodes[1].name, "a", 2);
	is_text(answer(0), "it has the name of another node", "a name twice");
	memcpy(w.v->nodes[1].name, "x", 2);
	is_text(answer(1), "it has another name than before", "another name");
}

static void
test_same_document(void)
{
	int64_t next;

	world_start(PROTO_V9, 0, 360);
	seconds(5, 7, 10, 7);
	next = stream()->at[0].next;
	export_many(5, 7);
	w.answers -= NODES; /* the document has the same time */
	(void)answer(0);
	ok(stream()->at[0].next == next && stream()->at[0].before < next,
	    "the same document again says nothing");
	second(7);
	ok(stream()->at[0].next == next + 5, "the next one does");
}

static void
test_causes(void)
{
	struct view_gap g[4];

	world_start(PROTO_V9, 0, 360);
	seconds(5, 7, 10, 7);
	w.node[0].kernel_drops += 3;
	export_many(3, 6);
	seconds(5, 7, 10, 7);
	is_u64(view_gaps(w.v, g, 4), 1, "a gap");
	is_text(view_cause(w.v, &g[0]), "kernel", "the kernel dropped");
	export_many(3, 5);
	seconds(5, 7, 10, 7);
	is_u64(view_gaps(w.v, g, 4), 2, "another");
	is_text(view_cause(w.v, &g[0]), "network", "nothing happened to b");
	export_many(3, 0);
	seconds(5, 7, 10, 7);
	(void)view_gaps(w.v, g, 4);
	ok(g[0].all && g[0].units == 3, "on all");
	is_text(view_cause(w.v, &g[0]), "network or exporter", "who knows");
}

/* A node that has just been started when the monitor is. */
static void
test_not_started(void)
{
	struct view_gap g[4];

	world_start(PROTO_V9, 0, 360);
	w.node[0].silent = true;
	seconds(1, 7, 10, 7);
	w.node[0].silent = false;
	export_many(3, 6);
	seconds(5, 7, 10, 7);
	is_u64(view_gaps(w.v, g, 4), 1, "a gap");
	is_text(view_cause(w.v, &g[0]), "network", "a node whose collectors begin to tell was not down");
	w.node[0].silent = true;
	seconds(2, 7, 10, 7);
	w.node[0].silent = false;
	export_many(3, 6);
	seconds(5, 7, 10, 7);
	is_text(
	    view_cause(w.v, &g[0]), "network", "nor one of whose collectors nothing can be read for a while");
	node_restarts(0);
	w.node[0].silent = true;
	seconds(20, 7, 10, 7);
	w.node[0].silent = false;
	export_many(3, 6);
	seconds(5, 7, 10, 7);
	(void)view_gaps(w.v, g, 4);
	is_text(view_cause(w.v, &g[0]), "node down", "one that was started anew was");
}

static void
test_many_ranges(void)
{
	world_start(PROTO_V9, 0, 3600);
	seconds(2, 7, 10, 7);
	for (unsigned i = 0; i < 600; i++) {
		for (unsigned k = 0; k < 10; k++) {
			export(k == 3 ? 0 : 6); /* a misses all but */
			export(7);
		}
		second(7);
	}
	seconds(3, 7, 10, 7);
	is_u64(stream()->at[0].units, 6000, "more ranges than are kept: a's sum");
	is_u64(stream()->residual_units, 600, "the residual's");
	is_u64(sum(w.v->nodes[0].missing), 6000, "on the timeline");
	is_u64(sum(w.v->residual), 600, "of all");
	ok(stream()->at[0].heard.count <= VIEW_RANGES_MOST, "no more are kept");
	is_u64(w.v->left_out, 0, "nothing is left out");
}

/* Every fifth datagram is missing on a. */
static void
miss_some(unsigned fives)
{
	while (fives-- > 0) {
		export(6);
		export_many(4, 7);
	}
}

static void
test_differences(void)
{
	world_start(PROTO_V9, 0, 360);
	w.differences = true;
	seconds(5, 7, 10, 7);
	w.wholes = w.parts = 0;
	export(6);
	seconds(5, 7, 10, 7);
	ok(w.wholes == 0 && w.parts == 15, "differences are told, and all are taken");
	is_u64(stream()->at[0].units, 1, "what is missing is in them");
	seconds(500, 7, 0, 7);
	is_u64(w.v->stream_count, 0, "the view has forgotten the stream, the nodes have not");
	seconds(10, 7, 10, 7);
	ok(w.wholes == 3, "so each tells all of it once");
	is_u64(stream()->at[0].units + 10 * stream()->at[1].units, 1, "and nothing else is missing");
	is_u64(stream()->hearing, 3, "all hear it");
}

/* One node sees a restart that was none: the others are right after all. */
static void
test_false_restart(void)
{
	world_start(PROTO_IPFIX, 0, 360);
	w.boot_ns = REPORT_NO_BOOT;
	w.differences = true;
	seconds(5, 7, 10, 7);
	w.node[1].epoch++;
	seconds(15, 7, 10, 7);
	is_u64(stream()->life, 2, "a restart that only b saw");
	is_u64(stream()->hearing, 3, "all hear the stream");
	is_u64(stream()->at[0].units + stream()->at[1].units + stream()->residual_units, 0,
	    "and what they told before is known again");
}

static void
test_joined(void)
{
	world_start(PROTO_V9, 0, 3600);
	w.joined_behind = 20;
	export(7);
	for (int i = 0; i < 60; i++) { /* nobody looks */
		miss_some(2);
		w.now_ns += NS_PER_SEC;
	}
	seconds(3, 7, 10, 7);
	is_u64(stream()->at[0].units, 120, "what was joined before anybody looked");
	is_u64(sum(w.v->nodes[0].missing), 120, "on the timeline");
	is_u64(stream()->residual_units, 0, "is claimed to be missing on one only");
	for (int i = 0; i < 30; i++) {
		miss_some(2);
		second(7);
	}
	export_many(1, 0);
	for (int i = 0; i < 30; i++) {
		miss_some(2);
		second(7);
	}
	is_u64(stream()->residual_units, 1, "what was told before it was joined stays known");
	for (int i = 0; i < 10; i++) {
		miss_some(2);
		second(6);
	}
	seconds(5, 7, 10, 7);
	is_u64(stream()->at[0].units, 120 + 121 + 20, "what was joined with what was known counts once");
	is_u64(stream()->residual_units, 1, "and claims nothing of others");
}

/* Many streams with many ranges: what each keeps gets less, and what comes to it stays. */
static void
test_room(void)
{
	enum { COUNT = 400, EACH = 900 };
	static struct report_stream streams[COUNT];
	static struct report_range ranges[EACH];
	struct node_report r = {.cluster = "c",
	    .node = "a",
	    .version = "1",
	    .streams = streams,
	    .stream_count = COUNT,
	    .missing = ranges,
	    .missing_count = EACH,
	    .whole = true};
	size_t kept = 0;
	uint64_t units = 0;
	const char *why;

	world_start(PROTO_V9, 0, 3600);
	for (unsigned i = 0; i < EACH; i++)
		ranges[i] = (struct report_range){{10 * i + 5, 10 * i + 6}, 1};
	for (int64_t second = 1; second < 5; second++) {
		for (unsigned i = 0; i < COUNT; i++)
			streams[i] = (struct report_stream){
			    .key = {.exporter = addr_v4(0xc0000201), .port = (uint16_t)i, .proto = PROTO_V9},
			    .unit = "datagrams",
			    .counts = true,
			    .boot_ns = T0,
			    .next = 10 * EACH + second * 10,
			    .datagrams = 1000 + (uint64_t)second,
			    .heard = 1000 + (uint64_t)second,
			    .since_ns = T0,
			    .heard_ns = T0 + second * NS_PER_SEC,
			    .ranges = EACH,
			    .epoch = 1};
		r.time_ns = T0 + second * NS_PER_SEC;
		r.started_ns = T0;
		for (unsigned n = 0; n < NODES; n++) {
			r.node[0] = (char)('a' + n);
			if (view_answer(w.v, n, &r, (wall_t){r.time_ns}, (mono_t){r.time_ns}, &why) != ERR_OK)
				exit(1);
		}
		if (view_turn(w.v, (wall_t){r.time_ns}, (mono_t){r.time_ns}) != ERR_OK)
			exit(1);
	}
	for (size_t i = 0; i < w.v->stream_count; i++) {
		for (unsigned n = 0; n < NODES; n++)
			kept += w.v->streams[i]->at[n].heard.count;
		units += w.v->streams[i]->residual_units;
	}
	ok(kept <= VIEW_RANGES_ALL, "no more than %d ranges are kept, but %zu", VIEW_RANGES_ALL, kept);
	is_u64(units, COUNT * EACH, "and what they come to is");
	is_u64(w.v->left_out, 0, "nothing is left out");
}

/* --- at random --- */

/* What nodes have told to be missing, up to a number. */
static void
find_truth(int64_t limit, uint64_t missing[NODES], uint64_t *ret_residual)
{
	memmove(missing, w.past, sizeof(w.past));
	*ret_residual = w.past_all;
	for (int64_t i = 0; i < limit; i++) {
		unsigned by = 0;

		for (unsigned n = 0; n < NODES; n++) {
			missing[n] += !w.node[n].told[i];
			by += w.node[n].told[i];
		}
		*ret_residual += by == 0;
	}
}

static bool
agrees(unsigned long number)
{
	uint64_t missing[NODES], residual;
	int64_t limit = stream()->limit - w.base;
	bool same;

	find_truth(limit, missing, &residual); /* the last ones may wait to be judged */
	same = residual == stream()->residual_units && residual == sum(w.v->residual);
	for (unsigned n = 0; n < NODES; n++)
		same = same && missing[n] == stream()->at[n].units &&
		    missing[n] == sum(w.v->nodes[n].missing);
	if (!same)
		printf("# seed %lu: residual %" PRIu64 " %" PRIu64 "; missing %" PRIu64 " %" PRIu64
		       ", %" PRIu64 " %" PRIu64 ", %" PRIu64 " %" PRIu64 "; limit %" PRIi64 " of %" PRIi64
		       "\n",
		    number, residual, stream()->residual_units, missing[0], stream()->at[0].units, missing[1],
		    stream()->at[1].units, missing[2], stream()->at[2].units, limit, w.sent);
	return same && w.sent - limit <= 20;
}

static bool
history(unsigned long number)
{
	unsigned up = 7, reached = 7;
	int64_t late[100], late_count = 0;
	bool good = true, losing;

	seed = number * 2654435761U + 1;
	world_start(draw(2) ? PROTO_V9 : PROTO_IPFIX, draw(2) ? 0 : 4294967000, 7200);
	w.differences = draw(5) > 0;
	w.joined_behind = draw(3) == 0 ? 200 : 0;
	seconds(2, 7, 10, 7);
	w.losing = w.differences && draw(2);
	for (unsigned i = 0; i < 150 && good; i++) {
		unsigned n = draw(NODES);

		if (draw(12) == 0) {
			if ((up >> n & 1) == 0)
				node_restarts(n);
			up ^= 1U << n;
		}
		/* What was joined before it was told is not known. */
		if (draw(12) == 0 && w.joined_behind == 0)
			reached ^= 1U << draw(NODES);
		for (unsigned k = draw(15); k > 0; k--) {
			unsigned loss = draw(4) == 0 ? draw(8) : 0;

			if (late_count < 100 && draw(20) == 0)
				late[late_count++] = w.sent;
			export(up & ~loss);
		}
		if (late_count > 0 && draw(3) == 0) { /* a late one, to one that did not hear it */
			int64_t which = late[--late_count];

			n = draw(NODES);
			if ((up >> n & 1) != 0 && w.node[n].knows && !w.node[n].heard[which] &&
			    which > w.node[n].first && which > exact_from(n) + 100)
				node_hears(n, which);
		}
		second(up & reached);
		if (i % 50 == 49) {
			for (n = 0; n < NODES; n++) {
				if ((up >> n & 1) == 0)
					node_restarts(n);
			}
			up = reached = 7;
			losing = w.losing;
			w.losing = false;
			seconds(6, 7, 10, 7);
			good = agrees(number);
			if (good && draw(2)) {
				find_truth(w.sent, w.past, &w.past_all);
				exporter_restarts();
				late_count = 0;
				seconds(4, 7, 10, 7);
				good = agrees(number);
			}
			w.losing = losing;
		}
	}
	return good;
}

int
main(int argc, char **argv)
{
	unsigned long from = argc > 1 ? strtoul(argv[1], NULL, 10) : 1,
		      count = argc > 2 ? strtoul(argv[2], NULL, 10) : 100;
	unsigned bad = 0;

	test_losses(PROTO_V9, 0);
	test_losses(PROTO_IPFIX, 4294967280);
	test_losses(PROTO_V5, 4294967295);
	test_last_ones();
	test_down();
	test_exporter_restarts(PROTO_V9, 10);
	test_exporter_restarts(PROTO_IPFIX, 10);
	test_clock_back();
	test_skew();
	test_monitor_starts_late();
	test_names();
	test_same_document();
	test_causes();
	test_not_started();
	test_many_ranges();
	test_differences();
	test_false_restart();
	test_joined();
	test_room();
	for (unsigned long i = from; i < from + count; i++)
		bad += !history(i);
	is_u64(bad, 0, "%lu histories at random", count);
	view_free(w.v);
	return done_testing();
}
