/* SPDX-License-Identifier: ISC
 *
 * The writing thread: stands between an appender, which must not wait, and a store, which may. Blocks of
 * memory go round: free, being filled, waiting for the disk, free again. How many there are is the memory
 * that a slow or full disk may use up; when none is free, the appender is refused.
 *
 * The store belongs to the thread from disk_start to disk_stop. All other functions are for the one thread
 * that appends.
 */
#ifndef FLOWBRAID_NODE_DISK_H
#define FLOWBRAID_NODE_DISK_H

#include <stdbool.h>
#include <stdint.h>

#include "log/append.h"
#include "log/store.h"

struct disk;

struct disk_options {
	const char *name; /* subject of messages; borrowed */
	int64_t memory;   /* bytes of blocks */
	int64_t sync_ns;  /* fdatasync as often */
	bool wait;        /* an appender waits for a free block (captures) instead of being refused, and what
	                      * cannot be written for a while is given up */
};

enum err disk_start(struct store *store, const struct disk_options *options, struct disk **ret) WARN_UNUSED;

struct block_sink disk_sink(struct disk *d);

/* Changes whenever a block has been completed: what is in the block at hand is younger than that. */
uint64_t disk_completed(const struct disk *d);

/* With wait: the disk has been given up, and nothing more will be written. */
bool disk_is_given_up(struct disk *d);

/* Waits until everything given has been written and synced, but not for ever where writing fails; ends the
 * thread, frees d. False when something was left: *ret_lost_bytes. NULL is fine. */
bool disk_stop(struct disk *d, uint64_t *ret_lost_bytes);

#endif
