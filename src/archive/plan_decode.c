/* SPDX-License-Identifier: ISC
 *
 * See plan_decode.h. Payloads are read again from their files, in the exporter's order, and only where needed.
 */
#include "archive/plan_decode.h"

#include "base/array.h"

/* Begins decoding the datagram of an item. *ret_known is false when it is of no protocol. */
static enum err
start(struct pool *p, struct unpack *u, const struct seq_item *item, struct proto_info *info,
    struct decode *decode, bool *ret_known)
{
	const struct pool_datagram *d = &p->datagrams[item->tag];
	const uint8_t *payload;
	enum err e = pool_payload(p, d, &payload);

	if (e == ERR_OK)
		e = unpack_start(u, item->tag, payload, d->len, info, decode);
	*ret_known = e == ERR_OK;
	return e == ERR_UNKNOWN ? ERR_OK : e;
}

/* Selected flows tell of how many they were chosen. */
static bool
count_selected(const struct pool *p, struct seq_item *item)
{
	const struct pool_datagram *d = &p->datagrams[item->tag];

	if (d->selected == POOL_NONE)
		return false;
	item->units_unknown = p->selected[d->selected].records >= SELECTED_RECORDS_REBUILT;
	item->units = item->units_unknown ? 0 : p->selected[d->selected].records;
	return true;
}

/* By the lengths of the data sets, which say it where no template has variable fields. */
static bool
count_by_lengths(const struct pool *p, const struct plan *plan, struct unpack *u, struct seq_item *item)
{
	const struct pool_datagram *d = &p->datagrams[item->tag];
	const struct pool_set_list *list = &p->set_lists[d->sets];
	bool unknown = d->stopped;
	uint32_t units = 0, options = 0;

	for (uint32_t i = 0; i < list->count; i++) {
		const struct tmpl *t = unpack_template(
		    u, plan->refs[plan->refs_at[item->tag] + i] & ~REF_LATE);
		uint32_t records = 0;
		bool malformed = true;

		if (t != NULL && !decode_count_set(t, p->sets[list->at + i].len, &records, &malformed))
			return false;
		units += records;
		options += t != NULL && t->kind == TMPL_OPTIONS ? records : 0;
		unknown |= malformed;
	}
	item->units = units;
	item->options = SEQ_OPTIONS(options);
	item->units_unknown = unknown;
	return true;
}

enum err
plan_count_records(
    struct pool *p, const struct plan *plan, struct unpack *u, struct seq_item *items, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct proto_info info;
		struct decode decode;
		bool known;
		enum err e;

		items[i].templates = SEQ_TEMPLATES(p->datagrams[items[i].tag].places);
		if (count_selected(p, &items[i]) || count_by_lengths(p, plan, u, &items[i]))
			continue;
		e = start(p, u, &items[i], &info, &decode, &known);
		if (e != ERR_OK)
			return e;
		if (!known)
			continue;
		(void)decode_count(&decode);
		items[i].units = decode.flows + decode.options;
		items[i].options = SEQ_OPTIONS(decode.options);
		items[i].units_unknown = decode.sets_unknown > 0 || decode.sets_malformed > 0;
	}
	return ERR_OK;
}

/* Whether one of a datagram's data sets may tell an interval. */
static bool
may_tell(const struct pool *p, const struct plan *plan, struct unpack *u, uint32_t place)
{
	uint32_t sets = p->set_lists[p->datagrams[place].sets].count;

	for (uint32_t i = 0; i < sets; i++) {
		uint32_t ref = plan->refs[plan->refs_at[place] + i] & ~REF_LATE;
		const struct tmpl *t;

		if (ref == REF_NONE || plan->definitions[ref].kind != TMPL_OPTIONS)
			continue;
		if ((t = unpack_template(u, ref)) != NULL && sampling_is_told(t))
			return true;
	}
	return false;
}

/* Puts what a datagram tells into a new state, if it tells anything new. *current: index of the state that holds. */
static enum err
hear(struct pool *p, struct plan *plan, struct unpack *u, const struct seq_item *item, uint32_t *current)
{
	struct proto_info info;
	struct decode decode;
	struct flow flow;
	bool known;
	enum err e = start(p, u, item, &info, &decode, &known);

	while (e == ERR_OK && known && decode_next(&decode, &flow) == ERR_OK) {
		const struct sampling_state *now = *current != REF_NONE ? &plan->states[*current] : NULL;
		struct sampling_entry entry;
		struct sampling_state next;

		if (!flow.options || !sampling_read(&flow, &entry))
			continue;
		if ((e = sampling_with(now, &entry, &next)) != ERR_OK)
			break;
		if (now != NULL && sampling_same(now, &next)) {
			sampling_clear(&next);
		} else if ((e = array_grow(plan->states, plan->state_room, plan->state_count)) == ERR_OK) {
			plan->states[plan->state_count] = next;
			*current = (uint32_t)plan->state_count++;
		} else {
			sampling_clear(&next);
		}
	}
	return e;
}

enum err
plan_sampling(struct pool *p, struct plan *plan, struct unpack *u, const struct seq_item *items, size_t count)
{
	uint32_t current = REF_NONE;
	size_t before = 0; /* datagrams that came before any state */

	for (size_t i = 0; i < count; i++) {
		if (may_tell(p, plan, u, items[i].tag)) {
			enum err e = hear(p, plan, u, &items[i], &current);

			if (e != ERR_OK)
				return e;
		}
		for (; current != REF_NONE && before < i; before++) {
			if (plan->sampling[items[before].tag] == REF_NONE)
				plan->sampling[items[before].tag] = current;
		}
		plan->sampling[items[i].tag] = current;
	}
	return ERR_OK;
}
