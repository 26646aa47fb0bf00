/* SPDX-License-Identifier: ISC
 *
 * Reading one file into a pool: a segment of a node, or a file of an archive. Every record passes log/check
 * first; what is damaged there becomes a finding here, and the rest of the file still counts.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/pool_private.h"
#include "archive/tables.h"
#include "archive/window_sum.h"
#include "wire/sets.h"

/* The file being read. */
struct reading {
	struct pool *p;
	struct input_file *f;
	uint32_t file;
	uint32_t source;   /* node segments */
	uint32_t *sources; /* archive files: the file's table as pool indexes; owned */
	size_t source_count, source_room;
	struct tables tables; /* archive files */
	struct pair pair;     /* archive windows: entries that wait for their payloads */
	bool part;         /* other windows may not be read: definitions of the table count by themselves */
	bool skip;         /* the next payloads are of entries that were told of as damaged */
	uint32_t datagram; /* the last one, for more of its witnesses */
	struct table_definition {
		size_t at; /* of its bytes in table */
		uint32_t len;
		uint32_t definition; /* as the pool has it; POOL_NONE: nothing has named it yet */
	} * definitions;             /* owned: the window's table */
	size_t definition_count, definition_room;
	struct buf table;       /* owned */
	uint64_t offset;        /* of the record at hand */
	struct window_sum *sum; /* of a window that is read lazily; owned */
	struct pool_tally tally;
	const struct pool_report *report;
};

/* A body that its CRC calls good and its format calls bad: our own fault or a newer writer's. */
static void
odd_body(struct reading *g, const struct record *r, const char *expected)
{
	struct finding f = {.offset = g->offset, .what = "record body", .lost_first = 1, .lost_last = 0};

	snprintf(f.expected, sizeof(f.expected), "%s", expected);
	snprintf(f.found, sizeof(f.found), "%" PRIu32 " bytes of another form, record type %u", r->len,
	    (unsigned)r->type);
	g->p->findings++;
	if (g->report != NULL)
		g->report->finding(g->report->ctx, g->f->path, &f);
}

/* Records may say anything; what can be is what no sum of two of them, or of a wrap of an uptime, overflows. */
#define SEQUENCE_MOST ((uint64_t)INT64_MAX)
#define TIME_MOST (4400000000 * NS_PER_SEC) /* beyond 32 bits of seconds */
#define EVENT_MOST (RECORD_BODY_MAX - ARCHIVED_EVENT_HEAD_SIZE)

static bool
is_time(int64_t ns)
{
	return ns >= -TIME_MOST && ns <= TIME_MOST;
}

static void
note_time(struct pool_source *s, int64_t ns)
{
	if (ns < s->first_ns)
		s->first_ns = ns;
	if (ns > s->last_ns)
		s->last_ns = ns;
}

static void
tally_time(struct pool_tally *t, int64_t ns)
{
	if (ns < t->first_ns)
		t->first_ns = ns;
	if (ns > t->last_ns)
		t->last_ns = ns;
}

static void
tally_datagram(struct pool_tally *t, uint32_t len, int64_t ns)
{
	t->datagrams++;
	t->payload_bytes += len;
	tally_time(t, ns);
}

static void
tally_event(struct pool_tally *t, int64_t ns)
{
	t->events++;
	tally_time(t, ns);
}

static enum err
read_datagram(struct reading *g, const struct record *r)
{
	struct witness w = {.source = g->source,
	    .listener = r->listener,
	    .port = r->port,
	    .sequence = r->sequence,
	    .time_ns = r->time.ns};
	uint32_t at;
	enum err e;

	if (r->len > DATAGRAM_MOST) {
		odd_body(g, r, "a datagram");
		return ERR_OK;
	}
	tally_datagram(&g->tally, r->len, r->time.ns);
	g->tally.hearings++;
	e = pool_datagram(
	    g->p, &r->addr, r->port, r->flags, r->body, r->len, g->file, g->offset + RECORD_HEADER_SIZE, &at);
	return e == ERR_OK ? pool_witness(g->p, at, &w) : e;
}

static enum err
read_selected(struct reading *g, const struct record *r)
{
	struct witness w = {.source = g->source,
	    .listener = r->listener,
	    .port = r->port,
	    .sequence = r->sequence,
	    .time_ns = r->time.ns};
	uint32_t at;
	enum err e = pool_selected(
	    g->p, &r->addr, r->port, r->flags, r->body, r->len, g->file, g->offset + RECORD_HEADER_SIZE, &at);

	if (e == ERR_MALFORMED) {
		odd_body(g, r, "selected flows");
		return ERR_OK;
	}
	if (e != ERR_OK)
		return e;
	tally_datagram(&g->tally, r->len, r->time.ns);
	g->tally.hearings++;
	g->tally.selected++;
	return pool_witness(g->p, at, &w);
}

static enum err
read_templates(struct reading *g, const struct record *r, bool snapshot)
{
	struct rd in = rd_init(r->body, r->len);
	struct tmpl_def def;
	uint32_t at;
	enum err e = ERR_OK;

	while (rd_left(&in) > 0 && e == ERR_OK) {
		if (tmpl_def_read(&in, &def) != ERR_OK || !is_time(def.export_time.ns)) {
			odd_body(g, r, "template definitions");
			break;
		}
		e = pool_definition(g->p, &def, snapshot, &at);
		if (e == ERR_OK && !snapshot)
			g->p->definitions[at].elsewhere = true;
	}
	return e;
}

static enum err
read_node_record(struct reading *g, const struct record *r)
{
	struct pool_source *s = &g->p->sources[g->source];
	enum err e;

	if (r->sequence >= SEQUENCE_MOST || !is_time(r->time.ns)) {
		odd_body(g, r, "a sequence and a time that can be");
		return ERR_OK;
	}
	e = seq_set_add(&s->read, (struct seq_range){(int64_t)r->sequence, (int64_t)r->sequence + 1});
	if (e != ERR_OK)
		return e;
	switch (r->type) {
	case RECORD_DATAGRAM:
		note_time(s, r->time.ns);
		return read_datagram(g, r);
	case RECORD_SELECTED:
		note_time(s, r->time.ns);
		return read_selected(g, r);
	case RECORD_EVENT:
		if (r->len > EVENT_MOST) {
			odd_body(g, r, "an event");
			return ERR_OK;
		}
		note_time(s, r->time.ns);
		tally_event(&g->tally, r->time.ns);
		return pool_event(g->p, g->source, r->sequence, r->time.ns, r->body, r->len);
	case RECORD_TEMPLATES:
		return read_templates(g, r, true);
	default:
		return ERR_OK;
	}
}

static enum err
read_sources(struct reading *g, const struct record *r)
{
	struct rd in = rd_init(r->body, r->len);
	enum err e = ERR_OK;

	while (rd_left(&in) > 0 && e == ERR_OK) {
		struct source id;

		if (source_read(&in, &id) != ERR_OK) {
			odd_body(g, r, "a table of sources");
			g->tables.broken = true;
			break;
		}
		e = array_grow(g->sources, g->source_room, g->source_count);
		if (e == ERR_OK)
			e = pool_source(g->p, &id, &g->sources[g->source_count++]);
		g->tables.got.sources = (uint32_t)g->source_count;
	}
	return e;
}

static bool
range_is_sound(struct seq_range r)
{
	return r.from >= 0 && r.from < r.to && r.to <= (int64_t)SEQUENCE_MOST;
}

/* The lists of ranges and of damaged records. ERR_MALFORMED: what stands before is kept. */
static enum err
read_range_lists(struct pool_source *s, struct rd *in, const uint32_t counts[3])
{
	struct seq_set *sets[2] = {&s->read, &s->lost};
	struct damaged d;
	enum err e = ERR_OK;

	for (unsigned k = 0; k < 2; k++) {
		for (uint32_t i = 0; i < counts[k] && e == ERR_OK; i++) {
			struct seq_range range = {.from = (int64_t)rd_u64(in)};

			range.to = (int64_t)rd_u64(in);
			e = range_is_sound(range) ? seq_set_add(sets[k], range) : ERR_MALFORMED;
		}
	}
	for (uint32_t i = 0; i < counts[2] && e == ERR_OK; i++) {
		damaged_read(in, &d);
		e = rd_ok(in) && d.sequence < SEQUENCE_MOST ? pool_damaged(s, &d) : ERR_MALFORMED;
	}
	return e == ERR_OK && rd_left(in) != 0 ? ERR_MALFORMED : e;
}

static enum err
read_ranges(struct reading *g, const struct record *r)
{
	struct rd in = rd_init(r->body, r->len);
	uint32_t source = rd_u32(&in), counts[3];
	struct pool_source *s;
	int64_t first, last;
	enum err e;

	for (unsigned i = 0; i < 3; i++)
		counts[i] = rd_u32(&in);
	first = (int64_t)rd_u64(&in);
	last = (int64_t)rd_u64(&in);
	if (!rd_ok(&in) || source >= g->source_count ||
	    (first <= last && !(is_time(first) && is_time(last)))) {
		odd_body(g, r, "ranges of a source of the table");
		return ERR_OK;
	}
	s = &g->p->sources[g->sources[source]];
	if (first <= last) { /* else it had neither datagrams nor events */
		note_time(s, first);
		note_time(s, last);
	}
	e = read_range_lists(s, &in, counts);
	if (e == ERR_MALFORMED) {
		odd_body(g, r, "ranges");
		e = ERR_OK;
	}
	return e;
}

/* A window's definitions stand by their places; what a datagram brings becomes one of the pool's. */
static enum err
read_table(struct reading *g, const struct record *r)
{
	struct rd in = rd_init(r->body, r->len);
	struct tmpl_def def;
	enum err e = ERR_OK;

	while (rd_left(&in) > 0 && e == ERR_OK) {
		size_t at = rd_offset(&in);

		if (tmpl_def_read(&in, &def) != ERR_OK || !is_time(def.export_time.ns)) {
			odd_body(g, r, "template definitions");
			g->tables.broken = true;
			break;
		}
		e = array_grow(g->definitions, g->definition_room, g->definition_count);
		if (e == ERR_OK && g->part) /* who brings it may not be there */
			e = pool_definition(g->p, &def, true, &(uint32_t){0});
		if (e != ERR_OK)
			break;
		g->definitions[g->definition_count++] = (struct table_definition){
		    .at = g->table.len, .len = (uint32_t)(rd_offset(&in) - at), .definition = POOL_NONE};
		g->tables.got.definitions = (uint32_t)g->definition_count;
		buf_bytes(&g->table, r->body + at, rd_offset(&in) - at);
		e = buf_ok(&g->table) ? ERR_OK : ERR_MEMORY;
	}
	return e;
}

static enum err
definition_of(struct reading *g, uint32_t place, uint32_t *ret)
{
	struct table_definition *t = &g->definitions[place];
	enum err e = ERR_OK;

	if (t->definition == POOL_NONE) {
		struct rd in = rd_init(g->table.data + t->at, t->len);
		struct tmpl_def def;

		e = tmpl_def_read(&in, &def);
		if (e == ERR_OK)
			e = pool_definition(g->p, &def, false, &t->definition);
	}
	*ret = t->definition;
	return e;
}

/* What an entry names stands in the tables, and its times and sequences can be. */
static bool
entry_is_sound(const struct reading *g, const struct entry *en)
{
	struct rd list = en->witnesses, brings = en->definitions;
	struct entry_definition d;
	struct witness w;

	if (!is_time(en->time_ns) || !is_time(en->info.export_time.ns))
		return false;
	for (uint32_t i = 0; i < en->definition_count; i++) {
		entry_read_definition(&brings, &d);
		if (d.at >= g->definition_count)
			return false;
	}
	for (uint32_t i = 0; i < en->witness_count; i++) {
		witness_read(&list, &w);
		if (w.source >= g->source_count || w.sequence >= SEQUENCE_MOST || !is_time(w.time_ns))
			return false;
	}
	return true;
}

static enum err
read_entries(struct reading *g, const struct record *r)
{
	enum err e = pair_take(&g->pair, r->body, r->len);
	struct rd in = rd_init(g->pair.entries.data, g->pair.entries.len);
	bool first = true;
	struct entry en;

	if (e == ERR_MEMORY)
		return e;
	while (e == ERR_OK && rd_left(&in) > 0) {
		e = entry_read(&in, &en);
		if (e == ERR_OK &&
		    (!entry_is_sound(g, &en) || (first && en.more && g->datagram == POOL_NONE)))
			e = ERR_MALFORMED;
		first = false;
	}
	g->skip = e != ERR_OK;
	if (e != ERR_OK) {
		odd_body(g, r, "entries of datagrams, whose witnesses are of the table's sources");
		pair_drop(&g->pair);
		g->datagram = POOL_NONE;
	}
	return ERR_OK;
}

static enum err
take_entry(struct reading *g, const struct entry *en, uint32_t within)
{
	uint32_t definitions[65536 / SET_HEADER_SIZE];
	struct rd brings = en->definitions, witnesses = en->witnesses;
	enum err e = ERR_OK;

	for (uint32_t i = 0; i < en->definition_count && e == ERR_OK; i++) {
		struct entry_definition d;

		entry_read_definition(&brings, &d);
		e = definition_of(g, d.at, &definitions[i]);
	}
	if (e == ERR_OK && !en->more) {
		tally_datagram(&g->tally, entry_bytes(en), en->time_ns);
		g->tally.selected += en->selected;
		e = pool_entry(g->p, en, definitions, g->file, g->offset, within, &g->datagram);
	}
	g->p->sampled |= en->sampling != REF_NONE;
	g->tally.hearings += en->witness_count;
	for (uint32_t i = 0; i < en->witness_count && e == ERR_OK; i++) {
		struct witness w;

		witness_read(&witnesses, &w);
		w.source = g->sources[w.source];
		e = pool_witness(g->p, g->datagram, &w);
	}
	return e;
}

/* Now that the payloads are there, too, the datagrams count. */
static enum err
read_payloads(struct reading *g, const struct record *r)
{
	struct rd in = rd_init(g->pair.entries.data, g->pair.entries.len);
	uint32_t within = 0;
	struct chunk chunk;
	struct entry en;
	enum err e = ERR_OK;

	if (g->skip) { /* its entries were told of */
		g->skip = false;
		return ERR_OK;
	}
	if (!pair_waits(&g->pair) ||
	    (r->body != NULL && pair_match(&g->pair, r->body, r->len, &chunk) != ERR_OK)) {
		odd_body(g, r, "payloads of the entries before them");
		pair_drop(&g->pair);
		g->datagram = POOL_NONE;
		return ERR_OK;
	}
	while (e == ERR_OK && rd_left(&in) > 0 && (e = entry_read(&in, &en)) == ERR_OK) {
		e = take_entry(g, &en, within);
		within += entry_bytes(&en);
	}
	pair_drop(&g->pair);
	return e;
}

static enum err
read_archived_event(struct reading *g, const struct record *r)
{
	struct rd body;
	uint32_t source;
	uint64_t sequence;

	if (archived_event_read(r->body, r->len, &source, &sequence, &body) != ERR_OK ||
	    source >= g->source_count || sequence >= SEQUENCE_MOST || !is_time(r->time.ns)) {
		odd_body(g, r, "an archived event");
		return ERR_OK;
	}
	tally_event(&g->tally, r->time.ns);
	return pool_event(g->p, g->sources[source], sequence, r->time.ns, body.at, rd_left(&body));
}

/* Whatever names sources and definitions means nothing once a part of a table is damaged: a place would name another
 * one. */
static bool
names_sources(enum record_type type)
{
	return type == RECORD_RANGES || type == RECORD_ENTRIES || type == RECORD_PAYLOADS ||
	    type == RECORD_ARCHIVED_EVENT;
}

/* Nothing but damage, which is told of, stands between entries and their payloads. */
static void
lone_entries(struct reading *g, const struct record *r)
{
	odd_body(g, r, "payloads of the entries before them");
	pair_drop(&g->pair);
	g->datagram = POOL_NONE;
}

static enum err
read_archive_record(struct reading *g, const struct record *r, enum segment_kind kind)
{
	if (tables_record(&g->tables, r) != ERR_OK)
		odd_body(g, r, "numbers of what the file holds");
	if (pair_waits(&g->pair) && r->type != RECORD_PAYLOADS)
		lone_entries(g, r);
	if (g->tables.broken && names_sources(r->type))
		return ERR_OK; /* the finding told of the damage */
	switch (r->type) {
	case RECORD_SOURCES:
		return read_sources(g, r);
	case RECORD_RANGES:
		return read_ranges(g, r);
	case RECORD_ENTRIES:
		return read_entries(g, r);
	case RECORD_PAYLOADS:
		return read_payloads(g, r);
	case RECORD_ARCHIVED_EVENT:
		return read_archived_event(g, r);
	case RECORD_TEMPLATES: /* a window's are what its datagrams name */
		return kind == SEGMENT_COMMON ? read_templates(g, r, (r->flags & DEFINITIONS_ELSEWHERE) == 0)
					      : read_table(g, r);
	default:
		return ERR_OK;
	}
}

static enum err
take_finding(struct reading *g, const struct finding *f, enum segment_kind kind)
{
	enum err e = ERR_OK;

	g->p->findings++;
	g->datagram = POOL_NONE;
	pair_drop(&g->pair);
	if (g->report != NULL)
		g->report->finding(g->report->ctx, g->f->path, f);
	if (kind != SEGMENT_NODE) {
		if (kind == SEGMENT_COMMON) /* nothing names its definitions by their places */
			g->tables.got.definitions = UINT32_MAX;
		g->tables.got.states = UINT32_MAX; /* nor does a merge look at states */
		tables_finding(&g->tables, f);
		g->skip = true;
		return ERR_OK;
	}
	if (f->lost_first <= f->lost_last && f->lost_last < SEQUENCE_MOST) {
		e = seq_set_add(&g->p->sources[g->source].lost,
		    (struct seq_range){(int64_t)f->lost_first, (int64_t)f->lost_last + 1});
	}
	if (e == ERR_OK && f->has_header &&
	    (f->record.type == RECORD_DATAGRAM || f->record.type == RECORD_SELECTED) &&
	    f->record.sequence < SEQUENCE_MOST) {
		struct damaged d = {.sequence = f->record.sequence,
		    .addr = f->record.addr,
		    .port = f->record.port,
		    .len = f->record.len,
		    .body_crc = f->record.body_crc,
		    .time_ns = f->record.time.ns};

		e = pool_damaged(&g->p->sources[g->source], &d);
	}
	return e;
}

/* The header says whose the file is. */
static enum err
begin_file(struct reading *g, const struct segment_header *h, struct buf *ret_why)
{
	struct source id = {.lane = h->lane, .incarnation = h->incarnation};
	enum err e;

	g->p->files[g->file].seed = record_seed(h->incarnation);
	if (g->sum != NULL)
		window_sum_start(g->sum, h);
	e = pool_cluster(g->p, g->f->path, h->cluster, ret_why);

	if (e != ERR_OK || h->kind != SEGMENT_NODE)
		return e;
	if (h->node[0] == '\0') {
		buf_printf(ret_why, "%s: a node's segment without the node's name", g->f->path);
		return ERR_MALFORMED;
	}
	memcpy(id.node, h->node, sizeof(id.node));
	g->source_count = 1;
	return pool_source(g->p, &id, &g->source);
}

static enum err
read_steps(struct reading *g, struct check *c, struct buf *ret_why)
{
	const struct segment_header *head = NULL;
	struct record record;
	struct finding finding;
	enum err e = ERR_OK;

	while (e == ERR_OK) {
		enum check_step step = check_next(c, &record, &finding);

		if (step == CHECK_END)
			return ERR_OK;
		if (step == CHECK_ERROR) {
			buf_printf(ret_why, "%s: %s", g->f->path, err_text(ERR_SYSTEM));
			return ERR_SYSTEM;
		}
		if (head == NULL && (head = check_header(c)) != NULL) {
			if ((e = begin_file(g, head, ret_why)) != ERR_OK)
				return e;
		}
		if (step == CHECK_FINDING) {
			e = take_finding(g, &finding, head != NULL ? head->kind : SEGMENT_COMMON);
			continue;
		}
		g->p->records++;
		g->offset = check_offset(c);
		if (g->sum != NULL)
			window_sum_add(g->sum, &record);
		e = head->kind == SEGMENT_NODE ? read_node_record(g, &record)
					       : read_archive_record(g, &record, head->kind);
	}
	if (e == ERR_SYSTEM)
		buf_printf(ret_why, "%s: %s", g->f->path, err_text(e));
	return e;
}

/* What the writer asks when it wonders whether the window may stay. */
static void
note_whole(struct reading *g, const struct check *c, uint64_t findings_before)
{
	struct pool_file *f = &g->p->files[g->file];
	struct check_result result;

	check_result(c, &result);
	f->whole = result.sealed && g->p->findings == findings_before && !g->tables.broken;
	f->size = result.size;
	f->sum = window_sum_end(g->sum);
}

enum err
pool_read_file(struct pool *p, uint32_t file, const struct pool_report *report, struct buf *ret_why)
{
	struct reading g = {
	    .p = p, .f = p->files[file].file, .file = file, .datagram = POOL_NONE, .report = report};
	int fd = input_fd(g.f);
	uint64_t findings;
	struct check *c;
	enum err e;

	/* Its node has removed it since the folder was listed: as if it had been listed now. */
	if (fd < 0 && errno == ENOENT && p->files[file].input->kind == INPUT_LOG)
		return ERR_OK;
	if (fd < 0) {
		buf_printf(ret_why, "%s: %s", g.f->path, err_text(ERR_SYSTEM));
		return ERR_SYSTEM;
	}
	e = check_open(fd, g.f->open_name, false, &c);
	if (e != ERR_OK) {
		buf_printf(ret_why, "%s: %s", g.f->path, err_text(e));
		return e;
	}
	if (p->lazy) {
		check_step_over(c, RECORD_PAYLOADS);
		if ((g.sum = window_sum_new()) == NULL) {
			check_close(c);
			return ERR_MEMORY;
		}
	}
	findings = p->findings;
	g.part = p->needed_windows || p->files[file].input->manifest.limited;
	g.tally.first_ns = INT64_MAX;
	g.tally.last_ns = INT64_MIN;
	e = read_steps(&g, c, ret_why);
	if (e == ERR_OK && report != NULL && report->file != NULL) {
		g.tally.head = check_header(c);
		g.tally.sources = g.sources != NULL ? g.sources : &g.source;
		g.tally.source_count = g.source_count;
		check_result(c, &g.tally.result);
		report->file(report->ctx, &p->files[file], &g.tally);
	}
	if (e == ERR_OK && p->lazy)
		note_whole(&g, c, findings);
	check_close(c);
	window_sum_free(g.sum);
	free(g.sources);
	free(g.definitions);
	buf_clear(&g.table);
	pair_clear(&g.pair);
	if (e != ERR_OK && ret_why->len == 0)
		buf_printf(ret_why, "%s: %s", g.f->path, err_text(e));
	return e;
}
