/* SPDX-License-Identifier: ISC
 *
 * Reading selected flows: a record of a layout is one of a template that is made beside it, so that whoever reads flows
 * reads these. Bodies of one node mostly have the layouts of the body before, whose templates are kept.
 */
#include "flow/selected.h"

#include <stdlib.h>
#include <string.h>

#include "flow/selected_private.h"
#include "flow/value.h"
#include "wire/sets.h"

/* Layouts and records of one group. */
struct group {
	struct buf specs;   /* owned; the layouts that templates were made of */
	struct buf room;    /* owned; templates and places, each aligned */
	struct buf at_room; /* owned; the offset of each template in room */
	enum proto proto;   /* that they were made for */
	uint16_t layouts;
	uint32_t count;
	struct rd records;
};

struct selected_reader {
	struct selected_head head;
	struct group groups[SELECTED_GROUPS];

	/* what selected_next walks over */
	unsigned group;
	uint32_t left;
	struct rd at;
	uint32_t tags[SELECTED_TAGS_MOST];
	const uint16_t *places;
};

#define ALIGNED(n) (((n) + 15) & ~(size_t)15)

struct selected_reader *
selected_reader_new(void)
{
	return calloc(1, sizeof(struct selected_reader));
}

void
selected_reader_free(struct selected_reader *r)
{
	if (r == NULL)
		return;
	for (unsigned i = 0; i < SELECTED_GROUPS; i++) {
		buf_clear(&r->groups[i].specs);
		buf_clear(&r->groups[i].room);
		buf_clear(&r->groups[i].at_room);
	}
	free(r);
}

static struct tmpl *
layout_template(const struct group *g, uint16_t layout)
{
	size_t at;

	memcpy(&at, g->at_room.data + layout * sizeof(at), sizeof(at));
	return (struct tmpl *)(void *)(g->room.data + at);
}

static size_t
template_size(uint16_t fields)
{
	return ALIGNED(sizeof(struct tmpl) + fields * sizeof(struct tmpl_field));
}

static const uint16_t *
layout_places(const struct tmpl *t)
{
	return (const uint16_t *)(const void *)((const uint8_t *)t + template_size(t->field_count));
}

/* One layout, whose template has its room. */
static enum err
read_layout(struct rd *in, struct tmpl *t, uint16_t fields, enum proto proto, bool options)
{
	uint16_t *places;
	uint32_t len = 0;

	*t = (struct tmpl){.proto = proto, .kind = options ? TMPL_OPTIONS : TMPL_DATA, .field_count = fields};
	places = (uint16_t *)(void *)((uint8_t *)t + template_size(fields));
	for (uint16_t i = 0; i < fields; i++) {
		struct tmpl_field *f = &t->fields[i];

		places[i] = rd_u16(in);
		*f = (struct tmpl_field){.pen = rd_u32(in), .offset = len};
		f->id = rd_u16(in);
		f->len = rd_u16(in);
		len += f->len == TMPL_VARIABLE ? 1 : f->len;
		t->variable |= f->len == TMPL_VARIABLE;
		if ((i > 0 && places[i] <= places[i - 1]) || len > UINT16_MAX)
			return ERR_MALFORMED;
	}
	t->record_len = len;
	return tmpl_link_repeats(t);
}

/* Makes the templates of a group; in stands at its first layout. */
static enum err
read_layouts(struct rd *in, struct group *g, bool options, size_t size)
{
	size_t at = 0;
	uint8_t *room;
	enum err e = ERR_OK;

	buf_reset(&g->room);
	buf_reset(&g->at_room);
	room = buf_room(&g->room, size);
	if (size > 0 && room == NULL)
		return ERR_MEMORY;
	for (uint16_t i = 0; i < g->layouts && e == ERR_OK; i++) {
		uint16_t fields = rd_u16(in);

		buf_bytes(&g->at_room, &at, sizeof(at));
		if (!buf_ok(&g->at_room))
			return ERR_MEMORY;
		e = read_layout(in, (struct tmpl *)(void *)(room + at), fields, g->proto, options);
		at += template_size(fields) + ALIGNED(fields * sizeof(uint16_t));
	}
	return e;
}

/* Finds the end of the layouts; they are made into templates when they are not those of the body before. */
static enum err
take_layouts(struct rd *in, struct group *g, enum proto proto, bool options)
{
	struct rd ahead;
	uint16_t layouts = rd_u16(in);
	const uint8_t *begin;
	size_t len, size = 0;
	enum err e;

	ahead = *in;
	for (uint16_t i = 0; i < layouts && rd_ok(&ahead); i++) {
		uint16_t fields = rd_u16(&ahead);

		rd_skip(&ahead, (size_t)fields * SELECTED_FIELD_SIZE);
		size += template_size(fields) + ALIGNED(fields * sizeof(uint16_t));
	}
	if (!rd_ok(in) || !rd_ok(&ahead))
		return ERR_CUT;
	begin = in->at;
	len = (size_t)(ahead.at - begin);
	if (g->layouts == layouts && g->proto == proto && g->specs.len == len &&
	    (len == 0 || memcmp(g->specs.data, begin, len) == 0)) {
		*in = ahead;
		return ERR_OK;
	}
	g->layouts = layouts;
	g->proto = proto;
	buf_reset(&g->specs);
	e = read_layouts(in, g, options, size);
	if (e == ERR_OK)
		buf_bytes(&g->specs, begin, len);
	if (e == ERR_OK && !buf_ok(&g->specs))
		e = ERR_MEMORY;
	if (e != ERR_OK) { /* nothing is known */
		g->proto = PROTO_NONE;
		g->layouts = 0;
		buf_reset(&g->specs);
	}
	return e;
}

/* Takes the bytes of a record; those of variable length in the shortest form only. */
static enum err
take_record(struct rd *in, const struct tmpl *t, struct rd *ret)
{
	struct rd ahead = *in;

	if (!t->variable) {
		*ret = rd_sub(in, t->record_len);
		return rd_ok(ret) ? ERR_OK : ERR_CUT;
	}
	for (uint16_t i = 0; i < t->field_count && rd_ok(&ahead); i++) {
		size_t len = t->fields[i].len;

		if (len == TMPL_VARIABLE) {
			len = rd_u8(&ahead);
			if (len == 255 && (len = rd_u16(&ahead)) < 255 && rd_ok(&ahead))
				return ERR_MALFORMED;
		}
		rd_skip(&ahead, len);
	}
	if (!rd_ok(&ahead))
		return ERR_CUT;
	*ret = rd_sub(in, (size_t)(ahead.at - in->at));
	return ERR_OK;
}

struct record_head {
	uint16_t at;
	uint32_t index;
	uint8_t flags, tags;
	uint16_t layout;
};

static struct record_head
read_record_head(struct rd *in)
{
	struct record_head h = {.at = rd_u16(in)};

	h.index = rd_u32(in);
	h.flags = rd_u8(in);
	h.tags = rd_u8(in);
	h.layout = rd_u16(in);
	return h;
}

/* Walks over all records once. */
static enum err
check_records(struct rd *in, const struct group *g)
{
	uint32_t used = 0, last = 0, tag, last_tag = 0;
	struct rd record;

	for (uint32_t i = 0; i < g->count; i++) {
		struct record_head h = read_record_head(in);
		enum err e;

		for (unsigned k = 0; k < h.tags; k++, last_tag = tag) {
			tag = rd_u32(in);
			if (rd_ok(in) && k > 0 && tag <= last_tag)
				return ERR_MALFORMED;
		}
		if (!rd_ok(in))
			return ERR_CUT;
		if ((i > 0 && h.at <= last) || (h.flags & ~SELECTED_LATE) != 0 || h.layout > used ||
		    h.layout >= g->layouts)
			return ERR_MALFORMED;
		used += h.layout == used;
		last = h.at;
		if ((e = take_record(in, layout_template(g, h.layout), &record)) != ERR_OK)
			return e;
	}
	return used == g->layouts ? ERR_OK : ERR_MALFORMED;
}

static enum err
read_group(struct rd *in, struct selected_reader *r, unsigned which)
{
	struct group *g = &r->groups[which];
	enum err e = take_layouts(in, g, r->head.info.proto, which == 1);

	if (e != ERR_OK)
		return e;
	g->count = rd_u32(in);
	if (!rd_ok(in))
		return ERR_CUT;
	g->records = *in;
	return check_records(in, g);
}

/* The header, and behind it sets alone that hold no flows, as far as that can be seen without templates. */
static bool
skeleton_is_sound(const struct selected_head *h)
{
	struct sets it;
	struct set set;
	size_t end = h->info.header_len;

	if (h->info.proto == PROTO_V9 || h->info.proto == PROTO_IPFIX) {
		sets_init(&it, &h->info, h->skeleton, h->skeleton_len);
		while (sets_next(&it, &set) == ERR_OK) {
			if (set.kind == SET_RESERVED)
				return false;
			end = set.offset + SET_HEADER_SIZE + rd_left(&set.body);
		}
	}
	return end == h->skeleton_len;
}

static enum err
read_head(struct rd *in, struct selected_head *h)
{
	rd_copy(in, h->digest.b, sizeof(h->digest.b));
	h->len = rd_u16(in);
	h->flags = rd_u16(in);
	h->records = rd_u32(in);
	h->skeleton_len = rd_u16(in);
	h->skeleton = rd_bytes(in, h->skeleton_len);
	if (!rd_ok(in))
		return ERR_CUT;
	if ((h->flags & ~(SELECTED_UNDECODED | SELECTED_TOO_MANY)) != 0 || h->skeleton_len > h->len ||
	    proto_recognise(h->skeleton, h->skeleton_len, &h->info) != ERR_OK || h->info.cut ||
	    !skeleton_is_sound(h))
		return ERR_MALFORMED;
	return ERR_OK;
}

static void
rewind_records(struct selected_reader *r)
{
	r->group = 0;
	r->left = r->groups[0].count;
	r->at = r->groups[0].records;
}

enum err
selected_open(struct selected_reader *r, const uint8_t *body, size_t len)
{
	struct rd in = rd_init(body, len);
	enum err e = len <= SELECTED_MOST ? read_head(&in, &r->head) : ERR_MALFORMED;

	for (unsigned i = 0; i < SELECTED_GROUPS && e == ERR_OK; i++)
		e = read_group(&in, r, i);
	if (e == ERR_OK &&
	    (rd_left(&in) > 0 ||
		((r->head.flags & SELECTED_TOO_MANY) != 0 &&
		    (r->groups[0].count > 0 || r->groups[1].count > 0))))
		e = ERR_MALFORMED;
	if (e != ERR_OK)
		r->groups[0].count = r->groups[1].count = 0;
	rewind_records(r);
	return e;
}

const struct selected_head *
selected_head(const struct selected_reader *r)
{
	return &r->head;
}

uint32_t
selected_count(const struct selected_reader *r, bool options)
{
	return r->groups[options].count;
}

const uint16_t *
selected_places(const struct selected_reader *r)
{
	return r->places;
}

bool
selected_next(struct selected_reader *r, struct flow *ret)
{
	struct record_head h;
	struct rd record;
	const struct tmpl *t;

	while (r->left == 0) {
		if (r->group + 1 == SELECTED_GROUPS)
			return false;
		r->group++;
		r->left = r->groups[r->group].count;
		r->at = r->groups[r->group].records;
	}
	r->left--;
	h = read_record_head(&r->at);
	for (unsigned i = 0; i < h.tags; i++)
		r->tags[i] = rd_u32(&r->at);
	t = layout_template(&r->groups[r->group], h.layout);
	if (take_record(&r->at, t, &record) != ERR_OK)
		return false; /* checked when it was opened */
	r->places = layout_places(t);
	*ret = (struct flow){.info = &r->head.info,
	    .tmpl = t,
	    .record = record,
	    .at = h.at,
	    .index = h.index,
	    .options = r->group == 1,
	    .late = (h.flags & SELECTED_LATE) != 0,
	    .tags = r->tags,
	    .tag_count = h.tags};
	return true;
}
