/* SPDX-License-Identifier: ISC
 *
 * A socket's membership in its listener's group: of every source, or of the sources in `join_sources` alone
 * (IGMPv3, MLDv2). The kernel's limits are looked up first, so that a message can name the sysctl.
 */
#ifndef FLOWBRAID_NODE_MEMBERSHIP_H
#define FLOWBRAID_NODE_MEMBERSHIP_H

#include <stdbool.h>
#include <stdint.h>

#include "node/conf.h"

#define MEMBERSHIP_TEXT_SIZE 256

/* Whether the kernel's limits permit the sources of conf in so many memberships of one socket. When not, why has
 * the sysctl, its value and the value needed. A limit that cannot be read here is taken for high enough. */
bool membership_fits(const struct conf_listener *conf, unsigned memberships, char why[MEMBERSHIP_TEXT_SIZE]);

/* After the kernel refused with ENOBUFS: which limit that can have been. */
void membership_explain(
    const struct conf_listener *conf, unsigned memberships, char why[MEMBERSHIP_TEXT_SIZE]);

/* False: errno says why, and nothing has been changed. */
bool membership_join(int fd, const struct conf_listener *conf, uint32_t ifindex);
bool membership_leave(int fd, const struct conf_listener *conf, uint32_t ifindex);

/* Of a joined group: the sources become those of conf, in one step, so that a source that was there before and
 * is after is never left. */
bool membership_set_sources(int fd, const struct conf_listener *conf, uint32_t ifindex);

#endif
