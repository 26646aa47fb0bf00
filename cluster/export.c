/* SPDX-License-Identifier: ISC
 *
 * flowbraid export: the flows of each path, in turn, for other programs: an IPFIX file or an SQLite database.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/msg.h"
#include "cluster/command.h"
#include "cluster/export_private.h"
#include "cluster/select.h"
#include "cluster/undecoded.h"
#include "cluster/walk.h"
#include "flow/anonymise.h"

static const char usage[] =
    "usage: flowbraid export -F ipfix|sqlite -o FILE [--append] [-n NUMBER] [--anonymise KEYFILE] [--from TIME] [--to TIME]\n"
    "                        [--memory SIZE] [-q] PATH... [-- EXPRESSION]\n"
    "Writes flows to a new file; --append: to a database that is there. Exits 1 when a path is damaged.\n";

struct export_run {
	struct command_options o;
	bool sqlite, append;
	const char *path;
	const struct export_form *form;
	void *to; /* the form's; owned */
	struct selection selection;
	struct anonymiser *anonymiser; /* owned; NULL: addresses are shown */
	struct buf anonymous;          /* a record without its addresses */
	uint64_t most, flows;          /* 0: all */
	bool failed, enough;
	struct undecoded undecoded;
};

/* An expression selects flows: options records are none. */
static bool
is_selected(struct export_run *x, const struct flow *f, struct flow_context *c)
{
	return x->selection.expr == NULL || (!f->options && expr_match(x->selection.expr, f, c, 0));
}

static void
take_flow(struct export_run *x, const struct flow *f, struct flow_context *c)
{
	struct flow shown = *f;
	enum err e = x->anonymiser != NULL ? anonymise_flow(x->anonymiser, &shown, &x->anonymous) : ERR_OK;

	if (e != ERR_OK)
		msg_error("export: cannot anonymise: %s", err_text(e));
	x->failed = e != ERR_OK || !x->form->flow(x->to, &shown, c);
	x->flows += !f->options;
	x->enough = x->most > 0 && x->flows >= x->most;
}

static bool
take_datagram(void *ctx, const struct reader_datagram *d)
{
	struct export_run *x = ctx;
	struct flow_context c = {.exporter = d->exporter,
	    .port = d->port,
	    .received = d->time,
	    .witnesses = d->witnesses,
	    .n_witnesses = d->witness_count,
	    .sampling = d->sampling};
	struct flow f;

	x->failed = !x->form->datagram(x->to, d);
	if (x->selection.expr != NULL)
		expr_datagram(x->selection.expr);
	while (!x->failed && !x->enough && decode_next(d->decode, &f) == ERR_OK) {
		if (is_selected(x, &f, &c))
			take_flow(x, &f, &c);
	}
	undecoded_note(&x->undecoded, d);
	return !x->failed && !x->enough;
}

static bool
read_form(struct export_run *x, const char *text)
{
	x->sqlite = strcmp(text, "sqlite") == 0;
	if (!x->sqlite && strcmp(text, "ipfix") != 0) {
		msg_error("-F %s: expected ipfix or sqlite", text);
		return false;
	}
	x->form = x->sqlite ? &export_sqlite : &export_ipfix;
	return true;
}

static bool
read_option(struct export_run *x, int opt)
{
	switch (opt) {
	case 'F':
		return read_form(x, optarg);
	case 'o':
		x->path = optarg;
		return true;
	case 'A':
		return x->append = true;
	case 'n':
		return command_number(optarg, &x->most);
	case 'a':
		return x->anonymiser != NULL || (x->anonymiser = command_anonymiser(optarg)) != NULL;
	case 'm':
		return command_memory(optarg, &x->o.memory);
	case 'q':
		return x->o.quiet = true;
	default:
		return command_time(&x->o, opt, optarg);
	}
}

static bool
options(struct export_run *x, int argc, char **argv, int *ret_exit)
{
	static const struct option longs[] = {{"append", no_argument, NULL, 'A'},
	    {"anonymise", required_argument, NULL, 'a'}, {"memory", required_argument, NULL, 'm'},
	    COMMAND_TIMES, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
	int opt;

	*ret_exit = EXIT_UNABLE;
	while ((opt = getopt_long(argc, argv, "F:o:n:qh", longs, NULL)) != -1) {
		if (opt == 'h' || opt == '?') {
			fputs(usage, opt == 'h' ? stdout : stderr);
			*ret_exit = opt == 'h' ? EXIT_CLEAN : EXIT_UNABLE;
			return false;
		}
		if (!read_option(x, opt))
			return false;
	}
	if (optind == argc || x->form == NULL || x->path == NULL) {
		fputs(usage, stderr);
		return false;
	}
	if (x->append && !x->sqlite) {
		msg_error("--append: with -F sqlite only");
		return false;
	}
	return true;
}

static int
export_paths(struct export_run *x, char **paths, int count)
{
	struct reader_options read = {.names = x->sqlite};
	uint64_t findings;
	bool ok;

	x->to = x->sqlite ? export_sqlite_open(x->path, x->append) : export_ipfix_open(x->path);
	if (x->to == NULL)
		return EXIT_UNABLE;
	ok = walk_paths(paths, count, &x->o, &read, take_datagram, x, &findings) && !x->failed;
	if (ok)
		ok = x->form->finish(x->to, x->o.quiet);
	undecoded_tell(&x->undecoded);
	return !ok ? EXIT_UNABLE : findings > 0 ? EXIT_FOUND : EXIT_CLEAN;
}

int
command_export(int argc, char **argv)
{
	struct export_run x = {.path = NULL};
	int status;

	if (!selection_take_words(&argc, argv, &x.selection))
		return EXIT_UNABLE;
	if (options(&x, argc, argv, &status) && selection_parse(&x.selection, optind, true, &argc, argv)) {
		status = command_limit_memory(&x.o, NULL) ? export_paths(&x, argv + optind, argc - optind)
							  : EXIT_UNABLE;
	}
	if (x.to != NULL)
		x.form->drop(x.to);
	selection_clear(&x.selection);
	anonymiser_free(x.anonymiser);
	buf_clear(&x.anonymous);
	return status;
}
