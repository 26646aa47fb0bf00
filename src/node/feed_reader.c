/* SPDX-License-Identifier: ISC
 *
 * A buffer, and what did not fit there. Once something was lost, there must be room for half of all before more is taken: else
 * a reader that is a little too slow would get a line and the word of a loss by turns.
 */
#include "node/feed_reader.h"

#include <string.h>

#include "log/event.h"

#define HALF (FEED_READER_MOST / 2)
#define MOVE_AT (FEED_READER_MOST / 8)

void
feed_reader_begin(struct feed_reader *r, enum conf_feed_format format, const struct segment_header *head)
{
	struct segment_header h = *head;

	*r = (struct feed_reader){.format = format, .seed = record_seed(head->incarnation), .sequence = 1};
	if (format != CONF_FEED_RECORDS)
		return;
	h.kind = SEGMENT_NODE;
	h.number = h.first_sequence = 1;
	uint8_t *room = buf_room(&r->out, SEGMENT_RECORDS_AT);

	if (room != NULL)
		segment_header_write(&h, room);
}

void
feed_reader_clear(struct feed_reader *r)
{
	buf_clear(&r->out);
}

void
feed_reader_gone(struct feed_reader *r, size_t len)
{
	size_t left;

	r->at += len;
	left = feed_reader_waiting(r);
	if (left > 0 && r->at < MOVE_AT)
		return;
	if (left > 0)
		memmove(r->out.data, r->out.data + r->at, left);
	r->out.len = left;
	r->at = 0;
}

/* --- records --- */

static void
put_record(struct feed_reader *r, const struct record *record)
{
	static const uint8_t zeros[8];
	struct record mine = *record;
	uint8_t head[RECORD_HEADER_SIZE];

	mine.sequence = r->sequence++;
	mine.body_crc = record_body_crc(r->seed, mine.body, mine.len);
	record_header_write(&mine, r->seed, head);
	buf_bytes(&r->out, head, sizeof(head));
	if (mine.len > 0)
		buf_bytes(&r->out, mine.body, mine.len);
	buf_bytes(&r->out, zeros, record_size(mine.len) - sizeof(head) - mine.len);
}

/* --- losses --- */

static void
lose(struct feed_reader *r, uint64_t count, wall_t time)
{
	if (r->lost == 0 && r->missed == 0)
		r->lost_from = r->lost_to = time;
	r->lost_from.ns = time.ns < r->lost_from.ns ? time.ns : r->lost_from.ns;
	r->lost_to.ns = time.ns > r->lost_to.ns ? time.ns : r->lost_to.ns;
	r->losing = true;
	r->lost += count;
	r->all_lost += count;
}

static void
tell_line(struct feed_reader *r)
{
	buf_u8(&r->out, '{');
	if (r->lost > 0) {
		buf_text(&r->out, "\"lost\":");
		buf_decimal(&r->out, r->lost);
	}
	if (r->missed > 0) {
		buf_text(&r->out, r->lost > 0 ? ",\"lostDatagrams\":" : "\"lostDatagrams\":");
		buf_decimal(&r->out, r->missed);
	}
	buf_text(&r->out, "}\n");
}

static void
tell_record(struct feed_reader *r, wall_t now)
{
	struct buf body = BUF_INIT;
	struct record event = {.type = RECORD_EVENT, .time = now};

	event_begin(&body, EVENT_LOG_DROP);
	event_put_u64(&body, EVENT_KEY_COUNT, r->lost + r->missed);
	event_put_u64(&body, EVENT_KEY_FROM, (uint64_t)r->lost_from.ns);
	event_put_u64(&body, EVENT_KEY_TO, (uint64_t)r->lost_to.ns);
	if (buf_ok(&body)) {
		event.body = body.data;
		event.len = (uint32_t)body.len;
		put_record(r, &event);
	} else {
		r->out.failed = true;
	}
	buf_clear(&body);
}

void
feed_reader_tell(struct feed_reader *r, wall_t now)
{
	if ((r->lost == 0 && r->missed == 0) || feed_reader_waiting(r) > HALF)
		return;
	if (r->format == CONF_FEED_JSON)
		tell_line(r);
	else
		tell_record(r, now);
	r->lost = r->missed = 0;
	r->losing = false;
}

void
feed_reader_miss(struct feed_reader *r, uint64_t datagrams, wall_t time)
{
	if (datagrams == 0)
		return;
	lose(r, 0, time);
	r->missed += datagrams;
}

/* --- what comes --- */

static bool
has_room(struct feed_reader *r, size_t len, wall_t time)
{
	feed_reader_tell(r, time);
	return !r->losing && feed_reader_waiting(r) + len <= FEED_READER_MOST;
}

static uint64_t
count_lines(const uint8_t *text, size_t len)
{
	uint64_t n = 0;

	for (const uint8_t *end = text + len; text < end; n++) {
		const uint8_t *at = memchr(text, '\n', (size_t)(end - text));

		text = at != NULL ? at + 1 : end;
	}
	return n;
}

/* How much of the text is whole lines that there is room for. */
static size_t
fitting(const uint8_t *text, size_t len, size_t room)
{
	if (len <= room)
		return len;
	while (room > 0 && text[room - 1] != '\n')
		room--;
	return room;
}

void
feed_reader_lines(struct feed_reader *r, const uint8_t *text, size_t len, wall_t time)
{
	size_t fits = 0;

	if (len == 0)
		return;
	if (has_room(r, 0, time))
		fits = fitting(text, len, FEED_READER_MOST - feed_reader_waiting(r));
	if (fits > 0) {
		buf_bytes(&r->out, text, fits);
		r->all_given += count_lines(text, fits);
	}
	if (fits < len)
		lose(r, count_lines(text + fits, len - fits), time);
}

void
feed_reader_record(struct feed_reader *r, const struct record *record)
{
	if (!has_room(r, record_size(record->len), record->time)) {
		lose(r, 1, record->time);
		return;
	}
	put_record(r, record);
	r->all_given++;
}

void
feed_reader_templates(struct feed_reader *r, const void *body, size_t len, wall_t now)
{
	const struct record record = {
	    .type = RECORD_TEMPLATES, .time = now, .body = body, .len = (uint32_t)len};

	if (len > 0 && feed_reader_waiting(r) + record_size(len) <= FEED_READER_MOST)
		put_record(r, &record);
}
