/* SPDX-License-Identifier: ISC
 *
 * Datagrams from a capture file (pcap or pcapng, as libpcap reads them).
 */
#ifndef FLOWBRAID_NODE_CAPTURE_H
#define FLOWBRAID_NODE_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "node/packet.h"

struct capture;

/* NULL when it cannot be read; a message has said why. */
struct capture *capture_open(const char *path);
void capture_close(struct capture *c); /* NULL is fine; says what was passed over */

enum capture_step { CAPTURE_PACKET, CAPTURE_END, CAPTURE_ERROR };

/* The next UDP packet, valid until the next call. For an error a message has been said. */
enum capture_step capture_next(struct capture *c, struct packet *ret, wall_t *ret_time);

#endif
