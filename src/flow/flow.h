/* SPDX-License-Identifier: ISC
 *
 * One decoded flow: a view of a record's bytes through its template. Nothing is copied; a flow lives as long
 * as its datagram, the datagram's proto_info and the template do. Of sFlow, record and template are made for it
 * by decode_next and live until its next call (samples.h).
 */
#ifndef FLOWBRAID_FLOW_FLOW_H
#define FLOWBRAID_FLOW_FLOW_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/rd.h"
#include "wire/proto.h"
#include "wire/template.h"

/* decode_resolve's type; see decode.h */
typedef const struct tmpl *(*flow_resolve)(
    void *ctx, unsigned data_set_ordinal, uint16_t set_id, bool *ret_late);
#define FLOW_SUB_TEMPLATE UINT_MAX /* in place of the ordinal: for a list in the data set resolved last */

struct flow {
	const struct proto_info *info; /* borrowed, like all here */
	const struct tmpl *tmpl;
	struct rd record; /* exactly this record's bytes */
	uint32_t index;   /* place in the datagram among its flows (options records: among those), from 0 */
	uint16_t
	    at; /* where its record begins in the datagram, whatever else can be decoded; sFlow: its index */
	bool options;         /* an options data record: no flow */
	bool late;            /* its template came after it, or from another node */
	uint8_t depth;        /* of the list that it stands in; 0: in none */
	const uint32_t *tags; /* that a policy gave it, ascending */
	uint8_t tag_count;
	flow_resolve resolve; /* knows the templates of lists (RFC 6313); may be NULL */
	void *resolve_ctx;
};

struct sampling_state; /* flow/sampling.h */

/* What the datagram's record or the archive knows, besides the payload. Set it anew for each datagram:
 * c = (struct flow_context){.exporter = ...}. */
struct flow_context {
	struct addr exporter;
	uint16_t port;
	wall_t received;
	const char *const *witnesses; /* sorted node names; NULL: none to print */
	size_t n_witnesses;
	const void *hearings; /* JSON, what stands under that key; NULL: none to print */
	size_t hearings_len;
	const struct sampling_state *sampling; /* what options records told; NULL: nothing */
	/* what the printers keep from one flow of the datagram to the next */
	int64_t date_of; /* day since 1970, plus 1, whose date stands in date[]; 0: none */
	char date[10];
	uint16_t head_len;
	uint8_t head_kind;
	char head[320];
};

struct flow_value {
	const struct tmpl_field *field;
	const uint8_t *bytes;
	uint16_t len;
};

/* All fields of a flow, in the template's order. */
struct flow_walk {
	const struct flow *flow;
	struct rd rest;
	uint16_t at;
};

static inline void
flow_walk_init(struct flow_walk *w, const struct flow *f)
{
	w->flow = f;
	w->rest = f->record;
	w->at = 0;
}

/* RFC 7011 section 7: a length of one byte, or 255 and then one of two. */
static inline uint16_t
flow_variable_len(struct rd *r)
{
	uint8_t len = rd_u8(r);

	return len < 255 ? len : rd_u16(r);
}

/* False behind the last field. Built-in templates have holes, so of records of one length the place counts. */
static inline bool
flow_walk_next(struct flow_walk *w, struct flow_value *ret)
{
	const struct tmpl *t = w->flow->tmpl;
	const struct tmpl_field *field = &t->fields[w->at];
	const uint8_t *bytes;
	uint16_t len;

	if (w->at >= t->field_count)
		return false;
	len = field->len;
	if (!t->variable) {
		struct rd r = w->flow->record;

		rd_skip(&r, field->offset);
		bytes = rd_bytes(&r, len);
	} else {
		if (len == TMPL_VARIABLE)
			len = flow_variable_len(&w->rest);
		bytes = rd_bytes(&w->rest, len);
	}
	if (__builtin_expect(bytes == NULL, 0))
		return false;
	w->at++;
	ret->field = field;
	ret->bytes = bytes;
	ret->len = len;
	return true;
}

/* The first field that is this element. A v9 scope field is none. */
bool flow_get(const struct flow *f, uint32_t pen, uint16_t id, struct flow_value *ret);
/* The same as a number; false also when it is not 1 to 8 bytes long. */
bool flow_get_u64(const struct flow *f, uint32_t pen, uint16_t id, uint64_t *ret);

/* When the flow began and ended, absolute. False when the record does not say. *ret_digits (may be NULL):
 * decimals of a second that the time has (0, 3, 6, 9). */
bool flow_start(const struct flow *f, wall_t *ret, int *ret_digits);
bool flow_end(const struct flow *f, wall_t *ret, int *ret_digits);

/* Both, in one walk. */
struct flow_times {
	wall_t start, end;
	int start_digits, end_digits; /* -1: the record does not say */
};
void flow_times(const struct flow *f, struct flow_times *ret);

/* Output. Each appends one flow, newline included; out's sticky error tells when memory was out. Options records are
 * not written by flow_text; flow_json marks them with "options":true. CSV is columns.h's. */
void flow_json(const struct flow *f, struct flow_context *c, struct buf *out);
/* An object of those of its elements that left_out does not claim, without a newline. False: there are none. */
typedef bool flow_json_left_out(void *ctx, const struct flow_value *v);
bool flow_json_others(
    const struct flow *f, flow_json_left_out *left_out, void *ctx, struct flow_context *c, struct buf *out);
void flow_text(const struct flow *f, struct flow_context *c, struct buf *out);
void flow_tools(const struct flow *f, struct flow_context *c, struct buf *out); /* CSV as flow-tools has it */
void flow_tools_header(struct buf *out);
/* All that the flow tells, in several lines: by the element's name, with its unit. */
void flow_text_long(const struct flow *f, struct flow_context *c, struct buf *out);

#endif
