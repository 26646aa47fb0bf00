/* SPDX-License-Identifier: ISC
 *
 * The sources of which a group is joined, as the configuration has them.
 */
#ifndef FLOWBRAID_NODE_CONF_JOIN_H
#define FLOWBRAID_NODE_CONF_JOIN_H

#include <stdbool.h>
#include <stddef.h>

#include "node/conf.h"

#define CONF_JOIN_TEXT_SIZE 160

/* Whether the i-th of join_sources can be joined, beside the rest of the listener; why has the reason when not. */
bool conf_join_source_check(const struct conf_listener *l, size_t i, char why[CONF_JOIN_TEXT_SIZE]);

/* Both have the same sources, in whatever order. */
bool conf_same_join_sources(const struct conf_listener *a, const struct conf_listener *b);

/* A group for source-specific multicast (RFC 4607, 232/8 and ff3x::/32) that is joined of everybody: no router
 * forwards anything for that. */
bool conf_lacks_join_sources(const struct conf_listener *l);

#endif
