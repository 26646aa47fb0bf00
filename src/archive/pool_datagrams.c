/* SPDX-License-Identifier: ISC
 *
 * Adding datagrams to a pool, with their definitions and data sets, hearings and events. Each is looked for first: what is equal
 * to the byte is there once.
 */
#include <string.h>

#include "archive/chunks.h"
#include "archive/pool_private.h"
#include "base/spill.h"
#include "base/wr.h"
#include "wire/sets.h"

static enum err
stream_index(struct pool *p, const struct stream_key *key, uint32_t *ret)
{
	uint64_t hv = stream_key_hash(key, 0);
	struct hash_probe probe;
	enum err e;

	for (uint32_t at = hash_first(&p->by_stream, hv, &probe); at != HASH_NONE;
	     at = hash_next(&p->by_stream, &probe)) {
		if (stream_key_cmp(&p->streams[at].key, key) == 0) {
			*ret = at;
			return ERR_OK;
		}
	}
	if ((e = array_grow(p->streams, p->stream_room, p->stream_count)) != ERR_OK)
		return e;
	if ((e = hash_add(&p->by_stream, hv, (uint32_t)p->stream_count)) != ERR_OK)
		return e;
	p->streams[p->stream_count].key = *key;
	*ret = (uint32_t)p->stream_count++;
	return ERR_OK;
}

enum err
pool_keep_bytes(struct pool_bytes *b, const void *bytes, size_t len, size_t *ret_at)
{
	while (b->room - b->len < len) {
		enum err e = spill_grow(b->data, b->room, b->room);

		if (e != ERR_OK)
			return e;
	}
	*ret_at = b->len;
	if (len > 0)
		memcpy(b->data + b->len, bytes, len);
	b->len += len;
	return ERR_OK;
}

static enum err
add_definition(
    struct pool *p, const struct tmpl_def *def, const struct buf *bytes, uint64_t hv, bool snapshot)
{
	struct pool_definition d = {.len = (uint32_t)bytes->len, .snapshot = snapshot};
	enum err e;

	if ((e = spill_grow(p->definitions, p->definition_room, p->definition_count)) != ERR_OK ||
	    (e = pool_keep_bytes(&p->bytes, bytes->data, bytes->len, &d.at)) != ERR_OK ||
	    (e = stream_index(p, &def->stream, &d.stream)) != ERR_OK ||
	    (e = hash_add(&p->by_definition, hv, (uint32_t)p->definition_count)) != ERR_OK)
		return e;
	p->definitions[p->definition_count++] = d;
	return ERR_OK;
}

enum err
pool_definition(struct pool *p, const struct tmpl_def *def, bool snapshot, uint32_t *ret)
{
	struct buf bytes = BUF_INIT;
	struct hash_probe probe;
	uint64_t hv;
	enum err e = ERR_OK;

	tmpl_def_write(&bytes, def);
	if (!buf_ok(&bytes)) {
		buf_clear(&bytes);
		return ERR_MEMORY;
	}
	hv = hash_bytes(bytes.data, bytes.len);
	*ret = hash_first(&p->by_definition, hv, &probe);
	for (; *ret != HASH_NONE; *ret = hash_next(&p->by_definition, &probe)) {
		struct pool_definition *d = &p->definitions[*ret];

		if (d->len == bytes.len && memcmp(p->bytes.data + d->at, bytes.data, bytes.len) == 0) {
			d->snapshot |= snapshot;
			break;
		}
	}
	if (*ret == HASH_NONE) {
		*ret = (uint32_t)p->definition_count;
		e = add_definition(p, def, &bytes, hv, snapshot);
	}
	buf_clear(&bytes);
	return e;
}

enum err
pool_index_definitions(struct pool *p)
{
	enum err e = ERR_OK;

	hash_clear(&p->by_definition);
	for (size_t i = 0; i < p->definition_count && e == ERR_OK; i++) {
		const struct pool_definition *d = &p->definitions[i];

		e = hash_add(&p->by_definition, hash_bytes(p->bytes.data + d->at, d->len), (uint32_t)i);
	}
	return e;
}

/* A datagram's data sets, as an index into the lists seen so far. */
static enum err
set_list_index(struct pool *p, const struct pool_set *sets, uint32_t count, uint32_t *ret)
{
	uint64_t hv = hash_bytes(sets, count * sizeof(*sets));
	struct hash_probe probe;
	enum err e;

	for (uint32_t i = hash_first(&p->by_set_list, hv, &probe); i != HASH_NONE;
	     i = hash_next(&p->by_set_list, &probe)) {
		if (p->set_lists[i].count == count &&
		    (count == 0 || memcmp(p->sets + p->set_lists[i].at, sets, count * sizeof(*sets)) == 0)) {
			*ret = i;
			return ERR_OK;
		}
	}
	if ((e = spill_grow(p->set_lists, p->set_list_room, p->set_list_count)) != ERR_OK)
		return e;
	p->set_lists[p->set_list_count] = (struct pool_set_list){(uint32_t)p->set_count, count};
	for (uint32_t i = 0; i < count; i++) {
		if ((e = spill_grow(p->sets, p->set_room, p->set_count)) != ERR_OK)
			return e;
		p->sets[p->set_count++] = sets[i];
	}
	if ((e = hash_add(&p->by_set_list, hv, (uint32_t)p->set_list_count)) != ERR_OK)
		return e;
	*ret = (uint32_t)p->set_list_count++;
	return ERR_OK;
}

static enum err
add_place(struct pool *p, uint32_t datagram, uint32_t definition, uint32_t data_sets)
{
	enum err e = spill_grow(p->places, p->place_room, p->place_count);

	if (e == ERR_OK) {
		p->places[p->place_count++] = (struct pool_place){definition, data_sets};
		p->datagrams[datagram].places++;
	}
	return e;
}

/* Definitions and data sets of a new v9 or IPFIX datagram. */
enum err
pool_look_into_sets(
    struct pool *p, uint32_t index, const struct proto_info *info, const uint8_t *payload, size_t len)
{
	struct pool_set list[65536 / SET_HEADER_SIZE];
	struct stream_key key = p->streams[p->datagrams[index].stream].key;
	uint32_t n = 0;
	struct sets it;
	struct set set;
	bool defines = false;
	enum err last;

	sets_init(&it, info, payload, len);
	while ((last = sets_next(&it, &set)) == ERR_OK) {
		if (set.kind == SET_DATA)
			list[n++] = (struct pool_set){set.id, (uint16_t)rd_left(&set.body)};
		else if (set.kind == SET_TEMPLATE || set.kind == SET_OPTIONS_TEMPLATE)
			defines = true;
	}
	if (defines) {
		struct tmpl_defs defs;
		struct tmpl_def def;
		enum err e;

		tmpl_defs_init(&defs, &key, info, payload, len);
		while (tmpl_defs_next(&defs, &def) == ERR_OK) {
			uint32_t definition;

			if ((e = pool_definition(p, &def, false, &definition)) != ERR_OK)
				return e;
			if ((e = add_place(p, index, definition, defs.data_sets)) != ERR_OK)
				return e;
		}
	}
	p->datagrams[index].defines = defines;
	p->datagrams[index].stopped = last == ERR_MALFORMED;
	p->datagrams[index].data = n > 0;
	return set_list_index(p, list, n, &p->datagrams[index].sets);
}

/* Adds it as the last of the datagrams, with what its header says, and without data sets. */
enum err
pool_new(struct pool *p, const struct pool_datagram *self, const struct proto_info *info)
{
	struct stream_key key = stream_key_of(&self->addr, self->port, info);
	struct pool_datagram *d;
	uint32_t index = (uint32_t)p->datagram_count;
	enum err e;

	if (p->datagram_count >= HASH_NONE - 2)
		return ERR_LIMIT;
	if ((e = spill_grow(p->datagrams, p->datagram_room, p->datagram_count)) != ERR_OK)
		return e;
	d = &p->datagrams[index];
	*d = *self;
	d->place = (uint32_t)p->place_count;
	d->hearing = POOL_NONE;
	d->sequence = info->sequence;
	d->uptime_ms = info->uptime_ms;
	d->export_ns = info->export_time.ns;
	d->units = info->count;
	d->data = info->count > 0;
	if ((e = stream_index(p, &key, &d->stream)) != ERR_OK)
		return e;
	if ((e = set_list_index(p, NULL, 0, &d->sets)) != ERR_OK)
		return e;
	if ((e = hash_add(&p->by_digest, self->digest.lo, index)) != ERR_OK)
		return e;
	p->datagram_count++;
	return ERR_OK;
}

static bool
has_sets(const struct proto_info *info)
{
	return info->proto == PROTO_V9 || info->proto == PROTO_IPFIX;
}

/* The datagram that this is, or HASH_NONE. The digest only groups candidates: equal is what is equal to the byte.
 * payload: NULL: it stands where *self says. */
enum err
pool_find_same(struct pool *p, const struct pool_datagram *self, const uint8_t *payload, uint32_t *ret)
{
	struct hash_probe probe;
	uint32_t at;
	enum err e;

	spill_pause();
	for (at = hash_first(&p->by_digest, self->digest.lo, &probe); at != HASH_NONE;
	     at = hash_next(&p->by_digest, &probe)) {
		const struct pool_datagram *d = &p->datagrams[at];
		const uint8_t *other;

		if (digest128_cmp(&d->digest, &self->digest) != 0 || d->len != self->len ||
		    (d->selected == POOL_NONE) != (self->selected == POOL_NONE) || d->port != self->port ||
		    addr_cmp(&d->addr, &self->addr) != 0)
			continue;
		if (d->file == self->file && d->offset == self->offset && d->within == self->within)
			break; /* a file that is read again */
		if (payload == NULL && (e = pool_peek(p, self, &payload)) != ERR_OK)
			return e;
		if ((e = pool_peek(p, d, &other)) != ERR_OK)
			return e;
		if (memcmp(other, payload, self->len) == 0)
			break;
	}
	*ret = at;
	return ERR_OK;
}

/* Who is put together must not be parted: selected flows have the header of the whole, and nothing else of it. */
bool
pool_is_elsewhere(const struct pool *p, const struct pool_datagram *self, const struct proto_info *info)
{
	uint8_t key[64];
	struct wr w = wr_init(key, sizeof(key));

	if (p->shard.of == 0)
		return false;
	if (info->proto == PROTO_NONE)
		return self->digest.hi % p->shard.of != p->shard.number;
	wr_bytes(&w, self->addr.b, sizeof(self->addr.b));
	wr_u16(&w, self->port);
	wr_u8(&w, (uint8_t)info->proto);
	wr_bytes(&w, info->agent.b, sizeof(info->agent.b));
	wr_u32(&w, info->domain);
	wr_u32(&w, info->sequence);
	wr_u32(&w, info->count);
	wr_u32(&w, info->uptime_ms);
	wr_u64(&w, (uint64_t)info->export_time.ns);
	return hash_bytes(key, wr_len(&w)) % p->shard.of != p->shard.number;
}

enum err
pool_take_definitions(struct pool *p, const struct addr *addr, uint16_t port, const struct proto_info *info,
    const uint8_t *payload, size_t len)
{
	struct stream_key key = stream_key_of(addr, port, info);
	struct tmpl_defs defs;
	struct tmpl_def def;
	uint32_t definition;
	enum err e = ERR_OK;

	if (!has_sets(info))
		return ERR_OK;
	tmpl_defs_init(&defs, &key, info, payload, len);
	while (e == ERR_OK && tmpl_defs_next(&defs, &def) == ERR_OK) {
		e = pool_definition(p, &def, false, &definition);
		if (e == ERR_OK)
			p->definitions[definition].elsewhere = true;
	}
	return e;
}

struct pool_datagram
pool_body_of(
    const struct addr *addr, uint16_t port, const uint8_t *body, uint32_t len, uint32_t file, uint64_t offset)
{
	return (struct pool_datagram){.digest = identity_digest(addr, port, body, len),
	    .addr = *addr,
	    .port = port,
	    .len = len,
	    .file = file,
	    .offset = offset,
	    .within = POOL_NONE,
	    .selected = POOL_NONE};
}

enum err
pool_datagram(struct pool *p, const struct addr *addr, uint16_t port, uint8_t flags, const uint8_t *payload,
    uint32_t len, uint32_t file, uint64_t offset, uint32_t *ret)
{
	struct pool_datagram self = pool_body_of(addr, port, payload, len, file, offset);
	uint32_t at;
	enum err e;

	if (p->shard.of > 0) {
		struct proto_info info = entry_info(payload, len);

		*ret = POOL_ELSEWHERE;
		if (pool_is_elsewhere(p, &self, &info))
			return pool_take_definitions(p, addr, port, &info, payload, len);
	}
	if ((e = pool_find_same(p, &self, payload, &at)) != ERR_OK)
		return e;
	if (at == HASH_NONE) {
		struct proto_info info = entry_info(payload, len);

		at = (uint32_t)p->datagram_count;
		if ((e = pool_new(p, &self, &info)) != ERR_OK)
			return e;
		if (has_sets(&info) && (e = pool_look_into_sets(p, at, &info, payload, len)) != ERR_OK)
			return e;
	}
	p->datagrams[at].flags |= flags;
	*ret = at;
	return ERR_OK;
}

/* Definitions and data sets of a new datagram, as its entry lists them. */
static enum err
take_sets(struct pool *p, uint32_t index, const struct entry *en, const uint32_t *definitions)
{
	struct pool_set list[65536 / SET_HEADER_SIZE];
	struct rd sets = en->sets, brings = en->definitions;
	enum err e = ERR_OK;

	for (uint32_t i = 0; i < en->set_count; i++) {
		struct entry_set s;

		entry_read_set(&sets, &s);
		list[i] = (struct pool_set){s.id, s.len};
	}
	for (uint32_t i = 0; i < en->definition_count && e == ERR_OK; i++) {
		struct entry_definition d;

		entry_read_definition(&brings, &d);
		e = add_place(p, index, definitions[i], d.data_sets);
	}
	p->datagrams[index].defines = en->defines;
	p->datagrams[index].stopped = en->stopped;
	p->datagrams[index].data = en->set_count > 0;
	return e == ERR_OK ? set_list_index(p, list, en->set_count, &p->datagrams[index].sets) : e;
}

enum err
pool_entry(struct pool *p, const struct entry *en, const uint32_t *definitions, uint32_t file,
    uint64_t offset, uint32_t within, uint32_t *ret)
{
	struct pool_datagram self = {.digest = en->digest,
	    .addr = en->addr,
	    .port = en->port,
	    .len = entry_bytes(en),
	    .file = file,
	    .offset = offset,
	    .within = within,
	    .selected = en->selected ? 0 : POOL_NONE};
	uint32_t at;
	enum err e;

	if (pool_is_elsewhere(p, &self, &en->info)) {
		for (uint32_t i = 0; i < en->definition_count; i++)
			p->definitions[definitions[i]].elsewhere = true;
		*ret = POOL_ELSEWHERE;
		return ERR_OK;
	}
	if (p->chunks == NULL && (p->chunks = chunks_new()) == NULL)
		return ERR_MEMORY;
	if ((e = pool_find_same(p, &self, NULL, &at)) != ERR_OK)
		return e;
	if (at == HASH_NONE) {
		struct pool_selected s = {.sha256 = en->sha256, .len = en->len, .records = en->records};

		at = (uint32_t)p->datagram_count;
		if (en->selected && (e = pool_add_selected(p, &s, &self.selected)) != ERR_OK)
			return e;
		if ((e = pool_new(p, &self, &en->info)) != ERR_OK)
			return e;
		if (has_sets(&en->info) && (e = take_sets(p, at, en, definitions)) != ERR_OK)
			return e;
		if (en->selected)
			p->datagrams[at].data = pool_bears_data(&en->info, en->records, en->set_count);
	}
	if (en->selected && p->files[file].input->manifest.policy.len > 0)
		p->selected[p->datagrams[at].selected].chosen = true;
	p->datagrams[at].flags |= en->flags;
	*ret = at;
	return ERR_OK;
}

enum err
pool_witness(struct pool *p, uint32_t datagram, const struct witness *w)
{
	struct pool_datagram *d;
	enum err e;

	if (datagram == POOL_ELSEWHERE)
		return ERR_OK;
	d = &p->datagrams[datagram];
	if (p->witness_count >= POOL_NONE - 1)
		return ERR_LIMIT;
	if ((e = spill_grow(p->witnesses, p->witness_room, p->witness_count)) != ERR_OK)
		return e;
	if ((e = spill_grow(p->chain, p->chain_room, p->witness_count)) != ERR_OK)
		return e;
	p->chain[p->witness_count] = d->hearing;
	p->witnesses[p->witness_count] = *w;
	d->hearing = (uint32_t)p->witness_count++;
	return ERR_OK;
}

enum err
pool_event(
    struct pool *p, uint32_t source, uint64_t sequence, int64_t time_ns, const uint8_t *body, size_t len)
{
	struct pool_event event = {
	    .source = source, .sequence = sequence, .time_ns = time_ns, .len = (uint32_t)len};
	enum err e = spill_grow(p->events, p->event_room, p->event_count);

	if (e == ERR_OK)
		e = pool_keep_bytes(&p->bytes, body, len, &event.at);
	if (e == ERR_OK)
		p->events[p->event_count++] = event;
	return e;
}
