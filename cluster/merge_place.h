/* SPDX-License-Identifier: ISC
 *
 * Where a merge writes: the archive's folder, the one beside it in which the new archive comes to be, and the lock. The new
 * one is written whole and synced, and then the two change places in one system call. Killed at any point before, the old
 * one stands untouched; after, the new one does.
 */
#ifndef FLOWBRAID_CLUSTER_MERGE_PLACE_H
#define FLOWBRAID_CLUSTER_MERGE_PLACE_H

#include <stdbool.h>

struct place {
	const char *given; /* -o */
	char *out;         /* what it names, without symbolic links and trailing slashes; owned */
	char *work;        /* folder that the new archive is written to; owned */
	int lock;          /* -1: none is held */
	bool archive;      /* one stands there */
};

/* All of these: false, when a message was printed. */
bool place_open(
    struct place *p, const char *given, bool lock, bool wait); /* wait: while another merge has it */
void place_close(struct place *p);

/* Whether a path names the archive that stands there. */
bool place_is(const struct place *p, const char *path);

/* The empty folder to write to. Whoever fails gives it up. */
bool place_begin(struct place *p, int *ret_dirfd);
void place_give_up(const struct place *p);

/* The new archive takes the old one's place in one step. The old one goes when that has reached the disk. */
bool place_swap(const struct place *p);

#endif
