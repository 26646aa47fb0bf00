/* SPDX-License-Identifier: ISC
 *
 * See census.h.
 */
#include "cluster/census.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

/* One datagram's hearings at one node, in order of time. */
struct hearings {
	struct witness *list; /* owned */
	size_t room;
};

static int
by_time(const void *va, const void *vb)
{
	const struct witness *a = va, *b = vb;

	if (a->time_ns != b->time_ns)
		return a->time_ns < b->time_ns ? -1 : 1;
	return a->listener - b->listener;
}

static void
stretch(int64_t *first_ns, int64_t *last_ns, int64_t ns)
{
	if (ns < *first_ns)
		*first_ns = ns;
	if (ns > *last_ns)
		*last_ns = ns;
}

static enum err
listener_of(struct census_node *n, uint16_t listener, struct census_listener **ret)
{
	size_t low = 0, high = n->listener_count;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (n->listeners[mid].listener < listener)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == n->listener_count || n->listeners[low].listener != listener) {
		if (array_grow(n->listeners, n->listener_room, n->listener_count) != ERR_OK)
			return ERR_MEMORY;
		memmove(&n->listeners[low + 1], &n->listeners[low],
		    (n->listener_count++ - low) * sizeof(*n->listeners));
		n->listeners[low] = (struct census_listener){.listener = listener, .datagram = POOL_NONE};
	}
	*ret = &n->listeners[low];
	return ERR_OK;
}

/* One hearing; before_ns: the time of the node's hearing before it, when it is not the first of the datagram. */
static enum err
count_hearing(
    struct census_node *n, uint32_t datagram, const struct witness *w, bool first, int64_t before_ns)
{
	struct census_listener *l;
	enum err e = listener_of(n, w->listener, &l);

	if (e != ERR_OK)
		return e;
	n->hearings++;
	l->hearings++;
	stretch(&n->first_ns, &n->last_ns, w->time_ns);
	if (!first) {
		if (l->datagram == datagram && w->time_ns - l->time_ns <= CENSUS_REPEAT_NS)
			n->duplicates++;
		else if (w->time_ns - before_ns <= CENSUS_REPEAT_NS)
			n->redundant++;
		else
			n->repeats++;
	}
	l->datagram = datagram;
	l->time_ns = w->time_ns;
	return ERR_OK;
}

/* All hearings of one datagram by one node. */
static enum err
count_node(
    struct census_node *n, struct hearings *h, uint32_t datagram, const struct witness *w, size_t count)
{
	enum err e = ERR_OK;

	n->datagrams++;
	if (count == 1)
		return count_hearing(n, datagram, w, true, 0);
	while (h->room < count && e == ERR_OK)
		e = array_grow(h->list, h->room, h->room);
	if (e != ERR_OK)
		return e;
	memcpy(h->list, w, count * sizeof(*w));
	qsort(h->list, count, sizeof(*h->list), by_time);
	for (size_t i = 0; i < count && e == ERR_OK; i++)
		e = count_hearing(
		    n, datagram, &h->list[i], i == 0, i > 0 ? h->list[i - 1].time_ns : h->list[i].time_ns);
	return e;
}

static enum err
count_datagram(const struct pool *p, struct census *c, struct hearings *h, uint32_t datagram)
{
	const struct pool_datagram *d = &p->datagrams[datagram];
	const struct witness *w = &p->witnesses[d->hearing];
	struct census_stream *s = &c->streams[d->stream];
	uint32_t node = 0;
	enum err e = ERR_OK;

	c->datagrams++;
	c->hearings += d->hearings;
	c->selected += d->selected != POOL_NONE;
	c->bytes += d->len;
	stretch(&c->first_ns, &c->last_ns, d->time_ns);
	s->datagrams++;
	s->bytes += d->len;
	stretch(&s->first_ns, &s->last_ns, d->time_ns);
	for (uint32_t i = 0, end; i < d->hearings && e == ERR_OK; i = end) {
		node = p->sources[w[i].source].node;
		for (end = i; end < d->hearings && p->sources[w[end].source].node == node; end++)
			continue;
		e = count_node(&c->nodes[node], h, datagram, w + i, end - i);
		if (end - i == d->hearings)
			c->nodes[node].only_here++;
	}
	return e;
}

/* Sources stand by node and lane. */
static void
count_sources(const struct pool *p, struct census *c)
{
	for (size_t i = 0; i < p->source_count; i++) {
		const struct pool_source *s = &p->sources[i];
		struct census_node *n = &c->nodes[s->node];

		n->lives++;
		n->lanes += i == 0 || s->node != s[-1].node || s->id.lane != s[-1].id.lane;
		n->records += seq_set_units(&s->read);
		n->lost += seq_set_units(&s->lost);
		if (s->first_ns <= s->last_ns) {
			stretch(&n->first_ns, &n->last_ns, s->first_ns);
			stretch(&n->first_ns, &n->last_ns, s->last_ns);
		}
	}
	for (size_t i = p->event_first; i < p->event_end; i++)
		c->nodes[p->sources[p->events[i].source].node].events++;
}

static int
by_key(const void *va, const void *vb)
{
	const struct census_stream *a = va, *b = vb;

	return stream_key_cmp(a->key, b->key);
}

/* Those that only template definitions name go. */
static void
settle_streams(struct census *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->stream_count; i++) {
		if (c->streams[i].datagrams > 0)
			c->streams[n++] = c->streams[i];
	}
	c->stream_count = n;
	qsort(c->streams, n, sizeof(*c->streams), by_key);
}

enum err
census_make(const struct pool *p, struct census *ret)
{
	struct census c = {.nodes = calloc(p->node_count + 1, sizeof(*c.nodes)),
	    .node_count = p->node_count,
	    .streams = calloc(p->stream_count + 1, sizeof(*c.streams)),
	    .stream_count = p->stream_count,
	    .first_ns = INT64_MAX,
	    .last_ns = INT64_MIN};
	struct hearings h = {.list = NULL};
	enum err e = c.nodes != NULL && c.streams != NULL ? ERR_OK : ERR_MEMORY;

	for (size_t i = 0; i < p->node_count && e == ERR_OK; i++)
		c.nodes[i] = (struct census_node){.first_ns = INT64_MAX, .last_ns = INT64_MIN};
	for (size_t i = 0; i < p->stream_count && e == ERR_OK; i++)
		c.streams[i] = (struct census_stream){
		    .key = &p->streams[i].key, .first_ns = INT64_MAX, .last_ns = INT64_MIN};
	for (size_t i = p->first; i < p->end && e == ERR_OK; i++)
		e = count_datagram(p, &c, &h, (uint32_t)i);
	free(h.list);
	if (e != ERR_OK) {
		census_clear(&c);
		return e;
	}
	count_sources(p, &c);
	settle_streams(&c);
	*ret = c;
	return ERR_OK;
}

void
census_clear(struct census *c)
{
	for (size_t i = 0; c->nodes != NULL && i < c->node_count; i++)
		free(c->nodes[i].listeners);
	free(c->nodes);
	free(c->streams);
	*c = (struct census){.nodes = NULL};
}
