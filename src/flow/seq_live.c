/* SPDX-License-Identifier: ISC
 *
 * A datagram first finds its place: it belongs to the life at hand, to the one before, or may be the beginning of
 * something new. In the life at hand its number is unwrapped, votes for a discipline, and is accounted.
 */
#include "flow/seq_live.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "flow/seq_shared.h"

#define CONFIRM 3      /* datagrams in a row that make a jump true, or make it a stray */
#define VOTES_LEAST 3  /* that a discipline is learnt with */
#define VOTES_LEAD 3   /* ahead of the one that was learnt, to take its place */
#define VOTES_EVERY 8  /* pairs they are counted */
#define VOTES_MOST 64  /* then all are halved: what is older counts less */
#define PAIRS 128      /* of so many pairs the discipline must explain more than */
#define PAIRS_PART 32  /* one in so many, or it was none */
#define COUNTED 2      /* of so many datagrams: that templates are counted; */
#define NOT_COUNTED -3 /* or that they are not */
#define WRAP_SLACK_NS (10 * NS_PER_SEC)

enum place {
	PLACE_HERE,   /* goes on, or is late */
	PLACE_FORMER, /* of the life before */
	PLACE_FAR,    /* to be confirmed */
};

static int64_t
distance(int64_t a, int64_t b)
{
	return a > b ? a - b : b - a;
}

static int64_t
order_of(const struct seq_live *s, const struct seq_rules *rules, const struct seq_item *it)
{
	return rules->has_uptime ? (int64_t)it->uptime_ms + s->wrap_ms : it->clock_ns / NS_PER_MSEC;
}

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
static void
withdraw(struct seq_live *s, struct seq_room *room)
{
	s->counters.recovered += s->gaps.declared;
	seq_gaps_clear(&s->gaps, room);
	s->spans = s->doubtful = s->marked = s->mark_unknown = false;
	forget_unsure(s);
}

static void
end_life(struct seq_live *s, struct seq_room *room)
{
	struct seq_declared d = seq_gaps_declare(&s->gaps, 0, 0, true);

	s->counters.declared += d.units;
	s->counters.gaps += d.gaps;
	s->counters.unknown += d.unknown;
	seq_gaps_clear(&s->gaps, room);
	s->spans = s->doubtful = s->marked = s->mark_unknown = false;
	forget_unsure(s);
}

/* Where the size of one is unknown, the gap beside it is none. */
static void
doubt(struct seq_live *s, struct seq_room *room, struct seq_range r, const struct seq_item *it)
{
	bool after = is_after(s);
	uint64_t declared = s->gaps.declared;

	if (!it->units_unknown || s->discipline == SEQ_DATAGRAMS)
		return;
	seq_gaps_doubt(&s->gaps, room, after ? r.from : r.to, after);
	s->counters.recovered += declared - s->gaps.declared;
}

static void
fill(struct seq_live *s, struct seq_room *room, struct seq_range r, const struct seq_heard *h)
{
	const struct seq_item *it = &h->item;
	bool after = is_after(s);
	uint64_t forced = s->gaps.forced;
	struct seq_filled f = seq_gaps_fill(
	    &s->gaps, room, r, after, h->received_ns, (uint32_t)s->counters.datagrams);

	s->counters.declared += s->gaps.forced - forced;
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
	uint64_t forced = s->gaps.forced;

	seq_gaps_add(&s->gaps, room, r, doubtful ? SEQ_GAP_UNKNOWN : SEQ_GAP_OPEN, h->received_ns,
	    (uint32_t)s->counters.datagrams);
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

static void
account(struct seq_live *s, struct seq_room *room, const struct seq_rules *rules, const struct seq_heard *h)
{
	if (s->discipline == SEQ_NONE)
		s->counters.heard++;
	else
		account_range(s, room, rules, seq_covers((enum seq_discipline)s->discipline, &h->item), h);
}

/* More of a datagram that was accounted long ago turns out to have been heard. */
static void
account_more(struct seq_live *s, struct seq_room *room, const struct seq_rules *rules, struct seq_range r,
    const struct seq_heard *h)
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
	int64_t at = seq_is_after(d) ? it->position - it->units - it->templates : it->position + it->units;

	return (struct seq_range){at, at + it->templates};
}

static void
remember_templates(struct seq_live *s, const struct seq_item *it)
{
	enum seq_discipline d = (enum seq_discipline)s->discipline;

	if (it->templates > 0 && !it->units_unknown && (d == SEQ_BEFORE || d == SEQ_AFTER) &&
	    s->unsure_count < SEQ_UNSURE && s->templates > NOT_COUNTED)
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

		account_more(s, room, rules, r, h);
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
	s->discipline = (uint8_t)to;
	if (to == SEQ_BEFORE_ALL || to == SEQ_AFTER_ALL) {
		count_templates(s, room, rules, h);
	} else {
		struct seq_range r = numbers_of_templates(to, &s->last);

		if (s->spans && to == SEQ_BEFORE && s->next == r.to) {
			s->next = r.from;
			s->counters.heard -= (uint64_t)(r.to - r.from);
		}
		uncount_templates(s, room, h);
	}
}

/* Exactly as many as there were templates may have been lost behind them, so one such pair is not enough. No loss looks
 * like the contrary. */
static void
look_at_templates(
    struct seq_live *s, struct seq_room *room, const struct seq_rules *rules, const struct seq_heard *h)
{
	enum seq_discipline d = (enum seq_discipline)s->discipline, other = seq_variant(d);
	bool all = d == SEQ_BEFORE_ALL || d == SEQ_AFTER_ALL;
	bool one = seq_explains(d, &s->last, &h->item), two = seq_explains(other, &s->last, &h->item);

	if (other == d || one == two)
		return;
	if (one == all)
		s->templates = (int8_t)(s->templates < COUNTED ? s->templates + 1 : COUNTED);
	else
		s->templates = NOT_COUNTED;
	if (one)
		forget_unsure(s);
	else if (s->templates == (all ? NOT_COUNTED : COUNTED))
		change_variant(s, room, rules, other, h);
}

/* --- learning --- */

static void
replay(struct seq_live *s, struct seq_room *room, const struct seq_rules *rules)
{
	if (s->early_count <= SEQ_EARLY) {
		for (uint8_t i = 0; i < s->early_count; i++) {
			remember_templates(s, &s->early[i].item);
			account(s, room, rules, &s->early[i]);
		}
	}
	free(s->early);
	s->early = NULL;
	s->early_count = 0;
}

static void
forget_early(struct seq_live *s)
{
	free(s->early);
	s->early = NULL;
	s->early_count = SEQ_EARLY + 1;
}

/* One that is as good as the best is waited for as long as there is room: the next datagram of another size decides. */
static bool
is_decided(const struct seq_live *s, enum seq_discipline best)
{
	if (s->votes.of[best] < VOTES_LEAST)
		return false;
	for (unsigned k = 0; k < SEQ_DISCIPLINES && s->early_count < SEQ_EARLY; k++) {
		if (k == best || (k == seq_variant(best) && s->votes.of[k] == s->votes.of[best]))
			continue; /* no templates came, which alone make a difference there */
		if (s->votes.of[k] + 1 >= s->votes.of[best])
			return false;
	}
	return true;
}

/* Room for one more: 4, and twice as much whenever it is full. */
static bool
early_grow(struct seq_live *s)
{
	bool first = s->early == NULL;
	size_t room = first ? 4 : s->early_count;
	struct seq_heard *early;

	if (!first && (s->early_count < 4 || (s->early_count & (s->early_count - 1)) != 0))
		return true;
	if ((early = realloc(s->early, (first ? room : 2 * room) * sizeof(*early))) == NULL)
		return false;
	s->early = early;
	if (first && s->run_count < CONFIRM - 1)
		early[0] = s->run[1];
	else if (first)
		s->early_count = 0;
	return true;
}

/* Whether templates are counted takes more to be learnt. */
static enum seq_discipline
doubt_templates(struct seq_live *s, enum seq_discipline best)
{
	enum seq_discipline other = seq_variant(best);
	uint64_t lead = s->votes.of[best] - s->votes.of[other];

	if (best == other || lead == 0) {
		s->templates = 0;
		return best;
	}
	if (best == SEQ_BEFORE || best == SEQ_AFTER) {
		s->templates = NOT_COUNTED;
		return best;
	}
	s->templates = (int8_t)(lead < COUNTED ? lead : COUNTED);
	return lead < COUNTED ? other : best;
}

/* Keeps what was heard before it can be accounted. */
static void
hold(struct seq_live *s, struct seq_room *room, const struct seq_rules *rules, const struct seq_heard *h)
{
	enum seq_discipline best = seq_votes_best(&s->votes, rules->standard);

	if (s->early == NULL && s->early_count == 0) {
		/* Many streams of a flood have no second one. Until then it stands where nothing else does yet. */
		s->run[1] = *h;
		s->early_count = 1;
		return;
	}
	if (s->early_count >= 1 && s->early_count < SEQ_EARLY && !early_grow(s))
		forget_early(s);
	if (s->early_count < SEQ_EARLY)
		s->early[s->early_count++] = *h;
	if (!is_decided(s, best)) {
		if (s->early_count == SEQ_EARLY && s->votes.of[best] < VOTES_LEAST)
			forget_early(s);
		return;
	}
	s->discipline = (uint8_t)doubt_templates(s, best);
	s->learnt = true;
	s->pairs = s->explained = 0;
	if (s->early_count > SEQ_EARLY)
		account(s, room, rules, h);
	replay(s, room, rules);
}

static void
unlearn(struct seq_live *s, struct seq_room *room)
{
	withdraw(s, room);
	s->learnt = false;
	s->votes = (struct seq_votes){{0}};
	s->early_count = 0;
}

/* Another discipline has taken the lead. */
static void
count_votes(struct seq_live *s, struct seq_room *room)
{
	enum seq_discipline best = seq_votes_best(&s->votes, (enum seq_discipline)s->discipline);

	if (best != seq_variant((enum seq_discipline)s->discipline) &&
	    s->votes.of[best] >= s->votes.of[s->discipline] + VOTES_LEAD) {
		withdraw(s, room);
		s->discipline = (uint8_t)best;
	}
	if (s->votes.of[best] < VOTES_MOST)
		return;
	for (unsigned i = 0; i < SEQ_DISCIPLINES; i++)
		s->votes.of[i] /= 2;
}

/* Whether the discipline still explains what is heard. One that does not would show loss that is none. */
static void
examine(struct seq_live *s, struct seq_room *room, const struct seq_rules *rules, const struct seq_heard *h)
{
	look_at_templates(s, room, rules, h);
	if (seq_explains((enum seq_discipline)s->discipline, &s->last, &h->item))
		s->explained++;
	if (++s->pairs % VOTES_EVERY != 0)
		return;
	count_votes(s, room);
	if (s->pairs < PAIRS)
		return;
	if (s->explained * PAIRS_PART < s->pairs)
		unlearn(s, room);
	s->pairs = s->explained = 0;
}

/* --- the life at hand --- */

static int
says(const struct seq_live *s, const struct seq_item *it)
{
	return s->learnt ? seq_says((enum seq_discipline)s->discipline, &s->last, it)
			 : seq_may_say(&s->last, it);
}

static void
take_number(struct seq_live *s, struct seq_room *room, const struct seq_rules *rules, struct seq_heard *h)
{
	if (s->idle)
		return;
	if (s->learnt) {
		remember_templates(s, &h->item);
		account(s, room, rules, h);
	} else {
		hold(s, room, rules, h);
	}
}

static void
take_here(struct seq_live *s, struct seq_room *room, const struct seq_rules *rules, struct seq_heard *h)
{
	struct seq_item *it = &h->item;
	int32_t d = seq_diff(s->last.sequence, it->sequence);

	it->position = s->last.position + d;
	it->order_ms = order_of(s, rules, it);
	s->in_life++;
	if (d >= 0) {
		if (rules->standard != SEQ_NONE) {
			s->says += says(s, it);
			seq_vote(&s->votes, &s->last, it);
			if (s->learnt)
				examine(s, room, rules, h);
		}
		s->last = *it;
	}
	take_number(s, room, rules, h);
}

static void
begin_life(struct seq_live *s, struct seq_room *room, const struct seq_rules *rules, struct seq_heard *h)
{
	s->wrap_ms = 0;
	s->has_earlier = false;
	s->in_life = 1;
	h->item.position = h->item.sequence;
	h->item.order_ms = order_of(s, rules, &h->item);
	s->last = h->item;
	if (rules->standard == SEQ_NONE)
		s->learnt = true;
	if (s->early_count <= SEQ_EARLY)
		s->early_count = 0;
	take_number(s, room, rules, h);
}

/* --- what must be confirmed --- */

static bool
same_boot(const struct seq_rules *rules, int64_t a, int64_t b)
{
	return distance(a, b) <= rules->boot_slack_ns;
}

/* It lies ahead in sequence and uptime, so whatever happened to the clock, it is the same life. */
static bool
continues(const struct seq_live *s, const struct seq_rules *rules, const struct seq_item *it, int64_t wrap_ms)
{
	int32_t d = seq_diff(s->last.sequence, it->sequence);

	return d >= 0 && !seq_is_far(rules, d) && (int64_t)it->uptime_ms + wrap_ms >= s->last.order_ms;
}

static enum place
adopt(struct seq_live *s, uint64_t *counter)
{
	s->earlier_boot_ns = seq_boot_ns(&s->last);
	s->has_earlier = true;
	(*counter)++;
	return PLACE_HERE;
}

/* The boot time is another one. Also adopts a wrap of the uptime, and clocks and uptimes that are set. */
static enum place
place_by_boot(struct seq_live *s, const struct seq_rules *rules, const struct seq_item *it)
{
	int64_t boot = seq_boot_ns(it), shift = boot - seq_boot_ns(&s->last);
	int32_t d = seq_diff(s->last.sequence, it->sequence);

	if (it->uptime_ms < s->last.uptime_ms &&
	    distance(shift, SEQ_UPTIME_WRAP_MS * NS_PER_MSEC) <= WRAP_SLACK_NS &&
	    continues(s, rules, it, s->wrap_ms + SEQ_UPTIME_WRAP_MS)) {
		s->wrap_ms += SEQ_UPTIME_WRAP_MS;
		return adopt(s, &s->counters.wraps);
	}
	if (continues(s, rules, it, s->wrap_ms))
		return adopt(s, &s->counters.clock_steps);
	/* some devices correct their uptime: a life cannot have begun while this one still sent */
	if (it->clock_ns >= s->last.clock_ns && boot < s->last.clock_ns - rules->boot_slack_ns && d > 0 &&
	    !seq_is_far(rules, d)) {
		s->wrap_ms += shift / NS_PER_MSEC;
		return adopt(s, &s->counters.clock_steps);
	}
	if (s->has_earlier && same_boot(rules, boot, s->earlier_boot_ns) && d < 0 && !seq_is_far(rules, d))
		return PLACE_HERE; /* late, from before that */
	if (s->has_former && same_boot(rules, boot, s->former_boot_ns))
		return PLACE_FORMER;
	return PLACE_FAR;
}

static enum place
place_of(struct seq_live *s, const struct seq_rules *rules, const struct seq_item *it)
{
	int32_t d = seq_diff(s->last.sequence, it->sequence);

	if (rules->has_uptime && !same_boot(rules, seq_boot_ns(it), seq_boot_ns(&s->last)))
		return place_by_boot(s, rules, it);
	if (rules->standard == SEQ_NONE)
		return PLACE_HERE;
	if (seq_is_far(rules, d))
		return PLACE_FAR;
	return d < 0 && order_of(s, rules, it) > s->last.order_ms ? PLACE_FAR : PLACE_HERE;
}

/* A run that nothing came of: what lies far off was stray, a fall that was none was late. */
static void
drop_run(struct seq_live *s, struct seq_room *room, const struct seq_rules *rules)
{
	for (uint8_t i = 0; i < s->run_count; i++) {
		struct seq_item *it = &s->run[i].item;

		if (seq_is_far(rules, seq_diff(s->last.sequence, it->sequence)) ||
		    (rules->has_uptime && !same_boot(rules, seq_boot_ns(it), seq_boot_ns(&s->last))))
			s->counters.strays++;
		else
			take_here(s, room, rules, &s->run[i]);
	}
	s->run_count = 0;
}

static bool
goes_on_from_run(const struct seq_live *s, const struct seq_rules *rules, const struct seq_item *it)
{
	const struct seq_item *before = &s->run[s->run_count - 1].item;
	int32_t d = seq_diff(before->sequence, it->sequence);

	return d >= 0 && !seq_is_far(rules, d) &&
	    (!rules->has_uptime || same_boot(rules, seq_boot_ns(before), seq_boot_ns(it)));
}

static void
confirm(struct seq_live *s, struct seq_room *room, const struct seq_rules *rules, struct seq_heard *h)
{
	struct seq_heard *first = &s->run[0], second = s->run[1];
	int32_t d = seq_diff(s->last.sequence, first->item.sequence);
	bool restart = rules->has_uptime &&
	    !same_boot(rules, seq_boot_ns(&first->item), seq_boot_ns(&s->last));

	if (!restart && d < 0 && seq_diff(s->last.sequence, h->item.sequence) >= 0) { /* no fall, only late */
		drop_run(s, room, rules);
		take_here(s, room, rules, h);
		return;
	}
	s->run_count = 0;
	if (!restart && !seq_begins_anew(rules, s->last.sequence, first->item.sequence) && d >= 0 &&
	    s->in_life > 1) { /* a gap, although a wide one */
		take_here(s, room, rules, first);
	} else {
		if (!restart && s->in_life == 1 &&
		    seq_is_far(rules, d)) { /* what was heard first was the stray */
			withdraw(s, room);
			s->counters.strays++;
		} else {
			end_life(s, room);
			s->counters.resets++;
			s->has_former = rules->has_uptime;
			s->former_boot_ns = seq_boot_ns(&s->last);
		}
		begin_life(s, room, rules, first);
	}
	take_here(s, room, rules, &second);
	take_here(s, room, rules, h);
}

static void
take_far(struct seq_live *s, struct seq_room *room, const struct seq_rules *rules, struct seq_heard *h)
{
	if (s->run_count > 0 && !goes_on_from_run(s, rules, &h->item))
		drop_run(s, room, rules);
	if (s->run_count == CONFIRM - 1) {
		confirm(s, room, rules, h);
		return;
	}
	s->run[s->run_count++] = *h;
	s->others = 0;
}

static bool
is_copy(const struct seq_item *a, const struct seq_item *b)
{
	return a->sequence == b->sequence && a->tag == b->tag && a->uptime_ms == b->uptime_ms;
}

void
seq_live_take(
    struct seq_live *s, struct seq_room *room, const struct seq_rules *rules, const struct seq_heard *given)
{
	struct seq_heard h = *given;

	s->last_ns = h.received_ns;
	if (s->counters.datagrams++ == 0) {
		s->first_ns = h.received_ns;
		s->discipline = (uint8_t)rules->standard;
		begin_life(s, room, rules, &h);
		return;
	}
	if (is_copy(&h.item, &s->last) ||
	    (s->run_count > 0 && is_copy(&h.item, &s->run[s->run_count - 1].item))) {
		s->counters.duplicates++;
		return;
	}
	switch (place_of(s, rules, &h.item)) {
	case PLACE_HERE:
		take_here(s, room, rules, &h);
		if (s->run_count > 0 && ++s->others >= CONFIRM)
			drop_run(s, room, rules);
		break;
	case PLACE_FORMER:
		s->counters.late++;
		break;
	case PLACE_FAR:
		take_far(s, room, rules, &h);
		break;
	}
	if (s->gaps.count > 0 && seq_gaps_are_due(&s->gaps, h.received_ns, (uint32_t)s->counters.datagrams))
		seq_live_time(s, h.received_ns);
}

void
seq_live_time(struct seq_live *s, int64_t now_ns)
{
	struct seq_declared d;

	if (s->held || s->gaps.first_open >= s->gaps.count)
		return;
	d = seq_gaps_declare(&s->gaps, now_ns, (uint32_t)s->counters.datagrams, false);
	s->counters.declared += d.units;
	s->counters.gaps += d.gaps;
	s->counters.unknown += d.unknown;
}

void
seq_live_rest(struct seq_live *s, struct seq_room *room)
{
	withdraw(s, room);
	s->counters.recovered = s->counters.declared;
	s->counters.heard = s->counters.unknown = 0;
	free(s->early);
	s->early = NULL;
	s->early_count = 0;
	s->idle = true;
}

void
seq_live_copy(struct seq_live *ret, const struct seq_live *s, struct seq_room *room)
{
	*ret = *s;
	if (s->early != NULL && (ret->early = calloc(SEQ_EARLY, sizeof(*ret->early))) != NULL)
		memcpy(ret->early, s->early,
		    (s->early_count < SEQ_EARLY ? s->early_count : SEQ_EARLY) * sizeof(*ret->early));
	else if (s->early != NULL)
		forget_early(ret);
	if (!seq_gaps_copy(&s->gaps, room, &ret->gaps)) {
		ret->gaps = (struct seq_gaps){.all = NULL};
		withdraw(ret, room);
		ret->counters.recovered = ret->counters.declared;
	}
}

void
seq_live_clear(struct seq_live *s, struct seq_room *room)
{
	free(s->early);
	seq_gaps_clear(&s->gaps, room);
	*s = (struct seq_live){.early = NULL};
}

bool
seq_live_boot(const struct seq_live *s, const struct seq_rules *rules, int64_t *ret_ns)
{
	if (!rules->has_uptime || s->counters.datagrams == 0)
		return false;
	*ret_ns = seq_boot_ns(&s->last) - s->wrap_ms * NS_PER_MSEC;
	return true;
}
