/* SPDX-License-Identifier: ISC
 *
 * The events of the collector's loop: datagrams, ticks, and what the parent says.
 */
#include "node/collector_run.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/msg.h"
#include "flowbraid/version.h"
#include "node/accounts.h"
#include "node/channel.h"
#include "node/clock_watch.h"
#include "node/collector_private.h"
#include "base/loop.h"
#include "node/receive.h"
#include "node/reload.h"
#include "node/snapshot.h"

#define DRAIN_NS NS_PER_SEC
#define SECOND_NS NS_PER_SEC
#define BEHIND_NS (10 * NS_PER_SEC) /* since the last drop */

enum { EXIT_CLEAN = 0, EXIT_CANNOT = 2 };

/* See pause_under_load. */
#define PAUSE_MOST_NS NS_PER_MSEC
#define PAUSE_TOGETHER 96 /* datagrams that should come together */
#define PAUSE_WORTH 10    /* no pause where fewer come in PAUSE_MOST_NS */
#define PAUSE_BUFFER (4 << 20)

struct readable {
	struct run *run;
	struct listener listener; /* owned; fd -1: it waits for its interface */
	struct receiver receiver;
	struct loop_watch *watch;
	wall_t woken; /* last */
};

/* What /healthz is told of. */
struct run_health {
	uint64_t heard, dropped;     /* datagrams, when last looked at */
	mono_t heard_at, dropped_at; /* when these grew */
	bool has_dropped;
};

struct run {
	const struct collector_start *start;
	struct collector *collector;
	struct conf reloaded; /* what collector->conf points to after a reload */
	int channel;
	struct loop *loop;
	struct loop_watch *tick;
	struct batch *batch;
	struct readable *readables; /* one a listener */
	size_t count;
	uint64_t completed; /* disk_completed at the last tick */
	struct clock_watch clock;
	struct msg_limit clock_said;
	uint64_t relay_lost; /* as was said, or held back */
	struct msg_limit relay_said;
	bool has_host;
	struct host_drops host;
	wall_t drops_asked;
	wall_t started;
	mono_t second; /* when what is done every second was done */
	struct run_health health;
	struct buf notice; /* for the board */
	struct buf alive;  /* for the parent */
	struct channel_message message;
};

/* --- datagrams --- */

/* Under load it pays to let some datagrams come together: a wake-up costs as much as receiving several, and
 * their times are the kernel's anyway. Only where the buffer holds far more than can come meanwhile. */
static void
pause_under_load(struct readable *r, uint32_t count, wall_t now)
{
	int64_t since = now.ns - r->woken.ns;

	r->woken = now;
	if (r->listener.buffer < PAUSE_BUFFER || since <= 0 || since > count * PAUSE_MOST_NS / PAUSE_WORTH)
		return;
	since = since * PAUSE_TOGETHER / count; /* time for so many to come */
	loop_pause(r->run->loop, since < PAUSE_MOST_NS ? since : PAUSE_MOST_NS);
}

static struct ring *
ring_of(const struct run *x)
{
	return x->start->rings[x->start->lane];
}

/* The relay is told of as long as there is one. */
static void
follow_outputs(struct run *x)
{
	x->collector->intake.relay = conf_has_outputs(x->collector->conf) ? ring_of(x) : NULL;
}

/* Once a minute that it loses, not once a second. */
static void
look_at_relay(struct run *x, mono_t mono)
{
	uint64_t lost = ring_counts(ring_of(x)).lost, held;

	if (lost == x->relay_lost)
		return;
	x->relay_lost = lost;
	if (msg_limit_pass(&x->relay_said, mono, &held))
		msg_warn("%s: the relay does not keep up: %" PRIu64
			 " datagrams are recorded, and lost to forward and feed",
		    x->collector->name, lost);
}

static void
on_readable(void *ctx, wall_t now)
{
	struct readable *r = ctx;
	uint32_t count;
	bool more;

	intake_brief_relay(&r->run->collector->intake, now);
	more = receive(&r->receiver, r->run->batch, &r->run->collector->intake, now, &count);
	ring_wake(ring_of(r->run));
	if (!more && count > 0)
		pause_under_load(r, count, now);
}

static void
ask_host_drops(struct run *x, wall_t now)
{
	if (x->has_host)
		(void)!receive_host_drops(&x->host, &x->collector->intake, x->drops_asked, now);
	x->drops_asked = now;
}

static void
ask_drops(struct run *x, wall_t now)
{
	for (size_t i = 0; i < x->count; i++) {
		if (x->readables[i].listener.fd >= 0)
			receive_ask_drops(&x->readables[i].receiver, &x->collector->intake, now);
	}
	ask_host_drops(x, now);
}

/* What has come before the end is recorded; under a load that never ends, what came within a second. */
static void
drain_one(struct run *x, struct readable *r, mono_t until)
{
	if (r->listener.fd < 0)
		return;
	while (receive(&r->receiver, x->batch, &x->collector->intake, wall_now(), NULL)) {
		if (mono_now().ns > until.ns)
			break;
	}
	ring_wake(ring_of(x));
	receive_ask_drops(&r->receiver, &x->collector->intake, wall_now());
}

static void
drain(struct run *x)
{
	mono_t until = {mono_now().ns + DRAIN_NS};

	for (size_t i = 0; i < x->count; i++)
		drain_one(x, &x->readables[i], until);
	ask_host_drops(x, wall_now());
}

/* --- ticks --- */

static void
look_at_health(struct run *x, mono_t mono)
{
	const struct intake *in = &x->collector->intake;
	uint64_t dropped = in->counters.kernel_drops + in->counters.log_drops, heard = 0;
	struct run_health *h = &x->health;

	for (size_t i = 0; i < in->listener_count; i++)
		heard += in->listeners[i].datagrams;
	if (heard != h->heard || h->heard_at.ns == 0)
		h->heard_at = mono;
	if (dropped > h->dropped) {
		h->dropped_at = mono;
		h->has_dropped = true;
	}
	h->heard = heard;
	h->dropped = dropped;
}

static void
put_health(struct run *x, bool is_full, mono_t mono)
{
	const struct run_health *h = &x->health;
	bool behind = is_full || (h->has_dropped && mono.ns - h->dropped_at.ns < BEHIND_NS);

	snapshot_put(
	    &x->notice, METRIC_SILENT, SNAPSHOT_ALL, (uint64_t)((mono.ns - h->heard_at.ns) / NS_PER_SEC));
	snapshot_put(&x->notice, METRIC_BEHIND, SNAPSHOT_ALL, behind);
}

static void
put_up_notice(struct run *x, wall_t now)
{
	mono_t mono = mono_now();
	bool is_full = false;

	look_at_health(x, mono);
	if (!x->collector->conf->has_status)
		return;
	buf_reset(&x->notice);
	snapshot_begin(&x->notice, now, mono, x->collector->lane, x->collector->conf->listener_count);
	for (size_t i = 0; i < x->collector->conf->listener_count; i++) {
		char text[CONF_LISTENER_TEXT_SIZE];

		snapshot_name(&x->notice, conf_listener_name(&x->collector->conf->listeners[i], text));
	}
	if (buf_ok(&x->notice))
		accounts_put(
		    x->start->accounts[x->start->lane], &x->notice, x->started, &x->collector->intake);
	snapshot_put(&x->notice, METRIC_RESTARTS, SNAPSHOT_ALL, x->start->restarts);
	snapshot_put_intake(&x->notice, &x->collector->intake);
	snapshot_put(&x->notice, METRIC_RELAY_DATAGRAMS, SNAPSHOT_ALL, ring_counts(ring_of(x)).put);
	snapshot_put(&x->notice, METRIC_RELAY_LOST, SNAPSHOT_ALL, ring_counts(ring_of(x)).lost);
	snapshot_put_disk(&x->notice, x->collector->disk);
	for (size_t i = 0; i < x->count; i++)
		is_full |= snapshot_put_listener(&x->notice, (uint16_t)i, &x->readables[i].listener);
	put_health(x, is_full, mono);
	if (buf_ok(&x->notice))
		(void)!board_put(x->start->boards[x->start->lane], x->notice.data, x->notice.len);
	else
		buf_clear(&x->notice);
}

/* With how many drops of each listener's socket are told of, so that the next life of this lane does not tell them again:
 * sockets live longer than we do. A parent that is slow to listen has been told before. */
static void
say_alive(struct run *x)
{
	buf_reset(&x->alive);
	for (size_t i = 0; i < x->count; i++)
		buf_u32(&x->alive, x->readables[i].receiver.drops);
	if (buf_ok(&x->alive))
		(void)!channel_send(x->channel, CHANNEL_ALIVE, x->alive.data, x->alive.len, NULL, 0);
	else
		buf_clear(&x->alive);
}

static void
every_second(struct run *x, wall_t now)
{
	ask_drops(x, now);
	put_up_notice(x, now);
	say_alive(x);
}

static void
look_at_clock(struct run *x)
{
	struct clock_reading r;
	struct clock_news news;
	uint64_t held;

	clock_reading_take(&r);
	if (!clock_watch_look(&x->clock, &r, &news))
		return;
	intake_clock(&x->collector->intake, news.step_ns, news.slept_ns, r.wall);
	if (!msg_limit_pass(&x->clock_said, r.mono, &held))
		return;
	if (held > 0)
		msg_notice("%s: the clock was set %" PRIu64 " times more", x->collector->name, held);
	if (news.slept_ns != 0)
		msg_notice("%s: the host slept for %" PRId64 " ms", x->collector->name,
		    (int64_t)(news.slept_ns / NS_PER_MSEC));
	if (news.step_ns != 0)
		msg_notice("%s: the clock was set %s by %" PRId64 " ms", x->collector->name,
		    news.step_ns < 0 ? "back" : "ahead", (int64_t)(llabs(news.step_ns) / NS_PER_MSEC));
}

/* Twice in each `flush`. A block that was begun since the last tick is left to fill for another one: under
 * load blocks are completed long before, and go to disk whole. */
static void
on_tick(void *ctx, wall_t now)
{
	struct run *x = ctx;
	struct intake *in = &x->collector->intake;
	uint64_t completed;
	mono_t mono = mono_now();

	if (mono.ns - x->second.ns >= SECOND_NS) {
		every_second(x, now);
		look_at_relay(x, mono);
		x->second = mono;
	}
	look_at_clock(x);
	intake_tick(in, now);
	intake_brief_relay(in, now);
	ring_wake(ring_of(x));
	collector_tell_trouble(x->collector, now);
	collector_tell_removed(x->collector, now);
	completed = disk_completed(x->collector->disk);
	if (completed == x->completed)
		appender_flush(&in->appender);
	x->completed = completed;
}

static enum err
begin_ticks(struct run *x)
{
	loop_forget(x->loop, x->tick);
	x->tick = NULL;
	return loop_every(x->loop, x->collector->conf->log_flush_ns / 2, on_tick, x, &x->tick);
}

/* --- listeners --- */

static enum err
watch(struct run *x, size_t i)
{
	struct readable *r = &x->readables[i];

	r->run = x;
	r->receiver.listener = &r->listener;
	r->receiver.index = (uint16_t)i;
	r->receiver.host_counts = x->start->lanes > 1;
	if (r->listener.fd < 0)
		return ERR_OK;
	return loop_on_readable(x->loop, r->listener.fd, on_readable, r, &r->watch);
}

static enum err
watch_all(struct run *x)
{
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < x->count; i++)
		e = watch(x, i);
	return e;
}

/* The new listeners with what is kept of the old ones; old[from].listener.fd of those becomes -1. */
static void
fill_readables(struct run *x, const struct reload_socket *sockets, struct readable *all, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct reload_socket *s = &sockets[i];

		all[i].listener = s->l;
		if (s->from >= RELOAD_NONE)
			continue;
		all[i].receiver = x->readables[s->from].receiver;
		all[i].listener.fd = x->readables[s->from].listener.fd;
		x->readables[s->from].listener.fd = -1;
	}
}

/* --- reload --- */

static bool
sockets_fit(const struct run *x, const struct reload_socket *sockets, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (sockets[i].from < RELOAD_NONE && sockets[i].from >= x->count)
			return false;
	}
	return true;
}

/* The old sockets that are not kept are read empty before their listeners are forgotten. */
static void
leave_old(struct run *x, const struct reload_socket *sockets, size_t count)
{
	bool kept[CONF_LISTENERS_MOST] = {false};
	mono_t until = {mono_now().ns + DRAIN_NS};

	for (size_t i = 0; i < count; i++) {
		if (sockets[i].from < x->count)
			kept[sockets[i].from] = true;
	}
	for (size_t i = 0; i < x->count; i++) {
		loop_forget(x->loop, x->readables[i].watch);
		x->readables[i].watch = NULL;
		if (!kept[i])
			drain_one(x, &x->readables[i], until);
	}
}

static enum err
go_on_with(struct run *x, struct conf *conf, const struct reload_socket *sockets, wall_t now)
{
	const struct retain_limits limits = collector_retain_limits(conf);
	uint16_t from[CONF_LISTENERS_MOST];
	struct readable *all = calloc(conf->listener_count, sizeof(*all));
	enum err e;

	if (all == NULL)
		return ERR_MEMORY;
	for (size_t i = 0; i < conf->listener_count; i++)
		from[i] = sockets[i].from;
	leave_old(x, sockets, conf->listener_count);
	e = intake_reload(&x->collector->intake, conf, from, now);
	if (e != ERR_OK) { /* all is as before, but unwatched */
		free(all);
		return e;
	}
	fill_readables(x, sockets, all, conf->listener_count);
	for (size_t i = 0; i < x->count; i++)
		listener_close(&x->readables[i].listener);
	free(x->readables);
	x->readables = all;
	x->count = conf->listener_count;
	conf_clear(&x->reloaded);
	x->reloaded = *conf;
	x->collector->conf = &x->reloaded;
	follow_outputs(x);
	disk_set_sync(x->collector->disk, conf->log_sync_ns);
	retention_set(x->collector->retention, &limits);
	e = begin_ticks(x);
	return e == ERR_OK ? watch_all(x) : e;
}

/* What fails here ends the process: the parent starts it again with the new state. */
static void
on_reload(struct run *x, wall_t now)
{
	struct reload_socket *sockets = NULL;
	struct conf conf;
	enum err e = reload_take(&x->message, &conf, &sockets);

	if (e == ERR_OK) {
		e = sockets_fit(x, sockets, conf.listener_count) ? go_on_with(x, &conf, sockets, now)
								 : ERR_MALFORMED;
		free(sockets);
	}
	if (e != ERR_OK) {
		msg_error("%s: cannot go on with the new configuration: %s", x->collector->name, err_text(e));
		loop_stop(x->loop);
		return;
	}
	(void)!channel_send(x->channel, CHANNEL_RELOADED, NULL, 0, NULL, 0);
}

/* --- what the parent says --- */

static void
on_message(struct run *x, wall_t now)
{
	switch (x->message.kind) {
	case CHANNEL_STOP:
		loop_stop(x->loop);
		break;
	case CHANNEL_RELOAD:
		on_reload(x, now);
		break;
	case CHANNEL_ROTATE:
		msg_info("%s: rotating", x->collector->name);
		appender_rotate(&x->collector->intake.appender, now);
		break;
	case CHANNEL_STATISTICS:
		ask_drops(x, now);
		collector_say_counters(x->collector);
		break;
	case CHANNEL_LINK:
		intake_tell_link(&x->collector->intake, x->message.body, x->message.len, now);
		break;
	default:
		break;
	}
	channel_close_fds(&x->message);
}

static void
on_channel(void *ctx, wall_t now)
{
	struct run *x = ctx;
	enum err e;

	while ((e = channel_receive(x->channel, &x->message)) == ERR_OK)
		on_message(x, now);
	if (e == ERR_LIMIT)
		return;
	/* Without a parent nobody would keep the sockets, or start us again: whatever is here is sealed. */
	loop_stop(x->loop);
}

/* --- life --- */

static bool
run_loop(struct run *x)
{
	enum err e = loop_on_readable(x->loop, x->channel, on_channel, x, NULL);

	if (e == ERR_OK)
		e = begin_ticks(x);
	if (e == ERR_OK)
		e = watch_all(x);
	if (e == ERR_OK)
		e = channel_send(x->channel, CHANNEL_STARTED, NULL, 0, NULL, 0);
	if (e == ERR_OK)
		e = loop_run(x->loop);
	if (e == ERR_OK)
		drain(x);
	else
		msg_error("%s: cannot receive: %s", x->collector->name, err_text(e));
	return e == ERR_OK;
}

static bool
prepare(struct run *x)
{
	x->count = x->start->conf->listener_count;
	x->readables = calloc(x->count, sizeof(*x->readables));
	if (x->readables == NULL || batch_new(&x->batch) != ERR_OK || loop_new(&x->loop) != ERR_OK) {
		msg_error("%s: cannot receive: out of memory", x->collector->name);
		return false;
	}
	for (size_t i = 0; i < x->count; i++) {
		x->readables[i].listener = x->start->listeners[i];
		x->readables[i].receiver.drops = x->start->listeners[i].drops;
	}
	x->has_host = x->start->host != NULL;
	if (x->has_host)
		x->host = *x->start->host;
	x->drops_asked = x->has_host ? x->start->host_told : wall_now();
	return true;
}

static void
clear(struct run *x)
{
	loop_free(x->loop);
	batch_free(x->batch);
	free(x->readables);
	collector_close(x->collector);
	conf_clear(&x->reloaded);
	buf_clear(&x->notice);
	buf_clear(&x->alive);
	free(x);
}

/* With lanes each receives on a CPU of its own, so that one does not take from another what the other one has. Only the
 * thread that receives: the one that writes and hashes goes where there is time, since beside a receiver that is busy it
 * would fall behind. The sandbox permits this no more once it is closed. */
static void
keep_to_cpu(const struct run *x)
{
	unsigned wanted = x->start->lane;
	cpu_set_t allowed, one;

	if (x->start->lanes < 2)
		return;
	if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) { /* more CPUs than the set holds */
		msg_warn("%s: cannot have a CPU of its own: %s", x->collector->name, strerror(errno));
		return;
	}
	wanted %= (unsigned)CPU_COUNT(&allowed);
	CPU_ZERO(&one);
	for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, &allowed) && wanted-- == 0)
			CPU_SET(cpu, &one);
	}
	if (sched_setaffinity(0, sizeof(one), &one) != 0)
		msg_warn("%s: cannot have a CPU of its own: %s", x->collector->name, strerror(errno));
}

int
collector_main(void *ctx, int channel)
{
	const struct collector_start *start = ctx;
	struct run *x = calloc(1, sizeof(*x));
	bool good = false;

	if (x == NULL) {
		msg_error("out of memory");
		return EXIT_CANNOT;
	}
	x->clock_said = (struct msg_limit)MSG_LIMIT_INIT(10, 60);
	x->relay_said = (struct msg_limit)MSG_LIMIT_INIT(1, 60);
	x->start = start;
	x->channel = channel;
	x->started = wall_now();
	board_for_writing(start->boards[start->lane]);
	ring_for_writing(start->rings[start->lane]);
	board_for_writing(start->accounts[start->lane]);
	for (unsigned i = 0; i < start->lanes; i++) {
		if (i == start->lane)
			continue;
		board_free(start->boards[i]);
		ring_let_go(start->rings[i]);
		board_free(start->accounts[i]);
	}
	board_free(start->relay_board);
	if (sandbox_enter(SANDBOX_COLLECTOR, start->identity, start->folder))
		x->collector = collector_open(start->conf, start->folder, start->lane, false, wall_now());
	if (x->collector != NULL && prepare(x) &&
	    collector_start(x->collector, FLOWBRAID_VERSION, wall_now())) {
		follow_outputs(x);
		keep_to_cpu(x); /* the other thread is there by now */
		good = sandbox_close();
	}
	if (good) {
		good = run_loop(x);
		good = collector_stop(x->collector, wall_now()) && good;
	}
	clear(x);
	return good ? EXIT_CLEAN : EXIT_CANNOT;
}
