/* SPDX-License-Identifier: ISC
 *
 * Reading an archive's files for cat. A window says itself which definition decodes which data set, by places in its
 * tables; a datagram is held until all of its witnesses were read.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/unpack.h"
#include "base/array.h"
#include "cluster/cat_private.h"

static void
forget_templates(struct cat *c)
{
	for (size_t i = 0; i < c->template_count; i++)
		tmpl_free(c->templates[i].parsed);
	for (size_t i = 0; i < c->state_count; i++)
		sampling_clear(&c->states[i]);
	c->state_count = 0;
	c->template_count = 0;
	c->resolved = NULL;
	c->source_count = 0;
	c->tables = (struct tables){.known = false};
	c->skip = false;
	c->pass = c->behind = false;
	pair_drop(&c->pair);
}

static enum err
add_template(struct cat *c, const struct tmpl_def *def)
{
	struct tmpl *t = NULL;
	enum err e = array_grow(c->templates, c->template_room, c->template_count);

	if (e == ERR_OK && (e = tmpl_parse(def, &t)) != ERR_OK && e != ERR_MEMORY)
		e = ERR_OK; /* holds its place; what needs it stays undecoded and is counted */
	if (e == ERR_OK) {
		c->templates[c->template_count] = (struct cat_template){.parsed = t, .def = *def};
		c->templates[c->template_count].def.bytes = NULL;
		c->templates[c->template_count++].def.len = 0;
	}
	return e;
}

/* A template that a list names, of the stream of the data set resolved last. */
static const struct tmpl *
resolve_named(const struct cat *c, uint16_t id)
{
	const struct cat_template *best = NULL;

	for (size_t i = 0; c->resolved != NULL && i < c->template_count; i++) {
		const struct cat_template *t = &c->templates[i];

		if (t->parsed != NULL && t->def.id == id &&
		    stream_key_cmp(&t->def.stream, &c->resolved->def.stream) == 0 &&
		    unpack_prefers(&t->def, best != NULL ? &best->def : NULL, c->export_time))
			best = t;
	}
	return best != NULL ? best->parsed : NULL;
}

static const struct tmpl *
resolve(void *ctx, unsigned data_set, uint16_t set_id, bool *ret_late)
{
	struct cat *c = ctx;
	const struct tmpl *t;
	struct rd at = c->sets;
	struct entry_set set;
	uint32_t ref;

	if (data_set == FLOW_SUB_TEMPLATE)
		return resolve_named(c, set_id);
	c->resolved = NULL;
	if (data_set >= c->ref_count)
		return NULL;
	rd_skip(&at, ENTRY_SET_SIZE * (size_t)data_set);
	entry_read_set(&at, &set);
	ref = set.ref;
	*ret_late = (ref & REF_LATE) != 0;
	if ((ref & ~REF_LATE) >= c->template_count)
		return NULL;
	c->resolved = &c->templates[ref & ~REF_LATE];
	t = c->resolved->parsed;
	return t != NULL && t->id == set_id ? t : NULL;
}

static int
name_cmp(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names of the nodes that heard it, each once. */
static enum err
name_witnesses(struct cat *c, struct rd list, uint32_t count)
{
	size_t n = 0;

	for (uint32_t i = 0; i < count; i++) {
		struct witness w;
		enum err e;

		witness_read(&list, &w);
		if (w.source >= c->source_count)
			continue;
		if (c->one_by_one && (e = hearings_add(&c->hearings, &c->sources[w.source], &w)) != ERR_OK)
			return e;
		if (c->witness_count > 0 &&
		    strcmp(c->witnesses[c->witness_count - 1], c->sources[w.source].node) == 0)
			continue;
		e = array_grow(c->witnesses, c->witness_room, c->witness_count);
		if (e != ERR_OK)
			return e;
		c->witnesses[c->witness_count++] = c->sources[w.source].node;
	}
	qsort(c->witnesses, c->witness_count, sizeof(*c->witnesses), name_cmp);
	for (size_t i = 0; i < c->witness_count; i++) {
		if (n == 0 || strcmp(c->witnesses[n - 1], c->witnesses[i]) != 0)
			c->witnesses[n++] = c->witnesses[i];
	}
	c->witness_count = n;
	return ERR_OK;
}

/* Prints the archived datagram that was held until all of its witnesses were read. */
static void
release(struct cat *c)
{
	const struct entry *en = &c->held.entry;
	struct record r = {.addr = en->addr, .port = en->port, .time = {en->time_ns}};
	struct proto_info info;
	struct decode d;

	if (!c->held.any)
		return;
	if (proto_recognise(c->held.payload, en->len, &info) == ERR_OK) {
		c->sets = en->sets;
		c->export_time = info.export_time;
		c->ref_count = c->tables.broken ? 0 : en->set_count;
		decode_init(&d, c->held.payload, en->len, &info, resolve, c);
		cat_flows(c, &r, c->held.payload, en->len, &d,
		    !c->tables.broken && en->sampling < c->state_count ? &c->states[en->sampling] : NULL);
	}
	c->held.any = false;
	c->witness_count = 0;
	hearings_reset(&c->hearings);
}

/* The pair is over, and the next one may have more witnesses of its last datagram. */
static enum err
keep_held(struct cat *c)
{
	struct held *h = &c->held;
	size_t sets = ENTRY_SET_SIZE * (size_t)h->entry.set_count;

	if (!h->any || (h->kept.data != NULL && h->payload == h->kept.data + sets))
		return ERR_OK;
	buf_reset(&h->kept);
	buf_bytes(&h->kept, h->entry.sets.at, sets);
	buf_bytes(&h->kept, h->payload, h->entry.len);
	if (!buf_ok(&h->kept))
		return ERR_MEMORY;
	h->entry.sets = rd_init(h->kept.data, sets);
	h->payload = h->kept.data + sets;
	return ERR_OK;
}

/* Whether a datagram of the pair lies in the span, so that its payloads are needed. Datagrams stand by time: once one
 * lies behind the span, so does all that follows in the file. */
static bool
pair_is_wanted(struct cat *c)
{
	struct rd in = rd_init(c->pair.entries.data, c->pair.entries.len);
	bool wanted = false;
	struct entry en;

	while (!wanted && rd_left(&in) > 0 && entry_read(&in, &en) == ERR_OK) {
		wanted = cat_in_span(c, en.time_ns);
		c->behind |= !en.more && en.time_ns >= c->span.to_ns;
	}
	return wanted;
}

static enum err
cat_entry(struct cat *c, const struct entry *en, const uint8_t *payload)
{
	if (!en->more) {
		release(c);
		if (!cat_in_span(c, en->time_ns))
			return ERR_OK;
		c->held.any = true;
		c->held.entry = *en;
		c->held.payload = payload;
	} else if (!c->held.any) { /* its first witnesses are lost, and its payload */
		return ERR_OK;
	}
	return c->count || c->tables.broken ? ERR_OK : name_witnesses(c, en->witnesses, en->witness_count);
}

/* A body that its CRC calls good and its format calls bad; verify tells it, too. */
static void
odd_body(struct cat *c, const char *path, uint64_t offset, const char *expected)
{
	struct finding f = {.offset = offset, .what = "record body", .found = "another form"};

	(void)snprintf(f.expected, sizeof(f.expected), "%s", expected);
	command_finding(path, &f);
	c->findings++;
	pair_drop(&c->pair);
}

static enum err
cat_payloads(struct cat *c, const struct record *r, const char *path, uint64_t offset)
{
	struct rd in = rd_init(c->pair.entries.data, c->pair.entries.len);
	size_t at = 0;
	struct chunk chunk;
	struct entry en;
	enum err e;

	if (!pair_waits(&c->pair) && c->skip)
		return ERR_OK;  /* their entries were told of as damaged */
	if (c->pass) {          /* and the body was not read */
		if (!c->behind) /* else the end of the file does */
			release(c);
		pair_drop(&c->pair);
		c->pass = false;
		return ERR_OK;
	}
	e = pair_match(&c->pair, r->body, r->len, &chunk);
	if (e == ERR_OK)
		e = pair_open(&c->pair, &chunk);
	if (e == ERR_UNKNOWN || e == ERR_MEMORY)
		return e;
	if (e != ERR_OK) {
		odd_body(c, path, offset, "payloads of the entries before them");
		return ERR_OK;
	}
	while (e == ERR_OK && !c->stop && rd_left(&in) > 0 && (e = entry_read(&in, &en)) == ERR_OK) {
		e = cat_entry(c, &en, c->pair.bytes.data + at);
		at += en.len;
	}
	if (e == ERR_OK)
		e = keep_held(c);
	pair_drop(&c->pair);
	return e;
}

static enum err
cat_table(struct cat *c, const struct record *r)
{
	struct rd in = rd_init(r->body, r->len);
	struct tmpl_def def;
	enum err e = ERR_OK;

	switch (r->type) {
	case RECORD_SOURCES:
		while (rd_left(&in) > 0 && e == ERR_OK) {
			e = array_grow(c->sources, c->source_room, c->source_count);
			if (e == ERR_OK && source_read(&in, &c->sources[c->source_count]) != ERR_OK)
				break;
			c->source_count++;
		}
		break;
	case RECORD_TEMPLATES:
		while (e == ERR_OK && rd_left(&in) > 0 && tmpl_def_read(&in, &def) == ERR_OK)
			e = add_template(c, &def);
		break;
	default: /* RECORD_SAMPLING */
		while (e == ERR_OK && rd_left(&in) > 0) {
			e = array_grow(c->states, c->state_room, c->state_count);
			if (e == ERR_OK && sampling_state_read(&in, &c->states[c->state_count]) != ERR_OK)
				break;
			c->state_count += e == ERR_OK;
		}
	}
	c->tables.got = (struct contents){.sources = (uint32_t)c->source_count,
	    .definitions = (uint32_t)c->template_count,
	    .states = (uint32_t)c->state_count};
	return e;
}

/* The common file says when each life began. */
static enum err
cat_ranges(struct cat *c, const struct record *r)
{
	struct rd in = rd_init(r->body, r->len);
	uint32_t source = rd_u32(&in);
	int64_t first_ns;

	rd_skip(&in, 12); /* the numbers of ranges */
	first_ns = (int64_t)rd_u64(&in);
	if (!c->one_by_one || c->tables.broken || !rd_ok(&in) || source >= c->source_count)
		return ERR_OK;
	return hearings_note_life(&c->hearings, &c->sources[source], first_ns);
}

/* Where a table has a hole, places in it mean nothing; the payloads still show what needs no definition. */
enum err
cat_archive_record(struct cat *c, const struct record *r, const char *path, uint64_t offset)
{
	enum err e;

	if (tables_record(&c->tables, r) != ERR_OK)
		odd_body(c, path, offset, "numbers of what the file holds");
	switch (r->type) {
	case RECORD_SOURCES:
	case RECORD_TEMPLATES:
	case RECORD_SAMPLING:
		return cat_table(c, r);
	case RECORD_ENTRIES:
		e = pair_take(&c->pair, r->body, r->len);
		c->skip = e != ERR_OK;
		c->pass = e == ERR_OK && !pair_is_wanted(c);
		if (e == ERR_CUT || e == ERR_MALFORMED) {
			odd_body(c, path, offset, "entries of datagrams");
			return ERR_OK;
		}
		return e;
	case RECORD_PAYLOADS:
		return cat_payloads(c, r, path, offset);
	case RECORD_RANGES:
		return cat_ranges(c, r);
	default:
		release(c);
		return ERR_OK;
	}
}

void
cat_archive_finding(struct cat *c, const struct finding *f)
{
	tables_finding(&c->tables, f);
	pair_drop(&c->pair);
	c->skip = true;
	c->pass = false;
}

void
cat_archive_end(struct cat *c)
{
	release(c);
	forget_templates(c);
}
