/* SPDX-License-Identifier: ISC
 *
 * The file `merged` of a log folder: the segments that stand in an archive, so that a node with keep_unmerged may
 * remove them. `flowbraid merged` writes it, a node reads it: text, a line a segment,
 *
 *	NAME SHA-256
 *
 * where the digest is that of the segment's seal (seal_digest): it vouches for the segment's every byte, and for
 * those before it.
 */
#ifndef FLOWBRAID_LOG_MERGED_H
#define FLOWBRAID_LOG_MERGED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "log/folder.h"

#define MERGED_NAME "merged"
#define MERGED_SIZE_MOST (64U << 20)

struct merged_line {
	char name[FOLDER_NAME_SIZE];
	struct sha256 seal;
};

struct merged {
	struct merged_line *lines; /* owned; by name */
	size_t count;
	size_t bad;           /* lines that are none; passed over */
	unsigned long bad_at; /* the first of them, from 1 */
};

/* *ret is to be cleared. ERR_MEMORY. Whatever the text is, what is no line is passed over; so is a last line without its
 * end: it may be a part of one. */
enum err merged_parse(const void *text, size_t len, struct merged *ret) WARN_UNUSED;
void merged_clear(struct merged *m);

bool merged_has(const struct merged *m, const char *name, const struct sha256 *seal);

void merged_put(struct buf *out, const char *name, const struct sha256 *seal);

#endif
