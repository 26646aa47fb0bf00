/* SPDX-License-Identifier: ISC
 *
 * What is missing of a stream while it is being heard: a bounded list of ranges in order of position. A gap is open
 * at first; what does not come in time is declared missing, and may still be filled. Where there is no room for one
 * more, declared gaps are joined with their neighbours: such a range is more than what is missing, and says how much
 * of it is.
 *
 * All lists share an amount of room. Each takes more of it by doubling and gives it back when it is cleared.
 */
#ifndef FLOWBRAID_FLOW_SEQ_GAPS_H
#define FLOWBRAID_FLOW_SEQ_GAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flow/seq.h"

#define SEQ_GAPS_MOST 4096           /* of one stream */
#define SEQ_GAPS_UNCLEAR_MOST 1024   /* of these, unclear ones */
#define SEQ_GAP_NS (30 * NS_PER_SEC) /* so long a gap is open, */
#define SEQ_GAP_DATAGRAMS 1000       /* or for so many datagrams of the stream */

struct seq_room {
	size_t used, most; /* gaps that all lists have room for */
	uint64_t joined;   /* times that a gap was joined to another one or got no place */
};

enum seq_gap_state {
	SEQ_GAP_OPEN,
	SEQ_GAP_UNKNOWN, /* open, but nobody can tell whether anything is missing */
	SEQ_GAP_UNCLEAR, /* not open any more, and nobody can tell yet */
	SEQ_GAP_DECLARED,
	SEQ_GAP_JOINED, /* declared, and not all of it is missing */
};

struct seq_gap {
	struct seq_range range;
	int64_t since_ns; /* when it was noticed */
	uint64_t missing; /* units of it; of one that nobody can tell as if all were */
	uint32_t born;    /* the stream's datagrams at that time */
	uint8_t state;
};

static inline bool
seq_gap_is_known(enum seq_gap_state state)
{
	return state != SEQ_GAP_UNKNOWN && state != SEQ_GAP_UNCLEAR;
}

struct seq_gaps {
	struct seq_gap *all; /* owned; zero-initialise the struct */
	uint32_t count, room;
	uint32_t first_open;              /* none before it is open */
	uint64_t open, unknown, declared; /* units */
	uint64_t forced;                  /* units, ever: declared early for want of room */
	uint64_t given_up;                /* units, ever: unknown, and forgotten for want of room */
	uint32_t unclear;                 /* gaps */
	bool joined;                      /* the list is not exact */
};

void seq_gaps_clear(struct seq_gaps *g, struct seq_room *room);

/* False: there is no room for another such list. */
bool seq_gaps_copy(const struct seq_gaps *g, struct seq_room *room, struct seq_gaps *ret);

/* A new gap; it overlaps no other one. state: open or unknown. */
void seq_gaps_add(struct seq_gaps *g, struct seq_room *room, struct seq_range r, enum seq_gap_state state,
    int64_t now_ns, uint32_t datagrams);

/* What a range that was heard takes from the gaps; in units. */
struct seq_filled {
	uint64_t open, unknown, declared;
	bool joined; /* it meets a joined range, which stays as it is */
};
/* after: the sizes that are unknown are those of datagrams behind their range, else before. The part of such a range
 * that lies on the other side of r has neighbours that are known: it is open from now on. So it is where r is empty. */
struct seq_filled seq_gaps_fill(struct seq_gaps *g, struct seq_room *room, struct seq_range r, bool after,
    int64_t now_ns, uint32_t datagrams);

/* A datagram that reaches to `at` (after: from there) has a size that is unknown: so is what is missing from there up to
 * the next one that was heard (after: since the one before). */
void seq_gaps_doubt(struct seq_gaps *g, struct seq_room *room, int64_t at, bool after);

/* Whether some gap may be due; cheap. */
static inline bool
seq_gaps_are_due(const struct seq_gaps *g, int64_t now_ns, uint32_t datagrams)
{
	const struct seq_gap *gap = &g->all[g->first_open];

	return g->first_open < g->count &&
	    (datagrams - gap->born >= SEQ_GAP_DATAGRAMS || now_ns - gap->since_ns >= SEQ_GAP_NS ||
		now_ns - gap->since_ns < -SEQ_GAP_NS); /* the clock was set */
}

struct seq_declared {
	uint64_t gaps, units;
	uint64_t unknown; /* units that are given up: nobody will know */
};
enum seq_declare {
	SEQ_DECLARE_DUE,
	SEQ_DECLARE_KEEP, /* as well, but what nobody can tell is kept: somebody may later */
	SEQ_DECLARE_ALL,
};
struct seq_declared seq_gaps_declare(
    struct seq_gaps *g, int64_t now_ns, uint32_t datagrams, enum seq_declare what);

#endif
