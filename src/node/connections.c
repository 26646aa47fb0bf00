/* SPDX-License-Identifier: ISC
 *
 * A descriptor's number is used again, the cookie of a socket is not.
 */
#include "node/connections.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

void
connections_init(struct connections *c)
{
	memset(c, 0, sizeof(*c));
	for (int fd = 0; fd < CONNECTIONS_FDS; fd++)
		c->of[fd].own = fcntl(fd, F_GETFD) >= 0;
}

static void
look(struct connections *c, mono_t now)
{
	for (int fd = 0; fd < CONNECTIONS_FDS; fd++) {
		struct connection *at = &c->of[fd];
		uint64_t cookie = 0;
		socklen_t len = sizeof(cookie);

		if (at->own)
			continue;
		if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len) != 0)
			cookie = 0;
		if (cookie != at->cookie)
			*at = (struct connection){.cookie = cookie, .since = now};
	}
}

static void
end(struct connections *c, int fd)
{
	struct connection *at = &c->of[fd];

	if (at->cookie == 0 || at->ended)
		return;
	(void)shutdown(fd, SHUT_RDWR);
	at->ended = true;
	c->ended++;
}

void
connections_limit(struct connections *c, int64_t most_ns, mono_t now)
{
	look(c, now);
	for (int fd = 0; fd < CONNECTIONS_FDS; fd++) {
		if (now.ns - c->of[fd].since.ns >= most_ns)
			end(c, fd);
	}
}

static int
by_age(const void *a, const void *b)
{
	const mono_t *x = a, *y = b;

	return (x->ns > y->ns) - (x->ns < y->ns);
}

void
connections_make_room(struct connections *c, mono_t now)
{
	mono_t since[CONNECTIONS_FDS];
	size_t count = 0;

	look(c, now);
	for (int fd = 0; fd < CONNECTIONS_FDS; fd++) {
		if (c->of[fd].cookie != 0)
			since[count++] = c->of[fd].since;
	}
	if (count == 0)
		return;
	qsort(since, count, sizeof(*since), by_age);
	/* Several may have the same age: no more than a quarter of all goes. */
	for (size_t fd = 0, gone = 0; fd < CONNECTIONS_FDS && gone <= count / 4; fd++) {
		if (c->of[fd].cookie != 0 && c->of[fd].since.ns <= since[count / 4].ns) {
			end(c, (int)fd);
			gone++;
		}
	}
}
