/* SPDX-License-Identifier: ISC
 *
 * See plan.h. Everything is sorted by content before it is used, because indexes in a pool depend on the
 * order of the inputs and nothing that is written may.
 */
#include "archive/plan.h"

#include <stdlib.h>
#include <string.h>

#include "archive/plan_clock.h"
#include "archive/plan_decode.h"
#include "archive/plan_numbering.h"
#include "base/array.h"
#include "base/sort.h"
#include "base/spill.h"
#include "flow/element.h"

static int
definition_order(const void *va, const void *vb, const void *ctx)
{
	const struct pool *p = ctx;
	const struct pool_definition *a = &p->definitions[*(const uint32_t *)va];
	const struct pool_definition *b = &p->definitions[*(const uint32_t *)vb];
	int c = memcmp(p->bytes.data + a->at, p->bytes.data + b->at, a->len < b->len ? a->len : b->len);

	return c != 0 ? c : (a->len > b->len) - (a->len < b->len);
}

static int
stream_order(const void *va, const void *vb, const void *ctx)
{
	const struct pool *p = ctx;

	return stream_key_cmp(&p->streams[*(const uint32_t *)va].key, &p->streams[*(const uint32_t *)vb].key);
}

static enum err
sorted_indexes(const struct pool *p, size_t count, sort_cmp cmp, uint32_t **ret)
{
	uint32_t *v = spill_alloc((count + 1) * sizeof(*v));

	for (size_t i = 0; v != NULL && i < count; i++)
		v[i] = (uint32_t)i;
	*ret = v;
	return v != NULL ? sort_array(v, count, sizeof(*v), cmp, p) : ERR_MEMORY;
}

/* Work that plan_make needs and its result does not. */
struct making {
	struct pool *p;
	struct plan *plan;
	struct unpack *unpack; /* owned */
	uint32_t *by_bytes;    /* definitions in canonical order */
	uint32_t *rank;        /* stream index -> place in plan->streams */
	bool *placed;          /* definition is brought by a datagram of the pool */
	struct id_state *ids;  /* owned; by template id, at the place of the walk */
	uint16_t *touched;     /* owned: those that are not as they were at the beginning of the epoch */
	size_t touched_count;
	struct waiting *waiting; /* data sets that no definition has come for yet */
	size_t waiting_count, waiting_room;
};

#define ID_COUNT 65536
#define WAITING_NONE SIZE_MAX

struct id_state {
	bool touched;
	uint32_t definition; /* that holds now, a withdrawal perhaps; REF_NONE: none came yet */
	size_t waiting;      /* the last data set that waits for one, or WAITING_NONE */
};
struct waiting {
	size_t ref;
	size_t before; /* the one that waits for the same id */
};

static void
making_clear(struct making *m)
{
	unpack_free(m->unpack);
	spill_free(m->by_bytes);
	free(m->rank);
	spill_free(m->placed);
	free(m->ids);
	free(m->touched);
	free(m->waiting);
}

static enum err
prepare(struct making *m)
{
	const struct pool *p = m->p;
	struct plan *plan = m->plan;
	size_t refs = 0;
	enum err e = sorted_indexes(p, p->stream_count, stream_order, &plan->streams);

	if (e == ERR_OK)
		e = sorted_indexes(p, p->definition_count, definition_order, &m->by_bytes);
	if (e != ERR_OK)
		return e;
	plan->definitions = spill_alloc((p->definition_count + 1) * sizeof(*plan->definitions));
	plan->held = spill_alloc(p->definition_count + 1);
	plan->refs_at = spill_alloc((p->datagram_count + 1) * sizeof(*plan->refs_at));
	m->rank = malloc((p->stream_count + 1) * sizeof(*m->rank));
	m->placed = spill_alloc((p->definition_count + 1) * sizeof(*m->placed));
	m->ids = calloc(ID_COUNT, sizeof(*m->ids));
	m->touched = malloc(ID_COUNT * sizeof(*m->touched));
	if (plan->definitions == NULL || plan->held == NULL || plan->refs_at == NULL || m->rank == NULL ||
	    m->placed == NULL || m->ids == NULL || m->touched == NULL)
		return ERR_MEMORY;
	plan->stream_count = p->stream_count;
	for (size_t i = 0; i < p->stream_count; i++)
		m->rank[plan->streams[i]] = (uint32_t)i;
	for (size_t i = 0; i < p->definition_count; i++) {
		struct rd r = rd_init(p->bytes.data + p->definitions[i].at, p->definitions[i].len);

		if ((e = tmpl_def_read(&r, &plan->definitions[i])) != ERR_OK)
			return e;
	}
	for (size_t i = 0; i < p->datagram_count; i++) {
		spill_pause();
		for (uint32_t k = 0; k < p->datagrams[i].places; k++)
			m->placed[p->places[p->datagrams[i].place + k].definition] = true;
		plan->refs_at[i] = refs;
		refs += p->set_lists[p->datagrams[i].sets].count;
	}
	plan->refs = spill_alloc((refs + 1) * sizeof(*plan->refs));
	plan->sampling = spill_alloc((p->datagram_count + 1) * sizeof(*plan->sampling));
	if (plan->refs == NULL || plan->sampling == NULL)
		return ERR_MEMORY;
	for (size_t i = 0; i < p->datagram_count; i++)
		plan->sampling[i] = REF_NONE;
	for (size_t i = 0; i < refs; i++)
		plan->refs[i] = REF_NONE;
	return ERR_OK;
}

/* Counting sort of all items by stream. A definition that only a snapshot holds takes part as a datagram that
 * nobody has: its header fields say where it stood. */
static enum err
make_items(struct making *m, size_t **ret_first)
{
	const struct pool *p = m->p;
	struct plan *plan = m->plan;
	size_t *first = calloc(p->stream_count + 2, sizeof(*first)), *at;

	plan->items = spill_alloc((p->datagram_count + p->definition_count + 1) * sizeof(*plan->items));
	if (first == NULL || plan->items == NULL ||
	    (at = malloc((p->stream_count + 1) * sizeof(*at))) == NULL) {
		free(first);
		return ERR_MEMORY;
	}
	for (size_t i = 0; i < p->datagram_count; i++)
		first[m->rank[p->datagrams[i].stream] + 1]++;
	for (size_t i = 0; i < p->definition_count; i++)
		first[m->rank[p->definitions[i].stream] + 1] += !m->placed[i];
	for (size_t i = 0; i < p->stream_count; i++) {
		first[i + 1] += first[i];
		at[i] = first[i];
	}
	for (size_t i = 0; i < p->datagram_count; i++) {
		const struct pool_datagram *d = &p->datagrams[i];
		bool own_clock;

		spill_pause();
		own_clock = p->streams[d->stream].key.proto != PROTO_SFLOW5;

		plan->items[at[m->rank[d->stream]]++] = (struct seq_item){.sequence = d->sequence,
		    .units = d->units,
		    .uptime_ms = d->uptime_ms,
		    .data = d->data,
		    .clock_ns = own_clock ? d->export_ns : d->time_ns,
		    .tag = (uint32_t)i};
	}
	for (size_t i = 0; i < p->definition_count; i++) {
		uint32_t k = m->by_bytes[i];
		const struct tmpl_def *def = &plan->definitions[k];

		if (!m->placed[k]) {
			plan->items[at[m->rank[p->definitions[k].stream]]++] = (struct seq_item){
			    .sequence = def->sequence,
			    .uptime_ms = def->uptime_ms,
			    .clock_ns = def->export_time.ns,
			    .tag = (uint32_t)(p->datagram_count + i)};
		}
	}
	plan->item_count = first[p->stream_count];
	free(at);
	*ret_first = first;
	return ERR_OK;
}

static bool
same_layout(const struct tmpl_def *a, const struct tmpl_def *b)
{
	return a->kind == b->kind && a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

/* What is known of a template id. It is reset at the end of the epoch. */
static struct id_state *
touch(struct making *m, uint16_t id)
{
	struct id_state *s = &m->ids[id];

	if (!s->touched) {
		*s = (struct id_state){.touched = true, .definition = REF_NONE, .waiting = WAITING_NONE};
		m->touched[m->touched_count++] = id;
	}
	return s;
}

static void
forget_all(struct making *m)
{
	for (size_t i = 0; i < m->touched_count; i++)
		m->ids[m->touched[i]].touched = false;
	m->touched_count = 0;
	m->waiting_count = 0;
}

static enum tmpl_kind
kind_of(const struct making *m, uint32_t definition)
{
	return (enum tmpl_kind)m->plan->definitions[definition].kind;
}

/* RFC 7011 section 8.1: id 2 or 3 withdraws all templates, or all options templates. */
static void
withdraw_all(struct making *m, uint32_t definition)
{
	enum tmpl_kind kind = m->plan->definitions[definition].id == 2 ? TMPL_DATA : TMPL_OPTIONS;

	for (size_t i = 0; i < m->touched_count; i++) {
		struct id_state *s = &m->ids[m->touched[i]];

		if (s->definition != REF_NONE && kind_of(m, s->definition) == kind)
			s->definition = definition;
	}
}

static uint8_t
held_as(const struct tmpl_def *def)
{
	struct tmpl *t = NULL;
	uint8_t held = PLAN_HELD;

	if (def->kind == TMPL_WITHDRAWN || tmpl_parse(def, &t) != ERR_OK)
		return 0;
	for (uint16_t i = 0; i < t->field_count; i++) {
		const struct element *e = element_find(t->fields[i].pen, t->fields[i].id);

		if (e != NULL && e->type >= ELEMENT_BASIC_LIST && !t->fields[i].scope)
			held |= PLAN_LISTS;
	}
	tmpl_free(t);
	return held;
}

/* A definition begins to hold: data sets that waited for one get it, marked late. */
static void
learn(struct making *m, uint32_t definition)
{
	const struct tmpl_def *def = &m->plan->definitions[definition];
	struct id_state *s;

	if (def->kind == TMPL_WITHDRAWN && def->id < SET_ID_DATA) {
		withdraw_all(m, definition);
		return;
	}
	s = touch(m, def->id);
	if (s->definition == REF_NONE || !same_layout(&m->plan->definitions[s->definition], def)) {
		s->definition = definition; /* else it goes on to hold from its first place */
		m->plan->held[definition] |= held_as(def);
	}
	if (def->kind == TMPL_WITHDRAWN)
		return;
	for (; s->waiting != WAITING_NONE; s->waiting = m->waiting[s->waiting].before)
		m->plan->refs[m->waiting[s->waiting].ref] = s->definition | REF_LATE;
}

static enum err
use_definition(struct making *m, uint16_t id, size_t ref)
{
	struct id_state *s = touch(m, id);

	if (s->definition != REF_NONE && kind_of(m, s->definition) != TMPL_WITHDRAWN) {
		m->plan->refs[ref] = s->definition;
		return ERR_OK;
	}
	if (array_grow(m->waiting, m->waiting_room, m->waiting_count) != ERR_OK)
		return ERR_MEMORY;
	m->waiting[m->waiting_count] = (struct waiting){ref, s->waiting};
	s->waiting = m->waiting_count++;
	return ERR_OK;
}

/* Definitions and data sets of one datagram, in the order in which they stand there. */
static enum err
resolve_datagram(struct making *m, uint32_t place)
{
	const struct pool *p = m->p;
	const struct pool_datagram *d = &p->datagrams[place];
	const struct pool_set_list *list = &p->set_lists[d->sets];
	uint32_t at = d->place, end = d->place + d->places;
	enum err e = ERR_OK;

	for (uint32_t i = 0; i <= list->count && e == ERR_OK; i++) {
		for (; at < end && p->places[at].data_sets <= i; at++)
			learn(m, p->places[at].definition);
		if (i < list->count && e == ERR_OK)
			e = use_definition(m, p->sets[list->at + i].id, m->plan->refs_at[place] + i);
	}
	return e;
}

/* One epoch in the exporter's order: each data set gets the definition that holds at its place. */
static enum err
resolve_epoch(struct making *m, const struct seq_item *items, size_t count)
{
	const struct pool *p = m->p;
	enum err e = ERR_OK;

	forget_all(m);
	for (size_t i = 0; i < count && e == ERR_OK; i++) {
		uint32_t tag = items[i].tag;

		spill_pause();
		if (tag < p->datagram_count)
			e = resolve_datagram(m, tag);
		else
			learn(m, m->by_bytes[tag - p->datagram_count]);
	}
	return e;
}

/* Definitions that only snapshots hold have done their work; what stays was heard. */
static size_t
drop_unheard(const struct pool *p, struct seq_item *items, size_t count)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		if (items[i].tag < p->datagram_count)
			items[n++] = items[i];
	}
	return n;
}

/* Headers that were made of flows alone. What lies between their numbers was never recorded, or it was left out: nobody can tell, so
 * they are no numbers. */
static bool
are_rebuilt(const struct pool *p, struct seq_item *items, size_t count)
{
	bool rebuilt = false;

	for (size_t i = 0; i < count && !rebuilt; i++) {
		uint32_t selected = items[i].tag < p->datagram_count ? p->datagrams[items[i].tag].selected
								     : POOL_NONE;

		rebuilt = selected != POOL_NONE && p->selected[selected].records == SELECTED_RECORDS_REBUILT;
	}
	for (size_t i = 0; i < count && rebuilt; i++)
		items[i].sequence = 0;
	return rebuilt;
}

/* Of the epochs of one stream, which are the last ones. Where one of them does not tell, the others do. */
static void
learn_disciplines(struct plan *plan, const struct seq_rules *rules, size_t first)
{
	struct seq_votes votes = {.unsized = 0};

	for (size_t i = first; i < plan->epoch_count; i++)
		seq_vote_all(&votes, plan->items + plan->epochs[i].first, plan->epochs[i].count);
	for (size_t i = first; i < plan->epoch_count; i++) {
		struct plan_epoch *e = &plan->epochs[i];

		e->discipline = seq_learn(rules, plan->items + e->first, e->count, &votes);
	}
}

static enum err
plan_stream(struct making *m, uint32_t rank, struct seq_item *items, size_t count, size_t *epoch_room)
{
	struct plan *plan = m->plan;
	uint32_t stream = plan->streams[rank], epochs, number = 0;
	size_t first_epoch = plan->epoch_count;
	enum proto proto = m->p->streams[stream].key.proto;
	struct seq_rules rules = seq_rules_for(proto);
	enum err e = ERR_OK;

	if (are_rebuilt(m->p, items, count))
		rules.standard = SEQ_NONE;
	if (proto == PROTO_SFLOW5)
		e = plan_clock(m->p, rules.boot_slack_ns, items, count);
	if (e == ERR_OK)
		e = seq_order(&rules, items, count, &epochs);

	for (size_t i = 0, end; i < count && e == ERR_OK; i = end) {
		size_t heard;

		for (end = i; end < count && items[end].epoch == items[i].epoch; end++)
			continue;
		e = resolve_epoch(m, items + i, end - i);
		heard = e == ERR_OK ? drop_unheard(m->p, items + i, end - i) : 0;
		if (heard == 0)
			continue;
		e = plan_sampling(m->p, plan, m->unpack, items + i, heard);
		if (e == ERR_OK && proto == PROTO_IPFIX)
			e = plan_count_records(m->p, plan, m->unpack, items + i, heard);
		if (e != ERR_OK)
			return e;
		if ((e = array_grow(plan->epochs, *epoch_room, plan->epoch_count)) != ERR_OK)
			return e;
		plan->epochs[plan->epoch_count++] = (struct plan_epoch){.stream = stream,
		    .number = number,
		    .first = (size_t)(items + i - plan->items),
		    .count = heard};
		number++;
	}
	if (e == ERR_OK)
		learn_disciplines(plan, &rules, first_epoch);
	return e;
}

static bool
are_numbered_alike(const struct making *m, uint32_t a, uint32_t b)
{
	const struct pool_stream *streams = m->p->streams;

	return stream_numbering_cmp(&streams[m->plan->streams[a]].key, &streams[m->plan->streams[b]].key) ==
	    0;
}

enum err
plan_make(struct pool *p, struct plan *ret)
{
	struct plan plan = {0};
	struct making m = {.p = p, .plan = &plan};
	size_t *first = NULL, epoch_room = 0;
	enum err e = prepare(&m);

	if (e == ERR_OK)
		e = unpack_new(p, &plan, &m.unpack);
	if (e == ERR_OK)
		e = make_items(&m, &first);
	for (uint32_t i = 0, end; i < p->stream_count && e == ERR_OK; i = end) {
		size_t first_epoch = plan.epoch_count;

		for (end = i; end < p->stream_count && e == ERR_OK && are_numbered_alike(&m, i, end); end++)
			e = plan_stream(
			    &m, end, plan.items + first[end], first[end + 1] - first[end], &epoch_room);
		if (e == ERR_OK)
			e = plan_numbering(p, &plan, first_epoch, end - i, &epoch_room);
	}
	free(first);
	making_clear(&m);
	if (e != ERR_OK) {
		plan_clear(&plan);
		return e;
	}
	*ret = plan;
	return ERR_OK;
}

void
plan_clear(struct plan *plan)
{
	spill_free(plan->streams);
	spill_free(plan->items);
	spill_free(plan->numbered);
	free(plan->epochs);
	spill_free(plan->definitions);
	spill_free(plan->held);
	spill_free(plan->refs_at);
	spill_free(plan->refs);
	spill_free(plan->sampling);
	for (size_t i = 0; i < plan->state_count; i++)
		sampling_clear(&plan->states[i]);
	free(plan->states);
	*plan = (struct plan){0};
}
