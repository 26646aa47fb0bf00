/* SPDX-License-Identifier: ISC
 *
 * See plan_clock.h. A node's clock is wrong by the same for all that it hears, until it is set: by its own clock alone its
 * hearings fall into runs of one boot time. Runs that share a datagram are of one life. Each node has a median boot time
 * of the life, and the life the lower median of these; an item's clock is that plus its uptime.
 */
#include "archive/plan_clock.h"

#include "base/sort.h"
#include "base/spill.h"

#define NO_RUN UINT32_MAX

struct hearing {
	int64_t boot_ns; /* by the node's clock */
	uint32_t node, item;
	uint32_t run; /* at last: the one that stands for its life */
};

struct run {
	uint32_t node;
	uint32_t life;   /* another run of the same life, nearer to the one that stands for it; or itself */
	int64_t boot_ns; /* of the life that it stands for */
};

struct clocks {
	struct hearing *hearings; /* owned, as all of these */
	size_t hearing_count;
	struct run *runs;
	uint32_t run_count;
	uint32_t *first_run,
	    *last_run;  /* by item: that it is in, of the first node and of the last one looked at */
	int64_t *boots; /* of one life, by node */
};

static int
cmp_u64(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int
cmp_i64(int64_t a, int64_t b)
{
	return a < b ? -1 : a > b;
}

static int
by_node_and_boot(const void *va, const void *vb, const void *ctx)
{
	const struct hearing *a = va, *b = vb;
	int c = cmp_u64(a->node, b->node);

	(void)ctx;
	if (c == 0)
		c = cmp_i64(a->boot_ns, b->boot_ns);
	return c != 0 ? c : cmp_u64(a->item, b->item);
}

static int
by_life(const void *va, const void *vb, const void *ctx)
{
	const struct hearing *a = va, *b = vb;
	int c = cmp_u64(a->run, b->run);

	return c != 0 ? c : by_node_and_boot(va, vb, ctx);
}

static int
by_time(const void *a, const void *b, const void *ctx)
{
	(void)ctx;
	return cmp_i64(*(const int64_t *)a, *(const int64_t *)b);
}

static int64_t
uptime_ns(const struct seq_item *it)
{
	return (int64_t)it->uptime_ms * NS_PER_MSEC;
}

static uint32_t
life_of(struct clocks *c, uint32_t run)
{
	while (c->runs[run].life != run) {
		c->runs[run].life = c->runs[c->runs[run].life].life;
		run = c->runs[run].life;
	}
	return run;
}

static enum err
gather(struct clocks *c, const struct pool *p, const struct seq_item *items, size_t count)
{
	size_t all = 0;

	for (size_t i = 0; i < count; i++)
		all += p->datagrams[items[i].tag].hearings;
	c->hearings = spill_alloc((all + 1) * sizeof(*c->hearings));
	c->runs = spill_alloc((all + 1) * sizeof(*c->runs));
	c->first_run = spill_alloc((count + 1) * sizeof(*c->first_run));
	c->last_run = spill_alloc((count + 1) * sizeof(*c->last_run));
	c->boots = spill_alloc((p->node_count + 1) * sizeof(*c->boots));
	if (c->hearings == NULL || c->runs == NULL || c->first_run == NULL || c->last_run == NULL ||
	    c->boots == NULL)
		return ERR_MEMORY;
	for (size_t i = 0; i < count; i++) {
		const struct pool_datagram *d = &p->datagrams[items[i].tag];

		spill_pause();
		c->first_run[i] = NO_RUN;
		for (uint32_t k = 0; k < d->hearings; k++) {
			const struct witness *w = &p->witnesses[d->hearing + k];

			c->hearings[c->hearing_count++] = (struct hearing){w->time_ns - uptime_ns(&items[i]),
			    p->sources[w->source].node, (uint32_t)i, NO_RUN};
		}
	}
	return sort_array(c->hearings, c->hearing_count, sizeof(*c->hearings), by_node_and_boot, NULL);
}

/* What one node hears twice, in different runs, is a repeat (after a reboot perhaps) and joins nothing. */
static void
join(struct clocks *c, uint32_t item, uint32_t run)
{
	uint32_t last = c->last_run[item];

	if (c->first_run[item] == NO_RUN) {
		c->first_run[item] = c->last_run[item] = run;
	} else if (c->runs[last].node != c->runs[run].node) {
		c->runs[life_of(c, run)].life = life_of(c, c->first_run[item]);
		c->last_run[item] = run;
	}
}

static void
cut_runs(struct clocks *c, int64_t slack_ns)
{
	for (size_t i = 0; i < c->hearing_count; i++) {
		struct hearing *h = &c->hearings[i];

		spill_pause();
		if (i == 0 || h->node != h[-1].node || h->boot_ns - h[-1].boot_ns > slack_ns) {
			c->runs[c->run_count] = (struct run){h->node, c->run_count, 0};
			c->run_count++;
		}
		h->run = c->run_count - 1;
		join(c, h->item, h->run);
	}
}

/* The hearings [from, to) are those of a life, by node and boot time. */
static enum err
find_boot(struct clocks *c, size_t from, size_t to)
{
	size_t nodes = 0;
	enum err e;

	for (size_t i = from, end; i < to; i = end) {
		for (end = i; end < to && c->hearings[end].node == c->hearings[i].node; end++)
			continue;
		c->boots[nodes++] = c->hearings[i + (end - i - 1) / 2].boot_ns;
	}
	e = sort_array(c->boots, nodes, sizeof(*c->boots), by_time, NULL);
	c->runs[c->hearings[from].run].boot_ns = c->boots[(nodes - 1) / 2];
	return e;
}

static enum err
set_clocks(struct clocks *c, struct seq_item *items, size_t count)
{
	enum err e;

	for (size_t i = 0; i < c->hearing_count; i++)
		c->hearings[i].run = life_of(c, c->hearings[i].run);
	e = sort_array(c->hearings, c->hearing_count, sizeof(*c->hearings), by_life, NULL);
	for (size_t i = 0, end; i < c->hearing_count && e == ERR_OK; i = end) {
		for (end = i; end < c->hearing_count && c->hearings[end].run == c->hearings[i].run; end++)
			continue;
		e = find_boot(c, i, end);
	}
	for (size_t i = 0; i < count && e == ERR_OK; i++)
		items[i].clock_ns = c->runs[life_of(c, c->first_run[i])].boot_ns + uptime_ns(&items[i]);
	return e;
}

enum err
plan_clock(const struct pool *p, int64_t slack_ns, struct seq_item *items, size_t count)
{
	struct clocks c = {.hearings = NULL};
	enum err e = gather(&c, p, items, count);

	if (e == ERR_OK) {
		cut_runs(&c, slack_ns);
		e = set_clocks(&c, items, count);
	}
	spill_free(c.hearings);
	spill_free(c.runs);
	spill_free(c.first_run);
	spill_free(c.last_run);
	spill_free(c.boots);
	return e;
}
