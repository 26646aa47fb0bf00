/* SPDX-License-Identifier: ISC
 *
 * A socket that hears what its listener is for, and nothing else: a group on its interface (a plain bind would
 * also hear groups that other programs joined), or an address.
 */
#include "node/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "base/msg.h"
#include "node/conf_join.h"
#include "node/lane_filter.h"
#include "node/membership.h"
#include "node/unit.h"

#ifndef SO_BINDTOIFINDEX
#define SO_BINDTOIFINDEX 62
#endif
#ifndef IPV6_MULTICAST_ALL
#define IPV6_MULTICAST_ALL 29
#endif

/* One opening: what it is about, for messages. */
struct opening {
	const struct conf_listener *conf;
	unsigned lane, lanes;
	struct listener l;
	char subject[CONF_LISTENER_TEXT_SIZE];
	bool beside; /* an address that we still have */
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

/* After a call failed: for want of the interface, when it went between being found and being used. */
static enum listener_result
failure(int error)
{
	return error == ENODEV || error == ENXIO ? LISTENER_NO_INTERFACE : LISTENER_FAILED;
}

/* --- membership --- */

static bool
fits(const struct conf_listener *conf, const char *subject, unsigned memberships)
{
	char why[MEMBERSHIP_TEXT_SIZE];

	if (membership_fits(conf, memberships, why))
		return true;
	msg_error("%s: cannot join the group: %s", subject, why);
	return false;
}

/* After a call failed with errno. */
static enum listener_result
not_joined(const struct conf_listener *conf, const char *subject, unsigned memberships)
{
	enum listener_result result = failure(errno);
	char why[MEMBERSHIP_TEXT_SIZE];

	if (result == LISTENER_NO_INTERFACE)
		return result;
	if (errno == ENOBUFS) {
		membership_explain(conf, memberships, why);
		msg_error("%s: cannot join the group on %s: %s", subject, conf->interface, why);
	} else {
		msg_error("%s: cannot join the group on %s: %s", subject, conf->interface, strerror(errno));
	}
	return result;
}

static void
joined(struct listener *l, const struct conf_listener *conf)
{
	l->joined = true;
	l->sources_joined = (uint32_t)conf->join_source_count;
}

static enum listener_result
join(struct opening *o)
{
	if (!o->l.multicast)
		return LISTENER_OK;
	if (!fits(o->conf, o->subject, 1))
		return LISTENER_FAILED;
	if (!membership_join(o->l.fd, o->conf, o->l.ifindex))
		return not_joined(o->conf, o->subject, 1);
	joined(&o->l, o->conf);
	return LISTENER_OK;
}

/* --- receive buffer --- */

#define RMEM_MAX "/proc/sys/net/core/rmem_max"

/* The sysctl's value, for the message; "" where it is not shown. */
static void
rmem_max_text(char out[UNIT_TEXT_SIZE + 8])
{
	int fd = open(RMEM_MAX, O_RDONLY | O_CLOEXEC);
	char text[UNIT_TEXT_SIZE];
	size_t len = 0;

	out[0] = '\0';
	if (fd < 0)
		return;
	if (file_pread(fd, text, sizeof(text) - 1, 0, &len) == ERR_OK && len > 0) {
		text[len] = '\0';
		text[strcspn(text, "\n")] = '\0';
		(void)snprintf(out, UNIT_TEXT_SIZE + 8, " from %s", text);
	}
	(void)close(fd);
}

/* What is asked, whatever net.core.rmem_max says, where that is permitted: that takes CAP_NET_ADMIN on the host, and
 * not in a user namespace. Else as much as the sysctl permits. */
static void
set_receive_buffer(struct listener *l, const struct conf_listener *conf, const char *subject)
{
	int wanted = (int)conf->receive_buffer, got = 0;
	socklen_t len = sizeof(got);
	char wanted_text[UNIT_TEXT_SIZE], got_text[UNIT_TEXT_SIZE], value[UNIT_TEXT_SIZE + 8];

	if (setsockopt(l->fd, SOL_SOCKET, SO_RCVBUFFORCE, &wanted, sizeof(wanted)) != 0)
		(void)setsockopt(l->fd, SOL_SOCKET, SO_RCVBUF, &wanted, sizeof(wanted));
	if (getsockopt(l->fd, SOL_SOCKET, SO_RCVBUF, &got, &len) != 0)
		return;
	l->buffer = got;
	got /= 2; /* the kernel doubles it for its own overhead */
	if (got >= wanted)
		return;
	rmem_max_text(value);
	msg_warn(
	    "%s: the receive buffer is %s, not %s: raise net.core.rmem_max%s to %d, or give CAP_NET_ADMIN "
	    "(of the host, not of a user namespace)",
	    subject, unit_size_text(got, got_text), unit_size_text(wanted, wanted_text), value, wanted);
}

/* --- opening --- */

/* Groups and addresses that mean something on one interface only: the kernel binds the socket to it. */
static bool
needs_scope(const struct opening *o)
{
	const uint8_t *b = o->conf->address.b;

	if (!o->l.v6)
		return false;
	if (o->l.multicast)
		return (b[1] & 0x0f) == 1 || (b[1] & 0x0f) == 2;
	return b[0] == 0xfe && (b[1] & 0xc0) == 0x80;
}

static enum listener_result
bind_address(const struct opening *o)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(&o->conf->address, o->conf->port, &sa);
	enum listener_result result;

	if (needs_scope(o)) {
		struct sockaddr_in6 in6;

		memcpy(&in6, &sa, sizeof(in6));
		in6.sin6_scope_id = o->l.ifindex;
		memcpy(&sa, &in6, sizeof(in6));
	}
	if (bind(o->l.fd, (const struct sockaddr *)&sa, len) == 0)
		return LISTENER_OK;
	result = failure(errno);
	if (result == LISTENER_FAILED)
		(void)refuse(o, "cannot bind");
	return result;
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

/* A socket hears all groups that anybody on the host joined, wildcard addresses too, unless it is told not to. */
static bool
keep_out_groups(const struct opening *o)
{
	if (o->l.v6)
		return set(o, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0, "cannot keep out foreign groups");
	return set(o, IPPROTO_IP, IP_MULTICAST_ALL, 0, "cannot keep out foreign groups");
}

static bool
attach(const struct opening *o, int option, struct sock_filter *program, size_t count)
{
	const struct sock_fprog f = {.len = (unsigned short)count, .filter = program};

	if (setsockopt(o->l.fd, SOL_SOCKET, option, &f, sizeof(f)) != 0)
		return refuse(o, "cannot filter for its lane");
	return set(o, SOL_SOCKET, SO_LOCK_FILTER, 1, "cannot lock its filter");
}

/* Several programs may hear one group. On unicast a second socket would silently take everything. */
static bool
before_bind(struct opening *o)
{
	struct sock_filter program[LANE_FILTER_MOST];

	if ((o->l.multicast || o->beside) && !set(o, SOL_SOCKET, SO_REUSEADDR, 1, "cannot share the port"))
		return false;
	if (o->lanes == 1)
		return true;
	if (!o->l.multicast)
		return o->lane == 0 || set(o, SOL_SOCKET, SO_REUSEPORT, 1, "cannot share the port");
	o->l.filtered = true;
	return attach(o, SO_ATTACH_FILTER, program, lane_filter_make(o->l.v6, o->lane, o->lanes, program));
}

/* The first lane's socket of a unicast address binds without SO_REUSEPORT, so only where nobody else is: not even
 * another daemon of the same user. Then it lets the other lanes in, who choose by the same program. */
static bool
after_bind(const struct opening *o)
{
	struct sock_filter program[LANE_FILTER_MOST];

	if (o->beside && !o->l.multicast)
		listener_let_beside(&o->l, false);
	if (o->lanes == 1 || o->l.multicast)
		return true;
	if (o->lane == 0)
		return set(o, SOL_SOCKET, SO_REUSEPORT, 1, "cannot share the port");
	return attach(o, SO_ATTACH_REUSEPORT_CBPF, program, lane_select_make(o->l.v6, o->lanes, program));
}

static enum listener_result
bind_interface(const struct opening *o)
{
	const char *name = o->conf->interface;
	enum listener_result result;

	if (o->l.multicast || o->l.ifindex == 0 ||
	    setsockopt(o->l.fd, SOL_SOCKET, SO_BINDTODEVICE, name, (socklen_t)strlen(name)) == 0)
		return LISTENER_OK;
	result = failure(errno);
	if (result == LISTENER_FAILED)
		(void)refuse(o, "cannot bind to the interface");
	return result;
}

static enum listener_result
open_socket(struct opening *o)
{
	enum listener_result result;

	o->l.fd = socket(o->l.v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (o->l.fd < 0) {
		(void)refuse(o, "cannot open a socket");
		return LISTENER_FAILED;
	}
	if ((o->l.v6 && !set(o, IPPROTO_IPV6, IPV6_V6ONLY, 1, "cannot be for IPv6 alone")) ||
	    !keep_out_groups(o) || !before_bind(o) || !set_extras(o))
		return LISTENER_FAILED;
	set_receive_buffer(&o->l, o->conf, o->subject);
	/* Nothing is sent from it, whoever holds it. The kernel says that it is not connected, and shuts it. */
	(void)shutdown(o->l.fd, SHUT_WR);
	result = bind_interface(o);
	if (result == LISTENER_OK)
		result = bind_address(o);
	if (result == LISTENER_OK && !after_bind(o))
		result = LISTENER_FAILED;
	return result == LISTENER_OK ? join(o) : result;
}

static enum listener_result
open_listener(
    const struct conf_listener *conf, unsigned lane, unsigned lanes, bool beside, struct listener *ret)
{
	struct opening o = {
	    .conf = conf,
	    .lane = lane,
	    .lanes = lanes,
	    .beside = beside,
	    .l = {.fd = -1,
		.multicast = addr_is_multicast(&conf->address),
		.v6 = !addr_is_v4(&conf->address)},
	};
	enum listener_result result;

	(void)conf_listener_text(conf, o.subject);
	if (conf->interface[0] != '\0') {
		o.l.ifindex = if_nametoindex(conf->interface);
		if (o.l.ifindex == 0)
			return LISTENER_NO_INTERFACE;
	}
	if (lane == 0 && conf_lacks_join_sources(conf))
		msg_warn("%s: the group is for source-specific multicast, and there is no join_sources: "
			 "routers forward nothing for it",
		    o.subject);
	result = open_socket(&o);
	if (result == LISTENER_OK)
		*ret = o.l;
	else
		listener_close(&o.l);
	return result;
}

enum listener_result
listener_open(const struct conf_listener *conf, unsigned lane, unsigned lanes, struct listener *ret)
{
	return open_listener(conf, lane, lanes, false, ret);
}

enum listener_result
listener_open_beside(const struct conf_listener *conf, unsigned lane, unsigned lanes, struct listener *ret)
{
	return open_listener(conf, lane, lanes, true, ret);
}

void
listener_let_beside(const struct listener *l, bool willing)
{
	int value = willing;

	if (l->fd >= 0 && !l->multicast)
		(void)setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &value, sizeof(value));
}

void
listener_close(struct listener *l)
{
	if (l->fd >= 0)
		(void)close(l->fd);
	l->fd = -1;
	l->joined = false;
}

/* --- changing --- */

bool
listener_same_socket(const struct conf_listener *a, const struct conf_listener *b)
{
	return addr_cmp(&a->address, &b->address) == 0 && a->port == b->port &&
	    strcmp(a->interface, b->interface) == 0;
}

enum listener_result
listener_adjust(struct listener *l, const struct conf_listener *from, const struct conf_listener *to)
{
	char subject[CONF_LISTENER_TEXT_SIZE];

	(void)conf_listener_text(to, subject);
	if (l->multicast && l->joined && !conf_same_join_sources(from, to)) {
		if (!fits(to, subject, 1))
			return LISTENER_FAILED;
		if (!membership_set_sources(l->fd, to, l->ifindex))
			return not_joined(to, subject, 1);
		joined(l, to);
	}
	if (from->receive_buffer != to->receive_buffer)
		set_receive_buffer(l, to, subject);
	return LISTENER_OK;
}

/* Where the kernel bound the socket to the interface, that is to be changed, too; without CAP_NET_RAW it cannot. One that
 * came back with its index needs nothing, and another socket would find this one in its way. */
static enum listener_result
rebind(const struct listener *l, uint32_t ifindex)
{
	int bound = 0, index = (int)ifindex;
	socklen_t len = sizeof(bound);

	if (getsockopt(l->fd, SOL_SOCKET, SO_BINDTOIFINDEX, &bound, &len) != 0)
		return LISTENER_REOPEN;
	if (bound == 0 || bound == index ||
	    setsockopt(l->fd, SOL_SOCKET, SO_BINDTOIFINDEX, &index, sizeof(index)) == 0)
		return LISTENER_OK;
	if (failure(errno) == LISTENER_NO_INTERFACE)
		return LISTENER_NO_INTERFACE;
	return LISTENER_REOPEN;
}

/* The kernel keeps a membership of an interface that is gone in the socket's list: with the same index it must be
 * left before it can be joined again. */
static enum listener_result
move_membership(struct listener *l, const struct conf_listener *conf, uint32_t ifindex)
{
	char subject[CONF_LISTENER_TEXT_SIZE];
	bool same = ifindex == l->ifindex;

	(void)conf_listener_text(conf, subject);
	if (same)
		(void)membership_leave(l->fd, conf, ifindex);
	if (!membership_join(l->fd, conf, ifindex)) {
		l->joined = l->joined && !same;
		return not_joined(conf, subject, same ? 1 : 2);
	}
	if (!same)
		(void)membership_leave(l->fd, conf, l->ifindex);
	joined(l, conf);
	return LISTENER_OK;
}

enum listener_result
listener_rejoin(struct listener *l, const struct conf_listener *conf, uint32_t ifindex)
{
	enum listener_result result = rebind(l, ifindex);

	if (result == LISTENER_OK && l->multicast)
		result = move_membership(l, conf, ifindex);
	if (result == LISTENER_OK)
		l->ifindex = ifindex;
	return result;
}
