/* SPDX-License-Identifier: ISC
 *
 * Whether the streams of a numbering (flow/seq_shared) share one counter, and their order by it.
 */
#ifndef FLOWBRAID_ARCHIVE_PLAN_NUMBERING_H
#define FLOWBRAID_ARCHIVE_PLAN_NUMBERING_H

#include "archive/plan.h"

/* The plan's epochs from `first` on are those of the numbering's streams, learnt and not settled. Where they share a counter
 * they are marked, and epochs of the whole numbering follow; else each is settled. */
enum err plan_numbering(
    const struct pool *p, struct plan *plan, size_t first, uint32_t streams, size_t *epoch_room) WARN_UNUSED;

#endif
