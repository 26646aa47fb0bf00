/* SPDX-License-Identifier: ISC
 *
 * Reading the clocks, and wall time as text. The calendar is computed here and not by gmtime_r, because
 * printing flows spends a good part of its time on times.
 */
#include "base/clock.h"

#include <time.h>

#include "base/buf.h"

#define SEC_PER_DAY 86400

static int64_t
clock_ns(clockid_t id)
{
	struct timespec ts;

	if (clock_gettime(id, &ts) != 0)
		return 0; /* cannot happen: both clocks exist on every Linux */
	return (int64_t)ts.tv_sec * NS_PER_SEC + ts.tv_nsec;
}

wall_t
wall_now(void)
{
	return (wall_t){clock_ns(CLOCK_REALTIME)};
}

mono_t
mono_now(void)
{
	return (mono_t){clock_ns(CLOCK_MONOTONIC)};
}

/* The Gregorian date of a day counted from 1970-01-01. Years are counted from March, so that the leap day
 * is a year's last; eras of 400 years all have the same days. */
static void
civil_date(int64_t day, unsigned *ret_year, unsigned *ret_month, unsigned *ret_day)
{
	uint64_t z = (uint64_t)(day + 719468); /* days from 0000-03-01; positive for all of wall_t */
	uint64_t era = z / 146097;
	uint64_t doe = z % 146097;
	uint64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	uint64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	uint64_t mp = (5 * doy + 2) / 153;

	*ret_day = (unsigned)(doy - (153 * mp + 2) / 5 + 1);
	*ret_month = (unsigned)(mp < 10 ? mp + 3 : mp - 9);
	*ret_year = (unsigned)(yoe + era * 400 + (*ret_month <= 2));
}

/* Writes v in exactly `width` digits; returns what stands behind them. */
static char *
put_digits(char *at, unsigned v, int width)
{
	for (int i = width - 1; i >= 0; i--) {
		at[i] = (char)('0' + v % 10);
		v /= 10;
	}
	return at + width;
}

char *
wall_text(wall_t t, int digits, char out[WALL_TEXT_SIZE])
{
	int64_t sec = t.ns / NS_PER_SEC, ns = t.ns % NS_PER_SEC, day, in_day;
	unsigned year, month, mday, frac;
	char *at = out;

	if (ns < 0) {
		ns += NS_PER_SEC;
		sec--;
	}
	day = sec / SEC_PER_DAY;
	in_day = sec % SEC_PER_DAY;
	if (in_day < 0) {
		in_day += SEC_PER_DAY;
		day--;
	}
	civil_date(day, &year, &month, &mday);
	at = put_digits(at, year, 4);
	*at++ = '-';
	at = put_digits(at, month, 2);
	*at++ = '-';
	at = put_digits(at, mday, 2);
	*at++ = 'T';
	at = put_digits(at, (unsigned)(in_day / 3600), 2);
	*at++ = ':';
	at = put_digits(at, (unsigned)(in_day / 60 % 60), 2);
	*at++ = ':';
	at = put_digits(at, (unsigned)(in_day % 60), 2);
	if (digits > 0) {
		frac = (unsigned)ns;
		for (int i = digits; i < 9; i++)
			frac /= 10;
		*at++ = '.';
		at = put_digits(at, frac, digits < 9 ? digits : 9);
	}
	*at++ = 'Z';
	*at = '\0';
	return out;
}

void
buf_wall(struct buf *b, wall_t t, int digits)
{
	char text[WALL_TEXT_SIZE];

	buf_text(b, wall_text(t, digits, text));
}
