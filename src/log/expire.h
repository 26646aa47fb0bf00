/* SPDX-License-Identifier: ISC
 *
 * Removes the segments of a lane that log/retain chooses. Keeps the list of the lane's files between passes, and
 * looks into a file (header and seal) when it is new, and once more right before it goes; so a pass over a large
 * folder costs a walk over memory.
 *
 * It belongs to the thread that owns the store, whose folder and lock it uses.
 */
#ifndef FLOWBRAID_LOG_EXPIRE_H
#define FLOWBRAID_LOG_EXPIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/err.h"
#include "log/folder.h"
#include "log/retain.h"

struct expire;

/* dirfd must outlive it; the names are copied. */
enum err expire_new(
    int dirfd, const char *cluster, const char *node, uint16_t lane, struct expire **ret) WARN_UNUSED;
void expire_free(struct expire *x); /* NULL is fine */

/* The folder has changed: the next pass lists it anew. A change that nobody tells of is found when a file turns out to be
 * another one, or gone. */
void expire_stale(struct expire *x);

struct expire_removed {
	char file[FOLDER_NAME_SIZE];
	uint64_t number;
	uint64_t bytes;
	enum retain_reason reason;
	bool sealed;        /* else it was damaged */
	struct sha256 seal; /* seal_digest, when sealed */
};

struct expire_result {
	size_t removed;
	struct retain_choice choice;
	size_t foreign; /* files with names of this lane that are not certainly this log's */
	char first_foreign[FOLDER_NAME_SIZE];
	bool list_found; /* with keep_unmerged: the file `merged` could be read */
	bool list_new;   /* and is another one than last time */
	size_t list_bad; /* lines of it that are none, and the first of them */
	unsigned long list_bad_at;
	char failed[FOLDER_NAME_SIZE]; /* on ERR_SYSTEM: which file; "" for the folder */
};

/* One pass: removes what must go, at most `most` files, and syncs the folder. writing: name of the segment being written,
 * "" for none. removed has `most` elements; ret->removed of them are filled, also when it fails. ERR_SYSTEM, ERR_MEMORY. */
enum err expire_pass(struct expire *x, const struct retain_limits *limits, wall_t now, bool full,
    const char *writing, struct expire_removed *removed, size_t most, struct expire_result *ret) WARN_UNUSED;

#endif
