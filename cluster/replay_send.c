/* SPDX-License-Identifier: ISC
 *
 * Sockets by exporter, or one raw socket.
 */
#include "cluster/replay_send.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/array.h"
#include "base/hash.h"
#include "base/msg.h"
#include "base/udp.h"
#include "wire/udp_packet.h"

#define EXPORTERS_MOST 4096 /* those beyond share a socket */
#define HOPS 64             /* of unicast */
#define SEND_PATIENCE_MS 10000

struct exporter {
	struct addr addr;
	uint16_t port;
	int fd;
};

struct sender {
	struct sender_options options;
	struct udp_target target;
	int raw;                    /* -1: not so */
	struct exporter *exporters; /* owned */
	size_t count, room;
	struct hash index;
	uint8_t packet[UDP_PACKET_MOST];
};

static bool
refuse(const char *what)
{
	msg_error("replay: %s: %s", what, strerror(errno));
	return false;
}

/* -1: a message has said why. */
static int
open_socket(const struct sender *s, bool raw)
{
	const char *what;
	int fd;

	if (udp_open(&s->target, raw, &fd, &what) == ERR_OK)
		return fd;
	(void)refuse(what);
	return -1;
}

struct sender *
sender_new(const struct sender_options *options)
{
	struct sender *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		msg_error("replay: out of memory");
		return NULL;
	}
	s->options = *options;
	s->target = (struct udp_target){.to = options->to, .port = options->port};
	_Static_assert(sizeof(s->target.interface) == sizeof(options->interface), "names of interfaces");
	if (addr_is_multicast(&options->to)) {
		memcpy(s->target.interface, options->interface, sizeof(s->target.interface));
		s->target.hops = options->hops;
	}
	s->raw = options->exporters_address ? open_socket(s, true) : -1;
	if (options->exporters_address && s->raw < 0) {
		sender_free(s);
		return NULL;
	}
	return s;
}

void
sender_free(struct sender *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->count; i++)
		(void)close(s->exporters[i].fd);
	free(s->exporters);
	hash_clear(&s->index);
	if (s->raw >= 0)
		(void)close(s->raw);
	free(s);
}

uint32_t
sender_exporters(const struct sender *s)
{
	return (uint32_t)s->count;
}

/* --- a socket for each --- */

static uint64_t
hash_of(const struct addr *a, uint16_t port)
{
	uint8_t key[18];

	memcpy(key, a->b, 16);
	key[16] = (uint8_t)(port >> 8);
	key[17] = (uint8_t)port;
	return hash_bytes(key, sizeof(key));
}

static int
socket_for(struct sender *s, const struct addr *a, uint16_t port)
{
	uint64_t hv = hash_of(a, port);
	struct hash_probe p;
	int fd;

	for (uint32_t v = hash_first(&s->index, hv, &p); v != HASH_NONE; v = hash_next(&s->index, &p)) {
		if (addr_cmp(&s->exporters[v].addr, a) == 0 && s->exporters[v].port == port)
			return s->exporters[v].fd;
	}
	if (s->count >= EXPORTERS_MOST)
		return s->exporters[EXPORTERS_MOST - 1].fd;
	fd = open_socket(s, false);
	if (fd < 0)
		return -1;
	if (array_grow(s->exporters, s->room, s->count) != ERR_OK ||
	    hash_add(&s->index, hv, (uint32_t)s->count) != ERR_OK) {
		msg_error("replay: out of memory");
		(void)close(fd);
		return -1;
	}
	s->exporters[s->count++] = (struct exporter){.addr = *a, .port = port, .fd = fd};
	return fd;
}

/* --- packets --- */

/* What is full for the moment is waited for; what nobody listens to is no fault of ours. */
static bool
try_again(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	if (errno == EINTR || errno == ECONNREFUSED)
		return true;
	if (errno != EAGAIN && errno != ENOBUFS)
		return false;
	if (errno == ENOBUFS)
		return poll(NULL, 0, 1) == 0;
	return poll(&p, 1, SEND_PATIENCE_MS) > 0;
}

bool
sender_send(struct sender *s, const struct addr *from, uint16_t from_port, const uint8_t *payload, size_t len)
{
	int fd = s->raw >= 0 ? s->raw : socket_for(s, from, from_port);
	const uint8_t *bytes = payload;
	ssize_t n;

	if (fd < 0)
		return false;
	if (s->raw >= 0) {
		const struct udp_ends ends = {.from = *from,
		    .to = s->options.to,
		    .from_port = from_port,
		    .to_port = s->options.port,
		    .hops = s->target.hops != 0 ? s->target.hops : HOPS};

		if (addr_is_v4(from) != addr_is_v4(&s->options.to)) {
			errno = EAFNOSUPPORT;
			return refuse("an exporter of the other address family");
		}
		len = udp_packet_make(&ends, payload, len, s->packet);
		if (len == 0) {
			errno = EMSGSIZE;
			return refuse("cannot send");
		}
		bytes = s->packet;
	}
	do {
		n = send(fd, bytes, len, 0);
	} while (n < 0 && try_again(fd));
	return n >= 0 || refuse("cannot send");
}
