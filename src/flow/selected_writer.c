/* SPDX-License-Identifier: ISC
 *
 * Writing selected flows. Records with the same fields share a layout, so that a field costs hardly more than its
 * bytes; layouts are numbered as they are met, so that one selection has one form.
 */
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/hash.h"
#include "flow/decode.h"
#include "flow/selected_private.h"
#include "flow/value.h"
#include "wire/sets.h"

#define LAYOUTS_MOST 1024 /* of a datagram: who sends more of them makes work on purpose */

struct layout {
	uint64_t hash;
	size_t at, len; /* of its fields in the group's layouts */
};

struct group {
	struct buf specs, records; /* owned */
	struct layout *layouts;    /* owned */
	size_t layout_count, layout_room;
	uint32_t count;
	uint16_t last; /* where the last one was */
};

struct selected_writer {
	struct selected_head head;
	struct buf skeleton; /* owned */
	struct group groups[SELECTED_GROUPS];
	uint64_t
	    measure; /* never less than the body's length, and never less for more: layouts count each time */
	enum err error; /* the first */

	/* the record at hand */
	bool open;
	struct group *group;
	uint16_t at;
	uint32_t index;
	bool late;
	uint32_t tags[SELECTED_TAGS_MOST];
	size_t tag_count;
	struct buf spec, values; /* owned */
	uint16_t fields;
	uint16_t last_place;
	uint32_t record_len;

	/* the template of the flow before, whose layout is known */
	const struct tmpl *tmpl;
	uint16_t tmpl_layout;
	bool *kept; /* owned; by field */
	size_t kept_room;
};

struct selected_writer *
selected_writer_new(void)
{
	return calloc(1, sizeof(struct selected_writer));
}

void
selected_writer_free(struct selected_writer *w)
{
	if (w == NULL)
		return;
	for (unsigned i = 0; i < SELECTED_GROUPS; i++) {
		buf_clear(&w->groups[i].specs);
		buf_clear(&w->groups[i].records);
		free(w->groups[i].layouts);
	}
	buf_clear(&w->skeleton);
	buf_clear(&w->spec);
	buf_clear(&w->values);
	free(w->kept);
	free(w);
}

static void
fail(struct selected_writer *w, enum err e)
{
	if (w->error == ERR_OK)
		w->error = e;
}

void
selected_begin(struct selected_writer *w, const struct selected_head *head)
{
	w->head = *head;
	buf_reset(&w->skeleton);
	buf_bytes(&w->skeleton, head->skeleton, head->skeleton_len);
	for (unsigned i = 0; i < SELECTED_GROUPS; i++) {
		struct group *g = &w->groups[i];

		buf_reset(&g->specs);
		buf_reset(&g->records);
		g->layout_count = 0;
		g->count = 0;
	}
	w->measure = 0;
	w->error = ERR_OK;
	w->open = false;
	w->tmpl = NULL;
}

/* The number of the layout whose fields stand in w->spec. */
static uint16_t
layout_of(struct selected_writer *w, struct group *g)
{
	uint64_t hash = hash_bytes(w->spec.data, w->spec.len);

	for (size_t i = g->layout_count; i-- > 0;) {
		const struct layout *l = &g->layouts[i];

		if (l->hash == hash && l->len == w->spec.len &&
		    (l->len == 0 || memcmp(g->specs.data + l->at, w->spec.data, l->len) == 0))
			return (uint16_t)i;
	}
	if (g->layout_count == UINT16_MAX) {
		fail(w, ERR_LIMIT);
		return 0;
	}
	if (array_grow(g->layouts, g->layout_room, g->layout_count) != ERR_OK) {
		fail(w, ERR_MEMORY);
		return 0;
	}
	buf_u16(&g->specs, w->fields);
	g->layouts[g->layout_count] = (struct layout){.hash = hash, .at = g->specs.len, .len = w->spec.len};
	buf_bytes(&g->specs, w->spec.data, w->spec.len);
	return (uint16_t)g->layout_count++;
}

/* What stands in front of a record's bytes. */
static void
put_record(struct selected_writer *w, uint16_t layout)
{
	struct group *g = w->group;

	if (g->count > 0 && w->at <= g->last)
		fail(w, ERR_MALFORMED);
	g->last = w->at;
	g->count++;
	buf_u16(&g->records, w->at);
	buf_u32(&g->records, w->index);
	buf_u8(&g->records, w->late ? SELECTED_LATE : 0);
	buf_u8(&g->records, (uint8_t)w->tag_count);
	buf_u16(&g->records, layout);
	for (size_t i = 0; i < w->tag_count; i++)
		buf_u32(&g->records, w->tags[i]);
	w->measure += SELECTED_RECORD_SIZE + 4 * w->tag_count + 2;
}

static void
end_record(struct selected_writer *w)
{
	if (!w->open)
		return;
	w->open = false;
	if (w->record_len > UINT16_MAX)
		fail(w, ERR_LIMIT);
	w->measure += w->spec.len + w->values.len;
	if (w->measure > SELECTED_MOST)
		fail(w, ERR_LIMIT);
	if (w->error != ERR_OK)
		return;
	put_record(w, layout_of(w, w->group));
	buf_bytes(&w->group->records, w->values.data, w->values.len);
}

static int
u32_cmp(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void
take_tags(struct selected_writer *w, const uint32_t *tags, size_t count)
{
	size_t n = 0;

	w->tag_count = 0;
	if (count > SELECTED_TAGS_MOST) {
		fail(w, ERR_LIMIT);
		return;
	}
	if (count == 0)
		return;
	memcpy(w->tags, tags, count * sizeof(*tags));
	if (count > 1)
		qsort(w->tags, count, sizeof(*tags), u32_cmp);
	for (size_t i = 0; i < count; i++) {
		if (n == 0 || w->tags[n - 1] != w->tags[i])
			w->tags[n++] = w->tags[i];
	}
	w->tag_count = n;
}

static void
begin_record(struct selected_writer *w, bool options, uint16_t at, uint32_t index, bool late,
    const uint32_t *tags, size_t n_tags)
{
	w->group = &w->groups[options];
	w->at = at;
	w->index = index;
	w->late = late;
	take_tags(w, tags, n_tags);
}

void
selected_record(
    struct selected_writer *w, bool options, uint32_t index, bool late, const uint32_t *tags, size_t n_tags)
{
	if (index > UINT16_MAX)
		fail(w, ERR_LIMIT);
	selected_record_at(w, options, (uint16_t)index, index, late, tags, n_tags);
}

void
selected_record_at(struct selected_writer *w, bool options, uint16_t at, uint32_t index, bool late,
    const uint32_t *tags, size_t n_tags)
{
	end_record(w);
	begin_record(w, options, at, index, late, tags, n_tags);
	w->open = true;
	w->fields = 0;
	w->record_len = 0;
	buf_reset(&w->spec);
	buf_reset(&w->values);
}

static void
put_value(struct buf *b, bool variable, const void *bytes, uint16_t len)
{
	if (variable && len < 255) {
		buf_u8(b, (uint8_t)len);
	} else if (variable) {
		buf_u8(b, 255);
		buf_u16(b, len);
	}
	buf_bytes(b, bytes, len);
}

void
selected_field(struct selected_writer *w, uint16_t place, uint32_t pen, uint16_t id, bool variable,
    const void *bytes, uint16_t len)
{
	if (!w->open)
		return;
	if ((w->fields > 0 && place <= w->last_place) || (!variable && len == TMPL_VARIABLE))
		fail(w, ERR_MALFORMED);
	w->last_place = place;
	w->fields++;
	w->record_len += variable ? 1 : len;
	buf_u16(&w->spec, place);
	buf_u32(&w->spec, pen);
	buf_u16(&w->spec, id);
	buf_u16(&w->spec, variable ? TMPL_VARIABLE : len);
	put_value(&w->values, variable, bytes, len);
}

/* The first flow of a template: asks for each field. */
static bool
ask(struct selected_writer *w, const struct tmpl *t, selected_keeps keeps, void *ctx)
{
	while (w->kept_room < t->field_count) {
		if (array_grow(w->kept, w->kept_room, w->kept_room) != ERR_OK) {
			fail(w, ERR_MEMORY);
			return false;
		}
	}
	for (uint16_t i = 0; i < t->field_count; i++)
		w->kept[i] = keeps == NULL || keeps(ctx, &t->fields[i]);
	return true;
}

/* A further one: its layout is known. */
static void
put_again(struct selected_writer *w, const struct flow *f)
{
	struct buf *out = &w->group->records;
	struct flow_walk walk;
	struct flow_value v;
	size_t before;

	w->measure += w->group->layouts[w->tmpl_layout].len;
	put_record(w, w->tmpl_layout);
	before = out->len;
	flow_walk_init(&walk, f);
	for (uint16_t i = 0; flow_walk_next(&walk, &v); i++) {
		if (w->kept[i])
			put_value(out, v.field->len == TMPL_VARIABLE, v.bytes, v.len);
	}
	w->measure += out->len - before;
	if (w->measure > SELECTED_MOST)
		fail(w, ERR_LIMIT);
}

void
selected_flow(struct selected_writer *w, const struct flow *f, const uint32_t *tags, size_t n_tags,
    selected_keeps keeps, void *ctx)
{
	struct flow_walk walk;
	struct flow_value v;

	end_record(w);
	if (w->error != ERR_OK)
		return;
	if (w->tmpl == f->tmpl &&
	    f->tmpl->proto != PROTO_SFLOW5) { /* its templates are made anew in one place */
		begin_record(w, f->options, f->at, f->index, f->late, tags, n_tags);
		put_again(w, f);
		return;
	}
	w->tmpl = NULL;
	if (!ask(w, f->tmpl, keeps, ctx))
		return;
	selected_record_at(w, f->options, f->at, f->index, f->late, tags, n_tags);
	flow_walk_init(&walk, f);
	for (uint16_t i = 0; flow_walk_next(&walk, &v); i++) {
		if (w->kept[i])
			selected_field(
			    w, i, v.field->pen, v.field->id, v.field->len == TMPL_VARIABLE, v.bytes, v.len);
	}
	end_record(w);
	if (w->error == ERR_OK) {
		w->tmpl = f->tmpl;
		w->tmpl_layout = layout_of(w, w->group);
	}
}

enum err
selected_end(struct selected_writer *w, struct buf *out)
{
	bool held = buf_ok(&w->skeleton) && buf_ok(&w->spec) && buf_ok(&w->values);

	end_record(w);
	for (unsigned i = 0; i < SELECTED_GROUPS; i++)
		held = held && buf_ok(&w->groups[i].specs) && buf_ok(&w->groups[i].records);
	if (!held)
		return ERR_MEMORY;
	if (w->error != ERR_OK)
		return w->error;
	if (w->measure + SELECTED_HEAD_SIZE + 2 + w->skeleton.len + SELECTED_GROUPS * 6 > SELECTED_MOST)
		return ERR_LIMIT;
	buf_bytes(out, w->head.digest.b, sizeof(w->head.digest.b));
	buf_u16(out, w->head.len);
	buf_u16(out, w->head.flags);
	buf_u32(out, w->head.records);
	buf_u16(out, (uint16_t)w->skeleton.len);
	buf_bytes(out, w->skeleton.data, w->skeleton.len);
	for (unsigned i = 0; i < SELECTED_GROUPS; i++) {
		const struct group *g = &w->groups[i];

		buf_u16(out, (uint16_t)g->layout_count);
		buf_bytes(out, g->specs.data, g->specs.len);
		buf_u32(out, g->count);
		buf_bytes(out, g->records.data, g->records.len);
	}
	return buf_ok(out) ? ERR_OK : ERR_MEMORY;
}

/* Header, and the sets that hold no flows. */
static void
put_skeleton(struct selected_writer *w, const uint8_t *payload, size_t len, const struct proto_info *info,
    flow_resolve resolve, void *ctx)
{
	unsigned ordinal = 0;
	struct sets it;
	struct set set;

	buf_bytes(&w->skeleton, payload, info->header_len);
	if (info->proto != PROTO_V9 && info->proto != PROTO_IPFIX)
		return;
	sets_init(&it, info, payload, len);
	while (sets_next(&it, &set) == ERR_OK) {
		bool kept = set.kind == SET_TEMPLATE || set.kind == SET_OPTIONS_TEMPLATE;

		if (set.kind == SET_DATA) {
			bool late = false;
			const struct tmpl *t = resolve != NULL ? resolve(ctx, ordinal, set.id, &late) : NULL;

			kept = t != NULL && t->kind == TMPL_OPTIONS && flow_template_is_sane(t);
			ordinal++;
		}
		if (kept)
			buf_bytes(&w->skeleton, payload + set.offset, SET_HEADER_SIZE + rd_left(&set.body));
	}
}

static void
choose(struct selected_writer *w, const struct selected_choice *choice, const struct flow *f)
{
	uint32_t tags[SELECTED_TAGS_MOST];
	size_t n = 0;

	if (f->options) { /* of v9 and IPFIX they stand in the skeleton */
		if (f->info->proto == PROTO_SFLOW5)
			selected_flow(w, f, NULL, 0, NULL, NULL);
	} else if (choice->flow(choice->ctx, f, tags, &n)) {
		selected_flow(w, f, tags, n, choice->field, choice->ctx);
	}
}

enum err
selected_write(struct selected_writer *w, const uint8_t *payload, size_t len, const struct proto_info *info,
    const struct sha256 *digest, flow_resolve resolve, void *resolve_ctx,
    const struct selected_choice *choice, struct buf *out, bool *ret_complete)
{
	struct selected_head head = {.digest = *digest, .len = (uint16_t)len};
	struct decode d;
	struct flow f;
	bool complete;

	if (info->cut || len > UINT16_MAX)
		return ERR_LIMIT;
	selected_begin(w, &head);
	put_skeleton(w, payload, len, info, resolve, resolve_ctx);
	decode_init(&d, payload, len, info, resolve, resolve_ctx);
	while (w->error == ERR_OK && decode_next(&d, &f) == ERR_OK) {
		choose(w, choice, &f);
		if (w->groups[0].layout_count + w->groups[1].layout_count > LAYOUTS_MOST)
			return ERR_LIMIT;
	}
	complete = d.sets_unknown == 0 && d.sets_malformed == 0 && d.sets_reserved == 0 &&
	    d.samples_unknown == 0 && d.fault == FAULT_NONE && info->proto != PROTO_V8;
	w->head.flags = complete ? 0 : SELECTED_UNDECODED;
	w->head.records = complete ? d.flows + d.options : SELECTED_RECORDS_UNKNOWN;
	*ret_complete = complete;
	return selected_end(w, out);
}
