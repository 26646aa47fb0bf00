/* SPDX-License-Identifier: ISC
 *
 * The bytes of a segment: its header, the header in front of each record, and the seal.
 * flowbraid-segment(5) is the normative description. Everything is big-endian, field by field.
 *
 * These functions only translate. Whether a segment as a whole is valid is decided in log/check.
 */
#ifndef FLOWBRAID_LOG_SEGMENT_H
#define FLOWBRAID_LOG_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/err.h"

#define SEGMENT_HEADER_SIZE 512                      /* one copy; the second stands right behind */
#define SEGMENT_RECORDS_AT (2 * SEGMENT_HEADER_SIZE) /* offset of the first record */
#define SEGMENT_CHUNK (1u << 20) /* bytes under one chunk digest; also a block in memory */
#define SEGMENT_VERSION 1
#define SEGMENT_NAME_SIZE 64 /* cluster and node names, NUL included */

#define RECORD_HEADER_SIZE 56
#define RECORD_BODY_MAX (1u << 20)
#define RECORD_MARK 0xfb5e

enum segment_kind {
	SEGMENT_NODE = 1,   /* part of a node's log */
	SEGMENT_WINDOW = 2, /* a window of an archive */
	SEGMENT_COMMON = 3, /* what an archive keeps besides its windows */
};

/* An incompatible feature: it may hold records of selected flows, and who passes over them sees gaps. */
#define SEGMENT_SELECTED 1u

struct segment_header {
	enum segment_kind kind;
	uint32_t compatible;   /* feature bits that a reader may ignore */
	uint32_t incompatible; /* feature bits that a reader must know; unknown ones are refused */
	char cluster[SEGMENT_NAME_SIZE];
	char node[SEGMENT_NAME_SIZE]; /* empty in an archive */
	uint16_t lane;
	uint64_t incarnation;    /* seeds every CRC of the segment's records */
	uint64_t number;         /* of the segment in its lane, +1 each, over incarnations */
	uint64_t first_sequence; /* of its first record */
	wall_t time;             /* when it was begun; a window: its first instant */
};

enum record_type {
	RECORD_DATAGRAM = 1,       /* body: the payload as it came */
	RECORD_SELECTED = 2,       /* body: selected flows of a datagram, see flow/selected.h */
	RECORD_TEMPLATES = 3,      /* body: template definitions */
	RECORD_EVENT = 4,          /* body: see log/event.h */
	RECORD_SEAL = 5,           /* the last record of a segment that ended well */
	RECORD_SOURCES = 6,        /* archive: nodes, lanes and incarnations that witnesses refer to */
	RECORD_ENTRIES = 7,        /* archive: what is known of datagrams; their payloads follow */
	RECORD_ARCHIVED_EVENT = 8, /* archive: an event record and where it stood */
	RECORD_PAYLOADS = 9,       /* archive: payloads of the datagrams of the record before it */
	RECORD_RANGES = 10,        /* archive: record sequences read, and found damaged, of one source */
	RECORD_SAMPLING = 11,      /* archive: sampling intervals that hold for datagrams of the window */
	RECORD_CONTENTS = 12,      /* archive: how much of what the file holds */
};

enum record_flag {
	RECORD_CUT = 1,       /* the datagram was longer than the receive buffer */
	RECORD_MALFORMED = 2, /* its header or set lengths contradict its length */
	RECORD_PROBATION = 4, /* templates: their exporters were not known for long */
};

struct record {
	enum record_type type;
	uint8_t flags;
	uint16_t listener; /* index of the listener in the node's configuration */
	uint16_t port;     /* exporter's; 0 where there is none */
	uint64_t sequence;
	wall_t time;         /* datagram: received; else: written */
	struct addr addr;    /* exporter's; zero where there is none */
	const uint8_t *body; /* borrowed from whoever made the record */
	uint32_t len;        /* of the body, without padding */
	uint32_t body_crc;   /* as stored */
};

struct seal {
	uint64_t count;       /* records before the seal */
	uint64_t first, last; /* their first and last sequence; last = first - 1 when there is none */
	uint64_t length;      /* bytes before the seal */
	struct sha256 digest; /* SHA-256 over the SHA-256 of each chunk of those bytes */
	uint64_t
	    previous_number;    /* segment of this lane whose seal_digest follows; UINT64_MAX: none, zeros */
	struct sha256 previous; /* covers that seal's own `previous` too: a chain */
};

#define SEAL_BODY_SIZE (5 * 8 + 2 * SHA256_SIZE + 8)
#define SEAL_RECORD_SIZE (RECORD_HEADER_SIZE + SEAL_BODY_SIZE)

/* Both copies of the header. */
void segment_header_write(const struct segment_header *h, uint8_t out[SEGMENT_RECORDS_AT]);

/* One copy. ERR_CUT, ERR_MALFORMED (no magic, a field out of range), ERR_CHECKSUM, ERR_UNKNOWN (version,
 * incompatible feature, header size). */
enum err segment_header_read(const uint8_t *bytes, size_t len, struct segment_header *ret) WARN_UNUSED;

/* The CRC state that every record CRC of an incarnation starts from. */
uint32_t record_seed(uint64_t incarnation);

/* Bytes that a record with a body of len bytes takes, padding included. */
static inline size_t
record_size(size_t len)
{
	return RECORD_HEADER_SIZE + ((len + 7) & ~(size_t)7);
}

/* The CRC over a body and the zero padding behind it. */
uint32_t record_body_crc(uint32_t seed, const void *body, size_t len);

/* Writes the header; r->body_crc must be set. */
void record_header_write(const struct record *r, uint32_t seed, uint8_t out[RECORD_HEADER_SIZE]);

/* Reads a header of RECORD_HEADER_SIZE bytes; body becomes NULL. ERR_MALFORMED: no mark, type 0, too long,
 * a reserved byte set; ERR_CHECKSUM. For speed *ret is written in these cases too, and means nothing. */
enum err record_header_read(const uint8_t *bytes, uint32_t seed, struct record *ret) WARN_UNUSED;

void seal_write(const struct seal *s, uint8_t out[SEAL_BODY_SIZE]);
/* ERR_CUT, ERR_MALFORMED (longer, a reserved byte set). */
enum err seal_read(const uint8_t *body, size_t len, struct seal *ret) WARN_UNUSED;

/* What the next seal of the lane carries as `previous`: SHA-256 of this seal's body. */
struct sha256 seal_digest(const struct seal *s);

/* The whole seal record as it ends a segment. */
void seal_record_write(
    const struct seal *s, uint64_t sequence, wall_t time, uint32_t seed, uint8_t out[SEAL_RECORD_SIZE]);

#endif
