/* SPDX-License-Identifier: ISC
 *
 * Captured frames: each link type, tags, extension headers, fragments, frames cut by the capture; every prefix
 * of a frame, in memory of its exact size.
 */
#include "node/packet.h"

#include <stdlib.h>

#include "base/wr.h"
#include "tests/tap.h"

#define PAYLOAD "what was exported"
#define PAYLOAD_LEN (sizeof(PAYLOAD) - 1)

static uint8_t frame[512];

static void
put_udp(struct wr *w, size_t len)
{
	wr_u16(w, 9991);
	wr_u16(w, 2055);
	wr_u16(w, (uint16_t)len);
	wr_u16(w, 0);
	wr_bytes(w, PAYLOAD, PAYLOAD_LEN);
}

/* fragment: the header's flags and offset; more: bytes that the header claims beyond the truth. */
static void
put_v4(struct wr *w, uint8_t protocol, uint16_t fragment, int more)
{
	wr_u8(w, 0x46); /* one word of options */
	wr_u8(w, 0);
	wr_u16(w, (uint16_t)(24 + 8 + (int)PAYLOAD_LEN + more));
	wr_u16(w, 1);
	wr_u16(w, fragment);
	wr_u8(w, 64);
	wr_u8(w, protocol);
	wr_u16(w, 0);
	wr_u32(w, 0xc0000201);
	wr_u32(w, 0xef010101);
	wr_u32(w, 0x01010101);
	put_udp(w, 8 + PAYLOAD_LEN);
}

/* fragment: of a fragment header; -1: there is none. */
static void
put_v6(struct wr *w, bool extensions, int fragment)
{
	wr_u32(w, 0x60000000);
	wr_u16(w, (uint16_t)(8 + PAYLOAD_LEN + (extensions ? 24 : 0) + (fragment >= 0 ? 8 : 0)));
	wr_u8(w, extensions ? 0 : fragment >= 0 ? 44 : 17);
	wr_u8(w, 64);
	wr_bytes(w, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16);
	wr_bytes(w, "\xff\x05\0\0\0\0\0\0\0\0\0\0\0\0\0\7", 16);
	if (extensions) {
		wr_u8(w, 60); /* hop by hop, then destination options of two units */
		wr_u8(w, 0);
		wr_zeros(w, 6);
		wr_u8(w, fragment >= 0 ? 44 : 17);
		wr_u8(w, 1);
		wr_zeros(w, 14);
	}
	if (fragment >= 0) {
		wr_u8(w, 17);
		wr_u8(w, 0xff); /* reserved */
		wr_u16(w, (uint16_t)fragment);
		wr_u32(w, 1);
	}
	put_udp(w, 8 + PAYLOAD_LEN);
}

static void
put_ethernet(struct wr *w, const char *types)
{
	wr_zeros(w, 12);
	for (; *types != '\0'; types++) {
		switch (*types) {
		case 'v':
			wr_u32(w, 0x81000005);
			break;
		case 'q':
			wr_u32(w, 0x88a80006);
			break;
		case '4':
			wr_u16(w, 0x0800);
			break;
		case '6':
			wr_u16(w, 0x86dd);
			break;
		default:
			wr_u16(w, 0x0806);
			break;
		}
	}
}

/* Every prefix is refused, or is the datagram with its end cut off. */
static void
prefixes(enum frame_link link, size_t len, const char *name)
{
	size_t bad = 0;

	for (size_t i = 0; i < len; i++) {
		uint8_t *copy = malloc(i > 0 ? i : 1);
		struct packet p;

		memcpy(copy, frame, i);
		if (packet_parse(link, copy, i, &p) == PACKET_UDP &&
		    (!p.cut || p.len != PAYLOAD_LEN - (len - i) || memcmp(p.payload, PAYLOAD, p.len) != 0))
			bad++;
		free(copy);
	}
	is_u64(bad, 0, "%s: every prefix", name);
}

static void
is_udp(enum frame_link link, const struct wr *w, bool v4, const char *name)
{
	char from[ADDR_TEXT_SIZE], to[ADDR_TEXT_SIZE];
	struct packet p;

	if (!ok(packet_parse(link, frame, wr_len(w), &p) == PACKET_UDP, "%s: is UDP", name))
		return;
	is_text(addr_text(&p.from, from), v4 ? "192.0.2.1" : "2001:db8::1", "%s: from", name);
	is_text(addr_text(&p.to, to), v4 ? "239.1.1.1" : "ff05::7", "%s: to", name);
	ok(p.from_port == 9991 && p.to_port == 2055, "%s: ports", name);
	ok(!p.cut && p.len == PAYLOAD_LEN && memcmp(p.payload, PAYLOAD, p.len) == 0, "%s: payload", name);
	prefixes(link, wr_len(w), name);
}

static void
is_kind(enum frame_link link, const struct wr *w, enum packet_kind want, const char *name)
{
	struct packet p;

	is_u64(packet_parse(link, frame, wr_len(w), &p), want, "%s", name);
}

static void
links(void)
{
	static const char *const types[] = {"4", "6", "v4", "v6", "qv4", "qv6"};
	struct wr w;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		bool v4 = types[i][strlen(types[i]) - 1] == '4';

		w = wr_init(frame, sizeof(frame));
		put_ethernet(&w, types[i]);
		if (v4)
			put_v4(&w, 17, 0, 0);
		else
			put_v6(&w, false, -1);
		is_udp(LINK_ETHERNET, &w, v4, types[i]);
	}
	w = wr_init(frame, sizeof(frame));
	put_v4(&w, 17, 0x4000, 0);
	is_udp(LINK_RAW, &w, true, "raw IPv4, not to be fragmented");
	w = wr_init(frame, sizeof(frame));
	put_v6(&w, true, -1);
	is_udp(LINK_RAW, &w, false, "raw IPv6 with extension headers");
	w = wr_init(frame, sizeof(frame));
	put_v6(&w, true, 0);
	is_udp(LINK_RAW, &w, false, "an IPv6 fragment that is all of it");
	w = wr_init(frame, sizeof(frame));
	wr_zeros(&w, 14);
	wr_u16(&w, 0x0800);
	put_v4(&w, 17, 0, 0);
	is_udp(LINK_COOKED, &w, true, "Linux cooked");
	w = wr_init(frame, sizeof(frame));
	wr_u16(&w, 0x86dd);
	wr_zeros(&w, 18);
	put_v6(&w, false, -1);
	is_udp(LINK_COOKED2, &w, false, "Linux cooked 2");
	w = wr_init(frame, sizeof(frame));
	wr_u32(&w, 2);
	put_v4(&w, 17, 0, 0);
	is_udp(LINK_NULL, &w, true, "loopback");
}

static void
others(void)
{
	struct wr w = wr_init(frame, sizeof(frame));

	put_ethernet(&w, "a");
	put_v4(&w, 17, 0, 0);
	is_kind(LINK_ETHERNET, &w, PACKET_OTHER, "ARP");
	w = wr_init(frame, sizeof(frame));
	put_v4(&w, 6, 0, 0);
	is_kind(LINK_RAW, &w, PACKET_OTHER, "TCP");
	w = wr_init(frame, sizeof(frame));
	put_v4(&w, 17, 0x2000, 0);
	is_kind(LINK_RAW, &w, PACKET_FRAGMENT, "a first fragment");
	w = wr_init(frame, sizeof(frame));
	put_v4(&w, 17, 0x00b9, 0);
	is_kind(LINK_RAW, &w, PACKET_FRAGMENT, "a last fragment");
	w = wr_init(frame, sizeof(frame));
	put_v6(&w, false, 1);
	is_kind(LINK_RAW, &w, PACKET_FRAGMENT, "a first IPv6 fragment");
	w = wr_init(frame, sizeof(frame));
	put_v6(&w, true, 0x05a8);
	is_kind(LINK_RAW, &w, PACKET_FRAGMENT, "a last IPv6 fragment");
	w = wr_init(frame, sizeof(frame));
	put_v4(&w, 17, 0, -1);
	is_kind(LINK_RAW, &w, PACKET_BAD, "UDP longer than its IP packet");
	w = wr_init(frame, sizeof(frame));
	put_v4(&w, 17, 0, -40);
	is_kind(LINK_RAW, &w, PACKET_BAD, "IP shorter than its header");
	w = wr_init(frame, sizeof(frame));
	put_v4(&w, 17, 0, 0);
	frame[0] = 0x44;
	is_kind(LINK_RAW, &w, PACKET_BAD, "a header length of 16");
	frame[0] = 0x50;
	is_kind(LINK_RAW, &w, PACKET_OTHER, "IP version 5");
	w = wr_init(frame, sizeof(frame));
	put_v4(&w, 17, 0, 0);
	frame[24 + 5] = 7;
	is_kind(LINK_RAW, &w, PACKET_BAD, "a UDP length of 7");
	/* Ethernet pads short frames: what stands behind the IP packet is not of it. */
	w = wr_init(frame, sizeof(frame));
	put_v4(&w, 17, 0, 0);
	wr_zeros(&w, 20);
	is_udp(LINK_RAW, &(struct wr){.base = w.base, .at = w.at - 20, .end = w.end}, true, "before padding");
}

int
main(void)
{
	links();
	others();
	return done_testing();
}
