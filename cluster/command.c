/* SPDX-License-Identifier: ISC
 *
 * See command.h.
 */
#include "cluster/command.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/msg.h"
#include "base/spill.h"
#include "flow/anonymise.h"

void
command_progress(const struct command_options *o, const char *fmt, ...)
{
	int saved = errno; /* callers clear the line before they say what went wrong */
	va_list ap;

	if (!o->quiet && isatty(STDERR_FILENO)) {
		fputs("\r\033[K", stderr);
		va_start(ap, fmt);
		vfprintf(stderr, fmt, ap);
		va_end(ap);
		fflush(stderr);
	}
	errno = saved;
}

void
command_finding(const char *path, const struct finding *f)
{
	msg_warn("%s: offset %" PRIu64 ": %s: expected %s, found %s", path, f->offset, f->what, f->expected,
	    f->found);
}

static void
on_finding(void *ctx, const char *path, const struct finding *f)
{
	(void)ctx;
	command_finding(path, f);
}

void
command_choose(struct pool *p, const struct command_options *o, bool alone)
{
	p->span = command_span(o);
	p->needed_windows = command_limited(o) && alone;
	p->margin_ns = o->margin_ns;
}

/* A damaged record is healed by a datagram of any time; what options told of sampling may have been told long before. */
static bool
needs_rest(const struct pool *p, const struct command_options *o)
{
	bool damaged = false;

	for (size_t i = 0; i < p->source_count; i++)
		damaged |= p->sources[i].damaged_count > 0;
	return (o->heals && damaged) || (o->decodes && p->sampled);
}

enum err
command_add_rest(
    struct pool *p, const struct command_options *o, const struct pool_report *report, struct buf *ret_why)
{
	return p->needed_windows && needs_rest(p, o) ? pool_add_rest(p, report, ret_why) : ERR_OK;
}

bool
command_read(struct pool *p, char **paths, int count, const struct command_options *o)
{
	return command_read_files(p, paths, count, o, NULL, NULL);
}

bool
command_read_files(struct pool *p, char **paths, int count, const struct command_options *o,
    command_file *on_file, void *ctx)
{
	struct pool_report report = {.ctx = ctx, .finding = on_finding, .file = on_file};
	struct buf why = BUF_INIT;
	enum err e = ERR_OK;

	command_choose(p, o, count == 1);
	for (int i = 0; i < count && e == ERR_OK; i++) {
		command_progress(o, "reading %s (%d of %d)", paths[i], i + 1, count);
		e = pool_add(p, paths[i], &report, &why);
	}
	if (e == ERR_OK)
		e = command_add_rest(p, o, &report, &why);
	command_progress(o, "%s", "");
	if (e == ERR_OK)
		e = pool_close(p);
	if (e != ERR_OK)
		msg_error("%.*s", why.len > 0 ? (int)why.len : (int)strlen(err_text(e)),
		    why.len > 0 ? (char *)why.data : err_text(e));
	buf_clear(&why);
	return e == ERR_OK;
}

const char *
command_folder(void)
{
	const char *folder = getenv("TMPDIR");

	return folder != NULL ? folder : "/var/tmp";
}

bool
command_limit_memory(const struct command_options *o, const char *folder)
{
	enum err e;

	if (folder == NULL)
		folder = command_folder();
	e = spill_limit(folder, o->memory > 0 ? o->memory : COMMAND_MEMORY);
	if (e != ERR_OK)
		msg_error("%s: %s", folder, err_text(e));
	return e == ERR_OK;
}

bool
command_report_options(struct command_options *o, const char *usage, int argc, char **argv, int *ret_exit)
{
	static const struct option longs[] = {{"json", no_argument, NULL, 'j'},
	    {"memory", required_argument, NULL, 'm'}, COMMAND_TIMES, {"help", no_argument, NULL, 'h'},
	    {"max-loss", required_argument, NULL, 'l'}, {NULL, 0, NULL, 0}};
	int c;

	*ret_exit = EXIT_UNABLE;
	while ((c = getopt_long(argc, argv, "qh", longs, NULL)) != -1) {
		if (c == 'j') {
			o->json = true;
		} else if (c == 'q') {
			o->quiet = true;
		} else if (c == 'm') {
			if (!command_memory(optarg, &o->memory))
				return false;
		} else if (c == COMMAND_OPTION_FROM || c == COMMAND_OPTION_TO) {
			if (!command_time(o, c, optarg))
				return false;
		} else if (c == 'l' && o->max_loss != NULL) {
			if (!command_percent("--max-loss", optarg, o->max_loss))
				return false;
		} else {
			fputs(usage, c == 'h' ? stdout : stderr);
			*ret_exit = c == 'h' ? EXIT_CLEAN : EXIT_UNABLE;
			return false;
		}
	}
	if (optind == argc) {
		fputs(usage, stderr);
		return false;
	}
	return command_limit_memory(o, NULL);
}

bool
command_output(struct buf *b)
{
	size_t at = 0;

	if (!buf_ok(b)) {
		msg_error("standard output: %s", err_text(ERR_MEMORY));
		return false;
	}
	while (at < b->len) {
		ssize_t n = write(STDOUT_FILENO, b->data + at, b->len - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			if (errno != EPIPE)
				msg_error("standard output: %s", strerror(errno));
			return false;
		}
		at += (size_t)n;
	}
	buf_reset(b);
	return true;
}

struct pool_span
command_span(const struct command_options *o)
{
	return (struct pool_span){
	    o->has_from ? o->span.from_ns : INT64_MIN, o->has_to ? o->span.to_ns : INT64_MAX};
}

bool
command_time(struct command_options *o, int option, const char *text)
{
	bool from = option == COMMAND_OPTION_FROM;
	char a[WALL_TEXT_SIZE], b[WALL_TEXT_SIZE];
	wall_t t;

	if (!wall_parse(text, &t)) {
		msg_error("--%s %s: expected a time such as 2026-11-23T14:00:00Z, 2026-11-23 14:00 (UTC), or "
			  "seconds since 1970",
		    from ? "from" : "to", text);
		return false;
	}
	*(from ? &o->has_from : &o->has_to) = true;
	*(from ? &o->span.from_ns : &o->span.to_ns) = t.ns;
	if (o->has_from && o->has_to && o->span.from_ns >= o->span.to_ns) {
		msg_error("--from %s: not before --to %s", wall_text((wall_t){o->span.from_ns}, 9, a),
		    wall_text((wall_t){o->span.to_ns}, 9, b));
		return false;
	}
	return true;
}

bool
command_duration(const char *text, int64_t *ret_ns)
{
	static const struct {
		const char *unit;
		int64_t ns;
	} units[] = {{"ms", NS_PER_MSEC}, {"s", NS_PER_SEC}, {"m", 60 * NS_PER_SEC}, {"h", 3600 * NS_PER_SEC},
	    {"d", 86400 * NS_PER_SEC}};
	char *end;
	unsigned long long v;

	errno = 0;
	if (!isdigit((unsigned char)text[0]))
		return false;
	v = strtoull(text, &end, 10);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(end, units[i].unit) == 0 && errno == 0 && v > 0 &&
		    v <= (uint64_t)(INT64_MAX / units[i].ns)) {
			*ret_ns = (int64_t)v * units[i].ns;
			return true;
		}
	}
	return false;
}

/* 32 bytes as they are, or 64 digits and perhaps the end of a line. */
static bool
read_key(struct buf *file, uint8_t ret[ANONYMISE_KEY_SIZE])
{
	if (file->len == ANONYMISE_KEY_SIZE) {
		memcpy(ret, file->data, ANONYMISE_KEY_SIZE);
		return true;
	}
	if (file->len == 2 * ANONYMISE_KEY_SIZE + 1 && file->data[file->len - 1] == '\n')
		file->len--;
	if (file->len != 2 * ANONYMISE_KEY_SIZE)
		return false;
	for (size_t i = 0; i < ANONYMISE_KEY_SIZE; i++) {
		const char pair[3] = {(char)file->data[2 * i], (char)file->data[2 * i + 1], '\0'};

		if (!isxdigit((unsigned char)pair[0]) || !isxdigit((unsigned char)pair[1]))
			return false;
		ret[i] = (uint8_t)strtoul(pair, NULL, 16);
	}
	return true;
}

struct anonymiser *
command_anonymiser(const char *path)
{
	struct buf file = BUF_INIT;
	uint8_t key[ANONYMISE_KEY_SIZE];
	struct anonymiser *a = NULL;
	enum err e = file_slurp(AT_FDCWD, path, 4096, &file);

	if (e != ERR_OK) {
		msg_error("%s: %s", path, e == ERR_LIMIT ? "too large for a key" : err_text(e));
	} else if (!read_key(&file, key)) {
		msg_error("%s: expected a key of %d bytes, or %d hexadecimal digits, found %zu bytes", path,
		    ANONYMISE_KEY_SIZE, 2 * ANONYMISE_KEY_SIZE, file.len);
	} else if ((e = anonymiser_new(key, &a)) != ERR_OK) {
		msg_error("%s: cannot be used: %s", path, err_text(e));
	}
	OPENSSL_cleanse(key, sizeof(key));
	if (file.data != NULL)
		OPENSSL_cleanse(file.data, file.room);
	buf_clear(&file);
	return a;
}

bool
command_percent(const char *option, const char *text, double *ret)
{
	char *end;
	double v;

	errno = 0;
	v = strtod(text, &end);
	if (errno == 0 && (isdigit((unsigned char)text[0]) || text[0] == '.') && end != text &&
	    *end == '\0' && v >= 0 && v <= 100) {
		*ret = v;
		return true;
	}
	msg_error("%s %s: expected a percentage, 0 to 100", option, text);
	return false;
}

bool
command_number(const char *text, uint64_t *ret)
{
	char *end;
	uint64_t v;

	errno = 0;
	v = strtoull(text, &end, 10);
	if (text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && v > 0) {
		*ret = v;
		return true;
	}
	msg_error("%s: expected a number above 0", text);
	return false;
}

bool
command_memory(const char *text, uint64_t *ret_bytes)
{
	unsigned long long v = 0;
	char *end = "";

	errno = 0;
	if (isdigit((unsigned char)text[0]))
		v = strtoull(text, &end, 10);
	if (errno == 0 && v < (1 << 20) && (strcmp(end, "M") == 0 || strcmp(end, "G") == 0)) {
		*ret_bytes = (uint64_t)v << (end[0] == 'M' ? 20 : 30);
		if (*ret_bytes >= SPILL_LIMIT_LEAST)
			return true;
	}
	msg_error("--memory %s: expected a size such as 256M or 4G, at least 32M", text);
	return false;
}
