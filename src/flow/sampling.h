/* SPDX-License-Identifier: ISC
 *
 * Sampling as exporters tell it in options records: one packet in how many was looked at. What holds for a
 * flow is found by its sampler, its interface, or for the whole stream. Counters are never scaled: the
 * interval is shown beside them.
 */
#ifndef FLOWBRAID_FLOW_SAMPLING_H
#define FLOWBRAID_FLOW_SAMPLING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/rd.h"
#include "flow/flow.h"

/* What an interval holds for. The order is that in which a flow asks. */
enum sampling_scope {           /* on disk */
	SAMPLING_SELECTOR = 1,  /* flows that name this sampler (samplerId, selectorId) */
	SAMPLING_INTERFACE = 2, /* flows that came in on it */
	SAMPLING_ALL = 3,       /* the stream's other flows */
};

struct sampling_entry {
	uint8_t scope;     /* enum sampling_scope */
	uint64_t id;       /* of sampler or interface; 0 for SAMPLING_ALL */
	uint32_t interval; /* one packet in so many; 1 at least */
};

/* Whether records of an options template tell a sampling interval at all. */
bool sampling_is_told(const struct tmpl *t);

/* What an options record tells. False when it tells none. IANA 34, 50, 305 with 306, 309 with 310, 311. */
bool sampling_read(const struct flow *options, struct sampling_entry *ret);

/* Whether the record itself tells its interval under the name samplingInterval. */
bool sampling_stands_in(const struct flow *flow);

/* All that holds at one place of a stream: entries by scope and id. */
struct sampling_state {
	struct sampling_entry *entries; /* owned */
	uint32_t count;
};
/* A copy of state (may be NULL) in which the entry holds. */
enum err sampling_with(const struct sampling_state *state, const struct sampling_entry *entry,
    struct sampling_state *ret) WARN_UNUSED;
bool sampling_same(const struct sampling_state *a, const struct sampling_state *b);
void sampling_clear(struct sampling_state *s);

/* The interval that holds for a flow; 0 when none is known. */
uint32_t sampling_of(const struct sampling_state *state, const struct flow *flow);

/* Canonical bytes: count (4), then scope (1), zeros (3), interval (4), id (8) each. */
void sampling_write(struct buf *b, const struct sampling_state *s);
enum err sampling_state_read(struct rd *r, struct sampling_state *ret) WARN_UNUSED;

#endif
