/* SPDX-License-Identifier: ISC
 *
 * The parent's sockets: one for each listener and lane. They stay open here, so that they outlive a collector:
 * what comes while it is started again waits in the kernel.
 */
#ifndef FLOWBRAID_NODE_SOCKETS_H
#define FLOWBRAID_NODE_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>

#include "node/conf.h"
#include "node/listener.h"
#include "node/reload.h"

/* A listener's sockets are open in all lanes, or in none. */
struct sockets {
	struct listener *all; /* owned; lane by lane, each with all listeners */
	size_t listeners;
	unsigned lanes;
};

static inline struct listener *
sockets_of_lane(const struct sockets *s, unsigned lane)
{
	return s->all + lane * s->listeners;
}

/* Opens all of them, and says what cannot be. One whose interface is not there waits for it, and is said, too.
 * False: nothing is open. */
bool sockets_open(const struct conf *conf, unsigned lanes, struct sockets *ret);
void sockets_close(struct sockets *s);

/* The sockets of another configuration: those that can serve are taken over (and adjusted), the others are opened; nothing
 * is closed. maps: as many as ret has sockets, lane by lane, what to tell the collectors. False, with messages: *s and its sockets are as
 * before. On success whatever no map took over is to be closed by sockets_release, once it is told. */
bool sockets_follow(struct sockets *s, const struct conf *from, const struct conf *to, struct sockets *ret,
    struct reload_socket *maps);
/* Frees s, and closes those of its sockets that the maps (of its successor) did not take over. */
void sockets_release(struct sockets *s, const struct sockets *successor, const struct reload_socket *maps);

/* Whether each listener's interface is what its socket was opened for; if not, the socket is joined again, or another
 * one is opened. For when links came, went or got other names. True when collectors are to be told by the maps (which
 * leave everything else as it is). gone[i]: the interface has gone; back[i]: the listener hears it again. */
struct sockets_change {
	bool gone, back;
};
bool sockets_check_links(
    struct sockets *s, const struct conf *conf, struct reload_socket *maps, struct sockets_change *changes);

#endif
