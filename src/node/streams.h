/* SPDX-License-Identifier: ISC
 *
 * The streams that a node hears, with what its heartbeats tell of each: the last sequence number and how many
 * datagrams were recorded. Bounded: beyond the limit new streams are counted and not kept.
 */
#ifndef FLOWBRAID_NODE_STREAMS_H
#define FLOWBRAID_NODE_STREAMS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/hash.h"
#include "wire/stream.h"

struct stream {
	struct stream_key key;
	uint32_t sequence;  /* the last header's */
	bool moved;         /* heard since the last heartbeat */
	uint64_t datagrams; /* since start */
	wall_t heard;       /* last */
};

struct streams {
	struct stream *all; /* owned, room for `limit` */
	uint32_t count, limit;
	uint32_t last; /* the one heard last: bursts of one exporter need no look-up */
	struct hash index;
	uint64_t refused; /* datagrams of streams beyond the limit */
};

enum err streams_init(struct streams *s, uint32_t limit) WARN_UNUSED;
void streams_clear(struct streams *s);

void streams_heard(struct streams *s, const struct stream_key *key, uint32_t sequence, wall_t time);

/* Forgets streams not heard since then, when the table is full. */
void streams_prune(struct streams *s, wall_t since);

#endif
