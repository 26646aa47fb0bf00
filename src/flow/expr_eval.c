/* SPDX-License-Identifier: ISC
 *
 * Asking flows. A leaf finds its field in the template once, and then reads the record's bytes at that place; behind a field of
 * variable length it has to walk. The reader is bounded, so a record that is shorter than its template says matches nothing.
 */
#include <string.h>

#include "flow/expr_private.h"
#include "flow/value.h"

#define DAY_NS (86400 * NS_PER_SEC)
#define SIGN (1ULL << 63)

/* --- places --- */

static void
place_in(const struct tmpl *t, const struct expr_node *n, struct expr_place *ret)
{
	bool variable = false;

	*ret = (struct expr_place){.found = false};
	for (unsigned k = 0; k < n->field_count; k++) {
		variable = false;
		for (uint16_t i = 0; i < t->field_count; i++) {
			const struct tmpl_field *f = &t->fields[i];

			if (f->id == n->fields[k].id && f->pen == n->fields[k].pen &&
			    (!f->scope || t->proto != PROTO_V9)) {
				*ret = (struct expr_place){.found = true,
				    .walk = variable || f->len == TMPL_VARIABLE,
				    .field = i,
				    .offset = f->offset,
				    .len = f->len,
				    .type = n->fields[k].type};
				return;
			}
			variable |= f->len == TMPL_VARIABLE;
		}
	}
}

/* sFlow's templates are made anew in one place, sample by sample. */
static const struct expr_place *
place_of(struct expr_node *n, const struct tmpl *t)
{
	if (n->placed != t || t->proto == PROTO_SFLOW5) {
		place_in(t, n, &n->place);
		n->placed = t;
	}
	return &n->place;
}

static const uint8_t *
bytes_at(const struct flow *f, const struct expr_place *p, uint16_t *ret_len)
{
	struct flow_walk w;
	struct flow_value v;
	struct rd r = f->record;

	if (!p->found)
		return NULL;
	if (!p->walk) {
		rd_skip(&r, p->offset);
		*ret_len = p->len;
		return rd_bytes(&r, p->len);
	}
	flow_walk_init(&w, f);
	for (uint16_t i = 0; flow_walk_next(&w, &v); i++) {
		if (i == p->field) {
			*ret_len = v.len;
			return v.bytes;
		}
	}
	return NULL;
}

/* --- operands --- */

static bool
field_number(struct expr_node *n, const struct flow *f, uint64_t *ret)
{
	const struct expr_place *p = place_of(n, f->tmpl);
	uint16_t len;
	const uint8_t *bytes = bytes_at(f, p, &len);
	wall_t time;
	int digits;

	if (bytes == NULL || len < 1 || len > 8)
		return false;
	*ret = value_u64(bytes, len);
	if (p->type >= ELEMENT_SECONDS && p->type <= ELEMENT_NANOSECONDS) {
		if (!value_time((enum element_type)p->type, bytes, len, &time, &digits) || time.ns < 0)
			return false;
		*ret = (uint64_t)time.ns;
	} else if (p->type == ELEMENT_SIGNED) {
		if (len < 8 && (bytes[0] & 0x80) != 0)
			*ret |= ~0ULL << (8 * len);
		*ret ^= SIGN;
	}
	return true;
}

/* The first of these that the record has; octets or packets, delta or total. */
static bool
counter(const struct flow *f, uint16_t delta, uint16_t total, uint64_t *ret)
{
	return flow_get_u64(f, 0, delta, ret) || flow_get_u64(f, 0, total, ret);
}

static bool
duration_ms(const struct flow *f, uint64_t *ret)
{
	wall_t start, end;

	if (!flow_start(f, &start, NULL) || !flow_end(f, &end, NULL) || end.ns < start.ns)
		return false;
	*ret = (uint64_t)((end.ns - start.ns) / NS_PER_MSEC);
	return true;
}

/* A flow of no duration has no rate; nfdump gives 0. */
static bool
per_second(const struct flow *f, uint16_t delta, uint16_t total, uint64_t factor, uint64_t *ret)
{
	uint64_t v, ms;

	if (!counter(f, delta, total, &v) || !duration_ms(f, &ms))
		return false;
	*ret = ms > 0 ? (uint64_t)((double)v * (double)factor * 1000.0 / (double)ms) : 0;
	return true;
}

static bool
when(const struct flow *f, const struct flow_context *c, wall_t *ret)
{
	if (!flow_start(f, ret, NULL))
		*ret = c->received;
	return ret->ns >= 0;
}

static bool
inet(const struct flow *f, uint64_t version)
{
	struct flow_value v;

	if (version == 4)
		return flow_get(f, 0, IE_SRC_IPV4, &v) || flow_get(f, 0, IE_DST_IPV4, &v);
	return flow_get(f, 0, IE_SRC_IPV6, &v) || flow_get(f, 0, IE_DST_IPV6, &v);
}

static bool
number_of(struct expr_node *n, const struct flow *f, const struct flow_context *c, uint64_t *ret)
{
	uint64_t octets, packets;
	wall_t t;

	switch ((enum expr_what)n->what) {
	case EXPR_FIELD:
		return field_number(n, f, ret);
	case EXPR_EXPORTER_PORT:
		*ret = c->port;
		return true;
	case EXPR_VERSION:
		*ret = (uint64_t)f->info->proto;
		return f->info->proto != PROTO_SFLOW5;
	case EXPR_DOMAIN:
		*ret = f->info->domain;
		return true;
	case EXPR_START:
	case EXPR_END:
		if (!(n->what == EXPR_START ? flow_start(f, &t, NULL) : flow_end(f, &t, NULL)) || t.ns < 0)
			return false;
		*ret = (uint64_t)t.ns;
		return true;
	case EXPR_RECEIVED:
		*ret = (uint64_t)c->received.ns;
		return c->received.ns >= 0;
	case EXPR_TIME_OF_DAY:
		if (!when(f, c, &t))
			return false;
		*ret = (uint64_t)(t.ns % DAY_NS);
		return true;
	case EXPR_DAY: /* 1970 began on a Thursday */
		if (!when(f, c, &t))
			return false;
		*ret = (uint64_t)(t.ns / DAY_NS + 4) % 7;
		return true;
	case EXPR_DURATION:
		return duration_ms(f, ret);
	case EXPR_BPS:
		return per_second(f, IE_OCTETS, IE_OCTETS_TOTAL, 8, ret);
	case EXPR_PPS:
		return per_second(f, IE_PACKETS, IE_PACKETS_TOTAL, 1, ret);
	case EXPR_BPP:
		if (!counter(f, IE_OCTETS, IE_OCTETS_TOTAL, &octets) ||
		    !counter(f, IE_PACKETS, IE_PACKETS_TOTAL, &packets) || packets == 0)
			return false;
		*ret = octets / packets;
		return true;
	case EXPR_EXPORTER:
	case EXPR_SFLOW:
	case EXPR_INET:
	case EXPR_TAG:
		break;
	}
	return false;
}

static bool
address_of(struct expr_node *n, const struct flow *f, const struct flow_context *c, struct addr *ret)
{
	const uint8_t *bytes;
	uint16_t len;

	if (n->what == EXPR_EXPORTER) {
		*ret = c->exporter;
		return true;
	}
	bytes = bytes_at(f, place_of(n, f->tmpl), &len);
	if (bytes == NULL || (len != 4 && len != 16))
		return false;
	*ret = addr_v4(0);
	memcpy(len == 4 ? ret->b + 12 : ret->b, bytes, len);
	return true;
}

/* --- answers --- */

/* Ranges are in order and apart. */
static bool
in_ranges(const struct expr_range *r, size_t count, uint64_t v)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (v > r[middle].high)
			low = middle + 1;
		else
			high = middle;
	}
	return low < count && v >= r[low].low;
}

static bool
in_addresses(const struct expr_addresses *r, size_t count, const struct addr *a)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memcmp(a->b, r[middle].high, 16) > 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < count && memcmp(a->b, r[low].low, 16) >= 0;
}

/* Strings of a fixed length are filled up with zeros. */
static bool
same_bytes(const struct expr *e, struct expr_node *n, const struct flow *f, bool *ret_there)
{
	const struct expr_place *p = place_of(n, f->tmpl);
	uint16_t len = 0;
	const uint8_t *bytes = bytes_at(f, p, &len);

	*ret_there = bytes != NULL;
	if (bytes == NULL)
		return false;
	while (p->type == ELEMENT_STRING && len > 0 && bytes[len - 1] == 0)
		len--;
	return len == n->count && (len == 0 || memcmp(bytes, e->bytes.data + n->first, len) == 0);
}

/* A flow has any number of tags; one without has 0. */
static bool
has_tag(const struct expr_range *ranges, size_t count, const struct flow *f, uint32_t tag)
{
	bool found = (tag != 0 || f->tag_count == 0) && in_ranges(ranges, count, tag);

	for (unsigned i = 0; i < f->tag_count && !found; i++)
		found = in_ranges(ranges, count, f->tags[i]);
	return found;
}

static bool
leaf(const struct expr *e, struct expr_node *n, const struct flow *f, const struct flow_context *c,
    uint32_t tag)
{
	bool negated = n->op == EXPR_NE, there;
	struct addr a;
	uint64_t v;

	switch ((enum expr_kind)n->kind) {
	case EXPR_NUMBER:
		if (n->what == EXPR_SFLOW)
			return f->info->proto == PROTO_SFLOW5;
		if (n->what == EXPR_INET)
			return inet(f, n->value);
		if (n->what == EXPR_TAG)
			return has_tag(n->count > 0 ? e->ranges + n->first : NULL, n->count, f, tag) !=
			    negated;
		return number_of(n, f, c, &v) &&
		    in_ranges(n->count > 0 ? e->ranges + n->first : NULL, n->count, v) != negated;
	case EXPR_ADDRESS:
		return address_of(n, f, c, &a) &&
		    in_addresses(n->count > 0 ? e->addresses + n->first : NULL, n->count, &a) != negated;
	case EXPR_FLAGS:
		return field_number(n, f, &v) && (v & n->mask) == n->value;
	case EXPR_BYTES:
		return same_bytes(e, n, f, &there) != negated && there;
	case EXPR_PRESENT:
		return place_of(n, f->tmpl)->found;
	case EXPR_TRUE:
	case EXPR_AND:
	case EXPR_OR:
	case EXPR_NOT:
		break;
	}
	return true;
}

/* The depth is bounded by the parser. */
static bool
ask(const struct expr *e, uint32_t at, const struct flow *f, const struct flow_context *c, uint32_t tag)
{
	struct expr_node *n = &e->nodes[at];

	switch ((enum expr_kind)n->kind) {
	case EXPR_AND:
		return ask(e, n->left, f, c, tag) && ask(e, n->right, f, c, tag);
	case EXPR_OR:
		return ask(e, n->left, f, c, tag) || ask(e, n->right, f, c, tag);
	case EXPR_NOT:
		return !ask(e, n->left, f, c, tag);
	default:
		return leaf(e, n, f, c, tag);
	}
}

void
expr_datagram(struct expr *e)
{
	for (size_t i = 0; i < e->node_count; i++)
		e->nodes[i].placed = NULL;
}

bool
expr_match(struct expr *e, const struct flow *f, const struct flow_context *c, uint32_t tag)
{
	return ask(e, e->root, f, c, tag);
}
