/* SPDX-License-Identifier: ISC
 *
 * An array of exporters and a hash index into it. Where it is full a hand goes round and takes the first on probation
 * that was not heard again since it passed: no list is kept in order, so hearing one that is known writes nothing but its
 * own entry. At least half of the places are on probation, thus the hand needs no more than a few steps, on average.
 *
 * What is protected is told when somebody wants to evict it: nothing is marked, moved or searched when an exporter earns
 * or loses protection. Only sums are kept, so that protected things always leave room for others.
 */
#include "node/exporters.h"

#include <stdlib.h>

#define SEARCH_NS (10 * NS_PER_SEC)

enum err
exporters_init(struct exporters *x, const struct exporters_limits *limits, uint64_t seed)
{
	*x = (struct exporters){.limits = *limits, .seed = seed, .clock = EXPORTER_SILENT_NS};
	x->all = calloc(limits->exporters, sizeof(*x->all)); /* pages that are not used cost nothing */
	return x->all != NULL ? ERR_OK : ERR_MEMORY;
}

void
exporters_clear(struct exporters *x)
{
	free(x->all);
	hash_clear(&x->index);
	*x = (struct exporters){.all = NULL};
}

void
exporters_time(struct exporters *x, wall_t now)
{
	int64_t passed = now.ns - x->told.ns;

	x->told = now;
	if (passed > 0)
		x->clock += passed < EXPORTERS_STRIDE_NS ? passed : EXPORTERS_STRIDE_NS;
}

static uint64_t
hash_of(const struct exporters *x, const struct addr *a)
{
	return hash_bytes_seeded(a->b, sizeof(a->b), x->seed);
}

static struct exporter_state *
find(const struct exporters *x, const struct addr *a, uint64_t hv)
{
	struct hash_probe p;

	for (uint32_t v = hash_first(&x->index, hv, &p); v != HASH_NONE; v = hash_next(&x->index, &p)) {
		if (addr_cmp(&x->all[v].addr, a) == 0)
			return &x->all[v];
	}
	return NULL;
}

/* --- places --- */

/* A place that may be taken from whoever has it; limits.exporters: all are protected. */
static uint32_t
turn_hand(struct exporters *x)
{
	for (uint64_t steps = 0; steps < 2 * (uint64_t)x->count; steps++) {
		uint32_t at = x->hand;
		struct exporter_state *e = &x->all[at];

		x->hand = at + 1 < x->count ? at + 1 : 0;
		if (e->protected)
			continue;
		if (!e->fresh)
			return at;
		e->fresh = false;
	}
	return x->limits.exporters;
}

static struct exporter_state *
add(struct exporters *x, const struct addr *a, uint64_t hv)
{
	uint32_t at = x->count < x->limits.exporters ? x->count : turn_hand(x);
	struct exporter_state *e;

	if (at == x->limits.exporters)
		return NULL;
	e = &x->all[at];
	if (at < x->count) {
		hash_remove(&x->index, hash_of(x, &e->addr), at);
		x->counters.evicted++;
	}
	if (hash_add(&x->index, hv, at) != ERR_OK) {
		/* Only while the index grows, so nobody was evicted. */
		return NULL;
	}
	x->count += at == x->count;
	*e = (struct exporter_state){.addr = *a, .life = e->life + 1, .heard = x->clock, .step = x->clock};
	x->last = at;
	return e;
}

struct exporter_state *
exporters_heard(struct exporters *x, const struct addr *a)
{
	struct exporter_state *e = x->count > 0 ? &x->all[x->last] : NULL;

	if (e == NULL || addr_cmp(&e->addr, a) != 0) {
		uint64_t hv = hash_of(x, a);

		e = find(x, a, hv);
		if (e == NULL)
			return add(x, a, hv);
		x->last = (uint32_t)(e - x->all);
	}
	e->fresh = true;
	e->heard = x->clock;
	return e;
}

/* --- protection --- */

static void
demote(struct exporters *x, struct exporter_state *e)
{
	e->protected = false;
	e->steps = 0;
	e->step = x->clock;
	x->kept--;
	x->kept_streams -= e->streams;
	x->kept_bytes -= e->bytes;
}

static bool
has_room(const struct exporters *x, const struct exporter_state *e)
{
	return x->kept < x->limits.kept && x->kept_streams + e->streams <= x->limits.all_streams &&
	    x->kept_bytes + e->bytes <= x->limits.all_bytes;
}

/* Takes protection from all who are silent. That walks the whole table, so not too often. */
static void
demote_silent(struct exporters *x)
{
	if (x->clock < x->search)
		return;
	x->search = x->clock + SEARCH_NS;
	for (uint32_t i = 0; i < x->count; i++) {
		struct exporter_state *e = &x->all[i];

		if (e->protected && x->clock - e->heard >= EXPORTER_SILENT_NS)
			demote(x, e);
	}
}

static bool
promote(struct exporters *x, struct exporter_state *e)
{
	if (!has_room(x, e))
		demote_silent(x);
	if (!has_room(x, e)) {
		x->counters.refused++;
		return false;
	}
	e->protected = true;
	x->kept++;
	x->kept_streams += e->streams;
	x->kept_bytes += e->bytes;
	return true;
}

void
exporters_went_on(struct exporters *x, struct exporter_state *e)
{
	int64_t since = x->clock - e->step;

	if (e->protected || since < EXPORTER_STEP_NS)
		return;
	e->step = x->clock;
	if (since > EXPORTER_PAUSE_NS)
		e->steps = 0;
	else if (++e->steps >= EXPORTER_STEPS && !promote(x, e))
		e->steps--; /* it tries again with the next step */
}

void
exporters_trust(struct exporters *x, const struct addr *a, bool was_protected)
{
	struct exporter_state *e;

	if (exporters_protect(x, a))
		return;
	if (!was_protected && (x->kept >= x->limits.kept / 2 || x->kept_bytes >= x->limits.all_bytes / 2))
		return;
	e = exporters_heard(x, a);
	if (e == NULL || !promote(x, e))
		return;
	e->heard = x->clock - EXPORTER_SILENT_NS + EXPORTER_TRUST_NS;
}

bool
exporters_protect(const struct exporters *x, const struct addr *a)
{
	const struct exporter_state *e = find(x, a, hash_of(x, a));

	return e != NULL && e->protected;
}

/* --- rates --- */

/* A bucket that holds a second's worth; *paid is when it will be full again. */
static bool
take_token(int64_t *paid, uint32_t rate, int64_t now)
{
	int64_t price = NS_PER_SEC / rate;
	int64_t from = *paid > now ? *paid : now;

	if (from + price - now > NS_PER_SEC)
		return false;
	*paid = from + price;
	return true;
}

bool
exporters_pass(struct exporters *x, struct exporter_state *e, uint32_t rate)
{
	return take_token(&e->rate, rate, x->clock);
}

/* --- accounts --- */

uint64_t
exporters_owner(const struct exporters *x, const struct exporter_state *e)
{
	return e != NULL ? (uint64_t)e->life << 32 | (uint32_t)(e - x->all) : 0;
}

static struct exporter_state *
owner_find(const struct exporters *x, uint64_t owner)
{
	uint32_t at = (uint32_t)owner;

	return owner != 0 && at < x->count && x->all[at].life == owner >> 32 ? &x->all[at] : NULL;
}

bool
exporters_keep(const struct exporters *x, uint64_t owner)
{
	const struct exporter_state *e = owner_find(x, owner);

	return e != NULL && e->protected;
}

bool
exporters_charge(struct exporters *x, uint64_t owner, uint32_t streams, uint64_t bytes)
{
	struct exporter_state *e = owner_find(x, owner);

	if (e == NULL || e->streams + streams > x->limits.streams || e->bytes + bytes > x->limits.bytes)
		return false;
	if (e->protected) {
		if (x->kept_streams + streams > x->limits.all_streams ||
		    x->kept_bytes + bytes > x->limits.all_bytes)
			return false;
		x->kept_streams += streams;
		x->kept_bytes += bytes;
	}
	e->streams += streams;
	e->bytes += bytes;
	return true;
}

void
exporters_discharge(struct exporters *x, uint64_t owner, uint32_t streams, uint64_t bytes)
{
	struct exporter_state *e = owner_find(x, owner);

	if (e == NULL)
		return;
	e->streams -= streams;
	e->bytes -= bytes;
	if (e->protected) {
		x->kept_streams -= streams;
		x->kept_bytes -= bytes;
	}
}

/* --- the guard of templates --- */

static uint64_t
guard_owner(void *ctx, const struct addr *exporter)
{
	const struct exporters *x = ctx;

	return exporters_owner(x, find(x, exporter, hash_of(x, exporter)));
}

static bool
guard_keeps(void *ctx, uint64_t owner)
{
	return exporters_keep(ctx, owner);
}

static bool
guard_charge(void *ctx, uint64_t owner, size_t bytes)
{
	return exporters_charge(ctx, owner, 0, bytes);
}

static void
guard_discharge(void *ctx, uint64_t owner, size_t bytes)
{
	exporters_discharge(ctx, owner, 0, bytes);
}

static bool
guard_permits(void *ctx, const struct addr *exporter)
{
	struct exporters *x = ctx;
	struct exporter_state *e = find(x, exporter, hash_of(x, exporter));
	bool permitted = e != NULL && e->protected
	    ? take_token(&e->definitions, x->limits.definitions, x->clock)
	    : take_token(&x->definitions, x->limits.all_definitions, x->clock);

	x->counters.unlearned += !permitted;
	return permitted;
}

struct tmpl_guard
exporters_guard(struct exporters *x)
{
	return (struct tmpl_guard){.ctx = x,
	    .owner = guard_owner,
	    .keeps = guard_keeps,
	    .charge = guard_charge,
	    .discharge = guard_discharge,
	    .permits = guard_permits};
}
