/* SPDX-License-Identifier: ISC
 *
 * Retention in a running node: when log/expire makes a pass, what is said about it, and the way of each removal from the
 * writing thread, which removes, to the appending thread, which puts an event record about it into the log.
 *
 * What was removed waits in a list of fixed size; when it is full nothing more is removed, so no removal goes untold
 * while the node lives.
 *
 * A clock that is set far ahead would make the whole log old at once: then nothing goes by age for an hour, so that
 * somebody can set it right.
 */
#ifndef FLOWBRAID_NODE_RETENTION_H
#define FLOWBRAID_NODE_RETENTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "log/expire.h"
#include "log/store.h"

struct retention;

struct retention_options {
	const char *name;           /* subject of messages; borrowed */
	const char *cluster, *node; /* borrowed for the call */
	uint16_t lane;
	struct retain_limits limits;
};

enum err retention_new(
    const struct store *s, const struct retention_options *options, struct retention **ret) WARN_UNUSED;
void retention_free(struct retention *r); /* NULL is fine */

/* --- for the writing thread --- */

/* A pass when one is due. full: writing fails for want of room; a pass is always due then. True when something was removed. */
bool retention_run(struct retention *r, const struct store *s, bool full, wall_t now, mono_t mono);

/* --- for the appending thread --- */

/* A reload: from the next pass on. */
void retention_set(struct retention *r, const struct retain_limits *limits);

/* The oldest removal that was not taken yet. False when there is none. */
bool retention_peek(struct retention *r, struct expire_removed *ret);
void retention_take(struct retention *r);

/* Waits for the pass at hand; nothing is removed from then on, so that all can be told before the log ends. */
void retention_end(struct retention *r);

#endif
