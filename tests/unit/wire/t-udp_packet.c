/* SPDX-License-Identifier: ISC
 *
 * Packets for raw sockets, read back by the reader of frames; their checksums are summed up here in another way.
 */
#include "wire/udp_packet.h"

#include <stdlib.h>

#include "tests/tap.h"
#include "wire/frame.h"

static uint8_t packet[UDP_PACKET_MOST];
static uint8_t payload[65536];

/* RFC 1071: the sum over pseudo header and datagram, checksum included, is all ones. */
static bool
sums_up(const struct udp_ends *e, size_t head, size_t len)
{
	bool v6 = head == 40;
	uint64_t sum = 17 + (len - head);

	for (size_t i = v6 ? 0 : 12; i < 16; i++)
		sum += (uint64_t)(e->from.b[i] + e->to.b[i]) << (i % 2 == 0 ? 8 : 0);
	for (size_t i = head; i < len; i++)
		sum += (uint64_t)packet[i] << ((i - head) % 2 == 0 ? 8 : 0);
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff;
}

static void
one(const char *from, const char *to, size_t len)
{
	struct udp_ends e = {.from_port = 40000, .to_port = 2055, .hops = 7};
	struct frame f;
	size_t all, head;

	if (!addr_parse(from, &e.from) || !addr_parse(to, &e.to))
		abort();
	head = addr_is_v4(&e.to) ? 20 : 40;
	all = udp_packet_make(&e, payload, len, packet);
	is_u64(all, head + 8 + len, "%s, %zu bytes: as long", to, len);
	f = frame_walk(LINK_RAW, packet, all);
	ok(f.stop == FRAME_DONE && f.ip_version == (head == 20 ? 4 : 6) && f.protocol == IP_UDP && f.ttl == 7,
	    "a packet of UDP, with its hops");
	ok(memcmp(f.from, e.from.b + (head == 20 ? 12 : 0), head == 20 ? 4 : 16) == 0 &&
		memcmp(f.to, e.to.b + (head == 20 ? 12 : 0), head == 20 ? 4 : 16) == 0,
	    "from and to");
	ok(f.from_port == 40000 && f.to_port == 2055, "ports");
	ok(memcmp(packet + head + 8, payload, len) == 0, "the payload");
	ok(sums_up(&e, head, all) && (packet[head + 6] | packet[head + 7]) != 0, "the checksum");
}

/* A checksum that comes out as 0 would mean that there is none. */
static void
no_zero_checksum(void)
{
	struct udp_ends e = {.from_port = 1, .to_port = 2, .hops = 1};
	unsigned ones = 0;
	bool all_right = true;

	if (!addr_parse("192.0.2.1", &e.from) || !addr_parse("192.0.2.2", &e.to))
		abort();
	for (unsigned i = 0; i < 65536; i++) {
		uint8_t two[2] = {(uint8_t)(i >> 8), (uint8_t)i};
		size_t len = udp_packet_make(&e, two, 2, packet);

		all_right &= (packet[26] | packet[27]) != 0 && sums_up(&e, 20, len);
		ones += packet[26] == 0xff && packet[27] == 0xff;
	}
	ok(all_right, "no payload of two bytes has a checksum of 0");
	is_u64(ones, 1, "the one that would have it has that of all ones");
}

/* Put together again by offsets, whatever the link takes. */
static void
test_fragments(const char *from, const char *to, size_t len, size_t mtu)
{
	static uint8_t out[UDP_PACKET_MOST], back[UDP_PACKET_MOST];
	struct udp_ends e = {.from_port = 40000, .to_port = 2055, .hops = 7};
	struct udp_fragments f = {.packet = packet, .mtu = mtu, .id = 65535 + 9};
	size_t head, n, got = 0;
	bool good = true, last = false;

	if (!addr_parse(from, &e.from) || !addr_parse(to, &e.to))
		abort();
	head = addr_is_v4(&e.to) ? 20 : 40;
	f.len = udp_packet_make(&e, payload, len, packet);
	while ((n = udp_fragment_next(&f, out)) > 0) {
		struct frame one = frame_walk(LINK_RAW, out, n);
		size_t at = (size_t)one.fragment_offset * 8, heads = head + (head == 40 ? 8 : 0);

		good &= n <= mtu && !last && one.has_fragment && at == got &&
		    one.fragment_id == (head == 20 ? 10 : 65544) && one.protocol == IP_UDP && one.ttl == 7 &&
		    one.ip_len == n;
		memcpy(back + at, out + heads, n - heads);
		got += n - heads;
		last = !one.fragment_more;
	}
	ok(good && last, "%s, %zu bytes for %zu: fragments in order, of one packet", to, len, mtu);
	ok(got == f.len - head && memcmp(back, packet + head, got) == 0, "that are the whole");
}

int
main(void)
{
	struct udp_ends e = {.hops = 1};

	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 7 + i / 251);
	one("192.0.2.1", "192.0.2.2", 0);
	one("192.0.2.1", "239.1.2.3", 1);
	one("192.0.2.1", "192.0.2.2", 1464);
	one("192.0.2.1", "192.0.2.2", 65507);
	one("2001:db8::1", "2001:db8::2", 1465);
	one("2001:db8::1", "ff05::2", 65527);
	memset(payload, 0xff, sizeof(payload));
	one("255.255.255.255", "255.255.255.255", 65507);
	no_zero_checksum();
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 11 + i / 253);
	for (size_t mtu = 68; mtu < 100; mtu++) {
		test_fragments("192.0.2.1", "192.0.2.2", 301, mtu);
		test_fragments("2001:db8::1", "2001:db8::2", 301, mtu);
	}
	test_fragments("192.0.2.1", "192.0.2.2", 65507, 1500);
	test_fragments("2001:db8::1", "2001:db8::2", 1464, 1500);
	test_fragments("2001:db8::1", "2001:db8::2", 65527, 1280);
	if (!addr_parse("192.0.2.1", &e.from) || !addr_parse("2001:db8::2", &e.to))
		abort();
	is_u64(udp_packet_make(&e, payload, 10, packet), 0, "ends of two families");
	e.to = e.from;
	is_u64(udp_packet_make(&e, payload, 65508, packet), 0, "longer than IPv4 has a length for");
	if (!addr_parse("2001:db8::1", &e.from) || !addr_parse("2001:db8::2", &e.to))
		abort();
	is_u64(udp_packet_make(&e, payload, 65528, packet), 0, "longer than IPv6 has one for");
	return done_testing();
}
