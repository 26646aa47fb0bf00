/* SPDX-License-Identifier: ISC
 *
 * The samples of an sFlow stream: each of its sources numbers its own, and says how many it could not take and of how many packets it took
 * them. Sums only; sources are a bounded table.
 */
#ifndef FLOWBRAID_FLOW_SEQ_SAMPLES_H
#define FLOWBRAID_FLOW_SEQ_SAMPLES_H

#include <stddef.h>
#include <stdint.h>

#include "wire/sflow.h"

#define SEQ_SOURCES_MOST 2048 /* of one stream; a power of two */

struct seq_source;

struct seq_samples {
	struct seq_source *all;  /* owned; zero-initialise the struct */
	uint32_t count, room;    /* room: a power of two, or 0 */
	uint64_t heard, missing; /* samples */
	uint64_t dropped;        /* by the agent */
	uint64_t unfollowed;     /* of sources without a place */
	/* Of sources that tell their pools: how many flow samples they took, also those that are missing; of how many packets; and how
	 * many these would be by the rates that they say they take them at. */
	uint64_t taken, pool, scaled;
};

/* used, most: of the room that all streams have together. */
struct seq_sources_room {
	size_t used, most;
};

/* A sample of a datagram that was not heard before. */
void seq_samples_take(
    struct seq_samples *s, struct seq_sources_room *room, const struct sflow_sample *sample);
/* The agent has begun anew, and so have its numbers. */
void seq_samples_restart(struct seq_samples *s);
void seq_samples_clear(struct seq_samples *s, struct seq_sources_room *room);

#endif
