/* SPDX-License-Identifier: ISC
 *
 * Lines of fixed form; whatever is not exactly one lists nothing, so that damage keeps segments and removes none.
 */
#include "log/merged.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
digest_read(const char *text, struct sha256 *ret)
{
	for (size_t i = 0; i < SHA256_SIZE; i++) {
		int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		ret->b[i] = (uint8_t)(high * 16 + low);
	}
	return true;
}

/* Without its end. */
static bool
line_read(const char *text, size_t len, struct merged_line *ret)
{
	const size_t digits = 2 * (size_t)SHA256_SIZE;
	struct folder_entry entry;
	size_t name_len;

	if (len < digits + 2)
		return false;
	name_len = len - digits - 1;
	if (name_len >= FOLDER_NAME_SIZE || text[name_len] != ' ' || memchr(text, '\0', len) != NULL)
		return false;
	memcpy(ret->name, text, name_len);
	ret->name[name_len] = '\0';
	return folder_name_parse(ret->name, &entry) && !entry.open &&
	    digest_read(text + name_len + 1, &ret->seal);
}

static int
line_order(const void *l, const void *r)
{
	return strcmp(((const struct merged_line *)l)->name, ((const struct merged_line *)r)->name);
}

enum err
merged_parse(const void *text, size_t len, struct merged *ret)
{
	const char *at = text;
	struct merged m = {.lines = NULL};
	size_t room = 0;
	unsigned long number = 0;

	while (len > 0) {
		const char *end = memchr(at, '\n', len);
		size_t n = end != NULL ? (size_t)(end - at) : len;
		struct merged_line line;

		number++;
		if (end == NULL || !line_read(at, n, &line)) {
			if (m.bad++ == 0)
				m.bad_at = number;
		} else if (array_grow(m.lines, room, m.count) != ERR_OK) {
			merged_clear(&m);
			return ERR_MEMORY;
		} else {
			m.lines[m.count++] = line;
		}
		n += end != NULL;
		at += n;
		len -= n;
	}
	if (m.count > 1)
		qsort(m.lines, m.count, sizeof(*m.lines), line_order);
	*ret = m;
	return ERR_OK;
}

void
merged_clear(struct merged *m)
{
	free(m->lines);
	*m = (struct merged){.lines = NULL};
}

bool
merged_has(const struct merged *m, const char *name, const struct sha256 *seal)
{
	size_t from = 0, to = m->count;

	while (from < to) { /* the first one of that name */
		size_t middle = from + (to - from) / 2;

		if (strcmp(m->lines[middle].name, name) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	for (; from < m->count && strcmp(m->lines[from].name, name) == 0; from++) {
		if (memcmp(m->lines[from].seal.b, seal->b, SHA256_SIZE) == 0)
			return true;
	}
	return false;
}

void
merged_put(struct buf *out, const char *name, const struct sha256 *seal)
{
	char text[SHA256_TEXT_SIZE];

	buf_printf(out, "%s %s\n", name, sha256_text(seal, text));
}
