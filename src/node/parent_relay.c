/* SPDX-License-Identifier: ISC
 *
 * The parent's part in forwards and feeds: their sockets, the rings from the collectors, and the relay's lives. While it is
 * started again, datagrams wait in the rings.
 */
#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/msg.h"
#include "node/parent_private.h"
#include "node/relay.h"
#include "node/snapshot.h"

#define END_PATIENCE_NS (2 * NS_PER_SEC) /* it takes one at most, if it is well */
#define END_PAUSE_NS (5 * NS_PER_MSEC)

_Static_assert(CONF_LANES_MOST + CONF_FORWARDS_MOST + CONF_FEEDS_MOST <= CHILD_KEEP_MOST, "what it keeps");

static void
on_relay(void *ctx, wall_t now)
{
	struct parent *p = ctx;

	(void)now;
	(void)parent_hear(p, &p->relay, NULL, &p->relay_watch);
}

bool
parent_start_relay(struct parent *p)
{
	struct relay_start start = {.conf = &p->conf,
	    .identity = &p->identity,
	    .outputs = &p->outputs,
	    .rings = p->rings,
	    .boards = p->boards,
	    .lanes = p->lane_count,
	    .board = p->relay_board,
	    .restarts = p->relay.restarts};
	int keep[CHILD_KEEP_MOST];
	size_t count = 0;

	if (!conf_has_outputs(&p->conf))
		return true;
	for (unsigned i = 0; i < p->lane_count; i++)
		keep[count++] = ring_fd(p->rings[i]);
	for (size_t i = 0; i < p->outputs.forward_count; i++)
		keep[count++] = p->outputs.forward_fds[i];
	for (size_t i = 0; i < p->outputs.feed_count; i++)
		keep[count++] = p->outputs.feed_fds[i];
	if (!child_start(&p->relay, relay_main, &start, keep, count, p->options->foreground, mono_now()))
		return false;
	if (loop_on_readable(p->loop, p->relay.channel, on_relay, p, &p->relay_watch) == ERR_OK)
		return true;
	child_kill(&p->relay, &p->identity);
	return false;
}

/* The relay has its time; nobody who receives waits for it meanwhile. */
static pid_t
wait_for_end(struct parent *p, int *ret_status)
{
	const struct timespec pause = {.tv_nsec = END_PAUSE_NS};
	mono_t until = {mono_now().ns + END_PATIENCE_NS};
	pid_t pid;

	while ((pid = waitpid(p->relay.pid, ret_status, WNOHANG)) == 0 && mono_now().ns < until.ns)
		(void)nanosleep(&pause, NULL);
	if (pid != 0)
		return pid;
	msg_warn("relay: does not end; killed");
	child_kill(&p->relay, &p->identity);
	return waitpid(p->relay.pid, ret_status, 0);
}

void
parent_stop_relay(struct parent *p)
{
	int status;

	if (p->relay.pid == 0)
		return;
	if (p->relay.channel < 0 || channel_send(p->relay.channel, CHANNEL_STOP, NULL, 0, NULL, 0) != ERR_OK)
		child_kill(&p->relay, &p->identity);
	if (wait_for_end(p, &status) != p->relay.pid)
		return;
	parent_hear_last_words(p, &p->relay, NULL, &p->relay_watch);
	child_ended(&p->relay, status, true, mono_now());
	p->relay.failures = 0;
}

void
parent_go_on_with_outputs(struct parent *p, const struct outputs *outputs)
{
	bool had_any = p->outputs.forward_count + p->outputs.feed_count > 0;

	parent_stop_relay(p);
	outputs_close(&p->outputs, outputs, &p->identity);
	p->outputs = *outputs;
	/* What was put in for a relay that is no more, or was none, is nobody's. */
	for (unsigned i = 0; !had_any && i < p->lane_count; i++)
		ring_empty(p->rings[i]);
	if (!conf_has_outputs(&p->conf))
		(void)!board_put(p->relay_board, "", 0);
	(void)parent_start_relay(p);
}
