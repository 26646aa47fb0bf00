/* SPDX-License-Identifier: ISC
 *
 * What wire/frame finds, as captures need it: a whole UDP packet, or why there is none. A capture may hold less of
 * a frame than was on the wire; the IP and UDP headers tell.
 */
#include "node/packet.h"

#include <string.h>

static struct addr
address_of(const struct frame *f, const uint8_t *bytes)
{
	struct addr a = addr_v4(0);

	memcpy(f->ip_version == 4 ? a.b + 12 : a.b, bytes, f->ip_version == 4 ? 4 : 16);
	return a;
}

enum packet_kind
packet_parse(enum frame_link link, const uint8_t *frame, size_t len, struct packet *ret)
{
	struct frame f = frame_walk(link, frame, len);

	if (!f.has_protocol)
		return f.stop == FRAME_DONE ? PACKET_OTHER : PACKET_BAD;
	if (f.protocol != IP_UDP)
		return PACKET_OTHER;
	if (f.fragment_more || f.fragment_offset > 0)
		return PACKET_FRAGMENT;
	if (f.stop != FRAME_DONE)
		return PACKET_BAD;
	*ret = (struct packet){
	    .from = address_of(&f, f.from),
	    .to = address_of(&f, f.to),
	    .from_port = f.from_port,
	    .to_port = f.to_port,
	    .payload = f.payload.at,
	    .len = (uint32_t)rd_left(&f.payload),
	    .cut = rd_left(&f.payload) < f.payload_len,
	};
	return PACKET_UDP;
}
