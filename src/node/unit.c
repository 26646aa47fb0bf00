/* SPDX-License-Identifier: ISC
 *
 * A number and a unit from a table; both directions use the same tables.
 */
#include "node/unit.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

struct unit {
	const char *name;
	int64_t value;
};

/* From the largest on. */
static const struct unit durations[] = {
    {"d", 86400 * NS_PER_SEC},
    {"h", 3600 * NS_PER_SEC},
    {"m", 60 * NS_PER_SEC},
    {"s", NS_PER_SEC},
    {"ms", NS_PER_MSEC},
    {NULL, 0},
};

static const struct unit sizes[] = {
    {"T", (int64_t)1 << 40},
    {"G", (int64_t)1 << 30},
    {"M", (int64_t)1 << 20},
    {"K", (int64_t)1 << 10},
    {"", 1},
    {NULL, 0},
};

static bool
parse(const char *text, const struct unit *units, int64_t *ret)
{
	size_t digits = strspn(text, "0123456789");
	int64_t v = 0;

	if (digits == 0)
		return false;
	for (size_t i = 0; i < digits; i++) {
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, text[i] - '0', &v))
			return false;
	}
	for (; units->name != NULL; units++) {
		if (strcmp(units->name, text + digits) == 0) {
			if (__builtin_mul_overflow(v, units->value, &v))
				return false;
			*ret = v;
			return true;
		}
	}
	return false;
}

static char *
print(int64_t v, const struct unit *units, char out[UNIT_TEXT_SIZE])
{
	while (units[1].name != NULL && (v == 0 || v % units->value != 0))
		units++;
	(void)snprintf(out, UNIT_TEXT_SIZE, "%" PRId64 "%s", v / units->value, units->name);
	return out;
}

bool
unit_duration_parse(const char *text, int64_t *ret_ns)
{
	return parse(text, durations, ret_ns);
}

bool
unit_size_parse(const char *text, int64_t *ret_bytes)
{
	return parse(text, sizes, ret_bytes);
}

char *
unit_duration_text(int64_t ns, char out[UNIT_TEXT_SIZE])
{
	return print(ns, durations, out);
}

char *
unit_size_text(int64_t bytes, char out[UNIT_TEXT_SIZE])
{
	return print(bytes, sizes, out);
}
