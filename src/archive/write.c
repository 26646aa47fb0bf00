/* SPDX-License-Identifier: ISC
 *
 * See write.h. A file is a segment: its records go through log/append, its blocks through a sink that writes
 * and hashes them at once.
 */
#include "archive/write.h"

#include <stdlib.h>
#include <string.h>

#include "archive/segment_file.h"
#include "archive/state_table.h"
#include "base/file.h"

/* What a datagram's record may hold beside its payload, so that the body stays within its limit. */
#define WITNESSES_A_RECORD 16384

struct archive_writer {
	struct pool *p;          /* the caller's */
	const struct plan *plan; /* the caller's */
	int dirfd;
	struct manifest *m;      /* the caller's */
	size_t datagram, event;  /* the next ones to write: places in plan->order, index into events */
	uint32_t *source_at;     /* owned: pool source -> its place in the file's table, or POOL_NONE */
	uint32_t *state_at;      /* owned: likewise for sampling states */
	uint32_t *definition_at; /* owned: likewise for definitions */
	uint32_t *table;         /* owned: the file's table, as pool indexes */
	struct buf body, index;
	struct segment_file *file;
};

enum err
archive_writer_new(
    struct pool *p, const struct plan *plan, int dirfd, struct manifest *m, struct archive_writer **ret)
{
	struct archive_writer *w = calloc(1, sizeof(*w));
	size_t most = p->source_count > p->definition_count ? p->source_count : p->definition_count;

	if (w == NULL)
		return ERR_MEMORY;
	*w = (struct archive_writer){.p = p, .plan = plan, .dirfd = dirfd, .m = m};
	w->source_at = malloc((p->source_count + 1) * sizeof(*w->source_at));
	w->definition_at = malloc((p->definition_count + 1) * sizeof(*w->definition_at));
	w->state_at = malloc((plan->state_count + 1) * sizeof(*w->state_at));
	w->table = malloc((most + 1) * sizeof(*w->table));
	w->file = segment_file_new();
	if (w->source_at == NULL || w->definition_at == NULL || w->table == NULL || w->file == NULL) {
		archive_writer_free(w);
		return ERR_MEMORY;
	}
	for (size_t i = 0; i < p->source_count; i++)
		w->source_at[i] = POOL_NONE;
	for (size_t i = 0; i < p->definition_count; i++)
		w->definition_at[i] = POOL_NONE;
	for (size_t i = 0; i < plan->state_count; i++)
		w->state_at[i] = REF_NONE;
	*ret = w;
	return ERR_OK;
}

void
archive_writer_free(struct archive_writer *w)
{
	if (w == NULL)
		return;
	segment_file_free(w->file);
	free(w->source_at);
	free(w->definition_at);
	free(w->state_at);
	free(w->table);
	buf_clear(&w->body);
	buf_clear(&w->index);
	free(w);
}

static enum err
begin(struct archive_writer *w, const char *name, enum segment_kind kind, wall_t time)
{
	struct segment_header h = {.kind = kind,
	    .incarnation = archive_incarnation(w->m->cluster, time),
	    .first_sequence = 1,
	    .time = time};

	memcpy(h.cluster, w->m->cluster, sizeof(h.cluster));
	return segment_file_begin(w->file, w->dirfd, name, &h);
}

static enum err
end(struct archive_writer *w, const char *name)
{
	struct sha256 digest;
	uint64_t size;
	enum err e = segment_file_end(w->file, &size, &digest);

	return e == ERR_OK ? manifest_add(w->m, name, size, &digest) : e;
}

static enum err
put(struct archive_writer *w, enum record_type type, wall_t time, const struct buf *body)
{
	struct record r = {.type = type, .time = time, .body = body->data, .len = (uint32_t)body->len};

	return buf_ok(body) ? segment_file_put(w->file, &r) : ERR_MEMORY;
}

/* Puts what has been gathered when it is long enough, or is the last of its list. */
static enum err
put_list(struct archive_writer *w, enum record_type type, wall_t time, struct buf *body, bool last)
{
	enum err e = ERR_OK;

	if (body->len > 0 && (last || body->len >= RECORDS_BODY_AIM)) {
		e = put(w, type, time, body);
		buf_reset(body);
	}
	return e;
}

/* The table of the sources that are marked in source_at, in their canonical order. */
static enum err
put_sources(struct archive_writer *w, wall_t time)
{
	uint32_t n = 0;
	enum err e = ERR_OK;

	buf_reset(&w->body);
	for (size_t i = 0; i < w->p->source_count && e == ERR_OK; i++) {
		if (w->source_at[i] == POOL_NONE)
			continue;
		w->source_at[i] = n++;
		source_write(&w->body, &w->p->sources[i].id);
		e = put_list(w, RECORD_SOURCES, time, &w->body, false);
	}
	return e == ERR_OK ? put_list(w, RECORD_SOURCES, time, &w->body, true) : e;
}

static const struct pool *sorting; /* qsort has no argument for it */

static int
by_definition_bytes(const void *va, const void *vb)
{
	const struct pool_definition *a = &sorting->definitions[*(const uint32_t *)va];
	const struct pool_definition *b = &sorting->definitions[*(const uint32_t *)vb];
	int c = memcmp(
	    sorting->bytes.data + a->at, sorting->bytes.data + b->at, a->len < b->len ? a->len : b->len);

	return c != 0 ? c : (a->len > b->len) - (a->len < b->len);
}

/* The definitions listed in w->table, in order of their bytes. */
static enum err
put_definitions(struct archive_writer *w, wall_t time, uint32_t count)
{
	enum err e = ERR_OK;

	sorting = w->p;
	if (count > 0)
		qsort(w->table, count, sizeof(*w->table), by_definition_bytes);
	buf_reset(&w->body);
	for (uint32_t i = 0; i < count && e == ERR_OK; i++) {
		const struct pool_definition *d = &w->p->definitions[w->table[i]];

		w->definition_at[w->table[i]] = i;
		buf_bytes(&w->body, w->p->bytes.data + d->at, d->len);
		e = put_list(w, RECORD_TEMPLATES, time, &w->body, false);
	}
	return e == ERR_OK ? put_list(w, RECORD_TEMPLATES, time, &w->body, true) : e;
}

static enum err
put_ranges(struct archive_writer *w, const struct pool_source *s, uint32_t at)
{
	const struct seq_set *sets[2] = {&s->read, &s->lost};
	size_t done[3] = {0}, all[3] = {s->read.count, s->lost.count, s->damaged_count};
	const size_t sizes[3] = {16, 16, 44};

	do { /* as many records as the lists need; each stands for itself */
		size_t now[3], room = RECORDS_BODY_AIM;
		enum err e;

		for (unsigned k = 0; k < 3; k++) {
			now[k] = all[k] - done[k] < room / sizes[k] ? all[k] - done[k] : room / sizes[k];
			room -= now[k] * sizes[k];
		}
		buf_reset(&w->body);
		buf_u32(&w->body, at);
		for (unsigned k = 0; k < 3; k++)
			buf_u32(&w->body, (uint32_t)now[k]);
		buf_u64(&w->body, (uint64_t)s->first_ns);
		buf_u64(&w->body, (uint64_t)s->last_ns);
		for (unsigned k = 0; k < 2; k++) {
			for (size_t i = done[k]; i < done[k] + now[k]; i++) {
				buf_u64(&w->body, (uint64_t)sets[k]->ranges[i].from);
				buf_u64(&w->body, (uint64_t)sets[k]->ranges[i].to);
			}
		}
		for (size_t i = done[2]; i < done[2] + now[2]; i++)
			damaged_write(&w->body, &s->damaged[i]);
		for (unsigned k = 0; k < 3; k++)
			done[k] += now[k];
		if ((e = put(w, RECORD_RANGES, (wall_t){0}, &w->body)) != ERR_OK)
			return e;
	} while (done[0] < all[0] || done[1] < all[1] || done[2] < all[2]);
	return ERR_OK;
}

enum err
archive_write_common(struct archive_writer *w)
{
	struct pool *p = w->p;
	uint32_t n = 0;
	enum err e;

	if (p->source_count == 0) /* no segment had a record */
		return ERR_OK;
	e = begin(w, MANIFEST_COMMON, SEGMENT_COMMON, (wall_t){0});
	for (size_t i = 0; i < p->source_count; i++)
		w->source_at[i] = 0;
	if (e == ERR_OK)
		e = put_sources(w, (wall_t){0});
	for (size_t i = 0; i < p->source_count && e == ERR_OK; i++)
		e = put_ranges(w, &p->sources[i], (uint32_t)i);
	for (size_t i = 0; i < p->definition_count; i++) {
		if (p->definitions[i].snapshot)
			w->table[n++] = (uint32_t)i;
	}
	if (e == ERR_OK)
		e = put_definitions(w, (wall_t){0}, n);
	for (size_t i = 0; i < p->source_count; i++)
		w->source_at[i] = POOL_NONE;
	for (size_t i = 0; i < p->definition_count; i++)
		w->definition_at[i] = POOL_NONE;
	return e == ERR_OK ? end(w, MANIFEST_COMMON) : e;
}

/* Places [first, end) of datagrams and events that fall into one window. */
struct cut {
	wall_t start;
	size_t datagram_end, event_end;
};

static int64_t
floor_to(int64_t ns, int64_t step)
{
	int64_t rest = ns % step;

	return ns - (rest < 0 ? rest + step : rest);
}

static bool
next_cut(const struct archive_writer *w, struct cut *ret)
{
	const struct pool *p = w->p;
	int64_t first = INT64_MAX, start, step = w->m->window_ns;
	struct cut c = {.datagram_end = w->datagram, .event_end = w->event};

	if (w->datagram < p->datagram_count)
		first = p->datagrams[w->datagram].time_ns;
	if (w->event < p->event_count && p->events[w->event].time_ns < first)
		first = p->events[w->event].time_ns;
	if (w->datagram == p->datagram_count && w->event == p->event_count)
		return false;
	start = floor_to(first, step);
	c.start = (wall_t){start};
	while (c.datagram_end < p->datagram_count &&
	    floor_to(p->datagrams[c.datagram_end].time_ns, step) == start)
		c.datagram_end++;
	while (c.event_end < p->event_count && floor_to(p->events[c.event_end].time_ns, step) == start)
		c.event_end++;
	*ret = c;
	return true;
}

/* Adds what lists in the records of a definition may name: all that held in its stream. */
static uint32_t
mark_named(struct archive_writer *w, uint32_t definition, uint32_t n)
{
	const struct pool_definition *all = w->p->definitions;

	if ((w->plan->held[definition] & PLAN_LISTS) == 0)
		return n;
	for (uint32_t i = 0; i < w->p->definition_count; i++) {
		if (w->plan->held[i] != 0 && all[i].stream == all[definition].stream &&
		    w->definition_at[i] == POOL_NONE) {
			w->definition_at[i] = 0;
			w->table[n++] = i;
		}
	}
	return n;
}

/* Marks the sources that this window's records name, and lists its definitions in w->table. */
static uint32_t
mark_used(struct archive_writer *w, const struct cut *c)
{
	const struct pool *p = w->p;
	uint32_t definitions = 0;

	for (size_t i = w->event; i < c->event_end; i++)
		w->source_at[p->events[i].source] = 0;
	for (size_t i = w->datagram; i < c->datagram_end; i++) {
		const struct pool_datagram *d = &p->datagrams[i];

		for (uint32_t k = 0; k < d->hearings; k++)
			w->source_at[p->witnesses[d->hearing + k].source] = 0;
		for (uint32_t k = 0; k < p->set_lists[d->sets].count; k++) {
			uint32_t at = w->plan->refs[w->plan->refs_at[i] + k] & ~REF_LATE;

			if (at != REF_NONE && w->definition_at[at] == POOL_NONE) {
				w->definition_at[at] = 0;
				w->table[definitions++] = at;
				definitions = mark_named(w, at, definitions);
			}
		}
	}
	return definitions;
}

/* Sampling states of the window's datagrams, by their bytes; equal ones of several streams stand once. */
static enum err
put_states(struct archive_writer *w, const struct cut *c)
{
	struct state_table t = {.count = 0};
	enum err e = state_table_make(&t, w->plan, w->datagram, c->datagram_end, w->state_at);

	buf_reset(&w->body);
	for (size_t i = 0; i < t.count && e == ERR_OK; i++) {
		buf_bytes(&w->body, t.bytes.data + t.entries[i].at, t.entries[i].len);
		e = put_list(w, RECORD_SAMPLING, c->start, &w->body, false);
	}
	if (e == ERR_OK)
		e = put_list(w, RECORD_SAMPLING, c->start, &w->body, true);
	state_table_clear(&t);
	return e;
}

static enum err
put_events(struct archive_writer *w, const struct cut *c)
{
	enum err e = ERR_OK;

	for (; w->event < c->event_end && e == ERR_OK; w->event++) {
		const struct pool_event *ev = &w->p->events[w->event];

		buf_reset(&w->body);
		buf_u32(&w->body, w->source_at[ev->source]);
		buf_u64(&w->body, ev->sequence);
		buf_bytes(&w->body, w->p->bytes.data + ev->at, ev->len);
		e = put(w, RECORD_ARCHIVED_EVENT, (wall_t){ev->time_ns}, &w->body);
	}
	return e;
}

static void
body_witnesses(struct archive_writer *w, const struct pool_datagram *d, uint32_t from, uint32_t count)
{
	for (uint32_t k = from; k < from + count; k++) {
		struct witness one = w->p->witnesses[d->hearing + k];

		one.source = w->source_at[one.source];
		witness_write(&w->body, &one);
	}
}

static void
body_head(struct archive_writer *w, uint32_t len, uint32_t refs, uint32_t witnesses, uint32_t sampling)
{
	buf_reset(&w->body);
	buf_u32(&w->body, len);
	buf_u32(&w->body, refs);
	buf_u32(&w->body, witnesses);
	buf_u32(&w->body, sampling);
}

static enum err
put_datagram(struct archive_writer *w, size_t place)
{
	const struct pool_datagram *d = &w->p->datagrams[place];
	uint32_t refs = w->p->set_lists[d->sets].count,
		 now = d->hearings < WITNESSES_A_RECORD ? d->hearings : WITNESSES_A_RECORD;
	struct record r = {.type = RECORD_ARCHIVED,
	    .flags = d->flags,
	    .port = d->port,
	    .addr = d->addr,
	    .time = {d->time_ns}};
	uint32_t state = w->plan->sampling[place];
	const uint8_t *payload;
	enum err e = pool_payload(w->p, d, &payload);

	if (e != ERR_OK)
		return e;
	buf_u64(&w->index, d->digest.hi);
	buf_u64(&w->index, d->digest.lo);
	buf_u64(&w->index, segment_file_offset(w->file));
	body_head(w, d->len, refs, now, state != REF_NONE ? w->state_at[state] : REF_NONE);
	buf_bytes(&w->body, payload, d->len);
	for (uint32_t k = 0; k < refs; k++) {
		uint32_t ref = w->plan->refs[w->plan->refs_at[place] + k];

		buf_u32(&w->body,
		    ref == REF_NONE ? REF_NONE : w->definition_at[ref & ~REF_LATE] | (ref & REF_LATE));
	}
	body_witnesses(w, d, 0, now);
	for (uint32_t done = now;;) {
		if (!buf_ok(&w->body) || !buf_ok(&w->index))
			return ERR_MEMORY;
		r.body = w->body.data;
		r.len = (uint32_t)w->body.len;
		if ((e = segment_file_put(w->file, &r)) != ERR_OK || done == d->hearings)
			return e;
		now = d->hearings - done < WITNESSES_A_RECORD ? d->hearings - done : WITNESSES_A_RECORD;
		body_head(w, 0, 0, now, REF_NONE);
		body_witnesses(w, d, done, now);
		r.flags = d->flags | ARCHIVED_MORE;
		done += now;
	}
}

static enum err
put_index(struct archive_writer *w, wall_t time)
{
	const size_t piece = RECORDS_BODY_AIM / 24 * 24;

	for (size_t at = 0; at < w->index.len; at += piece) {
		struct buf part = {
		    .data = w->index.data + at, .len = w->index.len - at < piece ? w->index.len - at : piece};
		enum err e = put(w, RECORD_INDEX, time, &part);

		if (e != ERR_OK)
			return e;
	}
	return ERR_OK;
}

enum err
archive_write_window(struct archive_writer *w)
{
	char name[MANIFEST_NAME_SIZE];
	struct cut c;
	uint32_t definitions;
	enum err e;

	if (!next_cut(w, &c))
		return ERR_END;
	manifest_window_name(c.start, name);
	if ((e = begin(w, name, SEGMENT_WINDOW, c.start)) != ERR_OK)
		return e;
	definitions = mark_used(w, &c);
	buf_reset(&w->index);
	e = put_sources(w, c.start);
	if (e == ERR_OK)
		e = put_definitions(w, c.start, definitions);
	if (e == ERR_OK)
		e = put_states(w, &c);
	if (e == ERR_OK)
		e = put_events(w, &c);
	for (; w->datagram < c.datagram_end && e == ERR_OK; w->datagram++)
		e = put_datagram(w, w->datagram);
	if (e == ERR_OK)
		e = put_index(w, c.start);
	for (size_t i = 0; i < w->p->source_count; i++)
		w->source_at[i] = POOL_NONE;
	for (uint32_t i = 0; i < definitions; i++)
		w->definition_at[w->table[i]] = POOL_NONE;
	return e == ERR_OK ? end(w, name) : e;
}

enum err
archive_write_file(struct archive_writer *w, const char *name, const void *bytes, size_t len)
{
	struct sha256 digest = sha256_of(bytes, len);
	enum err e = file_replace(w->dirfd, name, bytes, len, 0644);

	return e == ERR_OK ? manifest_add(w->m, name, len, &digest) : e;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct manifest_file *)a)->name, ((const struct manifest_file *)b)->name);
}

enum err
archive_write_manifest(struct archive_writer *w)
{
	struct buf text = BUF_INIT;
	enum err e;

	qsort(w->m->files, w->m->count, sizeof(*w->m->files), by_name);
	manifest_write(w->m, &text);
	e = buf_ok(&text) ? file_replace(w->dirfd, MANIFEST_NAME, text.data, text.len, 0644) : ERR_MEMORY;
	buf_clear(&text);
	return e;
}

int64_t
archive_writer_hash_ns(const struct archive_writer *w)
{
	return segment_file_hash_ns(w->file);
}
