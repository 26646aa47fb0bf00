/* SPDX-License-Identifier: ISC
 *
 * The sockets of a listener: opening them, which needs privileges, and changing them while they are received from,
 * by whoever kept the privileges and a copy of the descriptor.
 */
#ifndef FLOWBRAID_NODE_LISTENER_H
#define FLOWBRAID_NODE_LISTENER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "node/conf.h"

/* Lanes share what comes to a listener; each has a socket of its own. They are to be opened in their order, the
 * first one first, and all of them, since on unicast the order decides whose a datagram is. */
struct listener {
	int fd; /* not blocking; -1: closed */
	bool multicast;
	bool v6;
	bool filtered;    /* by lane: the kernel's count of drops has what other lanes take, too */
	uint32_t ifindex; /* of the interface named; 0: none */
	int buffer;       /* bytes of receive buffer, as the kernel counts them */
	bool joined;      /* whoever learns that the interface is gone clears it, until listener_rejoin */
	bool lost;        /* its interface has gone since; noted by whoever watches interfaces */
	uint32_t sources_joined; /* 0: every source, when joined */
	uint32_t drops;          /* by the kernel, of those that a collector has told of */
};

enum listener_result {
	LISTENER_OK,
	LISTENER_NO_INTERFACE, /* it is not there (yet); nothing was said */
	LISTENER_REOPEN, /* this socket cannot be changed so, a new one is needed; nothing was said or changed */
	LISTENER_FAILED, /* a message has said why, with file and line */
};

/* *ret is written on LISTENER_OK only. */
enum listener_result listener_open(
    const struct conf_listener *conf, unsigned lane, unsigned lanes, struct listener *ret) WARN_UNUSED;
/* The same where a socket of ours that is about to be closed still has the address, or one that overlaps: both must be
 * willing, for that moment. */
enum listener_result listener_open_beside(
    const struct conf_listener *conf, unsigned lane, unsigned lanes, struct listener *ret) WARN_UNUSED;
void listener_let_beside(const struct listener *l, bool willing);
void listener_close(struct listener *l);

/* Whether a socket opened for a can serve b, after listener_adjust. */
bool listener_same_socket(const struct conf_listener *a, const struct conf_listener *b);

/* Receive buffer and joined sources become those of `to`, which has the same socket as `from`. The sources change
 * in one step, so that one that both have is heard all the time. LISTENER_FAILED: nothing was changed. */
enum listener_result listener_adjust(
    struct listener *l, const struct conf_listener *from, const struct conf_listener *to) WARN_UNUSED;

/* The interface of the listener's name has this index now: it was removed and came back (even with the same
 * index), or another one got the name. Whoever receives from the socket must be told of the new l->ifindex, too.
 * LISTENER_NO_INTERFACE: it is gone again. */
enum listener_result listener_rejoin(
    struct listener *l, const struct conf_listener *conf, uint32_t ifindex) WARN_UNUSED;

#endif
