/* SPDX-License-Identifier: ISC
 *
 * See clock_watch.h.
 */
#include "node/clock_watch.h"

#include <stdlib.h>

/* Clocks that were read with a longer pause between them say nothing about each other. */
#define SPREAD_MOST_NS (20 * NS_PER_MSEC)

static int64_t
within(int64_t v, int64_t most)
{
	return v > most ? most : v < -most ? -most : v;
}

/* How far a difference is from what it was, less what a drift explains, which *reference follows. 0: not far enough. */
static int64_t
moved(int64_t *reference, int64_t now_ns, int64_t drift_ns)
{
	int64_t by = now_ns - *reference, followed = within(by, drift_ns);

	if (llabs(by - followed) >= CLOCK_WATCH_STEP_NS)
		return by;
	*reference += followed;
	return 0;
}

bool
clock_watch_look(struct clock_watch *w, const struct clock_reading *r, struct clock_news *ret)
{
	int64_t ahead = r->wall.ns - r->boot.ns, slept = r->boot.ns - r->mono.ns, drift;
	struct clock_news news;

	if (r->boot_after.ns - r->boot.ns > SPREAD_MOST_NS)
		return false;
	if (!w->begun) {
		*w = (struct clock_watch){
		    .begun = true, .wall_ahead_ns = ahead, .slept_ns = slept, .last = r->mono};
		return false;
	}
	drift = (r->mono.ns - w->last.ns) / CLOCK_WATCH_DRIFT;
	w->last = r->mono;
	news.step_ns = moved(&w->wall_ahead_ns, ahead, drift);
	news.slept_ns = moved(&w->slept_ns, slept, drift);
	if (news.step_ns == 0 && news.slept_ns == 0)
		return false;
	if (news.step_ns != 0)
		w->wall_ahead_ns = ahead;
	if (news.slept_ns != 0)
		w->slept_ns = slept;
	*ret = news;
	return true;
}

void
clock_reading_take(struct clock_reading *ret)
{
	ret->boot = boot_now();
	ret->wall = wall_now();
	ret->mono = mono_now();
	ret->boot_after = boot_now();
}
