/* SPDX-License-Identifier: ISC
 *
 * The union of what two nodes keep of one datagram: records and fields by place, tags. Every choice is a minimum
 * or a union of sets, so neither order nor grouping of several matters.
 */
#include <string.h>

#include "flow/selected_private.h"

struct side {
	struct selected_reader *r;
	struct flow flow;
	bool there;
	struct flow_walk walk;
	struct flow_value v;
	bool has_field;
	uint16_t at; /* of the field in its layout */
};

static void
next_flow(struct side *s)
{
	s->there = selected_next(s->r, &s->flow);
}

static void
next_field(struct side *s)
{
	s->has_field = flow_walk_next(&s->walk, &s->v);
	s->at++;
}

static void
begin_fields(struct side *s)
{
	flow_walk_init(&s->walk, &s->flow);
	s->has_field = flow_walk_next(&s->walk, &s->v);
	s->at = 0;
}

static uint16_t
place_of(const struct side *s)
{
	return selected_places(s->r)[s->at];
}

static void
put_field(struct selected_writer *w, const struct side *s)
{
	const struct tmpl_field *f = s->v.field;

	selected_field(w, place_of(s), f->pen, f->id, f->len == TMPL_VARIABLE, s->v.bytes, s->v.len);
}

static int
field_cmp(const struct flow_value *a, const struct flow_value *b)
{
	bool a_variable = a->field->len == TMPL_VARIABLE, b_variable = b->field->len == TMPL_VARIABLE;

	if (a->field->pen != b->field->pen)
		return a->field->pen < b->field->pen ? -1 : 1;
	if (a->field->id != b->field->id)
		return a->field->id < b->field->id ? -1 : 1;
	if (a_variable != b_variable)
		return a_variable ? 1 : -1;
	if (a->len != b->len)
		return a->len < b->len ? -1 : 1;
	return a->len > 0 ? memcmp(a->bytes, b->bytes, a->len) : 0;
}

static void
unite_fields(struct selected_writer *w, struct side *a, struct side *b, uint32_t *conflicts)
{
	begin_fields(a);
	begin_fields(b);
	while (a->has_field || b->has_field) {
		int c = !a->has_field ? 1 : !b->has_field ? -1 : (int)place_of(a) - (int)place_of(b);
		int order = c == 0 ? field_cmp(&a->v, &b->v) : c;

		*conflicts += c == 0 && order != 0;
		put_field(w, order <= 0 ? a : b);
		if (c <= 0)
			next_field(a);
		if (c >= 0)
			next_field(b);
	}
}

static size_t
unite_tags(const struct flow *a, const struct flow *b, uint32_t *tags)
{
	size_t n = 0, i = 0, k = 0;

	while (i < a->tag_count || k < b->tag_count) {
		if (k == b->tag_count || (i < a->tag_count && a->tags[i] <= b->tags[k])) {
			k += k < b->tag_count && a->tags[i] == b->tags[k];
			tags[n++] = a->tags[i++];
		} else {
			tags[n++] = b->tags[k++];
		}
	}
	return n;
}

static void
unite_flows(struct selected_writer *w, struct side *a, struct side *b, uint32_t *conflicts)
{
	uint32_t tags[2 * SELECTED_TAGS_MOST];

	selected_record_at(w, a->flow.options, a->flow.at,
	    a->flow.index > b->flow.index ? a->flow.index : b->flow.index, a->flow.late && b->flow.late, tags,
	    unite_tags(&a->flow, &b->flow, tags));
	unite_fields(w, a, b, conflicts);
}

static void
copy_flow(struct selected_writer *w, struct side *s)
{
	selected_record_at(
	    w, s->flow.options, s->flow.at, s->flow.index, s->flow.late, s->flow.tags, s->flow.tag_count);
	for (begin_fields(s); s->has_field; next_field(s))
		put_field(w, s);
}

/* A flow of a body, as far as it is chosen. */
static void
choose_flow(struct selected_writer *w, struct side *s, const struct selected_choice *choice)
{
	uint32_t got[SELECTED_TAGS_MOST], tags[2 * SELECTED_TAGS_MOST];
	struct flow chosen = {.tags = got};
	size_t n = 0;

	if (!choice->flow(choice->ctx, &s->flow, got, &n))
		return;
	chosen.tag_count = (uint8_t)n;
	selected_record_at(
	    w, false, s->flow.at, s->flow.index, s->flow.late, tags, unite_tags(&s->flow, &chosen, tags));
	for (begin_fields(s); s->has_field; next_field(s)) {
		if (choice->field == NULL || choice->field(choice->ctx, s->v.field))
			put_field(w, s);
	}
}

enum err
selected_choose(struct selected_reader *r, struct selected_writer *w, const uint8_t *body, size_t len,
    const struct selected_choice *choice, struct buf *out)
{
	struct side s = {.r = r};
	enum err e = selected_open(r, body, len);

	if (e != ERR_OK)
		return e;
	selected_begin(w, selected_head(r));
	for (next_flow(&s); s.there; next_flow(&s)) {
		if (s.flow.options)
			copy_flow(w, &s);
		else
			choose_flow(w, &s, choice);
	}
	return selected_end(w, out);
}

/* The order of records in a body. */
static int
flow_order(const struct side *a, const struct side *b)
{
	if (!a->there || !b->there)
		return a->there ? -1 : 1;
	if (a->flow.options != b->flow.options)
		return a->flow.options ? 1 : -1;
	return (a->flow.at > b->flow.at) - (a->flow.at < b->flow.at);
}

/* A longer skeleton knew more options; of equally long ones the smaller bytes. */
static const struct selected_head *
better_skeleton(const struct selected_head *a, const struct selected_head *b, uint32_t *conflicts)
{
	int c;

	if (a->skeleton_len != b->skeleton_len)
		return a->skeleton_len > b->skeleton_len ? a : b;
	c = memcmp(a->skeleton, b->skeleton, a->skeleton_len);
	*conflicts += c != 0;
	return c <= 0 ? a : b;
}

static struct selected_head
unite_heads(const struct selected_head *a, const struct selected_head *b, uint32_t *conflicts)
{
	struct selected_head h = *better_skeleton(a, b, conflicts);

	h.flags = a->flags | b->flags;
	h.records = a->records < b->records ? a->records : b->records;
	*conflicts += a->records != b->records && a->records != SELECTED_RECORDS_UNKNOWN &&
	    b->records != SELECTED_RECORDS_UNKNOWN;
	return h;
}

enum err
selected_unite(const struct selected_union *u, const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len,
    struct buf *out, uint32_t *ret_conflicts)
{
	struct side sa = {.r = u->a}, sb = {.r = u->b};
	struct selected_head h;
	uint32_t conflicts = 0;
	enum err e = selected_open(u->a, a, a_len);

	if (e == ERR_OK)
		e = selected_open(u->b, b, b_len);
	if (e != ERR_OK)
		return e;
	if (memcmp(a, b, SELECTED_IDENTITY_SIZE) != 0)
		return ERR_CONFLICT;
	h = unite_heads(selected_head(u->a), selected_head(u->b), &conflicts);
	selected_begin(u->w, &h);
	next_flow(&sa);
	next_flow(&sb);
	while ((h.flags & SELECTED_TOO_MANY) == 0 && (sa.there || sb.there)) {
		int c = flow_order(&sa, &sb);

		if (c == 0)
			unite_flows(u->w, &sa, &sb, &conflicts);
		else
			copy_flow(u->w, c < 0 ? &sa : &sb);
		if (c <= 0)
			next_flow(&sa);
		if (c >= 0)
			next_flow(&sb);
	}
	e = selected_end(u->w, out);
	if (e == ERR_LIMIT) {
		h.flags |= SELECTED_TOO_MANY;
		selected_begin(u->w, &h);
		e = selected_end(u->w, out);
	}
	if (e == ERR_OK)
		*ret_conflicts = conflicts;
	return e;
}
