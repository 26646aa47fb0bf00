/* SPDX-License-Identifier: ISC
 *
 * One counter for all observation domains of an exporter. A numbering is all streams of one exporter, port, protocol and
 * agent; some exporters count in it what they send in any of its domains, instead of in each domain. Each datagram
 * is the neighbour of one in its stream and of one in its numbering, and what tells the two cases apart is which of these
 * pairs its number goes on in. Where that tells nothing, each stream has a counter of its own, as the standards have it.
 */
#ifndef FLOWBRAID_FLOW_SEQ_SHARED_H
#define FLOWBRAID_FLOW_SEQ_SHARED_H

#include "flow/seq.h"

/* What two neighbours say for their being counted together: 1 when b goes on from a, -1 when both bear data under one number,
 * which one counter never gives twice, else 0. Templates alone, which take no numbers, say nothing. */
int seq_says(enum seq_discipline d, const struct seq_item *a, const struct seq_item *b);

/* The same before it is learnt what is counted: whether it may go on. */
int seq_may_say(const struct seq_item *a, const struct seq_item *b);

/* The sum of it over one epoch's items, in order. They are counted together in whichever way says more, and apart
 * when both say the same. */
int64_t seq_says_all(enum seq_discipline d, const struct seq_item *items, size_t count);

#endif
