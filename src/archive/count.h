/* SPDX-License-Identifier: ISC
 *
 * How many data records an IPFIX datagram holds: its sequence counts them, its header does not tell them, and
 * only with the right definitions can they be counted.
 */
#ifndef FLOWBRAID_ARCHIVE_COUNT_H
#define FLOWBRAID_ARCHIVE_COUNT_H

#include "archive/plan.h"

struct count;

/* p and plan (its definitions, order and refs) must outlive it. */
enum err count_new(struct pool *p, const struct plan *plan, struct count **ret) WARN_UNUSED;
void count_free(struct count *c);

/* Sets units of each item; units_unknown where a data set has no definition or does not fit it. */
enum err count_items(struct count *c, struct seq_item *items, size_t count) WARN_UNUSED;

#endif
