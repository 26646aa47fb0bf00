/* SPDX-License-Identifier: ISC
 *
 * See walk.h.
 */
#include "cluster/walk.h"

#include "base/msg.h"

static void
on_finding(void *ctx, const char *path, const struct finding *f)
{
	(void)ctx;
	command_finding(path, f);
}

/* False: it could not be read. */
static bool
walk_path(struct reader *r, const char *path, const struct command_options *c, walk_datagram *datagram,
    void *ctx, bool *ret_stop)
{
	struct reader_datagram d;
	struct buf why = BUF_INIT;
	enum err e;

	command_progress(c, "reading %s", path);
	e = reader_open(r, path, &why);
	command_progress(c, "%s", "");
	if (e != ERR_OK) {
		msg_error("%.*s", (int)why.len, (const char *)why.data);
		buf_clear(&why);
		return false;
	}
	buf_clear(&why);
	while ((e = reader_next(r, &d)) == ERR_OK) {
		if (!datagram(ctx, &d)) {
			*ret_stop = true;
			return true;
		}
	}
	if (e != ERR_END)
		msg_error("%s: %s", reader_path(r), err_text(e));
	return e == ERR_END;
}

bool
walk_paths(char **paths, int count, const struct command_options *c, struct reader_options *o,
    walk_datagram *datagram, void *ctx, uint64_t *ret_findings)
{
	struct reader *r;
	bool ok = true, stop = false;

	o->span = command_span(c);
	o->finding = on_finding;
	*ret_findings = 0;
	if (reader_new(o, &r) != ERR_OK) {
		msg_error("%s", err_text(ERR_MEMORY));
		return false;
	}
	for (int i = 0; i < count && !stop; i++)
		ok &= walk_path(r, paths[i], c, datagram, ctx, &stop);
	*ret_findings = reader_findings(r);
	reader_free(r);
	return ok;
}
