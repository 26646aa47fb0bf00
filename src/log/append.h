/* SPDX-License-Identifier: ISC
 *
 * The receiving side of a log: turns records into blocks of memory. It never touches the disk, so that it
 * can run where nothing may wait; blocks go to a sink, which writes them (log/store) at once or from another
 * thread. A block is one chunk (1 MiB) of the segment as it will stand on disk.
 *
 * An append is all or nothing: when no block is to be had, nothing is written and no sequence is used.
 */
#ifndef FLOWBRAID_LOG_APPEND_H
#define FLOWBRAID_LOG_APPEND_H

#include <stdbool.h>
#include <stdint.h>

#include "log/segment.h"

struct block {
	uint8_t *data;         /* SEGMENT_CHUNK bytes, aligned to 4096; owned by whoever made the block */
	uint32_t len;          /* filled; only the appending side touches it until the block is complete */
	uint32_t first_record; /* offset in data of the first record that begins here; len when none does */
	uint64_t offset;       /* of data in the segment */
	bool first;            /* data begins with the segment's header */
	bool last;             /* the segment ends with this block: seal it */
	struct segment_header head; /* the segment's */
	struct seal seal;           /* with last: count, first, last */
	uint64_t seal_sequence;     /* with last: the sequence set aside for the seal record */
	wall_t seal_time;
	uint32_t written;   /* the writing side's: bytes already on disk */
	bool cached;        /* and: some of them went through the page cache */
	struct block *next; /* for whoever holds it */
};

struct block *block_new(void); /* NULL: out of memory */
void block_free(struct block *b);

struct block_sink {
	void *ctx;
	/* An empty block, or NULL when none is free now. */
	struct block *(*take)(void *ctx);
	/* Bytes up to `upto` may be written. complete: the appender is done with the block and gives it away;
	 * else it goes on filling behind upto, and gives the same block again. */
	void (*give)(void *ctx, struct block *b, uint32_t upto, bool complete);
};

struct appender {
	struct block_sink sink;
	struct segment_header head; /* of the current segment */
	uint32_t seed;
	uint64_t next_sequence;
	uint32_t body_crc;      /* of the last record: equal bodies have equal ones, and hardly others */
	uint64_t count;         /* records in this segment */
	uint64_t size_limit;    /* begin a new segment beyond; 0: never */
	struct block *block;    /* being filled; NULL between segments */
	uint32_t given;         /* bytes of it already handed to the sink */
	struct block *spare[2]; /* taken ahead, so that an append is all or nothing */
	bool in_snapshot;
	/* Called right after a segment has begun: append template snapshots with appender_record. May be NULL. */
	void (*snapshot)(void *ctx, struct appender *a, wall_t now);
	void *snapshot_ctx;
};

/* head: cluster, node, lane, incarnation, kind, number and first_sequence of the first segment; time is set
 * at the first append. The caller sets size_limit and snapshot afterwards. */
void appender_init(struct appender *a, const struct segment_header *head, struct block_sink sink);

/* Appends a record; type, flags, listener, port, time, addr, body and len are taken from r, sequence and CRC
 * are made here. now: the host's wall time, for a new segment's header. ret_sequence may be NULL.
 * ERR_LIMIT: no block is free, nothing was appended. ERR_MALFORMED: body too long, type 0. Selected flows begin a new
 * segment when the header of the one at hand does not tell of them (head.incompatible: SEGMENT_SELECTED). */
enum err appender_record(
    struct appender *a, const struct record *r, wall_t now, uint64_t *ret_sequence) WARN_UNUSED;

/* True when a block beyond the one being filled is in hand. Whoever was refused asks before going on, so that
 * what little room is left in the block does not fill with word of refusals. */
bool appender_reserve(struct appender *a) WARN_UNUSED;

/* Hands over what has been appended and not been given yet. */
void appender_flush(struct appender *a);

/* Ends the current segment, if one has begun: it will be sealed. The next append begins another. */
void appender_rotate(struct appender *a, wall_t now);

/* Rotates, and gives spare blocks back (complete, empty: len 0). */
void appender_end(struct appender *a, wall_t now);

#endif
