/* SPDX-License-Identifier: ISC
 *
 * The hash index against a plain array, through growth, collisions, removals and reuse of tombstones.
 */
#include "base/hash.h"

#include "tests/tap.h"

#define VALUES 5000
#define HASHES 700

static uint64_t hash_of_value[VALUES];
static bool present[VALUES];

static uint64_t
spread(uint64_t i)
{
	return hash_bytes(&i, sizeof(i));
}

/* Every present value is found under its hash once, and nothing else is. */
static unsigned
count_wrong(const struct hash *h)
{
	static unsigned seen[VALUES];
	unsigned wrong = 0;

	memset(seen, 0, sizeof(seen));
	for (uint64_t i = 0; i < HASHES; i++) {
		struct hash_probe p;

		for (uint32_t v = hash_first(h, spread(i), &p); v != HASH_NONE; v = hash_next(h, &p)) {
			if (v >= VALUES || hash_of_value[v] != spread(i))
				wrong++;
			else
				seen[v]++;
		}
	}
	for (unsigned i = 0; i < VALUES; i++)
		wrong += seen[i] != (present[i] ? 1 : 0);
	return wrong;
}

/* Keys that are chosen to stand side by side in an index of 65,536 slots. */
static void
seeds(void)
{
	unsigned chosen = 0, together = 0;

	for (uint64_t key = 0; chosen < 1000; key++) {
		uint64_t hv = hash_bytes_seeded(&key, sizeof(key), 1), other;

		if (((hv ^ hv >> 32) & 0xffff) >= 64)
			continue;
		chosen++;
		other = hash_bytes_seeded(&key, sizeof(key), 2);
		together += ((other ^ other >> 32) & 0xffff) < 64;
	}
	ok(together < 50, "keys that collide under one seed do not under another");
}

int
main(void)
{
	struct hash h = {0};
	struct hash_probe p;
	unsigned failed = 0;
	size_t before;

	ok(hash_first(&h, 1, &p) == HASH_NONE, "an unused index is empty");
	hash_remove(&h, 1, 1);
	for (uint32_t v = 0; v < VALUES; v++) {
		hash_of_value[v] = spread(v * 31 % HASHES);
		failed += hash_add(&h, hash_of_value[v], v) != ERR_OK;
		present[v] = true;
	}
	is_u64(failed, 0, "values added");
	is_u64(h.used, VALUES, "values counted");
	is_u64(count_wrong(&h), 0, "all are found, several under one hash");
	for (uint32_t v = 0; v < VALUES; v += 3) {
		hash_remove(&h, hash_of_value[v], v);
		present[v] = false;
	}
	hash_remove(&h, hash_of_value[0], 0);
	is_u64(h.used, VALUES - (VALUES + 2) / 3, "values counted after removal");
	is_u64(count_wrong(&h), 0, "the others are still found");
	before = h.mask;
	for (unsigned round = 0; round < 100000; round++) {
		failed += hash_add(&h, hash_of_value[1], 0) != ERR_OK;
		hash_remove(&h, hash_of_value[1], 0);
	}
	ok(failed == 0 && h.mask == before, "adding and removing over and over does not grow the index");
	is_u64(count_wrong(&h), 0, "and loses nothing");
	for (uint32_t v = 0; v < VALUES; v++)
		hash_remove(&h, hash_of_value[v], v);
	for (size_t i = 0; i <= h.mask; i++)
		failed += h.slots[i].value != HASH_NONE;
	ok(failed == 0 && h.used == 0, "what is removed leaves no trace that searches would walk over");
	hash_clear(&h);
	seeds();
	ok(hash_first(&h, hash_of_value[1], &p) == HASH_NONE && h.slots == NULL, "a cleared index is empty");
	return done_testing();
}
