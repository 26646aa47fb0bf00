/* SPDX-License-Identifier: ISC
 *
 * The collector: receives and records. It is given open sockets and an open folder, and opens no path but
 * through that folder's descriptor.
 */
#ifndef FLOWBRAID_NODE_COLLECTOR_H
#define FLOWBRAID_NODE_COLLECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "node/conf.h"

struct collector;
struct packet;

/* Puts the lane's log in order. NULL when that cannot be; a message has said why. conf and folder are borrowed;
 * the caller holds the folder's lock.
 * for_capture: nobody is waiting, so a slow disk slows down the reading. */
struct collector *collector_open(
    const struct conf *conf, int folder, uint16_t lane, bool for_capture, wall_t now);

/* Begins an incarnation: from here on there is a second thread. */
bool collector_start(struct collector *c, const char *version, wall_t now);

/* The listener that would have heard it; -1: none has the port. One with the address goes first. */
int collector_find_listener(const struct conf *conf, const struct packet *p);

/* Takes one datagram of a capture, received at `time` by that listener, -1: by none; now: the latest time of the capture so
 * far. False when the log cannot be written. */
bool collector_replay(struct collector *c, const struct packet *p, int listener, wall_t time, wall_t now);

/* Ends the incarnation: everything is written and sealed. False when something could not be. */
bool collector_stop(struct collector *c, wall_t now);

void collector_close(struct collector *c); /* NULL is fine */

#endif
