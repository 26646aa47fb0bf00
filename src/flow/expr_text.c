/* SPDX-License-Identifier: ISC
 *
 * An expression back to text.
 */
#include <string.h>

#include "base/addr.h"
#include "flow/expr_words.h"

static void
put_name(const struct expr_node *n, struct buf *out)
{
	if (n->name != NULL)
		buf_text(out, n->name);
	else
		buf_printf(out, "%u/%u", n->fields[0].pen, n->fields[0].id);
}

static void
put_quoted_value(struct buf *out, const struct expr_node *n, uint64_t v)
{
	const char *quote = n->values == EXPR_VALUES_TIME ? "\"" : "";

	buf_text(out, quote);
	expr_value_text(out, (enum expr_values)n->values, v);
	buf_text(out, quote);
}

/* Clocks reach to the end of their minute; what stands between brackets is half open. */
static void
put_range(struct buf *out, const struct expr_node *n, const struct expr_range *r)
{
	put_quoted_value(out, n, r->low);
	if (r->low == r->high)
		return;
	buf_text(out, "-");
	put_quoted_value(out, n, n->values == EXPR_VALUES_CLOCK ? r->high + 1 : r->high);
}

static void
put_numbers(const struct expr *e, const struct expr_node *n, struct buf *out)
{
	const struct expr_range *r;
	bool negated = n->op == EXPR_NE;

	put_name(n, out);
	if (n->what == EXPR_SFLOW || n->what == EXPR_INET)
		return;
	if (n->count == 0) { /* nothing: more than the most */
		buf_text(out, negated ? " not in []" : " in []");
		return;
	}
	r = e->ranges + n->first;
	if (n->count == 1 && r->low == r->high) {
		buf_text(out, negated ? " != " : " = ");
		put_quoted_value(out, n, r->low);
	} else if (n->count == 1 && r->high == UINT64_MAX && !negated) {
		buf_text(out, " >= ");
		put_quoted_value(out, n, r->low);
	} else if (n->count == 1 && r->low == 0 && !negated && n->values != EXPR_VALUES_DAY) {
		buf_text(out, n->values == EXPR_VALUES_CLOCK ? " < " : " <= ");
		put_quoted_value(out, n, n->values == EXPR_VALUES_CLOCK ? r->high + 1 : r->high);
	} else {
		buf_text(out, negated ? " not in [" : " in [");
		for (uint32_t i = 0; i < n->count; i++) {
			buf_text(out, i > 0 ? ", " : "");
			put_range(out, n, &r[i]);
		}
		buf_text(out, "]");
	}
}

/* As a prefix where it is one. */
static void
put_address_range(struct buf *out, const struct expr_addresses *r)
{
	char text[ADDR_TEXT_SIZE];
	struct addr low, high;
	int bits = 0;

	memcpy(low.b, r->low, 16);
	memcpy(high.b, r->high, 16);
	buf_text(out, addr_text(&low, text));
	if (addr_cmp(&low, &high) == 0)
		return;
	while (bits < 128 && ((low.b[bits / 8] ^ high.b[bits / 8]) & (0x80 >> (bits % 8))) == 0)
		bits++;
	for (int i = bits; i < 128; i++) {
		if ((low.b[i / 8] & (0x80 >> (i % 8))) != 0 || (high.b[i / 8] & (0x80 >> (i % 8))) == 0) {
			buf_printf(out, "-%s", addr_text(&high, text));
			return;
		}
	}
	buf_printf(out, "/%d", addr_is_v4(&low) && bits >= 96 ? bits - 96 : bits);
}

static void
put_addresses(const struct expr *e, const struct expr_node *n, struct buf *out)
{
	put_name(n, out);
	buf_text(out, n->op == EXPR_NE ? " not in [" : " in [");
	for (uint32_t i = 0; i < n->count; i++) {
		buf_text(out, i > 0 ? ", " : "");
		put_address_range(out, &e->addresses[n->first + i]);
	}
	buf_text(out, "]");
}

static void
put_bytes(const struct expr *e, const struct expr_node *n, struct buf *out)
{
	const uint8_t *bytes = n->count > 0 ? e->bytes.data + n->first : (const uint8_t *)"";

	put_name(n, out);
	buf_text(out, n->op == EXPR_NE ? " != " : " = ");
	if (n->fields[0].type == ELEMENT_STRING && memchr(bytes, '"', n->count) == NULL &&
	    memchr(bytes, '\0', n->count) == NULL) {
		buf_printf(out, "\"%.*s\"", (int)n->count, (const char *)bytes);
		return;
	}
	buf_text(out, "0x");
	for (uint32_t i = 0; i < n->count; i++)
		buf_printf(out, "%02x", bytes[i]);
}

static void
put_leaf(const struct expr *e, const struct expr_node *n, struct buf *out)
{
	switch ((enum expr_kind)n->kind) {
	case EXPR_NUMBER:
		put_numbers(e, n, out);
		break;
	case EXPR_ADDRESS:
		put_addresses(e, n, out);
		break;
	case EXPR_FLAGS:
		put_name(n, out);
		buf_printf(out, " 0x%x/0x%x", (unsigned)n->value, (unsigned)n->mask);
		break;
	case EXPR_BYTES:
		put_bytes(e, n, out);
		break;
	case EXPR_PRESENT:
		buf_text(out, "has ");
		put_name(n, out);
		break;
	default:
		buf_text(out, "any");
		break;
	}
}

static void
put_node(const struct expr *e, uint32_t at, struct buf *out)
{
	const struct expr_node *n = &e->nodes[at];

	switch ((enum expr_kind)n->kind) {
	case EXPR_AND:
	case EXPR_OR:
		buf_text(out, "(");
		put_node(e, n->left, out);
		buf_text(out, n->kind == EXPR_AND ? " and " : " or ");
		put_node(e, n->right, out);
		buf_text(out, ")");
		break;
	case EXPR_NOT:
		buf_text(out, "(not ");
		put_node(e, n->left, out);
		buf_text(out, ")");
		break;
	default:
		put_leaf(e, n, out);
		break;
	}
}

void
expr_explain(const struct expr *e, struct buf *out)
{
	put_node(e, e->root, out);
}
