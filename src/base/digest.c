/* SPDX-License-Identifier: ISC
 *
 * SHA-256 and XXH3-128. SHA-256 goes through OpenSSL's SHA256_* and not through EVP: these neither
 * allocate nor fail, and run the same machine code.
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "base/digest.h"

#include <inttypes.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

struct sha256_ctx {
	SHA256_CTX sha;
};

struct digest128_ctx {
	XXH3_state_t *xxh; /* owned */
};

struct sha256
sha256_of(const void *bytes, size_t len)
{
	struct sha256_ctx c;

	sha256_start(&c);
	sha256_add(&c, bytes, len);
	return sha256_end(&c);
}

struct sha256_ctx *
sha256_new(void)
{
	struct sha256_ctx *c = malloc(sizeof(*c));

	if (c != NULL)
		sha256_start(c);
	return c;
}

void
sha256_free(struct sha256_ctx *c)
{
	free(c);
}

void
sha256_start(struct sha256_ctx *c)
{
	(void)SHA256_Init(&c->sha);
}

void
sha256_add(struct sha256_ctx *c, const void *bytes, size_t len)
{
	if (len > 0)
		(void)SHA256_Update(&c->sha, bytes, len);
}

struct sha256
sha256_end(struct sha256_ctx *c)
{
	struct sha256 d;

	(void)SHA256_Final(d.b, &c->sha);
	return d;
}

char *
sha256_text(const struct sha256 *d, char out[SHA256_TEXT_SIZE])
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < SHA256_SIZE; i++) {
		out[2 * i] = hex[d->b[i] >> 4];
		out[2 * i + 1] = hex[d->b[i] & 15];
	}
	out[2 * SHA256_SIZE] = '\0';
	return out;
}

struct digest128
digest128_of(const void *bytes, size_t len)
{
	return digest128_seeded(bytes, len, 0);
}

struct digest128
digest128_seeded(const void *bytes, size_t len, uint64_t seed)
{
	XXH128_hash_t h = XXH3_128bits_withSeed(bytes, len, seed);

	return (struct digest128){.hi = h.high64, .lo = h.low64};
}

char *
digest128_text(const struct digest128 *d, char out[DIGEST128_TEXT_SIZE])
{
	snprintf(out, DIGEST128_TEXT_SIZE, "%016" PRIx64 "%016" PRIx64, d->hi, d->lo);
	return out;
}

struct digest128_ctx *
digest128_new(void)
{
	struct digest128_ctx *c = malloc(sizeof(*c));

	if (c == NULL)
		return NULL;
	c->xxh = XXH3_createState();
	if (c->xxh == NULL) {
		free(c);
		return NULL;
	}
	digest128_start(c);
	return c;
}

void
digest128_free(struct digest128_ctx *c)
{
	if (c == NULL)
		return;
	(void)XXH3_freeState(c->xxh);
	free(c);
}

void
digest128_start(struct digest128_ctx *c)
{
	(void)XXH3_128bits_reset(c->xxh);
}

void
digest128_add(struct digest128_ctx *c, const void *bytes, size_t len)
{
	if (len > 0)
		(void)XXH3_128bits_update(c->xxh, bytes, len);
}

struct digest128
digest128_end(const struct digest128_ctx *c)
{
	XXH128_hash_t h = XXH3_128bits_digest(c->xxh);

	return (struct digest128){.hi = h.high64, .lo = h.low64};
}
