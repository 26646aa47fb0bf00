/* SPDX-License-Identifier: ISC
 *
 * See skew.h. Medians are found byte by byte from the highest: a pass over all datagrams counts, of each series,
 * the differences whose higher bytes are those of the median, by their next byte. So they are exact, and take no
 * memory a datagram.
 */
#include "cluster/skew.h"

#include <stdlib.h>
#include <string.h>

#define PASSES 8
#define SIGN ((uint64_t)1 << 63)

/* One median on its way. */
struct series {
	uint64_t prefix; /* its bytes that are known */
	uint64_t rank;   /* how many values of this prefix lie below it */
	uint64_t count;  /* values in all */
	uint64_t by_byte[256];
};

struct moment {
	uint32_t node;
	int64_t ns;
};

struct finding_skew {
	const struct pool *p;
	struct series *nodes; /* owned */
	struct series *pairs; /* owned, or NULL */
	struct moment *heard; /* owned: room for each node */
	unsigned pass;
};

static void
add(struct finding_skew *k, struct series *s, int64_t difference)
{
	uint64_t v = (uint64_t)difference ^ SIGN; /* unsigned order is that of the numbers */
	unsigned below = 8 * (PASSES - 1 - k->pass);

	if (k->pass == 0 || v >> (below + 8) == s->prefix)
		s->by_byte[v >> below & 0xff]++;
}

/* The next byte of the median. */
static void
narrow(struct finding_skew *k, struct series *s)
{
	unsigned byte = 0;

	if (k->pass == 0) {
		for (unsigned i = 0; i < 256; i++)
			s->count += s->by_byte[i];
		s->rank = s->count > 0 ? (s->count - 1) / 2 : 0;
	}
	for (; byte < 255 && s->by_byte[byte] <= s->rank; byte++)
		s->rank -= s->by_byte[byte];
	s->prefix = s->prefix << 8 | byte;
	memset(s->by_byte, 0, sizeof(s->by_byte));
}

static int
by_time(const void *va, const void *vb)
{
	const struct moment *a = va, *b = vb;

	if (a->ns != b->ns)
		return a->ns < b->ns ? -1 : 1;
	return a->node < b->node ? -1 : a->node > b->node;
}

/* Each node's earliest hearing, by time. */
static size_t
moments(struct finding_skew *k, const struct pool_datagram *d)
{
	const struct witness *w = &k->p->witnesses[d->hearing];
	size_t n = 0;

	for (uint32_t i = 0; i < d->hearings; i++) {
		uint32_t node = k->p->sources[w[i].source].node;

		if (n == 0 || k->heard[n - 1].node != node)
			k->heard[n++] = (struct moment){node, w[i].time_ns};
		else if (w[i].time_ns < k->heard[n - 1].ns)
			k->heard[n - 1].ns = w[i].time_ns;
	}
	if (n > 1)
		qsort(k->heard, n, sizeof(*k->heard), by_time);
	return n;
}

/* The middle of all but the one at `own`; of two, the nearer one. */
static int64_t
middle_of_others(const struct moment *heard, size_t n, size_t own)
{
	size_t low = (n - 2) / 2, high = (n - 1) / 2; /* places among the n - 1 others */
	int64_t a, b;

	a = heard[low < own ? low : low + 1].ns;
	b = heard[high < own ? high : high + 1].ns;
	return b - heard[own].ns < heard[own].ns - a ? b : a;
}

static void
add_datagram(struct finding_skew *k, const struct pool_datagram *d)
{
	size_t n = moments(k, d);

	for (size_t i = 0; i < n && n > 1; i++) {
		const struct moment *m = &k->heard[i];

		add(k, &k->nodes[m->node], m->ns - middle_of_others(k->heard, n, i));
		for (size_t o = 0; k->pairs != NULL && o < n; o++) {
			if (m->node < k->heard[o].node)
				add(k, &k->pairs[m->node * k->p->node_count + k->heard[o].node],
				    m->ns - k->heard[o].ns);
		}
	}
}

static void
take(const struct series *from, size_t count, struct skew *to)
{
	for (size_t i = 0; i < count; i++) {
		if (from[i].count > 0)
			to[i] = (struct skew){(int64_t)(from[i].prefix ^ SIGN), from[i].count};
	}
}

enum err
skew_find(const struct pool *p, struct skews *ret)
{
	size_t n = p->node_count, pairs = n <= SKEW_PAIRS_NODES ? n * n : 0;
	struct finding_skew k = {.p = p,
	    .nodes = calloc(n + 1, sizeof(*k.nodes)),
	    .pairs = pairs > 0 ? calloc(pairs, sizeof(*k.pairs)) : NULL,
	    .heard = calloc(n + 1, sizeof(*k.heard))};
	struct skews s = {.nodes = calloc(n + 1, sizeof(*s.nodes)),
	    .pairs = pairs > 0 ? calloc(pairs, sizeof(*s.pairs)) : NULL};
	bool ok = k.nodes != NULL && k.heard != NULL && s.nodes != NULL &&
	    (pairs == 0 || (k.pairs != NULL && s.pairs != NULL));

	for (; ok && n > 1 && k.pass < PASSES; k.pass++) {
		for (size_t i = p->first; i < p->end; i++)
			add_datagram(&k, &p->datagrams[i]);
		for (size_t i = 0; i < n; i++)
			narrow(&k, &k.nodes[i]);
		for (size_t i = 0; i < pairs; i++)
			narrow(&k, &k.pairs[i]);
	}
	if (ok) {
		take(k.nodes, n, s.nodes);
		take(k.pairs, pairs, s.pairs);
		*ret = s;
	} else {
		skew_clear(&s);
	}
	free(k.nodes);
	free(k.pairs);
	free(k.heard);
	return ok ? ERR_OK : ERR_MEMORY;
}

void
skew_clear(struct skews *s)
{
	free(s->nodes);
	free(s->pairs);
	*s = (struct skews){.nodes = NULL};
}
