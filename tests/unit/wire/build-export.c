/* SPDX-License-Identifier: ISC
 *
 * See build-export.h. A test whose datagram cannot be built is not worth going on: it aborts.
 */
#include "tests/unit/wire/build-export.h"

#include <stdlib.h>
#include <string.h>

static void
put_place(struct export *x, enum place place, uint16_t value)
{
	x->places[place] = x->bytes.len;
	buf_u16(&x->bytes, value);
}

/* count, uptime, seconds, nanoseconds, sequence and what follows it */
static void
put_old_header(struct export *x)
{
	struct buf *b = &x->bytes;

	put_place(x, PLACE_COUNT, 0);
	buf_u32(b, EXPORT_UPTIME);
	buf_u32(b, EXPORT_SECONDS);
	buf_u32(b, EXPORT_NANOSECONDS);
	if (x->proto == PROTO_V1)
		return;
	buf_u32(b, EXPORT_SEQUENCE);
	if (x->proto == PROTO_V7) {
		buf_u32(b, 0);
		return;
	}
	buf_u16(b, EXPORT_DOMAIN);
	if (x->proto == PROTO_V5) {
		buf_u16(b, EXPORT_SAMPLING);
		return;
	}
	buf_u8(b, 1); /* aggregation by AS */
	buf_u8(b, 2);
	buf_u32(b, 0);
}

static void
put_v9_header(struct export *x)
{
	put_place(x, PLACE_COUNT, 0);
	buf_u32(&x->bytes, EXPORT_UPTIME);
	buf_u32(&x->bytes, EXPORT_SECONDS);
	buf_u32(&x->bytes, EXPORT_SEQUENCE);
	buf_u32(&x->bytes, EXPORT_DOMAIN);
}

static void
put_ipfix_header(struct export *x)
{
	put_place(x, PLACE_MESSAGE_LENGTH, 0);
	buf_u32(&x->bytes, EXPORT_SECONDS);
	buf_u32(&x->bytes, EXPORT_SEQUENCE);
	buf_u32(&x->bytes, EXPORT_DOMAIN);
}

static void
put_sflow_header(struct export *x)
{
	buf_u16(&x->bytes, 5);
	buf_u32(&x->bytes, 1); /* an IPv4 agent */
	buf_u32(&x->bytes, 0xc6336407);
	buf_u32(&x->bytes, EXPORT_DOMAIN);
	buf_u32(&x->bytes, EXPORT_SEQUENCE);
	buf_u32(&x->bytes, EXPORT_UPTIME);
	buf_u16(&x->bytes, 0);
	put_place(x, PLACE_COUNT, 0);
}

struct export export_new(enum proto proto)
{
	struct export x = {.bytes = BUF_INIT, .proto = proto};

	put_place(&x, PLACE_VERSION, proto == PROTO_SFLOW5 ? 0 : (uint16_t)proto);
	switch (proto) {
	case PROTO_V9:
		put_v9_header(&x);
		break;
	case PROTO_IPFIX:
		put_ipfix_header(&x);
		break;
	case PROTO_SFLOW5:
		put_sflow_header(&x);
		break;
	default:
		put_old_header(&x);
		break;
	}
	return x;
}

void
export_end(struct export *x)
{
	if (!buf_ok(&x->bytes) || x->bytes.len > UINT16_MAX || x->set_at != 0)
		abort();
	if (x->proto == PROTO_IPFIX)
		export_lie(x, PLACE_MESSAGE_LENGTH, (uint16_t)x->bytes.len);
	else
		export_lie(x, PLACE_COUNT, x->records);
}

void
export_free(struct export *x)
{
	buf_clear(&x->bytes);
}

static void
put_counting(struct export *x, unsigned first, size_t len)
{
	for (size_t i = 0; i < len; i++)
		buf_u8(&x->bytes, (uint8_t)(first + i));
}

void
export_records(struct export *x, uint16_t count)
{
	size_t len = x->proto == PROTO_V7 ? 52 : x->proto == PROTO_V8 ? 28 : 48;

	for (unsigned i = 0; i < count; i++) {
		if (x->proto == PROTO_SFLOW5) {
			buf_u32(&x->bytes, 1); /* a flow sample */
			buf_u16(&x->bytes, 0);
			put_place(x, PLACE_SAMPLE_LENGTH, 40);
			put_counting(x, i, 28);
			buf_u32(&x->bytes, 1); /* one record, of no length */
			put_counting(x, i, 4);
			buf_u32(&x->bytes, 0);
			continue;
		}
		put_counting(x, i, len);
	}
	x->records = (uint16_t)(x->records + count);
}

void
export_open(struct export *x, uint16_t id)
{
	if (x->set_at != 0)
		abort();
	x->set_at = x->bytes.len;
	put_place(x, PLACE_SET_ID, id);
	put_place(x, PLACE_SET_LENGTH, 0);
}

void
export_close(struct export *x)
{
	export_lie(x, PLACE_SET_LENGTH, (uint16_t)(x->bytes.len - x->set_at));
	x->set_at = 0;
}

/* Opens a set where none is open. */
static bool
open_own(struct export *x, uint16_t id)
{
	if (x->set_at != 0)
		return false;
	export_open(x, id);
	return true;
}

static void
put_fields(struct export *x, const struct export_field *fields, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		buf_u16(&x->bytes, (uint16_t)(fields[i].id | (fields[i].pen != 0 ? 0x8000 : 0)));
		put_place(x, PLACE_FIELD_LENGTH, fields[i].len);
		if (fields[i].pen != 0)
			buf_u32(&x->bytes, fields[i].pen);
	}
	x->records++;
}

void
export_template(struct export *x, uint16_t id, const struct export_field *fields, size_t count)
{
	bool own = open_own(x, x->proto == PROTO_V9 ? 0 : 2);

	put_place(x, PLACE_TEMPLATE_ID, id);
	put_place(x, PLACE_FIELD_COUNT, (uint16_t)count);
	put_fields(x, fields, count);
	if (own)
		export_close(x);
}

void
export_options(
    struct export *x, uint16_t id, uint16_t scopes, const struct export_field *fields, size_t count)
{
	bool own = open_own(x, x->proto == PROTO_V9 ? 1 : 3);

	put_place(x, PLACE_TEMPLATE_ID, id);
	if (x->proto == PROTO_V9) {
		put_place(x, PLACE_FIELD_COUNT, (uint16_t)(4 * scopes));
		put_place(x, PLACE_SCOPE_COUNT, (uint16_t)(4 * (count - scopes)));
	} else {
		put_place(x, PLACE_FIELD_COUNT, (uint16_t)count);
		put_place(x, PLACE_SCOPE_COUNT, scopes);
	}
	put_fields(x, fields, count);
	if (own)
		export_close(x);
}

void
export_withdrawal(struct export *x, uint16_t set_id, uint16_t id)
{
	bool own = open_own(x, set_id);

	put_place(x, PLACE_TEMPLATE_ID, id);
	put_place(x, PLACE_FIELD_COUNT, 0);
	if (own)
		export_close(x);
}

void
export_data(struct export *x, uint16_t id, unsigned records, size_t record_len)
{
	bool own = open_own(x, id);

	for (unsigned i = 0; i < records; i++)
		put_counting(x, i + 1, record_len);
	x->records = (uint16_t)(x->records + records);
	if (own)
		export_close(x);
}

void
export_bytes(struct export *x, const void *bytes, size_t len)
{
	buf_bytes(&x->bytes, bytes, len);
}

void
export_lie(struct export *x, enum place place, uint16_t value)
{
	size_t at = x->places[place];

	if (at + 2 > x->bytes.len || (at == 0 && place != PLACE_VERSION))
		abort();
	x->bytes.data[at] = (uint8_t)(value >> 8);
	x->bytes.data[at + 1] = (uint8_t)value;
}

uint16_t
export_truth(const struct export *x, enum place place)
{
	size_t at = x->places[place];

	return (uint16_t)(x->bytes.data[at] << 8 | x->bytes.data[at + 1]);
}

struct proto_info
export_info(const struct export *x)
{
	struct proto_info info;

	if (proto_recognise(x->bytes.data, x->bytes.len, &info) != ERR_OK)
		abort();
	return info;
}

struct stream_key
export_key(const struct export *x)
{
	struct proto_info info = export_info(x);
	struct addr exporter = addr_v4(0xc0000201);

	return stream_key_of(&exporter, 2055, &info);
}

uint8_t *
export_prefix(const struct export *x, size_t len)
{
	uint8_t *p = malloc(len > 0 ? len : 1);

	if (p == NULL || len > x->bytes.len)
		abort();
	if (len > 0)
		memcpy(p, x->bytes.data, len);
	return p;
}
