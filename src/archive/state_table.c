/* SPDX-License-Identifier: ISC
 *
 * See state_table.h.
 */
#include "archive/state_table.h"

#include <stdlib.h>
#include <string.h>

#include "archive/records.h"
#include "base/array.h"

static int
bytes_cmp(const struct state_table *t, const struct state_entry *a, const struct state_entry *b)
{
	int c = memcmp(t->bytes.data + a->at, t->bytes.data + b->at, a->len < b->len ? a->len : b->len);

	return c != 0 ? c : (a->len > b->len) - (a->len < b->len);
}

static int
by_bytes(const void *a, const void *b, void *ctx)
{
	return bytes_cmp(ctx, a, b);
}

static enum err
add(struct state_table *t, const struct plan *plan, uint32_t state)
{
	size_t at = t->bytes.len;
	enum err e = array_grow(t->entries, t->room, t->count);

	if (e != ERR_OK)
		return e;
	sampling_write(&t->bytes, &plan->states[state]);
	t->entries[t->count++] = (struct state_entry){at, t->bytes.len - at, state};
	return buf_ok(&t->bytes) ? ERR_OK : ERR_MEMORY;
}

enum err
state_table_make(struct state_table *t, const struct plan *plan, size_t from, size_t to, uint32_t *state_at)
{
	size_t n = 0;
	enum err e = ERR_OK;

	for (size_t i = from; i < to; i++) { /* what an earlier window needed counts anew */
		if (plan->sampling[i] != REF_NONE)
			state_at[plan->sampling[i]] = REF_NONE;
	}
	for (size_t i = from; i < to && e == ERR_OK; i++) {
		uint32_t state = plan->sampling[i];

		if (state != REF_NONE && state_at[state] == REF_NONE) {
			state_at[state] = 0;
			e = add(t, plan, state);
		}
	}
	if (e != ERR_OK)
		return e;
	if (t->count > 0)
		qsort_r(t->entries, t->count, sizeof(*t->entries), by_bytes, t);
	for (size_t i = 0; i < t->count; i++) {
		if (n == 0 || bytes_cmp(t, &t->entries[n - 1], &t->entries[i]) != 0)
			t->entries[n++] = t->entries[i];
		state_at[t->entries[i].state] = (uint32_t)n - 1;
	}
	t->count = n;
	return ERR_OK;
}

void
state_table_clear(struct state_table *t)
{
	buf_clear(&t->bytes);
	free(t->entries);
	*t = (struct state_table){.count = 0};
}
