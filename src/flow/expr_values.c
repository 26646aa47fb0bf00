/* SPDX-License-Identifier: ISC
 *
 * What something is compared with: values, ranges and lists, which all become ranges in order and apart.
 */
#include <stdlib.h>
#include <string.h>

#include "flow/expr_parser.h"

#define DAY_NS (86400ULL * (uint64_t)NS_PER_SEC)

/* --- ranges --- */

void
parser_put_range(struct parser *p, uint64_t low, uint64_t high)
{
	struct expr *e = p->e;

	if (array_grow(e->ranges, e->range_room, e->range_count) != ERR_OK)
		(void)parser_out_of(p, ERR_MEMORY);
	else
		e->ranges[e->range_count++] = (struct expr_range){low, high};
}

static int
by_low(const void *a, const void *b)
{
	const struct expr_range *x = a, *y = b;

	return (x->low > y->low) - (x->low < y->low);
}

/* In order and apart, as they are searched; how many are left. */
static uint32_t
order_ranges(struct expr *e, size_t first)
{
	size_t count = e->range_count - first, kept = 0;
	struct expr_range *r;

	if (count == 0)
		return 0;
	r = e->ranges + first;
	qsort(r, count, sizeof(*r), by_low);
	for (size_t i = 1; i < count; i++) {
		if (r[kept].high == UINT64_MAX || r[i].low <= r[kept].high + 1) {
			if (r[i].high > r[kept].high)
				r[kept].high = r[i].high;
		} else {
			r[++kept] = r[i];
		}
	}
	e->range_count = first + kept + 1;
	return (uint32_t)kept + 1;
}

static int
by_low_address(const void *a, const void *b)
{
	const struct expr_addresses *x = a, *y = b;

	return memcmp(x->low, y->low, 16);
}

static uint32_t
order_addresses(struct expr *e, size_t first)
{
	size_t count = e->address_count - first, kept = 0;
	struct expr_addresses *r;

	if (count == 0)
		return 0;
	r = e->addresses + first;
	qsort(r, count, sizeof(*r), by_low_address);
	for (size_t i = 1; i < count; i++) {
		if (memcmp(r[i].low, r[kept].high, 16) <= 0) {
			if (memcmp(r[i].high, r[kept].high, 16) > 0)
				memcpy(r[kept].high, r[i].high, 16);
		} else {
			r[++kept] = r[i];
		}
	}
	e->address_count = first + kept + 1;
	return (uint32_t)kept + 1;
}

/* --- values --- */

enum expr_op
parser_read_op(struct parser *p, bool *ret_given, bool *ret_list)
{
	static const struct {
		const char *sign;
		enum expr_op op;
	} ops[] = {{"=", EXPR_EQ}, {"==", EXPR_EQ}, {"!=", EXPR_NE}, {"<", EXPR_LT}, {"<=", EXPR_LE},
	    {">", EXPR_GT}, {">=", EXPR_GE}, {"eq", EXPR_EQ}, {"ne", EXPR_NE}, {"lt", EXPR_LT},
	    {"le", EXPR_LE}, {"gt", EXPR_GT}, {"ge", EXPR_GE}};
	struct expr_token behind = parser_peek(p);

	*ret_given = true;
	*ret_list = false;
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		if (parser_take(p, ops[i].sign))
			return ops[i].op;
	}
	if (expr_token_is(&p->t, "not") && expr_token_is(&behind, "in")) {
		parser_next(p);
		parser_next(p);
		*ret_list = true;
		return EXPR_NE;
	}
	if (parser_take(p, "in"))
		*ret_list = true;
	else
		*ret_given = false;
	return EXPR_EQ;
}

/* How far a value reaches: a time of day given in minutes is that minute. */
static uint64_t
reach(enum expr_values values, uint64_t v, size_t len)
{
	if (values == EXPR_VALUES_CLOCK)
		return v + (uint64_t)(len > 5 ? NS_PER_SEC : 60 * NS_PER_SEC) - 1;
	return v;
}

/* Behind the first character, where the type has no dashes of its own. */
const char *
parser_dash_in(const struct parser_values *y, const char *text, size_t len)
{
	if (y->values != EXPR_VALUES_NUMBER && y->values != EXPR_VALUES_PROTO &&
	    y->values != EXPR_VALUES_DAY && y->values != EXPR_VALUES_CLOCK)
		return NULL;
	return len > 1 ? memchr(text + 1, '-', len - 1) : NULL;
}

/* 24:00 is where a range ends, and nothing else. */
static bool
is_end_of_day(const struct parser_values *y, uint64_t v)
{
	return y->values == EXPR_VALUES_CLOCK && v >= DAY_NS;
}

static bool
put_number(struct parser *p, const struct parser_values *y, const char *text, size_t len)
{
	const char *dash = parser_dash_in(y, text, len);
	size_t left = dash != NULL ? (size_t)(dash - text) : len;
	uint64_t low, high;

	if (!expr_value(y->values, y->most, text, left, &low) || is_end_of_day(y, low))
		return false;
	if (dash == NULL) {
		parser_put_range(p, low, reach(y->values, low, len));
		return true;
	}
	if (!expr_value(y->values, y->most, dash + 1, len - left - 1, &high))
		return false;
	if (y->values == EXPR_VALUES_CLOCK && high-- == 0)
		return false;
	if (low <= high) {
		parser_put_range(p, low, high);
		return true;
	}
	if (y->values != EXPR_VALUES_DAY && y->values != EXPR_VALUES_CLOCK)
		return false;
	parser_put_range(
	    p, low, y->values == EXPR_VALUES_DAY ? 6 : DAY_NS - 1); /* over Saturday, or midnight */
	parser_put_range(p, 0, high);
	return true;
}

static bool
put_address(struct parser *p, const char *text, size_t len)
{
	struct expr *e = p->e;
	struct expr_addresses a;

	if (!expr_addresses(text, len, &a))
		return false;
	if (array_grow(e->addresses, e->address_room, e->address_count) != ERR_OK)
		(void)parser_out_of(p, ERR_MEMORY);
	else
		e->addresses[e->address_count++] = a;
	return true;
}

static bool
put_value(struct parser *p, const struct parser_values *y, const struct expr_token *t)
{
	if (t->kind != EXPR_TOKEN_WORD && t->kind != EXPR_TOKEN_STRING)
		return false;
	if (y->values == EXPR_VALUES_ADDRESS)
		return put_address(p, t->text, t->len);
	return put_number(p, y, t->text, t->len);
}

/* What stands in a named list. Errors are told at the name. */
static bool
put_named(struct parser *p, const struct parser_values *y)
{
	const char *at = p->t.text;
	char name[64];
	const char *text = NULL;
	struct expr_token t;

	if (p->t.len - 1 < sizeof(name)) {
		memcpy(name, p->t.text + 1, p->t.len - 1);
		name[p->t.len - 1] = '\0';
		if (p->lists != NULL)
			text = p->lists->lookup(p->lists->ctx, name);
	}
	if (text == NULL) {
		(void)parser_fail_at(p, at, "there is no list \"%.*s\"", (int)p->t.len - 1, p->t.text + 1);
		return false;
	}
	while ((t = expr_token(&text)).kind != EXPR_TOKEN_END) {
		if (expr_token_is(&t, ","))
			continue;
		if (!put_value(p, y, &t)) {
			(void)parser_fail_at(p, at, "list %s: expected %s, found \"%.*s\"", name,
			    expr_values_name(y->values), (int)t.len, t.text);
			return false;
		}
	}
	parser_next(p);
	return true;
}

/* "[a, b c]" or "{...}", commas are not needed; or "@name". */
static bool
put_list(struct parser *p, const struct parser_values *y)
{
	const char *end = expr_token_is(&p->t, "{") ? "}" : "]";

	if (p->t.kind == EXPR_TOKEN_WORD && p->t.text[0] == '@')
		return put_named(p, y);
	if (!parser_take(p, "[") && !parser_take(p, "{")) {
		if (put_value(p, y, &p->t)) { /* in 10.0.0.0/8 */
			parser_next(p);
			return true;
		}
		(void)parser_expected(p, "a list in [ ], or @NAME");
		return false;
	}
	while (!parser_take(p, end)) {
		if (parser_take(p, ","))
			continue;
		if (p->t.kind == EXPR_TOKEN_WORD && p->t.text[0] == '@') {
			if (!put_named(p, y))
				return false;
			continue;
		}
		if (!put_value(p, y, &p->t)) {
			(void)parser_expected(
			    p, p->t.kind == EXPR_TOKEN_END ? end : expr_values_name(y->values));
			return false;
		}
		parser_next(p);
	}
	return true;
}

/* One value, or several with commas between them. */
static bool
put_some(struct parser *p, const struct parser_values *y)
{
	do {
		if (!put_value(p, y, &p->t)) {
			(void)parser_expected(p, expr_values_name(y->values));
			return false;
		}
		parser_next(p);
	} while (parser_take(p, ","));
	return true;
}

static bool
put_comparison(struct parser *p, const struct parser_values *y, enum expr_op op)
{
	uint64_t v;

	if ((p->t.kind != EXPR_TOKEN_WORD && p->t.kind != EXPR_TOKEN_STRING) ||
	    !expr_value(y->values, y->most, p->t.text, p->t.len, &v) ||
	    (op != EXPR_LT && is_end_of_day(y, v))) {
		(void)parser_expected(p, expr_values_name(y->values));
		return false;
	}
	if (op == EXPR_LE)
		parser_put_range(p, 0, reach(y->values, v, p->t.len));
	else if (op == EXPR_GE)
		parser_put_range(p, v, UINT64_MAX);
	else if (op == EXPR_LT && v > 0)
		parser_put_range(p, 0, v - 1);
	else if (op == EXPR_GT && v < y->most && !is_end_of_day(y, reach(y->values, v, p->t.len) + 1))
		parser_put_range(p, reach(y->values, v, p->t.len) + 1, UINT64_MAX);
	parser_next(p);
	return true;
}

bool
parser_read_values(struct parser *p, const struct parser_values *y, struct expr_node *n)
{
	const char *begin = p->t.text;
	bool given, list, address = y->values == EXPR_VALUES_ADDRESS;
	enum expr_op op = parser_read_op(p, &given, &list);
	size_t first = address ? p->e->address_count : p->e->range_count;
	bool good;

	n->kind = address ? EXPR_ADDRESS : EXPR_NUMBER;
	n->values = (uint8_t)y->values;
	n->op = op == EXPR_NE ? EXPR_NE : EXPR_EQ;
	if (list || (p->t.kind == EXPR_TOKEN_WORD && p->t.text[0] == '@') || expr_token_is(&p->t, "["))
		good = put_list(p, y);
	else if (op == EXPR_EQ || op == EXPR_NE)
		good = put_some(p, y);
	else if (address)
		return parser_fail_at(p, begin,
			   "addresses have no order: = and != and in [ ] compare them") != EXPR_NONE;
	else
		good = put_comparison(p, y, op);
	if (!good || p->result != ERR_OK)
		return false;
	n->first = (uint32_t)first;
	n->count = address ? order_addresses(p->e, first) : order_ranges(p->e, first);
	return true;
}
