/* SPDX-License-Identifier: ISC
 *
 * What changes while a node runs: its configuration, on SIGHUP, and the interfaces of its listeners. Both end in maps for
 * the collectors (node/reload.h), and one is answered before the next one goes out.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/msg.h"
#include "node/parent_private.h"

static struct reload_socket *
new_maps(const struct parent *p, size_t listeners)
{
	struct reload_socket *maps = calloc(listeners * p->lane_count, sizeof(*maps));

	if (maps == NULL)
		msg_error("out of memory");
	return maps;
}

/* --- configuration --- */

static bool
can_follow(const struct parent *p, const struct conf *to)
{
	struct buf errors = BUF_INIT;
	bool good = conf_can_follow(&p->conf, to, &errors);

	buf_u8(&errors, 0);
	if (!good && buf_ok(&errors)) {
		char *rest = (char *)errors.data;

		for (char *line; (line = strsep(&rest, "\n")) != NULL && line[0] != '\0';)
			msg_error("%s: %s", p->options->conf_path, line);
	}
	buf_clear(&errors);
	return good;
}

/* --- status --- */

/* What the reporter is made with. */
struct status {
	bool address, secrets; /* new ones */
	int socket, fd;        /* when they are; -1: none */
};

static bool
same_address(const struct conf *a, const struct conf *b)
{
	return a->has_status == b->has_status &&
	    (!a->has_status ||
		(addr_cmp(&a->status_address, &b->status_address) == 0 && a->status_port == b->status_port &&
		    a->status_series == b->status_series && a->status_silence_ns == b->status_silence_ns &&
		    a->status_public == b->status_public));
}

static void
close_socket(int fd)
{
	if (fd >= 0)
		(void)close(fd);
}

static void
close_status(struct status *s)
{
	close_socket(s->fd);
	close_socket(s->socket);
}

/* Files may have changed, although their names have not. */
static bool
prepare_status(const struct parent *p, const struct conf *to, struct status *ret)
{
	*ret = (struct status){.address = !same_address(&p->conf, to), .socket = -1, .fd = -1};
	if (to->has_status && !reporter_secrets(to, &ret->fd))
		return false;
	ret->secrets = !reporter_same_secrets(p->secrets, ret->fd);
	if (ret->address && to->has_status && (ret->socket = reporter_listen(to, p->status_socket, 0)) < 0) {
		close_status(ret);
		return false;
	}
	return true;
}

static void
follow_status(struct parent *p, struct status *s)
{
	if (!s->address && !s->secrets) {
		close_status(s);
		return;
	}
	parent_stop_reporter(p);
	close_socket(p->secrets);
	p->secrets = s->fd;
	if (s->address) {
		close_socket(p->status_socket);
		p->status_socket = s->socket;
	}
	(void)parent_start_reporter(p);
}

/* What was said of a listener's interface is true of it wherever it stands now. */
static void
move_down(struct parent *p, const struct reload_socket *maps, size_t count)
{
	bool down[CONF_LISTENERS_MOST] = {false};

	for (size_t i = 0; i < count; i++)
		down[i] = maps[i].from < CONF_LISTENERS_MOST && p->down[maps[i].from];
	memcpy(p->down, down, sizeof(down));
}

/* False: nothing has changed. */
static bool
follow(struct parent *p, struct conf *to, struct reload_socket *maps)
{
	struct sockets sockets;
	struct outputs outputs;
	bool outputs_change = !conf_same_outputs(&p->conf, to);
	struct status status;

	if (!prepare_status(p, to, &status))
		return false;
	if (outputs_change && !outputs_follow(&p->outputs, &p->conf, to, &p->identity, &outputs)) {
		close_status(&status);
		return false;
	}
	if (!sockets_follow(&p->sockets, &p->conf, to, &sockets, maps)) {
		close_status(&status);
		if (outputs_change)
			outputs_close(&outputs, &p->outputs, &p->identity);
		return false;
	}
	conf_clear(&p->conf);
	p->conf = *to;
	parent_send_maps(p, maps);
	move_down(p, maps, p->conf.listener_count);
	sockets_release(&p->sockets, &sockets, maps);
	p->sockets = sockets;
	if (outputs_change)
		parent_go_on_with_outputs(p, &outputs);
	follow_status(p, &status);
	return true;
}

static bool
load_and_follow(struct parent *p)
{
	struct reload_socket *maps;
	struct conf to;
	bool good;

	if (!parent_load_conf(p->options->conf_path, &p->options->overrides, &to))
		return false;
	maps = can_follow(p, &to) ? new_maps(p, to.listener_count) : NULL;
	good = maps != NULL && follow(p, &to, maps);
	if (!good)
		conf_clear(&to);
	free(maps);
	return good;
}

void
parent_reload(struct parent *p)
{
	if (parent_is_reloading(p)) {
		p->reload_asked = true;
		return;
	}
	p->reload_asked = false;
	(void)!notify_reloading(&p->notify, mono_now());
	if (load_and_follow(p))
		msg_notice(
		    "node %s: configuration read again: %zu listeners", p->conf.node, p->conf.listener_count);
	else
		msg_error("node %s: the running configuration stays", p->conf.node);
	(void)!notify_ready(&p->notify, NULL);
}

/* --- interfaces --- */

static void
tell_link(struct parent *p, size_t i, const char *what)
{
	uint8_t body[2 + CONF_LISTENER_TEXT_SIZE];
	int len = snprintf(
	    (char *)body + 2, sizeof(body) - 2, "interface %s %s", p->conf.listeners[i].interface, what);
	char text[CONF_LISTENER_TEXT_SIZE];

	msg_notice("%s: interface %s %s", conf_listener_text(&p->conf.listeners[i], text),
	    p->conf.listeners[i].interface, what);
	body[0] = (uint8_t)(i >> 8);
	body[1] = (uint8_t)i;
	for (unsigned lane = 0; len > 0 && lane < p->lane_count; lane++) {
		if (p->lanes[lane].child.channel >= 0)
			(void)!channel_send(
			    p->lanes[lane].child.channel, CHANNEL_LINK, body, 2 + (size_t)len, NULL, 0);
	}
}

/* Up and down: the kernel keeps the memberships, and reports them again when the link is back. */
static void
tell_state(struct parent *p, const struct link_news *n)
{
	for (size_t i = 0; i < p->conf.listener_count; i++) {
		struct listener *l = &sockets_of_lane(&p->sockets, 0)[i];
		bool down = !n->up || !n->running;

		if (n->gone || l->fd < 0 || l->ifindex != n->ifindex || p->down[i] == down)
			continue;
		p->down[i] = down;
		tell_link(p, i, !n->up ? "was set down" : down ? "has no link" : "has its link again");
	}
}

void
parent_check_links(struct parent *p)
{
	struct sockets_change *changes;
	struct reload_socket *maps;

	if (parent_is_reloading(p)) {
		p->links_changed = true;
		return;
	}
	p->links_changed = false;
	maps = new_maps(p, p->conf.listener_count);
	changes = calloc(p->conf.listener_count, sizeof(*changes));
	if (maps != NULL && changes != NULL) {
		if (sockets_check_links(&p->sockets, &p->conf, maps, changes))
			parent_send_maps(p, maps);
		for (size_t i = 0; i < p->conf.listener_count; i++) {
			if (changes[i].gone)
				tell_link(p, i, "has gone");
			if (changes[i].back)
				tell_link(p, i, "is there, and heard");
		}
	}
	free(maps);
	free(changes);
}

/* News are taken as a reason to look at all names again: which interface has which index now is asked of the kernel when
 * it matters, so that nothing here has to be believed, or kept. */
static void
on_news(void *ctx, const struct link_news *n)
{
	struct parent *p = ctx;

	if (!n->dumped)
		tell_state(p, n);
}

static void
on_list(void *ctx)
{
	(void)ctx;
}

void
parent_read_links(struct parent *p)
{
	const struct links_sink sink = {.news = on_news, .begin = on_list, .end = on_list, .ctx = p};

	if (links_read(&p->links, &sink) == ERR_SYSTEM) {
		msg_warn("changes of interfaces cannot be seen any more: %s", strerror(errno));
		loop_forget(p->loop, p->links_watch);
		p->links_watch = NULL;
		links_close(&p->links);
		p->links.fd = -1;
	}
	outputs_lead(&p->outputs, &p->conf, true);
	if (!p->stopping)
		parent_check_links(p);
}
