/* SPDX-License-Identifier: ISC
 *
 * From a definition's bytes to the form that decoding uses, and the built-in templates of v1, v5 and v7. How
 * definitions are found is in template_def.c, the cache in template_cache.c.
 */
#include "wire/template.h"

#include <stdlib.h>

#include "wire/template_spec.h"

/* v9's scope types are numbers of their own. */
static bool
same_element(const struct tmpl *t, const struct tmpl_field *a, const struct tmpl_field *b)
{
	return a->id == b->id && a->pen == b->pen && (t->proto != PROTO_V9 || a->scope == b->scope);
}

static size_t
home_slot(const struct tmpl_field *f, size_t slots)
{
	return (((f->id ^ f->pen * 0x85ebca6bU) * 0x9e3779b1U) >> 16) & (slots - 1);
}

/* The network chooses the number of fields: so by a hash table, not each with each. */
enum err
tmpl_link_repeats(struct tmpl *t)
{
	size_t slots = 16;
	uint16_t *table;

	while (slots < 2 * (size_t)t->field_count)
		slots *= 2;
	table = malloc(slots * sizeof(*table));
	if (table == NULL)
		return ERR_MEMORY;
	for (size_t i = 0; i < slots; i++)
		table[i] = TMPL_NO_FIELD;
	for (uint16_t i = 0; i < t->field_count; i++) {
		struct tmpl_field *f = &t->fields[i];
		size_t at = home_slot(f, slots);

		while (table[at] != TMPL_NO_FIELD && !same_element(t, &t->fields[table[at]], f))
			at = (at + 1) & (slots - 1);
		f->again = TMPL_NO_FIELD;
		f->first = table[at] == TMPL_NO_FIELD;
		if (!f->first)
			t->fields[table[at]].again = i;
		table[at] = i;
	}
	free(table);
	return ERR_OK;
}

/* The fields of a definition that spec_read found usable. */
static void
fill_fields(struct tmpl *t, const struct tmpl_def *def)
{
	struct rd r = rd_init(def->bytes, def->len);
	uint32_t offset = 0;

	(void)spec_head_read(&r, t->proto, t->kind == TMPL_OPTIONS);
	for (uint16_t i = 0; i < t->field_count; i++) {
		struct tmpl_field *f = &t->fields[i];

		*f = spec_field_read(&r, t->proto);
		f->offset = offset;
		f->scope = i < t->scope_count;
		offset += f->len == TMPL_VARIABLE ? 1 : f->len;
	}
}

enum err
tmpl_parse(const struct tmpl_def *def, struct tmpl **ret)
{
	enum proto proto = (enum proto)def->stream.proto;
	struct rd r = rd_init(def->bytes, def->len);
	struct tmpl *t;
	struct spec s;
	enum err e;

	if (def->kind == TMPL_WITHDRAWN)
		return ERR_UNKNOWN;
	if (proto != PROTO_V9 && proto != PROTO_IPFIX)
		return ERR_MALFORMED;
	if (!spec_read(&r, proto, def->kind == TMPL_OPTIONS, &s) || !s.usable || rd_left(&r) > 0 ||
	    s.head.id != def->id || s.head.kind != def->kind)
		return ERR_MALFORMED;
	t = malloc(sizeof(*t) + s.head.fields * sizeof(t->fields[0]));
	if (t == NULL)
		return ERR_MEMORY;
	*t = (struct tmpl){.proto = proto,
	    .id = s.head.id,
	    .kind = s.head.kind,
	    .variable = s.variable,
	    .scope_count = s.head.scopes,
	    .field_count = s.head.fields,
	    .record_len = s.record_len};
	fill_fields(t, def);
	e = tmpl_link_repeats(t);
	if (e != ERR_OK) {
		free(t);
		return e;
	}
	*ret = t;
	return ERR_OK;
}

void
tmpl_free(struct tmpl *t)
{
	free(t);
}

/* Element numbers are IANA's. */
#define F(element, at, bytes) \
	{ \
		.id = (element), .len = (bytes), .offset = (at), .again = TMPL_NO_FIELD, .first = true \
	}

/* Alike in all: addresses, next hop, interfaces, packets, octets, first, last, ports; two bytes follow. */
#define F_COMMON \
	F(8, 0, 4), F(12, 4, 4), F(15, 8, 4), F(10, 12, 2), F(14, 14, 2), F(2, 16, 4), F(1, 20, 4), \
	    F(22, 24, 4), F(21, 28, 4), F(7, 32, 2), F(11, 34, 2)

/* TCP flags, protocol, TOS, AS numbers, masks */
#define F_V5_V7 F(6, 37, 1), F(4, 38, 1), F(5, 39, 1), F(16, 40, 2), F(17, 42, 2), F(9, 44, 1), F(13, 45, 1)

static const struct tmpl template_v1 = {
    .proto = PROTO_V1,
    .id = PROTO_V1,
    .kind = TMPL_DATA,
    .field_count = 14,
    .record_len = 48,
    .fields = {F_COMMON, F(4, 38, 1), F(5, 39, 1), F(6, 40, 1)},
};

static const struct tmpl template_v5 = {
    .proto = PROTO_V5,
    .id = PROTO_V5,
    .kind = TMPL_DATA,
    .field_count = 18,
    .record_len = 48,
    .fields = {F_COMMON, F_V5_V7},
};

static const struct tmpl template_v7 = {
    .proto = PROTO_V7,
    .id = PROTO_V7,
    .kind = TMPL_DATA,
    .field_count = 19,
    .record_len = 52,
    .fields = {F_COMMON, F_V5_V7, F(43, 48, 4)}, /* last: ipv4RouterSc */
};

const struct tmpl *
tmpl_static(enum proto proto)
{
	switch (proto) {
	case PROTO_V1:
		return &template_v1;
	case PROTO_V5:
		return &template_v5;
	case PROTO_V7:
		return &template_v7;
	default:
		return NULL;
	}
}
