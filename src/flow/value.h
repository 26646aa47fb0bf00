/* SPDX-License-Identifier: ISC
 *
 * Bytes of a field as numbers and times. For the flow layer itself.
 */
#ifndef FLOWBRAID_FLOW_VALUE_H
#define FLOWBRAID_FLOW_VALUE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/clock.h"
#include "base/rd.h"
#include "flow/element.h"
#include "flow/flow.h"

/* IANA's numbers that the program itself reads. */
enum {
	IE_OCTETS = 1,
	IE_PACKETS = 2,
	IE_PROTOCOL = 4,
	IE_TOS = 5,
	IE_TCP_FLAGS = 6,
	IE_SRC_PORT = 7,
	IE_SRC_IPV4 = 8,
	IE_SRC_MASK_IPV4 = 9,
	IE_IN_INTERFACE = 10,
	IE_DST_PORT = 11,
	IE_DST_IPV4 = 12,
	IE_DST_MASK_IPV4 = 13,
	IE_OUT_INTERFACE = 14,
	IE_NEXT_HOP_IPV4 = 15,
	IE_SRC_AS = 16,
	IE_DST_AS = 17,
	IE_END_UPTIME = 21,
	IE_START_UPTIME = 22,
	IE_SRC_IPV6 = 27,
	IE_DST_IPV6 = 28,
	IE_SRC_MASK_IPV6 = 29,
	IE_DST_MASK_IPV6 = 30,
	IE_SAMPLING_INTERVAL = 34,
	IE_SAMPLING_ALGORITHM = 35,
	IE_ENGINE_TYPE = 38,
	IE_ENGINE_ID = 39,
	IE_NEXT_HOP_IPV6 = 62,
	IE_OCTETS_TOTAL = 85,
	IE_PACKETS_TOTAL = 86,
	IE_START_SECONDS = 150,
	IE_END_SECONDS = 151,
	IE_START_MILLISECONDS = 152,
	IE_END_MILLISECONDS = 153,
	IE_START_MICROSECONDS = 154,
	IE_END_MICROSECONDS = 155,
	IE_START_NANOSECONDS = 156,
	IE_END_NANOSECONDS = 157,
	IE_START_DELTA = 158,
	IE_END_DELTA = 159,
	IE_SYSTEM_INIT = 160,
	IE_DURATION_MILLISECONDS = 161,
	IE_DURATION_MICROSECONDS = 162,
	IE_PADDING = 210,
};

/* 1 to 8 bytes; the caller has checked. */
static inline uint64_t
value_u64(const uint8_t *bytes, uint16_t len)
{
	struct rd r = rd_init(bytes, len);

	switch (len) {
	case 1:
		return bytes[0];
	case 2:
		return rd_u16(&r);
	case 4:
		return rd_u32(&r);
	case 8:
		return rd_u64(&r);
	default:
		return rd_uint(&r, len);
	}
}

/* The same with a sign. */
static inline int64_t
value_i64(const uint8_t *bytes, uint16_t len)
{
	unsigned unused = 64 - 8 * (unsigned)len;

	return (int64_t)(value_u64(bytes, len) << unused) >> unused;
}

/* 4 or 8 bytes, IEEE 754. */
static inline double
value_double(const uint8_t *bytes, uint16_t len)
{
	uint64_t bits = value_u64(bytes, len);
	uint32_t single_bits = (uint32_t)bits;
	float single;
	double v;

	if (len == 4) {
		memcpy(&single, &single_bits, sizeof(single));
		return (double)single;
	}
	memcpy(&v, &bits, sizeof(v));
	return v;
}

/* What a field is; NULL: nobody knows it. */
static inline const struct element *
value_element(const struct flow *flow, const struct flow_value *v)
{
	if (v->field->scope && flow->info->proto == PROTO_V9)
		return element_scope_v9(v->field->id);
	return element_find(v->field->pen, v->field->id);
}

/* Whether a template's records may be decoded: see EMPTY_FIELDS_MOST. */
bool flow_template_is_sane(const struct tmpl *t);
/* Takes the bytes of one record of a template from body; not ok when they are not all there. */
struct rd flow_take_record(struct rd *body, const struct tmpl *t);

/* An absolute time of one of the dateTime types. False when its length is not the type's, or the time is
 * beyond what wall_t holds. */
bool value_time(enum element_type type, const uint8_t *bytes, uint16_t len, wall_t *ret, int *ret_digits);

/* The begin or end of a flow as one field gives it. What is more exact has a higher rank; 0: says nothing
 * about it. */
struct moment {
	wall_t time;
	uint8_t rank;
	uint8_t digits;
	/* IPFIX headers have no uptime: one in the record counts from the record's systemInitTimeMilliseconds */
	bool has_uptime, has_boot, has_duration;
	uint32_t uptime_ms;
	wall_t boot;
	int64_t duration_ns; /* of the flow */
	uint8_t duration_digits;
};
void moment_put(
    const struct proto_info *info, const struct flow_value *v, struct moment *start, struct moment *end);

/* When all fields are noted: of a flow that tells one of them and its duration, the other one. */
void moments_finish(struct moment *start, struct moment *end);

static inline void
moment_note(
    const struct proto_info *info, const struct flow_value *v, struct moment *start, struct moment *end)
{
	uint16_t id = v->field->id;

	if ((id >= IE_END_UPTIME && id <= IE_START_UPTIME) ||
	    (id >= IE_START_SECONDS && id <= IE_DURATION_MICROSECONDS))
		moment_put(info, v, start, end);
}

#endif
