/* SPDX-License-Identifier: ISC
 *
 * The templates that a live node knows. Streams stand in a hash index and in a list by last use; a stream's
 * definitions in an array by id. When a new stream finds no room, the one that was used longest ago goes.
 */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "wire/template.h"

struct cached {
	struct tmpl_def def; /* bytes: owned copy */
};

struct cached_stream {
	struct stream_key key;
	struct cached *defs; /* owned; by id */
	uint32_t count, room;
	uint32_t newer, older; /* list by last use; HASH_NONE at its ends */
};

struct tmpl_cache {
	struct tmpl_cache_limits limits;
	struct tmpl_cache_counters counters;
	struct cached_stream *streams; /* owned; limits.streams of them */
	uint32_t stream_count;
	uint32_t newest, oldest;
	struct hash by_key;
};

struct tmpl_cache *
tmpl_cache_new(const struct tmpl_cache_limits *limits)
{
	struct tmpl_cache *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->limits = *limits;
	c->newest = c->oldest = HASH_NONE;
	c->streams = calloc(limits->streams > 0 ? limits->streams : 1, sizeof(*c->streams));
	if (c->streams == NULL) {
		free(c);
		return NULL;
	}
	return c;
}

static void
stream_clear(struct cached_stream *s)
{
	for (uint32_t i = 0; i < s->count; i++)
		free((void *)(uintptr_t)s->defs[i].def.bytes);
	free(s->defs);
	s->defs = NULL;
	s->count = s->room = 0;
}

void
tmpl_cache_free(struct tmpl_cache *c)
{
	if (c == NULL)
		return;
	for (uint32_t i = 0; i < c->stream_count; i++)
		stream_clear(&c->streams[i]);
	hash_clear(&c->by_key);
	free(c->streams);
	free(c);
}

static void
unlink_stream(struct tmpl_cache *c, uint32_t at)
{
	struct cached_stream *s = &c->streams[at];

	if (s->newer != HASH_NONE)
		c->streams[s->newer].older = s->older;
	else
		c->newest = s->older;
	if (s->older != HASH_NONE)
		c->streams[s->older].newer = s->newer;
	else
		c->oldest = s->newer;
}

static void
link_newest(struct tmpl_cache *c, uint32_t at)
{
	struct cached_stream *s = &c->streams[at];

	s->newer = HASH_NONE;
	s->older = c->newest;
	if (c->newest != HASH_NONE)
		c->streams[c->newest].newer = at;
	else
		c->oldest = at;
	c->newest = at;
}

static uint32_t
find_stream(struct tmpl_cache *c, const struct stream_key *key, uint64_t hv)
{
	struct hash_probe probe;

	for (uint32_t at = hash_first(&c->by_key, hv, &probe); at != HASH_NONE; at = hash_next(&c->by_key, &probe)) {
		if (stream_key_cmp(&c->streams[at].key, key) == 0)
			return at;
	}
	return HASH_NONE;
}

static enum err
stream_for(struct tmpl_cache *c, const struct stream_key *key, struct cached_stream **ret)
{
	uint64_t hv = stream_key_hash(key);
	uint32_t at = find_stream(c, key, hv);

	if (at != HASH_NONE) {
		unlink_stream(c, at);
	} else if (c->stream_count < c->limits.streams) {
		enum err e = hash_add(&c->by_key, hv, c->stream_count);

		if (e != ERR_OK)
			return e;
		at = c->stream_count++;
	} else if (c->oldest == HASH_NONE) {
		return ERR_LIMIT;
	} else {
		enum err e;

		at = c->oldest;
		unlink_stream(c, at);
		hash_remove(&c->by_key, stream_key_hash(&c->streams[at].key), at);
		stream_clear(&c->streams[at]);
		c->counters.evicted_streams++;
		if ((e = hash_add(&c->by_key, hv, at)) != ERR_OK)
			return e;
	}
	link_newest(c, at);
	c->streams[at].key = *key;
	*ret = &c->streams[at];
	return ERR_OK;
}

static enum err
put_in_stream(struct tmpl_cache *c, struct cached_stream *s, const struct tmpl_def *def)
{
	uint32_t at = 0;
	uint8_t *copy;

	while (at < s->count && s->defs[at].def.id < def->id)
		at++;
	if (at < s->count && s->defs[at].def.id == def->id) {
		struct tmpl_def *old = &s->defs[at].def;

		if (old->kind == def->kind && old->len == def->len && memcmp(old->bytes, def->bytes, def->len) == 0)
			return ERR_OK;
	} else if (s->count >= c->limits.templates) {
		c->counters.refused_templates++;
		return ERR_OK;
	} else if (s->count == s->room) {
		uint32_t room = s->room > 0 ? 2 * s->room : 4;
		struct cached *p = reallocarray(s->defs, room, sizeof(*p));

		if (p == NULL)
			return ERR_MEMORY;
		s->defs = p;
		s->room = room;
	}
	copy = malloc(def->len > 0 ? def->len : 1);
	if (copy == NULL)
		return ERR_MEMORY;
	memcpy(copy, def->bytes, def->len);
	if (at < s->count && s->defs[at].def.id == def->id) {
		free((void *)(uintptr_t)s->defs[at].def.bytes);
	} else {
		memmove(&s->defs[at + 1], &s->defs[at], (s->count - at) * sizeof(*s->defs));
		s->count++;
	}
	s->defs[at].def = *def;
	s->defs[at].def.bytes = copy;
	c->counters.definitions++;
	return ERR_OK;
}

enum err
tmpl_cache_put(struct tmpl_cache *c, const struct tmpl_def *def)
{
	struct cached_stream *s;
	enum err e = stream_for(c, &def->stream, &s);

	return e == ERR_OK ? put_in_stream(c, s, def) : e;
}

enum err
tmpl_cache_learn(struct tmpl_cache *c, const struct stream_key *stream, const struct proto_info *info,
    const uint8_t *payload, size_t len)
{
	struct cached_stream *s = NULL;
	struct tmpl_defs defs;
	struct tmpl_def def;
	enum err e = ERR_OK;

	tmpl_defs_init(&defs, stream, info, payload, len);
	while (e == ERR_OK && tmpl_defs_next(&defs, &def) == ERR_OK) {
		if (s == NULL)
			e = stream_for(c, stream, &s);
		if (e == ERR_OK)
			e = put_in_stream(c, s, &def);
	}
	return e;
}

static const struct tmpl_cache *sorting; /* qsort has no argument for it */

static int
by_key(const void *va, const void *vb)
{
	return stream_key_cmp(&sorting->streams[*(const uint32_t *)va].key, &sorting->streams[*(const uint32_t *)vb].key);
}

enum err
tmpl_cache_each(struct tmpl_cache *c, enum err (*each)(void *ctx, const struct tmpl_def *def), void *ctx)
{
	uint32_t *order = malloc((c->stream_count + 1) * sizeof(*order));
	enum err e = ERR_OK;

	if (order == NULL)
		return ERR_MEMORY;
	for (uint32_t i = 0; i < c->stream_count; i++)
		order[i] = i;
	sorting = c;
	qsort(order, c->stream_count, sizeof(*order), by_key);
	for (uint32_t i = 0; i < c->stream_count && e == ERR_OK; i++) {
		const struct cached_stream *s = &c->streams[order[i]];

		for (uint32_t k = 0; k < s->count && e == ERR_OK; k++)
			e = each(ctx, &s->defs[k].def);
	}
	free(order);
	return e;
}

const struct tmpl_cache_counters *
tmpl_cache_counters(const struct tmpl_cache *c)
{
	return &c->counters;
}
