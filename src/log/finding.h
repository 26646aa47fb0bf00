/* SPDX-License-Identifier: ISC
 *
 * What a finding (log/check.h) says in words: what was expected, and what was found in its place.
 */
#ifndef FLOWBRAID_LOG_FINDING_H
#define FLOWBRAID_LOG_FINDING_H

#include "base/digest.h"
#include "log/check.h"

/* Into one of the two texts. */
void finding_say(char out[FINDING_TEXT_SIZE], const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* What is wrong with a copy of the header, when reading its SEGMENT_HEADER_SIZE bytes gave e. */
void finding_of_header(struct finding *f, enum err e, const uint8_t *bytes);

/* Whether they differ; both are said then. */
bool finding_differs_u64(struct finding *f, const char *name, uint64_t expected, uint64_t found);
bool finding_differs_digest(
    struct finding *f, const char *name, const struct sha256 *expected, const struct sha256 *found);

#endif
