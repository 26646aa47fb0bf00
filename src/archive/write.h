/* SPDX-License-Identifier: ISC
 *
 * Writes the files of an archive from a closed pool and its plan (flowbraid-archive(5)). Nothing but the
 * pool's content decides the bytes: no clock, no host, no order of work.
 */
#ifndef FLOWBRAID_ARCHIVE_WRITE_H
#define FLOWBRAID_ARCHIVE_WRITE_H

#include "archive/manifest.h"
#include "archive/plan.h"
#include "archive/pool.h"

struct archive_writer;

/* What lies in the pool's span is written. */

/* Writes into dirfd (the caller's, empty) and adds each file to m, whose cluster and window_ns are set. */
enum err archive_writer_new(struct pool *p, const struct plan *plan, int dirfd, struct manifest *m,
    struct archive_writer **ret) WARN_UNUSED;
void archive_writer_free(struct archive_writer *w);

/* What an archive keeps besides windows: sources, ranges, definitions of snapshots. */
enum err archive_write_common(struct archive_writer *w) WARN_UNUSED;

/* The archive that the new one takes the place of: in is the pool's, and was added lazily. A window of it that would not
 * change is linked, not written. Before the first window. */
void archive_write_former(struct archive_writer *w, const struct input *in);

enum window_fate { WINDOW_NEW, WINDOW_CHANGED, WINDOW_UNCHANGED };

/* The next window that holds anything, in order of time; without write it is only looked at. ERR_END when none is left. */
enum err archive_write_window(struct archive_writer *w, bool write, char ret_name[MANIFEST_NAME_SIZE],
    enum window_fate *ret_fate) WARN_UNUSED;

/* A file whose bytes are there already (the ledger), and at last the manifest itself. */
enum err archive_write_file(
    struct archive_writer *w, const char *name, const void *bytes, size_t len) WARN_UNUSED;
enum err archive_write_manifest(struct archive_writer *w) WARN_UNUSED;

/* CPU spent on SHA-256, in ns: the budget reports it apart. */
int64_t archive_writer_hash_ns(const struct archive_writer *w);

#endif
