/* SPDX-License-Identifier: ISC
 *
 * Interfaces that come, go, change their state or their name, as rtnetlink tells. There is no event loop in it:
 * whoever has one reads when the descriptor is readable.
 */
#ifndef FLOWBRAID_NODE_LINKS_H
#define FLOWBRAID_NODE_LINKS_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct links {
	int fd;            /* owned, not blocking */
	uint32_t sequence; /* of the list asked for last */
	bool list_wanted;  /* to be asked for, when none is running: at first, and after news got lost */
	bool list_running;
};

struct link_news {
	uint32_t ifindex;
	char name[IF_NAMESIZE];
	bool gone;
	bool up;      /* by its administrator */
	bool running; /* has a carrier */
	bool dumped;  /* part of a list of what there is, not a change */
};

/* What is told. begin comes before a list of all interfaces, end after it: what was known before and was not told
 * since the last begin is gone. begin may come twice before end, when a list turned out not to be whole. */
struct links_sink {
	void (*news)(void *ctx, const struct link_news *n);
	void (*begin)(void *ctx);
	void (*end)(void *ctx);
	void *ctx;
};

enum err links_open(struct links *ret) WARN_UNUSED; /* ERR_SYSTEM */
void links_close(struct links *l);

/* Takes what has come, without waiting for more, a bounded number of messages. To be called once at first, which asks
 * for a list, and then whenever the descriptor is readable. When news came faster than they were read, and the kernel
 * dropped some, a new list is asked for. ERR_SYSTEM: it cannot go on. ERR_MALFORMED: something was passed over. */
enum err links_read(struct links *l, const struct links_sink *sink) WARN_UNUSED;

/* What else the messages of a datagram say. */
struct links_seen {
	bool done;  /* the list asked for with this sequence has ended */
	bool again; /* something was missed: a new one is needed */
	int error;  /* there will be no list: an errno; else 0 */
};

/* The messages of one datagram of rtnetlink. ERR_MALFORMED: the rest of it was passed over. */
enum err links_parse(const void *bytes, size_t len, uint32_t sequence, const struct links_sink *sink,
    struct links_seen *ret) WARN_UNUSED;

#endif
