/* SPDX-License-Identifier: ISC
 *
 * A window that slides over a file, for log/check: bytes are read ahead a piece at a time, small enough that
 * they are still in the cache when their CRC is computed. Nothing is mapped into memory: whoever writes the
 * file may cut it at any time.
 *
 * SHA-256 is computed on the way, of the bytes before `settled`, each chunk by itself and then over the
 * chunks' digests.
 */
#ifndef FLOWBRAID_LOG_WINDOW_H
#define FLOWBRAID_LOG_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/err.h"

struct window {
	int fd;           /* the caller's */
	uint64_t size;    /* of the file; becomes less when the file turns out to */
	uint64_t settled; /* the caller's: what stands before may be hashed */
	size_t ahead;     /* the caller's, if it wants less: bytes that are read at once */
	bool failed;      /* reading failed; saved_errno says why */
	int saved_errno;
	uint8_t *bytes; /* owned */
	uint64_t base;  /* offset in the file of bytes[0] */
	size_t len;
	uint64_t hashed;          /* offset in the file */
	struct sha256_ctx *chunk; /* owned; NULL: no hashing. Of the chunk that hashed lies in */
	struct sha256_ctx *total; /* owned; over the digests of the chunks before it */
};

enum err window_init(struct window *w, int fd, uint64_t size, bool hash) WARN_UNUSED; /* ERR_MEMORY */
void window_clear(struct window *w);

/* See window_view. */
bool window_move(struct window *w, uint64_t offset, size_t len);

/* The bytes at a place, until the next call; NULL when the file ends before, or reading failed. At most a
 * record's size at once. */
static inline const uint8_t *
window_view(struct window *w, uint64_t offset, size_t len)
{
	if (__builtin_expect(offset < w->base || offset + len > w->base + w->len, 0)) {
		if (!window_move(w, offset, len))
			return NULL;
	}
	return w->bytes + (offset - w->base);
}

/* The file has another length now; of what was read only the bytes before a place still hold. */
void window_grow(struct window *w, uint64_t valid, uint64_t size);

/* True when nothing but zeros stands behind a place. */
bool window_rest_is_zero(struct window *w, uint64_t from);

/* Ends the hashing at a place; false when reading failed. Only with hash, and once. */
bool window_digest(struct window *w, uint64_t end, struct sha256 *ret);

#endif
