/* SPDX-License-Identifier: ISC
 *
 * Template definitions: as they stand in a datagram, as canonical bytes for snapshots and archives, in parsed
 * form for decoding, and the bounded cache of those that a live node knows.
 *
 * A definition that no record could be decoded with (cut, no fields, no length, a length that no set can hold,
 * more than TMPL_FIELDS_MOST fields, an id below 256) is none here: it is passed over and said to be a fault.
 * Elements that nobody knows and odd lengths are kept.
 */
#ifndef FLOWBRAID_WIRE_TEMPLATE_H
#define FLOWBRAID_WIRE_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/rd.h"
#include "wire/proto.h"
#include "wire/sets.h"
#include "wire/stream.h"

#define TMPL_FIELDS_MOST 4096 /* the longest that are known have some 150 */

enum tmpl_kind { /* on disk */
	TMPL_DATA = 1,
	TMPL_OPTIONS = 2,
	TMPL_WITHDRAWN = 3, /* RFC 7011 section 8.1 */
};

/* One definition, and the datagram that brought it. */
struct tmpl_def {
	struct stream_key stream;
	uint16_t id;       /* withdrawal of all templates of a kind: 2 or 3 */
	uint8_t kind;      /* enum tmpl_kind */
	uint32_t sequence; /* of that datagram */
	uint32_t uptime_ms;
	wall_t export_time;
	const uint8_t *bytes; /* the template record as on the wire, borrowed */
	uint16_t len;
};

/* Canonical bytes: equal definitions give equal ones. */
void tmpl_def_write(struct buf *b, const struct tmpl_def *def);
/* bytes point into r's. ERR_CUT, or ERR_MALFORMED for what tmpl_def_write would not write: an unusable definition,
 * an id or kind that its bytes do not have, filler that is not 0. */
enum err tmpl_def_read(struct rd *r, struct tmpl_def *ret) WARN_UNUSED;
/* A total order: stream, id, kind, bytes, export time, sequence, uptime. 0: equal in everything. */
int tmpl_def_cmp(const struct tmpl_def *a, const struct tmpl_def *b);

/* All usable definitions of one datagram, in order, withdrawals too, without any cache. */
struct tmpl_defs {
	struct sets sets;
	struct set set; /* the template set at hand */
	bool in_set;
	const uint8_t *zeros;   /* where the zero bytes begin that this set ends with */
	enum proto_fault fault; /* the first */
	uint32_t data_sets;     /* those that stand before the definition at hand */
	uint32_t bad;           /* definitions passed over; the rest of a set counts as one */
	struct tmpl_def origin; /* what all of them share */
};
void tmpl_defs_init(struct tmpl_defs *it, const struct stream_key *stream, const struct proto_info *info,
    const uint8_t *payload, size_t len);
/* ERR_OK or ERR_END. An unusable definition is passed over, one that is cut with the rest of its set, and
 * it->fault says so. */
enum err tmpl_defs_next(struct tmpl_defs *it, struct tmpl_def *ret) WARN_UNUSED;

#define TMPL_VARIABLE 65535
#define TMPL_NO_FIELD 65535 /* no field's place */
struct tmpl_field {
	uint32_t pen;    /* 0: IANA's, or for v9 its own numbers */
	uint16_t id;     /* without the enterprise bit; v9's ids have 16 bits */
	uint16_t len;    /* TMPL_VARIABLE: said in each record; IPFIX only */
	uint32_t offset; /* in the record; right up to and including the first variable field */
	uint16_t again;  /* place of the next field that is this element, or TMPL_NO_FIELD */
	bool first;      /* no earlier field is this element */
	bool scope;      /* of an options template; in v9 its id is then a scope type, not an element */
};
struct tmpl {
	enum proto proto;
	uint16_t id;
	uint8_t kind;         /* TMPL_DATA or TMPL_OPTIONS */
	bool variable;        /* has a field of variable length */
	uint16_t scope_count; /* of an options template: the first fields are scopes */
	uint16_t field_count;
	uint32_t record_len; /* of a record; with variable fields: at least. Never 0 */
	struct tmpl_field fields[];
};
/* One allocation, for tmpl_free. ERR_MALFORMED: unusable, or id and kind are not what the bytes say; ERR_UNKNOWN: a
 * withdrawal. */
enum err tmpl_parse(const struct tmpl_def *def, struct tmpl **ret) WARN_UNUSED;
void tmpl_free(struct tmpl *t); /* NULL is fine */
/* Chains the fields of each element (again, first), for whoever makes a template itself. ERR_MEMORY. */
enum err tmpl_link_repeats(struct tmpl *t) WARN_UNUSED;

/* The built-in template of v1, v5 or v7 records; NULL for others. Not to be freed. The fields do not adjoin everywhere:
 * padding is left out, offsets count it. */
const struct tmpl *tmpl_static(enum proto proto);

/* Who may be pushed out, and who may push: the cache's owner knows the exporters. What is learnt of an exporter stands on
 * its account, as long as that has room; while the guard keeps that account, nobody else's definitions take its place. An
 * account is named by a number that is not 0; one that is closed takes nothing more and needs not be discharged. */
struct tmpl_guard {
	void *ctx;
	uint64_t (*owner)(void *ctx, const struct addr *exporter); /* 0: it has no account */
	bool (*keeps)(void *ctx, uint64_t owner);
	bool (*charge)(void *ctx, uint64_t owner, size_t bytes); /* false: no room, nothing is changed */
	void (*discharge)(void *ctx, uint64_t owner, size_t bytes);
	bool (*permits)(
	    void *ctx, const struct addr *exporter); /* one more definition that is new or changed */
};

/* The definitions that hold now, of many streams; bounded. A stream that is one too many takes the place of the
 * one whose definitions are longest ago, among those that the guard does not keep, and so does a definition among those
 * of its stream. Withdrawals change nothing: over UDP there are none (RFC 7011 section 8.4). */
struct tmpl_cache;
struct tmpl_cache_limits {
	uint32_t streams;
	uint32_t templates;      /* of one stream */
	size_t bytes;            /* of all definitions together, each with its cost; 0: TMPL_CACHE_BYTES */
	struct tmpl_guard guard; /* all NULL: nobody is kept, and everything permitted */
	uint64_t seed;           /* a secret, against streams that are chosen to collide */
};
#define TMPL_CACHE_BYTES ((size_t)16 << 20)
#define TMPL_CACHE_SHARES \
	16 /* with a guard, a stream has no more than this part of the bytes when they are scarce */
#define TMPL_CACHE_DEF_COST 192 /* no less than the memory that a definition takes besides its bytes */
/* Besides its definitions a stream is charged so much: who may keep all bytes cannot keep all streams. */
#define TMPL_CACHE_STREAM_CHARGE 2048
struct tmpl_cache_counters {
	uint64_t definitions; /* that were new or changed */
	uint64_t evicted_streams;
	uint64_t evicted_templates; /* of streams that stayed */
	uint64_t
	    refused_templates; /* longer than all may be together, not permitted, or all others are kept */
	uint64_t ignored_withdrawals;
};

struct tmpl_cache *tmpl_cache_new(const struct tmpl_cache_limits *limits); /* NULL: memory is out */
void tmpl_cache_free(struct tmpl_cache *c);
/* Takes over every definition of the datagram. One that is repeated keeps its first origin, and costs no memory.
 * ERR_MEMORY, or ERR_LIMIT when no stream is allowed. */
enum err tmpl_cache_learn(struct tmpl_cache *c, const struct stream_key *stream,
    const struct proto_info *info, const uint8_t *payload, size_t len) WARN_UNUSED;
enum err tmpl_cache_put(struct tmpl_cache *c, const struct tmpl_def *def) WARN_UNUSED; /* copies the bytes */
/* NULL when not held, or memory is out. Lives until the next learn, put or free. Parsed when first asked for; the
 * parsed form (some five times as long) is not counted as bytes. */
const struct tmpl *tmpl_cache_get(struct tmpl_cache *c, const struct stream_key *stream, uint16_t id);
/* Another number whenever a definition may have come, changed or gone. */
uint64_t tmpl_cache_state(const struct tmpl_cache *c);
/* How many definitions of a stream are held. */
uint32_t tmpl_cache_count(const struct tmpl_cache *c, const struct stream_key *stream);
/* Every definition, by stream key and template id. The callback's error ends the walk and is returned. */
enum err tmpl_cache_each(
    struct tmpl_cache *c, enum err (*each)(void *ctx, const struct tmpl_def *def), void *ctx) WARN_UNUSED;
const struct tmpl_cache_counters *tmpl_cache_counters(const struct tmpl_cache *c);

#endif
