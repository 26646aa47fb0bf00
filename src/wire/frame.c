/* SPDX-License-Identifier: ISC
 *
 * See frame.h. IEEE 802.1Q, RFC 3032 (MPLS), 791, 8200, 4302 (AH), 9293, 768, 792, 4443, 7348 (VXLAN), 2784 and
 * 2890 (GRE).
 */
#include "wire/frame.h"

#define EXTENSIONS_MOST 8
#define PORT_VXLAN 4789

enum {
	ETHERTYPE_V4 = 0x0800,
	ETHERTYPE_VLAN = 0x8100,
	ETHERTYPE_BRIDGE = 0x6558, /* Ethernet in GRE */
	ETHERTYPE_V6 = 0x86dd,
	ETHERTYPE_MPLS = 0x8847,
	ETHERTYPE_MPLS_MULTICAST = 0x8848,
	ETHERTYPE_QINQ = 0x88a8,
	ETHERTYPE_QINQ_OLD = 0x9100,
};

enum {
	EXTENSION_HOP = 0,
	EXTENSION_ROUTING = 43,
	EXTENSION_FRAGMENT = 44,
	EXTENSION_AH = 51,
	EXTENSION_DESTINATION = 60,
	EXTENSION_MOBILITY = 135,
};

/* Goes on with what IP or a transport says is its payload: what is captured behind that is no part of it. */
static struct rd
bound(struct rd *r, size_t wire_len)
{
	return rd_sub(r, rd_left(r) < wire_len ? rd_left(r) : wire_len);
}

static void
walk_tcp(struct rd *r, struct frame *f)
{
	uint16_t from = rd_u16(r), to = rd_u16(r), flags;

	if (!rd_ok(r))
		return;
	f->has_ports = true;
	f->from_port = from;
	f->to_port = to;
	rd_skip(r, 8);
	flags = rd_u16(r);
	if (!rd_ok(r))
		return;
	f->has_tcp_flags = true;
	f->tcp_flags = flags & 0x0fff;
}

static void
walk_udp(struct rd *r, struct frame *f)
{
	uint16_t from = rd_u16(r), to = rd_u16(r);
	size_t len;

	if (!rd_ok(r))
		return;
	f->has_ports = true;
	f->from_port = from;
	f->to_port = to;
	len = rd_u16(r);
	rd_skip(r, 2);
	if (!rd_ok(r))
		return;
	if (len < 8 || (len > f->payload_len && !f->fragment_more)) {
		f->stop = FRAME_BAD;
		return;
	}
	f->payload_len = len - 8;
	f->payload = bound(r, f->payload_len);
}

static void
walk_icmp(struct rd *r, struct frame *f)
{
	uint8_t type = rd_u8(r), code = rd_u8(r);

	f->has_icmp = rd_ok(r);
	f->icmp_type = type;
	f->icmp_code = code;
}

/* wire_len: of what follows, as the IP header says. */
static void
walk_transport(struct rd *r, size_t wire_len, struct frame *f)
{
	struct rd at;

	f->payload_len = wire_len;
	f->payload = at = bound(r, wire_len);
	f->has_protocol = true;
	if (f->fragment_offset > 0)
		return;
	if (f->protocol == IP_TCP)
		walk_tcp(&at, f);
	else if (f->protocol == IP_UDP)
		walk_udp(&at, f);
	else if ((f->protocol == IP_ICMP && f->ip_version == 4) ||
	    (f->protocol == IP_ICMPV6 && f->ip_version == 6))
		walk_icmp(&at, f);
	if (!rd_ok(&at))
		f->stop = FRAME_CUT;
}

static void
walk_v4(struct rd *r, struct frame *f)
{
	size_t header_len = (size_t)(rd_u8(r) & 0x0f) * 4;
	struct frame g = *f;
	uint16_t fragment;

	g.ip_version = 4;
	g.tos = rd_u8(r);
	g.ip_len = rd_u16(r);
	g.fragment_id = rd_u16(r);
	fragment = rd_u16(r);
	g.has_fragment = true;
	g.fragment_flags = (uint8_t)(fragment >> 13 << 5);
	g.fragment_more = (fragment & 0x2000) != 0;
	g.fragment_offset = fragment & 0x1fff;
	g.ttl = rd_u8(r);
	g.protocol = rd_u8(r);
	rd_skip(r, 2);
	g.from = rd_bytes(r, 4);
	g.to = rd_bytes(r, 4);
	if (!rd_ok(r)) {
		f->stop = FRAME_CUT;
		return;
	}
	*f = g;
	if (header_len < 20 || f->ip_len < header_len) {
		f->stop = FRAME_BAD;
		return;
	}
	rd_skip(r, header_len - 20);
	if (rd_ok(r))
		walk_transport(r, f->ip_len - header_len, f);
	else
		f->stop = FRAME_CUT;
}

static bool
is_extension(uint8_t protocol)
{
	return protocol == EXTENSION_HOP || protocol == EXTENSION_ROUTING || protocol == EXTENSION_FRAGMENT ||
	    protocol == EXTENSION_AH || protocol == EXTENSION_DESTINATION || protocol == EXTENSION_MOBILITY;
}

/* One extension header. False when it does not fit into *left, the bytes that the IP header says are left. */
static bool
walk_extension(struct rd *r, uint8_t *next, size_t *left, struct frame *f)
{
	uint8_t kind = *next;
	size_t len;

	*next = rd_u8(r);
	len = rd_u8(r);
	len = kind == EXTENSION_FRAGMENT ? 8 : kind == EXTENSION_AH ? (len + 2) * 4 : (len + 1) * 8;
	if (kind == EXTENSION_FRAGMENT) {
		uint16_t fragment = rd_u16(r);
		uint32_t id = rd_u32(r);

		if (rd_ok(r)) {
			f->has_fragment = true;
			f->fragment_offset = fragment >> 3;
			f->fragment_more = (fragment & 1) != 0;
			f->fragment_flags = f->fragment_more ? 0x20 : 0;
			f->fragment_id = id;
		}
	} else {
		rd_skip(r, len - 2);
	}
	if (rd_ok(r) && len > *left)
		return false;
	*left -= rd_ok(r) ? len : 0;
	return true;
}

static void
walk_extensions(struct rd *r, uint8_t next, size_t left, struct frame *f)
{
	for (int i = 0; is_extension(next) && f->fragment_offset == 0; i++) {
		if (i == EXTENSIONS_MOST || !walk_extension(r, &next, &left, f)) {
			f->stop = FRAME_BAD;
			return;
		}
		if (!rd_ok(r)) {
			f->stop = FRAME_CUT;
			return;
		}
	}
	f->protocol = next;
	walk_transport(r, left, f);
}

static void
walk_v6(struct rd *r, struct frame *f)
{
	struct frame g = *f;
	uint32_t first = rd_u32(r);
	uint8_t next;

	g.ip_version = 6;
	g.tos = (uint8_t)(first >> 20);
	g.flow_label = first & 0xfffff;
	g.ip_len = rd_u16(r) + 40U;
	next = rd_u8(r);
	g.ttl = rd_u8(r);
	g.from = rd_bytes(r, 16);
	g.to = rd_bytes(r, 16);
	if (!rd_ok(r)) {
		f->stop = FRAME_CUT;
		return;
	}
	*f = g;
	walk_extensions(r, next, f->ip_len - 40, f);
}

/* False: it is no IP. */
static bool
walk_ip(struct rd *r, struct frame *f)
{
	if (rd_left(r) == 0) {
		f->stop = FRAME_CUT;
		return true;
	}
	switch (*r->at >> 4) {
	case 4:
		walk_v4(r, f);
		return true;
	case 6:
		walk_v6(r, f);
		return true;
	default:
		return false;
	}
}

/* What is under the labels is not said: what begins like IP is taken for IP. */
static void
walk_mpls(struct rd *r, struct frame *f)
{
	for (;;) {
		uint32_t label = rd_u32(r);

		if (!rd_ok(r)) {
			f->stop = FRAME_CUT;
			return;
		}
		if (f->label_count == FRAME_LABELS_MOST)
			return;
		f->labels[f->label_count++] = label;
		if ((label & 0x100) != 0)
			break;
	}
	(void)walk_ip(r, f);
}

static void
walk_ethertype(struct rd *r, uint16_t type, struct frame *f)
{
	for (int i = 0; i < FRAME_TAGS_MOST && rd_ok(r); i++) {
		uint16_t tag;

		if (type != ETHERTYPE_VLAN && type != ETHERTYPE_QINQ && type != ETHERTYPE_QINQ_OLD)
			break;
		tag = rd_u16(r);
		type = rd_u16(r);
		if (rd_ok(r) && f->tag_count < 2)
			f->tags[f->tag_count++] = tag;
	}
	if (!rd_ok(r)) {
		f->stop = FRAME_CUT;
		return;
	}
	f->has_ethertype = true;
	f->ethertype = type;
	if (type == ETHERTYPE_V4 || type == ETHERTYPE_V6)
		(void)walk_ip(r, f);
	else if (type == ETHERTYPE_MPLS || type == ETHERTYPE_MPLS_MULTICAST)
		walk_mpls(r, f);
}

static void
walk_ethernet(struct rd *r, struct frame *f)
{
	const uint8_t *to = rd_bytes(r, 6), *from = rd_bytes(r, 6);
	uint16_t type = rd_u16(r);

	if (rd_ok(r)) {
		f->to_mac = to;
		f->from_mac = from;
	}
	walk_ethertype(r, type, f);
}

static struct frame
walk(enum frame_link link, struct rd *r)
{
	struct frame f = {.stop = FRAME_DONE};
	uint16_t type;

	switch (link) {
	case LINK_ETHERNET:
		walk_ethernet(r, &f);
		break;
	case LINK_COOKED:
		rd_skip(r, 14);
		type = rd_u16(r);
		walk_ethertype(r, type, &f);
		break;
	case LINK_COOKED2:
		type = rd_u16(r);
		rd_skip(r, 18);
		walk_ethertype(r, type, &f);
		break;
	case LINK_NULL:
		rd_skip(r, 4); /* a family, in the byte order and numbering of some host */
		(void)walk_ip(r, &f);
		break;
	case LINK_RAW:
		(void)walk_ip(r, &f);
		break;
	case LINK_MPLS:
		walk_mpls(r, &f);
		break;
	case LINK_COUNT_OF_KINDS:
	default:
		break;
	}
	return f;
}

struct frame
frame_walk(enum frame_link link, const uint8_t *bytes, size_t len)
{
	struct rd r = rd_init(bytes, len);

	return walk(link, &r);
}

static bool
inner_vxlan(const struct frame *outer, struct frame *ret)
{
	struct rd r = outer->payload;
	uint8_t flags = rd_u8(&r);
	uint32_t network;

	rd_skip(&r, 3);
	network = rd_u32(&r) >> 8;
	if (!rd_ok(&r) || (flags & 0x08) == 0)
		return false;
	*ret = walk(LINK_ETHERNET, &r);
	ret->tunnel = TUNNEL_VXLAN;
	ret->has_tunnel_id = true;
	ret->tunnel_id = network;
	return true;
}

static bool
inner_gre(const struct frame *outer, struct frame *ret)
{
	struct rd r = outer->payload;
	uint16_t flags = rd_u16(&r), type = rd_u16(&r);
	uint32_t key = 0;

	if ((flags & 0x4007) != 0) /* source routes, or another version */
		return false;
	if ((flags & 0x8000) != 0)
		rd_skip(&r, 4);
	if ((flags & 0x2000) != 0)
		key = rd_u32(&r);
	if ((flags & 0x1000) != 0)
		rd_skip(&r, 4);
	if (!rd_ok(&r))
		return false;
	if (type == ETHERTYPE_BRIDGE) {
		*ret = walk(LINK_ETHERNET, &r);
	} else {
		*ret = (struct frame){.stop = FRAME_DONE};
		walk_ethertype(&r, type, ret);
	}
	ret->tunnel = TUNNEL_GRE;
	ret->has_tunnel_id = (flags & 0x2000) != 0;
	ret->tunnel_id = key;
	return true;
}

bool
frame_inner(const struct frame *outer, struct frame *ret)
{
	if (!outer->has_protocol || outer->stop != FRAME_DONE || outer->fragment_offset > 0)
		return false;
	if (outer->protocol == IP_UDP && outer->has_ports && outer->to_port == PORT_VXLAN)
		return inner_vxlan(outer, ret);
	return outer->protocol == IP_GRE && inner_gre(outer, ret);
}
