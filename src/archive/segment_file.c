/* SPDX-License-Identifier: ISC
 *
 * See segment_file.h.
 */
#include "archive/segment_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "log/append.h"

struct segment_file {
	struct appender a;
	struct segment_header head;
	struct block *free; /* owned: blocks that the appender does not hold */
	int fd;
	uint64_t size;   /* written so far */
	uint64_t offset; /* of the next record */
	enum err failed; /* the first failure of a write; errno is kept beside it */
	int failed_errno;
	struct sha256_ctx *chunks, *whole; /* owned */
	int64_t hash_ns;
};

static struct block *
take(void *ctx)
{
	struct segment_file *f = ctx;
	struct block *b = f->free;

	if (b == NULL)
		return block_new();
	f->free = b->next;
	b->next = NULL;
	return b;
}

static void
put_bytes(struct segment_file *f, const void *bytes, size_t len)
{
	if (f->failed == ERR_OK) {
		f->failed = file_pwrite(f->fd, bytes, len, f->size, NULL);
		f->failed_errno = errno;
	}
	f->size += len;
}

static int64_t
cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * NS_PER_SEC + t.tv_nsec;
}

static void
put_seal(struct segment_file *f, const struct block *b)
{
	uint8_t out[SEAL_RECORD_SIZE];
	struct seal seal = b->seal;

	seal.length = f->size;
	seal.digest = sha256_end(f->chunks);
	seal.previous_number = UINT64_MAX;
	seal_record_write(&seal, b->seal_sequence, f->head.time, record_seed(f->head.incarnation), out);
	sha256_add(f->whole, out, sizeof(out));
	put_bytes(f, out, sizeof(out));
}

static void
give(void *ctx, struct block *b, uint32_t upto, bool complete)
{
	struct segment_file *f = ctx;
	struct sha256 chunk;
	int64_t from;

	if (!complete)
		return;
	if (upto > 0) {
		from = cpu_ns();
		chunk = sha256_of(b->data, upto);
		sha256_add(f->chunks, chunk.b, sizeof(chunk.b));
		sha256_add(f->whole, b->data, upto);
		f->hash_ns += cpu_ns() - from;
		put_bytes(f, b->data, upto);
	}
	if (b->last)
		put_seal(f, b);
	b->next = f->free;
	f->free = b;
}

struct segment_file *
segment_file_new(void)
{
	struct segment_file *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	f->fd = -1;
	f->chunks = sha256_new();
	f->whole = sha256_new();
	if (f->chunks == NULL || f->whole == NULL) {
		segment_file_free(f);
		return NULL;
	}
	return f;
}

void
segment_file_free(struct segment_file *f)
{
	if (f == NULL)
		return;
	if (f->fd >= 0) { /* given up half way */
		appender_end(&f->a, f->head.time);
		close(f->fd);
	}
	while (f->free != NULL) {
		struct block *b = f->free;

		f->free = b->next;
		block_free(b);
	}
	sha256_free(f->chunks);
	sha256_free(f->whole);
	free(f);
}

enum err
segment_file_begin(struct segment_file *f, int dirfd, const char *name, const struct segment_header *head)
{
	struct block_sink sink = {.ctx = f, .take = take, .give = give};

	f->fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (f->fd < 0)
		return ERR_SYSTEM;
	f->head = *head;
	f->size = 0;
	f->offset = SEGMENT_RECORDS_AT;
	f->failed = ERR_OK;
	sha256_start(f->chunks);
	sha256_start(f->whole);
	appender_init(&f->a, head, sink);
	return ERR_OK;
}

enum err
segment_file_put(struct segment_file *f, const struct record *r)
{
	enum err e = appender_record(&f->a, r, f->head.time, NULL);

	if (e == ERR_LIMIT)
		e = ERR_MEMORY; /* our sink is out of blocks only when memory is out */
	if (e == ERR_OK && f->failed != ERR_OK) {
		e = f->failed;
		errno = f->failed_errno;
	}
	f->offset += record_size(r->len);
	return e;
}

uint64_t
segment_file_offset(const struct segment_file *f)
{
	return f->offset;
}

enum err
segment_file_end(struct segment_file *f, uint64_t *ret_size, struct sha256 *ret_digest)
{
	enum err e;

	appender_end(&f->a, f->head.time);
	e = f->failed;
	errno = f->failed_errno;
	if (e == ERR_OK && fsync(f->fd) != 0)
		e = ERR_SYSTEM;
	if (close(f->fd) != 0 && e == ERR_OK)
		e = ERR_SYSTEM;
	f->fd = -1;
	*ret_size = f->size;
	*ret_digest = sha256_end(f->whole);
	return e;
}

int64_t
segment_file_hash_ns(const struct segment_file *f)
{
	return f->hash_ns;
}
