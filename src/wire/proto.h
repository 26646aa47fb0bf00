/* SPDX-License-Identifier: ISC
 *
 * Recognition: what the header of one datagram says, whichever export protocol it belongs to, without
 * templates and without a look at the records. Everything that orders, groups or counts datagrams starts
 * from here, so all protocols are known from the start, also those that nobody decodes yet.
 */
#ifndef FLOWBRAID_WIRE_PROTO_H
#define FLOWBRAID_WIRE_PROTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/err.h"

/* These values are written to disk. */
enum proto {
	PROTO_NONE = 0,
	PROTO_V1 = 1,
	PROTO_V5 = 5,
	PROTO_V7 = 7,
	PROTO_V8 = 8,
	PROTO_V9 = 9,     /* RFC 3954 */
	PROTO_IPFIX = 10, /* RFC 7011 */
	PROTO_SFLOW5 = 105,
};

/* Shortest whole headers, in bytes. sFlow: with an IPv4 agent. */
#define PROTO_V1_HEADER 16
#define PROTO_V5_HEADER 24
#define PROTO_V7_HEADER 24
#define PROTO_V8_HEADER 28
#define PROTO_V9_HEADER 20
#define PROTO_IPFIX_HEADER 16
#define PROTO_SFLOW5_HEADER 28

struct proto_info {
	enum proto proto;
	bool cut;              /* the header is not whole, or its address type unknown: all below is 0 and false */
	bool has_sequence;     /* all but v1 */
	bool has_uptime;       /* all but IPFIX */
	bool has_time;         /* all but sFlow */
	uint16_t header_len;   /* bytes before the first record, set or sample */
	uint16_t sampling;     /* v5: mode << 14 | interval, as in the header; else 0 */
	uint8_t aggregation;   /* v8: the aggregation scheme; else 0 */
	struct addr agent;     /* sFlow: the agent; else all zero */
	uint32_t domain;       /* v5, v8: engine type << 8 | engine id; v9: source id; IPFIX: observation domain;
	                        * sFlow: sub-agent; else 0 */
	uint32_t sequence;
	uint32_t uptime_ms;
	wall_t export_time;    /* v1 v5 v7 v8: seconds and nanoseconds; v9, IPFIX: seconds */
	uint32_t count;        /* v1 v5 v7 v8: records; v9: records of all kinds; sFlow: samples; IPFIX: 0. As the
	                        * header says, which need not be true */
};

/* Tells the protocol from the first bytes and reads the header. A header that is not whole is recognised as
 * long as its version is there. ERR_UNKNOWN: nothing known begins like this (an empty payload neither). */
enum err proto_recognise(const uint8_t *payload, size_t len, struct proto_info *ret) WARN_UNUSED;

/* "v5", "IPFIX", "sFlow 5"; "none" for PROTO_NONE and values that are none. */
const char *proto_name(enum proto p);

/* The `version` of JSON output, as JSON: 1, 5, 7, 8, 9, 10, "sflow5"; null for others. */
const char *proto_version_json(enum proto p);

/* Whether p is a value that recognition gives. */
bool proto_is_known(unsigned value);

/* Why a datagram is malformed. */
enum proto_fault {
	FAULT_NONE = 0,
	FAULT_HEADER,       /* header cut, or an address type that does not exist */
	FAULT_RECORDS_CUT,  /* fewer bytes than the header's record count needs */
	FAULT_RECORDS_EXTRA,/* more */
	FAULT_AGGREGATION,  /* v8: unknown aggregation scheme */
	FAULT_MESSAGE_LENGTH, /* IPFIX: the header's length is not the datagram's */
	FAULT_SET_LENGTH,   /* a set's length is less than its header */
	FAULT_SET_CUT,      /* a set reaches past the end */
	FAULT_STRAY,        /* 1 to 3 bytes behind the last set; sFlow: any bytes behind the last sample */
	FAULT_TEMPLATE,     /* a template definition with no fields, of no length, or that does not fit its set */
	FAULT_SAMPLE_CUT,   /* sFlow: a sample reaches past the end, or the header counts more than there are */
	FAULT_COUNT_        /* how many there are */
};

/* "none", "header-cut", "set-cut" ...: stable words for counters and events. */
const char *proto_fault_name(enum proto_fault f);

/* Walks the lengths of the whole datagram; needs no templates of earlier ones. The first fault, or FAULT_NONE. */
enum proto_fault proto_check(const uint8_t *payload, size_t len, const struct proto_info *info);

#endif
