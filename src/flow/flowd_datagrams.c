/* SPDX-License-Identifier: ISC
 *
 * See flowd_datagrams.h. The fields of each flow are kept with their places in one order for all, that of a v5 record. Sizes are
 * those of store version 3 for both, so that what stands in two stores of different versions is the same.
 */
#include "flow/flowd_datagrams.h"

#include <byteswap.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/digest.h"
#include "base/hash.h"
#include "base/rd.h"
#include "base/wr.h"
#include "flow/selected.h"
#include "flow/value.h"
#include "wire/proto.h"

enum { /* IANA's numbers that nothing else needs */
	IE_EXPORTER_IPV4 = 130,
	IE_DOMAIN = 149,
};

#define HEADER_MOST 24
#define BITS_OF_HEADER \
	(FLOWD_RECV_TIME | FLOWD_AGENT_ADDR4 | FLOWD_AGENT_ADDR6 | FLOWD_AGENT_INFO | FLOWD_FLOW_ENGINE_INFO)

/* Equal ones of the same time. */
struct twin {
	struct digest128 digest;
	uint32_t count;
};

struct flowd_datagrams {
	struct selected_writer *w; /* owned */
	uint32_t begun;
	wall_t last;                  /* time of the datagram before */
	struct flowd_record *records; /* owned; their addresses point into `addresses` */
	uint8_t (*addresses)[4 * 16 + 4 * 4];
	uint32_t count;
	struct twin *twins; /* owned */
	size_t twin_count, twin_room;
	struct hash twin_index;
	struct flowd_record twins_of; /* the time that they have */
	struct buf content;
	struct flowd_remarks remarks;
};

struct flowd_datagrams *
flowd_datagrams_new(uint32_t begun)
{
	struct flowd_datagrams *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->w = selected_writer_new();
	d->records = calloc(FLOWD_DATAGRAM_MOST, sizeof(*d->records));
	d->addresses = calloc(FLOWD_DATAGRAM_MOST, sizeof(*d->addresses));
	if (d->w == NULL || d->records == NULL || d->addresses == NULL) {
		flowd_datagrams_free(d);
		return NULL;
	}
	flowd_datagrams_begun(d, begun);
	return d;
}

void
flowd_datagrams_free(struct flowd_datagrams *d)
{
	if (d == NULL)
		return;
	selected_writer_free(d->w);
	hash_clear(&d->twin_index);
	buf_clear(&d->content);
	free(d->twins);
	free(d->records);
	free(d->addresses);
	free(d);
}

void
flowd_datagrams_begun(struct flowd_datagrams *d, uint32_t begun)
{
	d->begun = begun;
	if (begun != 0)
		d->last = wall_from_sec(begun, 0);
}

/* --- which records are one datagram --- */

static bool
same_bytes(const uint8_t *a, const uint8_t *b, size_t len)
{
	return a == b || (a != NULL && b != NULL && memcmp(a, b, len) == 0);
}

bool
flowd_datagrams_fits(const struct flowd_datagrams *d, const struct flowd_record *r)
{
	const struct flowd_record *a = &d->records[0];

	if (d->count == 0)
		return true;
	return d->count < FLOWD_DATAGRAM_MOST && ((a->fields ^ r->fields) & BITS_OF_HEADER) == 0 &&
	    same_bytes(a->agent4, r->agent4, 4) && same_bytes(a->agent6, r->agent6, 16) &&
	    a->recv_sec == r->recv_sec && a->recv_usec == r->recv_usec && a->uptime_ms == r->uptime_ms &&
	    a->export_sec == r->export_sec && a->export_nsec == r->export_nsec && a->netflow == r->netflow &&
	    a->sequence == r->sequence && a->source_id == r->source_id && a->engine_type == r->engine_type &&
	    a->engine_id == r->engine_id;
}

static const uint8_t *
keep(uint8_t **at, const uint8_t *bytes, size_t len)
{
	uint8_t *to = *at;

	if (bytes == NULL)
		return NULL;
	memcpy(to, bytes, len);
	*at += len;
	return to;
}

/* What the program that wrote it should have swapped: types and ids are of one byte. */
static uint16_t
right_way(const struct flowd_record *r, uint16_t v, uint64_t *swapped)
{
	uint16_t other = bswap_16(v);

	if (v <= UINT8_MAX || other > UINT8_MAX ||
	    ((r->fields & FLOWD_AGENT_INFO) != 0 && r->netflow != PROTO_V5))
		return v;
	(*swapped)++;
	return other;
}

static bool
has_header(const struct flowd_record *r)
{
	return (r->fields & FLOWD_AGENT_INFO) != 0 &&
	    (r->netflow == PROTO_V1 || r->netflow == PROTO_V5 || r->netflow == PROTO_V7 ||
		r->netflow == PROTO_V9 || r->netflow == PROTO_IPFIX);
}

static enum proto
header_of(const struct flowd_record *r)
{
	return has_header(r) ? (enum proto)r->netflow : PROTO_IPFIX;
}

static void
remark(struct flowd_remarks *m, const struct flowd_record *r)
{
	enum proto proto = header_of(r);

	m->timeless += (r->fields & FLOWD_RECV_TIME) == 0;
	m->agentless += r->agent4 == NULL && r->agent6 == NULL;
	m->versions += (r->fields & FLOWD_AGENT_INFO) != 0 && !has_header(r);
	m->fractions += (proto == PROTO_V9 || proto == PROTO_IPFIX) && r->export_nsec != 0;
	m->sequences += proto == PROTO_V1 && r->sequence != 0;
}

enum err
flowd_datagrams_add(struct flowd_datagrams *d, const struct flowd_record *r)
{
	struct flowd_record *to = &d->records[d->count];
	uint8_t *at = d->addresses[d->count];

	if (d->count == FLOWD_DATAGRAM_MOST)
		return ERR_LIMIT;
	*to = *r;
	to->agent4 = keep(&at, r->agent4, 4);
	to->agent6 = keep(&at, r->agent6, 16);
	to->src4 = keep(&at, r->src4, 4);
	to->src6 = keep(&at, r->src6, 16);
	to->dst4 = keep(&at, r->dst4, 4);
	to->dst6 = keep(&at, r->dst6, 16);
	to->gateway4 = keep(&at, r->gateway4, 4);
	to->gateway6 = keep(&at, r->gateway6, 16);
	remark(&d->remarks, r);
	d->count++;
	return ERR_OK;
}

/* --- the header --- */

static bool
fits_v5(const struct flowd_record *r)
{
	return r->engine_type <= UINT8_MAX && r->engine_id <= UINT8_MAX;
}

/* Returns its length. */
static uint16_t
write_header(const struct flowd_record *r, uint32_t count, wall_t time, uint8_t out[HEADER_MOST])
{
	struct wr w = wr_init(out, HEADER_MOST);
	enum proto proto = header_of(r);
	int64_t sec = (r->fields & FLOWD_AGENT_INFO) != 0 ? r->export_sec : time.ns / NS_PER_SEC;

	wr_u16(&w, (uint16_t)proto);
	if (proto == PROTO_IPFIX) {
		wr_u16(&w, PROTO_IPFIX_HEADER_SIZE);
		wr_u32(&w, (uint32_t)sec);
		wr_u32(&w, r->sequence);
		wr_u32(&w, r->source_id);
		return (uint16_t)wr_len(&w);
	}
	wr_u16(&w, (uint16_t)count);
	wr_u32(&w, r->uptime_ms);
	wr_u32(&w, (uint32_t)sec);
	if (proto != PROTO_V9)
		wr_u32(&w, r->export_nsec);
	if (proto != PROTO_V1)
		wr_u32(&w, r->sequence);
	if (proto == PROTO_V5) {
		wr_u8(&w, fits_v5(r) ? (uint8_t)r->engine_type : 0);
		wr_u8(&w, fits_v5(r) ? (uint8_t)r->engine_id : 0);
		wr_u16(&w, 0); /* sampling is not kept */
	} else if (proto == PROTO_V7) {
		wr_u32(&w, 0);
	} else if (proto == PROTO_V9) {
		wr_u32(&w, r->source_id);
	}
	return (uint16_t)wr_len(&w);
}

/* --- the fields --- */

struct fields {
	struct selected_writer *w; /* NULL: into content */
	struct buf *content;
	uint16_t place;
};

static void
put(struct fields *f, uint16_t id, const uint8_t *bytes, uint16_t len)
{
	uint16_t place = f->place++;

	if (bytes == NULL)
		return;
	if (f->w != NULL) {
		selected_field(f->w, place, 0, id, false, bytes, len);
		return;
	}
	buf_u16(f->content, place);
	buf_bytes(f->content, bytes, len);
}

static void
put_number(struct fields *f, bool is_there, uint16_t id, uint64_t v, uint16_t len)
{
	uint8_t bytes[8];
	struct wr w = wr_init(bytes, sizeof(bytes));

	wr_u64(&w, v);
	put(f, id, is_there ? bytes + sizeof(bytes) - len : NULL, len);
}

/* What the header has no place for. */
static void
put_leftovers(struct fields *f, const struct flowd_record *r)
{
	enum proto proto = header_of(r);
	bool engine = (r->fields & FLOWD_FLOW_ENGINE_INFO) != 0 && (proto != PROTO_V5 || !fits_v5(r));
	bool odd = r->engine_type > UINT8_MAX || r->engine_id > UINT8_MAX;

	put_number(f, engine && (r->engine_type != 0 || odd), IE_ENGINE_TYPE, r->engine_type, odd ? 2 : 1);
	put_number(f, engine && (r->engine_id != 0 || odd), IE_ENGINE_ID, r->engine_id, odd ? 2 : 1);
	put_number(
	    f, r->source_id != 0 && proto != PROTO_V9 && proto != PROTO_IPFIX, IE_DOMAIN, r->source_id, 4);
	/* uptimes count from there */
	put_number(f, (r->fields & FLOWD_AGENT_INFO) != 0 && proto == PROTO_IPFIX && r->uptime_ms != 0,
	    IE_SYSTEM_INIT, (uint64_t)r->export_sec * 1000 - r->uptime_ms, 8);
	put(f, IE_EXPORTER_IPV4, r->agent6 != NULL ? r->agent4 : NULL, 4);
}

static void
put_fields(struct fields *f, const struct flowd_record *r)
{
	bool as = (r->fields & FLOWD_AS_INFO) != 0, pft = (r->fields & FLOWD_PROTO_FLAGS_TOS) != 0;
	bool src6 = r->src6 != NULL && r->src4 == NULL, dst6 = r->dst6 != NULL && r->dst4 == NULL;

	f->place = 0;
	put(f, IE_SRC_IPV4, r->src4, 4);
	put(f, IE_SRC_IPV6, r->src6, 16);
	put(f, IE_DST_IPV4, r->dst4, 4);
	put(f, IE_DST_IPV6, r->dst6, 16);
	put(f, IE_NEXT_HOP_IPV4, r->gateway4, 4);
	put(f, IE_NEXT_HOP_IPV6, r->gateway6, 16);
	put_number(f, (r->fields & FLOWD_IF_INDICES) != 0, IE_IN_INTERFACE, r->if_in, 4);
	put_number(f, (r->fields & FLOWD_IF_INDICES) != 0, IE_OUT_INTERFACE, r->if_out, 4);
	put_number(f, (r->fields & FLOWD_PACKETS) != 0, IE_PACKETS, r->packets, 8);
	put_number(f, (r->fields & FLOWD_OCTETS) != 0, IE_OCTETS, r->octets, 8);
	put_number(f, (r->fields & FLOWD_FLOW_TIMES) != 0, IE_START_UPTIME, r->start_ms, 4);
	put_number(f, (r->fields & FLOWD_FLOW_TIMES) != 0, IE_END_UPTIME, r->finish_ms, 4);
	put_number(f, (r->fields & FLOWD_SRCDST_PORT) != 0, IE_SRC_PORT, r->src_port, 2);
	put_number(f, (r->fields & FLOWD_SRCDST_PORT) != 0, IE_DST_PORT, r->dst_port, 2);
	put_number(f, pft, IE_TCP_FLAGS, r->tcp_flags, 1);
	put_number(f, pft, IE_PROTOCOL, r->protocol, 1);
	put_number(f, pft, IE_TOS, r->tos, 1);
	put_number(f, as, IE_SRC_AS, r->src_as, 4);
	put_number(f, as, IE_DST_AS, r->dst_as, 4);
	put_number(f, as, src6 ? IE_SRC_MASK_IPV6 : IE_SRC_MASK_IPV4, r->src_mask, 1);
	put_number(f, as, dst6 ? IE_DST_MASK_IPV6 : IE_DST_MASK_IPV4, r->dst_mask, 1);
	put_leftovers(f, r);
}

/* --- identity --- */

/* Whether no two different datagrams of an agent can agree in what the header says. */
static bool
is_numbered(const struct flowd_record *r)
{
	return has_header(r) && (r->fields & FLOWD_FLOW_ENGINE_INFO) != 0 && r->netflow != PROTO_V1 &&
	    r->netflow != PROTO_IPFIX;
}

/* The how manieth with these bytes among those of the same time. */
static enum err
count_twins(struct flowd_datagrams *d, uint32_t *ret)
{
	const struct flowd_record *r = &d->records[0], *of = &d->twins_of;
	struct digest128 digest = digest128_of(d->content.data, d->content.len);
	struct hash_probe probe;
	enum err e;

	if (((r->fields ^ of->fields) & FLOWD_RECV_TIME) != 0 || r->recv_sec != of->recv_sec ||
	    r->recv_usec != of->recv_usec) {
		d->twins_of = *r;
		d->twin_count = 0;
		hash_clear(&d->twin_index);
	}
	for (uint32_t i = hash_first(&d->twin_index, digest.lo, &probe); i != HASH_NONE;
	     i = hash_next(&d->twin_index, &probe)) {
		if (digest128_cmp(&d->twins[i].digest, &digest) == 0) {
			*ret = d->twins[i].count++;
			return ERR_OK;
		}
	}
	if (d->twin_count >= HASH_NONE)
		return ERR_LIMIT;
	e = array_grow(d->twins, d->twin_room, d->twin_count);
	if (e == ERR_OK)
		e = hash_add(&d->twin_index, digest.lo, (uint32_t)d->twin_count);
	if (e != ERR_OK)
		return e;
	d->twins[d->twin_count++] = (struct twin){.digest = digest, .count = 1};
	*ret = 0;
	return ERR_OK;
}

static enum err
identify(struct flowd_datagrams *d, const uint8_t *header, uint16_t header_len, struct sha256 *ret)
{
	struct fields f = {.content = &d->content};
	const struct flowd_record *r = &d->records[0];
	uint32_t before = 0;
	enum err e = ERR_OK;

	buf_reset(&d->content);
	buf_text(&d->content, "flowd");
	buf_u16(&d->content, header_len);
	buf_bytes(&d->content, header, header_len);
	for (uint32_t i = 0; i < d->count; i++) {
		put_fields(&f, &d->records[i]);
		buf_u16(&d->content, UINT16_MAX);
	}
	if (!is_numbered(r)) {
		buf_u32(&d->content, (r->fields & FLOWD_RECV_TIME) != 0 ? r->recv_sec : d->begun);
		buf_u32(&d->content, r->recv_usec);
		e = buf_ok(&d->content) ? count_twins(d, &before) : ERR_MEMORY;
		buf_u32(&d->content, before);
	}
	if (!buf_ok(&d->content))
		return ERR_MEMORY;
	*ret = sha256_of(d->content.data, d->content.len);
	return e;
}

/* --- the datagram --- */

static wall_t
time_of(const struct flowd_datagrams *d, const struct flowd_record *r)
{
	if ((r->fields & FLOWD_RECV_TIME) != 0)
		return wall_from_sec(r->recv_sec, (int64_t)r->recv_usec * 1000);
	if ((r->fields & FLOWD_AGENT_INFO) != 0)
		return wall_from_sec(r->export_sec, r->export_nsec);
	return d->last;
}

static struct addr
exporter_of(const struct flowd_record *r)
{
	struct addr a = {{0}};

	if (r->agent6 != NULL) {
		memcpy(a.b, r->agent6, sizeof(a.b));
	} else if (r->agent4 != NULL) {
		struct rd rd = rd_init(r->agent4, 4);

		a = addr_v4(rd_u32(&rd));
	}
	return a;
}

static void
put_right(struct flowd_datagrams *d)
{
	for (uint32_t i = 0; i < d->count; i++) {
		struct flowd_record *r = &d->records[i];

		r->engine_type = right_way(r, r->engine_type, &d->remarks.swapped);
		r->engine_id = right_way(r, r->engine_id, &d->remarks.swapped);
	}
}

enum err
flowd_datagrams_take(struct flowd_datagrams *d, struct flowd_datagram *ret, struct buf *body)
{
	struct fields f = {.w = d->w};
	struct selected_head head = {.records = SELECTED_RECORDS_REBUILT};
	uint8_t header[HEADER_MOST];
	wall_t time;
	enum err e;

	if (d->count == 0)
		return ERR_END;
	put_right(d);
	time = time_of(d, &d->records[0]);
	head.skeleton = header;
	head.skeleton_len = write_header(&d->records[0], d->count, time, header);
	head.len = head.skeleton_len;
	e = identify(d, header, head.skeleton_len, &head.digest);
	if (e != ERR_OK)
		return e;
	selected_begin(d->w, &head);
	for (uint32_t i = 0; i < d->count; i++) {
		const struct flowd_record *r = &d->records[i];

		selected_record(
		    d->w, false, i, false, &r->tag, (r->fields & FLOWD_TAG) != 0 && r->tag != 0 ? 1 : 0);
		put_fields(&f, r);
	}
	e = selected_end(d->w, body);
	if (e != ERR_OK)
		return e;
	*ret = (struct flowd_datagram){
	    .exporter = exporter_of(&d->records[0]), .time = time, .flows = d->count};
	d->last = time;
	d->count = 0;
	return ERR_OK;
}

const struct flowd_remarks *
flowd_datagrams_remarks(const struct flowd_datagrams *d)
{
	return &d->remarks;
}
