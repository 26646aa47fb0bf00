/* SPDX-License-Identifier: ISC
 *
 * See account.h. Records of IPFIX are counted by the lengths of sets, with the templates that hold now; those of templates
 * with fields of variable length one by one; those that come before their template when it comes (account_late).
 */
#include "node/account.h"

#include "flow/decode.h"
#include "flow/value.h"
#include "wire/sets.h"

/* --- IPFIX --- */

struct resolving {
	struct tmpl_cache *templates;
	const struct stream_key *key;
};

static const struct tmpl *
resolve(void *ctx, unsigned ordinal, uint16_t id, bool *ret_late)
{
	const struct resolving *r = ctx;

	(void)ordinal;
	(void)ret_late;
	return tmpl_cache_get(r->templates, r->key, id);
}

/* What a datagram's sets have told. */
struct counting {
	bool late;      /* of one or more the template has not come yet */
	bool malformed; /* one or more cannot be counted at all */
};

static void
count_one_by_one(
    struct tmpl_cache *templates, const struct account_input *in, struct seq_item *item, struct counting *c)
{
	struct resolving r = {.templates = templates, .key = in->key};
	struct decode d;

	decode_init(&d, in->payload, in->len, in->info, resolve, &r);
	(void)decode_count(&d);
	item->units = d.flows + d.options;
	item->options = SEQ_OPTIONS(d.options);
	c->late = d.sets_unknown > 0;
	c->malformed |= d.sets_malformed > 0;
}

/* False: only the bytes tell. */
static bool
count_set(struct account *a, struct tmpl_cache *templates, const struct account_input *in,
    const struct set *set, struct seq_item *item, struct counting *c)
{
	size_t len = rd_left(&set->body), slot = set->id % ACCOUNT_LENGTHS;
	uint64_t state = tmpl_cache_state(templates);
	const struct tmpl *t;
	uint32_t records = 0;
	bool malformed = false, options = false;

	if (a->lengths[slot].id == set->id && a->lengths[slot].templates == state) {
		records = (uint32_t)(len / a->lengths[slot].record_len);
		malformed = len % a->lengths[slot].record_len > DECODE_PADDING_MOST;
		options = a->lengths[slot].options;
	} else if ((t = tmpl_cache_get(templates, in->key, set->id)) != NULL) {
		if (!decode_count_set(t, len, &records, &malformed))
			return false;
		a->lengths[slot].id = flow_template_is_sane(t) ? set->id : 0;
		a->lengths[slot].templates = state;
		a->lengths[slot].record_len = t->record_len;
		a->lengths[slot].options = options = t->kind == TMPL_OPTIONS;
	} else {
		c->late = true;
	}
	item->units += records;
	if (options)
		item->options = SEQ_OPTIONS(item->options + records);
	c->malformed |= malformed;
	return true;
}

static void
count_templates(const struct account_input *in, struct seq_item *item)
{
	struct tmpl_defs defs;
	struct tmpl_def def;

	tmpl_defs_init(&defs, in->key, in->info, in->payload, in->len);
	while (tmpl_defs_next(&defs, &def) == ERR_OK)
		item->templates = SEQ_TEMPLATES(item->templates + 1U);
}

/* True: it may be known later. */
static bool
count_records(
    struct account *a, struct tmpl_cache *templates, const struct account_input *in, struct seq_item *item)
{
	struct counting c = {.late = false};
	bool one_by_one = false, brings = false;
	struct sets it;
	struct set set;
	enum err e;

	item->units = 0;
	item->options = 0;
	item->data = false;
	sets_init(&it, in->info, in->payload, in->len);
	while ((e = sets_next(&it, &set)) == ERR_OK) {
		brings |= set.kind == SET_TEMPLATE || set.kind == SET_OPTIONS_TEMPLATE;
		if (set.kind != SET_DATA)
			continue;
		item->data = true;
		if (!one_by_one && !count_set(a, templates, in, &set, item, &c))
			one_by_one = true;
	}
	c.malformed |= e == ERR_MALFORMED;
	if (one_by_one)
		count_one_by_one(templates, in, item, &c);
	if (brings)
		count_templates(in, item);
	item->units_unknown = c.late || c.malformed;
	return c.late && !c.malformed;
}

/* --- sFlow --- */

static void
take_samples(struct account *a, struct account_room *room, const struct account_input *in)
{
	struct sflow it;
	struct sflow_sample sample;

	sflow_init(&it, in->info, in->payload, in->len);
	while (sflow_next(&it, &sample) == ERR_OK)
		seq_samples_take(&a->samples, &room->sources, &sample);
}

static void
take_samples_after(struct account *a, struct account_room *room, const struct account_input *in,
    const struct seq_live_counters *before, const struct seq_live_counters *now)
{
	if (now->resets > before->resets)
		seq_samples_restart(&a->samples);
	if (now->duplicates == before->duplicates)
		take_samples(a, room, in);
}

/* --- all --- */

/* The counters that a datagram goes into. */
static const struct seq_live_counters *
counters_of(const struct account *a, const struct seq_shared *shared)
{
	return shared != NULL && shared->sharing == SEQ_TOGETHER ? &shared->all.counters : &a->live.counters;
}

/* Returns those that it went into. */
static const struct seq_live_counters *
take_heard(struct account *a, struct account_room *room, const struct seq_rules *rules,
    const struct seq_heard *h, struct seq_shared *shared)
{
	if (shared != NULL)
		return &seq_shared_take(shared, &a->live, &room->gaps, rules, h)->counters;
	seq_live_take(&a->live, &room->gaps, rules, h);
	return &a->live.counters;
}

static void
take_ipfix(struct account *a, struct account_room *room, struct tmpl_cache *templates,
    const struct account_input *in, struct seq_heard *h)
{
	const struct seq_rules rules = seq_rules_for(PROTO_IPFIX);
	uint64_t resets = counters_of(a, in->shared)->resets;
	struct seq_live *all = in->shared != NULL ? &in->shared->all : NULL;
	bool late;

	a->records += account_late_recount(
	    &a->late, &room->late, templates, in->key, &a->live, all, &room->gaps, in->time.ns);
	late = count_records(a, templates, in, &h->item);
	a->live.awaits = a->late.count > 0 || late;
	if (all != NULL)
		all->awaits = a->live.awaits;
	if (take_heard(a, room, &rules, h, in->shared)->resets != resets)
		account_late_clear(&a->late, &room->late); /* their numbers mean nothing in another life */
	if (late)
		account_late_note(
		    &a->late, &room->late, templates, in->key, in->info, in->payload, in->len, &h->item);
	a->records += h->item.units;
}

static void
take_sequence(struct account *a, struct account_room *room, struct tmpl_cache *templates,
    const struct account_input *in)
{
	const struct proto_info *info = in->info;
	const struct seq_rules rules = seq_rules_for(info->proto);
	struct seq_heard h = {.received_ns = in->time.ns};
	struct seq_item *item = &h.item;

	item->sequence = info->sequence;
	item->units = info->count;
	item->data = info->count > 0;
	item->uptime_ms = info->uptime_ms;
	item->clock_ns = info->has_time ? info->export_time.ns : in->time.ns;
	item->tag = in->fingerprint;
	if (info->proto == PROTO_IPFIX) {
		take_ipfix(a, room, templates, in, &h);
		return;
	}
	a->records += item->units;
	if (info->proto == PROTO_SFLOW5) {
		const struct seq_live_counters before = *counters_of(a, in->shared);

		take_samples_after(a, room, in, &before, take_heard(a, room, &rules, &h, in->shared));
	} else {
		(void)take_heard(a, room, &rules, &h, in->shared);
	}
}

static void
count_listener(struct account *a, uint16_t listener)
{
	unsigned i = 0;

	while (i < ACCOUNT_LISTENERS && a->on[i].datagrams > 0 && a->on[i].listener != listener)
		i++;
	if (i == ACCOUNT_LISTENERS) {
		i--;
		listener = ACCOUNT_SEVERAL;
	}
	a->on[i].listener = listener;
	a->on[i].datagrams++;
}

void
account_take(struct account *a, struct account_room *room, struct tmpl_cache *templates,
    const struct account_input *in)
{
	count_listener(a, in->listener);
	if (in->fault != FAULT_NONE)
		a->faults[in->fault]++;
	if (!in->info->cut) /* else none of its numbers is known */
		take_sequence(a, room, templates, in);
}

void
account_renumber(struct account *a, const uint16_t *from, size_t count)
{
	for (unsigned k = 0; k < ACCOUNT_LISTENERS; k++) {
		uint16_t old = a->on[k].listener;

		a->on[k].listener = ACCOUNT_SEVERAL;
		for (size_t i = 0; i < count && old != ACCOUNT_SEVERAL; i++) {
			if (from[i] == old)
				a->on[k].listener = (uint16_t)i;
		}
	}
}

void
account_clear(struct account *a, struct account_room *room)
{
	seq_live_clear(&a->live, &room->gaps);
	seq_samples_clear(&a->samples, &room->sources);
	account_late_clear(&a->late, &room->late);
}
