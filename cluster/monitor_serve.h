/* SPDX-License-Identifier: ISC
 *
 * What a monitor serves: /cluster, /events, /metrics, /healthz and the page. Documents are made once a turn at most, however many ask.
 */
#ifndef FLOWBRAID_CLUSTER_MONITOR_SERVE_H
#define FLOWBRAID_CLUSTER_MONITOR_SERVE_H

#include "base/buf.h"
#include "cluster/monitor_conf.h"
#include "cluster/monitor_view.h"

struct loop;
struct monitor_serve;

/* conf and v are borrowed. When it fails errors has a line. */
enum err monitor_serve_new(struct loop *loop, const struct monitor_conf *conf, const struct view *v,
    struct monitor_serve **ret, struct buf *errors) WARN_UNUSED;
void monitor_serve_free(struct monitor_serve *s); /* NULL is fine; before loop_free */

/* The view has changed: those who watch events are told. */
void monitor_serve_turn(struct monitor_serve *s);
/* Certificate, key, authorities and users are read again. When that fails they stay as they were, and errors has lines. */
enum err monitor_serve_reload(struct monitor_serve *s, struct buf *errors) WARN_UNUSED;

#endif
