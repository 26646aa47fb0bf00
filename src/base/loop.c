/* SPDX-License-Identifier: ISC
 *
 * libevent behind a few kinds of event.
 */
#include "base/loop.h"

#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

struct loop_watch {
	struct loop_watch *next;
	struct event *event;
	loop_call call;
	void *ctx;
};

struct loop {
	struct event_base *base;
	struct loop_watch *watches; /* owned */
	int64_t pause_ns;
	bool stop;
};

static void
on_event(evutil_socket_t fd, short what, void *arg)
{
	const struct loop_watch *w = arg;

	(void)fd;
	(void)what;
	w->call(w->ctx, wall_now());
}

enum err
loop_new(struct loop **ret)
{
	struct event_config *config = event_config_new();
	struct loop *l = calloc(1, sizeof(*l));

	if (config != NULL && l != NULL) {
		/* One thread: no locks. Not the precise timer: it costs a system call a wake-up. */
		(void)event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
		l->base = event_base_new_with_config(config);
	}
	if (config != NULL)
		event_config_free(config);
	if (l == NULL || l->base == NULL) {
		free(l);
		return ERR_MEMORY;
	}
	*ret = l;
	return ERR_OK;
}

void
loop_free(struct loop *l)
{
	struct loop_watch *w;

	if (l == NULL)
		return;
	while ((w = l->watches) != NULL) {
		l->watches = w->next;
		event_free(w->event);
		free(w);
	}
	event_base_free(l->base);
	free(l);
}

static enum err
add(struct loop *l, int fd, short what, const struct timeval *period, loop_call call, void *ctx,
    struct loop_watch **ret)
{
	struct loop_watch *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return ERR_MEMORY;
	w->call = call;
	w->ctx = ctx;
	w->event = event_new(l->base, fd, (short)(what | EV_PERSIST), on_event, w);
	if (w->event == NULL || event_add(w->event, period) != 0) {
		if (w->event != NULL)
			event_free(w->event);
		free(w);
		return ERR_SYSTEM;
	}
	w->next = l->watches;
	l->watches = w;
	if (ret != NULL)
		*ret = w;
	return ERR_OK;
}

enum err
loop_on_readable(struct loop *l, int fd, loop_call call, void *ctx, struct loop_watch **ret)
{
	return add(l, fd, EV_READ, NULL, call, ctx, ret);
}

enum err
loop_on_writable(struct loop *l, int fd, loop_call call, void *ctx, struct loop_watch **ret)
{
	return add(l, fd, EV_WRITE, NULL, call, ctx, ret);
}

enum err
loop_on_signal(struct loop *l, int signal, loop_call call, void *ctx)
{
	return add(l, signal, EV_SIGNAL, NULL, call, ctx, NULL);
}

enum err
loop_every(struct loop *l, int64_t period_ns, loop_call call, void *ctx, struct loop_watch **ret)
{
	struct timeval period = {
	    .tv_sec = period_ns / NS_PER_SEC,
	    .tv_usec = period_ns % NS_PER_SEC / 1000,
	};

	return add(l, -1, 0, &period, call, ctx, ret);
}

void
loop_forget(struct loop *l, struct loop_watch *w)
{
	struct loop_watch **at = &l->watches;

	if (w == NULL)
		return;
	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	event_free(w->event);
	free(w);
}

static void
take_pause(struct loop *l)
{
	const struct timespec pause = {.tv_sec = 0, .tv_nsec = l->pause_ns};

	l->pause_ns = 0;
	(void)nanosleep(&pause, NULL); /* a signal may end it */
}

/* The signals that have handlers are let through here, and nowhere else: one that comes earlier or later than
 * its handler waits, instead of ending the program in the middle of something. */
static void
let_signals(const struct loop *l, int how)
{
	sigset_t set;

	(void)sigemptyset(&set);
	for (const struct loop_watch *w = l->watches; w != NULL; w = w->next) {
		if ((event_get_events(w->event) & EV_SIGNAL) != 0)
			(void)sigaddset(&set, event_get_signal(w->event));
	}
	(void)pthread_sigmask(how, &set, NULL);
}

enum err
loop_run(struct loop *l)
{
	enum err e = ERR_OK;

	let_signals(l, SIG_UNBLOCK);
	while (!l->stop && e == ERR_OK) {
		if (event_base_loop(l->base, EVLOOP_ONCE) != 0)
			e = ERR_SYSTEM;
		else if (l->pause_ns > 0)
			take_pause(l);
	}
	let_signals(l, SIG_BLOCK);
	l->stop = false;
	return e;
}

void
loop_pause(struct loop *l, int64_t ns)
{
	if (l->pause_ns == 0 || ns < l->pause_ns)
		l->pause_ns = ns;
}

void
loop_stop(struct loop *l)
{
	l->stop = true;
}

struct event_base *
loop_base(struct loop *l)
{
	return l->base;
}
