/* SPDX-License-Identifier: ISC
 *
 * The chunks of payloads that were used last, uncompressed, of all windows of a pool: datagrams are asked for mostly in
 * the order in which they stand.
 */
#ifndef FLOWBRAID_ARCHIVE_CHUNKS_H
#define FLOWBRAID_ARCHIVE_CHUNKS_H

#include "archive/input.h"
#include "base/buf.h"

#define CHUNKS_KEPT 32 /* a third of a MiB each */

struct chunks {
	struct chunk_slot {
		const struct input_file *f; /* NULL: free */
		uint64_t offset;
		uint64_t used;
		struct buf bytes; /* owned */
	} slots[CHUNKS_KEPT];
	struct buf body;                   /* owned; of the record being read */
	struct decompressor *decompressor; /* owned */
	uint64_t tick;
	bool failed;    /* one of them was not what it should be */
	uint64_t reads; /* chunks that were read from their files, for tests and reports */
};

/* NULL: memory is out. */
struct chunks *chunks_new(void);
void chunks_free(struct chunks *c);

/* len bytes at a place of the chunk whose record begins at offset; valid until CHUNKS_KEPT - 1 others were asked for.
 * seed: of the file's records. Both CRCs of the record are checked. ERR_CHECKSUM and the like: it is damaged, or is
 * not the one that was there. */
enum err chunks_get(struct chunks *c, struct input_file *f, uint32_t seed, uint64_t offset, size_t at,
    size_t len, const uint8_t **ret) WARN_UNUSED;

#endif
