/* SPDX-License-Identifier: ISC
 *
 * See records.h.
 */
#include "archive/records.h"

#include <string.h>

#include "base/hash.h"
#include "base/wr.h"

int
source_cmp(const struct source *a, const struct source *b)
{
	int c = strcmp(a->node, b->node);

	if (c != 0)
		return c;
	if (a->lane != b->lane)
		return a->lane < b->lane ? -1 : 1;
	return a->incarnation < b->incarnation ? -1 : a->incarnation > b->incarnation;
}

void
source_write(struct buf *b, const struct source *s)
{
	size_t len = strlen(s->node);

	buf_u64(b, s->incarnation);
	buf_u16(b, s->lane);
	buf_u16(b, (uint16_t)len);
	buf_bytes(b, s->node, len);
}

enum err
source_read(struct rd *r, struct source *ret)
{
	struct source s = {.incarnation = rd_u64(r)};
	size_t len;

	s.lane = rd_u16(r);
	len = rd_u16(r);
	if (!rd_ok(r))
		return ERR_CUT;
	if (len == 0 || len >= sizeof(s.node))
		return ERR_MALFORMED;
	rd_copy(r, s.node, len);
	if (!rd_ok(r))
		return ERR_CUT;
	if (memchr(s.node, 0, len) != NULL)
		return ERR_MALFORMED;
	*ret = s;
	return ERR_OK;
}

void
witness_write(struct buf *b, const struct witness *w)
{
	uint8_t *p = buf_room(b, WITNESS_SIZE);
	struct wr o;

	if (p == NULL)
		return;
	o = wr_init(p, WITNESS_SIZE);
	wr_u32(&o, w->source);
	wr_u16(&o, w->listener);
	wr_u16(&o, w->port);
	wr_u64(&o, w->sequence);
	wr_u64(&o, (uint64_t)w->time_ns);
}

void
witness_read(struct rd *r, struct witness *ret)
{
	ret->source = rd_u32(r);
	ret->listener = rd_u16(r);
	ret->port = rd_u16(r);
	ret->sequence = rd_u64(r);
	ret->time_ns = (int64_t)rd_u64(r);
}

enum err
archived_event_read(
    const uint8_t *body, size_t len, uint32_t *ret_source, uint64_t *ret_sequence, struct rd *ret_event)
{
	struct rd r = rd_init(body, len);
	uint32_t source = rd_u32(&r);
	uint64_t sequence = rd_u64(&r);

	if (!rd_ok(&r))
		return ERR_CUT;
	*ret_source = source;
	*ret_sequence = sequence;
	*ret_event = rd_sub(&r, rd_left(&r));
	return ERR_OK;
}

struct digest128
identity_digest(const struct addr *addr, uint16_t port, const void *payload, size_t len)
{
	uint8_t who[18];
	struct wr w = wr_init(who, sizeof(who));

	wr_bytes(&w, addr->b, sizeof(addr->b));
	wr_u16(&w, port);
	return digest128_seeded(payload, len, hash_bytes(who, sizeof(who)));
}

uint64_t
archive_incarnation(const char *cluster, wall_t time)
{
	uint8_t id[SEGMENT_NAME_SIZE + 8];
	struct wr w = wr_init(id, sizeof(id));

	wr_bytes(&w, cluster, strnlen(cluster, SEGMENT_NAME_SIZE));
	wr_u64(&w, (uint64_t)time.ns);
	return hash_bytes(id, wr_len(&w));
}

int
damaged_cmp(const struct damaged *a, const struct damaged *b)
{
	struct {
		uint64_t a, b;
	} keys[] = {{a->sequence, b->sequence}, {a->len, b->len}, {a->body_crc, b->body_crc},
	    {a->port, b->port}, {(uint64_t)a->time_ns, (uint64_t)b->time_ns}};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (keys[i].a != keys[i].b)
			return keys[i].a < keys[i].b ? -1 : 1;
	}
	return addr_cmp(&a->addr, &b->addr);
}

void
damaged_write(struct buf *b, const struct damaged *d)
{
	buf_u64(b, d->sequence);
	buf_u64(b, (uint64_t)d->time_ns);
	buf_bytes(b, d->addr.b, sizeof(d->addr.b));
	buf_u16(b, d->port);
	buf_u16(b, 0);
	buf_u32(b, d->len);
	buf_u32(b, d->body_crc);
}

void
damaged_read(struct rd *r, struct damaged *ret)
{
	ret->sequence = rd_u64(r);
	ret->time_ns = (int64_t)rd_u64(r);
	rd_copy(r, ret->addr.b, sizeof(ret->addr.b));
	ret->port = rd_u16(r);
	rd_skip(r, 2);
	ret->len = rd_u32(r);
	ret->body_crc = rd_u32(r);
}
