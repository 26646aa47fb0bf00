/* SPDX-License-Identifier: ISC
 *
 * A policy where an archive is written. Selected flows that came from nodes are chosen from before they are united, each copy
 * by itself, so that it does not matter which of them meet first; what an archive of the same policy holds has been chosen
 * already. Whole datagrams are decoded when the plan knows with what.
 */
#include <string.h>

#include "archive/plan.h"
#include "archive/pool_private.h"
#include "archive/unpack.h"
#include "base/spill.h"
#include "flow/policy.h"

struct choosing {
	struct policy *policy;
	struct flow_context context;
	decode_resolve known; /* what knows the templates */
	void *known_ctx;
	bool late; /* what nobody asks */
};

static bool
choose_flow(void *ctx, const struct flow *f, uint32_t *tags, size_t *n_tags)
{
	struct choosing *c = ctx;
	bool keep;

	policy_flow(c->policy, f, &c->context, &keep, &tags[0]);
	*n_tags = keep && tags[0] != 0;
	return keep;
}

static bool
choose_field(void *ctx, const struct tmpl_field *field)
{
	const struct choosing *c = ctx;

	return policy_keeps_field(c->policy, field->pen, field->id);
}

static struct selected_choice
choice_of(struct choosing *c)
{
	return (struct selected_choice){
	    .ctx = c, .flow = choose_flow, .field = policy_keeps_all_fields(c->policy) ? NULL : choose_field};
}

/* The bodies of selected flows take the place of what the datagram was. */
enum err
pool_put_body(struct pool *p, uint32_t index, const struct buf *body)
{
	struct pool_datagram *d = &p->datagrams[index];
	size_t at;
	enum err e = pool_keep_bytes(&p->bodies, body->data, body->len, &at);

	if (e != ERR_OK)
		return e;
	d->file = POOL_NONE;
	d->within = POOL_NONE;
	d->offset = at;
	d->len = (uint32_t)body->len;
	d->digest = identity_digest(&d->addr, d->port, body->data, body->len);
	return ERR_OK;
}

/* The first of a copy's hearings: which one stands first in their chain depends on the inputs' order. */
static wall_t
first_heard(const struct pool *p, const struct pool_datagram *d)
{
	int64_t ns = p->witnesses[d->hearing].time_ns;

	for (uint32_t h = p->chain[d->hearing]; h != POOL_NONE; h = p->chain[h]) {
		if (p->witnesses[h].time_ns < ns)
			ns = p->witnesses[h].time_ns;
	}
	return (wall_t){ns};
}

static enum err
choose_copy(struct pool *p, uint32_t index, struct choosing *c)
{
	struct pool_selecting *s = p->selecting;
	const struct pool_datagram *d = &p->datagrams[index];
	struct selected_choice choice = choice_of(c);
	const uint8_t *body;
	enum err e;

	c->context = (struct flow_context){
	    .exporter = d->addr, .port = d->port, .received = first_heard(p, d)};
	policy_datagram(c->policy);
	if ((e = pool_peek(p, d, &body)) != ERR_OK)
		return e;
	buf_reset(&s->all);
	e = selected_choose(s->uniting.a, s->uniting.w, body, d->len, &choice, &s->all);
	if (e == ERR_OK && (s->all.len != d->len || memcmp(s->all.data, body, d->len) != 0))
		e = pool_put_body(p, index, &s->all);
	return e;
}

enum err
pool_choose_selected(struct pool *p)
{
	struct choosing c = {.policy = p->policy};
	enum err e = ERR_OK;

	for (uint32_t i = 0; i < p->datagram_count && p->policy != NULL && e == ERR_OK; i++) {
		const struct pool_datagram *d = &p->datagrams[i];

		spill_pause();
		if (d->selected != POOL_NONE && !p->selected[d->selected].chosen)
			e = choose_copy(p, i, &c);
	}
	return e;
}

/* Whole datagrams. */

/* What is kept does not depend on whether the template came in time. */
static const struct tmpl *
resolve(void *ctx, unsigned data_set, uint16_t set_id, bool *ret_late)
{
	struct choosing *c = ctx;

	(void)ret_late;
	return c->known(c->known_ctx, data_set, set_id, &c->late);
}

/* ERR_LIMIT: it stays whole. */
static enum err
choose_of(struct pool *p, const struct plan *plan, struct unpack *u, uint32_t index, struct choosing *c)
{
	const struct pool_datagram *d = &p->datagrams[index];
	struct pool_selecting *s = p->selecting;
	struct selected_choice choice = choice_of(c);
	struct proto_info info;
	struct decode decode;
	struct sha256 sha256;
	const uint8_t *payload;
	bool complete;
	enum err e = pool_payload(p, d, &payload);

	if (e == ERR_OK)
		e = unpack_start(u, index, payload, d->len, &info, &decode);
	if (e != ERR_OK)
		return e == ERR_UNKNOWN ? ERR_LIMIT : e;
	c->known = decode.resolve;
	c->known_ctx = decode.ctx;
	c->context = (struct flow_context){.exporter = d->addr, .port = d->port, .received = {d->time_ns}};
	if (plan->sampling[index] != REF_NONE)
		c->context.sampling = &plan->states[plan->sampling[index]];
	policy_datagram(c->policy);
	sha256 = sha256_of(payload, d->len);
	buf_reset(&s->all);
	e = selected_write(
	    s->uniting.w, payload, d->len, &info, &sha256, resolve, c, &choice, &s->all, &complete);
	if (e == ERR_OK && !complete && policy_keeps_undecoded(c->policy))
		e = ERR_LIMIT;
	return e;
}

/* In place of the datagram what stands in p->selecting->all. */
static enum err
replace(struct pool *p, uint32_t index)
{
	struct pool_selecting *s = p->selecting;
	struct pool_selected one = {.chosen = true};
	const struct selected_head *h;
	struct pool_datagram *d;
	enum err e = selected_open(s->uniting.a, s->all.data, s->all.len);

	if (e != ERR_OK)
		return e;
	h = selected_head(s->uniting.a);
	one.sha256 = h->digest;
	one.len = h->len;
	one.records = h->records;
	if ((e = pool_put_body(p, index, &s->all)) != ERR_OK)
		return e;
	d = &p->datagrams[index];
	if ((e = pool_add_selected(p, &one, &d->selected)) != ERR_OK)
		return e;
	d->place = (uint32_t)p->place_count;
	d->places = 0;
	return pool_take_head(p, index, h);
}

enum err
pool_apply_policy(struct pool *p, const struct plan *plan, uint32_t **ret_moved)
{
	struct choosing c = {.policy = p->policy};
	struct unpack *u = NULL;
	enum err e = pool_begin_selecting(p);

	if (e == ERR_OK)
		e = unpack_new(p, plan, &u);
	if (e == ERR_OK)
		e = pool_index_definitions(p);
	for (uint32_t i = 0; i < p->datagram_count && e == ERR_OK; i++) {
		spill_pause();
		if (p->datagrams[i].selected != POOL_NONE)
			continue;
		e = choose_of(p, plan, u, i, &c);
		if (e == ERR_OK)
			e = replace(p, i);
		else if (e == ERR_LIMIT)
			e = ERR_OK;
	}
	unpack_free(u);
	return e == ERR_OK ? pool_sort_again(p, ret_moved) : e;
}
