/* SPDX-License-Identifier: ISC
 *
 * Builds sFlow datagrams for tests: valid ones, in which a test then lies in one place. Whatever holds a length
 * is opened and closed, and its place is kept.
 *
 *	sample_begin(&s, 4);
 *	sample_open(&s, 1); sample_words(&s, 7, ...); sample_open(&s, 1001); ... sample_close(&s); sample_close(&s);
 *	sample_end(&s);
 */
#ifndef FLOWBRAID_TESTS_SAMPLE_H
#define FLOWBRAID_TESTS_SAMPLE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/buf.h"

#define SAMPLE_LENGTHS_MOST 64

struct sample {
	struct buf bytes;
	size_t count_at; /* of the samples' number */
	size_t open[2];  /* lengths that are open: a sample's, a record's */
	unsigned depth;
	uint32_t samples;
	size_t lengths[SAMPLE_LENGTHS_MOST]; /* places of all lengths */
	unsigned sample_of[SAMPLE_LENGTHS_MOST];
	bool of_record[SAMPLE_LENGTHS_MOST];
	size_t length_count;
};

static inline void
sample_put(struct sample *s, size_t at, uint32_t v)
{
	for (int i = 3; i >= 0; i--, v >>= 8)
		s->bytes.data[at + (size_t)i] = (uint8_t)v;
}

static inline uint32_t
sample_get(const struct sample *s, size_t at)
{
	uint32_t v = 0;

	for (size_t i = 0; i < 4; i++)
		v = v << 8 | s->bytes.data[at + i];
	return v;
}

/* The header; family of the agent's address: 4 or 6. */
static inline void
sample_begin(struct sample *s, int family)
{
	*s = (struct sample){.bytes = BUF_INIT};
	buf_u32(&s->bytes, 5);
	buf_u32(&s->bytes, family == 4 ? 1 : 2);
	if (family == 6) {
		buf_u32(&s->bytes, 0x20010db8);
		buf_u64(&s->bytes, 0);
	}
	buf_u32(&s->bytes, 0xc6336407);
	buf_u32(&s->bytes, 3);      /* sub-agent */
	buf_u32(&s->bytes, 77);     /* sequence */
	buf_u32(&s->bytes, 360000); /* uptime */
	s->count_at = s->bytes.len;
	buf_u32(&s->bytes, 0);
}

static inline void
sample_words(struct sample *s, unsigned count, ...)
{
	va_list ap;

	va_start(ap, count);
	for (unsigned i = 0; i < count; i++)
		buf_u32(&s->bytes, va_arg(ap, uint32_t));
	va_end(ap);
}

/* Octets, with their length and filler. */
static inline void
sample_octets(struct sample *s, const void *bytes, size_t len)
{
	static const uint8_t zeros[4];

	buf_u32(&s->bytes, (uint32_t)len);
	buf_bytes(&s->bytes, bytes, len);
	buf_bytes(&s->bytes, zeros, (4 - len % 4) % 4);
}

/* A sample, or in it, behind its words, a record. */
static inline void
sample_open(struct sample *s, uint32_t format)
{
	if (s->depth == 2 || s->length_count == SAMPLE_LENGTHS_MOST)
		abort();
	buf_u32(&s->bytes, format);
	s->lengths[s->length_count] = s->open[s->depth] = s->bytes.len;
	s->sample_of[s->length_count] = s->samples;
	s->of_record[s->length_count++] = s->depth == 1;
	s->depth++;
	buf_u32(&s->bytes, 0);
}

static inline void
sample_close(struct sample *s)
{
	s->depth--;
	sample_put(s, s->open[s->depth], (uint32_t)(s->bytes.len - s->open[s->depth] - 4));
	if (s->depth == 0)
		s->samples++;
}

static inline void
sample_end(struct sample *s)
{
	if (s->depth != 0 || !buf_ok(&s->bytes))
		abort();
	sample_put(s, s->count_at, s->samples);
}

/* Ethernet, tags 100 (priority 1) and 200 (priority 2), IPv4 192.0.2.1 to 198.51.100.2, TCP 40000 to 443. */
static const uint8_t sample_tcp[] = {0x02, 0, 0, 0, 0, 1, 0x02, 0, 0, 0, 0, 2, 0x88, 0xa8, 0x20, 0x64, 0x81,
    0x00, 0x40, 0xc8, 0x08, 0x00, 0x45, 0xb8, 0x05, 0xdc, 0x12, 0x34, 0x40, 0, 61, 6, 0, 0, 192, 0, 2, 1, 198,
    51, 100, 2, 0x9c, 0x40, 0x01, 0xbb, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x1b, 0x10, 0, 0, 0, 0, 0};

/* Ethernet, IPv4 192.0.2.3 to 192.0.2.4, UDP 1000 to 4789, VXLAN 100, Ethernet, IPv6 2001:db8::1 to 2001:db8::2, UDP
 * 5353 to 53. */
static const uint8_t sample_vxlan[] = {0x02, 0, 0, 0, 0, 3, 0x02, 0, 0, 0, 0, 4, 0x08, 0x00, 0x45, 0, 0, 98,
    0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 3, 192, 0, 2, 4, 0x03, 0xe8, 0x12, 0xb5, 0, 78, 0, 0, 0x08, 0, 0, 0,
    0, 0, 100, 0, 0x02, 0, 0, 0, 0, 5, 0x02, 0, 0, 0, 0, 6, 0x86, 0xdd, 0x60, 0x01, 0x23, 0x45, 0, 8, 17, 63,
    0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 2, 0x14, 0xe9, 0, 53, 0, 8, 0, 0};

/* A record with the beginning of a packet. */
static inline void
sample_header(struct sample *s, uint32_t protocol, uint32_t frame_len, const uint8_t *bytes, size_t len)
{
	sample_open(s, 1);
	sample_words(s, 3, protocol, frame_len, 4U);
	sample_octets(s, bytes, len);
	sample_close(s);
}

static inline void
sample_flow(struct sample *s)
{
	sample_open(s, 1); /* sequence, source, rate, pool, drops, interfaces, records */
	sample_words(s, 8, 1U, 7U, 1024U, 2048U, 3U, 7U, 8U, 4U);
	sample_open(
	    s, 1003); /* next hop; ASs: own, source's, its peer's; the path; communities; preference */
	sample_words(s, 6, 1U, 0xcb007101U, 64500U, 64501U, 64502U, 1U);
	sample_words(s, 5, 2U, 3U, 64503U, 64504U, 64505U);
	sample_words(s, 4, 2U, 1000U, 2000U, 100U);
	sample_close(s);
	sample_header(s, 1, 1526, sample_tcp, sizeof(sample_tcp));
	sample_open(s, 1001);
	sample_words(s, 4, 100U, 1U, UINT32_MAX, UINT32_MAX);
	sample_close(s);
	sample_open(s, 1002);
	sample_words(s, 4, 1U, 0xcb007102U, 24U, 25U);
	sample_close(s);
	sample_close(s);
}

static inline void
sample_counters(struct sample *s)
{
	sample_open(s, 2); /* sequence, source, records */
	sample_words(s, 3, 2U, 7U, 3U);
	sample_open(s, 1);
	for (uint32_t i = 0; i < 22; i++) /* three of its numbers have two words */
		sample_words(s, 1, i);
	sample_close(s);
	sample_open(s, 2);
	for (uint32_t i = 0; i < 13; i++)
		sample_words(s, 1, 100 + i);
	sample_close(s);
	sample_open(s, 2000);
	sample_words(s, 1, 9U);
	sample_close(s);
	sample_close(s);
}

/* One sample of each format, and one that nobody knows: three flows, two of counters. */
static inline void
sample_everything(struct sample *s, int family)
{
	sample_begin(s, family);
	sample_flow(s);
	sample_open(s, 9 << 12 | 1);
	sample_words(s, 2, 1U, 2U);
	sample_close(s);
	sample_counters(s);
	sample_open(s, 3);
	sample_words(s, 11, 3U, 0U, 70000U, 512U, 1024U, 0U, 0U, 70000U, 2U, 5U, 2U);
	sample_header(s, 1, 116, sample_vxlan, sizeof(sample_vxlan));
	sample_open(s, 9 << 12 | 2);
	sample_words(s, 1, 1U);
	sample_close(s);
	sample_close(s);
	sample_open(s, 4);
	sample_words(s, 4, 4U, 2U, 1U, 1U);
	sample_open(s, 1001);
	sample_words(s, 7, 100U, 200U, 300U, 0U, 4096U, 0U, 2048U);
	sample_close(s);
	sample_close(s);
	sample_open(s, 5);
	sample_words(s, 8, 5U, 0U, 7U, 6U, 7U, 8U, 263U, 2U);
	sample_header(s, 11, 40, sample_tcp + 22, sizeof(sample_tcp) - 22);
	sample_open(s, 1038);
	sample_octets(s, "fn", 2);
	sample_close(s);
	sample_close(s);
	sample_end(s);
}

#endif
