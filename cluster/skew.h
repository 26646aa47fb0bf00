/* SPDX-License-Identifier: ISC
 *
 * How far the nodes' clocks are apart, as told by the datagrams that they share. A node's time of a datagram is
 * its earliest hearing of it.
 */
#ifndef FLOWBRAID_CLUSTER_SKEW_H
#define FLOWBRAID_CLUSTER_SKEW_H

#include "archive/pool.h"

#define SKEW_PAIRS_NODES 16 /* with more nodes pairs are left out: their number grows with the square */

struct skew {
	int64_t ns;      /* lower median over the shared datagrams; 0 when there is none */
	uint64_t shared; /* how many they are */
};

struct skews {
	/* Owned, by node: its time less the middle one of the other nodes' times; of two middle ones the one
	 * nearer to its own. So with three nodes and more, one wrong clock shows on its own node only. */
	struct skew *nodes;
	/* Owned, or NULL: [a * nodes + b] for a < b: a's time less b's. */
	struct skew *pairs;
};

/* Of a closed pool. Reads the datagrams several times, and keeps nothing of each. */
enum err skew_find(const struct pool *p, struct skews *ret) WARN_UNUSED;
void skew_clear(struct skews *s);

#endif
