/* SPDX-License-Identifier: ISC
 *
 * One system call a datagram and target.
 */
#include "node/forward.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/msg.h"
#include "node/snapshot.h"
#include "node/sources.h"
#include "wire/udp_packet.h"

#define HOPS_UNICAST 64
#define HOPS_GROUP 1

struct forward {
	const struct conf_forward *conf;
	int fd;
	struct sources sources;
	uint64_t sent, lost;
	struct msg_limit said;
};

struct forwards {
	struct forward *all; /* owned */
	size_t count;
	uint8_t packet[UDP_PACKET_MOST], fragment[UDP_PACKET_MOST];
	uint32_t fragment_id;
};

enum err
forwards_new(const struct conf *conf, const int *fds, struct forwards **ret)
{
	struct forwards *f = calloc(1, sizeof(*f));
	enum err e = ERR_OK;

	if (f == NULL)
		return ERR_MEMORY;
	f->all = calloc(conf->forward_count + 1, sizeof(*f->all));
	if (f->all == NULL)
		e = ERR_MEMORY;
	while (e == ERR_OK && f->count < conf->forward_count) {
		const struct conf_forward *c = &conf->forwards[f->count];
		struct forward *one = &f->all[f->count];

		*one = (struct forward){.conf = c, .fd = fds[f->count], .said = MSG_LIMIT_INIT(1, 60)};
		e = sources_init(&one->sources, c->sources.list, c->sources.count);
		if (e == ERR_OK)
			f->count++;
	}
	if (e != ERR_OK) {
		forwards_free(f);
		return e;
	}
	*ret = f;
	return ERR_OK;
}

void
forwards_free(struct forwards *f)
{
	if (f == NULL)
		return;
	for (size_t i = 0; i < f->count; i++)
		sources_clear(&f->all[i].sources);
	free(f->all);
	free(f);
}

static void
lose(struct forward *f, int error, mono_t now)
{
	char text[CONF_LISTENER_TEXT_SIZE];
	uint64_t held;

	f->lost++;
	if (msg_limit_pass(&f->said, now, &held))
		msg_warn("%s: cannot send: %s; %" PRIu64 " datagrams lost so far",
		    conf_forward_text(f->conf, text), strerror(error), f->lost);
}

/* From the exporter: 0 when that cannot be. */
static size_t
make_packet(struct forwards *all, const struct forward *f, const struct record *d)
{
	const struct udp_ends ends = {.from = d->addr,
	    .to = f->conf->address,
	    .from_port = d->port,
	    .to_port = f->conf->port,
	    .hops = f->conf->hops != 0                 ? (uint8_t)f->conf->hops
		: addr_is_multicast(&f->conf->address) ? HOPS_GROUP
						       : HOPS_UNICAST};

	return udp_packet_make(&ends, d->body, d->len, all->packet);
}

/* The kernel cuts no packet of ours. False, with errno: part of it, or all, could not be sent. */
static bool
send_fragments(struct forwards *all, struct forward *f, const uint8_t *packet, size_t len)
{
	struct udp_fragments parts = {.packet = packet, .len = len, .id = ++all->fragment_id};
	bool v4 = addr_is_v4(&f->conf->address);
	int mtu = 0;
	socklen_t size = sizeof(mtu);
	size_t n;

	if (getsockopt(f->fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_MTU : IPV6_MTU, &mtu, &size) != 0)
		return false;
	if (mtu < UDP_FRAGMENT_MTU_LEAST || mtu > (int)sizeof(all->fragment)) {
		errno = EMSGSIZE;
		return false;
	}
	parts.mtu = (size_t)mtu;
	while ((n = udp_fragment_next(&parts, all->fragment)) > 0) {
		if (send(f->fd, all->fragment, n, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			return false;
	}
	return true;
}

/* An error may be the fate of a datagram before this one, which ICMP has told: that one is lost, and this one is sent. */
static void
send_on(struct forwards *all, struct forward *f, const uint8_t *bytes, size_t len, mono_t now)
{
	ssize_t n;
	int error;

	for (int tries = 0; tries < 2; tries++) {
		n = send(f->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n >= 0 ||
		    (errno == EMSGSIZE && f->conf->exporter_address && send_fragments(all, f, bytes, len))) {
			f->sent++;
			return;
		}
		error = errno;
		lose(f, error, now);
		if (error != ECONNREFUSED)
			return;
	}
}

void
forwards_send(struct forwards *f, const struct record *datagram, mono_t now)
{
	for (size_t i = 0; i < f->count; i++) {
		struct forward *one = &f->all[i];
		const uint8_t *bytes = datagram->body;
		size_t len = datagram->len;

		if (!sources_permit(&one->sources, &datagram->addr))
			continue;
		if (one->conf->exporter_address) {
			bytes = f->packet;
			len = make_packet(f, one, datagram);
			if (len == 0) {
				lose(one,
				    addr_is_v4(&datagram->addr) != addr_is_v4(&one->conf->address)
					? EAFNOSUPPORT
					: EMSGSIZE,
				    now);
				continue;
			}
		}
		send_on(f, one, bytes, len, now);
	}
}

void
forwards_put(const struct forwards *f, struct buf *b)
{
	for (size_t i = 0; i < f->count; i++) {
		snapshot_put(b, METRIC_FORWARD_SENT, (uint16_t)i, f->all[i].sent);
		snapshot_put(b, METRIC_FORWARD_LOST, (uint16_t)i, f->all[i].lost);
	}
}

void
forwards_say(const struct forwards *f)
{
	char text[CONF_LISTENER_TEXT_SIZE];

	for (size_t i = 0; i < f->count; i++)
		msg_info("%s: %" PRIu64 " datagrams sent, %" PRIu64 " lost",
		    conf_forward_text(f->all[i].conf, text), f->all[i].sent, f->all[i].lost);
}
