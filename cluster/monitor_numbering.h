/* SPDX-License-Identifier: ISC
 *
 * In a monitor's view, exporters that share one counter among their domains: each node finds that out by itself, at its own time. As soon
 * as one has told of it, the streams of the domains claim nothing on any node.
 */
#ifndef FLOWBRAID_CLUSTER_MONITOR_NUMBERING_H
#define FLOWBRAID_CLUSTER_MONITOR_NUMBERING_H

#include "cluster/monitor_view.h"

/* A node tells how it counts a stream. Returns whether its positions are to be taken; when they are not, and were before, what the
 * stream claims is withdrawn. */
bool numbering_takes(
    const struct view *v, struct view_stream *s, uint32_t node, const struct report_stream *r);

/* What stands in for a numbering that a node does not tell of: the only stream of it that it hears, which counts the same. NULL: none. */
const struct report_stream *numbering_stand_in(const struct node_report *r, const struct stream_key *all);

#endif
