/* SPDX-License-Identifier: ISC
 *
 * Start-up of log/store: what becomes of a segment that a killed predecessor left open. Internal to the
 * layer.
 *
 * Rules: a good part with nothing good behind it is kept, sealed in its own incarnation, and renamed. A
 * segment with good records behind damage stays as it is, to the byte. One without a header is removed.
 */
#ifndef FLOWBRAID_LOG_RECOVER_H
#define FLOWBRAID_LOG_RECOVER_H

#include "log/folder.h"
#include "log/store.h"

/* Whose log it is to be, and the seal that a new one refers to. */
struct recover_context {
	int dirfd;
	const char *cluster, *node; /* borrowed */
	wall_t now;
	uint64_t previous_number; /* UINT64_MAX: none */
	struct sha256 previous;
};

/* Treats the open segment e. When it becomes a sealed one, e gets its new name, and x the seal; when it is
 * removed, e->name becomes empty. ERR_CONFLICT: another log's (ret->why). ERR_MEMORY. Whatever else goes
 * wrong leaves the segment, and is told in ret->why. */
enum err recover_segment(
    struct recover_context *x, struct folder_entry *e, struct store_recovery *ret) WARN_UNUSED;

/* Whether a header belongs to this log; if not, says why. */
bool recover_is_ours(const struct recover_context *x, const struct segment_header *h, char *why, size_t size);

/* fsync of a folder; one that cannot be synced needs none. */
enum err recover_sync_folder(int dirfd) WARN_UNUSED;

/* Renames to a name that must be free. */
enum err recover_rename(int dirfd, const char *from, const char *to) WARN_UNUSED;

#endif
