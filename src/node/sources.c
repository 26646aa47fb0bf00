/* SPDX-License-Identifier: ISC
 *
 * Prefixes are nested or apart. Without those that lie in another one they are all apart, and the only one
 * that can hold an address is the last that begins at or before it: a binary search, however long the list.
 */
#include "node/sources.h"

#include <stdlib.h>
#include <string.h>

/* By address; of those that begin alike, the widest first. */
static int
compare(const void *a, const void *b)
{
	const struct prefix *x = a, *y = b;
	int c = addr_cmp(&x->addr, &y->addr);

	return c != 0 ? c : (int)x->bits - (int)y->bits;
}

enum err
sources_init(struct sources *s, const struct prefix *prefixes, size_t count)
{
	size_t kept = 0;

	*s = (struct sources){.prefixes = NULL};
	if (count == 0)
		return ERR_OK;
	s->prefixes = calloc(count, sizeof(*s->prefixes));
	if (s->prefixes == NULL)
		return ERR_MEMORY;
	memcpy(s->prefixes, prefixes, count * sizeof(*prefixes));
	qsort(s->prefixes, count, sizeof(*s->prefixes), compare);
	for (size_t i = 0; i < count; i++) {
		if (kept == 0 || !prefix_has(&s->prefixes[kept - 1], &s->prefixes[i].addr))
			s->prefixes[kept++] = s->prefixes[i];
	}
	s->count = kept;
	return ERR_OK;
}

void
sources_clear(struct sources *s)
{
	free(s->prefixes);
	*s = (struct sources){.prefixes = NULL};
}

bool
sources_permit(const struct sources *s, const struct addr *a)
{
	size_t from = 0, to = s->count;

	if (s->count == 0)
		return true;
	while (from < to) { /* the first prefix that begins behind the address */
		size_t middle = from + (to - from) / 2;

		if (addr_cmp(&s->prefixes[middle].addr, a) <= 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from > 0 && prefix_has(&s->prefixes[from - 1], a);
}
