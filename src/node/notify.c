/* SPDX-License-Identifier: ISC
 *
 * sd_notify(3), with datagrams that are sent whole or not at all.
 */
#include "node/notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MESSAGE_SIZE 512 /* a status that is longer is cut */
#define PATIENCE_SEC 1   /* with a service manager that does not read */

/* A path, or '@' and an abstract name. */
static bool
read_address(const char *text, struct notify *n)
{
	size_t len = strlen(text);

	if ((text[0] != '/' && text[0] != '@') || len < 2 || len >= sizeof(n->to.sun_path))
		return false;
	n->to = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(n->to.sun_path, text, len);
	if (text[0] == '@')
		n->to.sun_path[0] = '\0';
	/* An abstract name is as long as it says, a path ends at its NUL. */
	n->to_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (text[0] == '/'));
	return true;
}

/* A whole decimal number from 1 to most. */
static bool
read_number(const char *text, uint64_t most, uint64_t *ret)
{
	uint64_t v = 0;

	for (const char *c = text; *c != '\0'; c++) {
		uint64_t digit = (uint64_t)(*c - '0');

		if (*c < '0' || *c > '9' || v > (most - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	*ret = v;
	return v > 0;
}

/* A watchdog for another process is none for this one. */
static bool
read_watchdog(const char *usec, const char *pid, struct notify *n)
{
	uint64_t v;

	if (usec == NULL)
		return true;
	if (pid != NULL && (!read_number(pid, INT32_MAX, &v) || (pid_t)v != getpid()))
		return true;
	if (!read_number(usec, INT64_MAX / 1000, &v))
		return false;
	n->watchdog_ns = (int64_t)v * 1000;
	return true;
}

static enum err
open_socket(struct notify *n)
{
	const struct timeval patience = {.tv_sec = PATIENCE_SEC};
	int saved;

	n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (n->fd < 0)
		return ERR_SYSTEM;
	if (setsockopt(n->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) == 0 &&
	    connect(n->fd, (const struct sockaddr *)&n->to, n->to_len) == 0)
		return ERR_OK;
	saved = errno;
	(void)close(n->fd);
	errno = saved;
	return ERR_SYSTEM;
}

static enum err
read_environment(struct notify *n)
{
	const char *socket_name = getenv("NOTIFY_SOCKET");

	if (socket_name == NULL || socket_name[0] == '\0')
		return ERR_OK;
	if (!read_address(socket_name, n) ||
	    !read_watchdog(getenv("WATCHDOG_USEC"), getenv("WATCHDOG_PID"), n))
		return ERR_MALFORMED;
	return open_socket(n);
}

enum err
notify_open(struct notify *ret)
{
	struct notify n = {.fd = -1};
	enum err e = read_environment(&n);
	int saved = errno;

	*ret = e == ERR_OK ? n : (struct notify){.fd = -1};
	(void)unsetenv("NOTIFY_SOCKET");
	(void)unsetenv("WATCHDOG_USEC");
	(void)unsetenv("WATCHDOG_PID");
	errno = saved;
	return e;
}

void
notify_close(struct notify *n)
{
	if (n->fd >= 0)
		(void)close(n->fd);
	*n = (struct notify){.fd = -1};
}

static enum err
send_text(struct notify *n, const char *text, size_t len)
{
	ssize_t sent;

	if (n->fd < 0)
		return ERR_OK;
	do
		sent = send(n->fd, text, len, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	/* A service manager that was started anew has another socket at the same place. */
	if (sent < 0 && (errno == ECONNREFUSED || errno == ENOTCONN) &&
	    connect(n->fd, (const struct sockaddr *)&n->to, n->to_len) == 0)
		sent = send(n->fd, text, len, MSG_NOSIGNAL);
	if (sent >= 0)
		return ERR_OK;
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS ? ERR_BUSY : ERR_SYSTEM;
}

/* The lines, and a status behind them. */
static enum err
tell(struct notify *n, const char *lines, const char *status)
{
	char text[MESSAGE_SIZE];
	size_t len = strlen(lines);

	memcpy(text, lines, len);
	if (status != NULL) {
		int more = snprintf(text + len, sizeof(text) - len, "STATUS=%s", status);
		size_t end = more < (int)(sizeof(text) - len) ? len + (size_t)more : sizeof(text) - 1;

		for (size_t i = len; i < end; i++) { /* a line of its own would be another message */
			if ((unsigned char)text[i] < 0x20)
				text[i] = ' ';
		}
		len = end;
	}
	return send_text(n, text, len);
}

enum err
notify_ready(struct notify *n, const char *status)
{
	return tell(n, "READY=1\n", status);
}

enum err
notify_reloading(struct notify *n, mono_t now)
{
	char lines[64];

	(void)snprintf(lines, sizeof(lines), "RELOADING=1\nMONOTONIC_USEC=%" PRId64 "\n", now.ns / 1000);
	return tell(n, lines, NULL);
}

enum err
notify_stopping(struct notify *n, const char *status)
{
	return tell(n, "STOPPING=1\n", status);
}

enum err
notify_status(struct notify *n, const char *status)
{
	return tell(n, "", status);
}

int64_t
notify_watchdog_interval(const struct notify *n)
{
	return n->watchdog_ns / 2;
}

enum err
notify_alive(struct notify *n, mono_t now)
{
	enum err e;

	if (n->watchdog_ns == 0 || (n->alive.ns != 0 && now.ns - n->alive.ns < n->watchdog_ns / 4))
		return ERR_OK;
	e = tell(n, "WATCHDOG=1\n", NULL);
	if (e == ERR_OK)
		n->alive = now;
	return e;
}
