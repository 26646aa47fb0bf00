/* SPDX-License-Identifier: ISC
 *
 * See numberings.h. It is asked when a stream appears or goes, not for datagrams.
 */
#include "node/numberings.h"

#include <stdlib.h>

enum err
numberings_init(struct numberings *n, uint32_t streams, uint64_t seed)
{
	*n = (struct numberings){.limit = streams, .free = NUMBERING_NONE, .seed = seed};
	n->all = calloc(streams, sizeof(*n->all)); /* pages that are not used cost nothing */
	return n->all != NULL ? ERR_OK : ERR_MEMORY;
}

void
numberings_clear(struct numberings *n)
{
	free(n->all);
	hash_clear(&n->index);
	*n = (struct numberings){.all = NULL};
}

static struct stream_key
key_of(const struct stream_key *stream)
{
	struct stream_key k = *stream;

	k.domain = 0;
	return k;
}

static uint32_t
find(const struct numberings *n, const struct stream_key *key, uint64_t hv)
{
	struct hash_probe p;
	uint32_t v = hash_first(&n->index, hv, &p);

	while (v != HASH_NONE && stream_key_cmp(&n->all[v].key, key) != 0)
		v = hash_next(&n->index, &p);
	return v;
}

/* There is a place for each, as each has a stream. */
static uint32_t
add(struct numberings *n, const struct stream_key *key, uint64_t hv, uint32_t place)
{
	uint32_t at = n->free != NUMBERING_NONE ? n->free : n->count;

	if (at == n->limit || hash_add(&n->index, hv, at) != ERR_OK)
		return NUMBERING_NONE;
	if (at == n->free)
		n->free = n->all[at].only;
	else
		n->count++;
	n->all[at] = (struct numbering){.key = *key, .streams = 1, .only = place};
	return at;
}

uint32_t
numberings_join(struct numberings *n, const struct stream_key *key, uint32_t place)
{
	struct stream_key k = key_of(key);
	uint64_t hv = stream_key_hash(&k, n->seed);
	uint32_t at = find(n, &k, hv);

	if (at == HASH_NONE)
		return add(n, &k, hv, place);
	n->all[at].streams++;
	return at;
}

void
numberings_leave(struct numberings *n, uint32_t numbering, uint32_t place, struct seq_room *room)
{
	struct numbering *one;

	if (numbering == NUMBERING_NONE)
		return;
	one = &n->all[numbering];
	if (one->only == place)
		one->only = NUMBERING_NONE;
	if (--one->streams > 0)
		return;
	if (one->shared != NULL) {
		seq_shared_clear(one->shared, room);
		free(one->shared);
		one->shared = NULL;
		n->shared--;
	}
	hash_remove(&n->index, stream_key_hash(&one->key, n->seed), numbering);
	one->only = n->free;
	n->free = numbering;
}

void
numberings_share(struct numberings *n, uint32_t numbering, const struct seq_live *only, struct seq_room *room)
{
	struct numbering *one = &n->all[numbering];

	/* Each had two streams once; half of the table is room enough for what is no flood. */
	if (n->shared >= n->limit / 2 || (one->shared = malloc(sizeof(*one->shared))) == NULL)
		return;
	n->shared++;
	seq_shared_begin(one->shared, only, room);
}
