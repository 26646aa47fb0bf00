/* SPDX-License-Identifier: ISC
 *
 * Sockets by exporter, and the headers that a raw socket wants.
 */
#include "cluster/replay_send.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/array.h"
#include "base/hash.h"
#include "base/msg.h"
#include "base/wr.h"

#define EXPORTERS_MOST 4096 /* those beyond share a socket */
#define IPV4_HEADER 20
#define IPV6_HEADER 40
#define UDP_HEADER 8
#define PACKET_MOST (IPV6_HEADER + UDP_HEADER + 65535)
#define SEND_PATIENCE_MS 10000

#ifndef IPV6_HDRINCL
#define IPV6_HDRINCL 36
#endif

struct exporter {
	struct addr addr;
	uint16_t port;
	int fd;
};

struct sender {
	struct sender_options options;
	struct sockaddr_storage to;
	socklen_t to_len;
	bool v6;
	int raw;                    /* -1: not so */
	struct exporter *exporters; /* owned */
	size_t count, room;
	struct hash index;
	uint8_t packet[PACKET_MOST];
};

static bool
refuse(const char *what)
{
	msg_error("replay: %s: %s", what, strerror(errno));
	return false;
}

static bool
choose_interface(const struct sender *s, int fd)
{
	unsigned index = s->options.interface[0] != '\0' ? if_nametoindex(s->options.interface) : 0;
	struct ip_mreqn v4 = {.imr_ifindex = (int)index};
	int hops = s->options.hops, six = (int)index;

	if (s->options.interface[0] != '\0' && index == 0)
		return refuse(s->options.interface);
	if (s->v6)
		return (index == 0 ||
			   setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &six, sizeof(six)) == 0) &&
		    setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof(hops)) == 0;
	return (index == 0 || setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &v4, sizeof(v4)) == 0) &&
	    setsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &hops, sizeof(hops)) == 0;
}

static bool
open_raw(struct sender *s)
{
	int one = 1;

	s->raw = socket(s->v6 ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	if (s->raw < 0)
		return refuse("cannot send from exporters' addresses");
	if (s->v6 && setsockopt(s->raw, IPPROTO_IPV6, IPV6_HDRINCL, &one, sizeof(one)) != 0)
		return refuse("cannot send from exporters' addresses");
	/* A raw socket of IPv6 takes the port for a protocol. */
	if (s->v6)
		((struct sockaddr_in6 *)&s->to)->sin6_port = 0;
	return choose_interface(s, s->raw) || refuse("cannot choose the interface");
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
	s->v6 = !addr_is_v4(&options->to);
	s->raw = -1;
	s->to_len = addr_to_sockaddr(&options->to, options->port, &s->to);
	if (options->exporters_address && !open_raw(s)) {
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
open_socket(const struct sender *s)
{
	int fd = socket(s->v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0) {
		(void)refuse("cannot open a socket");
		return -1;
	}
	if ((addr_is_multicast(&s->options.to) && !choose_interface(s, fd)) ||
	    connect(fd, (const struct sockaddr *)&s->to, s->to_len) != 0) {
		(void)refuse("cannot send there");
		(void)close(fd);
		return -1;
	}
	return fd;
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
	fd = open_socket(s);
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

static uint32_t
add_words(uint32_t sum, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
	if (len % 2 != 0)
		sum += (uint32_t)bytes[len - 1] << 8;
	return sum;
}

static uint16_t
fold(uint32_t sum)
{
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* RFC 768: over a pseudo header too; 0 is sent as all ones. The kernel makes IPv4's own. */
static uint16_t
udp_checksum(const struct sender *s, const struct addr *from, const uint8_t *udp, size_t len)
{
	size_t begin = s->v6 ? 0 : 12, size = 16 - begin;
	uint32_t sum = add_words(0, from->b + begin, size);
	uint16_t result;

	sum = add_words(sum, s->options.to.b + begin, size);
	sum += IPPROTO_UDP + (uint32_t)(len >> 16) + (uint32_t)(len & 0xffff);
	sum = (sum & 0xffff) + (sum >> 16);
	/* Two halves, so that the sum of 64 KiB of words fits. */
	sum = add_words(sum, udp, len & ~(size_t)1);
	if (len % 2 != 0)
		sum += (uint32_t)udp[len - 1] << 8;
	result = fold(sum);
	return result != 0 ? result : 0xffff;
}

static size_t
make_packet(struct sender *s, const struct addr *from, uint16_t port, const uint8_t *payload, size_t len)
{
	size_t head = s->v6 ? IPV6_HEADER : IPV4_HEADER, udp = UDP_HEADER + len;
	struct wr w = wr_init(s->packet, sizeof(s->packet));
	uint16_t sum;

	if (s->v6) {
		wr_u32(&w, 0x60000000);
		wr_u16(&w, (uint16_t)udp);
		wr_u8(&w, IPPROTO_UDP);
		wr_u8(&w, 64);
		wr_bytes(&w, from->b, 16);
		wr_bytes(&w, s->options.to.b, 16);
	} else {
		wr_u16(&w, 0x4500);
		wr_u16(&w, (uint16_t)(head + udp));
		wr_u32(&w, 0);
		wr_u8(&w, addr_is_multicast(&s->options.to) ? s->options.hops : 64);
		wr_u8(&w, IPPROTO_UDP);
		wr_u16(&w, 0);
		wr_bytes(&w, from->b + 12, 4);
		wr_bytes(&w, s->options.to.b + 12, 4);
	}
	wr_u16(&w, port);
	wr_u16(&w, s->options.port);
	wr_u16(&w, (uint16_t)udp);
	wr_u16(&w, 0);
	wr_bytes(&w, payload, len);
	sum = udp_checksum(s, from, s->packet + head, udp);
	s->packet[head + 6] = (uint8_t)(sum >> 8);
	s->packet[head + 7] = (uint8_t)sum;
	return head + udp;
}

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
		if (addr_is_v4(from) == s->v6) {
			errno = EAFNOSUPPORT;
			return refuse("an exporter of the other address family");
		}
		if (len > 65535 - UDP_HEADER - IPV4_HEADER) {
			errno = EMSGSIZE;
			return refuse("cannot send");
		}
		len = make_packet(s, from, from_port, payload, len);
		bytes = s->packet;
	}
	do {
		n = s->raw >= 0 ? sendto(fd, bytes, len, 0, (const struct sockaddr *)&s->to, s->to_len)
				: send(fd, bytes, len, 0);
	} while (n < 0 && try_again(fd));
	return n >= 0 || refuse("cannot send");
}
