/* SPDX-License-Identifier: ISC
 *
 * A store of flowd, record by record, into a log as a node writes it. What is damaged is told, and left out.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/msg.h"
#include "cluster/import_private.h"
#include "flow/flowd_store.h"
#include "flowbraid/version.h"
#include "log/event.h"
#include "log/folder.h"

#define SEGMENT_SIZE ((uint64_t)1 << 30)
#define TOLD_MOST 50 /* findings of a store that are told one by one */

/* --- the log --- */

static bool
log_failed(const struct import *im, enum err e)
{
	msg_error("log %s: %s", im->log, err_text(e));
	return false;
}

static bool
open_folder(struct import *im)
{
	enum err e;

	(void)mkdir(im->log, 0750);
	im->folder = open(im->log, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (im->folder < 0) {
		msg_error("log %s: %s", im->log, strerror(errno));
		return false;
	}
	e = folder_lock(im->folder);
	if (e == ERR_OK)
		return true;
	msg_error("log %s: %s", im->log, e == ERR_BUSY ? "another process writes there" : err_text(e));
	return false;
}

static bool
put_event(struct import *im, const struct buf *body, wall_t time)
{
	const struct record r = {
	    .type = RECORD_EVENT, .time = time, .body = body->data, .len = (uint32_t)body->len};
	enum err e = buf_ok(body) ? log_writer_record(im->writer, &r) : ERR_MEMORY;

	return e == ERR_OK ? true : log_failed(im, e);
}

static bool
begin_log(struct import *im, wall_t now)
{
	struct segment_header head = {.incompatible = SEGMENT_SELECTED};
	struct store_recovery recovered[4];
	struct buf event = BUF_INIT;
	size_t count = 0;
	enum err e;
	bool good;

	if (im->writer != NULL)
		return true;
	if (!open_folder(im))
		return false;
	(void)snprintf(head.cluster, sizeof(head.cluster), "%s", im->cluster);
	(void)snprintf(head.node, sizeof(head.node), "%s", im->node);
	if (getrandom(&head.incarnation, sizeof(head.incarnation), 0) != (ssize_t)sizeof(head.incarnation))
		return log_failed(im, ERR_SYSTEM);
	e = log_writer_open(im->folder, &head, SEGMENT_SIZE, now, &im->writer, recovered, 4, &count);
	if (e == ERR_CONFLICT) {
		msg_error("log %s: %s: %s", im->log, recovered[0].file, recovered[0].why);
		return false;
	}
	if (e != ERR_OK)
		return log_failed(im, e);
	for (size_t i = 0; i < count && i < 4; i++)
		msg_notice("log %s: %s: had been left open; %s", im->log, recovered[i].file,
		    recovered[i].removed      ? "removed"
			: recovered[i].sealed ? "sealed"
					      : recovered[i].why);
	event_begin(&event, EVENT_START);
	event_put_text(&event, EVENT_KEY_TEXT, "import " FLOWBRAID_VERSION);
	good = put_event(im, &event, now);
	buf_clear(&event);
	im->latest = now;
	return good;
}

bool
import_end(struct import *im)
{
	struct buf event = BUF_INIT;
	bool good = true;
	enum err e;

	if (im->writer != NULL) {
		event_begin(&event, EVENT_STOP);
		event_put_u64(&event, EVENT_KEY_DATAGRAMS, im->datagrams);
		event_put_u64(&event, EVENT_KEY_BYTES, im->bodies);
		good = put_event(im, &event, im->latest);
		e = log_writer_end(im->writer, im->latest);
		if (e != ERR_OK && good)
			good = log_failed(im, e);
		buf_clear(&event);
		log_writer_free(im->writer);
		im->writer = NULL;
	}
	if (im->folder >= 0)
		(void)close(im->folder);
	im->folder = -1;
	return good;
}

/* --- a store --- */

struct one_store {
	struct import *im;
	const char *path;
	int fd;
	struct flowd_store *store;
	struct flowd_datagrams *datagrams;
	struct buf body;
	uint64_t findings;
};

static enum err
read_store(void *ctx, void *dst, size_t len, size_t *ret_len)
{
	const struct one_store *s = ctx;
	size_t done = 0;

	while (done < len) {
		ssize_t n = read(s->fd, (uint8_t *)dst + done, len - done);

		if (n == 0)
			break;
		if (n < 0 && errno != EINTR)
			return ERR_SYSTEM;
		if (n > 0)
			done += (size_t)n;
	}
	*ret_len = done;
	return ERR_OK;
}

static bool
store_failed(const struct one_store *s, enum err e)
{
	msg_error("%s: %s", s->path, err_text(e));
	return false;
}

/* The records at hand, as one of the log. */
static bool
put_datagram(struct one_store *s)
{
	struct record r = {.type = RECORD_SELECTED};
	struct flowd_datagram d;
	enum err e;

	buf_reset(&s->body);
	e = flowd_datagrams_take(s->datagrams, &d, &s->body);
	if (e == ERR_END)
		return true;
	if (e != ERR_OK)
		return store_failed(s, e);
	if (!begin_log(s->im, d.time))
		return false;
	r.time = d.time;
	r.addr = d.exporter;
	r.body = s->body.data;
	r.len = (uint32_t)s->body.len;
	e = log_writer_record(s->im->writer, &r);
	if (e != ERR_OK)
		return log_failed(s->im, e);
	if (s->im->latest.ns < d.time.ns)
		s->im->latest = d.time;
	s->im->datagrams++;
	s->im->bodies += s->body.len;
	s->im->records += d.flows;
	return true;
}

static bool
take_record(struct one_store *s, const struct flowd_record *r)
{
	enum err e;

	flowd_datagrams_begun(s->datagrams, flowd_store_begun(s->store));
	if (!flowd_datagrams_fits(s->datagrams, r) && !put_datagram(s))
		return false;
	e = flowd_datagrams_add(s->datagrams, r);
	return e == ERR_OK ? true : store_failed(s, e);
}

static void
tell_damage(struct one_store *s, const struct flowd_damage *d)
{
	s->im->lost_bytes += d->lost;
	s->im->findings++;
	if (++s->findings > TOLD_MOST)
		return;
	if (d->lost == 0)
		msg_warn("%s: offset %" PRIu64 ": %s", s->path, d->offset, d->text);
	else
		msg_warn("%s: offset %" PRIu64 ": %s; %" PRIu64 " bytes lost, to %s", s->path, d->offset,
		    d->text, d->lost, d->torn ? "the end" : "the next record");
}

static void
tell_remark(const struct one_store *s, enum msg_level level, uint64_t count, const char *what)
{
	if (count > 0 && (level == MSG_WARNING || !s->im->o.quiet))
		msg_at(level, "%s: %" PRIu64 " %s", s->path, count, what);
}

static void
tell_remarks(const struct one_store *s)
{
	const struct flowd_remarks *m = flowd_datagrams_remarks(s->datagrams);

	if (s->findings > TOLD_MOST)
		msg_warn("%s: %" PRIu64 " findings more", s->path, s->findings - TOLD_MOST);
	tell_remark(s, MSG_NOTICE, m->timeless,
	    "records without a time of reception: the exporter's is taken, or the last one");
	tell_remark(s, MSG_NOTICE, m->agentless, "records without an exporter's address");
	tell_remark(
	    s, MSG_NOTICE, m->swapped, "engine types and ids had been written in the wrong byte order");
	tell_remark(
	    s, MSG_NOTICE, m->versions, "records of a version of NetFlow that is not known: taken for IPFIX");
	tell_remark(s, MSG_WARNING, m->fractions,
	    "records of v9 or IPFIX whose export time loses its fraction of a second");
	tell_remark(s, MSG_WARNING, m->sequences, "records of v1 lose their sequence number");
}

static bool
walk(struct one_store *s)
{
	struct flowd_record r;
	struct flowd_damage damage;
	const uint8_t *bytes;
	enum err e = ERR_OK;
	bool good = true;

	while (good) {
		switch (flowd_store_next(s->store, &r, &bytes, &damage, &e)) {
		case FLOWD_RECORD:
			good = take_record(s, &r);
			break;
		case FLOWD_DAMAGE:
			tell_damage(s, &damage);
			break;
		case FLOWD_END:
			return put_datagram(s);
		case FLOWD_ERROR:
			(void)put_datagram(s);
			return store_failed(s, e);
		}
		command_progress(
		    &s->im->o, "reading %s: %" PRIu64 " MiB", s->path, flowd_store_offset(s->store) >> 20);
	}
	return false;
}

bool
import_store(struct import *im, const char *path, int fd)
{
	struct one_store s = {.im = im, .path = path, .fd = fd};
	enum err e = flowd_store_open(read_store, &s, &s.store);
	bool good;

	if (e != ERR_OK) {
		msg_error("%s: %s", path, e == ERR_UNKNOWN ? "no store of flowd" : err_text(e));
		return false;
	}
	s.datagrams = flowd_datagrams_new(flowd_store_begun(s.store));
	good = s.datagrams != NULL ? walk(&s) : store_failed(&s, ERR_MEMORY);
	command_progress(&im->o, "%s", "");
	if (s.datagrams != NULL)
		tell_remarks(&s);
	im->stores++;
	flowd_store_close(s.store);
	flowd_datagrams_free(s.datagrams);
	buf_clear(&s.body);
	return good;
}
