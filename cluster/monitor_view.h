/* SPDX-License-Identifier: ISC
 *
 * What a monitor knows of a cluster: for each stream what each node heard of it in the last hours, and so what nobody heard. Nodes' reports go
 * in (monitor_report.h), documents come out (monitor_document.h, monitor_metrics.h); no clock is read here, and nothing is sent.
 *
 * Positions of one stream on different nodes are equal modulo 2^32 (flowbraidd(8), Gaps). What a node heard in a former life of its own stays
 * heard, for the view remembers it. What was sent in the last moments counts only when every node that hears the stream has told of
 * something later in its report before: so an answer that came a little earlier than another is no gap.
 *
 * Time is cut into VIEW_BUCKETS buckets, a ring: number b stands at [b % VIEW_BUCKETS]. A position belongs to the bucket in which some node
 * told of it first. What was missing in a former life of the exporter, or in more ranges than are kept, is settled: only its sums by bucket
 * are left, and what comes later does not change them.
 */
#ifndef FLOWBRAID_CLUSTER_MONITOR_VIEW_H
#define FLOWBRAID_CLUSTER_MONITOR_VIEW_H

#include "base/clock.h"
#include "cluster/monitor_report.h"

#define VIEW_BUCKETS 360
#define VIEW_NODES_MOST 32
#define VIEW_STREAMS_MOST 16384
#define VIEW_RANGES_MOST 1024  /* heard, of one stream on one node */
#define VIEW_RANGES_ALL 131072 /* and of all */
#define VIEW_WHY_SIZE 160
#define VIEW_RECENT_NS (300 * NS_PER_SEC) /* what health looks at */
#define VIEW_SKEW_NS (5 * NS_PER_SEC)     /* a clock that is so far off is said */

enum view_state {
	VIEW_NEVER, /* it has not answered yet */
	VIEW_UP,
	VIEW_DOWN, /* it does not answer any more */
};

/* What happened to a node in a bucket. */
enum view_trouble {
	VIEW_WAS_DOWN = 1, /* it did not answer, or started anew */
	VIEW_KERNEL_DROPS = 2,
	VIEW_LOG_DROPS = 4,
};

struct view_node {
	char name[SEGMENT_NAME_SIZE]; /* "" until the first answer tells */
	const char *url;              /* borrowed; for people: without a password */
	enum view_state state;
	char why[VIEW_WHY_SIZE]; /* when it does not answer */
	bool has_answered;
	mono_t answered; /* last */
	char version[32];
	int64_t skew_ns;    /* its clock less ours, at the last answer */
	int64_t time_ns;    /* of its last document, by its clock */
	int64_t started_ns; /* its life, by its clock */
	bool failing, falling_behind, behind;
	bool wants_all;                              /* it is to tell all of its streams */
	mono_t wanted;                               /* when it was asked to last */
	uint64_t since;                              /* bucket: from there on it is known what it heard */
	uint64_t datagrams, kernel_drops, log_drops; /* as last told */
	double rate;                                 /* datagrams a second */
	uint32_t streams;                            /* that it hears now */
	/* Datagrams by bucket. missing: that others heard or nobody did; settled: what of that is settled. */
	uint64_t heard[VIEW_BUCKETS], missing[VIEW_BUCKETS], settled[VIEW_BUCKETS];
	uint8_t trouble[VIEW_BUCKETS]; /* enum view_trouble */
};

/* A stream on a node. */
struct view_at {
	bool known;       /* it has told of the stream, */
	bool told;        /* ... in its last answer, */
	bool current;     /* ... in the exporter's present life, with positions */
	bool shared;      /* it told last that the stream shares a counter with others */
	bool stalled;     /* it has heard nothing for a while in which others did */
	bool apart;       /* what it told last is not in `heard` */
	int64_t next;     /* as told last */
	int64_t before;   /* as told the time before: what lies below can be judged */
	int64_t moved_ns; /* when it heard something last, by our steady clock */
	int64_t lags_ns;  /* since when others have heard more; 0: they have not */
	int64_t started_ns;
	uint64_t lane, epoch, datagrams;
	uint64_t life; /* of the view's, that it is in */
	uint8_t moves; /* answers in which it went on in a former life */
	double rate;
	struct seq_set heard, missing; /* owned; within the stream's first and limit */
	uint64_t units;                /* missing in the window, all */
	struct report_samples samples; /* as told last */
};

struct view_stream {
	struct stream_key key;
	const char *unit;
	bool counts; /* positions mean something */
	int64_t boot_ns;
	uint64_t life;
	int64_t began_ns;           /* this life, by our steady clock */
	int64_t first, next, limit; /* ranges are kept from first on; nothing is judged from limit on */
	int64_t history;   /* before it nothing is held against a node that answers for the first time */
	int64_t heard_ns;  /* last by any node, by our clock */
	double units_each; /* of a datagram, some */
	int64_t marks[VIEW_BUCKETS];         /* by bucket: next when it began */
	struct seq_set residual;             /* owned */
	uint64_t residual_units, sent_units; /* in the window, all */
	/* Settled units by bucket: a row of VIEW_BUCKETS for each node, for the residual, and for what was sent. Owned; NULL: none. */
	uint32_t *settled;
	uint32_t hearing; /* nodes that hear it now */
	bool changed;
	struct view_at at[]; /* by node */
};

#define VIEW_ALL UINT32_MAX /* instead of a node: all of them */

/* A run of missing units, for the list. */
struct view_gap {
	struct stream_key key;
	const char *unit;
	uint64_t units;
	uint64_t from, to; /* buckets */
	uint64_t nodes;    /* bits; all that have answered: nobody has it */
	bool all;
};

#define VIEW_PAST 256 /* settled gaps that are kept for the list */

struct view {
	struct view_node *nodes; /* owned */
	uint32_t node_count;
	char cluster[SEGMENT_NAME_SIZE]; /* of the first answer, or as wanted */
	struct view_stream **streams;    /* owned; by key */
	size_t stream_count, stream_room;
	uint64_t left_out;  /* streams and ranges for which there was no room */
	size_t ranges_most; /* of a stream on a node: as many as leave room for those of others */
	int64_t step_ns;    /* of a bucket */
	uint64_t bucket;    /* number of the one at hand */
	int64_t bucket_due_ns;
	wall_t began[VIEW_BUCKETS];                                      /* when a bucket did */
	uint64_t residual[VIEW_BUCKETS], residual_settled[VIEW_BUCKETS]; /* datagrams */
	struct view_gap past[VIEW_PAST];
	uint64_t past_count; /* ever; the last one stands at [(past_count - 1) % VIEW_PAST] */
	wall_t now;
	mono_t steady;
	int64_t silent_ns, stall_ns, window_ns;
};

struct view_options {
	const char *cluster; /* NULL: that of the first answer */
	int64_t window_ns;   /* at least VIEW_BUCKETS seconds */
	int64_t silent_ns;   /* a node that has not answered for so long is down */
	int64_t interval_ns; /* between answers */
};

/* urls: of nodes, at most VIEW_NODES_MOST; borrowed. */
enum err view_new(const char *const *urls, uint32_t nodes, const struct view_options *o, wall_t now,
    mono_t steady, struct view **ret) WARN_UNUSED;
void view_free(struct view *v);

/* ERR_CONFLICT: it is of another cluster, or has the name of another node: *ret_why (static) says it, and it counts as no answer. */
enum err view_answer(struct view *v, uint32_t node, const struct node_report *r, wall_t now, mono_t steady,
    const char **ret_why) WARN_UNUSED;
/* Whether the node's next answer is to tell all, for want of what it told before; asked once behind each answer. */
bool view_wants_all(struct view *v, uint32_t node, mono_t steady);
void view_no_answer(struct view *v, uint32_t node, const char *why, mono_t steady);

/* To be called every second or so: counts what is missing now. */
enum err view_turn(struct view *v, wall_t now, mono_t steady) WARN_UNUSED;

/* What the whole comes to. */
enum view_health {
	VIEW_WHOLE, /* every node hears what others hear */
	VIEW_THINNER, /* something is missing on a node in the last five minutes, or a node is down or not well; nothing on all */
	VIEW_LOSING, /* something is missing on all in the last five minutes */
	VIEW_BLIND,  /* no node answers */
};
enum view_health view_health(const struct view *v);
const char *view_health_name(enum view_health h); /* "whole" "thinner" "losing" "blind" */

/* Datagrams missing by all in the last ns, some; of a node, and those that it heard. */
uint64_t view_residual(const struct view *v, int64_t ns);
void view_node_sums(
    const struct view *v, uint32_t node, int64_t ns, uint64_t *ret_heard, uint64_t *ret_missing);

/* Whether it is known of a bucket what a node (VIEW_ALL: any) heard. */
bool view_knows(const struct view *v, uint32_t node, uint64_t bucket);

/* Buckets from the first whose beginning is known. */
uint64_t view_oldest(const struct view *v);

bool view_hears(const struct view *v, const struct view_stream *s, uint32_t node);

/* Some nodes hear it, and some do not; not one that was heard long ago. */
bool view_is_thin(const struct view *v, const struct view_stream *s);

/* The newest gaps first, no more than room. Returns how many. */
size_t view_gaps(const struct view *v, struct view_gap *gaps, size_t room);
/* Why, as far as what happened to the nodes tells; static. */
const char *view_cause(const struct view *v, const struct view_gap *g);

#endif
