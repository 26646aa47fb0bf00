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

/* A listener's sockets in all lanes, or none: on unicast their order decides whose a datagram is. */
static enum listener_result
open_lanes(const struct conf_listener *conf, unsigned lanes, bool beside, struct listener *ret)
{
	enum listener_result r = LISTENER_OK;
	unsigned count = 0;

	for (; count < lanes && r == LISTENER_OK; count++) {
		ret[count] = (struct listener){.fd = -1};
		r = beside ? listener_open_beside(conf, count, lanes, &ret[count])
			   : listener_open(conf, count, lanes, &ret[count]);
	}
	for (unsigned lane = 0; r != LISTENER_OK && lane < count; lane++)
		listener_close(&ret[lane]);
	return r;
}

/* Into s, where listener i is closed. False: a message has said why. */
static bool
open_all_lanes(struct sockets *s, const struct conf_listener *conf, size_t i, bool beside)
{
	struct listener fresh[CONF_LANES_MOST];
	enum listener_result r = open_lanes(conf, s->lanes, beside, fresh);

	if (r == LISTENER_NO_INTERFACE)
		say_waiting(conf);
	for (unsigned lane = 0; r == LISTENER_OK && lane < s->lanes; lane++)
		sockets_of_lane(s, lane)[i] = fresh[lane];
	return r == LISTENER_OK || r == LISTENER_NO_INTERFACE;
}

bool
sockets_open(const struct conf *conf, unsigned lanes, struct sockets *ret)
{
	bool all = allocate(conf->listener_count, lanes, ret);

	for (size_t i = 0; ret->all != NULL && i < conf->listener_count; i++)
		all &= open_all_lanes(ret, &conf->listeners[i], i, false);
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

/* One listener in all lanes. */
static bool
follow_one(struct sockets *s, const struct conf *from, const struct conf *to, size_t i, struct sockets *ret,
    struct reload_socket *maps)
{
	int same = find_same(from, &to->listeners[i]);
	bool kept = same >= 0 && s->all[same].fd >= 0;

	if (!kept && !open_all_lanes(ret, &to->listeners[i], i, true))
		return false;
	for (unsigned lane = 0; lane < s->lanes; lane++) {
		struct listener *l = &sockets_of_lane(ret, lane)[i];
		struct reload_socket *map = &maps[lane * ret->listeners + i];

		if (kept) {
			struct listener *old = &sockets_of_lane(s, lane)[same];

			if (listener_adjust(old, &from->listeners[same], &to->listeners[i]) != LISTENER_OK)
				return false;
			*l = *old;
			*map = (struct reload_socket){.from = (uint16_t)same, .l = *l};
		} else {
			*map = (struct reload_socket){.from = l->fd >= 0 ? RELOAD_NEW : RELOAD_NONE, .l = *l};
		}
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

static void
map_listener(const struct sockets *s, size_t i, uint16_t from, struct reload_socket *maps)
{
	for (unsigned lane = 0; lane < s->lanes; lane++) {
		const struct listener *l = &sockets_of_lane(s, lane)[i];

		maps[lane * s->listeners + i] = (struct reload_socket){
		    .from = l->fd >= 0 ? from : RELOAD_NONE, .l = *l};
	}
}

static bool
is_as_opened(const struct sockets *s, size_t i, uint32_t ifindex)
{
	for (unsigned lane = 0; lane < s->lanes; lane++) {
		const struct listener *l = &sockets_of_lane(s, lane)[i];

		if (l->fd < 0 || l->ifindex != ifindex || l->lost)
			return false;
	}
	return true;
}

/* What the sockets are bound to may have another name now, so they stay open. */
static bool
lose(struct sockets *s, size_t i)
{
	bool news = s->all[i].fd >= 0 && !s->all[i].lost;

	for (unsigned lane = 0; lane < s->lanes; lane++) {
		struct listener *l = &sockets_of_lane(s, lane)[i];

		l->lost = true;
		l->joined = false;
	}
	return news;
}

/* LISTENER_REOPEN when one of the lanes needs another socket: then all do. Else the worst of the results; a lane that could
 * not be joined stays lost, and is tried again at the next news. */
static enum listener_result
rejoin_lanes(struct sockets *s, const struct conf_listener *conf, size_t i, uint32_t ifindex)
{
	enum listener_result all = LISTENER_OK;

	for (unsigned lane = 0; lane < s->lanes; lane++) {
		struct listener *l = &sockets_of_lane(s, lane)[i];
		enum listener_result r;

		if (l->fd < 0)
			return LISTENER_REOPEN;
		if (l->ifindex == ifindex && !l->lost)
			continue;
		r = listener_rejoin(l, conf, ifindex);
		if (r == LISTENER_REOPEN)
			return r;
		l->lost = r != LISTENER_OK;
		all = r > all ? r : all;
	}
	return all;
}

/* True when collectors are to be told. */
static bool
check_link(struct sockets *s, const struct conf_listener *conf, size_t i, uint32_t ifindex,
    struct reload_socket *maps, struct sockets_change *change)
{
	struct listener fresh[CONF_LANES_MOST];
	enum listener_result r;

	if (is_as_opened(s, i, ifindex))
		return false;
	if (ifindex == 0) {
		change->gone = lose(s, i);
		map_listener(s, i, (uint16_t)i, maps);
		return change->gone;
	}
	r = rejoin_lanes(s, conf, i, ifindex);
	if (r != LISTENER_REOPEN) {
		change->back = r == LISTENER_OK;
		map_listener(s, i, (uint16_t)i, maps); /* those that could be joined have another index */
		return true;
	}
	if (open_lanes(conf, s->lanes, false, fresh) != LISTENER_OK)
		return false;
	for (unsigned lane = 0; lane < s->lanes; lane++) {
		struct listener *l = &sockets_of_lane(s, lane)[i];

		listener_close(l);
		*l = fresh[lane];
	}
	map_listener(s, i, RELOAD_NEW, maps);
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
		map_listener(s, i, (uint16_t)i, maps);
		if (c->interface[0] != '\0')
			any |= check_link(s, c, i, ifindex, maps, &changes[i]);
	}
	return any;
}
