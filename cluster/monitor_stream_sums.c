/* SPDX-License-Identifier: ISC
 *
 * A stream's positions in time, and the sums by bucket that are left of what is settled.
 */
#include <stdlib.h>
#include <string.h>

#include "cluster/monitor_stream_private.h"

/* --- buckets --- */

static int64_t
end_of_bucket(const struct view *v, const struct view_stream *s, uint64_t bucket)
{
	return bucket == v->bucket ? INT64_MAX : s->marks[(bucket + 1) % VIEW_BUCKETS];
}

uint64_t
stream_bucket(const struct view *v, const struct view_stream *s, int64_t position)
{
	uint64_t low = v->bucket - (VIEW_BUCKETS - 1), high = v->bucket;

	while (low < high) {
		uint64_t mid = low + (high - low + 1) / 2;

		if (s->marks[mid % VIEW_BUCKETS] <= position)
			low = mid;
		else
			high = mid - 1;
	}
	return low;
}

/* Adds the units of a range to its buckets. */
static void
spread(const struct view *v, const struct view_stream *s, struct seq_range r, uint64_t counts[VIEW_BUCKETS])
{
	uint64_t b = stream_bucket(v, s, r.from);

	while (r.from < r.to) {
		int64_t end = end_of_bucket(v, s, b);

		if (end > r.to)
			end = r.to;
		if (end > r.from) {
			counts[b % VIEW_BUCKETS] += (uint64_t)(end - r.from);
			r.from = end;
		}
		b++;
	}
}

uint64_t
stream_datagrams(const struct view_stream *s, uint64_t units)
{
	double n = (double)units / s->units_each;

	return units == 0 ? 0 : n < 1 ? 1 : (uint64_t)(n + 0.5);
}

void
stream_spread(const struct view *v, const struct view_stream *s, const struct seq_set *set, int64_t upto,
    uint64_t counts[VIEW_BUCKETS])
{
	memset(counts, 0, VIEW_BUCKETS * sizeof(counts[0]));
	for (size_t i = 0; i < set->count && set->ranges[i].from < upto; i++) {
		struct seq_range r = set->ranges[i];

		if (r.to > upto)
			r.to = upto;
		spread(v, s, r, counts);
	}
}

/* --- settling --- */

static struct view_gap
gap_of(const struct view *v, const struct view_stream *s, uint32_t node, struct seq_range r)
{
	return (struct view_gap){.key = s->key,
	    .unit = s->unit,
	    .units = (uint64_t)(r.to - r.from),
	    .from = stream_bucket(v, s, r.from),
	    .to = stream_bucket(v, s, r.to - 1),
	    .nodes = node == VIEW_ALL ? 0 : (uint64_t)1 << node,
	    .all = node == VIEW_ALL};
}

static void
remember(void *ctx, const struct view_gap *g)
{
	struct view *v = ctx;

	v->past[v->past_count++ % VIEW_PAST] = *g;
}

void
stream_gaps(const struct view *v, const struct view_stream *s, uint32_t node, int64_t upto,
    stream_gap_call *call, void *ctx)
{
	const struct seq_set *set = node == VIEW_ALL ? &s->residual : &s->at[node].missing;
	struct view_gap last = {.units = 0};

	for (size_t i = 0, k = 0; i < set->count && set->ranges[i].from < upto; i++) {
		struct seq_range r = set->ranges[i];
		struct view_gap g;

		if (r.to > upto)
			r.to = upto;
		g = gap_of(v, s, node, r);
		for (; node != VIEW_ALL && k < s->residual.count && s->residual.ranges[k].from < r.to; k++) {
			int64_t end = s->residual.ranges[k].to < r.to ? s->residual.ranges[k].to : r.to;

			g.units -= (uint64_t)(end - s->residual.ranges[k].from);
		}
		if (g.units == 0)
			continue;
		if (last.units > 0 && g.from <= last.to + 1) {
			last.units += g.units;
			last.to = g.to;
			continue;
		}
		if (last.units > 0)
			call(ctx, &last);
		last = g;
	}
	if (last.units > 0)
		call(ctx, &last);
}

static void
settle_row(const struct view_stream *s, uint32_t row, const uint64_t counts[VIEW_BUCKETS], uint64_t *sums)
{
	uint32_t *at = s->settled + (size_t)row * VIEW_BUCKETS;

	for (size_t b = 0; b < VIEW_BUCKETS; b++) {
		uint64_t n = at[b] + counts[b];

		at[b] = n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
		if (sums != NULL)
			sums[b] += stream_datagrams(s, counts[b]);
	}
}

/* What lies before is forgotten. */
static void
trim(struct seq_set *set, int64_t first)
{
	size_t gone = 0;

	while (gone < set->count && set->ranges[gone].to <= first)
		gone++;
	if (gone > 0)
		memmove(set->ranges, set->ranges + gone, (set->count - gone) * sizeof(*set->ranges));
	set->count -= gone;
	if (set->count > 0 && set->ranges[0].from < first)
		set->ranges[0].from = first;
}

void
stream_trim(struct view *v, struct view_stream *s, int64_t first)
{
	s->first = first;
	if (s->limit < first)
		s->limit = first;
	for (uint32_t n = 0; n < v->node_count; n++) {
		trim(&s->at[n].heard, first);
		trim(&s->at[n].missing, first);
	}
	trim(&s->residual, first);
	s->changed = true;
}

static bool
have_settled(const struct view *v, struct view_stream *s)
{
	if (s->settled == NULL)
		s->settled = calloc((v->node_count + 2U) * (size_t)VIEW_BUCKETS, sizeof(*s->settled));
	return s->settled != NULL;
}

enum err
stream_settle(struct view *v, struct view_stream *s, int64_t upto)
{
	uint64_t counts[VIEW_BUCKETS];
	struct seq_range all = {s->first, upto};
	struct seq_set sent = {.ranges = &all, .count = 1};

	if (upto <= s->first)
		return ERR_OK;
	if (!have_settled(v, s))
		return ERR_MEMORY;
	for (uint32_t n = 0; n < v->node_count; n++) {
		stream_spread(v, s, &s->at[n].missing, upto, counts);
		settle_row(s, n, counts, v->nodes[n].settled);
		stream_gaps(v, s, n, upto, remember, v);
	}
	stream_spread(v, s, &s->residual, upto, counts);
	settle_row(s, v->node_count, counts, v->residual_settled);
	stream_gaps(v, s, VIEW_ALL, upto, remember, v);
	stream_spread(v, s, &sent, upto, counts);
	settle_row(s, v->node_count + 1U, counts, NULL);
	stream_trim(v, s, upto);
	return ERR_OK;
}

enum err
stream_settle_some(struct view *v, struct view_stream *s, uint32_t node, int64_t position, uint64_t units)
{
	uint64_t counts[VIEW_BUCKETS] = {0};

	if (!have_settled(v, s))
		return ERR_MEMORY;
	counts[stream_bucket(v, s, position) % VIEW_BUCKETS] = units;
	settle_row(s, node, counts, v->nodes[node].settled);
	return ERR_OK;
}
