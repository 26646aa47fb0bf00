/* SPDX-License-Identifier: ISC
 *
 * See seq_samples.h. Open addressing, at most half full where it can grow; nothing is ever taken out, only all at once.
 */
#include "flow/seq_samples.h"

#include <stdlib.h>
#include <string.h>

#include "flow/seq.h"

#define ROOM_FIRST 16
#define AHEAD_MOST 65536 /* a step that is wider is the beginning of another numbering */

struct seq_source {
	uint32_t source_class, index;
	uint32_t sequence; /* the highest */
	uint32_t drops, pool;
	uint8_t kind; /* of sflow_kind, from 1; 0: free */
};

static struct seq_source *
find(struct seq_source *all, uint32_t room, const struct seq_source *key)
{
	uint32_t at = (key->index * 2654435761u) ^ (key->source_class * 40503u) ^ key->kind;

	for (uint32_t i = 0; i < room; i++) {
		struct seq_source *s = &all[(at + i) & (room - 1)];

		if (s->kind == 0 ||
		    (s->kind == key->kind && s->index == key->index && s->source_class == key->source_class))
			return s;
	}
	return NULL;
}

static bool
grow(struct seq_samples *s, struct seq_sources_room *room)
{
	uint32_t want = s->room > 0 ? 2 * s->room : ROOM_FIRST;
	struct seq_source *all;

	if (want > SEQ_SOURCES_MOST || want - s->room > room->most - room->used ||
	    (all = calloc(want, sizeof(*all))) == NULL)
		return false;
	for (uint32_t i = 0; i < s->room; i++) {
		if (s->all[i].kind != 0)
			*find(all, want, &s->all[i]) = s->all[i];
	}
	free(s->all);
	room->used += want - s->room;
	s->all = all;
	s->room = want;
	return true;
}

/* Its place, made where there is none. NULL: no room. *ret_new: it is not filled yet. */
static struct seq_source *
place(struct seq_samples *s, struct seq_sources_room *room, const struct seq_source *key, bool *ret_new)
{
	struct seq_source *found = find(s->all, s->room, key);

	*ret_new = found == NULL || found->kind == 0;
	if (!*ret_new)
		return found;
	if (2 * (s->count + 1) > s->room && grow(s, room))
		found = find(s->all, s->room, key);
	return found;
}

/* So many samples further. A pool that stands still or falls is none. */
static void
take_pool(struct seq_samples *s, uint32_t from, const struct sflow_sample *sample, uint32_t step)
{
	int32_t packets = seq_diff(from, sample->pool);

	if (sample->kind != SFLOW_FLOW || packets <= 0)
		return;
	s->taken += step;
	s->pool += (uint32_t)packets;
	s->scaled += (uint64_t)step * sample->rate;
}

void
seq_samples_take(struct seq_samples *s, struct seq_sources_room *room, const struct sflow_sample *sample)
{
	const struct seq_source key = {.source_class = sample->source_class,
	    .index = sample->source_index,
	    .sequence = sample->sequence,
	    .drops = sample->drops,
	    .pool = sample->pool,
	    .kind = (uint8_t)(sample->kind + 1)};
	bool new;
	struct seq_source *source = place(s, room, &key, &new);
	int32_t step, drops;

	s->heard++;
	if (source == NULL) {
		s->unfollowed++;
		return;
	}
	if (new) {
		*source = key;
		s->count++;
		return;
	}
	step = seq_diff(source->sequence, key.sequence);
	drops = seq_diff(source->drops, key.drops);
	if (step > AHEAD_MOST || step < -AHEAD_MOST) {
		*source = key;
		return;
	}
	if (step <= 0) { /* it was counted as missing */
		s->missing -= s->missing > 0;
		return;
	}
	s->missing += (uint32_t)step - 1;
	if (drops > 0)
		s->dropped += (uint32_t)drops;
	take_pool(s, source->pool, sample, (uint32_t)step);
	source->sequence = key.sequence;
	source->pool = key.pool;
	source->drops = key.drops;
}

void
seq_samples_restart(struct seq_samples *s)
{
	if (s->count > 0)
		memset(s->all, 0, s->room * sizeof(*s->all));
	s->count = 0;
}

void
seq_samples_clear(struct seq_samples *s, struct seq_sources_room *room)
{
	free(s->all);
	room->used -= s->room;
	*s = (struct seq_samples){.all = NULL};
}
