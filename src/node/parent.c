/* SPDX-License-Identifier: ISC
 *
 * Start and end of the node as two mirrored lists; between them signals, and children that come and go.
 */
#include "node/accounts.h"
#include "node/parent.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/msg.h"
#include "base/rd.h"
#include "flowbraid/version.h"
#include "node/parent_private.h"
#include "node/relay.h"
#include "node/snapshot.h"

#define PROGRAM "flowbraidd"
#define TICK_NS (100 * NS_PER_MSEC)
#define LATE_NS NS_PER_SEC                  /* no load makes a tick so late */
#define MESSAGES_A_TURN 64                  /* of a child, before others have their turn */
#define ORPHAN_PATIENCE_NS (5 * NS_PER_SEC) /* for a reporter or relay whose parent was killed */
#define STOP_PATIENCE_NS \
	(20 * NS_PER_SEC) /* for a collector that seals; what a failing disk is given is in node/disk.c */

bool
parent_load_conf(const char *path, const struct conf_overrides *overrides, struct conf *ret)
{
	struct buf errors = BUF_INIT;
	enum err e = conf_load(path, overrides, ret, &errors);

	if (e == ERR_OK)
		return true;
	buf_u8(&errors, 0);
	if (e == ERR_MEMORY || !buf_ok(&errors)) {
		msg_error("%s: out of memory", path);
	} else {
		char *rest = (char *)errors.data;

		for (char *line; (line = strsep(&rest, "\n")) != NULL && line[0] != '\0';)
			msg_error("%s", line);
	}
	buf_clear(&errors);
	return false;
}

/* --- children --- */

static void on_collector(void *ctx, wall_t now);
static void on_reporter(void *ctx, wall_t now);

bool
parent_is_reloading(const struct parent *p)
{
	for (unsigned i = 0; i < p->lane_count; i++) {
		if (p->lanes[i].reloading)
			return true;
	}
	return false;
}

void
parent_send_maps(struct parent *p, const struct reload_socket *maps)
{
	for (unsigned i = 0; i < p->lane_count; i++) {
		struct child *c = &p->lanes[i].child;
		enum err e;

		if (c->channel < 0)
			continue; /* it will be made with the new state */
		e = reload_send(c->channel, &p->conf, maps + i * p->conf.listener_count);
		if (e == ERR_OK) {
			p->lanes[i].reloading = true;
		} else {
			msg_error("%s: cannot be told of the new configuration: %s; started again", c->name,
			    err_text(e));
			child_kill(c, &p->identity);
		}
	}
}

static bool
start_collector(struct parent *p, unsigned lane)
{
	struct lane *l = &p->lanes[lane];
	struct listener *listeners = sockets_of_lane(&p->sockets, lane);
	struct collector_start start = {.conf = &p->conf,
	    .identity = &p->identity,
	    .folder = p->folder,
	    .lane = (uint16_t)lane,
	    .lanes = p->lane_count,
	    .host = lane == 0 && p->host.v4 >= 0 ? &p->host : NULL,
	    .host_told = p->host_told,
	    .listeners = listeners,
	    .boards = p->boards,
	    .relay_board = p->relay_board,
	    .rings = p->rings,
	    .accounts = p->accounts,
	    .restarts = l->child.restarts};
	int keep[CONF_LISTENERS_MOST + 4];
	size_t count = 0;

	keep[count++] = p->folder;
	keep[count++] = ring_fd(p->rings[lane]);
	for (size_t i = 0; i < p->sockets.listeners; i++) {
		if (listeners[i].fd >= 0)
			keep[count++] = listeners[i].fd;
	}
	if (start.host != NULL) {
		keep[count++] = p->host.v4;
		if (p->host.v6 >= 0)
			keep[count++] = p->host.v6;
	}
	l->reloading = false;
	if (!child_start(&l->child, collector_main, &start, keep, count, p->options->foreground, mono_now()))
		return false;
	if (loop_on_readable(p->loop, l->child.channel, on_collector, l, &l->watch) == ERR_OK)
		return true;
	msg_error("%s: cannot be listened to: out of memory", l->child.name);
	child_kill(&l->child, &p->identity);
	return false;
}

bool
parent_start_reporter(struct parent *p)
{
	struct reporter_start start = {.conf = &p->conf,
	    .identity = &p->identity,
	    .socket = p->status_socket,
	    .secrets = p->secrets,
	    .boards = p->boards,
	    .relay_board = p->relay_board,
	    .rings = p->rings,
	    .accounts = p->accounts,
	    .lanes = p->lane_count,
	    .restarts = p->reporter.restarts};
	const int keep[] = {p->status_socket, p->secrets};

	if (p->status_socket < 0)
		return true;
	if (!child_start(&p->reporter, reporter_main, &start, keep, p->secrets >= 0 ? 2 : 1,
		p->options->foreground, mono_now()))
		return false;
	if (loop_on_readable(p->loop, p->reporter.channel, on_reporter, p, &p->reporter_watch) == ERR_OK)
		return true;
	child_kill(&p->reporter, &p->identity);
	return false;
}

/* It holds nothing that could be lost. */
void
parent_stop_reporter(struct parent *p)
{
	int status;

	if (p->reporter.pid == 0)
		return;
	child_kill(&p->reporter, &p->identity);
	if (waitpid(p->reporter.pid, &status, 0) != p->reporter.pid)
		return;
	loop_forget(p->loop, p->reporter_watch);
	p->reporter_watch = NULL;
	child_ended(&p->reporter, status, true, mono_now());
	p->reporter.failures = 0;
}

static bool
anything_runs(const struct parent *p)
{
	for (unsigned i = 0; i < p->lane_count; i++) {
		if (p->lanes[i].child.pid != 0)
			return true;
	}
	return false;
}

static void
stop(struct parent *p)
{
	if (p->stopping)
		return;
	p->stopping = true;
	p->stop_by.ns = mono_now().ns + STOP_PATIENCE_NS;
	(void)!notify_stopping(&p->notify, NULL);
	for (unsigned i = 0; i < p->lane_count; i++) {
		struct child *c = &p->lanes[i].child;
		enum err e = c->channel >= 0 ? channel_send(c->channel, CHANNEL_STOP, NULL, 0, NULL, 0)
					     : ERR_END;

		if (e == ERR_OK || e == ERR_END)
			continue;
		msg_error("%s: does not listen; killed", c->name);
		child_kill(c, &p->identity);
	}
	if (!anything_runs(p))
		loop_stop(p->loop);
}

/* Once all collectors work: what whoever started the node waits for. */
static void
announce(struct parent *p)
{
	for (unsigned i = 0; i < p->lane_count; i++) {
		if (!p->lanes[i].child.started)
			return;
	}
	if (p->announced || p->stopping)
		return;
	p->announced = true;
	msg_notice("node %s of cluster %s: started: %zu listeners", p->conf.node, p->conf.cluster,
	    p->conf.listener_count);
	if (p->background.ready >= 0)
		msg_init(PROGRAM, true, MSG_INFO);
	background_ready(&p->background);
	(void)!notify_ready(&p->notify, NULL);
}

/* The first lane has just told of the host's drops: another life of it goes on from here. */
static void
note_drops(struct parent *p)
{
	uint64_t more;

	if (p->host.v4 >= 0 && host_drops_ask(&p->host, &more) == ERR_OK)
		p->host_told = wall_now();
}

/* How many datagrams of each listener the kernel has dropped, of what its next life need not tell again. Not while its
 * listeners may be other ones than ours. */
static void
remember_drops(struct parent *p, const struct lane *l)
{
	struct listener *listeners = sockets_of_lane(&p->sockets, (unsigned)(l - p->lanes));
	struct rd r = rd_init(p->message.body, p->message.len);

	if (l->reloading)
		return;
	for (size_t i = 0; i < p->sockets.listeners; i++) {
		uint32_t drops = rd_u32(&r);

		if (rd_ok(&r))
			listeners[i].drops = drops;
	}
}

/* False: it must not say that. l: NULL for the reporter. */
static bool
take_message(struct parent *p, struct child *c, struct lane *l)
{
	if (l != NULL && p->message.kind == CHANNEL_RELOADED) {
		l->reloading = false;
		return true;
	}
	if (l != NULL && p->message.kind == CHANNEL_ALIVE)
		remember_drops(p, l);
	if (l == p->lanes && p->message.kind == CHANNEL_ALIVE)
		note_drops(p);
	return child_heard(c, &p->message, mono_now());
}

/* What a child has said since, but not for ever: one that never ends is not to keep us from all the rest. False: there
 * will be no more. Then it is about to end, if it has not ended already; or it is made to. */
bool
parent_hear(struct parent *p, struct child *c, struct lane *l, struct loop_watch **watch)
{
	enum err e = ERR_OK;

	for (int i = 0; e == ERR_OK && i < MESSAGES_A_TURN; i++) {
		e = channel_receive(c->channel, &p->message);
		if (e != ERR_OK)
			break;
		if (!take_message(p, c, l))
			e = ERR_MALFORMED;
		channel_close_fds(&p->message);
	}
	if (e == ERR_OK || e == ERR_LIMIT)
		return true;
	if (e != ERR_END)
		msg_error("%s: sends what it must not; killed", c->name);
	loop_forget(p->loop, *watch);
	*watch = NULL;
	child_kill(c, &p->identity);
	return false;
}

/* What could not be done while a reload was going on. */
static void
catch_up(struct parent *p)
{
	if (parent_is_reloading(p) || p->stopping)
		return;
	if (p->reload_asked)
		parent_reload(p);
	if (p->links_changed && !parent_is_reloading(p))
		parent_check_links(p);
}

static void
on_collector(void *ctx, wall_t now)
{
	struct lane *l = ctx;
	struct parent *p = l->parent;

	(void)now;
	if (!parent_hear(p, &l->child, l, &l->watch))
		return; /* SIGCHLD will tell */
	announce(p);
	catch_up(p);
}

static void
on_reporter(void *ctx, wall_t now)
{
	struct parent *p = ctx;

	(void)now;
	(void)parent_hear(p, &p->reporter, NULL, &p->reporter_watch);
}

/* What it said last is still in the channel. */
void
parent_hear_last_words(struct parent *p, struct child *c, struct lane *l, struct loop_watch **watch)
{
	while (c->channel >= 0 && channel_receive(c->channel, &p->message) == ERR_OK) {
		(void)take_message(p, c, l);
		channel_close_fds(&p->message);
	}
	loop_forget(p->loop, *watch);
	*watch = NULL;
}

static void
collector_ended(struct parent *p, struct lane *l, int status)
{
	parent_hear_last_words(p, &l->child, l, &l->watch);
	l->reloading = false;
	if (p->stopping && (!WIFEXITED(status) || WEXITSTATUS(status) != 0))
		p->failed = true;
	child_ended(
	    &l->child, status, WIFEXITED(status) && (p->stopping || !l->child.ready_once), mono_now());
	if (!l->child.ready_once && !p->stopping) { /* what keeps it from starting was said, and would stay */
		p->failed = true;
		stop(p);
	}
	if (p->stopping && !anything_runs(p))
		loop_stop(p->loop);
}

static void
child_has_ended(struct parent *p, pid_t pid, int status)
{
	for (unsigned i = 0; i < p->lane_count; i++) {
		if (p->lanes[i].child.pid == pid) {
			collector_ended(p, &p->lanes[i], status);
			return;
		}
	}
	if (p->reporter.pid == pid) {
		parent_hear_last_words(p, &p->reporter, NULL, &p->reporter_watch);
		child_ended(&p->reporter, status, p->stopping, mono_now());
	}
	if (p->relay.pid == pid) {
		parent_hear_last_words(p, &p->relay, NULL, &p->relay_watch);
		child_ended(&p->relay, status, p->stopping, mono_now());
	}
	/* Else an orphan that has been given to us, as to any process 1. */
}

static void
start_those_due(struct parent *p)
{
	mono_t now = mono_now();

	if (p->stopping)
		return;
	for (unsigned i = 0; i < p->lane_count; i++) {
		if (p->lanes[i].child.pid == 0 && now.ns >= p->lanes[i].child.due.ns)
			(void)start_collector(p, i);
	}
	if (p->status_socket >= 0 && p->reporter.pid == 0 && now.ns >= p->reporter.due.ns)
		(void)parent_start_reporter(p);
	if (p->relay.pid == 0 && now.ns >= p->relay.due.ns)
		(void)parent_start_relay(p);
}

static void
on_child(void *ctx, wall_t now)
{
	struct parent *p = ctx;
	pid_t pid;
	int status;

	(void)now;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		child_has_ended(p, pid, status);
	start_those_due(p);
	catch_up(p);
}

/* --- signals and ticks --- */

static void
on_end(void *ctx, wall_t now)
{
	(void)now;
	stop(ctx);
}

static void
on_hangup(void *ctx, wall_t now)
{
	struct parent *p = ctx;

	(void)now;
	if (!p->stopping)
		parent_reload(p);
}

static void
tell_collectors(struct parent *p, enum channel_kind kind)
{
	for (unsigned i = 0; i < p->lane_count; i++) {
		const struct child *c = &p->lanes[i].child;

		if (c->channel >= 0 && channel_send(c->channel, kind, NULL, 0, NULL, 0) != ERR_OK)
			msg_warn("%s: does not listen", c->name);
	}
}

static void
on_usr1(void *ctx, wall_t now)
{
	(void)now;
	tell_collectors(ctx, CHANNEL_ROTATE);
}

static void
on_usr2(void *ctx, wall_t now)
{
	struct parent *p = ctx;

	(void)now;
	tell_collectors(p, CHANNEL_STATISTICS);
	if (p->relay.channel >= 0)
		(void)!channel_send(p->relay.channel, CHANNEL_STATISTICS, NULL, 0, NULL, 0);
	for (unsigned i = 0; i < p->lane_count; i++)
		msg_info("%s: %llu restarts", p->lanes[i].child.name,
		    (unsigned long long)p->lanes[i].child.restarts);
	if (conf_has_outputs(&p->conf))
		msg_info("%s: %llu restarts", p->relay.name, (unsigned long long)p->relay.restarts);
}

static void
on_links(void *ctx, wall_t now)
{
	struct parent *p = ctx;

	(void)now;
	parent_read_links(p);
}

static bool
is_hung(const struct child *c, mono_t now)
{
	return c->pid != 0 && c->started && now.ns - c->heard.ns > CHILD_SILENT_NS;
}

/* Whoever kept us from running, as who stops a container or a virtual machine does, kept them as well. */
static void
forgive(struct parent *p, mono_t now)
{
	int64_t late = p->ticked.ns != 0 ? now.ns - p->ticked.ns - TICK_NS : 0;

	p->ticked = now;
	if (late < LATE_NS)
		return;
	for (unsigned i = 0; i < p->lane_count; i++)
		p->lanes[i].child.heard.ns += late;
	p->reporter.heard.ns += late;
	p->relay.heard.ns += late;
	p->stop_by.ns += late;
}

static void
on_tick(void *ctx, wall_t wall)
{
	struct parent *p = ctx;
	mono_t now = mono_now();

	(void)wall;
	forgive(p, now);
	for (unsigned i = 0; i < p->lane_count; i++) {
		const struct child *c = &p->lanes[i].child;

		if (c->pid != 0 && p->stopping && now.ns > p->stop_by.ns) {
			msg_error("%s: does not end; killed", c->name);
			child_kill(c, &p->identity);
		} else if (is_hung(c, now)) {
			msg_error("%s: has been silent for %d s; killed", c->name,
			    (int)(CHILD_SILENT_NS / NS_PER_SEC));
			child_kill(c, &p->identity);
		}
	}
	if (is_hung(&p->reporter, now))
		child_kill(&p->reporter, &p->identity);
	if (is_hung(&p->relay, now))
		child_kill(&p->relay, &p->identity);
	start_those_due(p);
	if (now.ns - p->led.ns >= NS_PER_SEC) {
		outputs_lead(&p->outputs, &p->conf, false);
		p->led = now;
	}
	/* While this loop turns, the collectors are well, or are ended and started again. */
	if (notify_watchdog_interval(&p->notify) > 0)
		(void)!notify_alive(&p->notify, now);
}

/* --- start and end --- */

static enum err
watch(struct parent *p)
{
	static const struct {
		int signal;
		loop_call call;
	} signals[] = {
	    {SIGTERM, on_end},
	    {SIGINT, on_end},
	    {SIGHUP, on_hangup},
	    {SIGUSR1, on_usr1},
	    {SIGUSR2, on_usr2},
	    {SIGCHLD, on_child},
	};
	enum err e = loop_every(p->loop, TICK_NS, on_tick, p, NULL);

	for (size_t i = 0; e == ERR_OK && i < sizeof(signals) / sizeof(signals[0]); i++)
		e = loop_on_signal(p->loop, signals[i].signal, signals[i].call, p);
	if (e == ERR_OK && p->links.fd >= 0)
		parent_read_links(p); /* asks for the first list */
	if (e == ERR_OK && p->links.fd >= 0)
		e = loop_on_readable(p->loop, p->links.fd, on_links, p, &p->links_watch);
	return e;
}

static bool
make_lanes(struct parent *p)
{
	char name[CHILD_NAME_SIZE];

	p->lane_count = (unsigned)p->conf.lanes;
	p->lanes = calloc(p->lane_count, sizeof(*p->lanes));
	p->boards = calloc(p->lane_count, sizeof(*p->boards));
	p->rings = calloc(p->lane_count, sizeof(*p->rings));
	p->accounts = calloc(p->lane_count, sizeof(*p->accounts));
	if (p->lanes == NULL || p->boards == NULL || p->rings == NULL || p->accounts == NULL) {
		msg_error("out of memory");
		return false;
	}
	if (board_new(SNAPSHOT_ROOM, &p->relay_board) != ERR_OK) {
		msg_error("cannot share memory: %s", strerror(errno));
		return false;
	}
	for (unsigned i = 0; i < p->lane_count; i++) {
		if (board_new(SNAPSHOT_ROOM, &p->boards[i]) != ERR_OK ||
		    board_new(ACCOUNTS_ROOM, &p->accounts[i]) != ERR_OK ||
		    ring_new(RELAY_RING_SIZE, &p->rings[i]) != ERR_OK) {
			msg_error("cannot share memory: %s", strerror(errno));
			return false;
		}
		(void)snprintf(name, sizeof(name), p->lane_count == 1 ? "collector" : "collector-%u", i);
		child_init(&p->lanes[i].child, name);
		p->lanes[i].parent = p;
	}
	return true;
}

/* False: there is no loop. What else fails ends what has begun. */
static bool
start_children(struct parent *p)
{
	if (loop_new(&p->loop) != ERR_OK || watch(p) != ERR_OK) {
		msg_error("cannot start: out of memory");
		return false;
	}
	for (unsigned i = 0; !p->failed && i < p->lane_count; i++)
		p->failed = !start_collector(p, i);
	if (p->failed || !parent_start_reporter(p) || !parent_start_relay(p)) {
		p->failed = true;
		stop(p);
	}
	return true;
}

/* Those that the event loop handles wait until it runs: SIGTERM during start-up is a start and an end. */
static void
hold_signals(void)
{
	static const int all[] = {SIGTERM, SIGINT, SIGUSR1, SIGUSR2, SIGHUP, SIGCHLD};
	sigset_t set;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		(void)sigaddset(&set, all[i]);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
}

static void
open_notify(struct parent *p)
{
	enum err e = notify_open(&p->notify);

	if (e != ERR_OK)
		msg_warn("service manager: %s",
		    e == ERR_MALFORMED ? "NOTIFY_SOCKET or WATCHDOG_USEC cannot be read" : err_text(e));
}

static bool
forwards_from_exporters(const struct conf *conf)
{
	for (size_t i = 0; i < conf->forward_count; i++) {
		if (conf->forwards[i].exporter_address)
			return true;
	}
	return false;
}

/* What needs privileges, in an order in which a second node on the same folder ends before it disturbs the first. */
static bool
acquire(struct parent *p)
{
	if (!p->options->foreground && !background_begin(&p->background))
		return false;
	files_permit_many();
	open_notify(p);
	if (!identity_find(p->conf.user, &p->identity))
		return false;
	p->folder = folder_open(p->conf.log_directory, &p->identity);
	if (p->folder < 0 || !folder_take(p->folder, p->conf.log_directory))
		return false;
	if (!sockets_open(&p->conf, (unsigned)p->conf.lanes, &p->sockets))
		return false;
	if (p->conf.has_status && !reporter_secrets(&p->conf, &p->secrets))
		return false;
	if (p->conf.has_status && (p->status_socket = reporter_listen(&p->conf, -1, ORPHAN_PATIENCE_NS)) < 0)
		return false;
	if (!outputs_open(&p->conf, &p->identity, ORPHAN_PATIENCE_NS, &p->outputs))
		return false;
	if (links_open(&p->links) != ERR_OK) {
		p->links.fd = -1;
		msg_warn("changes of interfaces cannot be seen: %s", strerror(errno));
	}
	p->host_told = wall_now();
	if (p->conf.lanes > 1 && host_drops_open(&p->host) != ERR_OK) {
		p->host.v4 = p->host.v6 = -1;
		msg_warn("what the kernel drops cannot be counted: /proc/net/snmp: %s", strerror(errno));
	}
	return pidfile_open(p->conf.pidfile, &p->pidfile) && make_lanes(p) && pidfile_write(&p->pidfile) &&
	    sandbox_parent(&p->identity, forwards_from_exporters(&p->conf));
}

static bool
run(struct parent *p)
{
	bool good = start_children(p) && loop_run(p->loop) == ERR_OK && !p->failed;

	/* Collectors are left here only where the loop failed. They see that we are gone, and seal. */
	if (p->loop != NULL) {
		parent_stop_reporter(p);
		parent_stop_relay(p); /* when all is in the rings that will be */
	}
	if (p->announced)
		msg_notice("node %s: stopped", p->conf.node);
	return good;
}

static void
release(struct parent *p)
{
	loop_free(p->loop);
	pidfile_remove(&p->pidfile);
	if (p->links.fd >= 0)
		links_close(&p->links);
	if (p->host.v4 >= 0)
		host_drops_close(&p->host);
	notify_close(&p->notify);
	if (p->status_socket >= 0)
		(void)close(p->status_socket);
	if (p->secrets >= 0)
		(void)close(p->secrets);
	sockets_close(&p->sockets);
	outputs_close(&p->outputs, NULL, &p->identity);
	if (p->folder >= 0)
		(void)close(p->folder);
	for (unsigned i = 0; p->boards != NULL && i < p->lane_count; i++)
		board_free(p->boards[i]);
	for (unsigned i = 0; p->rings != NULL && i < p->lane_count; i++)
		ring_free(p->rings[i]);
	board_free(p->relay_board);
	free(p->rings);
	for (unsigned i = 0; p->accounts != NULL && i < p->lane_count; i++)
		board_free(p->accounts[i]);
	free(p->boards);
	free(p->accounts);
	free(p->lanes);
	conf_clear(&p->conf);
	free(p);
}

bool
parent_run(const struct parent_options *options, struct conf *conf)
{
	struct parent *p = calloc(1, sizeof(*p));
	bool good;

	if (p == NULL) {
		msg_error("out of memory");
		conf_clear(conf);
		return false;
	}
	p->options = options;
	p->conf = *conf;
	p->folder = p->status_socket = p->secrets = p->links.fd = p->notify.fd = -1;
	p->pidfile.fd = p->host.v4 = p->host.v6 = -1;
	p->background.ready = -1;
	child_init(&p->reporter, "reporter");
	child_init(&p->relay, "relay");
	hold_signals();
	good = acquire(p) && run(p);
	release(p);
	return good;
}
