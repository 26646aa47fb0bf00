/* SPDX-License-Identifier: ISC
 *
 * The writing side. Blocks come in the order in which the appender filled them; each is a chunk of the
 * segment at the offset where it will stand. A full block that nothing of has been written goes past the page
 * cache, where the file system can do that; parts of blocks, and what is left of them, go through it.
 *
 * Each call can be repeated after a failure: what is done is noted in the block (written) or the store
 * (hashed, stage), and not done again.
 *
 * A failed fsync is another matter: the kernel may have dropped the pages that it could not write, and the next
 * fsync says that all is well. So what went through the page cache since the last good one is to be written
 * again, by whoever still has it in memory (node/disk), before a sync counts. Blocks that went past the page
 * cache told of their failure at once.
 *
 * What only concerns names (a rename, the folder's sync) keeps no record from the disk: it is tried again later.
 */
#include "log/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/rd.h"
#include "log/check.h"
#include "log/folder.h"
#include "log/recover.h"

/* How far the sealing of the segment has come. */
enum stage { STAGE_OPEN, STAGE_DIGEST, STAGE_WRITTEN };

/* Sealed segments that wait for their name. What goes beyond is renamed at the next start. */
#define UNNAMED_MOST 64

struct store {
	int dirfd;         /* our own, of the caller's folder */
	int fd;            /* of the segment being written, -1: none */
	int direct_fd;     /* the same with O_DIRECT, -1: none */
	bool no_direct;    /* the file system has none */
	bool dirty;        /* written since the last sync */
	bool suspect;      /* a sync failed since the last good one */
	bool folder_dirty; /* names changed since the folder was last synced */
	uint16_t lane;
	enum stage stage;
	char name[FOLDER_NAME_SIZE]; /* of the segment being written */
	char unnamed[UNNAMED_MOST][FOLDER_NAME_SIZE];
	size_t unnamed_count;
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
			s->folder_dirty = true;
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

int
store_folder(const struct store *s)
{
	return s->dirfd;
}

const char *
store_writing(const struct store *s)
{
	return s->fd < 0 ? "" : s->name;
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
sync_folder(struct store *s)
{
	if (!s->folder_dirty)
		return ERR_OK;
	if (recover_sync_folder(s->dirfd) != ERR_OK) {
		s->counters.sync_failures++;
		return ERR_SYSTEM;
	}
	s->folder_dirty = false;
	return ERR_OK;
}

static enum err
create_segment(struct store *s, const struct segment_header *head)
{
	folder_name_make(s->lane, head->number, head->time, true, s->name);
	s->fd = openat(s->dirfd, s->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (s->fd < 0)
		return failed(s, errno);
	s->folder_dirty = true;
	(void)!sync_folder(s); /* else store_name will */
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

/* After a write that ended within `end` bytes of the block. */
static enum err
back_out(struct store *s, struct block *b, uint32_t end, int saved)
{
	b->written = last_whole(b, end);
	if (ftruncate(s->fd, (off_t)(b->offset + b->written)) != 0)
		saved = errno; /* what is behind stays, as a torn end, until it is written again */
	return failed(s, saved);
}

/* Past the page cache. Where that is not possible after all, it leaves the block to write_buffered. Not where it
 * failed: the page cache would take the bytes, and only the next sync would tell. */
static enum err
write_direct(struct store *s, struct block *b)
{
	size_t n;
	enum err e = file_pwrite(s->direct_fd, b->data, SEGMENT_CHUNK, b->offset, &n);

	s->counters.bytes += n;
	if (e == ERR_OK) {
		b->written = SEGMENT_CHUNK;
		s->counters.writes++;
		s->counters.direct_writes++;
		return ERR_OK;
	}
	if (errno != EINVAL)
		return back_out(s, b, (uint32_t)n, errno);
	b->written = (uint32_t)n; /* a short write leaves a rest that is not aligned */
	if (n == 0) {
		s->no_direct = true;
		(void)close(s->direct_fd);
		s->direct_fd = -1;
	}
	return ERR_OK;
}

static enum err
write_buffered(struct store *s, struct block *b, uint32_t upto)
{
	size_t n;

	b->cached = true;
	if (file_pwrite(s->fd, b->data + b->written, upto - b->written, b->offset + b->written, &n) != ERR_OK)
		return back_out(s, b, b->written + (uint32_t)n, errno);
	b->written = upto;
	s->counters.bytes += n;
	s->counters.writes++;
	return ERR_OK;
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

/* On failure what went through the page cache is written again, seal included, before this comes back here. */
static enum err
sync_sealed(struct store *s, struct block *b)
{
	if (fsync(s->fd) == 0) {
		s->dirty = s->suspect = false;
		return ERR_OK;
	}
	s->suspect = true;
	s->stage = STAGE_DIGEST;
	if (b->cached)
		b->written = 0;
	s->counters.sync_failures++;
	return ERR_SYSTEM;
}

/* A sealed segment's own name, without .open. */
static enum err
name_segment(struct store *s, const char *open_name)
{
	char sealed[FOLDER_NAME_SIZE];

	memcpy(sealed, open_name, sizeof(sealed));
	sealed[strlen(sealed) - strlen(".open")] = '\0';
	if (recover_rename(s->dirfd, open_name, sealed) != ERR_OK) {
		s->counters.name_failures++;
		return ERR_SYSTEM;
	}
	s->folder_dirty = true;
	return ERR_OK;
}

static enum err
seal_segment(struct store *s, struct block *b)
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
	if (sync_sealed(s, b) != ERR_OK)
		return ERR_SYSTEM;
	if (name_segment(s, s->name) != ERR_OK && s->unnamed_count < UNNAMED_MOST)
		memcpy(s->unnamed[s->unnamed_count++], s->name, sizeof(s->name));
	(void)!sync_folder(s); /* else store_name will */
	close_segment(s);
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
		e = write_direct(s, b);
	if (e == ERR_OK && upto > b->written)
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
	if (fdatasync(s->fd) != 0) {
		s->suspect = true;
		s->counters.sync_failures++;
		return ERR_SYSTEM;
	}
	s->dirty = s->suspect = false;
	return ERR_OK;
}

bool
store_is_suspect(const struct store *s)
{
	return s->suspect;
}

bool
store_is_synced(const struct store *s)
{
	return !s->dirty;
}

enum err
store_rewrite(struct store *s, struct block *b)
{
	if (s->fd < 0 || s->number != b->head.number || b->written == 0)
		return ERR_OK;
	if (file_pwrite(s->fd, b->data, b->written, b->offset, NULL) != ERR_OK)
		return failed(s, errno);
	return ERR_OK;
}

enum err
store_name(struct store *s)
{
	enum err e = ERR_OK;
	size_t left = 0;
	int saved = 0;

	for (size_t i = 0; i < s->unnamed_count; i++) {
		if (name_segment(s, s->unnamed[i]) == ERR_OK)
			continue;
		saved = errno;
		e = ERR_SYSTEM;
		memmove(s->unnamed[left++], s->unnamed[i], sizeof(s->unnamed[i]));
	}
	s->unnamed_count = left;
	if (sync_folder(s) != ERR_OK)
		return ERR_SYSTEM;
	errno = saved;
	return e;
}
