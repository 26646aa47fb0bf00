/* SPDX-License-Identifier: ISC
 *
 * See monitor_stream.h.
 */
#include "cluster/monitor_stream_private.h"

#include <stdlib.h>
#include <string.h>

#include "cluster/monitor_numbering.h"

#define BOOT_SLACK_NS (5 * NS_PER_SEC) /* jitter of boot times, and of what nodes make of them */
#define NEAR ((int64_t)1 << 20)        /* without boot times: positions so near are of one life */
#define FELL 1000                      /* numbers that a node heard lower than before are of another life */
#define NEWER_NS (2 * NS_PER_SEC)
#define BEGIN_NS (30 * NS_PER_SEC) /* so long a node may tell that a life began earlier */
#define MOVES 3

/* --- lives --- */

/* A life of the exporter begins, as a node tells it. */
static enum err
begin_life(struct view *v, struct view_stream *s, const struct stream_answer *a)
{
	enum err e = s->life > 0 ? stream_settle(v, s, s->limit) : ERR_OK;

	if (e != ERR_OK)
		return e;
	s->life++;
	s->began_ns = v->steady.ns;
	s->boot_ns = a->r->boot_ns;
	s->first = s->limit = s->history = a->r->first;
	s->next = a->r->first;
	for (size_t i = 0; i < VIEW_BUCKETS; i++)
		s->marks[i] = a->r->first;
	for (uint32_t n = 0; n < v->node_count; n++) {
		struct view_at *at = &s->at[n];

		at->current = false;
		at->apart = true;
		at->moves = 0;
		at->heard.count = at->missing.count = 0;
		at->next = at->before = s->first;
	}
	s->residual.count = 0;
	return ERR_OK;
}

/* The window of a stream that the view has not seen from its beginning: when a position was sent is not known, but between first and last it
 * went on somehow. */
static void
imagine_marks(const struct view *v, struct view_stream *s, const struct stream_answer *a)
{
	double span = (double)(a->heard_ns - a->since_ns), units = (double)(a->r->next - a->r->first);

	for (uint64_t i = 0; i < VIEW_BUCKETS; i++) {
		double age = (double)(v->now.ns - v->began[(v->bucket - i) % VIEW_BUCKETS].ns);
		double part = ((double)(v->now.ns - a->since_ns) - age) / (span > 1 ? span : 1);

		part = part < 0 ? 0 : part > 1 ? 1 : part;
		s->marks[(v->bucket - i) % VIEW_BUCKETS] = a->r->first + (int64_t)(part * units);
	}
	s->first = s->limit = s->marks[(v->bucket + 1) % VIEW_BUCKETS];
	s->history = a->r->next;
}

enum err
stream_new(struct view *v, const struct stream_answer *a, struct view_stream **ret)
{
	struct view_stream *s = calloc(1, sizeof(*s) + v->node_count * sizeof(s->at[0]));
	enum err e;

	if (s == NULL)
		return ERR_MEMORY;
	s->key = a->r->key;
	s->unit = a->r->unit;
	s->units_each = 1;
	s->heard_ns = INT64_MIN;
	e = begin_life(v, s, a);
	if (e != ERR_OK) {
		stream_free(v, s);
		return e;
	}
	if ((a->first || s->key.all) && a->r->counts)
		imagine_marks(
		    v, s, a); /* that domains share a counter is found out later than they are heard */
	s->next = a->r->next;
	*ret = s;
	return ERR_OK;
}

void
stream_free(struct view *v, struct view_stream *s)
{
	for (uint32_t n = 0; n < v->node_count; n++) {
		seq_set_clear(&s->at[n].heard);
		seq_set_clear(&s->at[n].missing);
	}
	seq_set_clear(&s->residual);
	free(s->settled);
	free(s);
}

enum fit { FIT_SAME, FIT_NEW, FIT_OLD };

static bool
have_boots(const struct view_stream *s, const struct report_stream *r)
{
	return s->boot_ns != REPORT_NO_BOOT && r->boot_ns != REPORT_NO_BOOT;
}

static enum fit
newer(const struct view *v, const struct view_stream *s, const struct stream_answer *a)
{
	bool any = false;

	if (have_boots(s, a->r) && llabs(a->r->boot_ns - s->boot_ns) > BOOT_SLACK_NS &&
	    a->r->boot_ns > s->boot_ns)
		return FIT_NEW;
	for (uint32_t n = 0; n < v->node_count; n++)
		any |= s->at[n].current && n != a->node;
	return !any || a->heard_ns > s->heard_ns + NEWER_NS ? FIT_NEW : FIT_OLD;
}

/* Which life a node tells of. *ret_shift: what makes its positions the view's. */
static enum fit
find_life(const struct view *v, const struct view_stream *s, struct view_at *at,
    const struct stream_answer *a, int64_t *ret_shift)
{
	const struct report_stream *r = a->r;
	int64_t ahead = (int32_t)((uint32_t)r->next - (uint32_t)s->next);
	bool goes_on = at->life > 0 && at->started_ns == a->started_ns && at->lane == r->lane;
	bool looks_same = have_boots(s, r) ? llabs(r->boot_ns - s->boot_ns) <= BOOT_SLACK_NS
					   : llabs(ahead) <= NEAR;

	*ret_shift = s->next + ahead - r->next;
	if (!goes_on) {
		/* Also over its restart the numbers of a life do not fall. */
		bool fell = !have_boots(s, r) && at->life == s->life &&
		    r->next + *ret_shift < at->next - FELL;

		return looks_same && !fell ? FIT_SAME : newer(v, s, a);
	}
	if (at->life == s->life)
		return r->epoch == at->epoch ? FIT_SAME : FIT_NEW; /* boot times change when a clock is set */
	if (r->epoch != at->epoch)
		return looks_same ? FIT_SAME : newer(v, s, a);
	if (have_boots(s, r))
		return looks_same ? FIT_SAME : newer(v, s, a);
	/* Others have seen a new life begin. When this one goes on and on in the old one, it was none for it. */
	if (r->datagrams > at->datagrams && at->moves < MOVES)
		at->moves++;
	return looks_same && at->moves == MOVES ? FIT_SAME : FIT_OLD;
}

/* --- answers --- */

static uint64_t
missing_in(const struct seq_range *heard, size_t count, struct seq_range r)
{
	uint64_t units = (uint64_t)(r.to - r.from);

	for (size_t i = 0; i < count && heard[i].from < r.to; i++) {
		int64_t from = heard[i].from > r.from ? heard[i].from : r.from,
			to = heard[i].to < r.to ? heard[i].to : r.to;

		if (from < to)
			units -= (uint64_t)(to - from);
	}
	return units;
}

/* A range of several gaps. Which they are is known when the node has told of each, so it says nothing of what lies below at->next; of the rest
 * only the sum is taken, since most of what lies within was heard. told: ranges that were in `heard` before this answer. */
static enum err
add_joined(
    struct view *v, struct view_stream *s, const struct stream_answer *a, struct report_range j, size_t told)
{
	struct view_at *at = &s->at[a->node];
	struct seq_range fresh = j.range;
	uint64_t known = 0;
	enum err e;

	if (fresh.from < at->next)
		fresh.from = at->next < fresh.to ? at->next : fresh.to;
	if (fresh.from < s->first)
		fresh.from = s->first < fresh.to ? s->first : fresh.to;
	if (fresh.from == fresh.to)
		return ERR_OK;
	if (j.range.from < s->first) /* the part of it that is too old to be judged has its share */
		j.missing = (uint64_t)((double)j.missing * (double)(fresh.to - fresh.from) /
		    (double)(j.range.to - j.range.from));
	else
		known = missing_in(at->heard.ranges, told, (struct seq_range){j.range.from, fresh.from});
	e = seq_set_add(&at->heard, fresh);
	return e == ERR_OK && j.missing > known
	    ? stream_settle_some(v, s, a->node, fresh.from, j.missing - known)
	    : e;
}

/* What the report has not among the missing was heard. */
static enum err
add_heard(struct view *v, struct view_stream *s, const struct stream_answer *a, int64_t shift)
{
	struct view_at *at = &s->at[a->node];
	int64_t pos = a->r->from + shift;
	size_t told = at->heard.count;
	enum err e = ERR_OK;

	for (size_t i = 0; i <= a->r->ranges && e == ERR_OK; i++) {
		bool last = i == a->r->ranges;
		struct report_range m = last ? (struct report_range){.range = {a->r->next, a->r->next}}
					     : a->missing[i];

		m.range.from += shift;
		m.range.to += shift;
		if (pos < s->first)
			pos = s->first;
		if (m.range.from > pos)
			e = seq_set_add(&at->heard, (struct seq_range){pos, m.range.from});
		if (e == ERR_OK && m.missing < (uint64_t)(m.range.to - m.range.from))
			e = add_joined(v, s, a, m, told);
		pos = m.range.to;
	}
	seq_set_close(&at->heard);
	/* While nothing is judged nothing can be settled. Before it comes to much, the oldest gaps are given up as heard. */
	if (at->heard.count > 8 * VIEW_RANGES_MOST) {
		size_t over = at->heard.count - VIEW_RANGES_MOST;

		at->heard.ranges[over].from = at->heard.ranges[0].from;
		memmove(
		    at->heard.ranges, at->heard.ranges + over, VIEW_RANGES_MOST * sizeof(*at->heard.ranges));
		at->heard.count = VIEW_RANGES_MOST;
		v->left_out += over;
	}
	return e;
}

/* A node may have heard of the beginning of a life what the first that told of it had not. */
static void
begin_earlier(struct view_stream *s, int64_t first)
{
	for (size_t i = 0; i < VIEW_BUCKETS; i++) {
		if (s->marks[i] == s->first)
			s->marks[i] = first;
	}
	if (s->history == s->first)
		s->history = first;
	s->first = s->limit = first;
}

static enum err
take_position(struct view *v, struct view_stream *s, const struct stream_answer *a, int64_t shift)
{
	struct view_at *at = &s->at[a->node];
	int64_t first = a->r->first + shift, next = a->r->next + shift;
	enum err e;

	if (first < s->first && s->limit == s->first && s->history == s->first &&
	    v->steady.ns - s->began_ns < BEGIN_NS && s->first - first < NEAR)
		begin_earlier(s, first);
	e = add_heard(v, s, a, shift);
	if (e == ERR_OK && (a->first || (s->key.all && !at->known))) {
		uint64_t counts[VIEW_BUCKETS];

		stream_spread(v, s, &at->heard, INT64_MAX, counts);
		for (size_t b = 0; b < VIEW_BUCKETS && !s->key.all;
		     b++) /* else its domains have told of them */
			v->nodes[a->node].heard[b] += stream_datagrams(s, counts[b]);
		/* It heard who knows what before. That is not held against it, nor claimed to be missing on all. */
		e = seq_set_add(
		    &at->heard, (struct seq_range){s->first, first < s->history ? first : s->history});
		seq_set_close(&at->heard);
	}
	at->before = at->current ? at->next : s->first;
	at->next = next;
	at->current = true;
	at->apart = false;
	if (next > s->next)
		s->next = next;
	return e;
}

/* What it tells joins what it told before. */
static bool
goes_on(const struct view_at *at, const struct stream_answer *a, int64_t shift)
{
	return a->r->from == a->r->first ||
	    (!at->apart && at->lane == a->r->lane && at->started_ns == a->started_ns &&
		a->r->from + shift <= at->next);
}

enum err
stream_take(struct view *v, struct view_stream *s, const struct stream_answer *a)
{
	struct view_at *at = &s->at[a->node];
	const struct report_stream *r = a->r;
	bool moved = !at->known || r->datagrams != at->datagrams || r->lane != at->lane;
	bool counts = numbering_takes(v, s, a->node, r);
	int64_t shift = 0;
	enum err e = ERR_OK;

	at->rate = at->known && a->seconds > 0 && r->datagrams >= at->datagrams
	    ? (double)(r->datagrams - at->datagrams) / a->seconds
	    : 0;
	if (moved) {
		at->moved_ns = v->steady.ns;
		at->lags_ns = 0;
	}
	s->unit = r->unit;
	if (r->datagrams > 0 && r->heard > r->datagrams)
		s->units_each = (double)r->heard / (double)r->datagrams;
	if (a->heard_ns > s->heard_ns)
		s->heard_ns = a->heard_ns;
	s->changed = true;
	if (counts) {
		enum fit fit = s->counts ? find_life(v, s, at, a, &shift) : FIT_SAME;

		if (!s->counts && s->life > 0 &&
		    s->next != r->next) { /* nothing was known of its numbers before */
			e = begin_life(v, s, a);
			if (e == ERR_OK && a->first)
				imagine_marks(v, s, a);
		} else if (fit == FIT_NEW) {
			e = begin_life(v, s, a);
			shift = 0;
			fit = FIT_SAME;
		}
		s->counts = true;
		if (e == ERR_OK && fit == FIT_SAME) {
			at->life = s->life;
			at->moves = 0;
			if (r->boot_ns != REPORT_NO_BOOT)
				s->boot_ns = r->boot_ns;
			if (goes_on(at, a, shift)) {
				e = take_position(v, s, a, shift);
			} else {
				at->current = false;
				at->apart = true;
				v->nodes[a->node].wants_all = true;
			}
		} else {
			at->current = false;
			at->apart = true;
		}
	} else {
		at->current = false;
		at->apart = true;
	}
	at->known = at->told = true;
	at->datagrams = r->datagrams;
	at->samples = r->samples;
	at->epoch = r->epoch;
	at->lane = r->lane;
	at->started_ns = a->started_ns;
	return e;
}

/* --- counting --- */

/* What all that hear the stream have told to be behind them. */
static void
find_limit(struct view *v, struct view_stream *s)
{
	int64_t limit = s->next, moved_ns = 0;
	uint32_t hearing = 0;

	for (uint32_t n = 0; n < v->node_count; n++) {
		if (v->nodes[n].state == VIEW_UP && s->at[n].told && s->at[n].moved_ns > moved_ns)
			moved_ns = s->at[n].moved_ns;
	}
	for (uint32_t n = 0; n < v->node_count; n++) {
		struct view_at *at = &s->at[n];
		bool lags = moved_ns - at->moved_ns > v->stall_ns || (at->current && at->next < s->next);

		/* After a silence somebody is the first that tells of more: the others have a while, too. */
		if (!lags)
			at->lags_ns = 0;
		else if (at->lags_ns == 0)
			at->lags_ns = v->steady.ns;
		at->stalled = at->told && lags && v->steady.ns - at->lags_ns > v->stall_ns;
		if (!view_hears(v, s, n))
			continue;
		hearing++;
		if (at->current && at->before < limit)
			limit = at->before;
	}
	if (limit > s->limit) {
		s->limit = limit;
		s->changed = true;
	}
	s->changed |= hearing != s->hearing;
	s->hearing = hearing;
}

/* What is in both; a becomes it. */
static enum err
intersect(struct seq_set *a, const struct seq_set *b)
{
	struct seq_set both = {0};
	enum err e = ERR_OK;

	for (size_t i = 0, k = 0; i < a->count && k < b->count && e == ERR_OK;) {
		struct seq_range x = a->ranges[i], y = b->ranges[k];

		e = seq_set_add(
		    &both, (struct seq_range){x.from > y.from ? x.from : y.from, x.to < y.to ? x.to : y.to});
		if (x.to < y.to)
			i++;
		else
			k++;
	}
	seq_set_clear(a);
	*a = both;
	return e;
}

static uint64_t
row_sum(const struct view_stream *s, uint32_t row)
{
	uint64_t sum = 0;

	for (size_t b = 0; s->settled != NULL && b < VIEW_BUCKETS; b++)
		sum += s->settled[(size_t)row * VIEW_BUCKETS + b];
	return sum;
}

static enum err
count_missing(struct view *v, struct view_stream *s)
{
	struct seq_range span = {s->first, s->limit};
	bool any = false;
	enum err e = ERR_OK;

	s->residual.count = 0;
	for (uint32_t n = 0; n < v->node_count && e == ERR_OK; n++) {
		struct view_at *at = &s->at[n];

		at->missing.count = 0;
		if (v->nodes[n].state == VIEW_NEVER || span.from >= span.to || (s->key.all && !at->known))
			continue;
		e = seq_set_missing(&at->heard, span, &at->missing);
		for (size_t i = 0; !any && i < at->missing.count && e == ERR_OK; i++)
			e = seq_set_add(&s->residual, at->missing.ranges[i]);
		if (any && e == ERR_OK)
			e = intersect(&s->residual, &at->missing);
		any = true;
	}
	return e;
}

/* Where a set of too many ranges may be cut: half of what is kept remains. */
static int64_t
cut_of(const struct view *v, const struct view_stream *s)
{
	int64_t cut = s->first;

	for (uint32_t n = 0; n < v->node_count; n++) {
		const struct seq_set *h = &s->at[n].heard;

		if (h->count > v->ranges_most && h->ranges[h->count - v->ranges_most / 2].from > cut)
			cut = h->ranges[h->count - v->ranges_most / 2].from;
	}
	return cut < s->limit ? cut : s->limit;
}

enum err
stream_count(struct view *v, struct view_stream *s)
{
	enum err e = ERR_OK;

	find_limit(v, s);
	if (!s->changed && cut_of(v, s) <= s->first)
		return ERR_OK;
	if (s->counts && s->changed)
		e = count_missing(v, s);
	if (e == ERR_OK)
		e = stream_settle(v, s, cut_of(v, s));
	for (uint32_t n = 0; n < v->node_count; n++)
		s->at[n].units = seq_set_units(&s->at[n].missing) + row_sum(s, n);
	s->residual_units = seq_set_units(&s->residual) + row_sum(s, v->node_count);
	s->sent_units = (uint64_t)(s->limit - s->first) + row_sum(s, v->node_count + 1U);
	s->changed = false;
	return e;
}

static void
sum_set(const struct view *v, const struct view_stream *s, const struct seq_set *set, uint64_t *sums)
{
	uint64_t counts[VIEW_BUCKETS];

	if (set->count == 0)
		return;
	stream_spread(v, s, set, INT64_MAX, counts);
	for (size_t b = 0; b < VIEW_BUCKETS; b++)
		sums[b] += stream_datagrams(s, counts[b]);
}

void
stream_sum(struct view *v, struct view_stream *s)
{
	for (uint32_t n = 0; n < v->node_count; n++)
		sum_set(v, s, &s->at[n].missing, v->nodes[n].missing);
	sum_set(v, s, &s->residual, v->residual);
}

void
stream_next_bucket(struct view *v, struct view_stream *s)
{
	size_t b = v->bucket % VIEW_BUCKETS;
	int64_t oldest = s->marks[(v->bucket + 1) % VIEW_BUCKETS];

	s->marks[b] = s->next;
	for (uint32_t row = 0; s->settled != NULL && row < v->node_count + 2U; row++)
		s->settled[(size_t)row * VIEW_BUCKETS + b] = 0;
	stream_trim(v, s, oldest > s->first ? oldest : s->first);
}

bool
stream_is_forgotten(const struct view *v, const struct view_stream *s)
{
	return s->heard_ns < v->now.ns - v->window_ns;
}
