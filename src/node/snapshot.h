/* SPDX-License-Identifier: ISC
 *
 * What a collector puts on its board each second, and the reporter shows: numbers, each of a metric and, where the
 * metric is of listeners or of a policy's rules, of one of them; and what the listeners are called. Likewise the relay, of forwards and feeds.
 */
#ifndef FLOWBRAID_NODE_SNAPSHOT_H
#define FLOWBRAID_NODE_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/rd.h"
#include "node/conf.h"

#define SNAPSHOT_ROOM (1 << 20)
#define SNAPSHOT_RULES_MOST 100 /* of a policy; those behind are not shown */
#define SNAPSHOT_ALL 0xffff     /* the metric is of the lane, or of the relay */

enum metric {
	METRIC_RESTARTS,
	METRIC_DATAGRAMS,
	METRIC_BYTES,
	METRIC_REFUSED,
	METRIC_UNKNOWN,
	METRIC_MALFORMED,
	METRIC_CUT,
	METRIC_LOG_DROPS,
	METRIC_STREAMS,
	METRIC_STREAMS_REFUSED,
	METRIC_STREAMS_EVICTED,
	METRIC_GAPS_JOINED,
	METRIC_SILENT,
	METRIC_BEHIND,
	METRIC_LOG_SEGMENT,
	METRIC_LOG_RECORDS,
	METRIC_LOG_WRITTEN,
	METRIC_LOG_SEALED,
	METRIC_LOG_FAILURES,
	METRIC_LOG_FAILING,
	METRIC_LOG_REFUSING,
	METRIC_LOG_UNSURE,
	METRIC_LOG_WAITING,
	METRIC_LOG_MEMORY,
	METRIC_LOG_USED,
	METRIC_HOST_DROPS,
	METRIC_POLICY_KEPT,
	METRIC_POLICY_DROPPED,
	METRIC_POLICY_UNMATCHED,
	METRIC_POLICY_SELECTED,
	METRIC_POLICY_WHOLE,
	METRIC_RULE_EVALUATIONS,
	METRIC_RULE_MATCHES,
	METRIC_RULE_WINS,
	METRIC_RELAY_DATAGRAMS,
	METRIC_RELAY_LOST,
	METRIC_LISTENER_DATAGRAMS,
	METRIC_LISTENER_DROPS,
	METRIC_LISTENER_OPEN,
	METRIC_LISTENER_GROUPS,
	METRIC_LISTENER_JOINED,
	METRIC_LISTENER_SOURCES,
	METRIC_LISTENER_BUFFER,
	METRIC_LISTENER_QUEUED,
	METRIC_RELAY_RESTARTS,
	METRIC_FORWARD_SENT,
	METRIC_FORWARD_LOST,
	METRIC_FEED_READERS,
	METRIC_FEED_REFUSED,
	METRIC_FEED_SENT,
	METRIC_FEED_LOST,
	METRIC_COUNT
};

/* What there is one value for; listeners, forwards and feeds have names in the snapshot. */
enum metric_of {
	METRIC_OF_LANE,
	METRIC_OF_LISTENER,
	METRIC_OF_RULE,
	METRIC_OF_RELAY,
	METRIC_OF_FORWARD,
	METRIC_OF_FEED
};

struct metric_info {
	const char *name; /* Prometheus' */
	const char *key;  /* in JSON */
	const char *help;
	bool counter; /* else a gauge */
	enum metric_of of;
};
const struct metric_info *metric_info(enum metric m);

struct intake;
struct listener;

/* Behind it come the names, as many as were said. */
void snapshot_begin(struct buf *b, wall_t now, mono_t mono, uint16_t lane, size_t names);
void snapshot_name(struct buf *b, const char *name);
void snapshot_put(struct buf *b, enum metric metric, uint16_t name, uint64_t value);
void snapshot_put_intake(struct buf *b, const struct intake *in);
struct disk;
void snapshot_put_disk(struct buf *b, struct disk *d);
/* True: its receive buffer is nearly full. */
bool snapshot_put_listener(struct buf *b, uint16_t index, const struct listener *l);

/* Reading; it does not trust the bytes. */
struct snapshot {
	wall_t time;
	mono_t mono; /* the same by the clock that nobody sets */
	uint16_t lane;
	uint16_t name_count;
	char (*names)[CONF_LISTENER_TEXT_SIZE]; /* owned; listeners, or forwards and feeds */
	struct rd values;
};
/* ERR_MALFORMED, ERR_MEMORY. The bytes are to outlive it. */
enum err snapshot_open(const void *bytes, size_t len, struct snapshot *ret) WARN_UNUSED;
void snapshot_close(struct snapshot *s);
/* False at the end. A metric that is not known is passed over. */
bool snapshot_next(struct snapshot *s, enum metric *ret, uint16_t *ret_name, uint64_t *ret_value);

#endif
