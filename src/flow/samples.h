/* SPDX-License-Identifier: ISC
 *
 * sFlow samples as records: what a sample and its records say is written behind one another, and a template that
 * tells what stands where is made beside it, so that whoever reads flows reads samples. Both live here until the
 * next one is made; nothing is allocated.
 *
 * A flow sample and a discarded packet are flows of one packet. A counters sample is an options record. Elements
 * are IANA's where it has one; PEN_SFLOW's numbers are our own (elements-own.tsv).
 */
#ifndef FLOWBRAID_FLOW_SAMPLES_H
#define FLOWBRAID_FLOW_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/wr.h"
#include "flow/flow.h"
#include "wire/proto.h"
#include "wire/sflow.h"
#include "wire/template.h"

#define PEN_SFLOW 14706 /* sFlow.org */
#define SAMPLES_FIELDS_MOST 256
#define SAMPLES_BYTES 4096
#define SAMPLES_SECTION_MOST 256 /* octets shown of a header that is not understood */
#define SAMPLES_LIST_MOST 64     /* AS numbers, communities, labels that are shown of a list */

struct samples {
	struct sflow it;
	uint32_t records_unknown; /* records in samples whose format is not known, or that were there twice */
	uint32_t records_malformed; /* of a known format, and shorter than it */
	const struct proto_info *info;

	/* of the sample at hand */
	enum sflow_kind kind;
	uint8_t ip_version; /* of the packet; 0: not known */
	bool has_mac;
	uint64_t seen[4]; /* elements, hashed */
	struct wr w;
	uint8_t bytes[SAMPLES_BYTES];
	union {
		struct tmpl tmpl;
		uint8_t room[sizeof(struct tmpl) + SAMPLES_FIELDS_MOST * sizeof(struct tmpl_field)];
	} view;
};

void samples_init(struct samples *s, const struct proto_info *info, const uint8_t *payload, size_t len);

/* False: no more. *ret but for its index; it lives until the next call. */
bool samples_next(struct samples *s, struct flow *ret);

#endif
