/* SPDX-License-Identifier: ISC
 *
 * The floor of the benchmark: a bare program that receives with recvmmsg and writes each batch out with one
 * write(). No times, no counts, no check, no record: what receiving and storing bytes costs at least.
 *
 *	floor port file
 *	floor hash
 *
 * SIGTERM ends it; it prints how many datagrams it wrote. `hash` prints the nanoseconds of CPU that SHA-256
 * takes for 1 MiB here.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/digest.h"

#define BATCH 64
#define SLOT (65536 + 1536 + 64) /* as the daemon has it */

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

static int
open_socket(const char *port)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
	int fd = socket(AF_INET, SOCK_DGRAM, 0), size = 16 << 20;

	if (fd < 0)
		die("socket");
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) != 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (const struct sockaddr *)&in, sizeof(in)) != 0)
		die("bind");
	return fd;
}

static long long
cpu_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (long long)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static int
measure_hash(void)
{
	enum { TIMES = 200 };
	uint8_t *bytes = calloc(1, 1 << 20);
	long long begun = cpu_ns();

	if (bytes == NULL)
		die("calloc");
	for (int i = 0; i < TIMES; i++)
		bytes[i] = sha256_of(bytes, 1 << 20).b[0];
	printf("%lld\n", (cpu_ns() - begun) / TIMES);
	free(bytes);
	return 0;
}

int
main(int argc, char **argv)
{
	static uint8_t *slots;
	static struct mmsghdr messages[BATCH];
	static struct iovec in[BATCH], out[BATCH];
	struct sigaction term = {.sa_handler = on_term};
	unsigned long long count = 0;
	int fd, file;

	if (argc == 2 && strcmp(argv[1], "hash") == 0)
		return measure_hash();
	if (argc != 3)
		return 2;
	(void)sigaction(SIGTERM, &term, NULL);
	fd = open_socket(argv[1]);
	file = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC, 0644);
	slots = malloc((size_t)BATCH * SLOT);
	if (file < 0 || slots == NULL)
		die(argv[2]);
	for (size_t i = 0; i < BATCH; i++) {
		in[i] = (struct iovec){.iov_base = slots + i * SLOT, .iov_len = 65536};
		messages[i].msg_hdr.msg_iov = &in[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	while (!ended) {
		int n = recvmmsg(fd, messages, BATCH, MSG_WAITFORONE, NULL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			die("recvmmsg");
		for (int i = 0; i < n; i++)
			out[i] = (struct iovec){.iov_base = in[i].iov_base, .iov_len = messages[i].msg_len};
		if (writev(file, out, n) < 0)
			die(argv[2]);
		count += (unsigned)n;
	}
	printf("%llu\n", count);
	return 0;
}
