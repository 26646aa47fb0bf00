/* SPDX-License-Identifier: ISC
 *
 * flowbraid cat: the flows of each path as it stands, in turn. An archive's windows say themselves which
 * definition decodes which data set. A log is read twice: first for its templates, so that a set is decoded
 * also when its template came later. cat_archive.c reads archives.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/unpack.h"
#include "base/msg.h"
#include "cluster/cat_private.h"
#include "flow/flow.h"

static const char usage[] =
    "usage: flowbraid cat [-F text|json|csv] [-c] [-n NUMBER] [--witnesses] [--anonymise KEYFILE] [--from TIME] [--to TIME]\n"
    "                     [--memory SIZE] [-q] PATH... [-- EXPRESSION]\n"
    "       flowbraid cat --explain EXPRESSION\n"
    "Prints flows; -c prints the number of flows, alone. Exits 1 when a path is damaged.\n";

#define OUTPUT_AIM ((size_t)256 << 10)

static void
put_out(struct cat *c)
{
	if (!command_output(&c->out)) {
		c->stop = true;
		c->gone = errno == EPIPE;
		c->enough = false;
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

/* Without its addresses, when that was asked for; what cannot be freed of them is not shown at all. */
static void
show_flow(struct cat *c, const struct flow *f, struct flow_context *context)
{
	struct flow shown = *f;
	enum err e = c->anonymiser != NULL ? anonymise_flow(c->anonymiser, &shown, &c->anonymous) : ERR_OK;

	if (e == ERR_OK) {
		print_flow(c, &shown, context);
		return;
	}
	msg_error("cat: cannot anonymise: %s", err_text(e));
	c->stop = true;
}

/* A selection is of flows: options records are none. */
static void
take_flow(struct cat *c, const struct flow *f, struct flow_context *context)
{
	if (c->selection.expr != NULL && (f->options || !expr_match(c->selection.expr, f, context, 0)))
		return;
	c->flows += !f->options;
	if (!c->count)
		show_flow(c, f, context);
	if (c->most > 0 && c->flows >= c->most)
		c->enough = c->stop = true;
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

void
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

	if (c->datagram != NULL) {
		c->stop |= !c->datagram(c, c->datagram_ctx, r, payload, len);
		hearings_reset(&c->hearings);
		return;
	}
	if (c->count && c->selection.expr == NULL && c->most == 0) {
		c->flows += decode_count(d);
	} else {
		show_hearings(c, &context);
		if (c->selection.expr != NULL)
			expr_datagram(c->selection.expr);
		while (!c->stop && decode_next(d, &f) == ERR_OK)
			take_flow(c, &f, &context);
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

	if (r->type != RECORD_DATAGRAM || !cat_in_span(c, r->time.ns) ||
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
				cat_archive_finding(c, &finding);
				check_step_over_none(k);
				command_finding(f->path, &finding);
				c->findings++;
			}
		} else if (v != NULL) {
			of = source_of(check_header(k));
			e = cat_log_record(c, v, &of, &r);
		} else {
			e = cat_archive_record(c, &r, f->path, check_offset(k));
			if (c->pass)
				check_step_over(k, RECORD_PAYLOADS);
			else
				check_step_over_none(k);
		}
	}
	if (v == NULL)
		cat_archive_end(c);
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
	    {"witnesses", no_argument, NULL, 'w'}, {"explain", no_argument, NULL, 'e'},
	    {"anonymise", required_argument, NULL, 'a'}, COMMAND_TIMES, {"help", no_argument, NULL, 'h'},
	    {NULL, 0, NULL, 0}};
	int opt;

	*ret_exit = EXIT_UNABLE;
	while ((opt = getopt_long(argc, argv, "F:cn:qh", longs, NULL)) != -1) {
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
		case 'n':
			if (!command_number(optarg, &c->most))
				return false;
			break;
		case 'e':
			c->explain = true;
			break;
		case 'a':
			if (c->anonymiser == NULL && (c->anonymiser = command_anonymiser(optarg)) == NULL)
				return false;
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
	if (optind == argc && !c->explain) {
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

bool
cat_walk(struct cat *c, char **paths, int count)
{
	bool ok = true;

	c->span = command_span(&c->o);
	for (int i = 0; i < count && !c->stop; i++)
		ok &= cat_path(c, paths[i]);
	cat_archive_end(c);
	return ok;
}

void
cat_clear(struct cat *c)
{
	selection_clear(&c->selection);
	anonymiser_free(c->anonymiser);
	buf_clear(&c->anonymous);
	free(c->templates);
	free(c->states);
	free(c->sources);
	free(c->witnesses);
	hearings_clear(&c->hearings);
	buf_clear(&c->hearings_text);
	pair_clear(&c->pair);
	buf_clear(&c->held.kept);
	buf_clear(&c->out);
}

int
command_cat(int argc, char **argv)
{
	struct cat c = CAT_INIT;
	int status;
	bool ok = true;

	if (!selection_take_words(&argc, argv, &c.selection))
		return EXIT_UNABLE;
	if (!options(&c, argc, argv, &status) ||
	    !selection_parse(&c.selection, optind, !c.explain, &argc, argv)) {
		cat_clear(&c);
		return status;
	}
	if (c.explain) {
		ok = selection_explain(&c.selection);
		cat_clear(&c);
		return ok ? EXIT_CLEAN : EXIT_UNABLE;
	}
	if (!command_limit_memory(&c.o, NULL)) {
		cat_clear(&c);
		return EXIT_UNABLE;
	}
	if (c.format == FORMAT_CSV && !c.count)
		flow_csv_header(&c.out);
	ok = cat_walk(&c, argv + optind, argc - optind);
	if (c.count)
		buf_printf(&c.out, "%" PRIu64 "\n", c.flows);
	if (!c.stop || c.enough)
		put_out(&c);
	tell_undecoded(&c);
	status = !ok || (c.stop && !c.gone && !c.enough) ? EXIT_UNABLE
	    : c.findings > 0                             ? EXIT_FOUND
							 : EXIT_CLEAN;
	cat_clear(&c);
	return status;
}
