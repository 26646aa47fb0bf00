/* SPDX-License-Identifier: ISC
 *
 * The allow-list of a listener: whose datagrams are taken. Asked for each datagram.
 */
#ifndef FLOWBRAID_NODE_SOURCES_H
#define FLOWBRAID_NODE_SOURCES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"
#include "base/err.h"

struct sources {
	struct prefix *prefixes; /* owned; none holds another, in order of address */
	size_t count;            /* 0: everybody is permitted */
};

enum err sources_init(struct sources *s, const struct prefix *prefixes, size_t count) WARN_UNUSED;
void sources_clear(struct sources *s);
bool sources_permit(const struct sources *s, const struct addr *a);

#endif
