/* SPDX-License-Identifier: ISC
 *
 * A socket that hears what its listener is for, and nothing else: a group on its interface (a plain bind would
 * also hear groups that other programs joined), or an address.
 */
#include "node/listener.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/msg.h"
#include "node/unit.h"

#ifndef IPV6_MULTICAST_ALL
#define IPV6_MULTICAST_ALL 29
#endif

/* One opening: what it is about, for messages. */
struct opening {
	const struct conf_listener *conf;
	struct listener l;
	char subject[CONF_LISTENER_TEXT_SIZE];
};

static bool
refuse(const struct opening *o, const char *what)
{
	msg_error("%s: %s: %s", o->subject, what, strerror(errno));
	return false;
}

static bool
set(const struct opening *o, int level, int option, int value, const char *what)
{
	if (setsockopt(o->l.fd, level, option, &value, sizeof(value)) != 0)
		return refuse(o, what);
	return true;
}

static bool
find_interface(struct opening *o)
{
	const char *name = o->conf->interface;

	if (name[0] == '\0')
		return true;
	o->l.ifindex = if_nametoindex(name);
	if (o->l.ifindex == 0) {
		msg_error("%s: there is no interface %s", o->subject, name);
		return false;
	}
	return true;
}

static bool
join(const struct opening *o)
{
	char what[64];
	int result;

	if (o->l.v6) {
		struct ipv6_mreq group = {.ipv6mr_interface = o->l.ifindex};

		memcpy(&group.ipv6mr_multiaddr, o->conf->address.b, sizeof(group.ipv6mr_multiaddr));
		result = setsockopt(o->l.fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &group, sizeof(group));
	} else {
		struct ip_mreqn group = {.imr_ifindex = (int)o->l.ifindex};

		memcpy(&group.imr_multiaddr, o->conf->address.b + 12, sizeof(group.imr_multiaddr));
		result = setsockopt(o->l.fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof(group));
	}
	if (result == 0)
		return true;
	(void)snprintf(what, sizeof(what), "cannot join the group on %s", o->conf->interface);
	return refuse(o, what);
}

/* What is asked, whatever net.core.rmem_max says, where that is permitted; else as much as it permits. */
static void
set_receive_buffer(struct opening *o)
{
	int wanted = (int)o->conf->receive_buffer, got = 0;
	socklen_t len = sizeof(got);
	char wanted_text[UNIT_TEXT_SIZE], got_text[UNIT_TEXT_SIZE];

	if (setsockopt(o->l.fd, SOL_SOCKET, SO_RCVBUFFORCE, &wanted, sizeof(wanted)) != 0)
		(void)setsockopt(o->l.fd, SOL_SOCKET, SO_RCVBUF, &wanted, sizeof(wanted));
	if (getsockopt(o->l.fd, SOL_SOCKET, SO_RCVBUF, &got, &len) != 0)
		return;
	o->l.buffer = got;
	got /= 2; /* the kernel doubles it for its own overhead */
	if (got < wanted)
		msg_warn(
		    "%s: the receive buffer is %s, not %s (raise net.core.rmem_max, or give CAP_NET_ADMIN)",
		    o->subject, unit_size_text(got, got_text), unit_size_text(wanted, wanted_text));
}

static bool
bind_address(const struct opening *o)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(&o->conf->address, o->conf->port, &sa);

	if (o->l.v6 &&
	    (o->l.multicast || (o->conf->address.b[0] == 0xfe && (o->conf->address.b[1] & 0xc0) == 0x80))) {
		/* groups and link-local addresses are of an interface */
		struct sockaddr_in6 in6;

		memcpy(&in6, &sa, sizeof(in6));
		in6.sin6_scope_id = o->l.ifindex;
		memcpy(&sa, &in6, sizeof(in6));
	}
	if (bind(o->l.fd, (const struct sockaddr *)&sa, len) != 0)
		return refuse(o, "cannot bind");
	return true;
}

/* Kernel times and drop counts come with the datagrams; on IPv6 groups also the interface, because a group
 * that another socket joined elsewhere is heard here too. */
static bool
set_extras(const struct opening *o)
{
	return set(o, SOL_SOCKET, SO_TIMESTAMPNS, 1, "cannot have receive times") &&
	    set(o, SOL_SOCKET, SO_RXQ_OVFL, 1, "cannot have drop counts") &&
	    (!o->l.v6 || !o->l.multicast ||
		set(o, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1, "cannot have the interface of datagrams"));
}

static bool
set_multicast(const struct opening *o)
{
	/* Several programs may hear one group. On unicast a second socket would silently take everything. */
	if (!set(o, SOL_SOCKET, SO_REUSEADDR, 1, "cannot share the port"))
		return false;
	if (o->l.v6)
		return set(o, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0, "cannot keep out foreign groups");
	return set(o, IPPROTO_IP, IP_MULTICAST_ALL, 0, "cannot keep out foreign groups");
}

static bool
bind_interface(const struct opening *o)
{
	const char *name = o->conf->interface;

	if (setsockopt(o->l.fd, SOL_SOCKET, SO_BINDTODEVICE, name, (socklen_t)strlen(name)) != 0)
		return refuse(o, "cannot bind to the interface");
	return true;
}

static bool
open_socket(struct opening *o)
{
	o->l.fd = socket(o->l.v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (o->l.fd < 0)
		return refuse(o, "cannot open a socket");
	if (o->l.v6 && !set(o, IPPROTO_IPV6, IPV6_V6ONLY, 1, "cannot be for IPv6 alone"))
		return false;
	if (o->l.multicast && !set_multicast(o))
		return false;
	if (!o->l.multicast && o->l.ifindex != 0 && !bind_interface(o))
		return false;
	set_receive_buffer(o);
	return set_extras(o) && bind_address(o) && (!o->l.multicast || join(o));
}

bool
listener_open(const struct conf_listener *conf, struct listener *ret)
{
	struct opening o = {
	    .conf = conf,
	    .l = {.fd = -1,
		.multicast = addr_is_multicast(&conf->address),
		.v6 = !addr_is_v4(&conf->address)},
	};

	(void)conf_listener_text(conf, o.subject);
	if (!find_interface(&o) || !open_socket(&o)) {
		listener_close(&o.l);
		return false;
	}
	*ret = o.l;
	return true;
}

void
listener_close(struct listener *l)
{
	if (l->fd >= 0)
		(void)close(l->fd);
	l->fd = -1;
}
