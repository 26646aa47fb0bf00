/* SPDX-License-Identifier: ISC
 *
 * From one datagram to its flows. Templates come from whoever asks, so the same code decodes with what a
 * live node knows and with what an archive knows later. Nothing is allocated. A set that cannot be decoded
 * costs that set: those behind it still are.
 */
#ifndef FLOWBRAID_FLOW_DECODE_H
#define FLOWBRAID_FLOW_DECODE_H

#include "flow/flow.h"
#include "wire/sets.h"

/* The template of a data set, or NULL when it is not known. Data sets of a datagram are counted from 0.
 * *ret_late, false when called: set when the definition came after this set. Of v9 and IPFIX only. */
typedef const struct tmpl *(*decode_resolve)(void *ctx, unsigned data_set, uint16_t template_id, bool *ret_late);

struct decode {
	/* what was found so far; for the caller to read */
	uint32_t flows, options;   /* records */
	uint32_t unresolved_sets;  /* data sets without template */
	uint32_t malformed_sets;   /* data sets whose end is neither a record nor padding, and one for a broken walk */
	/* its own */
	const struct proto_info *info;
	decode_resolve resolve;
	void *ctx;
	struct sets sets;
	const struct tmpl *tmpl;   /* of the set at hand; NULL: between sets */
	struct rd body;            /* what is left of that set */
	uint32_t limit;            /* records that it may still give: v5's count */
	unsigned data_sets;
	bool late, ended;
};

/* payload and info must outlive d and its flows. resolve may be NULL: then v9 and IPFIX sets are unresolved. */
void decode_init(struct decode *d, const uint8_t *payload, size_t len, const struct proto_info *info,
    decode_resolve resolve, void *ctx);

/* The next flow or options record: ERR_OK, or ERR_END behind the last one. */
enum err decode_next(struct decode *d, struct flow *ret) WARN_UNUSED;

/* Instead of decode_next(): counts all flows (options records are not) without looking at fields where the
 * template's records have one length. The counters of d are filled as decode_next() would. */
uint64_t decode_count(struct decode *d);

#endif
