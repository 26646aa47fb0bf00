/* SPDX-License-Identifier: ISC
 *
 * flowbraid gaps: the ledger of the union of all paths.
 */
#include <unistd.h>

#include "base/msg.h"
#include "cluster/absent.h"
#include "cluster/command.h"
#include "cluster/ledger.h"
#include "cluster/shards.h"

static const char usage[] =
    "usage: flowbraid gaps [--json] [--max-loss PERCENT] [--from TIME] [--to TIME] [--memory SIZE] [-q] PATH...\n"
    "Prints for each stream what the cluster and each node heard and missed, and why.\n"
    "Exits 1 when something is missing by all, or an input is damaged; with --max-loss when more than that is missing.\n";

static bool
print_ledger(const struct pool *p, const struct plan *plan, const struct command_options *o, bool *ret_found)
{
	struct buf out = BUF_INIT;
	struct absent removed = {.lanes = NULL};
	struct ledger ledger;
	enum err e = ledger_make(p, plan, &ledger);
	bool ok;

	if (e == ERR_OK && (e = absent_of_pool(p, &removed)) != ERR_OK)
		ledger_clear(&ledger);
	if (e != ERR_OK) {
		msg_error("gaps: %s", err_text(e));
		return false;
	}
	if (o->json) {
		ledger_json(&ledger, p, &removed, &out);
	} else {
		ledger_text(&ledger, p, &out);
		absent_text(&removed, &out);
	}
	*ret_found = ledger_loss(&ledger) > *o->max_loss;
	ok = command_output(&out);
	buf_clear(&out);
	absent_clear(&removed);
	ledger_clear(&ledger);
	return ok;
}

int
command_gaps(int argc, char **argv)
{
	double max_loss = 0;
	struct command_options o = {.margin_ns = 60 * NS_PER_SEC, /* for what came in another order */
	    .max_loss = &max_loss};
	struct pool p;
	struct plan plan = {0};
	bool found = false, ok = false;
	enum err e;
	int status;

	if (!command_report_options(&o, usage, argc, argv, &status))
		return status;
	pool_init(&p);
	if (command_read(&p, argv + optind, argc - optind, &o)) {
		if (!shards_are_whole(&p))
			ok = false;
		else if ((e = plan_make(&p, &plan)) != ERR_OK)
			msg_error("gaps: %s", err_text(e));
		else
			ok = print_ledger(&p, &plan, &o, &found);
	}
	found |= p.findings > 0;
	plan_clear(&plan);
	pool_clear(&p);
	return !ok ? EXIT_UNABLE : found ? EXIT_FOUND : EXIT_CLEAN;
}
