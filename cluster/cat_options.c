/* SPDX-License-Identifier: ISC
 *
 * The options of flowbraid cat, and which of them do not go together.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/msg.h"
#include "cluster/cat_private.h"
#include "cluster/policy_file.h"

static const char usage[] =
    "usage: flowbraid cat [-F text|long|json|csv|flow-tools] [-cfqv] [--fields NAME,...] [--sort] [-n NUMBER] [--witnesses]\n"
    "                     [--anonymise KEYFILE] [--policy FILE [--counters]] [--from TIME] [--to TIME] [--memory SIZE]\n"
    "                     PATH... [-- EXPRESSION]\n"
    "       flowbraid cat -o LOG [--node NAME] [-cq] [-n NUMBER] [--from TIME] [--to TIME] PATH... [-- EXPRESSION]\n"
    "       flowbraid cat --explain EXPRESSION\n"
    "Prints flows; -c prints the number of flows, alone; -o writes their datagrams into a new log; -f goes on with what a log\n"
    "gets. PATH may be -: segments from standard input. Exits 1 when a path is damaged.\n";

static bool
take_format(const char *text, enum cat_format *ret)
{
	static const struct {
		const char *name;
		enum cat_format format;
	} formats[] = {{"text", CAT_TEXT}, {"long", CAT_LONG}, {"json", CAT_JSON}, {"csv", CAT_CSV},
	    {"flow-tools", CAT_FLOW_TOOLS}};

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (strcmp(formats[i].name, text) == 0) {
			*ret = formats[i].format;
			return true;
		}
	}
	msg_error("-F %s: expected text, long, json, csv or flow-tools", text);
	return false;
}

static bool
fit_together(const struct cat *c)
{
	if (c->one_by_one &&
	    (c->format == CAT_CSV || c->format == CAT_FLOW_TOOLS || c->count || c->fields != NULL)) {
		msg_error(
		    "--witnesses: shown with -F text, long and json, not with -c, --fields or other forms");
		return false;
	}
	if (c->fields != NULL && ((c->format != CAT_CSV && c->format != CAT_JSON) || c->count)) {
		msg_error("--fields: chosen for -F csv and json");
		return false;
	}
	if (c->counters && c->policy == NULL) {
		msg_error("--counters: expected --policy, too");
		return false;
	}
	return true;
}

static bool
fit_log(const struct cat *c)
{
	if (c->node != NULL && c->log == NULL) {
		msg_error("--node: whose log -o writes; there is no -o");
		return false;
	}
	if (c->log != NULL &&
	    (c->format_given || c->fields != NULL || c->anonymiser != NULL || c->one_by_one || c->sort ||
		c->follow || c->policy != NULL)) {
		msg_error(
		    "-o: writes whole datagrams as they are, and goes with neither -F, -f, -v, --fields, --sort, "
		    "--policy, --witnesses nor --anonymise");
		return false;
	}
	return true;
}

/* What is followed never ends, and is read once. */
static bool
fit_follow(const struct cat *c)
{
	if (c->follow && (c->sort || c->one_by_one)) {
		msg_error("-f: goes with neither --sort nor --witnesses");
		return false;
	}
	if (c->sort && (c->count || (c->one_by_one && c->format != CAT_JSON))) {
		msg_error("--sort: goes with neither -c nor --witnesses, but for -F json");
		return false;
	}
	return true;
}

static bool
take_node(struct cat *c, const char *text)
{
	size_t len = strlen(text);

	c->node = text;
	if (len >= 1 && len < SEGMENT_NAME_SIZE &&
	    strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == len)
		return true;
	msg_error("--node %s: expected a name of 1 to 63 of the characters A-Z a-z 0-9 . _ -", text);
	return false;
}

static bool
take_policy(struct cat *c, const char *path)
{
	policy_view_free(c->view);
	policy_free(c->policy);
	c->view = NULL;
	c->policy = policy_file_load(path);
	if (c->policy == NULL)
		return false;
	c->view = policy_view_new(c->policy);
	if (c->view == NULL)
		msg_error("%s", err_text(ERR_MEMORY));
	return c->view != NULL;
}

static bool
take_fields(struct cat *c)
{
	struct expr_error error;
	enum err e;

	if (c->count || (c->format != CAT_CSV && c->fields == NULL))
		return true;
	e = columns_parse(c->fields, &c->columns, &error);
	if (e == ERR_MEMORY)
		msg_error("%s", err_text(e));
	else if (e != ERR_OK)
		selection_say_fault("--fields", c->fields, &error);
	return e == ERR_OK;
}

bool
cat_options(struct cat *c, int argc, char **argv, int *ret_exit)
{
	static const struct option longs[] = {{"memory", required_argument, NULL, 'm'},
	    {"fields", required_argument, NULL, 'C'}, {"policy", required_argument, NULL, 'p'},
	    {"counters", no_argument, NULL, 'k'}, {"sort", no_argument, NULL, 's'},
	    {"node", required_argument, NULL, 'N'}, {"witnesses", no_argument, NULL, 'w'},
	    {"explain", no_argument, NULL, 'e'}, {"anonymise", required_argument, NULL, 'a'}, COMMAND_TIMES,
	    {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
	int opt;

	*ret_exit = EXIT_UNABLE;
	while ((opt = getopt_long(argc, argv, "F:cfn:o:qvh", longs, NULL)) != -1) {
		switch (opt) {
		case 'F':
			c->format_given = true;
			if (!take_format(optarg, &c->format))
				return false;
			break;
		case 'v':
			c->format_given = true;
			c->format = CAT_LONG;
			break;
		case 'C':
			c->fields = optarg;
			break;
		case 'f':
			c->follow = true;
			break;
		case 's':
			c->sort = true;
			break;
		case 'o':
			c->log = optarg;
			break;
		case 'N':
			if (!take_node(c, optarg))
				return false;
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
			if (!take_policy(c, optarg))
				return false;
			break;
		case 'k':
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
	return fit_together(c) && fit_log(c) && fit_follow(c) && take_fields(c);
}
