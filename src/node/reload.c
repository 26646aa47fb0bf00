/* SPDX-License-Identifier: ISC
 *
 * The configuration travels as text in a file without a name, printed and parsed by node/conf like any other.
 */
#include "node/reload.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/rd.h"

enum { MULTICAST = 1, V6 = 2, FILTERED = 4, JOINED = 8, LOST = 16 };

_Static_assert(CONF_LISTENERS_MOST < CHANNEL_FDS_MOST, "a message holds the sockets and the configuration");

static enum err
text_to_file(const struct conf *conf, int *ret_fd)
{
	struct buf text = BUF_INIT;
	enum err e = ERR_MEMORY;
	int fd = memfd_create("configuration", MFD_CLOEXEC);

	conf_print(conf, &text);
	if (fd < 0)
		e = ERR_SYSTEM;
	else if (buf_ok(&text))
		e = file_pwrite(fd, text.data, text.len, 0, NULL);
	buf_clear(&text);
	if (e != ERR_OK && fd >= 0)
		(void)close(fd);
	if (e == ERR_OK)
		*ret_fd = fd;
	return e;
}

enum err
reload_send(int channel, const struct conf *conf, const struct reload_socket *sockets)
{
	int fds[CHANNEL_FDS_MOST];
	size_t fd_count = 1;
	struct buf body = BUF_INIT;
	enum err e = text_to_file(conf, &fds[0]);

	if (e != ERR_OK)
		return e;
	for (size_t i = 0; i < conf->listener_count; i++) {
		const struct reload_socket *s = &sockets[i];

		buf_u16(&body, s->from);
		buf_u8(&body,
		    (uint8_t)((s->l.multicast ? MULTICAST : 0) | (s->l.v6 ? V6 : 0) |
			(s->l.filtered ? FILTERED : 0) | (s->l.joined ? JOINED : 0) |
			(s->l.lost ? LOST : 0)));
		buf_u32(&body, s->l.ifindex);
		buf_u32(&body, (uint32_t)s->l.buffer);
		buf_u32(&body, s->l.sources_joined);
		if (s->from == RELOAD_NEW)
			fds[fd_count++] = s->l.fd;
	}
	e = buf_ok(&body) ? channel_send(channel, CHANNEL_RELOAD, body.data, body.len, fds, fd_count)
			  : ERR_MEMORY;
	buf_clear(&body);
	(void)close(fds[0]);
	return e;
}

/* However long: what is included has no limit in sum. */
static enum err
take_conf(int fd, struct conf *ret)
{
	struct buf text = BUF_INIT, errors = BUF_INIT;
	enum err e = file_slurp_fd(fd, SIZE_MAX, &text);

	buf_u8(&text, 0);
	if (e == ERR_OK && !buf_ok(&text))
		e = ERR_MEMORY;
	if (e == ERR_OK)
		e = conf_parse((const char *)text.data, "reload", ret, &errors);
	buf_clear(&text);
	buf_clear(&errors);
	return e;
}

static enum err
take_sockets(struct channel_message *m, const struct conf *conf, struct reload_socket *ret)
{
	struct rd r = rd_init(m->body, m->len);
	size_t fd = 1;

	for (size_t i = 0; i < conf->listener_count; i++) {
		struct reload_socket *s = &ret[i];
		unsigned flags;

		s->from = rd_u16(&r);
		flags = rd_u8(&r);
		s->l = (struct listener){.fd = -1,
		    .multicast = (flags & MULTICAST) != 0,
		    .v6 = (flags & V6) != 0,
		    .filtered = (flags & FILTERED) != 0,
		    .joined = (flags & JOINED) != 0,
		    .lost = (flags & LOST) != 0};
		s->l.ifindex = rd_u32(&r);
		s->l.buffer = (int)rd_u32(&r);
		s->l.sources_joined = rd_u32(&r);
		if (s->from == RELOAD_NEW && fd < m->fd_count)
			s->l.fd = m->fds[fd++];
		else if (s->from == RELOAD_NEW)
			return ERR_MALFORMED;
	}
	if (!rd_ok(&r) || rd_left(&r) > 0 || fd != m->fd_count)
		return ERR_MALFORMED;
	return ERR_OK;
}

enum err
reload_take(struct channel_message *m, struct conf *ret_conf, struct reload_socket **ret_sockets)
{
	struct conf conf = {.listeners = NULL};
	struct reload_socket *sockets = NULL;
	enum err e = m->fd_count >= 1 ? take_conf(m->fds[0], &conf) : ERR_MALFORMED;

	if (e == ERR_OK)
		sockets = calloc(conf.listener_count, sizeof(*sockets));
	if (e == ERR_OK)
		e = sockets != NULL ? take_sockets(m, &conf, sockets) : ERR_MEMORY;
	if (e != ERR_OK) {
		channel_close_fds(m);
		conf_clear(&conf);
		free(sockets);
		return e;
	}
	(void)close(m->fds[0]);
	m->fd_count = 0; /* the rest is the caller's */
	*ret_conf = conf;
	*ret_sockets = sockets;
	return ERR_OK;
}
