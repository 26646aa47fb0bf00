/* SPDX-License-Identifier: ISC
 *
 * What waits for one reader of a feed: whole lines or records, up to a limit. One that does not read loses what comes
 * then, is told how much in the midst of the rest as soon as it reads again, and nobody waits for it.
 */
#ifndef FLOWBRAID_NODE_FEED_READER_H
#define FLOWBRAID_NODE_FEED_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "log/segment.h"
#include "node/conf.h"

#define FEED_READER_MOST ((size_t)4 << 20) /* bytes that wait */

struct feed_reader {
	enum conf_feed_format format;
	struct buf out;
	size_t at; /* of out: what has gone already */
	bool losing;
	uint64_t lost;   /* lines or records, not told yet */
	uint64_t missed; /* datagrams that had not come as far as here, not told yet */
	wall_t lost_from, lost_to;
	uint64_t all_given, all_lost; /* lines or records, in all */
	uint32_t seed;                /* records */
	uint64_t sequence;            /* and the next one's */
};

/* head: of the segment that a reader of records gets; its number and sequences begin at 1. */
void feed_reader_begin(
    struct feed_reader *r, enum conf_feed_format format, const struct segment_header *head);
void feed_reader_clear(struct feed_reader *r);

/* Lines, each with its end. time: of the datagram that they are of. */
void feed_reader_lines(struct feed_reader *r, const uint8_t *text, size_t len, wall_t time);
/* A datagram. */
void feed_reader_record(struct feed_reader *r, const struct record *record);
/* Definitions of templates, which are nobody's loss where there is no room. */
void feed_reader_templates(struct feed_reader *r, const void *body, size_t len, wall_t now);
/* So many datagrams were lost before they could become lines or records. */
void feed_reader_miss(struct feed_reader *r, uint64_t datagrams, wall_t time);
/* What is not told yet, when there is room. */
void feed_reader_tell(struct feed_reader *r, wall_t now);

static inline size_t
feed_reader_waiting(const struct feed_reader *r)
{
	return r->out.len - r->at;
}

/* So many bytes have gone. */
void feed_reader_gone(struct feed_reader *r, size_t len);

#endif
