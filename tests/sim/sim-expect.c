/* SPDX-License-Identifier: ISC
 *
 * What a merge of all files has to give, computed from what was sent and from what is still whole in the files.
 */
#include <stdlib.h>
#include <string.h>

#include "log/segment.h"
#include "tests/sim/sim.h"
#include "wire/template.h"

/* --- datagrams --- */

static bool
has_heard(const struct expect_datagram *d, uint64_t incarnation, uint64_t sequence)
{
	for (uint32_t i = 0; i < d->count; i++) {
		if (d->heard[i].incarnation == incarnation && d->heard[i].sequence == sequence)
			return true;
	}
	return false;
}

static void
hear(struct world *w, struct expect *e, const struct seg_file *f, const struct file_record *r)
{
	struct expect_datagram *d;

	if (e->of_sent[r->sent] == NONE) {
		GROW(e->datagrams, e->count);
		e->datagrams[e->count] = (struct expect_datagram){.sent = r->sent};
		e->of_sent[r->sent] = e->count++;
	}
	d = &e->datagrams[e->of_sent[r->sent]];
	if (r->type == RECORD_SELECTED)
		policy_unite(w, d, r);
	else
		d->whole = true;
	if (has_heard(d, f->incarnation, r->sequence))
		return; /* a copy of the log */
	GROW(d->heard, d->count);
	d->heard[d->count++] = (struct heard){.node = f->node,
	    .lane = f->lane,
	    .listener = r->listener,
	    .incarnation = f->incarnation,
	    .sequence = r->sequence,
	    .time_ns = r->time_ns};
	d->nodes |= 1U << f->node;
	e->heard++;
}

static int
i64_cmp(const void *va, const void *vb)
{
	int64_t a = *(const int64_t *)va, b = *(const int64_t *)vb;

	return a < b ? -1 : a > b;
}

/* The earliest hearing of each node; of an even number of them the earlier one of the middle. */
static int64_t
median(const struct expect_datagram *d)
{
	int64_t first[NODES_MOST];
	size_t n = 0;

	for (uint32_t node = 0; node < NODES_MOST; node++) {
		int64_t earliest = INT64_MAX;

		for (uint32_t i = 0; i < d->count; i++) {
			if (d->heard[i].node == node && d->heard[i].time_ns < earliest)
				earliest = d->heard[i].time_ns;
		}
		if (earliest != INT64_MAX)
			first[n++] = earliest;
	}
	qsort(first, n, sizeof(*first), i64_cmp);
	return first[(n + 1) / 2 - 1];
}

/* --- events --- */

static void
take_event(struct expect *e, const struct seg_file *f, const struct file_record *r)
{
	for (size_t i = 0; i < e->event_count; i++) {
		if (e->events[i].file->incarnation == f->incarnation &&
		    e->events[i].record->sequence == r->sequence)
			return;
	}
	GROW(e->events, e->event_count);
	e->events[e->event_count].file = f;
	e->events[e->event_count++].record = r;
}

/* --- template definitions --- */

/* The datagram and the part that brought a definition of a node's snapshot. */
static uint32_t
find_definition(const struct world *w, const struct tmpl_def *def)
{
	for (uint32_t i = 0; i < w->sent_count; i++) {
		const struct sent *s = &w->sent[i];
		const struct sim_stream *st = &w->streams[s->stream];
		const struct exporter *x = &w->exporters[st->exporter];

		if (s->sequence != def->sequence || s->export_ns != def->export_time.ns ||
		    s->uptime_ms != def->uptime_ms || st->proto != (enum proto)def->stream.proto ||
		    st->domain != def->stream.domain || x->port != def->stream.port ||
		    addr_cmp(&x->addr, &def->stream.exporter) != 0)
			continue;
		for (uint32_t p = s->parts_at; p < s->parts_at + s->parts; p++) {
			const struct layout *l = w->parts[p].defines ? &st->layouts[w->parts[p].layout]
								     : NULL;

			if (l != NULL && l->len == def->len && memcmp(l->bytes, def->bytes, l->len) == 0)
				return p;
		}
	}
	return NONE;
}

static void
take_snapshot(struct world *w, const struct seg_file *f, const struct file_record *r, bool *known)
{
	struct rd in = rd_init(r->body, r->len);
	struct tmpl_def def;

	while (rd_left(&in) > 0) {
		uint32_t part;

		if (!CHECK(w, tmpl_def_read(&in, &def) == ERR_OK, "%s: record %llu: no template definitions",
			f->path, (unsigned long long)r->sequence))
			return;
		part = find_definition(w, &def);
		if (CHECK(w, part != NONE, "%s: record %llu: definition of template %u that nobody sent",
			f->path, (unsigned long long)r->sequence, def.id))
			known[part] = true;
	}
}

/* --- which layout decodes which data set --- */

#define STATES_MOST 16

struct id_state {
	uint16_t id;
	uint32_t layout;       /* NONE: none came yet, or it was withdrawn */
	uint32_t waiting[256]; /* parts that wait for a definition */
	uint32_t waiting_count;
};

struct resolving {
	struct world *w;
	struct expect *e;
	const struct sim_stream *st;
	struct id_state states[STATES_MOST];
	uint32_t count;
};

static struct id_state *
state_of(struct resolving *r, uint16_t id)
{
	for (uint32_t i = 0; i < r->count; i++) {
		if (r->states[i].id == id)
			return &r->states[i];
	}
	if (r->count == STATES_MOST)
		abort();
	r->states[r->count] = (struct id_state){.id = id, .layout = NONE};
	return &r->states[r->count++];
}

static void
learn(struct resolving *r, uint32_t layout)
{
	const struct layout *l = &r->st->layouts[layout];
	struct id_state *s = state_of(r, l->id);

	s->layout = l->withdrawn ? NONE : layout;
	if (l->withdrawn)
		return;
	for (uint32_t i = 0; i < s->waiting_count; i++)
		r->e->sets[s->waiting[i]] = (struct expect_set){layout, true};
	s->waiting_count = 0;
}

static void
decode(struct resolving *r, uint32_t part)
{
	struct id_state *s = state_of(r, r->st->layouts[r->w->parts[part].layout].id);

	r->e->sets[part] = (struct expect_set){s->layout, false};
	if (s->layout != NONE)
		return;
	if (s->waiting_count < sizeof(s->waiting) / sizeof(s->waiting[0]))
		s->waiting[s->waiting_count++] = part;
}

/* One life: everything that is known of it in the exporter's order. */
static void
resolve_life(struct world *w, struct expect *e, const struct sim_stream *st, const uint32_t *order,
    uint32_t count, const bool *known)
{
	struct resolving r = {.w = w, .e = e, .st = st};
	uint32_t interval = 0, before = 0;

	for (uint32_t i = 0; i < count; i++) {
		const struct sent *s = &w->sent[order[i]];
		bool archived = e->of_sent[order[i]] != NONE;

		for (uint32_t p = s->parts_at; p < s->parts_at + s->parts; p++) {
			if (w->parts[p].defines && (archived || known[p]))
				learn(&r, w->parts[p].layout);
			else if (!w->parts[p].defines && archived)
				decode(&r, p);
		}
	}
	/* Sampling is read with what was found above; it holds from its datagram on, and the first before it, too. */
	for (uint32_t i = 0; i < count; i++) {
		const struct sent *s = &w->sent[order[i]];

		if (e->of_sent[order[i]] == NONE)
			continue;
		for (uint32_t p = s->parts_at; p < s->parts_at + s->parts; p++) {
			if (!w->parts[p].defines && w->parts[p].interval != 0 && e->sets[p].layout != NONE &&
			    policy_has_set(
				&e->datagrams[e->of_sent[order[i]]], st->layouts[w->parts[p].layout].id))
				interval = w->parts[p].interval;
		}
		for (; interval != 0 && before < i; before++) {
			if (e->interval[order[before]] == 0)
				e->interval[order[before]] = interval;
		}
		e->interval[order[i]] = interval;
	}
}

static const struct world *sorting;

/* What orders a life: uptime or export time, then the number, then templates alone before data. */
static int
sent_cmp(const void *va, const void *vb)
{
	const struct sent *a = &sorting->sent[*(const uint32_t *)va],
			  *b = &sorting->sent[*(const uint32_t *)vb];

	if (a->life != b->life)
		return a->life < b->life ? -1 : 1;
	if (a->order != b->order)
		return a->order < b->order ? -1 : 1;
	if (a->number != b->number)
		return a->number < b->number ? -1 : 1;
	if (a->data != b->data)
		return a->data ? 1 : -1;
	return a < b ? -1 : a > b;
}

static void
resolve_stream(struct world *w, struct expect *e, struct sim_stream *st, const bool *known)
{
	sorting = w;
	if (st->sent_count > 0)
		qsort(st->sent, st->sent_count, sizeof(*st->sent), sent_cmp);
	for (uint32_t i = 0, end; i < st->sent_count; i = end) {
		for (end = i;
		     end < st->sent_count && w->sent[st->sent[end]].life == w->sent[st->sent[i]].life; end++)
			continue;
		if (st->proto == PROTO_V9 || st->proto == PROTO_IPFIX)
			resolve_life(w, e, st, st->sent + i, end - i, known);
	}
}

/* --- all of it --- */

static void
take_file(struct world *w, struct expect *e, const struct seg_file *f)
{
	for (size_t k = 0; k < f->count; k++) {
		const struct file_record *r = &f->records[k];

		if (r->gone)
			continue;
		e->nodes |= 1U << f->node;
		if (r->sent != NONE)
			hear(w, e, f, r);
		else if (r->type == RECORD_EVENT)
			take_event(e, f, r);
		else if (r->type == RECORD_TEMPLATES)
			take_snapshot(w, f, r, e->known);
	}
	if (f->damaged && !f->header_bad)
		e->nodes |= 1U << f->node;
}

void
expect_make(struct world *w, struct expect *e)
{
	*e = (struct expect){.of_sent = sim_alloc((w->sent_count + 1) * sizeof(*e->of_sent)),
	    .sets = sim_alloc((w->part_count + 1) * sizeof(*e->sets)),
	    .known = sim_alloc(w->part_count + 1),
	    .interval = sim_alloc((w->sent_count + 1) * sizeof(*e->interval))};
	for (uint32_t i = 0; i < w->sent_count; i++)
		e->of_sent[i] = NONE;
	for (uint32_t i = 0; i < w->part_count; i++)
		e->sets[i].layout = NONE;
	for (uint32_t i = 0; i < w->file_count; i++)
		take_file(w, e, &w->files[i]);
	for (uint32_t i = 0; i < e->count; i++)
		e->datagrams[i].time_ns = median(&e->datagrams[i]);
	for (uint32_t i = 0; i < e->count; i++)
		policy_settle(w, &e->datagrams[i]);
	for (uint32_t i = 0; i < w->stream_count; i++)
		resolve_stream(w, e, &w->streams[i], e->known);
}

void
expect_clear(struct expect *e)
{
	for (uint32_t i = 0; i < e->count; i++) {
		free(e->datagrams[i].heard);
		free(e->datagrams[i].kept);
		buf_clear(&e->datagrams[i].body);
	}
	free(e->datagrams);
	free(e->of_sent);
	free(e->sets);
	free(e->known);
	free(e->interval);
	free(e->events);
	*e = (struct expect){.count = 0};
}
