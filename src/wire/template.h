/* SPDX-License-Identifier: ISC
 *
 * Templates: how the records of a data set are laid out (RFC 3954 section 5.2, 6.1; RFC 7011 section 3.4).
 *
 * A definition (tmpl_def) is a template record as an exporter sent it, with its origin; it is what snapshots
 * and archives keep. A template (tmpl) is the parsed form for decoding. The cache of a live node holds
 * definitions, bounded, and parses one only when somebody asks for it.
 */
#ifndef FLOWBRAID_WIRE_TEMPLATE_H
#define FLOWBRAID_WIRE_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/rd.h"
#include "wire/proto.h"
#include "wire/sets.h"
#include "wire/stream.h"

#define TMPL_VARIABLE 65535   /* a field length: the record says (IPFIX, RFC 7011 section 7) */
#define TMPL_FIELDS_MOST 4096 /* more is refused; the longest known ones have some 150 */
#define TMPL_NO_FIELD 65535   /* no field's place */

/* Written to disk. */
enum tmpl_kind {
	TMPL_DATA = 0,
	TMPL_OPTIONS = 1,
	TMPL_WITHDRAWN = 2, /* IPFIX, field count 0; id 2 or 3: all templates, all options templates */
};

/* One definition with its origin. */
struct tmpl_def {
	struct stream_key stream;
	uint16_t id;
	uint8_t kind;        /* enum tmpl_kind */
	uint32_t sequence;   /* of the datagram that brought it */
	uint32_t uptime_ms;
	wall_t export_time;
	const uint8_t *bytes; /* borrowed: id, counts, field specifiers, as on the wire */
	uint16_t len;
};

/* Bytes of the canonical form before the definition's own: stream 40, id 2, kind 1, zero 1, sequence 4,
 * uptime 4, export time 8 (ns), length 2. Equal definitions give equal bytes. */
#define TMPL_DEF_HEAD (STREAM_KEY_SIZE + 22)
void tmpl_def_write(struct buf *b, const struct tmpl_def *d);
/* ret->bytes points into r's memory. ERR_CUT, or ERR_MALFORMED when it is no sound definition. */
enum err tmpl_def_read(struct rd *r, struct tmpl_def *ret) WARN_UNUSED;
/* Total order: stream, id, kind, bytes, export time, sequence, uptime. 0 means equal in everything. */
int tmpl_def_cmp(const struct tmpl_def *a, const struct tmpl_def *b);
/* Whether two definitions lay out records alike (id, kind and bytes), wherever they came from. */
bool tmpl_def_same_layout(const struct tmpl_def *a, const struct tmpl_def *b);

/* Walks all definitions of one datagram that can be used, withdrawals included; needs no cache. */
struct tmpl_defs {
	struct sets sets;
	struct rd body;        /* what is left of the current template set */
	struct tmpl_def def;   /* stream and origin, the same for all */
	enum set_kind kind;    /* of the current set */
	uint32_t bad;          /* definitions (or rests of sets) that were skipped as unusable */
};
void tmpl_defs_init(struct tmpl_defs *d, const struct stream_key *stream, const uint8_t *payload, size_t len,
    const struct proto_info *info);
enum err tmpl_defs_next(struct tmpl_defs *d, struct tmpl_def *ret) WARN_UNUSED; /* ERR_OK or ERR_END */

struct tmpl_field {
	uint32_t pen;     /* 0: IANA, and all of NetFlow v9 */
	uint16_t id;      /* without the enterprise bit; v9 ids have 16 bits */
	uint16_t len;     /* bytes, or TMPL_VARIABLE */
	uint16_t offset;  /* in the record; true up to and including the first variable field */
	uint16_t again;   /* the place of the next field with the same pen and id, or TMPL_NO_FIELD */
	bool first;       /* no earlier field has the same pen and id */
	bool scope;       /* a scope field of an options template (v9: id is a scope type, not an element) */
};

/* Parsed form: one allocation, freed with tmpl_free. */
struct tmpl {
	uint16_t id;
	uint8_t proto;        /* enum proto */
	uint8_t kind;         /* TMPL_DATA or TMPL_OPTIONS */
	uint16_t scope_count; /* the first so many fields are scope fields */
	uint16_t field_count;
	uint16_t record_len;  /* fixed: the length of a record; variable: the shortest possible. Never 0 */
	bool variable;
	struct tmpl_field fields[];
};

/* Refuses (ERR_MALFORMED) no fields, a record length of 0 or above 65535, lengths that do not fit, ids below
 * 256, variable length in v9; ERR_LIMIT more than TMPL_FIELDS_MOST; ERR_UNKNOWN withdrawals. Unknown
 * elements and odd lengths are kept. */
enum err tmpl_parse(const struct tmpl_def *d, struct tmpl **ret) WARN_UNUSED;
void tmpl_free(struct tmpl *t);

/* The built-in layout of v1, v5 or v7 records; NULL for others. Never freed. */
const struct tmpl *tmpl_static(enum proto p);

/* The cache of a live node. */
struct tmpl_limits {
	uint32_t streams;   /* streams with templates */
	uint32_t templates; /* of one stream */
	size_t bytes;       /* of all definitions together */
};
struct tmpl_stats {
	uint64_t learnt;     /* definitions that were new or changed */
	uint64_t bad;        /* definitions that could not be used */
	uint64_t withdrawn;  /* seen, and ignored: RFC 7011 section 8.4 has none over UDP */
	uint64_t full_streams, full_templates, full_bytes; /* a limit was reached */
	uint32_t streams;    /* held now */
	uint32_t templates;
	size_t bytes;
};
struct tmpl_cache;
struct tmpl_cache *tmpl_cache_new(const struct tmpl_limits *limits); /* NULL: memory is out */
void tmpl_cache_free(struct tmpl_cache *c);
const struct tmpl_stats *tmpl_cache_stats(const struct tmpl_cache *c);

/* Takes in every definition of a datagram. One that is held already keeps its first origin; a changed one
 * takes the place of the former. Does not allocate unless something is new. ERR_MEMORY only. */
enum err tmpl_cache_learn(struct tmpl_cache *c, const struct stream_key *stream, const struct proto_info *info,
    const uint8_t *payload, size_t len) WARN_UNUSED;
/* The same for one definition (loads a snapshot). The bytes are copied. ERR_MALFORMED, ERR_LIMIT, ERR_MEMORY. */
enum err tmpl_cache_put(struct tmpl_cache *c, const struct tmpl_def *d) WARN_UNUSED;
/* NULL when not held (or memory is out). Lives until the next learn, put or free. */
const struct tmpl *tmpl_cache_get(struct tmpl_cache *c, const struct stream_key *stream, uint16_t id);
/* Calls each for every definition, ordered by stream, then id; stops at the first answer that is not ERR_OK
 * and returns it. ERR_MEMORY when the order cannot be made. */
typedef enum err (*tmpl_each_fn)(void *ctx, const struct tmpl_def *d);
enum err tmpl_cache_each(struct tmpl_cache *c, tmpl_each_fn each, void *ctx) WARN_UNUSED;

#endif
