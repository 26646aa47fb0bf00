/* SPDX-License-Identifier: ISC
 *
 * Whole reads and writes that know about short ones and EINTR, and replacement of a file in one go.
 */
#ifndef FLOWBRAID_BASE_FILE_H
#define FLOWBRAID_BASE_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct buf;

/* Reads up to len bytes at offset; *ret_len is less only at the end of the file. ERR_SYSTEM with errno. */
enum err file_pread(int fd, void *dst, size_t len, uint64_t offset, size_t *ret_len) WARN_UNUSED;

/* Writes all of it at offset. *ret_len (may be NULL): bytes written, also when the answer is ERR_SYSTEM. */
enum err file_pwrite(int fd, const void *src, size_t len, uint64_t offset, size_t *ret_len) WARN_UNUSED;

/* Appends the whole of a file to b. ERR_LIMIT when it is larger than most. */
enum err file_slurp(int dirfd, const char *path, size_t most, struct buf *b) WARN_UNUSED;
/* The same from where an open file stands. */
enum err file_slurp_fd(int fd, size_t most, struct buf *b) WARN_UNUSED;

/* A second name for a file, in another folder; a copy of it, synced, where the file system has no such names. The new
 * name must not be taken. */
enum err file_link(const char *from, int dirfd, const char *name, mode_t mode) WARN_UNUSED;

/* What was made, renamed or removed in the folder of path is on disk. */
enum err file_sync_folder(int dirfd, const char *path) WARN_UNUSED;

/* Makes path hold exactly these bytes, or leaves what was there: temporary file beside it (path.tmp;
 * one left by a crash is removed), fsync, rename, fsync of the folder. dirfd and mode as in openat(2). */
enum err file_replace(int dirfd, const char *path, const void *bytes, size_t len, mode_t mode) WARN_UNUSED;

#endif
