/* SPDX-License-Identifier: ISC
 *
 * The path of a datagram, and the templates that go with it. Nothing here waits or allocates for a datagram;
 * new streams and templates do, up to their limits.
 */
#include "node/intake.h"

#include <stdlib.h>

#include "log/check.h"

#define SNAPSHOT_RECORD 60000 /* bytes of definitions in one record, about */

/* --- templates --- */

struct snapshot {
	struct intake *in;
	struct appender *appender;
	wall_t now;
	bool protected;   /* the exporters whose definitions have their turn */
	struct addr last; /* whose definition was the last one, and whether it is one of these */
	bool last_fits;
};

static enum err
snapshot_put(struct snapshot *s)
{
	struct buf *body = &s->in->body;
	enum err e = ERR_MEMORY;

	if (body->len == 0)
		return ERR_OK;
	if (buf_ok(body)) {
		struct record r = {
		    .type = RECORD_TEMPLATES,
		    .flags = s->protected ? 0 : RECORD_PROBATION,
		    .time = s->now,
		    .body = body->data,
		    .len = (uint32_t)body->len,
		};

		e = appender_record(s->appender, &r, s->now, NULL);
	}
	buf_reset(body);
	return e;
}

static enum err
snapshot_each(void *ctx, const struct tmpl_def *def)
{
	struct snapshot *s = ctx;

	if (addr_cmp(&s->last, &def->stream.exporter) != 0) {
		s->last = def->stream.exporter;
		s->last_fits = exporters_protect(&s->in->exporters, &s->last) == s->protected;
	}
	if (!s->last_fits)
		return ERR_OK;
	tmpl_def_write(&s->in->body, def);
	return s->in->body.len >= SNAPSHOT_RECORD ? snapshot_put(s) : ERR_OK;
}

/* At the head of each segment. When memory for it is out, intake_tick tries again: better late than not. Protected
 * exporters have the first turn, and records of their own, so that a node that starts again trusts them before others. */
static void
snapshot(void *ctx, struct appender *a, wall_t now)
{
	struct intake *in = ctx;
	struct snapshot s = {.in = in, .appender = a, .now = now, .protected = true};
	struct buf held = in->body; /* this may happen while an event is being appended from it */
	enum err e;

	in->body = (struct buf)BUF_INIT;
	e = tmpl_cache_each(in->templates, snapshot_each, &s);
	if (e == ERR_OK)
		e = snapshot_put(&s);
	s.protected = false;
	s.last_fits = !s.last_fits; /* the walk may begin with whom it ended */
	if (e == ERR_OK)
		e = tmpl_cache_each(in->templates, snapshot_each, &s);
	if (e == ERR_OK)
		e = snapshot_put(&s);
	in->templates_missing = e != ERR_OK;
	buf_clear(&in->body);
	in->body = held;
}

static void
recall_datagram(struct intake *in, const struct record *r, const struct proto_info *info,
    const uint8_t *payload, size_t len)
{
	struct stream_key key;

	exporters_time(&in->exporters, r->time);
	if (info->proto != PROTO_V9 && info->proto != PROTO_IPFIX)
		return;
	key = stream_key_of(&r->addr, r->port, info);
	(void)exporters_heard(&in->exporters, &r->addr);
	/* A limit that is reached is counted by the cache. */
	(void)!tmpl_cache_learn(in->templates, &key, info, payload, len);
}

/* reader: for selected flows. */
static void
recall_record(struct intake *in, struct selected_reader *reader, const struct record *r)
{
	struct rd body = rd_init(r->body, r->len);
	const struct selected_head *head;
	struct proto_info info;
	struct tmpl_def def;

	switch (r->type) {
	case RECORD_TEMPLATES:
		while (rd_left(&body) > 0 && tmpl_def_read(&body, &def) == ERR_OK) {
			exporters_trust(
			    &in->exporters, &def.stream.exporter, (r->flags & RECORD_PROBATION) == 0);
			if (tmpl_cache_put(in->templates, &def) != ERR_OK)
				break;
		}
		break;
	case RECORD_DATAGRAM:
		if (proto_recognise(r->body, r->len, &info) == ERR_OK)
			recall_datagram(in, r, &info, r->body, r->len);
		break;
	case RECORD_SELECTED:
		if (selected_open(reader, r->body, r->len) == ERR_OK) {
			head = selected_head(reader);
			recall_datagram(in, r, &head->info, head->skeleton, head->skeleton_len);
		}
		break;
	default:
		break;
	}
}

enum err
intake_recall(struct intake *in, int segment_fd)
{
	struct finding finding;
	enum check_step step;
	struct record r;
	struct check *c;
	struct selected_reader *reader = selected_reader_new();
	enum err e = reader != NULL ? check_open(segment_fd, true, false, &c) : ERR_MEMORY;

	if (e != ERR_OK) {
		selected_reader_free(reader);
		return e;
	}
	while ((step = check_next(c, &r, &finding)) == CHECK_RECORD || step == CHECK_FINDING) {
		if (step == CHECK_RECORD)
			recall_record(in, reader, &r);
	}
	check_close(c);
	selected_reader_free(reader);
	return step == CHECK_END ? ERR_OK : ERR_SYSTEM;
}

/* --- datagrams --- */

/* A clock that is set back in between makes a span longer, and no span that ends before it begins. */
static void
add_loss(struct loss *l, uint64_t count, wall_t from, wall_t to)
{
	if (l->count == 0)
		*l = (struct loss){.from = from, .to = from};
	l->from.ns = to.ns < l->from.ns ? to.ns : l->from.ns;
	l->to.ns = to.ns > l->to.ns ? to.ns : l->to.ns;
	l->count += count;
}

static void
count_log_drop(struct intake *in, wall_t time)
{
	add_loss(&in->log, 1, time, time);
	in->counters.log_drops++;
}

/* What a policy leaves of it. False: it can neither be selected from, nor be recorded whole. */
static bool
pick(struct intake *in, const struct picker_datagram *d, struct record *r)
{
	switch (picker_pick(&in->picker, d)) {
	case PICKER_WHOLE:
		return true;
	case PICKER_SELECTED:
		r->type = RECORD_SELECTED;
		r->body = in->picker.body.data;
		r->len = (uint32_t)in->picker.body.len;
		return true;
	case PICKER_NOTHING:
		break;
	}
	return false;
}

/* Also where a datagram is not recorded, the templates that it brings are known from then on. */
static bool
record(struct intake *in, const struct picker_datagram *known, struct record *r, wall_t now)
{
	if ((in->log.count > 0 && !intake_tell_log_drops(in, now)) ||
	    (in->picker.policy != NULL && !pick(in, known, r)) ||
	    appender_record(&in->appender, r, now, NULL) != ERR_OK) {
		count_log_drop(in, r->time);
		return false;
	}
	return true;
}

void
intake_take(struct intake *in, const struct intake_datagram *d, wall_t now)
{
	struct intake_listener *l = &in->listeners[d->listener];
	struct intake_counters *c = &in->counters;
	struct proto_info info;
	struct stream_key key;
	struct exporter_state *exporter;
	struct picker_datagram known = {.payload = d->payload,
	    .len = d->len,
	    .key = &key,
	    .info = &info,
	    .time = d->time,
	    .templates = in->templates};
	uint64_t definitions;
	struct stream *stream;
	enum proto_fault fault;
	struct record r = {
	    .type = RECORD_DATAGRAM,
	    .listener = d->listener,
	    .port = d->port,
	    .time = d->time,
	    .addr = d->from,
	    .body = d->payload,
	    .len = d->len,
	};

	l->last = d->time;
	l->datagrams++;
	if (!sources_permit(&l->sources, &d->from)) {
		c->refused++;
		return;
	}
	if (proto_recognise(d->payload, d->len, &info) != ERR_OK) {
		c->unknown++;
		return;
	}
	exporters_time(&in->exporters, now);
	exporter = exporters_heard(&in->exporters, &d->from);
	if (l->rate_limit > 0 && exporter != NULL && intake_is_limited(in, d, exporter))
		return;
	fault = proto_check(d->payload, d->len, &info);
	key = stream_key_of(&d->from, d->port, &info);
	if (info.proto == PROTO_V9 || info.proto == PROTO_IPFIX) {
		definitions = tmpl_cache_counters(in->templates)->definitions;
		(void)!tmpl_cache_learn(in->templates, &key, &info, d->payload, d->len);
		known.learnt = tmpl_cache_counters(in->templates)->definitions != definitions;
	}
	r.flags = (uint8_t)((d->cut ? RECORD_CUT : 0) | (fault != FAULT_NONE ? RECORD_MALFORMED : 0));
	if (in->relay != NULL)
		(void)ring_put(in->relay, &r); /* the ring counts what is lost */
	if (!record(in, &known, &r, now))
		return;
	c->datagrams++;
	c->bytes += d->len;
	c->cut += d->cut;
	if (fault != FAULT_NONE) {
		c->malformed++;
		c->faults[fault]++;
	}
	if (streams_heard(&in->streams, &key, exporter, info.sequence, d->time, &stream) && exporter != NULL)
		exporters_went_on(&in->exporters, exporter);
	if (stream != NULL) {
		const struct account_input heard = {.key = &key,
		    .info = &info,
		    .payload = d->payload,
		    .len = d->len,
		    .fingerprint = in->appender.body_crc,
		    .listener = d->listener,
		    .fault = fault,
		    .time = d->time,
		    .shared = streams_shared(&in->streams, stream)};

		account_take(&stream->account, &in->streams.room, in->templates, &heard);
	}
}

void
intake_kernel_drops(struct intake *in, uint16_t listener, uint64_t count, wall_t to)
{
	struct intake_listener *l = &in->listeners[listener];

	add_loss(&l->kernel, count, l->last, to);
	l->kernel_drops += count;
	in->counters.kernel_drops += count;
}

void
intake_host_drops(struct intake *in, uint64_t count, wall_t from, wall_t to)
{
	if (in->host.count == 0)
		in->host.from = from;
	in->host.to = to;
	in->host.count += count;
	in->host_drops += count;
	in->counters.kernel_drops += count;
}

/* --- time --- */

static int64_t
period_of(const struct intake *in, wall_t now)
{
	return now.ns / in->rotate_ns;
}

/* At the end of a period, and when the clock was set into another one. A clock that is put right by a little at
 * the end of a period, or that raves, does not make a segment each time. */
static void
rotate_if_due(struct intake *in, wall_t now)
{
	int64_t period = period_of(in, now), since = in->steady.ns - in->rotated.ns;
	int64_t least = in->rotate_ns / 2 < INTAKE_ROTATION_NS ? in->rotate_ns / 2 : INTAKE_ROTATION_NS;

	if (period == in->period || (since < least && since > -least))
		return;
	appender_rotate(&in->appender, now);
	in->period = period;
	in->rotated = in->steady;
}

void
intake_tick(struct intake *in, wall_t now)
{
	in->steady.ns = now.ns - in->stepped_ns;
	rotate_if_due(in, now);
	if (in->log.count > 0)
		(void)intake_tell_log_drops(in, now);
	intake_tell_kernel_drops(in, now);
	intake_tell_clock(in, now);
	if (in->templates_missing && in->appender.block != NULL)
		snapshot(in, &in->appender, now);
	if (in->steady.ns - in->declared.ns >= INTAKE_DECLARE_NS || in->steady.ns < in->declared.ns) {
		streams_time(&in->streams, now);
		in->declared = in->steady;
	}
	if (in->steady.ns >= in->heartbeat.ns || in->heartbeat.ns - in->steady.ns > INTAKE_HEARTBEAT_NS) {
		intake_tell_heartbeat(in, now);
		in->heartbeat.ns = in->steady.ns + INTAKE_HEARTBEAT_NS;
	}
}

/* --- life --- */

static void
clear_listeners(struct intake_listener *all, size_t count)
{
	for (size_t i = 0; i < count; i++)
		sources_clear(&all[i].sources);
	free(all);
}

static enum err
make_listeners(const struct conf *conf, wall_t now, struct intake_listener **ret)
{
	struct intake_listener *all = calloc(conf->listener_count, sizeof(*all));

	if (all == NULL)
		return ERR_MEMORY;
	for (size_t i = 0; i < conf->listener_count; i++) {
		const struct conf_listener *l = &conf->listeners[i];
		enum err e = sources_init(&all[i].sources, l->sources.list, l->sources.count);

		if (e != ERR_OK) {
			clear_listeners(all, i);
			return e;
		}
		all[i].last = now;
		all[i].rate_limit = (uint32_t)l->rate_limit;
	}
	*ret = all;
	return ERR_OK;
}

/* A segment says in its header whether it may hold selected flows. */
static enum err
follow_policy(struct intake *in, const struct conf *conf, wall_t now)
{
	uint32_t features = conf->policy != NULL ? SEGMENT_SELECTED : 0;
	enum err e = picker_follow(&in->picker, conf->policy);

	if (e != ERR_OK)
		return e;
	if (in->appender.head.incompatible != features)
		appender_rotate(&in->appender, now);
	in->appender.head.incompatible = features;
	return ERR_OK;
}

static void
follow_times(struct intake *in, const struct conf *conf, wall_t now)
{
	in->rotate_ns = conf->log_rotate_ns;
	in->appender.size_limit = (uint64_t)conf->log_size;
	in->period = period_of(in, now);
}

enum err
intake_reload(struct intake *in, const struct conf *conf, const uint16_t *from, wall_t now)
{
	struct intake_listener *all;
	enum err e = make_listeners(conf, now, &all);

	if (e == ERR_OK && (e = follow_policy(in, conf, now)) != ERR_OK)
		clear_listeners(all, conf->listener_count);
	if (e != ERR_OK)
		return e;
	intake_tell_all_kernel_drops(in, now); /* while the indexes mean what they meant */
	for (size_t i = 0; i < conf->listener_count; i++) {
		struct intake_listener *l = &all[i];
		const struct intake_listener fresh = *l;

		if (from[i] >= in->listener_count)
			continue;
		*l = in->listeners[from[i]];
		l->sources = fresh.sources; /* the old ones go with the old listeners */
		l->rate_limit = fresh.rate_limit;
	}
	clear_listeners(in->listeners, in->listener_count);
	in->listeners = all;
	in->listener_count = conf->listener_count;
	for (uint32_t i = 0; i < in->streams.count; i++)
		account_renumber(&in->streams.all[i].account, from, conf->listener_count);
	follow_times(in, conf, now);
	intake_tell_configuration(in, conf, now);
	return ERR_OK;
}

enum err
intake_init(struct intake *in, const struct conf *conf, const struct segment_header *head,
    struct block_sink sink, wall_t now)
{
	enum err e;

	*in = (struct intake){.rotate_ns = 0};
	picker_init(&in->picker);
	appender_init(&in->appender, head, sink);
	follow_times(in, conf, now);
	in->appender.snapshot = snapshot;
	in->appender.snapshot_ctx = in;
	in->steady = now;
	in->rotated.ns = now.ns - in->rotate_ns;
	in->heartbeat.ns = now.ns + INTAKE_HEARTBEAT_NS;
	e = intake_init_limits(in, head->incarnation);
	if (e == ERR_OK)
		e = follow_policy(in, conf, now);
	if (e == ERR_OK)
		e = make_listeners(conf, now, &in->listeners);
	if (e == ERR_OK)
		in->listener_count = conf->listener_count;
	if (e != ERR_OK)
		intake_clear(in);
	return e;
}

void
intake_clear(struct intake *in)
{
	clear_listeners(in->listeners, in->listener_count);
	in->listeners = NULL;
	in->listener_count = 0;
	tmpl_cache_free(in->templates);
	in->templates = NULL;
	streams_clear(&in->streams);
	exporters_clear(&in->exporters);
	picker_clear(&in->picker);
	buf_clear(&in->body);
	buf_clear(&in->item);
}
