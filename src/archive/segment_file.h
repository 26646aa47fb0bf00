/* SPDX-License-Identifier: ISC
 *
 * One segment written at once, from beginning to seal: what an archive's files are. (A node's log, which
 * lives on and recovers, is written by log/store.)
 */
#ifndef FLOWBRAID_ARCHIVE_SEGMENT_FILE_H
#define FLOWBRAID_ARCHIVE_SEGMENT_FILE_H

#include <stdint.h>

#include "log/segment.h"

struct segment_file;

struct segment_file *segment_file_new(void); /* can write any number of files, one after the other */
void segment_file_free(struct segment_file *f);

enum err segment_file_begin(
    struct segment_file *f, int dirfd, const char *name, const struct segment_header *head) WARN_UNUSED;
enum err segment_file_put(struct segment_file *f, const struct record *r) WARN_UNUSED;
uint64_t segment_file_offset(const struct segment_file *f); /* where the next record will stand */

/* Seals, syncs and closes. The digest is over the whole file, seal included. */
enum err segment_file_end(struct segment_file *f, uint64_t *ret_size, struct sha256 *ret_digest) WARN_UNUSED;

int64_t segment_file_hash_ns(const struct segment_file *f); /* CPU spent on SHA-256 so far */

#endif
