/* SPDX-License-Identifier: ISC
 *
 * See monitor_view.h.
 */
#include "cluster/monitor_view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "cluster/monitor_numbering.h"
#include "cluster/monitor_stream.h"

#define STALL_NS (3 * NS_PER_SEC)
#define WANT_NS (5 * NS_PER_SEC) /* between answers that tell all */
#define RANGES_LEAST 16

enum err
view_new(const char *const *urls, uint32_t nodes, const struct view_options *o, wall_t now, mono_t steady,
    struct view **ret)
{
	struct view *v = calloc(1, sizeof(*v));

	if (v == NULL)
		return ERR_MEMORY;
	*v = (struct view){.node_count = nodes,
	    .nodes = calloc(nodes + 1U, sizeof(*v->nodes)),
	    .step_ns = o->window_ns / VIEW_BUCKETS,
	    .window_ns = o->window_ns,
	    .silent_ns = o->silent_ns,
	    .stall_ns = 3 * o->interval_ns > STALL_NS ? 3 * o->interval_ns : STALL_NS,
	    .now = now,
	    .steady = steady,
	    .ranges_most = VIEW_RANGES_MOST,
	    .bucket = VIEW_BUCKETS}; /* so that there are buckets before it */
	v->bucket_due_ns = steady.ns + v->step_ns;
	if (v->nodes == NULL) {
		free(v);
		return ERR_MEMORY;
	}
	for (uint32_t i = 0; i < nodes; i++) {
		v->nodes[i].url = urls[i];
		v->nodes[i].since = UINT64_MAX;
	}
	for (uint64_t i = 0; i < VIEW_BUCKETS; i++)
		v->began[(v->bucket - i) % VIEW_BUCKETS].ns = now.ns - (int64_t)i * v->step_ns;
	if (o->cluster != NULL)
		(void)snprintf(v->cluster, sizeof(v->cluster), "%s", o->cluster);
	*ret = v;
	return ERR_OK;
}

void
view_free(struct view *v)
{
	if (v == NULL)
		return;
	for (size_t i = 0; i < v->stream_count; i++)
		stream_free(v, v->streams[i]);
	free(v->streams);
	free(v->nodes);
	free(v);
}

/* --- answers --- */

static struct view_stream *
find_stream(const struct view *v, const struct stream_key *key, size_t *ret_at)
{
	size_t low = 0, high = v->stream_count;

	while (low < high) {
		size_t mid = (low + high) / 2;
		int c = stream_key_cmp(&v->streams[mid]->key, key);

		if (c == 0)
			return v->streams[mid];
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	*ret_at = low;
	return NULL;
}

static enum err
take_stream(struct view *v, const struct stream_answer *a)
{
	size_t at = 0;
	struct view_stream *s = find_stream(v, &a->r->key, &at);
	enum err e;

	if (s != NULL)
		return stream_take(v, s, a);
	if (a->heard_ns < v->now.ns - v->window_ns)
		return ERR_OK; /* one that was forgotten */
	if (v->stream_count == VIEW_STREAMS_MOST) {
		v->left_out++;
		return ERR_OK;
	}
	e = array_grow(v->streams, v->stream_room, v->stream_count);
	if (e == ERR_OK)
		e = stream_new(v, a, &s);
	if (e != ERR_OK)
		return e;
	memmove(&v->streams[at + 1], &v->streams[at], (v->stream_count - at) * sizeof(struct view_stream *));
	v->streams[at] = s;
	v->stream_count++;
	return stream_take(v, s, a);
}

static void
note_trouble(struct view *v, struct view_node *n, enum view_trouble t)
{
	n->trouble[v->bucket % VIEW_BUCKETS] |= (uint8_t)t;
}

/* started_ns: of the node's life. */
static void
take_counters(
    struct view *v, struct view_node *n, const struct node_report *r, int64_t started_ns, double seconds)
{
	/* A life that was not known is no other one. */
	bool goes_on = n->has_answered && r->datagrams >= n->datagrams &&
	    (started_ns == n->started_ns || n->started_ns == REPORT_NOT_STARTED);
	uint64_t fresh = goes_on ? r->datagrams - n->datagrams : n->has_answered ? r->datagrams : 0;

	n->rate = seconds > 0 ? (double)fresh / seconds : 0;
	n->heard[v->bucket % VIEW_BUCKETS] += fresh;
	if (n->has_answered && !goes_on)
		note_trouble(v, n, VIEW_WAS_DOWN);
	if (n->has_answered && r->kernel_drops > (goes_on ? n->kernel_drops : 0))
		note_trouble(v, n, VIEW_KERNEL_DROPS);
	if (n->has_answered && r->log_drops > (goes_on ? n->log_drops : 0))
		note_trouble(v, n, VIEW_LOG_DROPS);
	n->datagrams = r->datagrams;
	n->kernel_drops = r->kernel_drops;
	n->log_drops = r->log_drops;
	n->started_ns = started_ns;
	n->failing = r->failing;
	n->falling_behind = r->falling_behind;
}

static const char *
check_names(const struct view *v, uint32_t node, const struct node_report *r)
{
	if (v->cluster[0] != '\0' && strcmp(v->cluster, r->cluster) != 0)
		return "it is of another cluster";
	for (uint32_t i = 0; i < v->node_count; i++) {
		if (i != node && strcmp(v->nodes[i].name, r->node) == 0)
			return "it has the name of another node";
	}
	if (v->nodes[node].name[0] != '\0' && strcmp(v->nodes[node].name, r->node) != 0)
		return "it has another name than before";
	return NULL;
}

/* Both are in one order: what is not told of any more is not heard. */
static void
forget_untold(struct view *v, uint32_t node, const struct node_report *r)
{
	size_t k = 0;

	for (size_t i = 0; i < v->stream_count; i++) {
		struct view_at *at = &v->streams[i]->at[node];

		while (k < r->stream_count && stream_key_cmp(&r->streams[k].key, &v->streams[i]->key) < 0)
			k++;
		if (k < r->stream_count && stream_key_cmp(&r->streams[k].key, &v->streams[i]->key) == 0)
			continue;
		if (v->streams[i]->key.all && numbering_stand_in(r, &v->streams[i]->key) != NULL)
			continue;
		v->streams[i]->changed |= at->told;
		at->told = at->current = false;
		at->rate = 0;
	}
}

/* By its own clock, unless that was set. */
static double
seconds_since(const struct view *v, const struct view_node *n, const struct node_report *r)
{
	int64_t own = r->time_ns - n->time_ns, ours = v->steady.ns - n->answered.ns;

	if (!n->has_answered)
		return 0;
	return (double)(own > 0 && own < 2 * ours + NS_PER_SEC ? own : ours) / (double)NS_PER_SEC;
}

/* The first answer tells of what was heard before it, too. */
static uint64_t
first_heard(const struct view *v, const struct view_node *n)
{
	uint64_t b = view_oldest(v);

	while (b < v->bucket && n->heard[b % VIEW_BUCKETS] == 0)
		b++;
	return b;
}

static enum err
take_one(struct view *v, uint32_t node, const struct node_report *r, struct report_stream s,
    int64_t started_ns, double seconds)
{
	int64_t skew_ns = r->time_ns - v->now.ns;

	/* sFlow has no clock: when it booted is by the node's. */
	if (s.key.proto == PROTO_SFLOW5 && s.boot_ns != REPORT_NO_BOOT)
		s.boot_ns -= skew_ns;
	return take_stream(v,
	    &(struct stream_answer){.node = node,
		.r = &s,
		.missing = s.ranges > 0 ? &r->missing[s.range] : NULL,
		.started_ns = started_ns,
		.heard_ns = s.heard_ns - skew_ns,
		.since_ns = s.since_ns - skew_ns,
		.first = !v->nodes[node].has_answered,
		.seconds = seconds});
}

/* A node that hears one domain alone cannot know that others tell of several. */
static enum err
take_stand_ins(struct view *v, uint32_t node, const struct node_report *r, int64_t started_ns, double seconds)
{
	enum err e = ERR_OK;

	for (size_t i = 0; i < v->stream_count && e == ERR_OK; i++) {
		const struct report_stream *only = NULL;
		struct report_stream s;

		if (v->streams[i]->key.all)
			only = numbering_stand_in(r, &v->streams[i]->key);
		if (only == NULL)
			continue;
		s = *only;
		s.key = v->streams[i]->key;
		e = take_one(v, node, r, s, started_ns, seconds);
	}
	return e;
}

static enum err
take_report(struct view *v, uint32_t node, const struct node_report *r)
{
	struct view_node *n = &v->nodes[node];
	double seconds = seconds_since(v, n, r);
	int64_t skew_ns = r->time_ns - v->now.ns,
		started_ns = r->started_ns != REPORT_NOT_STARTED ? r->started_ns : n->started_ns;
	enum err e = ERR_OK;

	memcpy(v->cluster, r->cluster, sizeof(v->cluster));
	memcpy(n->name, r->node, sizeof(n->name));
	memcpy(n->version, r->version, sizeof(n->version));
	v->left_out += r->left_out;
	n->wants_all = n->wants_all && !r->whole;
	n->skew_ns = skew_ns;
	n->time_ns = r->time_ns;
	take_counters(v, n, r, started_ns, seconds);
	forget_untold(v, node, r);
	for (size_t i = 0; i < r->stream_count && e == ERR_OK; i++)
		e = take_one(v, node, r, r->streams[i], started_ns, seconds);
	if (e == ERR_OK)
		e = take_stand_ins(v, node, r, started_ns, seconds);
	if (!n->has_answered)
		n->since = first_heard(v, n);
	return e;
}

enum err
view_answer(struct view *v, uint32_t node, const struct node_report *r, wall_t now, mono_t steady,
    const char **ret_why)
{
	struct view_node *n = &v->nodes[node];
	bool old = n->has_answered && r->time_ns == n->time_ns && r->started_ns == n->started_ns;
	enum err e = ERR_OK;

	*ret_why = check_names(v, node, r);
	if (*ret_why != NULL)
		return ERR_CONFLICT;
	v->now = now;
	v->steady = steady;
	/* A node makes its documents once a second; the same one again says nothing about what came since. */
	if (!old)
		e = take_report(v, node, r);
	n->state = VIEW_UP;
	n->why[0] = '\0';
	n->answered = steady;
	n->has_answered = true;
	return e;
}

bool
view_wants_all(struct view *v, uint32_t node, mono_t steady)
{
	struct view_node *n = &v->nodes[node];

	if (!n->wants_all || (n->wanted.ns != 0 && steady.ns - n->wanted.ns < WANT_NS))
		return false;
	n->wanted = steady;
	return true;
}

void
view_no_answer(struct view *v, uint32_t node, const char *why, mono_t steady)
{
	struct view_node *n = &v->nodes[node];

	(void)snprintf(n->why, sizeof(n->why), "%s", why);
	if (n->state != VIEW_UP || steady.ns - n->answered.ns < v->silent_ns)
		return;
	n->state = VIEW_DOWN;
	n->rate = 0;
	for (size_t i = 0; i < v->stream_count; i++) {
		struct view_at *at = &v->streams[i]->at[node];

		at->told = at->current = false;
		at->rate = 0;
		v->streams[i]->changed = true;
	}
}

/* --- counting --- */

bool
view_hears(const struct view *v, const struct view_stream *s, uint32_t node)
{
	return v->nodes[node].state == VIEW_UP && s->at[node].told && !s->at[node].stalled;
}

static void
next_bucket(struct view *v)
{
	size_t b = ++v->bucket % VIEW_BUCKETS, kept = 0;

	v->began[b] = v->now;
	v->residual_settled[b] = 0;
	for (uint32_t n = 0; n < v->node_count; n++)
		v->nodes[n].heard[b] = v->nodes[n].settled[b] = v->nodes[n].trouble[b] = 0;
	for (size_t i = 0; i < v->stream_count; i++) {
		struct view_stream *s = v->streams[i];

		stream_next_bucket(v, s);
		if (stream_is_forgotten(v, s))
			stream_free(v, s);
		else
			v->streams[kept++] = s;
	}
	v->stream_count = kept;
}

/* How many ranges a stream may have on a node, so that all together are no more than half of what there is room for. */
static size_t
share_out(const struct view *v)
{
	size_t most = VIEW_RANGES_MOST, sum;

	do {
		sum = 0;
		most /= 2;
		for (size_t i = 0; i < v->stream_count; i++) {
			for (uint32_t n = 0; n < v->node_count; n++) {
				size_t count = v->streams[i]->at[n].heard.count;

				sum += count < most ? count : most;
			}
		}
	} while (sum > VIEW_RANGES_ALL / 2 && most > RANGES_LEAST);
	return most;
}

static void
limit_ranges(struct view *v)
{
	size_t sum = 0;

	for (size_t i = 0; i < v->stream_count; i++) {
		for (uint32_t n = 0; n < v->node_count; n++)
			sum += v->streams[i]->at[n].heard.count;
	}
	v->ranges_most = sum > VIEW_RANGES_ALL ? share_out(v) : VIEW_RANGES_MOST;
}

static void
sum_up(struct view *v)
{
	uint32_t stalled[VIEW_NODES_MOST] = {0};

	memcpy(v->residual, v->residual_settled, sizeof(v->residual));
	for (uint32_t n = 0; n < v->node_count; n++) {
		memcpy(v->nodes[n].missing, v->nodes[n].settled, sizeof(v->nodes[n].missing));
		v->nodes[n].streams = 0;
		if (v->nodes[n].state == VIEW_DOWN)
			note_trouble(v, &v->nodes[n], VIEW_WAS_DOWN);
	}
	for (size_t i = 0; i < v->stream_count; i++) {
		struct view_stream *s = v->streams[i];

		stream_sum(v, s);
		for (uint32_t n = 0; n < v->node_count; n++) {
			v->nodes[n].streams += view_hears(v, s, n);
			stalled[n] += v->nodes[n].state == VIEW_UP && s->at[n].told && s->at[n].stalled;
		}
	}
	for (uint32_t n = 0; n < v->node_count; n++)
		v->nodes[n].behind = v->nodes[n].state == VIEW_UP &&
		    (v->nodes[n].falling_behind || stalled[n] > v->nodes[n].streams);
}

enum err
view_turn(struct view *v, wall_t now, mono_t steady)
{
	enum err e = ERR_OK;

	v->now = now;
	v->steady = steady;
	if (steady.ns >= v->bucket_due_ns) {
		next_bucket(v);
		/* When this process stood still for long, the time is in one bucket. */
		v->bucket_due_ns += v->step_ns;
		if (v->bucket_due_ns <= steady.ns)
			v->bucket_due_ns = steady.ns + v->step_ns;
	}
	limit_ranges(v);
	for (size_t i = 0; i < v->stream_count && e == ERR_OK; i++)
		e = stream_count(v, v->streams[i]);
	sum_up(v);
	return e;
}

/* --- what it comes to --- */

static uint64_t
buckets_of(const struct view *v, int64_t ns)
{
	uint64_t n = (uint64_t)((ns + v->step_ns - 1) / v->step_ns) + 1; /* the one at hand has only begun */

	return n < VIEW_BUCKETS ? n : VIEW_BUCKETS;
}

uint64_t
view_residual(const struct view *v, int64_t ns)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < buckets_of(v, ns); i++)
		sum += v->residual[(v->bucket - i) % VIEW_BUCKETS];
	return sum;
}

void
view_node_sums(const struct view *v, uint32_t node, int64_t ns, uint64_t *ret_heard, uint64_t *ret_missing)
{
	*ret_heard = *ret_missing = 0;
	for (uint64_t i = 0; i < buckets_of(v, ns); i++) {
		*ret_heard += v->nodes[node].heard[(v->bucket - i) % VIEW_BUCKETS];
		*ret_missing += v->nodes[node].missing[(v->bucket - i) % VIEW_BUCKETS];
	}
}

bool
view_knows(const struct view *v, uint32_t node, uint64_t bucket)
{
	bool knows = false;

	for (uint32_t n = 0; n < v->node_count; n++)
		knows |= (node == VIEW_ALL || node == n) && bucket >= v->nodes[n].since;
	return knows;
}

uint64_t
view_oldest(const struct view *v)
{
	return v->bucket - (VIEW_BUCKETS - 1);
}

bool
view_is_thin(const struct view *v, const struct view_stream *s)
{
	return s->hearing > 0 && s->hearing < v->node_count && s->heard_ns > v->now.ns - VIEW_RECENT_NS;
}

static bool
is_well(const struct view *v, uint32_t node)
{
	const struct view_node *n = &v->nodes[node];
	uint64_t heard, missing;

	view_node_sums(v, node, VIEW_RECENT_NS, &heard, &missing);
	return n->state == VIEW_UP && !n->failing && !n->behind && missing == 0 &&
	    llabs(n->skew_ns) < VIEW_SKEW_NS;
}

enum view_health
view_health(const struct view *v)
{
	bool any = false, whole = true;

	for (uint32_t n = 0; n < v->node_count; n++) {
		any |= v->nodes[n].state == VIEW_UP;
		whole = whole && is_well(v, n);
	}
	for (size_t i = 0; i < v->stream_count; i++)
		whole = whole && !view_is_thin(v, v->streams[i]);
	if (!any)
		return VIEW_BLIND;
	if (view_residual(v, VIEW_RECENT_NS) > 0)
		return VIEW_LOSING;
	return whole ? VIEW_WHOLE : VIEW_THINNER;
}

const char *
view_health_name(enum view_health h)
{
	static const char *const names[] = {"whole", "thinner", "losing", "blind"};

	return names[h];
}

/* --- gaps --- */

struct gap_list {
	struct view_gap *gaps; /* the newest first */
	size_t count, room;
};

static void
put_gap(void *ctx, const struct view_gap *g)
{
	struct gap_list *l = ctx;
	size_t at = l->count;

	if (l->count == l->room && (l->room == 0 || g->to <= l->gaps[l->room - 1].to))
		return;
	if (l->count == l->room)
		at--;
	else
		l->count++;
	for (; at > 0 && l->gaps[at - 1].to < g->to; at--)
		l->gaps[at] = l->gaps[at - 1];
	l->gaps[at] = *g;
}

size_t
view_gaps(const struct view *v, struct view_gap *gaps, size_t room)
{
	struct gap_list l = {.gaps = gaps, .room = room};

	for (uint64_t i = 0; i < VIEW_PAST && i < v->past_count; i++) {
		const struct view_gap *g = &v->past[(v->past_count - 1 - i) % VIEW_PAST];

		if (g->from >= view_oldest(v))
			put_gap(&l, g);
	}
	for (size_t i = 0; i < v->stream_count; i++) {
		stream_gaps(v, v->streams[i], VIEW_ALL, INT64_MAX, put_gap, &l);
		for (uint32_t n = 0; n < v->node_count; n++)
			stream_gaps(v, v->streams[i], n, INT64_MAX, put_gap, &l);
	}
	return l.count;
}

static const char *
trouble_of(const struct view *v, const struct view_node *n, const struct view_gap *g)
{
	unsigned trouble = 0;

	/* What happened is known a moment later, and may be in the next bucket. */
	for (uint64_t b = g->from; b <= g->to + 1 && b <= v->bucket; b++)
		trouble |= n->trouble[b % VIEW_BUCKETS];
	return (trouble & VIEW_WAS_DOWN) != 0    ? "node down"
	    : (trouble & VIEW_KERNEL_DROPS) != 0 ? "kernel"
	    : (trouble & VIEW_LOG_DROPS) != 0    ? "disk"
						 : NULL;
}

const char *
view_cause(const struct view *v, const struct view_gap *g)
{
	const char *cause = NULL;

	for (uint32_t n = 0; n < v->node_count; n++) {
		const char *why;

		if (v->nodes[n].state == VIEW_NEVER || (!g->all && (g->nodes >> n & 1) == 0))
			continue;
		why = trouble_of(v, &v->nodes[n], g);
		if (why == NULL)
			return g->all ? "network or exporter" : "network";
		if (cause != NULL && strcmp(cause, why) != 0)
			return "several";
		cause = why;
	}
	return cause != NULL ? cause : "network";
}
