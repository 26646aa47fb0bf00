/* SPDX-License-Identifier: ISC
 *
 * See ledger.h. All counting is set arithmetic over unwrapped sequence numbers: what one node missed is the
 * cluster's span without what that node heard, what everybody missed is the span without what anybody heard.
 */
#include "cluster/ledger.h"

#include <stdlib.h>
#include <string.h>

#include "base/spill.h"

static const char *
unit_of(const struct stream_key *k, enum seq_discipline d)
{
	if (d == SEQ_DATAGRAMS || d == SEQ_NONE)
		return "datagrams";
	return k->proto == PROTO_IPFIX ? "records" : "flows";
}

static int
i64_cmp(const void *va, const void *vb)
{
	int64_t a = *(const int64_t *)va, b = *(const int64_t *)vb;

	return a < b ? -1 : a > b;
}

static bool
is_chosen(const struct pool *p, const struct seq_item *item)
{
	return item->tag >= p->first && item->tag < p->end;
}

bool
ledger_is_numbered(const struct pool *p, enum seq_discipline d, const struct seq_item *item)
{
	struct seq_range covers = seq_covers(d, item);

	/* How many of the records are options is not known of selected flows, nor of what cannot be counted. */
	if (seq_counts_of(d) == SEQ_COUNTS_FLOWS &&
	    (item->units_unknown || p->datagrams[item->tag].selected != POOL_NONE))
		return false;
	return item->data && !item->stray && is_chosen(p, item) &&
	    (covers.from < covers.to || item->units_unknown);
}

/* Different datagrams of one epoch that bear data under one number. */
static enum err
count_conflicts(
    const struct pool *p, enum seq_discipline d, const struct seq_item *items, size_t count, uint64_t *ret)
{
	int64_t *positions = malloc((count + 1) * sizeof(*positions));
	size_t n = 0;

	if (positions == NULL)
		return ERR_MEMORY;
	for (size_t i = 0; i < count; i++) {
		if (ledger_is_numbered(p, d, &items[i]))
			positions[n++] = items[i].position;
	}
	qsort(positions, n, sizeof(*positions), i64_cmp);
	for (size_t i = 1; i < n; i++)
		*ret += positions[i] == positions[i - 1];
	free(positions);
	return ERR_OK;
}

/* What only datagrams of the span tell; *span: from their first unit to behind their last. */
static void
note_chosen(struct ledger_epoch *l, const struct pool_datagram *d, const struct seq_item *item,
    struct seq_range covers, struct seq_range *span)
{
	l->datagrams++;
	l->selected += d->selected != POOL_NONE;
	l->strays += item->stray && !l->epoch->shared;
	if (l->first_ns > d->time_ns)
		l->first_ns = d->time_ns;
	if (l->last_ns < d->time_ns)
		l->last_ns = d->time_ns;
	if (covers.from == covers.to)
		return;
	if (span->from == span->to)
		*span = covers;
	if (span->from > covers.from)
		span->from = covers.from;
	if (span->to < covers.to)
		span->to = covers.to;
}

/* What the cluster heard, and for each node what it heard, as closed sets. */
static enum err
gather(const struct pool *p, const struct plan *plan, struct ledger_epoch *l, struct seq_set *all,
    struct seq_set *each, struct seq_range *span)
{
	const struct seq_item *items = plan_epoch_items(plan, l->epoch);
	enum err e = ERR_OK;

	for (size_t i = 0; i < l->epoch->count && e == ERR_OK; i++) {
		const struct pool_datagram *d = &p->datagrams[items[i].tag];
		struct seq_range covers = seq_covers(l->discipline, &items[i]);

		spill_pause();
		if (is_chosen(p, &items[i]))
			note_chosen(l, d, &items[i], covers, span);
		e = seq_set_add(all, covers);
		for (uint32_t k = 0; k < d->hearings && e == ERR_OK; k++) {
			uint32_t node = p->sources[p->witnesses[d->hearing + k].source].node;

			if (k > 0 && node == p->sources[p->witnesses[d->hearing + k - 1].source].node)
				continue;
			e = seq_set_add(&each[node], covers);
			if (l->discipline == SEQ_NONE && is_chosen(p, &items[i]))
				l->nodes[node].heard++;
		}
	}
	seq_set_close(all);
	for (size_t n = 0; n < p->node_count; n++)
		seq_set_close(&each[n]);
	return e;
}

/* What each node missed, and why. */
static enum err
account_nodes(struct missing *m, struct ledger_epoch *l, const struct seq_set *each)
{
	enum err e = missing_begin(m);

	for (uint32_t n = 0; n < m->p->node_count && e == ERR_OK; n++) {
		struct seq_set absent = {0};

		e = seq_set_missing(&each[n], m->span, &absent);
		l->nodes[n].missing = seq_set_units(&absent);
		l->nodes[n].heard = (uint64_t)(m->span.to - m->span.from) - l->nodes[n].missing;
		if (e == ERR_OK)
			missing_of_node(m, n, &absent, l->nodes[n].by_cause);
		seq_set_clear(&absent);
	}
	missing_end(m, &l->unexplained);
	return e;
}

static enum err
account(const struct pool *p, const struct plan *plan, struct missing *m, struct ledger_epoch *l,
    struct seq_set *all, struct seq_set *each)
{
	struct seq_range span = {0, 0};
	enum err e = gather(p, plan, l, all, each, &span);
	uint64_t units;

	l->heard = l->discipline == SEQ_NONE ? l->datagrams : 0;
	if (e != ERR_OK || span.from == span.to)
		return e;
	units = (uint64_t)(span.to - span.from);
	e = seq_set_missing(all, span, &l->gaps);
	l->missing = seq_set_units(&l->gaps);
	l->heard = units - l->missing;
	m->epoch = l->epoch;
	m->discipline = l->discipline;
	m->span = span;
	m->residual = &l->gaps;
	m->units_each = l->datagrams > 0 && l->heard > l->datagrams ? l->heard / l->datagrams : 1;
	if (e == ERR_OK)
		e = account_nodes(m, l, each);
	if (e == ERR_OK)
		e = count_conflicts(
		    p, l->discipline, plan_epoch_items(plan, l->epoch), l->epoch->count, &l->conflicts);
	return e;
}

static enum err
make_epoch(const struct pool *p, const struct plan *plan, const struct plan_epoch *epoch, struct missing *m,
    struct ledger_epoch *ret)
{
	struct ledger_epoch l = {.epoch = epoch,
	    .stream = &p->streams[epoch->stream].key,
	    .discipline = epoch->discipline,
	    .first_ns = INT64_MAX,
	    .last_ns = INT64_MIN};
	struct seq_set all = {0}, *each = calloc(p->node_count + 1, sizeof(*each));
	enum err e = ERR_MEMORY;

	l.unit = unit_of(l.stream, l.discipline);
	l.nodes = calloc(p->node_count + 1, sizeof(*l.nodes));
	if (each != NULL && l.nodes != NULL)
		e = account(p, plan, m, &l, &all, each);
	for (size_t n = 0; each != NULL && n < p->node_count; n++)
		seq_set_clear(&each[n]);
	free(each);
	seq_set_clear(&all);
	*ret = l;
	return e;
}

static void
epoch_clear(struct ledger_epoch *l)
{
	seq_set_clear(&l->gaps);
	free(l->nodes);
	*l = (struct ledger_epoch){.nodes = NULL};
}

/* The longest gaps name epochs by their places, which stay. */
static enum err
make_epochs(const struct pool *p, const struct plan *plan, struct missing *m, struct ledger *l)
{
	enum err e = ERR_OK;

	for (size_t i = 0; i < plan->epoch_count && e == ERR_OK; i++) {
		struct ledger_epoch *to = &l->epochs[l->count];

		if (p->streams[plan->epochs[i].stream].key.proto == PROTO_NONE)
			continue;
		m->index = (uint32_t)l->count;
		e = make_epoch(p, plan, &plan->epochs[i], m, to);
		l->count++;
		l->residual += to->missing;
		l->unexplained += to->unexplained;
		l->conflicts += to->conflicts;
		if (to->discipline != SEQ_NONE)
			l->heard += to->heard;
		if (e == ERR_OK && to->datagrams == 0) { /* none of the span */
			epoch_clear(to);
			l->count--;
		}
	}
	return e;
}

enum err
ledger_make(const struct pool *p, const struct plan *plan, struct ledger *ret)
{
	struct ledger l = {.epochs = calloc(plan->epoch_count + 1, sizeof(*l.epochs))};
	struct missing m = {.p = p, .plan = plan, .nodes = &l.node_gaps, .all = &l.gaps};
	enum err e = l.epochs != NULL ? causes_new(p, &m.causes) : ERR_MEMORY;

	if (e == ERR_OK)
		e = make_epochs(p, plan, &m, &l);
	causes_free(m.causes);
	if (e != ERR_OK) {
		ledger_clear(&l);
		return e;
	}
	*ret = l;
	return ERR_OK;
}

void
ledger_clear(struct ledger *l)
{
	for (size_t i = 0; i < l->count; i++)
		epoch_clear(&l->epochs[i]);
	free(l->epochs);
	*l = (struct ledger){0};
}

const char *
ledger_discipline_name(const struct ledger_epoch *l)
{
	return l->epoch->shared ? "shared" : seq_discipline_name(l->discipline);
}

double
ledger_loss(const struct ledger *l)
{
	return ledger_percent(l->residual, l->heard);
}

double
ledger_percent(uint64_t missing, uint64_t heard)
{
	return missing + heard > 0 ? 100.0 * (double)missing / (double)(missing + heard) : 0;
}
