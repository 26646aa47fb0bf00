/* SPDX-License-Identifier: ISC
 *
 * Which segments of a lane must go, given how old and large they are and how much room is left: a pure function.
 * log/expire finds that out and removes them.
 *
 * The oldest go first. Never the one being written, never the newest sealed one (it carries the numbers, the
 * chain of seals and the templates on), and never a file that is not certainly this log's.
 */
#ifndef FLOWBRAID_LOG_RETAIN_H
#define FLOWBRAID_LOG_RETAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

/* 0: no such limit. Of the whole folder; each of its lanes keeps to its share. */
struct retain_limits {
	int64_t age_ns;
	uint64_t size;         /* bytes of segments */
	uint64_t minimum_free; /* bytes of the file system */
	bool keep_unmerged;    /* only what the file `merged` lists may go */
	uint16_t lanes;        /* of the folder; 0 is 1 */
};

enum retain_reason {
	RETAIN_NONE,
	RETAIN_BY_AGE,
	RETAIN_BY_SIZE,
	RETAIN_BY_FREE,
	RETAIN_BY_FULL, /* nothing can be written for want of room, whatever the limits say */
};
#define RETAIN_REASONS 5
const char *retain_reason_name(enum retain_reason r); /* the key's name, or "disk full" */

enum retain_kind {
	RETAIN_FOREIGN, /* another log's, or nobody can tell: not counted, never chosen */
	RETAIN_IN_USE,  /* being written */
	RETAIN_SEALED,
	RETAIN_DAMAGED, /* this log's, and without a good seal: goes in its turn, but not when keep_unmerged is set */
};

struct retain_file {
	enum retain_kind kind;
	bool merged;               /* sealed, and listed with its seal's digest */
	uint64_t size;             /* bytes */
	uint64_t room;             /* bytes that the file system gains when it goes */
	wall_t begun;              /* by its header */
	enum retain_reason reason; /* out */
};

struct retain_now {
	wall_t time;
	uint64_t free; /* bytes of the file system; with minimum_free */
	bool full;     /* the last write failed for want of room */
};

struct retain_choice {
	size_t count; /* of files with a reason */
	bool more;    /* `most` was reached */
	/* What cannot be kept to (RETAIN_NONE: all can), and how many files stay only because they are not merged. */
	enum retain_reason unmet;
	size_t unmerged;
};

/* files: of one lane, in the order in which they were begun. At most `most` of them get a reason. */
struct retain_choice retain_choose(struct retain_file *files, size_t count,
    const struct retain_limits *limits, const struct retain_now *now, size_t most);

/* Whether there is any limit at all. */
static inline bool
retain_is_limited(const struct retain_limits *l)
{
	return l->age_ns > 0 || l->size > 0 || l->minimum_free > 0;
}

#endif
