/* SPDX-License-Identifier: ISC
 *
 * The feeds: sockets of this host at which programs read what the node hears, as lines of JSON or as records of a log. Each
 * has any number of readers up to a limit for all; none of them can make another one, or the node, wait.
 */
#ifndef FLOWBRAID_NODE_FEED_H
#define FLOWBRAID_NODE_FEED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "log/segment.h"
#include "node/conf.h"
#include "base/loop.h"
#include "wire/template.h"

#define FEED_READERS_MOST 32 /* of all feeds together */

struct feeds;

/* fds: a listening socket for each feed of the configuration. All of it is borrowed. */
enum err feeds_new(struct loop *loop, const struct conf *conf, const int *fds, struct tmpl_cache *templates,
    struct feeds **ret) WARN_UNUSED;
void feeds_free(struct feeds *f); /* NULL is fine */

/* A datagram, whose templates have been learnt, and how many were lost before it. */
void feeds_take(struct feeds *f, const struct record *datagram, uint64_t lost_before, wall_t now);
/* Behind several of them: what waits goes to whoever reads. */
void feeds_flush(struct feeds *f, wall_t now);
/* The same, to whoever had no room lately, too. */
void feeds_flush_all(struct feeds *f, wall_t now);
/* Every second. */
void feeds_tick(struct feeds *f, wall_t now, mono_t mono);
/* False: nothing waits for anybody. */
bool feeds_are_waiting(const struct feeds *f);

/* Their numbers, for the board; first: the number of the first feed's name there. */
void feeds_put(const struct feeds *f, struct buf *b, uint16_t first);
void feeds_say(const struct feeds *f);

#endif
