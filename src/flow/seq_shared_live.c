/* SPDX-License-Identifier: ISC
 *
 * See seq_shared_live.h.
 */
#include "flow/seq_shared_live.h"

#define SCORE_DECIDES 6 /* either way; a pair that says something counts 2 */
#define SCORE_TIE 2     /* so little is chance */
#define SCORE_MOST 16   /* of either; so much must be outweighed when it changes */
#define SCORE_BREAK 4   /* a fall or a stray of all that is none of its stream */
#define OWN_TOLD 32     /* after so many pairs that decide nothing who is ahead is believed; a tie: apart */

void
seq_shared_begin(struct seq_shared *n, const struct seq_live *only, struct seq_room *room)
{
	*n = (struct seq_shared){.sharing = SEQ_UNDECIDED};
	seq_live_copy(&n->all, only, room);
	n->all.held = true;
}

void
seq_shared_clear(struct seq_shared *n, struct seq_room *room)
{
	seq_live_clear(&n->all, room);
}

static void
follow(const struct seq_shared *n, struct seq_live *own, struct seq_room *room)
{
	own->held = n->sharing == SEQ_UNDECIDED;
	if (n->sharing == SEQ_TOGETHER && !own->idle)
		seq_live_rest(own, room);
	else if (n->sharing != SEQ_TOGETHER)
		own->idle = false;
}

static void
become(struct seq_shared *n, enum seq_sharing sharing)
{
	n->sharing = (uint8_t)sharing;
	n->doubted = false;
	n->all.held = sharing != SEQ_TOGETHER;
	if (sharing == SEQ_TOGETHER)
		n->all.idle = false;
}

static void
decide(struct seq_shared *n, struct seq_room *room)
{
	bool waited = n->own_told >= OWN_TOLD;

	switch ((enum seq_sharing)n->sharing) {
	case SEQ_UNDECIDED:
		if (n->score >= SCORE_DECIDES ||
		    (waited && (n->score > 0 || (n->doubted && n->score >= -SCORE_TIE))))
			become(n, SEQ_TOGETHER);
		else if (n->score <= -SCORE_DECIDES || waited)
			become(n, SEQ_APART);
		break;
	case SEQ_APART:
		if (n->score > 0)
			become(n, SEQ_TOGETHER);
		break;
	case SEQ_TOGETHER:
		if (n->score <= -SCORE_DECIDES)
			become(n, SEQ_APART);
		break;
	}
	if (n->sharing == SEQ_APART && n->score <= -SCORE_DECIDES && !n->all.idle)
		seq_live_rest(&n->all, room);
}

/* One that rests has no numbers: what is counted of its datagrams would be as wrong as its gaps. */
static void
take(struct seq_live *s, struct seq_room *room, const struct seq_rules *rules, const struct seq_heard *h)
{
	struct seq_live_counters before = s->counters;

	seq_live_take(s, room, rules, h);
	if (s->idle) {
		s->counters = before;
		s->counters.datagrams++;
	}
}

/* Its stream would miss more than all of them: where it was not decided for good, nothing is declared for a while. */
static void
doubt(struct seq_shared *n)
{
	if (n->sharing == SEQ_APART && n->score >= -SCORE_TIE) {
		become(n, SEQ_UNDECIDED);
		n->own_told = 0;
		n->doubted = true;
	}
}

/* The number is ahead of the last one of all, by less than of the last one of its stream. */
static bool
is_nearer(const struct seq_shared *n, const struct seq_live *own, const struct seq_heard *h)
{
	int32_t all_step = seq_diff(n->all.last.sequence, h->item.sequence);
	int32_t own_step = seq_diff(own->last.sequence, h->item.sequence);

	return own->counters.datagrams > 0 && all_step > 0 && all_step < own_step;
}

/* What an account has said so far. */
struct said {
	int64_t pairs;
	uint64_t breaks;
};

static struct said
said(const struct seq_live *s)
{
	return (struct said){s->says, s->counters.resets + s->counters.strays};
}

/* To be nearer is half as good as to go on. That a number was given twice is said so often where counters run in lockstep
 * that it outweighs what loss makes look like one counter. */
static int
weigh(const struct seq_shared *n, const struct seq_live *own, struct said all_was, struct said own_was,
    bool nearer)
{
	int all = (int)(n->all.says - all_was.pairs), mine = (int)(own->says - own_was.pairs);
	int breaks = (int)(said(&n->all).breaks - all_was.breaks) - (int)(said(own).breaks - own_was.breaks);
	int says = all == 0 && mine == 0 ? nearer : 2 * (all - mine);

	return says - (all < 0 ? 2 : 0) - SCORE_BREAK * breaks;
}

const struct seq_live *
seq_shared_take(struct seq_shared *n, struct seq_live *own, struct seq_room *room,
    const struct seq_rules *rules, const struct seq_heard *h)
{
	struct said all_was = said(&n->all), own_was = said(own);
	bool together = n->sharing == SEQ_TOGETHER, nearer = is_nearer(n, own, h);
	int says, score;

	follow(n, own, room);
	take(own, room, rules, h);
	take(&n->all, room, rules, h);
	says = weigh(n, own, all_was, own_was, nearer);
	if (says > 0)
		doubt(n);
	if (own->says > own_was.pairs && n->own_told < OWN_TOLD)
		n->own_told++;
	score = n->score + says;
	if (score > SCORE_MOST)
		score = SCORE_MOST;
	n->score = (int16_t)(score < -SCORE_MOST ? -SCORE_MOST : score);
	decide(n, room);
	follow(n, own, room);
	return together ? &n->all : own;
}

void
seq_shared_time(struct seq_shared *n, struct seq_live *own, struct seq_room *room, int64_t now_ns)
{
	follow(n, own, room);
	seq_live_time(own, now_ns);
	seq_live_time(&n->all, now_ns);
}
