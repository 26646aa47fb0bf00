/* SPDX-License-Identifier: ISC
 *
 * The writing thread: stands between an appender, which must not wait, and a store, which may. Blocks of
 * memory go round: free, being filled, waiting for the disk, free again. How many there are is the memory
 * that a slow or full disk may use up; when none is free, the appender is refused.
 *
 * A block that went through the page cache keeps its bytes until they are synced, as long as there are others to
 * give: after a sync that failed it is written again, and until one succeeds it is not free.
 *
 * The store belongs to the thread from disk_start to disk_stop. All other functions are for the one thread
 * that appends; disk_status is for any.
 */
#ifndef FLOWBRAID_NODE_DISK_H
#define FLOWBRAID_NODE_DISK_H

#include <stdbool.h>
#include <stdint.h>

#include "log/append.h"
#include "log/store.h"
#include "node/retention.h"

struct disk;

struct disk_options {
	const char *name; /* subject of messages; borrowed */
	int64_t memory;   /* bytes of blocks */
	int64_t sync_ns;  /* fdatasync as often */
	bool wait;        /* an appender waits for a free block (captures) instead of being refused, and what
	                      * cannot be written for a while is given up */
	struct retention *retention; /* NULL: nothing is removed. Borrowed, until disk_stop */
};

enum err disk_start(struct store *store, const struct disk_options *options, struct disk **ret) WARN_UNUSED;

void disk_set_sync(struct disk *d, int64_t sync_ns);

struct block_sink disk_sink(struct disk *d);

/* Changes whenever a block has been completed: what is in the block at hand is younger than that. */
uint64_t disk_completed(const struct disk *d);

/* With wait: the disk has been given up, and nothing more will be written. */
bool disk_is_given_up(struct disk *d);

/* What kind of work fails. */
enum disk_work { DISK_WRITING, DISK_SYNCING, DISK_NAMING };
#define DISK_WORKS 3

/* A time in which it did. */
struct disk_trouble {
	enum disk_work work;
	int error;         /* errno of the first failure */
	uint64_t failures; /* 0: there was no trouble */
	wall_t from, to;   /* first failure, first success after it */
	uint64_t unsure;   /* bytes whose sync failed when they had left the memory: they may be missing */
};

const char *disk_work_name(enum disk_work work); /* as in "cannot ..." */

/* Takes a trouble that has ended and was not taken before; several of a kind are told as one. */
bool disk_take_trouble(struct disk *d, struct disk_trouble *ret);

struct disk_status {
	struct store_counters store;
	uint64_t unsure;          /* bytes, see disk_trouble */
	uint64_t waiting;         /* bytes in memory that are to be written */
	uint64_t memory, used;    /* bytes of blocks that there may be, and that are not free */
	uint64_t made;            /* bytes of blocks that there are; those free for long are given back */
	bool failing[DISK_WORKS]; /* now */
	bool refusing;            /* no block is to be had: what comes is lost */
};

/* As of the end of the last write or sync. */
void disk_status(struct disk *d, struct disk_status *ret);

/* Waits until everything given has been written and synced, but not for ever where writing fails; ends the
 * thread, frees d. False when something was left: *ret_lost_bytes. NULL is fine. */
bool disk_stop(struct disk *d, uint64_t *ret_lost_bytes);

#endif
