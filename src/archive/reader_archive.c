/* SPDX-License-Identifier: ISC
 *
 * Reading an archive's files. A window says itself which definition decodes which data set, by places in its
 * tables; a datagram is held until all of its witnesses were read.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/reader_private.h"
#include "base/array.h"

static bool
in_span(const struct reader *r, int64_t ns)
{
	return ns >= r->o.span.from_ns && ns < r->o.span.to_ns;
}

static void
forget_tables(struct archive_view *v)
{
	for (size_t i = 0; i < v->template_count; i++)
		tmpl_free(v->templates[i].parsed);
	for (size_t i = 0; i < v->state_count; i++)
		sampling_clear(&v->states[i]);
	v->state_count = 0;
	v->template_count = 0;
	v->resolved = NULL;
	v->source_count = 0;
	v->tables = (struct tables){.known = false};
	v->skip = v->pass = v->behind = v->paired = v->release = false;
	v->held.any = v->has_next = v->handed = false;
	v->witness_count = 0;
	pair_drop(&v->pair);
}

static enum err
add_template(struct archive_view *v, const struct tmpl_def *def)
{
	struct tmpl *t = NULL;
	enum err e = array_grow(v->templates, v->template_room, v->template_count);

	if (e == ERR_OK && (e = tmpl_parse(def, &t)) != ERR_OK && e != ERR_MEMORY)
		e = ERR_OK; /* holds its place; what needs it stays undecoded and is counted */
	if (e == ERR_OK) {
		v->templates[v->template_count] = (struct archive_template){.parsed = t, .def = *def};
		v->templates[v->template_count].def.bytes = NULL;
		v->templates[v->template_count++].def.len = 0;
	}
	return e;
}

/* A template that a list names, of the stream of the data set resolved last. */
static const struct tmpl *
resolve_named(const struct archive_view *v, uint16_t id)
{
	const struct archive_template *best = NULL;

	for (size_t i = 0; v->resolved != NULL && i < v->template_count; i++) {
		const struct archive_template *t = &v->templates[i];

		if (t->parsed != NULL && t->def.id == id &&
		    stream_key_cmp(&t->def.stream, &v->resolved->def.stream) == 0 &&
		    unpack_prefers(&t->def, best != NULL ? &best->def : NULL, v->export_time))
			best = t;
	}
	return best != NULL ? best->parsed : NULL;
}

static const struct tmpl *
resolve(void *ctx, unsigned data_set, uint16_t set_id, bool *ret_late)
{
	struct archive_view *v = ctx;
	const struct tmpl *t;
	struct rd at = v->sets;
	struct entry_set set;
	uint32_t ref;

	if (data_set == FLOW_SUB_TEMPLATE)
		return resolve_named(v, set_id);
	v->resolved = NULL;
	if (data_set >= v->ref_count)
		return NULL;
	rd_skip(&at, ENTRY_SET_SIZE * (size_t)data_set);
	entry_read_set(&at, &set);
	ref = set.ref;
	*ret_late = (ref & REF_LATE) != 0;
	if ((ref & ~REF_LATE) >= v->template_count)
		return NULL;
	v->resolved = &v->templates[ref & ~REF_LATE];
	t = v->resolved->parsed;
	return t != NULL && t->id == set_id ? t : NULL;
}

static int
name_cmp(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names of the nodes that heard it, each once. */
static enum err
name_witnesses(struct reader *r, struct rd list, uint32_t count)
{
	struct archive_view *v = &r->archive;
	size_t n = 0;

	for (uint32_t i = 0; i < count; i++) {
		struct witness w;
		enum err e;

		witness_read(&list, &w);
		if (w.source >= v->source_count)
			continue;
		if (r->o.hearings && (e = hearings_add(&r->hearings, &v->sources[w.source], &w)) != ERR_OK)
			return e;
		if (v->witness_count > 0 &&
		    strcmp(v->witnesses[v->witness_count - 1], v->sources[w.source].node) == 0)
			continue;
		e = array_grow(v->witnesses, v->witness_room, v->witness_count);
		if (e != ERR_OK)
			return e;
		v->witnesses[v->witness_count++] = v->sources[w.source].node;
	}
	qsort(v->witnesses, v->witness_count, sizeof(*v->witnesses), name_cmp);
	for (size_t i = 0; i < v->witness_count; i++) {
		if (n == 0 || strcmp(v->witnesses[n - 1], v->witnesses[i]) != 0)
			v->witnesses[n++] = v->witnesses[i];
	}
	v->witness_count = n;
	return ERR_OK;
}

/* A body that its CRC calls good and its format calls bad; verify tells it, too. */
static void
odd_body(struct reader *r, const char *expected)
{
	struct finding f = {.offset = check_offset(r->check), .what = "record body", .found = "another form"};

	(void)snprintf(f.expected, sizeof(f.expected), "%s", expected);
	reader_tell(r, &f);
}

/* Begins with the payload, or with what stands in its place. */
static bool
start_held(struct reader *r, enum err *ret_error)
{
	struct archive_view *v = &r->archive;
	const struct entry *en = &v->held.entry;
	enum err e;

	if (!en->selected) {
		if (proto_recognise(v->held.payload, en->len, &r->info) != ERR_OK)
			return false;
		decode_init(&r->decode, v->held.payload, en->len, &r->info, resolve, v);
		return true;
	}
	if (r->selected == NULL && (r->selected = selected_reader_new()) == NULL) {
		*ret_error = ERR_MEMORY;
		return false;
	}
	if ((e = selected_open(r->selected, v->held.payload, en->body_len)) != ERR_OK) {
		if (e == ERR_MEMORY)
			*ret_error = e;
		else
			odd_body(r, "selected flows");
		return false;
	}
	r->info = selected_head(r->selected)->info;
	decode_init_selected(&r->decode, r->selected, resolve, v);
	return true;
}

/* Hands out the held datagram, all of whose witnesses were read. False: it cannot be read. */
static bool
hand_out(struct reader *r, struct reader_datagram *ret, enum err *ret_error)
{
	struct archive_view *v = &r->archive;
	const struct entry *en = &v->held.entry;

	v->handed = true;
	if (!start_held(r, ret_error))
		return false;
	v->sets = en->sets;
	v->export_time = r->info.export_time;
	v->ref_count = v->tables.broken ? 0 : en->set_count;
	*ret = (struct reader_datagram){.exporter = en->addr,
	    .port = en->port,
	    .cluster = check_header(r->check)->cluster,
	    .flags = en->flags,
	    .time = {en->time_ns},
	    .payload = en->selected ? NULL : v->held.payload,
	    .len = en->len,
	    .selected = en->selected ? selected_head(r->selected) : NULL,
	    .selected_body = en->selected ? v->held.payload : NULL,
	    .selected_len = en->selected ? en->body_len : 0,
	    .info = &r->info,
	    .decode = &r->decode,
	    .witnesses = v->witnesses,
	    .witness_count = v->witness_count,
	    .hearings = &r->hearings,
	    .sampling = !v->tables.broken && en->sampling < v->state_count ? &v->states[en->sampling] : NULL};
	return true;
}

static void
forget_held(struct reader *r)
{
	r->archive.handed = r->archive.held.any = false;
	r->archive.witness_count = 0;
	hearings_reset(&r->hearings);
}

static enum err
hold(struct reader *r, const struct entry *en, const uint8_t *payload)
{
	struct archive_view *v = &r->archive;

	v->held.any = true;
	v->held.entry = *en;
	v->held.payload = payload;
	return r->o.names && !v->tables.broken ? name_witnesses(r, en->witnesses, en->witness_count) : ERR_OK;
}

/* The pair is over, and the next one may have more witnesses of its last datagram. */
static enum err
keep_held(struct archive_view *v)
{
	struct held *h = &v->held;
	size_t sets = ENTRY_SET_SIZE * (size_t)h->entry.set_count;

	if (!h->any || (h->kept.data != NULL && h->payload == h->kept.data + sets))
		return ERR_OK;
	buf_reset(&h->kept);
	buf_bytes(&h->kept, h->entry.sets.at, sets);
	buf_bytes(&h->kept, h->payload, entry_bytes(&h->entry));
	if (!buf_ok(&h->kept))
		return ERR_MEMORY;
	h->entry.sets = rd_init(h->kept.data, sets);
	h->payload = h->kept.data + sets;
	return ERR_OK;
}

/* Whether a datagram of the pair lies in the span, so that its payloads are needed. Datagrams stand by time: once one
 * lies behind the span, so does all that follows in the file. */
static bool
pair_is_wanted(struct reader *r)
{
	struct archive_view *v = &r->archive;
	struct rd in = rd_init(v->pair.entries.data, v->pair.entries.len);
	bool wanted = false;
	struct entry en;

	while (!wanted && rd_left(&in) > 0 && entry_read(&in, &en) == ERR_OK) {
		wanted = in_span(r, en.time_ns);
		v->behind |= !en.more && en.time_ns >= r->o.span.to_ns;
	}
	return wanted;
}

/* What follows the held datagram: more of its witnesses, or the next one, with which it is whole. */
static enum err
take_entry(struct reader *r, bool *ret_whole)
{
	struct archive_view *v = &r->archive;
	const uint8_t *payload = v->pair.bytes.data + v->payloads_at;
	struct entry en;
	enum err e = entry_read(&v->entries, &en);

	*ret_whole = false;
	if (e != ERR_OK)
		return e;
	v->payloads_at += entry_bytes(&en);
	if (en.more) { /* or else its first witnesses are lost, and its payload */
		return v->held.any && r->o.names && !v->tables.broken
		    ? name_witnesses(r, en.witnesses, en.witness_count)
		    : ERR_OK;
	}
	*ret_whole = v->held.any;
	if (!in_span(r, en.time_ns))
		return ERR_OK;
	if (!v->held.any)
		return hold(r, &en, payload);
	v->has_next = true;
	v->next = en;
	v->next_payload = payload;
	return ERR_OK;
}

enum err
archive_view_next(struct reader *r, bool ended, struct reader_datagram *ret)
{
	struct archive_view *v = &r->archive;
	enum err e = ERR_OK;

	while (e == ERR_OK) {
		bool whole = false;

		if (v->handed)
			forget_held(r);
		if (v->has_next) {
			v->has_next = false;
			e = hold(r, &v->next, v->next_payload);
		} else if (v->paired && rd_left(&v->entries) > 0) {
			e = take_entry(r, &whole);
		} else if (v->paired) {
			v->paired = false;
			e = keep_held(v);
			pair_drop(&v->pair);
		} else {
			whole = v->held.any && (ended || v->release);
			v->release = false;
			if (!whole)
				return ERR_END;
		}
		if (e == ERR_OK && whole && hand_out(r, ret, &e))
			return ERR_OK;
	}
	return e;
}

static enum err
take_payloads(struct reader *r, const struct record *rec)
{
	struct archive_view *v = &r->archive;
	struct chunk chunk;
	enum err e;

	if (!pair_waits(&v->pair) && v->skip)
		return ERR_OK; /* their entries were told of as damaged */
	if (v->pass) {         /* and the body was not read */
		v->release = true;
		v->pass = false;
		pair_drop(&v->pair);
		return ERR_OK;
	}
	e = pair_match(&v->pair, rec->body, rec->len, &chunk);
	if (e == ERR_OK)
		e = pair_open(&v->pair, &chunk);
	if (e == ERR_UNKNOWN || e == ERR_MEMORY)
		return e;
	if (e != ERR_OK) {
		odd_body(r, "payloads of the entries before them");
		pair_drop(&v->pair);
		return ERR_OK;
	}
	v->entries = rd_init(v->pair.entries.data, v->pair.entries.len);
	v->payloads_at = 0;
	v->paired = true;
	return ERR_OK;
}

static enum err
take_table(struct reader *r, const struct record *rec)
{
	struct archive_view *v = &r->archive;
	struct rd in = rd_init(rec->body, rec->len);
	struct tmpl_def def;
	enum err e = ERR_OK;

	switch (rec->type) {
	case RECORD_SOURCES:
		while (rd_left(&in) > 0 && e == ERR_OK) {
			e = array_grow(v->sources, v->source_room, v->source_count);
			if (e == ERR_OK && source_read(&in, &v->sources[v->source_count]) != ERR_OK)
				break;
			v->source_count++;
		}
		break;
	case RECORD_TEMPLATES:
		while (e == ERR_OK && rd_left(&in) > 0 && tmpl_def_read(&in, &def) == ERR_OK) {
			e = add_template(v, &def);
			if (r->o.definition != NULL)
				r->o.definition(r->o.ctx, &def);
		}
		break;
	default: /* RECORD_SAMPLING */
		while (e == ERR_OK && rd_left(&in) > 0) {
			e = array_grow(v->states, v->state_room, v->state_count);
			if (e == ERR_OK && sampling_state_read(&in, &v->states[v->state_count]) != ERR_OK)
				break;
			v->state_count += e == ERR_OK;
		}
	}
	v->tables.got = (struct contents){.sources = (uint32_t)v->source_count,
	    .definitions = (uint32_t)v->template_count,
	    .states = (uint32_t)v->state_count};
	return e;
}

/* The common file says when each life began. */
static enum err
take_ranges(struct reader *r, const struct record *rec)
{
	struct archive_view *v = &r->archive;
	struct rd in = rd_init(rec->body, rec->len);
	uint32_t source = rd_u32(&in);
	int64_t first_ns;

	rd_skip(&in, 12); /* the numbers of ranges */
	first_ns = (int64_t)rd_u64(&in);
	if (!r->o.hearings || v->tables.broken || !rd_ok(&in) || source >= v->source_count)
		return ERR_OK;
	return hearings_note_life(&r->hearings, &v->sources[source], first_ns);
}

static enum err
take_entries(struct reader *r, const struct record *rec)
{
	struct archive_view *v = &r->archive;
	enum err e = pair_take(&v->pair, rec->body, rec->len);

	v->skip = e != ERR_OK;
	v->pass = e == ERR_OK && !pair_is_wanted(r);
	if (e == ERR_CUT || e == ERR_MALFORMED) {
		odd_body(r, "entries of datagrams");
		pair_drop(&v->pair);
		return ERR_OK;
	}
	return e;
}

/* Where a table has a hole, places in it mean nothing; the payloads still show what needs no definition. */
enum err
archive_view_record(struct reader *r, const struct record *rec)
{
	struct archive_view *v = &r->archive;

	if (tables_record(&v->tables, rec) != ERR_OK) {
		odd_body(r, "numbers of what the file holds");
		pair_drop(&v->pair);
	}
	switch (rec->type) {
	case RECORD_SOURCES:
	case RECORD_TEMPLATES:
	case RECORD_SAMPLING:
		return take_table(r, rec);
	case RECORD_ENTRIES:
		return take_entries(r, rec);
	case RECORD_PAYLOADS:
		return take_payloads(r, rec);
	case RECORD_RANGES:
		return take_ranges(r, rec);
	default:
		v->release = true;
		return ERR_OK;
	}
}

void
archive_view_finding(struct reader *r, const struct finding *f)
{
	struct archive_view *v = &r->archive;

	tables_finding(&v->tables, f);
	pair_drop(&v->pair);
	v->skip = true;
	v->pass = false;
}

void
archive_view_end(struct reader *r)
{
	forget_held(r);
	forget_tables(&r->archive);
}

void
archive_view_clear(struct archive_view *v)
{
	forget_tables(v);
	free(v->templates);
	free(v->states);
	free(v->sources);
	free(v->witnesses);
	pair_clear(&v->pair);
	buf_clear(&v->held.kept);
}
