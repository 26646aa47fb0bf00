/* SPDX-License-Identifier: ISC
 *
 * The account of a life: a span, less the ranges that are missing. A datagram lies within it, before it or behind it.
 */
#include "flow/seq_live_private.h"

static bool
is_after(const struct seq_live *s)
{
	return seq_is_after((enum seq_discipline)s->discipline);
}

/* --- the account --- */

static void
forget_unsure(struct seq_live *s)
{
	s->unsure_count = 0;
	s->unsure_heard = 0;
}

/* What was claimed to be missing in this life is not claimed any more. */
void
seq_live_withdraw(struct seq_live *s, struct seq_room *room)
{
	s->counters.recovered += s->gaps.declared;
	seq_gaps_clear(&s->gaps, room);
	s->spans = s->doubtful = s->marked = s->mark_unknown = false;
	forget_unsure(s);
}

void
seq_live_end_life(struct seq_live *s, struct seq_room *room)
{
	struct seq_declared d = seq_gaps_declare(&s->gaps, 0, 0, SEQ_DECLARE_ALL);

	s->counters.declared += d.units;
	s->counters.gaps += d.gaps;
	s->counters.unknown += d.unknown + s->gaps.unknown;
	seq_gaps_clear(&s->gaps, room);
	s->spans = s->doubtful = s->marked = s->mark_unknown = false;
	forget_unsure(s);
}

/* Where the size of one is unknown, the gap beside it is none. */
static void
doubt(struct seq_live *s, struct seq_room *room, struct seq_range r, const struct seq_item *it)
{
	bool after = is_after(s);
	uint64_t declared = s->gaps.declared, given_up = s->gaps.given_up;

	if (!it->units_unknown || s->discipline == SEQ_DATAGRAMS)
		return;
	seq_gaps_doubt(&s->gaps, room, after ? r.from : r.to, after);
	s->counters.recovered += declared - s->gaps.declared;
	s->counters.unknown += s->gaps.given_up - given_up;
}

static void
fill(struct seq_live *s, struct seq_room *room, struct seq_range r, const struct seq_heard *h)
{
	const struct seq_item *it = &h->item;
	bool after = is_after(s);
	uint64_t forced = s->gaps.forced, given_up = s->gaps.given_up;
	struct seq_filled f = seq_gaps_fill(
	    &s->gaps, room, r, after, h->received_ns, (uint32_t)s->counters.datagrams);

	s->counters.declared += s->gaps.forced - forced;
	s->counters.unknown += s->gaps.given_up - given_up;
	s->counters.heard += f.open + f.unknown + f.declared;
	s->counters.recovered += f.declared;
	if (f.open > 0 || f.unknown > 0)
		s->counters.reordered++;
	else if (f.declared > 0 || f.joined)
		s->counters.late++;
	else if (r.from < r.to)
		s->counters.duplicates++;
	doubt(s, room, r, it);
}

static void
gap(struct seq_live *s, struct seq_room *room, struct seq_range r, bool doubtful, const struct seq_heard *h)
{
	uint64_t forced = s->gaps.forced, given_up = s->gaps.given_up;

	seq_gaps_add(&s->gaps, room, r, doubtful ? SEQ_GAP_UNKNOWN : SEQ_GAP_OPEN, h->received_ns,
	    (uint32_t)s->counters.datagrams);
	s->counters.unknown += s->gaps.given_up - given_up;
	if (s->gaps.forced > forced) {
		s->counters.declared += s->gaps.forced - forced;
		s->counters.gaps++;
	}
}

/* From s->next up to `at` nothing was heard, and at `at` something stands. unknown: whose size nobody knows. */
static void
advance(struct seq_live *s, struct seq_room *room, const struct seq_rules *rules, int64_t at, bool unknown,
    const struct seq_heard *h)
{
	const struct seq_range r = {s->next, at};
	bool doubtful = is_after(s) ? unknown : s->doubtful;

	if (r.from < r.to)
		gap(s, room, r,
		    doubtful && s->discipline != SEQ_DATAGRAMS && r.to - r.from <= (int64_t)rules->window, h);
	s->next = at;
}

/* It lies behind all that was heard. What takes no numbers (templates alone, or nothing that could be counted) claims none
 * either, until something comes behind it that does: it is marked. */
static void
extend(struct seq_live *s, struct seq_room *room, const struct seq_rules *rules, struct seq_range r,
    const struct seq_heard *h)
{
	bool unknown = h->item.units_unknown;

	if (s->marked && (r.from > s->mark || (r.from == s->mark && r.from < r.to))) {
		advance(s, room, rules, s->mark, s->mark_unknown, h);
		s->doubtful = s->mark_unknown;
		s->marked = s->mark_unknown = false;
	}
	if (r.from == r.to && r.from > s->next && (!s->marked || r.from == s->mark)) {
		s->mark_unknown |= unknown;
		s->mark = r.from;
		s->marked = true;
		return;
	}
	if (r.from == s->next && is_after(s)) /* templates alone have come first */
		doubt(s, room, r, &h->item);
	advance(s, room, rules, r.from, unknown, h);
	if (r.to > s->next || unknown)
		s->doubtful = unknown;
	s->next = r.to;
	s->counters.heard += (uint64_t)(r.to - r.from);
	if (s->marked && s->next >= s->mark) { /* the gap before it is filled */
		s->doubtful |= s->next == s->mark && s->mark_unknown;
		s->marked = s->mark_unknown = false;
	}
}

static void
account_range(struct seq_live *s, struct seq_room *room, const struct seq_rules *rules, struct seq_range r,
    const struct seq_heard *h)
{
	const struct seq_item *it = &h->item;

	/* Templates alone have a number, too: where they stand, nothing else does. */
	if (r.from >= r.to && !it->units_unknown && (!s->spans || r.from <= s->first))
		return;
	if (!s->spans) {
		s->spans = true;
		s->first = r.from;
		s->next = r.to;
		s->counters.heard += (uint64_t)(r.to - r.from);
		s->doubtful = it->units_unknown;
		return;
	}
	if (r.to <= s->first) {
		if (r.to < s->first)
			gap(s, room, (struct seq_range){r.to, s->first}, it->units_unknown, h);
		s->first = r.from;
		s->counters.heard += (uint64_t)(r.to - r.from);
		s->counters.reordered++;
		return;
	}
	if (r.from >= s->next) {
		extend(s, room, rules, r, h);
		return;
	}
	if (r.from < s->first) {
		s->counters.heard += (uint64_t)(s->first - r.from);
		s->first = r.from;
	}
	if (r.to > s->next) {
		s->counters.heard += (uint64_t)(r.to - s->next);
		fill(s, room, (struct seq_range){r.from, s->next}, h);
		s->next = r.to;
		s->doubtful = it->units_unknown;
		return;
	}
	fill(s, room, r, h);
}

void
seq_live_account(
    struct seq_live *s, struct seq_room *room, const struct seq_rules *rules, const struct seq_heard *h)
{
	if (s->discipline == SEQ_NONE)
		s->counters.heard++;
	else
		account_range(s, room, rules, seq_covers((enum seq_discipline)s->discipline, &h->item), h);
}

/* More of a datagram that was accounted long ago turns out to have been heard. */
void
seq_live_account_more(struct seq_live *s, struct seq_room *room, const struct seq_rules *rules,
    struct seq_range r, const struct seq_heard *h)
{
	struct seq_live_counters *c = &s->counters;
	const struct seq_live_counters before = *c;

	account_range(s, room, rules, r, h);
	c->reordered = before.reordered;
	c->late = before.late;
	c->duplicates = before.duplicates;
}

/* --- templates --- */

/* The numbers that the templates of an item have, if they are counted. */
static struct seq_range
numbers_of_templates(enum seq_discipline d, const struct seq_item *it)
{
	int64_t at = seq_is_after(d) ? it->position - seq_numbers(SEQ_COUNTS_TEMPLATES, it)
				     : it->position + it->units;

	return (struct seq_range){at, at + it->templates};
}

void
seq_live_remember_templates(struct seq_live *s, const struct seq_item *it)
{
	enum seq_discipline d = (enum seq_discipline)s->discipline;

	if (it->templates > 0 && !it->units_unknown && (d == SEQ_BEFORE || d == SEQ_AFTER) &&
	    s->unsure_count < SEQ_UNSURE && s->templates > SEQ_TEMPLATES_NOT)
		s->unsure[s->unsure_count++] = numbers_of_templates(d, it);
}

/* They are counted. */
static void
count_templates(
    struct seq_live *s, struct seq_room *room, const struct seq_rules *rules, const struct seq_heard *h)
{
	for (uint8_t i = 0; i < s->unsure_count && s->spans; i++) {
		struct seq_range r = s->unsure[i];
		uint64_t heard = s->counters.heard;

		seq_live_account_more(s, room, rules, r, h);
		if (s->counters.heard - heard == (uint64_t)(r.to - r.from))
			s->unsure_heard |= (uint8_t)(1u << i);
	}
}

/* They are not, after all, so what was taken for them was lost. */
static void
uncount_templates(struct seq_live *s, struct seq_room *room, const struct seq_heard *h)
{
	for (uint8_t i = 0; i < s->unsure_count && s->spans; i++) {
		struct seq_range r = s->unsure[i];

		if ((s->unsure_heard >> i & 1) == 0 || r.from < s->first || r.to > s->next)
			continue;
		s->counters.heard -= (uint64_t)(r.to - r.from);
		gap(s, room, r, false, h);
	}
	forget_unsure(s);
}

static void
change_variant(struct seq_live *s, struct seq_room *room, const struct seq_rules *rules,
    enum seq_discipline to, const struct seq_heard *h)
{
	enum seq_counts from = seq_counts_of((enum seq_discipline)s->discipline), counts = seq_counts_of(to);
	int64_t end = s->last.position + seq_numbers(from, &s->last),
		fewer = seq_numbers(from, &s->last) - seq_numbers(counts, &s->last);

	s->discipline = (uint8_t)to;
	/* What is behind the last one begins where it has no numbers after all. */
	if (s->spans && !seq_is_after(to) && s->next == end && fewer > 0) {
		s->next -= fewer;
		s->counters.heard -= (uint64_t)fewer;
	}
	if (counts == SEQ_COUNTS_TEMPLATES)
		count_templates(s, room, rules, h);
	else if (from == SEQ_COUNTS_TEMPLATES)
		uncount_templates(s, room, h);
}

/* Exactly as many as there were templates may have been lost behind them, so one such pair is not enough. No loss looks
 * like the contrary. */
static void
look_at_templates(
    struct seq_live *s, struct seq_room *room, const struct seq_rules *rules, const struct seq_heard *h)
{
	enum seq_discipline d = (enum seq_discipline)s->discipline;
	bool all = seq_counts_of(d) == SEQ_COUNTS_TEMPLATES;
	enum seq_discipline other = seq_variant(d, all ? SEQ_COUNTS_RECORDS : SEQ_COUNTS_TEMPLATES);
	bool one = seq_explains(d, &s->last, &h->item), two = seq_explains(other, &s->last, &h->item);

	if (one == two)
		return;
	if (one == all)
		s->templates = (int8_t)(s->templates < SEQ_TEMPLATES_COUNTED ? s->templates + 1
									     : SEQ_TEMPLATES_COUNTED);
	else
		s->templates = SEQ_TEMPLATES_NOT;
	if (one)
		forget_unsure(s);
	else if (s->templates == (all ? SEQ_TEMPLATES_NOT : SEQ_TEMPLATES_COUNTED))
		change_variant(s, room, rules, other, h);
}

/* The other way round: that options records have no numbers no loss looks like; that they have, it may. */
static void
look_at_options(
    struct seq_live *s, struct seq_room *room, const struct seq_rules *rules, const struct seq_heard *h)
{
	enum seq_discipline d = (enum seq_discipline)s->discipline;
	bool flows = seq_counts_of(d) == SEQ_COUNTS_FLOWS;
	enum seq_discipline other = seq_variant(d, flows ? SEQ_COUNTS_RECORDS : SEQ_COUNTS_FLOWS);
	bool one = seq_explains(d, &s->last, &h->item), two = seq_explains(other, &s->last, &h->item);

	if (one == two)
		return;
	s->options = (int8_t)(one || !flows ? 0 : s->options + 1);
	if (!one && (!flows || s->options == SEQ_OPTIONS_COUNTED))
		change_variant(s, room, rules, other, h);
}

void
seq_live_look_at_variants(
    struct seq_live *s, struct seq_room *room, const struct seq_rules *rules, const struct seq_heard *h)
{
	if (s->discipline == SEQ_NONE || s->discipline == SEQ_DATAGRAMS)
		return;
	if (seq_counts_of((enum seq_discipline)s->discipline) != SEQ_COUNTS_FLOWS)
		look_at_templates(s, room, rules, h);
	if (seq_counts_of((enum seq_discipline)s->discipline) != SEQ_COUNTS_TEMPLATES)
		look_at_options(s, room, rules, h);
}
