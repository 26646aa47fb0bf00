/* SPDX-License-Identifier: ISC
 *
 * sort_array against what must hold: order, stability, nothing lost; for orders that it meets often.
 */
#include "base/sort.h"

#include "tests/tap.h"

#define MOST 5000

struct element {
	uint32_t key, place;
	char more[28]; /* no power of two */
};

static struct element v[MOST];
static uint64_t compared;

static int
by_key(const void *va, const void *vb, const void *ctx)
{
	const struct element *a = va, *b = vb;

	compared += ctx == v;
	return a->key < b->key ? -1 : a->key > b->key;
}

static uint32_t
chance(void)
{
	static uint64_t state = 88172645463325252u;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 16);
}

/* Equal keys stay in order of their places, and each place is there once. */
static bool
is_right(uint32_t count, uint64_t sum)
{
	static bool seen[MOST];

	memset(seen, 0, sizeof(seen));
	for (uint32_t i = 0; i < count; i++) {
		if (i > 0 &&
		    (v[i - 1].key > v[i].key || (v[i - 1].key == v[i].key && v[i - 1].place > v[i].place)))
			return false;
		if (v[i].place >= count || seen[v[i].place] || v[i].more[27] != (char)v[i].place)
			return false;
		seen[v[i].place] = true;
		sum -= v[i].key;
	}
	return sum == 0;
}

enum shape { RANDOM, FEW_KEYS, ORDERED, REVERSED, TWO_RUNS, NEARLY, SHAPES };

static uint32_t
key(enum shape shape, uint32_t i, uint32_t count)
{
	switch (shape) {
	case RANDOM:
		return chance();
	case FEW_KEYS:
		return chance() % 4;
	case ORDERED:
		return i / 2;
	case REVERSED:
		return count - i / 2;
	case TWO_RUNS:
		return i < count / 3 ? 2 * i : 3 * (i - count / 3);
	default:
		return i + chance() % 10;
	}
}

int
main(void)
{
	static const char *const names[] = {
	    "random", "few keys", "ordered", "reversed", "two runs", "nearly ordered"};

	for (enum shape shape = RANDOM; shape < SHAPES; shape++) {
		bool right = true;

		for (uint32_t count = 0; count <= MOST && right; count += count < 70 ? 1 : 493) {
			uint64_t sum = 0;

			for (uint32_t i = 0; i < count; i++) {
				v[i] = (struct element){.key = key(shape, i, count), .place = i};
				v[i].more[27] = (char)i;
				sum += v[i].key;
			}
			right = sort_array(v, count, sizeof(*v), by_key, v) == ERR_OK && is_right(count, sum);
			ok(right, "%s, %u elements", names[shape], count);
		}
	}
	for (uint32_t i = 0; i < MOST; i++)
		v[i].key = i;
	compared = 0;
	ok(sort_array(v, MOST, sizeof(*v), by_key, v) == ERR_OK && compared == MOST - 1,
	    "what is in order is compared once");
	return done_testing();
}
