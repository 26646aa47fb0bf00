/* SPDX-License-Identifier: ISC
 *
 * See format.h.
 */
#include "flow/format.h"

#include <string.h>

#define WINDOW 2048
#define SEC_PER_DAY 86400

static const char pairs[] =
    "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849"
    "5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";
static const char hex[] = "0123456789abcdef";

void
format_open(struct format *f, struct buf *out, struct flow_context *c)
{
	static uint8_t nowhere[1];
	uint8_t *room = buf_room(out, WINDOW);

	f->out = out;
	f->context = c;
	f->w = room != NULL ? wr_init(room, WINDOW) : wr_init(nowhere, 0);
}

void
format_close(struct format *f)
{
	if (buf_ok(f->out))
		f->out->len -= wr_left(&f->w);
}

void
format_refill(struct format *f, size_t len)
{
	size_t window = len > WINDOW ? len : WINDOW;
	uint8_t *room;

	format_close(f);
	room = buf_room(f->out, window);
	if (room != NULL)
		f->w = wr_init(room, window);
}

void
format_u64(struct format *f, uint64_t v)
{
	char digits[20];
	size_t at = sizeof(digits);

	while (v >= 100) {
		at -= 2;
		memcpy(digits + at, pairs + v % 100 * 2, 2);
		v /= 100;
	}
	if (v >= 10) {
		at -= 2;
		memcpy(digits + at, pairs + v * 2, 2);
	} else {
		digits[--at] = (char)('0' + v);
	}
	wr_bytes(&f->w, digits + at, sizeof(digits) - at);
}

void
format_i64(struct format *f, int64_t v)
{
	if (v < 0)
		format_char(f, '-');
	format_u64(f, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

void
format_ipv4(struct format *f, const uint8_t bytes[4])
{
	char text[16];
	size_t at = 0;

	for (int i = 0; i < 4; i++) {
		unsigned v = bytes[i];

		if (v >= 100) {
			text[at++] = (char)('0' + v / 100);
			memcpy(text + at, pairs + v % 100 * 2, 2);
			at += 2;
		} else if (v >= 10) {
			memcpy(text + at, pairs + v * 2, 2);
			at += 2;
		} else {
			text[at++] = (char)('0' + v);
		}
		text[at++] = '.';
	}
	wr_bytes(&f->w, text, at - 1);
}

void
format_addr(struct format *f, const struct addr *a)
{
	char text[ADDR_TEXT_SIZE];

	if (addr_is_v4(a)) {
		format_ipv4(f, a->b + 12);
		return;
	}
	(void)addr_text(a, text);
	wr_bytes(&f->w, text, strlen(text));
}

void
format_ipv6(struct format *f, const uint8_t bytes[16])
{
	struct addr a;

	memcpy(a.b, bytes, sizeof(a.b));
	if (addr_is_v4(&a)) /* a field for IPv6 says so */
		format_literal(f, "::ffff:");
	format_addr(f, &a);
}

void
format_mac(struct format *f, const uint8_t bytes[6])
{
	char text[18];

	for (int i = 0; i < 6; i++) {
		text[3 * i] = hex[bytes[i] >> 4];
		text[3 * i + 1] = hex[bytes[i] & 15];
		text[3 * i + 2] = ':';
	}
	wr_bytes(&f->w, text, 17);
}

static void
put_pair(char *at, unsigned v)
{
	memcpy(at, pairs + 2 * (size_t)v, 2);
}

/* Flows of a datagram have few dates, so the calendar is asked once for each. */
void
format_time(struct format *f, wall_t t, int digits)
{
	struct flow_context *c = f->context;
	int64_t sec = t.ns / NS_PER_SEC, day = sec / SEC_PER_DAY;
	unsigned in_day = (unsigned)(sec - day * SEC_PER_DAY), ns = (unsigned)(t.ns - sec * NS_PER_SEC);
	char text[WALL_TEXT_SIZE];

	if (t.ns < 0 || digits % 3 != 0 || digits < 0 || digits > 9) {
		(void)wall_text(t, digits, text);
		wr_bytes(&f->w, text, strlen(text));
		return;
	}
	if (c->date_of != day + 1) {
		(void)wall_text(t, 0, text);
		memcpy(c->date, text, sizeof(c->date));
		c->date_of = day + 1;
	}
	memcpy(text, c->date, sizeof(c->date));
	text[10] = 'T';
	put_pair(text + 11, in_day / 3600);
	text[13] = ':';
	put_pair(text + 14, in_day / 60 % 60);
	text[16] = ':';
	put_pair(text + 17, in_day % 60);
	text[19] = '.';
	for (unsigned at = 20, unit = 1000000; at < 20U + (unsigned)digits; at += 3, unit /= 1000) {
		unsigned three = ns / unit % 1000;

		text[at] = (char)('0' + three / 100);
		put_pair(text + at + 1, three % 100);
	}
	text[digits > 0 ? 20 + digits : 19] = 'Z';
	wr_bytes(&f->w, text, (size_t)(digits > 0 ? 21 + digits : 20));
}

void
format_hex(struct format *f, const uint8_t *bytes, size_t len)
{
	uint8_t *at;

	format_need(f, 2 * len + FORMAT_VALUE_MOST);
	at = wr_room(&f->w, 2 * len);
	for (size_t i = 0; at != NULL && i < len; i++) {
		at[2 * i] = (uint8_t)hex[bytes[i] >> 4];
		at[2 * i + 1] = (uint8_t)hex[bytes[i] & 15];
	}
}

void
format_head(struct format *f, enum format_head kind, struct flow_context *c, const struct flow *flow,
    void (*make)(struct format *f, const struct flow_context *c, const struct flow *flow))
{
	struct format head = {.context = c, .w = wr_init(c->head, sizeof(c->head))};

	if (c->head_kind != kind) {
		make(&head, c, flow);
		c->head_len = (uint16_t)wr_len(&head.w);
		c->head_kind = (uint8_t)kind;
	}
	format_need(f, c->head_len + FORMAT_VALUE_MOST);
	wr_bytes(&f->w, c->head, c->head_len);
}
