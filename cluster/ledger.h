/* SPDX-License-Identifier: ISC
 *
 * The ledger: for each stream and epoch what the cluster heard and missed, as a whole and node by node.
 */
#ifndef FLOWBRAID_CLUSTER_LEDGER_H
#define FLOWBRAID_CLUSTER_LEDGER_H

#include "archive/plan.h"
#include "cluster/missing.h"

struct ledger_node {
	uint64_t heard, missing;        /* units */
	uint64_t by_cause[CAUSE_COUNT]; /* of what is missing */
};

struct ledger_epoch {
	const struct plan_epoch *epoch; /* the plan's */
	const struct stream_key
	    *stream; /* the pool's; of what all domains of an exporter count together, that of the first */
	const char *unit; /* "flows", "records", "datagrams"; static */
	enum seq_discipline discipline;
	uint64_t datagrams; /* distinct ones heard */
	uint64_t selected;  /* of these, those of which only selected flows are kept */
	uint64_t strays, conflicts;
	uint64_t heard, missing;   /* units, by the cluster; missing: residual */
	uint64_t unexplained;      /* of the missing ones: no node knows why */
	int64_t first_ns, last_ns; /* archive times of its first and last datagram */
	struct seq_set gaps;       /* residual; owned */
	struct ledger_node *nodes; /* owned; one for each of the pool's nodes */
};

struct ledger {
	struct ledger_epoch *epochs; /* owned */
	size_t count;
	uint64_t heard, residual, unexplained, conflicts;
	struct missing_longest node_gaps, gaps; /* of nodes; residual ones */
};

/* The pool and the plan must outlive the ledger. Of the pool's span: an epoch begins and ends with its datagrams in the
 * span; what lies beside the span may still have heard a number between them. */
enum err ledger_make(const struct pool *p, const struct plan *plan, struct ledger *ret) WARN_UNUSED;
void ledger_clear(struct ledger *l);

/* "shared", or as seq_discipline_name. */
const char *ledger_discipline_name(const struct ledger_epoch *l);

/* Whether it has a number that no other datagram may have. */
bool ledger_is_numbered(const struct pool *p, enum seq_discipline d, const struct seq_item *item);

struct absent;

/* How much of what was sent nobody heard, in percent; of what has no numbers nothing is known. */
double ledger_loss(const struct ledger *l);
double ledger_percent(uint64_t missing, uint64_t heard);

/* One JSON document (keys in flowbraid(1)); the same bytes for the same pool. removed: what retention removed, of the pool;
 * NULL, and where it is nothing, leaves the key out. */
void ledger_json(const struct ledger *l, const struct pool *p, const struct absent *removed, struct buf *out);
/* A table for people. */
void ledger_text(const struct ledger *l, const struct pool *p, struct buf *out);

#endif
