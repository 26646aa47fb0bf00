/* SPDX-License-Identifier: ISC
 *
 * flowbraid cat: the flows of each path as it stands, in turn. An archive's windows say themselves which
 * definition decodes which data set. A log is read twice: first for its templates, so that a set is decoded
 * also when its template came later.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/entry.h"
#include "archive/tables.h"
#include "archive/unpack.h"
#include "base/array.h"
#include "base/msg.h"
#include "cluster/command.h"
#include "cluster/hearings.h"
#include "flow/decode.h"
#include "flow/flow.h"
#include "flow/sampling.h"

static const char usage[] =
    "usage: flowbraid cat [-F text|json|csv] [-c] [--witnesses] [--from TIME] [--to TIME] [--memory SIZE] [-q] PATH...\n"
    "Prints flows; -c prints the number of flows, alone. Exits 1 when a path is damaged.\n";

#define OUTPUT_AIM ((size_t)256 << 10)

enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_CSV };

struct cat {
	struct command_options o;
	enum format format;
	bool count;
	bool one_by_one; /* witnesses */
	struct pool_span span;
	bool behind; /* the rest of the archive's file lies behind the span */
	bool stop;   /* standard output takes no more */
	bool gone;   /* ... because nobody reads it: no fault */
	struct buf out;
	uint64_t flows, findings, undecoded_sets, reserved_sets, malformed_sets, unknown_samples, v8;
	uint64_t faults[FAULT_COUNT_OF_KINDS]; /* datagrams */
	/* the file or log at hand */
	struct cat_template {
		struct tmpl *parsed; /* owned; NULL where not parsable */
		struct tmpl_def def; /* without its bytes */
	} * templates;               /* owned */
	size_t template_count, template_room;
	const struct cat_template *resolved; /* of the data set resolved last, or NULL */
	wall_t export_time;                  /* of the archived datagram at hand */
	struct source *sources;              /* owned: an archive file's table */
	size_t source_count, source_room;
	struct tables tables; /* the archive file's */
	struct pair pair;     /* entries that wait for their payloads */
	bool skip;            /* the next payloads have lost their entries */
	struct held {         /* a datagram that more witnesses may follow */
		bool any;
		struct entry entry;
		const uint8_t *payload; /* both point into the pair, or into kept */
		struct buf kept;        /* owned; its references and payload, when the pair is over */
	} held;
	const char **witnesses; /* owned: names for the datagram at hand */
	size_t witness_count, witness_room;
	struct hearings hearings;      /* of it, when they are asked for */
	struct buf hearings_text;      /* owned */
	struct sampling_state *states; /* owned, and what they hold; likewise */
	size_t state_count, state_room;
	struct rd sets; /* the archived datagram at hand: what decodes each data set */
	size_t ref_count;
};

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
	c->behind = false;
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

static void
put_out(struct cat *c)
{
	if (!command_output(&c->out)) {
		c->stop = true;
		c->gone = errno == EPIPE;
	}
}

static void
print_flow(struct cat *c, const struct flow *f, struct flow_context *context)
{
	switch (c->format) {
	case FORMAT_JSON:
		flow_json(f, context, &c->out);
		break;
	case FORMAT_CSV:
		if (!f->options)
			flow_csv(f, context, &c->out);
		break;
	case FORMAT_TEXT:
		if (!f->options)
			flow_text(f, context, &c->out);
		break;
	}
	if (c->out.len >= OUTPUT_AIM || !buf_ok(&c->out))
		put_out(c);
}

/* They are the same for all flows of a datagram. */
static void
show_hearings(struct cat *c, struct flow_context *context)
{
	if (!c->one_by_one || c->format != FORMAT_JSON)
		return;
	buf_reset(&c->hearings_text);
	hearings_json(&c->hearings, &c->hearings_text);
	if (!buf_ok(&c->hearings_text)) {
		msg_error("cat: %s", err_text(ERR_MEMORY));
		c->stop = true;
		return;
	}
	context->hearings = c->hearings_text.data;
	context->hearings_len = c->hearings_text.len;
}

/* All flows of one datagram, which d begins to decode. */
static void
cat_flows(struct cat *c, const struct record *r, const uint8_t *payload, size_t len, struct decode *d,
    const struct sampling_state *sampling)
{
	struct flow_context context = {.exporter = r->addr,
	    .port = r->port,
	    .received = r->time,
	    .witnesses = c->witnesses,
	    .n_witnesses = c->witness_count,
	    .sampling = sampling};
	uint64_t before = c->flows;
	struct flow f;

	if (c->count) {
		c->flows += decode_count(d);
	} else {
		show_hearings(c, &context);
		while (!c->stop && decode_next(d, &f) == ERR_OK) {
			c->flows += !f.options;
			print_flow(c, &f, &context);
		}
		if (c->format == FORMAT_TEXT && c->flows > before)
			hearings_text(&c->hearings, &c->out);
	}
	hearings_reset(&c->hearings);
	c->undecoded_sets += d->sets_unknown;
	c->reserved_sets += d->sets_reserved;
	c->malformed_sets += d->sets_malformed;
	c->unknown_samples += d->samples_unknown;
	c->v8 += d->info->proto == PROTO_V8;
	c->faults[d->passed_over ? proto_check(payload, len, d->info) : d->fault]++;
}

/* Archives. */

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

static bool
in_span(const struct cat *c, int64_t ns)
{
	return ns >= c->span.from_ns && ns < c->span.to_ns;
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
		wanted = in_span(c, en.time_ns);
		c->behind |= !en.more && en.time_ns >= c->span.to_ns;
	}
	return wanted;
}

static enum err
cat_entry(struct cat *c, const struct entry *en, const uint8_t *payload)
{
	if (!en->more) {
		release(c);
		if (!in_span(c, en->time_ns))
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
		return ERR_OK; /* their entries were told of as damaged */
	e = pair_match(&c->pair, r->body, r->len, &chunk);
	if (e == ERR_OK && !pair_is_wanted(c)) {
		if (!c->behind) /* the next entry may have more witnesses of what is held */
			release(c);
		pair_drop(&c->pair);
		return ERR_OK;
	}
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
static enum err
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

/* Logs. */

struct log_view {
	struct pool p;
	struct plan plan;
	struct unpack *unpack; /* owned */
};

static enum err
log_view_make(struct log_view *v)
{
	enum err e = plan_make(&v->p, &v->plan);

	if (e == ERR_OK)
		e = pool_index(&v->p);
	return e == ERR_OK ? unpack_new(&v->p, &v->plan, &v->unpack) : e;
}

static enum err
cat_log_record(struct cat *c, struct log_view *v, const struct source *of, const struct record *r)
{
	const struct sampling_state *sampling = NULL;
	struct witness w = {.listener = r->listener, .sequence = r->sequence, .time_ns = r->time.ns};
	struct digest128 digest;
	struct proto_info info;
	struct decode d;
	uint32_t place;
	enum err e;

	if (r->type != RECORD_DATAGRAM || !in_span(c, r->time.ns) ||
	    proto_recognise(r->body, r->len, &info) != ERR_OK)
		return ERR_OK;
	if (c->one_by_one && (e = hearings_add(&c->hearings, of, &w)) != ERR_OK)
		return e;
	digest = identity_digest(&r->addr, r->port, r->body, r->len);
	place = pool_find(&v->p, &digest);
	if (place == POOL_NONE) { /* it came after the first pass */
		decode_init(&d, r->body, r->len, &info, NULL, NULL);
	} else {
		unpack_start(v->unpack, place, r->body, r->len, &info, &d);
		if (v->plan.sampling[place] != REF_NONE)
			sampling = &v->plan.states[v->plan.sampling[place]];
	}
	cat_flows(c, r, r->body, r->len, &d, sampling);
	return ERR_OK;
}

/* Whose a log's file is. */
static struct source
source_of(const struct segment_header *h)
{
	struct source s = {.lane = h->lane, .incarnation = h->incarnation};

	memcpy(s.node, h->node, sizeof(s.node));
	return s;
}

/* One file, record by record. v: of its log; NULL for an archive's. */
static bool
cat_file(struct cat *c, struct input_file *f, struct log_view *v)
{
	int fd = input_fd(f);
	struct check *k;
	struct record r;
	struct source of;
	struct finding finding;
	enum check_step step = CHECK_ERROR;
	enum err e = fd < 0 ? ERR_SYSTEM : check_open(fd, f->open_name, false, &k);

	if (e != ERR_OK) {
		msg_error("%s: %s", f->path, err_text(e));
		return false;
	}
	while (!c->stop && !c->behind && e == ERR_OK && (step = check_next(k, &r, &finding)) != CHECK_END &&
	    step != CHECK_ERROR) {
		if (step == CHECK_FINDING) {
			if (v == NULL) { /* a log's were told in the first pass */
				tables_finding(&c->tables, &finding);
				pair_drop(&c->pair);
				c->skip = true;
				command_finding(f->path, &finding);
				c->findings++;
			}
		} else if (v != NULL) {
			of = source_of(check_header(k));
			e = cat_log_record(c, v, &of, &r);
		} else {
			e = cat_archive_record(c, &r, f->path, check_offset(k));
		}
	}
	if (v == NULL) {
		release(c);
		forget_templates(c);
	}
	if (step == CHECK_ERROR)
		e = ERR_SYSTEM;
	if (e != ERR_OK)
		msg_error("%s: %s", f->path, err_text(e));
	check_close(k);
	return e == ERR_OK;
}

static enum err
number_lives(struct cat *c, const struct pool *p)
{
	enum err e = ERR_OK;

	for (size_t i = 0; c->one_by_one && i < p->source_count && e == ERR_OK; i++)
		e = hearings_note_life(&c->hearings, &p->sources[i].id, p->sources[i].first_ns);
	return e == ERR_OK ? hearings_number(&c->hearings) : e;
}

static bool
cat_log(struct cat *c, char *path)
{
	struct command_options all = {.quiet = c->o.quiet};
	struct log_view v = {.unpack = NULL};
	bool ok;
	enum err e;

	pool_init(&v.p);
	ok = command_read(&v.p, &path, 1, &all); /* templates may stand anywhere */
	if (ok && (e = log_view_make(&v)) != ERR_OK) {
		msg_error("%s: %s", path, err_text(e));
		ok = false;
	}
	if (ok && (e = number_lives(c, &v.p)) != ERR_OK) {
		msg_error("%s: %s", path, err_text(e));
		ok = false;
	}
	for (size_t i = 0; i < v.p.file_count && ok && !c->stop; i++)
		ok = cat_file(c, v.p.files[i].file, &v);
	hearings_forget_lives(&c->hearings);
	c->findings += v.p.findings;
	unpack_free(v.unpack);
	plan_clear(&v.plan);
	pool_clear(&v.p);
	return ok;
}

/* A window, or the common file, by itself. */
static bool
is_archive_file(struct input *in)
{
	struct segment_header h;
	int fd;

	if (in->kind != INPUT_SEGMENT || (fd = input_fd(&in->files[0])) < 0)
		return false;
	return check_read_header(fd, &h) == ERR_OK && h.kind != SEGMENT_NODE;
}

static bool
cat_path(struct cat *c, char *path)
{
	struct input in;
	unsigned line = 0;
	enum err e = input_open(path, &in, &line);
	bool ok = true;

	if (e != ERR_OK) {
		if (line > 0)
			msg_error("%s/%s:%u: %s", path, MANIFEST_NAME, line, err_text(e));
		else
			msg_error("%s: %s", path,
			    e == ERR_UNKNOWN ? "neither a log folder, nor a segment, nor an archive"
					     : err_text(e));
		return false;
	}
	if (in.kind == INPUT_ARCHIVE || is_archive_file(&in)) {
		for (size_t i = 0; i < in.count && ok && !c->stop; i++) {
			uint64_t findings = c->findings;

			if (!pool_needs(&in, &in.files[i], &c->span))
				continue;
			ok = cat_file(c, &in.files[i], NULL);
			if (i > 0 || !ok)
				continue;
			if (c->findings > findings) /* some lives may be missing: places mean nothing */
				hearings_forget_lives(&c->hearings);
			if ((e = hearings_number(&c->hearings)) != ERR_OK) {
				msg_error("%s: %s", path, err_text(e));
				ok = false;
			}
		}
		hearings_forget_lives(&c->hearings);
		input_clear(&in);
		return ok;
	}
	input_clear(&in);
	return cat_log(c, path);
}

static bool
options(struct cat *c, int argc, char **argv, int *ret_exit)
{
	static const struct option longs[] = {{"memory", required_argument, NULL, 'm'},
	    {"witnesses", no_argument, NULL, 'w'}, COMMAND_TIMES, {"help", no_argument, NULL, 'h'},
	    {NULL, 0, NULL, 0}};
	int opt;

	*ret_exit = EXIT_UNABLE;
	while ((opt = getopt_long(argc, argv, "F:cqh", longs, NULL)) != -1) {
		switch (opt) {
		case 'F':
			if (strcmp(optarg, "json") == 0)
				c->format = FORMAT_JSON;
			else if (strcmp(optarg, "csv") == 0)
				c->format = FORMAT_CSV;
			else if (strcmp(optarg, "text") == 0)
				c->format = FORMAT_TEXT;
			else {
				msg_error("-F %s: expected text, json or csv", optarg);
				return false;
			}
			break;
		case 'c':
			c->count = true;
			break;
		case 'm':
			if (!command_memory(optarg, &c->o.memory))
				return false;
			break;
		case COMMAND_OPTION_FROM:
		case COMMAND_OPTION_TO:
			if (!command_time(&c->o, opt, optarg))
				return false;
			break;
		case 'w':
			c->one_by_one = true;
			break;
		case 'q':
			c->o.quiet = true;
			break;
		default:
			fputs(usage, opt == 'h' ? stdout : stderr);
			*ret_exit = opt == 'h' ? EXIT_CLEAN : EXIT_UNABLE;
			return false;
		}
	}
	if (optind == argc) {
		fputs(usage, stderr);
		return false;
	}
	if (c->one_by_one && (c->format == FORMAT_CSV || c->count)) {
		msg_error("--witnesses: shown with -F text and -F json, not with -c or -F csv");
		return false;
	}
	return true;
}

/* Malformed datagrams by reason. */
static void
tell_faults(const struct cat *c)
{
	struct buf text = BUF_INIT;
	uint64_t sum = 0;

	for (unsigned i = FAULT_NONE + 1; i < FAULT_COUNT_OF_KINDS; i++) {
		if (c->faults[i] == 0)
			continue;
		buf_printf(&text, "%s%" PRIu64 " %s", sum > 0 ? ", " : "", c->faults[i],
		    proto_fault_name((enum proto_fault)i));
		sum += c->faults[i];
	}
	if (sum > 0 && buf_ok(&text))
		msg_notice(
		    "%" PRIu64 " datagrams are malformed: %.*s", sum, (int)text.len, (const char *)text.data);
	buf_clear(&text);
}

/* What stands in the paths and was not printed. */
static void
tell_undecoded(const struct cat *c)
{
	if (c->undecoded_sets > 0)
		msg_notice("%" PRIu64 " sets have no template yet and are kept undecoded", c->undecoded_sets);
	if (c->reserved_sets > 0)
		msg_notice("%" PRIu64 " sets have a reserved id and are kept undecoded", c->reserved_sets);
	if (c->unknown_samples > 0)
		msg_notice("%" PRIu64 " samples are of formats that are not known, and are kept undecoded",
		    c->unknown_samples);
	if (c->v8 > 0)
		msg_notice("%" PRIu64 " datagrams of NetFlow v8 are kept undecoded", c->v8);
	if (c->malformed_sets > 0)
		msg_notice("%" PRIu64
			   " sets or samples have lengths that do not fit; what is sound in them is decoded",
		    c->malformed_sets);
	tell_faults(c);
}

int
command_cat(int argc, char **argv)
{
	struct cat c = {.out = BUF_INIT, .hearings_text = BUF_INIT, .pair = PAIR_INIT};
	int status;
	bool ok = true;

	if (!options(&c, argc, argv, &status))
		return status;
	c.span = command_span(&c.o);
	if (!command_limit_memory(&c.o, NULL))
		return EXIT_UNABLE;
	if (c.format == FORMAT_CSV && !c.count)
		flow_csv_header(&c.out);
	for (int i = optind; i < argc && !c.stop; i++)
		ok &= cat_path(&c, argv[i]);
	if (c.count)
		buf_printf(&c.out, "%" PRIu64 "\n", c.flows);
	if (!c.stop)
		put_out(&c);
	tell_undecoded(&c);
	forget_templates(&c);
	free(c.templates);
	free(c.states);
	free(c.sources);
	free(c.witnesses);
	hearings_clear(&c.hearings);
	buf_clear(&c.hearings_text);
	pair_clear(&c.pair);
	buf_clear(&c.held.kept);
	buf_clear(&c.out);
	return !ok || (c.stop && !c.gone) ? EXIT_UNABLE : c.findings > 0 ? EXIT_FOUND : EXIT_CLEAN;
}
