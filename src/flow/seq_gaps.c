/* SPDX-License-Identifier: ISC
 *
 * See seq_gaps.h. New gaps nearly always stand at the end, and open ones behind declared ones, so what is done for each
 * datagram looks at the end only.
 */
#include "flow/seq_gaps.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define ROOM_FIRST 4

static bool
is_open(const struct seq_gap *gap)
{
	return gap->state == SEQ_GAP_OPEN || gap->state == SEQ_GAP_UNKNOWN;
}

static uint64_t *
sum_of(struct seq_gaps *g, const struct seq_gap *gap)
{
	switch (gap->state) {
	case SEQ_GAP_OPEN:
		return &g->open;
	case SEQ_GAP_UNKNOWN:
	case SEQ_GAP_UNCLEAR:
		return &g->unknown;
	default:
		return &g->declared;
	}
}

static uint64_t
length(struct seq_range r)
{
	return (uint64_t)(r.to - r.from);
}

/* A gap comes into the list, or leaves it. */
static void
enter(struct seq_gaps *g, const struct seq_gap *gap)
{
	*sum_of(g, gap) += gap->missing;
	g->unclear += gap->state == SEQ_GAP_UNCLEAR;
}

static void
leave(struct seq_gaps *g, const struct seq_gap *gap)
{
	*sum_of(g, gap) -= gap->missing;
	g->unclear -= gap->state == SEQ_GAP_UNCLEAR;
}

void
seq_gaps_clear(struct seq_gaps *g, struct seq_room *room)
{
	free(g->all);
	room->used -= g->room;
	*g = (struct seq_gaps){.all = NULL};
}

/* --- room --- */

bool
seq_gaps_copy(const struct seq_gaps *g, struct seq_room *room, struct seq_gaps *ret)
{
	struct seq_gaps copy = *g;

	if (g->room > 0) {
		if (g->room > room->most - room->used ||
		    (copy.all = malloc(g->room * sizeof(*copy.all))) == NULL)
			return false;
		memcpy(copy.all, g->all, g->count * sizeof(*copy.all));
		room->used += g->room;
	}
	*ret = copy;
	return true;
}

static bool
grow(struct seq_gaps *g, struct seq_room *room)
{
	uint32_t want = g->room > 0 ? 2 * g->room : ROOM_FIRST;
	struct seq_gap *all;

	if (want > SEQ_GAPS_MOST || want - g->room > room->most - room->used)
		return false;
	all = realloc(g->all, want * sizeof(*all));
	if (all == NULL)
		return false;
	room->used += want - g->room;
	g->all = all;
	g->room = want;
	return true;
}

/* What is unclear in a range that is joined will never be told. */
static uint64_t
known_of(struct seq_gaps *g, const struct seq_gap *gap)
{
	if (seq_gap_is_known((enum seq_gap_state)gap->state))
		return gap->missing;
	g->given_up += gap->missing;
	return 0;
}

static void
join(struct seq_gaps *g, struct seq_gap *a, const struct seq_gap *b)
{
	leave(g, a);
	leave(g, b);
	a->range.to = b->range.to;
	a->missing = known_of(g, a) + known_of(g, b);
	a->state = SEQ_GAP_JOINED;
	enter(g, a);
	if (b->since_ns < a->since_ns)
		a->since_ns = b->since_ns;
}

/* Joins the older half of the declared gaps in pairs: far fewer steps for each gap than one pair at a time, and what is
 * older is what gets coarse. */
static bool
join_some(struct seq_gaps *g, struct seq_room *room)
{
	uint32_t half = g->first_open > 3 ? g->first_open / 2 : g->first_open, n = 0;

	for (uint32_t i = 0; i < half; i++) {
		if (i + 1 < half) {
			join(g, &g->all[i], &g->all[i + 1]);
			g->all[n++] = g->all[i++];
			room->joined++;
		} else {
			g->all[n++] = g->all[i];
		}
	}
	if (n == half)
		return false;
	memmove(&g->all[n], &g->all[half], (g->count - half) * sizeof(*g->all));
	g->count -= half - n;
	g->first_open -= half - n;
	g->joined = true;
	return true;
}

/* The first gap that ends behind `at`. */
static uint32_t
find(const struct seq_gaps *g, int64_t at)
{
	uint32_t low = 0, high = g->count;

	if (high > 0 && g->all[high - 1].range.to <= at)
		return high;
	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (g->all[mid].range.to <= at)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* It stands in no range of its own: an open one is declared, and what nobody knows about is given up. */
static void
place_none(struct seq_gaps *g, const struct seq_gap *gap)
{
	uint64_t known;

	leave(g, gap);
	known = known_of(g, gap);
	g->declared += known;
	if (gap->state == SEQ_GAP_OPEN)
		g->forced += known;
}

static void
insert(struct seq_gaps *g, struct seq_room *room, const struct seq_gap *gap)
{
	uint32_t at;

	enter(g, gap);
	if (g->count == g->room && !grow(g, room) && !join_some(g, room)) {
		room->joined++;
		g->joined = true;
		place_none(g, gap);
		return;
	}
	at = find(g, gap->range.from);
	if (at < g->count && g->all[at].state == SEQ_GAP_JOINED && g->all[at].range.from <= gap->range.from) {
		/* the other part of what it was cut from has just been joined, beyond it */
		place_none(g, gap);
		g->all[at].missing += seq_gap_is_known((enum seq_gap_state)gap->state) ? gap->missing : 0;
		return;
	}
	memmove(&g->all[at + 1], &g->all[at], (g->count - at) * sizeof(*g->all));
	g->all[at] = *gap;
	g->count++;
	if (at < g->first_open)
		g->first_open = is_open(gap) ? at : g->first_open + 1;
	else if (at == g->first_open && !is_open(gap))
		g->first_open++;
}

static void
take_out(struct seq_gaps *g, uint32_t at)
{
	g->count--;
	memmove(&g->all[at], &g->all[at + 1], (g->count - at) * sizeof(*g->all));
	if (at < g->first_open)
		g->first_open--;
}

void
seq_gaps_add(struct seq_gaps *g, struct seq_room *room, struct seq_range r, enum seq_gap_state state,
    int64_t now_ns, uint32_t datagrams)
{
	const struct seq_gap gap = {
	    .range = r, .since_ns = now_ns, .missing = length(r), .born = datagrams, .state = (uint8_t)state};

	insert(g, room, &gap);
}

/* --- what is heard --- */

/* Takes r, which lies within the gap, out of it. One that is empty parts a gap in two. */
static void
cut(struct seq_gaps *g, struct seq_room *room, uint32_t at, struct seq_range r, bool after, int64_t now_ns,
    uint32_t datagrams)
{
	struct seq_gap left = g->all[at], right = left;
	bool was_unknown = !seq_gap_is_known((enum seq_gap_state)left.state);
	struct seq_gap *known = after ? &left : &right;

	left.range.to = r.from;
	right.range.from = r.to;
	left.missing = length(left.range);
	right.missing = length(right.range);
	if (was_unknown) {
		known->state = SEQ_GAP_OPEN;
		known->since_ns = now_ns;
		known->born = datagrams;
	}
	leave(g, &g->all[at]);
	if (left.missing == 0 && right.missing == 0) {
		take_out(g, at);
		return;
	}
	/* One part stays in its place. What was unclear may be open now. */
	g->all[at] = left.missing > 0 ? left : right;
	enter(g, &g->all[at]);
	if (at < g->first_open && is_open(&g->all[at]))
		g->first_open = at;
	if (left.missing > 0 && right.missing > 0)
		insert(g, room, &right);
}

struct seq_filled
seq_gaps_fill(struct seq_gaps *g, struct seq_room *room, struct seq_range r, bool after, int64_t now_ns,
    uint32_t datagrams)
{
	struct seq_filled filled = {.open = 0};

	if (g->count == 0)
		return filled;
	do {
		uint32_t at = find(g, r.from);
		struct seq_gap *gap = &g->all[at];
		struct seq_range part = r;

		if (at >= g->count || gap->range.from >= r.to)
			return filled;
		if (r.from == r.to) {
			if (!seq_gap_is_known((enum seq_gap_state)gap->state))
				cut(g, room, at, r, after, now_ns, datagrams);
			return filled;
		}
		if (part.from < gap->range.from)
			part.from = gap->range.from;
		if (part.to > gap->range.to)
			part.to = gap->range.to;
		r.from = part.to;
		if (gap->state == SEQ_GAP_JOINED) {
			filled.joined = true;
			continue;
		}
		if (gap->state == SEQ_GAP_OPEN)
			filled.open += length(part);
		else if (!seq_gap_is_known((enum seq_gap_state)gap->state))
			filled.unknown += length(part);
		else
			filled.declared += length(part);
		cut(g, room, at, part, after, now_ns, datagrams);
	} while (r.from < r.to);
	return filled;
}

void
seq_gaps_doubt(struct seq_gaps *g, struct seq_room *room, int64_t at, bool after)
{
	uint32_t i = find(g, after ? at - 1 : at);
	struct seq_gap doubtful, *gap;

	if (i >= g->count)
		return;
	gap = &g->all[i];
	if (gap->state == SEQ_GAP_JOINED || !seq_gap_is_known((enum seq_gap_state)gap->state) ||
	    (after ? gap->range.from >= at : gap->range.from > at))
		return;
	doubtful = *gap;
	if (after)
		doubtful.range.to = at;
	else
		doubtful.range.from = at;
	doubtful.missing = length(doubtful.range);
	doubtful.state = SEQ_GAP_UNKNOWN;
	*sum_of(g, gap) -= doubtful.missing; /* it is known, so it is counted nowhere else */
	gap->missing -= doubtful.missing;
	if (after)
		gap->range.from = at;
	else
		gap->range.to = at;
	if (gap->missing == 0)
		take_out(g, i);
	insert(g, room, &doubtful);
}

/* --- what does not come --- */

static bool
is_due(const struct seq_gap *gap, int64_t now_ns, uint32_t datagrams)
{
	int64_t age = now_ns - gap->since_ns;

	return datagrams - gap->born >= SEQ_GAP_DATAGRAMS || age >= SEQ_GAP_NS || age < -SEQ_GAP_NS;
}

struct seq_declared
seq_gaps_declare(struct seq_gaps *g, int64_t now_ns, uint32_t datagrams, enum seq_declare what)
{
	struct seq_declared d = {.gaps = 0};
	uint32_t n = g->first_open;
	bool open_left = false;

	for (uint32_t i = n; i < g->count; i++) {
		struct seq_gap gap = g->all[i];

		if (is_open(&gap) && (what == SEQ_DECLARE_ALL || is_due(&gap, now_ns, datagrams))) {
			leave(g, &gap);
			if (gap.state == SEQ_GAP_OPEN) {
				d.gaps++;
				d.units += gap.missing;
				gap.state = SEQ_GAP_DECLARED;
			} else if (what == SEQ_DECLARE_KEEP && g->unclear < SEQ_GAPS_UNCLEAR_MOST) {
				gap.state = SEQ_GAP_UNCLEAR;
			} else {
				d.unknown += gap.missing;
				continue;
			}
			enter(g, &gap);
		}
		g->all[n++] = gap;
		if (!open_left && is_open(&gap)) {
			open_left = true;
			g->first_open = n - 1;
		}
	}
	g->count = n;
	if (!open_left)
		g->first_open = n;
	return d;
}
