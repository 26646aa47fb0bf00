/* SPDX-License-Identifier: ISC
 *
 * Two hosts under one node name: a lane of a node lives one life after the other, so lives whose times overlap
 * are those of two collectors (or of one whose clock was set back, or that imported captures of one time).
 */
#ifndef FLOWBRAID_CLUSTER_OVERLAP_H
#define FLOWBRAID_CLUSTER_OVERLAP_H

#include <stddef.h>

#include "archive/pool.h"
#include "base/json.h"

/* One for each life that begins before an earlier one of its lane has ended. Incarnations are not published. */
struct overlap {
	const struct source *source;
	int64_t from_ns, to_ns; /* the time that both claim */
};

struct overlaps {
	struct overlap *list; /* owned; by node, lane, time */
	size_t count, room;
};

/* Of a closed pool, which must outlive the result. */
enum err overlap_find(const struct pool *p, struct overlaps *ret) WARN_UNUSED;
void overlap_clear(struct overlaps *o);
void overlap_json(const struct overlaps *o, struct json *j); /* an array */
void overlap_warn(const struct overlaps *o);

#endif
