/* SPDX-License-Identifier: ISC
 *
 * Builds valid export datagrams, and then lies in exactly one place: the builder remembers where each count and
 * length stands that it wrote, and export_lie changes one of them.
 *
 *	struct export x = export_new(PROTO_V9);
 *	export_template(&x, 256, FIELDS({8, 4, 0}, {12, 4, 0}));
 *	export_data(&x, 256, 2, 8);
 *	export_end(&x);
 *	export_lie(&x, PLACE_SET_LENGTH, 0);
 */
#ifndef FLOWBRAID_TESTS_UNIT_WIRE_BUILD_EXPORT_H
#define FLOWBRAID_TESTS_UNIT_WIRE_BUILD_EXPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "wire/proto.h"
#include "wire/stream.h"

#define EXPORT_UPTIME 360000
#define EXPORT_SECONDS 1700000000
#define EXPORT_NANOSECONDS 123456789
#define EXPORT_SEQUENCE 4000000001U
#define EXPORT_DOMAIN 0x0102 /* also engine type 1, engine id 2 */
#define EXPORT_SAMPLING 0x4064

/* Where a number of 16 bits stands; of several, the last that was written. */
enum place {
	PLACE_VERSION,
	PLACE_COUNT,          /* v1 to v9: the header's record count */
	PLACE_MESSAGE_LENGTH, /* IPFIX */
	PLACE_SET_ID,
	PLACE_SET_LENGTH,
	PLACE_TEMPLATE_ID,
	PLACE_FIELD_COUNT, /* v9 options: bytes of scope fields */
	PLACE_SCOPE_COUNT, /* v9 options: bytes of other fields */
	PLACE_FIELD_LENGTH,
	PLACE_SAMPLE_LENGTH, /* sFlow: its lower half */
	PLACES
};

struct export
{
	struct buf bytes; /* the datagram */
	enum proto proto;
	uint16_t records; /* as v9 counts them */
	size_t set_at;    /* of the open set; 0: none */
	size_t places[PLACES];
};

struct export_field {
	uint16_t id, len;
	uint32_t pen; /* not 0: with the enterprise bit */
};
#define FIELDS(...) \
	(const struct export_field[]){__VA_ARGS__}, \
	    sizeof((const struct export_field[]){__VA_ARGS__}) / sizeof(struct export_field)

struct export export_new(enum proto proto); /* its header; v8: aggregation by AS */
void export_end(struct export *x);          /* writes what the header says about the whole */
void export_free(struct export *x);

/* Records of v1, v5, v7, v8: the bytes of each count up from its number. Samples of sFlow. */
void export_records(struct export *x, uint16_t count);

/* Sets. Each of these is a set of its own, unless it stands between open and close. */
void export_open(struct export *x, uint16_t id);
void export_close(struct export *x);
void export_template(struct export *x, uint16_t id, const struct export_field *fields, size_t count);
void export_options(
    struct export *x, uint16_t id, uint16_t scopes, const struct export_field *fields, size_t count);
void export_withdrawal(struct export *x, uint16_t set_id, uint16_t id);
void export_data(struct export *x, uint16_t id, unsigned records, size_t record_len);
void export_bytes(struct export *x, const void *bytes, size_t len);
#define EXPORT_BYTES(x, ...) \
	export_bytes((x), (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

void export_lie(struct export *x, enum place place, uint16_t value);
uint16_t export_truth(const struct export *x, enum place place);

/* What recognition says of the datagram; the key of its stream from exporter 192.0.2.1, port 2055. */
struct proto_info export_info(const struct export *x);
struct stream_key export_key(const struct export *x);

/* The first len bytes in memory of exactly that size, for free(). */
uint8_t *export_prefix(const struct export *x, size_t len);

#endif
