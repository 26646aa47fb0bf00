/* SPDX-License-Identifier: ISC
 *
 * What follows from a closed pool, and from nothing else: each stream in its exporter's order with its epochs, and
 * which template definition decodes each data set.
 */
#ifndef FLOWBRAID_ARCHIVE_PLAN_H
#define FLOWBRAID_ARCHIVE_PLAN_H

#include <stdint.h>

#include "archive/pool.h"
#include "flow/sampling.h"

struct plan_epoch {
	uint32_t stream; /* index into the pool's streams */
	uint32_t number; /* within the stream, from 0 */
	size_t first;    /* of its items */
	size_t count;
	enum seq_discipline discipline;
	bool shared; /* the stream shares a counter with others, so its numbers alone say nothing */
	bool all;    /* of all these together; stream: the first of them */
};

#define PLAN_HELD 1  /* some time nothing older said the same: it may stand for its id */
#define PLAN_LISTS 2 /* ... and its records have lists, which name templates of the stream */

struct plan {
	uint32_t *streams; /* owned: streams that datagrams belong to, by key */
	size_t stream_count;
	struct seq_item
	    *items; /* owned: datagrams (tag: their index), by stream, epoch and exporter's order */
	size_t item_count;
	struct seq_item *numbered; /* owned: once more, those that share a counter, by it */
	size_t numbered_count, numbered_room;
	struct plan_epoch
	    *epochs; /* owned: by stream key and number; those of a numbering behind its streams */
	size_t epoch_count;
	struct tmpl_def *definitions; /* owned array; the pool's definitions in readable form */
	uint8_t *held;                /* owned: by definition; PLAN_HELD and the like */
	size_t *refs_at;              /* owned: by datagram; first of its refs */
	uint32_t *refs; /* owned: index of a pool definition, REF_NONE, or with REF_LATE; one a data set */
	struct sampling_state *states; /* owned, each: sampling that held somewhere */
	size_t state_count, state_room;
	uint32_t *sampling; /* owned: by datagram; index of a state, or REF_NONE */
};

static inline const struct seq_item *
plan_epoch_items(const struct plan *plan, const struct plan_epoch *e)
{
	return (e->all ? plan->numbered : plan->items) + e->first;
}

/* Reads some payloads again: IPFIX records are counted, and options that tell sampling are read. */
enum err plan_make(struct pool *p, struct plan *ret) WARN_UNUSED;
void plan_clear(struct plan *plan);

#endif
