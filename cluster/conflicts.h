/* SPDX-License-Identifier: ISC
 *
 * Which datagrams contradict each other: different ones of one epoch that bear data under one number, where numbers
 * are given once. All of them are kept; here they are listed for the report.
 */
#ifndef FLOWBRAID_CLUSTER_CONFLICTS_H
#define FLOWBRAID_CLUSTER_CONFLICTS_H

#include "base/json.h"
#include "cluster/ledger.h"

#define CONFLICTS_MOST 10000        /* numbers that are listed */
#define CONFLICTS_DATAGRAMS_MOST 16 /* of each */

struct conflict {
	const struct ledger_epoch *epoch; /* the ledger's */
	uint32_t sequence;                /* as in the headers */
	size_t count;                     /* datagrams that bear it */
	size_t first, listed;             /* of them in datagrams */
};

struct conflicts {
	struct conflict *list; /* owned; by stream, epoch and number */
	size_t count, room;
	uint32_t *datagrams; /* owned: the pool's indexes */
	size_t datagram_count, datagram_room;
	uint64_t more; /* numbers beyond CONFLICTS_MOST */
};

/* Pool, plan and ledger must outlive the result. */
enum err conflicts_find(
    const struct pool *p, const struct plan *plan, const struct ledger *l, struct conflicts *ret) WARN_UNUSED;
void conflicts_clear(struct conflicts *c);
void conflicts_json(const struct conflicts *c, const struct pool *p, struct json *j); /* an array */
void conflicts_text(const struct conflicts *c, const struct pool *p, struct buf *out);

#endif
