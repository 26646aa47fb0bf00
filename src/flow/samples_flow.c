/* SPDX-License-Identifier: ISC
 *
 * Flow records (format numbers of sFlow.org): the sampled packet, and what the switch, router or gateway knew of it.
 */
#include "flow/samples_put.h"
#include "flow/value.h"

static void
put_address(struct samples *s, const struct sflow_address *a, uint16_t ipv4, uint16_t ipv6)
{
	if (a->version != 0)
		samples_bytes(s, 0, a->version == 4 ? ipv4 : ipv6, a->bytes, a->version == 4 ? 4 : 16);
}

/* Priorities, VLANs and the like that an agent does not know are all ones. */
static void
put_known(struct samples *s, uint32_t pen, uint16_t id, size_t len, uint32_t v)
{
	if (v != UINT32_MAX)
		samples_number(s, pen, id, len, v);
}

static void
put_text(struct samples *s, uint32_t pen, uint16_t id, const uint8_t *text, uint32_t len)
{
	if (len > 0)
		samples_bytes(s, pen, id, text, len < SAMPLES_SECTION_MOST ? len : SAMPLES_SECTION_MOST);
}

/* A sample counts one packet; how many that stands for is said, and not multiplied in. */
static void
put_octets(struct samples *s, uint32_t octets)
{
	samples_number(s, 0, s->kind == SFLOW_DROP ? IE_DROPPED_OCTETS : IE_OCTETS, 8, octets);
}

static void
put_frame_octets(struct samples *s, uint32_t octets)
{
	samples_number(s, 0, s->kind == SFLOW_DROP ? IE_DROPPED_LAYER2_OCTETS : IE_LAYER2_OCTETS, 8, octets);
}

static void
put_link(struct samples *s, const struct frame *f)
{
	if (f->to_mac != NULL) {
		samples_bytes(s, 0, IE_DST_MAC, f->to_mac, 6);
		samples_bytes(s, 0, IE_SRC_MAC, f->from_mac, 6);
	}
	if (f->has_ethertype)
		samples_number(s, 0, IE_ETHERTYPE, 2, f->ethertype);
	if (f->tag_count > 0) {
		samples_number(s, 0, IE_DOT1Q_VLAN, 2, f->tags[0] & 0x0fff);
		samples_number(s, 0, IE_DOT1Q_PRIORITY, 1, f->tags[0] >> 13);
	}
	if (f->tag_count > 1) {
		samples_number(s, 0, IE_DOT1Q_CUSTOMER_VLAN, 2, f->tags[1] & 0x0fff);
		samples_number(s, 0, IE_DOT1Q_CUSTOMER_PRIORITY, 1, f->tags[1] >> 13);
	}
	for (uint16_t i = 0; i < f->label_count; i++)
		samples_number(s, 0, (uint16_t)(IE_MPLS_LABEL + i), 3, f->labels[i] >> 8);
	if (f->label_count > 0)
		samples_number(s, 0, IE_MPLS_TTL, 1, f->labels[0] & 0xff);
}

static void
put_ip(struct samples *s, const struct frame *f)
{
	bool four = f->ip_version == 4;

	if (f->ip_version == 0)
		return;
	samples_number(s, 0, IE_IP_VERSION, 1, f->ip_version);
	samples_bytes(s, 0, four ? IE_SRC_IPV4 : IE_SRC_IPV6, f->from, four ? 4 : 16);
	samples_bytes(s, 0, four ? IE_DST_IPV4 : IE_DST_IPV6, f->to, four ? 4 : 16);
	if (f->has_protocol)
		samples_number(s, 0, IE_PROTOCOL, 1, f->protocol);
	samples_number(s, 0, IE_TOS, 1, f->tos);
	samples_number(s, 0, IE_TTL, 1, f->ttl);
	if (!four)
		samples_number(s, 0, IE_FLOW_LABEL, 4, f->flow_label);
	if (f->has_fragment) {
		samples_number(s, 0, IE_FRAGMENT_ID, 4, f->fragment_id);
		samples_number(s, 0, IE_FRAGMENT_FLAGS, 1, f->fragment_flags);
		samples_number(s, 0, IE_FRAGMENT_OFFSET, 2, f->fragment_offset);
	}
}

static void
put_transport(struct samples *s, const struct frame *f)
{
	bool four = f->ip_version == 4;

	if (f->has_ports) {
		samples_number(s, 0, IE_SRC_PORT, 2, f->from_port);
		samples_number(s, 0, IE_DST_PORT, 2, f->to_port);
	}
	if (f->has_tcp_flags)
		samples_number(s, 0, IE_TCP_FLAGS, 2, f->tcp_flags);
	if (f->has_icmp) {
		samples_number(s, 0, four ? IE_ICMP_TYPE_CODE_IPV4 : IE_ICMP_TYPE_CODE_IPV6, 2,
		    (uint64_t)f->icmp_type << 8 | f->icmp_code);
		samples_number(s, 0, four ? IE_ICMP_TYPE_IPV4 : IE_ICMP_TYPE_IPV6, 1, f->icmp_type);
		samples_number(s, 0, four ? IE_ICMP_CODE_IPV4 : IE_ICMP_CODE_IPV6, 1, f->icmp_code);
	}
}

/* Of a packet in a packet each element stands twice, the outer one first (RFC 7011 section 8). */
static void
put_inner(struct samples *s, const struct frame *outer)
{
	struct frame f;

	if (!frame_inner(outer, &f))
		return;
	if (f.tunnel == TUNNEL_VXLAN) {
		samples_number(s, 0, IE_LAYER2_SEGMENT, 8, 1ULL << 56 | f.tunnel_id);
		samples_number(s, PEN_SFLOW, SFLOW_VXLAN_NETWORK, 4, f.tunnel_id);
	} else if (f.has_tunnel_id) {
		samples_number(s, 0, IE_GRE_KEY, 4, f.tunnel_id);
	}
	put_link(s, &f);
	put_ip(s, &f);
	put_transport(s, &f);
}

static bool
link_of(uint32_t header_protocol, enum frame_link *ret)
{
	switch (header_protocol) {
	case 1:
		*ret = LINK_ETHERNET;
		return true;
	case 11: /* IPv4 */
	case 12: /* IPv6 */
		*ret = LINK_RAW;
		return true;
	case 13:
		*ret = LINK_MPLS;
		return true;
	default:
		return false;
	}
}

static bool
put_header(struct samples *s, struct rd r)
{
	uint32_t protocol = rd_u32(&r), frame_len = rd_u32(&r), stripped = rd_u32(&r), len = 0;
	const uint8_t *header = sflow_octets(&r, &len);
	struct frame f = {.stop = FRAME_DONE};
	enum frame_link link = LINK_ETHERNET;

	if (header == NULL)
		return false;
	if (link_of(protocol, &link))
		f = frame_walk(link, header, len);
	s->ip_version = f.ip_version;
	s->has_mac = f.to_mac != NULL;
	if (f.ip_version != 0 && f.ip_len > 0)
		put_octets(s, f.ip_len);
	else if (link == LINK_RAW)
		put_octets(s, frame_len);
	if (link != LINK_RAW)
		put_frame_octets(s, frame_len);
	samples_number(s, PEN_SFLOW, SFLOW_HEADER_PROTOCOL, 4, protocol);
	samples_number(s, PEN_SFLOW, SFLOW_STRIPPED, 4, stripped);
	put_link(s, &f);
	put_ip(s, &f);
	put_transport(s, &f);
	put_inner(s, &f);
	if (f.ip_version == 0 && len > 0)
		samples_bytes(
		    s, 0, IE_FRAME_SECTION, header, len < SAMPLES_SECTION_MOST ? len : SAMPLES_SECTION_MOST);
	return true;
}

static bool
put_ethernet(struct samples *s, struct rd r)
{
	uint32_t len = rd_u32(&r), type;
	const uint8_t *from = rd_bytes(&r, 8), *to = rd_bytes(&r, 8);

	type = rd_u32(&r);
	if (!rd_ok(&r))
		return false;
	if (s->has_mac) /* the header said it */
		return true;
	put_frame_octets(s, len);
	samples_bytes(s, 0, IE_DST_MAC, to, 6);
	samples_bytes(s, 0, IE_SRC_MAC, from, 6);
	samples_number(s, 0, IE_ETHERTYPE, 2, type);
	return true;
}

/* Sampled IPv4 and IPv6 differ in the addresses alone. */
static bool
put_sampled_ip(struct samples *s, struct rd r, uint8_t version)
{
	struct frame f = {.ip_version = version, .has_protocol = true};
	size_t size = version == 4 ? 4 : 16;
	uint32_t len = rd_u32(&r), flags;

	f.protocol = (uint8_t)rd_u32(&r);
	f.from = rd_bytes(&r, size);
	f.to = rd_bytes(&r, size);
	f.from_port = (uint16_t)rd_u32(&r);
	f.to_port = (uint16_t)rd_u32(&r);
	flags = rd_u32(&r);
	f.tos = (uint8_t)rd_u32(&r);
	if (!rd_ok(&r))
		return false;
	if (s->ip_version != 0)
		return true;
	s->ip_version = version;
	put_octets(s, len);
	samples_number(s, 0, IE_IP_VERSION, 1, version);
	samples_bytes(s, 0, version == 4 ? IE_SRC_IPV4 : IE_SRC_IPV6, f.from, size);
	samples_bytes(s, 0, version == 4 ? IE_DST_IPV4 : IE_DST_IPV6, f.to, size);
	samples_number(s, 0, IE_PROTOCOL, 1, f.protocol);
	samples_number(s, 0, IE_TOS, 1, f.tos);
	f.has_ports = true;
	f.has_tcp_flags = f.protocol == IP_TCP;
	f.tcp_flags = flags & 0x0fff;
	put_transport(s, &f);
	return true;
}

static bool
put_ipv4(struct samples *s, struct rd r)
{
	return put_sampled_ip(s, r, 4);
}

static bool
put_ipv6(struct samples *s, struct rd r)
{
	return put_sampled_ip(s, r, 6);
}

static bool
put_switch(struct samples *s, struct rd r)
{
	uint32_t v[4]; /* VLAN and priority, incoming and outgoing */

	for (int i = 0; i < 4; i++)
		v[i] = rd_u32(&r);
	if (!rd_ok(&r))
		return false;
	put_known(s, 0, IE_VLAN, 2, v[0]);
	put_known(s, PEN_SFLOW, SFLOW_INGRESS_PRIORITY, 4, v[1]);
	put_known(s, 0, IE_POST_VLAN, 2, v[2]);
	put_known(s, PEN_SFLOW, SFLOW_EGRESS_PRIORITY, 4, v[3]);
	return true;
}

static bool
put_router(struct samples *s, struct rd r)
{
	struct sflow_address hop = sflow_address(&r);
	uint32_t from = rd_u32(&r), to = rd_u32(&r);
	uint8_t version = s->ip_version != 0 ? s->ip_version : hop.version;

	if (!rd_ok(&r))
		return false;
	put_address(s, &hop, IE_NEXT_HOP_IPV4, IE_NEXT_HOP_IPV6);
	samples_number(s, 0, version == 6 ? IE_SRC_MASK_IPV6 : IE_SRC_MASK_IPV4, 1, from);
	samples_number(s, 0, version == 6 ? IE_DST_MASK_IPV6 : IE_DST_MASK_IPV4, 1, to);
	return true;
}

/* A list of numbers, each a field of its own. */
static void
put_list(struct samples *s, struct rd r, uint32_t pen, uint16_t id)
{
	for (int i = 0; rd_left(&r) >= 4 && i < SAMPLES_LIST_MOST; i++)
		samples_number(s, pen, id, 4, rd_u32(&r));
}

static struct rd
take_list(struct rd *r)
{
	uint32_t count = rd_u32(r);

	return rd_sub(r, 4 * (size_t)count);
}

static bool
put_gateway(struct samples *s, struct rd r)
{
	struct sflow_address hop = sflow_address(&r);
	uint32_t own = rd_u32(&r), from = rd_u32(&r), from_peer = rd_u32(&r), segments = rd_u32(&r), local;
	uint32_t first = 0, last = 0;
	struct rd path = r, communities;
	bool any = false;

	for (uint32_t i = 0; i < segments && rd_ok(&r); i++) {
		struct rd list = (rd_skip(&r, 4), take_list(&r)); /* a sequence or a set */

		for (; rd_left(&list) >= 4; any = true) {
			last = rd_u32(&list);
			first = any ? first : last;
		}
	}
	communities = take_list(&r);
	local = rd_u32(&r);
	if (!rd_ok(&r))
		return false;
	put_address(s, &hop, IE_BGP_NEXT_HOP_IPV4, IE_BGP_NEXT_HOP_IPV6);
	samples_number(s, 0, IE_SRC_AS, 4, from);
	if (any)
		samples_number(s, 0, IE_DST_AS, 4, last);
	samples_number(s, 0, IE_PREV_AS, 4, from_peer);
	if (any)
		samples_number(s, 0, IE_NEXT_AS, 4, first);
	samples_number(s, PEN_SFLOW, SFLOW_ROUTER_AS, 4, own);
	for (uint32_t i = 0; i < segments && i < SAMPLES_LIST_MOST; i++) {
		rd_skip(&path, 4);
		put_list(s, take_list(&path), PEN_SFLOW, SFLOW_AS_PATH);
	}
	put_list(s, communities, 0, IE_BGP_COMMUNITY);
	samples_number(s, PEN_SFLOW, SFLOW_LOCAL_PREFERENCE, 4, local);
	return true;
}

static bool
put_user(struct samples *s, struct rd r)
{
	const uint8_t *from, *to;
	uint32_t from_len = 0, to_len = 0;

	rd_skip(&r, 4); /* character sets: UTF-8 in all practice */
	from = sflow_octets(&r, &from_len);
	rd_skip(&r, 4);
	to = sflow_octets(&r, &to_len);
	if (from == NULL || to == NULL)
		return false;
	put_text(s, 0, IE_USER_NAME, from, from_len);
	put_text(s, PEN_SFLOW, SFLOW_DESTINATION_USER, to, to_len);
	return true;
}

static bool
put_url(struct samples *s, struct rd r)
{
	uint32_t direction = rd_u32(&r), url_len = 0, host_len = 0;
	const uint8_t *url = sflow_octets(&r, &url_len), *host = sflow_octets(&r, &host_len);

	if (url == NULL || host == NULL)
		return false;
	samples_number(s, PEN_SFLOW, SFLOW_URL_DIRECTION, 4, direction);
	put_text(s, 0, IE_HTTP_TARGET, url, url_len);
	put_text(s, 0, IE_HTTP_HOST, host, host_len);
	return true;
}

static bool
put_mpls(struct samples *s, struct rd r)
{
	struct sflow_address hop = sflow_address(&r);
	struct rd in = take_list(&r), out = take_list(&r);

	if (!rd_ok(&r))
		return false;
	put_address(s, &hop, IE_NEXT_HOP_IPV4, IE_NEXT_HOP_IPV6);
	put_list(s, in, PEN_SFLOW, SFLOW_MPLS_IN);
	put_list(s, out, PEN_SFLOW, SFLOW_MPLS_OUT);
	return true;
}

static bool
put_nat(struct samples *s, struct rd r)
{
	struct sflow_address from = sflow_address(&r), to = sflow_address(&r);

	if (!rd_ok(&r))
		return false;
	put_address(s, &from, IE_NAT_SRC_IPV4, IE_NAT_SRC_IPV6);
	put_address(s, &to, IE_NAT_DST_IPV4, IE_NAT_DST_IPV6);
	return true;
}

static bool
put_nat_ports(struct samples *s, struct rd r)
{
	uint32_t from = rd_u32(&r), to = rd_u32(&r);

	if (!rd_ok(&r))
		return false;
	samples_number(s, 0, IE_NAT_SRC_PORT, 2, from);
	samples_number(s, 0, IE_NAT_DST_PORT, 2, to);
	return true;
}

static bool
put_queue(struct samples *s, struct rd r)
{
	uint32_t queue = rd_u32(&r);

	if (rd_ok(&r))
		samples_number(s, PEN_SFLOW, SFLOW_EGRESS_QUEUE, 4, queue);
	return rd_ok(&r);
}

static bool
put_acl(struct samples *s, struct rd r)
{
	uint32_t number = rd_u32(&r), len = 0, direction;
	const uint8_t *name = sflow_octets(&r, &len);

	direction = rd_u32(&r);
	if (!rd_ok(&r))
		return false;
	samples_number(s, PEN_SFLOW, SFLOW_ACL_NUMBER, 4, number);
	put_text(s, PEN_SFLOW, SFLOW_ACL_NAME, name, len);
	samples_number(s, PEN_SFLOW, SFLOW_ACL_DIRECTION, 4, direction);
	return true;
}

static bool
put_function(struct samples *s, struct rd r)
{
	uint32_t len = 0;
	const uint8_t *name = sflow_octets(&r, &len);

	if (name != NULL)
		put_text(s, PEN_SFLOW, SFLOW_FUNCTION, name, len);
	return name != NULL;
}

/* In the order in which they are put: the packet first, since others say what belongs to it. */
static const struct samples_format formats[] = {
    {1, put_header},
    {2, put_ethernet},
    {3, put_ipv4},
    {4, put_ipv6},
    {1001, put_switch},
    {1002, put_router},
    {1003, put_gateway},
    {1004, put_user},
    {1005, put_url},
    {1006, put_mpls},
    {1007, put_nat},
    {1020, put_nat_ports},
    {1036, put_queue},
    {1037, put_acl},
    {1038, put_function},
};

const struct samples_format *
samples_flow(size_t *ret_count)
{
	*ret_count = sizeof(formats) / sizeof(formats[0]);
	return formats;
}
