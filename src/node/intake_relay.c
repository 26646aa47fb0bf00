/* SPDX-License-Identifier: ISC
 *
 * What a relay is told before the datagrams: the templates, so that it decodes from the first one on.
 */
#include "node/intake.h"

#define DEFINITIONS_AIM 32768 /* bytes of definitions in one record, about */
#define BRIEF_PAUSE_NS \
	(250 * NS_PER_MSEC) /* whoever asks more often is not well, and must not keep us busy */

static enum err
put(struct intake *in)
{
	struct buf *body = &in->body;
	struct record r = {.type = RECORD_TEMPLATES, .body = body->data, .len = (uint32_t)body->len};
	enum err e = ERR_OK;

	if (!buf_ok(body))
		e = ERR_MEMORY;
	else if (body->len > 0 && body->len <= RING_BODY_MOST && !ring_put(in->relay, &r))
		e = ERR_LIMIT;
	buf_reset(body);
	return e;
}

static enum err
each(void *ctx, const struct tmpl_def *def)
{
	struct intake *in = ctx;

	if (in->body.len > 0 && in->body.len + def->len > DEFINITIONS_AIM) {
		enum err e = put(in);

		if (e != ERR_OK)
			return e;
	}
	tmpl_def_write(&in->body, def);
	return ERR_OK;
}

void
intake_brief_relay(struct intake *in, wall_t now)
{
	struct record end = {.type = RECORD_TEMPLATES};
	int64_t since = now.ns - in->relay_granted.ns;
	uint32_t number;

	if (in->relay == NULL || !ring_wanted(in->relay, &number) || (since >= 0 && since < BRIEF_PAUSE_NS))
		return;
	in->relay_granted = now;
	buf_reset(&in->body);
	/* One that is longer than a record of the ring comes when its exporter repeats it. */
	if (tmpl_cache_each(in->templates, each, in) != ERR_OK || put(in) != ERR_OK) {
		buf_clear(&in->body);
		return; /* another time */
	}
	end.sequence = number;
	if (ring_put(in->relay, &end))
		ring_granted(in->relay, number);
}
