/* SPDX-License-Identifier: ISC
 *
 * Nodes with policies: which flows each keeps, told by their markers; that its records are that; and what all of them
 * together keep of a datagram.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow/decode.h"
#include "flow/policy.h"
#include "flow/selected.h"
#include "log/segment.h"
#include "tests/sim/sim.h"
#include "wire/sets.h"

static struct selected_reader *reader, *other;
static struct selected_writer *writer;

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
begin(void)
{
	if (reader != NULL)
		return;
	reader = selected_reader_new();
	other = selected_reader_new();
	writer = selected_writer_new();
	must(reader != NULL && other != NULL && writer != NULL);
}

/* Runs of flows, in a list of ranges of their markers. */
static void
draw_flows(struct world *w, struct node *n, struct rng *r)
{
	char text[64];

	must(policy_add_list(n->policy, "markers") == ERR_OK);
	for (uint32_t i = 0, end; i < w->flow_count; i = end) {
		bool keep = rng_chance(r, 50);

		end = i + 1 + (uint32_t)rng_below(r, rng_chance(r, 50) ? 3 : 40);
		end = end < w->flow_count ? end : w->flow_count;
		if (!keep)
			continue;
		memset(n->keeps + i, 1, end - i);
		(void)snprintf(text, sizeof(text), "%u-%u", w->flows[i].marker, w->flows[end - 1].marker);
		must(policy_add_list_value(n->policy, text) == ERR_OK);
	}
}

void
policy_draw(struct world *w, uint32_t node)
{
	static const char *const fields[] = {"octetDeltaCount", "selectorIdTotalPktsObserved",
	    "PROTO_FLAGS_TOS", "SRC_ADDR", "SRCDST_PORT", "FLOW_TIMES"};
	const struct policy_rule none = {.match = "all"};
	const struct policy_rule some = {
	    .match = "octetDeltaCount in @markers or selectorIdTotalPktsObserved in @markers",
	    .keep = true,
	    .tag = node + 1};
	struct rng world = rng_fork(&w->rng, 9000), r = rng_fork(&w->rng, 9001 + node);
	struct node *n = &w->nodes[node];
	struct expr_error error;

	if (!rng_chance(&world, 50) || !rng_chance(&r, 60))
		return;
	begin();
	n->policy = policy_new();
	n->keeps = sim_alloc(w->flow_count + 1);
	must(n->policy != NULL);
	draw_flows(w, n, &r);
	must(policy_add_rule(n->policy, &none, &error) == ERR_OK);
	must(policy_add_rule(n->policy, &some, &error) == ERR_OK);
	policy_keep_undecoded(n->policy, rng_chance(&r, 80));
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]) && rng_chance(&world, 70); i++) {
		if (i < 2 || rng_chance(&r, 50)) /* who reads a flow needs its marker */
			must(policy_add_field(n->policy, fields[i]) == ERR_OK);
		if (i == 0)
			must(policy_add_field(n->policy, fields[1]) == ERR_OK);
	}
}

void
policy_clear(struct world *w)
{
	for (uint32_t i = 0; i < w->node_count; i++) {
		policy_free(w->nodes[i].policy);
		free(w->nodes[i].keeps);
	}
	selected_reader_free(reader);
	selected_reader_free(other);
	selected_writer_free(writer);
	reader = other = NULL;
	writer = NULL;
}

const struct sha256 *
policy_sha256(struct sent *s)
{
	if (!s->hashed)
		s->sha256 = sha256_of(s->payload, s->len);
	s->hashed = true;
	return &s->sha256;
}

/* The flow whose marker it has; NONE: that of none. */
static uint32_t
flow_of(const struct world *w, const struct flow *f)
{
	uint64_t marker;

	if (!flow_get_u64(f, 0, f->info->proto == PROTO_SFLOW5 ? 318 : 1, &marker) || w->flow_count == 0 ||
	    marker < w->flows[0].marker || marker - w->flows[0].marker >= w->flow_count)
		return NONE;
	return (uint32_t)(marker - w->flows[0].marker);
}

/* Two nodes found it in two places: one of them knew another template, in which it stands there, too. */
static bool
has_two_markers(const struct flow *f)
{
	uint16_t marker = f->info->proto == PROTO_SFLOW5 ? 318 : 1;
	unsigned n = 0;

	for (uint16_t i = 0; i < f->tmpl->field_count; i++)
		n += f->tmpl->fields[i].pen == 0 && f->tmpl->fields[i].id == marker &&
		    !f->tmpl->fields[i].scope;
	return n > 1;
}

static bool
is_of(const struct world *w, uint32_t flow, uint32_t sent)
{
	return flow != NONE && w->flows[flow].sent == sent;
}

static uint32_t
count_kept(const struct world *w, const struct node *n, const struct sent *s)
{
	uint32_t count = 0;

	for (uint32_t p = s->parts_at; p < s->parts_at + s->parts; p++) {
		const struct part *part = &w->parts[p];

		for (uint32_t i = 0; !part->defines && part->flows_at != NONE && i < part->flows; i++)
			count += n->keeps[part->flows_at + i];
	}
	return count;
}

void
policy_match(
    struct world *w, const char *path, const struct node *n, const struct file_record *r, uint32_t sent)
{
	struct sent *s = &w->sent[sent];
	const struct sim_stream *st = &w->streams[s->stream];
	bool layouts = st->proto == PROTO_V9 || st->proto == PROTO_IPFIX;
	const struct selected_head *h;
	uint32_t found = 0;
	struct flow f;

	if (!CHECK(w, n->policy != NULL && selected_open(reader, r->body, r->len) == ERR_OK,
		"%s: record %llu: no selected flows", path, (unsigned long long)r->sequence))
		return;
	h = selected_head(reader);
	CHECK(w,
	    memcmp(h->digest.b, policy_sha256(s)->b, SHA256_SIZE) == 0 && h->len == s->len &&
		h->info.sequence == s->sequence && h->info.domain == st->domain,
	    "%s: record %llu: not of datagram %u", path, (unsigned long long)r->sequence, sent);
	while (selected_next(reader, &f)) {
		uint32_t flow = flow_of(w, &f);

		if (f.options)
			continue;
		found++;
		if (!is_of(w, flow, sent)) {
			CHECK(w, layouts, "%s: record %llu: a flow that is not of datagram %u", path,
			    (unsigned long long)r->sequence, sent);
			continue;
		}
		CHECK(w, layouts || w->flows[flow].index == f.index, "%s: record %llu: index %u", path,
		    (unsigned long long)r->sequence, f.index);
		CHECK(w, n->keeps[flow] && f.tag_count == 1 && f.tags[0] == (uint32_t)(n - w->nodes) + 1,
		    "%s: record %llu: flow %u is not kept so", path, (unsigned long long)r->sequence,
		    f.index);
	}
	CHECK(w, layouts || st->proto == PROTO_V8 || found == count_kept(w, n, s),
	    "%s: record %llu: %u flows of datagram %u, not %u", path, (unsigned long long)r->sequence, found,
	    sent, count_kept(w, n, s));
}

void
policy_unite(struct world *w, struct expect_datagram *d, const struct file_record *r)
{
	struct selected_union u = {reader, other, writer};
	struct buf both = BUF_INIT;
	uint32_t conflicts = 0;

	if (d->body.len == 0) {
		buf_bytes(&d->body, r->body, r->len);
		return;
	}
	CHECK(w, selected_unite(&u, d->body.data, d->body.len, r->body, r->len, &both, &conflicts) == ERR_OK,
	    "datagram %u: selected flows that cannot be united", d->sent);
	buf_clear(&d->body);
	d->body = both;
}

void
policy_settle(struct world *w, struct expect_datagram *d)
{
	const struct sent *s = &w->sent[d->sent];
	struct flow f;
	uint32_t flows = 0;

	if (d->whole || d->body.len == 0)
		return;
	d->first_flow = NONE;
	for (uint32_t p = s->parts_at; p < s->parts_at + s->parts; p++) { /* they follow one another */
		if (w->parts[p].defines || w->parts[p].flows_at == NONE)
			continue;
		if (d->first_flow == NONE)
			d->first_flow = w->parts[p].flows_at;
		flows += w->parts[p].flows;
	}
	d->kept = sim_alloc(flows + 1);
	if (!CHECK(w, selected_open(reader, d->body.data, d->body.len) == ERR_OK,
		"datagram %u: a union that cannot be read", d->sent))
		return;
	d->records = selected_head(reader)->records;
	while (selected_next(reader, &f)) {
		uint32_t flow = flow_of(w, &f);

		if (f.options)
			continue;
		if (is_of(w, flow, d->sent))
			d->odd |= d->kept[flow - d->first_flow]++ > 0 || w->flows[flow].index != f.index ||
			    has_two_markers(&f);
		else
			d->odd = true;
	}
}

bool
policy_has_set(const struct expect_datagram *d, uint16_t id)
{
	const struct selected_head *h;
	struct sets it;
	struct set set;
	bool found = false;

	if (d->whole || selected_open(reader, d->body.data, d->body.len) != ERR_OK)
		return true;
	h = selected_head(reader);
	sets_init(&it, &h->info, h->skeleton, h->skeleton_len);
	while (!found && sets_next(&it, &set) == ERR_OK)
		found = set.kind == SET_DATA && set.id == id;
	return found;
}

bool
policy_kept(const struct expect_datagram *d, uint32_t flow)
{
	return d->kept[flow - d->first_flow] != 0;
}
