/* SPDX-License-Identifier: ISC
 *
 * The streams that a node hears, with what its heartbeats tell of each: the last sequence number and how many
 * datagrams were recorded; and with its account. Bounded: a stream that is one too many takes the place of one whose exporter is not
 * protected (node/exporters).
 */
#ifndef FLOWBRAID_NODE_STREAMS_H
#define FLOWBRAID_NODE_STREAMS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/hash.h"
#include "node/account.h"
#include "node/exporters.h"
#include "node/numberings.h"
#include "wire/stream.h"

/* A sequence number goes on when it is no more than so much ahead of the last one. */
#define STREAM_WINDOW (1u << 20)

struct stream {
	struct stream_key key;
	uint32_t sequence;  /* the last header's */
	bool moved;         /* heard since the last heartbeat */
	bool fresh;         /* heard again since the hand passed */
	uint64_t datagrams; /* since start, or since it was forgotten */
	uint64_t owner;     /* on whose account it stands; 0: nobody's */
	uint32_t numbering; /* in the numberings, or NUMBERING_NONE */
	wall_t heard;       /* last */
	struct account account;
};

struct streams {
	struct stream *all; /* owned, room for `limit` */
	uint32_t count, limit;
	uint32_t last; /* the one heard last: bursts of one exporter need no look-up */
	uint32_t hand; /* the next candidate for eviction */
	struct hash index;
	uint64_t seed;
	struct exporters *exporters; /* borrowed */
	struct numberings numberings;
	struct account_room room; /* that all accounts have together */
	uint64_t evicted;
	uint64_t refused; /* datagrams of streams for which there was no place */
};

/* The exporters' limit of streams on all accounts is less than this limit. */
enum err streams_init(struct streams *s, uint32_t limit, struct exporters *x, uint64_t seed) WARN_UNUSED;
void streams_clear(struct streams *s);

/* True: the stream was known, and its sequence goes on plausibly. One without a sequence (v1) always does.
 * *ret: the stream, until the next call; NULL: there is no place for it. */
bool streams_heard(struct streams *s, const struct stream_key *key, const struct exporter_state *e,
    uint32_t sequence, wall_t time, struct stream **ret);

/* The account of all streams of its numbering; NULL: there is none. */
struct seq_shared *streams_shared(const struct streams *s, const struct stream *st);

/* Gaps that are due are declared. */
void streams_time(struct streams *s, wall_t now);

#endif
