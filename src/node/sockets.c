/* SPDX-License-Identifier: ISC
 *
 * Opening, and following a changed configuration: first everything new is opened, and only when all of it could be had,
 * the old state is left.
 */
#include "node/sockets.h"

#include <net/if.h>
#include <stdlib.h>

#include "base/msg.h"

static bool
allocate(size_t listeners, unsigned lanes, struct sockets *ret)
{
	*ret = (struct sockets){.listeners = listeners, .lanes = lanes};
	ret->all = calloc(listeners * lanes, sizeof(*ret->all));
	if (ret->all == NULL)
		msg_error("out of memory");
	for (size_t i = 0; ret->all != NULL && i < listeners * lanes; i++)
		ret->all[i].fd = -1;
	return ret->all != NULL;
}

static void
say_waiting(const struct conf_listener *conf)
{
	char text[CONF_LISTENER_TEXT_SIZE];

	msg_warn(
	    "%s: there is no interface %s; waiting for it", conf_listener_text(conf, text), conf->interface);
}

static bool
open_one(const struct conf_listener *conf, unsigned lane, unsigned lanes, bool beside, struct listener *l)
{
	enum listener_result r = beside ? listener_open_beside(conf, lane, lanes, l)
					: listener_open(conf, lane, lanes, l);

	if (r == LISTENER_NO_INTERFACE && lane == 0)
		say_waiting(conf);
	return r == LISTENER_OK || r == LISTENER_NO_INTERFACE;
}

bool
sockets_open(const struct conf *conf, unsigned lanes, struct sockets *ret)
{
	bool all = allocate(conf->listener_count, lanes, ret);

	for (unsigned lane = 0; ret->all != NULL && lane < lanes; lane++) {
		for (size_t i = 0; i < conf->listener_count; i++)
			all &= open_one(
			    &conf->listeners[i], lane, lanes, false, &sockets_of_lane(ret, lane)[i]);
		if (!all) /* the others would say the same */
			break;
	}
	if (!all)
		sockets_close(ret);
	return all;
}

void
sockets_close(struct sockets *s)
{
	for (size_t i = 0; s->all != NULL && i < s->listeners * s->lanes; i++)
		listener_close(&s->all[i]);
	free(s->all);
	s->all = NULL;
	s->listeners = 0;
}

void
sockets_release(struct sockets *s, const struct sockets *successor, const struct reload_socket *maps)
{
	for (size_t i = 0; i < successor->listeners * successor->lanes; i++) {
		unsigned lane = (unsigned)(i / successor->listeners);

		if (maps[i].from < RELOAD_NONE)
			sockets_of_lane(s, lane)[maps[i].from].fd = -1; /* taken over */
	}
	sockets_close(s);
}

/* The listener of `from` whose socket can serve; -1: none. */
static int
find_same(const struct conf *from, const struct conf_listener *l)
{
	for (size_t i = 0; i < from->listener_count; i++) {
		if (listener_same_socket(&from->listeners[i], l))
			return (int)i;
	}
	return -1;
}

/* One listener of all lanes. */
static bool
follow_one(struct sockets *s, const struct conf *from, const struct conf *to, size_t i, struct sockets *ret,
    struct reload_socket *maps)
{
	int same = find_same(from, &to->listeners[i]);

	for (unsigned lane = 0; lane < s->lanes; lane++) {
		struct listener *l = &sockets_of_lane(ret, lane)[i];
		struct reload_socket *map = &maps[lane * ret->listeners + i];
		struct listener *old = same >= 0 ? &sockets_of_lane(s, lane)[same] : NULL;

		if (old != NULL && old->fd >= 0) {
			if (listener_adjust(old, &from->listeners[same], &to->listeners[i]) != LISTENER_OK)
				return false;
			*l = *old;
			*map = (struct reload_socket){.from = (uint16_t)same, .l = *l};
			continue;
		}
		if (!open_one(&to->listeners[i], lane, s->lanes, true, l))
			return false;
		*map = (struct reload_socket){.from = l->fd >= 0 ? RELOAD_NEW : RELOAD_NONE, .l = *l};
	}
	return true;
}

/* Back to what it was, as far as it had come. */
static void
give_up(const struct conf *from, const struct conf *to, struct sockets *ret, const struct reload_socket *maps)
{
	for (size_t i = 0; i < ret->listeners * ret->lanes; i++) {
		const struct reload_socket *map = &maps[i];
		struct listener *l = &ret->all[i];

		if (l->fd < 0 || map->from >= RELOAD_NONE)
			continue;
		(void)!listener_adjust(l, &to->listeners[i % ret->listeners], &from->listeners[map->from]);
		l->fd = -1; /* the old state's */
	}
	sockets_close(ret);
}

/* Those that the new state has no use for may be in the way of one that it has. */
static void
let_beside(const struct sockets *s, const struct conf *from, const struct conf *to, bool willing)
{
	for (size_t i = 0; i < s->listeners; i++) {
		if (find_same(to, &from->listeners[i]) >= 0)
			continue;
		for (unsigned lane = 0; lane < s->lanes; lane++)
			listener_let_beside(&sockets_of_lane(s, lane)[i], willing);
	}
}

bool
sockets_follow(struct sockets *s, const struct conf *from, const struct conf *to, struct sockets *ret,
    struct reload_socket *maps)
{
	bool good = allocate(to->listener_count, s->lanes, ret);

	for (size_t i = 0; i < to->listener_count * s->lanes; i++)
		maps[i] = (struct reload_socket){.from = RELOAD_NONE, .l = {.fd = -1}};
	let_beside(s, from, to, true);
	for (size_t i = 0; good && i < to->listener_count; i++)
		good = follow_one(s, from, to, i, ret, maps);
	let_beside(s, from, to, false);
	if (!good && ret->all != NULL)
		give_up(from, to, ret, maps);
	return good;
}

/* --- links --- */

/* A listener of one lane: true when its collector is to be told. */
static bool
check_link(const struct conf_listener *conf, unsigned lane, unsigned lanes, uint32_t ifindex,
    struct listener *l, struct reload_socket *map, struct sockets_change *change)
{
	struct listener fresh = {.fd = -1};
	enum listener_result r;

	if (l->fd >= 0 && l->ifindex == ifindex && !l->lost)
		return false;
	if (ifindex == 0) { /* what it is bound to may have another name now: it stays */
		change->gone = l->fd >= 0 && !l->lost;
		l->lost = true;
		return false;
	}
	if (l->fd >= 0) {
		r = listener_rejoin(l, conf, ifindex);
		if (r != LISTENER_REOPEN) {
			change->back = r == LISTENER_OK;
			l->lost = r != LISTENER_OK;
			map->l = *l;
			return r == LISTENER_OK;
		}
	}
	if (listener_open(conf, lane, lanes, &fresh) != LISTENER_OK)
		return false;
	listener_close(l);
	*l = fresh;
	*map = (struct reload_socket){.from = RELOAD_NEW, .l = fresh};
	change->back = true;
	return true;
}

bool
sockets_check_links(
    struct sockets *s, const struct conf *conf, struct reload_socket *maps, struct sockets_change *changes)
{
	bool any = false;

	for (size_t i = 0; i < s->listeners; i++) {
		const struct conf_listener *c = &conf->listeners[i];
		uint32_t ifindex = c->interface[0] != '\0' ? if_nametoindex(c->interface) : 0;

		changes[i] = (struct sockets_change){.gone = false};
		for (unsigned lane = 0; lane < s->lanes; lane++) {
			struct listener *l = &sockets_of_lane(s, lane)[i];
			struct reload_socket *map = &maps[lane * s->listeners + i];

			*map = (struct reload_socket){
			    .from = l->fd >= 0 ? (uint16_t)i : RELOAD_NONE, .l = *l};
			if (c->interface[0] != '\0')
				any |= check_link(c, lane, s->lanes, ifindex, l, map, &changes[i]);
		}
	}
	return any;
}
