/* SPDX-License-Identifier: ISC
 *
 * What one node tells a monitor: its documents /gaps and /status (flowbraidd(8)), read with json-c. They come from the network: whatever is
 * missing, of another type or out of range makes the whole report bad; what is too much is left out and counted.
 */
#ifndef FLOWBRAID_CLUSTER_MONITOR_REPORT_H
#define FLOWBRAID_CLUSTER_MONITOR_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "flow/seq.h"
#include "log/segment.h"
#include "wire/stream.h"

#define REPORT_STREAMS_MOST 65536
#define REPORT_RANGES_MOST 4096 /* of a stream */
#define REPORT_NO_BOOT INT64_MIN

struct report_stream {
	struct stream_key key;
	const char *unit; /* static: "flows", "records", "datagrams" */
	bool shared;      /* it shares a counter with other domains, so it counts only with them (key.all) */
	bool counts;      /* what its numbers count is known: first, next and ranges mean something */
	int64_t boot_ns;  /* of the exporter, or REPORT_NO_BOOT */
	uint64_t lane;    /* the collector that hears it */
	uint64_t epoch;   /* its lives, as the node saw them; begins anew with the collector */
	int64_t first, next;
	uint64_t datagrams, heard;
	int64_t since_ns;     /* heard first, */
	int64_t heard_ns;     /* and last */
	uint64_t joined;      /* units missing of which it is not known any more which they are */
	size_t range, ranges; /* first of its missing ranges in the report's, and how many */
};

struct node_report {
	char cluster[SEGMENT_NAME_SIZE], node[SEGMENT_NAME_SIZE], version[32];
	int64_t time_ns, started_ns; /* by the node's clock */
	struct report_stream
	    *streams; /* owned; by key; of several lanes with one stream the one heard last */
	size_t stream_count, stream_room;
	struct seq_range *missing; /* owned */
	size_t missing_count, missing_room;
	uint64_t left_out; /* streams and ranges beyond the limits */
	/* of /status, sums over lanes and listeners */
	uint64_t datagrams, kernel_drops, log_drops, refused, malformed;
	bool failing;        /* the disk fails, or memory is used up */
	bool falling_behind; /* datagrams were dropped lately, or soon will be */
};

/* ERR_MALFORMED: *ret_why (static) says what was expected where. gaps and status are whole documents. */
enum err node_report_read(const char *gaps, size_t gaps_len, const char *status, size_t status_len,
    struct node_report *ret, const char **ret_why) WARN_UNUSED;
void node_report_clear(struct node_report *r);

#endif
