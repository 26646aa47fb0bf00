/* SPDX-License-Identifier: ISC
 *
 * See overlap.h. Sources are put in order of node, lane and beginning; then one pass keeps the latest end.
 */
#include "cluster/overlap.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/msg.h"

static bool
same_lane(const struct source *a, const struct source *b)
{
	return strcmp(a->node, b->node) == 0 && a->lane == b->lane;
}

static int
by_beginning(const void *va, const void *vb)
{
	const struct pool_source *a = *(const struct pool_source *const *)va;
	const struct pool_source *b = *(const struct pool_source *const *)vb;
	int c = strcmp(a->id.node, b->id.node);

	if (c == 0)
		c = a->id.lane - b->id.lane;
	if (c == 0 && a->first_ns != b->first_ns)
		c = a->first_ns < b->first_ns ? -1 : 1;
	return c != 0 ? c : source_cmp(&a->id, &b->id);
}

static enum err
note(struct overlaps *o, const struct pool_source *s, int64_t until)
{
	if (array_grow(o->list, o->room, o->count) != ERR_OK)
		return ERR_MEMORY;
	o->list[o->count++] = (struct overlap){
	    .source = &s->id, .from_ns = s->first_ns, .to_ns = until < s->last_ns ? until : s->last_ns};
	return ERR_OK;
}

enum err
overlap_find(const struct pool *p, struct overlaps *ret)
{
	const struct pool_source **order = malloc((p->source_count + 1) * sizeof(*order));
	struct overlaps o = {.list = NULL};
	size_t n = 0;
	int64_t until = INT64_MIN;
	enum err e = ERR_OK;

	if (order == NULL)
		return ERR_MEMORY;
	for (size_t i = 0; i < p->source_count; i++) {
		if (p->sources[i].first_ns <= p->sources[i].last_ns) /* else it has no times */
			order[n++] = &p->sources[i];
	}
	qsort(order, n, sizeof(*order), by_beginning);
	for (size_t i = 0; i < n && e == ERR_OK; i++) {
		if (i == 0 || !same_lane(&order[i - 1]->id, &order[i]->id))
			until = INT64_MIN;
		if (order[i]->first_ns < until)
			e = note(&o, order[i], until);
		if (order[i]->last_ns > until)
			until = order[i]->last_ns;
	}
	free(order);
	if (e != ERR_OK) {
		overlap_clear(&o);
		return e;
	}
	*ret = o;
	return ERR_OK;
}

void
overlap_clear(struct overlaps *o)
{
	free(o->list);
	*o = (struct overlaps){.list = NULL};
}

void
overlap_json(const struct overlaps *o, struct json *j)
{
	char text[WALL_TEXT_SIZE];

	json_array(j);
	for (size_t i = 0; i < o->count; i++) {
		json_object(j);
		json_put_text(j, "node", o->list[i].source->node);
		json_put_u64(j, "lane", o->list[i].source->lane);
		json_put_text(j, "from", wall_text((wall_t){o->list[i].from_ns}, 9, text));
		json_put_text(j, "to", wall_text((wall_t){o->list[i].to_ns}, 9, text));
		json_end(j);
	}
	json_end(j);
}

void
overlap_warn(const struct overlaps *o)
{
	const size_t most = 8;
	char from[WALL_TEXT_SIZE], to[WALL_TEXT_SIZE];

	for (size_t i = 0; i < o->count && i < most; i++) {
		msg_warn(
		    "node %s lane %u: two collectors recorded at a time, from %s to %s: do two hosts use one "
		    "name, or was the clock set back?",
		    o->list[i].source->node, o->list[i].source->lane,
		    wall_text((wall_t){o->list[i].from_ns}, 3, from),
		    wall_text((wall_t){o->list[i].to_ns}, 3, to));
	}
	if (o->count > most)
		msg_warn("nodes: %zu more such overlaps", o->count - most);
}
