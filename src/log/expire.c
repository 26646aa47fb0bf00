/* SPDX-License-Identifier: ISC
 *
 * Two arrays side by side: what retain_choose looks at, and what is needed besides to remove a file.
 */
#include "log/expire.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/file.h"
#include "log/check.h"
#include "log/merged.h"
#include "log/recover.h"

#define ROOM_UNIT 512 /* of st_blocks */

struct known {
	struct folder_entry entry;
	struct sha256 seal; /* of a sealed one */
};

struct expire {
	int dirfd; /* borrowed */
	struct recover_context owner;
	char cluster[SEGMENT_NAME_SIZE], node[SEGMENT_NAME_SIZE];
	uint16_t lane;
	struct retain_file *files; /* owned, as are their others; both in the order of folder_list */
	struct known *known;
	size_t count;
	bool stale;
	char writing[FOLDER_NAME_SIZE]; /* when the list was made */
	struct merged merged;
	struct stat merged_was; /* of the file that `merged` was read from; st_ino 0: none */
};

enum err
expire_new(int dirfd, const char *cluster, const char *node, uint16_t lane, struct expire **ret)
{
	struct expire *x = calloc(1, sizeof(*x));

	if (x == NULL)
		return ERR_MEMORY;
	x->dirfd = dirfd;
	x->lane = lane;
	x->stale = true;
	memcpy(x->cluster, cluster, strnlen(cluster, sizeof(x->cluster) - 1));
	memcpy(x->node, node, strnlen(node, sizeof(x->node) - 1));
	x->owner = (struct recover_context){.dirfd = dirfd, .cluster = x->cluster, .node = x->node};
	*ret = x;
	return ERR_OK;
}

void
expire_free(struct expire *x)
{
	if (x == NULL)
		return;
	free(x->files);
	free(x->known);
	merged_clear(&x->merged);
	free(x);
}

void
expire_stale(struct expire *x)
{
	x->stale = true;
}

/* --- looking into files --- */

/* What cannot be read is nobody's: it is left alone. */
static void
examine_fd(const struct expire *x, int fd, struct known *k, struct retain_file *f)
{
	struct segment_header head;
	struct seal seal;
	struct stat st;
	char why[320];
	enum err e;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return;
	f->size = (uint64_t)st.st_size;
	f->room = (uint64_t)st.st_blocks * ROOM_UNIT;
	if (check_read_header(fd, &head) != ERR_OK || !recover_is_ours(&x->owner, &head, why, sizeof(why)) ||
	    head.lane != k->entry.lane || head.number != k->entry.number)
		return;
	f->begun = head.time;
	e = check_read_seal(fd, &seal);
	if (e == ERR_SYSTEM)
		return;
	f->kind = e == ERR_OK && !k->entry.open ? RETAIN_SEALED : RETAIN_DAMAGED;
	if (e == ERR_OK)
		k->seal = seal_digest(&seal);
}

static void
examine(const struct expire *x, struct known *k, struct retain_file *f)
{
	int fd = openat(x->dirfd, k->entry.name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	*f = (struct retain_file){.kind = RETAIN_FOREIGN};
	k->seal = (struct sha256){{0}};
	if (fd < 0)
		return;
	examine_fd(x, fd, k, f);
	(void)close(fd);
}

/* --- the list --- */

/* Where the old list has that name; x->count: nowhere. Both are sorted alike, so *at only moves on. */
static size_t
find_known(const struct expire *x, const struct folder_entry *e, size_t *at)
{
	while (*at < x->count &&
	    (x->known[*at].entry.number < e->number ||
		(x->known[*at].entry.number == e->number && strcmp(x->known[*at].entry.name, e->name) < 0)))
		(*at)++;
	return *at < x->count && strcmp(x->known[*at].entry.name, e->name) == 0 ? *at : x->count;
}

static void
take_entry(
    const struct expire *x, const struct folder_entry *e, size_t *at, struct known *k, struct retain_file *f)
{
	size_t old = find_known(x, e, at);

	k->entry = *e;
	if (strcmp(e->name, x->writing) == 0) {
		*f = (struct retain_file){.kind = RETAIN_IN_USE};
		(void)folder_name_time(e->name, &f->begun);
	} else if (old < x->count &&
	    x->files[old].kind == RETAIN_SEALED) { /* others: it may have been the disk's fault */
		*k = x->known[old];
		*f = x->files[old];
	} else {
		examine(x, k, f);
	}
}

static enum err
refresh(struct expire *x, const char *writing)
{
	struct retain_file *files = NULL;
	struct known *known = NULL;
	size_t count = 0, at = 0;
	struct folder folder;
	enum err e = folder_list(x->dirfd, &folder);

	if (e != ERR_OK)
		return e;
	memcpy(x->writing, writing, strlen(writing) + 1);
	files = calloc(folder.count + 1, sizeof(*files));
	known = calloc(folder.count + 1, sizeof(*known));
	if (files == NULL || known == NULL) {
		free(files);
		free(known);
		folder_clear(&folder);
		return ERR_MEMORY;
	}
	for (size_t i = 0; i < folder.count; i++) {
		if (folder.entries[i].lane != x->lane)
			continue;
		take_entry(x, &folder.entries[i], &at, &known[count], &files[count]);
		count++;
	}
	folder_clear(&folder);
	free(x->files);
	free(x->known);
	x->files = files;
	x->known = known;
	x->count = count;
	x->stale = false;
	return ERR_OK;
}

/* What grows between two lists. */
static void
measure_writing(struct expire *x)
{
	struct stat st;

	for (size_t i = 0; i < x->count; i++) {
		if (x->files[i].kind == RETAIN_IN_USE &&
		    fstatat(x->dirfd, x->known[i].entry.name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			x->files[i].size = (uint64_t)st.st_size;
	}
}

/* --- what is merged --- */

static bool
is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	    a->st_mtim.tv_nsec == b->st_mtim.tv_nsec && a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	    a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* Read anew when it was replaced. Not there, or not readable: nothing is listed. */
static enum err
read_merged(struct expire *x, struct expire_result *ret)
{
	struct buf text = BUF_INIT;
	struct merged m = {.lines = NULL};
	enum err e = ERR_OK;
	struct stat st;

	if (fstatat(x->dirfd, MERGED_NAME, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode)) {
		merged_clear(&x->merged);
		x->merged_was = (struct stat){.st_ino = 0};
		return ERR_OK;
	}
	ret->list_found = true;
	if (!is_same_file(&st, &x->merged_was)) {
		e = file_slurp(x->dirfd, MERGED_NAME, MERGED_SIZE_MOST, &text);
		ret->list_found = e == ERR_OK;
		if (e == ERR_OK)
			e = merged_parse(text.data, text.len, &m);
		buf_clear(&text);
		if (e == ERR_MEMORY)
			return e;
		merged_clear(&x->merged);
		x->merged = m;
		x->merged_was = st;
		ret->list_new = true;
	}
	ret->list_bad = x->merged.bad;
	ret->list_bad_at = x->merged.bad_at;
	return ERR_OK;
}

static void
mark_merged(struct expire *x)
{
	for (size_t i = 0; i < x->count; i++)
		x->files[i].merged = x->files[i].kind == RETAIN_SEALED &&
		    merged_has(&x->merged, x->known[i].entry.name, &x->known[i].seal);
}

/* --- removing --- */

/* Whether the file still is what it was when it was chosen; if not, the list is stale. */
static bool
is_unchanged(struct expire *x, size_t i)
{
	struct known k = x->known[i];
	struct retain_file f;

	examine(x, &k, &f);
	if (f.kind == x->files[i].kind && f.size == x->files[i].size &&
	    memcmp(k.seal.b, x->known[i].seal.b, SHA256_SIZE) == 0)
		return true;
	x->known[i] = k;
	x->files[i] = f;
	x->stale = true;
	return false;
}

/* False: it failed (errno), or the file has changed and stays for now. */
static bool
remove_file(struct expire *x, size_t i, struct expire_removed *out)
{
	const struct known *k = &x->known[i];
	const struct retain_file *f = &x->files[i];

	errno = 0;
	if (!is_unchanged(x, i)) {
		errno = 0;
		return false;
	}
	*out = (struct expire_removed){
	    .number = k->entry.number,
	    .bytes = f->size,
	    .reason = f->reason,
	    .sealed = f->kind == RETAIN_SEALED,
	    .seal = k->seal,
	};
	memcpy(out->file, k->entry.name, sizeof(out->file));
	return unlinkat(x->dirfd, k->entry.name, 0) == 0;
}

/* Those that are gone leave the list. */
static enum err
remove_chosen(struct expire *x, struct expire_removed *removed, struct expire_result *ret)
{
	enum err e = ERR_OK;
	size_t kept = 0;
	int saved = 0;

	for (size_t i = 0; i < x->count; i++) {
		bool gone = e == ERR_OK && x->files[i].reason != RETAIN_NONE &&
		    remove_file(x, i, &removed[ret->removed]);

		if (gone) {
			ret->removed++;
			continue;
		}
		if (e == ERR_OK && x->files[i].reason != RETAIN_NONE && errno != 0) {
			saved = errno;
			e = ERR_SYSTEM;
			memcpy(ret->failed, x->known[i].entry.name, sizeof(ret->failed));
		}
		x->files[i].reason = RETAIN_NONE;
		x->files[kept] = x->files[i];
		x->known[kept] = x->known[i];
		kept++;
	}
	x->count = kept;
	if (ret->removed > 0 && recover_sync_folder(x->dirfd) != ERR_OK && e == ERR_OK)
		return ERR_SYSTEM;
	errno = saved;
	return e;
}

static void
count_foreign(const struct expire *x, struct expire_result *ret)
{
	for (size_t i = 0; i < x->count; i++) {
		if (x->files[i].kind == RETAIN_FOREIGN && ret->foreign++ == 0)
			memcpy(ret->first_foreign, x->known[i].entry.name, sizeof(ret->first_foreign));
	}
}

enum err
expire_pass(struct expire *x, const struct retain_limits *limits, wall_t now, bool full, const char *writing,
    struct expire_removed *removed, size_t most, struct expire_result *ret)
{
	struct retain_now at = {.time = now, .full = full};
	struct statvfs fs;
	enum err e = ERR_OK;

	*ret = (struct expire_result){.removed = 0};
	if (x->stale || strcmp(writing, x->writing) != 0)
		e = refresh(x, writing);
	if (e == ERR_OK && limits->keep_unmerged)
		e = read_merged(x, ret);
	if (e == ERR_OK && limits->minimum_free > 0) {
		if (fstatvfs(x->dirfd, &fs) != 0)
			e = ERR_SYSTEM;
		else
			at.free = (uint64_t)fs.f_bavail * fs.f_frsize;
	}
	if (e != ERR_OK)
		return e;
	measure_writing(x);
	if (limits->keep_unmerged)
		mark_merged(x);
	count_foreign(x, ret);
	ret->choice = retain_choose(x->files, x->count, limits, &at, most);
	return remove_chosen(x, removed, ret);
}
