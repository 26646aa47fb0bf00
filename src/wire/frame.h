/* SPDX-License-Identifier: ISC
 *
 * The headers of one packet: Ethernet, VLAN tags, MPLS labels, IPv4 or IPv6 with extension headers, ports, and
 * one tunnel more (VXLAN, GRE). Serves the packets that sFlow samples, of which only the beginning is there, and
 * the frames of captures. Checksums are not looked at: a sender's own captures have none.
 */
#ifndef FLOWBRAID_WIRE_FRAME_H
#define FLOWBRAID_WIRE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rd.h"

/* What a packet begins with. */
enum frame_link {
	LINK_ETHERNET,
	LINK_RAW,
	LINK_COOKED,
	LINK_COOKED2,
	LINK_NULL,
	LINK_MPLS,
	LINK_COUNT_OF_KINDS
};

/* Why there is nothing behind what was read. */
enum frame_stop {
	FRAME_DONE, /* all that is known was read */
	FRAME_CUT,  /* the bytes end inside of a header */
	FRAME_BAD,  /* a length that cannot be */
};

enum frame_tunnel { TUNNEL_NONE, TUNNEL_VXLAN, TUNNEL_GRE };

enum {
	IP_ICMP = 1,
	IP_TCP = 6,
	IP_UDP = 17,
	IP_GRE = 47,
	IP_ICMPV6 = 58,
};

#define FRAME_TAGS_MOST 4    /* VLAN tags that are passed over; the first two are told */
#define FRAME_LABELS_MOST 10 /* of MPLS; IANA has elements for as many */

/* Pointers point into the packet. What was not there is 0, NULL or false. */
struct frame {
	enum frame_stop stop;
	const uint8_t *to_mac, *from_mac;
	bool has_ethertype;
	uint16_t ethertype; /* behind the tags */
	uint8_t tag_count;
	uint16_t tags[2]; /* outermost first: priority, DEI, VLAN */
	uint8_t label_count;
	uint32_t labels[FRAME_LABELS_MOST]; /* top first: label, class, bottom, TTL */
	uint8_t ip_version;                 /* 4, 6; 0: no whole IP header */
	uint8_t tos, ttl;
	uint32_t ip_len; /* header and payload, as the header says */
	uint32_t flow_label;
	const uint8_t *from, *to; /* 4 or 16 bytes */
	bool has_protocol;        /* not when extension headers are cut */
	uint8_t protocol;         /* behind the extension headers */
	bool has_fragment;        /* always in IPv4 */
	bool fragment_more;
	uint8_t fragment_flags;   /* as in IPv4's header, the highest three bits */
	uint16_t fragment_offset; /* in units of 8 octets */
	uint32_t fragment_id;
	bool has_ports;
	uint16_t from_port, to_port;
	bool has_tcp_flags;
	uint16_t tcp_flags; /* 12 bits */
	bool has_icmp;
	uint8_t icmp_type, icmp_code;
	/* of a frame found by frame_inner: how it was wrapped */
	enum frame_tunnel tunnel;
	bool has_tunnel_id;
	uint32_t tunnel_id; /* VXLAN's network identifier, GRE's key */
	/* behind the last header that was read: as much as is there, and what the headers say there was */
	struct rd payload;
	size_t payload_len;
};

struct frame frame_walk(enum frame_link link, const uint8_t *bytes, size_t len);

/* The packet in a VXLAN or GRE packet. False when it is neither, or when its tunnel's header is cut. */
bool frame_inner(const struct frame *outer, struct frame *ret);

#endif
