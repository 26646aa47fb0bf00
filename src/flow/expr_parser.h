/* SPDX-License-Identifier: ISC
 *
 * A parser at work, for the two files that it stands in: expr_parse.c (grammar) and expr_values.c (what something is compared with).
 */
#ifndef FLOWBRAID_FLOW_EXPR_PARSER_H
#define FLOWBRAID_FLOW_EXPR_PARSER_H

#include "flow/expr_words.h"

#define EXPR_NONE UINT32_MAX /* no node: something is wrong, and was noted */

struct parser {
	const char *text;
	const char *at;      /* behind the token at hand */
	struct expr_token t; /* the token at hand */
	const struct expr_lists *lists;
	struct expr *e;
	struct expr_error *error;
	enum err result;
	unsigned depth;
	const struct expr_word *last; /* what a value alone behind "or" belongs to */
	int last_sides;
};

/* The first thing that is wrong counts. EXPR_NONE. */
uint32_t parser_fail_at(struct parser *p, const char *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
uint32_t parser_expected(struct parser *p, const char *what); /* found: the token at hand */
uint32_t parser_out_of(struct parser *p, enum err e);

void parser_next(struct parser *p);
bool parser_take(struct parser *p, const char *word);  /* true: it was that, and is behind us */
struct expr_token parser_peek(const struct parser *p); /* behind the token at hand */

struct parser_values {
	enum expr_values values;
	uint64_t most;
};

/* A range of numbers behind those that there are; in order when there is one. */
void parser_put_range(struct parser *p, uint64_t low, uint64_t high);
/* "=", "not in" ...; *ret_given: there was one; *ret_list: a list follows. */
enum expr_op parser_read_op(struct parser *p, bool *ret_given, bool *ret_list);
/* Where "a-b" has its dash; NULL: it is no range. */
const char *parser_dash_in(const struct parser_values *y, const char *text, size_t len);
/* Operator and values into n: kind, op, values, first, count. */
bool parser_read_values(struct parser *p, const struct parser_values *y, struct expr_node *n);

#endif
