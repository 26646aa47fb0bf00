/* SPDX-License-Identifier: ISC
 *
 * Notices that the host's clock was set, or that the host slept. Wall time is held against a clock that counts
 * sleep and is never set, and that one against one that stands still meanwhile: a step moves the first
 * difference, sleep the second. What NTP does gently moves neither, since it steers all three; what else drifts
 * slowly is followed and is no step. Many small steps are one when together they are as large.
 *
 * It reads no clock: readings are arguments.
 */
#ifndef FLOWBRAID_NODE_CLOCK_WATCH_H
#define FLOWBRAID_NODE_CLOCK_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

#define CLOCK_WATCH_STEP_NS (500 * NS_PER_MSEC) /* less is no step; nor is it sleep */
#define CLOCK_WATCH_DRIFT 1000                  /* one in so many is a drift that is followed */

/* The clocks, read in this order. */
struct clock_reading {
	mono_t boot; /* CLOCK_BOOTTIME */
	wall_t wall;
	mono_t mono;
	mono_t boot_after; /* CLOCK_BOOTTIME again: between them it may have had to wait for a CPU */
};

struct clock_news {
	int64_t step_ns;  /* by how much the clock was set, ahead when positive; 0: it was not */
	int64_t slept_ns; /* how long the host slept; 0: it did not */
};

struct clock_watch {
	bool begun;
	int64_t wall_ahead_ns; /* wall time less time since boot, as it was believed last */
	int64_t slept_ns;      /* time since boot less monotonic time */
	mono_t last;           /* reading's monotonic time */
};

void clock_reading_take(struct clock_reading *ret);

/* The next reading; zeros are a watch that has seen none. True when there is something to tell. */
bool clock_watch_look(struct clock_watch *w, const struct clock_reading *r, struct clock_news *ret);

#endif
