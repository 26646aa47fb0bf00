/* SPDX-License-Identifier: ISC
 *
 * Builds export datagrams for tests: valid ones, in which a test then lies in one place.
 *
 *	message_v9(&b, 77, 5);
 *	message_set(&b, 0); message_template(&b, 256, fields, count); message_set_end(&b);
 *	message_set(&b, 256); buf_u32(&b, ...); message_set_end(&b);
 */
#ifndef FLOWBRAID_TESTS_MESSAGE_H
#define FLOWBRAID_TESTS_MESSAGE_H

#include "base/buf.h"

#define MESSAGE_UPTIME 360000U
#define MESSAGE_SECONDS 1700000000U /* 2023-11-14T22:13:20Z */

static size_t message_set_at; /* where the open set began */

static inline void
message_put_u16(struct buf *b, size_t at, uint16_t v)
{
	b->data[at] = (uint8_t)(v >> 8);
	b->data[at + 1] = (uint8_t)v;
}

/* The header of v1, v5 or v7. */
static inline void
message_old(struct buf *b, uint16_t version, uint16_t count, uint32_t sequence)
{
	buf_reset(b);
	buf_u16(b, version);
	buf_u16(b, count);
	buf_u32(b, MESSAGE_UPTIME);
	buf_u32(b, MESSAGE_SECONDS);
	buf_u32(b, 500000000); /* nanoseconds */
	if (version == 1)
		return;
	buf_u32(b, sequence);
	buf_u32(b, version == 5 ? 0x01024064 : 0); /* engine 1/2, sampling 1 in 100 */
}

/* A record of v1, v5 or v7: 192.0.2.1:40000 > 198.51.100.(host):443, TCP. */
static inline void
message_old_record(struct buf *b, uint16_t version, uint8_t host)
{
	buf_u32(b, 0xc0000201);
	buf_u32(b, 0xc6336400U + host);
	buf_u32(b, 0xcb007101);
	buf_u16(b, 1);
	buf_u16(b, 2);
	buf_u32(b, 10);
	buf_u32(b, 1500);
	buf_u32(b, 350000);
	buf_u32(b, 359500);
	buf_u16(b, 40000);
	buf_u16(b, 443);
	if (version == 1) {
		buf_u32(b, 0x00000610); /* padding, protocol, TOS */
		buf_u32(b, 0x1b000000); /* TCP flags */
		buf_u32(b, 0);
		return;
	}
	buf_u32(b, 0x001b0610); /* padding, TCP flags, protocol, TOS */
	buf_u16(b, 64500);
	buf_u16(b, 64501);
	buf_u32(b, 0x18100000); /* masks 24 and 16 */
	if (version == 7)
		buf_u32(b, 0xcb007102);
}

static inline void
message_v9(struct buf *b, uint32_t sequence, uint32_t domain)
{
	buf_reset(b);
	buf_u16(b, 9);
	buf_u16(b, 1);
	buf_u32(b, MESSAGE_UPTIME);
	buf_u32(b, MESSAGE_SECONDS);
	buf_u32(b, sequence);
	buf_u32(b, domain);
}

static inline void
message_ipfix(struct buf *b, uint32_t sequence, uint32_t domain)
{
	buf_reset(b);
	buf_u16(b, 10);
	buf_u16(b, 16); /* message_set_end() makes it right */
	buf_u32(b, MESSAGE_SECONDS);
	buf_u32(b, sequence);
	buf_u32(b, domain);
}

static inline void
message_set(struct buf *b, uint16_t id)
{
	message_set_at = b->len;
	buf_u16(b, id);
	buf_u16(b, 0);
}

static inline void
message_set_end(struct buf *b)
{
	message_put_u16(b, message_set_at + 2, (uint16_t)(b->len - message_set_at));
	if (b->data[1] == 10)
		message_put_u16(b, 2, (uint16_t)b->len);
}

static inline void
message_u16s(struct buf *b, const uint16_t *values, size_t count)
{
	for (size_t i = 0; i < count; i++)
		buf_u16(b, values[i]);
}

/* fields: pairs of id and length. */
static inline void
message_template(struct buf *b, uint16_t id, const uint16_t *fields, uint16_t count)
{
	buf_u16(b, id);
	buf_u16(b, count);
	message_u16s(b, fields, 2U * count);
}

/* v9's form, where lengths count bytes. */
static inline void
message_options_template(struct buf *b, uint16_t id, const uint16_t *fields, uint16_t scopes, uint16_t count)
{
	buf_u16(b, id);
	buf_u16(b, (uint16_t)(4 * scopes));
	buf_u16(b, (uint16_t)(4 * (count - scopes)));
	message_u16s(b, fields, 2U * count);
}

#endif
