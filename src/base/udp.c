/* SPDX-License-Identifier: ISC
 *
 * socket, setsockopt, connect.
 */
#include "base/udp.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef IPV6_HDRINCL
#define IPV6_HDRINCL 36
#endif

static bool
set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) == 0;
}

static bool
choose_interface(const struct udp_target *t, int fd, unsigned index)
{
	struct ip_mreqn v4 = {.imr_ifindex = (int)index};

	if (index == 0)
		return true;
	if (!addr_is_multicast(&t->to))
		return setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, t->interface,
			   (socklen_t)strlen(t->interface)) == 0;
	if (addr_is_v4(&t->to))
		return setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &v4, sizeof(v4)) == 0;
	return set(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, (int)index);
}

static bool
limit_hops(const struct udp_target *t, int fd)
{
	bool group = addr_is_multicast(&t->to);

	if (t->hops == 0)
		return true;
	if (addr_is_v4(&t->to))
		return set(fd, IPPROTO_IP, group ? IP_MULTICAST_TTL : IP_TTL, t->hops);
	return set(fd, IPPROTO_IPV6, group ? IPV6_MULTICAST_HOPS : IPV6_UNICAST_HOPS, t->hops);
}

/* fe80::/10, and groups that no router passes on: they mean something on a link only. */
static bool
is_of_link(const struct addr *a)
{
	return (a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80) || (a->b[0] == 0xff && (a->b[1] & 0x0f) <= 2);
}

static const char *
prepare(const struct udp_target *t, bool raw, int fd, unsigned index)
{
	struct sockaddr_storage to;
	socklen_t len = addr_to_sockaddr(&t->to, t->port, &to);
	bool v6 = to.ss_family == AF_INET6;

	if (raw && v6 && !set(fd, IPPROTO_IPV6, IPV6_HDRINCL, 1))
		return "cannot send from exporters' addresses";
	if (!choose_interface(t, fd, index))
		return "cannot choose the interface";
	if (!limit_hops(t, fd))
		return "cannot limit the hops";
	if (v6) {
		struct sockaddr_in6 sin6;

		memcpy(&sin6, &to, sizeof(sin6));
		if (raw) /* which would take the port for a protocol */
			sin6.sin6_port = 0;
		if (is_of_link(&t->to))
			sin6.sin6_scope_id = index;
		memcpy(&to, &sin6, sizeof(sin6));
	}
	return connect(fd, (const struct sockaddr *)&to, len) == 0 ? NULL : "cannot send there";
}

enum err
udp_open(const struct udp_target *t, bool raw, int *ret_fd, const char **ret_what)
{
	int family = addr_is_v4(&t->to) ? AF_INET : AF_INET6;
	unsigned index = t->interface[0] != '\0' ? if_nametoindex(t->interface) : 0;
	int fd, saved;

	if (t->interface[0] != '\0' && index == 0) {
		*ret_what = t->interface;
		return ERR_SYSTEM;
	}
	fd = raw ? socket(family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW)
		 : socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		*ret_what = raw ? "cannot send from exporters' addresses" : "cannot open a socket";
		return ERR_SYSTEM;
	}
	*ret_what = prepare(t, raw, fd, index);
	if (*ret_what == NULL) {
		*ret_fd = fd;
		return ERR_OK;
	}
	saved = errno;
	(void)close(fd);
	errno = saved;
	return ERR_SYSTEM;
}
