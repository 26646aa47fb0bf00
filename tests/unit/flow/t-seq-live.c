/* SPDX-License-Identifier: ISC
 *
 * Live accounting against the truth: an exporter of each protocol and discipline whose datagrams are lost, swapped,
 * copied, and which restarts and wraps; then random histories against the account that is made offline.
 */
#include "flow/seq_live.h"

#include <stdlib.h>

#include "base/clock.h"
#include "tests/tap.h"

#define MOST 4096
#define SEC NS_PER_SEC
#define START (1700000000 * SEC)

/* --- an exporter --- */

static struct exporter {
	enum proto proto;
	enum seq_discipline discipline;
	struct seq_rules rules;
	int64_t boot_ns, clock_step_ns;
	int64_t now_ns;
	uint32_t sequence, tag;
	uint32_t templates, options; /* in the next datagram; units besides */
	bool zero;                   /* sends 0 for ever */
} x;

static struct seq_live s;
static struct seq_room room;
static int64_t delay_ns; /* of receiving */

/* All that was heard, each datagram once. */
static struct seq_item all[MOST];
static size_t all_count;

static void
begin_with(enum proto proto, enum seq_discipline d, uint32_t first)
{
	seq_live_clear(&s, &room);
	room = (struct seq_room){.most = 100000};
	x = (struct exporter){.proto = proto,
	    .discipline = d,
	    .rules = seq_rules_for(proto),
	    .boot_ns = START,
	    .now_ns = START + 100 * SEC,
	    .sequence = first};
	all_count = 0;
	delay_ns = 0;
}

static struct seq_heard
make(uint32_t units, bool unknown)
{
	struct seq_heard h = {.received_ns = x.now_ns + delay_ns};
	struct seq_item *it = &h.item;
	bool after = seq_is_after(x.discipline);
	uint32_t step = x.discipline == SEQ_DATAGRAMS ? 1 : units;

	if (seq_counts_of(x.discipline) == SEQ_COUNTS_TEMPLATES)
		step += x.templates;
	if (seq_counts_of(x.discipline) == SEQ_COUNTS_RECORDS && x.discipline != SEQ_DATAGRAMS)
		step += x.options;
	if (after)
		x.sequence += step;
	*it = (struct seq_item){.sequence = x.zero ? 0 : x.sequence,
	    .units = unknown ? 0 : units + x.options,
	    .units_unknown = unknown,
	    .data = units > 0,
	    .templates = SEQ_TEMPLATES(x.templates),
	    .options = SEQ_OPTIONS(unknown ? 0 : x.options),
	    .tag = ++x.tag,
	    .clock_ns = x.now_ns + x.clock_step_ns};
	if (!after)
		x.sequence += step;
	x.templates = x.options = 0;
	if (x.rules.has_uptime)
		it->uptime_ms = (uint32_t)((x.now_ns - x.boot_ns) / NS_PER_MSEC);
	if (x.proto == PROTO_IPFIX || x.proto == PROTO_V9)
		it->clock_ns = it->clock_ns / SEC * SEC;
	x.now_ns += SEC;
	return h;
}

static void
hear(const struct seq_heard *h)
{
	struct seq_heard given = *h;
	bool again = false;

	given.received_ns = x.now_ns;
	seq_live_take(&s, &room, &x.rules, &given);
	for (size_t i = 0; i < all_count; i++)
		again |= all[i].tag == h->item.tag;
	if (!again)
		all[all_count++] = h->item;
}

static void
transmit(unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		struct seq_heard h = make(1 + x.tag * 7 % 29, false);

		hear(&h);
	}
}

static uint32_t
lose(unsigned count)
{
	uint32_t units = 0;

	for (unsigned i = 0; i < count; i++) {
		uint32_t n = 1 + x.tag * 7 % 29;

		(void)make(n, false);
		units += x.discipline == SEQ_DATAGRAMS ? 1 : n;
	}
	return units;
}

static void
restart(void)
{
	x.boot_ns = x.now_ns - 3 * SEC;
	x.sequence = 0;
}

static void
later(void)
{
	seq_live_time(&s, x.now_ns + 3600 * SEC);
}

/* missing open gaps late duplicates reordered resets strays */
static void
is_account(const char *want, const char *what)
{
	const struct seq_live_counters *c = &s.counters;
	char got[256];

	(void)snprintf(got, sizeof(got), "%llu %llu %llu %llu %llu %llu %llu %llu",
	    (unsigned long long)seq_live_missing(&s), (unsigned long long)s.gaps.open,
	    (unsigned long long)c->gaps, (unsigned long long)c->late, (unsigned long long)c->duplicates,
	    (unsigned long long)c->reordered, (unsigned long long)c->resets, (unsigned long long)c->strays);
	is_text(got, want, "%s %s: %s", proto_name(x.proto), seq_discipline_name(x.discipline), what);
}

/* --- one thing at a time --- */

static void
test_discipline(enum proto proto, enum seq_discipline d)
{
	struct seq_heard h, k;
	char want[64];
	uint32_t n;

	begin_with(proto, d, 1000);
	transmit(100);
	is_account("0 0 0 0 0 0 0 0", "clean");
	ok(s.learnt, "learnt");
	is_text(seq_discipline_name((enum seq_discipline)s.discipline), seq_discipline_name(d), "what it is");
	n = lose(3);
	transmit(1);
	(void)snprintf(want, sizeof(want), "0 %u 0 0 0 0 0 0", n);
	is_account(want, "loss: open");
	transmit(29);
	is_account(want, "for 30 seconds");
	transmit(1);
	(void)snprintf(want, sizeof(want), "%u 0 1 0 0 0 0 0", n);
	is_account(want, "then it is declared");

	begin_with(proto, d, 1000);
	transmit(50);
	h = make(10, false);
	transmit(1);
	hear(&h);
	is_account("0 0 0 0 0 1 0 0", "swapped: reordered");
	hear(&h);
	is_account("0 0 0 0 1 1 0 0", "again: a duplicate");
	k = make(20, false);
	transmit(60);
	hear(&k);
	is_account("0 0 1 1 1 1 0 0", "after 30 seconds: late, and nothing is missing");
	h = make(5, false);
	hear(&h);
	hear(&h);
	hear(&h);
	is_account("0 0 1 1 3 1 0 0", "copies of the last one");

	begin_with(proto, d, UINT32_MAX - (d == SEQ_DATAGRAMS ? 20 : 200));
	transmit(50);
	ok(s.next > UINT32_MAX, "it has wrapped, and goes on in 64 bits");
	n = lose(2);
	transmit(40);
	(void)snprintf(want, sizeof(want), "%u 0 1 0 0 0 0 0", n);
	is_account(want, "around the end of the numbers nothing else is missing");

	begin_with(proto, d, 500000);
	transmit(50);
	n = lose(2);
	transmit(5);
	restart();
	transmit(10);
	later();
	(void)snprintf(want, sizeof(want), "%u 0 1 0 0 0 1 0", n);
	is_account(want, "a restart: what was missing before stays in the sum");
	is_u64((uint64_t)s.first, 0 + (seq_is_after(d) ? (uint64_t)(s.first) : 0), "its numbers begin anew");

	begin_with(proto, d, 1000);
	transmit(50);
	h = make(3, false);
	h.item.sequence += 1000000000;
	hear(&h);
	transmit(10);
	later();
	(void)snprintf(want, sizeof(want), "%u 0 1 0 0 0 0 1", d == SEQ_DATAGRAMS ? 1 : 3);
	is_account(want, "one from far off is a stray");

	begin_with(proto, d, 1000);
	transmit(50);
	x.sequence += 5000000;
	transmit(2);
	is_account("0 0 0 0 0 0 0 0", "a jump: two do not make it true");
	transmit(10);
	later();
	is_account("5000000 0 1 0 0 0 0 0", "three do");
}

static void
test_uptime(enum proto proto, enum seq_discipline d)
{
	int64_t boot;

	begin_with(proto, d, 1000);
	x.boot_ns = x.now_ns - 4294960LL * SEC;
	transmit(100);
	is_account("0 0 0 0 0 0 0 0", "the uptime wraps");
	is_u64(s.counters.wraps, 1, "which is seen");
	ok(seq_live_boot(&s, &x.rules, &boot) && llabs(boot - x.boot_ns) < 2 * SEC, "it started when it did");

	begin_with(proto, d, 1000);
	transmit(50);
	x.clock_step_ns = 3600 * SEC;
	transmit(50);
	x.clock_step_ns = -3600 * SEC;
	transmit(50);
	is_account("0 0 0 0 0 0 0 0", "its clock is set, ahead and back");
	if (proto != PROTO_SFLOW5)
		is_u64(s.counters.clock_steps, 2, "which is seen");
}

/* What it counts shows with the first templates, however late they come. */
static void
test_templates(enum seq_discipline d)
{
	enum seq_discipline plain = seq_variant(d, SEQ_COUNTS_RECORDS);
	char want[64];
	uint32_t n;

	begin_with(PROTO_IPFIX, d, 1000);
	transmit(40);
	is_text(seq_discipline_name((enum seq_discipline)s.discipline), seq_discipline_name(plain),
	    "%s: before any", seq_discipline_name(d));
	n = lose(2);
	transmit(40);
	for (unsigned i = 0; i < 5; i++) {
		x.templates = 3 + i;
		hear(&(struct seq_heard){make(i % 2 == 0 ? 0 : 4, false).item, x.now_ns});
		transmit(10);
		(void)snprintf(want, sizeof(want), "%u %u 1 0 0 0 0 0", n, i == 0 ? 3 : 0);
		is_account(want, "templates are no loss, and what was lost before is");
		is_text(seq_discipline_name((enum seq_discipline)s.discipline),
		    seq_discipline_name(i == 0 ? plain : d), "from the second on it is known");
	}
	x.templates = 7;
	n += lose(1) + 7;
	transmit(40);
	(void)snprintf(want, sizeof(want), "%u 0 2 0 0 0 0 0", n);
	is_account(want, "templates that were lost are missing");
	x.discipline = plain;
	for (unsigned i = 0; i < 5; i++) {
		x.templates = 2;
		hear(&(struct seq_heard){make(3, false).item, x.now_ns});
		transmit(10);
	}
	later();
	is_account(want, "and they are not counted any more");
	is_text(seq_discipline_name((enum seq_discipline)s.discipline), seq_discipline_name(plain),
	    "which is known, too");
}

/* softflowd's: that options records are not counted shows with the first one. */
static void
test_options(enum seq_discipline d)
{
	char want[64];
	uint32_t n = 0;

	begin_with(PROTO_IPFIX, d, 1000);
	transmit(40);
	x.options = 1;
	transmit(2);
	for (unsigned i = 0; i < 5; i++) {
		x.options = 1 + i;
		transmit(1);
		n += lose(1);
		x.options = 2;
		n += lose(1);
		transmit(40);
		(void)snprintf(want, sizeof(want), "%u 0 %u 0 0 0 0 0", n, i + 1);
		is_account(want, i == 0 ? "options records" : "options records again");
		x.options = 1;
		transmit(1);
		transmit(3);
	}
	is_text(seq_discipline_name((enum seq_discipline)s.discipline), seq_discipline_name(d), "what it is");
}

/* IPFIX tells no uptime, and from so far the way to 0 is shorter ahead than back. */
static void
test_restart_from_far(void)
{
	char want[64];
	uint32_t n;

	begin_with(PROTO_IPFIX, SEQ_BEFORE, 3000000000u);
	transmit(50);
	n = lose(2);
	transmit(5);
	restart();
	transmit(10);
	later();
	(void)snprintf(want, sizeof(want), "%u 0 1 0 0 0 1 0", n);
	is_account(want, "a restart from above 2^31 is no loss");
}

/* --- learning --- */

static void
test_learning(void)
{
	struct seq_heard h;

	begin_with(PROTO_V9, SEQ_DATAGRAMS, 0);
	x.zero = true;
	transmit(100);
	is_account("0 0 0 0 0 0 0 0", "an exporter that sends 0");
	is_text(seq_discipline_name((enum seq_discipline)s.discipline), "none", "counts nothing");

	begin_with(PROTO_IPFIX, SEQ_DATAGRAMS, 0);
	transmit(20);
	(void)lose(4);
	transmit(40);
	is_account("4 0 1 0 0 0 0 0", "messages counted");

	/* Loss among the first: it is found when the rest is learnt. */
	begin_with(PROTO_IPFIX, SEQ_AFTER, 77);
	transmit(1);
	(void)lose(1);
	transmit(40);
	is_account("8 0 1 0 0 0 0 0", "loss before it was learnt");

	/* Numbers that nothing explains. */
	begin_with(PROTO_V9, SEQ_DATAGRAMS, 0);
	for (unsigned i = 0; i < 2000; i++) {
		x.sequence += 1000;
		transmit(1);
	}
	later();
	is_account("0 0 0 0 0 0 0 0", "numbers that nothing explains");
	ok(!s.learnt, "are not learnt");

	begin_with(PROTO_V9, SEQ_DATAGRAMS, 0);
	transmit(200);
	for (unsigned i = 0; i < 300; i++) {
		x.sequence += 1000;
		transmit(1);
	}
	later();
	is_u64(seq_live_missing(&s), 0,
	    "nor later, where they were learnt before: what was claimed is taken back");
	ok(!s.learnt, "it is not known any more");

	/* It counts something else from now on. */
	begin_with(PROTO_V9, SEQ_DATAGRAMS, 0);
	transmit(200);
	x.discipline = SEQ_BEFORE;
	transmit(400);
	later();
	is_u64(seq_live_missing(&s), 0, "another discipline in the middle: nothing is missing in the end");
	is_text(seq_discipline_name((enum seq_discipline)s.discipline), "before", "and it is learnt");

	/* Every datagram comes twice. */
	begin_with(PROTO_V9, SEQ_DATAGRAMS, 0);
	for (unsigned i = 0; i < 100; i++) {
		h = make(3, false);
		hear(&h);
		hear(&h);
	}
	later();
	is_account("0 0 0 0 100 0 0 0", "all twice");
	is_text(seq_discipline_name((enum seq_discipline)s.discipline), "datagrams",
	    "is no number that stands still");

	/* A first one that is a stray. */
	begin_with(PROTO_V5, SEQ_BEFORE, 1u << 30);
	transmit(1);
	x.sequence = 77;
	transmit(50);
	later();
	is_account("0 0 0 0 0 0 0 1", "the first one was a stray");
}

static void
test_unknown(void)
{
	struct seq_heard h, late;
	uint32_t n;

	begin_with(PROTO_IPFIX, SEQ_BEFORE, 0);
	transmit(50);
	h = make(10, true);
	hear(&h);
	transmit(1);
	is_account("0 0 0 0 0 0 0 0", "a size that is unknown is no gap");
	is_u64(s.gaps.unknown, 10, "and told apart");
	h = make(10, true);
	hear(&h);
	late = make(7, false);
	n = lose(1);
	transmit(1);
	is_u64(s.gaps.unknown, 10 + 10 + 7 + n, "nor is what follows it");
	hear(&late);
	is_u64(s.gaps.open, n, "a late one has a gap behind it");
	is_u64(s.gaps.unknown, 20, "and before it nobody knows");
	later();
	is_u64(s.counters.unknown, 20, "nor ever will");

	begin_with(PROTO_IPFIX, SEQ_BEFORE, 0);
	transmit(50);
	late = make(10, true);
	(void)lose(2);
	transmit(1);
	ok(s.gaps.open > 10, "a gap");
	hear(&late);
	is_u64(s.gaps.open, 0, "that turns out to hold one whose size is unknown");
}

/* --- known later --- */

/* The datagrams of `all` whose size is unknown, and how many units they have. */
static struct {
	uint32_t tag, units;
} unsized[MOST];
static size_t unsized_count;

static void
recount(size_t i)
{
	struct seq_more more = {.tag = unsized[i].tag, .more = unsized[i].units};

	for (size_t k = 0; k < all_count; k++) {
		if (all[k].tag != more.tag)
			continue;
		more.sequence = all[k].sequence;
		more.templates = all[k].templates;
		all[k].units = more.more;
		all[k].units_unknown = false;
		seq_live_recount(&s, &room, &x.rules, &more, x.now_ns);
		return;
	}
}

static struct seq_heard
make_unsized(uint32_t units)
{
	struct seq_heard h;

	h = make(units, true);
	unsized[unsized_count].tag = h.item.tag;
	unsized[unsized_count++].units = units;
	return h;
}

static void
test_recount(enum seq_discipline d)
{
	struct seq_heard h;
	char want[64];
	uint32_t n;

	begin_with(PROTO_IPFIX, d, 1000);
	unsized_count = 0;
	s.awaits = true;
	transmit(50);
	h = make_unsized(10);
	hear(&h);
	n = lose(2);
	h = make_unsized(12);
	hear(&h);
	transmit(60);
	is_account("0 0 0 0 0 0 0 0", "sizes that are unknown");
	is_u64(s.gaps.unknown, 22 + n, "after 30 seconds, too, they are unknown");
	recount(0);
	recount(1);
	is_u64(s.gaps.unknown, 0, "but not when the template has come");
	is_u64(s.gaps.open, n, "what was lost between them is a gap then");
	transmit(40);
	(void)snprintf(want, sizeof(want), "%u 0 1 0 0 0 0 0", n);
	is_account(want, "and the only one");

	/* The last one that was heard, and the first ones of all. */
	begin_with(PROTO_IPFIX, d, 1000);
	unsized_count = 0;
	s.awaits = true;
	for (unsigned i = 0; i < 20; i++) {
		h = make_unsized(1 + i % 7);
		hear(&h);
	}
	ok(!s.learnt, "nothing is learnt of what cannot be counted");
	for (size_t i = 0; i < 20; i++)
		recount(i);
	ok(s.learnt, "but of what can be");
	h = make_unsized(9);
	hear(&h);
	recount(20);
	transmit(40);
	is_account("0 0 0 0 0 0 0 0", "none of them is missing");
	is_u64(s.counters.heard, (uint64_t)(s.next - s.first), "all were heard");
}

/* --- limits --- */

static void
test_limits(void)
{
	uint64_t lost = 0, inside = 0, joined = 0;

	begin_with(PROTO_V5, SEQ_BEFORE, 0);
	room.most = 1024;
	transmit(50);
	for (unsigned i = 0; i < 20000; i++) {
		lost += lose(1);
		for (unsigned k = 0; k < 3; k++) {
			struct seq_heard h = make(1 + x.tag * 7 % 29, false);

			seq_live_take(&s, &room, &x.rules, &h);
		}
	}
	later();
	is_u64(seq_live_missing(&s), lost, "20,000 gaps in room for 1,024: all units are counted");
	is_u64(s.counters.gaps, 20000, "and all gaps");
	ok(s.gaps.count <= 1024 && room.used <= 1024, "the room is kept to");
	ok(s.gaps.joined && room.joined > 10000, "that some were joined is said");
	for (uint32_t i = 0; i < s.gaps.count; i++) {
		const struct seq_gap *g = &s.gaps.all[i];

		inside += g->missing;
		joined += g->state == SEQ_GAP_JOINED;
		if (i > 0 && g->range.from < g[-1].range.to)
			lost = 0;
	}
	is_u64(inside, lost, "the list holds each of them, in order");
	ok(joined > 0 && s.gaps.all[s.gaps.count - 1].state == SEQ_GAP_DECLARED, "the older ones are joined");
	seq_live_clear(&s, &room);
	is_u64(room.used, 0, "the room is given back");

	begin_with(PROTO_V5, SEQ_BEFORE, 0);
	room.most = 0;
	transmit(50);
	lost = lose(1);
	transmit(1);
	is_u64(seq_live_missing(&s), lost, "no room at all: it is declared at once");
	ok(s.gaps.joined, "and said that it is in no list");
	later();
	is_u64(seq_live_missing(&s), lost, "once");
}

/* --- random histories --- */

static uint64_t state;

static uint32_t
draw(uint32_t below)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(state >> 33) % below;
}

static uint64_t
offline(uint32_t *ret_epochs)
{
	struct seq_item items[MOST];
	struct seq_votes votes = {.unsized = 0};
	uint64_t n = 0;

	memcpy(items, all, sizeof(items));
	if (seq_order(&x.rules, items, all_count, ret_epochs) != ERR_OK)
		abort();
	for (size_t i = 0, end; i < all_count; i = end) {
		for (end = i; end < all_count && items[end].epoch == items[i].epoch; end++)
			continue;
		seq_vote_all(&votes, items + i, end - i);
	}
	for (size_t i = 0, end; i < all_count; i = end) {
		struct seq_set heard = {0}, gaps = {0};
		enum seq_discipline d;

		for (end = i; end < all_count && items[end].epoch == items[i].epoch; end++)
			continue;
		d = seq_learn(&x.rules, items + i, end - i, &votes);
		seq_settle(&x.rules, d, items + i, end - i);
		for (size_t k = i; k < end; k++) {
			if (seq_set_add(&heard, seq_covers(d, &items[k])) != ERR_OK)
				abort();
		}
		seq_set_close(&heard);
		if (heard.count > 0 &&
		    seq_set_missing(&heard,
			(struct seq_range){heard.ranges[0].from, heard.ranges[heard.count - 1].to},
			&gaps) != ERR_OK)
			abort();
		seq_set_close(&gaps);
		n += seq_set_units(&gaps);
		seq_set_clear(&heard);
		seq_set_clear(&gaps);
	}
	return n;
}

/* Datagrams through a network that loses, copies and delays them by up to three places, from an exporter that restarts,
 * whose clock is set and who sends templates, alone at times. late: sizes that are unknown at first are known later. */
static void
history(unsigned loss, unsigned swaps, unsigned copies, bool restarts, bool late)
{
	struct seq_heard waiting[4];
	unsigned n = 0;
	size_t known = 0;

	unsized_count = 0;

	for (unsigned i = 0; i < 1500; i++) {
		bool unknown = x.proto == PROTO_IPFIX && i > 40 && i < 1490 && draw(50) == 0;
		bool templates = x.proto == PROTO_IPFIX && (draw(20) == 0 || i == 5 || i == 10);
		bool options = seq_counts_of(x.discipline) == SEQ_COUNTS_FLOWS && !unknown &&
		    (draw(20) == 0 || i == 7);
		struct seq_heard h;

		if (restarts && draw(300) == 0 && i > 50) {
			while (late && known < unsized_count)
				recount(known++);
			for (unsigned k = 0; k < n; k++)
				hear(&waiting[k]);
			n = 0;
			transmit(
			    2); /* the last ones of a life are known: nothing comes behind that would tell */
			x.now_ns += 20 * SEC;
			restart();
			transmit(4); /* so that it shows before something is lost */
		}
		if (templates)
			x.templates = 1 + draw(3);
		if (options)
			x.options = 1 + draw(3);
		if (unknown)
			h = make_unsized(1 + draw(30));
		else
			h = make(templates && draw(2) == 0 ? 0 : 1 + draw(30), false);
		s.awaits = late;
		if (late && draw(60) == 0) {
			while (known < unsized_count)
				recount(known++);
		}
		if (i > 20 && draw(100) < loss)
			continue;
		if (n < 3 && i > 20 && draw(100) < swaps) {
			waiting[n++] = h;
			continue;
		}
		hear(&h);
		if (draw(100) < copies)
			hear(&h);
		while (n > 0 && draw(2) == 0)
			hear(&waiting[--n]);
	}
	while (n > 0)
		hear(&waiting[--n]);
	transmit(5);
	while (late && known < unsized_count)
		recount(known++);
	later();
}

static void
test_histories(void)
{
	static const struct {
		enum proto proto;
		enum seq_discipline d;
	} kinds[] = {{PROTO_V5, SEQ_BEFORE}, {PROTO_V7, SEQ_BEFORE}, {PROTO_V8, SEQ_BEFORE},
	    {PROTO_V9, SEQ_DATAGRAMS}, {PROTO_V9, SEQ_BEFORE}, {PROTO_SFLOW5, SEQ_DATAGRAMS},
	    {PROTO_IPFIX, SEQ_BEFORE}, {PROTO_IPFIX, SEQ_AFTER}, {PROTO_IPFIX, SEQ_DATAGRAMS},
	    {PROTO_IPFIX, SEQ_BEFORE_ALL}, {PROTO_IPFIX, SEQ_AFTER_ALL}, {PROTO_IPFIX, SEQ_BEFORE_FLOWS},
	    {PROTO_IPFIX, SEQ_AFTER_FLOWS}};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		unsigned differ = 0, resets = 0, compared = 0;
		uint64_t sum = 0;

		for (unsigned seed = 1; seed <= 40; seed++) {
			uint32_t epochs;
			uint64_t want;

			state = seed * 1000 + i;
			begin_with(kinds[i].proto, kinds[i].d,
			    draw(4) == 0 ? UINT32_MAX - draw(5000) : draw(1000000));
			history(draw(3) * 10, draw(2) * 10, draw(2) * 10, draw(2) == 0, draw(2) == 0);
			want = offline(&epochs);
			sum += want;
			compared++;
			if (seq_live_missing(&s) != want || s.gaps.open != 0) {
				if (differ++ < 3)
					printf("# seed %u: live %llu offline %llu, resets %llu epochs %u\n",
					    seed, (unsigned long long)seq_live_missing(&s),
					    (unsigned long long)want, (unsigned long long)s.counters.resets,
					    epochs);
			}
			resets += s.counters.resets + 1 != epochs;
		}
		ok(sum > 1000, "%s %s: %u histories", proto_name(kinds[i].proto),
		    seq_discipline_name(kinds[i].d), compared);
		is_u64(differ, 0, "have as much missing as offline");
		is_u64(resets, 0, "and as many lives");
	}
}

int
main(void)
{
	test_discipline(PROTO_V5, SEQ_BEFORE);
	test_discipline(PROTO_V7, SEQ_BEFORE);
	test_discipline(PROTO_V8, SEQ_BEFORE);
	test_discipline(PROTO_V9, SEQ_DATAGRAMS);
	test_discipline(PROTO_V9, SEQ_BEFORE);
	test_discipline(PROTO_IPFIX, SEQ_BEFORE);
	test_discipline(PROTO_IPFIX, SEQ_AFTER);
	test_discipline(PROTO_IPFIX, SEQ_DATAGRAMS);
	test_templates(SEQ_BEFORE_ALL);
	test_templates(SEQ_AFTER_ALL);
	test_options(SEQ_BEFORE_FLOWS);
	test_options(SEQ_AFTER_FLOWS);
	test_restart_from_far();
	test_discipline(PROTO_SFLOW5, SEQ_DATAGRAMS);
	test_uptime(PROTO_V5, SEQ_BEFORE);
	test_uptime(PROTO_V9, SEQ_DATAGRAMS);
	test_uptime(PROTO_SFLOW5, SEQ_DATAGRAMS);
	test_learning();
	test_unknown();
	test_recount(SEQ_BEFORE);
	test_recount(SEQ_AFTER);
	test_limits();
	test_histories();
	seq_live_clear(&s, &room);
	return done_testing();
}
