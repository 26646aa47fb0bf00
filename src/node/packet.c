/* SPDX-License-Identifier: ISC
 *
 * Link header, VLAN tags, IPv4 or IPv6 with extension headers, UDP. A capture may hold less of a frame than
 * was on the wire; the IP and UDP headers tell.
 */
#include "node/packet.h"

#include "base/rd.h"

#define ETHERTYPE_V4 0x0800
#define ETHERTYPE_V6 0x86dd
#define ETHERTYPE_VLAN 0x8100
#define ETHERTYPE_QINQ 0x88a8
#define ETHERTYPE_QINQ_OLD 0x9100
#define VLAN_TAGS_MOST 4
#define PROTOCOL_UDP 17
#define EXTENSIONS_MOST 8

enum { EXTENSION_HOP = 0, EXTENSION_ROUTING = 43, EXTENSION_FRAGMENT = 44, EXTENSION_DESTINATION = 60 };

/* wire_len: of the UDP header and payload, as the IP header says. */
static enum packet_kind
parse_udp(struct rd *r, size_t wire_len, struct packet *p)
{
	size_t len;

	p->from_port = rd_u16(r);
	p->to_port = rd_u16(r);
	len = rd_u16(r);
	rd_skip(r, 2);
	if (!rd_ok(r) || len < 8 || len > wire_len)
		return PACKET_BAD;
	len -= 8;
	p->cut = rd_left(r) < len;
	p->len = (uint32_t)(p->cut ? rd_left(r) : len);
	p->payload = rd_bytes(r, p->len);
	return PACKET_UDP;
}

static enum packet_kind
parse_v4(struct rd *r, struct packet *p)
{
	size_t header_len = (size_t)(rd_u8(r) & 0x0f) * 4, total;
	uint16_t fragment;
	uint8_t protocol;

	rd_skip(r, 1);
	total = rd_u16(r);
	rd_skip(r, 2);
	fragment = rd_u16(r);
	rd_skip(r, 1);
	protocol = rd_u8(r);
	rd_skip(r, 2);
	p->from = addr_v4(rd_u32(r));
	p->to = addr_v4(rd_u32(r));
	if (header_len < 20 || total < header_len)
		return PACKET_BAD;
	rd_skip(r, header_len - 20);
	if (!rd_ok(r))
		return PACKET_BAD;
	if (protocol != PROTOCOL_UDP)
		return PACKET_OTHER;
	if ((fragment & 0x3fff) != 0) /* more fragments, or an offset */
		return PACKET_FRAGMENT;
	return parse_udp(r, total - header_len, p);
}

/* Extension headers before UDP, if it is UDP. *left: bytes that the IP header says are left. */
static enum packet_kind
skip_extensions(struct rd *r, uint8_t next, size_t *left)
{
	for (int i = 0; i < EXTENSIONS_MOST; i++) {
		size_t len;
		uint8_t after;
		uint16_t fragment;

		if (next == PROTOCOL_UDP)
			return PACKET_UDP;
		if (next != EXTENSION_HOP && next != EXTENSION_ROUTING && next != EXTENSION_FRAGMENT &&
		    next != EXTENSION_DESTINATION)
			return PACKET_OTHER;
		after = rd_u8(r);
		len = ((size_t)rd_u8(r) + 1) * 8;
		if (next == EXTENSION_FRAGMENT)
			len = 8; /* always; its second byte is reserved */
		fragment = rd_u16(r);
		rd_skip(r, len - 4);
		if (!rd_ok(r) || len > *left)
			return PACKET_BAD;
		if (next == EXTENSION_FRAGMENT && (fragment & 0xfff9) != 0)
			return after == PROTOCOL_UDP ? PACKET_FRAGMENT : PACKET_OTHER;
		*left -= len;
		next = after;
	}
	return PACKET_BAD;
}

static enum packet_kind
parse_v6(struct rd *r, struct packet *p)
{
	enum packet_kind kind;
	size_t left;
	uint8_t next;

	rd_skip(r, 4);
	left = rd_u16(r);
	next = rd_u8(r);
	rd_skip(r, 1);
	rd_copy(r, p->from.b, sizeof(p->from.b));
	rd_copy(r, p->to.b, sizeof(p->to.b));
	if (!rd_ok(r))
		return PACKET_BAD;
	kind = skip_extensions(r, next, &left);
	return kind == PACKET_UDP ? parse_udp(r, left, p) : kind;
}

static enum packet_kind
parse_ip(struct rd *r, struct packet *p)
{
	if (rd_left(r) == 0)
		return PACKET_BAD;
	switch (*r->at >> 4) {
	case 4:
		return parse_v4(r, p);
	case 6:
		return parse_v6(r, p);
	default:
		return PACKET_OTHER;
	}
}

static enum packet_kind
parse_ethertype(struct rd *r, uint16_t type, struct packet *p)
{
	for (int i = 0; i < VLAN_TAGS_MOST; i++) {
		if (type != ETHERTYPE_VLAN && type != ETHERTYPE_QINQ && type != ETHERTYPE_QINQ_OLD)
			break;
		rd_skip(r, 2);
		type = rd_u16(r);
	}
	if (!rd_ok(r))
		return PACKET_BAD;
	return type == ETHERTYPE_V4 || type == ETHERTYPE_V6 ? parse_ip(r, p) : PACKET_OTHER;
}

enum packet_kind
packet_parse(enum packet_link link, const uint8_t *frame, size_t len, struct packet *ret)
{
	struct rd r = rd_init(frame, len);
	struct packet p = {.len = 0};
	enum packet_kind kind;
	uint16_t type;

	switch (link) {
	case LINK_ETHERNET:
		rd_skip(&r, 12);
		type = rd_u16(&r);
		kind = parse_ethertype(&r, type, &p);
		break;
	case LINK_COOKED:
		rd_skip(&r, 14);
		type = rd_u16(&r);
		kind = parse_ethertype(&r, type, &p);
		break;
	case LINK_COOKED2:
		type = rd_u16(&r);
		rd_skip(&r, 18);
		kind = parse_ethertype(&r, type, &p);
		break;
	case LINK_NULL:
		rd_skip(&r, 4); /* a family, in the byte order and numbering of some host */
		kind = parse_ip(&r, &p);
		break;
	case LINK_RAW:
		kind = parse_ip(&r, &p);
		break;
	case LINK_COUNT_OF_KINDS:
	default:
		return PACKET_OTHER;
	}
	if (kind == PACKET_UDP)
		*ret = p;
	return kind;
}
