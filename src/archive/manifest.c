/* SPDX-License-Identifier: ISC
 *
 * See manifest.h. The text:
 *
 *	flowbraid-archive 1
 *	cluster NAME
 *	window NANOSECONDS
 *	stream-key port
 *	compression none           (or: zstd LEVEL VERSION)
 *	policy LINE                (one for each line of it, if there is one)
 *	shard NUMBER/OF            (only of a part of an archive)
 *	from NANOSECONDS           (either or both, when it holds but a part)
 *	to NANOSECONDS
 *	file SHA256 SIZE NAME      (any number, by name)
 */
#include "archive/manifest.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

void
manifest_clear(struct manifest *m)
{
	free(m->files);
	buf_clear(&m->policy);
	*m = (struct manifest){0};
}

enum err
manifest_add(struct manifest *m, const char *name, uint64_t size, const struct sha256 *digest)
{
	struct manifest_file *f;

	if (array_grow(m->files, m->room, m->count) != ERR_OK)
		return ERR_MEMORY;
	f = &m->files[m->count++];
	*f = (struct manifest_file){.size = size, .digest = *digest};
	snprintf(f->name, sizeof(f->name), "%s", name);
	return ERR_OK;
}

void
manifest_compression_text(const struct manifest_compression *c, struct buf *out)
{
	if (c->level == 0)
		buf_text(out, "none");
	else
		buf_printf(out, "zstd %d %s", c->level, c->version);
}

bool
manifest_compression_same(const struct manifest_compression *a, const struct manifest_compression *b)
{
	return a->level == b->level && strcmp(a->version, b->version) == 0;
}

static void
put_policy(const struct buf *policy, struct buf *out)
{
	for (size_t at = 0, end; at < policy->len; at = end + 1) {
		for (end = at; end < policy->len && policy->data[end] != '\n'; end++)
			continue;
		buf_text(out, "policy ");
		buf_bytes(out, policy->data + at, end - at);
		buf_u8(out, '\n');
	}
}

void
manifest_write(const struct manifest *m, struct buf *out)
{
	size_t begin = out->len;
	char end[SHA256_TEXT_SIZE];
	struct sha256 d;

	buf_printf(out, "flowbraid-archive 1\ncluster %s\nwindow %" PRId64 "\nstream-key port\ncompression ",
	    m->cluster, m->window_ns);
	manifest_compression_text(&m->compression, out);
	buf_u8(out, '\n');
	put_policy(&m->policy, out);
	if (m->shard.of > 0)
		buf_printf(out, "shard %" PRIu32 "/%" PRIu32 "\n", m->shard.number, m->shard.of);
	if (m->limited && m->from_ns != INT64_MIN)
		buf_printf(out, "from %" PRId64 "\n", m->from_ns);
	if (m->limited && m->to_ns != INT64_MAX)
		buf_printf(out, "to %" PRId64 "\n", m->to_ns);
	for (size_t i = 0; i < m->count; i++) {
		char hex[SHA256_TEXT_SIZE];

		buf_printf(out, "file %s %" PRIu64 " %s\n", sha256_text(&m->files[i].digest, hex),
		    m->files[i].size, m->files[i].name);
	}
	if (buf_ok(out)) {
		d = sha256_of(out->data + begin, out->len - begin);
		buf_printf(out, "end %s\n", sha256_text(&d, end));
	}
}

static bool
hex_read(const char *text, struct sha256 *ret)
{
	for (unsigned i = 0; i < SHA256_SIZE; i++) {
		char two[3] = {text[2 * i], text[2 * i + 1], 0}, *end;

		if (!isxdigit((unsigned char)two[0]) || !isxdigit((unsigned char)two[1]))
			return false;
		ret->b[i] = (uint8_t)strtoul(two, &end, 16);
	}
	return true;
}

static bool
number_read(const char **at, uint64_t *ret)
{
	char *end;

	if (!isdigit((unsigned char)**at))
		return false;
	*ret = strtoull(*at, &end, 10);
	*at = end;
	return true;
}

static bool
compression_read(const char *text, struct manifest_compression *ret)
{
	struct manifest_compression c = {.level = 0};
	const char *at = text + 5;
	uint64_t level;

	if (strcmp(text, "none") != 0) {
		if (strncmp(text, "zstd ", 5) != 0 || !number_read(&at, &level) || level == 0 || level > 99 ||
		    *at++ != ' ' || *at == '\0' || strlen(at) >= sizeof(c.version) ||
		    strspn(at, "0123456789.") != strlen(at))
			return false;
		c.level = (int)level;
		snprintf(c.version, sizeof(c.version), "%s", at);
	}
	*ret = c;
	return true;
}

bool
manifest_shard_read(const char *text, struct manifest_shard *ret)
{
	uint64_t number, of;

	if (!number_read(&text, &number) || *text++ != '/' || !number_read(&text, &of) || *text != '\0' ||
	    of < 2 || of > MANIFEST_SHARDS_MOST || number >= of)
		return false;
	*ret = (struct manifest_shard){(uint32_t)number, (uint32_t)of};
	return true;
}

static bool
file_line(const char *rest, struct manifest *m, enum err *ret_error)
{
	struct sha256 d;
	uint64_t size;
	const char *at = rest + 64;

	if (strlen(rest) < 67 || !hex_read(rest, &d) || *at++ != ' ' || !number_read(&at, &size) ||
	    *at++ != ' ')
		return false;
	if (*at == '\0' || *at == '.' || strchr(at, '/') != NULL || strlen(at) >= MANIFEST_NAME_SIZE)
		return false;
	if (m->count > 0 && strcmp(m->files[m->count - 1].name, at) >= 0)
		return false;
	*ret_error = manifest_add(m, at, size, &d);
	return true;
}

/* "from N" or "to N"; that they, and a shard, stand in their place, check_form sees. */
static bool
limit_line(const char *line, struct manifest *m)
{
	bool from = strncmp(line, "from ", 5) == 0;
	const char *at = line + (from ? 5 : 3);
	bool negative = *at == '-';
	uint64_t v;

	at += negative;
	if ((!from && strncmp(line, "to ", 3) != 0) || !number_read(&at, &v) || *at != '\0' || v >= INT64_MAX)
		return false;
	if (!m->limited) {
		m->limited = true;
		m->from_ns = INT64_MIN;
		m->to_ns = INT64_MAX;
	}
	*(from ? &m->from_ns : &m->to_ns) = negative ? -(int64_t)v : (int64_t)v;
	return true;
}

static bool
manifest_line(const char *line, unsigned number, struct manifest *m, enum err *ret_error)
{
	uint64_t v;
	const char *at = line + 7;

	switch (number) {
	case 1:
		return strcmp(line, "flowbraid-archive 1") == 0;
	case 2:
		if (strncmp(line, "cluster ", 8) != 0 || line[8] == '\0' ||
		    strlen(line + 8) >= sizeof(m->cluster))
			return false;
		memcpy(m->cluster, line + 8, strlen(line + 8) + 1);
		return true;
	case 3:
		if (strncmp(line, "window ", 7) != 0 || !number_read(&at, &v) || *at != '\0' || v == 0 ||
		    v > INT64_MAX)
			return false;
		m->window_ns = (int64_t)v;
		return true;
	case 4:
		return strcmp(line, "stream-key port") == 0;
	case 5:
		return strncmp(line, "compression ", 12) == 0 && compression_read(line + 12, &m->compression);
	default:
		if (strncmp(line, "shard ", 6) == 0)
			return manifest_shard_read(line + 6, &m->shard);
		if (strncmp(line, "end ", 4) == 0)
			return true; /* check_form looks at it, and at its place */
		if (strncmp(line, "file ", 5) == 0)
			return file_line(line + 5, m, ret_error);
		return limit_line(line, m);
	}
}

/* The text is what manifest_write makes of it: one manifest has one form. */
static enum err
check_form(const struct manifest *m, const char *text, size_t len, unsigned *ret_line)
{
	struct buf again = BUF_INIT;
	size_t same = 0;
	unsigned line = 1;
	enum err e = ERR_OK;

	manifest_write(m, &again);
	while (same < len && same < again.len && text[same] == (char)again.data[same])
		line += text[same++] == '\n';
	if (!buf_ok(&again)) {
		e = ERR_MEMORY;
	} else if (same < len || same < again.len) {
		*ret_line = line;
		e = ERR_MALFORMED;
	}
	buf_clear(&again);
	return e;
}

enum err
manifest_read(const char *text, size_t len, struct manifest *ret, unsigned *ret_line)
{
	struct manifest m = {0};
	enum err e = ERR_OK;
	unsigned number = 0;

	for (size_t at = 0; at < len && e == ERR_OK;) {
		const char *end = memchr(text + at, '\n', len - at);
		char line[256];
		size_t n = end != NULL ? (size_t)(end - (text + at)) : sizeof(line);

		number++;
		if (end != NULL && number > 5 && n >= 7 && memcmp(text + at, "policy ", 7) == 0) {
			buf_bytes(&m.policy, text + at + 7, n + 1 - 7); /* of any length */
			e = !buf_ok(&m.policy)                ? ERR_MEMORY
			    : memchr(text + at, 0, n) != NULL ? ERR_MALFORMED
							      : ERR_OK;
			at += n + 1;
			continue;
		}
		if (n >= sizeof(line) || memchr(text + at, 0, n) != NULL) {
			e = ERR_MALFORMED;
			break;
		}
		memcpy(line, text + at, n);
		line[n] = '\0';
		if (!manifest_line(line, number, &m, &e))
			e = number == 1 || number == 4 || number == 5 ? ERR_UNKNOWN : ERR_MALFORMED;
		at += n + 1;
	}
	if (e == ERR_OK && number < 5) {
		number++;
		e = ERR_MALFORMED;
	}
	if (e == ERR_OK)
		e = check_form(&m, text, len, &number);
	if (e != ERR_OK) {
		manifest_clear(&m);
		*ret_line = number;
		return e;
	}
	*ret = m;
	return ERR_OK;
}

void
manifest_window_name(wall_t start, char out[MANIFEST_NAME_SIZE])
{
	char text[WALL_TEXT_SIZE];
	size_t n = 0;

	wall_text(start, start.ns % NS_PER_SEC == 0 ? 0 : 9, text);
	for (const char *p = text; *p != '\0'; p++) {
		if (*p != ':' && (*p != '-' || p == text))
			out[n++] = *p;
	}
	snprintf(out + n, MANIFEST_NAME_SIZE - n, ".fbw");
}

bool
manifest_window_start(const char *name, wall_t *ret)
{
	/* YYYYMMDDTHHMMSS -> YYYY-MM-DDTHH:MM:SS */
	static const char pattern[] = "....-..-..T..:..:..";
	char text[WALL_TEXT_SIZE], again[MANIFEST_NAME_SIZE];
	const char *at = name;
	size_t n = 0, len = strlen(name);
	wall_t start;

	if (len < strlen("YYYYMMDDTHHMMSSZ.fbw") || len >= MANIFEST_NAME_SIZE || len > 30)
		return false;
	for (const char *p = pattern; *p != '\0'; p++)
		text[n++] = *p == '-' || *p == ':' ? *p : *at++;
	while (*at != '\0' && *at != 'Z')
		text[n++] = *at++;
	text[n++] = 'Z';
	text[n] = '\0';
	if (strcmp(at, "Z.fbw") != 0 || !wall_parse(text, &start))
		return false;
	manifest_window_name(start, again);
	if (strcmp(again, name) != 0)
		return false;
	*ret = start;
	return true;
}
