/* SPDX-License-Identifier: ISC
 *
 * A hash index: from a 64-bit hash to numbers that the caller gave (positions in an array of its own).
 * It holds no keys: the caller compares. Open addressing, grows by doubling, never shrinks, and does not age:
 * what is removed leaves no trace.
 *
 *	for (v = hash_first(h, hv, &p); v != HASH_NONE; v = hash_next(h, &p)) ...
 */
#ifndef FLOWBRAID_BASE_HASH_H
#define FLOWBRAID_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define HASH_NONE UINT32_MAX

struct hash_slot {
	uint32_t tag;
	uint32_t value;
}; /* value HASH_NONE: free */

struct hash {
	struct hash_slot *slots; /* owned; zero-initialise the struct before first use */
	size_t mask;             /* slots - 1; 0 before first use */
	size_t used;             /* values held */
};

/* A walk over the values whose hash agrees in 32 bits; start with hash_first. */
struct hash_probe {
	size_t at;
	uint32_t tag;
};

void hash_clear(struct hash *h);
enum err hash_add(struct hash *h, uint64_t hv, uint32_t value) WARN_UNUSED;   /* value < HASH_NONE */
uint32_t hash_first(const struct hash *h, uint64_t hv, struct hash_probe *p); /* HASH_NONE: none */
uint32_t hash_next(const struct hash *h, struct hash_probe *p);
void hash_remove(struct hash *h, uint64_t hv, uint32_t value);

uint64_t hash_bytes(const void *bytes, size_t len); /* XXH3-64 */
/* For keys that the network chooses: who does not know the seed cannot choose them to collide. */
uint64_t hash_bytes_seeded(const void *bytes, size_t len, uint64_t seed);

#endif
