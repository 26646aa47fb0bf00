/* SPDX-License-Identifier: ISC
 *
 * The bounded reader: the only place where packet or file bytes are turned into numbers.
 *
 * Every read is checked against the end. The first read past it sets a sticky error; from then on all
 * reads give zeros and take nothing, so that a whole header is read first and checked once (rd_ok).
 * A nested part becomes a reader of its own (rd_sub) that cannot see what stands behind it.
 * All integers are big-endian. A reader owns nothing: the bytes must outlive it.
 */
#ifndef FLOWBRAID_BASE_RD_H
#define FLOWBRAID_BASE_RD_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct rd {
	const uint8_t *base; /* first byte that this reader may see */
	const uint8_t *at;   /* next byte to read */
	const uint8_t *end;  /* one past the last */
	bool failed;         /* a read went past the end */
};

static inline struct rd
rd_init(const void *bytes, size_t len)
{
	const uint8_t *b = bytes;

	if (b == NULL) { /* an empty buffer; NULL + 0 would be undefined */
		b = (const uint8_t *)"";
		return (struct rd){.base = b, .at = b, .end = b, .failed = false};
	}
	return (struct rd){.base = b, .at = b, .end = b + len, .failed = false};
}

static inline bool
rd_ok(const struct rd *r)
{
	return !r->failed;
}

/* Bytes not read yet. */
static inline size_t
rd_left(const struct rd *r)
{
	return (size_t)(r->end - r->at);
}

/* Bytes read so far. */
static inline size_t
rd_offset(const struct rd *r)
{
	return (size_t)(r->at - r->base);
}

/* Takes len bytes and returns where they begin, or NULL when there are not as many. */
static inline const uint8_t *
rd_bytes(struct rd *r, size_t len)
{
	const uint8_t *p = r->at;

	if (__builtin_expect(r->failed || (size_t)(r->end - r->at) < len, 0)) {
		r->failed = true;
		r->at = r->end;
		return NULL;
	}
	r->at += len;
	return p;
}

static inline void
rd_skip(struct rd *r, size_t len)
{
	(void)rd_bytes(r, len);
}

/* A reader over the next len bytes, which are taken from r. When there are not as many, both have failed. */
static inline struct rd
rd_sub(struct rd *r, size_t len)
{
	const uint8_t *p = rd_bytes(r, len);

	if (p == NULL)
		return (struct rd){.base = r->end, .at = r->end, .end = r->end, .failed = true};
	return rd_init(p, len);
}

/* Copies len bytes to dst; zeros when there are not as many. */
static inline void
rd_copy(struct rd *r, void *dst, size_t len)
{
	const uint8_t *p = rd_bytes(r, len);

	if (p != NULL)
		memcpy(dst, p, len);
	else
		memset(dst, 0, len);
}

/* Like rd_copy; apart from it so that compilers drop the tests where the size is known. */
static inline void
rd_fixed(struct rd *r, void *dst, size_t len)
{
	if (__builtin_expect(r->failed || (size_t)(r->end - r->at) < len, 0)) {
		r->failed = true;
		r->at = r->end;
		memset(dst, 0, len);
		return;
	}
	memcpy(dst, r->at, len);
	r->at += len;
}

static inline uint8_t
rd_u8(struct rd *r)
{
	uint8_t v;

	rd_fixed(r, &v, sizeof(v));
	return v;
}

static inline uint16_t
rd_u16(struct rd *r)
{
	uint16_t v;

	rd_fixed(r, &v, sizeof(v));
	return be16toh(v);
}

static inline uint32_t
rd_u32(struct rd *r)
{
	uint32_t v;

	rd_fixed(r, &v, sizeof(v));
	return be32toh(v);
}

static inline uint64_t
rd_u64(struct rd *r)
{
	uint64_t v;

	rd_fixed(r, &v, sizeof(v));
	return be64toh(v);
}

/* An unsigned number of 1 to 8 bytes (IPFIX reduced-size encoding, RFC 7011 section 6.2). */
static inline uint64_t
rd_uint(struct rd *r, size_t len)
{
	const uint8_t *p = len >= 1 && len <= 8 ? rd_bytes(r, len) : NULL;
	uint64_t v = 0;

	if (p == NULL) {
		r->failed = true;
		return 0;
	}
	for (size_t i = 0; i < len; i++)
		v = (v << 8) | p[i];
	return v;
}

#endif
