/* SPDX-License-Identifier: ISC
 *
 * See missing.h. One walk over the epoch in the exporter's order for each node. When the node would have heard a datagram is told by
 * another one's clock, and by how far the two were apart when they heard something together last; what nobody heard was sent
 * between its neighbours, evenly.
 */
#include "cluster/missing.h"

#include <stdlib.h>
#include <string.h>

#include "base/spill.h"

#define PARTS_MOST 64 /* of a piece that nobody heard, each with a time of its own */

/* When something was sent. */
struct sent_at {
	int64_t own_ns; /* by the node's clock */
	int64_t ns;     /* by the archive's times */
};

struct walk {
	struct missing *m;
	struct missed ask; /* what is the same for all questions */
	const struct seq_set *absent;
	size_t at;                  /* the range of absent at hand */
	size_t residual_at;         /* ... of the residual ones */
	uint64_t *by_cause;         /* of the node */
	uint64_t here[CAUSE_COUNT]; /* of the range at hand */
	int64_t from_ns, to_ns;     /* likewise; from_ns == INT64_MIN: nothing of it was met */
};

static int64_t
length(const struct missing_gap *g)
{
	return g->r.to - g->r.from;
}

static void
note_longest(struct missing_longest *l, const struct missing_gap *g)
{
	size_t at = l->count;
	int64_t from_ns = g->from_ns < g->to_ns ? g->from_ns : g->to_ns;

	while (at > 0 && length(&l->gaps[at - 1]) < length(g))
		at--;
	if (at == MISSING_LONGEST)
		return;
	if (l->count < MISSING_LONGEST)
		l->count++;
	memmove(&l->gaps[at + 1], &l->gaps[at], (l->count - at - 1) * sizeof(*g));
	l->gaps[at] = *g;
	l->gaps[at].to_ns = g->from_ns < g->to_ns ? g->to_ns : g->from_ns; /* clocks differ */
	l->gaps[at].from_ns = from_ns;
}

static void
end_range(struct walk *w)
{
	struct missing_gap g = {.epoch = w->m->index,
	    .node = w->ask.node,
	    .r = w->absent->ranges[w->at],
	    .from_ns = w->from_ns,
	    .to_ns = w->to_ns};
	unsigned most = CAUSE_NETWORK;

	for (unsigned c = 0; c < CAUSE_COUNT; c++) {
		if (w->here[c] > w->here[most])
			most = c;
	}
	g.causes = (uint16_t)(1U << most);
	note_longest(w->m->nodes, &g);
	memset(w->here, 0, sizeof(w->here));
	w->from_ns = INT64_MIN;
	w->at++;
}

/* Which ranges that nobody heard does [from, to) lie in? It is all of one or a part of one. */
static void
note_residual(struct walk *w, int64_t from, enum cause c)
{
	const struct seq_set *r = w->m->residual;

	while (w->residual_at < r->count && r->ranges[w->residual_at].to <= from)
		w->residual_at++;
	if (w->residual_at < r->count && c != CAUSE_NETWORK)
		w->m->masks[w->residual_at] |= (uint16_t)(1U << c);
}

static void
ask(struct walk *w, uint64_t units, int64_t own_ns, int64_t from, bool residual)
{
	enum cause c;

	w->ask.time_ns = own_ns;
	c = causes_why(w->m->causes, &w->ask);
	w->by_cause[c] += units;
	w->here[c] += units;
	if (residual)
		note_residual(w, from, c);
}

/* [from, to) is absent. */
static void
explain(struct walk *w, int64_t from, int64_t to, bool residual, struct sent_at a, struct sent_at b)
{
	uint64_t units = (uint64_t)(to - from), parts = 1, done = 0;

	if (residual)
		parts = (units + w->m->units_each - 1) / w->m->units_each;
	if (parts > PARTS_MOST)
		parts = PARTS_MOST;
	if (w->from_ns == INT64_MIN)
		w->from_ns = a.ns;
	w->to_ns = b.ns;
	for (uint64_t i = 0; i < parts; i++) {
		uint64_t upto = units / parts * (i + 1) + units % parts * (i + 1) / parts;
		int64_t step = (b.own_ns - a.own_ns) / (int64_t)(2 * parts);

		ask(w, upto - done, a.own_ns + step * (int64_t)(2 * i + 1), from, residual);
		done = upto;
	}
}

/* What is absent of [from, to), which was sent between these times. */
static void
piece(struct walk *w, int64_t from, int64_t to, bool residual, struct sent_at a, struct sent_at b)
{
	while (w->at < w->absent->count && w->absent->ranges[w->at].from < to) {
		struct seq_range r = w->absent->ranges[w->at];
		int64_t low = r.from > from ? r.from : from, high = r.to < to ? r.to : to;

		if (low < high)
			explain(w, low, high, residual, a, b);
		if (r.to > to)
			return;
		end_range(w);
	}
}

/* The node's earliest hearing of a datagram; NULL: it has none. */
static const struct witness *
heard_by(const struct pool *p, const struct pool_datagram *d, uint32_t node)
{
	const struct witness *w = &p->witnesses[d->hearing], *best = NULL;

	for (uint32_t i = 0; i < d->hearings; i++) {
		if (p->sources[w[i].source].node == node && (best == NULL || w[i].time_ns < best->time_ns))
			best = &w[i];
	}
	return best;
}

/* The node heard it: how far is its clock ahead of the others'? */
static bool
note_hearing(struct walk *w, const struct pool_datagram *d)
{
	const struct pool *p = w->m->p;
	const struct witness *others = &p->witnesses[d->hearing], *own = heard_by(p, d, w->ask.node);

	if (own == NULL)
		return false;
	w->ask.heard = true;
	w->ask.lane = p->sources[own->source].id.lane;
	for (uint32_t i = 0; i < d->hearings; i++)
		w->m->ahead_ns[p->sources[others[i].source].node] = own->time_ns - others[i].time_ns;
	return true;
}

static struct sent_at
when(const struct walk *w, const struct pool_datagram *d)
{
	const struct pool *p = w->m->p;
	const struct witness *own = heard_by(p, d, w->ask.node), *first = &p->witnesses[d->hearing];

	return (struct sent_at){.own_ns = own != NULL
		? own->time_ns
		: first->time_ns + w->m->ahead_ns[p->sources[first->source].node],
	    .ns = d->time_ns};
}

/* How far the node's clock is ahead of the others' at first: as in the first datagram of the epoch that it heard with each. */
static void
judge_clocks(struct walk *w)
{
	const struct missing *m = w->m;
	const struct seq_item *items = plan_epoch_items(m->plan, m->epoch);

	for (uint32_t n = 0; n < m->p->node_count; n++)
		m->ahead_ns[n] = causes_ahead(m->causes, w->ask.node, n);
	for (size_t i = 0; i < m->epoch->count && !w->ask.heard; i++)
		(void)note_hearing(w, &m->p->datagrams[items[i].tag]);
}

void
missing_of_node(
    struct missing *m, uint32_t node, const struct seq_set *absent, uint64_t by_cause[CAUSE_COUNT])
{
	const struct seq_item *items = plan_epoch_items(m->plan, m->epoch);
	struct walk w = {
	    .m = m, .ask = {.node = node}, .absent = absent, .by_cause = by_cause, .from_ns = INT64_MIN};
	struct sent_at last = {0};
	int64_t pos = m->span.from;
	bool any = false;

	if (absent->count == 0)
		return;
	judge_clocks(&w);
	for (size_t i = 0; i < m->epoch->count; i++) {
		const struct pool_datagram *d = &m->p->datagrams[items[i].tag];
		struct seq_range covers = seq_covers(m->discipline, &items[i]);
		struct sent_at now;

		spill_pause();
		w.ask.exporter = &d->addr;
		w.ask.port = d->port;
		(void)note_hearing(&w, d);
		if (covers.from == covers.to)
			continue;
		now = when(&w, d);
		if (covers.from > pos) {
			piece(&w, pos, covers.from, true, any ? last : now, now);
			pos = covers.from;
		}
		if (covers.to > pos) {
			piece(&w, pos, covers.to, false, now, now);
			pos = covers.to;
		}
		any = true;
		last = now;
	}
	piece(&w, pos, m->span.to, true, last, last);
}

enum err
missing_begin(struct missing *m)
{
	m->masks = calloc(m->residual->count + 1, sizeof(*m->masks));
	m->ahead_ns = calloc(m->p->node_count + 1, sizeof(*m->ahead_ns));
	return m->masks != NULL && m->ahead_ns != NULL ? ERR_OK : ERR_MEMORY;
}

/* When each range that nobody heard was sent: between the datagrams around it. */
static void
list_residual(struct missing *m)
{
	const struct seq_item *items = plan_epoch_items(m->plan, m->epoch);
	int64_t before_ns = 0;
	bool any = false;
	size_t k = 0;

	for (size_t i = 0; i < m->epoch->count; i++) {
		struct seq_range covers = seq_covers(m->discipline, &items[i]);
		int64_t ns = m->p->datagrams[items[i].tag].time_ns;

		if (covers.from == covers.to)
			continue;
		for (; k < m->residual->count && m->residual->ranges[k].to <= covers.from; k++) {
			struct missing_gap g = {.epoch = m->index,
			    .node = MISSING_ALL,
			    .r = m->residual->ranges[k],
			    .from_ns = any ? before_ns : ns,
			    .to_ns = ns,
			    .causes = m->masks[k]};

			note_longest(m->all, &g);
		}
		before_ns = ns;
		any = true;
	}
}

void
missing_end(struct missing *m, uint64_t *ret_unexplained)
{
	*ret_unexplained = 0;
	for (size_t k = 0; m->masks != NULL && k < m->residual->count; k++) {
		if (m->masks[k] == 0)
			*ret_unexplained += (uint64_t)(m->residual->ranges[k].to -
			    m->residual->ranges[k].from);
	}
	if (m->masks != NULL)
		list_residual(m);
	free(m->masks);
	free(m->ahead_ns);
	m->masks = NULL;
	m->ahead_ns = NULL;
}
