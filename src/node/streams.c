/* SPDX-License-Identifier: ISC
 *
 * An array of streams and a hash index into it. Where it is full a hand goes round, as among exporters, and passes
 * by what stands on the account of a protected one.
 */
#include "node/streams.h"

#include <stdlib.h>

enum err
streams_init(struct streams *s, uint32_t limit, struct exporters *x, uint64_t seed)
{
	*s = (struct streams){.limit = limit,
	    .exporters = x,
	    .seed = seed,
	    .room = {.gaps.most = ACCOUNT_GAPS_MOST,
		.sources.most = ACCOUNT_SOURCES_MOST,
		.late.most = ACCOUNT_LATE_ROOM}};
	s->all = calloc(limit, sizeof(*s->all)); /* pages that are not used cost nothing */
	return s->all != NULL ? numberings_init(&s->numberings, limit, seed) : ERR_MEMORY;
}

void
streams_clear(struct streams *s)
{
	for (uint32_t i = 0; i < s->count; i++) {
		numberings_leave(&s->numberings, s->all[i].numbering, i, &s->room.gaps);
		account_clear(&s->all[i].account, &s->room);
	}
	numberings_clear(&s->numberings);
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

/* A place whose stream may be forgotten; s->limit: there is none. */
static uint32_t
turn_hand(struct streams *s)
{
	for (uint64_t steps = 0; steps < 2 * (uint64_t)s->count; steps++) {
		uint32_t at = s->hand;
		struct stream *st = &s->all[at];

		s->hand = at + 1 < s->count ? at + 1 : 0;
		if (exporters_keep(s->exporters, st->owner))
			continue;
		if (!st->fresh)
			return at;
		st->fresh = false;
	}
	return s->limit;
}

/* The second stream of a numbering is the first sign that it may share a counter. */
static void
join_numbering(struct streams *s, struct stream *st)
{
	struct numbering *n;

	st->numbering = numberings_join(&s->numberings, &st->key, (uint32_t)(st - s->all));
	if (st->numbering == NUMBERING_NONE)
		return;
	n = &s->numberings.all[st->numbering];
	if (n->streams == 2 && n->shared == NULL && n->only != NUMBERING_NONE)
		numberings_share(&s->numberings, st->numbering, &s->all[n->only].account.live, &s->room.gaps);
}

static struct stream *
add(struct streams *s, const struct stream_key *key, uint64_t hv)
{
	uint32_t at = s->count < s->limit ? s->count : turn_hand(s);
	struct stream *st;

	if (at == s->limit) {
		s->refused++;
		return NULL;
	}
	st = &s->all[at];
	if (at < s->count) {
		hash_remove(&s->index, stream_key_hash(&st->key, s->seed), at);
		exporters_discharge(s->exporters, st->owner, 1, 0);
		numberings_leave(&s->numberings, st->numbering, at, &s->room.gaps);
		account_clear(&st->account, &s->room);
		s->evicted++;
	}
	if (hash_add(&s->index, hv, at) != ERR_OK) { /* only while the index grows, so none was evicted */
		s->refused++;
		return NULL;
	}
	s->count += at == s->count;
	*st = (struct stream){.key = *key};
	join_numbering(s, st);
	return st;
}

bool
streams_heard(struct streams *s, const struct stream_key *key, const struct exporter_state *e,
    uint32_t sequence, wall_t time, struct stream **ret)
{
	struct stream *st = s->count > 0 ? &s->all[s->last] : NULL;
	uint64_t owner = exporters_owner(s->exporters, e);
	bool goes_on;

	*ret = NULL;
	if (st == NULL || stream_key_cmp(&st->key, key) != 0) {
		uint64_t hv = stream_key_hash(key, s->seed);

		st = find(s, key, hv);
		if (st == NULL && (st = add(s, key, hv)) == NULL)
			return false;
		s->last = (uint32_t)(st - s->all);
	}
	if (st->owner != owner) { /* its exporter's former life is over, or there was no share left */
		exporters_discharge(s->exporters, st->owner, 1, 0);
		st->owner = exporters_charge(s->exporters, owner, 1, 0) ? owner : 0;
	}
	goes_on = st->datagrams > 0 && sequence - st->sequence <= STREAM_WINDOW;
	st->sequence = sequence;
	st->moved = true;
	st->fresh = st->datagrams > 0;
	st->datagrams++;
	st->heard = time;
	*ret = st;
	return goes_on;
}

struct seq_shared *
streams_shared(const struct streams *s, const struct stream *st)
{
	return st->numbering != NUMBERING_NONE ? s->numberings.all[st->numbering].shared : NULL;
}

void
streams_time(struct streams *s, wall_t now)
{
	for (uint32_t i = 0; i < s->count; i++) {
		struct stream *st = &s->all[i];
		struct seq_shared *shared = streams_shared(s, st);

		if (shared != NULL)
			seq_shared_time(shared, &st->account.live, &s->room.gaps, now.ns);
		else
			seq_live_time(&st->account.live, now.ns);
	}
}
