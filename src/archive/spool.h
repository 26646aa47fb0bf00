/* SPDX-License-Identifier: ISC
 *
 * Segments that come one behind the other through a pipe: each lies, while it is read, in a file without a name, since it is
 * read by place, and perhaps twice.
 *
 *	spool_open(fd, folder, &s);
 *	while (spool_begin(s) == ERR_OK && spool_segment(s, &sealed) == ERR_OK && spool_len(s) > 0)
 *		... spool_fd(s) ...
 */
#ifndef FLOWBRAID_ARCHIVE_SPOOL_H
#define FLOWBRAID_ARCHIVE_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct spool;

/* fd stays the caller's. folder: where the files lie. */
enum err spool_open(int fd, const char *folder, struct spool **ret) WARN_UNUSED;
void spool_close(struct spool *s); /* NULL is fine */

/* Begins the file of the next segment with what was read of it already; the one before is gone. */
enum err spool_begin(struct spool *s) WARN_UNUSED;
int spool_fd(const struct spool *s);
int spool_input(const struct spool *s);
uint64_t spool_len(const struct spool *s);

/* Reads a piece, and waits for it unless the descriptor does not. ERR_END: there is no more; ERR_BUSY: nothing now. */
enum err spool_fill(struct spool *s) WARN_UNUSED;

/* The segment ends at a place of its file: what stands behind is the next one's. */
enum err spool_cut(struct spool *s, uint64_t end) WARN_UNUSED;

/* What stands before a place is not asked for any more: its room on the disk is given back. */
void spool_forget(struct spool *s, uint64_t before);

/* Reads until the seal of the segment at hand, or the end. *ret_sealed: it has one. */
enum err spool_segment(struct spool *s, bool *ret_sealed) WARN_UNUSED;

#endif
