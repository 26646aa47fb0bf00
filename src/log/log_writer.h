/* SPDX-License-Identifier: ISC
 *
 * A whole log from one thread that may wait: records in, segments out, through log/append and log/store. For whoever makes a log
 * of what is there already; a node, which must not wait, has a thread for the disk between the two (node/disk).
 */
#ifndef FLOWBRAID_LOG_LOG_WRITER_H
#define FLOWBRAID_LOG_LOG_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "log/append.h"
#include "log/store.h"

struct log_writer;

/* A new life in a folder that the caller has locked (folder_lock) and keeps open. head: cluster, node, lane and incarnation.
 * size: of a segment, 0: without limit. Recovery as of store_open, of which this is the answer, too. */
enum err log_writer_open(int dirfd, const struct segment_header *head, uint64_t size, wall_t now,
    struct log_writer **ret, struct store_recovery *ret_recovery, size_t recovery_max,
    size_t *ret_recovered) WARN_UNUSED;

/* Called when a segment has begun: appends what each one begins with, by appender_record. */
void log_writer_snapshots(
    struct log_writer *w, void (*snapshot)(void *ctx, struct appender *a, wall_t now), void *ctx);

/* As appender_record. ERR_SYSTEM (errno): the disk refuses, and nothing more can be added. */
enum err log_writer_record(struct log_writer *w, const struct record *r) WARN_UNUSED;
void log_writer_rotate(struct log_writer *w, wall_t now);
/* Brings to the file what was added. */
enum err log_writer_flush(struct log_writer *w) WARN_UNUSED;

/* Seals, syncs, and names the last segment. ERR_SYSTEM: what is there is as a killed node leaves it. */
enum err log_writer_end(struct log_writer *w, wall_t now) WARN_UNUSED;
void log_writer_free(struct log_writer *w); /* seals nothing; NULL is fine */

#endif
