/* SPDX-License-Identifier: ISC
 *
 * Between policy and record: templates for the decoder, and what is done when not all can be decoded.
 */
#include "node/picker.h"

#include <inttypes.h>

#include "base/msg.h"

/* --- templates --- */

/* The cache knows what holds behind the datagram. Where it changes a template behind data of that template, nobody can tell
 * any more what the data were: they count as not decoded. */
static bool
is_defined_later(const struct picker_datagram *d, unsigned ordinal, uint16_t id)
{
	struct tmpl_defs defs;
	struct tmpl_def def;

	tmpl_defs_init(&defs, d->key, d->info, d->payload, d->len);
	while (tmpl_defs_next(&defs, &def) == ERR_OK) {
		if (def.id == id && def.kind != TMPL_WITHDRAWN && defs.data_sets > ordinal)
			return true;
	}
	return false;
}

static const struct tmpl *
resolve(void *ctx, unsigned data_set_ordinal, uint16_t set_id, bool *ret_late)
{
	const struct picker_datagram *d = ctx;

	(void)ret_late;
	if (d->learnt && data_set_ordinal != FLOW_SUB_TEMPLATE &&
	    is_defined_later(d, data_set_ordinal, set_id))
		return NULL;
	return tmpl_cache_get(d->templates, d->key, set_id);
}

/* --- choosing --- */

static bool
choose_flow(void *ctx, const struct flow *f, uint32_t *tags, size_t *n_tags)
{
	struct picker *p = ctx;
	bool keep;

	policy_flow(p->policy, f, &p->context, &keep, &tags[0]);
	*n_tags = tags[0] != 0;
	if (keep)
		p->counters.kept++;
	else
		p->counters.dropped++;
	return keep;
}

static bool
choose_none(void *ctx, const struct flow *f, uint32_t *tags, size_t *n_tags)
{
	(void)ctx;
	(void)f;
	(void)tags;
	(void)n_tags;
	return false;
}

static bool
choose_field(void *ctx, const struct tmpl_field *field)
{
	const struct picker *p = ctx;

	return policy_keeps_field(p->policy, field->pen, field->id);
}

static enum err
write_body(struct picker *p, const struct picker_datagram *d, bool some, bool *ret_complete)
{
	const struct selected_choice choice = {.ctx = p,
	    .flow = some ? choose_flow : choose_none,
	    .field = policy_keeps_all_fields(p->policy) ? NULL : choose_field};
	const struct sha256 digest = sha256_of(d->payload, d->len);

	if (!buf_ok(&p->body)) /* where memory was out, it may be there again */
		buf_clear(&p->body);
	buf_reset(&p->body);
	return selected_write(p->writer, d->payload, d->len, d->info, &digest, resolve, (void *)(uintptr_t)d,
	    &choice, &p->body, ret_complete);
}

enum picker_choice
picker_pick(struct picker *p, const struct picker_datagram *d)
{
	bool complete = false;
	enum err e;

	if (d->info->cut) { /* nothing but a part of the header is there */
		p->counters.whole++;
		return PICKER_WHOLE;
	}
	p->context = (struct flow_context){
	    .exporter = d->key->exporter, .port = d->key->port, .received = d->time};
	policy_datagram(p->policy);
	e = write_body(p, d, true, &complete);
	if ((e != ERR_OK || !complete) && policy_keeps_undecoded(p->policy)) {
		p->counters.whole++;
		return PICKER_WHOLE;
	}
	if (e != ERR_OK && write_body(p, d, false, &complete) != ERR_OK)
		return PICKER_NOTHING;
	p->counters.selected++;
	return PICKER_SELECTED;
}

/* --- life --- */

void
picker_init(struct picker *p)
{
	*p = (struct picker){.body = BUF_INIT};
}

void
picker_clear(struct picker *p)
{
	selected_writer_free(p->writer);
	buf_clear(&p->body);
	picker_init(p);
}

enum err
picker_follow(struct picker *p, struct policy *policy)
{
	if (policy != NULL && p->writer == NULL) {
		p->writer = selected_writer_new();
		if (p->writer == NULL)
			return ERR_MEMORY;
	}
	if (policy != NULL && p->policy != NULL && policy_equal(policy, p->policy))
		policy_count_on(policy, p->policy);
	p->policy = policy;
	return ERR_OK;
}

void
picker_say(const struct picker *p, const char *name)
{
	const struct picker_counters *c = &p->counters;

	if (p->policy == NULL)
		return;
	msg_info("%s: policy: %" PRIu64 " flows kept, %" PRIu64 " dropped; of %" PRIu64
		 " datagrams selected flows are recorded, %" PRIu64
		 " are recorded whole, as not all of them could be decoded",
	    name, c->kept, c->dropped, c->selected, c->whole);
	for (size_t i = 0; i < policy_rule_count(p->policy); i++) {
		struct policy_counters n;
		struct policy_rule r;

		policy_rule(p->policy, i, &r, &n);
		msg_info("%s: policy: rule %zu: %" PRIu64 " evaluations, %" PRIu64 " matches, %" PRIu64
			 " wins: %s %.200s",
		    name, i + 1, n.evaluations, n.matches, n.wins, r.keep ? "keep" : "drop", r.match);
	}
	msg_info("%s: policy: no rule matched %" PRIu64 " flows", name, policy_unmatched(p->policy));
}
