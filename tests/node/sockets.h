/* SPDX-License-Identifier: ISC
 *
 * What tests with real sockets share: listeners as a configuration would describe them, senders with an address and
 * port of choice, and what was said to standard error. They run in a network namespace that the test made.
 */
#ifndef FLOWBRAID_TESTS_NODE_SOCKETS_H
#define FLOWBRAID_TESTS_NODE_SOCKETS_H

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "node/conf.h"
#include "node/listener.h"
#include "tests/tap.h"

#define WAIT_MS 10000

static inline _Noreturn void
die(const char *what)
{
	printf("# %s: %s\n", what, strerror(errno)); /* not to standard error: see said() */
	exit(99);
}

static inline void
shell(const char *command)
{
	if (system(command) != 0) {
		die(command);
	}
}

static inline struct addr
address(const char *text)
{
	struct addr a;

	if (!addr_parse(text, &a))
		die(text);
	return a;
}

static inline struct conf_listener
listener_conf(const char *where, uint16_t port, const char *interface)
{
	static char file[] = "test.conf";
	struct conf_listener l = {
	    .address = address(where), .port = port, .receive_buffer = 1 << 20, .file = file, .line = 1};

	(void)snprintf(l.interface, sizeof(l.interface), "%s", interface);
	return l;
}

/* Open lanes, or none at all: the test cannot go on then. */
static inline void
open_lanes(const struct conf_listener *conf, unsigned lanes, struct listener *ret)
{
	for (unsigned i = 0; i < lanes; i++) {
		if (listener_open(conf, i, lanes, &ret[i]) != LISTENER_OK)
			die("listener_open");
	}
}

static inline void
close_lanes(struct listener *l, unsigned lanes)
{
	for (unsigned i = 0; i < lanes; i++)
		listener_close(&l[i]);
}

/* A socket of this address and port (0: any) that sends groups through an interface (0: none). */
static inline int
sender(const struct addr *from, uint16_t port, unsigned ifindex)
{
	struct ip_mreqn v4 = {.imr_ifindex = (int)ifindex};
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(from, port, &sa);
	int fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&sa, len) != 0)
		die("sender");
	if (ifindex != 0 && sa.ss_family == AF_INET &&
	    setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &v4, sizeof(v4)) != 0)
		die("IP_MULTICAST_IF");
	if (ifindex != 0 && sa.ss_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &ifindex, sizeof(ifindex)) != 0)
		die("IPV6_MULTICAST_IF");
	return fd;
}

static inline void
send_number(int fd, const struct addr *to, uint16_t port, uint32_t number)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(to, port, &sa);

	if (sendto(fd, &number, sizeof(number), 0, (const struct sockaddr *)&sa, len) !=
	    (ssize_t)sizeof(number))
		die("sendto");
}

/* Datagrams on this host wait in a queue of the CPU where they were sent, in order. A test that looks for what did not
 * come stays on one CPU, and waits until a datagram to itself has come through. */
static inline void
stay_on_one_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((unsigned)sched_getcpu(), &set);
	if (sched_setaffinity(0, sizeof(set), &set) != 0)
		die("sched_setaffinity");
}

static inline void
settle(void)
{
	static int fd = -1;
	static struct sockaddr_storage self;
	socklen_t len = sizeof(struct sockaddr_in);
	struct pollfd p;
	struct addr here = address("127.0.0.1");
	char byte = 0;

	if (fd < 0) {
		fd = sender(&here, 0, 0);
		if (getsockname(fd, (struct sockaddr *)&self, &len) != 0)
			die("getsockname");
	}
	p = (struct pollfd){.fd = fd, .events = POLLIN};
	if (sendto(fd, &byte, 1, 0, (const struct sockaddr *)&self, len) != 1 || poll(&p, 1, WAIT_MS) != 1 ||
	    recv(fd, &byte, 1, 0) != 1)
		die("settle");
}

/* The next number that was sent to a listener; false when there is none now. */
static inline bool
take_number(const struct listener *l, uint32_t *ret)
{
	return recv(l->fd, ret, sizeof(*ret), MSG_DONTWAIT) == (ssize_t)sizeof(*ret);
}

/* The next number, waited for; UINT32_MAX when none comes. */
static inline uint32_t
wait_number(const struct listener *l)
{
	struct pollfd p = {.fd = l->fd, .events = POLLIN};
	uint32_t number;

	if (poll(&p, 1, WAIT_MS) == 1 && take_number(l, &number))
		return number;
	return UINT32_MAX;
}

/* What is said to standard error from here on goes into a file; said() reads and forgets it. */
static FILE *said_file;

static inline void
listen_to_messages(void)
{
	said_file = tmpfile();
	if (said_file == NULL || dup2(fileno(said_file), 2) < 0)
		die("tmpfile");
}

static inline const char *
said(void)
{
	static char text[4096];
	ssize_t len = pread(fileno(said_file), text, sizeof(text) - 1, 0);

	text[len > 0 ? len : 0] = '\0';
	if (ftruncate(fileno(said_file), 0) != 0 || lseek(fileno(said_file), 0, SEEK_SET) != 0)
		die("messages");
	return text;
}

static inline bool
says(const char *part, const char *name)
{
	const char *text = said();

	if (ok(strstr(text, part) != NULL, "%s", name))
		return true;
	printf("# got  %s\n# want %s\n", text, part);
	return false;
}

#endif
