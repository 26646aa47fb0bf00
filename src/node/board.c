/* SPDX-License-Identifier: ISC
 *
 * Two places in a memfd, written in turn. A number says which one was written last, and changes once a notice is
 * whole. A reader that is so slow that both were written meanwhile finds the wrong checksum.
 */
#include "node/board.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/crc32c.h"
#include "node/shared.h"

struct place {
	uint64_t len;
	uint32_t crc;
	uint8_t bytes[];
};

struct head {
	_Atomic uint64_t number; /* of the latest notice; 0: none yet */
};

struct board {
	size_t room, stride;
	struct shared memory;
};

#define HEAD_SIZE 64

enum err
board_new(size_t room, struct board **ret)
{
	struct board *b = calloc(1, sizeof(*b));
	enum err e;

	if (b == NULL)
		return ERR_MEMORY;
	b->room = room;
	b->stride = (sizeof(struct place) + room + 63) / 64 * 64;
	e = shared_new("board", HEAD_SIZE + 2 * b->stride, &b->memory);
	if (e != ERR_OK) {
		free(b);
		return e;
	}
	*ret = b;
	return ERR_OK;
}

void
board_for_writing(struct board *b)
{
	shared_for_writing(&b->memory);
}

void
board_for_reading(struct board *b)
{
	shared_for_reading(&b->memory);
}

void
board_free(struct board *b)
{
	if (b == NULL)
		return;
	shared_clear(&b->memory);
	free(b);
}

static struct place *
next_place(struct board *b)
{
	struct head *head = b->memory.write;
	uint64_t number = atomic_load_explicit(&head->number, memory_order_relaxed) + 1;

	return (void *)((uint8_t *)b->memory.write + HEAD_SIZE + (number & 1) * b->stride);
}

void *
board_begin(struct board *b, size_t *ret_room)
{
	*ret_room = b->room;
	return next_place(b)->bytes;
}

void
board_end(struct board *b, size_t len)
{
	struct head *head = b->memory.write;
	struct place *p = next_place(b);

	p->len = len;
	p->crc = crc32c(0, p->bytes, len);
	(void)atomic_fetch_add_explicit(&head->number, 1, memory_order_release);
}

enum err
board_put(struct board *b, const void *bytes, size_t len)
{
	if (len > b->room)
		return ERR_LIMIT;
	memcpy(next_place(b)->bytes, bytes, len);
	board_end(b, len);
	return ERR_OK;
}

enum err
board_get(const struct board *b, struct buf *ret)
{
	const struct head *head = b->memory.read;
	uint64_t number = atomic_load_explicit(&head->number, memory_order_acquire);
	const struct place *p = (const void *)((const uint8_t *)b->memory.read + HEAD_SIZE +
	    (number & 1) * b->stride);
	/* Read once: what is checked is what is used, whoever writes there meanwhile. */
	uint64_t len = *(const volatile uint64_t *)&p->len;
	uint32_t crc = *(const volatile uint32_t *)&p->crc;

	if (number == 0)
		return ERR_END;
	if (len > b->room)
		return ERR_CHECKSUM;
	buf_reset(ret);
	buf_bytes(ret, p->bytes, (size_t)len);
	if (!buf_ok(ret))
		return ERR_MEMORY;
	return crc32c(0, ret->data, ret->len) == crc ? ERR_OK : ERR_CHECKSUM;
}
