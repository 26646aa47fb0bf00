/* SPDX-License-Identifier: ISC
 *
 * A parsed expression: a tree of nodes in an array, whose leaves ask one operand one question. For the files
 * that expressions stand in: expr_lex.c (words), expr_parse.c (grammar), expr_text.c (back to text), expr_eval.c (flows).
 */
#ifndef FLOWBRAID_FLOW_EXPR_PRIVATE_H
#define FLOWBRAID_FLOW_EXPR_PRIVATE_H

#include "base/array.h"
#include "flow/element.h"
#include "flow/expr.h"

#define EXPR_TEXT_MOST 65536
#define EXPR_DEPTH_MOST 200
#define EXPR_FIELDS_MOST 4 /* elements that tell the same: sourceIPv4Address, sourceIPv6Address */

/* What a leaf asks about. */
enum expr_what {
	EXPR_FIELD,    /* the first of its elements that the record has */
	EXPR_EXPORTER, /* address */
	EXPR_EXPORTER_PORT,
	EXPR_VERSION, /* 1, 5, 7, 8, 9, 10; sFlow: 5 and its own kind */
	EXPR_SFLOW,
	EXPR_DOMAIN,
	EXPR_TAG,
	EXPR_INET,  /* 4 or 6: the addresses that it has */
	EXPR_START, /* ns since 1970 */
	EXPR_END,
	EXPR_RECEIVED,
	EXPR_TIME_OF_DAY, /* ns since midnight, UTC, of its start */
	EXPR_DAY,         /* 0: Sunday */
	EXPR_DURATION,    /* ms */
	EXPR_BPS,
	EXPR_PPS,
	EXPR_BPP,
};

enum expr_op { EXPR_EQ, EXPR_NE, EXPR_LT, EXPR_LE, EXPR_GT, EXPR_GE };

enum expr_kind {
	EXPR_TRUE,
	EXPR_AND,
	EXPR_OR,
	EXPR_NOT,
	EXPR_NUMBER,  /* leaf: ranges of numbers */
	EXPR_ADDRESS, /* leaf: ranges of addresses */
	EXPR_FLAGS,   /* leaf: (field & mask) == value */
	EXPR_BYTES,   /* leaf: strings and octets, = and != */
	EXPR_PRESENT, /* leaf: the record has the field */
};

struct expr_range { /* numbers; both belong to it */
	uint64_t low, high;
};
struct expr_addresses { /* in network order, so memcmp compares */
	uint8_t low[16], high[16];
};

struct expr_element {
	uint32_t pen;
	uint16_t id;
	uint8_t type; /* enum element_type */
};

/* Where an operand's field stands in a template's records. */
struct expr_place {
	bool found;
	bool walk; /* behind a field of variable length: it has to be looked for in each record */
	uint16_t field;
	uint32_t offset;
	uint16_t len;
	uint8_t type;
};

struct expr_node {
	uint8_t kind;   /* enum expr_kind */
	uint8_t what;   /* enum expr_what */
	uint8_t op;     /* enum expr_op: EXPR_EQ or EXPR_NE; all else has become ranges */
	uint8_t values; /* enum expr_values, for explanations */
	uint8_t field_count;
	uint32_t left, right; /* children */
	struct expr_element fields[EXPR_FIELDS_MOST];
	const char *name; /* how it is called in explanations; static; NULL: PEN/ID */
	uint64_t value, mask;
	uint32_t first, count; /* ranges, addresses or bytes */
	struct expr_place place;
	const struct tmpl *placed; /* place is for its records; NULL: for none */
};

struct expr {
	struct expr_node *nodes; /* owned, like all here; children stand before their parents */
	size_t node_count, node_room;
	struct expr_range *ranges;
	size_t range_count, range_room;
	struct expr_addresses *addresses;
	size_t address_count, address_room;
	struct buf bytes;
	uint32_t root;
};

/* --- words --- */

enum expr_token_kind {
	EXPR_TOKEN_END,
	EXPR_TOKEN_WORD,   /* also numbers, addresses, ranges */
	EXPR_TOKEN_STRING, /* in quotes; text without them, as written */
	EXPR_TOKEN_SIGN,   /* ( ) [ ] , ! = == != < > <= >= && || */
	EXPR_TOKEN_BAD,    /* a quote that does not end */
};
struct expr_token {
	enum expr_token_kind kind;
	const char *text; /* in the whole text */
	size_t len;
};

/* The next word at *at, which moves on. */
struct expr_token expr_token(const char **at);
bool expr_token_is(const struct expr_token *t, const char *word);

#endif
