/* SPDX-License-Identifier: ISC
 *
 * The hash index: linear probing over slots of 8 bytes, so that a look-up usually touches one cache line
 * here and one at the caller. A value's home slot follows from its tag alone, so growing needs no keys, and neither does
 * removing: the values behind a hole move up to where a search would now look for them.
 */
#include "base/hash.h"

#include <xxhash.h>

#include "base/spill.h"

#define HASH_FIRST_SLOTS 64

static uint32_t
hash_tag(uint64_t hv)
{
	return (uint32_t)(hv ^ (hv >> 32));
}

static void
slot_put(struct hash_slot *slots, size_t mask, struct hash_slot s)
{
	size_t at = s.tag & mask;

	while (slots[at].value != HASH_NONE)
		at = (at + 1) & mask;
	slots[at] = s;
}

static enum err
hash_grow(struct hash *h)
{
	size_t old = h->slots != NULL ? h->mask + 1 : 0;
	size_t count = old == 0 ? HASH_FIRST_SLOTS : old * 2;
	struct hash_slot *slots = spill_alloc(count * sizeof(*slots));

	if (slots == NULL)
		return ERR_MEMORY;
	for (size_t i = 0; i < count; i++)
		slots[i].value = HASH_NONE;
	for (size_t i = 0; i < old; i++) {
		if (h->slots[i].value != HASH_NONE)
			slot_put(slots, count - 1, h->slots[i]);
	}
	spill_free(h->slots);
	h->slots = slots;
	h->mask = count - 1;
	return ERR_OK;
}

void
hash_clear(struct hash *h)
{
	spill_free(h->slots);
	*h = (struct hash){0};
}

enum err
hash_add(struct hash *h, uint64_t hv, uint32_t value)
{
	enum err e;

	if (h->slots == NULL || h->used >= (h->mask + 1) / 4 * 3) {
		e = hash_grow(h);
		if (e != ERR_OK)
			return e;
	}
	slot_put(h->slots, h->mask, (struct hash_slot){.tag = hash_tag(hv), .value = value});
	h->used++;
	return ERR_OK;
}

uint32_t
hash_first(const struct hash *h, uint64_t hv, struct hash_probe *p)
{
	p->tag = hash_tag(hv);
	p->at = p->tag & h->mask;
	return h->slots != NULL ? hash_next(h, p) : HASH_NONE;
}

uint32_t
hash_next(const struct hash *h, struct hash_probe *p)
{
	for (;;) {
		struct hash_slot s = h->slots[p->at];

		if (s.value == HASH_NONE)
			return HASH_NONE;
		p->at = (p->at + 1) & h->mask;
		if (s.tag == p->tag)
			return s.value;
	}
}

static void
slot_clear(struct hash *h, size_t hole)
{
	for (size_t at = (hole + 1) & h->mask; h->slots[at].value != HASH_NONE; at = (at + 1) & h->mask) {
		size_t home = h->slots[at].tag & h->mask;

		if (((at - home) & h->mask) >= ((at - hole) & h->mask)) { /* the hole lies on its way */
			h->slots[hole] = h->slots[at];
			hole = at;
		}
	}
	h->slots[hole].value = HASH_NONE;
}

void
hash_remove(struct hash *h, uint64_t hv, uint32_t value)
{
	struct hash_probe p;
	uint32_t v;

	for (v = hash_first(h, hv, &p); v != HASH_NONE; v = hash_next(h, &p)) {
		if (v != value)
			continue;
		slot_clear(h, (p.at - 1) & h->mask); /* the probe stands behind it */
		h->used--;
		return;
	}
}

uint64_t
hash_bytes(const void *bytes, size_t len)
{
	return XXH3_64bits(bytes, len);
}

uint64_t
hash_bytes_seeded(const void *bytes, size_t len, uint64_t seed)
{
	return XXH3_64bits_withSeed(bytes, len, seed);
}
