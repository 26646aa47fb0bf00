/* SPDX-License-Identifier: ISC
 *
 * Definitions: how they are found in datagrams, compared, and put into canonical bytes (RFC 3954 sections 5.2 and
 * 6.1, RFC 7011 section 3.4). Nothing is allocated here.
 */
#include <string.h>

#include "wire/template.h"
#include "wire/template_spec.h"

#define FIELD_ENTERPRISE 0x8000
#define SPECIFIER_SIZE 4
#define RECORD_MOST (UINT16_MAX - SET_HEADER_SIZE) /* what a set can hold */

struct spec_head
spec_head_read(struct rd *r, enum proto proto, bool options)
{
	struct spec_head h = {.kind = options ? TMPL_OPTIONS : TMPL_DATA, .id = rd_u16(r)};

	if (proto == PROTO_V9 && options) { /* lengths in bytes */
		uint16_t scopes = rd_u16(r), fields = rd_u16(r);

		h.scopes = scopes / SPECIFIER_SIZE;
		h.fields = (uint16_t)(h.scopes + fields / SPECIFIER_SIZE);
		if (scopes % SPECIFIER_SIZE != 0 || fields % SPECIFIER_SIZE != 0)
			h.odd_len = (uint32_t)scopes + fields;
		return h;
	}
	h.fields = rd_u16(r);
	if (proto == PROTO_IPFIX && h.fields == 0)
		h.kind = TMPL_WITHDRAWN;
	else if (options)
		h.scopes = rd_u16(r);
	return h;
}

struct tmpl_field
spec_field_read(struct rd *r, enum proto proto)
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
is_usable(const struct spec *s)
{
	const struct spec_head *h = &s->head;

	if (h->kind == TMPL_WITHDRAWN)
		return h->id >= SET_ID_DATA || h->id == 2 || h->id == 3;
	return h->id >= SET_ID_DATA && h->odd_len == 0 && h->scopes <= h->fields && h->fields > 0 &&
	    h->fields <= TMPL_FIELDS_MOST && s->record_len > 0 && s->record_len <= RECORD_MOST;
}

bool
spec_read(struct rd *r, enum proto proto, bool options, struct spec *ret)
{
	struct spec s = {.head = spec_head_read(r, proto, options)};

	if (s.head.odd_len > 0)
		rd_skip(r, s.head.odd_len);
	for (uint16_t i = 0; i < s.head.fields && s.head.odd_len == 0 && rd_ok(r); i++) {
		uint16_t len = spec_field_read(r, proto).len;

		if (len == TMPL_VARIABLE && proto == PROTO_IPFIX) {
			s.variable = true;
			len = 1; /* its length takes a byte at least */
		}
		s.record_len += len; /* of at most 65,535 fields: does not wrap */
	}
	if (!rd_ok(r))
		return false;
	s.usable = is_usable(&s);
	*ret = s;
	return true;
}

void
tmpl_defs_init(struct tmpl_defs *it, const struct stream_key *stream, const struct proto_info *info,
    const uint8_t *payload, size_t len)
{
	*it = (struct tmpl_defs){.origin = {.stream = *stream,
				     .sequence = info->sequence,
				     .uptime_ms = info->uptime_ms,
				     .export_time = info->export_time}};
	sets_init(&it->sets, info, payload, len);
}

static void
note(struct tmpl_defs *it, enum proto_fault fault)
{
	if (it->fault == FAULT_NONE)
		it->fault = fault;
}

/* Goes to the next template set. Looks once for the zeros at its end, so that no datagram makes us look often. */
static enum err
next_set(struct tmpl_defs *it)
{
	do {
		if (sets_next(&it->sets, &it->set) != ERR_OK) {
			note(it, it->sets.fault);
			return ERR_END;
		}
		it->data_sets += it->set.kind == SET_DATA;
	} while (it->set.kind != SET_TEMPLATE && it->set.kind != SET_OPTIONS_TEMPLATE);
	it->zeros = it->set.body.end;
	while (it->zeros > it->set.body.at && it->zeros[-1] == 0)
		it->zeros--;
	it->in_set = true;
	return ERR_OK;
}

/* The next definition of the set, usable or not. False when the set is at its end. */
static bool
next_in_set(struct tmpl_defs *it, struct spec *ret_spec)
{
	struct rd *r = &it->set.body;

	if (r->at >= it->zeros) /* padding */
		return false;
	if (rd_left(r) < SPECIFIER_SIZE) {
		note(it, FAULT_STRAY);
		return false;
	}
	if (!spec_read(r, it->sets.proto, it->set.kind == SET_OPTIONS_TEMPLATE, ret_spec)) {
		note(it, FAULT_TEMPLATE);
		it->bad++;
		return false;
	}
	return true;
}

enum err
tmpl_defs_next(struct tmpl_defs *it, struct tmpl_def *ret)
{
	struct tmpl_def d = it->origin;
	struct spec spec;

	for (;;) {
		if (!it->in_set && next_set(it) != ERR_OK)
			return ERR_END;
		d.bytes = it->set.body.at;
		if (!next_in_set(it, &spec)) {
			it->in_set = false;
			continue;
		}
		if (spec.usable)
			break;
		note(it, FAULT_TEMPLATE);
		it->bad++;
	}
	d.id = spec.head.id;
	d.kind = spec.head.kind;
	d.len = (uint16_t)(it->set.body.at - d.bytes);
	*ret = d;
	return ERR_OK;
}

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

/* Whether the bytes are one usable definition and nothing else, and agree with id and kind. */
static bool
def_agrees(const struct tmpl_def *d)
{
	struct rd r = rd_init(d->bytes, d->len);
	enum proto proto = (enum proto)d->stream.proto;
	struct spec s;

	if (proto != PROTO_V9 && proto != PROTO_IPFIX)
		return false;
	return spec_read(&r, proto, d->kind == TMPL_OPTIONS, &s) && s.usable && rd_left(&r) == 0 &&
	    s.head.id == d->id && s.head.kind == d->kind;
}

enum err
tmpl_def_read(struct rd *r, struct tmpl_def *ret)
{
	struct tmpl_def d;
	enum err e = stream_key_read(r, &d.stream);
	uint8_t filler;

	if (e != ERR_OK)
		return e;
	d.export_time.ns = (int64_t)rd_u64(r);
	d.sequence = rd_u32(r);
	d.uptime_ms = rd_u32(r);
	d.id = rd_u16(r);
	d.kind = rd_u8(r);
	filler = rd_u8(r);
	d.len = rd_u16(r);
	d.bytes = rd_bytes(r, d.len);
	if (!rd_ok(r))
		return ERR_CUT;
	if (filler != 0 || !def_agrees(&d))
		return ERR_MALFORMED;
	*ret = d;
	return ERR_OK;
}

static int
cmp_u64(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

int
tmpl_def_cmp(const struct tmpl_def *a, const struct tmpl_def *b)
{
	int c = stream_key_cmp(&a->stream, &b->stream);

	if (c == 0)
		c = cmp_u64(a->id, b->id);
	if (c == 0)
		c = cmp_u64(a->kind, b->kind);
	if (c == 0)
		c = cmp_u64(a->len, b->len);
	if (c == 0)
		c = memcmp(a->bytes, b->bytes, a->len);
	if (c == 0 && a->export_time.ns != b->export_time.ns)
		c = a->export_time.ns < b->export_time.ns ? -1 : 1;
	if (c == 0)
		c = cmp_u64(a->sequence, b->sequence);
	return c != 0 ? c : cmp_u64(a->uptime_ms, b->uptime_ms);
}
