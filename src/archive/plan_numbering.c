/* SPDX-License-Identifier: ISC
 *
 * See plan_numbering.h. The datagrams of all streams are put into one order, in a copy of their own: what files hold is
 * written by stream, whatever is counted.
 */
#include "archive/plan_numbering.h"

#include <string.h>

#include "archive/plan_clock.h"
#include "base/array.h"
#include "base/spill.h"
#include "flow/seq_shared.h"

#define ACROSS_LEAST 2

static struct seq_rules
rules_of(const struct pool *p, const struct plan_epoch *e)
{
	return seq_rules_for((enum proto)p->streams[e->stream].key.proto);
}

/* What the streams say, each by itself. */
static int64_t
own_says(const struct plan *plan, size_t first)
{
	int64_t sum = 0;

	for (size_t i = first; i < plan->epoch_count; i++) {
		const struct plan_epoch *e = &plan->epochs[i];

		sum += seq_says_all(e->discipline, plan->items + e->first, e->count);
	}
	return sum;
}

static enum err
gather(const struct plan *plan, size_t first, struct seq_item **ret, size_t *ret_count)
{
	struct seq_item *items;
	size_t count = 0;

	for (size_t i = first; i < plan->epoch_count; i++)
		count += plan->epochs[i].count;
	if ((items = spill_alloc((count + 1) * sizeof(*items))) == NULL)
		return ERR_MEMORY;
	count = 0;
	for (size_t i = first; i < plan->epoch_count; i++) {
		const struct plan_epoch *e = &plan->epochs[i];

		memcpy(items + count, plan->items + e->first, e->count * sizeof(*items));
		count += e->count;
	}
	*ret = items;
	*ret_count = count;
	return ERR_OK;
}

static size_t
end_of_epoch(const struct seq_item *items, size_t count, size_t at)
{
	size_t end = at;

	while (end < count && items[end].epoch == items[at].epoch)
		end++;
	return end;
}

static struct seq_votes
all_votes(const struct seq_item *items, size_t count)
{
	struct seq_votes votes = {.unsized = 0};

	for (size_t i = 0, end; i < count; i = end) {
		end = end_of_epoch(items, count, i);
		seq_vote_all(&votes, items + i, end - i);
	}
	return votes;
}

/* What pairs of two streams say, and what those of one do. */
struct all_say {
	int64_t across, within;
};

static void
epoch_says(const struct pool *p, enum seq_discipline d, const struct seq_item *items, size_t count,
    struct all_say *sum)
{
	const struct seq_item *last = NULL;

	for (size_t i = 0; i < count; i++) {
		if (items[i].stray)
			continue;
		if (last != NULL && p->datagrams[last->tag].stream == p->datagrams[items[i].tag].stream)
			sum->within += seq_says(d, last, &items[i]);
		else if (last != NULL)
			sum->across += seq_says(d, last, &items[i]);
		last = &items[i];
	}
}

/* More is said for one counter than against it: one pair may be chance, and where lives alone are cut otherwise, so that more
 * pairs of one stream go on, that says nothing of others. */
static bool
is_shared(const struct pool *p, const struct seq_rules *rules, const struct seq_item *items, size_t count,
    int64_t own)
{
	const struct seq_votes votes = all_votes(items, count);
	struct all_say all = {.across = 0};

	for (size_t i = 0, end; i < count; i = end) {
		end = end_of_epoch(items, count, i);
		epoch_says(p, seq_learn(rules, items + i, end - i, &votes), items + i, end - i, &all);
	}
	return all.across >= ACROSS_LEAST && (all.within >= own || all.across + all.within > own);
}

/* The epochs of the numbering, behind those of its streams. */
static enum err
add_epochs(struct plan *plan, uint32_t stream, const struct seq_rules *rules, struct seq_item *items,
    size_t count, size_t *epoch_room)
{
	const struct seq_votes votes = all_votes(items, count);
	uint32_t number = 0;
	enum err e = ERR_OK;

	for (size_t i = 0, end; i < count && e == ERR_OK; i = end) {
		struct plan_epoch epoch = {
		    .stream = stream, .number = number, .first = plan->numbered_count, .all = true};

		number++;
		end = end_of_epoch(items, count, i);
		epoch.count = end - i;
		epoch.discipline = seq_learn(rules, items + i, end - i, &votes);
		seq_settle(rules, epoch.discipline, items + i, end - i);
		for (size_t k = i; k < end && e == ERR_OK; k++) {
			spill_pause();
			e = spill_grow(plan->numbered, plan->numbered_room, plan->numbered_count);
			if (e == ERR_OK)
				plan->numbered[plan->numbered_count++] = items[k];
		}
		if (e == ERR_OK)
			e = array_grow(plan->epochs, *epoch_room, plan->epoch_count);
		if (e == ERR_OK)
			plan->epochs[plan->epoch_count++] = epoch;
	}
	return e;
}

/* Finds out whether they do. */
static enum err
share_counter(
    const struct pool *p, struct plan *plan, const struct seq_rules *rules, size_t first, size_t *epoch_room)
{
	size_t own_end = plan->epoch_count, count = 0;
	struct seq_item *items = NULL;
	uint32_t epochs;
	enum err e = gather(plan, first, &items, &count);

	if (e == ERR_OK && p->streams[plan->epochs[first].stream].key.proto == PROTO_SFLOW5)
		e = plan_clock(p, rules->boot_slack_ns, items, count);
	if (e == ERR_OK)
		e = seq_order(rules, items, count, &epochs);
	if (e == ERR_OK && is_shared(p, rules, items, count, own_says(plan, first))) {
		e = add_epochs(plan, plan->epochs[first].stream, rules, items, count, epoch_room);
		for (size_t i = first; i < own_end; i++) {
			plan->epochs[i].shared = true;
			plan->epochs[i].discipline = SEQ_NONE;
		}
	}
	spill_free(items);
	return e;
}

enum err
plan_numbering(const struct pool *p, struct plan *plan, size_t first, uint32_t streams, size_t *epoch_room)
{
	struct seq_rules rules;
	enum err e = ERR_OK;

	if (first == plan->epoch_count)
		return ERR_OK;
	rules = rules_of(p, &plan->epochs[first]);
	if (streams > 1 && rules.standard != SEQ_NONE)
		e = share_counter(p, plan, &rules, first, epoch_room);
	for (size_t i = first; i < plan->epoch_count && e == ERR_OK; i++) {
		const struct plan_epoch *epoch = &plan->epochs[i];

		if (!epoch->shared && !epoch->all)
			seq_settle(&rules, epoch->discipline, plan->items + epoch->first, epoch->count);
	}
	return e;
}
