/* SPDX-License-Identifier: ISC
 *
 * One stream in a monitor's view: which life of its exporter a node tells of, what each node heard, and what is missing.
 */
#ifndef FLOWBRAID_CLUSTER_MONITOR_STREAM_H
#define FLOWBRAID_CLUSTER_MONITOR_STREAM_H

#include "cluster/monitor_view.h"

/* What a report says of a stream, and when. */
struct stream_answer {
	uint32_t node;
	const struct report_stream *r;
	const struct report_range *missing; /* r->ranges of them */
	int64_t started_ns;                 /* the node's life */
	int64_t heard_ns;                   /* r->heard_ns and since_ns by our clock */
	int64_t since_ns;
	bool first;     /* the node's first answer */
	double seconds; /* since its last one; 0: none */
};

enum err stream_new(struct view *v, const struct stream_answer *a, struct view_stream **ret) WARN_UNUSED;
void stream_free(struct view *v, struct view_stream *s);
enum err stream_take(struct view *v, struct view_stream *s, const struct stream_answer *a) WARN_UNUSED;

/* Finds out what can be judged, and what of that is missing. */
enum err stream_count(struct view *v, struct view_stream *s) WARN_UNUSED;
/* Its sums, and what it adds to the view's timeline. */
void stream_sum(struct view *v, struct view_stream *s);
/* The view's bucket has become another. */
void stream_next_bucket(struct view *v, struct view_stream *s);
/* Nobody has told of it for a window. */
bool stream_is_forgotten(const struct view *v, const struct view_stream *s);

/* In which bucket a position lies. */
uint64_t stream_bucket(const struct view *v, const struct view_stream *s, int64_t position);

/* Tells of what is missing before a position, on a node only or (VIEW_ALL) on all; runs in neighbouring buckets are one. */
typedef void stream_gap_call(void *ctx, const struct view_gap *g);
void stream_gaps(const struct view *v, const struct view_stream *s, uint32_t node, int64_t upto,
    stream_gap_call *call, void *ctx);

#endif
