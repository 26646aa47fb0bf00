/* SPDX-License-Identifier: ISC
 *
 * The way from a datagram to its records. v1, v5 and v7 are one data set with a built-in template, v9 and IPFIX
 * a walk over sets, sFlow one over samples.
 */
#include "flow/decode.h"

#include <string.h>

#include "flow/value.h"

#define EMPTY_FIELDS_MOST 64 /* of a template: a few bytes of data must not become a million of nothing */

void
decode_init(struct decode *d, const uint8_t *payload, size_t len, const struct proto_info *info,
    decode_resolve resolve, void *ctx)
{
	const struct tmpl *t = tmpl_static(info->proto);

	memset(d, 0, offsetof(struct decode, samples));
	d->payload = payload;
	d->info = info;
	d->resolve = resolve;
	d->ctx = ctx;
	d->most = UINT32_MAX;
	if (info->proto == PROTO_SFLOW5) {
		samples_init(&d->samples, info, payload, len);
		d->fault = d->samples.it.fault;
		return;
	}
	sets_init(&d->sets, info, payload, len);
	d->fault = d->sets.fault;
	d->passed_over = info->proto == PROTO_V8;
	if (info->cut) {
		d->fault = FAULT_HEADER_CUT;
		return;
	}
	if (t == NULL)
		return;
	d->tmpl = t;
	d->body = rd_init(payload, len);
	rd_skip(&d->body, info->header_len);
	d->most = info->count;
	if (rd_left(&d->body) != (size_t)info->count * t->record_len)
		d->fault = FAULT_COUNT;
}

void
decode_init_selected(struct decode *d, struct selected_reader *r, decode_resolve resolve, void *ctx)
{
	const struct selected_head *h = selected_head(r);

	memset(d, 0, offsetof(struct decode, samples));
	d->info = &h->info;
	d->resolve = resolve;
	d->ctx = ctx;
	d->most = UINT32_MAX;
	d->selected = r;
	sets_init(&d->sets, d->info, h->skeleton, h->skeleton_len);
	d->sets.fault = FAULT_NONE; /* IPFIX: the header has the length of the whole */
}

static bool
has_sets(const struct decode *d)
{
	return d->info->proto == PROTO_V9 || d->info->proto == PROTO_IPFIX;
}

bool
flow_template_is_sane(const struct tmpl *t)
{
	return t->record_len != 0 && t->field_count <= t->record_len + EMPTY_FIELDS_MOST;
}

/* Opens the next data set whose template is known. */
static bool
next_set(struct decode *d)
{
	struct set set;
	enum err e;

	if (!has_sets(d))
		return false;
	while ((e = sets_next(&d->sets, &set)) == ERR_OK) {
		bool late = false;

		if (set.kind != SET_DATA) {
			d->sets_reserved += set.kind == SET_RESERVED;
			d->passed_over |= set.kind != SET_RESERVED;
			continue;
		}
		d->tmpl = d->resolve != NULL ? d->resolve(d->ctx, d->ordinal, set.id, &late) : NULL;
		d->ordinal++;
		if (d->tmpl != NULL && d->selected != NULL && d->tmpl->kind != TMPL_OPTIONS)
			d->tmpl = NULL; /* who made the skeleton knew another template */
		if (d->tmpl == NULL) {
			d->sets_unknown++;
			continue;
		}
		if (!flow_template_is_sane(d->tmpl)) {
			d->sets_malformed++;
			d->tmpl = NULL;
			continue;
		}
		d->late = late;
		d->sets_late += late;
		d->body = set.body;
		return true;
	}
	d->fault = d->sets.fault;
	if (e == ERR_MALFORMED && !d->info->cut && !d->stopped) {
		d->sets_malformed++;
		d->stopped = true;
	}
	return false;
}

/* The set at hand has no further record. */
static void
close_set(struct decode *d, bool sound)
{
	if (has_sets(d) && (!sound || rd_left(&d->body) > DECODE_PADDING_MOST))
		d->sets_malformed++;
	d->tmpl = NULL;
}

/* The bytes of one record with fields of variable length. */
static struct rd
take_variable(struct rd *body, const struct tmpl *t)
{
	struct rd ahead = *body;

	for (uint16_t i = 0; i < t->field_count && rd_ok(&ahead); i++) {
		size_t len = t->fields[i].len;

		if (len == TMPL_VARIABLE) {
			len = rd_u8(&ahead);
			if (len == 255)
				len = rd_u16(&ahead);
		}
		rd_skip(&ahead, len);
	}
	return rd_ok(&ahead) ? rd_sub(body, (size_t)(ahead.at - body->at)) : ahead;
}

struct rd
flow_take_record(struct rd *body, const struct tmpl *t)
{
	return t->variable ? take_variable(body, t) : rd_sub(body, t->record_len);
}

/* The next record of the set at hand; false behind the last one. */
static bool
next_record(struct decode *d, struct rd *ret)
{
	const struct tmpl *t = d->tmpl;

	if (rd_left(&d->body) < t->record_len || d->most == 0) {
		close_set(d, true);
		return false;
	}
	*ret = flow_take_record(&d->body, t);
	if (!rd_ok(ret)) {
		close_set(d, rd_left(&d->body) <= DECODE_PADDING_MOST);
		return false;
	}
	if (!has_sets(d))
		d->most--;
	return true;
}

static void
note_samples(struct decode *d)
{
	d->sets_malformed = d->samples.it.malformed;
	d->samples_unknown = d->samples.it.unknown;
	d->fault = d->samples.it.fault;
}

static enum err
next_sample(struct decode *d, struct flow *ret)
{
	bool found = samples_next(&d->samples, ret);

	note_samples(d);
	if (!found)
		return ERR_END;
	ret->index = ret->options ? d->options++ : d->flows++;
	ret->at = (uint16_t)ret->index;
	return ERR_OK;
}

static void
count_samples(struct decode *d)
{
	struct sflow_sample sample;

	while (sflow_next(&d->samples.it, &sample) == ERR_OK) {
		if (sample.kind == SFLOW_COUNTERS)
			d->options++;
		else
			d->flows++;
	}
	note_samples(d);
}

static enum err
next_selected(struct decode *d, struct flow *ret)
{
	uint32_t *counter;

	if (!selected_next(d->selected, ret))
		return ERR_END;
	ret->resolve = d->resolve;
	ret->resolve_ctx = d->ctx;
	counter = ret->options ? &d->options : &d->flows;
	(*counter)++;
	return ERR_OK;
}

enum err
decode_next(struct decode *d, struct flow *ret)
{
	struct rd record;

	if (d->info->proto == PROTO_SFLOW5 && d->selected == NULL)
		return next_sample(d, ret);
	for (;;) {
		if (d->tmpl == NULL && !next_set(d))
			return d->selected != NULL ? next_selected(d, ret) : ERR_END;
		if (next_record(d, &record))
			break;
	}
	*ret = (struct flow){
	    .info = d->info,
	    .tmpl = d->tmpl,
	    .record = record,
	    .at = d->selected == NULL ? (uint16_t)(record.base - d->payload) : 0,
	    .options = d->tmpl->kind == TMPL_OPTIONS,
	    .late = d->late,
	    .resolve = d->resolve,
	    .resolve_ctx = d->ctx,
	};
	ret->index = ret->options ? d->options++ : d->flows++;
	return ERR_OK;
}

bool
decode_count_set(const struct tmpl *t, size_t len, uint32_t *ret_records, bool *ret_malformed)
{
	bool sane = flow_template_is_sane(t);

	if (sane && t->variable)
		return false;
	*ret_records = sane ? (uint32_t)(len / t->record_len) : 0;
	*ret_malformed = !sane || len % t->record_len > DECODE_PADDING_MOST;
	return true;
}

uint32_t
decode_count(struct decode *d)
{
	uint32_t before = d->flows;
	struct flow f;

	if (d->selected != NULL) {
		while (decode_next(d, &f) == ERR_OK)
			continue;
		return d->flows - before;
	}
	if (d->info->proto == PROTO_SFLOW5) {
		count_samples(d);
		return d->flows - before;
	}
	while (d->tmpl != NULL || next_set(d)) {
		uint32_t *counter = d->tmpl->kind == TMPL_OPTIONS ? &d->options : &d->flows;
		struct rd record;

		if (d->tmpl->variable) {
			while (d->tmpl != NULL && next_record(d, &record))
				(*counter)++;
		} else {
			size_t n = rd_left(&d->body) / d->tmpl->record_len;

			if (n > d->most)
				n = d->most;
			if (!has_sets(d))
				d->most -= (uint32_t)n;
			*counter += (uint32_t)n;
			rd_skip(&d->body, n * d->tmpl->record_len);
			close_set(d, true);
		}
	}
	return d->flows - before;
}
