/* SPDX-License-Identifier: ISC
 *
 * Two kinds of time that the compiler keeps apart: wall time (may step; what records carry) and monotonic
 * time (for intervals). Libraries take time as an argument; only programs read the clocks.
 */
#ifndef FLOWBRAID_BASE_CLOCK_H
#define FLOWBRAID_BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

typedef struct {
	int64_t ns;
} wall_t; /* nanoseconds since 1970-01-01 UTC */
typedef struct {
	int64_t ns;
} mono_t; /* nanoseconds since an arbitrary point */

#define NS_PER_SEC 1000000000LL
#define NS_PER_MSEC 1000000LL

wall_t wall_now(void);
mono_t mono_now(void);
mono_t boot_now(void); /* goes on while the host sleeps; another arbitrary point */

static inline wall_t
wall_from_sec(int64_t sec, int64_t ns)
{
	return (wall_t){sec * NS_PER_SEC + ns};
}

/* Longest text: 1677-09-21T00:12:43.145224192Z */
#define WALL_TEXT_SIZE 40

/* ISO 8601 UTC with `digits` decimals of a second (0, 3, 6 or 9), truncated. Returns out. */
char *wall_text(wall_t t, int digits, char out[WALL_TEXT_SIZE]);

/* The other way: what wall_text writes, with any number of decimals; "YYYY-MM-DD HH:MM:SS", seconds or all of the time left
 * out, with or without Z; or seconds since 1970, with decimals. All UTC. False: none of these, or no such time. */
bool wall_parse(const char *text, wall_t *ret);
void buf_wall(struct buf *b, wall_t t, int digits);

#endif
