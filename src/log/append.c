/* SPDX-License-Identifier: ISC
 *
 * Records into blocks. The usual record lies within the block that is being filled: one copy, two CRCs over
 * bytes that are in the nearest cache, no call into the sink. Everything else (a record across a block's
 * end, a new segment) happens once in many records.
 *
 * A full block is given away only when the next record comes, so that a rotation always has a block that it
 * can mark as the segment's last.
 */
#include "log/append.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/crc32c.h"

struct block *
block_new(void)
{
	struct block *b = calloc(1, sizeof(*b));
	void *data;

	if (b == NULL)
		return NULL;
	/* Not from the heap, which would keep what is given back; and aligned as O_DIRECT wants it. */
	data = mmap(NULL, SEGMENT_CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (data == MAP_FAILED) {
		free(b);
		return NULL;
	}
	b->data = data;
	return b;
}

void
block_free(struct block *b)
{
	if (b == NULL)
		return;
	(void)munmap(b->data, SEGMENT_CHUNK);
	free(b);
}

void
appender_init(struct appender *a, const struct segment_header *head, struct block_sink sink)
{
	*a = (struct appender){
	    .sink = sink,
	    .head = *head,
	    .seed = record_seed(head->incarnation),
	    .next_sequence = head->first_sequence,
	};
}

/* Has `count` spare blocks, or takes what is there and says no. */
static bool
reserve(struct appender *a, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (a->spare[i] == NULL)
			a->spare[i] = a->sink.take(a->sink.ctx);
		if (a->spare[i] == NULL)
			return false;
	}
	return true;
}

/* Goes on with the first spare block. */
static void
next_block(struct appender *a, uint64_t offset, bool first, uint32_t first_record)
{
	struct block *b = a->spare[0];

	a->spare[0] = a->spare[1];
	a->spare[1] = NULL;
	b->len = 0;
	b->first_record = first_record;
	b->offset = offset;
	b->first = first;
	b->last = false;
	b->head = a->head;
	b->written = 0;
	b->cached = false;
	a->block = b;
	a->given = 0;
}

/* Begins the segment that a->head describes, in the first spare block. */
static void
begin_segment(struct appender *a, wall_t now)
{
	a->head.time = now;
	a->head.first_sequence = a->next_sequence;
	a->count = 0;
	next_block(a, 0, true, SEGMENT_RECORDS_AT);
	segment_header_write(&a->head, a->block->data);
	a->block->len = SEGMENT_RECORDS_AT;
	if (a->snapshot != NULL) {
		a->in_snapshot = true;
		a->snapshot(a->snapshot_ctx, a, now);
		a->in_snapshot = false;
	}
}

/* Selected flows stand in a segment alone whose header tells of them. */
static inline bool
needs_feature(const struct appender *a, const struct record *r)
{
	return r->type == RECORD_SELECTED && (a->head.incompatible & SEGMENT_SELECTED) == 0;
}

/* True when a record of that size belongs into the next segment. */
static inline bool
is_beyond(const struct appender *a, size_t size)
{
	return a->size_limit != 0 && !a->in_snapshot && a->count > 0 &&
	    a->block->offset + a->block->len + size > a->size_limit;
}

/* Copies bytes that may go on in the next blocks, which are in reserve. *rest: of the record, these too. */
static void
put_across(struct appender *a, const uint8_t *bytes, size_t len, size_t *rest)
{
	while (len > 0) {
		struct block *b = a->block;
		size_t n = SEGMENT_CHUNK - b->len;

		if (n == 0) {
			uint64_t offset = b->offset + SEGMENT_CHUNK;
			uint32_t first_record = *rest < SEGMENT_CHUNK ? (uint32_t)*rest : SEGMENT_CHUNK;

			a->sink.give(a->sink.ctx, b, b->len, true);
			next_block(a, offset, false, first_record);
			continue;
		}
		if (n > len)
			n = len;
		memcpy(b->data + b->len, bytes, n);
		b->len += (uint32_t)n;
		bytes += n;
		len -= n;
		*rest -= n;
	}
}

static enum err
record_across(struct appender *a, struct record *r)
{
	static const uint8_t zeros[8];
	uint8_t header[RECORD_HEADER_SIZE];
	size_t size = record_size(r->len);
	size_t behind = size - (SEGMENT_CHUNK - a->block->len);
	size_t rest = size;

	if (!reserve(a, behind > SEGMENT_CHUNK ? 2 : 1))
		return ERR_LIMIT;
	r->body_crc = record_body_crc(a->seed, r->body, r->len);
	record_header_write(r, a->seed, header);
	put_across(a, header, sizeof(header), &rest);
	put_across(a, r->body, r->len, &rest);
	put_across(a, zeros, rest, &rest);
	return ERR_OK;
}

/* The usual case. The CRC runs over the copy and its padding in one go. */
static inline void
record_within(struct appender *a, struct record *r)
{
	struct block *b = a->block;
	uint8_t *at = b->data + b->len;
	size_t size = record_size(r->len);

	memset(at + size - 8, 0, 8);
	if (r->len > 0)
		memcpy(at + RECORD_HEADER_SIZE, r->body, r->len);
	r->body_crc = crc32c(a->seed, at + RECORD_HEADER_SIZE, size - RECORD_HEADER_SIZE);
	record_header_write(r, a->seed, at);
	b->len += (uint32_t)size;
}

enum err
appender_record(struct appender *a, const struct record *r, wall_t now, uint64_t *ret_sequence)
{
	struct record made = *r;
	size_t size = record_size(r->len);
	enum err e;

	if (r->len > RECORD_BODY_MAX || (unsigned)r->type == 0 || (unsigned)r->type > UINT8_MAX)
		return ERR_MALFORMED;
	if (a->block == NULL || is_beyond(a, size) || needs_feature(a, r)) {
		if (!reserve(a, 1))
			return ERR_LIMIT;
		appender_rotate(a, now);
		if (r->type == RECORD_SELECTED)
			a->head.incompatible |= SEGMENT_SELECTED;
		begin_segment(a, now);
	}
	made.sequence = a->next_sequence; /* behind the snapshot, which took some */
	if (size <= SEGMENT_CHUNK - a->block->len) {
		record_within(a, &made);
	} else {
		e = record_across(a, &made);
		if (e != ERR_OK)
			return e;
	}
	a->next_sequence++;
	a->count++;
	a->body_crc = made.body_crc;
	if (ret_sequence != NULL)
		*ret_sequence = made.sequence;
	return ERR_OK;
}

bool
appender_reserve(struct appender *a)
{
	return reserve(a, 1);
}

void
appender_flush(struct appender *a)
{
	struct block *b = a->block;

	if (b == NULL || b->len == a->given)
		return;
	a->given = b->len;
	a->sink.give(a->sink.ctx, b, b->len, false);
}

void
appender_rotate(struct appender *a, wall_t now)
{
	struct block *b = a->block;

	if (b == NULL)
		return;
	b->last = true;
	b->seal = (struct seal){
	    .count = a->count,
	    .first = a->head.first_sequence,
	    .last = a->next_sequence - 1,
	    .previous_number = UINT64_MAX,
	};
	b->seal_sequence = a->next_sequence++;
	b->seal_time = now;
	a->head.number++;
	a->block = NULL;
	a->sink.give(a->sink.ctx, b, b->len, true);
}

void
appender_end(struct appender *a, wall_t now)
{
	appender_rotate(a, now);
	for (size_t i = 0; i < 2; i++) {
		struct block *b = a->spare[i];

		a->spare[i] = NULL;
		if (b == NULL)
			continue;
		b->len = 0;
		b->first_record = 0;
		b->written = 0;
		b->cached = false;
		b->first = false;
		b->last = false;
		a->sink.give(a->sink.ctx, b, 0, true);
	}
}
