/* SPDX-License-Identifier: ISC
 *
 * Clocks that are set, slewed, and stand still with the host, in virtual time.
 */
#include "node/clock_watch.h"

#include "tests/tap.h"

#define TICK (50 * NS_PER_MSEC)

/* A host: its clocks, and what its watch has told. */
static struct {
	int64_t boot, mono, wall;
	struct clock_watch watch;
	struct clock_news last;
	unsigned told;
} host;

static void
look(int64_t spread)
{
	const struct clock_reading r = {.boot = {host.boot},
	    .wall = {host.wall},
	    .mono = {host.mono},
	    .boot_after = {host.boot + spread}};
	struct clock_news news;

	if (clock_watch_look(&host.watch, &r, &news)) {
		host.last = news;
		host.told++;
	}
}

/* The watch looks at each tick of so many seconds; wall time runs ahead by that many ns a tick. */
static void
run(double seconds, int64_t ahead)
{
	for (int64_t t = 0; t < (int64_t)(seconds * 1e9); t += TICK) {
		host.boot += TICK;
		host.mono += TICK;
		host.wall += TICK + ahead;
		look(1000);
	}
}

static void
begin(void)
{
	memset(&host, 0, sizeof(host));
	host.boot = 1000 * NS_PER_SEC;
	host.mono = 900 * NS_PER_SEC;
	host.wall = 1700000000 * NS_PER_SEC;
	run(10, 0);
}

static void
steps(void)
{
	static const int64_t by[] = {500 * NS_PER_MSEC + TICK / CLOCK_WATCH_DRIFT, NS_PER_SEC, -NS_PER_SEC,
	    86400 * NS_PER_SEC, -86400 * NS_PER_SEC, -1700000000 * NS_PER_SEC};

	begin();
	is_u64(host.told, 0, "clocks that agree: nothing to tell");
	for (size_t i = 0; i < sizeof(by) / sizeof(by[0]); i++) {
		begin();
		host.wall += by[i];
		run(100, 0);
		ok(host.told == 1 && host.last.step_ns == by[i] && host.last.slept_ns == 0,
		    "a step by %" PRId64 " ns is told, once", by[i]);
	}
	begin();
	host.wall += 499 * NS_PER_MSEC;
	run(10, 0);
	host.wall -= 499 * NS_PER_MSEC;
	run(10, 0);
	is_u64(host.told, 0, "a smaller one is not, there and back");
}

static void
slews(void)
{
	begin();
	run(3600, TICK / 2000);
	is_u64(host.told, 0, "500 ppm for an hour, 1.8 s, are no step");
	run(3600, -TICK / 2000);
	is_u64(host.told, 0, "nor the other way");
	host.wall += 3 * NS_PER_SEC;
	run(1, TICK / 2000);
	ok(host.told == 1 && host.last.step_ns >= 3 * NS_PER_SEC && host.last.step_ns < 3010 * NS_PER_MSEC,
	    "a step amid a slew is");
	begin();
	run(60, NS_PER_MSEC); /* 20 ms a second */
	ok(host.told == 2 && host.last.step_ns >= CLOCK_WATCH_STEP_NS &&
		host.last.step_ns < CLOCK_WATCH_STEP_NS + 30 * NS_PER_MSEC,
	    "many small steps are told when they add up (%u times, %" PRId64 " ns)", host.told,
	    host.last.step_ns);
}

static void
sleeps(void)
{
	begin();
	host.boot += 3600 * NS_PER_SEC;
	host.wall += 3600 * NS_PER_SEC;
	run(10, 0);
	ok(host.told == 1 && host.last.slept_ns == 3600 * NS_PER_SEC && host.last.step_ns == 0,
	    "an hour's sleep is sleep, and no step");
	begin();
	host.boot += 3600 * NS_PER_SEC;
	host.wall += 3602 * NS_PER_SEC;
	run(10, 0);
	ok(host.told == 1 && host.last.slept_ns == 3600 * NS_PER_SEC && host.last.step_ns == 2 * NS_PER_SEC,
	    "sleep with a clock that is set on waking is both");
}

static void
hard_cases(void)
{
	begin();
	host.wall += 700 * NS_PER_MSEC; /* it waited for a CPU after it had read the first clock */
	look(700 * NS_PER_MSEC);
	host.wall -= 700 * NS_PER_MSEC;
	run(10, 0);
	is_u64(host.told, 0, "readings that do not belong together are passed over");

	begin();
	for (int i = 0; i < 200; i++) {
		host.wall += (i % 2 == 0 ? 1 : -1) * 86400 * NS_PER_SEC;
		run(0.05, 0);
	}
	ok(host.told == 200, "a clock that raves: each step is told (%u)", host.told);

	begin();
	host.wall += 5 * NS_PER_SEC;
	run(0.1, 0);
	host.wall += 7 * NS_PER_SEC;
	run(10, 0);
	ok(host.told == 2 && host.last.step_ns == 7 * NS_PER_SEC, "two steps within a second are both told");
}

int
main(void)
{
	steps();
	slews();
	sleeps();
	hard_cases();
	return done_testing();
}
