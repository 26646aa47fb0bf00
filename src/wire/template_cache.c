/* SPDX-License-Identifier: ISC
 *
 * The templates that a live node knows. Streams stand in slots, found through a hash index, and in one of two lists by
 * their last definition; a stream's definitions stand in an array by id, and in such a list too. Where a limit is
 * met, what was defined longest ago goes: no datagram, however many definitions it brings, makes us search.
 *
 * The guard is asked when a stream is to go. One that it keeps moves to the other list and is not met again; it moves
 * back with its next definition, if its exporter is not kept any more by then. Streams in the list of kept ones that are
 * none are found when the other list is empty.
 */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "wire/template.h"

struct cached {
	struct tmpl_def def;
	struct tmpl *parsed;          /* owned; NULL until asked for */
	struct cached *newer, *older; /* the stream's list by last definition */
	uint8_t bytes[];              /* def's */
};

/* A place in the array by id may be empty: thus two. */
_Static_assert(
    sizeof(struct cached) + 2 * sizeof(struct cached *) <= TMPL_CACHE_DEF_COST, "what a definition costs");

struct slot {
	struct stream_key key;
	struct cached **defs; /* owned, and what they point to; by id */
	struct cached *newest_def, *oldest_def;
	uint32_t count, room;
	size_t bytes;   /* that its definitions cost */
	uint64_t owner; /* on whose account it stands, 0: nobody's */
	bool kept;      /* in the list of those */
	uint32_t newer,
	    older; /* list by last definition; HASH_NONE at its ends. Of a free slot older is the next one */
};

struct list {
	uint32_t newest, oldest, count;
};

struct tmpl_cache {
	struct tmpl_cache_limits limits;
	struct tmpl_cache_counters counters;
	struct slot *slots;  /* owned; limits.streams of them */
	uint32_t slots_used; /* the first so many; among them may be free ones */
	uint32_t free_slot;
	struct list lists[2]; /* loose, kept */
	struct hash by_key;
	size_t bytes; /* that all definitions cost */
};

struct tmpl_cache *
tmpl_cache_new(const struct tmpl_cache_limits *limits)
{
	struct tmpl_cache *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->limits = *limits;
	if (c->limits.bytes == 0)
		c->limits.bytes = TMPL_CACHE_BYTES;
	c->lists[0] = c->lists[1] = (struct list){.newest = HASH_NONE, .oldest = HASH_NONE};
	c->free_slot = HASH_NONE;
	c->slots = calloc(limits->streams > 0 ? limits->streams : 1, sizeof(*c->slots));
	if (c->slots == NULL) {
		free(c);
		return NULL;
	}
	return c;
}

static size_t
cost(const struct tmpl_def *d)
{
	return (size_t)TMPL_CACHE_DEF_COST + d->len;
}

/* --- accounts --- */

static bool
has_guard(const struct tmpl_cache *c)
{
	return c->limits.guard.owner != NULL;
}

/* Puts the stream on its exporter's account, when it does not stand there. */
static void
adopt(struct tmpl_cache *c, struct slot *s)
{
	const struct tmpl_guard *g = &c->limits.guard;
	uint64_t owner;

	if (!has_guard(c))
		return;
	owner = g->owner(g->ctx, &s->key.exporter);
	if (s->owner == owner)
		return;
	s->owner = owner != 0 && g->charge(g->ctx, owner, TMPL_CACHE_STREAM_CHARGE + s->bytes) ? owner : 0;
}

static bool
is_kept(struct tmpl_cache *c, struct slot *s)
{
	adopt(c, s);
	return s->owner != 0 && c->limits.guard.keeps(c->limits.guard.ctx, s->owner);
}

static void
disown(struct tmpl_cache *c, struct slot *s)
{
	if (s->owner != 0)
		c->limits.guard.discharge(c->limits.guard.ctx, s->owner, TMPL_CACHE_STREAM_CHARGE + s->bytes);
	s->owner = 0;
}

static void
cached_free(struct tmpl_cache *c, struct slot *s, struct cached *d)
{
	size_t bytes = cost(&d->def);

	if (s->owner != 0)
		c->limits.guard.discharge(c->limits.guard.ctx, s->owner, bytes);
	s->bytes -= bytes;
	c->bytes -= bytes;
	tmpl_free(d->parsed);
	free(d);
}

/* --- streams --- */

static void
slot_clear(struct tmpl_cache *c, struct slot *s)
{
	for (uint32_t i = 0; i < s->count; i++)
		cached_free(c, s, s->defs[i]);
	disown(c, s);
	free(s->defs);
	s->defs = NULL;
	s->newest_def = s->oldest_def = NULL;
	s->count = s->room = 0;
}

void
tmpl_cache_free(struct tmpl_cache *c)
{
	if (c == NULL)
		return;
	for (uint32_t i = 0; i < c->slots_used; i++)
		slot_clear(c, &c->slots[i]);
	hash_clear(&c->by_key);
	free(c->slots);
	free(c);
}

static void
slot_unlink(struct tmpl_cache *c, uint32_t at)
{
	struct slot *s = &c->slots[at];
	struct list *l = &c->lists[s->kept];

	*(s->newer != HASH_NONE ? &c->slots[s->newer].older : &l->newest) = s->older;
	*(s->older != HASH_NONE ? &c->slots[s->older].newer : &l->oldest) = s->newer;
	l->count--;
}

static void
slot_link_newest(struct tmpl_cache *c, uint32_t at, bool kept)
{
	struct slot *s = &c->slots[at];
	struct list *l = &c->lists[kept];

	s->kept = kept;
	s->newer = HASH_NONE;
	s->older = l->newest;
	*(l->newest != HASH_NONE ? &c->slots[l->newest].newer : &l->oldest) = at;
	l->newest = at;
	l->count++;
}

/* A stream that is more than the rest of its exporter's share is on its own from now on. */
static void
add_bytes(struct tmpl_cache *c, struct slot *s, size_t bytes)
{
	const struct tmpl_guard *g = &c->limits.guard;
	uint32_t at = (uint32_t)(s - c->slots);

	if (s->owner != 0 && !g->charge(g->ctx, s->owner, bytes)) {
		disown(c, s);
		slot_unlink(c, at);
		slot_link_newest(c, at, false);
	}
	s->bytes += bytes;
	c->bytes += bytes;
}

static void
slot_give_back(struct tmpl_cache *c, uint32_t at)
{
	c->slots[at].older = c->free_slot;
	c->free_slot = at;
}

static void
evict_stream(struct tmpl_cache *c, uint32_t at)
{
	slot_unlink(c, at);
	hash_remove(&c->by_key, stream_key_hash(&c->slots[at].key, c->limits.seed), at);
	slot_clear(c, &c->slots[at]);
	slot_give_back(c, at);
	c->counters.evicted_streams++;
}

/* The oldest of one list that is not kept and is not `but`; those that are kept, and `but`, become the newest of theirs. */
static bool
evict_from(struct tmpl_cache *c, struct list *l, const struct slot *but)
{
	for (uint32_t n = l->count; n > 0; n--) {
		uint32_t at = l->oldest;
		struct slot *s = &c->slots[at];

		if (s != but && !is_kept(c, s)) {
			evict_stream(c, at);
			return true;
		}
		slot_unlink(c, at);
		slot_link_newest(c, at, s == but ? s->kept : true);
	}
	return false;
}

/* Some stream other than `but` goes. False: all others are kept. */
static bool
evict_oldest_stream(struct tmpl_cache *c, const struct slot *but)
{
	return evict_from(c, &c->lists[false], but) || evict_from(c, &c->lists[true], but);
}

/* HASH_NONE: all streams are kept. */
static uint32_t
slot_take(struct tmpl_cache *c)
{
	uint32_t at;

	if (c->free_slot == HASH_NONE && c->slots_used < c->limits.streams)
		return c->slots_used++;
	if (c->free_slot == HASH_NONE && !evict_oldest_stream(c, NULL)) {
		c->counters.refused_templates++;
		return HASH_NONE;
	}
	at = c->free_slot;
	c->free_slot = c->slots[at].older;
	return at;
}

static uint32_t
find_stream(const struct tmpl_cache *c, const struct stream_key *key, uint64_t hv)
{
	struct hash_probe probe;

	for (uint32_t at = hash_first(&c->by_key, hv, &probe); at != HASH_NONE;
	     at = hash_next(&c->by_key, &probe)) {
		if (stream_key_cmp(&c->slots[at].key, key) == 0)
			return at;
	}
	return HASH_NONE;
}

/* A slot for a stream that has none. */
static enum err
stream_add(struct tmpl_cache *c, const struct stream_key *key, uint64_t hv, uint32_t *ret)
{
	uint32_t at;
	enum err e;

	if (c->limits.streams == 0 || c->limits.templates == 0)
		return ERR_LIMIT;
	at = slot_take(c);
	if (at == HASH_NONE)
		return ERR_LIMIT;
	e = hash_add(&c->by_key, hv, at);
	if (e != ERR_OK) {
		slot_give_back(c, at);
		return e;
	}
	c->slots[at].key = *key;
	*ret = at;
	return ERR_OK;
}

/* Where the definition with this id stands, or would stand. */
static uint32_t
find_place(const struct slot *s, uint16_t id)
{
	uint32_t low = 0, high = s->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (s->defs[middle]->def.id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct cached *
find_cached(const struct slot *s, uint16_t id)
{
	uint32_t at = find_place(s, id);

	return at < s->count && s->defs[at]->def.id == id ? s->defs[at] : NULL;
}

static void
def_unlink(struct slot *s, struct cached *d)
{
	*(d->newer != NULL ? &d->newer->older : &s->newest_def) = d->older;
	*(d->older != NULL ? &d->older->newer : &s->oldest_def) = d->newer;
}

static void
def_link_newest(struct slot *s, struct cached *d)
{
	d->newer = NULL;
	d->older = s->newest_def;
	*(d->older != NULL ? &d->older->newer : &s->oldest_def) = d;
	s->newest_def = d;
}

static void
drop(struct tmpl_cache *c, struct slot *s, struct cached *d)
{
	uint32_t at = find_place(s, d->def.id);

	def_unlink(s, d);
	cached_free(c, s, d);
	s->count--;
	memmove(&s->defs[at], &s->defs[at + 1], (s->count - at) * sizeof(*s->defs));
}

static void
evict_oldest_template(struct tmpl_cache *c, struct slot *s)
{
	drop(c, s, s->oldest_def);
	c->counters.evicted_templates++;
}

/* One stream alone cannot be all that is not kept, or each of its definitions would search all that are. */
static bool
has_its_share(const struct tmpl_cache *c, const struct slot *s, size_t bytes)
{
	return has_guard(c) && s->count > 0 && s->bytes + bytes > c->limits.bytes / TMPL_CACHE_SHARES;
}

/* Makes room for a definition in s. ERR_LIMIT: others have it all, and are kept. */
static enum err
make_room(struct tmpl_cache *c, struct slot *s, size_t bytes)
{
	struct cached **p;

	while (s->count >= c->limits.templates)
		evict_oldest_template(c, s);
	while (c->bytes > c->limits.bytes - bytes) {
		if (!has_its_share(c, s, bytes) && evict_oldest_stream(c, s))
			continue;
		if (s->count == 0)
			return ERR_LIMIT;
		evict_oldest_template(c, s);
	}
	if (s->count < s->room)
		return ERR_OK;
	p = reallocarray(s->defs, s->room > 0 ? (size_t)2 * s->room : 4, sizeof(*p));
	if (p == NULL)
		return ERR_MEMORY;
	s->defs = p;
	s->room = s->room > 0 ? 2 * s->room : 4;
	return ERR_OK;
}

static enum err
insert(struct tmpl_cache *c, struct slot *s, const struct tmpl_def *def)
{
	struct cached *d;
	uint32_t at;
	enum err e = make_room(c, s, cost(def));

	if (e != ERR_OK)
		return e;
	d = malloc(sizeof(*d) + def->len);
	if (d == NULL)
		return ERR_MEMORY;
	*d = (struct cached){.def = *def};
	memcpy(d->bytes, def->bytes, def->len);
	d->def.bytes = d->bytes;
	at = find_place(s, def->id);
	memmove(&s->defs[at + 1], &s->defs[at], (s->count - at) * sizeof(*s->defs));
	s->defs[at] = d;
	s->count++;
	def_link_newest(s, d);
	add_bytes(c, s, cost(def));
	c->counters.definitions++;
	return ERR_OK;
}

/* A definition that is taken over, or a change of one; the guard permits only so many. */
struct taking {
	struct slot *s; /* NULL before the stream's first definition */
	bool permitted; /* the one at hand */
};

static bool
permit(struct tmpl_cache *c, struct taking *t, const struct tmpl_def *def)
{
	const struct tmpl_guard *g = &c->limits.guard;

	if (!has_guard(c) || t->permitted)
		return true;
	t->permitted = g->permits(g->ctx, &def->stream.exporter);
	c->counters.refused_templates += !t->permitted;
	return t->permitted;
}

static enum err
put_in_stream(struct tmpl_cache *c, struct taking *t, const struct tmpl_def *def)
{
	struct slot *s = t->s;
	struct cached *old = find_cached(s, def->id);
	enum err e;

	if (old != NULL && old->def.kind == def->kind && old->def.len == def->len &&
	    memcmp(old->bytes, def->bytes, def->len) == 0) {
		def_unlink(s, old);
		def_link_newest(s, old);
		return ERR_OK;
	}
	if (!permit(c, t, def))
		return ERR_OK;
	if (cost(def) > c->limits.bytes) {
		c->counters.refused_templates++;
		return ERR_OK;
	}
	if (old != NULL)
		drop(c, s, old);
	e = insert(c, s, def);
	if (e != ERR_LIMIT)
		return e;
	c->counters.refused_templates++;
	return ERR_OK;
}

/* The slot of the definition's stream, made where it is missing and permitted; now it is the newest. Else NULL. */
static enum err
stream_for(struct tmpl_cache *c, struct taking *t, const struct tmpl_def *def)
{
	uint64_t hv = stream_key_hash(&def->stream, c->limits.seed);
	uint32_t at = find_stream(c, &def->stream, hv);
	enum err e;

	if (at != HASH_NONE) {
		slot_unlink(c, at);
	} else {
		if (!permit(c, t, def))
			return ERR_OK;
		e = stream_add(c, &def->stream, hv, &at);
		if (e != ERR_OK)
			return e;
	}
	t->s = &c->slots[at];
	slot_link_newest(c, at, is_kept(c, t->s));
	return ERR_OK;
}

/* Withdrawals do not count as a sign of life either. */
static enum err
take(struct tmpl_cache *c, struct taking *t, const struct tmpl_def *def)
{
	enum err e = ERR_OK;

	if (def->kind == TMPL_WITHDRAWN) {
		c->counters.ignored_withdrawals++;
		return ERR_OK;
	}
	t->permitted = false;
	if (t->s == NULL)
		e = stream_for(c, t, def);
	return e == ERR_OK && t->s != NULL ? put_in_stream(c, t, def) : e;
}

enum err
tmpl_cache_put(struct tmpl_cache *c, const struct tmpl_def *def)
{
	struct taking t = {.s = NULL};

	return take(c, &t, def);
}

enum err
tmpl_cache_learn(struct tmpl_cache *c, const struct stream_key *stream, const struct proto_info *info,
    const uint8_t *payload, size_t len)
{
	struct taking t = {.s = NULL};
	struct tmpl_defs defs;
	struct tmpl_def def;
	enum err e = ERR_OK;

	tmpl_defs_init(&defs, stream, info, payload, len);
	while (e == ERR_OK && tmpl_defs_next(&defs, &def) == ERR_OK)
		e = take(c, &t, &def);
	return e;
}

const struct tmpl *
tmpl_cache_get(struct tmpl_cache *c, const struct stream_key *stream, uint16_t id)
{
	uint32_t at = find_stream(c, stream, stream_key_hash(stream, c->limits.seed));
	struct cached *d = at != HASH_NONE ? find_cached(&c->slots[at], id) : NULL;

	if (d == NULL || (d->parsed == NULL && tmpl_parse(&d->def, &d->parsed) != ERR_OK))
		return NULL;
	return d->parsed;
}

uint64_t
tmpl_cache_state(const struct tmpl_cache *c)
{
	const struct tmpl_cache_counters *n = &c->counters;

	return n->definitions + n->evicted_streams + n->evicted_templates + n->refused_templates;
}

uint32_t
tmpl_cache_count(const struct tmpl_cache *c, const struct stream_key *stream)
{
	uint32_t at = find_stream(c, stream, stream_key_hash(stream, c->limits.seed));

	return at != HASH_NONE ? c->slots[at].count : 0;
}

static int
by_key(const void *a, const void *b)
{
	const struct slot *const *sa = a, *const *sb = b;

	return stream_key_cmp(&(*sa)->key, &(*sb)->key);
}

enum err
tmpl_cache_each(struct tmpl_cache *c, enum err (*each)(void *ctx, const struct tmpl_def *def), void *ctx)
{
	const struct slot **order = malloc(((size_t)c->slots_used + 1) * sizeof(*order));
	uint32_t count = 0;
	enum err e = ERR_OK;

	if (order == NULL)
		return ERR_MEMORY;
	for (uint32_t i = 0; i < c->slots_used; i++) {
		if (c->slots[i].count > 0)
			order[count++] = &c->slots[i];
	}
	qsort(order, count, sizeof(*order), by_key);
	for (uint32_t i = 0; i < count && e == ERR_OK; i++) {
		for (uint32_t k = 0; k < order[i]->count && e == ERR_OK; k++)
			e = each(ctx, &order[i]->defs[k]->def);
	}
	free(order);
	return e;
}

const struct tmpl_cache_counters *
tmpl_cache_counters(const struct tmpl_cache *c)
{
	return &c->counters;
}
