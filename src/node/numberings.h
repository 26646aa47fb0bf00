/* SPDX-License-Identifier: ISC
 *
 * The numberings that the streams of a node are of. One of several streams has an account of all of them (flow/seq_shared_live), since
 * they may share one counter. Bounded by the streams: it goes with the last of them.
 */
#ifndef FLOWBRAID_NODE_NUMBERINGS_H
#define FLOWBRAID_NODE_NUMBERINGS_H

#include "base/hash.h"
#include "flow/seq_shared_live.h"
#include "wire/stream.h"

#define NUMBERING_NONE UINT32_MAX

struct numbering {
	struct stream_key key;     /* domain 0 */
	uint32_t streams;          /* 0: the place is free, and `only` the next free one */
	uint32_t only;             /* the place of its first stream while that is alone */
	struct seq_shared *shared; /* owned; NULL: one stream has been seen so far, or there is no room */
};

struct numberings {
	struct numbering *all; /* owned, room for `limit` */
	uint32_t count, limit; /* count: places that were ever used */
	uint32_t free;
	uint32_t shared; /* how many have such an account */
	struct hash index;
	uint64_t seed;
};

enum err numberings_init(struct numberings *n, uint32_t streams, uint64_t seed) WARN_UNUSED;
/* All streams have left. */
void numberings_clear(struct numberings *n);

/* A stream appears at a place of its table. Returns its numbering, or NUMBERING_NONE where memory is out. */
uint32_t numberings_join(struct numberings *n, const struct stream_key *key, uint32_t place);
void numberings_leave(struct numberings *n, uint32_t numbering, uint32_t place, struct seq_room *room);

/* It has a second stream, and needs an account of all; only: that of the one that it had. */
void numberings_share(
    struct numberings *n, uint32_t numbering, const struct seq_live *only, struct seq_room *room);

#endif
