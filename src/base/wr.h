/* SPDX-License-Identifier: ISC
 *
 * The bounded writer: the mirror of rd.h. Writes big-endian into a buffer of fixed size; the first write
 * that does not fit sets a sticky error and from then on nothing is written. The caller owns the bytes.
 */
#ifndef FLOWBRAID_BASE_WR_H
#define FLOWBRAID_BASE_WR_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct wr {
	uint8_t *base;
	uint8_t *at;
	uint8_t *end;
	bool failed;
};

static inline struct wr
wr_init(void *bytes, size_t size)
{
	uint8_t *b = bytes;

	return (struct wr){.base = b, .at = b, .end = b + size, .failed = false};
}

static inline bool
wr_ok(const struct wr *w)
{
	return !w->failed;
}

/* Bytes written so far. */
static inline size_t
wr_len(const struct wr *w)
{
	return (size_t)(w->at - w->base);
}

static inline size_t
wr_left(const struct wr *w)
{
	return (size_t)(w->end - w->at);
}

/* Room for len bytes that the caller fills at once, or NULL when there is not as much. */
static inline uint8_t *
wr_room(struct wr *w, size_t len)
{
	uint8_t *p = w->at;

	if (__builtin_expect(w->failed || (size_t)(w->end - w->at) < len, 0)) {
		w->failed = true;
		return NULL;
	}
	w->at += len;
	return p;
}

/* The last len bytes of what wr_room gave were not needed. */
static inline void
wr_back(struct wr *w, size_t len)
{
	if (len <= wr_len(w))
		w->at -= len;
}

/* The copies test for room themselves: a test of wr_room's answer against NULL is one that compilers cannot
 * drop where the size is known. */
static inline void
wr_bytes(struct wr *w, const void *src, size_t len)
{
	if (__builtin_expect(w->failed || (size_t)(w->end - w->at) < len, 0)) {
		w->failed = true;
		return;
	}
	if (len > 0)
		memcpy(w->at, src, len);
	w->at += len;
}

static inline void
wr_zeros(struct wr *w, size_t len)
{
	if (__builtin_expect(w->failed || (size_t)(w->end - w->at) < len, 0)) {
		w->failed = true;
		return;
	}
	if (len > 0)
		memset(w->at, 0, len);
	w->at += len;
}

static inline void
wr_u8(struct wr *w, uint8_t v)
{
	wr_bytes(w, &v, 1);
}

static inline void
wr_u16(struct wr *w, uint16_t v)
{
	uint16_t be = htobe16(v);

	wr_bytes(w, &be, sizeof(be));
}

static inline void
wr_u32(struct wr *w, uint32_t v)
{
	uint32_t be = htobe32(v);

	wr_bytes(w, &be, sizeof(be));
}

static inline void
wr_u64(struct wr *w, uint64_t v)
{
	uint64_t be = htobe64(v);

	wr_bytes(w, &be, sizeof(be));
}

#endif
