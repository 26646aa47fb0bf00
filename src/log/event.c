/* SPDX-License-Identifier: ISC
 *
 * Event bodies: a u16 kind, then items of u16 key, u16 length and the value's bytes.
 */
#include "log/event.h"

#include <string.h>

static const char *const kind_names[] = {
    [EVENT_START] = "start",
    [EVENT_STOP] = "stop",
    [EVENT_HEARTBEAT] = "heartbeat",
    [EVENT_KERNEL_DROP] = "kernel drop",
    [EVENT_LOG_DROP] = "log drop",
    [EVENT_CLOCK_STEP] = "clock step",
    [EVENT_LINK] = "link",
    [EVENT_CONFIG] = "configuration",
    [EVENT_TAIL_CUT] = "tail cut",
    [EVENT_LEFT_UNSEALED] = "left unsealed",
    [EVENT_DISK] = "disk",
    [EVENT_REMOVED] = "removed",
};

const char *
event_kind_name(enum event_kind kind)
{
	size_t i = (size_t)kind;

	if (i >= sizeof(kind_names) / sizeof(kind_names[0]) || kind_names[i] == NULL)
		return "event";
	return kind_names[i];
}

void
event_begin(struct buf *b, enum event_kind kind)
{
	buf_u16(b, (uint16_t)kind);
}

void
event_put_u64(struct buf *b, enum event_key key, uint64_t v)
{
	buf_u16(b, (uint16_t)key);
	buf_u16(b, sizeof(v));
	buf_u64(b, v);
}

void
event_put_bytes(struct buf *b, enum event_key key, const void *bytes, uint16_t len)
{
	buf_u16(b, (uint16_t)key);
	buf_u16(b, len);
	buf_bytes(b, bytes, len);
}

void
event_put_text(struct buf *b, enum event_key key, const char *text)
{
	event_put_bytes(b, key, text, (uint16_t)strnlen(text, UINT16_MAX));
}

bool
event_init(struct event *e, const void *body, size_t len)
{
	struct rd r = rd_init(body, len);

	e->kind = rd_u16(&r);
	e->items = r;
	return rd_ok(&r);
}

bool
event_next(struct event *e, uint16_t *ret_key, struct rd *ret_value)
{
	uint16_t key = rd_u16(&e->items);
	uint16_t len = rd_u16(&e->items);
	struct rd value = rd_sub(&e->items, len);

	if (!rd_ok(&e->items))
		return false;
	*ret_key = key;
	*ret_value = value;
	return true;
}

uint64_t
event_u64(const struct event *e, enum event_key key, uint64_t otherwise)
{
	struct event walk = *e;
	struct rd value;
	uint16_t k;

	while (event_next(&walk, &k, &value)) {
		if (k == (uint16_t)key && rd_left(&value) == sizeof(uint64_t))
			return rd_u64(&value);
	}
	return otherwise;
}
