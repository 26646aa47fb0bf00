/* SPDX-License-Identifier: ISC
 *
 * The event records of a node. Losses are kept until an event could be appended; heartbeats that could not
 * are not repeated, the next one tells as much.
 */
#include "node/intake.h"

/* Appends the event that stands in in->body. */
static bool
put(struct intake *in, wall_t now)
{
	struct record r = {
	    .type = RECORD_EVENT, .time = now, .body = in->body.data, .len = (uint32_t)in->body.len};

	return buf_ok(&in->body) && in->body.len <= RECORD_BODY_MAX &&
	    appender_record(&in->appender, &r, now, NULL) == ERR_OK;
}

static struct buf *
begin(struct intake *in, enum event_kind kind)
{
	/* Where memory was out, it may be there again. */
	if (!buf_ok(&in->body))
		buf_clear(&in->body);
	buf_reset(&in->body);
	event_begin(&in->body, kind);
	return &in->body;
}

static void
put_loss(struct buf *b, const struct loss *l)
{
	event_put_u64(b, EVENT_KEY_COUNT, l->count);
	event_put_u64(b, EVENT_KEY_FROM, (uint64_t)l->from.ns);
	event_put_u64(b, EVENT_KEY_TO, (uint64_t)l->to.ns);
}

static void
put_counters(const struct intake *in, struct buf *b)
{
	const struct intake_counters *c = &in->counters;

	event_put_u64(b, EVENT_KEY_DATAGRAMS, c->datagrams);
	event_put_u64(b, EVENT_KEY_BYTES, c->bytes);
	event_put_u64(b, EVENT_KEY_REFUSED, c->refused);
	event_put_u64(b, EVENT_KEY_UNKNOWN, c->unknown);
	event_put_u64(b, EVENT_KEY_MALFORMED, c->malformed);
	event_put_u64(b, EVENT_KEY_CUT, c->cut);
	event_put_u64(b, EVENT_KEY_KERNEL_DROPS, c->kernel_drops);
	event_put_u64(b, EVENT_KEY_LOG_DROPS, c->log_drops);
	for (unsigned i = FAULT_NONE + 1; i < FAULT_COUNT_OF_KINDS; i++) {
		if (c->faults[i] > 0)
			event_put_u64(b, (enum event_key)(EVENT_KEY_FAULT + i - 1), c->faults[i]);
	}
	intake_put_limits(in, b);
}

/* Those that were heard since the last heartbeat. */
static void
put_streams(struct intake *in)
{
	for (uint32_t i = 0; i < in->streams.count; i++) {
		struct stream *st = &in->streams.all[i];

		if (!st->moved)
			continue;
		st->moved = false;
		buf_reset(&in->item);
		stream_key_write(&in->item, &st->key);
		buf_u32(&in->item, st->sequence);
		buf_u64(&in->item, st->datagrams);
		if (buf_ok(&in->item))
			event_put_bytes(&in->body, EVENT_KEY_STREAM, in->item.data, (uint16_t)in->item.len);
	}
}

bool
intake_tell_log_drops(struct intake *in, wall_t now)
{
	if (!appender_reserve(&in->appender))
		return false;
	put_loss(begin(in, EVENT_LOG_DROP), &in->log);
	if (!put(in, now))
		return false;
	in->log = (struct loss){.count = 0};
	return true;
}

static void
tell_kernel_drops(struct intake *in, uint16_t listener, wall_t now)
{
	struct intake_listener *l = &in->listeners[listener];
	struct buf *b = begin(in, EVENT_KERNEL_DROP);

	event_put_u64(b, EVENT_KEY_LISTENER, listener);
	put_loss(b, &l->kernel);
	if (!put(in, now))
		return;
	l->kernel = (struct loss){.count = 0};
	l->kernel_told = in->steady;
}

static void
tell_host_drops(struct intake *in, wall_t now)
{
	put_loss(begin(in, EVENT_KERNEL_DROP), &in->host);
	if (!put(in, now))
		return;
	in->host = (struct loss){.count = 0};
	in->host_told = now;
}

void
intake_tell_kernel_drops(struct intake *in, wall_t now)
{
	int64_t host_since = now.ns - in->host_told.ns;

	if (in->host.count > 0 && (host_since < 0 || host_since >= INTAKE_KERNEL_DROP_NS))
		tell_host_drops(in, now);
	for (size_t i = 0; i < in->listener_count; i++) {
		const struct intake_listener *l = &in->listeners[i];
		int64_t since = in->steady.ns - l->kernel_told.ns;

		if (l->kernel.count > 0 && (since < 0 || since >= INTAKE_KERNEL_DROP_NS))
			tell_kernel_drops(in, (uint16_t)i, now);
	}
}

void
intake_tell_all_kernel_drops(struct intake *in, wall_t now)
{
	for (size_t i = 0; i < in->listener_count; i++) {
		if (in->listeners[i].kernel.count > 0)
			tell_kernel_drops(in, (uint16_t)i, now);
	}
}

/* As flowbraidd -n prints it: also what the listeners' indexes mean. */
void
intake_tell_configuration(struct intake *in, const struct conf *conf, wall_t now)
{
	struct buf text = BUF_INIT;

	conf_print(conf, &text);
	buf_u8(&text, 0);
	if (buf_ok(&text)) {
		event_put_text(begin(in, EVENT_CONFIG), EVENT_KEY_TEXT, (const char *)text.data);
		(void)put(in, now);
	}
	buf_clear(&text);
}

void
intake_tell_link(struct intake *in, const void *body, size_t len, wall_t now)
{
	struct rd r = rd_init(body, len);
	uint16_t listener = rd_u16(&r);
	size_t left = rd_left(&r);
	const uint8_t *text = rd_bytes(&r, left);
	struct buf *b;

	if (!rd_ok(&r) || left > UINT16_MAX)
		return;
	b = begin(in, EVENT_LINK);
	event_put_u64(b, EVENT_KEY_LISTENER, listener);
	event_put_bytes(b, EVENT_KEY_TEXT, text, (uint16_t)left);
	(void)put(in, now);
}

void
intake_tell_heartbeat(struct intake *in, wall_t now)
{
	in->clock_told = 0;
	put_counters(in, begin(in, EVENT_HEARTBEAT));
	put_streams(in);
	(void)put(in, now);
}

bool
intake_tell_disk(struct intake *in, const char *what, uint64_t failures, wall_t from, wall_t to,
    uint64_t unsure, wall_t now)
{
	const struct loss span = {.count = failures, .from = from, .to = to};
	struct buf *b = begin(in, EVENT_DISK);

	event_put_text(b, EVENT_KEY_TEXT, what);
	put_loss(b, &span);
	if (unsure > 0)
		event_put_u64(b, EVENT_KEY_UNSURE, unsure);
	return put(in, now);
}

static bool
put_clock(struct intake *in, int64_t ns, const char *text, wall_t now)
{
	struct buf *b = begin(in, EVENT_CLOCK_STEP);

	event_put_u64(b, EVENT_KEY_STEP, (uint64_t)ns);
	if (text != NULL)
		event_put_text(b, EVENT_KEY_TEXT, text);
	if (!put(in, now))
		return false;
	in->clock_told++;
	return true;
}

void
intake_tell_clock(struct intake *in, wall_t now)
{
	if (in->clock_told >= INTAKE_CLOCK_MOST)
		return;
	if (in->slept_untold_ns != 0 && put_clock(in, in->slept_untold_ns, "slept", now))
		in->slept_untold_ns = 0;
	if (in->step_untold_ns != 0 && put_clock(in, in->step_untold_ns, NULL, now))
		in->step_untold_ns = 0;
}

/* A time that was read by the clock before it was set, or just after that. */
static wall_t
by_new_clock(wall_t t, int64_t step_ns, wall_t now)
{
	wall_t moved = {t.ns + step_ns};

	return t.ns > now.ns || (moved.ns <= now.ns && moved.ns > t.ns) ? moved : t;
}

/* Losses until then are told by the clock that they were seen by. */
void
intake_clock(struct intake *in, int64_t step_ns, int64_t slept_ns, wall_t now)
{
	if (in->log.count > 0)
		(void)intake_tell_log_drops(in, now);
	for (size_t i = 0; i < in->listener_count; i++) {
		struct intake_listener *l = &in->listeners[i];

		if (l->kernel.count > 0)
			tell_kernel_drops(in, (uint16_t)i, now);
		l->last = by_new_clock(l->last, step_ns, now);
	}
	in->stepped_ns += step_ns;
	in->step_untold_ns += step_ns;
	in->slept_untold_ns += slept_ns;
	intake_tell_clock(in, now);
}

bool
intake_removed(struct intake *in, const struct expire_removed *r, wall_t now)
{
	struct buf *b;

	/* Losses go first: what little room there is must not be used up before them. */
	if (in->log.count > 0 && !intake_tell_log_drops(in, now))
		return false;
	b = begin(in, EVENT_REMOVED);
	event_put_u64(b, EVENT_KEY_SEGMENT, r->number);
	event_put_u64(b, EVENT_KEY_COUNT, r->bytes);
	event_put_text(b, EVENT_KEY_TEXT, retain_reason_name(r->reason));
	if (r->sealed)
		event_put_bytes(b, EVENT_KEY_DIGEST, r->seal.b, sizeof(r->seal.b));
	return put(in, now);
}

static void
tell_recovery(struct intake *in, const struct store_recovery *r, wall_t now)
{
	struct buf *b;

	if (r->removed || (r->sealed && r->cut == 0))
		return;
	b = begin(in, r->sealed ? EVENT_TAIL_CUT : EVENT_LEFT_UNSEALED);
	event_put_u64(b, EVENT_KEY_SEGMENT, r->number);
	if (r->sealed) {
		event_put_u64(b, EVENT_KEY_OFFSET, r->length);
		event_put_u64(b, EVENT_KEY_COUNT, r->cut);
	} else {
		event_put_u64(b, EVENT_KEY_COUNT, r->length);
		if (r->has_digest)
			event_put_bytes(b, EVENT_KEY_DIGEST, r->digest.b, sizeof(r->digest.b));
	}
	(void)put(in, now);
}

void
intake_started(
    struct intake *in, const char *version, const struct store_recovery *recovered, size_t count, wall_t now)
{
	event_put_text(begin(in, EVENT_START), EVENT_KEY_TEXT, version);
	(void)put(in, now);
	for (size_t i = 0; i < count; i++)
		tell_recovery(in, &recovered[i], now);
}

void
intake_stopping(struct intake *in, wall_t now)
{
	if (in->log.count > 0)
		(void)intake_tell_log_drops(in, now);
	intake_tell_all_kernel_drops(in, now);
	if (in->host.count > 0)
		tell_host_drops(in, now);
	/* The streams too: what came after the last heartbeat. */
	put_counters(in, begin(in, EVENT_STOP));
	put_streams(in);
	(void)put(in, now);
}
