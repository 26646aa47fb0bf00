/* SPDX-License-Identifier: ISC
 *
 * Asks nodes for /gaps and /status, over HTTP or HTTPS, by libevent's client in the owner's loop. An answer has a limit of size, and both a
 * limit of time; one round does not wait for the one before.
 */
#ifndef FLOWBRAID_CLUSTER_MONITOR_POLL_H
#define FLOWBRAID_CLUSTER_MONITOR_POLL_H

#include "base/clock.h"
#include "cluster/monitor_conf.h"
#include "cluster/monitor_report.h"

struct loop;
struct poll;

/* report NULL: why (static, or valid until it returns) there is none. False: what it tells is not kept, so the next one is to tell all. */
typedef bool poll_call(void *ctx, uint32_t node, const struct node_report *report, const char *why);

/* conf: borrowed. ERR_MALFORMED: a file of its TLS cannot be used; errors has a line. */
enum err poll_new(struct loop *loop, const struct monitor_conf *conf, poll_call *call, void *ctx,
    struct poll **ret, struct buf *errors) WARN_UNUSED;
/* The files of its TLS are read again, as conf has them. When that fails all stays as it was, and errors has a line. */
enum err poll_reload(struct poll *p, struct buf *errors) WARN_UNUSED;
void poll_free(struct poll *p); /* NULL is fine; before loop_free */

/* Asks all that are not being asked, and gives up what has lasted too long. To be called every interval. */
void poll_round(struct poll *p, mono_t now);
/* Nobody is being asked. */
bool poll_is_done(const struct poll *p);

#endif
