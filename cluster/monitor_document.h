/* SPDX-License-Identifier: ISC
 *
 * What a monitor's view comes to, for others: one JSON document, metrics, and lines of text. flowbraid-monitor(8) describes them.
 */
#ifndef FLOWBRAID_CLUSTER_MONITOR_DOCUMENT_H
#define FLOWBRAID_CLUSTER_MONITOR_DOCUMENT_H

#include "base/buf.h"
#include "cluster/monitor_view.h"

#define MONITOR_GAPS_MOST 100
#define MONITOR_REASONS_MOST 20

/* At most so many streams: those with most to say. ERR_MEMORY: out is of no use. */
enum err monitor_document(const struct view *v, size_t streams_most, struct buf *out) WARN_UNUSED;
/* Prometheus' text format, version 0.0.4; no more than so many series of streams. */
enum err monitor_metrics(const struct view *v, size_t series_most, struct buf *out) WARN_UNUSED;

/* Why the cluster is not whole, a line each, without the newline at the end; empty when it is. */
void monitor_reasons(const struct view *v, struct buf *out);

/* The streams by what they have to say: residual, losses of nodes, rate. To be freed; NULL: out of memory. */
const struct view_stream **monitor_streams(const struct view *v);

/* Of a hundred, finite, also of nothing. */
double monitor_percent(uint64_t part, uint64_t whole);
double monitor_stream_rate(const struct view *v, const struct view_stream *s);

/* One of how many packets is sampled, as the agent tells (by_pool: as its pools show); 0: not known. */
double monitor_rate_of(const struct report_samples *s, bool by_pool);

#endif
