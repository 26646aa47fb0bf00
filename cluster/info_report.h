/* SPDX-License-Identifier: ISC
 *
 * What flowbraid info knows at the end, and its two forms.
 */
#ifndef FLOWBRAID_CLUSTER_INFO_REPORT_H
#define FLOWBRAID_CLUSTER_INFO_REPORT_H

#include "archive/pool.h"
#include "cluster/census.h"
#include "cluster/heal.h"
#include "cluster/skew.h"

/* One path, as it stands. */
struct info_path {
	const struct input *input; /* the pool's */
	char cluster[SEGMENT_NAME_SIZE];
	uint64_t files,
	    kinds[SEGMENT_COMMON + 1]; /* by enum segment_kind; one without a sound header has none */
	uint64_t sealed, open, torn, findings;
	uint64_t records, bytes; /* good records; bytes of the files */
	uint64_t datagrams, hearings, events, payload_bytes;
	uint64_t selected;         /* datagrams of which only selected flows are kept */
	int64_t first_ns, last_ns; /* first > last: neither datagrams nor events */
	struct source *sources;    /* owned; sorted */
	size_t source_count, source_room;
};

struct info {
	struct pool p;
	struct info_path *paths; /* owned */
	size_t path_count;
	bool out_of_memory;
	struct census census;
	struct skews skews;
	struct heal_report heal;
};

/* What both forms share. */
const char *info_kind(
    const struct info_path *path); /* "log", "segment", "archive", "window", "common file" */
uint64_t info_healed(const struct info *info, uint32_t node);
/* The end of the streams of one exporter, and their sums. */
size_t info_exporter_end(const struct census *c, size_t first, uint64_t *ret_datagrams, uint64_t *ret_bytes);

void info_json(const struct info *info, struct buf *out);
void info_text(const struct info *info, struct buf *out);

#endif
