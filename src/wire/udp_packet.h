/* SPDX-License-Identifier: ISC
 *
 * A datagram with the IP and UDP headers that a raw socket wants, so that it comes from whom it came from first.
 */
#ifndef FLOWBRAID_WIRE_UDP_PACKET_H
#define FLOWBRAID_WIRE_UDP_PACKET_H

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

#define UDP_PACKET_HEADERS_MOST 48 /* IPv6's 40, UDP's 8 */
#define UDP_PACKET_MOST (UDP_PACKET_HEADERS_MOST + 65535)

struct udp_ends {
	struct addr from, to; /* of one family */
	uint16_t from_port, to_port;
	uint8_t hops;
};

/* Writes the packet to out, of UDP_PACKET_MOST bytes, and returns its length. 0: the ends are of two families, or IP has no
 * length for it. */
size_t udp_packet_make(const struct udp_ends *ends, const uint8_t *payload, size_t len, uint8_t *out);

/* The fragments of such a packet for a link that takes mtu bytes, since the kernel makes none of a raw socket's packets:
 * each one is written to out (mtu bytes), until 0. id tells them from those of other packets; not 0. */
struct udp_fragments {
	const uint8_t *packet;
	size_t len, mtu;
	uint32_t id;
	size_t at; /* of what follows the IP header; 0 to begin with */
};
#define UDP_FRAGMENT_MTU_LEAST 68
size_t udp_fragment_next(struct udp_fragments *f, uint8_t *out);

#endif
