/* SPDX-License-Identifier: ISC
 *
 * Start-up recovery of one segment. log/check decides what is good; this file only acts on it.
 */
#include "log/recover.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "log/check.h"

#define READ_SIZE ((size_t)128 << 10)

bool
recover_is_ours(const struct recover_context *x, const struct segment_header *h, char *why, size_t size)
{
	if (h->kind == SEGMENT_NODE && strcmp(h->cluster, x->cluster) == 0 && strcmp(h->node, x->node) == 0)
		return true;
	(void)snprintf(why, size, "expected cluster \"%s\" node \"%s\", found %scluster \"%s\" node \"%s\"",
	    x->cluster, x->node, h->kind == SEGMENT_NODE ? "" : "an archive of ", h->cluster, h->node);
	return false;
}

enum err
recover_sync_folder(int dirfd)
{
	return fsync(dirfd) == 0 || errno == EINVAL ? ERR_OK : ERR_SYSTEM;
}

enum err
recover_rename(int dirfd, const char *from, const char *to)
{
	struct stat st;

	/* The folder is locked, so that nobody else makes `to` in between. */
	if (fstatat(dirfd, to, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		errno = EEXIST;
		return ERR_SYSTEM;
	}
	if (errno != ENOENT)
		return ERR_SYSTEM;
	return renameat(dirfd, from, dirfd, to) == 0 ? ERR_OK : ERR_SYSTEM;
}

static void
say_errno(struct store_recovery *r, const char *what)
{
	(void)snprintf(r->why, sizeof(r->why), "%s: %s", what, strerror(errno));
}

/* Walks over the segment; the first finding, or why it cannot be read, goes to ret->why. */
static enum err
walk(int fd, struct segment_header *ret_head, bool *ret_has_head, struct check_result *ret_result,
    struct store_recovery *ret)
{
	struct check *c;
	struct record record;
	struct finding f;
	enum check_step step;
	enum err e = check_open(fd, true, true, &c);

	if (e != ERR_OK)
		return e;
	while ((step = check_next(c, &record, &f)) == CHECK_RECORD || step == CHECK_FINDING) {
		if (step == CHECK_FINDING && ret->why[0] == '\0')
			(void)snprintf(ret->why, sizeof(ret->why),
			    "%.40s at offset %" PRIu64 ": expected %s, found %s", f.what, f.offset,
			    f.expected, f.found);
	}
	if (step == CHECK_ERROR)
		e = ERR_SYSTEM;
	*ret_has_head = check_header(c) != NULL;
	if (*ret_has_head)
		*ret_head = *check_header(c);
	check_result(c, ret_result);
	check_close(c);
	return e;
}

/* SHA-256 of a file as it stands, as sha256sum prints it. */
static enum err
digest_file(int fd, struct sha256 *ret)
{
	struct sha256_ctx *ctx = sha256_new();
	uint8_t *bytes = malloc(READ_SIZE);
	uint64_t at = 0;
	size_t n = 0;
	enum err e = ctx != NULL && bytes != NULL ? ERR_OK : ERR_MEMORY;

	do {
		if (e == ERR_OK)
			e = file_pread(fd, bytes, READ_SIZE, at, &n);
		if (e != ERR_OK)
			break;
		sha256_add(ctx, bytes, n);
		at += n;
	} while (n == READ_SIZE);
	if (e == ERR_OK)
		*ret = sha256_end(ctx);
	sha256_free(ctx);
	free(bytes);
	return e;
}

/* The segment stays as it is. */
static enum err
leave(int fd, struct store_recovery *ret)
{
	struct stat st;
	enum err e;

	ret->cut = 0;
	if (fstat(fd, &st) == 0)
		ret->length = (uint64_t)st.st_size;
	e = digest_file(fd, &ret->digest);
	ret->has_digest = e == ERR_OK;
	return e == ERR_SYSTEM ? ERR_OK : e;
}

/* The folder is synced before records are written (store_write); until then a power cut only brings the name back,
 * to be treated again. */
static enum err
discard(const struct recover_context *x, int fd, struct folder_entry *e, uint64_t size,
    struct store_recovery *ret)
{
	if (unlinkat(x->dirfd, e->name, 0) != 0) {
		say_errno(ret, "cannot remove");
		return leave(fd, ret);
	}
	e->name[0] = '\0';
	ret->length = 0;
	ret->removed = true;
	ret->cut = size;
	return ERR_OK;
}

/* Cuts what is torn and puts a seal behind the last good record. *ret_seal on success. */
static enum err
seal_at_tail(const struct recover_context *x, int fd, const struct segment_header *head,
    const struct check_result *result, struct seal *ret_seal)
{
	uint8_t bytes[SEAL_RECORD_SIZE];
	int saved;
	struct seal seal = {
	    .count = result->next_sequence - head->first_sequence,
	    .first = head->first_sequence,
	    .last = result->next_sequence - 1,
	    .length = result->tail,
	    .digest = result->digest,
	    .previous_number = x->previous_number,
	    .previous = x->previous,
	};

	if (ftruncate(fd, (off_t)result->tail) != 0)
		return ERR_SYSTEM;
	seal_record_write(&seal, result->next_sequence, x->now, record_seed(head->incarnation), bytes);
	if (file_pwrite(fd, bytes, sizeof(bytes), result->tail, NULL) != ERR_OK || fsync(fd) != 0) {
		saved = errno;
		if (ftruncate(fd, (off_t)result->tail) != 0)
			saved = errno;
		errno = saved;
		return ERR_SYSTEM;
	}
	*ret_seal = seal;
	return ERR_OK;
}

/* The file is good and sealed: it gets its sealed name. As for the folder, see discard. */
static enum err
promote(
    struct recover_context *x, struct folder_entry *e, const struct seal *seal, struct store_recovery *ret)
{
	char name[FOLDER_NAME_SIZE];

	memcpy(name, e->name, sizeof(name));
	name[strlen(name) - strlen(".open")] = '\0';
	if (recover_rename(x->dirfd, e->name, name) != ERR_OK) {
		say_errno(ret, "cannot rename");
		return ERR_SYSTEM;
	}
	memcpy(e->name, name, sizeof(name));
	e->open = false;
	memcpy(ret->file, name, sizeof(ret->file));
	ret->sealed = true;
	x->previous_number = e->number;
	x->previous = seal_digest(seal);
	return ERR_OK;
}

static enum err
recover_fd(struct recover_context *x, int fd, struct folder_entry *e, struct store_recovery *ret)
{
	struct segment_header head;
	struct check_result result;
	struct seal seal;
	bool has_head;
	enum err err = walk(fd, &head, &has_head, &result, ret);

	if (err == ERR_SYSTEM) {
		say_errno(ret, "cannot read");
		return leave(fd, ret);
	}
	if (err != ERR_OK)
		return err;
	ret->records = result.records;
	ret->length = result.tail;
	if (has_head && !recover_is_ours(x, &head, ret->why, sizeof(ret->why)))
		return ERR_CONFLICT;
	if (result.torn && result.tail < SEGMENT_RECORDS_AT)
		return discard(x, fd, e, result.size, ret);
	if (result.sealed ? result.findings > 0 : !result.tail_only)
		return leave(fd, ret);
	/* Who was killed behind the seal may not have come to sync it. */
	if (result.sealed ? fsync(fd) != 0 : seal_at_tail(x, fd, &head, &result, &seal) != ERR_OK) {
		say_errno(ret, result.sealed ? "cannot sync" : "cannot seal");
		return leave(fd, ret);
	}
	ret->cut = result.size - result.tail;
	if (promote(x, e, result.sealed ? &result.seal : &seal, ret) != ERR_OK)
		return leave(fd, ret);
	ret->why[0] = '\0';
	return ERR_OK;
}

enum err
recover_segment(struct recover_context *x, struct folder_entry *e, struct store_recovery *ret)
{
	int fd = openat(x->dirfd, e->name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	enum err err;

	*ret = (struct store_recovery){.found = true, .number = e->number};
	memcpy(ret->file, e->name, sizeof(ret->file));
	if (fd < 0) {
		say_errno(ret, "cannot open for writing");
		fd = openat(x->dirfd, e->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
		if (fd < 0)
			return ERR_OK;
		err = leave(fd, ret);
	} else {
		err = recover_fd(x, fd, e, ret);
	}
	(void)close(fd);
	return err;
}
