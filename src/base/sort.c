/* SPDX-License-Identifier: ISC
 *
 * See sort.h. Merge sort from the top.
 */
#include "base/sort.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/spill.h"

#define FEW 12 /* elements: insertion is faster */

struct sorting {
	size_t size;
	sort_cmp cmp;
	const void *ctx;
	uint8_t *scratch; /* owned; half of the array */
};

static bool
in_order(const struct sorting *s, const uint8_t *a, const uint8_t *b)
{
	return s->cmp(a, b, s->ctx) <= 0;
}

static void
insert(const struct sorting *s, uint8_t *at, size_t count)
{
	size_t size = s->size;

	for (size_t i = 1; i < count; i++) {
		size_t k = i;

		while (k > 0 && !in_order(s, at + (k - 1) * size, at + i * size))
			k--;
		if (k < i) {
			memcpy(s->scratch, at + i * size, size);
			memmove(at + (k + 1) * size, at + k * size, (i - k) * size);
			memcpy(at + k * size, s->scratch, size);
		}
	}
}

/* Joins [0, left) and [left, count), each in order. Elements that stand right already are not moved. */
static void
join(const struct sorting *s, uint8_t *at, size_t left, size_t count)
{
	size_t size = s->size, kept = 0;
	const uint8_t *a, *a_end, *b = at + left * size, *b_end = at + count * size;
	uint8_t *out;

	if (in_order(s, b - size, b))
		return;
	for (size_t step = left; step > 0; step /= 2) { /* the longest beginning that stays, by bisection */
		while (kept + step <= left && in_order(s, at + (kept + step - 1) * size, b))
			kept += step;
	}
	memcpy(s->scratch, at + kept * size, (left - kept) * size);
	a = s->scratch;
	a_end = a + (left - kept) * size;
	out = at + kept * size;
	while (a < a_end && b < b_end) {
		if (in_order(s, a, b)) {
			memcpy(out, a, size);
			a += size;
		} else {
			memcpy(out, b, size);
			b += size;
		}
		out += size;
	}
	memcpy(out, a, (size_t)(a_end - a)); /* what is left of b stands right */
}

static void
sort(const struct sorting *s, uint8_t *at, size_t count)
{
	if (count <= FEW) {
		spill_pause();
		insert(s, at, count);
		return;
	}
	sort(s, at, count / 2);
	sort(s, at + count / 2 * s->size, count - count / 2);
	join(s, at, count / 2, count);
}

enum err
sort_array(void *base, size_t count, size_t size, sort_cmp cmp, const void *ctx)
{
	struct sorting s = {.size = size, .cmp = cmp, .ctx = ctx};
	size_t ordered = 1;

	while (ordered < count &&
	    in_order(&s, (uint8_t *)base + (ordered - 1) * size, (uint8_t *)base + ordered * size))
		ordered++;
	if (ordered >= count)
		return ERR_OK;
	s.scratch = spill_alloc((count / 2 + 1) * size);
	if (s.scratch == NULL)
		return errno == ENOMEM ? ERR_MEMORY : ERR_SYSTEM;
	sort(&s, base, count);
	spill_free(s.scratch);
	return ERR_OK;
}
