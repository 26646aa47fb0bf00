/* SPDX-License-Identifier: ISC
 *
 * Headers of packets, each cut at each place.
 */
#include "wire/frame.h"

#include <stdlib.h>
#include <string.h>

#include "tests/sample.h"
#include "tests/tap.h"

static const uint8_t mpls[] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0x47, 0x00, 0x06, 0x40, 0x3f, 0x00,
    0x06, 0x5b, 0x40, 0x45, 0, 0, 28, 0, 1, 0, 0, 64, 1, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2, 8, 3, 0, 0, 0, 0,
    0, 0};
/* hop-by-hop, destination options of 16 bytes, AH of 12, then UDP 1000 to 2000 with 4 bytes */
static const uint8_t v6[] = {0x6a, 0xb1, 0x23, 0x45, 0, 48, 0, 63, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 1, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 60, 0, 1, 4, 0, 0, 0, 0, 51, 1, 1,
    12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 17, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0x03, 0xe8, 0x07, 0xd0, 0,
    12, 0, 0, 1, 2, 3, 4};
/* GRE with key 7 and sequence: IPv4 TCP 1 to 2 */
static const uint8_t gre[] = {0x45, 0, 0, 72, 0, 0, 0, 0, 64, 47, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0x30, 0,
    0x08, 0x00, 0, 0, 0, 7, 0, 0, 0, 1, 0x45, 0, 0, 40, 0, 0, 0, 0, 63, 6, 0, 0, 10, 1, 0, 1, 10, 1, 0, 2, 0,
    1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0x51, 0x12, 0, 0, 0, 0, 0, 0};

static void
test_tags(void)
{
	struct frame f = frame_walk(LINK_ETHERNET, sample_tcp, sizeof(sample_tcp));

	ok(f.stop == FRAME_DONE && f.to_mac == sample_tcp && f.from_mac == sample_tcp + 6, "Ethernet");
	ok(f.tag_count == 2 && f.tags[0] == 0x2064 && f.tags[1] == 0x40c8 && f.ethertype == 0x0800,
	    "two tags");
	ok(f.ip_version == 4 && f.tos == 0xb8 && f.ttl == 61 && f.ip_len == 1500 && f.from[0] == 192 &&
		f.to[3] == 2,
	    "IPv4");
	ok(f.has_fragment && f.fragment_id == 0x1234 && f.fragment_flags == 0x40 && f.fragment_offset == 0,
	    "its fragment");
	ok(f.has_ports && f.from_port == 40000 && f.to_port == 443 && f.has_tcp_flags && f.tcp_flags == 0x01b,
	    "TCP");
}

static void
test_mpls(void)
{
	struct frame f = frame_walk(LINK_ETHERNET, mpls, sizeof(mpls));

	ok(f.stop == FRAME_DONE && f.label_count == 2 && f.labels[0] == 0x0006403f &&
		f.labels[1] == 0x00065b40,
	    "MPLS labels");
	ok(f.ip_version == 4 && f.has_icmp && f.icmp_type == 8 && f.icmp_code == 3 && !f.has_ports,
	    "ICMP under them");
	f = frame_walk(LINK_MPLS, mpls + 14, sizeof(mpls) - 14);
	ok(f.label_count == 2 && f.has_icmp && f.to_mac == NULL, "MPLS without Ethernet");
}

static void
test_v6(void)
{
	uint8_t copy[sizeof(v6)];
	struct frame f = frame_walk(LINK_RAW, v6, sizeof(v6));

	ok(f.stop == FRAME_DONE && f.ip_version == 6 && f.tos == 0xab && f.flow_label == 0x12345 &&
		f.ttl == 63 && f.ip_len == 88,
	    "IPv6");
	ok(f.has_protocol && f.protocol == IP_UDP && f.from_port == 1000 && f.to_port == 2000,
	    "UDP behind three extension headers");
	ok(rd_left(&f.payload) == 4 && f.payload_len == 4 && *f.payload.at == 1, "its payload");
	memcpy(copy, v6, sizeof(v6));
	copy[40] = 44; /* the second header is a fragment's: behind the first */
	copy[50] = 0;
	copy[51] = 9; /* offset 1, more */
	f = frame_walk(LINK_RAW, copy, sizeof(copy));
	ok(f.has_fragment && f.fragment_offset == 1 && f.fragment_more && f.protocol == 51 && !f.has_ports,
	    "a later fragment has no ports");
	memcpy(copy, v6, sizeof(v6));
	copy[41] = 200;
	f = frame_walk(LINK_RAW, copy, sizeof(copy));
	ok(f.stop != FRAME_DONE && !f.has_protocol && f.ip_version == 6,
	    "an extension header longer than the packet");
	copy[41] = 0;
	copy[5] = 15;
	f = frame_walk(LINK_RAW, copy, sizeof(copy));
	ok(f.stop == FRAME_BAD && !f.has_protocol, "extension headers longer than the payload");
}

static void
test_tunnels(void)
{
	struct frame f = frame_walk(LINK_ETHERNET, sample_vxlan, sizeof(sample_vxlan)),
		     g = {.stop = FRAME_BAD};
	uint8_t copy[sizeof(sample_vxlan)];

	ok(f.to_port == 4789 && f.ip_version == 4, "a packet for VXLAN's port");
	ok(frame_inner(&f, &g) && g.tunnel == TUNNEL_VXLAN && g.tunnel_id == 100, "VXLAN");
	ok(g.ip_version == 6 && g.from_port == 5353 && g.to_port == 53 && g.to_mac[5] == 5 &&
		g.stop == FRAME_DONE,
	    "the packet in it");
	ok(!frame_inner(&g, &g), "which is no tunnel");
	memcpy(copy, sample_vxlan, sizeof(copy));
	copy[42] = 0;
	f = frame_walk(LINK_ETHERNET, copy, sizeof(copy));
	ok(!frame_inner(&f, &g), "no VXLAN without its flag");
	f = frame_walk(LINK_RAW, gre, sizeof(gre));
	ok(f.protocol == IP_GRE && frame_inner(&f, &g) && g.tunnel == TUNNEL_GRE && g.has_tunnel_id &&
		g.tunnel_id == 7,
	    "GRE with a key");
	ok(g.ip_version == 4 && g.from_port == 1 && g.to_port == 2 && g.tcp_flags == 0x112,
	    "the packet in it");
	memcpy(copy, gre, sizeof(gre));
	copy[20] = 0x40;
	f = frame_walk(LINK_RAW, copy, sizeof(gre));
	ok(!frame_inner(&f, &g), "GRE with source routes is left alone");
	memcpy(copy, gre, sizeof(gre));
	copy[22] = 0x65, copy[23] = 0x58;
	f = frame_walk(LINK_RAW, copy, sizeof(gre));
	ok(frame_inner(&f, &g) && g.to_mac == copy + 32, "Ethernet in GRE");
}

/* What was behind the cut is not there; what was before it is as in the whole. */
static void
check_prefixes(enum frame_link link, const uint8_t *bytes, size_t len, const char *name)
{
	struct frame whole = frame_walk(link, bytes, len);
	size_t bad = 0;

	for (size_t n = 0; n < len; n++) {
		uint8_t *copy = malloc(n > 0 ? n : 1);
		struct frame f, inner;

		if (copy == NULL)
			abort();
		memcpy(copy, bytes, n);
		f = frame_walk(link, copy, n);
		bad += f.stop == FRAME_BAD;
		bad += f.stop == FRAME_DONE && f.has_ports != whole.has_ports && f.has_icmp != whole.has_icmp;
		bad += f.ip_version != 0 && f.ip_version != whole.ip_version;
		bad += f.has_ports && (f.from_port != whole.from_port || f.to_port != whole.to_port);
		bad += f.has_tcp_flags && f.tcp_flags != whole.tcp_flags;
		bad += f.has_icmp && (f.icmp_type != whole.icmp_type || f.icmp_code != whole.icmp_code);
		bad += f.has_protocol &&
		    (f.protocol != whole.protocol || rd_left(&f.payload) > f.payload_len);
		bad += f.tag_count > whole.tag_count || f.label_count > whole.label_count;
		bad += f.payload.at != NULL && f.payload.end > copy + n;
		if (frame_inner(&f, &inner))
			bad += inner.payload.at != NULL && inner.payload.end > copy + n;
		free(copy);
	}
	is_u64(bad, 0, "%s, each prefix", name);
}

static void
test_bad(void)
{
	uint8_t copy[sizeof(sample_tcp)];
	struct frame f;

	memcpy(copy, sample_tcp, sizeof(copy));
	copy[22] = 0x44; /* a header of 16 bytes */
	f = frame_walk(LINK_ETHERNET, copy, sizeof(copy));
	ok(f.stop == FRAME_BAD && f.ip_version == 4 && !f.has_protocol, "an IPv4 header that is too short");
	copy[22] = 0x45;
	copy[24] = 0, copy[25] = 19;
	f = frame_walk(LINK_ETHERNET, copy, sizeof(copy));
	ok(f.stop == FRAME_BAD, "an IPv4 packet shorter than its header");
	copy[25] = 24;
	f = frame_walk(LINK_ETHERNET, copy, sizeof(copy));
	ok(f.stop == FRAME_CUT && f.has_ports && !f.has_tcp_flags,
	    "what stands behind the IP packet is no part of it");
	copy[22] = 0x55;
	f = frame_walk(LINK_ETHERNET, copy, sizeof(copy));
	ok(f.stop == FRAME_DONE && f.ip_version == 0 && f.has_ethertype, "IP of another version");
	f = frame_walk(LINK_COUNT_OF_KINDS, copy, sizeof(copy));
	ok(f.ip_version == 0, "no kind of link");
}

int
main(void)
{
	test_tags();
	test_mpls();
	test_v6();
	test_tunnels();
	check_prefixes(LINK_ETHERNET, sample_tcp, sizeof(sample_tcp), "tags and TCP");
	check_prefixes(LINK_ETHERNET, sample_vxlan, sizeof(sample_vxlan), "VXLAN");
	check_prefixes(LINK_ETHERNET, mpls, sizeof(mpls), "MPLS and ICMP");
	check_prefixes(LINK_RAW, v6, sizeof(v6), "IPv6");
	check_prefixes(LINK_RAW, gre, sizeof(gre), "GRE");
	test_bad();
	return done_testing();
}
