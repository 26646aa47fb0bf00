/* SPDX-License-Identifier: ISC
 *
 * sendmsg and recvmsg with SCM_RIGHTS. What has no descriptors is sent by writev: children need no sendmsg, by which a
 * collector could send from its listeners' sockets to anywhere.
 */
#include "node/channel.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/rd.h"

#define KIND_SIZE 2
#define TEXT_MOST 2048
#define BUFFER (1 << 20) /* asked for each direction; a system's default holds some hundred messages */

union control {
	struct cmsghdr align;
	uint8_t bytes[CMSG_SPACE(sizeof(int) * CHANNEL_FDS_MOST)];
};

enum err
channel_pair(int ret[2])
{
	int pair[2];
	int size = BUFFER;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0)
		return ERR_SYSTEM;
	for (int i = 0; i < 2; i++) {
		if (setsockopt(pair[i], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) != 0)
			(void)setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
		ret[i] = pair[i];
	}
	return ERR_OK;
}

enum err
channel_send(
    int channel, enum channel_kind kind, const void *body, size_t len, const int *fds, size_t fd_count)
{
	uint8_t head[KIND_SIZE] = {(uint8_t)((unsigned)kind >> 8), (uint8_t)kind};
	struct iovec parts[2] = {{.iov_base = head, .iov_len = sizeof(head)}};
	struct msghdr m = {.msg_iov = parts, .msg_iovlen = len > 0 ? 2 : 1};
	union control control;
	ssize_t n;

	if (len > CHANNEL_BODY_MOST || fd_count > CHANNEL_FDS_MOST)
		return ERR_MALFORMED;
	parts[1].iov_len = len;
	memcpy(&parts[1].iov_base, &body, sizeof(body)); /* sendmsg does not write there */
	if (fd_count > 0) {
		struct cmsghdr *c;

		memset(&control, 0, sizeof(control));
		m.msg_control = control.bytes;
		m.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * fd_count);
	}
	do
		n = fd_count > 0 ? sendmsg(channel, &m, MSG_DONTWAIT)
				 : writev(channel, parts, (int)m.msg_iovlen);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return ERR_OK;
	if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS)
		return ERR_LIMIT;
	return errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN ? ERR_END : ERR_SYSTEM;
}

static void
take_fds(struct msghdr *m, struct channel_message *ret)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < count && ret->fd_count < CHANNEL_FDS_MOST; i++)
			memcpy(&ret->fds[ret->fd_count++], CMSG_DATA(c) + i * sizeof(int), sizeof(int));
	}
}

enum err
channel_receive(int channel, struct channel_message *ret)
{
	uint8_t head[KIND_SIZE];
	struct iovec parts[2] = {{.iov_base = head, .iov_len = sizeof(head)},
	    {.iov_base = ret->body, .iov_len = sizeof(ret->body)}};
	union control control;
	struct msghdr m = {.msg_iov = parts,
	    .msg_iovlen = 2,
	    .msg_control = control.bytes,
	    .msg_controllen = sizeof(control.bytes)};
	ssize_t n;

	ret->fd_count = 0;
	do
		n = recvmsg(channel, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0) {
		if (errno == EAGAIN || errno == EWOULDBLOCK)
			return ERR_LIMIT;
		return errno == ECONNRESET ? ERR_END : ERR_SYSTEM;
	}
	take_fds(&m, ret);
	if (n == 0 && ret->fd_count == 0)
		return ERR_END;
	if (n < KIND_SIZE || (m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
		channel_close_fds(ret);
		return ERR_MALFORMED;
	}
	ret->kind = (enum channel_kind)(head[0] << 8 | head[1]);
	ret->len = (uint32_t)(n - KIND_SIZE);
	return ERR_OK;
}

void
channel_close_fds(struct channel_message *m)
{
	for (size_t i = 0; i < m->fd_count; i++) {
		if (m->fds[i] >= 0)
			(void)close(m->fds[i]);
	}
	m->fd_count = 0;
}

/* --- messages --- */

static struct {
	int channel;
	atomic_ulong lost;
} relay = {.channel = -1};

static bool
relay_line(enum msg_level level, const char *line)
{
	uint8_t body[1 + TEXT_MOST];
	size_t len = strlen(line);

	if (len > TEXT_MOST)
		len = TEXT_MOST;
	body[0] = (uint8_t)level;
	memcpy(body + 1, line, len);
	return channel_send(relay.channel, CHANNEL_MESSAGE, body, 1 + len, NULL, 0) == ERR_OK;
}

static void
relay_message(enum msg_level level, const char *line)
{
	unsigned long lost = atomic_exchange(&relay.lost, 0);
	char text[64];

	if (lost > 0) {
		(void)snprintf(text, sizeof(text), "%lu messages were lost: they came too fast", lost);
		if (!relay_line(MSG_WARNING, text))
			(void)atomic_fetch_add(&relay.lost, lost);
	}
	if (!relay_line(level, line))
		(void)atomic_fetch_add(&relay.lost, 1);
}

void
channel_relay_messages(int channel)
{
	relay.channel = channel;
	msg_divert(relay_message);
}

bool
channel_say_message(const struct channel_message *m)
{
	struct rd r = rd_init(m->body, m->len);
	unsigned level = rd_u8(&r);
	size_t len = rd_left(&r);
	const uint8_t *text = rd_bytes(&r, len);

	if (!rd_ok(&r) || level > MSG_DEBUG || len > TEXT_MOST)
		return false;
	msg_at((enum msg_level)level, "%.*s", (int)len, (const char *)text);
	return true;
}
