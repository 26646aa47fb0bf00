/* SPDX-License-Identifier: ISC
 *
 * The options of flowbraid cat, and which of them do not go together.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/msg.h"
#include "cluster/cat_private.h"

static const char usage[] =
    "usage: flowbraid cat [-F text|long|json|csv] [-cqv] [--fields NAME,...] [-n NUMBER] [--witnesses] [--anonymise KEYFILE]\n"
    "                     [--from TIME] [--to TIME] [--memory SIZE] PATH... [-- EXPRESSION]\n"
    "       flowbraid cat --explain EXPRESSION\n"
    "Prints flows; -c prints the number of flows, alone. Exits 1 when a path is damaged.\n";

static bool
take_format(const char *text, enum cat_format *ret)
{
	static const struct {
		const char *name;
		enum cat_format format;
	} formats[] = {{"text", CAT_TEXT}, {"long", CAT_LONG}, {"json", CAT_JSON}, {"csv", CAT_CSV}};

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (strcmp(formats[i].name, text) == 0) {
			*ret = formats[i].format;
			return true;
		}
	}
	msg_error("-F %s: expected text, long, json or csv", text);
	return false;
}

static bool
fit_together(const struct cat *c)
{
	if (c->one_by_one && (c->format == CAT_CSV || c->count || c->fields != NULL)) {
		msg_error("--witnesses: shown with -F text, long and json, not with -c, -F csv or --fields");
		return false;
	}
	if (c->fields != NULL && ((c->format != CAT_CSV && c->format != CAT_JSON) || c->count)) {
		msg_error("--fields: chosen for -F csv and json");
		return false;
	}
	return true;
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
	    {"fields", required_argument, NULL, 'f'}, {"witnesses", no_argument, NULL, 'w'},
	    {"explain", no_argument, NULL, 'e'}, {"anonymise", required_argument, NULL, 'a'}, COMMAND_TIMES,
	    {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
	int opt;

	*ret_exit = EXIT_UNABLE;
	while ((opt = getopt_long(argc, argv, "F:cn:qvh", longs, NULL)) != -1) {
		switch (opt) {
		case 'F':
			if (!take_format(optarg, &c->format))
				return false;
			break;
		case 'v':
			c->format = CAT_LONG;
			break;
		case 'f':
			c->fields = optarg;
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
	return fit_together(c) && take_fields(c);
}
