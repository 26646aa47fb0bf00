/* SPDX-License-Identifier: ISC
 *
 * Shards: archives of a part of all datagrams each, which several processes or hosts make of the same inputs.
 */
#ifndef FLOWBRAID_CLUSTER_SHARDS_H
#define FLOWBRAID_CLUSTER_SHARDS_H

#include "archive/pool.h"

/* Whether the archives among the pool's inputs are whole, or all shards of one. False: a message was printed, which names
 * those that are missing. */
bool shards_are_whole(const struct pool *p);

/* Whether a shard can be made of the pool's inputs: logs, whole archives, and archives of that very shard. False: a message
 * was printed. */
bool shards_fit(const struct pool *p, const struct manifest_shard *shard);

#endif
