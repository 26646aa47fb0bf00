/* SPDX-License-Identifier: ISC
 *
 * Records of flowd's stores for unit tests, written from the description of the format: all fields that a bitmap names, each
 * with a value of its own.
 */
#ifndef FLOWBRAID_TESTS_UNIT_FLOW_FLOWD_BUILD_H
#define FLOWBRAID_TESTS_UNIT_FLOW_FLOWD_BUILD_H

#include "base/buf.h"
#include "flow/flowd_store.h"

#define FLOWD_ALL4 \
	(FLOWD_TAG | FLOWD_RECV_TIME | FLOWD_PROTO_FLAGS_TOS | FLOWD_AGENT_ADDR4 | FLOWD_SRC_ADDR4 | \
	    FLOWD_DST_ADDR4 | FLOWD_GATEWAY_ADDR4 | FLOWD_SRCDST_PORT | FLOWD_PACKETS | FLOWD_OCTETS | \
	    FLOWD_IF_INDICES | FLOWD_AGENT_INFO | FLOWD_FLOW_TIMES | FLOWD_AS_INFO | FLOWD_FLOW_ENGINE_INFO)

struct build {
	int version;
	uint32_t fields;
	int words;          /* what the length says, less what it is */
	uint32_t n;         /* what makes this flow's values differ from others' */
	uint32_t sequence;  /* and this datagram's */
	uint16_t netflow;   /* of AGENT_INFO */
	uint16_t type, id;  /* of the engine */
	uint32_t recv_usec; /* version 3 */
};

static inline uint32_t
slow_crc(const uint8_t *bytes, size_t len)
{
	uint32_t v = 0;

	for (size_t i = 0; i < len; i++) {
		v ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			v = v >> 1 ^ ((v & 1) != 0 ? 0xedb88320u : 0);
	}
	return v;
}

static inline void
put_addresses(struct buf *b, const struct build *r)
{
	static const uint8_t v6[15] = {0x20, 1, 0xd, 0xb8};

	for (unsigned bit = 3; bit <= 10; bit++) {
		if ((r->fields & 1u << bit) == 0)
			continue;
		if (bit % 2 == 1) {
			buf_u32(b, bit == 3 ? 0xc0000201 : (0x0a000000 | bit << 16 | (r->n & 0xffff)));
		} else {
			buf_bytes(b, v6, sizeof(v6));
			buf_u8(b, bit == 4 ? 1 : (uint8_t)(r->n + bit));
		}
	}
}

static inline void
put_rest(struct buf *b, const struct build *r)
{
	bool v3 = r->version == FLOWD_V3;

	if ((r->fields & FLOWD_SRCDST_PORT) != 0)
		buf_u32(b, 443 << 16 | 1024);
	if ((r->fields & FLOWD_PACKETS) != 0)
		buf_u64(b, 3 + r->n);
	if ((r->fields & FLOWD_OCTETS) != 0)
		buf_u64(b, 5000000000 + r->n);
	if ((r->fields & FLOWD_IF_INDICES) != 0) {
		v3 ? buf_u64(b, (uint64_t)7 << 32 | 70000) : buf_u32(b, 7 << 16 | 300);
	}
	if ((r->fields & FLOWD_AGENT_INFO) != 0) {
		buf_u32(b, 60000);
		buf_u32(b, 1100000000);
		buf_u32(b, r->netflow == 9 ? 0 : 250000000);
		buf_u16(b, r->netflow);
		buf_u16(b, 0);
	}
	if ((r->fields & FLOWD_FLOW_TIMES) != 0)
		buf_u64(b, (uint64_t)50000 << 32 | 59000);
	if ((r->fields & FLOWD_AS_INFO) != 0) {
		v3 ? buf_u64(b, (uint64_t)64512 << 32 | 4200000000) : buf_u32(b, 64512u << 16 | 65000);
		buf_u32(b, 24 << 24 | 16 << 16);
	}
	if ((r->fields & FLOWD_FLOW_ENGINE_INFO) != 0) {
		v3 ? buf_u32(b, (uint32_t)r->type << 16 | r->id)
		   : buf_u32(b, (uint32_t)r->type << 24 | (uint32_t)r->id << 16);
		buf_u32(b, r->sequence);
		if (v3)
			buf_u32(b, r->netflow == 9 ? 77 : 0);
	}
}

static inline void
build_record(struct buf *b, const struct build *r)
{
	size_t from = b->len, head = r->version == FLOWD_V3 ? 8 : 4;

	if (r->version == FLOWD_V3)
		buf_u32(b, 0x60000000);
	buf_u32(b, r->fields);
	if ((r->fields & FLOWD_TAG) != 0)
		buf_u32(b, r->n % 5);
	if ((r->fields & FLOWD_RECV_TIME) != 0) {
		buf_u32(b, 1100000001);
		if (r->version == FLOWD_V3)
			buf_u32(b, r->recv_usec);
	}
	if ((r->fields & FLOWD_PROTO_FLAGS_TOS) != 0)
		buf_u32(b, 0x12060400);
	put_addresses(b, r);
	put_rest(b, r);
	if (r->version == FLOWD_V3)
		b->data[from + 1] = (uint8_t)((int)(b->len - from - head) / 4 +
		    ((r->fields & FLOWD_CRC32) != 0 ? 1 : 0) + r->words);
	if ((r->fields & FLOWD_CRC32) != 0)
		buf_u32(b, slow_crc(b->data + from, b->len - from));
}

static inline void
build_header(struct buf *b, int version)
{
	if (version != FLOWD_V2)
		return;
	buf_u32(b, 0x012cf047);
	buf_u32(b, 2);
	buf_u32(b, 1099999999);
	buf_u32(b, 0);
}

/* A store in memory, for flowd_store_open. */
struct memory {
	const uint8_t *bytes;
	size_t len, at;
};

static inline enum err
read_memory(void *ctx, void *dst, size_t len, size_t *ret_len)
{
	struct memory *m = ctx;
	size_t n = len < m->len - m->at ? len : m->len - m->at;

	if (n > 0)
		memcpy(dst, m->bytes + m->at, n);
	m->at += n;
	*ret_len = n;
	return ERR_OK;
}

#endif
