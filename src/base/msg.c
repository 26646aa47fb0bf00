/* SPDX-License-Identifier: ISC
 *
 * Messages. One write(2) each, so that lines of several threads and processes do not mix; control
 * characters are replaced, so that what came from the network cannot forge a line or drive a terminal.
 */
#include "base/msg.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#define MSG_SIZE 2048

static struct {
	const char *program; /* borrowed from whoever called msg_init */
	bool to_syslog;
	enum msg_level most;
	void (*sink)(enum msg_level level, const char *line);
} msg = {.program = "flowbraid", .most = MSG_INFO};

static int
syslog_priority(enum msg_level level)
{
	switch (level) {
	case MSG_ERROR:
		return LOG_ERR;
	case MSG_WARNING:
		return LOG_WARNING;
	case MSG_NOTICE:
		return LOG_NOTICE;
	case MSG_INFO:
		return LOG_INFO;
	case MSG_DEBUG:
		break;
	}
	return LOG_DEBUG;
}

void
msg_init(const char *program, bool to_syslog, enum msg_level most)
{
	msg.program = program;
	msg.to_syslog = to_syslog;
	msg.most = most;
	if (to_syslog)
		openlog(program, LOG_PID | LOG_NDELAY, LOG_DAEMON);
}

void
msg_divert(void (*sink)(enum msg_level level, const char *line))
{
	msg.sink = sink;
}

static void
msg_clean(char *text)
{
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = '?';
	}
}

void
msg_at(enum msg_level level, const char *fmt, ...)
{
	char line[MSG_SIZE];
	int saved = errno, head = 0;
	size_t len;
	va_list ap;

	if (level > msg.most)
		return;
	if (!msg.to_syslog && msg.sink == NULL)
		head = snprintf(line, 64, "%s: ", msg.program);
	if (head > 63)
		head = 63;
	va_start(ap, fmt);
	errno = saved; /* for %m */
	(void)vsnprintf(line + head, sizeof(line) - (size_t)head - 1, fmt, ap);
	va_end(ap);
	msg_clean(line);
	if (msg.sink != NULL) {
		msg.sink(level, line);
	} else if (msg.to_syslog) {
		syslog(syslog_priority(level), "%s", line);
	} else {
		len = strlen(line);
		line[len++] = '\n';
		if (write(STDERR_FILENO, line, len) < 0) {
			/* there is nowhere left to say so */
		}
	}
	errno = saved;
}

bool
msg_limit_pass(struct msg_limit *l, mono_t now, uint64_t *ret_held)
{
	if (now.ns - l->since.ns >= l->interval_ns) {
		l->since = now;
		l->used = 0;
	}
	if (l->used >= l->burst) {
		l->held++;
		return false;
	}
	l->used++;
	*ret_held = l->held;
	l->held = 0;
	return true;
}
