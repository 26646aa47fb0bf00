/* SPDX-License-Identifier: ISC
 *
 * Sequence accounting of one stream while it is being heard: datagram by datagram, in the order of receiving, with a
 * bounded memory. What can be said offline of all datagrams at once (flow/seq) is said here as soon as it is known: the
 * rules, votes and positions are the same, so when all gaps are declared, the numbers are.
 *
 * Nothing is claimed to be missing before it is learnt what the exporter counts; the first datagrams are kept until then.
 * A number that is too far off, and a fall of sequence or uptime, waits for the next two datagrams to confirm it.
 *
 * A pure function of what it is given: times are arguments, no clock is read.
 */
#ifndef FLOWBRAID_FLOW_SEQ_LIVE_H
#define FLOWBRAID_FLOW_SEQ_LIVE_H

#include "flow/seq.h"
#include "flow/seq_gaps.h"

#define SEQ_EARLY 32 /* datagrams that are kept until the discipline is learnt, at most; a power of two */

#define SEQ_UNSURE 8 /* datagrams with templates: remembered until it is learnt whether these are counted */

/* As in seq_item sequence, units, uptime_ms, data, units_unknown, clock_ns; and tag: equal for copies of one datagram,
 * and hardly for others. */
struct seq_heard {
	struct seq_item item;
	int64_t received_ns;
};

struct seq_live_counters {
	uint64_t datagrams, heard; /* heard: units */
	uint64_t declared;         /* units: all that were ever declared to be missing; */
	uint64_t recovered;        /* of these those that came later, or were claimed by a wrong discipline */
	uint64_t unknown;          /* units of which nobody will know whether they were missing */
	uint64_t gaps;             /* declared */
	uint64_t late, duplicates, reordered, resets, strays;
	uint64_t clock_steps, wraps; /* of the exporter's clock; of its uptime */
};

struct seq_live {
	struct seq_item last;      /* the one farthest ahead, in this life */
	int64_t first, next;       /* what was heard of it lies in [first, next) */
	int64_t mark;              /* with `marked`: behind next something stands that takes no numbers */
	int64_t first_ns, last_ns; /* of receiving, of all lives */
	int64_t wrap_ms;           /* to add to uptimes */
	int64_t former_boot_ns;    /* of the life before; */
	int64_t earlier_boot_ns; /* of this one, before the exporter's clock was set or its uptime wrapped */
	uint64_t in_life;        /* datagrams of this life */
	struct seq_gaps gaps;
	struct seq_live_counters counters;
	struct seq_votes votes;
	int64_t says;              /* seq_says of its pairs, summed up */
	struct seq_heard *early;   /* owned; NULL: not kept */
	struct seq_heard run[2];   /* may be the beginning of another life, or of one after a jump */
	uint8_t early_count;       /* SEQ_EARLY + 1: none is kept any more */
	uint8_t run_count, others; /* others: that went on from `last` since */
	uint8_t pairs, explained;  /* by the discipline, of those since they were looked at */
	/* Of templates: heard if these are counted, which nothing has told for certain yet. */
	struct seq_range unsure[SEQ_UNSURE];
	uint8_t unsure_count;
	uint8_t unsure_heard; /* bits of those that the account takes for heard */
	int8_t templates;     /* what has told that they are counted, less what has told the contrary */
	int8_t options;       /* of pairs without them, how many in a row have told that they are counted */
	uint8_t discipline;   /* enum seq_discipline */
	bool awaits;          /* the caller's: it knows datagrams of unknown size that it may recount */
	bool learnt;
	bool spans;                /* first and next say something */
	bool doubtful;             /* what lies behind `next` belongs to a datagram whose size is unknown */
	bool marked, mark_unknown; /* mark_unknown: its size is unknown */
	bool has_former, has_earlier;
	bool held; /* set by its owner: nothing is declared */
	bool idle; /* it rests: datagrams find their places, and are not accounted */
};

/* Zero-initialise the struct. rules: seq_rules_for, always the same. */
void seq_live_take(
    struct seq_live *s, struct seq_room *room, const struct seq_rules *rules, const struct seq_heard *h);

/* A datagram whose size was unknown, when more of it is known. */
struct seq_more {
	uint32_t sequence, tag;
	uint32_t units;        /* that it was counted with, so far */
	uint32_t options;      /* of these; */
	uint32_t templates;    /* and besides */
	uint32_t more;         /* units that have come to be known, */
	uint32_t more_options; /* and options records of these */
	bool unknown;          /* of still others */
};
/* In this life, and not too long ago: what follows it then is a gap, or none. */
void seq_live_recount(struct seq_live *s, struct seq_room *room, const struct seq_rules *rules,
    const struct seq_more *more, int64_t now_ns);

/* Declares what is due, also where nothing is heard. */
void seq_live_time(struct seq_live *s, int64_t now_ns);

/* It claims nothing any more, of any life, and rests, until its owner takes back `idle`; then it begins anew. */
void seq_live_rest(struct seq_live *s, struct seq_room *room);

/* Where there is no room for all gaps, ret begins with none. To be cleared, too. */
void seq_live_copy(struct seq_live *ret, const struct seq_live *s, struct seq_room *room);

void seq_live_clear(struct seq_live *s, struct seq_room *room);

/* Units missing now: declared and not come since, of all lives. */
static inline uint64_t
seq_live_missing(const struct seq_live *s)
{
	return s->counters.declared - s->counters.recovered;
}

/* When the exporter started, by its own clock; false: it does not tell, or nothing was heard. */
bool seq_live_boot(const struct seq_live *s, const struct seq_rules *rules, int64_t *ret_ns);

#endif
