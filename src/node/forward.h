/* SPDX-License-Identifier: ISC
 *
 * Datagrams sent on as they came, to other collectors. Nothing is waited for: what a socket does not take at once is lost
 * there, and counted.
 */
#ifndef FLOWBRAID_NODE_FORWARD_H
#define FLOWBRAID_NODE_FORWARD_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "log/segment.h"
#include "node/conf.h"

struct forwards;

/* fds: a connected socket for each forward of the configuration, which is borrowed, as they are. */
enum err forwards_new(const struct conf *conf, const int *fds, struct forwards **ret) WARN_UNUSED;
void forwards_free(struct forwards *f); /* NULL is fine */

void forwards_send(struct forwards *f, const struct record *datagram, mono_t now);

/* Their numbers, for the board; the first name of a forward is number 0 there. */
void forwards_put(const struct forwards *f, struct buf *b);
void forwards_say(const struct forwards *f);

#endif
