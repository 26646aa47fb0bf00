/* SPDX-License-Identifier: ISC
 *
 * The reporter's documents, for the files that they are made in.
 */
#ifndef FLOWBRAID_NODE_REPORT_PRIVATE_H
#define FLOWBRAID_NODE_REPORT_PRIVATE_H

#include "node/accounts.h"
#include "node/report.h"

/* A copy of the latest notice; false: there is none. bytes: to be cleared in any case. */
bool report_read_board(const struct board *b, struct buf *bytes);

/* ,name="value", escaped as Prometheus' text format has it. */
void report_put_label(struct buf *out, const char *name, const char *value);
void report_put_head(struct buf *out, const char *name, const char *help, bool counter);

/* The streams of all lanes, in the order of stream_key_cmp and lanes. */
struct report_stream {
	struct accounts_stream s;
	uint16_t lane;
	bool chosen; /* has series of its own */
};
struct report_lane {
	struct buf bytes;
	bool there;
	struct accounts accounts;
};
struct report_streams {
	struct report_lane lanes[CONF_LANES_MOST];
	unsigned lane_count;
	struct report_stream *all; /* owned */
	size_t count;
};
/* False: memory is out. To be cleared in any case. */
bool report_streams_read(const struct report *r, struct report_streams *ret);
void report_streams_clear(struct report_streams *s);
/* When the last one of the collectors began; false: one has not. */
bool report_find_started(const struct report_streams *s, wall_t *ret);

struct json;
/* The members that name a stream. */
void report_put_key(struct json *j, const struct stream_key *k, unsigned lane);

/* Metrics of streams and exporters, no more than conf.status_series series of them. */
void report_put_streams(const struct report *r, struct buf *out);

#endif
