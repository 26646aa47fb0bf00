/* SPDX-License-Identifier: ISC
 *
 * An array of streams and a hash index into it. A full table is pruned of silent streams at heartbeats, so
 * that a flood of forged addresses keeps new exporters out for a while and not for ever; none that is heard
 * is pushed out.
 */
#include "node/streams.h"

#include <stdlib.h>

enum err
streams_init(struct streams *s, uint32_t limit)
{
	*s = (struct streams){.limit = limit};
	s->all = calloc(limit, sizeof(*s->all)); /* pages that are not used cost nothing */
	return s->all != NULL ? ERR_OK : ERR_MEMORY;
}

void
streams_clear(struct streams *s)
{
	free(s->all);
	hash_clear(&s->index);
	*s = (struct streams){.all = NULL};
}

static struct stream *
find(struct streams *s, const struct stream_key *key, uint64_t hv)
{
	struct hash_probe p;

	for (uint32_t v = hash_first(&s->index, hv, &p); v != HASH_NONE; v = hash_next(&s->index, &p)) {
		if (stream_key_cmp(&s->all[v].key, key) == 0)
			return &s->all[v];
	}
	return NULL;
}

static struct stream *
add(struct streams *s, const struct stream_key *key, uint64_t hv)
{
	struct stream *st;

	if (s->count == s->limit || hash_add(&s->index, hv, s->count) != ERR_OK) {
		s->refused++;
		return NULL;
	}
	st = &s->all[s->count++];
	*st = (struct stream){.key = *key};
	return st;
}

void
streams_heard(struct streams *s, const struct stream_key *key, uint32_t sequence, wall_t time)
{
	struct stream *st = s->count > 0 ? &s->all[s->last] : NULL;

	if (st == NULL || stream_key_cmp(&st->key, key) != 0) {
		uint64_t hv = stream_key_hash(key);

		st = find(s, key, hv);
		if (st == NULL)
			st = add(s, key, hv);
		if (st == NULL)
			return;
		s->last = (uint32_t)(st - s->all);
	}
	st->sequence = sequence;
	st->moved = true;
	st->datagrams++;
	st->heard = time;
}

void
streams_prune(struct streams *s, wall_t since)
{
	if (s->count < s->limit)
		return;
	for (uint32_t i = 0; i < s->count;) {
		struct stream *st = &s->all[i];

		if (st->heard.ns >= since.ns) {
			i++;
			continue;
		}
		hash_remove(&s->index, stream_key_hash(&st->key), i);
		s->count--;
		if (i != s->count) { /* the last one moves here */
			uint64_t hv = stream_key_hash(&s->all[s->count].key);

			hash_remove(&s->index, hv, s->count);
			*st = s->all[s->count];
			(void)!hash_add(&s->index, hv, i); /* two places have just become free */
		}
	}
	s->last = 0;
}
