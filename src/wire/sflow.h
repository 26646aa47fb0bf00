/* SPDX-License-Identifier: ISC
 *
 * The samples of an sFlow version 5 datagram, and the records of each (sFlow.org "sFlow Version 5", and "sFlow
 * Dropped Packet Notification Structures"). A format that nobody here knows is passed over and counted. A length
 * that does not fit costs the sample it stands in; where no next sample can be found, it costs the rest.
 *
 *	sflow_init(&it, &info, payload, len);
 *	while (sflow_next(&it, &sample) == ERR_OK)
 *		while (sflow_record_next(&sample, &record)) ...
 */
#ifndef FLOWBRAID_WIRE_SFLOW_H
#define FLOWBRAID_WIRE_SFLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/rd.h"
#include "wire/proto.h"

/* Formats: enterprise << 12 | number. Those without an enterprise are sFlow.org's. */
enum {
	SFLOW_SAMPLE_FLOW = 1,
	SFLOW_SAMPLE_COUNTERS = 2,
	SFLOW_SAMPLE_FLOW_EXPANDED = 3,
	SFLOW_SAMPLE_COUNTERS_EXPANDED = 4,
	SFLOW_SAMPLE_DROP = 5, /* one discarded packet */
};

enum sflow_kind { SFLOW_FLOW, SFLOW_COUNTERS, SFLOW_DROP };

/* An interface by its index, or what stands in its place. */
enum {
	SFLOW_INTERFACE_INDEX = 0,
	SFLOW_INTERFACE_DISCARDED = 1, /* the value is the reason */
	SFLOW_INTERFACE_SEVERAL = 2,   /* the value is how many; 0: more than one */
};
struct sflow_interface {
	uint8_t format;
	uint32_t value;
};

struct sflow_sample {
	enum sflow_kind kind;
	uint32_t format;
	uint32_t sequence;     /* of this source */
	uint32_t source_class; /* 0: the index is an interface's; 1: a VLAN's; 2: a physical entity's */
	uint32_t source_index;
	uint32_t rate, pool; /* of flow samples */
	uint32_t drops;      /* of flow samples and drops */
	uint32_t reason;     /* of drops */
	struct sflow_interface input, output;
	struct rd records; /* that are left; their lengths fit */
	uint32_t left;
};

struct sflow_record {
	uint32_t format;
	struct rd body;
};

struct sflow {
	struct rd r;
	uint32_t left;          /* samples, as the header says */
	enum proto_fault fault; /* the first */
	uint32_t unknown;       /* samples passed over: format not known */
	uint32_t malformed;     /* samples given up: a length in them does not fit */
};

void sflow_init(struct sflow *it, const struct proto_info *info, const uint8_t *payload, size_t len);

/* ERR_OK, or ERR_END behind the last sample that can be found. */
enum err sflow_next(struct sflow *it, struct sflow_sample *ret) WARN_UNUSED;
bool sflow_record_next(struct sflow_sample *s, struct sflow_record *ret);

/* Parts of records. Text or octets: a length, and filler up to a multiple of four. NULL: cut. */
const uint8_t *sflow_octets(struct rd *r, uint32_t *ret_len);

struct sflow_address {
	uint8_t version; /* 4, 6; 0: none */
	const uint8_t *bytes;
};
struct sflow_address sflow_address(struct rd *r);

#endif
