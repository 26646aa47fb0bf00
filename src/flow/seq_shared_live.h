/* SPDX-License-Identifier: ISC
 *
 * seq_shared while it is being heard: whether the streams of a numbering share one counter, and the account of all of them
 * together. Each datagram is taken by the account of its stream and by that of all; what both say of it (seq_says) is
 * summed up, and who says more is believed. Until that is known neither declares anything; then one of them rests:
 * it claims nothing, and only goes on to say something, so that it may be decided anew.
 *
 * The account of all begins as a copy of that of the stream that was alone until then, so it has its history.
 */
#ifndef FLOWBRAID_FLOW_SEQ_SHARED_LIVE_H
#define FLOWBRAID_FLOW_SEQ_SHARED_LIVE_H

#include "flow/seq_live.h"

enum seq_sharing {
	SEQ_UNDECIDED,
	SEQ_APART,    /* each stream has a counter of its own */
	SEQ_TOGETHER, /* they share one */
};

struct seq_shared {
	struct seq_live all;
	int16_t score;    /* what speaks for one counter, less what speaks against */
	uint8_t own_told; /* pairs of one stream that went on, until it is decided */
	uint8_t sharing;  /* enum seq_sharing */
	bool doubted;     /* it was apart, and something spoke against that */
};

/* A second stream of a numbering appears; only: the account of the first one. */
void seq_shared_begin(struct seq_shared *n, const struct seq_live *only, struct seq_room *room);
void seq_shared_clear(struct seq_shared *n, struct seq_room *room);

/* As seq_live_take, of a datagram of the stream whose account is own. Returns the account that has accounted it. */
const struct seq_live *seq_shared_take(struct seq_shared *n, struct seq_live *own, struct seq_room *room,
    const struct seq_rules *rules, const struct seq_heard *h);

/* What was decided holds for a stream from its next datagram on, or from this on where that is earlier; and declares what
 * is due in it. */
void seq_shared_time(struct seq_shared *n, struct seq_live *own, struct seq_room *room, int64_t now_ns);

#endif
