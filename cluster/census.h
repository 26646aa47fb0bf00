/* SPDX-License-Identifier: ISC
 *
 * The union of all paths, counted: what each node heard and missed, how often, on which listener, and how many
 * datagrams each stream has.
 */
#ifndef FLOWBRAID_CLUSTER_CENSUS_H
#define FLOWBRAID_CLUSTER_CENSUS_H

#include "archive/pool.h"

/* Hearings of one datagram by one node, further apart than this, are repeats of the exporter. */
#define CENSUS_REPEAT_NS (600 * NS_PER_SEC)

struct census_listener {
	uint16_t listener;
	uint64_t hearings;
	uint32_t datagram; /* heard there last */
	int64_t time_ns;   /* and when */
};

struct census_node {
	uint64_t datagrams; /* distinct ones that it heard */
	uint64_t only_here; /* ... and no other node */
	uint64_t hearings;
	/* Hearings beyond a datagram's first, which are: within CENSUS_REPEAT_NS of the one before on the same
	 * listener; else, of the one before on any; else repeats. */
	uint64_t duplicates, redundant, repeats;
	uint64_t events;
	uint64_t records, lost;    /* record sequences that were read; that are damaged in every input */
	uint32_t lanes, lives;     /* how many */
	int64_t first_ns, last_ns; /* of its datagrams and events; first > last: it has none */
	struct census_listener *listeners; /* owned; by index */
	size_t listener_count, listener_room;
};

struct census_stream {
	const struct stream_key *key; /* the pool's */
	uint64_t datagrams, bytes;
	int64_t first_ns, last_ns; /* archive times */
};

struct census {
	struct census_node *nodes; /* owned; one for each of the pool's nodes */
	size_t node_count;
	struct census_stream *streams; /* owned; by key; those that have datagrams */
	size_t stream_count;
	uint64_t datagrams, hearings, bytes; /* payload bytes of the distinct datagrams */
	uint64_t
	    selected; /* datagrams of which only selected flows are kept; their bytes are those of the records */
	int64_t first_ns, last_ns; /* archive times of the datagrams */
};

/* Of what lies in a closed pool's span. The pool must outlive the result. */
enum err census_make(const struct pool *p, struct census *ret) WARN_UNUSED;
void census_clear(struct census *c);

#endif
