/* SPDX-License-Identifier: ISC
 *
 * How a stream is put in order.
 *
 * With an uptime in the header, boot time = clock - uptime is the same for every datagram of one life, up to
 * jitter. Items are clustered by boot time; clusters are joined into one epoch where the uptime goes on from
 * one to the other (the exporter's clock was stepped, or its uptime wrapped after 2^32 ms), or where the
 * sequence does and no life can have begun in between (its uptime was set back). Within an epoch uptime orders; an uptime
 * that falls within a cluster, by less than its slack, is made to go on first. Without uptime there is one cluster, ordered
 * by clock, and only a confirmed fall of the sequence begins an epoch.
 */
#include "flow/seq.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/sort.h"
#include "base/spill.h"

const char *
seq_discipline_name(enum seq_discipline d)
{
	switch (d) {
	case SEQ_BEFORE:
		return "before";
	case SEQ_AFTER:
		return "after";
	case SEQ_DATAGRAMS:
		return "datagrams";
	case SEQ_BEFORE_ALL:
		return "before+templates";
	case SEQ_AFTER_ALL:
		return "after+templates";
	case SEQ_BEFORE_FLOWS:
		return "before-options";
	case SEQ_AFTER_FLOWS:
		return "after-options";
	case SEQ_NONE:
		break;
	}
	return "none";
}

enum seq_counts
seq_counts_of(enum seq_discipline d)
{
	switch (d) {
	case SEQ_BEFORE_ALL:
	case SEQ_AFTER_ALL:
		return SEQ_COUNTS_TEMPLATES;
	case SEQ_BEFORE_FLOWS:
	case SEQ_AFTER_FLOWS:
		return SEQ_COUNTS_FLOWS;
	default:
		return SEQ_COUNTS_RECORDS;
	}
}

enum seq_discipline
seq_variant(enum seq_discipline d, enum seq_counts counts)
{
	static const enum seq_discipline before[] = {SEQ_BEFORE, SEQ_BEFORE_ALL, SEQ_BEFORE_FLOWS};
	static const enum seq_discipline after[] = {SEQ_AFTER, SEQ_AFTER_ALL, SEQ_AFTER_FLOWS};

	if (d == SEQ_NONE || d == SEQ_DATAGRAMS)
		return d;
	return seq_is_after(d) ? after[counts] : before[counts];
}

const char *
seq_unit_name(enum proto proto, enum seq_discipline d)
{
	if (d == SEQ_DATAGRAMS || d == SEQ_NONE)
		return "datagrams";
	return proto == PROTO_IPFIX ? "records" : "flows";
}

struct seq_rules
seq_rules_for(enum proto proto)
{
	/* v9 and IPFIX give whole seconds, so boot times jitter by one. sFlow gives no clock at all: there it is the
	 * nodes' time, with whatever delay and skew that has. */
	switch (proto) {
	case PROTO_V5:
	case PROTO_V7:
	case PROTO_V8:
		return (struct seq_rules){SEQ_BEFORE, true, 1u << 20, 1500 * NS_PER_MSEC};
	case PROTO_V9:
		return (struct seq_rules){SEQ_DATAGRAMS, true, 1u << 16, 1500 * NS_PER_MSEC};
	case PROTO_IPFIX:
		return (struct seq_rules){SEQ_BEFORE, false, 1u << 20, 0};
	case PROTO_SFLOW5:
		return (struct seq_rules){SEQ_DATAGRAMS, true, 1u << 16, 30 * NS_PER_SEC};
	case PROTO_V1:
		return (struct seq_rules){SEQ_NONE, true, 0, 1500 * NS_PER_MSEC};
	case PROTO_NONE:
		break;
	}
	return (struct seq_rules){SEQ_NONE, false, 0, 0};
}

/* Items with the same boot time. */
struct cluster {
	size_t first, count; /* in the items sorted by boot time */
	int64_t boot_ns;     /* of its first item */
	int64_t clock_min_ns, clock_max_ns;
	int64_t low_ms, high_ms;              /* order_ms of its items: uptimes that go on */
	uint32_t low_sequence, high_sequence; /* of the items with those */
	int64_t high_clock_ns;
	uint32_t units_most; /* of one item */
	int64_t wrap_ms;     /* to add to each uptime: its wraps, or what it was set back by */
	uint32_t epoch;
	bool falls; /* its uptime does, while clock and sequence go on */
};

#define NEXT_MOST_MS 60000 /* uptime between two datagrams that follow one another */

int64_t
seq_boot_ns(const struct seq_item *it)
{
	return it->clock_ns - (int64_t)it->uptime_ms * NS_PER_MSEC;
}

static int
cmp_i64(int64_t a, int64_t b)
{
	return a < b ? -1 : a > b;
}

static int
by_boot(const void *va, const void *vb, const void *ctx)
{
	const struct seq_item *a = va, *b = vb;
	int c = cmp_i64(seq_boot_ns(a), seq_boot_ns(b));

	(void)ctx;
	return c != 0 ? c : cmp_i64(a->tag, b->tag);
}

static int
by_order(const void *va, const void *vb, const void *ctx)
{
	const struct seq_item *a = va, *b = vb;
	int c = cmp_i64(a->epoch, b->epoch);

	(void)ctx;
	if (c == 0)
		c = cmp_i64(a->order_ms, b->order_ms);
	if (c == 0) /* serial order is no order over the whole circle; position was set to make it one */
		c = cmp_i64(a->position, b->position);
	if (c ==
	    0) /* what bears templates alone does not advance an IPFIX sequence: it came before the data */
		c = (int)a->data - (int)b->data;
	return c != 0 ? c : cmp_i64(a->tag, b->tag);
}

static int
cluster_by_clock(const void *va, const void *vb)
{
	const struct cluster *a = va, *b = vb;
	int c = cmp_i64(a->clock_min_ns, b->clock_min_ns);

	return c != 0 ? c : cmp_i64((int64_t)a->first, (int64_t)b->first);
}

static int
by_clock(const void *va, const void *vb, const void *ctx)
{
	const struct seq_item *a = va, *b = vb;
	int c = cmp_i64(a->clock_ns, b->clock_ns);

	(void)ctx;
	if (c == 0)
		c = cmp_i64(a->uptime_ms, b->uptime_ms);
	return c != 0 ? c : cmp_i64(a->tag, b->tag);
}

static bool
is_ahead(const struct seq_rules *rules, uint32_t a, uint32_t b)
{
	int32_t d = seq_diff(a, b);

	return d > 0 && !seq_is_far(rules, d);
}

static void
begin_bounds(struct cluster *c, const struct seq_item *it)
{
	c->low_ms = c->high_ms = it->order_ms;
	c->low_sequence = c->high_sequence = it->sequence;
	c->high_clock_ns = it->clock_ns;
}

static void
take_bounds(struct cluster *c, const struct seq_item *it)
{
	if (it->order_ms < c->low_ms ||
	    (it->order_ms == c->low_ms && seq_diff(c->low_sequence, it->sequence) < 0)) {
		c->low_ms = it->order_ms;
		c->low_sequence = it->sequence;
	}
	if (it->order_ms > c->high_ms ||
	    (it->order_ms == c->high_ms && seq_diff(c->high_sequence, it->sequence) > 0)) {
		c->high_ms = it->order_ms;
		c->high_sequence = it->sequence;
		c->high_clock_ns = it->clock_ns;
	}
}

static size_t
cluster_items(const struct seq_rules *rules, struct seq_item *items, size_t count, struct cluster *cl)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		struct seq_item *it = &items[i];
		struct cluster *c;

		it->order_ms = it->uptime_ms;
		if (n == 0 || seq_boot_ns(it) - seq_boot_ns(it - 1) > rules->boot_slack_ns) {
			cl[n++] = (struct cluster){.first = i,
			    .boot_ns = seq_boot_ns(it),
			    .clock_min_ns = it->clock_ns,
			    .clock_max_ns = it->clock_ns};
			begin_bounds(&cl[n - 1], it);
		}
		c = &cl[n - 1];
		c->count++;
		if (it->clock_ns < c->clock_min_ns)
			c->clock_min_ns = it->clock_ns;
		if (it->clock_ns > c->clock_max_ns)
			c->clock_max_ns = it->clock_ns;
		if (it->units > c->units_most)
			c->units_most = it->units;
		if (it->order_ms < c->high_ms && it->clock_ns >= c->high_clock_ns &&
		    is_ahead(rules, c->high_sequence, it->sequence))
			c->falls = true;
		take_bounds(c, it);
	}
	return n;
}

/* fprobe sets its uptime back by a second each second, and boot time walks ahead in steps that part no clusters. Where the
 * clock and the sequence go on, so does the uptime: from where it was. Of a life whose uptime is true nothing moves, since
 * its sequence never lies ahead where its uptime lies behind. */
static enum err
let_uptime_go_on(const struct seq_rules *rules, struct seq_item *items, struct cluster *c)
{
	enum err e = sort_array(items, c->count, sizeof(*items), by_clock, NULL);
	int64_t behind_ms = 0;

	if (e != ERR_OK)
		return e;
	begin_bounds(c, items);
	for (size_t i = 0; i < c->count; i++) {
		struct seq_item *it = &items[i];

		it->order_ms += behind_ms;
		if (it->order_ms < c->high_ms && is_ahead(rules, c->high_sequence, it->sequence)) {
			behind_ms += c->high_ms - it->order_ms;
			it->order_ms = c->high_ms;
		}
		take_bounds(c, it);
	}
	return ERR_OK;
}

static bool
continues(const struct seq_rules *rules, const struct cluster *a, const struct cluster *b)
{
	int32_t ahead = seq_diff(a->high_sequence, b->low_sequence);

	return b->low_ms + b->wrap_ms >= a->high_ms + a->wrap_ms && ahead >= 0 &&
	    (uint32_t)ahead <= rules->window;
}

/* b lies behind a by the exporter's clock, but ahead by its uptime: was the clock set back, or is it a restart?
 * A life cannot have begun while another one still sent; where that does not tell, only datagrams that follow
 * one another closely do. */
static bool
was_set_back(const struct seq_rules *rules, const struct cluster *a, const struct cluster *b)
{
	uint32_t ahead = b->low_sequence - a->high_sequence;
	uint32_t most = a->units_most > b->units_most ? a->units_most : b->units_most;

	if (!continues(rules, a, b))
		return false;
	if (a->boot_ns < b->clock_max_ns - rules->boot_slack_ns)
		return true;
	return b->low_ms + b->wrap_ms - a->high_ms - a->wrap_ms <= NEXT_MOST_MS &&
	    ahead <= (most > 1 ? most : 1);
}

/* b lies ahead of a by clock and sequence, and behind by its uptime: some devices correct that. It is the same life
 * when b's would have begun while a's still sent. */
static bool
uptime_set_back(const struct seq_rules *rules, const struct cluster *a, const struct cluster *b)
{
	return b->clock_min_ns >= a->clock_max_ns && b->boot_ns < a->clock_max_ns - rules->boot_slack_ns &&
	    is_ahead(rules, a->high_sequence, b->low_sequence);
}

/* Gives each cluster an epoch: the exporter's clock orders lives; what continues a life joins it. */
static uint32_t
join_clusters(const struct seq_rules *rules, struct cluster *cl, size_t n)
{
	uint32_t epochs = 0;

	for (size_t i = 0; i < n; i++) {
		struct cluster *c = &cl[i], *p = i > 0 ? &cl[i - 1] : NULL;

		if (p != NULL) {
			int64_t shift = c->boot_ns - p->boot_ns - SEQ_UPTIME_WRAP_MS * NS_PER_MSEC;

			c->wrap_ms = p->wrap_ms;
			if (llabs(shift) <= 10 * NS_PER_SEC && c->low_ms < p->high_ms)
				c->wrap_ms += SEQ_UPTIME_WRAP_MS;
			if (continues(rules, p, c) || was_set_back(rules, c, p)) {
				c->epoch = p->epoch;
				continue;
			}
			if (uptime_set_back(rules, p, c)) {
				c->wrap_ms = p->wrap_ms + (c->boot_ns - p->boot_ns) / NS_PER_MSEC;
				if (c->wrap_ms + c->low_ms < p->wrap_ms + p->high_ms) /* boot times jitter */
					c->wrap_ms = p->wrap_ms + p->high_ms - c->low_ms;
				c->epoch = p->epoch;
				continue;
			}
			c->wrap_ms = 0;
		}
		c->epoch = epochs++;
	}
	return epochs;
}

static enum err
order_by_boot(const struct seq_rules *rules, struct seq_item *items, size_t count)
{
	enum err e = sort_array(items, count, sizeof(*items), by_boot, NULL);
	struct cluster *cl;
	size_t n;

	if (e != ERR_OK)
		return e;
	if ((cl = calloc(count, sizeof(*cl))) == NULL) /* most of it is never touched */
		return ERR_MEMORY;
	n = cluster_items(rules, items, count, cl);
	for (size_t k = 0; k < n && e == ERR_OK; k++) {
		if (cl[k].falls)
			e = let_uptime_go_on(rules, items + cl[k].first, &cl[k]);
	}
	qsort(cl, n, sizeof(*cl), cluster_by_clock);
	join_clusters(rules, cl, n);
	for (size_t k = 0; k < n; k++) {
		for (size_t i = cl[k].first; i < cl[k].first + cl[k].count; i++) {
			items[i].epoch = cl[k].epoch;
			items[i].order_ms += cl[k].wrap_ms;
		}
	}
	free(cl);
	return e;
}

/* Items of one instant are ordered by sequence, relative to one of them: a circle cut at the far side. */
static enum err
order_within_instants(struct seq_item *items, size_t count)
{
	enum err e = ERR_OK;

	for (size_t i = 0, j; i < count && e == ERR_OK; i = j) {
		for (j = i;
		     j < count && items[j].epoch == items[i].epoch && items[j].order_ms == items[i].order_ms;
		     j++)
			items[j].position = seq_diff(items[i].sequence, items[j].sequence);
		if (j - i > 1)
			e = sort_array(&items[i], j - i, sizeof(*items), by_order, NULL);
	}
	return e;
}

bool
seq_goes_on(const struct seq_rules *rules, const struct seq_item *items, size_t i, size_t end)
{
	if (end - i < 3)
		return false;
	for (size_t k = i + 1; k < i + 3; k++) {
		int32_t step = seq_diff(items[k - 1].sequence, items[k].sequence);

		if (step < 0 || (uint32_t)step > rules->window)
			return false;
	}
	return true;
}

/* Unwraps one epoch's sequences. Returns where it ends: at end, or where a confirmed fall begins another. */
static size_t
unwrap(const struct seq_rules *rules, struct seq_item *items, size_t i, size_t end)
{
	struct seq_item *top; /* the item farthest ahead so far */

	/* A stray at the very beginning must not become the reference. */
	while (end - i > 3 && !seq_goes_on(rules, items, i, end) && seq_goes_on(rules, items, i + 1, end) &&
	    seq_is_far(rules, seq_diff(items[i].sequence, items[i + 1].sequence))) {
		items[i].position = items[i].sequence;
		items[i++].stray = true;
	}
	top = &items[i];
	top->position = top->sequence;
	for (i++; i < end; i++) {
		struct seq_item *it = &items[i];
		int32_t d = seq_diff(top->sequence, it->sequence);
		bool far = seq_is_far(rules, d);

		it->position = top->position + d;
		if (seq_begins_anew(rules, top->sequence, it->sequence) &&
		    seq_goes_on(rules, items, i, end) && it->order_ms > top->order_ms)
			return i;
		if (d < 0 && seq_goes_on(rules, items, i, end) && it->order_ms > top->order_ms &&
		    seq_diff(top->sequence, items[i + 2].sequence) < 0)
			return i;
		if (far && (d < 0 || !seq_goes_on(rules, items, i, end)))
			it->stray = true;
		else if (d > 0)
			top = it;
	}
	return end;
}

enum err
seq_order(const struct seq_rules *rules, struct seq_item *items, size_t count, uint32_t *ret_epochs)
{
	uint32_t epoch = 0;
	enum err e = ERR_OK;

	for (size_t i = 0; i < count; i++) {
		items[i].epoch = 0;
		items[i].stray = false;
		items[i].position = 0;
		items[i].order_ms = items[i].clock_ns / NS_PER_MSEC;
	}
	if (rules->has_uptime && count > 0)
		e = order_by_boot(rules, items, count);
	if (e == ERR_OK)
		e = sort_array(items, count, sizeof(*items), by_order, NULL);
	if (e == ERR_OK)
		e = order_within_instants(items, count);
	if (e != ERR_OK)
		return e;
	for (size_t i = 0, end; i < count; i = end) {
		for (end = i; end < count && items[end].epoch == items[i].epoch; end++)
			continue;
		while (i < end) { /* epochs are numbered anew: a life may hold several numberings */
			size_t next = rules->standard == SEQ_NONE ? end : unwrap(rules, items, i, end);

			for (; i < next; i++)
				items[i].epoch = epoch;
			if (next <
			    end) { /* what follows must not look like the same epoch to the loop above */
				epoch++;
				continue;
			}
		}
		epoch++;
	}
	*ret_epochs = epoch;
	return ERR_OK;
}

/* Ties go to the first. */
static const enum seq_discipline candidates[SEQ_DISCIPLINES] = {SEQ_BEFORE, SEQ_AFTER, SEQ_DATAGRAMS,
    SEQ_BEFORE_ALL, SEQ_AFTER_ALL, SEQ_BEFORE_FLOWS, SEQ_AFTER_FLOWS, SEQ_NONE};

bool
seq_explains(enum seq_discipline d, const struct seq_item *a, const struct seq_item *b)
{
	int64_t step = b->position - a->position;

	if (d == SEQ_NONE)
		return step == 0 && a->data && b->data;
	if (d == SEQ_DATAGRAMS)
		return step == 1;
	if (seq_is_after(d))
		a = b;
	return step == seq_numbers(seq_counts_of(d), a) && !a->units_unknown;
}

void
seq_vote(struct seq_votes *v, const struct seq_item *a, const struct seq_item *b)
{
	unsigned explain = 0;

	for (unsigned d = 0; d < SEQ_DISCIPLINES; d++)
		explain |= (unsigned)seq_explains((enum seq_discipline)d, a, b) << d;
	if (explain == (1u << SEQ_DISCIPLINES) - 1)
		return;
	for (unsigned d = 0; d < SEQ_DISCIPLINES; d++)
		v->of[d] += explain >> d & 1;
	v->unsized += explain == 0 && (a->units_unknown || b->units_unknown);
}

uint64_t
seq_votes_for(const struct seq_votes *v, enum seq_discipline d)
{
	if (d != SEQ_DATAGRAMS && d != SEQ_NONE)
		return v->of[d];
	return v->of[d] > v->unsized ? v->of[d] - v->unsized : 0;
}

static enum seq_discipline
best_of(const struct seq_votes *v, const struct seq_votes *among_equals, enum seq_discipline standard)
{
	enum seq_discipline best = standard;

	for (unsigned k = 0; k < SEQ_DISCIPLINES; k++) {
		enum seq_discipline d = candidates[k];

		uint64_t votes = seq_votes_for(v, d), most = seq_votes_for(v, best);

		if (votes > most ||
		    (votes == most && seq_votes_for(among_equals, d) > seq_votes_for(among_equals, best)))
			best = d;
	}
	return best;
}

enum seq_discipline
seq_votes_best(const struct seq_votes *v, enum seq_discipline standard)
{
	return best_of(v, v, standard);
}

void
seq_vote_all(struct seq_votes *v, const struct seq_item *items, size_t count)
{
	const struct seq_item *last = NULL;

	for (size_t i = 0; i < count; i++) {
		if (items[i].stray)
			continue;
		if (last != NULL)
			seq_vote(v, last, &items[i]);
		last = &items[i];
	}
}

enum seq_discipline
seq_learn(
    const struct seq_rules *rules, const struct seq_item *items, size_t count, const struct seq_votes *stream)
{
	struct seq_votes votes = {.unsized = 0};

	if (rules->standard == SEQ_NONE)
		return SEQ_NONE;
	seq_vote_all(&votes, items, count);
	return best_of(&votes, stream != NULL ? stream : &votes, rules->standard);
}

void
seq_settle(const struct seq_rules *rules, enum seq_discipline d, struct seq_item *items, size_t count)
{
	struct seq_item *last = NULL;

	for (size_t i = 0; i < count; i++) {
		struct seq_item *it = &items[i], *unknown = seq_is_after(d) ? it : last;
		int64_t step;

		if (it->stray)
			continue;
		step = last != NULL ? it->position - last->position : 0;
		if (unknown != NULL && unknown->units_unknown &&
		    step > seq_numbers(seq_counts_of(d), unknown) && step <= rules->window)
			unknown->units += (uint32_t)(step - seq_numbers(seq_counts_of(d), unknown));
		last = it;
	}
}

struct seq_range
seq_covers(enum seq_discipline d, const struct seq_item *it)
{
	int64_t numbers = seq_numbers(seq_counts_of(d), it);

	if (it->stray || d == SEQ_NONE)
		return (struct seq_range){0, 0};
	if (d == SEQ_DATAGRAMS)
		return (struct seq_range){it->position, it->position + 1};
	if (seq_is_after(d))
		return (struct seq_range){it->position - numbers, it->position};
	return (struct seq_range){it->position, it->position + numbers};
}

enum err
seq_set_add(struct seq_set *s, struct seq_range r)
{
	enum err e;

	if (r.from >= r.to)
		return ERR_OK;
	if (s->count > 0 && s->ranges[s->count - 1].to == r.from) { /* the common case: the next one */
		s->ranges[s->count - 1].to = r.to;
		return ERR_OK;
	}
	if ((e = spill_grow(s->ranges, s->room, s->count)) == ERR_OK)
		s->ranges[s->count++] = r;
	return e;
}

static int
range_cmp(const void *va, const void *vb)
{
	const struct seq_range *a = va, *b = vb;
	int c = cmp_i64(a->from, b->from);

	return c != 0 ? c : cmp_i64(a->to, b->to);
}

void
seq_set_close(struct seq_set *s)
{
	size_t n = 0, ordered = 1;

	if (s->count == 0)
		return;
	while (ordered < s->count && range_cmp(&s->ranges[ordered - 1], &s->ranges[ordered]) <= 0)
		ordered++;
	if (ordered < s->count)
		qsort(s->ranges, s->count, sizeof(*s->ranges), range_cmp);
	for (size_t i = 1; i < s->count; i++) {
		if (s->ranges[i].from > s->ranges[n].to)
			s->ranges[++n] = s->ranges[i];
		else if (s->ranges[i].to > s->ranges[n].to)
			s->ranges[n].to = s->ranges[i].to;
	}
	s->count = n + 1;
}

void
seq_set_clear(struct seq_set *s)
{
	spill_free(s->ranges);
	*s = (struct seq_set){0};
}

uint64_t
seq_set_units(const struct seq_set *s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s->count; i++)
		n += (uint64_t)(s->ranges[i].to - s->ranges[i].from);
	return n;
}

enum err
seq_set_missing(const struct seq_set *s, struct seq_range span, struct seq_set *ret)
{
	int64_t at = span.from;
	enum err e = ERR_OK;

	for (size_t i = 0; i < s->count && e == ERR_OK && at < span.to; i++) {
		struct seq_range r = s->ranges[i];

		if (r.to <= at)
			continue;
		e = seq_set_add(ret, (struct seq_range){at, r.from < span.to ? r.from : span.to});
		at = r.to;
	}
	if (e == ERR_OK)
		e = seq_set_add(ret, (struct seq_range){at, span.to});
	return e;
}
