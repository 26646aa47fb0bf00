/* SPDX-License-Identifier: ISC
 *
 * IPFIX messages as they are put together: header, sets, numbers of templates and sequence, a domain for each stream. What
 * records mean is ipfix_writer.c's. For the writer alone.
 */
#ifndef FLOWBRAID_FLOW_IPFIX_MESSAGE_H
#define FLOWBRAID_FLOW_IPFIX_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"
#include "wire/stream.h"

enum { IPFIX_SET_TEMPLATES = 2, IPFIX_SET_OPTIONS = 3 };

struct ipfix_domain {
	struct stream_key stream;
	uint32_t sequence;   /* data records so far */
	uint64_t generation; /* of the numbers that were told */
	struct buf told;     /* owned: a bit for each template */
	struct buf
	    described; /* owned: enterprise and number of the elements whose types were told, 8 bytes each */
	struct hash by_element;
};

struct ipfix_messages {
	struct ipfix_domain *domains; /* owned; domain n is in place n - 1 */
	size_t domain_count, domain_room;
	struct hash by_stream;
	size_t at; /* the domain at hand */
	/* Templates keep their number for the whole file (RFC 5655), and equal ones have it in all domains: some readers mix
	 * up domains otherwise. */
	struct buf specs;    /* owned: all, one behind the other, each behind the id of its kind of set */
	size_t *ends;        /* owned: where each ends; its number is IPFIX_TEMPLATE_FIRST and its place */
	size_t count, room;  /* of ends */
	struct hash by_spec; /* places */
	uint64_t generation; /* how often numbering began anew */
	uint32_t export_time;
	struct buf bytes; /* owned: the message that is open; empty: none is */
	size_t set_at;    /* where the open set begins; 0: none is */
	uint16_t set_id;
	uint32_t records; /* data records in the message */
	uint64_t closed;  /* messages */
};

void ipfix_messages_clear(struct ipfix_messages *m);

/* What follows is of this stream and time. Closes the open message when it is of another. */
enum err ipfix_messages_turn(struct ipfix_messages *m, const struct stream_key *stream, uint32_t export_time,
    struct buf *out) WARN_UNUSED;

#define IPFIX_TEMPLATE_FIRST 256

/* The number of a template, which is written unless the domain has it already. spec: what stands behind the number in a set of this kind.
 * ERR_LIMIT: it fits in no message, or there are no more numbers. */
enum err ipfix_messages_template(struct ipfix_messages *m, uint16_t set_id, const struct buf *spec,
    struct buf *out, uint16_t *ret_id) WARN_UNUSED;

/* A data record. ERR_LIMIT: it fits in no message. */
enum err ipfix_messages_record(
    struct ipfix_messages *m, uint16_t id, const struct buf *record, struct buf *out) WARN_UNUSED;

/* Between records: when numbers may run out within one, numbering begins anew, and each domain that was told the old ones
 * withdraws them before it goes on. *ret_anew: known numbers are void. */
enum err ipfix_messages_make_room(struct ipfix_messages *m, struct buf *out, bool *ret_anew) WARN_UNUSED;

/* Closes the open message. */
enum err ipfix_messages_flush(struct ipfix_messages *m, struct buf *out) WARN_UNUSED;

/* Makes an element, the types of which have to be told, one that was. *ret_is_new: it was not. */
enum err ipfix_messages_describe(
    struct ipfix_messages *m, uint32_t pen, uint16_t id, bool *ret_is_new) WARN_UNUSED;

#endif
