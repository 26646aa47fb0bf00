/* SPDX-License-Identifier: ISC
 *
 * The connections of a server that is not ours (libevent's HTTP), watched by their descriptors: the library limits
 * neither their number nor how long one takes, if only it sends a byte now and then. What lasts too long is shut down, and
 * when the process has no descriptor left, those that have been there longest are. The library then closes them as if the
 * client had.
 */
#ifndef FLOWBRAID_NODE_CONNECTIONS_H
#define FLOWBRAID_NODE_CONNECTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "node/sandbox.h"

#define CONNECTIONS_FDS SANDBOX_FDS

struct connections {
	struct connection {
		bool own;        /* open before the first connection: none */
		uint64_t cookie; /* the kernel's name of the socket; 0: none here */
		mono_t since;    /* when it was seen first */
		bool ended;
	} of[CONNECTIONS_FDS];
	uint64_t ended; /* in all */
};

/* When everything is open that the process keeps. */
void connections_init(struct connections *c);
/* To be called every second or so: ends those that have lasted longer. */
void connections_limit(struct connections *c, int64_t most_ns, mono_t now);
/* Ends a quarter of all, the oldest ones. */
void connections_make_room(struct connections *c, mono_t now);

#endif
