/* SPDX-License-Identifier: ISC
 *
 * Decodes one datagram into flows. Templates come from the caller, who may know more than this datagram's
 * past (late decode). Allocates nothing. What is bad inside one set costs that set; what is bad about the
 * sets' lengths costs the rest of the datagram; either is counted.
 *
 *	decode_init(&d, payload, len, &info, resolve, ctx);
 *	while (decode_next(&d, &flow) == ERR_OK) ...
 */
#ifndef FLOWBRAID_FLOW_DECODE_H
#define FLOWBRAID_FLOW_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "flow/flow.h"
#include "flow/samples.h"
#include "flow/selected.h"
#include "wire/proto.h"
#include "wire/sets.h"
#include "wire/template.h"

/* The template of a data set, or NULL when none is known. data_set_ordinal counts the datagram's data sets
 * (all that have an id of 256 or more) from 0, in their order. *ret_late is false unless set. Called once a
 * data set. Not called for v1, v5, v7, whose templates are built in, nor for sFlow. With FLOW_SUB_TEMPLATE as the
 * ordinal set_id is the id of a template that a list in the data set names; asked when the flow is printed, as often
 * as it is named. */
typedef flow_resolve decode_resolve;

struct decode {
	/* read these when ERR_END has come */
	uint32_t flows;           /* data records */
	uint32_t options;         /* options data records */
	uint32_t sets_unknown;    /* data sets without a template: skipped */
	uint32_t sets_reserved;   /* of an id that has no meaning yet: skipped */
	uint32_t sets_malformed;  /* sets and samples: a length is wrong, or does not fit the template */
	uint32_t samples_unknown; /* sFlow: samples of a format that is not known: skipped */
	uint32_t sets_late;       /* decoded with a late template */
	enum proto_fault fault;   /* of the sets' lengths or the header's count, the first */
	bool passed_over; /* there are parts that decoding does not look at: proto_check knows all faults */

	/* inner state */
	const uint8_t *payload;           /* of a whole datagram */
	struct selected_reader *selected; /* NULL: a whole datagram */
	struct sets sets;
	const struct proto_info *info;
	decode_resolve resolve;
	void *ctx;
	const struct tmpl *tmpl; /* of the current data set; NULL: none is open */
	struct rd body;          /* its records that are left */
	uint32_t most;           /* records that may still be taken of it: v5's header counts them */
	unsigned ordinal;
	bool late;
	bool stopped;           /* no next set can be found, and that is counted */
	struct samples samples; /* sFlow; it is large, and not touched for others */
};

void decode_init(struct decode *d, const uint8_t *payload, size_t len, const struct proto_info *info,
    decode_resolve resolve, void *ctx);
/* The same of selected flows; of a skeleton's sets, which data_set_ordinal counts then, the options alone are decoded. r was
 * opened by selected_open, and is read from its beginning. */
void decode_init_selected(struct decode *d, struct selected_reader *r, decode_resolve resolve, void *ctx);
/* ERR_OK: *ret is the next flow or options record; one of sFlow lives until the next call. ERR_END: no more. */
enum err decode_next(struct decode *d, struct flow *ret) WARN_UNUSED;
/* The number of flows (options records left out) of all sets that are left, without a look at fixed-length
 * records. The counters of d are as if all had been decoded (those of records inside of samples stay). */
uint32_t decode_count(struct decode *d);

#define DECODE_PADDING_MOST \
	7 /* bytes behind the last record of a set: to 4 bytes in v9, to 4 or 8 in IPFIX */

/* How many records a data set of so many bytes holds, and whether what is left over is more than padding. False: it cannot
 * be told from the length, but only from the bytes. */
bool decode_count_set(const struct tmpl *t, size_t len, uint32_t *ret_records, bool *ret_malformed);

#endif
