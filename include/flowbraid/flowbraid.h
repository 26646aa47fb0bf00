/* SPDX-License-Identifier: ISC
 *
 * libflowbraid: reads the datagrams and flows of flowbraid's logs, segments and archives. See libflowbraid(3).
 *
 *	struct flowbraid_reader *r;
 *	const struct flowbraid_flow *flow;
 *
 *	if (flowbraid_reader_new(&r) != FLOWBRAID_OK) ...
 *	if (flowbraid_reader_open(r, "archive") != FLOWBRAID_OK) ... flowbraid_reader_error(r)
 *	while ((status = flowbraid_reader_next(r, &flow)) == FLOWBRAID_OK) ...
 *	flowbraid_reader_free(r);
 *
 * Threads: a reader, with all that it gave out, is used by one thread at a time. Different readers have nothing in common, and
 * may be used by different threads at once.
 *
 * Ownership: whatever a reader gives out is the reader's, and lives until the next call on it that takes it without const
 * (next, next_datagram, next_flow, open, select, free). Structs are made by the library alone, and may get members at their
 * ends, except for those that the caller provides: struct flowbraid_field and struct flowbraid_element stay as they are.
 *
 * Times are nanoseconds since 1970-01-01 UTC. Addresses are 16 bytes in network order, IPv4 as IPv4-mapped IPv6 (RFC 4291
 * section 2.5.5.2). Functions that answer an int without being a status answer 1 for yes and 0 for no, and write what they
 * return only with 1.
 */
#ifndef FLOWBRAID_FLOWBRAID_H
#define FLOWBRAID_FLOWBRAID_H

#include <stddef.h>
#include <stdint.h>

#include <flowbraid/version.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FLOWBRAID_API __attribute__((visibility("default")))
#define FLOWBRAID_WARN_UNUSED __attribute__((warn_unused_result))

enum flowbraid_status {
	FLOWBRAID_OK = 0,
	FLOWBRAID_END = 1,       /* nothing more to read; no fault */
	FLOWBRAID_CUT = 2,       /* a file ends before the thing does */
	FLOWBRAID_MALFORMED = 3, /* bytes, or an expression, that break the rules of their format */
	FLOWBRAID_UNKNOWN = 4,   /* neither log, segment nor archive, or of a version that is not known */
	FLOWBRAID_CHECKSUM = 5,  /* a CRC or digest does not match */
	FLOWBRAID_LIMIT = 6,     /* too long, or too deep */
	FLOWBRAID_MEMORY = 7,
	FLOWBRAID_SYSTEM = 8,    /* a system call failed */
	FLOWBRAID_BUSY = 9,      /* somebody else holds a lock */
	FLOWBRAID_CONFLICT = 10, /* inputs that cannot go together */
	FLOWBRAID_MISUSE = 11,   /* nothing is open, or a datagram is asked for before there is one */
};

enum flowbraid_protocol {
	FLOWBRAID_PROTOCOL_NONE = 0,
	FLOWBRAID_PROTOCOL_V1 = 1,
	FLOWBRAID_PROTOCOL_V5 = 5,
	FLOWBRAID_PROTOCOL_V7 = 7,
	FLOWBRAID_PROTOCOL_V8 = 8,     /* its records are not decoded */
	FLOWBRAID_PROTOCOL_V9 = 9,     /* RFC 3954 */
	FLOWBRAID_PROTOCOL_IPFIX = 10, /* RFC 7011 */
	FLOWBRAID_PROTOCOL_SFLOW = 105 /* sFlow.org, version 5 */
};

/* Abstract data types: RFC 7011 section 6.1; lists: RFC 6313. Of a field it is what its value can be read as, and says which
 * member of the value holds it. */
enum flowbraid_type {
	FLOWBRAID_OCTETS = 0, /* bytes alone; also what has a length that its element's type does not allow */
	FLOWBRAID_UNSIGNED = 1, /* u64 */
	FLOWBRAID_SIGNED = 2,   /* i64 */
	FLOWBRAID_FLOAT = 3,    /* f64 */
	FLOWBRAID_BOOLEAN = 4,  /* u64: 0 or 1 */
	FLOWBRAID_MAC = 5,      /* u64: 48 bits; bytes: 6 of them */
	FLOWBRAID_TEXT = 6, /* bytes: UTF-8 without a NUL behind it; zeros that filled it up are left out */
	FLOWBRAID_SECONDS = 7, /* time_ns; this and the next three differ in what the exporter could tell */
	FLOWBRAID_MILLISECONDS = 8, /* time_ns */
	FLOWBRAID_MICROSECONDS = 9, /* time_ns */
	FLOWBRAID_NANOSECONDS = 10, /* time_ns */
	FLOWBRAID_IPV4 = 11,        /* address */
	FLOWBRAID_IPV6 = 12,        /* address */
	FLOWBRAID_BASIC_LIST = 13,  /* bytes; flowbraid_flow_json shows what is in lists */
	FLOWBRAID_TEMPLATE_LIST = 14,
	FLOWBRAID_MULTI_LIST = 15,
	FLOWBRAID_ABSENT = 255 /* no bytes where the type has some: no value */
};

/* What is known of an information element. The texts are the library's and live as long as it. */
struct flowbraid_element {
	const char *name;      /* IANA's, or its owner's */
	const char *unit;      /* IANA's word, "octets"; "" when it has none */
	const char *semantics; /* "deltaCounter"; "" when it has none */
	uint32_t pen;          /* private enterprise number of its owner; 0: IANA's */
	uint16_t id;
	uint8_t type; /* enum flowbraid_type */
};

/* One field of a flow. */
struct flowbraid_field {
	union {
		uint64_t u64;
		int64_t i64;
		double f64;
		int64_t time_ns;
		uint8_t address[16];
	} value;
	const char *name; /* of its element, the library's; NULL: nobody knows it, see flowbraid_field_name */
	const char *unit; /* "" when it has none */
	const uint8_t *bytes; /* the value as it stands in the record */
	uint32_t pen;
	uint16_t id;
	uint16_t len;  /* of bytes */
	uint8_t type;  /* enum flowbraid_type: which member of value holds it */
	uint8_t scope; /* 1: a scope field of an options record (RFC 7011 section 3.4.2.1) */
};

struct flowbraid_datagram {
	const uint8_t
	    *payload;         /* as the exporter sent it; NULL: only flows that a policy selected were kept */
	size_t len;           /* of it, as it came */
	int64_t received_ns;  /* when it was heard; in an archive: the middle of what its witnesses say */
	int64_t export_ns;    /* the header's time, with has_export_time */
	uint8_t exporter[16]; /* who sent it */
	uint8_t agent[16];    /* sFlow: the agent that the header names; else zeros */
	uint32_t
	    domain; /* v5, v8: engine type * 256 + engine id; v9: source id; IPFIX: observation domain; sFlow:
	                       * sub-agent; else 0 */
	uint32_t sequence;                                 /* the header's, with has_sequence */
	uint32_t uptime_ms;                                /* the header's, with has_uptime */
	uint16_t port;                                     /* the exporter's */
	uint8_t protocol;                                  /* enum flowbraid_protocol */
	uint8_t has_export_time, has_sequence, has_uptime; /* 1: it has; 0: it has not */
	size_t witness_count;
	const char *const
	    *witnesses;  /* of an archive: sorted names of the nodes that heard it; NULL: not known */
	uint64_t number; /* counts the datagrams that the reader gave out, from 1 */
};

struct flowbraid_flow {
	const struct flowbraid_datagram *datagram;
	const uint8_t *record; /* the bytes that its fields stand in */
	size_t record_len;
	int64_t
	    start_ns; /* when it began and ended, from whatever fields tell it; valid when digits are not -1 */
	int64_t end_ns;
	int8_t
	    start_digits; /* decimals of a second that the time has: 0, 3, 6, 9; -1: the record does not say */
	int8_t end_digits;
	uint8_t options;      /* 1: an options data record, which is no flow */
	uint8_t late;         /* 1: its template came after it, or was heard by another node */
	uint32_t index;       /* place in its datagram, from 0 (options records count by themselves) */
	const uint32_t *tags; /* that a policy gave it, ascending */
	size_t tag_count;
};

struct flowbraid_reader;

/* The version of the library that runs; FLOWBRAID_VERSION is that of this header. */
FLOWBRAID_API const char *flowbraid_version(void);

/* FLOWBRAID_MEMORY is all that can go wrong. To be freed with flowbraid_reader_free, for which NULL is fine. */
FLOWBRAID_API enum flowbraid_status flowbraid_reader_new(
    struct flowbraid_reader **ret_reader) FLOWBRAID_WARN_UNUSED;
FLOWBRAID_API void flowbraid_reader_free(struct flowbraid_reader *r);

/* Only flows that match the expression, flowbraid-filter(7), from the next one on; NULL: all. FLOWBRAID_MALFORMED or
 * FLOWBRAID_LIMIT: it is none, flowbraid_reader_error says why and flowbraid_reader_error_column where; what was chosen
 * before still holds. */
FLOWBRAID_API enum flowbraid_status flowbraid_reader_select(
    struct flowbraid_reader *r, const char *expression) FLOWBRAID_WARN_UNUSED;

/* Only datagrams with from_ns <= received_ns < to_ns, of the paths opened from now on. INT64_MIN, INT64_MAX: no limit. Of an
 * archive, windows that lie beside the span are not read. */
FLOWBRAID_API void flowbraid_reader_span(struct flowbraid_reader *r, int64_t from_ns, int64_t to_ns);

/* Whether options data records are given out, too (0 at first). With an expression they never are. */
FLOWBRAID_API void flowbraid_reader_with_options(struct flowbraid_reader *r, int with);

/* Who is told of damage that is met, of the paths opened from now on: one line, "FILE: offset N: ...", which lives for the
 * call. What is whole is read all the same. The function must not use the reader. */
typedef void flowbraid_on_finding(void *ctx, const char *text);
FLOWBRAID_API void flowbraid_reader_on_finding(
    struct flowbraid_reader *r, flowbraid_on_finding *function, void *ctx);

/* Begins with the log folder, segment or archive at path, and ends the one before. A log is read once for its templates now,
 * and takes some 300 bytes of memory a datagram. */
FLOWBRAID_API enum flowbraid_status flowbraid_reader_open(
    struct flowbraid_reader *r, const char *path) FLOWBRAID_WARN_UNUSED;

/* The next datagram, whatever is in it; then flows begin with its first one. FLOWBRAID_END: the path has no more. */
FLOWBRAID_API enum flowbraid_status flowbraid_reader_next_datagram(
    struct flowbraid_reader *r, const struct flowbraid_datagram **ret_datagram) FLOWBRAID_WARN_UNUSED;

/* The next flow of the datagram at hand. FLOWBRAID_END: it has no more. */
FLOWBRAID_API enum flowbraid_status flowbraid_reader_next_flow(
    struct flowbraid_reader *r, const struct flowbraid_flow **ret_flow) FLOWBRAID_WARN_UNUSED;

/* The next flow, of this or a later datagram. FLOWBRAID_END: the path has no more. */
FLOWBRAID_API enum flowbraid_status flowbraid_reader_next(
    struct flowbraid_reader *r, const struct flowbraid_flow **ret_flow) FLOWBRAID_WARN_UNUSED;

/* What the last call that failed has to say, with the file; "" when none did. */
FLOWBRAID_API const char *flowbraid_reader_error(const struct flowbraid_reader *r);
/* Of an expression: where the fault is, in bytes from 1; else 0. */
FLOWBRAID_API size_t flowbraid_reader_error_column(const struct flowbraid_reader *r);

/* The file at hand; "" when none is. */
FLOWBRAID_API const char *flowbraid_reader_file(const struct flowbraid_reader *r);

/* Over all paths of the reader: damaged places met, and data sets that were skipped because nobody told their template. */
FLOWBRAID_API uint64_t flowbraid_reader_findings(const struct flowbraid_reader *r);
FLOWBRAID_API uint64_t flowbraid_reader_undecoded(const struct flowbraid_reader *r);

/* All fields, in the order of the template. FLOWBRAID_MEMORY is all that can go wrong. */
FLOWBRAID_API enum flowbraid_status flowbraid_flow_fields(const struct flowbraid_flow *f,
    const struct flowbraid_field **ret_fields, size_t *ret_count) FLOWBRAID_WARN_UNUSED;

/* The first field of that name ("octetDeltaCount", or "PEN/ID"), or of that element. 0: the flow has none. */
FLOWBRAID_API int flowbraid_flow_field(
    const struct flowbraid_flow *f, const char *name, struct flowbraid_field *ret_field);
FLOWBRAID_API int flowbraid_flow_element(
    const struct flowbraid_flow *f, uint32_t pen, uint16_t id, struct flowbraid_field *ret_field);

/* Its value alone. 0: the flow has no such field, or one of another type. */
FLOWBRAID_API int flowbraid_flow_u64(const struct flowbraid_flow *f, const char *name, uint64_t *ret_value);
FLOWBRAID_API int flowbraid_flow_i64(const struct flowbraid_flow *f, const char *name, int64_t *ret_value);
FLOWBRAID_API int flowbraid_flow_double(const struct flowbraid_flow *f, const char *name, double *ret_value);
FLOWBRAID_API int flowbraid_flow_time(const struct flowbraid_flow *f, const char *name, int64_t *ret_ns);
FLOWBRAID_API int flowbraid_flow_address(
    const struct flowbraid_flow *f, const char *name, uint8_t ret_address[16]);

/* The flow as one JSON object, as `flowbraid cat -F json` prints it, with a NUL behind it and no newline. NULL: memory is out.
 * ret_len may be NULL. */
FLOWBRAID_API const char *flowbraid_flow_json(const struct flowbraid_flow *f, size_t *ret_len);

/* A field's value as text: a number, an address, a time in ISO 8601, text itself, octets and lists in hexadecimal. Like
 * snprintf: at most size bytes are written, a NUL the last of them, and the answer is how long the whole is. */
FLOWBRAID_API size_t flowbraid_field_text(const struct flowbraid_field *field, char *text, size_t size);
/* Its name, or "PEN/ID" where it has none. Likewise; 80 bytes are enough. */
FLOWBRAID_API size_t flowbraid_field_name(const struct flowbraid_field *field, char *text, size_t size);

/* An address as text: dotted for an IPv4-mapped one. Likewise; 48 bytes are enough. */
FLOWBRAID_API size_t flowbraid_address_text(const uint8_t address[16], char *text, size_t size);
/* A time in ISO 8601, UTC, with so many decimals (0, 3, 6 or 9). Likewise; 40 bytes are enough. */
FLOWBRAID_API size_t flowbraid_time_text(int64_t ns, int digits, char *text, size_t size);

/* What is known of an element (RFC 7012 and its registry). 0: nothing. */
FLOWBRAID_API int flowbraid_element_by_name(const char *name, struct flowbraid_element *ret_element);
FLOWBRAID_API int flowbraid_element_by_id(uint32_t pen, uint16_t id, struct flowbraid_element *ret_element);

#ifdef __cplusplus
}
#endif

#endif
