/* SPDX-License-Identifier: ISC
 *
 * Who is protected, who is evicted, and what stands on whose account, with virtual time.
 */
#include "node/exporters.h"

#include <stdlib.h>

#include "tests/tap.h"

static const struct exporters_limits small = {
    .exporters = 16,
    .kept = 8,
    .streams = 4,
    .all_streams = 10,
    .bytes = 1000,
    .all_bytes = 2500,
    .definitions = 10,
    .all_definitions = 20,
};

static struct exporters x;
static double now;

static void
begin(void)
{
	if (exporters_init(&x, &small, 7) != ERR_OK)
		abort();
	now = 1000;
	exporters_time(&x, (wall_t){(int64_t)now * NS_PER_SEC});
}

static void
pass_time(double sec)
{
	now += sec;
	exporters_time(&x, (wall_t){(int64_t)(now * 1e9)});
}

static struct addr
address(uint32_t n)
{
	return addr_v4(0x0a000000 + n);
}

static struct exporter_state *
hear(uint32_t n)
{
	const struct addr a = address(n);
	struct exporter_state *e = exporters_heard(&x, &a);

	if (e == NULL)
		abort();
	return e;
}

static bool protected(uint32_t n)
{
	const struct addr a = address(n);

	return exporters_protect(&x, &a);
}

/* So many datagrams in sequence, one each `every` seconds. */
static void
say(uint32_t n, unsigned count, double every)
{
	for (unsigned i = 0; i < count; i++) {
		if (i > 0)
			pass_time(every);
		exporters_went_on(&x, hear(n));
	}
}

/* Protected within a minute and a bit. */
static void
earn(uint32_t n)
{
	(void)hear(n);
	for (unsigned i = 0; i < 7; i++) {
		pass_time(10);
		exporters_went_on(&x, hear(n));
	}
}

static void
earning(void)
{
	begin();
	(void)hear(1);
	say(1, 100000, 0.0005);
	ok(!protected(1), "100,000 datagrams in 50 s: on probation");
	say(1, 30, 0.5);
	ok(protected(1), "and with the minute protected");

	(void)hear(2);
	pass_time(60);
	say(2, 2, 60);
	ok(!protected(2), "one a minute: on probation after two minutes");
	pass_time(60);
	say(2, 1, 0);
	ok(protected(2), "protected after three");

	(void)hear(3);
	for (unsigned i = 0; i < 1000; i++) {
		pass_time(10);
		(void)hear(3);
	}
	ok(!protected(3), "whose datagrams do not go on from another is never protected");

	(void)hear(4);
	say(4, 3, 30);
	for (unsigned i = 0; i < 11; i++)
		pass_time(60);
	say(4, 3, 30);
	ok(!protected(4), "after a long silence a probation begins anew");
	say(4, 3, 30);
	ok(protected(4), "and ends");

	(void)hear(5);
	now += 86400;
	exporters_time(&x, (wall_t){(int64_t)(now * 1e9)});
	say(5, 10, 1);
	ok(!protected(5), "a clock that is set forward is no minute");
	now -= 200000;
	exporters_time(&x, (wall_t){(int64_t)(now * 1e9)});
	earn(5);
	ok(protected(5), "one that is set back holds nobody up");
	exporters_clear(&x);
}

static void
evicting(void)
{
	unsigned lost = 0;

	begin();
	earn(1);
	earn(2);
	(void)hear(3);
	for (uint32_t n = 1000; n < 101000; n++) {
		(void)hear(n);
		lost += (unsigned)!protected(1) + !protected(2);
	}
	is_u64(lost, 0, "100,000 newcomers evict nobody who is protected");
	is_u64(x.count, 16, "and fill no more than the table");
	is_u64(x.counters.evicted, 100000 + 3 - 16, "each eviction is counted");
	is_u64(x.kept, 2, "two are protected");

	for (uint32_t n = 0; n < 1000; n++) {
		(void)hear(200000 + n);
		(void)hear(3);
	}
	(void)hear(3);
	is_u64(hear(3)->steps, 0, "one that is heard in between stays");
	say(3, 1, 0);
	pass_time(20);
	for (uint32_t n = 0; n < 4; n++) {
		say(3, 1, 0);
		for (uint32_t k = 0; k < 5; k++)
			(void)hear(300000 + 10 * n + k);
		pass_time(20);
	}
	ok(protected(3), "and earns protection meanwhile");
	exporters_clear(&x);
}

/* An attacker who forges a minute of as many addresses as he likes. */
static void
forged_protection(void)
{
	unsigned lost = 0;

	begin();
	earn(1);
	earn(2);
	for (uint32_t n = 100; n < 140; n++) { /* for less than an hour */
		earn(n);
		(void)hear(1);
		(void)hear(2);
		lost += (unsigned)!protected(1) + !protected(2);
	}
	is_u64(lost, 0, "forty that earn protection take it from nobody who is heard");
	is_u64(x.kept, 8, "the protected half has its size");
	is_u64(x.counters.refused, 34, "who earned it in vain is counted");

	pass_time(86400);
	earn(40);
	ok(protected(1) && protected(2) && !protected(40), "a clock that is set forward makes nobody silent");

	for (unsigned i = 0; i < 62; i++) {
		pass_time(60);
		(void)hear(1);
	}
	earn(50);
	ok(protected(50) && protected(1), "those who were silent for an hour make room");
	ok(!protected(2), "whoever they are");
	is_u64(x.kept, 2, "two are left");
	exporters_clear(&x);
}

static void
trusted(void)
{
	struct addr a = address(1), b = address(2);

	begin();
	exporters_trust(&x, &a, true);
	exporters_trust(&x, &a, true);
	exporters_trust(&x, &b, false);
	for (uint32_t n = 100; n < 200; n++)
		(void)hear(n);
	ok(protected(1) && protected(2), "those that a former life knew are protected");
	for (uint32_t n = 20; n < 30; n++) {
		struct addr c = address(n);

		exporters_trust(&x, &c, false);
	}
	is_u64(x.kept, 4, "those that were on probation no more than half of what can be");
	for (uint32_t n = 3; n <= 6; n++) {
		struct addr c = address(n);

		exporters_trust(&x, &c, true);
	}
	is_u64(x.kept, 8, "the others all");
	for (unsigned i = 0; i < 10; i++) {
		pass_time(60);
		(void)hear(1);
	}
	earn(9);
	ok(protected(9) && protected(1), "one that is heard stays so");
	ok(!protected(2), "one that is not for ten minutes makes room");
	exporters_clear(&x);
}

static void
accounts(void)
{
	uint64_t one, two, three, four;

	begin();
	one = exporters_owner(&x, hear(1));
	ok(exporters_charge(&x, one, 4, 1000), "a share is taken");
	ok(!exporters_charge(&x, one, 1, 0), "a stream more is not");
	ok(!exporters_charge(&x, one, 0, 1), "a byte more is not");
	is_u64(x.kept_bytes, 0, "nothing is protected");
	ok(!exporters_keep(&x, one), "nor kept");
	earn(1);
	ok(exporters_keep(&x, one), "kept when it is earned");
	is_u64(x.kept_streams * 10000 + x.kept_bytes, 41000, "with what stood on the account before");
	exporters_discharge(&x, one, 1, 500);
	is_u64(x.kept_streams * 10000 + x.kept_bytes, 30500, "and is taken off");

	earn(2);
	earn(3);
	two = exporters_owner(&x, hear(2));
	three = exporters_owner(&x, hear(3));
	ok(exporters_charge(&x, two, 4, 1000) && exporters_charge(&x, three, 3, 1000), "others have theirs");
	ok(!exporters_charge(&x, three, 1, 0) && !exporters_charge(&x, three, 0, 1),
	    "but all together have no more than their part");
	four = exporters_owner(&x, hear(4));
	ok(exporters_charge(&x, four, 1, 10), "who is not protected may");
	earn(4);
	ok(!protected(4), "but is not protected with it");
	exporters_discharge(&x, two, 4, 1000);
	pass_time(20);
	say(4, 1, 0);
	ok(protected(4), "until there is room");
	is_u64(exporters_owner(&x, hear(4)), four, "the account is the same");

	one = exporters_owner(&x, hear(500));
	ok(exporters_charge(&x, one, 1, 1), "a newcomer's account");
	for (uint32_t n = 1000; n < 1100; n++)
		(void)hear(n);
	two = exporters_owner(&x, hear(500));
	ok(one != two && !exporters_keep(&x, one) && !exporters_charge(&x, one, 1, 1),
	    "is closed when it is evicted, also when it comes back");
	exporters_discharge(&x, one, 1, 1);
	is_u64(hear(500)->streams, 0, "and what was on it is not taken from its next one");
	ok(!exporters_keep(&x, 0) && !exporters_charge(&x, 0, 0, 0), "nobody has no account");
	exporters_clear(&x);
}

static unsigned
passed(uint32_t n, uint32_t rate, unsigned count)
{
	unsigned passes = 0;

	for (unsigned i = 0; i < count; i++)
		passes += exporters_pass(&x, hear(n), rate);
	return passes;
}

static void
rates(void)
{
	struct tmpl_guard g;
	struct addr a = address(1), b = address(2);
	unsigned permitted = 0;

	begin();
	is_u64(passed(1, 100, 500), 100, "a second's worth passes at once");
	is_u64(passed(2, 100, 50), 50, "another exporter has its own");
	pass_time(0.1);
	is_u64(passed(1, 100, 500), 10, "then as many as time has passed for");
	pass_time(30);
	is_u64(passed(1, 100, 500), 100, "a pause saves no more than a second's worth");
	now -= 5000;
	exporters_time(&x, (wall_t){(int64_t)(now * 1e9)});
	pass_time(1);
	is_u64(passed(1, 100, 500), 100, "a clock that was set back stops nobody");

	g = exporters_guard(&x);
	earn(2);
	for (unsigned i = 0; i < 100; i++)
		permitted += g.permits(g.ctx, &a);
	is_u64(permitted, 20, "those on probation define so many a second together");
	ok(!g.permits(g.ctx, &(struct addr){{1}}), "also unknown ones");
	permitted = 0;
	for (unsigned i = 0; i < 100; i++)
		permitted += g.permits(g.ctx, &b);
	is_u64(permitted, 10, "a protected one has its own rate");
	is_u64(x.counters.unlearned, 171, "the others are counted");
	exporters_clear(&x);
}

int
main(void)
{
	earning();
	evicting();
	forged_protection();
	trusted();
	accounts();
	rates();
	return done_testing();
}
