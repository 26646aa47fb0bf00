/* SPDX-License-Identifier: ISC
 *
 * The record of a sample: its own words here, its flow records in samples_flow.c, its counters in
 * samples_counters.c.
 */
#include "flow/samples.h"

#include <string.h>

#include "flow/samples_put.h"
#include "flow/value.h"

void
samples_init(struct samples *s, const struct proto_info *info, const uint8_t *payload, size_t len)
{
	sflow_init(&s->it, info, payload, len);
	s->records_unknown = 0;
	s->records_malformed = 0;
	s->info = info;
}

/* Chains a field to the last one that is the same element; most are the first. */
static void
chain(struct samples *s, uint16_t place)
{
	struct tmpl_field *fields = s->view.tmpl.fields;
	struct tmpl_field *f = &fields[place];
	uint8_t hash = (uint8_t)(f->id ^ f->pen);
	uint64_t *seen = &s->seen[hash >> 6], bit = 1ULL << (hash & 63);

	if ((*seen & bit) == 0) {
		*seen |= bit;
		return;
	}
	for (uint16_t i = place; i-- > 0;) {
		if (fields[i].id == f->id && fields[i].pen == f->pen) {
			fields[i].again = place;
			f->first = false;
			return;
		}
	}
}

/* The next field, whose bytes are written behind this; false when there is no room for it. */
static inline bool
add_field(struct samples *s, uint32_t pen, uint16_t id, size_t len)
{
	struct tmpl *t = &s->view.tmpl;

	if (t->field_count == SAMPLES_FIELDS_MOST || wr_left(&s->w) < len)
		return false;
	t->fields[t->field_count] = (struct tmpl_field){.pen = pen,
	    .id = id,
	    .len = (uint16_t)len,
	    .offset = (uint32_t)wr_len(&s->w),
	    .again = TMPL_NO_FIELD,
	    .first = true};
	chain(s, t->field_count++);
	return true;
}

void
samples_number(struct samples *s, uint32_t pen, uint16_t id, size_t len, uint64_t v)
{
	if (!add_field(s, pen, id, len))
		return;
	switch (len) {
	case 8:
		wr_u64(&s->w, v);
		break;
	case 4:
		wr_u32(&s->w, (uint32_t)v);
		break;
	case 3:
		wr_u8(&s->w, (uint8_t)(v >> 16));
		wr_u16(&s->w, (uint16_t)v);
		break;
	case 2:
		wr_u16(&s->w, (uint16_t)v);
		break;
	default:
		wr_u8(&s->w, (uint8_t)v);
	}
}

void
samples_bytes(struct samples *s, uint32_t pen, uint16_t id, const void *bytes, size_t len)
{
	if (add_field(s, pen, id, len))
		wr_bytes(&s->w, bytes, len);
}

static void
put_interface(struct samples *s, const struct sflow_interface *i, bool input)
{
	switch (i->format) {
	case SFLOW_INTERFACE_INDEX:
		samples_number(s, 0, input ? IE_IN_INTERFACE : IE_OUT_INTERFACE, 4, i->value);
		break;
	case SFLOW_INTERFACE_DISCARDED:
		samples_number(s, 0, IE_FORWARDING_STATUS, 1, 0x80); /* dropped */
		samples_number(s, PEN_SFLOW, SFLOW_DROP_REASON, 4, i->value);
		break;
	case SFLOW_INTERFACE_SEVERAL:
		samples_number(s, PEN_SFLOW, input ? SFLOW_INPUT_COUNT : SFLOW_OUTPUT_COUNT, 4, i->value);
		break;
	default:
		break;
	}
}

static void
put_sample(struct samples *s, const struct sflow_sample *sample)
{
	samples_number(s, PEN_SFLOW, SFLOW_SAMPLE_FORMAT, 4, sample->format);
	samples_number(s, PEN_SFLOW, SFLOW_SAMPLE_SEQUENCE, 4, sample->sequence);
	samples_number(s, PEN_SFLOW, SFLOW_SOURCE_CLASS, 4, sample->source_class);
	samples_number(s, PEN_SFLOW, SFLOW_SOURCE_INDEX, 4, sample->source_index);
	if (sample->kind == SFLOW_COUNTERS)
		return;
	if (sample->kind == SFLOW_FLOW) {
		samples_number(s, 0, IE_SAMPLING_INTERVAL, 4, sample->rate);
		samples_number(s, 0, IE_PACKETS_OBSERVED, 4, sample->pool);
	}
	samples_number(s, 0, IE_PACKETS_IGNORED, 4, sample->drops);
	put_interface(s, &sample->input, true);
	put_interface(s, &sample->output, false);
	if (sample->kind == SFLOW_DROP) {
		samples_number(s, 0, IE_FORWARDING_STATUS, 1, 0x80);
		samples_number(s, PEN_SFLOW, SFLOW_DROP_REASON, 4, sample->reason);
	}
	samples_number(s, 0, sample->kind == SFLOW_DROP ? IE_DROPPED_PACKETS : IE_PACKETS, 8, 1);
}

/* The sample's records, in the order of the table; what is not in it is named by its number. */
static void
put_records(struct samples *s, struct sflow_sample *sample, const struct samples_format *table, size_t count)
{
	struct rd bodies[SAMPLES_FORMATS_MOST];
	bool there[SAMPLES_FORMATS_MOST] = {false};
	uint32_t others[SAMPLES_OTHERS_MOST];
	size_t n_others = 0;
	struct sflow_record record;

	while (sflow_record_next(sample, &record)) {
		size_t i = 0;

		while (i < count && table[i].format != record.format)
			i++;
		if (i < count && !there[i]) {
			there[i] = true;
			bodies[i] = record.body;
			continue;
		}
		s->records_unknown++;
		if (n_others < SAMPLES_OTHERS_MOST)
			others[n_others++] = record.format;
	}
	for (size_t i = 0; i < count; i++) {
		if (!there[i] || table[i].put(s, bodies[i]))
			continue;
		s->records_malformed++;
		if (n_others < SAMPLES_OTHERS_MOST)
			others[n_others++] = table[i].format;
	}
	for (size_t i = 0; i < n_others; i++)
		samples_number(s, PEN_SFLOW, SFLOW_UNDECODED, 4, others[i]);
}

bool
samples_next(struct samples *s, struct flow *ret)
{
	struct sflow_sample sample;
	struct tmpl *t = &s->view.tmpl;
	const struct samples_format *table;
	size_t count;

	if (sflow_next(&s->it, &sample) != ERR_OK)
		return false;
	s->kind = sample.kind;
	s->ip_version = 0;
	s->has_mac = false;
	memset(s->seen, 0, sizeof(s->seen));
	s->w = wr_init(s->bytes, sizeof(s->bytes));
	*t = (struct tmpl){.proto = PROTO_SFLOW5,
	    .id = (uint16_t)sample.format,
	    .kind = sample.kind == SFLOW_COUNTERS ? TMPL_OPTIONS : TMPL_DATA};
	table = sample.kind == SFLOW_COUNTERS ? samples_counters(&count) : samples_flow(&count);
	put_sample(s, &sample);
	put_records(s, &sample, table, count);
	t->record_len = (uint32_t)wr_len(&s->w);
	*ret = (struct flow){.info = s->info,
	    .tmpl = t,
	    .record = rd_init(s->bytes, t->record_len),
	    .options = sample.kind == SFLOW_COUNTERS};
	return true;
}
