/* SPDX-License-Identifier: ISC
 *
 * See sampling.h.
 */
#include "flow/sampling.h"

#include <stdlib.h>
#include <string.h>

#define ENTRY_SIZE 16
#define ENTRIES_MOST 65536

/* IANA elements; NetFlow v9 uses the same numbers. */
enum {
	INGRESS_INTERFACE = 10,
	SAMPLING_INTERVAL = 34,
	SAMPLER_ID = 48,
	SAMPLER_RANDOM_INTERVAL = 50,
	SELECTOR_ID = 302,
	SAMPLING_PACKET_INTERVAL = 305,
	SAMPLING_PACKET_SPACE = 306,
	SAMPLING_SIZE = 309,
	SAMPLING_POPULATION = 310,
	SAMPLING_PROBABILITY = 311,
};

#define V9_SCOPE_INTERFACE 2 /* RFC 3954 section 6.1 */

bool
sampling_is_told(const struct tmpl *t)
{
	for (uint16_t i = 0; i < t->field_count && t->kind == TMPL_OPTIONS; i++) {
		const struct tmpl_field *f = &t->fields[i];

		if (f->pen != 0 || f->scope)
			continue;
		if (f->id == SAMPLING_INTERVAL || f->id == SAMPLER_RANDOM_INTERVAL ||
		    f->id == SAMPLING_PACKET_INTERVAL || f->id == SAMPLING_POPULATION ||
		    f->id == SAMPLING_PROBABILITY)
			return true;
	}
	return false;
}

static uint64_t
rounded(double v)
{
	return v >= 1 && v < (double)UINT32_MAX ? (uint64_t)(v + 0.5) : 0;
}

static uint64_t
probability_interval(const struct flow *f)
{
	struct flow_value v;
	struct rd r;
	double p;

	if (!flow_get(f, 0, SAMPLING_PROBABILITY, &v))
		return 0;
	r = rd_init(v.bytes, v.len);
	if (v.len == 8) {
		uint64_t bits = rd_u64(&r);

		memcpy(&p, &bits, sizeof(p));
	} else if (v.len == 4) {
		uint32_t bits = rd_u32(&r);
		float single;

		memcpy(&single, &bits, sizeof(single));
		p = (double)single;
	} else {
		return 0;
	}
	return p > 0 ? rounded(1 / p) : 0;
}

static uint64_t
interval_told(const struct flow *f)
{
	uint64_t a, b;

	if (flow_get_u64(f, 0, SAMPLING_INTERVAL, &a) || flow_get_u64(f, 0, SAMPLER_RANDOM_INTERVAL, &a))
		return a;
	if (flow_get_u64(f, 0, SAMPLING_PACKET_INTERVAL, &a) && a > 0) { /* a packets taken, then b not */
		if (!flow_get_u64(f, 0, SAMPLING_PACKET_SPACE, &b))
			b = 0;
		return rounded((double)a / (double)a + (double)b / (double)a);
	}
	if (flow_get_u64(f, 0, SAMPLING_POPULATION, &b) && flow_get_u64(f, 0, SAMPLING_SIZE, &a) && a > 0)
		return rounded((double)b / (double)a);
	return probability_interval(f);
}

/* An interface that is the record's scope: of v9 a scope type of its own, of IPFIX the element. */
static bool
interface_scope(const struct flow *f, uint64_t *ret)
{
	uint16_t id = f->tmpl->proto == PROTO_V9 ? V9_SCOPE_INTERFACE : INGRESS_INTERFACE;
	struct flow_walk w;
	struct flow_value v;

	flow_walk_init(&w, f);
	while (flow_walk_next(&w, &v) && v.field->scope) {
		struct rd r = rd_init(v.bytes, v.len);

		if (v.field->pen == 0 && v.field->id == id && v.len >= 1 && v.len <= 8) {
			*ret = rd_uint(&r, v.len);
			return true;
		}
	}
	return false;
}

static bool
selector_of(const struct flow *f, uint64_t *ret)
{
	return flow_get_u64(f, 0, SAMPLER_ID, ret) || flow_get_u64(f, 0, SELECTOR_ID, ret);
}

bool
sampling_read(const struct flow *options, struct sampling_entry *ret)
{
	struct sampling_entry e = {.scope = SAMPLING_ALL};
	uint64_t interval = interval_told(options);

	if (interval == 0 || interval > UINT32_MAX)
		return false;
	e.interval = (uint32_t)interval;
	if (selector_of(options, &e.id))
		e.scope = SAMPLING_SELECTOR;
	else if (interface_scope(options, &e.id))
		e.scope = SAMPLING_INTERFACE;
	*ret = e;
	return true;
}

bool
sampling_stands_in(const struct flow *flow)
{
	struct flow_value v;

	return flow_get(flow, 0, SAMPLING_INTERVAL, &v);
}

static int
entry_cmp(const struct sampling_entry *a, const struct sampling_entry *b)
{
	if (a->scope != b->scope)
		return a->scope < b->scope ? -1 : 1;
	return a->id < b->id ? -1 : a->id > b->id;
}

enum err
sampling_with(
    const struct sampling_state *state, const struct sampling_entry *entry, struct sampling_state *ret)
{
	uint32_t count = state != NULL ? state->count : 0, at = 0;
	struct sampling_state s = {.entries = calloc((size_t)count + 1, sizeof(*s.entries))};
	bool replaces;

	if (s.entries == NULL)
		return ERR_MEMORY;
	while (at < count && entry_cmp(&state->entries[at], entry) < 0) {
		s.entries[at] = state->entries[at];
		at++;
	}
	replaces = at < count && entry_cmp(&state->entries[at], entry) == 0;
	s.entries[at] = *entry;
	s.count = at + 1;
	for (at += replaces; at < count; at++)
		s.entries[s.count++] = state->entries[at];
	*ret = s;
	return ERR_OK;
}

bool
sampling_same(const struct sampling_state *a, const struct sampling_state *b)
{
	if (a->count != b->count)
		return false;
	for (uint32_t i = 0; i < a->count; i++) {
		if (entry_cmp(&a->entries[i], &b->entries[i]) != 0 ||
		    a->entries[i].interval != b->entries[i].interval)
			return false;
	}
	return true;
}

void
sampling_clear(struct sampling_state *s)
{
	free(s->entries);
	*s = (struct sampling_state){0};
}

static uint32_t
find(const struct sampling_state *s, enum sampling_scope scope, uint64_t id)
{
	const struct sampling_entry key = {.scope = (uint8_t)scope, .id = id};
	uint32_t low = 0, high = s->count;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (entry_cmp(&s->entries[mid], &key) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low < s->count && entry_cmp(&s->entries[low], &key) == 0 ? s->entries[low].interval : 0;
}

uint32_t
sampling_of(const struct sampling_state *state, const struct flow *flow)
{
	uint32_t interval = 0;
	uint64_t id;

	if (state == NULL || state->count == 0)
		return 0;
	if (flow_get_u64(flow, 0, SAMPLER_ID, &id))
		interval = find(state, SAMPLING_SELECTOR, id);
	if (interval == 0 && flow_get_u64(flow, 0, SELECTOR_ID, &id))
		interval = find(state, SAMPLING_SELECTOR, id);
	if (interval == 0 && flow_get_u64(flow, 0, INGRESS_INTERFACE, &id))
		interval = find(state, SAMPLING_INTERFACE, id);
	return interval != 0 ? interval : find(state, SAMPLING_ALL, 0);
}

void
sampling_write(struct buf *b, const struct sampling_state *s)
{
	buf_u32(b, s->count);
	for (uint32_t i = 0; i < s->count; i++) {
		buf_u32(b, (uint32_t)s->entries[i].scope << 24);
		buf_u32(b, s->entries[i].interval);
		buf_u64(b, s->entries[i].id);
	}
}

enum err
sampling_state_read(struct rd *r, struct sampling_state *ret)
{
	struct sampling_state s = {.count = rd_u32(r)};

	if (!rd_ok(r) || s.count > ENTRIES_MOST || s.count > rd_left(r) / ENTRY_SIZE)
		return ERR_CUT;
	s.entries = calloc((size_t)s.count + 1, sizeof(*s.entries));
	if (s.entries == NULL)
		return ERR_MEMORY;
	for (uint32_t i = 0; i < s.count; i++) {
		s.entries[i].scope = (uint8_t)(rd_u32(r) >> 24);
		s.entries[i].interval = rd_u32(r);
		s.entries[i].id = rd_u64(r);
	}
	*ret = s;
	return ERR_OK;
}
