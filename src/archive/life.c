/* SPDX-License-Identifier: ISC
 *
 * See life.h.
 */
#include "archive/life.h"

#include <stdlib.h>
#include <string.h>

static bool
same_lane(const struct source *a, const struct source *b)
{
	return a->lane == b->lane && strcmp(a->node, b->node) == 0;
}

static int
by_beginning(const void *va, const void *vb)
{
	const struct life *a = *(struct life *const *)va, *b = *(struct life *const *)vb;
	int c = strcmp(a->id->node, b->id->node);

	if (c == 0)
		c = a->id->lane - b->id->lane;
	if (c == 0 && a->first_ns != b->first_ns)
		c = a->first_ns < b->first_ns ? -1 : 1;
	return c != 0 ? c : source_cmp(a->id, b->id);
}

enum err
life_number(struct life *lives, size_t count)
{
	struct life **order = malloc((count + 1) * sizeof(*order));

	if (order == NULL)
		return ERR_MEMORY;
	for (size_t i = 0; i < count; i++)
		order[i] = &lives[i];
	qsort(order, count, sizeof(*order), by_beginning);
	for (size_t i = 0; i < count; i++)
		order[i]->number = i > 0 && same_lane(order[i - 1]->id, order[i]->id)
		    ? order[i - 1]->number + 1
		    : 1;
	free(order);
	return ERR_OK;
}

enum err
life_of_pool(const struct pool *p, struct life **ret)
{
	struct life *lives = calloc(p->source_count + 1, sizeof(*lives));
	enum err e;

	if (lives == NULL)
		return ERR_MEMORY;
	for (size_t i = 0; i < p->source_count; i++)
		lives[i] = (struct life){.id = &p->sources[i].id, .first_ns = p->sources[i].first_ns};
	e = life_number(lives, p->source_count);
	if (e == ERR_OK)
		*ret = lives;
	else
		free(lives);
	return e;
}
