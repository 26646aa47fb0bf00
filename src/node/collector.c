/* SPDX-License-Identifier: ISC
 *
 * Start and end of an incarnation, as two mirrored lists; between them the events of the loop.
 */
#include "node/collector.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/msg.h"
#include "log/store.h"
#include "node/clock_watch.h"
#include "node/disk.h"
#include "node/intake.h"
#include "node/loop.h"
#include "node/packet.h"
#include "node/receive.h"
#include "node/retention.h"

#define LANE 0
#define LANES 1
#define FIRST_SEQUENCE 1
#define RECOVERED_MOST 16
#define DRAIN_NS NS_PER_SEC
#define DROPS_ASKED_NS NS_PER_SEC

/* See pause_under_load. */
#define PAUSE_MOST_NS NS_PER_MSEC
#define PAUSE_TOGETHER 96 /* datagrams that should come together */
#define PAUSE_WORTH 10    /* no pause where fewer come in PAUSE_MOST_NS */
#define PAUSE_BUFFER (4 << 20)

struct readable {
	struct collector *collector;
	struct receiver receiver;
	wall_t woken; /* last */
};

struct collector {
	const struct conf *conf; /* borrowed */
	int folder;              /* borrowed */
	bool for_capture;
	char name[CONF_PATH_SIZE + 8]; /* "log DIRECTORY", for messages */
	struct store *store;           /* owned; the disk's while there is one */
	struct store_recovery recovered[RECOVERED_MOST];
	size_t recovered_count;
	struct disk *disk;           /* owned */
	struct disk_trouble trouble; /* not told yet */
	struct retention *retention; /* owned; NULL for a capture, whose times are not now */
	struct disk *disk;           /* owned */
	bool started;
	struct intake intake; /* when started */
	/* while running */
	struct loop *loop;
	struct batch *batch;
	struct readable *readables; /* one a listener */
	uint64_t completed;         /* disk_completed at the last tick */
	wall_t drops_asked;
	struct clock_watch clock;
	struct msg_limit clock_said;
};

/* --- the log --- */

static void
say_recovery(const struct collector *c, const struct store_recovery *r)
{
	if (r->removed)
		msg_notice("%s: %s: had been left open without a record; removed", c->name, r->file);
	else if (!r->sealed)
		msg_warn("%s: %s: left as it is, %" PRIu64 " bytes, not sealed: %s", c->name, r->file,
		    r->length, r->why);
	else if (r->cut > 0)
		msg_warn("%s: %s: had been left open; torn tail of %" PRIu64
			 " bytes cut off at offset %" PRIu64 ", sealed with %" PRIu64 " records",
		    c->name, r->file, r->cut, r->length, r->records);
	else
		msg_notice("%s: %s: had been left open; sealed with %" PRIu64 " records", c->name, r->file,
		    r->records);
}

static bool
open_store(struct collector *c, wall_t now)
{
	size_t count = 0;
	enum err e = store_open(c->folder, c->conf->cluster, c->conf->node, LANE, now, &c->store,
	    c->recovered, RECOVERED_MOST, &count);

	if (e == ERR_OK) {
		c->recovered_count = count < RECOVERED_MOST ? count : RECOVERED_MOST;
		for (size_t i = 0; i < c->recovered_count; i++)
			say_recovery(c, &c->recovered[i]);
		return true;
	}
	if (e == ERR_BUSY)
		msg_error("%s: another process writes there", c->name);
	else if (e == ERR_CONFLICT)
		msg_error("%s: %s: %s", c->name, c->recovered[0].file, c->recovered[0].why);
	else
		msg_error("%s: %s", c->name, err_text(e));
	return false;
}

struct collector *
collector_open(const struct conf *conf, int folder, bool for_capture, wall_t now)
{
	struct collector *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		msg_error("out of memory");
		return NULL;
	}
	c->conf = conf;
	c->folder = folder;
	c->for_capture = for_capture;
	c->clock_said = (struct msg_limit)MSG_LIMIT_INIT(10, 60);
	(void)snprintf(c->name, sizeof(c->name), "log %s", conf->log_directory);
	if (!open_store(c, now)) {
		free(c);
		return NULL;
	}
	return c;
}

/* --- start --- */

/* Templates that a former life knew, so that no data waits for the exporters' next refresh. */
static void
recall_templates(struct collector *c)
{
	const char *name = store_newest(c->store);
	enum err e = ERR_SYSTEM;
	int fd;

	if (name[0] == '\0')
		return;
	fd = openat(c->folder, name, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		e = intake_recall(&c->intake, fd);
		if (e != ERR_OK)
			msg_warn("%s: %s: cannot read templates: %s", c->name, name, err_text(e));
		(void)close(fd);
	} else {
		msg_warn("%s: %s: cannot read templates: %s", c->name, name, err_text(e));
	}
}

static bool
start_intake(struct collector *c, wall_t now)
{
	struct segment_header head = {
	    .kind = SEGMENT_NODE,
	    .lane = LANE,
	    .number = store_next_number(c->store),
	    .first_sequence = FIRST_SEQUENCE,
	};
	enum err e;

	_Static_assert(CONF_NAME_SIZE <= SEGMENT_NAME_SIZE, "names fit");
	memcpy(head.cluster, c->conf->cluster, sizeof(c->conf->cluster));
	memcpy(head.node, c->conf->node, sizeof(c->conf->node));
	if (getrandom(&head.incarnation, sizeof(head.incarnation), 0) != (ssize_t)sizeof(head.incarnation)) {
		msg_error("no random number for the incarnation: %s", strerror(errno));
		return false;
	}
	e = intake_init(&c->intake, c->conf, &head, disk_sink(c->disk), now);
	if (e != ERR_OK)
		msg_error("cannot start: %s", err_text(e));
	return e == ERR_OK;
}

static struct retain_limits
retain_limits_of(const struct conf *conf)
{
	return (struct retain_limits){
	    .age_ns = conf->log_retain_ns,
	    .size = (uint64_t)conf->log_retain_size,
	    .minimum_free = (uint64_t)conf->log_minimum_free,
	    .keep_unmerged = conf->log_keep_unmerged,
	    .lanes = LANES,
	};
}

static enum err
start_retention(struct collector *c)
{
	const struct retention_options options = {
	    .name = c->name,
	    .cluster = c->conf->cluster,
	    .node = c->conf->node,
	    .lane = LANE,
	    .limits = retain_limits_of(c->conf),
	};

	return c->for_capture ? ERR_OK : retention_new(c->store, &options, &c->retention);
}

static bool
start_disk(struct collector *c)
{
	struct disk_options options = {
	    .name = c->name,
	    .memory = c->conf->log_memory,
	    .sync_ns = c->conf->log_sync_ns,
	    .wait = c->for_capture,
	};
	enum err e = start_retention(c);

	options.retention = c->retention;
	if (e == ERR_OK)
		e = disk_start(c->store, &options, &c->disk);
	if (e != ERR_OK)
		msg_error("%s: cannot start writing: %s", c->name, err_text(e));
	return e == ERR_OK;
}

static bool
stop_disk(struct collector *c, uint64_t *ret_lost)
{
	bool whole = disk_stop(c->disk, ret_lost);

	c->disk = NULL;
	retention_free(c->retention);
	c->retention = NULL;
	return whole;
}

/* What retention has removed: an event record for each, when there is room for it. */
static void
tell_removed(struct collector *c, wall_t now)
{
	struct expire_removed removed;

	while (c->retention != NULL && retention_peek(c->retention, &removed) &&
	    intake_removed(&c->intake, &removed, now))
		retention_take(c->retention);
}

bool
collector_start(struct collector *c, const char *version, wall_t now)
{
	if (!start_disk(c))
		return false;
	if (!start_intake(c, now)) {
		(void)stop_disk(c, NULL);
		return false;
	}
	recall_templates(c);
	c->started = true;
	intake_started(&c->intake, version, c->recovered, c->recovered_count, now);
	return true;
}

/* --- running --- */

/* Under load it pays to let some datagrams come together: a wake-up costs as much as receiving several, and
 * their times are the kernel's anyway. Only where the buffer holds far more than can come meanwhile. */
static void
pause_under_load(struct readable *r, uint32_t count, wall_t now)
{
	int64_t since = now.ns - r->woken.ns;

	r->woken = now;
	if (r->receiver.listener->buffer < PAUSE_BUFFER || since <= 0 ||
	    since > count * PAUSE_MOST_NS / PAUSE_WORTH)
		return;
	since = since * PAUSE_TOGETHER / count; /* time for so many to come */
	loop_pause(r->collector->loop, since < PAUSE_MOST_NS ? since : PAUSE_MOST_NS);
}

static void
on_readable(void *ctx, wall_t now)
{
	struct readable *r = ctx;
	uint32_t count;

	if (!receive(&r->receiver, r->collector->batch, &r->collector->intake, now, &count) && count > 0)
		pause_under_load(r, count, now);
}

static void
ask_drops(struct collector *c, wall_t now)
{
	for (size_t i = 0; i < c->conf->listener_count; i++)
		receive_ask_drops(&c->readables[i].receiver, &c->intake, now);
	c->drops_asked = now;
}

/* Events of what failed, once it works again. One that finds no room waits. */
static void
tell_trouble(struct collector *c, wall_t now)
{
	struct disk_trouble *t = &c->trouble;
	char what[256];

	while (t->failures > 0 || disk_take_trouble(c->disk, t)) {
		(void)snprintf(
		    what, sizeof(what), "cannot %s: %s", disk_work_name(t->work), strerror(t->error));
		if (!appender_reserve(&c->intake.appender) ||
		    !intake_tell_disk(&c->intake, what, t->failures, t->from, t->to, t->unsure, now))
			return;
		t->failures = 0;
	}
}

static void
look_at_clock(struct collector *c)
{
	struct clock_reading r;
	struct clock_news news;
	uint64_t held;

	clock_reading_take(&r);
	if (!clock_watch_look(&c->clock, &r, &news))
		return;
	intake_clock(&c->intake, news.step_ns, news.slept_ns, r.wall);
	if (!msg_limit_pass(&c->clock_said, r.mono, &held))
		return;
	if (held > 0)
		msg_notice("%s: the clock was set %" PRIu64 " times more", c->name, held);
	if (news.slept_ns != 0)
		msg_notice(
		    "%s: the host slept for %" PRId64 " ms", c->name, (int64_t)(news.slept_ns / NS_PER_MSEC));
	if (news.step_ns != 0)
		msg_notice("%s: the clock was set %s by %" PRId64 " ms", c->name,
		    news.step_ns < 0 ? "back" : "ahead", (int64_t)(llabs(news.step_ns) / NS_PER_MSEC));
}

/* Twice in each `flush`. A block that was begun since the last tick is left to fill for another one: under
 * load blocks are completed long before, and go to disk whole. */
static void
on_tick(void *ctx, wall_t now)
{
	struct collector *c = ctx;
	uint64_t completed;
	int64_t since = now.ns - c->drops_asked.ns;

	look_at_clock(c);
	if (since < 0 || since >= DROPS_ASKED_NS)
		ask_drops(c, now);
	intake_tick(&c->intake, now);
	tell_trouble(c, now);
	tell_removed(c, now);
	completed = disk_completed(c->disk);
	if (completed == c->completed)
		appender_flush(&c->intake.appender);
	c->completed = completed;
}

static void
on_rotate(void *ctx, wall_t now)
{
	struct collector *c = ctx;

	msg_info("%s: rotating", c->name);
	appender_rotate(&c->intake.appender, now);
}

static void
on_end(void *ctx, wall_t now)
{
	struct collector *c = ctx;

	(void)now;
	loop_stop(c->loop);
}

static void
on_hangup(void *ctx, wall_t now)
{
	(void)ctx;
	(void)now;
}

static enum err
watch(struct collector *c, struct listener *listeners)
{
	enum err e = loop_on_signal(c->loop, SIGTERM, on_end, c);

	if (e == ERR_OK)
		e = loop_on_signal(c->loop, SIGINT, on_end, c);
	if (e == ERR_OK)
		e = loop_on_signal(c->loop, SIGUSR1, on_rotate, c);
	if (e == ERR_OK)
		e = loop_on_signal(c->loop, SIGHUP, on_hangup, c);
	if (e == ERR_OK)
		e = loop_every(c->loop, c->conf->log_flush_ns / 2, on_tick, c);
	for (size_t i = 0; e == ERR_OK && i < c->conf->listener_count; i++) {
		struct readable *r = &c->readables[i];

		*r = (struct readable){
		    .collector = c, .receiver = {.listener = &listeners[i], .index = (uint16_t)i}};
		e = loop_on_readable(c->loop, listeners[i].fd, on_readable, r);
	}
	return e;
}

/* What has come before the end is recorded; under a load that never ends, what came within a second. */
static void
drain(struct collector *c)
{
	mono_t until = {mono_now().ns + DRAIN_NS};

	for (size_t i = 0; i < c->conf->listener_count; i++) {
		while (receive(&c->readables[i].receiver, c->batch, &c->intake, wall_now(), NULL)) {
			if (mono_now().ns > until.ns)
				break;
		}
	}
	ask_drops(c, wall_now());
}

bool
collector_run(struct collector *c, struct listener *listeners)
{
	enum err e = ERR_MEMORY;

	c->readables = calloc(c->conf->listener_count, sizeof(*c->readables));
	if (c->readables != NULL)
		e = batch_new(&c->batch);
	if (e == ERR_OK)
		e = loop_new(&c->loop);
	if (e == ERR_OK)
		e = watch(c, listeners);
	if (e == ERR_OK)
		e = loop_run(c->loop);
	if (e == ERR_OK)
		drain(c);
	else
		msg_error("cannot receive: %s", err_text(e));
	loop_free(c->loop);
	batch_free(c->batch);
	free(c->readables);
	c->loop = NULL;
	c->batch = NULL;
	c->readables = NULL;
	return e == ERR_OK;
}

/* --- captures --- */

/* The listener that would have heard it; -1: none has the port. One with the address goes first. */
static int
find_listener(const struct conf *conf, const struct packet *p)
{
	int found = -1;

	for (size_t i = 0; i < conf->listener_count; i++) {
		const struct conf_listener *l = &conf->listeners[i];

		if (l->port != p->to_port)
			continue;
		if (addr_cmp(&l->address, &p->to) == 0)
			return (int)i;
		if (found < 0)
			found = (int)i;
	}
	return found;
}

bool
collector_replay(struct collector *c, const struct packet *p, wall_t time, wall_t now)
{
	int listener = find_listener(c->conf, p);

	intake_tick(&c->intake, now);
	if (listener >= 0) {
		const struct intake_datagram d = {
		    .payload = p->payload,
		    .len = p->len,
		    .cut = p->cut,
		    .listener = (uint16_t)listener,
		    .port = p->from_port,
		    .from = p->from,
		    .time = time,
		};

		intake_take(&c->intake, &d, now);
	}
	/* A refusal is the sign of a disk that has been given up. */
	return c->intake.log.count == 0 || !disk_is_given_up(c->disk);
}

/* --- end --- */

static void
say_faults(const struct collector *c)
{
	const struct intake_counters *n = &c->intake.counters;
	struct buf text = BUF_INIT;

	for (unsigned i = FAULT_NONE + 1; i < FAULT_COUNT_OF_KINDS; i++) {
		if (n->faults[i] > 0)
			buf_printf(&text, "%s%" PRIu64 " %s", text.len > 0 ? ", " : "", n->faults[i],
			    proto_fault_name((enum proto_fault)i));
	}
	if (text.len > 0 && buf_ok(&text))
		msg_info("%s: malformed: %.*s", c->name, (int)text.len, (const char *)text.data);
	buf_clear(&text);
}

static void
say_counters(const struct collector *c)
{
	const struct intake_counters *n = &c->intake.counters;

	msg_info("%s: %" PRIu64 " datagrams recorded (%" PRIu64 " malformed, %" PRIu64 " cut), %" PRIu64
		 " refused, %" PRIu64 " of no known protocol, %" PRIu64 " dropped by the kernel, %" PRIu64
		 " not recorded for want of memory",
	    c->name, n->datagrams, n->malformed, n->cut, n->refused, n->unknown, n->kernel_drops,
	    n->log_drops);
	say_faults(c);
	intake_say_limits(&c->intake, c->name);
}

bool
collector_stop(struct collector *c, wall_t now)
{
	uint64_t lost = 0;
	bool whole;

	if (!c->started)
		return true;
	tell_trouble(c, now);
	if (c->retention != NULL)
		retention_end(c->retention);
	tell_removed(c, now);
	intake_stopping(&c->intake, now);
	appender_end(&c->intake.appender, now);
	whole = stop_disk(c, &lost);
	if (!whole)
		msg_error("%s: given up; %" PRIu64 " bytes were not written", c->name, lost);
	say_counters(c);
	intake_clear(&c->intake);
	c->started = false;
	return whole;
}

void
collector_close(struct collector *c)
{
	if (c == NULL)
		return;
	if (c->started)
		(void)collector_stop(c, wall_now());
	store_close(c->store);
	free(c);
}
