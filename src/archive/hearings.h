/* SPDX-License-Identifier: ISC
 *
 * The witnesses of the datagram at hand, one by one, as cat --witnesses shows them. A life is named by its number
 * (archive/life) among those of the log or archive at hand; where these are not known, it has no name.
 */
#ifndef FLOWBRAID_ARCHIVE_HEARINGS_H
#define FLOWBRAID_ARCHIVE_HEARINGS_H

#include <stdbool.h>

#include "archive/records.h"
#include "archive/life.h"

struct hearing {
	const struct source *id; /* the caller's */
	uint32_t life;           /* 0: not known */
	struct witness w;
};

struct hearings {
	struct hearing *list; /* owned */
	size_t count, room;
	struct known_life {
		struct source id;
		int64_t first_ns;
		uint32_t number;
	} * lives; /* owned; by source, after hearings_number */
	size_t life_count, life_room;
};

/* The lives of a log or an archive: each is noted, then they get their numbers. */
enum err hearings_note_life(struct hearings *h, const struct source *id, int64_t first_ns) WARN_UNUSED;
enum err hearings_number(struct hearings *h) WARN_UNUSED;
void hearings_forget_lives(struct hearings *h);

/* id stays the caller's, until hearings_reset. */
enum err hearings_add(struct hearings *h, const struct source *id, const struct witness *w) WARN_UNUSED;
void hearings_reset(struct hearings *h);

/* By node, lane, life and record. The first is a JSON array, the second a line each. */
void hearings_json(struct hearings *h, struct buf *out);
void hearings_text(struct hearings *h, struct buf *out);

void hearings_clear(struct hearings *h);

#endif
