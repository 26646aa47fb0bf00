/* SPDX-License-Identifier: ISC
 *
 * Event records: what happened to a node, so that the ledger can tell "the exporter was silent" from "the
 * node was down". A body is a kind and a list of (key, value); readers skip keys that they do not know.
 */
#ifndef FLOWBRAID_LOG_EVENT_H
#define FLOWBRAID_LOG_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/rd.h"

enum event_kind {                 /* on disk */
	EVENT_START = 1,          /* a collector began: TEXT version */
	EVENT_STOP = 2,           /* it ended in good order: counters */
	EVENT_HEARTBEAT = 3,      /* every 10 s: counters, STREAM... */
	EVENT_KERNEL_DROP = 4,    /* LISTENER (not when the host tells), COUNT, FROM, TO */
	EVENT_LOG_DROP = 5,       /* not recorded for want of disk: COUNT, FROM, TO */
	EVENT_CLOCK_STEP = 6,     /* STEP */
	EVENT_LINK = 7,           /* LISTENER, TEXT */
	EVENT_CONFIG = 8,         /* TEXT */
	EVENT_TAIL_CUT = 9,       /* at start: SEGMENT, OFFSET where it was cut, COUNT bytes cut */
	EVENT_LEFT_UNSEALED = 10, /* at start: SEGMENT, COUNT bytes of it, DIGEST */
	EVENT_REMOVED = 11,       /* by retention: SEGMENT, COUNT bytes of it, TEXT why, DIGEST of its seal */
	EVENT_DISK = 12,          /* it failed for a while: TEXT, COUNT failures, FROM, TO, UNSURE */
};

enum event_key {                /* on disk; u64 unless it says otherwise */
	EVENT_KEY_TEXT = 1,     /* text */
	EVENT_KEY_LISTENER = 2, /* index */
	EVENT_KEY_COUNT = 3,
	EVENT_KEY_FROM = 4,    /* wall ns */
	EVENT_KEY_TO = 5,      /* wall ns */
	EVENT_KEY_STEP = 6,    /* ns, two's complement */
	EVENT_KEY_SEGMENT = 7, /* number */
	EVENT_KEY_OFFSET = 8,
	EVENT_KEY_DIGEST = 9,     /* 32 bytes, SHA-256; EVENT_REMOVED: seal_digest, none if damaged */
	EVENT_KEY_UNSURE = 10,    /* bytes whose sync failed, when there are such */
	EVENT_KEY_DATAGRAMS = 16, /* recorded since start */
	EVENT_KEY_BYTES = 17,     /* their payloads */
	EVENT_KEY_REFUSED = 18,   /* source not allowed */
	EVENT_KEY_UNKNOWN = 19,   /* no known protocol */
	EVENT_KEY_MALFORMED = 20, /* recorded and flagged */
	EVENT_KEY_CUT = 21,       /* recorded and cut */
	EVENT_KEY_KERNEL_DROPS = 22,
	EVENT_KEY_LOG_DROPS = 23,
	EVENT_KEY_STREAM = 24, /* bytes: a stream key, u32 last sequence, u64 datagrams */
	EVENT_KEY_FAULT = 32,  /* and up: MALFORMED by reason, enum proto_fault from 1 on; left out when 0 */
	/* Limits: how often each was reached since the start; left out when 0. */
	EVENT_KEY_LIMITED = 48,            /* datagrams beyond an exporter's rate limit, not recorded */
	EVENT_KEY_EXPORTERS_EVICTED = 49,  /* forgotten for newcomers */
	EVENT_KEY_EXPORTERS_REFUSED = 50,  /* times that one had earned protection and there was no room */
	EVENT_KEY_STREAMS_EVICTED = 51,    /* forgotten for newcomers */
	EVENT_KEY_STREAMS_REFUSED = 52,    /* datagrams of streams not kept in mind */
	EVENT_KEY_TEMPLATES_EVICTED = 53,  /* streams that lost their templates to newcomers */
	EVENT_KEY_TEMPLATES_REPLACED = 54, /* templates forgotten for others of the same stream */
	EVENT_KEY_TEMPLATES_REFUSED = 55,  /* not kept in mind: too many at a time, or all room is taken */
};

const char *event_kind_name(enum event_kind kind); /* "start" ...; "event" when unknown */

void event_begin(struct buf *b, enum event_kind kind);
void event_put_u64(struct buf *b, enum event_key key, uint64_t v);
void event_put_bytes(struct buf *b, enum event_key key, const void *bytes, uint16_t len);
void event_put_text(struct buf *b, enum event_key key, const char *text); /* cut at 65,535 bytes */

struct event {
	uint16_t kind;
	struct rd items;
};

/* False when the body is too short to say a kind. */
bool event_init(struct event *e, const void *body, size_t len);
/* The next item; *value reads its bytes. False at the end, or where the list is cut. */
bool event_next(struct event *e, uint16_t *ret_key, struct rd *ret_value);
/* The first value of that key as a number; `otherwise` when there is none. */
uint64_t event_u64(const struct event *e, enum event_key key, uint64_t otherwise);

#endif
