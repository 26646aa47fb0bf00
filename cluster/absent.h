/* SPDX-License-Identifier: ISC
 *
 * Segments that logs do not hold any more: numbers that no file has, and what event records tell of their removal.
 * Retention may take a log's oldest part, which is no damage.
 */
#ifndef FLOWBRAID_CLUSTER_ABSENT_H
#define FLOWBRAID_CLUSTER_ABSENT_H

#include <stddef.h>
#include <stdint.h>

#include "archive/pool.h"
#include "base/json.h"
#include "flow/seq.h"

struct absent_lane {
	char node[SEGMENT_NAME_SIZE];
	uint16_t lane;
	struct seq_set present, removed; /* segment numbers: of files; of events that tell of a removal */
	uint64_t bytes;                  /* of the removed ones, as events tell */
};

struct absent {
	struct absent_lane *lanes; /* owned; zero-initialise the struct */
	size_t count, room;
};

void absent_clear(struct absent *a);

/* A log's file; of other names nothing is noted. */
enum err absent_present(struct absent *a, const char *path) WARN_UNUSED;

/* The body of an event record; only of removals something is noted. node: "" where it goes without saying. */
enum err absent_event(
    struct absent *a, const char *node, uint16_t lane, const uint8_t *body, size_t len) WARN_UNUSED;

/* Says of one log what is not there, by messages and as elements of a JSON array. Ends the adding. */
enum err absent_tell(struct absent *a, const char *path, struct json *j) WARN_UNUSED;

/* What the events of a closed pool tell of removals, by node and lane: an array for the key "removed", or lines. */
enum err absent_of_pool(const struct pool *p, struct absent *ret) WARN_UNUSED;
void absent_json(const struct absent *a, struct json *j);
void absent_text(const struct absent *a, struct buf *out);

#endif
