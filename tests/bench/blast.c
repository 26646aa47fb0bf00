/* SPDX-License-Identifier: ISC
 *
 * Sends export datagrams as fast as asked: an exporter whose every datagram is different and whose sequence
 * numbers tell what got lost. For benchmarks and for tests of the daemon.
 *
 *	blast [-a address] [-p port[,port...]] [-l percent] [-i interface] [-s source-port] [-n datagrams] [-r a-second]
 *	    [-v 5 | 9] [-f flows-in-a-datagram] [-q first-sequence] [-k exporters]
 *	    [-w capture [-t seconds-since-1970]]
 *
 * Of several ports each gets all, but for the first one, which with -l misses so many of a hundred, at random.
 * With -k they come from so many addresses in turn, 127.77.0.0 and up, each with a numbering of its own. Datagrams that the socket does not take are sent again, so n datagrams have been sent in the end. Prints
 * `sent N datagrams in S s`. SIGTERM ends it early, with the same line. With -w nothing is sent: the datagrams
 * stand in a capture (pcap, nanoseconds, raw IP) instead, from 198.51.100.1, at times that -r and -t give.
 */
#include <endian.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/wr.h"

#define BATCH 32
#define SIZE_MOST 1472
#define V9_TEMPLATE_EVERY 1000
#define EXPORTERS_MOST 65536
#define PORTS_MOST 32
#define FIRST_EXPORTER 0x7f4d0000

struct options {
	struct addr address;
	uint16_t port, source_port;
	uint16_t others[PORTS_MOST]; /* ports that get the same */
	unsigned other_count;
	double loss; /* percent, to the first port */
	unsigned ifindex;
	uint64_t count;
	double rate; /* 0: as fast as it goes */
	int version;
	unsigned flows;
	unsigned exporters; /* 0: this host */
	uint32_t first;
	const char *capture; /* NULL: send */
	int64_t time;
};

static volatile sig_atomic_t ended;

static void
on_term(int sig)
{
	(void)sig;
	ended = 1;
}

static void
die(const char *what)
{
	perror(what);
	exit(2);
}

static size_t
make_v5(const struct options *o, uint64_t i, uint8_t *out)
{
	struct wr w = wr_init(out, SIZE_MOST);

	wr_u16(&w, 5);
	wr_u16(&w, (uint16_t)o->flows);
	wr_u32(&w, (uint32_t)(3600000 + i));
	wr_u32(&w, (uint32_t)(1700000000 + i / 1000));
	wr_u32(&w, (uint32_t)(i % 1000 * 1000000));
	wr_u32(&w, (uint32_t)(o->first + i * o->flows));
	wr_u32(&w, 0); /* engine, sampling */
	for (unsigned f = 0; f < o->flows; f++) {
		wr_u32(&w, 0x0a000001 + (uint32_t)i);
		wr_u32(&w, 0x0a800001 + f);
		wr_u32(&w, 0x0a0000fe);
		wr_u32(&w, 0x00010002);
		wr_u32(&w, 1 + f);
		wr_u32(&w, 100 * (1 + f));
		wr_u32(&w, (uint32_t)(3590000 + i));
		wr_u32(&w, (uint32_t)(3599000 + i));
		wr_u32(&w, 0x1f900050);
		wr_u32(&w, 0x001b0600); /* pad, flags, TCP, tos */
		wr_zeros(&w, 8);
	}
	return wr_len(&w);
}

static const uint16_t v9_fields[][2] = {{8, 4}, {12, 4}, {15, 4}, {10, 2}, {14, 2}, {2, 4}, {1, 4}, {22, 4},
    {21, 4}, {7, 2}, {11, 2}, {6, 1}, {4, 1}, {5, 1}, {61, 1}, {16, 4}, {17, 4}};
#define V9_FIELDS (sizeof(v9_fields) / sizeof(v9_fields[0]))
#define V9_RECORD 48

/* The template stands in the first datagram and in each thousandth from there on. */
static size_t
make_v9(const struct options *o, uint64_t i, uint8_t *out)
{
	struct wr w = wr_init(out, SIZE_MOST);
	bool template = i % V9_TEMPLATE_EVERY == 0;
	unsigned flows = template ? o->flows - 2 : o->flows;

	wr_u16(&w, 9);
	wr_u16(&w, (uint16_t)(flows + template));
	wr_u32(&w, (uint32_t)(3600000 + i));
	wr_u32(&w, (uint32_t)(1700000000 + i / 1000));
	wr_u32(&w, (uint32_t)(o->first + i));
	wr_u32(&w, 256);
	if (template) {
		wr_u16(&w, 0);
		wr_u16(&w, (uint16_t)(8 + 4 * V9_FIELDS));
		wr_u16(&w, 300);
		wr_u16(&w, V9_FIELDS);
		for (size_t f = 0; f < V9_FIELDS; f++) {
			wr_u16(&w, v9_fields[f][0]);
			wr_u16(&w, v9_fields[f][1]);
		}
	}
	wr_u16(&w, 300);
	wr_u16(&w, (uint16_t)(4 + flows * V9_RECORD));
	for (unsigned f = 0; f < flows; f++) {
		wr_u32(&w, 0x0a000001 + (uint32_t)i);
		wr_u32(&w, 0x0a800001 + f);
		for (int k = 2; k < V9_RECORD / 4; k++)
			wr_u32(&w, 0x01010101 * (uint32_t)k);
	}
	return wr_len(&w);
}

static size_t
make(const struct options *o, uint64_t i, uint8_t *out)
{
	return o->version == 5 ? make_v5(o, i, out) : make_v9(o, i, out);
}

/* exporter: which of several. */
static int
open_socket(const struct options *o, unsigned exporter)
{
	struct sockaddr_storage sa;
	bool v4 = addr_is_v4(&o->address);
	int fd = socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int size = 4 << 20;
	socklen_t len;

	if (fd < 0)
		die("socket");
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	if (o->source_port != 0 || o->exporters > 0) {
		struct addr from = v4 ? addr_v4(0) : (struct addr){{0}};

		if (o->exporters > 0)
			from = addr_v4(FIRST_EXPORTER + exporter);
		len = addr_to_sockaddr(&from, o->source_port, &sa);
		if (bind(fd, (const struct sockaddr *)&sa, len) != 0)
			die("bind");
	}
	if (o->ifindex != 0 && v4) {
		struct ip_mreqn via = {.imr_ifindex = (int)o->ifindex};

		if (setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &via, sizeof(via)) != 0)
			die("IP_MULTICAST_IF");
	} else if (o->ifindex != 0) {
		if (setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &o->ifindex, sizeof(o->ifindex)) != 0)
			die("IPV6_MULTICAST_IF");
	}
	len = addr_to_sockaddr(&o->address, o->port, &sa);
	if (!v4) {
		struct sockaddr_in6 in6;

		memcpy(&in6, &sa, sizeof(in6));
		in6.sin6_scope_id = o->ifindex;
		memcpy(&sa, &in6, sizeof(in6));
	}
	if (connect(fd, (const struct sockaddr *)&sa, len) != 0)
		die("connect");
	return fd;
}

/* Sleeps until datagram number i is due. */
static void
pace(const struct options *o, mono_t begun, uint64_t i)
{
	int64_t due;
	struct timespec at;

	if (o->rate <= 0)
		return;
	due = begun.ns + (int64_t)((double)i / o->rate * 1e9);
	at = (struct timespec){.tv_sec = due / NS_PER_SEC, .tv_nsec = due % NS_PER_SEC};
	(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

static bool
is_lost(const struct options *o)
{
	static uint64_t seed = 1;

	seed = seed * 6364136223846793005U + 1442695040888963407U;
	return o->loss > 0 && (double)(seed >> 33) < o->loss / 100 * 2147483648.0;
}

/* NULL: to where the socket is connected. Ends early when the process is told to. */
static unsigned
send_batch(int fd, struct mmsghdr *messages, unsigned batch, struct sockaddr_storage *to, socklen_t to_len)
{
	unsigned at = 0;

	for (unsigned i = 0; i < batch; i++) {
		messages[i].msg_hdr.msg_name = to;
		messages[i].msg_hdr.msg_namelen = to_len;
	}
	while (at < batch && !ended) {
		int n = sendmmsg(fd, messages + at, batch - at, 0);

		if (n > 0)
			at += (unsigned)n;
		else if (errno != ENOBUFS && errno != EAGAIN && errno != EINTR && errno != ECONNREFUSED)
			die("sendmmsg");
	}
	return at;
}

/* The same datagrams to the other ports, and to the first what is not lost. */
static unsigned
send_to_all(const struct options *o, int fd, struct mmsghdr *messages, unsigned batch)
{
	struct mmsghdr kept[BATCH];
	struct sockaddr_storage sa;
	unsigned count = 0;

	if (o->other_count == 0 && o->loss <= 0)
		return send_batch(fd, messages, batch, NULL, 0);
	for (unsigned i = 0; i < batch; i++) {
		if (!is_lost(o))
			kept[count++] = messages[i];
	}
	(void)send_batch(fd, kept, count, NULL, 0);
	for (unsigned i = 0; i < o->other_count; i++) {
		socklen_t len = addr_to_sockaddr(&o->address, o->others[i], &sa);

		(void)send_batch(fd, messages, batch, &sa, len);
	}
	return batch;
}

/* Batches are sent by each of the sockets in turn. */
static uint64_t
blast(const struct options *o, const int *fds)
{
	static uint8_t payloads[BATCH][SIZE_MOST];
	uint64_t turns = o->exporters > 0 ? o->exporters : 1;
	struct iovec iov[BATCH];
	struct mmsghdr messages[BATCH];
	mono_t begun = mono_now();
	uint64_t sent = 0;

	memset(messages, 0, sizeof(messages));
	while (sent < o->count && !ended) {
		unsigned batch = o->count - sent < BATCH ? (unsigned)(o->count - sent) : BATCH;
		uint64_t turn = sent / BATCH, own = turn / turns * BATCH;

		for (unsigned i = 0; i < batch; i++) {
			iov[i].iov_base = payloads[i];
			iov[i].iov_len = make(o, own + i, payloads[i]);
			messages[i].msg_hdr.msg_iov = &iov[i];
			messages[i].msg_hdr.msg_iovlen = 1;
		}
		pace(o, begun, sent);
		sent += send_to_all(o, fds[turn % turns], messages, batch);
	}
	printf("sent %llu datagrams in %.3f s\n", (unsigned long long)sent,
	    (double)(mono_now().ns - begun.ns) / 1e9);
	return sent;
}

static void
put_le32(FILE *f, uint32_t v)
{
	const uint32_t le = htole32(v);

	if (fwrite(&le, sizeof(le), 1, f) != 1)
		die("write");
}

/* IPv4 and UDP headers around a payload. */
static void
put_packet(const struct options *o, FILE *f, int64_t ns, const uint8_t *payload, size_t len)
{
	uint8_t head[28];
	struct wr w = wr_init(head, sizeof(head));

	wr_u16(&w, 0x4500);
	wr_u16(&w, (uint16_t)(28 + len));
	wr_u32(&w, 0);
	wr_u32(&w, 0x40110000); /* TTL 64, UDP; no checksums */
	wr_u32(&w, 0xc6336401);
	wr_bytes(&w, o->address.b + 12, 4);
	wr_u16(&w, o->source_port != 0 ? o->source_port : 50000);
	wr_u16(&w, o->port);
	wr_u16(&w, (uint16_t)(8 + len));
	wr_u16(&w, 0);
	put_le32(f, (uint32_t)(ns / NS_PER_SEC));
	put_le32(f, (uint32_t)(ns % NS_PER_SEC));
	put_le32(f, (uint32_t)(sizeof(head) + len));
	put_le32(f, (uint32_t)(sizeof(head) + len));
	if (fwrite(head, sizeof(head), 1, f) != 1 || fwrite(payload, len, 1, f) != 1)
		die("write");
}

static void
write_capture(const struct options *o)
{
	static uint8_t payload[SIZE_MOST];
	FILE *f = fopen(o->capture, "w");
	double rate = o->rate > 0 ? o->rate : 1000;

	if (f == NULL)
		die(o->capture);
	put_le32(f, 0xa1b23c4d);
	put_le32(f, 2 | 4 << 16);
	put_le32(f, 0);
	put_le32(f, 0);
	put_le32(f, 65535);
	put_le32(f, 101); /* LINKTYPE_RAW */
	for (uint64_t i = 0; i < o->count; i++) {
		size_t len = make(o, i, payload);

		put_packet(o, f, o->time * NS_PER_SEC + (int64_t)((double)i / rate * 1e9), payload, len);
	}
	if (fclose(f) != 0)
		die(o->capture);
}

static void
read_ports(struct options *o, const char *text)
{
	char *end;

	o->port = (uint16_t)strtoul(text, &end, 10);
	for (o->other_count = 0; *end == ',' && o->other_count < PORTS_MOST; o->other_count++)
		o->others[o->other_count] = (uint16_t)strtoul(end + 1, &end, 10);
}

static void
read_options(int argc, char **argv, struct options *o)
{
	int c;

	while ((c = getopt(argc, argv, "a:p:l:i:s:n:r:v:f:q:k:w:t:")) != -1) {
		switch (c) {
		case 'a':
			if (!addr_parse(optarg, &o->address))
				c = '?';
			break;
		case 'p':
			read_ports(o, optarg);
			break;
		case 'l':
			o->loss = atof(optarg);
			break;
		case 'i':
			o->ifindex = if_nametoindex(optarg);
			if (o->ifindex == 0)
				die(optarg);
			break;
		case 's':
			o->source_port = (uint16_t)atoi(optarg);
			break;
		case 'n':
			o->count = strtoull(optarg, NULL, 10);
			break;
		case 'r':
			o->rate = atof(optarg);
			break;
		case 'v':
			o->version = atoi(optarg);
			break;
		case 'f':
			o->flows = (unsigned)atoi(optarg);
			break;
		case 'q':
			o->first = (uint32_t)strtoul(optarg, NULL, 10);
			break;
		case 'k':
			o->exporters = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'w':
			o->capture = optarg;
			break;
		case 't':
			o->time = atoll(optarg);
			break;
		default:
			break;
		}
		if (c == '?' || (o->version != 5 && o->version != 9) || o->flows < 3 || o->flows > 30 ||
		    o->exporters > EXPORTERS_MOST) {
			fprintf(stderr, "blast: bad option\n");
			exit(2);
		}
	}
}

int
main(int argc, char **argv)
{
	struct options o = {
	    .address = addr_v4(0x7f000001),
	    .port = 2055,
	    .count = 1000,
	    .version = 5,
	    .flows = 30,
	    .time = 1700000000,
	};
	struct sigaction term = {.sa_handler = on_term};
	unsigned sockets;
	int *fds;

	read_options(argc, argv, &o);
	(void)sigaction(SIGTERM, &term, NULL);
	if (o.capture != NULL) {
		write_capture(&o);
		return 0;
	}
	sockets = o.exporters > 0 ? o.exporters : 1;
	if ((fds = calloc(sockets, sizeof(*fds))) == NULL)
		die("memory");
	for (unsigned i = 0; i < sockets; i++)
		fds[i] = open_socket(&o, i);
	(void)blast(&o, fds);
	for (unsigned i = 0; i < sockets; i++)
		(void)close(fds[i]);
	free(fds);
	return 0;
}
