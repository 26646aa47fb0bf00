/* SPDX-License-Identifier: ISC
 *
 * Sequence accounting: puts the datagrams of one stream into the exporter's order, cuts them into epochs
 * (lives of the exporter), unwraps their 32-bit sequence numbers, finds out what the exporter counts, and
 * says which numbers were heard. Receive times take no part where the exporter has a clock of its own.
 * Pure functions of their arguments, so everybody who has the same datagrams gets the same account.
 */
#ifndef FLOWBRAID_FLOW_SEQ_H
#define FLOWBRAID_FLOW_SEQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "wire/proto.h"

/* What the sequence number in a header counts. The order is the order in which ties are decided. */
enum seq_discipline {
	SEQ_NONE = 0,      /* nothing that can be accounted */
	SEQ_BEFORE = 1,    /* units sent before this datagram (v5, v7, v8, IPFIX) */
	SEQ_AFTER = 2,     /* units sent, this datagram's included */
	SEQ_DATAGRAMS = 3, /* datagrams (v9, sFlow) */
	/* IPFIX of some exporters: as above, and template records are counted, too */
	SEQ_BEFORE_ALL = 4,
	SEQ_AFTER_ALL = 5,
	/* ... and options records are not (softflowd) */
	SEQ_BEFORE_FLOWS = 6,
	SEQ_AFTER_FLOWS = 7,
};
#define SEQ_DISCIPLINES 8

/* What is counted: "flows" "records" "datagrams". */
const char *seq_unit_name(enum proto proto, enum seq_discipline d);
/* "before" "after" "datagrams" "none" "before+templates" "after+templates" "before-options" "after-options" */
const char *seq_discipline_name(enum seq_discipline d);

/* The number that comes with a datagram is that of the unit behind its last one. */
static inline bool
seq_is_after(enum seq_discipline d)
{
	return d == SEQ_AFTER || d == SEQ_AFTER_ALL || d == SEQ_AFTER_FLOWS;
}

/* What differs between disciplines that are alike. */
enum seq_counts { SEQ_COUNTS_RECORDS, SEQ_COUNTS_TEMPLATES, SEQ_COUNTS_FLOWS };
enum seq_counts seq_counts_of(enum seq_discipline d);
/* A discipline that is like d, and counts so; d itself where there is none. */
enum seq_discipline seq_variant(enum seq_discipline d, enum seq_counts counts);

/* What the protocol's standard says, for a stream. */
struct seq_rules {
	enum seq_discipline standard;
	bool has_uptime;       /* uptime_ms is there: boot times tell restarts */
	uint32_t window;       /* a jump of more than this many units must be confirmed */
	int64_t boot_slack_ns; /* jitter of boot times computed from its headers */
};

struct seq_rules seq_rules_for(enum proto proto);

/* RFC 1982: how far b lies ahead of a. */
static inline int32_t
seq_diff(uint32_t a, uint32_t b)
{
	return (int32_t)(b - a);
}

/* So far that it must be confirmed. */
static inline bool
seq_is_far(const struct seq_rules *rules, int32_t diff)
{
	return (diff < 0 ? 0 - (uint32_t)diff : (uint32_t)diff) > rules->window;
}

/* Where there is no uptime: a jump, ahead or back, to a number near 0 is another life. To have lost all that lies
 * before a wrap is far less likely. */
static inline bool
seq_begins_anew(const struct seq_rules *rules, uint32_t from, uint32_t to)
{
	return !rules->has_uptime && to < from && to <= rules->window &&
	    seq_is_far(rules, seq_diff(from, to));
}

/* No datagram has more: a template takes 8 bytes, a record one. */
#define SEQ_TEMPLATES_BITS 13
#define SEQ_OPTIONS_BITS 16
#define SEQ_TEMPLATES(n) ((n) & ((1U << SEQ_TEMPLATES_BITS) - 1))
#define SEQ_OPTIONS(n) ((n) & ((1U << SEQ_OPTIONS_BITS) - 1))

struct seq_item {
	uint32_t sequence; /* as in the header */
	uint32_t units;    /* flows in the datagram, where it is they that are counted */
	uint32_t uptime_ms;
	/* Of IPFIX: template records in it; and of its units, options records. */
	uint32_t templates : SEQ_TEMPLATES_BITS, options : SEQ_OPTIONS_BITS;
	bool data : 1;          /* bears data (not templates alone) */
	bool units_unknown : 1; /* ... of some records, which cannot be counted: units counts the others */
	bool stray : 1;         /* out: belongs to no confirmed run; not accounted */
	int64_t clock_ns;       /* the exporter's export time; where it has none, the archive's time */
	uint32_t tag;           /* the caller's */
	uint32_t epoch;         /* out: from 0 */
	int64_t order_ms;       /* out: uptime unwrapped, or clock; orders the epoch */
	int64_t position;       /* out: sequence unwrapped */
};

/* Sorts items into the exporter's order and fills what is marked out. Items that the rules cannot tell apart
 * stay in order of tag. *ret_epochs: how many there are. */
enum err seq_order(
    const struct seq_rules *rules, struct seq_item *items, size_t count, uint32_t *ret_epochs) WARN_UNUSED;

#define SEQ_UPTIME_WRAP_MS ((int64_t)1 << 32)

int64_t seq_boot_ns(const struct seq_item *it); /* clock less uptime */

/* Do the two items after i go on from it, each by a step within the window? */
bool seq_goes_on(const struct seq_rules *rules, const struct seq_item *items, size_t i, size_t end);

/* Numbers that an item takes, where they are of units. */
static inline int64_t
seq_numbers(enum seq_counts counts, const struct seq_item *it)
{
	switch (counts) {
	case SEQ_COUNTS_TEMPLATES:
		return (int64_t)it->units + it->templates;
	case SEQ_COUNTS_FLOWS:
		return it->units > it->options ? (int64_t)it->units - it->options : 0;
	case SEQ_COUNTS_RECORDS:
		break;
	}
	return it->units;
}

/* Whether b, the next one after a, stands where a discipline has it. */
bool seq_explains(enum seq_discipline d, const struct seq_item *a, const struct seq_item *b);

/* How many pairs spoke for each discipline; only those that tell the candidates apart have a vote. */
struct seq_votes {
	uint64_t of[SEQ_DISCIPLINES];
	uint64_t unsized; /* pairs whose size is unknown, and which nothing explains */
};
/* How many a discipline has. Small datagrams look like datagrams counted; those of unknown size that do not speak against
 * that. */
uint64_t seq_votes_for(const struct seq_votes *v, enum seq_discipline d);
void seq_vote(struct seq_votes *v, const struct seq_item *a, const struct seq_item *b);
enum seq_discipline seq_votes_best(const struct seq_votes *v, enum seq_discipline standard);

/* Adds the votes of one epoch's items, in order. */
void seq_vote_all(struct seq_votes *v, const struct seq_item *items, size_t count);

/* The discipline that explains most adjacent pairs of one epoch's items (in order), counting only pairs that
 * tell the candidates apart; among equals the one that does so in all epochs of the stream (NULL: no more is known); the
 * standard one when none does. */
enum seq_discipline seq_learn(const struct seq_rules *rules, const struct seq_item *items, size_t count,
    const struct seq_votes *stream);

/* Items whose units are unknown get as many as lie between them and their neighbour: no gap is claimed where it
 * cannot be known. Only after seq_learn. */
void seq_settle(const struct seq_rules *rules, enum seq_discipline d, struct seq_item *items, size_t count);

/* Units [from, to) of an epoch. */
struct seq_range {
	int64_t from, to;
};

/* What an item accounts for under a discipline; empty for SEQ_NONE and strays. */
struct seq_range seq_covers(enum seq_discipline d, const struct seq_item *item);

/* A growing set of ranges: add in any order, then close once (sorts, joins). */
struct seq_set {
	struct seq_range *ranges; /* owned; zero-initialise the struct */
	size_t count, room;
};
enum err seq_set_add(struct seq_set *s, struct seq_range r) WARN_UNUSED;
void seq_set_close(struct seq_set *s);
void seq_set_clear(struct seq_set *s);
/* After close: how many units it holds, and the parts of span that it does not hold (added to ret, closed). */
uint64_t seq_set_units(const struct seq_set *s);
enum err seq_set_missing(const struct seq_set *s, struct seq_range span, struct seq_set *ret) WARN_UNUSED;

#endif
