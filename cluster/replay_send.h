/* SPDX-License-Identifier: ISC
 *
 * Sending datagrams again. Each exporter gets a socket of its own, and with it a port, so that whoever receives tells the
 * exporters' streams apart; or, with the exporter's own address, one raw socket sends for all.
 */
#ifndef FLOWBRAID_CLUSTER_REPLAY_SEND_H
#define FLOWBRAID_CLUSTER_REPLAY_SEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

struct sender;

struct sender_options {
	struct addr to;
	uint16_t port;
	char interface[16];     /* for groups; "": as the routes say */
	bool exporters_address; /* send from it; needs CAP_NET_RAW */
	uint8_t hops;           /* of multicast */
};

/* NULL: a message has said why. */
struct sender *sender_new(const struct sender_options *options);
void sender_free(struct sender *s); /* NULL is fine */

/* False: it could not be sent; a message has said why. */
bool sender_send(
    struct sender *s, const struct addr *from, uint16_t from_port, const uint8_t *payload, size_t len);

uint32_t sender_exporters(const struct sender *s);

#endif
