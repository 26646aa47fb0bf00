/* SPDX-License-Identifier: ISC
 *
 * Durations and sizes as people write them in a configuration.
 */
#ifndef FLOWBRAID_NODE_UNIT_H
#define FLOWBRAID_NODE_UNIT_H

#include <stdbool.h>
#include <stdint.h>

#define UNIT_TEXT_SIZE 32

/* A whole number and a unit, without a space: ms, s, m, h, d. In nanoseconds. False when text is none, or the
 * duration does not fit. */
bool unit_duration_parse(const char *text, int64_t *ret_ns);

/* A whole number, with K, M, G or T for powers of 1024. */
bool unit_size_parse(const char *text, int64_t *ret_bytes);

/* In the largest unit that is exact; what parse reads. A duration below 1 ms is cut to whole ones. */
char *unit_duration_text(int64_t ns, char out[UNIT_TEXT_SIZE]);
char *unit_size_text(int64_t bytes, char out[UNIT_TEXT_SIZE]);

#endif
