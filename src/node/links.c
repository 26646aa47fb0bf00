/* SPDX-License-Identifier: ISC
 *
 * rtnetlink with the kernel's headers alone: three structs and one attribute are all that is needed. They are copied
 * out through base/rd, whose reads are bounded; its numbers are big-endian and are not used, since netlink has the
 * host's byte order.
 */
#include "node/links.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/rd.h"

#define ERRNO_MOST 4095     /* MAX_ERRNO of the kernel */
#define DATAGRAM_MOST 32768 /* what the kernel puts together in a dump */
#define READS_MOST 64       /* before others have their turn */

/* --- asking --- */

static enum err
ask_for_list(struct links *l)
{
	struct {
		struct nlmsghdr head;
		struct ifinfomsg info;
	} request = {
	    .head = {.nlmsg_len = sizeof(request),
		.nlmsg_type = RTM_GETLINK,
		.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
		.nlmsg_seq = l->sequence + 1},
	    .info = {.ifi_family = AF_UNSPEC},
	};
	const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};

	if (sendto(l->fd, &request, sizeof(request), 0, (const struct sockaddr *)&kernel, sizeof(kernel)) !=
	    (ssize_t)sizeof(request))
		return ERR_SYSTEM;
	l->sequence++;
	l->list_wanted = false;
	l->list_running = true;
	return ERR_OK;
}

enum err
links_open(struct links *ret)
{
	const struct sockaddr_nl all = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
	struct links l = {.fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE),
	    .list_wanted = true};

	if (l.fd < 0)
		return ERR_SYSTEM;
	/* News before the list, so that nothing that happens in between is in neither. */
	if (bind(l.fd, (const struct sockaddr *)&all, sizeof(all)) != 0) {
		links_close(&l);
		return ERR_SYSTEM;
	}
	*ret = l;
	return ERR_OK;
}

void
links_close(struct links *l)
{
	if (l->fd >= 0)
		(void)close(l->fd);
	l->fd = -1;
}

/* --- reading --- */

/* Messages and attributes begin at multiples of 4; the last one may end before the next. */
static void
skip_padding(struct rd *r, size_t len)
{
	size_t padding = (4 - len % 4) % 4;

	rd_skip(r, padding < rd_left(r) ? padding : rd_left(r));
}

static bool
read_name(struct rd *r, char out[IF_NAMESIZE])
{
	size_t len = rd_left(r);
	const char *name = (const char *)rd_bytes(r, len);

	if (name == NULL || len < 2 || len > IF_NAMESIZE || memchr(name, '\0', len) != name + len - 1)
		return false;
	memcpy(out, name, len);
	return true;
}

static bool
read_attributes(struct rd *r, struct link_news *n)
{
	bool named = false;

	while (rd_left(r) > 0) {
		struct rtattr a;
		struct rd value;

		rd_copy(r, &a, sizeof(a));
		if (!rd_ok(r) || a.rta_len < sizeof(a))
			return false;
		value = rd_sub(r, a.rta_len - sizeof(a));
		if (!rd_ok(r))
			return false;
		skip_padding(r, a.rta_len);
		if (a.rta_type == IFLA_IFNAME)
			named = read_name(&value, n->name);
	}
	return named;
}

static bool
read_link(struct rd *r, const struct nlmsghdr *head, uint32_t sequence, const struct links_sink *sink)
{
	struct link_news n = {.gone = head->nlmsg_type == RTM_DELLINK};
	struct ifinfomsg info;

	rd_copy(r, &info, sizeof(info));
	if (!rd_ok(r))
		return false;
	if (info.ifi_family != AF_UNSPEC)
		return true; /* a bridge telling of its port: the interface itself neither came nor went */
	if (info.ifi_index <= 0 || !read_attributes(r, &n))
		return false;
	n.ifindex = (uint32_t)info.ifi_index;
	n.up = !n.gone && (info.ifi_flags & IFF_UP) != 0;
	n.running = n.up && (info.ifi_flags & IFF_RUNNING) != 0;
	n.dumped = (head->nlmsg_flags & NLM_F_MULTI) != 0 && head->nlmsg_seq == sequence;
	sink->news(sink->ctx, &n);
	return true;
}

static bool
read_message(struct rd *r, const struct nlmsghdr *head, uint32_t sequence, const struct links_sink *sink,
    struct links_seen *seen)
{
	struct nlmsgerr error = {.error = 0};

	/* An interface came or went while the list was made: it may lack one. */
	seen->again |= (head->nlmsg_flags & NLM_F_DUMP_INTR) != 0 || head->nlmsg_type == NLMSG_OVERRUN;
	switch (head->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		return read_link(r, head, sequence, sink);
	case NLMSG_DONE:
		seen->done |= head->nlmsg_seq == sequence;
		return true;
	case NLMSG_ERROR:
		rd_copy(r, &error.error, sizeof(error.error));
		if (!rd_ok(r) || error.error > 0 || error.error < -ERRNO_MOST)
			return false;
		if (head->nlmsg_seq == sequence)
			seen->error = -error.error;
		return true;
	default:
		return true;
	}
}

enum err
links_parse(
    const void *bytes, size_t len, uint32_t sequence, const struct links_sink *sink, struct links_seen *ret)
{
	struct rd r = rd_init(bytes, len);

	*ret = (struct links_seen){.error = 0};
	while (rd_left(&r) > 0) {
		struct nlmsghdr head;
		struct rd body;

		rd_copy(&r, &head, sizeof(head));
		if (!rd_ok(&r) || head.nlmsg_len < sizeof(head))
			return ERR_MALFORMED;
		body = rd_sub(&r, head.nlmsg_len - sizeof(head));
		if (!rd_ok(&r))
			return ERR_MALFORMED;
		skip_padding(&r, head.nlmsg_len);
		if (!read_message(&body, &head, sequence, sink, ret))
			return ERR_MALFORMED;
	}
	return ERR_OK;
}

/* What a datagram said about the list. */
static enum err
take_seen(struct links *l, const struct links_seen *seen, const struct links_sink *sink)
{
	l->list_wanted |= seen->again;
	if (seen->error != 0) {
		errno = seen->error;
		return ERR_SYSTEM;
	}
	if (l->list_running && seen->done) {
		l->list_running = false;
		if (!l->list_wanted)
			sink->end(sink->ctx);
	}
	return ERR_OK;
}

/* One datagram. ERR_END: there is none now. */
static enum err
read_datagram(struct links *l, const struct links_sink *sink)
{
	uint8_t bytes[DATAGRAM_MOST];
	struct sockaddr_nl from = {.nl_pid = 0};
	socklen_t from_len = sizeof(from);
	struct links_seen seen;
	enum err parsed, e;
	ssize_t len;

	len = recvfrom(l->fd, bytes, sizeof(bytes), MSG_TRUNC, (struct sockaddr *)&from, &from_len);
	if (len < 0 && errno == ENOBUFS) { /* news were dropped; a list never is */
		l->list_wanted = true;
		return ERR_OK;
	}
	if (len < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? ERR_END
		    : errno == EINTR                           ? ERR_OK
							       : ERR_SYSTEM;
	if (from.nl_pid != 0)
		return ERR_OK; /* another process may send to us; only the kernel is believed */
	if ((size_t)len > sizeof(bytes))
		return ERR_MALFORMED;
	parsed = links_parse(bytes, (size_t)len, l->sequence, sink, &seen);
	e = take_seen(l, &seen, sink);
	return e != ERR_OK ? e : parsed;
}

/* Only when everything was read: until then the kernel drops news without saying so again, and what it had queued
 * before is older than the list. And one list at a time: it says EBUSY to a second one. */
static enum err
nothing_more(struct links *l, const struct links_sink *sink)
{
	enum err e;

	if (!l->list_wanted || l->list_running)
		return ERR_END;
	e = ask_for_list(l);
	if (e == ERR_OK)
		sink->begin(sink->ctx);
	return e;
}

enum err
links_read(struct links *l, const struct links_sink *sink)
{
	enum err worst = ERR_OK;

	for (int i = 0; i < READS_MOST; i++) {
		enum err e = read_datagram(l, sink);

		if (e == ERR_END)
			e = nothing_more(l, sink);
		if (e == ERR_SYSTEM)
			return e;
		if (e == ERR_END)
			break;
		worst = e != ERR_OK ? e : worst;
	}
	return worst;
}
