/* SPDX-License-Identifier: ISC
 *
 * flowbraid cat -f: a log as it grows, or standard input as it comes. Between two looks it waits for what happens in the folder,
 * for a signal, and for whoever reads the output to go away.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include "archive/follow.h"
#include "base/msg.h"
#include "cluster/cat_private.h"

static int wake = -1; /* written by the signal handler */
static volatile sig_atomic_t ended;

static void
on_signal(int sig)
{
	static const uint64_t one = 1;
	int saved = errno;

	(void)sig;
	ended = 1;
	(void)!write(wake, &one, sizeof(one));
	errno = saved;
}

/* The first one ends it in order, a second one at once: somebody who does not read must not hold it. */
static bool
catch_signals(void)
{
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};

	wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (wake >= 0 && sigemptyset(&sa.sa_mask) == 0 && sigaction(SIGINT, &sa, NULL) == 0 &&
	    sigaction(SIGTERM, &sa, NULL) == 0)
		return true;
	msg_error("cannot wait for signals: %s", strerror(errno));
	return false;
}

static void
on_finding(void *ctx, const char *path, const struct finding *f)
{
	uint64_t *findings = ctx;

	(*findings)++;
	command_finding(path, f);
}

static void
on_gone(void *ctx, uint16_t lane, uint64_t first, uint64_t last)
{
	(void)ctx;
	msg_warn("lane %u: segments %" PRIu64 " to %" PRIu64 " went before they were read", (unsigned)lane,
	    first, last);
}

/* False: it is over. */
static bool
wait_for_more(struct cat *c, struct follow *f, bool *ret_ok)
{
	struct pollfd fds[3] = {{.fd = follow_fd(f), .events = POLLIN}, {.fd = wake, .events = POLLIN},
	    {.fd = STDOUT_FILENO, .events = 0}};
	enum err e;

	if (ended || c->over)
		return false;
	if (poll(fds, 3, -1) < 0)
		return errno == EINTR;
	if ((fds[2].revents & POLLERR) != 0) { /* nobody reads it any more */
		c->stop = c->gone = true;
		return false;
	}
	if ((fds[0].revents & (POLLIN | POLLHUP | POLLERR)) == 0)
		return true;
	e = follow_read(f);
	c->over = e == ERR_END;
	if (e == ERR_OK || e == ERR_END)
		return true;
	msg_error("%s: %s", follow_path(f), err_text(e));
	*ret_ok = false;
	return false;
}

static bool
follow(struct cat *c, struct follow *f)
{
	struct reader_datagram d;
	bool ok = true;
	enum err e;

	do {
		while ((e = follow_next(f, &d)) == ERR_OK && !ended) {
			if (!cat_datagram(c, &d))
				return true;
		}
		if (e != ERR_OK && e != ERR_END) {
			msg_error("%s: %s", follow_path(f), err_text(e));
			return false;
		}
		if (!c->count)
			cat_flush(c);
	} while (!c->stop && wait_for_more(c, f, &ok));
	return ok;
}

bool
cat_follow(struct cat *c, const char *path, uint64_t *ret_findings)
{
	struct follow_options o = {
	    .span = command_span(&c->o), .ctx = ret_findings, .finding = on_finding, .gone = on_gone};
	struct buf why = BUF_INIT;
	struct follow *f;
	bool ok = false;
	enum err e;

	*ret_findings = 0;
	if (!catch_signals())
		return false;
	if (getrandom(&o.seed, sizeof(o.seed), 0) != (ssize_t)sizeof(o.seed)) {
		msg_error("no random number: %s", strerror(errno));
		return false;
	}
	if (strcmp(path, "-") == 0)
		e = follow_open_stream(&o, STDIN_FILENO, command_folder(), &f, &why);
	else
		e = follow_open(&o, path, &f, &why);
	if (e == ERR_OK) {
		ok = follow(c, f);
		follow_close(f);
	} else {
		msg_error("%.*s", (int)why.len, (const char *)why.data);
	}
	buf_clear(&why);
	return ok;
}
