/* SPDX-License-Identifier: ISC
 *
 * flowbraid cat --sort: what was printed of each flow is kept, in memory that spills, until all are there.
 */
#ifndef FLOWBRAID_CLUSTER_CAT_SORT_H
#define FLOWBRAID_CLUSTER_CAT_SORT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct cat_sort {
	struct cat_sorted {
		int64_t ns;
		uint64_t at; /* of its text */
		uint32_t len;
		uint32_t flow; /* 1: a flow; 0: an options record */
	} * flows;             /* base/spill's, like text */
	size_t count, room;
	uint8_t *text;
	size_t len, text_room;
	size_t next; /* to be given back */
};

void cat_sort_clear(struct cat_sort *s);

/* Takes what stands in text, which is emptied. */
enum err cat_sort_add(struct cat_sort *s, int64_t ns, bool flow, struct buf *text) WARN_UNUSED;

/* By time; what has one time stays in the order in which it came. */
enum err cat_sort_close(struct cat_sort *s) WARN_UNUSED;

/* Appends the next one to out. *ret_flow: it is a flow. False: there is none. */
bool cat_sort_next(struct cat_sort *s, struct buf *out, bool *ret_flow);

#endif
