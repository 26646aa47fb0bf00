/* SPDX-License-Identifier: ISC
 *
 * A captured frame down to the UDP payload in it.
 */
#ifndef FLOWBRAID_NODE_PACKET_H
#define FLOWBRAID_NODE_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "wire/frame.h"

enum packet_kind {
	PACKET_UDP,
	PACKET_FRAGMENT, /* part of a UDP datagram */
	PACKET_OTHER,    /* not UDP over IP */
	PACKET_BAD,      /* lengths that cannot be */
	PACKET_COUNT_OF_KINDS
};

struct packet {
	struct addr from, to;
	uint16_t from_port, to_port;
	const uint8_t *payload; /* points into the frame */
	uint32_t len;           /* of it, as far as it was captured */
	bool cut;               /* it was longer */
};

/* *ret is written for PACKET_UDP only. Checksums are not looked at: captures on a sender have none. */
enum packet_kind packet_parse(enum frame_link link, const uint8_t *frame, size_t len, struct packet *ret);

#endif
