/* SPDX-License-Identifier: ISC
 *
 * What happens to a datagram between being received and standing in a block: allow-list, recognition, check of
 * its lengths, templates, record. The same for sockets and for captures. Also what is told about that in event
 * records, and when segments are rotated.
 *
 * It reads no clock and touches no file. Times are arguments; blocks go to the sink that it was given.
 */
#ifndef FLOWBRAID_NODE_INTAKE_H
#define FLOWBRAID_NODE_INTAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/msg.h"
#include "log/append.h"
#include "log/event.h"
#include "log/expire.h"
#include "log/store.h"
#include "node/conf.h"
#include "node/exporters.h"
#include "node/picker.h"
#include "node/ring.h"
#include "node/sources.h"
#include "node/streams.h"
#include "wire/proto.h"
#include "wire/template.h"

#define INTAKE_HEARTBEAT_NS (10 * NS_PER_SEC)
#define INTAKE_ROTATION_NS (10 * NS_PER_SEC) /* two ends of a period lie so far apart, or half a period */
#define INTAKE_CLOCK_MOST 20 /* events of clocks between two heartbeats; more come together behind them */
#define INTAKE_DECLARE_NS NS_PER_SEC           /* gaps of silent streams are looked at as often */
#define INTAKE_KERNEL_DROP_NS (1 * NS_PER_SEC) /* one event a listener, at most, in this time */

struct intake_counters {
	uint64_t datagrams; /* recorded */
	uint64_t bytes;     /* their payloads */
	uint64_t refused;   /* source not permitted */
	uint64_t limited;   /* beyond the rate limit of its exporter */
	uint64_t unknown;   /* no known protocol */
	uint64_t malformed; /* recorded, and flagged */
	uint64_t cut;       /* recorded, and flagged */
	uint64_t kernel_drops;
	uint64_t log_drops;                    /* not recorded for want of a block */
	uint64_t faults[FAULT_COUNT_OF_KINDS]; /* malformed, by reason */
};

/* Datagrams that got lost in a span of time, not told in an event record yet. */
struct loss {
	uint64_t count;
	wall_t from, to;
};

struct intake_listener {
	struct sources sources;
	uint32_t rate_limit;   /* datagrams a second of one exporter; 0: none */
	wall_t last;           /* when its last datagram was received, or when it was opened */
	uint64_t datagrams;    /* received, whatever became of them */
	uint64_t kernel_drops; /* all of them */
	struct loss kernel;
	wall_t kernel_told; /* steady */
};

struct intake {
	struct appender appender;
	struct tmpl_cache *templates; /* owned */
	struct exporters exporters;
	struct streams streams;
	struct msg_limit says_limited;
	struct picker picker;
	struct ring *relay;                /* borrowed; gets what is taken; NULL: there is no relay */
	wall_t relay_granted;              /* when it was given all templates last */
	struct intake_listener *listeners; /* owned */
	size_t listener_count;
	struct intake_counters counters;
	struct loss log;
	struct loss host; /* by the kernel, of no listener that could be named */
	wall_t host_told;
	uint64_t host_drops; /* all of them */
	int64_t rotate_ns;
	int64_t period;     /* of rotate_ns, since 1970: the one in which the segment lies */
	int64_t stepped_ns; /* by how much the clock was set, in all: see `steady` */
	int64_t step_untold_ns, slept_untold_ns; /* not in an event record yet */
	uint32_t clock_told;                     /* event records of that since the last heartbeat */
	wall_t steady;    /* at the last tick: wall time as if the clock had never been set, for intervals */
	wall_t rotated;   /* steady: when a period ended last */
	wall_t heartbeat; /* steady: the next one */
	wall_t declared;  /* steady: when gaps were looked at */
	bool templates_missing; /* the segment's snapshot is not whole: no block was free */
	struct buf body;        /* of events and snapshots */
	struct buf item;        /* of an event */
};

struct intake_datagram {
	const uint8_t *payload;
	uint32_t len;
	bool cut;          /* it was longer */
	uint16_t listener; /* index in the configuration */
	uint16_t port;     /* the exporter's */
	struct addr from;
	wall_t time; /* received */
};

/* head: as for appender_init. conf is not kept but for its policy, which is borrowed until the next reload. */
enum err intake_init(struct intake *in, const struct conf *conf, const struct segment_header *head,
    struct block_sink sink, wall_t now) WARN_UNUSED;
void intake_clear(struct intake *in);

/* The templates that a former life of this node knew, from a segment of it. ERR_SYSTEM and what check_open says. */
enum err intake_recall(struct intake *in, int segment_fd) WARN_UNUSED;

void intake_take(struct intake *in, const struct intake_datagram *d, wall_t now);

/* All templates for a relay that wants them to begin with. Before what is received next. */
void intake_brief_relay(struct intake *in, wall_t now);

/* The kernel dropped that many datagrams of a listener between its last one and `to`. */
void intake_kernel_drops(struct intake *in, uint16_t listener, uint64_t count, wall_t to);

/* The kernel dropped that many in this span, of whatever socket of the host. */
void intake_host_drops(struct intake *in, uint64_t count, wall_t from, wall_t to);

/* Rotation, heartbeat, and events that are due. */
void intake_tick(struct intake *in, wall_t now);

/* The clock was set, by step_ns, or the host slept for slept_ns; now: by the clock as it is set. Before the tick
 * that sees it, so that nothing is measured by two clocks. */
void intake_clock(struct intake *in, int64_t step_ns, int64_t slept_ns, wall_t now);
/* Retention has removed a segment. False: no event record could be appended now. */
bool intake_removed(struct intake *in, const struct expire_removed *r, wall_t now) WARN_UNUSED;

/* Event records of start and end. recovered: what store_open found. */
void intake_started(
    struct intake *in, const char *version, const struct store_recovery *recovered, size_t count, wall_t now);
void intake_stopping(struct intake *in, wall_t now);

/* Goes on with another configuration. from: for each of its listeners the index that it had so far; one that has none
 * there is a new one. Also an event record, which tells the configuration. ERR_MEMORY: nothing has changed. */
enum err intake_reload(
    struct intake *in, const struct conf *conf, const uint16_t *from, wall_t now) WARN_UNUSED;

/* Event records of the configuration, and of what happened to an interface (body: u16 listener, text). */
void intake_tell_configuration(struct intake *in, const struct conf *conf, wall_t now);
void intake_tell_link(struct intake *in, const void *body, size_t len, wall_t now);

/* The disk failed for a while. what: in words. unsure: bytes that may be missing. False when it found no room. */
bool intake_tell_disk(struct intake *in, const char *what, uint64_t failures, wall_t from, wall_t to,
    uint64_t unsure, wall_t now);

/* Which limits were reached, and how often, in messages that begin with `name`; nothing when none was. */
void intake_say_limits(const struct intake *in, const char *name);

/* The parts in intake_limits.c and intake_event.c, for intake.c. */
enum err intake_init_limits(struct intake *in, uint64_t secret) WARN_UNUSED;
bool intake_is_limited(struct intake *in, const struct intake_datagram *d, struct exporter_state *e);
void intake_put_limits(const struct intake *in, struct buf *b);

bool intake_tell_log_drops(struct intake *in, wall_t now);
void intake_tell_clock(struct intake *in, wall_t now);
void intake_tell_heartbeat(struct intake *in, wall_t now);
void intake_tell_kernel_drops(struct intake *in, wall_t now);
void intake_tell_all_kernel_drops(struct intake *in, wall_t now); /* also those that are not due yet */

#endif
