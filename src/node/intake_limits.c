/* SPDX-License-Identifier: ISC
 *
 * What a node keeps in mind at most, and how often that was not enough: exporters, streams, templates, datagrams a
 * second of one exporter. In heartbeats, and in messages.
 *
 * All of it together, accounts included, is some 55 MiB at most, whatever the network sends.
 */
#include "node/intake.h"

#include <inttypes.h>

#define EXPORTERS_MOST 16384
#define STREAMS_MOST 16384
#define TEMPLATES_MOST 1024        /* of one stream */
#define LEAVE(all) ((all) / 4 * 3) /* what protected ones may have together: the rest is for newcomers */

/* A heartbeat that tells of all streams is a record still, and remains one in an archive. */
_Static_assert(STREAMS_MOST *(4 + STREAM_KEY_SIZE + 12) + 4096 < RECORD_BODY_MAX, "streams of a heartbeat");

static const struct exporters_limits exporters_limits = {
    .exporters = EXPORTERS_MOST,
    .kept = EXPORTERS_MOST / 2,
    .streams = 256,
    .all_streams = STREAMS_MOST / 2,
    .bytes = 512 << 10,
    .all_bytes = LEAVE(TMPL_CACHE_BYTES),
    .definitions = 4 * TEMPLATES_MOST,
    .all_definitions = 20000,
};

enum err
intake_init_limits(struct intake *in, uint64_t secret)
{
	struct tmpl_cache_limits limits = {.streams = STREAMS_MOST, .templates = TEMPLATES_MOST};
	enum err e = exporters_init(
	    &in->exporters, &exporters_limits, hash_bytes_seeded("exporters", 9, secret));

	in->says_limited = (struct msg_limit)MSG_LIMIT_INIT(10, 60);
	if (e == ERR_OK)
		e = streams_init(
		    &in->streams, STREAMS_MOST, &in->exporters, hash_bytes_seeded("streams", 7, secret));
	if (e != ERR_OK)
		return e;
	limits.guard = exporters_guard(&in->exporters);
	limits.seed = hash_bytes_seeded("templates", 9, secret);
	in->templates = tmpl_cache_new(&limits);
	return in->templates != NULL ? ERR_OK : ERR_MEMORY;
}

/* --- rates --- */

static void
say_limited(struct intake *in, const struct intake_datagram *d)
{
	char text[ADDR_TEXT_SIZE];
	uint64_t held;

	if (!msg_limit_pass(&in->says_limited, (mono_t){in->exporters.clock}, &held))
		return;
	if (held > 0)
		msg_notice("%" PRIu64 " similar messages suppressed", held);
	msg_warn("exporter %s: more than %" PRIu32
		 " datagrams a second, rate_limit of listener %u: what is more is "
		 "not recorded",
	    addr_text(&d->from, text), in->listeners[d->listener].rate_limit, d->listener);
}

/* Said once for each time that an exporter gets too fast: in a second of silence its limit is paid off. */
bool
intake_is_limited(struct intake *in, const struct intake_datagram *d, struct exporter_state *e)
{
	if (e->over && e->rate <= in->exporters.clock)
		e->over = false;
	if (exporters_pass(&in->exporters, e, in->listeners[d->listener].rate_limit))
		return false;
	in->counters.limited++;
	if (!e->over) {
		e->over = true;
		say_limited(in, d);
	}
	return true;
}

/* --- counters --- */

#define LIMITS 8

struct reached {
	enum event_key key;
	const char *what;
	uint64_t count;
};

static void
reached(const struct intake *in, struct reached out[LIMITS])
{
	const struct tmpl_cache_counters *t = tmpl_cache_counters(in->templates);
	const struct exporters_counters *x = &in->exporters.counters;
	const struct reached all[LIMITS] = {
	    {EVENT_KEY_LIMITED, "datagrams beyond rate_limit", in->counters.limited},
	    {EVENT_KEY_EXPORTERS_EVICTED, "exporters forgotten for others", x->evicted},
	    {EVENT_KEY_EXPORTERS_REFUSED, "times no room to protect an exporter", x->refused},
	    {EVENT_KEY_STREAMS_EVICTED, "streams forgotten for others", in->streams.evicted},
	    {EVENT_KEY_STREAMS_REFUSED, "datagrams of streams without a place", in->streams.refused},
	    {EVENT_KEY_TEMPLATES_EVICTED, "streams whose templates were forgotten for others",
		t->evicted_streams},
	    {EVENT_KEY_TEMPLATES_REPLACED, "templates forgotten for others of their stream",
		t->evicted_templates},
	    {EVENT_KEY_TEMPLATES_REFUSED, "templates not kept", t->refused_templates},
	};

	for (size_t i = 0; i < LIMITS; i++)
		out[i] = all[i];
}

void
intake_put_limits(const struct intake *in, struct buf *b)
{
	struct reached all[LIMITS];

	reached(in, all);
	for (size_t i = 0; i < LIMITS; i++) {
		if (all[i].count > 0)
			event_put_u64(b, all[i].key, all[i].count);
	}
}

void
intake_say_limits(const struct intake *in, const char *name)
{
	struct buf text = BUF_INIT;
	struct reached all[LIMITS];

	reached(in, all);
	for (size_t i = 0; i < LIMITS; i++) {
		if (all[i].count > 0)
			buf_printf(
			    &text, "%s%" PRIu64 " %s", text.len > 0 ? ", " : "", all[i].count, all[i].what);
	}
	if (text.len > 0 && buf_ok(&text))
		msg_info("%s: limits reached: %.*s", name, (int)text.len, (const char *)text.data);
	buf_clear(&text);
}
