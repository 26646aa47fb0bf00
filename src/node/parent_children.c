/* SPDX-License-Identifier: ISC
 *
 * The parent's children as they come and go: what each is given when it is made, what it says, and what follows from its end.
 */
#include <sys/wait.h>

#include "base/msg.h"
#include "base/rd.h"
#include "node/parent_private.h"

#define MESSAGES_A_TURN 64 /* of a child, before others have their turn */

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

bool
parent_start_collector(struct parent *p, unsigned lane)
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
	parent_announce(p);
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
		parent_stop(p);
	}
	if (p->stopping && !parent_anything_runs(p))
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

void
parent_start_those_due(struct parent *p)
{
	mono_t now = mono_now();

	if (p->stopping)
		return;
	for (unsigned i = 0; i < p->lane_count; i++) {
		if (p->lanes[i].child.pid == 0 && now.ns >= p->lanes[i].child.due.ns)
			(void)parent_start_collector(p, i);
	}
	if (p->status_socket >= 0 && p->reporter.pid == 0 && now.ns >= p->reporter.due.ns)
		(void)parent_start_reporter(p);
	if (p->relay.pid == 0 && now.ns >= p->relay.due.ns)
		(void)parent_start_relay(p);
}

void
parent_on_child(void *ctx, wall_t now)
{
	struct parent *p = ctx;
	pid_t pid;
	int status;

	(void)now;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		child_has_ended(p, pid, status);
	parent_start_those_due(p);
	catch_up(p);
}
