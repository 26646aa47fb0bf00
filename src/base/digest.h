/* SPDX-License-Identifier: ISC
 *
 * Two digests: SHA-256 (OpenSSL) where somebody must not be able to make two inputs alike (seals,
 * manifest), XXH3-128 (xxhash) where equal inputs are only to be found fast and are then compared.
 */
#ifndef FLOWBRAID_BASE_DIGEST_H
#define FLOWBRAID_BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#define SHA256_SIZE 32
#define SHA256_TEXT_SIZE 65

struct sha256 {
	uint8_t b[SHA256_SIZE];
};

/* One shot. */
struct sha256 sha256_of(const void *bytes, size_t len);

/* In pieces: the context is opaque, on the heap. new gives NULL when memory is out. */
struct sha256_ctx;
struct sha256_ctx *sha256_new(void);
void sha256_free(struct sha256_ctx *c);
void sha256_start(struct sha256_ctx *c);
void sha256_add(struct sha256_ctx *c, const void *bytes, size_t len);
struct sha256 sha256_end(struct sha256_ctx *c);

char *sha256_text(const struct sha256 *d, char out[SHA256_TEXT_SIZE]); /* lower-case hex; returns out */

struct digest128 {
	uint64_t hi, lo;
};

/* XXH3-128 with seed 0 over the canonical bytes given; hi and lo as XXH128_hash_t has them. */
struct digest128 digest128_of(const void *bytes, size_t len);
struct digest128 digest128_seeded(const void *bytes, size_t len, uint64_t seed);

#define DIGEST128_TEXT_SIZE 33
char *digest128_text(const struct digest128 *d, char out[DIGEST128_TEXT_SIZE]); /* hi first; returns out */

/* The same in pieces: the context is opaque, on the heap. new gives NULL when memory is out. */
struct digest128_ctx;
struct digest128_ctx *digest128_new(void);
void digest128_free(struct digest128_ctx *c);
void digest128_start(struct digest128_ctx *c);
void digest128_add(struct digest128_ctx *c, const void *bytes, size_t len);
struct digest128 digest128_end(const struct digest128_ctx *c);

static inline int
digest128_cmp(const struct digest128 *a, const struct digest128 *b)
{
	if (a->hi != b->hi)
		return a->hi < b->hi ? -1 : 1;
	return a->lo < b->lo ? -1 : a->lo > b->lo;
}

#endif
