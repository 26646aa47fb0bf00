/* SPDX-License-Identifier: ISC
 *
 * A datagram first finds its place: it belongs to the life at hand, to the one before, or may be the beginning of
 * something new. In the life at hand its number is unwrapped, votes for a discipline, and is accounted.
 */
#include "flow/seq_live_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "flow/seq_shared.h"

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
		seq_live_remember_templates(s, &h->item);
		seq_live_account(s, room, rules, h);
	} else {
		seq_live_hold(s, room, rules, h);
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
				seq_live_examine(s, room, rules, h);
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
			seq_live_withdraw(s, room);
			s->counters.strays++;
		} else {
			seq_live_end_life(s, room);
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
	if (s->run_count == SEQ_CONFIRM - 1) {
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
		if (s->run_count > 0 && ++s->others >= SEQ_CONFIRM)
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
	d = seq_gaps_declare(&s->gaps, now_ns, (uint32_t)s->counters.datagrams,
	    s->awaits ? SEQ_DECLARE_KEEP : SEQ_DECLARE_DUE);
	s->counters.declared += d.units;
	s->counters.gaps += d.gaps;
	s->counters.unknown += d.unknown;
}

void
seq_live_rest(struct seq_live *s, struct seq_room *room)
{
	seq_live_withdraw(s, room);
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
		seq_live_forget_early(ret);
	if (!seq_gaps_copy(&s->gaps, room, &ret->gaps)) {
		ret->gaps = (struct seq_gaps){.all = NULL};
		seq_live_withdraw(ret, room);
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
