/* SPDX-License-Identifier: ISC
 *
 * The words of expressions: what can be asked about, and what values it has. One table for parsing and for explaining.
 */
#ifndef FLOWBRAID_FLOW_EXPR_WORDS_H
#define FLOWBRAID_FLOW_EXPR_WORDS_H

#include "flow/expr_private.h"

enum expr_values {
	EXPR_VALUES_NUMBER, /* with k, m, g, t */
	EXPR_VALUES_SIGNED,
	EXPR_VALUES_PROTO, /* a number or a name */
	EXPR_VALUES_ADDRESS,
	EXPR_VALUES_MAC,
	EXPR_VALUES_DAY,
	EXPR_VALUES_CLOCK, /* 08:30 */
	EXPR_VALUES_TIME,  /* 2026-11-25 08:30 */
	EXPR_VALUES_BOOLEAN,
	EXPR_VALUES_BYTES, /* text or 0x... */
};

/* Which side of a flow. */
enum expr_side { EXPR_SIDE_NONE, EXPR_SIDE_FIRST, EXPR_SIDE_SECOND };

struct expr_word {
	const char *name;
	const char *shown[2]; /* how a leaf of it is shown: of no side or the first one, of the second one */
	uint8_t what;         /* enum expr_what */
	uint8_t values;       /* enum expr_values */
	uint64_t most;        /* largest number */
	bool
	    sides; /* src and dst, or in and out, choose one of the two lists; without either one of them has to match */
	bool in_out;
	uint8_t count[2];
	struct expr_element fields[2][EXPR_FIELDS_MOST];
};

/* NULL: no such word. */
const struct expr_word *expr_word_find(const struct expr_token *t);

/* A value as a range of numbers. False: it is none of these. end: the upper end of a range or comparison, where a time means
 * the end of its minute, second or day. */
bool expr_value(enum expr_values values, uint64_t most, const char *text, size_t len, uint64_t *ret);
const char *expr_values_name(enum expr_values values); /* "a port or number", for messages */

/* A protocol's name, NULL when it has none here. */
const char *expr_proto_name(uint64_t number);
/* "SF", "0x12": False when it is none. */
bool expr_flags(const char *text, size_t len, uint64_t *ret);

/* "10.0.0.0/8", "10/8", "2001:db8::1", "192.0.2.1-192.0.2.9" */
bool expr_addresses(const char *text, size_t len, struct expr_addresses *ret);

/* A value back to text, as expr_value reads it. */
void expr_value_text(struct buf *out, enum expr_values values, uint64_t v);

#endif
