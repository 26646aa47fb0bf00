/* SPDX-License-Identifier: ISC
 *
 * See entry.h. An entry's head, which has no gaps:
 *
 *	time 8, digest 16, address 16, port 2, payload length 2, flags 1, bits 1, protocol 1, zero 1,
 *	data sets 2, definitions 2, witnesses 4, sampling 4, export time 8, sequence 4, units 4, uptime 4, domain 4
 *
 * then of sFlow the agent 16, and of selected flows SHA-256 of the payload 32, records 4, length 4.
 */
#include "archive/entry.h"

#include <string.h>

#include "base/compress.h"
#include "base/wr.h"
#include "wire/sets.h"

#define BIT_MORE 1
#define BIT_DEFINES 2
#define BIT_STOPPED 4
#define BIT_SELECTED 8

void
entry_write_head(struct buf *b, const struct entry *e)
{
	bool sflow = e->info.proto == PROTO_SFLOW5;
	size_t size = ENTRY_HEAD_SIZE + (sflow ? ENTRY_AGENT_SIZE : 0u) +
	    (e->selected ? ENTRY_SELECTED_SIZE : 0u);
	uint8_t *room = buf_room(b, size);
	struct wr w;

	if (room == NULL)
		return;
	w = wr_init(room, size);
	wr_u64(&w, (uint64_t)e->time_ns);
	wr_u64(&w, e->digest.hi);
	wr_u64(&w, e->digest.lo);
	wr_bytes(&w, e->addr.b, sizeof(e->addr.b));
	wr_u16(&w, e->port);
	wr_u16(&w, e->len);
	wr_u8(&w, e->flags);
	wr_u8(&w,
	    (uint8_t)((e->more ? BIT_MORE : 0) | (e->defines ? BIT_DEFINES : 0) |
		(e->stopped ? BIT_STOPPED : 0) | (e->selected ? BIT_SELECTED : 0)));
	wr_u8(&w, (uint8_t)e->info.proto);
	wr_u8(&w, 0);
	wr_u16(&w, (uint16_t)e->set_count);
	wr_u16(&w, (uint16_t)e->definition_count);
	wr_u32(&w, e->witness_count);
	wr_u32(&w, e->sampling);
	wr_u64(&w, (uint64_t)e->info.export_time.ns);
	wr_u32(&w, e->info.sequence);
	wr_u32(&w, e->info.count);
	wr_u32(&w, e->info.uptime_ms);
	wr_u32(&w, e->info.domain);
	if (sflow)
		wr_bytes(&w, e->info.agent.b, sizeof(e->info.agent.b));
	if (!e->selected)
		return;
	wr_bytes(&w, e->sha256.b, sizeof(e->sha256.b));
	wr_u32(&w, e->records);
	wr_u32(&w, e->body_len);
}

void
entry_write_set(struct buf *b, const struct entry_set *s)
{
	buf_u16(b, s->id);
	buf_u16(b, s->len);
	buf_u32(b, s->ref);
}

void
entry_write_definition(struct buf *b, const struct entry_definition *d)
{
	buf_u32(b, d->at);
	buf_u16(b, d->data_sets);
}

void
entry_read_set(struct rd *sets, struct entry_set *ret)
{
	ret->id = rd_u16(sets);
	ret->len = rd_u16(sets);
	ret->ref = rd_u32(sets);
}

void
entry_read_definition(struct rd *definitions, struct entry_definition *ret)
{
	ret->at = rd_u32(definitions);
	ret->data_sets = rd_u16(definitions);
}

static bool
is_proto(uint8_t v)
{
	switch (v) {
	case PROTO_NONE:
	case PROTO_V1:
	case PROTO_V5:
	case PROTO_V7:
	case PROTO_V8:
	case PROTO_V9:
	case PROTO_IPFIX:
	case PROTO_SFLOW5:
		return true;
	default:
		return false;
	}
}

/* Data sets lie in the payload, and definitions between them. */
static bool
lists_are_sound(const struct entry *e)
{
	struct rd sets = e->sets, definitions = e->definitions;
	struct entry_definition d;
	struct entry_set s;
	size_t len = 0;
	uint32_t before = 0;

	for (uint32_t i = 0; i < e->set_count; i++) {
		entry_read_set(&sets, &s);
		len += SET_HEADER_SIZE + (size_t)s.len;
		if (s.id < SET_ID_DATA || len > e->len)
			return false;
	}
	for (uint32_t i = 0; i < e->definition_count; i++) {
		entry_read_definition(&definitions, &d);
		if (d.data_sets < before || d.data_sets > e->set_count)
			return false;
		before = d.data_sets;
	}
	return true;
}

static bool
is_sound(const struct entry *e)
{
	bool has_sets = e->info.proto == PROTO_V9 || e->info.proto == PROTO_IPFIX;

	if (e->witness_count == 0)
		return false;
	if (e->selected && (e->info.proto == PROTO_NONE || e->body_len > SELECTED_MOST))
		return false;
	if (e->more)
		return !e->selected && e->len == 0 && e->set_count == 0 && e->definition_count == 0;
	if ((e->set_count + e->definition_count > 0 || e->defines || e->stopped) && !has_sets)
		return false;
	if (e->definition_count > 0 && !e->defines)
		return false;
	if (e->info.proto == PROTO_NONE &&
	    (e->info.sequence | e->info.count | e->info.uptime_ms | e->info.domain) != 0)
		return false;
	return lists_are_sound(e);
}

enum err
entry_read(struct rd *r, struct entry *ret)
{
	struct entry e = {.more = false};
	uint8_t bits, proto, zero;

	if (rd_left(r) == 0)
		return ERR_END;
	e.time_ns = (int64_t)rd_u64(r);
	e.digest.hi = rd_u64(r);
	e.digest.lo = rd_u64(r);
	rd_fixed(r, e.addr.b, sizeof(e.addr.b));
	e.port = rd_u16(r);
	e.len = rd_u16(r);
	e.flags = rd_u8(r);
	bits = rd_u8(r);
	proto = rd_u8(r);
	zero = rd_u8(r);
	e.set_count = rd_u16(r);
	e.definition_count = rd_u16(r);
	e.witness_count = rd_u32(r);
	e.sampling = rd_u32(r);
	e.info.export_time.ns = (int64_t)rd_u64(r);
	e.info.sequence = rd_u32(r);
	e.info.count = rd_u32(r);
	e.info.uptime_ms = rd_u32(r);
	e.info.domain = rd_u32(r);
	if (!rd_ok(r) || e.witness_count > rd_left(r))
		return ERR_CUT;
	if (!is_proto(proto) || zero != 0 ||
	    (bits & ~(BIT_MORE | BIT_DEFINES | BIT_STOPPED | BIT_SELECTED)) != 0)
		return ERR_MALFORMED;
	e.info.proto = (enum proto)proto;
	e.more = (bits & BIT_MORE) != 0;
	e.defines = (bits & BIT_DEFINES) != 0;
	e.stopped = (bits & BIT_STOPPED) != 0;
	e.selected = (bits & BIT_SELECTED) != 0;
	if (e.info.proto == PROTO_SFLOW5)
		rd_fixed(r, e.info.agent.b, sizeof(e.info.agent.b));
	if (e.selected) {
		rd_copy(r, e.sha256.b, sizeof(e.sha256.b));
		e.records = rd_u32(r);
		e.body_len = rd_u32(r);
	}
	e.sets = rd_sub(r, ENTRY_SET_SIZE * (size_t)e.set_count);
	e.definitions = rd_sub(r, ENTRY_DEFINITION_SIZE * (size_t)e.definition_count);
	e.witnesses = rd_sub(r, WITNESS_SIZE * (size_t)e.witness_count);
	if (!rd_ok(r))
		return ERR_CUT;
	if (!is_sound(&e))
		return ERR_MALFORMED;
	*ret = e;
	return ERR_OK;
}

struct proto_info
entry_info(const uint8_t *payload, size_t len)
{
	struct proto_info info;

	if (proto_recognise(payload, len, &info) != ERR_OK || info.cut)
		return (struct proto_info){.proto = PROTO_NONE};
	return info;
}

static bool
sets_fit(const struct entry *e, const struct proto_info *info, const uint8_t *payload, size_t len)
{
	struct rd said = e->sets;
	struct entry_set s;
	struct sets it;
	struct set set;
	uint32_t n = 0;
	bool defines = false;
	enum err last;

	sets_init(&it, info, payload, len);
	while ((last = sets_next(&it, &set)) == ERR_OK) {
		defines |= set.kind == SET_TEMPLATE || set.kind == SET_OPTIONS_TEMPLATE;
		if (set.kind != SET_DATA)
			continue;
		if (++n > e->set_count)
			return false;
		entry_read_set(&said, &s);
		if (s.id != set.id || s.len != rd_left(&set.body))
			return false;
	}
	return n == e->set_count && defines == e->defines && (last == ERR_MALFORMED) == e->stopped;
}

bool
entry_fits(const struct entry *e, const uint8_t *payload, struct selected_reader *r)
{
	struct proto_info info;
	size_t len = e->len;

	if (e->selected) {
		const struct selected_head *h;

		if (selected_open(r, payload, e->body_len) != ERR_OK)
			return false;
		h = selected_head(r);
		if (memcmp(h->digest.b, e->sha256.b, SHA256_SIZE) != 0 || h->len != e->len ||
		    h->records != e->records)
			return false;
		payload = h->skeleton;
		len = h->skeleton_len;
	}
	info = entry_info(payload, len);
	if (info.proto != e->info.proto || info.domain != e->info.domain ||
	    info.sequence != e->info.sequence || info.count != e->info.count ||
	    info.uptime_ms != e->info.uptime_ms || info.export_time.ns != e->info.export_time.ns ||
	    addr_cmp(&info.agent, &e->info.agent) != 0)
		return false;
	if (info.proto == PROTO_V9 || info.proto == PROTO_IPFIX)
		return sets_fit(e, &info, payload, len);
	return e->set_count == 0 && !e->defines && !e->stopped;
}

void
chunk_write_head(struct buf *b, uint8_t codec, uint32_t size)
{
	buf_u8(b, codec);
	buf_u8(b, 0);
	buf_u16(b, 0);
	buf_u32(b, size);
}

enum err
chunk_read(const uint8_t *body, size_t len, struct chunk *ret)
{
	struct rd r = rd_init(body, len);
	struct chunk c = {.codec = rd_u8(&r)};
	uint32_t zeros = rd_u8(&r);

	zeros |= rd_u16(&r);
	c.size = rd_u32(&r);
	if (!rd_ok(&r))
		return ERR_CUT;
	if (zeros != 0 || c.size > CHUNK_MOST)
		return ERR_MALFORMED;
	c.len = rd_left(&r);
	c.bytes = rd_bytes(&r, c.len);
	*ret = c;
	return ERR_OK;
}

void
pair_clear(struct pair *p)
{
	buf_clear(&p->entries);
	buf_clear(&p->bytes);
	decompressor_free(p->decompressor);
	p->decompressor = NULL;
}

enum err
pair_take(struct pair *p, const uint8_t *body, size_t len)
{
	struct rd r = rd_init(body, len);
	struct entry one;
	enum err e;

	pair_drop(p);
	p->size = 0;
	while (rd_left(&r) > 0) {
		if ((e = entry_read(&r, &one)) != ERR_OK)
			return e;
		p->size += entry_bytes(&one);
	}
	buf_bytes(&p->entries, body, len);
	return buf_ok(&p->entries) ? ERR_OK : ERR_MEMORY;
}

enum err
pair_match(const struct pair *p, const uint8_t *body, size_t len, struct chunk *ret)
{
	struct chunk c;
	enum err e = chunk_read(body, len, &c);

	if (e != ERR_OK)
		return e;
	if (!pair_waits(p) || c.size != p->size || (c.codec == COMPRESS_NONE && c.len != c.size))
		return ERR_MALFORMED;
	*ret = c;
	return ERR_OK;
}

enum err
pair_open(struct pair *p, const struct chunk *c)
{
	uint8_t *room;

	buf_reset(&p->bytes);
	room = buf_room(&p->bytes, c->size);
	if (room == NULL)
		return ERR_MEMORY;
	return decompress(&p->decompressor, c->codec, c->bytes, c->len, room, c->size);
}
