/* SPDX-License-Identifier: ISC
 *
 * flowbraid cat: the flows of each path as it stands, in turn (archive/reader reads), selected, without addresses, and in the
 * form that was asked for.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/msg.h"
#include "cluster/command.h"
#include "cluster/policy_file.h"
#include "cluster/select.h"
#include "cluster/undecoded.h"
#include "cluster/walk.h"
#include "flow/anonymise.h"
#include "flow/flow.h"
#include "flow/policy_view.h"

static const char usage[] =
    "usage: flowbraid cat [-F text|json|csv|flow-tools] [-c] [-n NUMBER] [--witnesses] [--anonymise KEYFILE] [--from TIME] [--to TIME]\n"
    "                     [--policy FILE [--counters]] [--memory SIZE] [-q] PATH... [-- EXPRESSION]\n"
    "       flowbraid cat --explain EXPRESSION\n"
    "Prints flows; -c prints the number of flows, alone. Exits 1 when a path is damaged.\n";

#define OUTPUT_AIM ((size_t)256 << 10)

enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_CSV, FORMAT_FLOW_TOOLS };

struct cat {
	struct command_options o;
	enum format format;
	bool count;
	bool one_by_one; /* witnesses */
	bool explain;
	struct selection selection;
	struct policy *policy; /* owned; NULL: none. What it leaves is what the expression sees */
	struct policy_view *view;
	bool counters;                 /* of its rules, in the end */
	struct anonymiser *anonymiser; /* owned; NULL: addresses are shown */
	struct buf anonymous;          /* a record without its addresses */
	uint64_t most;                 /* flows to be printed; 0: all */
	bool stop;                     /* standard output takes no more */
	bool gone;                     /* ... because nobody reads it: no fault */
	bool enough;                   /* all that -n asked for has been printed */
	struct buf out;
	struct buf hearings; /* of the datagram at hand, as text */
	uint64_t flows;
	struct undecoded undecoded;
};

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
	case FORMAT_FLOW_TOOLS:
		flow_tools(f, context, &c->out);
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
	if (!c->count)
		show_flow(c, f, context);
	if (c->most > 0 && c->flows >= c->most)
		c->enough = c->stop = true;
}

/* They are the same for all flows of a datagram. */
static void
show_hearings(struct cat *c, struct hearings *h, struct flow_context *context)
{
	if (!c->one_by_one || c->format != FORMAT_JSON)
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
	if (c->view != NULL)
		policy_view_datagram(c->view);
	while (!c->stop && decode_next(d->decode, &f) == ERR_OK) {
		if (leave(c, &f, &context))
			take_flow(c, &f, &context);
	}
	if (c->format == FORMAT_TEXT && c->flows > before)
		hearings_text(d->hearings, &c->out);
}

static bool
take_datagram(void *ctx, const struct reader_datagram *d)
{
	struct cat *c = ctx;

	if (c->count && c->selection.expr == NULL && c->view == NULL && c->most == 0)
		c->flows += decode_count(d->decode);
	else
		take_flows(c, d);
	undecoded_note(&c->undecoded, d);
	return !c->stop;
}

static bool
options(struct cat *c, int argc, char **argv, int *ret_exit)
{
	static const struct option longs[] = {{"memory", required_argument, NULL, 'm'},
	    {"witnesses", no_argument, NULL, 'w'}, {"explain", no_argument, NULL, 'e'},
	    {"anonymise", required_argument, NULL, 'a'}, {"policy", required_argument, NULL, 'p'},
	    {"counters", no_argument, NULL, 'C'}, COMMAND_TIMES, {"help", no_argument, NULL, 'h'},
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
			else if (strcmp(optarg, "flow-tools") == 0)
				c->format = FORMAT_FLOW_TOOLS;
			else if (strcmp(optarg, "text") == 0)
				c->format = FORMAT_TEXT;
			else {
				msg_error("-F %s: expected text, json, csv or flow-tools", optarg);
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
		case 'p':
			policy_view_free(c->view);
			policy_free(c->policy);
			c->view = NULL;
			c->policy = policy_file_load(optarg);
			if (c->policy == NULL)
				return false;
			c->view = policy_view_new(c->policy);
			break;
		case 'C':
			c->counters = true;
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
	if (c->policy != NULL && c->view == NULL) {
		msg_error("cat: %s", err_text(ERR_MEMORY));
		return false;
	}
	if (c->counters && c->policy == NULL) {
		msg_error("--counters: expected --policy, too");
		return false;
	}
	if (c->one_by_one && ((c->format != FORMAT_TEXT && c->format != FORMAT_JSON) || c->count)) {
		msg_error("--witnesses: shown with -F text and -F json, not with -c or other forms");
		return false;
	}
	return true;
}

static void
cat_clear(struct cat *c)
{
	selection_clear(&c->selection);
	policy_view_free(c->view);
	policy_free(c->policy);
	anonymiser_free(c->anonymiser);
	buf_clear(&c->anonymous);
	buf_clear(&c->hearings);
	buf_clear(&c->out);
}

/* All paths; what the exit code is. */
static int
cat_paths(struct cat *c, char **paths, int count)
{
	struct reader_options read = {.names = !c->count, .hearings = c->one_by_one};
	uint64_t findings;
	bool ok;

	if (c->format == FORMAT_CSV && !c->count)
		flow_csv_header(&c->out);
	if (c->format == FORMAT_FLOW_TOOLS && !c->count)
		flow_tools_header(&c->out);
	ok = walk_paths(paths, count, &c->o, &read, take_datagram, c, &findings);
	if (c->count)
		buf_printf(&c->out, "%" PRIu64 "\n", c->flows);
	if (!c->stop || c->enough)
		put_out(c);
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
	int status;

	if (!selection_take_words(&argc, argv, &c.selection))
		return EXIT_UNABLE;
	if (options(&c, argc, argv, &status) &&
	    selection_parse(&c.selection, optind, !c.explain, &argc, argv)) {
		if (c.explain)
			status = selection_explain(&c.selection) ? EXIT_CLEAN : EXIT_UNABLE;
		else if (!command_limit_memory(&c.o, NULL))
			status = EXIT_UNABLE;
		else
			status = cat_paths(&c, argv + optind, argc - optind);
	}
	cat_clear(&c);
	return status;
}
