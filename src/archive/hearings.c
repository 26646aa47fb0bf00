/* SPDX-License-Identifier: ISC
 *
 * See hearings.h.
 */
#include "archive/hearings.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/json.h"

enum err
hearings_note_life(struct hearings *h, const struct source *id, int64_t first_ns)
{
	if (array_grow(h->lives, h->life_room, h->life_count) != ERR_OK)
		return ERR_MEMORY;
	h->lives[h->life_count++] = (struct known_life){.id = *id, .first_ns = first_ns};
	return ERR_OK;
}

static int
life_cmp(const void *a, const void *b)
{
	return source_cmp(&((const struct known_life *)a)->id, &((const struct known_life *)b)->id);
}

/* A source that was noted several times began with the earliest. */
static void
join(struct hearings *h)
{
	size_t n = 0;

	for (size_t i = 0; i < h->life_count; i++) {
		if (n > 0 && life_cmp(&h->lives[n - 1], &h->lives[i]) == 0) {
			if (h->lives[i].first_ns < h->lives[n - 1].first_ns)
				h->lives[n - 1].first_ns = h->lives[i].first_ns;
		} else {
			h->lives[n++] = h->lives[i];
		}
	}
	h->life_count = n;
}

enum err
hearings_number(struct hearings *h)
{
	struct life *lives;
	enum err e;

	if (h->life_count == 0)
		return ERR_OK;
	qsort(h->lives, h->life_count, sizeof(*h->lives), life_cmp);
	join(h);
	lives = calloc(h->life_count, sizeof(*lives));
	if (lives == NULL)
		return ERR_MEMORY;
	for (size_t i = 0; i < h->life_count; i++)
		lives[i] = (struct life){.id = &h->lives[i].id, .first_ns = h->lives[i].first_ns};
	e = life_number(lives, h->life_count);
	for (size_t i = 0; i < h->life_count; i++)
		h->lives[i].number = lives[i].number;
	free(lives);
	return e;
}

void
hearings_forget_lives(struct hearings *h)
{
	h->life_count = 0;
}

enum err
hearings_add(struct hearings *h, const struct source *id, const struct witness *w)
{
	struct known_life key = {.id = *id};
	const struct known_life *life = h->life_count > 0
	    ? bsearch(&key, h->lives, h->life_count, sizeof(*h->lives), life_cmp)
	    : NULL;

	if (array_grow(h->list, h->room, h->count) != ERR_OK)
		return ERR_MEMORY;
	h->list[h->count++] = (struct hearing){.id = id, .life = life != NULL ? life->number : 0, .w = *w};
	return ERR_OK;
}

void
hearings_reset(struct hearings *h)
{
	h->count = 0;
}

static int
hearing_cmp(const void *va, const void *vb)
{
	const struct hearing *a = va, *b = vb;
	int c = strcmp(a->id->node, b->id->node);

	if (c == 0)
		c = a->id->lane - b->id->lane;
	if (c == 0 && a->life != b->life)
		c = a->life < b->life ? -1 : 1;
	if (c == 0 && a->w.sequence != b->w.sequence)
		c = a->w.sequence < b->w.sequence ? -1 : 1;
	return c != 0 ? c : (a->w.time_ns > b->w.time_ns) - (a->w.time_ns < b->w.time_ns);
}

static void
put_in_order(struct hearings *h)
{
	if (h->count > 1)
		qsort(h->list, h->count, sizeof(*h->list), hearing_cmp);
}

void
hearings_json(struct hearings *h, struct buf *out)
{
	char text[WALL_TEXT_SIZE];
	struct json j;

	put_in_order(h);
	json_init(&j, out);
	json_array(&j);
	for (size_t i = 0; i < h->count; i++) {
		const struct hearing *one = &h->list[i];

		json_object(&j);
		json_put_text(&j, "node", one->id->node);
		json_put_u64(&j, "lane", one->id->lane);
		if (one->life > 0)
			json_put_u64(&j, "life", one->life);
		json_put_u64(&j, "record", one->w.sequence);
		json_put_text(&j, "received", wall_text((wall_t){one->w.time_ns}, 9, text));
		json_put_u64(&j, "listener", one->w.listener);
		json_end(&j);
	}
	json_end(&j);
}

void
hearings_text(struct hearings *h, struct buf *out)
{
	char text[WALL_TEXT_SIZE];

	put_in_order(h);
	for (size_t i = 0; i < h->count; i++) {
		const struct hearing *one = &h->list[i];

		buf_printf(out, "    heard by node %s, lane %u", one->id->node, one->id->lane);
		if (one->life > 0)
			buf_printf(out, ", life %" PRIu32, one->life);
		buf_printf(out, ", record %" PRIu64 ", %s, listener %u\n", one->w.sequence,
		    wall_text((wall_t){one->w.time_ns}, 9, text), one->w.listener);
	}
}

void
hearings_clear(struct hearings *h)
{
	free(h->list);
	free(h->lives);
	*h = (struct hearings){.list = NULL};
}
