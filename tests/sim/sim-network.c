/* SPDX-License-Identifier: ISC
 *
 * The network: what of all that was sent reaches which node, when, how often, and on which of its listeners.
 */
#include <stdlib.h>

#include "tests/sim/sim.h"

struct path {                                  /* from all exporters to one node */
	unsigned loss, burst, duplicate, late; /* percent */
	int64_t delay_ns, jitter_ns;
	int64_t cut_from_ns, cut_to_ns; /* partition */
};

static int
by_time(const void *va, const void *vb)
{
	const struct arrival *a = va, *b = vb;

	if (a->at_ns != b->at_ns)
		return a->at_ns < b->at_ns ? -1 : 1;
	if (a->sent != b->sent)
		return a->sent < b->sent ? -1 : 1;
	return a->listener - b->listener;
}

static void
arrive(struct world *w, uint32_t node, uint32_t sent, uint16_t listener, int64_t at_ns)
{
	GROW(w->arrivals[node], w->arrival_count[node]);
	w->arrivals[node][w->arrival_count[node]++] = (struct arrival){sent, listener, at_ns};
}

static struct path
pick_path(struct world *w, struct rng *r)
{
	static const unsigned losses[] = {0, 0, 0, 1, 5, 20, 60};
	struct path p = {.loss = losses[rng_below(r, 7)],
	    .burst = rng_chance(r, 30) ? 2 : 0,
	    .duplicate = rng_chance(r, 40) ? 5 : 0,
	    .late = rng_chance(r, 40) ? 10 : 0,
	    .delay_ns = rng_between(r, 0, 50 * NS_PER_MSEC),
	    .jitter_ns = rng_between(r, 0, 2) * rng_between(r, 0, 20 * NS_PER_MSEC)};

	if (rng_chance(r, 25)) {
		p.cut_from_ns = rng_between(r, 0, w->length_ns);
		p.cut_to_ns = p.cut_from_ns + rng_between(r, NS_PER_SEC, w->length_ns / 2);
	}
	return p;
}

/* Near to the end of a minute of the node's clock: its very end, where a window may end, too. */
static int64_t
to_edge(const struct node *n, int64_t at)
{
	int64_t minute = 60 * NS_PER_SEC, left = minute - (SIM_START + at + n->skew_ns) % minute;

	return left < 3 * NS_PER_SEC ? at + left : at;
}

static void
deliver(struct world *w, uint32_t node, struct rng *r, const struct path *p)
{
	unsigned burst = 0;

	for (uint32_t i = 0; i < w->sent_count; i++) {
		int64_t sent_at = w->sent[i].at_ns, at = sent_at + p->delay_ns;

		if (p->burst > 0 && rng_chance(r, p->burst))
			burst = (unsigned)rng_between(r, 2, 15);
		if (burst > 0) {
			burst--;
			continue;
		}
		if (rng_chance(r, p->loss) || (sent_at >= p->cut_from_ns && sent_at < p->cut_to_ns))
			continue;
		if (p->jitter_ns > 0)
			at += rng_between(r, 0, p->jitter_ns);
		if (rng_chance(r, p->late))
			at += rng_between(r, 0, 3 * NS_PER_SEC);
		if (rng_chance(r, 10)) /* several in one wake-up have one time */
			at -= at % (100 * NS_PER_MSEC);
		if (rng_chance(r, 20))
			at = to_edge(&w->nodes[node], at);
		for (uint16_t l = 0; l < w->nodes[node].listeners; l++) {
			if (l == 0 || rng_chance(r, 80))
				arrive(w, node, i, l, at + l * 1000);
		}
		if (rng_chance(r, p->duplicate))
			arrive(w, node, i, 0, at + rng_between(r, 0, NS_PER_SEC));
	}
	if (w->arrival_count[node] > 0)
		qsort(w->arrivals[node], w->arrival_count[node], sizeof(*w->arrivals[node]), by_time);
}

void
sim_network(struct world *w)
{
	for (uint32_t n = 0; n < w->node_count; n++) {
		struct rng r = rng_fork(&w->rng, 2000 + n);
		struct path p = pick_path(w, &r);

		deliver(w, n, &r, &p);
	}
}
