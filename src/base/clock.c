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
		return 0; /* cannot happen: these clocks exist on every Linux */
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

mono_t
boot_now(void)
{
	return (mono_t){clock_ns(CLOCK_BOOTTIME)};
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

/* Exactly `width` digits. */
static bool
take_digits(const char **at, int width, unsigned *ret)
{
	unsigned v = 0;

	for (int i = 0; i < width; i++, (*at)++) {
		if (**at < '0' || **at > '9')
			return false;
		v = v * 10 + (unsigned)(**at - '0');
	}
	*ret = v;
	return true;
}

/* Decimals of a second, if any: up to nine. */
static bool
take_decimals(const char **at, int64_t *ret_ns)
{
	int64_t unit = NS_PER_SEC, ns = 0;

	if (**at == '.') {
		(*at)++;
		do {
			if (**at < '0' || **at > '9' || unit == 1)
				return false;
			unit /= 10;
			ns += (*(*at)++ - '0') * unit;
		} while (**at >= '0' && **at <= '9');
	}
	*ret_ns = ns;
	return true;
}

/* The day from 1970-01-01 on of a date that is one; the inverse of civil_date. */
static bool
civil_day(unsigned year, unsigned month, unsigned mday, int64_t *ret)
{
	int64_t y = (int64_t)year - (month <= 2), era = y / 400, yoe = y % 400;
	int64_t doy = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + (int64_t)mday - 1;
	int64_t day = era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
	unsigned back[3];

	if (year < 1678 || year > 2261 || month < 1 || month > 12 || mday < 1)
		return false;
	civil_date(day, &back[0], &back[1], &back[2]);
	*ret = day;
	return back[0] == year && back[1] == month && back[2] == mday;
}

/* What stands behind the date. */
static bool
take_time(const char *at, int64_t *ret_ns)
{
	unsigned hour = 0, minute = 0, second = 0;
	int64_t ns = 0;

	if (*at == 'T' || *at == ' ') {
		at++;
		if (!take_digits(&at, 2, &hour) || *at++ != ':' || !take_digits(&at, 2, &minute))
			return false;
		if (*at == ':') {
			at++;
			if (!take_digits(&at, 2, &second) || !take_decimals(&at, &ns))
				return false;
		}
		if (*at == 'Z')
			at++;
	}
	if (*at != '\0' || hour > 23 || minute > 59 || second > 59)
		return false;
	*ret_ns = (int64_t)(hour * 3600 + minute * 60 + second) * NS_PER_SEC + ns;
	return true;
}

static bool
parse_seconds(const char *at, wall_t *ret)
{
	int64_t sec = 0, ns;

	for (; *at >= '0' && *at <= '9'; at++) {
		sec = sec * 10 + (*at - '0');
		if (sec >= INT64_MAX / NS_PER_SEC)
			return false;
	}
	if (!take_decimals(&at, &ns) || *at != '\0')
		return false;
	*ret = wall_from_sec(sec, ns);
	return true;
}

bool
wall_parse(const char *text, wall_t *ret)
{
	const char *at = text;
	unsigned year, month, mday;
	int64_t day, in_day;

	if (take_digits(&at, 4, &year) && *at == '-') {
		at++;
		if (!take_digits(&at, 2, &month) || *at++ != '-' || !take_digits(&at, 2, &mday) ||
		    !civil_day(year, month, mday, &day) || !take_time(at, &in_day))
			return false;
		*ret = (wall_t){day * SEC_PER_DAY * NS_PER_SEC + in_day};
		return true;
	}
	return text[0] >= '0' && text[0] <= '9' && parse_seconds(text, ret);
}
