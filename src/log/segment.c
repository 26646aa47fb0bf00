/* SPDX-License-Identifier: ISC
 *
 * Segment headers, record headers and seals, to bytes and back. The offsets are those of
 * flowbraid-segment(5); nothing else in the tree knows them.
 */
#include "log/segment.h"

#include <string.h>

#include "base/crc32c.h"
#include "base/rd.h"
#include "base/wr.h"

#define HEADER_CRC_AT (SEGMENT_HEADER_SIZE - 4)
#define RECORD_CRC_AT (RECORD_HEADER_SIZE - 4)

/* A byte above 127 and a line end of each kind: a transfer as text is noticed at once. */
static const uint8_t magic[8] = {0x89, 'F', 'B', 'S', 'E', 'G', '\r', '\n'};

/* A name field is text, a NUL, and NULs. */
static bool
name_is_sound(const char name[SEGMENT_NAME_SIZE])
{
	size_t len = strnlen(name, SEGMENT_NAME_SIZE);

	if (len == SEGMENT_NAME_SIZE)
		return false;
	for (size_t i = len; i < SEGMENT_NAME_SIZE; i++) {
		if (name[i] != '\0')
			return false;
	}
	return true;
}

/* Behind the end of a caller's name anything may stand; on disk zeros do. */
static void
put_name(struct wr *w, const char name[SEGMENT_NAME_SIZE])
{
	size_t len = strnlen(name, SEGMENT_NAME_SIZE - 1);

	wr_bytes(w, name, len);
	wr_zeros(w, SEGMENT_NAME_SIZE - len);
}

void
segment_header_write(const struct segment_header *h, uint8_t out[SEGMENT_RECORDS_AT])
{
	struct wr w = wr_init(out, SEGMENT_HEADER_SIZE);

	wr_bytes(&w, magic, sizeof(magic));
	wr_u16(&w, SEGMENT_VERSION);
	wr_u16(&w, SEGMENT_HEADER_SIZE);
	wr_u32(&w, h->compatible);
	wr_u32(&w, h->incompatible);
	wr_u16(&w, (uint16_t)h->kind);
	wr_u16(&w, h->lane);
	wr_u64(&w, h->incarnation);
	wr_u64(&w, h->number);
	wr_u64(&w, h->first_sequence);
	wr_u64(&w, (uint64_t)h->time.ns);
	put_name(&w, h->cluster);
	put_name(&w, h->node);
	wr_zeros(&w, HEADER_CRC_AT - wr_len(&w));
	wr_u32(&w, crc32c(0, out, HEADER_CRC_AT));
	memcpy(out + SEGMENT_HEADER_SIZE, out, SEGMENT_HEADER_SIZE);
}

enum err
segment_header_read(const uint8_t *bytes, size_t len, struct segment_header *ret)
{
	struct segment_header h;
	struct rd r = rd_init(bytes, len);
	struct rd whole = rd_sub(&r, SEGMENT_HEADER_SIZE);
	struct rd crc = whole;
	const uint8_t *begin = rd_bytes(&whole, sizeof(magic));
	uint16_t version, size;

	if (begin == NULL)
		return ERR_CUT;
	if (memcmp(begin, magic, sizeof(magic)) != 0)
		return ERR_MALFORMED;
	rd_skip(&crc, HEADER_CRC_AT);
	if (rd_u32(&crc) != crc32c(0, begin, HEADER_CRC_AT))
		return ERR_CHECKSUM;
	version = rd_u16(&whole);
	size = rd_u16(&whole);
	h.compatible = rd_u32(&whole);
	h.incompatible = rd_u32(&whole);
	if (version != SEGMENT_VERSION || size != SEGMENT_HEADER_SIZE ||
	    (h.incompatible & ~SEGMENT_SELECTED) != 0)
		return ERR_UNKNOWN;
	h.kind = (enum segment_kind)rd_u16(&whole);
	h.lane = rd_u16(&whole);
	h.incarnation = rd_u64(&whole);
	h.number = rd_u64(&whole);
	h.first_sequence = rd_u64(&whole);
	h.time.ns = (int64_t)rd_u64(&whole);
	rd_copy(&whole, h.cluster, sizeof(h.cluster));
	rd_copy(&whole, h.node, sizeof(h.node));
	if (h.kind < SEGMENT_NODE || h.kind > SEGMENT_COMMON || !name_is_sound(h.cluster) ||
	    !name_is_sound(h.node))
		return ERR_MALFORMED;
	*ret = h;
	return ERR_OK;
}

uint32_t
record_seed(uint64_t incarnation)
{
	uint8_t bytes[8];
	struct wr w = wr_init(bytes, sizeof(bytes));

	wr_u64(&w, incarnation);
	return crc32c(0, bytes, sizeof(bytes));
}

uint32_t
record_body_crc(uint32_t seed, const void *body, size_t len)
{
	static const uint8_t zeros[8];
	size_t padding = record_size(len) - RECORD_HEADER_SIZE - len;
	uint32_t crc = len > 0 ? crc32c(seed, body, len) : seed;

	return padding > 0 ? crc32c(crc, zeros, padding) : crc;
}

void
record_header_write(const struct record *r, uint32_t seed, uint8_t out[RECORD_HEADER_SIZE])
{
	struct wr w = wr_init(out, RECORD_HEADER_SIZE);

	wr_u16(&w, RECORD_MARK);
	wr_u8(&w, (uint8_t)r->type);
	wr_u8(&w, r->flags);
	wr_u32(&w, r->len);
	wr_u64(&w, r->sequence);
	wr_u64(&w, (uint64_t)r->time.ns);
	wr_bytes(&w, r->addr.b, sizeof(r->addr.b));
	wr_u16(&w, r->port);
	wr_u16(&w, r->listener);
	wr_u32(&w, 0);
	wr_u32(&w, r->body_crc);
	wr_u32(&w, crc32c(seed, out, RECORD_CRC_AT));
}

enum err
record_header_read(const uint8_t *bytes, uint32_t seed, struct record *ret)
{
	struct rd r = rd_init(bytes, RECORD_HEADER_SIZE);
	uint16_t mark = rd_u16(&r);
	uint32_t reserved, crc;

	if (mark != RECORD_MARK)
		return ERR_MALFORMED;
	ret->type = (enum record_type)rd_u8(&r);
	ret->flags = rd_u8(&r);
	ret->len = rd_u32(&r);
	ret->sequence = rd_u64(&r);
	ret->time.ns = (int64_t)rd_u64(&r);
	rd_copy(&r, ret->addr.b, sizeof(ret->addr.b));
	ret->port = rd_u16(&r);
	ret->listener = rd_u16(&r);
	reserved = rd_u32(&r);
	ret->body_crc = rd_u32(&r);
	crc = rd_u32(&r);
	ret->body = NULL;
	if (crc != crc32c(seed, bytes, RECORD_CRC_AT))
		return ERR_CHECKSUM;
	if ((unsigned)ret->type == 0 || ret->len > RECORD_BODY_MAX || reserved != 0)
		return ERR_MALFORMED;
	return ERR_OK;
}

void
seal_write(const struct seal *s, uint8_t out[SEAL_BODY_SIZE])
{
	struct wr w = wr_init(out, SEAL_BODY_SIZE);

	wr_u64(&w, s->count);
	wr_u64(&w, s->first);
	wr_u64(&w, s->last);
	wr_u64(&w, s->length);
	wr_bytes(&w, s->digest.b, sizeof(s->digest.b));
	wr_u64(&w, s->previous_number);
	wr_bytes(&w, s->previous.b, sizeof(s->previous.b));
	wr_u64(&w, 0);
}

enum err
seal_read(const uint8_t *body, size_t len, struct seal *ret)
{
	struct seal s;
	struct rd r = rd_init(body, len);
	uint64_t reserved;

	s.count = rd_u64(&r);
	s.first = rd_u64(&r);
	s.last = rd_u64(&r);
	s.length = rd_u64(&r);
	rd_copy(&r, s.digest.b, sizeof(s.digest.b));
	s.previous_number = rd_u64(&r);
	rd_copy(&r, s.previous.b, sizeof(s.previous.b));
	reserved = rd_u64(&r);
	if (!rd_ok(&r))
		return ERR_CUT;
	if (rd_left(&r) != 0 || reserved != 0)
		return ERR_MALFORMED;
	*ret = s;
	return ERR_OK;
}

struct sha256
seal_digest(const struct seal *s)
{
	uint8_t body[SEAL_BODY_SIZE];

	seal_write(s, body);
	return sha256_of(body, sizeof(body));
}

void
seal_record_write(
    const struct seal *s, uint64_t sequence, wall_t time, uint32_t seed, uint8_t out[SEAL_RECORD_SIZE])
{
	struct record r = {.type = RECORD_SEAL, .sequence = sequence, .time = time, .len = SEAL_BODY_SIZE};

	seal_write(s, out + RECORD_HEADER_SIZE);
	r.body_crc = record_body_crc(seed, out + RECORD_HEADER_SIZE, SEAL_BODY_SIZE);
	record_header_write(&r, seed, out);
}
