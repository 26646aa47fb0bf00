/* SPDX-License-Identifier: ISC
 *
 * Datagrams from addresses that this host does not have, over a raw socket (root):
 *
 *	flood -p port -n datagrams -k addresses [-r a-second]    from 10.0.0.0 and up, each with a template or v5, and prints
 *	                                                         `sent N datagrams from K addresses in S s`
 *	flood -p port -e first [-t]                              ten exporters, 192.0.2.(first) and up, until SIGTERM
 *
 * The exporters send ten times a second each, the tenth once in 21 s: three v5, three v9, four IPFIX. With -t v9 and
 * IPFIX send a template in their first datagram, and never again; else data alone. At the end each sends once
 * more and prints `ADDRESS SENT FLOWS`, and after 62 s and a datagram of each, all together `a minute`.
 */
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/wr.h"

#define BATCH 64
#define SIZE_MOST 256
#define HEADERS 28 /* IPv4, UDP */
#define EXPORTERS 10
#define SLOW 9
#define TEMPLATE 300

struct packet {
	uint8_t bytes[SIZE_MOST];
	size_t len;
};

static volatile sig_atomic_t ended;
static uint16_t port;

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

static void
put_template(struct wr *w, uint16_t set)
{
	static const uint16_t fields[] = {8, 4, 12, 4, 1, 4};

	wr_u16(w, set);
	wr_u16(w, 20);
	wr_u16(w, TEMPLATE);
	wr_u16(w, 3);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		wr_u16(w, fields[i]);
}

static void
put_export(struct wr *w, uint16_t version, uint32_t sequence, bool template)
{
	uint32_t seconds = (uint32_t)(wall_now().ns / NS_PER_SEC);

	wr_u16(w, version);
	wr_u16(w, version == 10 ? template ? 36 : 32 : 1);
	if (version != 10)
		wr_u32(w, 3600000);
	wr_u32(w, seconds);
	if (version == 5)
		wr_u32(w, 0);
	wr_u32(w, sequence);
	wr_u32(w, version == 5 ? 0 : 77); /* engine and sampling; domain */
	if (version == 5) {
		wr_zeros(w, 48);
	} else if (template) {
		put_template(w, version == 9 ? 0 : 2);
	} else {
		wr_u16(w, TEMPLATE);
		wr_u16(w, 16);
		wr_u32(w, 0xc6336401);
		wr_u32(w, 0xc6336402);
		wr_u32(w, 1500);
	}
}

static void
make(struct packet *p, uint32_t from, uint16_t from_port, uint16_t version, uint32_t sequence, bool template)
{
	struct wr w = wr_init(p->bytes + HEADERS, sizeof(p->bytes) - HEADERS);
	struct wr head = wr_init(p->bytes, HEADERS);

	put_export(&w, version, sequence, template);
	p->len = HEADERS + wr_len(&w);
	wr_u16(&head, 0x4500);
	wr_u16(&head, (uint16_t)p->len);
	wr_u32(&head, 0);
	wr_u32(&head, 0x40110000); /* TTL 64, UDP; the kernel makes the checksum, UDP needs none */
	wr_u32(&head, from);
	wr_u32(&head, INADDR_LOOPBACK);
	wr_u16(&head, from_port);
	wr_u16(&head, port);
	wr_u16(&head, (uint16_t)(p->len - 20));
	wr_u16(&head, 0);
}

static void
send_all(int fd, struct packet *packets, unsigned count)
{
	static struct sockaddr_in to = {.sin_family = AF_INET};
	struct mmsghdr messages[BATCH];
	struct iovec iov[BATCH];
	unsigned at = 0;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	memset(messages, 0, sizeof(messages));
	for (unsigned i = 0; i < count; i++) {
		iov[i] = (struct iovec){.iov_base = packets[i].bytes, .iov_len = packets[i].len};
		messages[i].msg_hdr = (struct msghdr){
		    .msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &iov[i], .msg_iovlen = 1};
	}
	while (at < count) {
		int n = sendmmsg(fd, messages + at, count - at, 0);

		if (n > 0)
			at += (unsigned)n;
		else if (errno != ENOBUFS && errno != EAGAIN && errno != EINTR)
			die("sendmmsg");
	}
}

static void
sleep_until(int64_t ns)
{
	struct timespec at = {.tv_sec = ns / NS_PER_SEC, .tv_nsec = ns % NS_PER_SEC};

	(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

static void
flood(int fd, uint64_t count, uint32_t addresses, double rate)
{
	static struct packet packets[BATCH];
	int64_t begun = mono_now().ns;
	uint64_t sent = 0;

	while (sent < count && !ended) {
		unsigned n = count - sent < BATCH ? (unsigned)(count - sent) : BATCH;

		for (unsigned i = 0; i < n; i++) {
			uint64_t k = sent + i;

			make(&packets[i], 0x0a000000 + (uint32_t)(k % addresses),
			    (uint16_t)(1024 + k % 50000),
			    k % 4 == 0       ? 5
				: k % 4 == 1 ? 10
					     : 9,
			    (uint32_t)k, true);
		}
		send_all(fd, packets, n);
		sent += n;
		if (rate > 0)
			sleep_until(begun + (int64_t)((double)sent / rate * 1e9));
	}
	printf("sent %llu datagrams from %u addresses in %.3f s\n", (unsigned long long)sent, addresses,
	    (double)(mono_now().ns - begun) / 1e9);
}

static void
exporters(int fd, uint32_t first, bool templates)
{
	uint32_t sent[EXPORTERS] = {0}, flows[EXPORTERS] = {0};
	int64_t begun = mono_now().ns;
	bool said = false;

	for (uint32_t tick = 0, last = 0; !last; tick++) {
		last = (uint32_t)ended;
		for (uint32_t i = 0; i < EXPORTERS; i++) {
			uint16_t version = i < 3 ? 5 : i < 6 ? 9 : 10;
			bool template = templates && version != 5 && sent[i] == 0;
			struct packet p;

			if (i == SLOW && tick % 210 != 0 && !last)
				continue;
			make(&p, 0xc0000200 + first + i, 4000, version, version == 9 ? sent[i] : flows[i],
			    template);
			send_all(fd, &p, 1);
			sent[i]++;
			flows[i] += !template;
		}
		if (!said && sent[SLOW] >= 4 && mono_now().ns - begun > 62 * NS_PER_SEC) {
			printf("a minute\n");
			(void)fflush(stdout);
			said = true;
		}
		sleep_until(begun + (int64_t)(tick + 1) * NS_PER_SEC / 10);
	}
	for (uint32_t i = 0; i < EXPORTERS; i++)
		printf("192.0.2.%u %u %u\n", first + i, sent[i], flows[i]);
}

int
main(int argc, char **argv)
{
	struct sigaction term = {.sa_handler = on_term};
	uint64_t count = 0;
	uint32_t addresses = 1, first = 0;
	bool templates = false;
	double rate = 0;
	int c, fd;

	while ((c = getopt(argc, argv, "p:n:k:r:e:t")) != -1) {
		switch (c) {
		case 'p':
			port = (uint16_t)atoi(optarg);
			break;
		case 'n':
			count = strtoull(optarg, NULL, 10);
			break;
		case 'k':
			addresses = (uint32_t)strtoul(optarg, NULL, 10);
			break;
		case 'r':
			rate = atof(optarg);
			break;
		case 'e':
			first = (uint32_t)strtoul(optarg, NULL, 10);
			break;
		case 't':
			templates = true;
			break;
		default:
			return 2;
		}
	}
	if (port == 0 || addresses == 0 || (first == 0) == (count == 0))
		return 2;
	(void)sigaction(SIGTERM, &term, NULL);
	fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	if (fd < 0)
		die("socket");
	if (first > 0)
		exporters(fd, first, templates);
	else
		flood(fd, count, addresses, rate);
	(void)close(fd);
	return 0;
}
