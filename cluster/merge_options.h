/* SPDX-License-Identifier: ISC
 *
 * Options of a merge that are part of the archive: they stand in its manifest, and inputs that differ in them cannot make
 * one.
 */
#ifndef FLOWBRAID_CLUSTER_MERGE_OPTIONS_H
#define FLOWBRAID_CLUSTER_MERGE_OPTIONS_H

#include "archive/manifest.h"
#include "archive/pool.h"
#include "flow/policy.h"

struct merge_options {
	int64_t window_ns; /* 0: as the archives have it, else 5 minutes */
	struct manifest_compression compression;
	struct manifest_shard shard;
	struct policy *policy; /* owned; NULL: none, or as the archives have it */
	bool recompress;       /* compression was asked for: what the inputs have does not matter */
};

/* The standard. */
void merge_options_init(struct merge_options *o);

/* none, zstd or zstd:LEVEL. False: a message was printed. */
bool merge_options_compression(struct merge_options *o, const char *text);

/* The policy that holds, before the pool is closed; target: the archive that is to be changed, or NULL. False: a message was
 * printed. */
bool merge_options_policy(struct merge_options *o, const struct pool *p, const struct input *target);

void merge_options_clear(struct merge_options *o);

/* What holds for the archive to be written, with what the pool's inputs say. False: a message was printed. */
bool merge_options_settle(struct merge_options *o, const struct pool *p);

#endif
