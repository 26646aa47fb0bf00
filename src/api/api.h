/* SPDX-License-Identifier: ISC
 *
 * Between the parts of libflowbraid: a reader and what it gave out last. Nothing here is shared by two readers.
 */
#ifndef FLOWBRAID_API_API_H
#define FLOWBRAID_API_API_H

#include <stdbool.h>

#include "archive/reader.h"
#include "flow/expr.h"
#include "flowbraid/flowbraid.h"

/* What the caller sees of a flow, and whose it is. */
struct api_flow {
	struct flowbraid_flow seen; /* first */
	struct flowbraid_reader *owner;
};

struct flowbraid_reader {
	struct reader_options options;
	bool with_options;
	flowbraid_on_finding *on_finding; /* may be NULL */
	void *on_finding_ctx;
	struct expr *expr;         /* owned; NULL: all flows */
	struct reader *reader;     /* owned; NULL: the next open makes one with the options */
	bool open;                 /* a path is, and is not over */
	uint64_t findings;         /* of readers that are gone */
	uint64_t undecoded;        /* of datagrams that are gone */
	struct reader_datagram at; /* the datagram at hand, when has_datagram */
	bool has_datagram;
	struct flow_context context; /* of it */
	struct flowbraid_datagram datagram;
	struct flow flow; /* the flow at hand */
	struct api_flow shown;
	struct flowbraid_field *fields; /* owned; of the flow at hand, when asked for */
	size_t field_room;
	struct buf json;  /* owned; likewise */
	struct buf line;  /* owned; a finding */
	struct buf error; /* owned; with a NUL behind it, unless empty */
	size_t column;
};

static inline struct flowbraid_reader *
api_owner(const struct flowbraid_flow *f)
{
	return ((const struct api_flow *)(const void *)f)->owner;
}

#endif
