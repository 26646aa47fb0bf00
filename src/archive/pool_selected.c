/* SPDX-License-Identifier: ISC
 *
 * Selected flows in a pool. While inputs are added each body that differs is a datagram of its own. When all are there,
 * those of one datagram become one: a whole copy takes the hearings of all others, or else their union stands for them.
 * SHA-256 of whole datagrams is made of those alone whose header and length are those of a selected one.
 */
#include <stdlib.h>
#include <string.h>

#include "archive/pool_private.h"
#include "base/spill.h"

enum err
pool_begin_selecting(struct pool *p)
{
	struct pool_selecting *s;

	if (p->selecting != NULL)
		return ERR_OK;
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return ERR_MEMORY;
	p->selecting = s;
	s->uniting = (struct selected_union){
	    selected_reader_new(), selected_reader_new(), selected_writer_new()};
	return s->uniting.a != NULL && s->uniting.b != NULL && s->uniting.w != NULL ? ERR_OK : ERR_MEMORY;
}

void
pool_clear_selected(struct pool *p)
{
	if (p->selecting != NULL) {
		selected_reader_free(p->selecting->uniting.a);
		selected_reader_free(p->selecting->uniting.b);
		selected_writer_free(p->selecting->uniting.w);
		buf_clear(&p->selecting->all);
		buf_clear(&p->selecting->next);
		free(p->selecting);
	}
	spill_free(p->selected);
	spill_free(p->copies);
	hash_clear(&p->by_identity);
}

/* Adding. */

enum err
pool_add_selected(struct pool *p, const struct pool_selected *s, uint32_t *ret)
{
	enum err e = pool_begin_selecting(p);

	if (e == ERR_OK)
		e = spill_grow(p->selected, p->selected_room, p->selected_count);
	if (e != ERR_OK)
		return e;
	p->selected[p->selected_count] = *s;
	p->selected[p->selected_count].copy = POOL_NONE;
	*ret = (uint32_t)p->selected_count++;
	return ERR_OK;
}

/* As for a whole datagram: those with sets bear data when they have data sets, others when their header counts any. */
bool
pool_bears_data(const struct proto_info *info, uint32_t records, uint32_t sets)
{
	if (info->proto == PROTO_V9 || info->proto == PROTO_IPFIX)
		return sets > 0 || records > 0;
	return info->count > 0;
}

enum err
pool_take_head(struct pool *p, uint32_t index, const struct selected_head *h)
{
	bool has_sets = h->info.proto == PROTO_V9 || h->info.proto == PROTO_IPFIX;
	struct pool_datagram *d;
	enum err e = ERR_OK;

	if (has_sets)
		e = pool_look_into_sets(p, index, &h->info, h->skeleton, h->skeleton_len);
	d = &p->datagrams[index];
	d->data = pool_bears_data(&h->info, h->records, p->set_lists[d->sets].count);
	return e;
}

enum err
pool_selected(struct pool *p, const struct addr *addr, uint16_t port, uint8_t flags, const uint8_t *body,
    uint32_t len, uint32_t file, uint64_t offset, uint32_t *ret)
{
	struct pool_datagram self = pool_body_of(addr, port, body, len, file, offset);
	const struct selected_head *h;
	uint32_t at;
	enum err e = pool_begin_selecting(p);

	if (e == ERR_OK)
		e = selected_open(p->selecting->uniting.a, body, len);
	if (e != ERR_OK)
		return e == ERR_CUT ? ERR_MALFORMED : e;
	h = selected_head(p->selecting->uniting.a);
	self.selected = 0; /* which one, pool_add_selected says */
	if (pool_is_elsewhere(p, &self, &h->info)) {
		*ret = POOL_ELSEWHERE;
		return pool_take_definitions(p, addr, port, &h->info, h->skeleton, h->skeleton_len);
	}
	if ((e = pool_find_same(p, &self, body, &at)) != ERR_OK)
		return e;
	if (at == HASH_NONE) {
		struct pool_selected s = {.sha256 = h->digest, .len = h->len, .records = h->records};

		at = (uint32_t)p->datagram_count;
		if ((e = pool_add_selected(p, &s, &self.selected)) != ERR_OK ||
		    (e = pool_new(p, &self, &h->info)) != ERR_OK || (e = pool_take_head(p, at, h)) != ERR_OK)
			return e;
	}
	p->datagrams[at].flags |= flags;
	*ret = at;
	return ERR_OK;
}

/* Asking. */

static uint64_t
identity_hash(const struct addr *addr, uint16_t port, const struct sha256 *sha256)
{
	return hash_bytes(sha256->b, sizeof(sha256->b)) ^ hash_bytes(addr->b, sizeof(addr->b)) ^ port;
}

static bool
is_of(const struct pool *p, const struct pool_datagram *d, const struct addr *addr, uint16_t port,
    const struct sha256 *sha256, uint16_t len)
{
	const struct pool_selected *s = &p->selected[d->selected];

	return d->port == port && addr_cmp(&d->addr, addr) == 0 && s->len == len &&
	    memcmp(s->sha256.b, sha256->b, SHA256_SIZE) == 0;
}

static uint32_t
find_identity(
    const struct pool *p, const struct addr *addr, uint16_t port, const struct sha256 *sha256, uint16_t len)
{
	struct hash_probe probe;
	uint32_t at = hash_first(&p->by_identity, identity_hash(addr, port, sha256), &probe);

	while (at != HASH_NONE && !is_of(p, &p->datagrams[at], addr, port, sha256, len))
		at = hash_next(&p->by_identity, &probe);
	return at;
}

static enum err
add_identity(struct pool *p, uint32_t at)
{
	const struct pool_datagram *d = &p->datagrams[at];

	return hash_add(
	    &p->by_identity, identity_hash(&d->addr, d->port, &p->selected[d->selected].sha256), at);
}

enum err
pool_index_selected(struct pool *p)
{
	enum err e = ERR_OK;

	hash_clear(&p->by_identity);
	for (size_t i = 0; i < p->datagram_count && p->selected_count > 0 && e == ERR_OK; i++) {
		if (p->datagrams[i].selected != POOL_NONE)
			e = add_identity(p, (uint32_t)i);
	}
	return e;
}

uint32_t
pool_find_selected(
    const struct pool *p, const struct addr *addr, uint16_t port, const struct selected_head *h)
{
	return find_identity(p, addr, port, &h->digest, h->len);
}

/* Uniting. */

static enum err
peek_copy(const struct pool *p, const struct pool_copy *c, const uint8_t **ret)
{
	struct pool_datagram d = {
	    .file = c->file, .within = c->within, .offset = c->offset, .len = c->len, .selected = POOL_NONE};

	return pool_peek(p, &d, ret);
}

/* The union of a chain of copies, in p->selecting->all. */
static enum err
unite_chain(const struct pool *p, uint32_t chain, uint64_t *conflicts)
{
	struct pool_selecting *s = p->selecting;
	const uint8_t *bytes;
	uint32_t some = 0;
	enum err e = peek_copy(p, &p->copies[chain], &bytes);

	if (e != ERR_OK)
		return e;
	buf_reset(&s->all);
	buf_bytes(&s->all, bytes, p->copies[chain].len);
	for (uint32_t at = p->copies[chain].next; at != POOL_NONE && e == ERR_OK; at = p->copies[at].next) {
		struct buf swap = s->all;

		if ((e = peek_copy(p, &p->copies[at], &bytes)) != ERR_OK)
			break;
		buf_reset(&s->next);
		e = selected_unite(
		    &s->uniting, s->all.data, s->all.len, bytes, p->copies[at].len, &s->next, &some);
		*conflicts += some;
		s->all = s->next;
		s->next = swap;
	}
	return e == ERR_OK && !buf_ok(&s->all) ? ERR_MEMORY : e;
}

enum err
pool_unite(const struct pool *p, const struct pool_datagram *d, const uint8_t **ret)
{
	uint64_t conflicts = 0;
	enum err e = unite_chain(p, p->selected[d->selected].copy, &conflicts);

	if (e == ERR_OK && p->selecting->all.len != d->len) /* an input changed */
		e = ERR_CHECKSUM;
	if (e == ERR_OK)
		*ret = p->selecting->all.data;
	return e;
}

/* All hearings of one datagram become another's. */
static void
move_hearings(struct pool *p, uint32_t from, uint32_t to)
{
	struct pool_datagram *a = &p->datagrams[from], *b = &p->datagrams[to];
	uint32_t last = a->hearing;

	b->flags |= a->flags;
	if (last == POOL_NONE)
		return;
	while (p->chain[last] != POOL_NONE)
		last = p->chain[last];
	p->chain[last] = b->hearing;
	b->hearing = a->hearing;
	a->hearing = POOL_NONE;
}

static enum err
add_copy(struct pool *p, uint32_t of, struct pool_selected *to)
{
	const struct pool_datagram *d = &p->datagrams[of];
	enum err e = spill_grow(p->copies, p->copy_room, p->copy_count);

	if (e != ERR_OK)
		return e;
	p->copies[p->copy_count] = (struct pool_copy){
	    .file = d->file, .within = d->within, .offset = d->offset, .len = d->len, .next = to->copy};
	to->copy = (uint32_t)p->copy_count++;
	return ERR_OK;
}

/* What no longer stands for itself has no hearing. */
static bool
is_gone(const struct pool_datagram *d)
{
	return d->hearing == POOL_NONE;
}

/* The first one of each datagram gets the hearings and the copies of all others. */
static enum err
gather(struct pool *p)
{
	enum err e = ERR_OK;

	hash_clear(&p->by_identity);
	for (uint32_t i = 0; i < p->datagram_count && e == ERR_OK; i++) {
		const struct pool_datagram *d = &p->datagrams[i];
		const struct pool_selected *s;
		struct pool_selected *kept;
		uint32_t at;

		spill_pause();
		if (d->selected == POOL_NONE || is_gone(d))
			continue;
		s = &p->selected[d->selected];
		at = find_identity(p, &d->addr, d->port, &s->sha256, s->len);
		if (at == HASH_NONE) {
			e = add_identity(p, i);
			continue;
		}
		kept = &p->selected[p->datagrams[at].selected];
		if (kept->copy == POOL_NONE)
			e = add_copy(p, at, kept);
		if (e == ERR_OK)
			e = add_copy(p, i, kept);
		move_hearings(p, i, at);
	}
	return e;
}

/* What a whole datagram and its skeleton have in common, as far as it is at hand. */
static uint64_t
shape_hash(const struct pool_datagram *d, uint32_t len)
{
	return ((uint64_t)d->stream << 32 | d->sequence) * 0x9e3779b97f4a7c15u ^
	    ((uint64_t)d->export_ns + d->uptime_ms) * 0xc2b2ae3d27d4eb4fu ^ (uint64_t)len << 20;
}

static enum err
subsume_by(struct pool *p, uint32_t whole, const struct hash *by_shape)
{
	const struct pool_datagram *d = &p->datagrams[whole];
	const uint8_t *payload;
	struct hash_probe probe;
	struct sha256 sha256;
	uint32_t at;
	enum err e;

	if (hash_first(by_shape, shape_hash(d, d->len), &probe) == HASH_NONE)
		return ERR_OK;
	if ((e = pool_payload(p, d, &payload)) != ERR_OK)
		return e;
	sha256 = sha256_of(payload, d->len);
	at = find_identity(p, &d->addr, d->port, &sha256, (uint16_t)d->len);
	if (at != HASH_NONE && !is_gone(&p->datagrams[at]))
		move_hearings(p, at, whole);
	return ERR_OK;
}

/* Whole datagrams take the place of selected flows. */
static enum err
subsume(struct pool *p)
{
	struct hash by_shape = {.slots = NULL};
	enum err e = ERR_OK;

	for (uint32_t i = 0; i < p->datagram_count && e == ERR_OK; i++) {
		const struct pool_datagram *d = &p->datagrams[i];

		if (d->selected != POOL_NONE && !is_gone(d))
			e = hash_add(&by_shape, shape_hash(d, p->selected[d->selected].len), i);
	}
	for (uint32_t i = 0; i < p->datagram_count && e == ERR_OK; i++) {
		spill_pause();
		if (p->datagrams[i].selected == POOL_NONE)
			e = subsume_by(p, i, &by_shape);
	}
	hash_clear(&by_shape);
	return e;
}

/* The union of its copies; where one of them is all of it, that one stands alone. */
static enum err
settle_union(struct pool *p, uint32_t index)
{
	struct pool_datagram *d = &p->datagrams[index];
	struct pool_selected *s = &p->selected[d->selected];
	const struct buf *all = &p->selecting->all;
	uint64_t conflicts = 0;
	const uint8_t *bytes;
	enum err e = unite_chain(p, s->copy, &conflicts);

	p->selected_conflicts += conflicts > 0;
	for (uint32_t at = s->copy; e == ERR_OK && at != POOL_NONE; at = p->copies[at].next) {
		const struct pool_copy *c = &p->copies[at];

		if (c->len != all->len || (e = peek_copy(p, c, &bytes)) != ERR_OK ||
		    memcmp(bytes, all->data, all->len) != 0)
			continue;
		d->file = c->file;
		d->within = c->within;
		d->offset = c->offset;
		s->copy = POOL_NONE;
		break;
	}
	if (e == ERR_OK)
		e = selected_open(p->selecting->uniting.a, all->data, all->len);
	if (e != ERR_OK)
		return e;
	d->len = (uint32_t)all->len;
	d->digest = identity_digest(&d->addr, d->port, all->data, all->len);
	d->place = (uint32_t)p->place_count;
	d->places = 0;
	s->records = selected_head(p->selecting->uniting.a)->records;
	return pool_take_head(p, index, selected_head(p->selecting->uniting.a));
}

static void
remove_gone(struct pool *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->datagram_count; i++) {
		if (!is_gone(&p->datagrams[i]))
			p->datagrams[n++] = p->datagrams[i];
	}
	p->datagram_count = n;
}

/* Definitions that only copies brought which are gone. */
static enum err
forget_definitions(struct pool *p)
{
	uint32_t *to = spill_alloc((p->definition_count + 1) * sizeof(*to));
	size_t n = 0;
	enum err e;

	if (to == NULL)
		return ERR_MEMORY;
	for (size_t i = 0; i < p->datagram_count; i++) {
		const struct pool_datagram *d = &p->datagrams[i];

		for (uint32_t k = 0; k < d->places; k++)
			to[p->places[d->place + k].definition] = 1;
	}
	for (size_t i = 0; i < p->definition_count; i++) {
		const struct pool_definition *def = &p->definitions[i];
		bool stays = to[i] != 0 || def->snapshot || def->elsewhere;

		to[i] = stays ? (uint32_t)n : POOL_NONE;
		if (stays)
			p->definitions[n++] = *def;
	}
	p->definition_count = n;
	e = pool_index_definitions(p);
	for (size_t i = 0; i < p->place_count; i++) /* no datagram has the places of one that is gone */
		p->places[i].definition = to[p->places[i].definition];
	spill_free(to);
	return e;
}

enum err
pool_settle_selected(struct pool *p)
{
	enum err e = ERR_OK;

	if (p->selected_count == 0)
		return ERR_OK;
	e = pool_choose_selected(p);
	if (e == ERR_OK)
		e = gather(p);
	if (e == ERR_OK)
		e = subsume(p);
	for (uint32_t i = 0; i < p->datagram_count && e == ERR_OK; i++) {
		const struct pool_datagram *d = &p->datagrams[i];

		if (d->selected != POOL_NONE && !is_gone(d) && p->selected[d->selected].copy != POOL_NONE)
			e = settle_union(p, i);
	}
	if (e == ERR_OK) {
		remove_gone(p);
		e = forget_definitions(p);
	}
	hash_clear(&p->by_identity);
	return e;
}
