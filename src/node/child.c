/* SPDX-License-Identifier: ISC
 *
 * fork, and the delays between lives: none after a life of a minute, else twice the last one, from a tenth of a second
 * up to ten.
 */
#include "node/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "node/channel.h"

#define GOOD_LIFE_NS (60 * NS_PER_SEC)
#define DELAY_LEAST_NS (100 * NS_PER_MSEC)
#define DELAY_MOST_NS (10 * NS_PER_SEC)
#define MESSAGES_A_SECOND 200

void
child_init(struct child *c, const char *name)
{
	*c = (struct child){.channel = -1, .messages = MSG_LIMIT_INIT(MESSAGES_A_SECOND, 1)};
	(void)snprintf(c->name, sizeof(c->name), "%s", name);
}

static int
by_number(const void *a, const void *b)
{
	const int *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The standard streams stay. */
static void
close_others(const int *keep, size_t count, int channel)
{
	int all[CHILD_KEEP_MOST + 1];
	unsigned next = 3;

	memcpy(all, keep, count * sizeof(*keep));
	all[count++] = channel;
	qsort(all, count, sizeof(*all), by_number);
	for (size_t i = 0; i < count; i++) {
		unsigned fd = (unsigned)all[i];

		if (all[i] < (int)next)
			continue;
		if (fd > next)
			(void)close_range(next, fd - 1, 0);
		next = fd + 1;
	}
	(void)close_range(next, ~0U, 0);
}

/* Signals are the parent's, which says by the channel what is to be done. Also those that a terminal sends to all. */
static void
take_no_signals(void)
{
	static const int all[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE, SIGXFSZ};
	sigset_t none;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		(void)signal(all[i], SIG_IGN);
	(void)signal(SIGCHLD, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static void
leave_terminal(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; null >= 0 && fd <= 2; fd++)
		(void)dup2(null, fd);
}

static void
set_due(struct child *c, mono_t now)
{
	int64_t delay = DELAY_LEAST_NS;

	for (unsigned i = 1; i < c->failures && delay < DELAY_MOST_NS; i++)
		delay *= 2;
	c->due.ns = now.ns + (c->failures == 0 ? 0 : delay < DELAY_MOST_NS ? delay : DELAY_MOST_NS);
}

static bool
cannot_start(struct child *c, const char *what, mono_t now)
{
	msg_error("%s: cannot start: %s: %s", c->name, what, strerror(errno));
	c->failures++;
	set_due(c, now);
	return false;
}

bool
child_start(struct child *c, child_main run, void *ctx, const int *keep, size_t keep_count, bool foreground,
    mono_t now)
{
	char comm[CHILD_NAME_SIZE + 8];
	int pair[2];
	pid_t pid;

	if (channel_pair(pair) != ERR_OK)
		return cannot_start(c, "socketpair", now);
	pid = fork();
	if (pid < 0) {
		(void)close(pair[0]);
		(void)close(pair[1]);
		return cannot_start(c, "fork", now);
	}
	if (pid == 0) {
		take_no_signals();
		if (!foreground)
			leave_terminal();
		(void)close(pair[0]);
		close_others(keep, keep_count, pair[1]);
		(void)snprintf(comm, sizeof(comm), "fb-%s", c->name);
		(void)prctl(PR_SET_NAME, comm, 0, 0, 0);
		channel_relay_messages(pair[1]);
		exit(run(ctx, pair[1]));
	}
	(void)close(pair[1]);
	c->pid = pid;
	c->channel = pair[0];
	c->started = false;
	c->begun = c->heard = now;
	return true;
}

/* A parent without CAP_KILL, but with CAP_SETUID. */
static void
kill_as(pid_t pid, const struct identity *who)
{
	pid_t killer = fork();

	if (killer == 0) {
		if (setresuid(who->uid, who->uid, who->uid) == 0)
			(void)kill(pid, SIGKILL);
		_exit(0);
	}
	if (killer > 0)
		(void)waitpid(killer, NULL, 0);
	else
		msg_error("cannot end process %ld: fork: %s", (long)pid, strerror(errno));
}

void
child_kill(const struct child *c, const struct identity *who)
{
	if (c->pid == 0)
		return;
	if (kill(c->pid, SIGKILL) != 0 && errno == EPERM && who->change)
		kill_as(c->pid, who);
}

static void
say_end(const struct child *c, int status)
{
	if (WIFSIGNALED(status))
		msg_error("%s: ended by signal %d (%s) after %lld s; restart %llu", c->name, WTERMSIG(status),
		    strsignal(WTERMSIG(status)), (long long)((mono_now().ns - c->begun.ns) / NS_PER_SEC),
		    (unsigned long long)c->restarts);
	else
		msg_error("%s: ended with status %d; restart %llu", c->name, WEXITSTATUS(status),
		    (unsigned long long)c->restarts);
}

void
child_ended(struct child *c, int status, bool expected, mono_t now)
{
	if (c->channel >= 0)
		(void)close(c->channel);
	c->channel = -1;
	c->pid = 0;
	c->failures = c->started && now.ns - c->begun.ns >= GOOD_LIFE_NS ? 0 : c->failures + 1;
	set_due(c, now);
	if (!expected) {
		c->restarts++;
		say_end(c, status);
	}
	c->started = false;
}

bool
child_heard(struct child *c, const struct channel_message *m, mono_t now)
{
	uint64_t held;

	c->heard = now;
	switch (m->kind) {
	case CHANNEL_MESSAGE:
		if (!msg_limit_pass(&c->messages, now, &held))
			return true;
		if (held > 0)
			msg_warn("%s: %llu messages suppressed", c->name, (unsigned long long)held);
		if (!channel_say_message(m))
			msg_warn("%s: a message that is none", c->name);
		return true;
	case CHANNEL_STARTED:
		c->started = c->ready_once = true;
		return true;
	case CHANNEL_ALIVE:
		return true;
	default:
		return false;
	}
}
