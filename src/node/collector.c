/* SPDX-License-Identifier: ISC
 *
 * Start and end of an incarnation, as two mirrored lists; between them, of captures, the datagrams.
 */
#include "node/collector.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/msg.h"
#include "node/collector_private.h"
#include "node/packet.h"

#define FIRST_SEQUENCE 1

/* --- the log --- */

static void
say_recovery(const struct collector *c, const struct store_recovery *r)
{
	if (r->removed)
		msg_notice("%s: %s: had been left open without a record; removed", c->name, r->file);
	else if (!r->sealed)
		msg_warn("%s: %s: damaged, left as it is, %" PRIu64 " bytes, not sealed: %s", c->name,
		    r->file, r->length, r->why);
	else if (r->cut > 0)
		msg_warn("%s: %s: had been left open; torn tail of %" PRIu64
			 " bytes cut off at offset %" PRIu64 ", sealed with %" PRIu64 " records",
		    c->name, r->file, r->cut, r->length, r->records);
	else
		msg_notice("%s: %s: had been left open; sealed with %" PRIu64 " records", c->name, r->file,
		    r->records);
}

static bool
open_store(struct collector *c, wall_t now)
{
	size_t count = 0;
	enum err e = store_open(c->folder, c->conf->cluster, c->conf->node, c->lane, now, &c->store,
	    c->recovered, RECOVERED_MOST, &count);

	if (e == ERR_OK) {
		c->recovered_count = count < RECOVERED_MOST ? count : RECOVERED_MOST;
		for (size_t i = 0; i < c->recovered_count; i++)
			say_recovery(c, &c->recovered[i]);
		return true;
	}
	if (e == ERR_CONFLICT)
		msg_error("%s: %s: %s", c->name, c->recovered[0].file, c->recovered[0].why);
	else
		msg_error("%s: %s", c->name, err_text(e));
	return false;
}

struct collector *
collector_open(const struct conf *conf, int folder, uint16_t lane, bool for_capture, wall_t now)
{
	struct collector *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		msg_error("out of memory");
		return NULL;
	}
	c->conf = conf;
	c->folder = folder;
	c->lane = lane;
	c->for_capture = for_capture;
	if (lane == 0)
		(void)snprintf(c->name, sizeof(c->name), "log %s", conf->log_directory);
	else
		(void)snprintf(c->name, sizeof(c->name), "log %s lane %u", conf->log_directory, lane);
	if (!open_store(c, now)) {
		free(c);
		return NULL;
	}
	return c;
}

/* --- start --- */

/* Templates that a former life knew, so that no data waits for the exporters' next refresh. */
static void
recall_templates(struct collector *c)
{
	const char *name = store_newest(c->store);
	enum err e = ERR_SYSTEM;
	int fd;

	if (name[0] == '\0')
		return;
	fd = openat(c->folder, name, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		e = intake_recall(&c->intake, fd);
		if (e != ERR_OK)
			msg_warn("%s: %s: cannot read templates: %s", c->name, name, err_text(e));
		(void)close(fd);
	} else {
		msg_warn("%s: %s: cannot read templates: %s", c->name, name, err_text(e));
	}
}

static bool
start_intake(struct collector *c, wall_t now)
{
	struct segment_header head = {
	    .kind = SEGMENT_NODE,
	    .lane = c->lane,
	    .number = store_next_number(c->store),
	    .first_sequence = FIRST_SEQUENCE,
	};
	enum err e;

	_Static_assert(CONF_NAME_SIZE <= SEGMENT_NAME_SIZE, "names fit");
	memcpy(head.cluster, c->conf->cluster, sizeof(c->conf->cluster));
	memcpy(head.node, c->conf->node, sizeof(c->conf->node));
	if (getrandom(&head.incarnation, sizeof(head.incarnation), 0) != (ssize_t)sizeof(head.incarnation)) {
		msg_error("no random number for the incarnation: %s", strerror(errno));
		return false;
	}
	e = intake_init(&c->intake, c->conf, &head, disk_sink(c->disk), now);
	if (e != ERR_OK)
		msg_error("cannot start: %s", err_text(e));
	return e == ERR_OK;
}

struct retain_limits
collector_retain_limits(const struct conf *conf)
{
	return (struct retain_limits){
	    .age_ns = conf->log_retain_ns,
	    .size = (uint64_t)conf->log_retain_size,
	    .minimum_free = (uint64_t)conf->log_minimum_free,
	    .keep_unmerged = conf->log_keep_unmerged,
	    .lanes = (uint16_t)conf->lanes,
	};
}

static enum err
start_retention(struct collector *c)
{
	const struct retention_options options = {
	    .name = c->name,
	    .cluster = c->conf->cluster,
	    .node = c->conf->node,
	    .lane = c->lane,
	    .limits = collector_retain_limits(c->conf),
	};

	return c->for_capture ? ERR_OK : retention_new(c->store, &options, &c->retention);
}

static bool
start_disk(struct collector *c)
{
	struct disk_options options = {
	    .name = c->name,
	    .memory = c->conf->log_memory,
	    .sync_ns = c->conf->log_sync_ns,
	    .wait = c->for_capture,
	};
	enum err e = start_retention(c);

	options.retention = c->retention;
	if (e == ERR_OK)
		e = disk_start(c->store, &options, &c->disk);
	if (e != ERR_OK)
		msg_error("%s: cannot start writing: %s", c->name, err_text(e));
	return e == ERR_OK;
}

static bool
stop_disk(struct collector *c, uint64_t *ret_lost)
{
	bool whole = disk_stop(c->disk, ret_lost);

	c->disk = NULL;
	retention_free(c->retention);
	c->retention = NULL;
	return whole;
}

/* What retention has removed: an event record for each, when there is room for it. */
void
collector_tell_removed(struct collector *c, wall_t now)
{
	struct expire_removed removed;

	while (c->retention != NULL && retention_peek(c->retention, &removed) &&
	    intake_removed(&c->intake, &removed, now))
		retention_take(c->retention);
}

bool
collector_start(struct collector *c, const char *version, wall_t now)
{
	if (!start_disk(c))
		return false;
	if (!start_intake(c, now)) {
		(void)stop_disk(c, NULL);
		return false;
	}
	recall_templates(c);
	c->started = true;
	intake_started(&c->intake, version, c->recovered, c->recovered_count, now);
	intake_tell_configuration(&c->intake, c->conf, now);
	return true;
}

/* --- captures --- */

int
collector_find_listener(const struct conf *conf, const struct packet *p)
{
	int found = -1;

	for (size_t i = 0; i < conf->listener_count; i++) {
		const struct conf_listener *l = &conf->listeners[i];

		if (l->port != p->to_port)
			continue;
		if (addr_cmp(&l->address, &p->to) == 0)
			return (int)i;
		if (found < 0)
			found = (int)i;
	}
	return found;
}

bool
collector_replay(struct collector *c, const struct packet *p, int listener, wall_t time, wall_t now)
{
	intake_tick(&c->intake, now);
	if (listener >= 0) {
		const struct intake_datagram d = {
		    .payload = p->payload,
		    .len = p->len,
		    .cut = p->cut,
		    .listener = (uint16_t)listener,
		    .port = p->from_port,
		    .from = p->from,
		    .time = time,
		};

		intake_take(&c->intake, &d, now);
	}
	/* A refusal is the sign of a disk that has been given up. */
	return c->intake.log.count == 0 || !disk_is_given_up(c->disk);
}

/* --- end --- */

/* Events of what failed, once it works again. One that finds no room waits. */
void
collector_tell_trouble(struct collector *c, wall_t now)
{
	struct disk_trouble *t = &c->trouble;
	char what[256];

	while (t->failures > 0 || disk_take_trouble(c->disk, t)) {
		(void)snprintf(
		    what, sizeof(what), "cannot %s: %s", disk_work_name(t->work), strerror(t->error));
		if (!appender_reserve(&c->intake.appender) ||
		    !intake_tell_disk(&c->intake, what, t->failures, t->from, t->to, t->unsure, now))
			return;
		t->failures = 0;
	}
}

static void
say_faults(const struct collector *c)
{
	const struct intake_counters *n = &c->intake.counters;
	struct buf text = BUF_INIT;

	for (unsigned i = FAULT_NONE + 1; i < FAULT_COUNT_OF_KINDS; i++) {
		if (n->faults[i] > 0)
			buf_printf(&text, "%s%" PRIu64 " %s", text.len > 0 ? ", " : "", n->faults[i],
			    proto_fault_name((enum proto_fault)i));
	}
	if (text.len > 0 && buf_ok(&text))
		msg_info("%s: malformed: %.*s", c->name, (int)text.len, (const char *)text.data);
	buf_clear(&text);
}

void
collector_say_counters(const struct collector *c)
{
	const struct intake_counters *n = &c->intake.counters;

	msg_info("%s: %" PRIu64 " datagrams recorded (%" PRIu64 " malformed, %" PRIu64 " cut), %" PRIu64
		 " refused, %" PRIu64 " of no known protocol, %" PRIu64 " dropped by the kernel, %" PRIu64
		 " not recorded for want of memory",
	    c->name, n->datagrams, n->malformed, n->cut, n->refused, n->unknown, n->kernel_drops,
	    n->log_drops);
	say_faults(c);
	picker_say(&c->intake.picker, c->name);
	intake_say_limits(&c->intake, c->name);
}

bool
collector_stop(struct collector *c, wall_t now)
{
	uint64_t lost = 0;
	bool whole;

	if (!c->started)
		return true;
	collector_tell_trouble(c, now);
	if (c->retention != NULL)
		retention_end(c->retention);
	collector_tell_removed(c, now);
	intake_stopping(&c->intake, now);
	appender_end(&c->intake.appender, now);
	whole = stop_disk(c, &lost);
	if (!whole)
		msg_error("%s: given up; %" PRIu64 " bytes were not written", c->name, lost);
	collector_say_counters(c);
	intake_clear(&c->intake);
	c->started = false;
	return whole;
}

void
collector_close(struct collector *c)
{
	if (c == NULL)
		return;
	if (c->started)
		(void)collector_stop(c, wall_now());
	store_close(c->store);
	free(c);
}
