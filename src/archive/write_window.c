/* SPDX-License-Identifier: ISC
 *
 * The windows of an archive: cutting, the tables that each needs, and its datagrams in pairs of entries and payloads.
 */
#include <stdlib.h>
#include <string.h>

#include "archive/entry.h"
#include "archive/state_table.h"
#include "archive/write_private.h"
#include "base/file.h"
#include "base/spill.h"

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

	if (w->datagram < p->end)
		first = p->datagrams[w->datagram].time_ns;
	if (w->event < p->event_end && p->events[w->event].time_ns < first)
		first = p->events[w->event].time_ns;
	if (w->datagram == p->end && w->event == p->event_end)
		return false;
	start = floor_to(first, step);
	c.start = (wall_t){start};
	while (c.datagram_end < p->end && floor_to(p->datagrams[c.datagram_end].time_ns, step) == start)
		c.datagram_end++;
	while (c.event_end < p->event_end && floor_to(p->events[c.event_end].time_ns, step) == start)
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

static uint32_t
mark_definition(struct archive_writer *w, uint32_t definition, uint32_t n)
{
	if (w->definition_at[definition] == POOL_NONE) {
		w->definition_at[definition] = 0;
		w->table[n++] = definition;
	}
	return n;
}

/* Marks the sources that this window's records name, and lists the definitions that its datagrams need or bring in
 * w->table. */
static uint32_t
mark_used(struct archive_writer *w, const struct cut *c)
{
	const struct pool *p = w->p;
	uint32_t n = 0;

	for (size_t i = w->event; i < c->event_end; i++)
		w->source_at[p->events[i].source] = 0;
	for (size_t i = w->datagram; i < c->datagram_end; i++) {
		const struct pool_datagram *d = &p->datagrams[i];

		for (uint32_t k = 0; k < d->hearings; k++)
			w->source_at[p->witnesses[d->hearing + k].source] = 0;
		for (uint32_t k = 0; k < p->set_lists[d->sets].count; k++) {
			uint32_t at = w->plan->refs[w->plan->refs_at[i] + k] & ~REF_LATE;

			if (at != REF_NONE) {
				n = mark_definition(w, at, n);
				n = mark_named(w, at, n);
			}
		}
		for (uint32_t k = 0; k < d->places; k++)
			n = mark_definition(w, p->places[d->place + k].definition, n);
	}
	return n;
}

/* Sampling states of the window's datagrams, by their bytes; equal ones of several streams stand once. */
static enum err
put_states(struct archive_writer *w, const struct cut *c, const struct state_table *t)
{
	enum err e = ERR_OK;

	buf_reset(&w->body);
	for (size_t i = 0; i < t->count && e == ERR_OK; i++) {
		buf_bytes(&w->body, t->bytes.data + t->entries[i].at, t->entries[i].len);
		e = writer_put_list(w, RECORD_SAMPLING, c->start, &w->body, false);
	}
	return e == ERR_OK ? writer_put_list(w, RECORD_SAMPLING, c->start, &w->body, true) : e;
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
		e = writer_put(w, RECORD_ARCHIVED_EVENT, (wall_t){ev->time_ns}, &w->body);
	}
	return e;
}

/* The pair that has been gathered, when it is long enough or the last. */
static enum err
put_pair(struct archive_writer *w, wall_t time, bool last)
{
	uint32_t size = w->size;
	enum err e;

	if (w->body.len == 0 || (!last && w->body.len < RECORDS_BODY_AIM && size < CHUNK_AIM))
		return ERR_OK;
	if (!buf_ok(&w->payloads))
		return ERR_MEMORY;
	e = writer_put(w, RECORD_ENTRIES, time, &w->body);
	buf_reset(&w->body);
	w->size = 0;
	if (e != ERR_OK || w->summing)
		return e;
	buf_reset(&w->packed);
	if (w->compressor != NULL && size > 0) {
		chunk_write_head(&w->packed, COMPRESS_ZSTD, size);
		e = compressor_add(w->compressor, w->payloads.data, size, &w->packed);
		if (e != ERR_OK && e != ERR_LIMIT)
			return e;
	} else {
		e = ERR_LIMIT;
	}
	if (e == ERR_LIMIT) { /* what does not become shorter stays as it is */
		buf_reset(&w->packed);
		chunk_write_head(&w->packed, COMPRESS_NONE, size);
		buf_bytes(&w->packed, w->payloads.data, size);
	}
	e = writer_put(w, RECORD_PAYLOADS, time, &w->packed);
	buf_reset(&w->payloads);
	return e;
}

static struct proto_info
info_of(const struct archive_writer *w, const struct pool_datagram *d)
{
	const struct stream_key *key = &w->p->streams[d->stream].key;

	return (struct proto_info){.proto = (enum proto)key->proto,
	    .agent = key->agent,
	    .domain = key->domain,
	    .sequence = d->sequence,
	    .count = d->units,
	    .uptime_ms = d->uptime_ms,
	    .export_time = {d->export_ns}};
}

static void
add_sets(struct archive_writer *w, size_t place, const struct pool_set_list *list)
{
	for (uint32_t k = 0; k < list->count; k++) {
		const struct pool_set *set = &w->p->sets[list->at + k];
		uint32_t ref = w->plan->refs[w->plan->refs_at[place] + k];
		struct entry_set s = {.id = set->id, .len = set->len, .ref = REF_NONE};

		if (ref != REF_NONE)
			s.ref = w->definition_at[ref & ~REF_LATE] | (ref & REF_LATE);
		entry_write_set(&w->body, &s);
	}
}

static void
add_definitions(struct archive_writer *w, const struct pool_datagram *d)
{
	for (uint32_t k = 0; k < d->places; k++) {
		const struct pool_place *place = &w->p->places[d->place + k];

		entry_write_definition(&w->body,
		    &(struct entry_definition){
			w->definition_at[place->definition], (uint16_t)place->data_sets});
	}
}

static void
add_witnesses(struct archive_writer *w, const struct pool_datagram *d, uint32_t from, uint32_t count)
{
	for (uint32_t k = from; k < from + count; k++) {
		struct witness one = w->p->witnesses[d->hearing + k];

		one.source = w->source_at[one.source];
		witness_write(&w->body, &one);
	}
}

/* The entries of one datagram: one, unless it was heard very often. */
static enum err
put_entries(struct archive_writer *w, wall_t time, size_t place)
{
	const struct pool_datagram *d = &w->p->datagrams[place];
	uint32_t state = w->plan->sampling[place];
	struct entry en = {.time_ns = d->time_ns,
	    .digest = d->digest,
	    .addr = d->addr,
	    .port = d->port,
	    .len = (uint16_t)d->len,
	    .flags = d->flags,
	    .defines = d->defines,
	    .stopped = d->stopped,
	    .info = info_of(w, d),
	    .sampling = state != REF_NONE ? w->state_at[state] : REF_NONE,
	    .set_count = w->p->set_lists[d->sets].count,
	    .definition_count = d->places};

	if (d->selected != POOL_NONE) {
		const struct pool_selected *s = &w->p->selected[d->selected];

		en.selected = true;
		en.len = s->len;
		en.body_len = d->len;
		en.records = s->records;
		en.sha256 = s->sha256;
	}

	for (uint32_t done = 0; done < d->hearings; done += en.witness_count) {
		uint32_t left = d->hearings - done;
		enum err e;

		en.witness_count = left < ENTRY_WITNESSES ? left : ENTRY_WITNESSES;
		if (done > 0) {
			en.more = true;
			en.selected = false;
			en.len = 0;
			en.set_count = en.definition_count = 0;
		}
		entry_write_head(&w->body, &en);
		if (done == 0) {
			add_sets(w, place, &w->p->set_lists[d->sets]);
			add_definitions(w, d);
		}
		add_witnesses(w, d, done, en.witness_count);
		if ((e = put_pair(w, time, false)) != ERR_OK)
			return e;
	}
	return ERR_OK;
}

static enum err
put_datagram(struct archive_writer *w, wall_t time, size_t place)
{
	const struct pool_datagram *d = &w->p->datagrams[place];

	spill_pause();
	w->size += d->len;
	if (!w->summing) {
		const uint8_t *payload;
		enum err e = pool_payload(w->p, d, &payload);

		if (e != ERR_OK)
			return e;
		buf_bytes(&w->payloads, payload, d->len);
	}
	return put_entries(w, time, place);
}

/* What stands in a window's file, from its first record on. */
static enum err
put_window(struct archive_writer *w, const struct cut *c, uint32_t definitions)
{
	struct contents contents = {.definitions = definitions,
	    .events = c->event_end - w->event,
	    .datagrams = c->datagram_end - w->datagram};
	struct state_table t = {.count = 0};
	enum err e = state_table_make(&t, w->plan, w->datagram, c->datagram_end, w->state_at);

	for (size_t i = 0; i < w->p->source_count; i++)
		contents.sources += w->source_at[i] != POOL_NONE;
	contents.states = (uint32_t)t.count;
	if (e == ERR_OK)
		e = writer_put_contents(w, c->start, &contents);
	if (e == ERR_OK)
		e = writer_put_sources(w, c->start);
	if (e == ERR_OK)
		e = writer_put_definitions(w, c->start, definitions);
	if (e == ERR_OK)
		e = put_states(w, c, &t);
	if (e == ERR_OK)
		e = put_events(w, c);
	buf_reset(&w->body);
	buf_reset(&w->payloads);
	w->size = 0;
	for (; w->datagram < c->datagram_end && e == ERR_OK; w->datagram++)
		e = put_datagram(w, c->start, w->datagram);
	if (e == ERR_OK)
		e = put_pair(w, c->start, true);
	state_table_clear(&t);
	return e;
}

static enum err
new_compressor(struct archive_writer *w)
{
	compressor_free(w->compressor);
	w->compressor = NULL;
	if (w->m->compression.level == 0)
		return ERR_OK;
	w->compressor = compressor_new(w->m->compression.level);
	return w->compressor != NULL ? ERR_OK : ERR_MEMORY;
}

void
archive_write_former(struct archive_writer *w, const struct input *in)
{
	w->former = in;
	while (w->former_file < w->p->file_count && w->p->files[w->former_file].input != in)
		w->former_file++;
}

static int
name_in_files(const void *key, const void *element)
{
	const char *path = ((const struct input_file *)element)->path;

	return strcmp(key, strrchr(path, '/') + 1);
}

static int
name_in_manifest(const void *key, const void *element)
{
	return strcmp(key, ((const struct manifest_file *)element)->name);
}

/* The former archive's window of that name. */
struct former {
	const struct input_file *file; /* NULL: it has none */
	const struct manifest_file *listed;
	uint32_t index; /* into the pool's files */
};

static struct former
former_window(const struct archive_writer *w, const char *name)
{
	struct former f = {.file = NULL};
	size_t first; /* of the windows, which stand by name behind the common file */

	if (w->former == NULL)
		return f;
	first = w->former->count > 0 && name_in_files(MANIFEST_COMMON, &w->former->files[0]) == 0;
	if (w->former->count > first)
		f.file = bsearch(name, w->former->files + first, w->former->count - first,
		    sizeof(*w->former->files), name_in_files);
	if (f.file != NULL) {
		f.index = w->former_file + (uint32_t)(f.file - w->former->files);
		f.listed = bsearch(name, w->former->manifest.files, w->former->manifest.count,
		    sizeof(*w->former->manifest.files), name_in_manifest);
	}
	return f;
}

/* Who must not pass over selected flows is told where there are any. */
static struct segment_header
window_head(const struct archive_writer *w, const struct cut *c)
{
	struct segment_header h = writer_head(w, SEGMENT_WINDOW, c->start);

	for (size_t i = w->datagram; i < c->datagram_end; i++) {
		if (w->p->datagrams[i].selected != POOL_NONE)
			h.incompatible = SEGMENT_SELECTED;
	}
	return h;
}

/* Whether writing the window would give the file that stands there: then its payloads are those that stand there, since
 * all of its datagrams are, and everything else has the same sum. */
static enum err
is_unchanged(
    struct archive_writer *w, const struct cut *c, uint32_t definitions, const struct former *f, bool *ret)
{
	const struct pool_file *file = &w->p->files[f->index];
	size_t datagram = w->datagram, event = w->event;
	struct segment_header head = window_head(w, c);
	struct digest128 sum;
	enum err e;

	*ret = false;
	if (!file->whole || f->listed == NULL || f->listed->size != file->size ||
	    !manifest_compression_same(&w->m->compression, &w->former->manifest.compression))
		return ERR_OK;
	for (size_t i = w->datagram; i < c->datagram_end; i++) {
		const struct pool_datagram *d = &w->p->datagrams[i];

		if (d->file != f->index ||
		    (d->selected != POOL_NONE && w->p->selected[d->selected].copy != POOL_NONE))
			return ERR_OK;
	}
	window_sum_start(w->sum, &head);
	w->summing = true;
	e = put_window(w, c, definitions);
	w->summing = false;
	w->datagram = datagram;
	w->event = event;
	sum = window_sum_end(w->sum);
	*ret = digest128_cmp(&sum, &file->sum) == 0;
	return e;
}

static enum err
write_window(struct archive_writer *w, const struct cut *c, uint32_t definitions, const char *name)
{
	enum err e = new_compressor(w);

	if (e == ERR_OK)
		e = writer_begin(w, name, window_head(w, c));
	if (e == ERR_OK)
		e = put_window(w, c, definitions);
	return e == ERR_OK ? writer_end(w, name) : e;
}

static enum err
keep_window(struct archive_writer *w, const struct former *f, const char *name)
{
	enum err e = file_link(f->file->path, w->dirfd, name, 0644);

	return e == ERR_OK ? manifest_add(w->m, name, f->listed->size, &f->listed->digest) : e;
}

enum err
archive_write_window(
    struct archive_writer *w, bool write, char ret_name[MANIFEST_NAME_SIZE], enum window_fate *ret_fate)
{
	struct former f;
	struct cut c;
	uint32_t definitions;
	bool same = false;
	enum err e = ERR_OK;

	if (!next_cut(w, &c))
		return ERR_END;
	manifest_window_name(c.start, ret_name);
	f = former_window(w, ret_name);
	definitions = mark_used(w, &c);
	if (f.file != NULL)
		e = is_unchanged(w, &c, definitions, &f, &same);
	*ret_fate = f.file == NULL ? WINDOW_NEW : same ? WINDOW_UNCHANGED : WINDOW_CHANGED;
	if (e == ERR_OK && write)
		e = same ? keep_window(w, &f, ret_name) : write_window(w, &c, definitions, ret_name);
	w->datagram = c.datagram_end;
	w->event = c.event_end;
	for (size_t i = 0; i < w->p->source_count; i++)
		w->source_at[i] = POOL_NONE;
	for (uint32_t i = 0; i < definitions; i++)
		w->definition_at[w->table[i]] = POOL_NONE;
	return e;
}
