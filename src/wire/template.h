/* SPDX-License-Identifier: ISC
 *
 * Template definitions: as they stand in a datagram, as canonical bytes for snapshots and archives, in parsed
 * form for decoding, and the bounded cache of those that a live node knows.
 */
#ifndef FLOWBRAID_WIRE_TEMPLATE_H
#define FLOWBRAID_WIRE_TEMPLATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/rd.h"
#include "wire/proto.h"
#include "wire/sets.h"
#include "wire/stream.h"

enum tmpl_kind { /* on disk */
	TMPL_DATA = 1,
	TMPL_OPTIONS = 2,
	TMPL_WITHDRAWN = 3, /* RFC 7011 section 8.1 */
};

/* One definition, and the datagram that brought it. */
struct tmpl_def {
	struct stream_key stream;
	uint16_t id;          /* withdrawal of all templates of a kind: 2 or 3 */
	uint8_t kind;         /* enum tmpl_kind */
	uint32_t sequence;    /* of that datagram */
	uint32_t uptime_ms;
	wall_t export_time;
	const uint8_t *bytes; /* the template record as on the wire, borrowed */
	uint16_t len;
};

/* Canonical bytes: equal definitions give equal ones. */
void tmpl_def_write(struct buf *b, const struct tmpl_def *def);
enum err tmpl_def_read(struct rd *r, struct tmpl_def *ret) WARN_UNUSED; /* bytes point into r's */

/* All definitions of one datagram, in order, without any cache. */
struct tmpl_defs {
	struct sets sets;
	struct set set;        /* the template set at hand */
	bool in_set;
	enum proto_fault fault;
	struct tmpl_def origin; /* what all of them share */
};
void tmpl_defs_init(struct tmpl_defs *it, const struct stream_key *stream, const struct proto_info *info, const uint8_t *payload, size_t len);
/* ERR_OK or ERR_END; a definition that is cut or empty is passed over with the rest of its set, and it->fault says so. */
enum err tmpl_defs_next(struct tmpl_defs *it, struct tmpl_def *ret) WARN_UNUSED;

#define TMPL_VARIABLE 65535
struct tmpl_field {
	uint32_t pen;    /* 0: IANA's, or for v9 its own numbers */
	uint16_t id;     /* without the enterprise bit */
	uint16_t len;    /* TMPL_VARIABLE: said in each record */
	uint32_t offset; /* in the record; only when no field before it is variable */
};
struct tmpl {
	enum proto proto;
	uint16_t id;
	uint8_t kind;
	bool variable;        /* has a field of variable length */
	uint16_t scope_count; /* of an options template: the first fields are scopes */
	uint16_t field_count;
	uint32_t record_len;  /* of a record; with variable fields: at least */
	struct tmpl_field fields[];
};
/* One allocation, free() it. ERR_MALFORMED for no fields, a length of 0, bytes that do not fit; ERR_UNKNOWN for a withdrawal. */
enum err tmpl_parse(const struct tmpl_def *def, struct tmpl **ret) WARN_UNUSED;

/* The definitions that hold now, of many streams; bounded. */
struct tmpl_cache;
struct tmpl_cache_limits { uint32_t streams, templates; /* templates: of one stream */ };
struct tmpl_cache_counters { uint64_t definitions, evicted_streams, refused_templates; };

struct tmpl_cache *tmpl_cache_new(const struct tmpl_cache_limits *limits);
void tmpl_cache_free(struct tmpl_cache *c);
/* Takes over every definition of the datagram. One that is repeated keeps its first origin, and costs no memory. */
enum err tmpl_cache_learn(struct tmpl_cache *c, const struct stream_key *stream, const struct proto_info *info, const uint8_t *payload, size_t len) WARN_UNUSED;
enum err tmpl_cache_put(struct tmpl_cache *c, const struct tmpl_def *def) WARN_UNUSED;
/* Every definition, by stream key and template id. The callback's error ends the walk and is returned. */
enum err tmpl_cache_each(struct tmpl_cache *c, enum err (*each)(void *ctx, const struct tmpl_def *def), void *ctx) WARN_UNUSED;
const struct tmpl_cache_counters *tmpl_cache_counters(const struct tmpl_cache *c);

#endif
