/* SPDX-License-Identifier: ISC
 *
 * The datagrams of a window, as it holds them: in pairs of records. The first has an entry for each datagram, with
 * all that is known of it; the second has their payloads, one behind the other, compressed together
 * (flowbraid-archive(5) is normative). So what a merge or an index wants to know is read without a payload, and
 * damage costs one pair.
 */
#ifndef FLOWBRAID_ARCHIVE_ENTRY_H
#define FLOWBRAID_ARCHIVE_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "archive/records.h"
#include "flow/selected.h"
#include "wire/proto.h"

/* A pair is cut behind the datagram with which its payloads, or its entries, have reached this. */
#define CHUNK_AIM (256u << 10)
#define CHUNK_MOST (CHUNK_AIM + SELECTED_MOST)
/* More witnesses of a datagram go on in further entries, so that a record holds any. */
#define ENTRY_WITNESSES 8192

#define ENTRY_HEAD_SIZE 84
#define ENTRY_AGENT_SIZE 16                   /* behind it, of sFlow */
#define ENTRY_SELECTED_SIZE (SHA256_SIZE + 8) /* then, of selected flows */
#define ENTRY_SET_SIZE 8
#define ENTRY_DEFINITION_SIZE 6

struct entry {
	int64_t time_ns;
	struct digest128 digest;
	struct addr addr;
	uint16_t port;
	uint16_t len;           /* of the payload as it came */
	uint8_t flags;          /* enum record_flag, of all hearings */
	bool more;              /* only more witnesses of the entry before it */
	bool defines;           /* the datagram has template sets */
	bool stopped;           /* ... and its sets do not reach its end */
	struct proto_info info; /* proto, agent, domain, sequence, count, uptime and export time */
	bool selected;          /* selected flows stand in place of the payload: */
	uint32_t body_len;      /* so many bytes */
	uint32_t records;       /* of the payload, as struct selected_head has it */
	struct sha256 sha256;   /* of the payload */
	uint32_t sampling;      /* place of the state in the file's table; REF_NONE: none is known */
	uint32_t set_count, definition_count, witness_count;
	struct rd sets;        /* struct entry_set each: its data sets, in order */
	struct rd definitions; /* struct entry_definition each: what it brings, in order */
	struct rd witnesses;   /* WITNESS_SIZE each */
};

struct entry_set {
	uint16_t id;
	uint16_t len; /* without the set's header */
	uint32_t ref; /* place of the definition in the file's table, REF_NONE, or with REF_LATE */
};

struct entry_definition {
	uint32_t at;        /* place in the file's table */
	uint16_t data_sets; /* that stand before it in the datagram */
};

/* Bytes of it among the payloads. */
static inline uint32_t
entry_bytes(const struct entry *e)
{
	return e->selected ? e->body_len : e->len;
}

/* The head; the caller appends sets, definitions and witnesses, as many as are counted. */
void entry_write_head(struct buf *b, const struct entry *e);
void entry_write_set(struct buf *b, const struct entry_set *s);
void entry_write_definition(struct buf *b, const struct entry_definition *d);

/* The next entry of a record's body. ERR_END: none is left; ERR_CUT; ERR_MALFORMED: it says what cannot be. */
enum err entry_read(struct rd *r, struct entry *ret) WARN_UNUSED;
void entry_read_set(struct rd *sets, struct entry_set *ret);
void entry_read_definition(struct rd *definitions, struct entry_definition *ret);

/* What a datagram's header says; nothing (PROTO_NONE) where it is cut or unknown: it belongs to no stream. */
struct proto_info entry_info(const uint8_t *payload, size_t len);

/* Whether that is what the entry says. r: for selected flows; may be NULL for others. */
bool entry_fits(const struct entry *e, const uint8_t *payload, struct selected_reader *r);

/* A body of payloads. */
struct chunk {
	uint8_t codec; /* enum compress_codec */
	uint32_t size; /* of the payloads, uncompressed */
	const uint8_t *bytes;
	size_t len;
};
#define CHUNK_HEAD_SIZE 8
void chunk_write_head(struct buf *b, uint8_t codec, uint32_t size);
enum err chunk_read(const uint8_t *body, size_t len, struct chunk *ret) WARN_UNUSED;

/* A reader of files meets the two records one after the other. */
struct pair {
	struct buf entries;                /* owned; a copy of the first record's body; empty: none waits */
	uint64_t size;                     /* of the payloads, as the entries have it */
	struct buf bytes;                  /* owned; the payloads, when they were opened */
	struct decompressor *decompressor; /* owned */
};
#define PAIR_INIT \
	{ \
		.entries = BUF_INIT, .bytes = BUF_INIT \
	}
void pair_clear(struct pair *p);
static inline bool
pair_waits(const struct pair *p)
{
	return p->entries.len > 0;
}
static inline void
pair_drop(struct pair *p)
{
	buf_reset(&p->entries);
}

/* The first record. ERR_CUT or ERR_MALFORMED: not all of it can be read as entries; then none waits. */
enum err pair_take(struct pair *p, const uint8_t *body, size_t len) WARN_UNUSED;

/* Whether a body is that of the payloads that wait. */
enum err pair_match(const struct pair *p, const uint8_t *body, size_t len, struct chunk *ret) WARN_UNUSED;

/* ... and uncompressed: p->bytes. */
enum err pair_open(struct pair *p, const struct chunk *c) WARN_UNUSED;

#endif
