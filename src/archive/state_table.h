/* SPDX-License-Identifier: ISC
 *
 * The sampling states that one window needs, as the table that is written to it.
 */
#ifndef FLOWBRAID_ARCHIVE_STATE_TABLE_H
#define FLOWBRAID_ARCHIVE_STATE_TABLE_H

#include "archive/plan.h"

struct state_entry {
	size_t at, len; /* of its canonical bytes */
	uint32_t state; /* index in the plan */
};

struct state_table {
	struct buf bytes;            /* owned */
	struct state_entry *entries; /* owned; by bytes, each once */
	size_t count, room;
};

/* Of the datagrams at places [from, to) of the plan's order. state_at: for each of the plan's states its place in
 * the table; others keep what they had. t is zero-initialised. */
enum err state_table_make(
    struct state_table *t, const struct plan *plan, size_t from, size_t to, uint32_t *state_at) WARN_UNUSED;
void state_table_clear(struct state_table *t);

#endif
