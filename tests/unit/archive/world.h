/* SPDX-License-Identifier: ISC
 *
 * A folder of logs and archives for unit tests: logs are written through log/store, archives through
 * archive/write, all in a temporary folder that is the current one. Gives up (exit 2) where a test cannot go on.
 */
#ifndef FLOWBRAID_TESTS_UNIT_ARCHIVE_WORLD_H
#define FLOWBRAID_TESTS_UNIT_ARCHIVE_WORLD_H

#include "archive/plan.h"
#include "archive/pool.h"
#include "tests/log-folder.h"

#define WORLD_T0 (1700000100 * NS_PER_SEC) /* a multiple of five minutes */

void world_open(void);
void world_close(void);

/* A record as a node makes it, of the exporter 192.0.2.1 port 2055. */
struct record world_record(enum record_type type, int64_t time_ns, const void *body, size_t len);

/* Payload of a v5 datagram with that sequence and count. Valid until the next call. */
const struct buf *world_v5(uint32_t sequence, uint16_t flows);

/* Adds and closes; paths end with NULL. The findings of all files are counted in p. */
enum err world_pool(struct pool *p, const char *const *paths);

/* Merges paths into a new folder; a hash over all names and bytes of the archive. */
uint64_t world_archive(const char *out, int64_t window_ns, const char *const *paths);
/* The same, its payloads compressed with zstd. */
uint64_t world_packed(const char *out, int64_t window_ns, int level, const char *const *paths);

/* Bytes of a file, and back. */
void world_slurp(const char *path, struct buf *b);
void world_save(const char *path, const void *bytes, size_t len);

#endif
