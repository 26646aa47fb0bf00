/* SPDX-License-Identifier: ISC
 *
 * Between the two halves of the writer: what all files share (write.c), and windows (write_window.c).
 */
#ifndef FLOWBRAID_ARCHIVE_WRITE_PRIVATE_H
#define FLOWBRAID_ARCHIVE_WRITE_PRIVATE_H

#include "archive/segment_file.h"
#include "archive/tables.h"
#include "archive/window_sum.h"
#include "archive/write.h"
#include "base/compress.h"

struct archive_writer {
	struct pool *p;          /* the caller's */
	const struct plan *plan; /* the caller's */
	int dirfd;
	struct manifest *m;      /* the caller's */
	size_t datagram, event;  /* the next ones to write: places in plan->order, index into events */
	uint32_t *source_at;     /* owned: pool source -> its place in the file's table, or POOL_NONE */
	uint32_t *state_at;      /* owned: likewise for sampling states */
	uint32_t *definition_at; /* owned: likewise for definitions */
	uint32_t *table;         /* owned: the file's table, as pool indexes */
	struct buf body, payloads, packed;
	struct compressor
	    *compressor; /* owned; NULL: none. A new one for each window, so that nothing but the window
	                                * decides its bytes */
	struct segment_file *file;
	struct window_sum *sum;     /* owned */
	uint8_t flags;              /* of the records that are put */
	bool summing;               /* records go to the sum, not to the file */
	uint32_t size;              /* of the payloads gathered; when summing they are only counted */
	const struct input *former; /* the pool's, or NULL */
	uint32_t former_file;       /* the pool's first file of it */
};

struct segment_header writer_head(const struct archive_writer *w, enum segment_kind kind, wall_t time);
enum err writer_begin(struct archive_writer *w, const char *name, struct segment_header head) WARN_UNUSED;
enum err writer_end(struct archive_writer *w, const char *name) WARN_UNUSED;

enum err writer_put(
    struct archive_writer *w, enum record_type type, wall_t time, const struct buf *body) WARN_UNUSED;
/* Puts what has been gathered when it is long enough, or is the last of its list. */
enum err writer_put_list(
    struct archive_writer *w, enum record_type type, wall_t time, struct buf *body, bool last) WARN_UNUSED;
enum err writer_put_contents(struct archive_writer *w, wall_t time, const struct contents *c) WARN_UNUSED;
/* The table of the sources that are marked in source_at, in their canonical order. */
enum err writer_put_sources(struct archive_writer *w, wall_t time) WARN_UNUSED;
/* The definitions listed in w->table, in order of their bytes. */
enum err writer_put_definitions(struct archive_writer *w, wall_t time, uint32_t count) WARN_UNUSED;

#endif
