/* SPDX-License-Identifier: ISC
 *
 * Template definitions, read and parsed (RFC 3954 sections 5.2 and 6.1, RFC 7011 section 3.4). The cache is in template_cache.c.
 */
#include "wire/template.h"

#include <stdlib.h>

#define FIELD_ENTERPRISE 0x8000

void
tmpl_def_write(struct buf *b, const struct tmpl_def *def)
{
	stream_key_write(b, &def->stream);
	buf_u64(b, (uint64_t)def->export_time.ns);
	buf_u32(b, def->sequence);
	buf_u32(b, def->uptime_ms);
	buf_u16(b, def->id);
	buf_u8(b, def->kind);
	buf_u8(b, 0);
	buf_u16(b, def->len);
	buf_bytes(b, def->bytes, def->len);
}

enum err
tmpl_def_read(struct rd *r, struct tmpl_def *ret)
{
	struct tmpl_def d;

	if (stream_key_read(r, &d.stream) != ERR_OK)
		return ERR_CUT;
	d.export_time.ns = (int64_t)rd_u64(r);
	d.sequence = rd_u32(r);
	d.uptime_ms = rd_u32(r);
	d.id = rd_u16(r);
	d.kind = rd_u8(r);
	rd_skip(r, 1);
	d.len = rd_u16(r);
	d.bytes = rd_bytes(r, d.len);
	if (!rd_ok(r))
		return ERR_CUT;
	if (d.kind < TMPL_DATA || d.kind > TMPL_WITHDRAWN)
		return ERR_MALFORMED;
	*ret = d;
	return ERR_OK;
}

void
tmpl_defs_init(struct tmpl_defs *it, const struct stream_key *stream, const struct proto_info *info,
    const uint8_t *payload, size_t len)
{
	*it = (struct tmpl_defs){.origin = {.stream = *stream, .sequence = info->sequence, .uptime_ms = info->uptime_ms,
	    .export_time = info->export_time}};
	sets_init(&it->sets, info, payload, len);
}

/* The head of a template record: how many bytes of field specifiers follow it in v9, or how many specifiers in IPFIX. */
struct shape { uint8_t kind; uint16_t id, fields, scopes; };

static struct shape
read_shape(struct rd *r, enum proto proto, bool options)
{
	struct shape s = {.kind = options ? TMPL_OPTIONS : TMPL_DATA, .id = rd_u16(r)};

	if (proto == PROTO_V9 && options) { /* lengths in bytes, 4 a specifier */
		uint16_t scope_bytes = rd_u16(r), field_bytes = rd_u16(r);

		s.scopes = scope_bytes / 4;
		s.fields = (uint16_t)(s.scopes + field_bytes / 4);
		if (scope_bytes % 4 != 0 || field_bytes % 4 != 0)
			r->failed = true;
		return s;
	}
	s.fields = rd_u16(r);
	if (proto == PROTO_IPFIX && s.fields == 0)
		s.kind = TMPL_WITHDRAWN;
	else if (options)
		s.scopes = rd_u16(r);
	return s;
}

static struct tmpl_field
read_field(struct rd *r, enum proto proto)
{
	struct tmpl_field f = {.id = rd_u16(r)};

	f.len = rd_u16(r);
	if (proto == PROTO_IPFIX && (f.id & FIELD_ENTERPRISE) != 0) {
		f.id &= (uint16_t)~FIELD_ENTERPRISE;
		f.pen = rd_u32(r);
	}
	return f;
}

static bool
read_definition(struct tmpl_defs *it, struct tmpl_def *ret)
{
	struct rd *r = &it->set.body;
	struct tmpl_def d = it->origin;
	const uint8_t *begin = r->at;
	size_t before = rd_offset(r);
	struct shape s = read_shape(r, it->sets.proto, it->set.kind == SET_OPTIONS_TEMPLATE);
	uint32_t length = 0;

	for (uint16_t i = 0; i < s.fields && rd_ok(r); i++)
		length += read_field(r, it->sets.proto).len;
	if (!rd_ok(r) || (s.kind != TMPL_WITHDRAWN && (s.fields == 0 || length == 0 || s.id < 256 || s.scopes > s.fields)))
		return false;
	d.id = s.id;
	d.kind = s.kind;
	d.bytes = begin;
	d.len = (uint16_t)(rd_offset(r) - before);
	*ret = d;
	return true;
}

enum err
tmpl_defs_next(struct tmpl_defs *it, struct tmpl_def *ret)
{
	for (;;) {
		if (!it->in_set) {
			enum err e = sets_next(&it->sets, &it->set);

			if (e != ERR_OK) {
				if (it->sets.fault != FAULT_NONE && it->fault == FAULT_NONE)
					it->fault = it->sets.fault;
				return ERR_END;
			}
			it->in_set = it->set.kind == SET_TEMPLATE || it->set.kind == SET_OPTIONS_TEMPLATE;
			continue;
		}
		if (rd_left(&it->set.body) < 4) { /* padding */
			it->in_set = false;
			continue;
		}
		if (read_definition(it, ret))
			return ERR_OK;
		it->fault = FAULT_TEMPLATE; /* where the next one would begin cannot be known */
		it->in_set = false;
	}
}

enum err
tmpl_parse(const struct tmpl_def *def, struct tmpl **ret)
{
	enum proto proto = (enum proto)def->stream.proto;
	struct rd r = rd_init(def->bytes, def->len);
	struct shape s = read_shape(&r, proto, def->kind == TMPL_OPTIONS);
	struct tmpl *t;
	uint32_t offset = 0;

	if (def->kind == TMPL_WITHDRAWN)
		return ERR_UNKNOWN;
	if (!rd_ok(&r) || s.fields == 0 || s.scopes > s.fields || s.fields > rd_left(&r) / 4)
		return ERR_MALFORMED;
	t = calloc(1, sizeof(*t) + s.fields * sizeof(t->fields[0]));
	if (t == NULL)
		return ERR_MEMORY;
	t->proto = proto;
	t->id = s.id;
	t->kind = def->kind;
	t->scope_count = s.scopes;
	t->field_count = s.fields;
	for (uint16_t i = 0; i < s.fields; i++) {
		struct tmpl_field f = read_field(&r, proto);

		f.offset = offset;
		if (f.len == TMPL_VARIABLE && proto == PROTO_IPFIX) {
			t->variable = true;
			offset++; /* its length takes a byte at least */
		} else {
			offset += f.len;
		}
		t->fields[i] = f;
	}
	t->record_len = offset;
	if (!rd_ok(&r) || offset == 0) {
		free(t);
		return ERR_MALFORMED;
	}
	*ret = t;
	return ERR_OK;
}
