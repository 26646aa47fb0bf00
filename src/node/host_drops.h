/* SPDX-License-Identifier: ISC
 *
 * How many UDP datagrams the host dropped because a socket's buffer was full: the counters of /proc/net/snmp and
 * snmp6. With lanes a socket's own count says nothing, since the kernel also counts there what a filter leaves to
 * other lanes. The host's counters have the drops of other programs' sockets, too, in this network namespace.
 */
#ifndef FLOWBRAID_NODE_HOST_DROPS_H
#define FLOWBRAID_NODE_HOST_DROPS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct host_drops {
	int v4, v6; /* owned, -1: not there; read at their beginning, so they outlive a chroot */
	uint64_t seen;
};

/* Opens the counters of this network namespace; what they say now counts as seen. ERR_SYSTEM, or ERR_MALFORMED
 * when there is no such counter. */
enum err host_drops_open(struct host_drops *ret) WARN_UNUSED;

/* With descriptors that somebody else opened, which become owned on success; v6 may be -1. */
enum err host_drops_take(int v4, int v6, struct host_drops *ret) WARN_UNUSED;
void host_drops_close(struct host_drops *h);

/* *ret_more: how many more there are than when asked last. */
enum err host_drops_ask(struct host_drops *h, uint64_t *ret_more) WARN_UNUSED;

/* The counter in a text of the form of snmp, or snmp6: no room in the socket's buffer, or in UDP's memory. */
enum err host_drops_parse(const char *text, size_t len, uint64_t *ret) WARN_UNUSED;
enum err host_drops_parse6(const char *text, size_t len, uint64_t *ret) WARN_UNUSED;

#endif
