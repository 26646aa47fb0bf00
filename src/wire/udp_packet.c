/* SPDX-License-Identifier: ISC
 *
 * RFC 791, RFC 8200, RFC 768. IPv4's identification and header checksum are left to the kernel.
 */
#include "wire/udp_packet.h"

#include <netinet/in.h>
#include <stdbool.h>

#include "base/rd.h"
#include "base/wr.h"

#define IPV4_HEADER 20
#define IPV6_HEADER 40
#define UDP_HEADER 8
#define FRAGMENT_HEADER 8 /* of IPv6 */
#define MORE 0x2000       /* in IPv4's header; offsets count 8 bytes there */

static uint32_t
add_words(uint32_t sum, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
	if (len % 2 != 0)
		sum += (uint32_t)bytes[len - 1] << 8;
	return sum;
}

static uint16_t
fold(uint32_t sum)
{
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* RFC 768: over a pseudo header too; 0 is sent as all ones. 64 KiB of words stay below 2^32. */
static uint16_t
udp_checksum(const struct udp_ends *ends, bool v6, const uint8_t *udp, size_t len)
{
	size_t begin = v6 ? 0 : 12, size = 16 - begin;
	uint32_t sum = add_words(0, ends->from.b + begin, size);
	uint16_t result;

	sum = add_words(sum, ends->to.b + begin, size);
	sum += IPPROTO_UDP + (uint32_t)len;
	sum = (sum & 0xffff) + (sum >> 16);
	result = fold(add_words(sum, udp, len));
	return result != 0 ? result : 0xffff;
}

size_t
udp_packet_make(const struct udp_ends *ends, const uint8_t *payload, size_t len, uint8_t *out)
{
	bool v6 = !addr_is_v4(&ends->to);
	size_t head = v6 ? IPV6_HEADER : IPV4_HEADER, udp = UDP_HEADER + len;
	struct wr w = wr_init(out, UDP_PACKET_MOST);
	uint16_t sum;

	if (addr_is_v4(&ends->from) == v6 || len > 65535 - UDP_HEADER - (v6 ? 0 : IPV4_HEADER))
		return 0;
	if (v6) {
		wr_u32(&w, 0x60000000);
		wr_u16(&w, (uint16_t)udp);
		wr_u8(&w, IPPROTO_UDP);
		wr_u8(&w, ends->hops);
		wr_bytes(&w, ends->from.b, 16);
		wr_bytes(&w, ends->to.b, 16);
	} else {
		wr_u16(&w, 0x4500);
		wr_u16(&w, (uint16_t)(head + udp));
		wr_u32(&w, 0);
		wr_u8(&w, ends->hops);
		wr_u8(&w, IPPROTO_UDP);
		wr_u16(&w, 0);
		wr_bytes(&w, ends->from.b + 12, 4);
		wr_bytes(&w, ends->to.b + 12, 4);
	}
	wr_u16(&w, ends->from_port);
	wr_u16(&w, ends->to_port);
	wr_u16(&w, (uint16_t)udp);
	wr_u16(&w, 0);
	wr_bytes(&w, payload, len);
	sum = udp_checksum(ends, v6, out + head, udp);
	out[head + 6] = (uint8_t)(sum >> 8);
	out[head + 7] = (uint8_t)sum;
	return head + udp;
}

size_t
udp_fragment_next(struct udp_fragments *f, uint8_t *out)
{
	struct rd r = rd_init(f->packet, f->len);
	struct wr w = wr_init(out, f->mtu);
	bool v6 = rd_u8(&r) >> 4 == 6;
	size_t head = v6 ? IPV6_HEADER : IPV4_HEADER, heads = head + (v6 ? FRAGMENT_HEADER : 0);
	size_t most = (f->mtu - heads) / 8 * 8, left, part;
	bool more;

	if (f->mtu < UDP_FRAGMENT_MTU_LEAST || f->len < head || f->at >= f->len - head)
		return 0;
	left = f->len - head - f->at;
	more = left > most;
	part = more ? most : left;
	if (v6) {
		wr_bytes(&w, f->packet, 4);
		wr_u16(&w, (uint16_t)(FRAGMENT_HEADER + part));
		wr_u8(&w, IPPROTO_FRAGMENT);
		wr_bytes(&w, f->packet + 7, IPV6_HEADER - 7);
		wr_u8(&w, IPPROTO_UDP);
		wr_u8(&w, 0);
		wr_u16(&w, (uint16_t)(f->at | more));
		wr_u32(&w, f->id);
	} else {
		wr_bytes(&w, f->packet, 2);
		wr_u16(&w, (uint16_t)(IPV4_HEADER + part));
		wr_u16(&w, (uint16_t)(f->id % 65535 + 1)); /* for 0 the kernel would take one for each */
		wr_u16(&w, (uint16_t)(f->at / 8 | (more ? MORE : 0)));
		wr_bytes(&w, f->packet + 8, IPV4_HEADER - 8);
	}
	wr_bytes(&w, f->packet + head + f->at, part);
	f->at += part;
	return heads + part;
}
