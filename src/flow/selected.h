/* SPDX-License-Identifier: ISC
 *
 * The body of a record of selected flows: what a policy keeps of a datagram. It names the whole payload by its SHA-256,
 * holds the datagram's header, templates and options (the skeleton), so that nothing that is derived from them is lost,
 * and the flows that were chosen with the fields that were chosen, each by its place. flowbraid-segment(5) is
 * normative. What one node keeps and what another keeps of one datagram are united by place.
 *
 * Readers that do not know such records must not pass over them, since they would see gaps: a segment that holds any
 * has the incompatible feature SEGMENT_SELECTED (log/segment.h).
 *
 * A writer (or reader) is used for any number of bodies, one after the other, and allocates only to grow.
 *
 *	selected_begin(w, &head);
 *	selected_flow(w, &flow, tags, n_tags, keeps, ctx); ...          by place ascending
 *	e = selected_end(w, &body);
 */
#ifndef FLOWBRAID_FLOW_SELECTED_H
#define FLOWBRAID_FLOW_SELECTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "flow/flow.h"
#include "wire/proto.h"

#define SELECTED_MOST (704u << 10)               /* bytes of a body */
#define SELECTED_TAGS_MOST 255                   /* of a flow */
#define SELECTED_IDENTITY_SIZE (SHA256_SIZE + 2) /* a body begins with that */
#define SELECTED_RECORDS_UNKNOWN UINT32_MAX
/* Not known, as the header was made of flows alone: it tells nothing of what is missing. */
#define SELECTED_RECORDS_REBUILT (UINT32_MAX - 1)

enum selected_flag {            /* on disk */
	SELECTED_UNDECODED = 1, /* parts could not be decoded: flows of them may be missing */
	SELECTED_TOO_MANY = 2,  /* united copies were longer than a body can be: no flow is kept */
};

struct selected_head {
	struct sha256 digest;    /* of the whole payload */
	uint16_t len;            /* of the whole payload */
	uint16_t flags;          /* enum selected_flag */
	uint32_t records;        /* data records in the payload, options included; or SELECTED_RECORDS_... */
	const uint8_t *skeleton; /* borrowed */
	uint16_t skeleton_len;
	struct proto_info info; /* what the header says; a writer does not need it */
};

/* --- writing --- */

struct selected_writer;
struct selected_writer *selected_writer_new(void); /* NULL: memory is out */
void selected_writer_free(struct selected_writer *w);

/* The skeleton is copied. */
void selected_begin(struct selected_writer *w, const struct selected_head *head);

/* A flow with those of its fields that keeps says yes to (NULL: all), which is asked once a template. Flows in the
 * order of the datagram, options records likewise (those that the skeleton has are not added). Tags in any order. */
typedef bool (*selected_keeps)(void *ctx, const struct tmpl_field *field);
void selected_flow(struct selected_writer *w, const struct flow *f, const uint32_t *tags, size_t n_tags,
    selected_keeps keeps, void *ctx);

/* The same field by field, for whoever has no struct flow and no datagram, and to whom a record's index is its place: a
 * record, then its fields by place ascending (place: in the
 * record's template, from 0). variable: as IPFIX's fields of variable length. */
void selected_record(
    struct selected_writer *w, bool options, uint32_t index, bool late, const uint32_t *tags, size_t n_tags);
void selected_field(struct selected_writer *w, uint16_t place, uint32_t pen, uint16_t id, bool variable,
    const void *bytes, uint16_t len);

/* Appends the body. ERR_LIMIT: it would be too long, or has a flow with too many tags: keep the datagram whole;
 * ERR_MALFORMED: not in order; ERR_MEMORY. */
enum err selected_end(struct selected_writer *w, struct buf *out) WARN_UNUSED;

/* All at once: the body of a datagram. flow: whether one is kept, and with which tags (room for SELECTED_TAGS_MOST);
 * options records are kept without asking, with all fields. *ret_complete: nothing in the datagram was passed over. */
struct selected_choice {
	void *ctx;
	bool (*flow)(void *ctx, const struct flow *f, uint32_t *tags, size_t *n_tags);
	selected_keeps field; /* may be NULL: all */
};
enum err selected_write(struct selected_writer *w, const uint8_t *payload, size_t len,
    const struct proto_info *info, const struct sha256 *digest, flow_resolve resolve, void *resolve_ctx,
    const struct selected_choice *choice, struct buf *out, bool *ret_complete) WARN_UNUSED;

/* --- reading --- */

struct selected_reader;
struct selected_reader *selected_reader_new(void); /* NULL: memory is out */
void selected_reader_free(struct selected_reader *r);

/* Checks the whole form, so that nothing fails afterwards. The body must live as long as it is read.
 * ERR_CUT, ERR_MALFORMED, ERR_MEMORY. */
enum err selected_open(struct selected_reader *r, const uint8_t *body, size_t len) WARN_UNUSED;
const struct selected_head *selected_head(const struct selected_reader *r);
uint32_t selected_count(const struct selected_reader *r, bool options);

/* Flows in the order of the datagram, then options records that are not in the skeleton; false behind the last. *ret lives until the next
 * call; it has no resolver. To decode the skeleton, too: decode_init_selected. */
bool selected_next(struct selected_reader *r, struct flow *ret);

/* --- choosing, uniting --- */

/* Appends what a choice leaves of a body: of its flows, with the tags that they have and get. As selected_end. r and w: for the
 * time of the call. */
enum err selected_choose(struct selected_reader *r, struct selected_writer *w, const uint8_t *body,
    size_t len, const struct selected_choice *choice, struct buf *out) WARN_UNUSED;

/* Appends the union of two bodies of one identity. Where they contradict each other the smaller bytes are kept, and
 * *ret_conflicts counts it; the union is commutative, associative and idempotent. ERR_CONFLICT: two identities.
 * Otherwise as selected_open. a and b: readers for the time of the call. */
struct selected_union {
	struct selected_reader *a, *b;
	struct selected_writer *w;
};
enum err selected_unite(const struct selected_union *u, const uint8_t *a, size_t a_len, const uint8_t *b,
    size_t b_len, struct buf *out, uint32_t *ret_conflicts) WARN_UNUSED;

#endif
