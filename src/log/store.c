/* SPDX-License-Identifier: ISC
 *
 * The writing side. Blocks come in the order in which the appender filled them; each is a chunk of the
 * segment at the offset where it will stand. A full block that nothing of has been written goes past the page
 * cache, where the file system can do that; parts of blocks, and what is left of them, go through it.
 *
 * Each call can be repeated after a failure: what is done is noted in the block (written) or the store
 * (hashed, stage), and not done again.
 */
#include "log/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"
#include "base/rd.h"
#include "log/check.h"
#include "log/folder.h"
#include "log/recover.h"

/* How far the sealing of the segment has come. */
enum stage { STAGE_OPEN, STAGE_DIGEST, STAGE_WRITTEN, STAGE_SYNCED, STAGE_RENAMED };

struct store {
	int dirfd;      /* our own, of the caller's folder; holds the lock */
	int fd;         /* of the segment being written, -1: none */
	int direct_fd;  /* the same with O_DIRECT, -1: none */
	bool no_direct; /* the file system has none */
	bool dirty;     /* written since the last sync */
	uint16_t lane;
	enum stage stage;
	char name[FOLDER_NAME_SIZE];   /* of the segment being written */
	char sealed[FOLDER_NAME_SIZE]; /* what it will be called */
	char newest[FOLDER_NAME_SIZE];
	uint64_t number;
	uint64_t next_number;
	uint64_t hashed;          /* bytes of the segment */
	struct sha256_ctx *total; /* owned; over the chunks' digests */
	struct seal seal;         /* from STAGE_DIGEST on */
	uint64_t previous_number;
	struct sha256 previous;
	struct store_counters counters;
};

/* --- opening --- */

/* The newest segment of each lane must be of this log. */
static enum err
check_owner(const struct recover_context *x, const struct folder *f, struct store_recovery *ret)
{
	for (size_t i = 0; i < f->count; i++) {
		const struct folder_entry *entry = &f->entries[i];
		struct store_recovery other = {.found = true, .number = entry->number};
		struct segment_header head;
		enum err e;
		int fd;

		if (i + 1 < f->count && f->entries[i + 1].lane == entry->lane)
			continue;
		fd = openat(x->dirfd, entry->name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		if (fd < 0)
			continue;
		e = check_read_header(fd, &head);
		(void)close(fd);
		if (e == ERR_OK && !recover_is_ours(x, &head, other.why, sizeof(other.why))) {
			memcpy(other.file, entry->name, sizeof(other.file));
			*ret = other;
			return ERR_CONFLICT;
		}
	}
	return ERR_OK;
}

/* The seal that the next one refers to: of the newest segment before entries[end] that has one. */
static void
find_previous(struct recover_context *x, const struct folder *f, size_t end, uint16_t lane)
{
	for (size_t i = end; i > 0; i--) {
		const struct folder_entry *entry = &f->entries[i - 1];
		struct seal seal;
		enum err e;
		int fd;

		if (entry->lane != lane || entry->open || entry->name[0] == '\0')
			continue;
		fd = openat(x->dirfd, entry->name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		if (fd < 0)
			continue;
		e = check_read_seal(fd, &seal);
		(void)close(fd);
		if (e != ERR_OK)
			continue;
		x->previous_number = entry->number;
		x->previous = seal_digest(&seal);
		return;
	}
	x->previous_number = UINT64_MAX;
	x->previous = (struct sha256){{0}};
}

static enum err
recover_all(struct store *s, struct recover_context *x, struct folder *f, struct store_recovery *ret,
    size_t max, size_t *ret_count)
{
	size_t count = 0, end = 0;
	enum err e;

	for (size_t i = 0; i < f->count; i++) {
		struct folder_entry *entry = &f->entries[i];
		struct store_recovery spare;

		if (entry->lane != s->lane)
			continue;
		if (entry->open) {
			struct store_recovery *r = count < max ? &ret[count] : &spare;

			find_previous(x, f, i, s->lane);
			e = recover_segment(x, entry, r);
			if (e == ERR_CONFLICT && r != ret)
				ret[0] = *r;
			if (e != ERR_OK) {
				*ret_count = e == ERR_CONFLICT;
				return e;
			}
			if (count < max)
				count++;
		}
		if (entry->name[0] == '\0')
			continue;
		end = i + 1;
		if (entry->number == UINT64_MAX)
			return ERR_LIMIT;
		s->next_number = entry->number + 1;
		memcpy(s->newest, entry->name, sizeof(s->newest));
	}
	find_previous(x, f, end, s->lane);
	s->previous_number = x->previous_number;
	s->previous = x->previous;
	*ret_count = count;
	return ERR_OK;
}

static enum err
open_folder(
    struct store *s, struct recover_context *x, struct store_recovery *ret, size_t max, size_t *ret_count)
{
	struct folder f;
	enum err e;

	if (flock(s->dirfd, LOCK_EX | LOCK_NB) != 0)
		return errno == EWOULDBLOCK ? ERR_BUSY : ERR_SYSTEM;
	e = folder_list(s->dirfd, &f);
	if (e != ERR_OK)
		return e;
	e = check_owner(x, &f, ret);
	if (e == ERR_CONFLICT)
		*ret_count = 1;
	if (e == ERR_OK)
		e = recover_all(s, x, &f, ret, max, ret_count);
	folder_clear(&f);
	return e;
}

enum err
store_open(int dirfd, const char *cluster, const char *node, uint16_t lane, wall_t now, struct store **ret,
    struct store_recovery *ret_recovery, size_t recovery_max, size_t *ret_recovered)
{
	struct recover_context x = {.cluster = cluster, .node = node, .now = now};
	struct store *s = calloc(1, sizeof(*s));
	enum err e = ERR_SYSTEM;
	int saved;

	*ret_recovered = 0;
	if (s == NULL)
		return ERR_MEMORY;
	s->fd = s->direct_fd = -1;
	s->lane = lane;
	s->next_number = 1;
	s->total = sha256_new();
	s->dirfd = x.dirfd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->total == NULL)
		e = ERR_MEMORY;
	else if (s->dirfd >= 0)
		e = open_folder(s, &x, ret_recovery, recovery_max, ret_recovered);
	if (e != ERR_OK) {
		saved = errno;
		store_close(s);
		errno = saved;
		return e;
	}
	*ret = s;
	return ERR_OK;
}

static void
close_segment(struct store *s)
{
	if (s->direct_fd >= 0)
		(void)close(s->direct_fd);
	if (s->fd >= 0)
		(void)close(s->fd);
	s->fd = s->direct_fd = -1;
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	close_segment(s);
	if (s->dirfd >= 0)
		(void)close(s->dirfd);
	sha256_free(s->total);
	free(s);
}

uint64_t
store_next_number(const struct store *s)
{
	return s->next_number;
}

const char *
store_newest(const struct store *s)
{
	return s->newest;
}

const struct store_counters *
store_counters(const struct store *s)
{
	return &s->counters;
}

/* --- writing --- */

static enum err
failed(struct store *s, int saved)
{
	s->counters.failures++;
	errno = saved;
	return ERR_SYSTEM;
}

static enum err
create_segment(struct store *s, const struct segment_header *head)
{
	int saved;

	folder_name_make(s->lane, head->number, head->time, true, s->name);
	folder_name_make(s->lane, head->number, head->time, false, s->sealed);
	s->fd = openat(s->dirfd, s->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (s->fd < 0)
		return failed(s, errno);
	if (recover_sync_folder(s->dirfd) != ERR_OK) {
		saved = errno;
		close_segment(s);
		(void)unlinkat(s->dirfd, s->name, 0);
		return failed(s, saved);
	}
	if (!s->no_direct)
		s->direct_fd = openat(s->dirfd, s->name, O_WRONLY | O_DIRECT | O_CLOEXEC);
	if (s->direct_fd < 0 && errno == EINVAL)
		s->no_direct = true;
	s->number = head->number;
	s->stage = STAGE_OPEN;
	s->hashed = 0;
	sha256_start(s->total);
	return ERR_OK;
}

/* Where in the block the last record ends that is wholly before `end`; 0 when none does. The lengths are the
 * appender's, in memory. */
static uint32_t
last_whole(const struct block *b, uint32_t end)
{
	size_t at = b->first_record;

	if (at > end)
		return 0;
	while (at + RECORD_HEADER_SIZE <= end) {
		struct rd r = rd_init(b->data + at, RECORD_HEADER_SIZE);
		size_t next;

		rd_skip(&r, 4); /* mark, type, flags */
		next = at + record_size(rd_u32(&r));
		if (next > end)
			break;
		at = next;
	}
	return (uint32_t)at;
}

/* Past the page cache. What it leaves to do, if anything, is for write_buffered. */
static void
write_direct(struct store *s, struct block *b)
{
	size_t n;
	enum err e = file_pwrite(s->direct_fd, b->data, SEGMENT_CHUNK, b->offset, &n);

	b->written = (uint32_t)n;
	s->counters.bytes += n;
	if (e == ERR_OK) {
		s->counters.writes++;
		s->counters.direct_writes++;
	} else if (errno == EINVAL) {
		s->no_direct = true;
		(void)close(s->direct_fd);
		s->direct_fd = -1;
	}
}

static enum err
write_buffered(struct store *s, struct block *b, uint32_t upto)
{
	size_t n;
	int saved;

	if (file_pwrite(s->fd, b->data + b->written, upto - b->written, b->offset + b->written, &n) ==
	    ERR_OK) {
		b->written = upto;
		s->counters.bytes += n;
		s->counters.writes++;
		return ERR_OK;
	}
	saved = errno;
	b->written = last_whole(b, b->written + (uint32_t)n);
	if (ftruncate(s->fd, (off_t)(b->offset + b->written)) != 0)
		saved = errno; /* what is behind stays, as a torn end, until it is written again */
	return failed(s, saved);
}

static void
hash_block(struct store *s, const struct block *b)
{
	struct sha256 d;

	if (s->hashed > b->offset)
		return; /* an earlier call came that far */
	d = sha256_of(b->data, b->len);
	sha256_add(s->total, d.b, sizeof(d.b));
	s->hashed = b->offset + b->len;
}

static enum err
write_seal(struct store *s, const struct block *b)
{
	uint8_t bytes[SEAL_RECORD_SIZE];
	int saved;

	seal_record_write(&s->seal, b->seal_sequence, b->seal_time, record_seed(b->head.incarnation), bytes);
	if (file_pwrite(s->fd, bytes, sizeof(bytes), s->seal.length, NULL) == ERR_OK) {
		s->counters.bytes += sizeof(bytes);
		return ERR_OK;
	}
	saved = errno;
	if (ftruncate(s->fd, (off_t)s->seal.length) != 0)
		saved = errno;
	return failed(s, saved);
}

static enum err
seal_segment(struct store *s, const struct block *b)
{
	if (s->stage == STAGE_OPEN) {
		s->seal = b->seal;
		s->seal.length = b->offset + b->len;
		s->seal.digest = sha256_end(s->total);
		s->seal.previous_number = s->previous_number;
		s->seal.previous = s->previous;
		s->stage = STAGE_DIGEST;
	}
	if (s->stage == STAGE_DIGEST) {
		if (write_seal(s, b) != ERR_OK)
			return ERR_SYSTEM;
		s->stage = STAGE_WRITTEN;
	}
	if (s->stage == STAGE_WRITTEN) {
		if (fsync(s->fd) != 0)
			return failed(s, errno);
		s->stage = STAGE_SYNCED;
	}
	if (s->stage == STAGE_SYNCED) {
		if (recover_rename(s->dirfd, s->name, s->sealed) != ERR_OK)
			return failed(s, errno);
		s->stage = STAGE_RENAMED;
	}
	if (recover_sync_folder(s->dirfd) != ERR_OK)
		return failed(s, errno);
	close_segment(s);
	s->dirty = false;
	s->previous_number = s->number;
	s->previous = seal_digest(&s->seal);
	s->counters.sealed++;
	return ERR_OK;
}

enum err
store_write(struct store *s, struct block *b, uint32_t upto, bool complete)
{
	enum err e = ERR_OK;

	if (upto == 0)
		return ERR_OK;
	if (b->first && s->fd < 0)
		e = create_segment(s, &b->head);
	if (e != ERR_OK)
		return e;
	if (s->fd < 0 || s->number != b->head.number)
		return ERR_MALFORMED;
	if (upto > b->written)
		s->dirty = true;
	if (complete && b->written == 0 && upto == SEGMENT_CHUNK && s->direct_fd >= 0)
		write_direct(s, b);
	if (upto > b->written)
		e = write_buffered(s, b, upto);
	if (e != ERR_OK || !complete)
		return e;
	hash_block(s, b);
	return b->last ? seal_segment(s, b) : ERR_OK;
}

enum err
store_sync(struct store *s)
{
	if (s->fd < 0 || !s->dirty)
		return ERR_OK;
	if (fdatasync(s->fd) != 0)
		return failed(s, errno);
	s->dirty = false;
	return ERR_OK;
}
