/* SPDX-License-Identifier: ISC
 *
 * An archive's manifest: the options that made it, and SHA-256, size and name of every file. Plain text, one
 * item a line, so that it can be read, compared and signed with ordinary tools (flowbraid-archive(5)).
 */
#ifndef FLOWBRAID_ARCHIVE_MANIFEST_H
#define FLOWBRAID_ARCHIVE_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/err.h"
#include "log/segment.h"

#define MANIFEST_NAME "manifest"
#define MANIFEST_LEDGER "ledger.json"
#define MANIFEST_COMMON "common.fbs"
#define MANIFEST_NAME_SIZE 64
#define MANIFEST_VERSION_SIZE 24
#define MANIFEST_SIZE_MAX (64u << 20)

struct manifest_file {
	char name[MANIFEST_NAME_SIZE]; /* in the archive's folder; no slash */
	uint64_t size;
	struct sha256 digest;
};

struct manifest {
	char cluster[SEGMENT_NAME_SIZE];
	int64_t window_ns;
	struct manifest_compression {
		int level;                           /* of zstd; 0: none */
		char version[MANIFEST_VERSION_SIZE]; /* of its library */
	} compression;
	struct manifest_shard {
		uint32_t number, of; /* of: 0: the archive is whole */
	} shard;
	struct buf policy;           /* owned; its text as policy_print has it; empty: none */
	bool limited;                /* holds only what lies in [from_ns, to_ns) */
	int64_t from_ns, to_ns;      /* INT64_MIN, INT64_MAX: no limit on that side */
	struct manifest_file *files; /* owned; by name */
	size_t count, room;
};

void manifest_clear(struct manifest *m);
enum err manifest_add(
    struct manifest *m, const char *name, uint64_t size, const struct sha256 *digest) WARN_UNUSED;
void manifest_write(const struct manifest *m, struct buf *out); /* sorts nothing: add in order of name */

#define MANIFEST_SHARDS_MOST 4096
/* "0/8", as it stands in the manifest. */
bool manifest_shard_read(const char *text, struct manifest_shard *ret);

/* As it stands in the manifest: "none", "zstd 1 1.5.4". */
void manifest_compression_text(const struct manifest_compression *c, struct buf *out);
bool manifest_compression_same(const struct manifest_compression *a, const struct manifest_compression *b);

/* *ret_line: the line that is wrong, on ERR_MALFORMED and ERR_UNKNOWN. */
enum err manifest_read(const char *text, size_t len, struct manifest *ret, unsigned *ret_line) WARN_UNUSED;

/* Name of the window that begins at start: YYYYMMDDTHHMMSSZ.fbw (with .NNNNNNNNN before the Z when start is
 * no whole second). */
void manifest_window_name(wall_t start, char out[MANIFEST_NAME_SIZE]);

/* The other way. False: no name of a window. */
bool manifest_window_start(const char *name, wall_t *ret);

#endif
