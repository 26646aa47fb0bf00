/* SPDX-License-Identifier: ISC
 *
 * The JSON writer. Runs of plain characters are copied whole; only what needs escaping is looked at.
 */
#include "base/json.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

void
json_init(struct json *j, struct buf *out)
{
	*j = (struct json){.out = out};
}

static void
json_newline(struct json *j)
{
	size_t spaces = (size_t)j->depth * (size_t)j->indent;
	uint8_t *at;

	if (j->indent <= 0)
		return;
	at = buf_room(j->out, spaces + 1);
	if (at == NULL)
		return;
	at[0] = '\n';
	memset(at + 1, ' ', spaces);
}

/* What stands before a key, or before a value that has none. */
static void
json_lead(struct json *j)
{
	if (j->after_key) {
		j->after_key = false;
		return;
	}
	if (j->depth == 0)
		return;
	if (j->comma[j->depth - 1])
		buf_u8(j->out, ',');
	j->comma[j->depth - 1] = true;
	json_newline(j);
}

static void
json_open(struct json *j, bool array)
{
	assert(j->depth < JSON_DEPTH);
	json_lead(j);
	buf_u8(j->out, array ? '[' : '{');
	j->array[j->depth] = array;
	j->comma[j->depth] = false;
	j->depth++;
}

void
json_object(struct json *j)
{
	json_open(j, false);
}

void
json_array(struct json *j)
{
	json_open(j, true);
}

void
json_end(struct json *j)
{
	assert(j->depth > 0);
	j->depth--;
	if (j->comma[j->depth])
		json_newline(j);
	buf_u8(j->out, j->array[j->depth] ? ']' : '}');
}

/* Length of the UTF-8 sequence at `at` (RFC 3629: no surrogates, nothing overlong), or 0. */
static size_t
utf8_length(const uint8_t *at, size_t left)
{
	uint8_t lead = at[0], low = 0x80, high = 0xbf;
	size_t len;

	if (lead >= 0xc2 && lead <= 0xdf)
		len = 2;
	else if ((lead & 0xf0) == 0xe0)
		len = 3;
	else if (lead >= 0xf0 && lead <= 0xf4)
		len = 4;
	else
		return 0;
	if (left < len)
		return 0;
	if (lead == 0xe0)
		low = 0xa0;
	else if (lead == 0xed)
		high = 0x9f;
	else if (lead == 0xf0)
		low = 0x90;
	else if (lead == 0xf4)
		high = 0x8f;
	if (at[1] < low || at[1] > high)
		return 0;
	for (size_t i = 2; i < len; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	}
	return len;
}

bool
json_is_utf8(const void *text, size_t len)
{
	const uint8_t *at = text;

	for (size_t i = 0, n; i < len; i += n) {
		n = at[i] < 0x80 ? 1 : utf8_length(at + i, len - i);
		if (n == 0)
			return false;
	}
	return true;
}

static void
put_escaped(struct buf *b, uint8_t c)
{
	switch (c) {
	case '"':
		buf_text(b, "\\\"");
		break;
	case '\\':
		buf_text(b, "\\\\");
		break;
	case '\n':
		buf_text(b, "\\n");
		break;
	case '\r':
		buf_text(b, "\\r");
		break;
	case '\t':
		buf_text(b, "\\t");
		break;
	default:
		buf_printf(b, "\\u%04x", c);
	}
}

static void
put_string(struct buf *b, const uint8_t *text, size_t len)
{
	size_t plain = 0, i = 0; /* text[plain..i) is still to be copied */

	buf_u8(b, '"');
	while (i < len) {
		uint8_t c = text[i];
		size_t n = c < 0x80 ? 1 : utf8_length(text + i, len - i);

		if (n > 0 && c >= 0x20 && c != '"' && c != '\\') {
			i += n;
			continue;
		}
		buf_bytes(b, text + plain, i - plain);
		if (n == 0)
			buf_text(b, "\xef\xbf\xbd");
		else
			put_escaped(b, c);
		plain = ++i;
	}
	buf_bytes(b, text + plain, i - plain);
	buf_u8(b, '"');
}

void
json_key(struct json *j, const char *key)
{
	assert(j->depth > 0 && !j->array[j->depth - 1] && !j->after_key);
	json_lead(j);
	put_string(j->out, (const uint8_t *)key, strlen(key));
	buf_u8(j->out, ':');
	if (j->indent > 0)
		buf_u8(j->out, ' ');
	j->after_key = true;
}

void
json_text(struct json *j, const char *text)
{
	json_text_len(j, text, strlen(text));
}

void
json_text_len(struct json *j, const void *text, size_t len)
{
	json_lead(j);
	put_string(j->out, text, len);
}

void
json_u64(struct json *j, uint64_t v)
{
	json_lead(j);
	buf_decimal(j->out, v);
}

void
json_i64(struct json *j, int64_t v)
{
	json_lead(j);
	if (v < 0)
		buf_u8(j->out, '-');
	buf_decimal(j->out, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

void
json_double(struct json *j, double v)
{
	char text[32];

	if (!isfinite(v)) {
		json_null(j);
		return;
	}
	for (int precision = 15; precision <= 17; precision++) {
		(void)snprintf(text, sizeof(text), "%.*g", precision, v);
		if (!islessgreater(strtod(text, NULL), v))
			break;
	}
	json_lead(j);
	buf_text(j->out, text);
}

void
json_bool(struct json *j, bool v)
{
	json_lead(j);
	buf_text(j->out, v ? "true" : "false");
}

void
json_null(struct json *j)
{
	json_lead(j);
	buf_text(j->out, "null");
}

void
json_raw(struct json *j, const void *text, size_t len)
{
	json_lead(j);
	buf_bytes(j->out, text, len);
}

void
json_put_text(struct json *j, const char *key, const char *text)
{
	json_key(j, key);
	json_text(j, text);
}

void
json_put_u64(struct json *j, const char *key, uint64_t v)
{
	json_key(j, key);
	json_u64(j, v);
}

void
json_put_bool(struct json *j, const char *key, bool v)
{
	json_key(j, key);
	json_bool(j, v);
}
