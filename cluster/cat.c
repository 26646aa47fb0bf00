/* SPDX-License-Identifier: ISC
 *
 * flowbraid cat: the flows of each path as it stands, in turn (archive/reader reads), selected, without addresses, and in the
 * form that was asked for.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/msg.h"
#include "cluster/cat_private.h"
#include "cluster/policy_file.h"
#include "cluster/walk.h"
#include "flow/flow.h"

#define OUTPUT_AIM ((size_t)256 << 10)

void
cat_flush(struct cat *c)
{
	if (c->out.len > 0 && !command_output(&c->out)) {
		c->stop = true;
		c->gone = errno == EPIPE;
		c->enough = false;
	}
}

/* Until all are there. One that does not tell when it began stands where its datagram was received. */
static void
keep_flow(struct cat *c, const struct flow *f, const struct flow_context *context)
{
	wall_t time;
	enum err e;

	if (c->out.len == 0)
		return;
	if (!flow_start(f, &time, NULL))
		time = context->received;
	e = cat_sort_add(&c->sorted, time.ns, !f->options, &c->out);
	if (e == ERR_OK)
		return;
	msg_error("%s: %s", command_folder(), err_text(e));
	c->stop = true;
}

static void
print_flow(struct cat *c, const struct flow *f, struct flow_context *context)
{
	switch (c->format) {
	case CAT_JSON:
		if (c->columns != NULL)
			columns_json(c->columns, f, context, &c->out);
		else
			flow_json(f, context, &c->out);
		break;
	case CAT_CSV:
		columns_csv(c->columns, f, context, &c->out);
		break;
	case CAT_FLOW_TOOLS:
		flow_tools(f, context, &c->out);
		break;
	case CAT_LONG:
		flow_text_long(f, context, &c->out);
		break;
	case CAT_TEXT:
		flow_text(f, context, &c->out);
		break;
	}
	if (c->sort)
		keep_flow(c, f, context);
	else if (c->out.len >= OUTPUT_AIM || !buf_ok(&c->out))
		cat_flush(c);
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

/* Made less by the policy. False: nothing is left of it. */
static bool
leave(struct cat *c, struct flow *f, const struct flow_context *context)
{
	enum err e = c->view != NULL ? policy_view_flow(c->view, context, f) : ERR_OK;

	if (e == ERR_MEMORY) {
		msg_error("cat: %s", err_text(e));
		c->stop = true;
	}
	return e == ERR_OK;
}

/* A selection is of flows: options records are none. */
static void
take_flow(struct cat *c, const struct flow *f, struct flow_context *context)
{
	if (c->selection.expr != NULL && (f->options || !expr_match(c->selection.expr, f, context, 0)))
		return;
	c->flows += !f->options;
	if (!c->count && c->log == NULL)
		show_flow(c, f, context);
	if (c->sort)
		return;
	if (c->most > 0 && c->flows >= c->most)
		c->enough = c->stop = true;
}

/* They are the same for all flows of a datagram. */
static void
show_hearings(struct cat *c, struct hearings *h, struct flow_context *context)
{
	if (!c->one_by_one || c->format != CAT_JSON)
		return;
	buf_reset(&c->hearings);
	hearings_json(h, &c->hearings);
	if (!buf_ok(&c->hearings)) {
		msg_error("cat: %s", err_text(ERR_MEMORY));
		c->stop = true;
		return;
	}
	context->hearings = c->hearings.data;
	context->hearings_len = c->hearings.len;
}

static void
take_flows(struct cat *c, const struct reader_datagram *d)
{
	struct flow_context context = {.exporter = d->exporter,
	    .port = d->port,
	    .received = d->time,
	    .witnesses = d->witnesses,
	    .n_witnesses = d->witness_count,
	    .sampling = d->sampling};
	uint64_t before = c->flows;
	struct flow f;

	show_hearings(c, d->hearings, &context);
	if (c->selection.expr != NULL)
		expr_datagram(c->selection.expr);
	if (c->columns != NULL)
		columns_datagram(c->columns);
	if (c->view != NULL)
		policy_view_datagram(c->view);
	while (!c->stop && decode_next(d->decode, &f) == ERR_OK) {
		if (leave(c, &f, &context))
			take_flow(c, &f, &context);
	}
	if ((c->format == CAT_TEXT || c->format == CAT_LONG) && c->flows > before)
		hearings_text(d->hearings, &c->out);
}

/* A datagram goes into the log when a flow of it is selected, and when others may need it to be decoded: for its templates, or
 * for what its options records tell. */
static void
keep_datagram(struct cat *c, const struct reader_datagram *d, bool selected)
{
	bool helps = d->decode->passed_over || d->decode->options > 0;

	if (c->log == NULL || (c->selection.expr != NULL && !selected && !helps))
		return;
	if (!cat_log_put(c->writer, d, d->cluster)) {
		c->stop = true;
		c->enough = false;
	}
}

bool
cat_datagram(void *ctx, const struct reader_datagram *d)
{
	struct cat *c = ctx;
	uint64_t before = c->flows;

	if ((c->count || c->log != NULL) && c->selection.expr == NULL && c->view == NULL && c->most == 0)
		c->flows += decode_count(d->decode);
	else
		take_flows(c, d);
	keep_datagram(c, d, c->flows > before);
	undecoded_note(&c->undecoded, d);
	return !c->stop;
}

static void
cat_clear(struct cat *c)
{
	selection_clear(&c->selection);
	policy_view_free(c->view);
	policy_free(c->policy);
	columns_free(c->columns);
	cat_log_free(c->writer);
	cat_sort_clear(&c->sorted);
	anonymiser_free(c->anonymiser);
	buf_clear(&c->anonymous);
	buf_clear(&c->hearings);
	buf_clear(&c->out);
}

/* What was kept, in order; with -n the first ones. */
static void
print_sorted(struct cat *c)
{
	uint64_t flows = 0;
	enum err e = cat_sort_close(&c->sorted);
	bool is_flow = false;

	if (e != ERR_OK) {
		msg_error("%s: %s", command_folder(), err_text(e));
		c->stop = true;
	}
	while (
	    !c->stop && (c->most == 0 || flows < c->most) && cat_sort_next(&c->sorted, &c->out, &is_flow)) {
		flows += is_flow;
		if (c->out.len >= OUTPUT_AIM || !buf_ok(&c->out))
			cat_flush(c);
	}
}

static void
on_definition(void *ctx, const struct tmpl_def *def)
{
	struct cat *c = ctx;

	cat_log_definition(c->writer, def);
}

/* Before the first flow, so that a folder that cannot be written is told of at once. */
static bool
begin_output(struct cat *c)
{
	if (c->log != NULL && (c->writer = cat_log_open(c->log, c->node != NULL ? c->node : "cat")) == NULL)
		return false;
	if (c->count || c->log != NULL)
		return true;
	if (c->format == CAT_CSV)
		columns_csv_header(c->columns, &c->out);
	else if (c->format == CAT_FLOW_TOOLS)
		flow_tools_header(&c->out);
	if (c->follow || c->sort)
		cat_flush(c);
	return true;
}

/* False: something could not be written. */
static bool
end_output(struct cat *c)
{
	bool ok = true;

	if (c->sort)
		print_sorted(c);
	if (c->log != NULL && (!c->stop || c->enough))
		ok = cat_log_end(c->writer);
	if (c->count)
		buf_printf(&c->out, "%" PRIu64 "\n", c->flows);
	if (!c->stop || c->enough)
		cat_flush(c);
	return ok;
}

/* All paths; what the exit code is. */
static int
cat_paths(struct cat *c, char **paths, int count)
{
	struct reader_options read = {.names = !c->count,
	    .hearings = c->one_by_one,
	    .definition = c->log != NULL ? on_definition : NULL,
	    .ctx = c};
	uint64_t findings = 0;
	bool ok;

	if (!begin_output(c))
		return EXIT_UNABLE;
	if (c->stop)
		ok = true;
	else if (c->follow)
		ok = cat_follow(c, paths[0], &findings);
	else
		ok = walk_paths(paths, count, &c->o, &read, cat_datagram, c, &findings);
	ok &= end_output(c);
	undecoded_tell(&c->undecoded);
	if (c->counters)
		policy_file_tell(c->policy);
	if (!ok || (c->stop && !c->gone && !c->enough))
		return EXIT_UNABLE;
	return findings > 0 ? EXIT_FOUND : EXIT_CLEAN;
}

int
command_cat(int argc, char **argv)
{
	struct cat c = {.out = BUF_INIT};
	int status = EXIT_UNABLE;

	if (!selection_take_words(&argc, argv, &c.selection))
		return EXIT_UNABLE;
	if (cat_options(&c, argc, argv, &status) &&
	    selection_parse(&c.selection, optind, !c.explain, &argc, argv)) {
		if (c.explain)
			status = selection_explain(&c.selection) ? EXIT_CLEAN : EXIT_UNABLE;
		else if (c.follow && argc - optind != 1)
			msg_error("-f: expected one path, found %d", argc - optind);
		else if (!command_limit_memory(&c.o, NULL))
			status = EXIT_UNABLE;
		else
			status = cat_paths(&c, argv + optind, argc - optind);
	}
	cat_clear(&c);
	return status;
}
