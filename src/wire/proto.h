/* SPDX-License-Identifier: ISC
 *
 * What the header of one datagram says: protocol, stream, sequence, clock. Read from the header alone, for
 * all protocols; the bodies are not looked at here.
 */
#ifndef FLOWBRAID_WIRE_PROTO_H
#define FLOWBRAID_WIRE_PROTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/err.h"

enum proto { /* on disk, in stream keys */
	PROTO_NONE = 0,
	PROTO_V1 = 1,
	PROTO_V5 = 5,
	PROTO_V7 = 7,
	PROTO_V8 = 8,
	PROTO_V9 = 9,       /* RFC 3954 */
	PROTO_IPFIX = 10,   /* RFC 7011 */
	PROTO_SFLOW5 = 105, /* sFlow.org, version 5 */
};

#define PROTO_IPFIX_HEADER_SIZE 16

struct proto_info {
	enum proto proto;
	bool cut; /* shorter than the protocol's header: what is missing is 0 */
	bool has_sequence, has_uptime, has_time;
	struct addr agent; /* sFlow; else all zero */
	uint32_t domain;   /* v5, v8: engine type << 8 | engine id; v9: source id; IPFIX: observation domain;
	                    * sFlow: sub-agent; else 0 */
	uint32_t sequence;
	uint32_t uptime_ms;
	wall_t
	    export_time; /* v5, v7, v8: with nanoseconds; v9, IPFIX: whole seconds; v1: with nanoseconds; sFlow: none */
	uint32_t count;      /* records (v1 to v9) or samples (sFlow) as the header says; IPFIX: 0 */
	uint32_t header_len; /* bytes of it that are there */
	uint16_t sampling;   /* v5: mode << 14 | interval, as in the header; else 0 */
	uint8_t aggregation; /* v8: the aggregation scheme; else 0 */
};

/* ERR_UNKNOWN: begins like nothing that is known. */
enum err proto_recognise(const uint8_t *payload, size_t len, struct proto_info *ret) WARN_UNUSED;

const char *proto_name(enum proto p); /* "v5", "IPFIX", "sFlow 5"; "none" */

/* The `version` of JSON output, as JSON: 5, 10, "sflow5" with its quotes; null for PROTO_NONE. */
const char *proto_version_json(enum proto p);

/* Why a datagram is malformed. */
enum proto_fault {
	FAULT_NONE = 0,
	FAULT_HEADER_CUT,    /* shorter than its header */
	FAULT_LENGTH,        /* IPFIX: the message's length is not the datagram's */
	FAULT_COUNT,         /* v1, v5, v7, v8: the count and the length do not fit each other */
	FAULT_SET_LENGTH,    /* a set shorter than its header, or running past the end */
	FAULT_SAMPLE_LENGTH, /* sFlow: a sample runs past the end, or its records past its own */
	FAULT_TEMPLATE,      /* a template definition is cut, or none that data could be decoded with */
	FAULT_STRAY,         /* bytes behind the last set, sample or template that are no padding */
	FAULT_COUNT_OF_KINDS
};
const char *proto_fault_name(enum proto_fault f);

/* Walks the lengths of the whole datagram, without templates. The first fault, or FAULT_NONE. */
enum proto_fault proto_check(const uint8_t *payload, size_t len, const struct proto_info *info);

#endif
