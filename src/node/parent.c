/* SPDX-License-Identifier: ISC
 *
 * Start and end of the node as two mirrored lists; between them signals and ticks.
 */
#include "node/accounts.h"
#include "node/parent.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/msg.h"
#include "flowbraid/version.h"
#include "node/parent_private.h"
#include "node/relay.h"
#include "node/snapshot.h"

#define PROGRAM "flowbraidd"
#define TICK_NS (100 * NS_PER_MSEC)
#define LATE_NS NS_PER_SEC                  /* no load makes a tick so late */
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

bool
parent_anything_runs(const struct parent *p)
{
	for (unsigned i = 0; i < p->lane_count; i++) {
		if (p->lanes[i].child.pid != 0)
			return true;
	}
	return false;
}

void
parent_stop(struct parent *p)
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
	if (!parent_anything_runs(p))
		loop_stop(p->loop);
}

/* Once all collectors work: what whoever started the node waits for. */
void
parent_announce(struct parent *p)
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

/* --- signals and ticks --- */

static void
on_end(void *ctx, wall_t now)
{
	(void)now;
	parent_stop(ctx);
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
	parent_start_those_due(p);
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
	    {SIGCHLD, parent_on_child},
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
		p->failed = !parent_start_collector(p, i);
	if (p->failed || !parent_start_reporter(p) || !parent_start_relay(p)) {
		p->failed = true;
		parent_stop(p);
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
