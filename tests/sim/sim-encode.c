/* SPDX-License-Identifier: ISC
 *
 * The bytes of datagrams. Every flow bears a marker, a number that no other flow of the run has, in a field whose
 * place depends on the layout: read with another layout it gives another number.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim.h"

#define MARKER_ELEMENT 1 /* octetDeltaCount */

static const struct field candidates[] = {{8, 4}, {12, 4}, {2, 4}, {7, 2}, {11, 2}, {4, 1}, {5, 1}, {6, 1},
    {10, 4}, {14, 4}, {21, 4}, {22, 4}, {16, 4}, {17, 4}, {27, 16}};

static void
put_definition(enum proto proto, struct layout *l)
{
	struct buf b = BUF_INIT;

	buf_u16(&b, l->id);
	if (!l->options) {
		buf_u16(&b, l->count);
	} else if (proto == PROTO_V9) {
		buf_u16(&b, (uint16_t)(4 * l->scopes));
		buf_u16(&b, (uint16_t)(4 * (l->count - l->scopes)));
	} else {
		buf_u16(&b, l->count);
		buf_u16(&b, l->scopes);
	}
	for (uint16_t i = 0; i < l->count; i++) {
		buf_u16(&b, l->fields[i].id);
		buf_u16(&b, l->fields[i].len);
	}
	l->len = (uint16_t)b.len;
	memcpy(l->bytes, b.data, b.len);
	buf_clear(&b);
}

static void
settle_layout(enum proto proto, struct layout *l)
{
	l->record_len = 0;
	for (uint16_t i = 0; i < l->count; i++)
		l->record_len += l->fields[i].len;
	for (uint16_t i = 0; i < l->count; i++) {
		if (l->fields[i].len == UINT16_MAX)
			l->record_len = 0;
	}
	put_definition(proto, l);
}

void
encode_layout(struct rng *r, enum proto proto, uint16_t id, bool options, struct layout *ret)
{
	struct layout l = {.id = id, .options = options};
	uint16_t others = (uint16_t)rng_between(r, 2, 7);

	if (options) {
		l.fields[0] = proto == PROTO_V9 ? (struct field){1, 4} : (struct field){149, 4};
		l.fields[1] = (struct field){34, 4};
		l.scopes = 1;
		l.count = 2;
		if (rng_chance(r, 50))
			l.fields[l.count++] = (struct field){35, 1};
		settle_layout(proto, &l);
		*ret = l;
		return;
	}
	for (uint16_t i = 0; i < others; i++) {
		struct field f = candidates[rng_below(r, sizeof(candidates) / sizeof(candidates[0]))];
		bool again = false;

		for (uint16_t k = 0; k < l.count; k++)
			again |= l.fields[k].id == f.id;
		if (!again)
			l.fields[l.count++] = f;
	}
	if (proto == PROTO_IPFIX && rng_chance(r, 30))
		l.fields[l.count++] = (struct field){82, UINT16_MAX}; /* interfaceName */
	l.fields[l.count++] = (struct field){MARKER_ELEMENT, rng_chance(r, 50) ? 4 : 8};
	for (uint16_t i = l.count; i > 1; i--) { /* shuffle */
		uint16_t k = (uint16_t)rng_below(r, i);
		struct field f = l.fields[i - 1];

		l.fields[i - 1] = l.fields[k];
		l.fields[k] = f;
	}
	settle_layout(proto, &l);
	*ret = l;
}

void
encode_withdrawal(uint16_t id, struct layout *ret)
{
	*ret = (struct layout){.id = id, .withdrawn = true, .record_len = 4};
	put_definition(PROTO_IPFIX, ret);
}

/* Its marker. */
static uint32_t
new_flow(struct world *w, uint32_t index)
{
	GROW(w->flows, w->flow_count);
	w->flows[w->flow_count] = (struct flow_truth){
	    .marker = w->next_marker++, .sent = w->sent_count, .index = index};
	return w->flows[w->flow_count++].marker;
}

static void
put_random(struct buf *b, struct rng *r, size_t len)
{
	for (size_t i = 0; i < len; i++)
		buf_u8(b, (uint8_t)rng_u64(r));
}

static void
put_number(struct buf *b, uint16_t len, uint32_t v)
{
	if (len == 8)
		buf_u32(b, 0);
	buf_u32(b, v);
}

static void
put_record(struct buf *b, struct rng *r, const struct layout *l, uint32_t marker, uint32_t interval)
{
	for (uint16_t i = 0; i < l->count; i++) {
		const struct field *f = &l->fields[i];

		if (f->len == UINT16_MAX) {
			uint8_t n = (uint8_t)rng_below(r, 20);
			bool longer = rng_chance(r, 20);

			if (longer) {
				buf_u8(b, 255);
				buf_u8(b, 0);
			}
			buf_u8(b, n);
			for (uint8_t k = 0; k < n; k++)
				buf_u8(b, (uint8_t)('a' + rng_below(r, 26)));
		} else if (!l->options && f->id == MARKER_ELEMENT) {
			put_number(b, f->len, marker);
		} else if (l->options && i == 1) {
			buf_u32(b, interval);
		} else {
			put_random(b, r, f->len);
		}
	}
}

static void
patch_u16(struct buf *b, size_t at, size_t v)
{
	b->data[at] = (uint8_t)(v >> 8);
	b->data[at + 1] = (uint8_t)v;
}

/* Sets of v9 and IPFIX. Returns how many records, definitions included. */
static uint32_t
put_sets(struct world *w, struct rng *r, const struct sim_stream *st, struct part *parts, uint32_t count,
    struct buf *b, struct sent *s)
{
	uint32_t records = 0, flows = 0;

	for (uint32_t i = 0; i < count; i++) {
		const struct layout *l = &st->layouts[parts[i].layout];
		size_t at = b->len;

		buf_u16(b,
		    parts[i].defines ? (uint16_t)((st->proto == PROTO_IPFIX ? 2 : 0) + l->options) : l->id);
		buf_u16(b, 0);
		records += parts[i].defines ? 1 : parts[i].flows;
		if (parts[i].defines)
			buf_bytes(b, l->bytes, l->len);
		parts[i].flows_at = l->options ? NONE : w->flow_count;
		for (uint32_t k = 0; !parts[i].defines && k < parts[i].flows; k++) {
			uint32_t marker = 0;

			if (l->options)
				s->options++;
			else
				marker = new_flow(w, flows++);
			put_record(b, r, l, marker, parts[i].interval);
		}
		while (st->proto == PROTO_V9 && (b->len - at) % 4 != 0)
			buf_u8(b, 0);
		patch_u16(b, at + 2, b->len - at);
		s->data |= !parts[i].defines;
	}
	return records;
}

static void
put_old_record(struct buf *b, struct rng *r, enum proto proto, uint32_t marker)
{
	put_random(b, r, 20);
	buf_u32(b, marker);
	put_random(b, r, 12);
	put_random(b, r, proto == PROTO_V7 ? 16 : 12);
}

static void
put_old(struct world *w, struct rng *r, const struct sim_stream *st, const struct encode_head *head,
    struct part *part, struct buf *b)
{
	static const uint8_t aggregate_sizes[] = {0, 28, 28, 32, 32, 40};

	buf_u16(b, (uint16_t)st->proto);
	buf_u16(b, (uint16_t)part->flows);
	buf_u32(b, head->uptime_ms);
	buf_u32(b, (uint32_t)(head->export_ns / NS_PER_SEC));
	buf_u32(b, (uint32_t)(head->export_ns % NS_PER_SEC));
	if (st->proto != PROTO_V1)
		buf_u32(b, head->sequence);
	if (st->proto == PROTO_V5 || st->proto == PROTO_V8)
		buf_u16(b, (uint16_t)head->domain);
	if (st->proto == PROTO_V5)
		buf_u16(b, 0);
	if (st->proto == PROTO_V7)
		buf_u32(b, 0);
	if (st->proto == PROTO_V8) {
		buf_u8(b, head->aggregation);
		buf_u8(b, 2);
		buf_u32(b, 0);
	}
	part->flows_at = w->flow_count;
	for (uint32_t i = 0; i < part->flows; i++) {
		if (st->proto == PROTO_V8)
			put_random(b, r, aggregate_sizes[head->aggregation]);
		else
			put_old_record(b, r, st->proto, new_flow(w, i));
	}
}

/* A sampled packet with its own length in the record, the marker as the sample's pool; or a counter sample. */
static void
put_sample(struct buf *b, struct rng *r, bool counters, uint32_t marker)
{
	size_t at, record_at;

	buf_u32(b, counters ? 2 : 1);
	at = b->len;
	buf_u32(b, 0);
	buf_u32(b, (uint32_t)rng_below(r, 100000));
	buf_u32(b, (uint32_t)rng_below(r, 1000)); /* source: class 0 */
	if (!counters) {
		buf_u32(b, 512);
		buf_u32(b, marker);
		buf_u32(b, 0);
		buf_u32(b, 3);
		buf_u32(b, 4);
	}
	buf_u32(b, 1); /* records */
	buf_u32(b, 1);
	record_at = b->len;
	buf_u32(b, 0);
	if (counters) {
		put_random(b, r, 88);
	} else {
		buf_u32(b, 1); /* Ethernet */
		buf_u32(b, 1500);
		buf_u32(b, 4);
		buf_u32(b, 34);
		put_random(b, r, 12);
		buf_u16(b, 0x0800);
		buf_u32(b, 0x450005ce);
		buf_u32(b, 0);
		buf_u32(b, 0x40fd0000); /* TTL 64, a protocol for experiments */
		put_random(b, r, 8);
		buf_u16(b, 0); /* padding */
	}
	patch_u16(b, record_at + 2, b->len - record_at - 4);
	patch_u16(b, at + 2, b->len - at - 4);
}

static void
put_samples(struct world *w, struct rng *r, const struct encode_head *head, struct part *parts,
    uint32_t count, struct buf *b, struct sent *s)
{
	uint32_t flows = 0;

	buf_u32(b, 5);
	buf_u32(b, 1);
	buf_bytes(b, head->agent.b + 12, 4);
	buf_u32(b, head->domain);
	buf_u32(b, head->sequence);
	buf_u32(b, head->uptime_ms);
	buf_u32(b, s->header_count);
	for (uint32_t i = 0; i < count; i++) {
		bool counters = parts[i].interval != 0;

		parts[i].flows_at = counters ? NONE : w->flow_count;
		for (uint32_t k = 0; k < parts[i].flows; k++) {
			put_sample(b, r, counters, counters ? 0 : new_flow(w, flows++));
			s->options += counters;
		}
	}
	s->data = true;
}

void
encode_datagram(struct world *w, struct rng *r, const struct sim_stream *st, const struct encode_head *head,
    struct part *parts, uint32_t part_count, struct sent *s)
{
	struct buf b = BUF_INIT;
	uint32_t records = 0;

	for (uint32_t i = 0; i < part_count; i++)
		records += parts[i].defines ? 0 : parts[i].flows;
	s->units = s->header_count = records;
	switch (st->proto) {
	case PROTO_V9:
		buf_u16(&b, 9);
		buf_u16(&b, 0);
		buf_u32(&b, head->uptime_ms);
		buf_u32(&b, (uint32_t)(head->export_ns / NS_PER_SEC));
		buf_u32(&b, head->sequence);
		buf_u32(&b, head->domain);
		s->header_count = put_sets(w, r, st, parts, part_count, &b, s);
		patch_u16(&b, 2, s->header_count);
		s->units = s->header_count;
		break;
	case PROTO_IPFIX:
		buf_u16(&b, 10);
		buf_u16(&b, 0);
		buf_u32(&b, (uint32_t)(head->export_ns / NS_PER_SEC));
		buf_u32(&b, head->sequence);
		buf_u32(&b, head->domain);
		put_sets(w, r, st, parts, part_count, &b, s);
		patch_u16(&b, 2, b.len);
		break;
	case PROTO_SFLOW5:
		put_samples(w, r, head, parts, part_count, &b, s);
		break;
	default:
		put_old(w, r, st, head, &parts[0], &b);
		s->data = true;
	}
	s->sequence = st->proto == PROTO_V1 ? 0 : head->sequence;
	s->uptime_ms = st->proto == PROTO_IPFIX ? 0 : head->uptime_ms;
	s->payload = b.data; /* the world owns it from now on */
	s->len = (uint32_t)b.len;
}
