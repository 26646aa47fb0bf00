/* SPDX-License-Identifier: ISC
 *
 * What a plan needs to know of payloads: the records of IPFIX datagrams, and sampling intervals that options
 * records tell.
 */
#ifndef FLOWBRAID_ARCHIVE_PLAN_DECODE_H
#define FLOWBRAID_ARCHIVE_PLAN_DECODE_H

#include "archive/unpack.h"

/* Sets units of each item of an IPFIX epoch, from the lengths of sets where they tell; units_unknown where a
 * data set has no definition or does not fit it. */
enum err plan_count_records(struct pool *p, const struct plan *plan, struct unpack *u, struct seq_item *items,
    size_t count) WARN_UNUSED;

/* Gives each datagram of an epoch the sampling state that holds at its place; those before the first one get that. */
enum err plan_sampling(struct pool *p, struct plan *plan, struct unpack *u, const struct seq_item *items,
    size_t count) WARN_UNUSED;

#endif
