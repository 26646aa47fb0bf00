/* SPDX-License-Identifier: ISC
 *
 * The state of a cluster as a check for Nagios and its like has it: one line, performance data behind a bar, and an exit code.
 */
#ifndef FLOWBRAID_CLUSTER_MONITOR_CHECK_H
#define FLOWBRAID_CLUSTER_MONITOR_CHECK_H

#include "base/buf.h"
#include "cluster/monitor_view.h"

enum check_state { CHECK_OK, CHECK_WARNING, CHECK_CRITICAL, CHECK_UNKNOWN };

/* max_loss: so much of what was sent in the window, in percent, may be missing on all nodes. */
enum check_state monitor_check(const struct view *v, double max_loss, struct buf *out);

#endif
