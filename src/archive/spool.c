/* SPDX-License-Identifier: ISC
 *
 * See spool.h.
 */
#include "archive/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "log/check.h"

#define PIECE ((size_t)256 << 10)
#define FORGET_EVERY ((uint64_t)16 << 20)

struct spool {
	int in;           /* the caller's */
	int folder;       /* where files are made */
	int fd;           /* of the segment at hand; -1: none */
	uint64_t len;     /* of it */
	uint64_t forgets; /* so much of it has gone from the disk */
	struct buf rest;  /* of the next segment, read with the end of this one */
	uint8_t *piece;   /* owned */
};

enum err
spool_open(int fd, const char *folder, struct spool **ret)
{
	struct spool *s = calloc(1, sizeof(*s));
	enum err e = ERR_OK;

	if (s == NULL)
		return ERR_MEMORY;
	*s = (struct spool){.in = fd, .fd = -1, .rest = BUF_INIT};
	s->piece = malloc(PIECE);
	s->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->piece == NULL)
		e = ERR_MEMORY;
	else if (s->folder < 0)
		e = ERR_SYSTEM;
	if (e != ERR_OK) {
		int saved = errno;

		spool_close(s);
		errno = saved;
		return e;
	}
	*ret = s;
	return ERR_OK;
}

void
spool_close(struct spool *s)
{
	if (s == NULL)
		return;
	if (s->fd >= 0)
		(void)close(s->fd);
	if (s->folder >= 0)
		(void)close(s->folder);
	buf_clear(&s->rest);
	free(s->piece);
	free(s);
}

static enum err
put(struct spool *s, const void *bytes, size_t len)
{
	enum err e = file_pwrite(s->fd, bytes, len, s->len, NULL);

	if (e == ERR_OK)
		s->len += len;
	return e;
}

enum err
spool_begin(struct spool *s)
{
	enum err e;

	if (s->fd >= 0)
		(void)close(s->fd);
	s->len = s->forgets = 0;
	s->fd = openat(s->folder, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	if (s->fd < 0)
		return ERR_SYSTEM;
	e = put(s, s->rest.data, s->rest.len);
	buf_reset(&s->rest);
	return e;
}

int
spool_fd(const struct spool *s)
{
	return s->fd;
}

int
spool_input(const struct spool *s)
{
	return s->in;
}

uint64_t
spool_len(const struct spool *s)
{
	return s->len;
}

enum err
spool_fill(struct spool *s)
{
	ssize_t n = read(s->in, s->piece, PIECE);

	if (n == 0)
		return ERR_END;
	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? ERR_BUSY : ERR_SYSTEM;
	return put(s, s->piece, (size_t)n);
}

enum err
spool_cut(struct spool *s, uint64_t end)
{
	size_t len = end < s->len ? (size_t)(s->len - end) : 0, got = 0;
	uint8_t *room;
	enum err e;

	buf_reset(&s->rest);
	if (len == 0)
		return ERR_OK;
	if ((room = buf_room(&s->rest, len)) == NULL)
		return ERR_MEMORY;
	e = file_pread(s->fd, room, len, end, &got);
	if (e == ERR_OK && got < len)
		e = ERR_CUT;
	if (e == ERR_OK && ftruncate(s->fd, (off_t)end) != 0)
		e = ERR_SYSTEM;
	if (e == ERR_OK)
		s->len = end;
	return e;
}

void
spool_forget(struct spool *s, uint64_t before)
{
	before &= ~(uint64_t)4095;
	if (before < s->forgets + FORGET_EVERY)
		return;
	/* where the file system has no holes the room comes back with the segment's end */
	(void)!fallocate(s->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)s->forgets,
	    (off_t)(before - s->forgets));
	s->forgets = before;
}

/* Steps until the seal was read. *ret_end: where the segment ends. */
static enum err
find_seal(struct check *c, bool *ret_sealed, uint64_t *ret_end)
{
	struct finding f;
	struct record r;
	enum check_step step;

	while ((step = check_next(c, &r, &f)) == CHECK_RECORD || step == CHECK_FINDING) {
		if (step == CHECK_RECORD && r.type == RECORD_SEAL) {
			*ret_sealed = true;
			*ret_end = check_offset(c) + record_size(r.len);
			return ERR_OK;
		}
	}
	return step == CHECK_END ? ERR_OK : ERR_SYSTEM;
}

enum err
spool_segment(struct spool *s, bool *ret_sealed)
{
	struct check *c;
	uint64_t end = 0;
	enum err e = check_open(s->fd, true, false, &c);

	*ret_sealed = false;
	if (e != ERR_OK)
		return e;
	check_grows(c);
	e = find_seal(c, ret_sealed, &end);
	while (e == ERR_OK && !*ret_sealed) {
		do
			e = spool_fill(s);
		while (e == ERR_BUSY);
		if (e == ERR_OK)
			e = find_seal(c, ret_sealed, &end);
	}
	if (e == ERR_END) { /* what waited for more is judged now */
		check_ends(c);
		e = find_seal(c, ret_sealed, &end);
	}
	check_close(c);
	return e == ERR_OK && *ret_sealed ? spool_cut(s, end) : e;
}
