/* SPDX-License-Identifier: ISC
 *
 * A descriptor's number is used again, the cookie of a socket is not. A socket is one of the server's when it has the
 * listener's port: none that connects elsewhere is given a port that somebody listens on.
 */
#include "base/serve_connections.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

static in_port_t
port_of(const struct sockaddr_storage *sa)
{
	if (sa->ss_family == AF_INET)
		return ((const struct sockaddr_in *)sa)->sin_port;
	return sa->ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)sa)->sin6_port : 0;
}

enum err
connections_init(struct connections *c, int listener, int descriptors)
{
	socklen_t len = sizeof(c->name);

	memset(c, 0, sizeof(*c));
	c->listener = listener;
	if (getsockname(listener, (struct sockaddr *)&c->name, &len) != 0)
		return ERR_SYSTEM;
	c->fds = descriptors < CONNECTIONS_FDS_MOST ? descriptors : CONNECTIONS_FDS_MOST;
	c->of = calloc((size_t)c->fds, sizeof(*c->of));
	return c->of != NULL ? ERR_OK : ERR_MEMORY;
}

void
connections_clear(struct connections *c)
{
	free(c->of);
	c->of = NULL;
	c->fds = 0;
}

static bool
is_ours(const struct connections *c, int fd)
{
	struct sockaddr_storage sa = {.ss_family = AF_UNSPEC};
	socklen_t len = sizeof(sa);

	return fd != c->listener && getsockname(fd, (struct sockaddr *)&sa, &len) == 0 &&
	    sa.ss_family == c->name.ss_family && port_of(&sa) == port_of(&c->name);
}

static void
look_at(struct connections *c, int fd, mono_t now)
{
	struct connection *at = &c->of[fd];
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len) != 0)
		cookie = 0;
	if (cookie != at->cookie)
		*at = (struct connection){
		    .cookie = cookie, .since = now, .ours = cookie != 0 && is_ours(c, fd)};
}

void
connections_look(struct connections *c, mono_t now)
{
	c->count = 0;
	for (int fd = 0; fd < c->fds; fd++) {
		look_at(c, fd, now);
		c->count += c->of[fd].ours;
	}
}

void
connections_end(struct connections *c, int fd)
{
	struct connection *at = fd >= 0 && fd < c->fds ? &c->of[fd] : NULL;

	if (at == NULL || !at->ours || at->ended)
		return;
	(void)shutdown(fd, SHUT_RDWR);
	at->ended = true;
	c->ended++;
}

void
connections_limit(struct connections *c, int64_t most_ns, mono_t now)
{
	connections_look(c, now);
	for (int fd = 0; fd < c->fds; fd++) {
		if (!c->of[fd].stream && now.ns - c->of[fd].since.ns >= most_ns)
			connections_end(c, fd);
	}
}

void
connections_stream(struct connections *c, int fd, mono_t now)
{
	if (fd < 0 || fd >= c->fds)
		return;
	look_at(c, fd, now);
	c->of[fd].stream = true;
}

static int
by_age(const void *a, const void *b)
{
	const mono_t *x = a, *y = b;

	return (x->ns > y->ns) - (x->ns < y->ns);
}

static bool
may_go(const struct connection *at)
{
	return at->ours && !at->stream;
}

void
connections_make_room(struct connections *c, mono_t now)
{
	mono_t since[CONNECTIONS_FDS_MOST];
	size_t count = 0;

	connections_look(c, now);
	for (int fd = 0; fd < c->fds; fd++) {
		if (may_go(&c->of[fd]))
			since[count++] = c->of[fd].since;
	}
	if (count == 0)
		return;
	qsort(since, count, sizeof(*since), by_age);
	/* Several may have the same age: no more than a quarter of all goes. */
	for (size_t fd = 0, gone = 0; fd < (size_t)c->fds && gone <= count / 4; fd++) {
		if (may_go(&c->of[fd]) && c->of[fd].since.ns <= since[count / 4].ns) {
			connections_end(c, (int)fd);
			gone++;
		}
	}
}
