/* SPDX-License-Identifier: ISC
 *
 * Two places in a memfd, written in turn. A number says which one was written last, and changes once a notice is
 * whole. A reader that is so slow that both were written meanwhile finds the wrong checksum.
 */
#include "node/board.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/crc32c.h"

struct place {
	uint64_t len;
	uint32_t crc;
	uint8_t bytes[];
};

struct head {
	_Atomic uint64_t number; /* of the latest notice; 0: none yet */
};

struct board {
	size_t room, stride, size;
	struct head *write; /* NULL: not for this process */
	const struct head *read;
};

#define HEAD_SIZE 64

static int
open_read_only(int fd)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_RDONLY | O_CLOEXEC);
}

enum err
board_new(size_t room, struct board **ret)
{
	struct board *b = calloc(1, sizeof(*b));
	int fd = memfd_create("board", MFD_CLOEXEC), read_only = -1;
	void *w = MAP_FAILED, *r = MAP_FAILED;

	if (b == NULL || fd < 0) {
		free(b);
		if (fd >= 0)
			(void)close(fd);
		return b == NULL ? ERR_MEMORY : ERR_SYSTEM;
	}
	b->room = room;
	b->stride = (sizeof(struct place) + room + 63) / 64 * 64;
	b->size = HEAD_SIZE + 2 * b->stride;
	if (ftruncate(fd, (off_t)b->size) == 0)
		read_only = open_read_only(fd);
	if (read_only >= 0) {
		w = mmap(NULL, b->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		r = mmap(NULL, b->size, PROT_READ, MAP_SHARED, read_only, 0);
		(void)close(read_only);
	}
	(void)close(fd);
	b->write = w != MAP_FAILED ? w : NULL;
	b->read = r != MAP_FAILED ? r : NULL;
	if (b->write == NULL || b->read == NULL) {
		board_free(b);
		return ERR_SYSTEM;
	}
	*ret = b;
	return ERR_OK;
}

static void
unmap(struct board *b, const void *at)
{
	void *p;

	if (at == NULL)
		return;
	memcpy(&p, &at, sizeof(p)); /* munmap does not ask whether it was constant */
	(void)munmap(p, b->size);
}

void
board_for_writing(struct board *b)
{
	unmap(b, b->read);
	b->read = NULL;
}

void
board_for_reading(struct board *b)
{
	unmap(b, b->write);
	b->write = NULL;
}

void
board_free(struct board *b)
{
	if (b == NULL)
		return;
	board_for_writing(b);
	board_for_reading(b);
	free(b);
}

static struct place *
next_place(struct board *b)
{
	uint64_t number = atomic_load_explicit(&b->write->number, memory_order_relaxed) + 1;

	return (void *)((uint8_t *)b->write + HEAD_SIZE + (number & 1) * b->stride);
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
	struct place *p = next_place(b);

	p->len = len;
	p->crc = crc32c(0, p->bytes, len);
	(void)atomic_fetch_add_explicit(&b->write->number, 1, memory_order_release);
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
	uint64_t number = atomic_load_explicit(&b->read->number, memory_order_acquire);
	const struct place *p = (const void *)((const uint8_t *)b->read + HEAD_SIZE +
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
