/* SPDX-License-Identifier: ISC
 *
 * A flow as a line for people:
 *
 *	2026-11-23T10:00:00.000Z 12.345s 192.0.2.1:40000 > 198.51.100.1:443 tcp 24 packets 10 octets 1500 from 203.0.113.1
 *
 * start, duration, addresses and ports, protocol, TCP flags (hexadecimal), counts, exporter. What a flow does
 * not have is "-"; one without a start shows when its datagram was received.
 */
#include <string.h>

#include "flow/element.h"
#include "flow/flow.h"
#include "flow/format.h"
#include "flow/value.h"

static void
put_addr(struct format *f, const struct flow *flow, uint16_t ipv4, uint16_t ipv6, uint16_t port)
{
	static const uint8_t none[16];
	struct flow_value v;
	uint64_t number;
	bool four = flow_get(flow, 0, ipv4, &v) && v.len == 4, six = false;
	const uint8_t *bytes = four ? v.bytes : NULL;

	if ((!four || memcmp(v.bytes, none, 4) == 0) && flow_get(flow, 0, ipv6, &v) && v.len == 16 &&
	    (!four || memcmp(v.bytes, none, 16) != 0)) {
		bytes = v.bytes;
		six = true;
	}
	if (bytes == NULL) {
		format_char(f, '-');
		return;
	}
	if (six) {
		format_char(f, '[');
		format_ipv6(f, bytes);
		format_char(f, ']');
	} else {
		format_ipv4(f, bytes);
	}
	if (flow_get_u64(flow, 0, port, &number)) {
		format_char(f, ':');
		format_u64(f, number);
	}
}

static void
put_times(struct format *f, const struct flow *flow, wall_t received)
{
	wall_t start, end;
	int digits;

	if (!flow_start(flow, &start, &digits)) {
		format_time(f, received, 3);
		format_literal(f, " -");
		return;
	}
	format_time(f, start, digits);
	format_char(f, ' ');
	if (flow_end(flow, &end, NULL) && end.ns >= start.ns) {
		uint64_t ms = (uint64_t)(end.ns - start.ns) / (uint64_t)NS_PER_MSEC;

		format_u64(f, ms / 1000);
		format_char(f, '.');
		format_char(f, (char)('0' + ms % 1000 / 100));
		format_char(f, (char)('0' + ms % 100 / 10));
		format_char(f, (char)('0' + ms % 10));
		format_char(f, 's');
	} else {
		format_char(f, '-');
	}
}

static void
put_protocol(struct format *f, const struct flow *flow)
{
	uint64_t v;

	format_char(f, ' ');
	if (!flow_get_u64(flow, 0, IE_PROTOCOL, &v)) {
		format_char(f, '-');
		return;
	}
	switch (v) {
	case 1:
		format_literal(f, "icmp");
		break;
	case 6:
		format_literal(f, "tcp");
		if (flow_get_u64(flow, 0, IE_TCP_FLAGS, &v)) {
			uint8_t flags = (uint8_t)v;

			format_char(f, ' ');
			format_hex(f, &flags, 1);
		}
		break;
	case 17:
		format_literal(f, "udp");
		break;
	case 58:
		format_literal(f, "icmp6");
		break;
	default:
		format_literal(f, "proto ");
		format_u64(f, v);
	}
}

static void
put_count(struct format *f, const struct flow *flow, uint16_t delta, uint16_t total)
{
	uint64_t v;

	if (flow_get_u64(flow, 0, delta, &v) || flow_get_u64(flow, 0, total, &v))
		format_u64(f, v);
	else
		format_char(f, '-');
}

static void
make_head(struct format *f, const struct flow_context *c, const struct flow *flow)
{
	(void)flow;
	format_addr(f, &c->exporter);
}

static void
put_tags(struct format *f, const struct flow *flow)
{
	format_need(f, FORMAT_VALUE_MOST + 11 * (size_t)flow->tag_count);
	for (unsigned i = 0; i < flow->tag_count; i++) {
		if (i == 0)
			format_literal(f, " tag ");
		else
			format_char(f, ',');
		format_u64(f, flow->tags[i]);
	}
}

void
flow_text(const struct flow *flow, struct flow_context *c, struct buf *out)
{
	struct format f;

	if (flow->options)
		return;
	format_open(&f, out, c);
	format_need(&f, 16 * FORMAT_VALUE_MOST);
	put_times(&f, flow, c->received);
	format_char(&f, ' ');
	put_addr(&f, flow, IE_SRC_IPV4, IE_SRC_IPV6, IE_SRC_PORT);
	format_literal(&f, " > ");
	put_addr(&f, flow, IE_DST_IPV4, IE_DST_IPV6, IE_DST_PORT);
	put_protocol(&f, flow);
	format_literal(&f, " packets ");
	put_count(&f, flow, IE_PACKETS, IE_PACKETS_TOTAL);
	format_literal(&f, " octets ");
	put_count(&f, flow, IE_OCTETS, IE_OCTETS_TOTAL);
	format_literal(&f, " from ");
	format_head(&f, FORMAT_HEAD_TEXT, c, flow, make_head);
	put_tags(&f, flow);
	format_char(&f, '\n');
	format_close(&f);
}
