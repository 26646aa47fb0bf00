/* SPDX-License-Identifier: ISC
 *
 * See causes.h. What may explain a loss is a list for each node, by the end of the time that it explains; a question walks
 * those that its time lies in.
 */
#include "cluster/causes.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "log/event.h"

#define SLACK_NS (100 * NS_PER_MSEC) /* of times that are told, against one that is inferred */
#define UNWRITTEN_NS \
	NS_PER_SEC       /* at most: what a collector has received and not written, when it is killed */
#define SEEN_MOST 512    /* explanations that one question looks at */
#define JUDGED_MOST 4096 /* datagrams that clocks are judged by */

static const struct {
	const char *name, *text;
} names[CAUSE_COUNT] = {
    [CAUSE_DAMAGED] = {"damaged", "damaged record"},
    [CAUSE_DOWN] = {"down", "node down"},
    [CAUSE_ENDED] = {"ended", "log ends here"},
    [CAUSE_DISK] = {"disk", "disk"},
    [CAUSE_KERNEL] = {"kernel", "kernel drop"},
    [CAUSE_HOST] = {"host", "host drop"},
    [CAUSE_LIMITED] = {"limited", "rate limit"},
    [CAUSE_REFUSED] = {"refused", "source not permitted"},
    [CAUSE_NETWORK] = {"network", "network"},
};

const char *
cause_name(enum cause c)
{
	return names[c].name;
}

const char *
cause_text(enum cause c)
{
	return names[c].text;
}

struct explanation {
	int64_t from_ns, to_ns;
	int64_t reach_ns; /* the least from_ns of this one and all behind it */
	uint64_t left;    /* datagrams that it still explains */
	enum cause cause;
	const struct damaged *record; /* CAUSE_DAMAGED with a sound header: of this exporter; else NULL */
};

struct life_span {
	uint32_t lane;
	int64_t first_ns,
	    last_ns; /* of one that did not end in good order: less what may have been lost with it */
};

struct node_causes {
	struct explanation *list; /* owned; by to_ns */
	size_t count, room;
	struct life_span *lives; /* owned */
	size_t life_count, life_room;
};

struct causes {
	const struct pool *p;
	struct node_causes *nodes; /* owned */
	int64_t *ahead_ns;         /* owned; [node * nodes + other] */
};

static enum err
add(struct node_causes *n, enum cause cause, int64_t from_ns, int64_t to_ns, uint64_t count,
    const struct damaged *record)
{
	if (count == 0)
		return ERR_OK;
	if (array_grow(n->list, n->room, n->count) != ERR_OK)
		return ERR_MEMORY;
	n->list[n->count++] = (struct explanation){
	    .from_ns = from_ns, .to_ns = to_ns, .left = count, .cause = cause, .record = record};
	return ERR_OK;
}

/* --- events --- */

/* What the heartbeats of one life have counted so far. */
struct counted {
	uint32_t source;
	int64_t since_ns;
	uint64_t limited, refused;
};

static enum err
add_counted(
    struct node_causes *n, const struct pool_event *of, const struct event *ev, struct counted *before)
{
	uint64_t limited = event_u64(ev, EVENT_KEY_LIMITED, 0), refused = event_u64(ev, EVENT_KEY_REFUSED, 0);
	enum err e = ERR_OK;

	if (limited > before->limited)
		e = add(n, CAUSE_LIMITED, before->since_ns, of->time_ns, limited - before->limited, NULL);
	if (e == ERR_OK && refused > before->refused)
		e = add(n, CAUSE_REFUSED, before->since_ns, of->time_ns, refused - before->refused, NULL);
	before->limited = limited;
	before->refused = refused;
	before->since_ns = of->time_ns;
	return e;
}

static enum err
add_event(struct node_causes *n, const struct pool *p, const struct pool_event *of, struct counted *before)
{
	int64_t from_ns, to_ns;
	uint64_t count;
	struct event ev;
	enum cause cause;

	if (before->source != of->source)
		*before = (struct counted){.source = of->source, .since_ns = p->sources[of->source].first_ns};
	if (!event_init(&ev, p->bytes.data + of->at, of->len))
		return ERR_OK;
	if (ev.kind == EVENT_HEARTBEAT || ev.kind == EVENT_STOP)
		return add_counted(n, of, &ev, before);
	if (ev.kind != EVENT_KERNEL_DROP && ev.kind != EVENT_LOG_DROP)
		return ERR_OK;
	count = event_u64(&ev, EVENT_KEY_COUNT, 0);
	to_ns = (int64_t)event_u64(&ev, EVENT_KEY_TO, (uint64_t)of->time_ns);
	from_ns = (int64_t)event_u64(&ev, EVENT_KEY_FROM, (uint64_t)to_ns);
	cause = ev.kind == EVENT_LOG_DROP                                  ? CAUSE_DISK
	    : event_u64(&ev, EVENT_KEY_LISTENER, UINT64_MAX) == UINT64_MAX ? CAUSE_HOST
									   : CAUSE_KERNEL;
	return from_ns <= to_ns ? add(n, cause, from_ns, to_ns, count, NULL) : ERR_OK;
}

/* By source and place, as a life wrote them. */
static int
event_cmp(const void *va, const void *vb)
{
	const struct pool_event *a = *(const struct pool_event *const *)va,
				*b = *(const struct pool_event *const *)vb;

	if (a->source != b->source)
		return a->source < b->source ? -1 : 1;
	return a->sequence < b->sequence ? -1 : a->sequence > b->sequence;
}

static const struct pool_event **
events_in_order(const struct pool *p)
{
	const struct pool_event **list = malloc((p->event_count + 1) * sizeof(const struct pool_event *));

	for (size_t i = 0; list != NULL && i < p->event_count; i++)
		list[i] = &p->events[i];
	if (list != NULL)
		qsort(list, p->event_count, sizeof(const struct pool_event *), event_cmp);
	return list;
}

static enum err
add_events(struct causes *c, const struct pool_event **events)
{
	struct counted before = {.source = UINT32_MAX};
	enum err e = ERR_OK;

	for (size_t i = 0; i < c->p->event_count && e == ERR_OK; i++)
		e = add_event(&c->nodes[c->p->sources[events[i]->source].node], c->p, events[i], &before);
	return e;
}

/* --- damage --- */

/* Records that are lost with their headers: what stands before and behind them tells when they were written. */
struct bare {
	uint32_t source;
	struct seq_range lost;
	uint64_t count;          /* of them that have no header */
	uint64_t before, behind; /* the nearest record sequences that are known, */
	int64_t from_ns, to_ns;  /* and their times */
};

struct bare_list {
	struct bare *of; /* owned; by source and sequence */
	size_t count, room;
};

static void
bound(struct bare *b, uint64_t sequence, int64_t ns)
{
	if (sequence < (uint64_t)b->lost.from && (b->before == UINT64_MAX || sequence > b->before)) {
		b->before = sequence;
		b->from_ns = ns;
	} else if (sequence >= (uint64_t)b->lost.to && sequence < b->behind) {
		b->behind = sequence;
		b->to_ns = ns;
	}
}

/* A record that is known, to those that it stands next to. */
static void
bound_neighbours(struct bare_list *l, uint32_t source, uint64_t sequence, int64_t ns)
{
	size_t low = 0, high = l->count;

	while (low < high) { /* the first one behind the record */
		size_t mid = (low + high) / 2;
		const struct bare *b = &l->of[mid];

		if (b->source < source || (b->source == source && (uint64_t)b->lost.from <= sequence))
			low = mid + 1;
		else
			high = mid;
	}
	if (low < l->count && l->of[low].source == source)
		bound(&l->of[low], sequence, ns);
	if (low > 0 && l->of[low - 1].source == source)
		bound(&l->of[low - 1], sequence, ns);
}

static enum err
list_bare(const struct pool *p, uint32_t source, struct bare_list *l)
{
	const struct pool_source *s = &p->sources[source];
	size_t at = 0;

	for (size_t k = 0; k < s->lost.count; k++) {
		struct seq_range lost = s->lost.ranges[k];
		uint64_t bare = (uint64_t)(lost.to - lost.from);

		for (; at < s->damaged_count && s->damaged[at].sequence < (uint64_t)lost.to; at++)
			bare -= bare > 0 && s->damaged[at].sequence >= (uint64_t)lost.from;
		if (bare == 0)
			continue;
		if (array_grow(l->of, l->room, l->count) != ERR_OK)
			return ERR_MEMORY;
		l->of[l->count++] = (struct bare){.source = source,
		    .lost = lost,
		    .count = bare,
		    .before = UINT64_MAX,
		    .behind = UINT64_MAX,
		    .from_ns = s->first_ns,
		    .to_ns = s->last_ns};
	}
	return ERR_OK;
}

static void
bound_all(const struct pool *p, struct bare_list *l)
{
	for (size_t i = 0; l->count > 0 && i < p->witness_count; i++)
		bound_neighbours(
		    l, p->witnesses[i].source, p->witnesses[i].sequence, p->witnesses[i].time_ns);
	for (size_t i = 0; l->count > 0 && i < p->event_count; i++)
		bound_neighbours(l, p->events[i].source, p->events[i].sequence, p->events[i].time_ns);
}

static enum err
add_damage(struct causes *c)
{
	struct bare_list bare = {.of = NULL};
	enum err e = ERR_OK;

	for (uint32_t i = 0; i < c->p->source_count && e == ERR_OK; i++) {
		const struct pool_source *s = &c->p->sources[i];

		for (size_t k = 0; k < s->damaged_count && e == ERR_OK; k++)
			e = add(&c->nodes[s->node], CAUSE_DAMAGED, s->damaged[k].time_ns,
			    s->damaged[k].time_ns, 1, &s->damaged[k]);
		if (e == ERR_OK)
			e = list_bare(c->p, i, &bare);
	}
	if (e == ERR_OK)
		bound_all(c->p, &bare);
	for (size_t k = 0; k < bare.count && e == ERR_OK; k++) {
		const struct bare *b = &bare.of[k];

		if (b->from_ns <= b->to_ns)
			e = add(&c->nodes[c->p->sources[b->source].node], CAUSE_DAMAGED, b->from_ns, b->to_ns,
			    b->count, NULL);
	}
	free(bare.of);
	return e;
}

/* --- lives and clocks --- */

/* The first of the events behind that record. */
static size_t
event_behind(const struct pool *p, const struct pool_event **events, uint32_t source, uint64_t sequence)
{
	size_t low = 0, high = p->event_count;

	while (low < high) {
		size_t mid = (low + high) / 2;
		const struct pool_event *ev = events[mid];

		if (ev->source < source || (ev->source == source && ev->sequence <= sequence))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* In good order: its last event says so. */
static bool
has_ended(const struct pool *p, const struct pool_event **events, uint32_t source)
{
	size_t at = event_behind(p, events, source, UINT64_MAX);
	struct event ev;

	return at > 0 && events[at - 1]->source == source &&
	    event_init(&ev, p->bytes.data + events[at - 1]->at, events[at - 1]->len) && ev.kind == EVENT_STOP;
}

static enum err
add_lives(struct causes *c, const struct pool_event **events)
{
	for (size_t i = 0; i < c->p->source_count; i++) {
		const struct pool_source *s = &c->p->sources[i];
		struct node_causes *n = &c->nodes[s->node];

		if (s->first_ns > s->last_ns)
			continue;
		if (array_grow(n->lives, n->life_room, n->life_count) != ERR_OK)
			return ERR_MEMORY;
		n->lives[n->life_count++] = (struct life_span){.lane = s->id.lane,
		    .first_ns = s->first_ns,
		    .last_ns = has_ended(c->p, events, (uint32_t)i) ? s->last_ns : s->last_ns - UNWRITTEN_NS};
	}
	return ERR_OK;
}

/* By datagrams taken evenly from all; the last that two nodes share decides. */
static enum err
judge_clocks(struct causes *c)
{
	const struct pool *p = c->p;
	size_t step = p->datagram_count / JUDGED_MOST + 1;

	c->ahead_ns = calloc(p->node_count * p->node_count + 1, sizeof(*c->ahead_ns));
	if (c->ahead_ns == NULL)
		return ERR_MEMORY;
	for (size_t i = 0; i < p->datagram_count; i += step) {
		const struct witness *w = &p->witnesses[p->datagrams[i].hearing];

		for (uint32_t a = 0; a < p->datagrams[i].hearings; a++) {
			for (uint32_t b = 0; b < p->datagrams[i].hearings; b++)
				c->ahead_ns[p->sources[w[a].source].node * p->node_count +
				    p->sources[w[b].source].node] = w[a].time_ns - w[b].time_ns;
		}
	}
	return ERR_OK;
}

int64_t
causes_ahead(const struct causes *c, uint32_t node, uint32_t other)
{
	return c->ahead_ns[node * c->p->node_count + other];
}

/* --- making and asking --- */

static int
explanation_cmp(const void *va, const void *vb)
{
	const struct explanation *a = va, *b = vb;

	if (a->to_ns != b->to_ns)
		return a->to_ns < b->to_ns ? -1 : 1;
	if (a->from_ns != b->from_ns)
		return a->from_ns < b->from_ns ? -1 : 1;
	if (a->cause != b->cause)
		return a->cause < b->cause ? -1 : 1;
	return (a->left > b->left) - (a->left < b->left);
}

static void
put_in_order(struct node_causes *n)
{
	int64_t reach = INT64_MAX;

	if (n->count == 0)
		return;
	qsort(n->list, n->count, sizeof(*n->list), explanation_cmp);
	for (size_t i = n->count; i-- > 0;) {
		if (n->list[i].from_ns < reach)
			reach = n->list[i].from_ns;
		n->list[i].reach_ns = reach;
	}
}

enum err
causes_new(const struct pool *p, struct causes **ret)
{
	struct causes *c = calloc(1, sizeof(*c));
	const struct pool_event **events;
	enum err e = ERR_OK;

	if (c == NULL)
		return ERR_MEMORY;
	c->p = p;
	c->nodes = calloc(p->node_count + 1, sizeof(*c->nodes));
	events = events_in_order(p);
	if (c->nodes == NULL || events == NULL)
		e = ERR_MEMORY;
	if (e == ERR_OK)
		e = add_events(c, events);
	if (e == ERR_OK)
		e = add_damage(c);
	if (e == ERR_OK)
		e = add_lives(c, events);
	if (e == ERR_OK)
		e = judge_clocks(c);
	free(events);
	if (e != ERR_OK) {
		causes_free(c);
		return e;
	}
	for (size_t i = 0; i < p->node_count; i++)
		put_in_order(&c->nodes[i]);
	*ret = c;
	return ERR_OK;
}

void
causes_free(struct causes *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; c->nodes != NULL && i < c->p->node_count; i++) {
		free(c->nodes[i].list);
		free(c->nodes[i].lives);
	}
	free(c->nodes);
	free(c->ahead_ns);
	free(c);
}

/* CAUSE_COUNT: it ran. */
static enum cause
was_it_down(const struct node_causes *n, const struct missed *m)
{
	bool later = false;

	for (size_t i = 0; i < n->life_count; i++) {
		const struct life_span *l = &n->lives[i];

		if (m->heard && l->lane != m->lane)
			continue;
		if (m->time_ns >= l->first_ns && m->time_ns <= l->last_ns)
			return CAUSE_COUNT;
		later |= l->first_ns > m->time_ns;
	}
	return later ? CAUSE_DOWN : CAUSE_ENDED;
}

static bool
is_of(const struct explanation *x, const struct missed *m)
{
	if (x->cause == CAUSE_REFUSED) /* what was heard of it was permitted */
		return !m->heard;
	return x->record == NULL ||
	    (x->record->port == m->port && addr_cmp(&x->record->addr, m->exporter) == 0);
}

/* The first cause, of those that have something left; what has a header before what has none. */
static struct explanation *
explain(struct node_causes *n, const struct missed *m)
{
	int64_t t = m->time_ns;
	struct explanation *best = NULL;
	size_t low = 0, high = n->count;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (n->list[mid].to_ns < t - SLACK_NS)
			low = mid + 1;
		else
			high = mid;
	}
	for (size_t i = low; i < n->count && i < low + SEEN_MOST && n->list[i].reach_ns <= t + SLACK_NS;
	     i++) {
		struct explanation *x = &n->list[i];

		if (x->left == 0 || x->from_ns > t + SLACK_NS || !is_of(x, m))
			continue;
		if (best == NULL || x->cause < best->cause ||
		    (x->cause == best->cause && x->record != NULL && best->record == NULL))
			best = x;
	}
	return best;
}

enum cause
causes_why(struct causes *c, const struct missed *m)
{
	struct node_causes *n = &c->nodes[m->node];
	struct explanation *x = explain(n, m);
	enum cause down;

	if (x != NULL && x->cause == CAUSE_DAMAGED && x->record != NULL) {
		x->left--;
		return CAUSE_DAMAGED;
	}
	down = was_it_down(n, m);
	if (down != CAUSE_COUNT)
		return down;
	if (x == NULL)
		return CAUSE_NETWORK;
	x->left--;
	return x->cause;
}
