/* SPDX-License-Identifier: ISC
 *
 * The writing side of a log: a folder of segments. Writes blocks, hashes them, seals, renames, and at start
 * puts in order what a killed predecessor left. One store writes a lane at a time: whoever opens them holds the folder's lock
 * (log/folder.h).
 *
 * Files: LL-NNNNNNNNNN-YYYYMMDDTHHMMSSZ.fbs, with .open behind while being written (lane, number, begin).
 */
#ifndef FLOWBRAID_LOG_STORE_H
#define FLOWBRAID_LOG_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "log/append.h"
#include "log/segment.h"

#define STORE_FILE_NAME_SIZE 64

/* What start-up did with a segment that was still open. */
struct store_recovery {
	bool found; /* there was one */
	char file[STORE_FILE_NAME_SIZE];
	uint64_t number;
	uint64_t length;  /* bytes that stay, a new seal not counted */
	uint64_t cut;     /* bytes cut off its end */
	bool sealed;      /* it is sealed now; else it was left as it is (damage, with good records behind) */
	bool removed;     /* it held nothing, not even a whole header, and is gone */
	uint64_t records; /* good ones in it */
	bool has_digest;
	struct sha256 digest; /* SHA-256 of the file, when left unsealed and it could be read */
	char why[320];        /* when left unsealed: the first finding, or what failed */
};

struct store;

/* Opens a lane's log in a folder. dirfd stays the caller's.
 * ERR_CONFLICT: the folder holds another cluster's or node's log (ret_recovery[0].file and .why say;
 * *ret_recovered is 1). Besides, ERR_SYSTEM, ERR_MEMORY.
 * recovery_max: how many elements ret_recovery has, at least 1; *ret_recovered is how many are filled; more
 * than that were recovered all the same. A segment that cannot be read, or sealed (full disk), is left. */
enum err store_open(int dirfd, const char *cluster, const char *node, uint16_t lane, wall_t now,
    struct store **ret, struct store_recovery *ret_recovery, size_t recovery_max,
    size_t *ret_recovered) WARN_UNUSED;
void store_close(struct store *s); /* does not seal; NULL is fine */

uint64_t store_next_number(const struct store *s); /* for the first segment of this life */

/* Name of the newest sealed or left segment before this life, "" when none: its template snapshot and
 * datagrams tell the templates that the node knew. */
const char *store_newest(const struct store *s);

/* The store's descriptor of the folder, and the name of the segment being written, "" when none is: for log/expire. */
int store_folder(const struct store *s);
const char *store_writing(const struct store *s);

/* Brings the block's bytes up to `upto` to the file, and when complete hashes it, and with b->last seals: the
 * file is synced and renamed then (a rename that fails is left to store_name). ERR_SYSTEM (errno): b->written says how far it came, and the file has been
 * cut back to there: to the end of the last whole record in it (or, where a record that began in the block
 * before does not end, to that block's end). Call again with the same arguments to go on. An empty complete
 * block is fine. ERR_MALFORMED: not the block that is due. */
enum err store_write(struct store *s, struct block *b, uint32_t upto, bool complete) WARN_UNUSED;

/* fdatasync of the open segment, if anything was written since. */
enum err store_sync(struct store *s) WARN_UNUSED;

/* A sync failed, here or in store_write when sealing: what went through the page cache since the last good one may be
 * lost, and the next one would not say so. Before calling store_sync again, or store_write so that it seals, give
 * store_rewrite each block that is `cached` and was written since then, also the one that is not complete. */
bool store_is_suspect(const struct store *s);

/* Nothing was written since the last good sync. */
bool store_is_synced(const struct store *s);

/* Writes once more what is written of a block. One of another segment is passed over. */
enum err store_rewrite(struct store *s, struct block *b) WARN_UNUSED;

/* What a rename that failed, or a sync of the folder, has left to do. ERR_SYSTEM: again later. */
enum err store_name(struct store *s) WARN_UNUSED;

struct store_counters {
	uint64_t bytes;         /* written, seals included */
	uint64_t writes;        /* of blocks or parts of them */
	uint64_t direct_writes; /* of these, past the page cache */
	uint64_t failures;      /* to create or write */
	uint64_t sync_failures; /* of segments or the folder */
	uint64_t name_failures; /* to rename */
	uint64_t sealed;        /* segments, in this life */
};
const struct store_counters *store_counters(const struct store *s);

#endif
