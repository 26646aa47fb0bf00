/* SPDX-License-Identifier: ISC
 *
 * Flows as an IPFIX file (RFC 5655), or as the same messages on standard output. flow/ipfix_writer makes them.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/msg.h"
#include "cluster/command.h"
#include "cluster/export_private.h"
#include "flow/ipfix_writer.h"

#define OUTPUT_AIM ((size_t)1 << 20)

struct ipfix_file {
	struct export_place place;
	int fd; /* -1: standard output */
	uint64_t at;
	struct ipfix_writer *writer; /* owned */
	struct buf out;              /* owned */
};

static void
drop(void *to)
{
	struct ipfix_file *f = to;

	if (f == NULL)
		return;
	ipfix_writer_free(f->writer);
	buf_clear(&f->out);
	if (f->fd >= 0)
		close(f->fd);
	export_place_clear(&f->place);
	free(f);
}

static bool
open_file(struct ipfix_file *f, const char *path)
{
	if (strcmp(path, "-") == 0) {
		if (isatty(STDOUT_FILENO))
			msg_error("-o -: standard output is a terminal");
		return !isatty(STDOUT_FILENO);
	}
	if (!export_place_init(&f->place, path))
		return false;
	f->fd = open(f->place.temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (f->fd < 0)
		msg_error("%s: %s", f->place.temporary, strerror(errno));
	return f->fd >= 0;
}

void *
export_ipfix_open(const char *path)
{
	struct ipfix_file *f = calloc(1, sizeof(*f));

	if (f == NULL || ipfix_writer_new(&f->writer) != ERR_OK) {
		msg_error("%s: %s", path, err_text(ERR_MEMORY));
		free(f);
		return NULL;
	}
	f->fd = -1;
	if (!open_file(f, path)) {
		drop(f);
		return NULL;
	}
	return f;
}

static bool
put_out(struct ipfix_file *f)
{
	enum err e;

	if (f->fd < 0 && command_output(&f->out))
		return true;
	if (f->fd < 0) {
		if (errno == EPIPE) /* which is not said there */
			msg_error("standard output: %s", strerror(errno));
		return false;
	}
	e = buf_ok(&f->out) ? file_pwrite(f->fd, f->out.data, f->out.len, f->at, NULL) : ERR_MEMORY;
	if (e != ERR_OK)
		msg_error("%s: %s", f->place.path, err_text(e));
	f->at += f->out.len;
	buf_reset(&f->out);
	return e == ERR_OK;
}

static bool
take_datagram(void *to, const struct reader_datagram *d)
{
	struct ipfix_file *f = to;

	ipfix_writer_datagram(f->writer, d->decode->selected == NULL && d->info->proto != PROTO_SFLOW5);
	return f->out.len < OUTPUT_AIM || put_out(f);
}

static bool
is_written(enum err e)
{
	if (e != ERR_OK)
		msg_error("export: %s", err_text(e));
	return e == ERR_OK;
}

static bool
take_flow(void *to, const struct flow *flow, struct flow_context *c)
{
	struct ipfix_file *f = to;

	return is_written(ipfix_writer_put(f->writer, flow, c, &f->out));
}

static void
tell(const struct ipfix_writer_counters *n, bool quiet)
{
	if (n->options_left_out > 0)
		msg_notice("%" PRIu64
			   " options records have a scope that IPFIX has no form for, and are left out",
		    n->options_left_out);
	if (n->lists_emptied > 0)
		msg_notice(
		    "%" PRIu64
		    " lists are malformed, or their templates are not known, and are written as empty ones",
		    n->lists_emptied);
	if (n->too_long > 0)
		msg_notice("%" PRIu64 " records fit in no message, and are left out", n->too_long);
	if (!quiet)
		msg_notice("%" PRIu64 " flows and %" PRIu64 " options records, in %" PRIu64
			   " messages of %" PRIu64 " observation domains",
		    n->flows, n->options + n->types, n->messages, n->domains);
}

static bool
finish(void *to, bool quiet)
{
	struct ipfix_file *f = to;

	if (!is_written(ipfix_writer_flush(f->writer, &f->out)) || !put_out(f))
		return false;
	if (f->fd >= 0 && !export_place_finish(&f->place))
		return false;
	tell(ipfix_writer_counters(f->writer), quiet);
	return true;
}

const struct export_form export_ipfix = {take_datagram, take_flow, finish, drop};
