/* SPDX-License-Identifier: ISC
 *
 * The grammar, by descent:
 *
 *	or      = and { ("or" | "||") and }
 *	and     = not { ("and" | "&&") not }
 *	not     = ("not" | "!") not | "(" or ")" | primary
 *	primary = [side] word [op] values | element [op] values | proto-name | ...
 *
 * Comparisons become ranges, so a leaf has one way to ask. The first thing that is wrong is told with its column.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow/expr_parser.h"
#include "flow/value.h"

/* --- errors and tokens --- */

uint32_t
parser_fail_at(struct parser *p, const char *at, const char *fmt, ...)
{
	va_list ap;

	if (p->result != ERR_OK)
		return EXPR_NONE;
	p->result = ERR_MALFORMED;
	p->error->column = (size_t)(at - p->text) + 1;
	va_start(ap, fmt);
	(void)vsnprintf(p->error->message, sizeof(p->error->message), fmt, ap);
	va_end(ap);
	return EXPR_NONE;
}

uint32_t
parser_expected(struct parser *p, const char *what)
{
	if (p->t.kind == EXPR_TOKEN_END)
		return parser_fail_at(p, p->t.text, "expected %s, found the end", what);
	if (p->t.kind == EXPR_TOKEN_BAD)
		return parser_fail_at(p, p->t.text, "the quote does not end");
	return parser_fail_at(p, p->t.text, "expected %s, found \"%.*s\"", what,
	    (int)(p->t.len < 80 ? p->t.len : 80), p->t.text);
}

uint32_t
parser_out_of(struct parser *p, enum err e)
{
	if (p->result == ERR_OK) {
		p->result = e;
		p->error->column = (size_t)(p->t.text - p->text) + 1;
		(void)snprintf(p->error->message, sizeof(p->error->message), "%s",
		    e == ERR_LIMIT ? "too long, or too many brackets within each other" : err_text(e));
	}
	return EXPR_NONE;
}

void
parser_next(struct parser *p)
{
	p->t = expr_token(&p->at);
}

bool
parser_take(struct parser *p, const char *word)
{
	if (!expr_token_is(&p->t, word))
		return false;
	parser_next(p);
	return true;
}

struct expr_token
parser_peek(const struct parser *p)
{
	const char *at = p->at;

	return expr_token(&at);
}

/* --- nodes --- */

static uint32_t
add(struct parser *p, const struct expr_node *n)
{
	struct expr *e = p->e;

	if (p->result != ERR_OK)
		return EXPR_NONE;
	if (array_grow(e->nodes, e->node_room, e->node_count) != ERR_OK)
		return parser_out_of(p, ERR_MEMORY);
	e->nodes[e->node_count] = *n;
	return (uint32_t)e->node_count++;
}

static uint32_t
add_pair(struct parser *p, enum expr_kind kind, uint32_t left, uint32_t right)
{
	const struct expr_node n = {.kind = (uint8_t)kind, .left = left, .right = right};

	return left == EXPR_NONE || right == EXPR_NONE ? EXPR_NONE : add(p, &n);
}

static uint32_t
add_not(struct parser *p, uint32_t of)
{
	const struct expr_node n = {.kind = EXPR_NOT, .left = of};

	return of == EXPR_NONE ? EXPR_NONE : add(p, &n);
}

/* --- leaves --- */

enum { SIDE_FIRST = 1, SIDE_SECOND = 2, SIDE_EITHER = 3, SIDE_ALL = 7 };

static void
take_side(const struct expr_word *w, unsigned side, struct expr_node *n)
{
	n->name = w->shown[side];
	n->field_count = w->count[side];
	memcpy(n->fields, w->fields[side], sizeof(n->fields));
}

/* The same question to one side, or to both. */
static uint32_t
add_sides(struct parser *p, const struct expr_word *w, int sides, struct expr_node *n)
{
	uint32_t left;

	n->what = w->what;
	if (!w->sides || (sides & SIDE_EITHER) != SIDE_EITHER) {
		take_side(w, sides == SIDE_SECOND, n);
		return add(p, n);
	}
	take_side(w, 0, n);
	left = add(p, n);
	take_side(w, 1, n);
	return add_pair(p, sides == SIDE_ALL ? EXPR_AND : EXPR_OR, left, add(p, n));
}

/* flowd's "mask 0x12 equals 0x02", behind "mask"; that equals is within the mask is asked by the caller. */
static bool
read_mask(struct parser *p, uint64_t *ret_mask, uint64_t *ret_value)
{
	uint64_t *const to[2] = {ret_mask, ret_value};

	for (int i = 0; i < 2; i++) {
		if (i == 1 && !parser_take(p, "equals")) {
			(void)parser_expected(p, "equals");
			return false;
		}
		if (p->t.kind != EXPR_TOKEN_WORD || !expr_flags(p->t.text, p->t.len, to[i])) {
			(void)parser_expected(p, "flags such as 0x12, or of F S R P A U E C");
			return false;
		}
		if (i == 0)
			parser_next(p);
	}
	return true;
}

/* At the last word of it. */
static uint32_t
finish_flags(struct parser *p, const struct expr_node *n)
{
	if ((n->value & ~n->mask) != 0)
		return parser_fail_at(
		    p, p->t.text, "flags that are to be set are not among those that are looked at");
	parser_next(p);
	return add(p, n);
}

/* "S/SA": S of S and A is set; "S": S is, whatever the others are; "!= ..." and numbers, too. */
static uint32_t
read_flags(struct parser *p, const struct expr_word *w)
{
	struct expr_node n = {.kind = EXPR_FLAGS, .what = w->what};
	const char *slash;
	size_t len;
	bool given, list, good, masked = parser_take(p, "mask");
	enum expr_op op = EXPR_EQ;
	uint32_t at;

	take_side(w, 0, &n);
	if (masked) {
		if (!read_mask(p, &n.mask, &n.value))
			return EXPR_NONE;
		return finish_flags(p, &n);
	}
	op = parser_read_op(p, &given, &list);
	if (p->t.kind != EXPR_TOKEN_WORD || list || (op != EXPR_EQ && op != EXPR_NE))
		return parser_expected(p, "flags such as S or S/SA, of F S R P A U E C");
	slash = memchr(p->t.text, '/', p->t.len);
	len = slash != NULL ? (size_t)(slash - p->t.text) : p->t.len;
	good = expr_flags(p->t.text, len, &n.value);
	n.mask = given && slash == NULL ? UINT16_MAX : n.value; /* "flags = S": these and no others */
	if (good && slash != NULL)
		good = expr_flags(slash + 1, p->t.len - len - 1, &n.mask);
	if (!good)
		return parser_expected(p, "flags such as S or S/SA, of F S R P A U E C");
	at = finish_flags(p, &n);
	return op == EXPR_NE ? add_not(p, at) : at;
}

static uint32_t
read_word(struct parser *p, const struct expr_word *w, int sides)
{
	const struct parser_values y = {(enum expr_values)w->values, w->most};
	struct expr_node n = {.kind = EXPR_NUMBER};

	if (strcmp(w->name, "flags") == 0)
		return read_flags(p, w);
	if (!parser_read_values(p, &y, &n))
		return EXPR_NONE;
	p->last = w;
	p->last_sides = sides;
	return add_sides(p, w, sides, &n);
}

/* --- elements by name --- */

static bool
find_element(const struct expr_token *t, struct expr_element *ret, const char **ret_name)
{
	const struct element *e;
	uint32_t pen;
	uint16_t id;

	if (t->kind != EXPR_TOKEN_WORD || !element_parse(t->text, t->len, &pen, &id))
		return false;
	e = element_find(pen, id);
	*ret = (struct expr_element){pen, id, e != NULL ? e->type : (uint8_t)ELEMENT_OCTETS};
	*ret_name = e != NULL ? e->name : NULL;
	return true;
}

static bool
hex_bytes(struct parser *p, const char *text, size_t len, uint32_t *ret_count)
{
	if (len < 2 || len % 2 != 0 || strncmp(text, "0x", 2) != 0) /* 0x alone: no octets */
		return false;
	for (size_t i = 2; i < len; i += 2) {
		char pair[5] = {'0', 'x', text[i], text[i + 1], '\0'};
		uint64_t v;

		if (!expr_value(EXPR_VALUES_NUMBER, 255, pair, 4, &v))
			return false;
		buf_u8(&p->e->bytes, (uint8_t)v);
	}
	*ret_count = (uint32_t)(len - 2) / 2;
	return true;
}

static uint32_t
read_bytes(struct parser *p, struct expr_node *n)
{
	const char *begin = p->t.text;
	bool given, list;
	enum expr_op op = parser_read_op(p, &given, &list);

	n->kind = EXPR_BYTES;
	n->values = EXPR_VALUES_BYTES;
	n->op = op == EXPR_NE ? EXPR_NE : EXPR_EQ;
	n->first = (uint32_t)p->e->bytes.len;
	if (op != EXPR_EQ && op != EXPR_NE)
		return parser_fail_at(p, begin, "texts and octets have no order: = and != compare them");
	if (p->t.kind == EXPR_TOKEN_WORD && hex_bytes(p, p->t.text, p->t.len, &n->count)) {
		parser_next(p);
		return add(p, n);
	}
	if (list || (p->t.kind != EXPR_TOKEN_STRING && n->fields[0].type != ELEMENT_STRING) ||
	    (p->t.kind != EXPR_TOKEN_STRING && p->t.kind != EXPR_TOKEN_WORD))
		return parser_expected(p, expr_values_name(EXPR_VALUES_BYTES));
	buf_bytes(&p->e->bytes, p->t.text, p->t.len);
	n->count = (uint32_t)p->t.len;
	parser_next(p);
	return add(p, n);
}

/* What the values of an element are. False: it cannot be compared. */
static bool
type_of(const struct expr_element *e, struct parser_values *ret)
{
	ret->most = UINT64_MAX;
	switch ((enum element_type)e->type) {
	case ELEMENT_UNSIGNED:
		ret->values = e->pen == 0 && e->id == IE_PROTOCOL ? EXPR_VALUES_PROTO : EXPR_VALUES_NUMBER;
		return true;
	case ELEMENT_SIGNED:
		ret->values = EXPR_VALUES_SIGNED;
		return true;
	case ELEMENT_BOOLEAN:
		ret->values = EXPR_VALUES_BOOLEAN;
		return true;
	case ELEMENT_MAC:
		ret->values = EXPR_VALUES_MAC;
		return true;
	case ELEMENT_SECONDS:
	case ELEMENT_MILLISECONDS:
	case ELEMENT_MICROSECONDS:
	case ELEMENT_NANOSECONDS:
		ret->values = EXPR_VALUES_TIME;
		return true;
	case ELEMENT_IPV4:
	case ELEMENT_IPV6:
		ret->values = EXPR_VALUES_ADDRESS;
		return true;
	case ELEMENT_OCTETS:
	case ELEMENT_STRING:
		ret->values = EXPR_VALUES_BYTES;
		return true;
	default:
		return false;
	}
}

/* An element that no registry here knows: what it is compared with tells its type. */
static bool
is_plain_number(const struct parser *p)
{
	static const char *const before[] = {"not", "in", "eq", "ne", "lt", "le", "gt", "ge"};
	struct expr_token t = p->t;
	const char *at = p->at;
	bool more = true;

	while (more) {
		more = t.kind == EXPR_TOKEN_SIGN;
		if (more && t.text[0] == ']') /* an empty list: what no number is */
			return true;
		for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++)
			more |= expr_token_is(&t, before[i]);
		if (more)
			t = expr_token(&at);
	}
	return t.kind == EXPR_TOKEN_WORD && t.text[0] >= '0' && t.text[0] <= '9' &&
	    strncmp(t.text, "0x", 2) != 0;
}

static uint32_t
read_element(struct parser *p, const struct expr_element *element, const char *name)
{
	struct expr_node n = {.what = EXPR_FIELD, .name = name, .field_count = 1, .fields = {*element}};
	struct parser_values y;

	if (!type_of(element, &y))
		return parser_fail_at(
		    p, p->t.text, "%s cannot be compared; \"has %s\" asks whether it is there", name, name);
	if (y.values == EXPR_VALUES_BYTES && name == NULL && is_plain_number(p)) {
		y.values = EXPR_VALUES_NUMBER;
		n.fields[0].type = ELEMENT_UNSIGNED;
	}
	if (y.values == EXPR_VALUES_BYTES)
		return read_bytes(p, &n);
	return parser_read_values(p, &y, &n) ? add(p, &n) : EXPR_NONE;
}

static uint32_t
read_has(struct parser *p)
{
	struct expr_node n = {.kind = EXPR_PRESENT, .what = EXPR_FIELD, .field_count = 1};

	if (!find_element(&p->t, &n.fields[0], &n.name))
		return parser_expected(p, "the name of an information element");
	parser_next(p);
	return add(p, &n);
}

/* --- primaries --- */

/* "src", "dst", "src or dst", "src and dst", "in", "out". 0: none is there. */
static int
read_side(struct parser *p, bool *ret_in_out)
{
	struct expr_token behind = parser_peek(p);
	int first = expr_token_is(&p->t, "src") ? SIDE_FIRST : expr_token_is(&p->t, "dst") ? SIDE_SECOND : 0;
	const struct parser before = *p;

	*ret_in_out = false;
	if (first == 0) {
		if (!expr_token_is(&behind, "if") && !expr_token_is(&behind, "interface"))
			return 0;
		*ret_in_out = true;
		if (parser_take(p, "in"))
			return SIDE_FIRST;
		return parser_take(p, "out") ? SIDE_SECOND : 0;
	}
	parser_next(p);
	for (int either = 0; either < 2; either++) {
		if (!expr_token_is(&p->t, either ? "or" : "and"))
			continue;
		parser_next(p);
		if (parser_take(p, first == SIDE_FIRST ? "dst" : "src"))
			return either ? SIDE_EITHER : SIDE_ALL;
		*p = before;
		parser_next(p);
	}
	return first;
}

static uint32_t
add_proto(struct parser *p, uint64_t number)
{
	const struct expr_token t = {.kind = EXPR_TOKEN_WORD, .text = "proto", .len = 5};
	struct expr_node n = {.kind = EXPR_NUMBER,
	    .values = EXPR_VALUES_PROTO,
	    .first = (uint32_t)p->e->range_count,
	    .count = 1};

	parser_put_range(p, number, number);
	return add_sides(p, expr_word_find(&t), SIDE_FIRST, &n);
}

static uint32_t
add_inet(struct parser *p, uint64_t version)
{
	const struct expr_node n = {
	    .kind = EXPR_NUMBER, .what = EXPR_INET, .value = version, .name = version == 4 ? "ipv4" : "ipv6"};

	return add(p, &n);
}

/* "after 08:30", "before "2026-11-25 10:00"": when the flow began. */
static uint32_t
read_after(struct parser *p, bool after)
{
	struct expr_node n = {
	    .kind = EXPR_NUMBER, .op = EXPR_EQ, .first = (uint32_t)p->e->range_count, .count = 1};
	bool text = p->t.kind == EXPR_TOKEN_WORD || p->t.kind == EXPR_TOKEN_STRING;
	uint64_t v;

	if (text && expr_value(EXPR_VALUES_CLOCK, 0, p->t.text, p->t.len, &v)) {
		n.what = EXPR_TIME_OF_DAY;
		n.values = EXPR_VALUES_CLOCK;
		n.name = "time";
	} else if (text && expr_value(EXPR_VALUES_TIME, 0, p->t.text, p->t.len, &v)) {
		n.what = EXPR_START;
		n.values = EXPR_VALUES_TIME;
		n.name = "flowStart";
	} else {
		return parser_expected(
		    p, "a time of day such as 08:30, or a time such as \"2026-11-25 08:30\"");
	}
	if (after && n.what == EXPR_TIME_OF_DAY && v >= 86400ULL * (uint64_t)NS_PER_SEC)
		return parser_fail_at(p, p->t.text, "nothing is after that");
	if (!after && v == 0)
		return parser_fail_at(p, p->t.text, "nothing is before that");
	parser_put_range(p, after ? v : 0, after ? UINT64_MAX : v - 1);
	parser_next(p);
	return add(p, &n);
}

/* A side and a value, or a value alone behind "or": the word is left out. */
static uint32_t
read_short(struct parser *p, int sides)
{
	static const struct expr_token host = {.kind = EXPR_TOKEN_WORD, .text = "host", .len = 4};
	const struct expr_word *w = sides != 0 ? expr_word_find(&host) : p->last;
	struct expr_addresses a;
	struct parser_values y;
	uint64_t v;

	if (w == NULL || p->t.kind != EXPR_TOKEN_WORD)
		return EXPR_NONE;
	y = (struct parser_values){(enum expr_values)w->values, w->most};
	if (y.values == EXPR_VALUES_ADDRESS ? expr_addresses(p->t.text, p->t.len, &a)
					    : parser_dash_in(&y, p->t.text, p->t.len) != NULL ||
		    expr_value(y.values, y.most, p->t.text, p->t.len, &v))
		return read_word(p, w, sides != 0 ? sides : p->last_sides);
	return EXPR_NONE;
}

static uint32_t
read_named(struct parser *p)
{
	static const struct expr_node any = {.kind = EXPR_TRUE},
				      sflow = {.kind = EXPR_NUMBER, .what = EXPR_SFLOW, .name = "sflow"};
	uint64_t proto;

	if (parser_take(p, "any") || parser_take(p, "all"))
		return add(p, &any);
	if (parser_take(p, "ipv4") || parser_take(p, "inet"))
		return add_inet(p, 4);
	if (parser_take(p, "ipv6") || parser_take(p, "inet6"))
		return add_inet(p, 6);
	if (parser_take(p, "sflow"))
		return add(p, &sflow);
	if (parser_take(p, "after"))
		return read_after(p, true);
	if (parser_take(p, "before"))
		return read_after(p, false);
	if (parser_take(p, "has"))
		return read_has(p);
	if (p->t.kind == EXPR_TOKEN_WORD && (p->t.text[0] < '0' || p->t.text[0] > '9') &&
	    expr_value(EXPR_VALUES_PROTO, 255, p->t.text, p->t.len, &proto)) {
		parser_next(p);
		return add_proto(p, proto);
	}
	return EXPR_NONE;
}

static uint32_t
read_primary(struct parser *p)
{
	const char *begin = p->t.text;
	struct expr_element element;
	const struct expr_word *w;
	const char *name;
	bool in_out;
	int sides = read_side(p, &in_out);
	uint32_t at;

	w = expr_word_find(&p->t);
	if (w != NULL) {
		if (sides != 0 && (!w->sides || w->in_out != in_out))
			return parser_fail_at(p, begin, "\"%s\" has no such side", w->name);
		parser_next(p);
		if (strcmp(w->name, "nexthop") == 0 || strcmp(w->name, "exporter") == 0)
			(void)parser_take(p, "ip"); /* as in nfdump */
		return read_word(p, w, sides != 0 ? sides : SIDE_EITHER);
	}
	if (expr_token_is(&p->t, "any") && sides != 0) { /* src any */
		parser_next(p);
		return add(p, &(struct expr_node){.kind = EXPR_TRUE});
	}
	at = read_short(p, sides);
	if (at != EXPR_NONE || p->result != ERR_OK)
		return at;
	if (sides != 0)
		return parser_expected(p, "an address, host, net, port, as, mask, mac, vlan or if");
	at = read_named(p);
	if (at != EXPR_NONE || p->result != ERR_OK)
		return at;
	if (!find_element(&p->t, &element, &name))
		return parser_expected(
		    p, "what to ask for, such as src, port, proto, bytes, or an information element");
	parser_next(p);
	return read_element(p, &element, name);
}

/* --- and, or, not --- */

static uint32_t read_or(struct parser *p);

static uint32_t
read_not(struct parser *p)
{
	uint32_t at;

	if (++p->depth > EXPR_DEPTH_MOST)
		return parser_out_of(p, ERR_LIMIT);
	if (parser_take(p, "not") || parser_take(p, "!")) {
		at = add_not(p, read_not(p));
	} else if (parser_take(p, "(")) {
		at = read_or(p);
		if (p->result == ERR_OK && !parser_take(p, ")"))
			at = parser_expected(p, "and, or, or \")\"");
	} else {
		at = read_primary(p);
	}
	p->depth--;
	return at;
}

static uint32_t
read_and(struct parser *p)
{
	uint32_t at = read_not(p);

	while (p->result == ERR_OK && (parser_take(p, "and") || parser_take(p, "&&"))) {
		p->last = NULL; /* "port 80 and 443" is none */
		at = add_pair(p, EXPR_AND, at, read_not(p));
	}
	return at;
}

static uint32_t
read_or(struct parser *p)
{
	uint32_t at;

	p->last = NULL;
	at = read_and(p);
	while (p->result == ERR_OK && (parser_take(p, "or") || parser_take(p, "||")))
		at = add_pair(p, EXPR_OR, at, read_and(p));
	return at;
}

enum err
expr_parse(const char *text, const struct expr_lists *lists, struct expr **ret, struct expr_error *ret_error)
{
	struct parser p = {.text = text, .at = text, .lists = lists, .error = ret_error};

	*ret_error = (struct expr_error){.column = 1};
	p.e = calloc(1, sizeof(*p.e));
	p.t.text = text;
	if (p.e == NULL)
		(void)parser_out_of(&p, ERR_MEMORY);
	else if (strlen(text) > EXPR_TEXT_MOST)
		(void)parser_out_of(&p, ERR_LIMIT);
	if (p.result == ERR_OK) {
		parser_next(&p);
		p.e->root = read_or(&p);
	}
	if (p.result == ERR_OK && p.t.kind != EXPR_TOKEN_END)
		(void)parser_expected(&p, "and, or, or the end");
	if (p.result == ERR_OK && !buf_ok(&p.e->bytes))
		(void)parser_out_of(&p, ERR_MEMORY);
	if (p.result != ERR_OK) {
		expr_free(p.e);
		return p.result;
	}
	*ret = p.e;
	return ERR_OK;
}

void
expr_free(struct expr *e)
{
	if (e == NULL)
		return;
	free(e->nodes);
	free(e->ranges);
	free(e->addresses);
	buf_clear(&e->bytes);
	free(e);
}
