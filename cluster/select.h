/* SPDX-License-Identifier: ISC
 *
 * An expression on the command line: what stands behind "--", or a last argument that is no existing path.
 */
#ifndef FLOWBRAID_CLUSTER_SELECT_H
#define FLOWBRAID_CLUSTER_SELECT_H

#include <stdbool.h>

#include "flow/expr.h"

struct selection {
	struct expr *expr; /* owned; NULL: all flows */
	char *text;        /* owned: the words behind "--" */
};

/* Before options are read: takes "--" and what follows it away from *argc. False: out of memory, which was said. */
bool selection_take_words(int *argc, char **argv, struct selection *ret);

/* Behind the options: parses what was taken, or else the last of the paths if there is no such file and paths before it, or
 * none are needed. *argc shrinks by it. False: a message has said what is wrong, and where. */
bool selection_parse(struct selection *s, int first_path, bool needs_path, int *argc, char **argv);

/* Prints how it was understood; false when standard output takes nothing. */
bool selection_explain(const struct selection *s);

/* Says what is wrong with a text, and points at it. what: "expression" */
void selection_say_fault(const char *what, const char *text, const struct expr_error *error);

void selection_clear(struct selection *s);

#endif
