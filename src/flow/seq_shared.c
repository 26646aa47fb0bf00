/* SPDX-License-Identifier: ISC
 *
 * See seq_shared.h.
 */
#include "flow/seq_shared.h"

/* Templates alone take no numbers, and options records alone not everywhere. */
static bool
has_flows(const struct seq_item *it)
{
	return it->data && !it->units_unknown && (it->units == 0 || it->units > it->options);
}

int
seq_says(enum seq_discipline d, const struct seq_item *a, const struct seq_item *b)
{
	int64_t step = b->position - a->position;

	if (d == SEQ_NONE || step < 0)
		return 0;
	if (step == 0)
		return has_flows(a) && has_flows(b) ? -1 : 0;
	return seq_explains(d, a, b);
}

int
seq_may_say(const struct seq_item *a, const struct seq_item *b)
{
	static const enum seq_discipline each[] = {SEQ_BEFORE, SEQ_AFTER, SEQ_DATAGRAMS};
	int says = 0;

	for (unsigned i = 0; i < sizeof(each) / sizeof(each[0]) && says == 0; i++)
		says = seq_says(each[i], a, b);
	return says;
}

int64_t
seq_says_all(enum seq_discipline d, const struct seq_item *items, size_t count)
{
	const struct seq_item *last = NULL;
	int64_t sum = 0;

	for (size_t i = 0; i < count; i++) {
		if (items[i].stray)
			continue;
		if (last != NULL)
			sum += seq_says(d, last, &items[i]);
		last = &items[i];
	}
	return sum;
}
