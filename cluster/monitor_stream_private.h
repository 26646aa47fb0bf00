/* SPDX-License-Identifier: ISC
 *
 * What the files of monitor_stream.h share.
 */
#ifndef FLOWBRAID_CLUSTER_MONITOR_STREAM_PRIVATE_H
#define FLOWBRAID_CLUSTER_MONITOR_STREAM_PRIVATE_H

#include "cluster/monitor_stream.h"

/* So many datagrams units are, about; some units are one at least. */
uint64_t stream_datagrams(const struct view_stream *s, uint64_t units);

/* Sets the units of a set before a position, by bucket. */
void stream_spread(const struct view *v, const struct view_stream *s, const struct seq_set *set, int64_t upto,
    uint64_t counts[VIEW_BUCKETS]);

/* What is missing before a position, as counted last, becomes sums. */
enum err stream_settle(struct view *v, struct view_stream *s, int64_t upto) WARN_UNUSED;
/* Units missing on a node of which it is not known which they are: heard for all that is known, and settled. */
enum err stream_settle_some(
    struct view *v, struct view_stream *s, uint32_t node, int64_t position, uint64_t units) WARN_UNUSED;
/* What lies before is forgotten. */
void stream_trim(struct view *v, struct view_stream *s, int64_t first);

#endif
