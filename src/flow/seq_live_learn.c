/* SPDX-License-Identifier: ISC
 *
 * What an exporter counts, as pairs of neighbours tell while they are heard, and what follows from sizes that are known
 * later.
 */
#include "flow/seq_live_private.h"

#include <stdlib.h>

#define VOTES_LEAST 3 /* that a discipline is learnt with */
#define VOTES_LEAD 3  /* ahead of the one that was learnt, to take its place */
#define VOTES_EVERY 8 /* pairs they are counted */
#define VOTES_MOST 64 /* then all are halved: what is older counts less */
#define PAIRS 128     /* of so many pairs the discipline must explain more than */
#define PAIRS_PART 32 /* one in so many, or it was none */

/* --- learning --- */

static void
replay(struct seq_live *s, struct seq_room *room, const struct seq_rules *rules)
{
	if (s->early_count <= SEQ_EARLY) {
		for (uint8_t i = 0; i < s->early_count; i++) {
			seq_live_remember_templates(s, &s->early[i].item);
			seq_live_account(s, room, rules, &s->early[i]);
		}
	}
	free(s->early);
	s->early = NULL;
	s->early_count = 0;
}

void
seq_live_forget_early(struct seq_live *s)
{
	free(s->early);
	s->early = NULL;
	s->early_count = SEQ_EARLY + 1;
}

static bool
is_variant(enum seq_discipline a, enum seq_discipline b)
{
	return seq_variant(a, SEQ_COUNTS_RECORDS) == seq_variant(b, SEQ_COUNTS_RECORDS);
}

/* One that is as good as the best is waited for as long as there is room: the next datagram of another size decides. */
static bool
is_decided(const struct seq_live *s, enum seq_discipline best)
{
	uint64_t votes = seq_votes_for(&s->votes, best);

	if (votes < VOTES_LEAST)
		return false;
	for (unsigned k = 0; k < SEQ_DISCIPLINES && s->early_count < SEQ_EARLY; k++) {
		if (k == best || (is_variant((enum seq_discipline)k, best) && s->votes.of[k] == votes))
			continue; /* nothing came that makes a difference there */
		if (seq_votes_for(&s->votes, (enum seq_discipline)k) + 1 >= votes)
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
	if (first && s->run_count < SEQ_CONFIRM - 1)
		early[0] = s->run[1];
	else if (first)
		s->early_count = 0;
	return true;
}

/* Whether templates are counted takes more to be learnt. */
static enum seq_discipline
doubt_templates(struct seq_live *s, enum seq_discipline best)
{
	enum seq_discipline plain = seq_variant(best, SEQ_COUNTS_RECORDS),
			    all = seq_variant(best, SEQ_COUNTS_TEMPLATES);
	int64_t lead = (int64_t)s->votes.of[all] - (int64_t)s->votes.of[plain];

	s->options = 0;
	s->templates = (int8_t)(lead < 0       ? SEQ_TEMPLATES_NOT
		: lead < SEQ_TEMPLATES_COUNTED ? lead
					       : SEQ_TEMPLATES_COUNTED);
	return best == all && lead < SEQ_TEMPLATES_COUNTED ? plain : best;
}

static bool
decide(struct seq_live *s, const struct seq_rules *rules)
{
	enum seq_discipline best = seq_votes_best(&s->votes, rules->standard);

	if (!is_decided(s, best))
		return false;
	s->discipline = (uint8_t)doubt_templates(s, best);
	s->learnt = true;
	s->pairs = s->explained = 0;
	return true;
}

/* Keeps what was heard before it can be accounted. */
void
seq_live_hold(
    struct seq_live *s, struct seq_room *room, const struct seq_rules *rules, const struct seq_heard *h)
{
	if (s->early == NULL && s->early_count == 0) {
		/* Many streams of a flood have no second one. Until then it stands where nothing else does yet. */
		s->run[1] = *h;
		s->early_count = 1;
		return;
	}
	if (s->early_count >= 1 && s->early_count < SEQ_EARLY && !early_grow(s))
		seq_live_forget_early(s);
	if (s->early_count < SEQ_EARLY)
		s->early[s->early_count++] = *h;
	if (!decide(s, rules)) {
		if (s->early_count == SEQ_EARLY &&
		    seq_votes_for(&s->votes, seq_votes_best(&s->votes, rules->standard)) < VOTES_LEAST)
			seq_live_forget_early(s);
		return;
	}
	if (s->early_count > SEQ_EARLY)
		seq_live_account(s, room, rules, h);
	replay(s, room, rules);
}

static void
unlearn(struct seq_live *s, struct seq_room *room)
{
	seq_live_withdraw(s, room);
	s->learnt = false;
	s->votes = (struct seq_votes){.unsized = 0};
	s->early_count = 0;
}

/* Another discipline has taken the lead. */
static void
count_votes(struct seq_live *s, struct seq_room *room)
{
	enum seq_discipline d = (enum seq_discipline)s->discipline, best = seq_votes_best(&s->votes, d);

	if (!is_variant(best, d) &&
	    seq_votes_for(&s->votes, best) >= seq_votes_for(&s->votes, d) + VOTES_LEAD) {
		seq_live_withdraw(s, room);
		s->discipline = (uint8_t)best;
	}
	if (s->votes.of[best] < VOTES_MOST)
		return;
	for (unsigned i = 0; i < SEQ_DISCIPLINES; i++)
		s->votes.of[i] /= 2;
	s->votes.unsized /= 2;
}

/* Whether the discipline still explains what is heard. One that does not would show loss that is none. */
void
seq_live_examine(
    struct seq_live *s, struct seq_room *room, const struct seq_rules *rules, const struct seq_heard *h)
{
	seq_live_look_at_variants(s, room, rules, h);
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

/* --- what is known later --- */

static void
recount_item(struct seq_item *it, const struct seq_more *more)
{
	if (it->sequence != more->sequence || it->tag != more->tag || !it->units_unknown)
		return;
	it->units += more->more;
	it->options = SEQ_OPTIONS(it->options + more->more_options);
	it->units_unknown = more->unknown;
}

static void
recount_early(
    struct seq_live *s, struct seq_room *room, const struct seq_rules *rules, const struct seq_more *more)
{
	const struct seq_item *last = NULL;

	if (s->early == NULL || s->early_count > SEQ_EARLY)
		return;
	s->votes = (struct seq_votes){.unsized = 0};
	for (uint8_t i = 0; i < s->early_count; i++) {
		struct seq_item *it = &s->early[i].item;

		recount_item(it, more);
		if (last != NULL && seq_diff(last->sequence, it->sequence) < 0)
			continue;
		if (last != NULL)
			seq_vote(&s->votes, last, it);
		last = it;
	}
	if (decide(s, rules))
		replay(s, room, rules);
}

void
seq_live_recount(struct seq_live *s, struct seq_room *room, const struct seq_rules *rules,
    const struct seq_more *more, int64_t now_ns)
{
	enum seq_discipline d = (enum seq_discipline)s->discipline;
	int32_t ahead = seq_diff(s->last.sequence, more->sequence);
	struct seq_heard h = {.item = {.units_unknown = more->unknown}, .received_ns = now_ns};
	struct seq_item was = {.units = more->units,
	    .options = SEQ_OPTIONS(more->options),
	    .templates = SEQ_TEMPLATES(more->templates)};
	int64_t numbers = (int64_t)more->more -
	    (seq_counts_of(d) == SEQ_COUNTS_FLOWS ? more->more_options : 0);
	struct seq_range r;

	recount_item(&s->last, more);
	for (unsigned i = 0; i < SEQ_CONFIRM - 1; i++)
		recount_item(&s->run[i].item, more);
	if (s->idle)
		return;
	if (!s->learnt) {
		recount_early(s, room, rules, more);
		return;
	}
	if (!s->spans || seq_is_far(rules, ahead) || d == SEQ_DATAGRAMS || d == SEQ_NONE)
		return;
	was.position = s->last.position + ahead;
	r = seq_covers(d, &was);
	r = seq_is_after(d) ? (struct seq_range){r.from - numbers, r.from}
			    : (struct seq_range){r.to, r.to + numbers};
	seq_live_account_more(s, room, rules, r, &h);
}
