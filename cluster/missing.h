/* SPDX-License-Identifier: ISC
 *
 * What is missing of one epoch, piece by piece: when it was sent, as what others heard tells, and why it was not heard.
 */
#ifndef FLOWBRAID_CLUSTER_MISSING_H
#define FLOWBRAID_CLUSTER_MISSING_H

#include "archive/plan.h"
#include "cluster/causes.h"

#define MISSING_LONGEST 10     /* gaps that are listed */
#define MISSING_ALL UINT32_MAX /* in the place of a node: nobody heard it */

struct missing_gap {
	uint32_t epoch;         /* index into the ledger's epochs */
	uint32_t node;          /* index into the pool's nodes, or MISSING_ALL */
	struct seq_range r;     /* positions */
	int64_t from_ns, to_ns; /* archive times between which it was sent */
	uint16_t
	    causes; /* bits: of a node the one that explains most; of all, every node's; none: unexplained */
};

/* The longest ones, longest first. */
struct missing_longest {
	struct missing_gap gaps[MISSING_LONGEST];
	size_t count;
};

/* Of one epoch, node after node. */
struct missing {
	const struct pool *p;
	const struct plan *plan;
	const struct plan_epoch *epoch;
	enum seq_discipline discipline;
	struct causes *causes;
	struct seq_range span;
	const struct seq_set *residual;
	uint64_t units_each; /* of a datagram, some */
	uint16_t *masks;     /* owned; by range of residual: causes of nodes, without CAUSE_NETWORK */
	int64_t *ahead_ns;   /* owned; by node: how far the clock of the node at hand is ahead of its */
	uint32_t index;      /* of the epoch in the ledger */
	struct missing_longest *nodes, *all; /* the caller's; what is longer goes in */
};

/* m: all but what is owned is set. */
enum err missing_begin(struct missing *m) WARN_UNUSED;

/* absent: what the node has not heard of the span. Fills by_cause, whose sum is the units of absent. */
void missing_of_node(
    struct missing *m, uint32_t node, const struct seq_set *absent, uint64_t by_cause[CAUSE_COUNT]);

/* Behind the last node. *ret_unexplained: units that nobody heard, where no node knows why. */
void missing_end(struct missing *m, uint64_t *ret_unexplained);

#endif
