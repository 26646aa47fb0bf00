/* SPDX-License-Identifier: ISC
 *
 * What one node tells a monitor: its documents /gaps, as it is for who asks again and again, and /status (flowbraidd(8)), read line by line
 * with json-c. They come from the network: whatever is missing, of another type or out of range makes the whole report bad; what is too much
 * is left out and counted. A node tells what changed since the answer before, so what it told is remembered here.
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
#define REPORT_STREAM_RANGES_MOST 4096
#define REPORT_RANGES_MOST (1U << 20) /* of all streams, in one answer */
#define REPORT_LINE_MOST (256U << 10) /* bytes */
#define REPORT_TOKEN_SIZE 64
#define REPORT_NO_BOOT INT64_MIN
#define REPORT_NOT_STARTED 0

/* A range where something is missing. When that is less than all of it, several gaps were joined: it is not known any more which they are. */
struct report_range {
	struct seq_range range;
	uint64_t missing;
};

/* Of sFlow, since the node's collector began: samples heard, missing, dropped by the agent; and flow samples that it took, of how many
 * packets by its pools, and of how many by its sampling rates. */
struct report_samples {
	uint64_t heard, missing, dropped, taken, pool, scaled;
};

struct report_stream {
	struct stream_key key;
	const char *unit; /* static: "flows", "records", "datagrams" */
	bool shared;      /* it shares a counter with other domains, so it counts only with them (key.all) */
	bool counts;      /* what its numbers count is known: first, next and ranges mean something */
	int64_t boot_ns;  /* of the exporter, or REPORT_NO_BOOT */
	uint64_t lane;    /* the collector that hears it */
	uint64_t epoch;   /* its lives, as the node saw them; begins anew with the collector */
	int64_t first, next;
	int64_t from; /* below it nothing is missing that was not told before; first: all is told */
	uint64_t datagrams, heard;
	int64_t since_ns;     /* heard first, */
	int64_t heard_ns;     /* and last */
	size_t range, ranges; /* first of its missing ranges, from `from` on, in the report's, and how many */
	struct report_samples samples;
	uint64_t id; /* by which the node speaks of it */
};

struct node_report {
	char cluster[SEGMENT_NAME_SIZE], node[SEGMENT_NAME_SIZE], version[32];
	int64_t time_ns,
	    started_ns; /* by the node's clock; REPORT_NOT_STARTED: one of its collectors has told nothing yet */
	bool whole;     /* all streams tell all */
	struct report_stream
	    *streams; /* owned; by key; of several lanes with one stream the one heard last */
	size_t stream_count, stream_room;
	struct report_range *missing; /* owned */
	size_t missing_count, missing_room;
	uint64_t left_out; /* streams and ranges beyond the limits */
	/* of /status, sums over lanes and listeners */
	uint64_t datagrams, kernel_drops, log_drops, refused, malformed;
	bool failing;        /* the disk fails, or memory is used up */
	bool falling_behind; /* datagrams were dropped lately, or soon will be */
};

/* What a node has told so far; zero-initialise. */
struct node_told {
	char token
	    [REPORT_TOKEN_SIZE]; /* names its last answer; "": there is none that a difference could be told from */
	struct report_stream *streams; /* owned; by id */
	size_t count, room;
};
void node_told_forget(struct node_told *t);

/* gaps and status are whole documents; gaps is what the node answered when it was asked since told->token. ERR_MALFORMED: *ret_why (static)
 * says what was expected where. After any error told is forgotten. */
enum err node_report_read(struct node_told *told, const char *gaps, size_t gaps_len, const char *status,
    size_t status_len, struct node_report *ret, const char **ret_why) WARN_UNUSED;
void node_report_clear(struct node_report *r);

#endif
