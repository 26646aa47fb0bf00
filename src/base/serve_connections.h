/* SPDX-License-Identifier: ISC
 *
 * The connections of a server that is not ours (libevent's HTTP), watched by their descriptors: the library limits
 * neither their number nor how long one takes, if only it sends a byte now and then. What lasts too long is shut down, and
 * when there are too many, those that have been there longest are. The library then closes them as if the client had.
 */
#ifndef FLOWBRAID_BASE_SERVE_CONNECTIONS_H
#define FLOWBRAID_BASE_SERVE_CONNECTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/err.h"

#define CONNECTIONS_FDS_MOST 4096 /* descriptors that are looked at */

struct connections {
	struct connection {
		uint64_t cookie; /* the kernel's name of the socket; 0: none here */
		mono_t since;    /* when it was seen first */
		bool ours;       /* accepted by the listener */
		bool stream;     /* lasts as long as it likes */
		bool ended;
	} * of;  /* owned */
	int fds; /* those below it are looked at */
	int listener;
	struct sockaddr_storage name; /* the listener's */
	unsigned count;               /* ours, when last looked */
	uint64_t ended;               /* in all */
};

enum err connections_init(struct connections *c, int listener, int descriptors) WARN_UNUSED;
void connections_clear(struct connections *c);
/* Counts them anew. */
void connections_look(struct connections *c, mono_t now);
/* To be called every second or so: ends those that have lasted longer, but no streams. */
void connections_limit(struct connections *c, int64_t most_ns, mono_t now);
/* Ends a quarter of all, the oldest ones; streams are spared. */
void connections_make_room(struct connections *c, mono_t now);
/* It becomes a stream. */
void connections_stream(struct connections *c, int fd, mono_t now);
/* Ends this one. */
void connections_end(struct connections *c, int fd);

#endif
