/* SPDX-License-Identifier: ISC
 *
 * See walk.h.
 */
#include "cluster/walk.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "archive/spool.h"
#include "base/msg.h"

#define STANDARD_INPUT "standard input"

/* What the path at hand is called in messages; NULL: as it is. */
struct walk {
	const struct command_options *c;
	struct reader *reader;
	walk_datagram *datagram;
	void *ctx;
	const char *shown;
	bool stop;
	void (*definition)(void *ctx, const struct tmpl_def *def); /* the caller's */
	void *definition_ctx;
};

static void
on_finding(void *ctx, const char *path, const struct finding *f)
{
	const struct walk *w = ctx;

	command_finding(w->shown != NULL ? w->shown : path, f);
}

static void
on_definition(void *ctx, const struct tmpl_def *def)
{
	const struct walk *w = ctx;

	w->definition(w->definition_ctx, def);
}

static void
say_why(const struct walk *w, const char *path, const struct buf *why)
{
	size_t skip = w->shown != NULL && why->len > strlen(path) ? strlen(path) : 0;

	msg_error("%s%.*s", skip > 0 ? w->shown : "", (int)(why->len - skip), (const char *)why->data + skip);
}

/* False: it could not be read. */
static bool
walk_path(struct walk *w, const char *path)
{
	struct reader *r = w->reader;
	const struct command_options *c = w->c;
	struct reader_datagram d;
	struct buf why = BUF_INIT;
	enum err e;

	command_progress(c, "reading %s", w->shown != NULL ? w->shown : path);
	e = reader_open(r, path, &why);
	command_progress(c, "%s", "");
	if (e != ERR_OK) {
		say_why(w, path, &why);
		buf_clear(&why);
		return false;
	}
	buf_clear(&why);
	while ((e = reader_next(r, &d)) == ERR_OK) {
		if (!w->datagram(w->ctx, &d)) {
			w->stop = true;
			return true;
		}
	}
	if (e != ERR_END)
		msg_error("%s: %s", w->shown != NULL ? w->shown : reader_path(r), err_text(e));
	return e == ERR_END;
}

/* Segments one behind the other, each by itself when all of it is there. */
static bool
walk_segments(struct walk *w, struct spool *s)
{
	struct segment_header head;
	char path[64];
	bool ok = true, sealed = true;
	enum err e = ERR_OK;
	uint64_t count = 0;

	while (!w->stop && sealed && (e = spool_begin(s)) == ERR_OK &&
	    (e = spool_segment(s, &sealed)) == ERR_OK && spool_len(s) > 0) {
		count++;
		if ((e = check_read_header(spool_fd(s), &head)) != ERR_OK) {
			msg_error(STANDARD_INPUT ": expected a segment, found %s",
			    e == ERR_CUT ? "less than its header" : err_text(e));
			return false;
		}
		if (!sealed)
			msg_notice(STANDARD_INPUT ": segment %" PRIu64
						  " has no seal: it is still being written, or cut",
			    count);
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", spool_fd(s));
		ok &= walk_path(w, path);
	}
	if (e != ERR_OK)
		msg_error(STANDARD_INPUT ": %s", err_text(e));
	else if (count == 0)
		msg_error(STANDARD_INPUT ": expected a segment, found nothing");
	return ok && e == ERR_OK && count > 0;
}

static bool
walk_input(struct walk *w)
{
	struct spool *s;
	bool ok;

	if (spool_open(STDIN_FILENO, command_folder(), &s) != ERR_OK) {
		msg_error("%s: %s", command_folder(), strerror(errno));
		return false;
	}
	w->shown = STANDARD_INPUT;
	ok = walk_segments(w, s);
	w->shown = NULL;
	spool_close(s);
	return ok;
}

bool
walk_paths(char **paths, int count, const struct command_options *c, const struct reader_options *o,
    walk_datagram *datagram, void *ctx, uint64_t *ret_findings)
{
	struct walk w = {
	    .c = c, .datagram = datagram, .ctx = ctx, .definition = o->definition, .definition_ctx = o->ctx};
	struct reader_options own = *o;
	bool ok = true;

	own.span = command_span(c);
	own.finding = on_finding;
	own.definition = o->definition != NULL ? on_definition : NULL;
	own.ctx = &w;
	*ret_findings = 0;
	if (reader_new(&own, &w.reader) != ERR_OK) {
		msg_error("%s", err_text(ERR_MEMORY));
		return false;
	}
	for (int i = 0; i < count && !w.stop; i++)
		ok &= strcmp(paths[i], "-") == 0 ? walk_input(&w) : walk_path(&w, paths[i]);
	*ret_findings = reader_findings(w.reader);
	reader_free(w.reader);
	return ok;
}
