/* SPDX-License-Identifier: ISC
 *
 * Values as text, fast: printing flows is mostly this. For the printers of the flow layer.
 *
 * Text is written into a window of memory at the end of a buf; format_need() moves the window on. What is
 * written between two calls of it must be no more than was asked for: too much is cut, and nothing breaks.
 */
#ifndef FLOWBRAID_FLOW_FORMAT_H
#define FLOWBRAID_FLOW_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/wr.h"
#include "flow/flow.h"

#define FORMAT_VALUE_MOST 64 /* no number, address or time is longer */

struct format {
	struct buf *out;
	struct flow_context *context; /* where the last date is kept */
	struct wr w;
};

void format_open(struct format *f, struct buf *out, struct flow_context *c);
void format_close(struct format *f); /* from here on out is whole, and may be written otherwise */
void format_refill(struct format *f, size_t len);

static inline void
format_need(struct format *f, size_t len)
{
	if (wr_left(&f->w) < len)
		format_refill(f, len);
}

static inline void
format_char(struct format *f, char c)
{
	wr_u8(&f->w, (uint8_t)c);
}

static inline void
format_text(struct format *f, const char *text, size_t len)
{
	wr_bytes(&f->w, text, len);
}

#define format_literal(f, text) format_text((f), (text), sizeof(text) - 1)

/* A number's digits, and an IPv4 address, at a place that has room for the longest; where they end. */
#define FORMAT_DIGITS_MOST 20
#define FORMAT_IPV4_MOST 16
uint8_t *format_digits_long(uint8_t *at, uint64_t v);
uint8_t *format_octets(uint8_t *at, const uint8_t bytes[4]);

static inline uint8_t *
format_digits(uint8_t *at, uint64_t v)
{
	if (v >= 10)
		return format_digits_long(at, v);
	at[0] = (uint8_t)('0' + v);
	return at + 1;
}

static inline void
format_u64(struct format *f, uint64_t v)
{
	uint8_t *at = wr_room(&f->w, FORMAT_DIGITS_MOST);

	if (at != NULL)
		wr_back(&f->w, (size_t)(at + FORMAT_DIGITS_MOST - format_digits(at, v)));
}

void format_i64(struct format *f, int64_t v);
void format_ipv4(struct format *f, const uint8_t bytes[4]);
void format_ipv6(struct format *f, const uint8_t bytes[16]);
void format_addr(struct format *f, const struct addr *a);
void format_mac(struct format *f, const uint8_t bytes[6]);
void format_time(struct format *f, wall_t t, int digits);
void format_hex(struct format *f, const uint8_t *bytes, size_t len); /* asks for its room itself */

/* Whether an export time has fractions of a second. */
static inline int
format_export_digits(enum proto proto)
{
	return proto == PROTO_V9 || proto == PROTO_IPFIX ? 0 : 9;
}

enum format_head { FORMAT_HEAD_NONE, FORMAT_HEAD_JSON, FORMAT_HEAD_TEXT };

/* What all flows of a datagram begin with: made by make for the first one, and kept. */
void format_head(struct format *f, enum format_head kind, struct flow_context *c, const struct flow *flow,
    void (*make)(struct format *f, const struct flow_context *c, const struct flow *flow));

#endif
