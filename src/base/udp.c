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

static bool
connect_to(int fd, const struct udp_target *t, bool raw, unsigned index)
{
	static const struct sockaddr nobody = {.sa_family = AF_UNSPEC};
	struct sockaddr_storage to;
	socklen_t len = addr_to_sockaddr(&t->to, t->port, &to);

	if (to.ss_family == AF_INET6) {
		struct sockaddr_in6 sin6;

		memcpy(&sin6, &to, sizeof(sin6));
		if (raw) /* which would take the port for a protocol */
			sin6.sin6_port = 0;
		if (is_of_link(&t->to))
			sin6.sin6_scope_id = index;
		memcpy(&to, &sin6, sizeof(sin6));
	}
	(void)connect(fd, &nobody, sizeof(nobody)); /* or the address that it sends from would stay */
	return connect(fd, (const struct sockaddr *)&to, len) == 0;
}

enum err
udp_lead(int fd, const struct udp_target *t, bool raw, const char **ret_what)
{
	unsigned index = t->interface[0] != '\0' ? if_nametoindex(t->interface) : 0;

	if (t->interface[0] != '\0' && index == 0)
		*ret_what = t->interface;
	else if (!choose_interface(t, fd, index))
		*ret_what = "cannot choose the interface";
	else if (!limit_hops(t, fd))
		*ret_what = "cannot limit the hops";
	else if (!connect_to(fd, t, raw, index))
		*ret_what = "cannot send there";
	else
		return ERR_OK;
	return ERR_SYSTEM;
}

static enum err
give_up(int fd)
{
	int saved = errno;

	(void)close(fd);
	errno = saved;
	return ERR_SYSTEM;
}

enum err
udp_socket(const struct udp_target *t, bool raw, int *ret_fd, const char **ret_what)
{
	int family = addr_is_v4(&t->to) ? AF_INET : AF_INET6;
	int fd = raw ? socket(family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW)
		     : socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	*ret_what = raw ? "cannot send from exporters' addresses" : "cannot open a socket";
	if (fd < 0)
		return ERR_SYSTEM;
	if (raw && family == AF_INET6 && !set(fd, IPPROTO_IPV6, IPV6_HDRINCL, 1))
		return give_up(fd);
	*ret_fd = fd;
	return ERR_OK;
}

enum err
udp_open(const struct udp_target *t, bool raw, int *ret_fd, const char **ret_what)
{
	int fd;
	enum err e = udp_socket(t, raw, &fd, ret_what);

	if (e != ERR_OK)
		return e;
	if (udp_lead(fd, t, raw, ret_what) != ERR_OK)
		return give_up(fd);
	*ret_fd = fd;
	return ERR_OK;
}
