/* SPDX-License-Identifier: ISC
 *
 * Sockets that send datagrams to one place: an address, or a group on an interface.
 */
#ifndef FLOWBRAID_BASE_UDP_H
#define FLOWBRAID_BASE_UDP_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"

struct udp_target {
	struct addr to;
	uint16_t port;
	char interface[IF_NAMESIZE]; /* "": as the routes say */
	uint8_t hops;                /* 0: as the kernel does: 1 for groups, else 64 as a rule */
};

/* raw: what is sent is a packet, from the IP header on (wire/udp_packet); needs CAP_NET_RAW. ERR_SYSTEM: errno, and *ret_what
 * says what cannot be done. */
enum err udp_socket(const struct udp_target *t, bool raw, int *ret_fd, const char **ret_what) WARN_UNUSED;

/* Connects it, so that send(2) needs no address; again, if it was: with what the routes say now. As above. */
enum err udp_lead(int fd, const struct udp_target *t, bool raw, const char **ret_what) WARN_UNUSED;

/* Both. */
enum err udp_open(const struct udp_target *t, bool raw, int *ret_fd, const char **ret_what) WARN_UNUSED;

#endif
