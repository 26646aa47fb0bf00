/* SPDX-License-Identifier: ISC
 *
 * Durations and sizes: what is read, what is refused, and that printing is the inverse of reading.
 */
#include "node/unit.h"

#include "base/clock.h"
#include "tests/tap.h"

static void
duration(const char *text, int64_t want_ns, const char *want_text)
{
	char out[UNIT_TEXT_SIZE];
	int64_t ns = -1;

	if (ok(unit_duration_parse(text, &ns), "duration %s is read", text)) {
		is_u64((uint64_t)ns, (uint64_t)want_ns, "duration %s: value", text);
		is_text(unit_duration_text(ns, out), want_text, "duration %s: printed", text);
	}
}

static void
size(const char *text, int64_t want, const char *want_text)
{
	char out[UNIT_TEXT_SIZE];
	int64_t v = -1;

	if (ok(unit_size_parse(text, &v), "size %s is read", text)) {
		is_u64((uint64_t)v, (uint64_t)want, "size %s: value", text);
		is_text(unit_size_text(v, out), want_text, "size %s: printed", text);
	}
}

int
main(void)
{
	static const char *const bad_durations[] = {
	    "", "s", "5", "-5s", "5 s", "5sec", "1.5s", "5M", "99999999999d", "99999999999999999999s"};
	static const char *const bad_sizes[] = {
	    "", "M", "-1", "1 M", "1m", "1.5G", "8388608T", "99999999999999999999"};
	int64_t v;

	duration("100ms", 100 * NS_PER_MSEC, "100ms");
	duration("1000ms", NS_PER_SEC, "1s");
	duration("90s", 90 * NS_PER_SEC, "90s");
	duration("5m", 300 * NS_PER_SEC, "5m");
	duration("24h", 86400 * NS_PER_SEC, "1d");
	duration("0s", 0, "0ms");
	for (size_t i = 0; i < sizeof(bad_durations) / sizeof(bad_durations[0]); i++)
		ok(!unit_duration_parse(bad_durations[i], &v), "duration \"%s\" is refused",
		    bad_durations[i]);

	size("65536", 65536, "64K");
	size("64M", 64 << 20, "64M");
	size("1T", (int64_t)1 << 40, "1T");
	size("1000", 1000, "1000");
	size("0", 0, "0");
	for (size_t i = 0; i < sizeof(bad_sizes) / sizeof(bad_sizes[0]); i++)
		ok(!unit_size_parse(bad_sizes[i], &v), "size \"%s\" is refused", bad_sizes[i]);
	return done_testing();
}
