/* SPDX-License-Identifier: ISC
 *
 * Opening the socket of a listener: what needs privileges, and is done before they are dropped.
 */
#ifndef FLOWBRAID_NODE_LISTENER_H
#define FLOWBRAID_NODE_LISTENER_H

#include <stdbool.h>
#include <stdint.h>

#include "node/conf.h"

struct listener {
	int fd; /* not blocking; -1: closed */
	bool multicast;
	bool v6;
	uint32_t ifindex; /* of the interface named; 0: none */
	int buffer;       /* bytes of receive buffer, as the kernel counts them */
};

/* False when it cannot be had; a message has said why, with file and line. */
bool listener_open(const struct conf_listener *conf, struct listener *ret);
void listener_close(struct listener *l);

#endif
