/* SPDX-License-Identifier: ISC
 *
 * Which lane takes a datagram: classic BPF programs that hash its source address and source port. All of a
 * stream comes to one lane, and a datagram to exactly one.
 *
 * Datagrams of a group are copied to every socket that joined it, SO_REUSEPORT or not, so each lane's socket has
 * a filter that accepts its share (lane_filter_make, for SO_ATTACH_FILTER). One to an address of the host is
 * given to one socket of those that share the port, so there a program chooses which (lane_select_make, for
 * SO_ATTACH_REUSEPORT_CBPF).
 */
#ifndef FLOWBRAID_NODE_LANE_FILTER_H
#define FLOWBRAID_NODE_LANE_FILTER_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>

#define LANE_FILTER_MOST 40 /* instructions */

/* Accepts the datagrams of lane (0 to lanes - 1). Returns the count of instructions. */
size_t lane_filter_make(bool v6, unsigned lane, unsigned lanes, struct sock_filter out[LANE_FILTER_MOST]);

/* Answers the lane's number: that of its socket in the order of binding. */
size_t lane_select_make(bool v6, unsigned lanes, struct sock_filter out[LANE_FILTER_MOST]);

#endif
