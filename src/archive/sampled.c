/* SPDX-License-Identifier: ISC
 *
 * See sampled.h. Only options templates that tell an interval are looked into.
 */
#include "archive/sampled.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/hash.h"
#include "wire/sets.h"

#define STREAMS_MOST (1u << 20)

struct sampled {
	struct told {
		struct stream_key key;
		struct sampling_state state; /* owned */
	} * told;                            /* owned */
	size_t count, room;
	struct hash by_key;
	uint64_t seed;
};

struct sampled *
sampled_new(uint64_t seed)
{
	struct sampled *s = calloc(1, sizeof(*s));

	if (s != NULL)
		s->seed = seed;
	return s;
}

void
sampled_free(struct sampled *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->count; i++)
		sampling_clear(&s->told[i].state);
	hash_clear(&s->by_key);
	free(s->told);
	free(s);
}

static struct told *
find(const struct sampled *s, const struct stream_key *key)
{
	struct hash_probe probe;
	uint32_t at;

	if (s->count == 0)
		return NULL;
	for (at = hash_first(&s->by_key, stream_key_hash(key, s->seed), &probe); at != HASH_NONE;
	     at = hash_next(&s->by_key, &probe)) {
		if (stream_key_cmp(&s->told[at].key, key) == 0)
			return &s->told[at];
	}
	return NULL;
}

const struct sampling_state *
sampled_of(const struct sampled *s, const struct stream_key *key)
{
	const struct told *t = find(s, key);

	return t != NULL ? &t->state : NULL;
}

static enum err
note(struct sampled *s, const struct stream_key *key, const struct sampling_entry *entry)
{
	struct told *t = find(s, key);
	struct sampling_state next;
	enum err e;

	if (t == NULL && s->count >= STREAMS_MOST)
		return ERR_OK;
	e = sampling_with(t != NULL ? &t->state : NULL, entry, &next);
	if (e != ERR_OK)
		return e;
	if (t != NULL) {
		sampling_clear(&t->state);
		t->state = next;
		return ERR_OK;
	}
	e = array_grow(s->told, s->room, s->count);
	if (e == ERR_OK)
		e = hash_add(&s->by_key, stream_key_hash(key, s->seed), (uint32_t)s->count);
	if (e != ERR_OK) {
		sampling_clear(&next);
		return e;
	}
	s->told[s->count++] = (struct told){.key = *key, .state = next};
	return ERR_OK;
}

/* Whether one of the data sets may tell an interval. */
static bool
may_tell(const struct proto_info *info, const uint8_t *payload, size_t len, decode_resolve resolve, void *ctx)
{
	struct sets sets;
	struct set set;
	unsigned ordinal = 0;
	bool late;

	sets_init(&sets, info, payload, len);
	while (sets_next(&sets, &set) == ERR_OK) {
		const struct tmpl *t;

		if (set.kind != SET_DATA)
			continue;
		t = resolve(ctx, ordinal++, set.id, &late);
		if (t != NULL && t->kind == TMPL_OPTIONS && sampling_is_told(t))
			return true;
	}
	return false;
}

enum err
sampled_learn(struct sampled *s, const struct stream_key *key, const struct proto_info *info,
    const uint8_t *payload, size_t len, decode_resolve resolve, void *ctx)
{
	struct sampling_entry entry;
	struct decode d;
	struct flow flow;
	enum err e = ERR_OK;

	if (!may_tell(info, payload, len, resolve, ctx))
		return ERR_OK;
	decode_init(&d, payload, len, info, resolve, ctx);
	while (e == ERR_OK && decode_next(&d, &flow) == ERR_OK) {
		if (flow.options && sampling_read(&flow, &entry))
			e = note(s, key, &entry);
	}
	return e;
}
