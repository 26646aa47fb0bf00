/* SPDX-License-Identifier: ISC
 *
 * Test points in C, as TAP (testanything.org) for prove. A test program calls ok() and its like, and ends
 * with `return done_testing();`. A plan is printed at the end unless plan() gave one at the beginning.
 */
#ifndef FLOWBRAID_TESTS_TAP_H
#define FLOWBRAID_TESTS_TAP_H

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned tap_planned, tap_run, tap_failed;

static inline void
plan(unsigned n)
{
	tap_planned = n;
	printf("1..%u\n", n);
}

/* The whole program cannot run here. */
static inline _Noreturn void
skip_all(const char *why)
{
	printf("1..0 # SKIP %s\n", why);
	exit(0);
}

static inline void __attribute__((format(printf, 1, 0))) tap_name(const char *fmt, va_list ap)
{
	printf("ok %u - ", ++tap_run);
	vprintf(fmt, ap);
	printf("\n");
	fflush(stdout);
}

#define TAP_POINT(pass, fmt) \
	do { \
		va_list tap_ap; \
\
		if (!(pass)) { \
			tap_failed++; \
			printf("not "); \
		} \
		va_start(tap_ap, fmt); \
		tap_name(fmt, tap_ap); \
		va_end(tap_ap); \
	} while (0)

static inline bool __attribute__((format(printf, 2, 3))) ok(bool pass, const char *fmt, ...)
{
	TAP_POINT(pass, fmt);
	return pass;
}

static inline bool __attribute__((format(printf, 3, 4)))
is_u64(uint64_t got, uint64_t want, const char *fmt, ...)
{
	TAP_POINT(got == want, fmt);
	if (got != want)
		printf("# got  %" PRIu64 " (0x%" PRIx64 ")\n# want %" PRIu64 " (0x%" PRIx64 ")\n", got, got,
		    want, want);
	return got == want;
}

static inline bool __attribute__((format(printf, 3, 4)))
is_text(const char *got, const char *want, const char *fmt, ...)
{
	bool same = got == want || (got != NULL && want != NULL && strcmp(got, want) == 0);

	TAP_POINT(same, fmt);
	if (!same)
		printf(
		    "# got  %s\n# want %s\n", got != NULL ? got : "(null)", want != NULL ? want : "(null)");
	return same;
}

/* One test point that cannot run here. */
static inline void
skip(const char *why)
{
	printf("ok %u # SKIP %s\n", ++tap_run, why);
}

static inline int
done_testing(void)
{
	if (tap_planned == 0)
		printf("1..%u\n", tap_run);
	return tap_failed == 0 && (tap_planned == 0 || tap_planned == tap_run) ? 0 : 1;
}

#endif
