/* SPDX-License-Identifier: ISC
 *
 * Receiving from a listener's socket: batches of datagrams with the kernel's times and drop counts, each
 * handed to the intake.
 */
#ifndef FLOWBRAID_NODE_RECEIVE_H
#define FLOWBRAID_NODE_RECEIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "node/host_drops.h"
#include "node/intake.h"
#include "node/listener.h"

/* Buffers for a batch; one for all listeners. */
struct batch;

enum err batch_new(struct batch **ret) WARN_UNUSED;
void batch_free(struct batch *b); /* NULL is fine */

/* A listener while it is received from. */
struct receiver {
	struct listener *listener; /* borrowed */
	uint16_t index;            /* in the configuration */
	uint32_t drops;            /* the kernel's count, as seen last; it wraps */
	uint64_t strangers;        /* datagrams of another interface, passed over */
	bool host_counts;          /* with lanes: drops are told by receive_host_drops instead */
};

/* Takes what has come, a bounded number of batches. True when there may be more. *ret_count (may be NULL): how
 * many datagrams there were. */
bool receive(struct receiver *r, struct batch *b, struct intake *in, wall_t now, uint32_t *ret_count);

/* Asks the kernel for its count of drops, for those that no datagram came after. */
void receive_ask_drops(struct receiver *r, struct intake *in, wall_t now);

/* The same of the whole host, for receivers with host_counts: no socket can be told. since: when it was asked last. One
 * lane of a node asks, as the host counts all of them in one. What host_drops_ask says. */
enum err receive_host_drops(struct host_drops *h, struct intake *in, wall_t since, wall_t now) WARN_UNUSED;

#endif
