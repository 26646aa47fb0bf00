/* SPDX-License-Identifier: ISC
 *
 * What the parts of the IPFIX writer share: ipfix_writer.c, which maps fields, and ipfix_types.c, which describes them.
 */
#ifndef FLOWBRAID_FLOW_IPFIX_WRITER_PRIVATE_H
#define FLOWBRAID_FLOW_IPFIX_WRITER_PRIVATE_H

#include "flow/ipfix_message.h"
#include "flow/ipfix_writer.h"

#define KNOWN_TEMPLATES 16

struct known_template { /* of the datagram at hand */
	const struct tmpl *tmpl;
	unsigned asked, with;
	uint16_t id;
};

struct ipfix_writer {
	struct ipfix_messages m;
	struct ipfix_writer_counters n;
	struct known_template known[KNOWN_TEMPLATES];
	size_t known_count;
	bool templates_stay;     /* of the datagram at hand; else none is known */
	struct buf record, spec; /* owned: what is being made */
	struct buf type;         /* owned: a record that describes an element */
	bool left_out, too_long; /* the record at hand */
};

void ipfix_put_variable(struct buf *b, const uint8_t *bytes, size_t len);

/* Tells what a private element is, once in each domain, if its name is known (RFC 5610). */
enum err ipfix_types_describe(struct ipfix_writer *w, uint32_t pen, uint16_t id, struct buf *out) WARN_UNUSED;

#endif
