/* SPDX-License-Identifier: ISC
 *
 * Expressions that select flows: one language for cat, policies and whatever else chooses, described in
 * flowbraid-filter(7). A text is parsed once; where its fields stand in the records of a template is found once for each
 * template that a datagram uses, and matching a flow allocates nothing.
 *
 * What a flow does not tell does not match: "dst port 80" is false for a flow without ports, and "not dst port 80" is true.
 */
#ifndef FLOWBRAID_FLOW_EXPR_H
#define FLOWBRAID_FLOW_EXPR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "flow/flow.h"

struct expr;

/* Where the text is wrong, and how. */
struct expr_error {
	size_t column;     /* from 1, in bytes */
	char message[256]; /* "expected a port, found \"tcp\"" */
};

/* Named lists: "in @NAME". lookup gives the list's text, as it would stand between brackets, or NULL. */
struct expr_lists {
	const char *(*lookup)(void *ctx, const char *name);
	void *ctx;
};

/* ERR_MALFORMED: *ret_error says what is wrong; ERR_LIMIT: too long, or too deep; ERR_MEMORY. lists may be NULL.
 * Elements are known by their IANA names (RFC 7012), others as PEN/ID. */
enum err expr_parse(const char *text, const struct expr_lists *lists, struct expr **ret,
    struct expr_error *ret_error) WARN_UNUSED;
void expr_free(struct expr *e); /* NULL is fine */

/* How it was understood: an expression again, fully bracketed, on one line, that parses to the same. */
void expr_explain(const struct expr *e, struct buf *out);

/* To be called for each new datagram: its templates may lie where another one's lay. */
void expr_datagram(struct expr *e);

/* Whether the flow is selected. tag: what a policy at work gives it, besides the tags that it has; 0: none. One thread at a time. */
bool expr_match(struct expr *e, const struct flow *f, const struct flow_context *c, uint32_t tag);

#endif
