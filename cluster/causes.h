/* SPDX-License-Identifier: ISC
 *
 * Why a node did not hear what was sent: as far as its lives, its event records and its damaged records tell. All of that is by
 * the node's own clock, and so are questions.
 *
 * An event that counts lost datagrams explains so many, and no more: what it tells of is used up.
 */
#ifndef FLOWBRAID_CLUSTER_CAUSES_H
#define FLOWBRAID_CLUSTER_CAUSES_H

#include "archive/pool.h"

enum cause {           /* where several may be, the first one is it */
	CAUSE_DAMAGED, /* a record that is damaged, and had it */
	CAUSE_DOWN,    /* between two lives of the collector, or before the first */
	CAUSE_ENDED,   /* behind the last record: nothing merged of the node tells more */
	CAUSE_DISK,    /* the disk was full, failing or too slow */
	CAUSE_KERNEL,  /* a receive buffer was full */
	CAUSE_HOST,    /* the kernel dropped it before a socket of ours, or of a lane */
	CAUSE_LIMITED, /* beyond the rate that was allowed to the exporter */
	CAUSE_REFUSED, /* of a source that is not permitted there */
	CAUSE_NETWORK, /* none of these */
	CAUSE_COUNT
};

const char *cause_name(enum cause c); /* in JSON: "down" ... */
const char *cause_text(enum cause c); /* for people: "node down" ... */

struct causes;

/* Of a closed pool, which must outlive it. */
enum err causes_new(const struct pool *p, struct causes **ret) WARN_UNUSED;
void causes_free(struct causes *c); /* NULL is fine */

/* What a node missed. */
struct missed {
	uint32_t node;
	int64_t time_ns; /* when it would have heard it, by its own clock */
	bool heard;      /* it heard other datagrams of the stream: */
	uint32_t lane;   /* ... by this lane */
	const struct addr *exporter;
	uint16_t port;
};

/* Why it missed one datagram. */
enum cause causes_why(struct causes *c, const struct missed *m);

/* How far a node's clock is ahead of another one's, by some datagram that both heard; 0 when there is none. */
int64_t causes_ahead(const struct causes *c, uint32_t node, uint32_t other);

#endif
