/* SPDX-License-Identifier: ISC
 *
 * See account_late.h. A list in the order of coming; the sets of one datagram stand side by side.
 */
#include "node/account_late.h"

#include <stdlib.h>

#include "flow/decode.h"
#include "wire/sets.h"

struct account_late_set {
	uint32_t sequence, tag;
	uint32_t units; /* records of the datagram that have been counted */
	uint16_t options, templates;
	uint16_t id, len;
};

static bool
grow(struct account_late *l, struct account_late_room *room)
{
	uint16_t want = l->room > 0 ? (uint16_t)(2 * l->room) : 8;
	struct account_late_set *all;

	if (want > ACCOUNT_LATE_MOST || (size_t)(want - l->room) > room->most - room->used)
		return false;
	if ((all = realloc(l->all, want * sizeof(*all))) == NULL)
		return false;
	room->used += (size_t)(want - l->room);
	l->all = all;
	l->room = want;
	return true;
}

void
account_late_note(struct account_late *l, struct account_late_room *room, struct tmpl_cache *templates,
    const struct stream_key *key, const struct proto_info *info, const uint8_t *payload, size_t len,
    const struct seq_item *item)
{
	uint16_t first = l->count;
	struct sets it;
	struct set set;

	sets_init(&it, info, payload, len);
	while (sets_next(&it, &set) == ERR_OK) {
		if (set.kind != SET_DATA || tmpl_cache_get(templates, key, set.id) != NULL)
			continue;
		if (l->count == l->room && !grow(l, room)) {
			l->count = first; /* a part of them would tell nothing */
			return;
		}
		l->all[l->count++] = (struct account_late_set){.sequence = item->sequence,
		    .tag = item->tag,
		    .units = item->units,
		    .options = (uint16_t)item->options,
		    .templates = (uint16_t)item->templates,
		    .id = set.id,
		    .len = (uint16_t)rd_left(&set.body)};
	}
}

static bool
of_one_datagram(const struct account_late_set *a, const struct account_late_set *b)
{
	return a->sequence == b->sequence && a->tag == b->tag;
}

/* The sets [from, to) of one datagram. Keeps those that must wait on. */
static uint64_t
recount_datagram(struct account_late *l, uint16_t from, uint16_t to, uint16_t *kept,
    struct tmpl_cache *templates, const struct stream_key *key, struct seq_live *live, struct seq_live *all,
    struct seq_room *gaps, int64_t now_ns)
{
	const struct seq_rules rules = seq_rules_for((enum proto)key->proto);
	const struct account_late_set *first = &l->all[from];
	struct seq_more more = {.sequence = first->sequence,
	    .tag = first->tag,
	    .units = first->units,
	    .options = first->options,
	    .templates = first->templates};
	uint16_t n = *kept;

	for (uint16_t i = from; i < to; i++) {
		const struct account_late_set set = l->all[i];
		const struct tmpl *t = tmpl_cache_get(templates, key, set.id);
		uint32_t records;
		bool malformed;

		if (t == NULL) {
			more.unknown = true;
			l->all[n++] = set;
		} else if (decode_count_set(t, set.len, &records, &malformed) && !malformed) {
			more.more += records;
			more.more_options += t->kind == TMPL_OPTIONS ? records : 0;
		} else {
			more.unknown = true;
		}
	}
	for (uint16_t i = *kept; i < n; i++) {
		l->all[i].units += more.more;
		l->all[i].options = (uint16_t)(l->all[i].options + more.more_options);
	}
	*kept = n;
	if (more.more > 0 || !more.unknown) {
		seq_live_recount(live, gaps, &rules, &more, now_ns);
		if (all != NULL)
			seq_live_recount(all, gaps, &rules, &more, now_ns);
	}
	return more.more;
}

uint64_t
account_late_recount(struct account_late *l, struct account_late_room *room, struct tmpl_cache *templates,
    const struct stream_key *key, struct seq_live *live, struct seq_live *all, struct seq_room *gaps,
    int64_t now_ns)
{
	uint16_t count = l->count, kept = 0;
	uint64_t records = 0;

	if (count == 0 || l->templates == tmpl_cache_state(templates))
		return 0;
	for (uint16_t i = 0, end; i < count; i = end) {
		for (end = (uint16_t)(i + 1); end < count && of_one_datagram(&l->all[end], &l->all[i]); end++)
			continue;
		records += recount_datagram(l, i, end, &kept, templates, key, live, all, gaps, now_ns);
	}
	l->count = kept;
	l->templates = tmpl_cache_state(templates);
	if (kept == 0)
		account_late_clear(l, room);
	return records;
}

void
account_late_clear(struct account_late *l, struct account_late_room *room)
{
	free(l->all);
	room->used -= l->room;
	*l = (struct account_late){.all = NULL};
}
