/* SPDX-License-Identifier: ISC
 *
 * The union of any logs and archives: every distinct datagram once with all its witnesses, every event, every
 * template definition, what was read of each source and what was damaged. Adding is set union, so neither the
 * order of inputs nor doubles matter. After pool_close everything stands in canonical order, and whatever is
 * derived from it (archive/plan, the ledger, windows) is the same for everybody who has the same inputs.
 *
 * Payloads stay in the files: a pool keeps where they stand, and reads them again when asked. What it keeps for each
 * datagram and hearing lies in memory that spills (base/spill), so a pool may be larger than what the process may hold.
 */
#ifndef FLOWBRAID_ARCHIVE_POOL_H
#define FLOWBRAID_ARCHIVE_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "archive/input.h"
#include "archive/records.h"
#include "base/hash.h"
#include "flow/selected.h"
#include "flow/seq.h"
#include "log/check.h"
#include "wire/proto.h"
#include "wire/stream.h"
#include "wire/template.h"

#define POOL_NONE UINT32_MAX

struct pool_source {
	struct source id;
	uint32_t node;       /* index into nodes, after close */
	struct seq_set read; /* record sequences that were read */
	struct seq_set
	    lost; /* ... that are known to have existed and are damaged; after close: none of read */
	struct damaged
	    *damaged; /* owned; damaged records whose headers are sound; after close: none of read */
	size_t damaged_count, damaged_room;
	int64_t first_ns, last_ns; /* times of its first and last record */
};

struct pool_datagram {
	struct digest128 digest;
	struct addr addr;
	uint16_t port;
	uint8_t flags;   /* enum record_flag, union over hearings */
	bool defines;    /* holds template definitions */
	bool stopped;    /* its sets do not reach its end */
	uint32_t len;    /* of the payload, or of what stands in its place */
	uint32_t file;   /* index into files: where one copy stands; POOL_NONE: in bodies */
	uint32_t within; /* its place in the chunk whose record begins at offset; or POOL_NONE */
	uint64_t offset; /* in the file: of the payload itself, or of that record */
	uint32_t stream; /* index into streams */
	uint32_t sets;   /* index into set_lists: its data sets */
	uint32_t sequence, units, uptime_ms;
	int64_t export_ns;
	bool data;              /* bears data */
	uint32_t selected;      /* index into selected: flows stand in place of the payload; or POOL_NONE */
	uint32_t place, places; /* first of the definitions that it brings, and how many */
	uint32_t hearing;       /* before close: last of its chain; after: first in witnesses */
	uint32_t hearings;      /* after close: how many */
	int64_t time_ns;        /* after close: lower median over nodes of their earliest hearing */
};

/* Selected flows of a datagram. After close there is one for each datagram that no input has whole. */
struct pool_selected {
	struct sha256 sha256; /* of the payload */
	uint16_t len;         /* of the payload */
	uint32_t records;     /* in it, as struct selected_head has it */
	bool chosen;          /* a policy of the archive has chosen them already */
	uint32_t copy; /* after close: first of the copies whose union it is; POOL_NONE: it stands as it is */
};

struct pool_copy {
	uint32_t file, within; /* as a datagram's */
	uint64_t offset;
	uint32_t len;
	uint32_t next; /* POOL_NONE: none */
};

struct pool_event {
	uint32_t source;
	uint64_t sequence;
	int64_t time_ns;
	size_t at; /* of its body in bytes */
	uint32_t len;
};

struct pool_definition {
	size_t at; /* of its canonical bytes (tmpl_def_write) in bytes */
	uint32_t len;
	uint32_t stream; /* index into streams */
	bool snapshot;   /* a node's snapshot holds it: the datagram may not be among the inputs */
	bool elsewhere;  /* a datagram of another shard brings it */
};

/* A datagram brings that definition, behind so many of its data sets. */
struct pool_place {
	uint32_t definition, data_sets;
};

struct pool_stream {
	struct stream_key key;
};

struct pool_set_list {
	uint32_t at, count;
}; /* in sets */

struct pool_set {
	uint16_t id, len; /* len: without the set's header */
};

struct pool_file {
	bool left_out; /* not read (pool_add_rest) */
	struct input *input;
	struct input_file *file;
	uint32_t seed; /* of its records' checksums */
	bool whole;    /* a window of a former archive (see lazy), sealed and without a finding */
	uint64_t size;
	struct digest128 sum; /* of such a one: see window_sum */
};

/* Datagrams and events whose archive time lies in [from_ns, to_ns). */
struct pool_span {
	int64_t from_ns, to_ns; /* INT64_MIN, INT64_MAX: no limit on that side */
};

struct policy;
struct plan;

struct pool_bytes {
	uint8_t *data;
	size_t len, room;
};

struct pool {
	char cluster[SEGMENT_NAME_SIZE]; /* "" until the first input */
	struct input **inputs;
	size_t input_count;      /* owned */
	struct input_open *turn; /* owned; of their files */
	struct pool_file *files;
	size_t file_count, file_room;
	struct pool_source *sources;
	size_t source_count, source_room;
	char (*nodes)[SEGMENT_NAME_SIZE];
	size_t node_count; /* after close; sorted */
	struct pool_datagram *datagrams;
	size_t datagram_count, datagram_room; /* after close: by time, address, port, digest, payload */
	struct witness *witnesses;
	size_t witness_count, witness_room; /* after close: by datagram */
	uint32_t *chain;
	size_t chain_room; /* before close: next hearing of the same datagram */
	struct pool_event *events;
	size_t event_count, event_room;
	struct pool_definition *definitions;
	size_t definition_count, definition_room;
	struct pool_place *places;
	size_t place_count, place_room;
	struct pool_stream *streams;
	size_t stream_count, stream_room;
	struct pool_set_list *set_lists;
	size_t set_list_count, set_list_room;
	struct pool_set *sets;
	size_t set_count, set_room;
	struct pool_selected *selected;
	size_t selected_count, selected_room;
	struct pool_copy *copies;
	size_t copy_count, copy_room;
	struct pool_selecting *selecting; /* owned; NULL: nothing is selected */
	struct pool_bytes bodies;         /* of selected flows that stand in no file: what a policy left */
	uint64_t selected_conflicts;      /* after close: datagrams whose copies contradict each other */
	struct chunks *chunks;            /* owned */
	/* The caller's: the part of all datagrams that is kept, before anything is added; and, for the next pool_add, whether
	 * payloads of windows are left where they are until they are asked for. */
	struct manifest_shard shard;
	bool lazy;
	struct policy *policy;   /* the caller's, before close: what is kept of each datagram; NULL: all */
	struct pool_bytes bytes; /* bodies of events and definitions */
	struct hash by_source, by_digest, by_stream, by_definition, by_set_list, by_identity;
	uint64_t findings; /* damage seen while adding */
	uint64_t records;  /* good records read */

	/* What is asked for. All is what pool_init sets; else set before pool_add. */
	struct pool_span span;
	bool
	    needed_windows; /* of an archive, windows without a part in the span are left out: right for one that stands alone */
	int64_t margin_ns;             /* ... in the span with that much before and behind it */
	bool sampled;                  /* a datagram that was read names what options told of sampling */
	size_t first, end;             /* after close: datagrams of the span */
	size_t event_first, event_end; /* after close: events of the span */
};

/* What one file holds, as it stands there. */
struct pool_tally {
	const struct segment_header *head; /* NULL: neither copy could be read */
	struct check_result result;
	const uint32_t
	    *sources; /* whose records it holds, or lists: indexes into the pool's sources; for the call */
	size_t source_count;
	uint64_t datagrams, hearings, events;
	uint64_t selected; /* datagrams that are not whole */
	uint64_t payload_bytes;
	int64_t first_ns, last_ns; /* of its datagrams and events; first > last: it has none */
};

/* Told of each finding while a file is read, and of each file when it was. */
struct pool_report {
	void *ctx;
	void (*finding)(void *ctx, const char *path, const struct finding *f);
	void (*progress)(void *ctx, uint64_t bytes);                                    /* may be NULL */
	void (*file)(void *ctx, const struct pool_file *f, const struct pool_tally *t); /* may be NULL */
};

void pool_init(struct pool *p);
void pool_clear(struct pool *p);

/* Adds everything that the path holds. *ret_why: text for the message, when not ERR_OK (path and reason).
 * ERR_CONFLICT: another cluster's. The files stay open to the pool until pool_clear. */
enum err pool_add(
    struct pool *p, const char *path, const struct pool_report *report, struct buf *ret_why) WARN_UNUSED;

/* The windows that pool_add has left out. */
enum err pool_add_rest(struct pool *p, const struct pool_report *report, struct buf *ret_why) WARN_UNUSED;

/* Whether a file of an archive may hold something of the span. */
bool pool_needs(const struct input *in, const struct input_file *f, const struct pool_span *span);

/* Puts everything in canonical order: sources, witnesses, events, datagrams. No pool_add afterwards. */
enum err pool_close(struct pool *p) WARN_UNUSED;

/* Makes whole datagrams into what the policy leaves of them, decoded as the plan has it, and puts all in order again: the
 * plan is to be made anew. Those that cannot be decoded wholly stay whole unless the policy drops them. *ret_moved (the caller's
 * to spill_free; may be NULL): the new place of each datagram. */
enum err pool_apply_policy(struct pool *p, const struct plan *plan, uint32_t **ret_moved) WARN_UNUSED;

/* The payload of a datagram, or the body of its selected flows, valid until the next call that is not for the same datagram. Checked against its digest:
 * ERR_CHECKSUM when the file changed meanwhile. */
enum err pool_payload(struct pool *p, const struct pool_datagram *d, const uint8_t **ret) WARN_UNUSED;

/* Where the datagram with that digest stands, after pool_index; POOL_NONE: nowhere. */
enum err pool_index(struct pool *p) WARN_UNUSED;
uint32_t pool_find(const struct pool *p, const struct digest128 *digest);
/* ... and where that does which these selected flows are of; it may have others. */
uint32_t pool_find_selected(
    const struct pool *p, const struct addr *addr, uint16_t port, const struct selected_head *h);

/* The payload, unchecked. */
enum err pool_peek(const struct pool *p, const struct pool_datagram *d, const uint8_t **ret) WARN_UNUSED;

/* How many distinct nodes heard it. */
size_t pool_nodes_of(const struct pool *p, const struct pool_datagram *d);

#endif
