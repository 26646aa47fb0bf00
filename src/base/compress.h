/* SPDX-License-Identifier: ISC
 *
 * Compression of whole chunks of bytes. What a compressor makes follows from the bytes, the level and the version of
 * its library alone, as long as it is new or the same chunks went through it before.
 */
#ifndef FLOWBRAID_BASE_COMPRESS_H
#define FLOWBRAID_BASE_COMPRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

enum compress_codec { /* on disk */
	COMPRESS_NONE = 0,
	COMPRESS_ZSTD = 1,
};

/* The version of the library, such as 1.5.4. NULL: this build has none. */
const char *compress_version(void);
int compress_level_most(void); /* levels are 1 to this */

struct compressor;
struct compressor *compressor_new(int level); /* NULL: memory is out, or this build has no library */
void compressor_free(struct compressor *c);

/* Appends to out what the bytes become. ERR_LIMIT: that would not be shorter; nothing was appended. */
enum err compressor_add(struct compressor *c, const void *bytes, size_t len, struct buf *out) WARN_UNUSED;

/* What decompressing needs besides. Each owner of chunks has its own: it is made at *d (NULL at first) when it is needed. */
struct decompressor;
void decompressor_free(struct decompressor *d); /* NULL is fine */

/* Fills all of out. ERR_MALFORMED: the bytes do not become exactly as many; ERR_UNKNOWN: this build does not know the
 * codec; ERR_MEMORY. */
enum err decompress(struct decompressor **d, unsigned codec, const void *bytes, size_t len, void *out,
    size_t out_len) WARN_UNUSED;

#endif
