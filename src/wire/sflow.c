/* SPDX-License-Identifier: ISC
 *
 * See sflow.h.
 */
#include "wire/sflow.h"

void
sflow_init(struct sflow *it, const struct proto_info *info, const uint8_t *payload, size_t len)
{
	*it = (struct sflow){.r = rd_init(payload, len)};
	if (info->cut) {
		it->fault = FAULT_HEADER_CUT;
		rd_skip(&it->r, len);
		return;
	}
	rd_skip(&it->r, info->header_len);
	it->left = info->count;
}

static void
note(struct sflow *it, enum proto_fault fault)
{
	if (it->fault == FAULT_NONE)
		it->fault = fault;
}

/* The short forms pack a class or a format into the high bits. */
static void
read_source(struct rd *r, bool expanded, struct sflow_sample *s)
{
	uint32_t v = rd_u32(r);

	s->source_class = expanded ? v : v >> 24;
	s->source_index = expanded ? rd_u32(r) : v & 0xffffff;
}

static struct sflow_interface
read_interface(struct rd *r, bool expanded)
{
	uint32_t v = rd_u32(r);

	if (!expanded)
		return (struct sflow_interface){(uint8_t)(v >> 30), v & 0x3fffffff};
	return (struct sflow_interface){v > UINT8_MAX ? UINT8_MAX : (uint8_t)v, rd_u32(r)};
}

/* A sample up to its records. */
static void
read_sample(struct rd *r, struct sflow_sample *s)
{
	bool expanded = s->format == SFLOW_SAMPLE_FLOW_EXPANDED ||
	    s->format == SFLOW_SAMPLE_COUNTERS_EXPANDED || s->format == SFLOW_SAMPLE_DROP;

	s->sequence = rd_u32(r);
	read_source(r, expanded, s);
	switch (s->kind) {
	case SFLOW_FLOW:
		s->rate = rd_u32(r);
		s->pool = rd_u32(r);
		s->drops = rd_u32(r);
		s->input = read_interface(r, expanded);
		s->output = read_interface(r, expanded);
		break;
	case SFLOW_DROP: /* its interfaces are plain indexes */
		s->drops = rd_u32(r);
		s->input = (struct sflow_interface){SFLOW_INTERFACE_INDEX, rd_u32(r)};
		s->output = (struct sflow_interface){SFLOW_INTERFACE_INDEX, rd_u32(r)};
		s->reason = rd_u32(r);
		break;
	case SFLOW_COUNTERS:
		break;
	}
	s->left = rd_u32(r);
}

static bool
known(uint32_t format, enum sflow_kind *ret)
{
	switch (format) {
	case SFLOW_SAMPLE_FLOW:
	case SFLOW_SAMPLE_FLOW_EXPANDED:
		*ret = SFLOW_FLOW;
		return true;
	case SFLOW_SAMPLE_COUNTERS:
	case SFLOW_SAMPLE_COUNTERS_EXPANDED:
		*ret = SFLOW_COUNTERS;
		return true;
	case SFLOW_SAMPLE_DROP:
		*ret = SFLOW_DROP;
		return true;
	default:
		return false;
	}
}

/* Whether the records' lengths fit the sample. *ret: what stands behind them. */
static bool
records_fit(const struct sflow_sample *s, struct rd *ret)
{
	struct rd r = s->records;

	for (uint32_t i = 0; i < s->left && rd_ok(&r); i++) {
		rd_skip(&r, 4);
		rd_skip(&r, rd_u32(&r));
	}
	*ret = r;
	return rd_ok(&r);
}

enum err
sflow_next(struct sflow *it, struct sflow_sample *ret)
{
	while (it->left > 0) {
		struct sflow_sample s = {.format = rd_u32(&it->r)};
		struct rd body = rd_sub(&it->r, rd_u32(&it->r)), behind;

		it->left--;
		if (!rd_ok(&it->r)) {
			note(it, FAULT_SAMPLE_LENGTH);
			it->malformed++;
			it->left = 0;
			return ERR_END;
		}
		if (!known(s.format, &s.kind)) {
			it->unknown++;
			continue;
		}
		read_sample(&body, &s);
		s.records = body;
		if (!records_fit(&s, &behind)) {
			note(it, FAULT_SAMPLE_LENGTH);
			it->malformed++;
			continue;
		}
		if (rd_left(&behind) > 0)
			note(it, FAULT_STRAY);
		*ret = s;
		return ERR_OK;
	}
	if (rd_left(&it->r) > 0)
		note(it, FAULT_STRAY);
	return ERR_END;
}

bool
sflow_record_next(struct sflow_sample *s, struct sflow_record *ret)
{
	if (s->left == 0)
		return false;
	s->left--;
	ret->format = rd_u32(&s->records);
	ret->body = rd_sub(&s->records, rd_u32(&s->records));
	return true;
}

const uint8_t *
sflow_octets(struct rd *r, uint32_t *ret_len)
{
	uint32_t len = rd_u32(r);
	const uint8_t *bytes = rd_bytes(r, len);

	if (bytes == NULL)
		return NULL;
	/* some agents leave out the filler of what stands last */
	rd_skip(r, rd_left(r) < (4 - len % 4) % 4 ? rd_left(r) : (4 - len % 4) % 4);
	*ret_len = len;
	return bytes;
}

struct sflow_address
sflow_address(struct rd *r)
{
	struct sflow_address a = {.version = 0};

	switch (rd_u32(r)) {
	case 1:
		a.bytes = rd_bytes(r, 4);
		a.version = a.bytes != NULL ? 4 : 0;
		break;
	case 2:
		a.bytes = rd_bytes(r, 16);
		a.version = a.bytes != NULL ? 6 : 0;
		break;
	default:
		break;
	}
	return a;
}
