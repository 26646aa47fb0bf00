/* SPDX-License-Identifier: ISC
 *
 * Wall time as text, against gmtime_r.
 */
#include "base/clock.h"

#include <time.h>

#include "base/buf.h"
#include "tests/tap.h"

static void
test_text(void)
{
	static const struct {
		int64_t ns;
		int digits;
		const char *want;
	} cases[] = {
	    {0, 0, "1970-01-01T00:00:00Z"},
	    {0, 3, "1970-01-01T00:00:00.000Z"},
	    {1700000000123456789, 0, "2023-11-14T22:13:20Z"},
	    {1700000000123456789, 3, "2023-11-14T22:13:20.123Z"},
	    {1700000000123456789, 6, "2023-11-14T22:13:20.123456Z"},
	    {1700000000123456789, 9, "2023-11-14T22:13:20.123456789Z"},
	    {999999999, 3, "1970-01-01T00:00:00.999Z"},
	    {-1, 9, "1969-12-31T23:59:59.999999999Z"},
	    {951782400 * NS_PER_SEC, 0, "2000-02-29T00:00:00Z"},
	    {INT64_MIN, 9, "1677-09-21T00:12:43.145224192Z"},
	    {INT64_MAX, 9, "2262-04-11T23:47:16.854775807Z"},
	};
	char text[WALL_TEXT_SIZE];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		is_text(wall_text((wall_t){cases[i].ns}, cases[i].digits, text), cases[i].want, "%s",
		    cases[i].want);
}

/* Every day from 1678 to 2261, at a second that wanders through the day. */
static void
test_calendar(void)
{
	unsigned wrong = 0, days = 0;

	for (int64_t day = -106000; day <= 106000; day++, days++) {
		int64_t sec = day * 86400 + (day * 7919 % 86400 + 86400) % 86400;
		time_t when = (time_t)sec;
		struct tm tm;
		char want[32], got[WALL_TEXT_SIZE];
		wall_t back;

		gmtime_r(&when, &tm);
		strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%SZ", &tm);
		wrong += strcmp(wall_text(wall_from_sec(sec, 0), 0, got), want) != 0;
		wrong += tm.tm_year + 1900 >= 1678 && tm.tm_year + 1900 <= 2261 &&
		    (!wall_parse(want, &back) || back.ns != sec * NS_PER_SEC);
	}
	is_u64(wrong, 0, "%u days agree with gmtime_r", days);
}

static void
test_parse(void)
{
	static const struct {
		const char *text;
		int64_t ns;
	} good[] = {
	    {"2023-11-14T22:13:20Z", 1700000000 * NS_PER_SEC},
	    {"2023-11-14T22:13:20", 1700000000 * NS_PER_SEC},
	    {"2023-11-14 22:13:20.5Z", 1700000000 * NS_PER_SEC + 500000000},
	    {"2023-11-14 22:13:20.123456789", 1700000000 * NS_PER_SEC + 123456789},
	    {"2023-11-14 22:13", 1700000000 * NS_PER_SEC - 20 * NS_PER_SEC},
	    {"2023-11-14", 1699920000 * NS_PER_SEC},
	    {"2024-02-29", 1709164800 * NS_PER_SEC},
	    {"1969-12-31T23:59:59.999999999Z", -1},
	    {"0", 0},
	    {"1700000000", 1700000000 * NS_PER_SEC},
	    {"1700000000.000000001", 1700000000 * NS_PER_SEC + 1},
	    {"2023", 2023 * NS_PER_SEC},
	};
	static const char *const bad[] = {"", " ", "now", "-1", "1.", "1.0123456789", "1e9", "99999999999",
	    "2023-", "2023-11", "2023-11-", "2023-11-14T", "2023-11-14T22",
	    "2023-11-14T22:", "2023-11-14T22:1", "2023-11-14T22:13:", "2023-11-14T22:13:20.",
	    "2023-11-14T22:13:20.1234567890", "2023-11-14T22:13:20ZZ", "2023-11-14T22:13:20+01:00",
	    "2023-11-14Z", "2023-11-14T24:00", "2023-11-14T22:60", "2023-11-14T22:13:60", "2023-00-14",
	    "2023-13-14", "2023-11-00", "2023-11-31", "2023-02-29", "1600-01-01", "9999-01-01",
	    "2023-11-14t22:13", "2023-11-14  22:13"};
	wall_t t;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ok(wall_parse(good[i].text, &t) && t.ns == good[i].ns, "'%s' is a time", good[i].text);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		t = (wall_t){7};
		ok(!wall_parse(bad[i], &t) && t.ns == 7, "'%s' is none", bad[i]);
	}
}

int
main(void)
{
	struct buf b = BUF_INIT;
	mono_t before, after;

	test_text();
	test_calendar();
	test_parse();
	buf_wall(&b, wall_from_sec(1, 500000000), 3);
	buf_u8(&b, 0);
	is_text((char *)b.data, "1970-01-01T00:00:01.500Z", "buf_wall");
	buf_clear(&b);
	before = mono_now();
	after = mono_now();
	ok(after.ns >= before.ns, "the monotonic clock does not go back");
	ok(wall_now().ns > 1700000000 * NS_PER_SEC, "the wall clock counts from 1970");
	return done_testing();
}
