/* SPDX-License-Identifier: ISC
 *
 * Why nodes missed what they missed, from what befell them. Of each datagram that a node missed it is known, from all hearings,
 * between which times of its own clock it would have come; between these it ran for certain, or for certain did not, and
 * events and damaged records that are still there may explain it or not. So there is a set of causes for each. The ledger's sums
 * must lie between what is certain and what may be: where two causes overlap in time, either is right.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rd.h"
#include "cluster/causes.h"
#include "log/event.h"
#include "log/segment.h"
#include "tests/sim/sim.h"

#define BIT(cause) (1U << (cause))
#define SLACK_NS (100 * NS_PER_MSEC) /* flowbraid(1), CAUSES */
#define UNWRITTEN_NS NS_PER_SEC

struct between {
	int64_t from, to;
};

/* Something that is told of a node, and explains so many datagrams. */
struct told {
	enum cause cause;
	struct between when;
	bool vague;            /* its time is that of a whole life, at most */
	uint64_t count, asked; /* asked: at most so many are asked of it */
	uint32_t sent;         /* a damaged record that had it; NONE: it may explain any */
};

/* What is known of one incarnation: its records that are left. */
struct life_known {
	uint32_t node;
	uint16_t lane;
	struct between when;
	bool ended; /* its last record says that it stopped */
};

struct node_told {
	struct told *list;
	uint32_t count;
};

struct causes_truth {
	struct world *w;
	const struct expect *e;
	struct node_told nodes[NODES_MOST];
	struct life_known *lives; /* by incarnation of the world; when.from > when.to: nothing is left */
	struct between ahead[NODES_MOST][NODES_MOST];
};

static bool
meets(struct between a, struct between b)
{
	return a.from <= b.to && b.from <= a.to;
}

static bool
lies_in(struct between a, struct between b)
{
	return a.from >= b.from && a.to <= b.to;
}

static void
widen(struct between *b, int64_t ns)
{
	if (ns < b->from)
		b->from = ns;
	if (ns > b->to)
		b->to = ns;
}

/* --- when would the node have heard it? --- */

/* Between which bounds its clock is ahead of the other's, by all datagrams that both heard. */
static void
compare_clocks(struct causes_truth *t)
{
	for (uint32_t n = 0; n < NODES_MOST; n++) {
		for (uint32_t m = 0; m < NODES_MOST; m++)
			t->ahead[n][m] = (struct between){INT64_MAX, INT64_MIN};
	}
	for (uint32_t i = 0; i < t->e->count; i++) {
		const struct expect_datagram *d = &t->e->datagrams[i];

		for (uint32_t a = 0; a < d->count; a++) {
			for (uint32_t b = 0; b < d->count; b++)
				widen(&t->ahead[d->heard[a].node][d->heard[b].node],
				    d->heard[a].time_ns - d->heard[b].time_ns);
		}
	}
	for (uint32_t n = 0; n < NODES_MOST; n++) {
		for (uint32_t m = 0; m < NODES_MOST; m++) {
			if (t->ahead[n][m].from > t->ahead[n][m].to) /* none: taken for equal */
				t->ahead[n][m] = (struct between){0, 0};
		}
	}
}

static void
widen_by(const struct causes_truth *t, uint32_t node, uint32_t archived, struct between *b)
{
	const struct expect_datagram *d = &t->e->datagrams[archived];
	bool own = ((d->nodes >> node) & 1) != 0;

	for (uint32_t i = 0; i < d->count; i++) {
		const struct heard *h = &d->heard[i];

		if (own && h->node != node)
			continue;
		widen(b, h->time_ns + (own ? 0 : t->ahead[node][h->node].from));
		widen(b, h->time_ns + (own ? 0 : t->ahead[node][h->node].to));
	}
}

static struct between
when(const struct causes_truth *t, uint32_t node, const struct missed_units *m)
{
	struct between b = {INT64_MAX, INT64_MIN};

	widen_by(t, node, m->before, &b);
	widen_by(t, node, m->behind, &b);
	return b;
}

/* --- what is told --- */

static void
tell(struct causes_truth *t, uint32_t node, enum cause cause, int64_t from, int64_t to, uint64_t count,
    uint32_t sent)
{
	struct node_told *n = &t->nodes[node];

	if (count == 0 || from > to)
		return;
	GROW(n->list, n->count);
	n->list[n->count++] = (struct told){
	    cause, {from, to}, cause == CAUSE_DAMAGED && sent == NONE, count, 0, sent};
}

static void
tell_event(struct causes_truth *t, const struct expect_event *ev)
{
	struct rd r = rd_init(ev->record->body, ev->record->len);
	uint64_t count = 0;
	int64_t from = ev->record->time_ns, to = from;
	bool listener = false;
	uint16_t kind = rd_u16(&r);

	if (kind != EVENT_KERNEL_DROP && kind != EVENT_LOG_DROP)
		return;
	while (rd_left(&r) > 0) {
		uint16_t key = rd_u16(&r), len = rd_u16(&r);
		uint64_t v = len == 8 ? rd_u64(&r) : 0;

		if (len != 8)
			rd_skip(&r, len);
		count = key == EVENT_KEY_COUNT ? v : count;
		from = key == EVENT_KEY_FROM ? (int64_t)v : from;
		to = key == EVENT_KEY_TO ? (int64_t)v : to;
		listener |= key == EVENT_KEY_LISTENER;
	}
	tell(t, ev->file->node,
	    kind == EVENT_LOG_DROP ? CAUSE_DISK
		: listener         ? CAUSE_KERNEL
				   : CAUSE_HOST,
	    from, to, count, NONE);
}

static bool
is_left(const struct causes_truth *t, const struct seg_file *f, const struct file_record *r)
{
	const struct expect_datagram *d;

	if (r->sent == NONE || t->e->of_sent[r->sent] == NONE)
		return false;
	d = &t->e->datagrams[t->e->of_sent[r->sent]];
	for (uint32_t i = 0; i < d->count; i++) {
		if (d->heard[i].incarnation == f->incarnation && d->heard[i].sequence == r->sequence)
			return true;
	}
	return false;
}

/* A record without its header is known to be between its neighbours, so it may explain what was sent between these. */
static void
tell_damage(struct causes_truth *t, const struct seg_file *f)
{
	for (size_t k = 0; k < f->count; k++) {
		const struct file_record *r = &f->records[k];
		struct life_known *l = &t->lives[sim_incarnation(t->w, f->incarnation) - t->w->incarnations];

		if (!r->gone || !r->known_lost || is_left(t, f, r))
			continue;
		if (r->named)
			tell(t, f->node, CAUSE_DAMAGED, r->time_ns, r->time_ns, 1, r->sent);
		else /* somewhere in its life: more is not asked here */
			tell(t, f->node, CAUSE_DAMAGED, l->when.from, l->when.to, 1, NONE);
	}
}

static void
know_lives(struct causes_truth *t)
{
	struct world *w = t->w;

	for (uint32_t i = 0; i < w->incarnation_count; i++)
		t->lives[i] = (struct life_known){
		    w->incarnations[i].node, w->incarnations[i].lane, {INT64_MAX, INT64_MIN}, false};
	for (uint32_t i = 0; i < w->file_count; i++) {
		const struct seg_file *f = &w->files[i];
		struct incarnation *of = f->incarnation != 0 ? sim_incarnation(w, f->incarnation) : NULL;

		for (size_t k = 0; of != NULL && k < f->count; k++) {
			if (!f->records[k].gone &&
			    (f->records[k].sent != NONE || f->records[k].type == RECORD_EVENT))
				widen(&t->lives[of - w->incarnations].when, f->records[k].time_ns);
		}
	}
	for (size_t i = 0; i < t->e->event_count; i++) {
		const struct file_record *r = t->e->events[i].record;
		struct rd body = rd_init(r->body, r->len);

		if (rd_u16(&body) == EVENT_STOP)
			t->lives[sim_incarnation(w, t->e->events[i].file->incarnation) - w->incarnations]
			    .ended = true;
	}
}

/* --- the set of causes --- */

/* CAUSE_COUNT, as a bit: it ran. */
static unsigned
down_or_not(const struct causes_truth *t, uint32_t node, bool heard, uint16_t lane, struct between b)
{
	bool runs = false, may_run = false, later = false, may_be_later = false;

	for (uint32_t i = 0; i < t->w->incarnation_count; i++) {
		struct life_known l = t->lives[i];

		if (l.node != node || (heard && l.lane != lane) || l.when.from > l.when.to)
			continue;
		may_run |= meets(b, l.when);
		later |= l.when.from > b.to;
		may_be_later |= l.when.from > b.from;
		if (!l.ended)
			l.when.to -= UNWRITTEN_NS;
		runs |= lies_in(b, l.when);
	}
	if (runs)
		return BIT(CAUSE_COUNT);
	return (may_run ? BIT(CAUSE_COUNT) : 0) | (may_be_later ? BIT(CAUSE_DOWN) : 0) |
	    (later ? 0 : BIT(CAUSE_ENDED));
}

static bool
may_tell(const struct causes_truth *t, const struct told *x, uint32_t sent, struct between b)
{
	const struct world *w = t->w;
	struct between wide = {x->when.from - SLACK_NS, x->when.to + SLACK_NS};

	/* A header names an exporter. */
	return meets(wide, b) &&
	    (x->sent == NONE ||
		w->streams[w->sent[x->sent].stream].exporter == w->streams[w->sent[sent].stream].exporter);
}

static unsigned
causes_of(const struct causes_truth *t, uint32_t node, bool heard, const struct missed_units *m)
{
	const struct node_told *n = &t->nodes[node];
	uint32_t exporter = t->w->streams[t->w->sent[m->sent].stream].exporter;
	struct between b = when(t, node, m);
	unsigned down = down_or_not(t, node, heard, (uint16_t)(exporter % t->w->nodes[node].lanes), b);
	unsigned may = BIT(CAUSE_NETWORK), first = CAUSE_COUNT, named = 0;

	for (uint32_t i = 0; i < n->count; i++) {
		const struct told *x = &n->list[i];

		if (!may_tell(t, x, m->sent, b))
			continue;
		may |= BIT(x->cause);
		if (x->sent != NONE)
			named = BIT(CAUSE_DAMAGED);
		/* Enough for all that may be asked, so this one is told, or one that goes before it. */
		if (!x->vague &&
		    lies_in(b, (struct between){x->when.from - SLACK_NS, x->when.to + SLACK_NS}) &&
		    x->asked <= x->count && x->cause < first)
			first = x->cause;
	}
	if (first < CAUSE_COUNT)
		may &= 2 * BIT(first) - 1;
	if ((down & BIT(CAUSE_COUNT)) != 0)
		return may | (down & ~BIT(CAUSE_COUNT));
	return down | named;
}

/* How many may be asked of each, at most: all that the node missed at that time, of whatever stream. Lives that are not told
 * apart may seem to miss anything between their numbers. */
static void
count_asked(struct causes_truth *t, uint32_t node)
{
	struct node_told *n = &t->nodes[node];
	struct world *w = t->w;

	for (uint32_t s = 0; s < w->stream_count; s++) {
		const struct sim_stream *st = &w->streams[s];
		bool known = st->counting == COUNT_ZERO || sim_lives_known(w, t->e, st);
		uint32_t before = NONE;

		for (uint32_t x = 0; x < n->count && !known; x++)
			n->list[x].asked = UINT64_MAX / 2;
		for (uint32_t i = 0; i < st->sent_count; i++) {
			const struct sent *sent = &w->sent[st->sent[i]];
			uint32_t of = t->e->of_sent[st->sent[i]], behind = of;
			struct missed_units m = {.sent = st->sent[i]};
			struct between b;

			if (of != NONE && ((t->e->datagrams[of].nodes >> node) & 1) != 0) {
				before = of;
				continue;
			}
			for (uint32_t k = i; behind == NONE && k < st->sent_count; k++)
				behind = t->e->of_sent[st->sent[k]];
			m.before = of != NONE || before == NONE ? behind : before;
			m.behind = behind != NONE ? behind : before;
			before = of != NONE ? of : before;
			if (m.behind == NONE || m.before == NONE)
				continue;
			b = when(t, node, &m);
			for (uint32_t x = 0; x < n->count; x++) {
				if (may_tell(t, &n->list[x], m.sent, b))
					n->list[x].asked += of != NONE ? 1 : 1 + sent->units;
			}
		}
	}
}

/* --- what nodes tell of what they dropped --- */

static bool
is_whole(const struct world *w, uint32_t incarnation)
{
	size_t seen = 0;

	for (uint32_t i = 0; i < w->file_count; i++) {
		const struct seg_file *f = &w->files[i];

		if (f->incarnation != w->incarnations[incarnation].id || f->copy)
			continue;
		for (size_t k = 0; k < f->count; k++) {
			if (f->records[k].gone)
				return false;
		}
		seen++;
	}
	return seen > 0 && w->incarnations[incarnation].stopped;
}

static void
check_drops(struct causes_truth *t)
{
	static const enum cause causes[] = {CAUSE_KERNEL, CAUSE_HOST, CAUSE_DISK};
	struct world *w = t->w;

	for (uint32_t i = 0; i < w->drop_count; i++) {
		const struct drop *d = &w->drops[i];
		const struct incarnation *of = &w->incarnations[d->incarnation];
		const struct node_told *n = &t->nodes[of->node];
		bool told = false;

		if (!is_whole(w, d->incarnation) || w->nodes[of->node].step_ns != 0)
			continue;
		for (uint32_t k = 0; k < n->count; k++)
			told |= n->list[k].cause == causes[d->kind] && d->time_ns >= n->list[k].when.from &&
			    d->time_ns <= n->list[k].when.to;
		CHECK(w, told,
		    "causes: node %s dropped a datagram (%s) at %" PRId64 ", and no event tells of it",
		    w->nodes[of->node].name, cause_name(causes[d->kind]), d->time_ns);
	}
}

struct causes_truth *
causes_truth_new(struct world *w, const struct expect *e)
{
	struct causes_truth *t = sim_alloc(sizeof(*t));

	t->w = w;
	t->e = e;
	t->lives = sim_alloc((w->incarnation_count + 1) * sizeof(*t->lives));
	compare_clocks(t);
	know_lives(t);
	for (size_t i = 0; i < e->event_count; i++)
		tell_event(t, &e->events[i]);
	check_drops(t);
	for (uint32_t i = 0; i < w->file_count; i++) {
		if (!w->files[i].header_bad && sim_incarnation(w, w->files[i].incarnation) != NULL)
			tell_damage(t, &w->files[i]);
	}
	for (uint32_t n = 0; n < w->node_count; n++)
		count_asked(t, n);
	return t;
}

void
causes_truth_free(struct causes_truth *t)
{
	for (uint32_t n = 0; n < NODES_MOST; n++)
		free(t->nodes[n].list);
	free(t->lives);
	free(t);
}

void
causes_truth_check(struct world *w, const struct causes_truth *t, uint32_t node, bool heard,
    const struct missed_units *missed, uint32_t count, const struct json_value *causes, const char *what)
{
	int64_t least[CAUSE_COUNT] = {0}, most[CAUSE_COUNT] = {0};

	for (uint32_t i = 0; i < count; i++) {
		unsigned may = causes_of(t, node, heard, &missed[i]);
		bool certain = (may & (may - 1)) == 0;

		if (w->options.verbose > 1) {
			struct between b = when(t, node, &missed[i]);

			printf("    %s: node %s missed %u, %" PRId64
			       " units, between %.3f and %.3f by its clock: causes %x\n",
			    what, w->nodes[node].name, missed[i].sent, missed[i].units,
			    (double)(b.from - SIM_START) / 1e9, (double)(b.to - SIM_START) / 1e9, may);
		}
		for (unsigned c = 0; c < CAUSE_COUNT; c++) {
			if ((may & BIT(c)) == 0)
				continue;
			most[c] += missed[i].units;
			least[c] += certain ? missed[i].units : 0;
		}
		w->missed += (uint64_t)missed[i].units;
		w->certain += certain ? (uint64_t)missed[i].units : 0;
	}
	for (unsigned c = 0; c < CAUSE_COUNT; c++) {
		int64_t said = json_number(causes, cause_name((enum cause)c));

		said = said != INT64_MIN ? said : 0;
		CHECK(w, said >= least[c] && said <= most[c],
		    "ledger: %s: node %s: %" PRId64 " are missing because of %s, not %" PRId64 " to %" PRId64,
		    what, w->nodes[node].name, said, cause_name((enum cause)c), least[c], most[c]);
	}
}
