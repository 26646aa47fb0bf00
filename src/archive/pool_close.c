/* SPDX-License-Identifier: ISC
 *
 * See pool.h. Putting a pool in order. Every comparison goes on until it decides, or until nothing is left that
 * differs: what qsort does with ties depends on the order of the inputs, and nothing that is written may.
 */
#include <stdlib.h>
#include <string.h>

#include "archive/pool_private.h"
#include "base/sort.h"
#include "base/spill.h"

static int
u32_source_cmp(const void *va, const void *vb, void *ctx)
{
	const struct pool *p = ctx;
	const uint32_t *a = va, *b = vb;

	return source_cmp(&p->sources[*a].id, &p->sources[*b].id);
}

static enum err
sort_sources(struct pool *p)
{
	uint32_t *order = malloc((p->source_count + 1) * sizeof(*order)),
		 *where = malloc((p->source_count + 1) * sizeof(*where));
	struct pool_source *sorted = malloc((p->source_count + 1) * sizeof(*sorted));

	p->nodes = calloc(p->source_count + 1, sizeof(*p->nodes));
	if (order == NULL || where == NULL || sorted == NULL || p->nodes == NULL) {
		free(order);
		free(where);
		free(sorted);
		return ERR_MEMORY;
	}
	for (uint32_t i = 0; i < p->source_count; i++)
		order[i] = i;
	qsort_r(order, p->source_count, sizeof(*order), u32_source_cmp, p);
	for (uint32_t i = 0; i < p->source_count; i++) {
		struct pool_source *s = &sorted[i];

		*s = p->sources[order[i]];
		where[order[i]] = i;
		if (p->node_count == 0 || strcmp(p->nodes[p->node_count - 1], s->id.node) != 0)
			memcpy(p->nodes[p->node_count++], s->id.node, SEGMENT_NAME_SIZE);
		s->node = (uint32_t)p->node_count - 1;
	}
	for (size_t i = 0; i < p->witness_count; i++)
		p->witnesses[i].source = where[p->witnesses[i].source];
	for (size_t i = 0; i < p->event_count; i++)
		p->events[i].source = where[p->events[i].source];
	free(p->sources);
	free(order);
	free(where);
	p->sources = sorted;
	return ERR_OK;
}

static int
witness_cmp(const void *va, const void *vb)
{
	const struct witness *a = va, *b = vb;

	if (a->source != b->source)
		return a->source < b->source ? -1 : 1;
	if (a->sequence != b->sequence)
		return a->sequence < b->sequence ? -1 : 1;
	if (a->time_ns != b->time_ns)
		return a->time_ns < b->time_ns ? -1 : 1;
	return a->listener != b->listener ? a->listener - b->listener : a->port - b->port;
}

static int
i64_cmp(const void *va, const void *vb)
{
	int64_t a = *(const int64_t *)va, b = *(const int64_t *)vb;

	return a < b ? -1 : a > b;
}

/* The lower median over nodes of each node's earliest hearing. w is sorted, so a node's hearings are adjacent. */
static int64_t
median_time(const struct pool *p, const struct witness *w, size_t count, int64_t *first)
{
	size_t nodes = 0;

	for (size_t i = 0; i < count; i++) {
		if (i == 0 || p->sources[w[i].source].node != p->sources[w[i - 1].source].node)
			first[nodes++] = w[i].time_ns;
		else if (w[i].time_ns < first[nodes - 1])
			first[nodes - 1] = w[i].time_ns;
	}
	qsort(first, nodes, sizeof(*first), i64_cmp);
	return first[(nodes - 1) / 2];
}

static enum err
sort_witnesses(struct pool *p)
{
	struct witness *sorted = spill_alloc((p->witness_count + 1) * sizeof(*sorted));
	int64_t *first = malloc((p->node_count + 1) * sizeof(*first));
	size_t n = 0;

	if (sorted == NULL || first == NULL) {
		spill_free(sorted);
		free(first);
		return ERR_MEMORY;
	}
	for (size_t i = 0; i < p->datagram_count; i++) {
		struct pool_datagram *d = &p->datagrams[i];
		struct witness *w = &sorted[n];
		size_t all = 0, kept = 1;

		spill_pause();
		for (uint32_t h = d->hearing; h != POOL_NONE; h = p->chain[h])
			w[all++] = p->witnesses[h];
		if (all > 1)
			qsort(w, all, sizeof(*w), witness_cmp);
		for (size_t k = 1; k < all; k++) {
			if (witness_cmp(&w[k], &w[kept - 1]) != 0)
				w[kept++] = w[k];
		}
		d->hearing = (uint32_t)n;
		d->hearings = (uint32_t)kept;
		d->time_ns = median_time(p, w, kept, first);
		n += kept;
	}
	free(first);
	spill_free(p->witnesses);
	spill_free(p->chain);
	p->chain = NULL;
	p->witnesses = sorted;
	p->witness_count = n;
	return ERR_OK;
}

static int
event_cmp(const void *va, const void *vb, const void *ctx)
{
	const struct pool_event *a = va, *b = vb;
	const struct pool *p = ctx;

	if (a->time_ns != b->time_ns)
		return a->time_ns < b->time_ns ? -1 : 1;
	if (a->source != b->source)
		return a->source < b->source ? -1 : 1;
	if (a->sequence != b->sequence)
		return a->sequence < b->sequence ? -1 : 1;
	if (a->len != b->len)
		return a->len < b->len ? -1 : 1;
	return a->len > 0 ? memcmp(p->bytes.data + a->at, p->bytes.data + b->at, a->len) : 0;
}

static enum err
sort_events(struct pool *p)
{
	size_t n = 0;
	enum err e = sort_array(p->events, p->event_count, sizeof(*p->events), event_cmp, p);

	if (e != ERR_OK)
		return e;
	for (size_t i = 0; i < p->event_count; i++) {
		if (n == 0 || event_cmp(&p->events[i], &p->events[n - 1], p) != 0)
			p->events[n++] = p->events[i];
	}
	p->event_count = n;
	return ERR_OK;
}

/* Payloads with one digest can be made on purpose (it is no cryptographic one): then their bytes decide. What
 * cannot be read here cannot be written either, which ends the merge. */
static int
payload_order(const struct pool *p, const struct pool_datagram *a, const struct pool_datagram *b)
{
	const uint8_t *payload;
	uint8_t *copy;
	int c = 0;

	if (a->len != b->len)
		return a->len < b->len ? -1 : 1;
	if (pool_peek(p, a, &payload) != ERR_OK || (copy = malloc(a->len + (size_t)1)) == NULL)
		return 0;
	memcpy(copy, payload, a->len);
	if (pool_peek(p, b, &payload) == ERR_OK)
		c = memcmp(copy, payload, a->len);
	free(copy);
	return c;
}

static bool
same_place(const struct pool_datagram *a, const struct pool_datagram *b)
{
	return a->file == b->file && a->offset == b->offset && a->within == b->within;
}

static int
archive_order(const void *va, const void *vb, const void *ctx)
{
	const struct pool_datagram *a = va, *b = vb;
	int c;

	if (a->time_ns != b->time_ns)
		return a->time_ns < b->time_ns ? -1 : 1;
	if ((c = addr_cmp(&a->addr, &b->addr)) != 0)
		return c;
	if (a->port != b->port)
		return a->port < b->port ? -1 : 1;
	c = digest128_cmp(&a->digest, &b->digest);
	if (c == 0) /* a payload may be what selected flows look like */
		c = (a->selected != POOL_NONE) - (b->selected != POOL_NONE);
	return c != 0 || same_place(a, b) ? c : payload_order(ctx, a, b);
}

/* The index by digest knows the former places; whoever needs it asks for a new one. */
static enum err
sort_datagrams(struct pool *p)
{
	hash_clear(&p->by_digest);
	return sort_array(p->datagrams, p->datagram_count, sizeof(*p->datagrams), archive_order, p);
}

static bool
set_has(const struct seq_set *s, int64_t v)
{
	size_t low = 0, high = s->count;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (s->ranges[mid].to <= v)
			low = mid + 1;
		else
			high = mid;
	}
	return low < s->count && s->ranges[low].from <= v;
}

static int
damaged_qcmp(const void *a, const void *b)
{
	return damaged_cmp(a, b);
}

/* A sound copy closes a hole: what was read anywhere is neither lost nor damaged. */
static enum err
settle_damage(struct pool_source *s)
{
	struct seq_set lost = {0};
	size_t n = 0;
	enum err e = ERR_OK;

	seq_set_close(&s->read);
	seq_set_close(&s->lost);
	for (size_t i = 0; i < s->lost.count && e == ERR_OK; i++)
		e = seq_set_missing(&s->read, s->lost.ranges[i], &lost);
	seq_set_clear(&s->lost);
	s->lost = lost;
	if (s->damaged_count > 0)
		qsort(s->damaged, s->damaged_count, sizeof(*s->damaged), damaged_qcmp);
	for (size_t i = 0; i < s->damaged_count; i++) {
		if (!set_has(&s->read, (int64_t)s->damaged[i].sequence) &&
		    (n == 0 || damaged_cmp(&s->damaged[i], &s->damaged[n - 1]) != 0))
			s->damaged[n++] = s->damaged[i];
	}
	s->damaged_count = n;
	return e;
}

/* The first datagram, or event, that is not before. */
static size_t
datagrams_before(const struct pool *p, int64_t ns)
{
	size_t low = 0, high = p->datagram_count;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (p->datagrams[mid].time_ns < ns)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static size_t
events_before(const struct pool *p, int64_t ns)
{
	size_t low = 0, high = p->event_count;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (p->events[mid].time_ns < ns)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Both stand by time, so what lies in the span stands together. */
static void
choose(struct pool *p)
{
	p->first = datagrams_before(p, p->span.from_ns);
	p->end = datagrams_before(p, p->span.to_ns);
	p->event_first = events_before(p, p->span.from_ns);
	p->event_end = events_before(p, p->span.to_ns);
}

/* Hearings stay where they are, so that they tell who is who. */
enum err
pool_sort_again(struct pool *p, uint32_t **ret_moved)
{
	uint32_t *of = spill_alloc((p->witness_count + 1) * sizeof(*of)),
		 *moved = spill_alloc((p->datagram_count + 1) * sizeof(*moved));
	enum err e = of != NULL && moved != NULL ? ERR_OK : ERR_MEMORY;

	for (size_t i = 0; i < p->datagram_count && e == ERR_OK; i++)
		of[p->datagrams[i].hearing] = (uint32_t)i;
	if (e == ERR_OK)
		e = sort_datagrams(p);
	for (size_t i = 0; i < p->datagram_count && e == ERR_OK; i++)
		moved[of[p->datagrams[i].hearing]] = (uint32_t)i;
	spill_free(of);
	if (e != ERR_OK || ret_moved == NULL) {
		spill_free(moved);
		return e;
	}
	*ret_moved = moved;
	return ERR_OK;
}

enum err
pool_close(struct pool *p)
{
	enum err e = sort_sources(p);

	for (size_t i = 0; i < p->source_count && e == ERR_OK; i++)
		e = settle_damage(&p->sources[i]);
	if (e == ERR_OK)
		e = pool_settle_selected(p);
	if (e == ERR_OK)
		e = sort_witnesses(p);
	if (e == ERR_OK)
		e = sort_events(p);
	if (e == ERR_OK)
		e = sort_datagrams(p);
	if (e == ERR_OK)
		choose(p);
	return e;
}
