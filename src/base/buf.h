/* SPDX-License-Identifier: ISC
 *
 * A growable byte buffer with a sticky out-of-memory error: append freely, check once (buf_ok).
 * For text and for record bodies of unknown length. Not for the receive path.
 */
#ifndef FLOWBRAID_BASE_BUF_H
#define FLOWBRAID_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	uint8_t *data; /* owned */
	size_t len;
	size_t room;
	bool failed;
};

#define BUF_INIT \
	{ \
		.data = NULL \
	}

void buf_clear(struct buf *b); /* frees; the buffer can be used again */

/* Empties it and keeps the memory. */
static inline void
buf_reset(struct buf *b)
{
	b->len = 0;
}

static inline bool
buf_ok(const struct buf *b)
{
	return !b->failed;
}

/* Room for len more bytes at the end, already counted in b->len; NULL when memory is out. */
uint8_t *buf_room(struct buf *b, size_t len);

void buf_bytes(struct buf *b, const void *src, size_t len);
void buf_u8(struct buf *b, uint8_t v);
void buf_u16(struct buf *b, uint16_t v); /* big-endian, like wr.h */
void buf_u32(struct buf *b, uint32_t v);
void buf_u64(struct buf *b, uint64_t v);
void buf_text(struct buf *b, const char *text); /* without its NUL */
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_decimal(struct buf *b, uint64_t v); /* fast decimal */

#endif
