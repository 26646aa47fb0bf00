/* SPDX-License-Identifier: ISC
 *
 * Where records have one length, the view is a template with holes over the same record; else the record is copied without
 * what is left out. Each template of a datagram has a view of its own, since expressions and printers remember by pointer
 * what they found in a template.
 */
#include "flow/policy_view.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

#define TAGS_MOST 255

struct view {
	const struct tmpl *of; /* the flow's; borrowed, for the time of the datagram */
	struct tmpl *made;     /* owned */
	uint16_t room;         /* fields that made has room for */
	bool *kept;            /* owned; by field of `of`, room for as many */
};

struct policy_view {
	struct policy *policy; /* borrowed */
	struct view *views;    /* owned */
	size_t count, room;    /* in use for the datagram; made so far */
	size_t array_room;
	struct buf record;
	uint32_t tags[TAGS_MOST];
	uint16_t map[TMPL_FIELDS_MOST]; /* from a template's fields to its view's */
};

struct policy_view *
policy_view_new(struct policy *p)
{
	struct policy_view *v = calloc(1, sizeof(*v));

	if (v != NULL)
		v->policy = p;
	return v;
}

void
policy_view_free(struct policy_view *v)
{
	if (v == NULL)
		return;
	for (size_t i = 0; i < v->room; i++) {
		free(v->views[i].made);
		free(v->views[i].kept);
	}
	free(v->views);
	buf_clear(&v->record);
	free(v);
}

void
policy_view_datagram(struct policy_view *v)
{
	v->count = 0;
	policy_datagram(v->policy);
}

/* --- templates --- */

static enum err
make_room(struct view *w, uint16_t fields)
{
	struct tmpl *made;
	bool *kept;

	if (w->made != NULL && w->room >= fields)
		return ERR_OK;
	made = malloc(sizeof(*made) + fields * sizeof(made->fields[0]));
	kept = malloc(fields + 1U);
	if (made == NULL || kept == NULL) {
		free(made);
		free(kept);
		return ERR_MEMORY;
	}
	free(w->made);
	free(w->kept);
	w->made = made;
	w->kept = kept;
	w->room = fields;
	return ERR_OK;
}

/* Fields that are one element are kept together, so the chains of these stay chains. */
static void
make_fields(struct policy_view *v, struct view *w)
{
	const struct tmpl *t = w->of;
	struct tmpl *made = w->made;
	uint32_t offset = 0;

	*made = *t;
	made->field_count = 0;
	made->variable = false;
	for (uint16_t i = 0; i < t->field_count; i++) {
		w->kept[i] = policy_keeps_field(v->policy, t->fields[i].pen, t->fields[i].id);
		if (w->kept[i])
			v->map[i] = made->field_count++;
	}
	for (uint16_t i = 0; i < t->field_count; i++) {
		struct tmpl_field *f = &made->fields[v->map[i]];

		if (!w->kept[i])
			continue;
		*f = t->fields[i];
		if (f->again != TMPL_NO_FIELD)
			f->again = v->map[f->again];
		made->variable |= f->len == TMPL_VARIABLE;
		if (!t->variable)
			continue;
		f->offset = offset;
		offset += f->len == TMPL_VARIABLE ? 1 : f->len;
	}
	if (t->variable)
		made->record_len = offset;
}

/* sFlow's templates are made anew in one place, so there pointers tell nothing. */
static enum err
view_of(struct policy_view *v, const struct tmpl *t, struct view **ret)
{
	enum err e;

	for (size_t i = 0; i < v->count && t->proto != PROTO_SFLOW5; i++) {
		if (v->views[i].of == t) {
			*ret = &v->views[i];
			return ERR_OK;
		}
	}
	if (t->proto == PROTO_SFLOW5)
		v->count = 0;
	if (v->count == v->room) {
		if (array_grow(v->views, v->array_room, v->room) != ERR_OK)
			return ERR_MEMORY;
		v->views[v->room++] = (struct view){.of = NULL};
	}
	e = make_room(&v->views[v->count], t->field_count);
	if (e != ERR_OK)
		return e;
	*ret = &v->views[v->count++];
	(*ret)->of = t;
	make_fields(v, *ret);
	return ERR_OK;
}

/* --- records --- */

static void
put_field(struct buf *b, const struct flow_value *v)
{
	if (v->field->len == TMPL_VARIABLE && v->len < 255) {
		buf_u8(b, (uint8_t)v->len);
	} else if (v->field->len == TMPL_VARIABLE) {
		buf_u8(b, 255);
		buf_u16(b, v->len);
	}
	buf_bytes(b, v->bytes, v->len);
}

static enum err
leave_fields(struct policy_view *v, struct flow *f)
{
	struct flow_walk walk;
	struct flow_value value;
	struct view *w;
	enum err e = view_of(v, f->tmpl, &w);

	if (e != ERR_OK)
		return e;
	if (f->tmpl->variable) {
		if (!buf_ok(&v->record))
			buf_clear(&v->record);
		buf_reset(&v->record);
		flow_walk_init(&walk, f);
		for (uint16_t i = 0; flow_walk_next(&walk, &value); i++) {
			if (w->kept[i])
				put_field(&v->record, &value);
		}
		if (!buf_ok(&v->record))
			return ERR_MEMORY;
		f->record = rd_init(v->record.data, v->record.len);
	}
	f->tmpl = w->made;
	return ERR_OK;
}

/* Ascending, each once. When there are too many, those that it had stay. */
static void
add_tag(struct policy_view *v, uint32_t tag, struct flow *f)
{
	size_t n = 0;

	for (unsigned i = 0; i < f->tag_count; i++) {
		if (f->tags[i] == tag)
			return;
	}
	if (f->tag_count >= TAGS_MOST)
		return;
	for (; n < f->tag_count && f->tags[n] < tag; n++)
		v->tags[n] = f->tags[n];
	v->tags[n] = tag;
	for (; n < f->tag_count; n++)
		v->tags[n + 1] = f->tags[n];
	f->tags = v->tags;
	f->tag_count++;
}

enum err
policy_view_flow(struct policy_view *v, const struct flow_context *c, struct flow *f)
{
	bool keep;
	uint32_t tag;

	if (f->options)
		return ERR_OK;
	policy_flow(v->policy, f, c, &keep, &tag);
	if (!keep)
		return ERR_END;
	if (tag != 0)
		add_tag(v, tag, f);
	return policy_keeps_all_fields(v->policy) ? ERR_OK : leave_fields(v, f);
}
