/* SPDX-License-Identifier: ISC
 *
 * The growable buffer. Memory doubles, so appending byte by byte costs a constant each.
 */
#include "base/buf.h"

#include <endian.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUF_FIRST_ROOM 256

/* Makes room for len bytes behind the end. */
static bool
buf_grow(struct buf *b, size_t len)
{
	size_t room = b->room > 0 ? b->room : BUF_FIRST_ROOM;
	uint8_t *data;

	if (b->failed || len > SIZE_MAX / 2 - b->len) {
		b->failed = true;
		return false;
	}
	while (room < b->len + len)
		room *= 2;
	data = realloc(b->data, room);
	if (data == NULL) {
		b->failed = true;
		return false;
	}
	b->data = data;
	b->room = room;
	return true;
}

void
buf_clear(struct buf *b)
{
	free(b->data);
	*b = (struct buf)BUF_INIT;
}

uint8_t *
buf_room(struct buf *b, size_t len)
{
	uint8_t *p;

	if (b->failed || b->data == NULL || b->room - b->len < len) {
		if (!buf_grow(b, len))
			return NULL;
	}
	p = b->data + b->len;
	b->len += len;
	return p;
}

void
buf_bytes(struct buf *b, const void *src, size_t len)
{
	uint8_t *p = buf_room(b, len);

	if (p != NULL && len > 0)
		memcpy(p, src, len);
}

void
buf_u8(struct buf *b, uint8_t v)
{
	buf_bytes(b, &v, sizeof(v));
}

void
buf_u16(struct buf *b, uint16_t v)
{
	v = htobe16(v);
	buf_bytes(b, &v, sizeof(v));
}

void
buf_u32(struct buf *b, uint32_t v)
{
	v = htobe32(v);
	buf_bytes(b, &v, sizeof(v));
}

void
buf_u64(struct buf *b, uint64_t v)
{
	v = htobe64(v);
	buf_bytes(b, &v, sizeof(v));
}

void
buf_text(struct buf *b, const char *text)
{
	buf_bytes(b, text, strlen(text));
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	char *at;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (len < 0) {
		b->failed = true;
		return;
	}
	at = (char *)buf_room(b, (size_t)len + 1);
	if (at == NULL)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(at, (size_t)len + 1, fmt, ap);
	va_end(ap);
	b->len--; /* the NUL */
}

void
buf_decimal(struct buf *b, uint64_t v)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	buf_bytes(b, digits + at, sizeof(digits) - at);
}
