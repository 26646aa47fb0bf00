/* SPDX-License-Identifier: ISC
 *
 * Reads any bytes as the message of a reload: one byte of how many descriptors come with it, one of how long the table of
 * sockets is, the table, and the configuration. What is accepted has a socket, or none yet, for each of its listeners; and no
 * descriptor is left open otherwise.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "node/reload.h"
#include "tests/fuzz/scanner-leak.h"
#include "tests/fuzz/target.h"

static int
file_of(const uint8_t *bytes, size_t len)
{
	int fd = memfd_create("configuration", MFD_CLOEXEC);

	must(fd >= 0);
	must(write(fd, bytes, len) == (ssize_t)len);
	must(lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

static void
check_taken(struct conf *conf, struct reload_socket *sockets)
{
	for (size_t i = 0; i < conf->listener_count; i++) {
		must((sockets[i].from == RELOAD_NEW) == (sockets[i].l.fd >= 0));
		if (sockets[i].l.fd >= 0)
			must(close(sockets[i].l.fd) == 0);
	}
	conf_clear(conf);
	free(sockets);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static struct channel_message m;
	struct reload_socket *sockets;
	struct conf conf;
	int before, after;

	if (len < 2 || bytes[1] > len - 2)
		return 0;
	before = dup(STDERR_FILENO);
	must(before >= 0 && close(before) == 0);
	m.kind = CHANNEL_RELOAD;
	m.len = bytes[1];
	memcpy(m.body, bytes + 2, m.len);
	m.fd_count = bytes[0] % 8;
	for (size_t i = 0; i < m.fd_count; i++)
		m.fds[i] = i == 0 ? file_of(bytes + 2 + m.len, len - 2 - m.len) : dup(m.fds[0]);
	if (reload_take(&m, &conf, &sockets) == ERR_OK)
		check_taken(&conf, sockets);
	else
		must(m.fd_count == 0 || m.fds[0] < 0);
	after = dup(STDERR_FILENO);
	must(after == before && close(after) == 0);
	return 0;
}
