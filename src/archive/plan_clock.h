/* SPDX-License-Identifier: ISC
 *
 * A clock for exporters that tell none (sFlow): only the nodes say when a datagram came, and a node's clock may be wrong.
 */
#ifndef FLOWBRAID_ARCHIVE_PLAN_CLOCK_H
#define FLOWBRAID_ARCHIVE_PLAN_CLOCK_H

#include "archive/pool.h"
#include "flow/seq.h"

/* Sets clock_ns of one stream's items (tag: index of the datagram), so that items of one life have one boot time, whatever
 * the clocks of the nodes say. slack_ns: what a boot time by one node's clock may differ by within a life. */
enum err plan_clock(const struct pool *p, int64_t slack_ns, struct seq_item *items, size_t count) WARN_UNUSED;

#endif
