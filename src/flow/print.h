/* SPDX-License-Identifier: ISC
 *
 * Flows as text: JSON (one object a line), CSV (a fixed set of columns), a line for people to read.
 *
 *	struct flow_printer p;
 *	flow_printer_init(&p, FLOW_JSON);
 *	flow_print_header(&p, &out);
 *	for each datagram:
 *		flow_print_datagram(&p, &context, &info);
 *		for each flow:
 *			flow_print(&p, &flow, &out);    a whole line, newline included, is added to out
 *	flow_printer_clear(&p);
 */
#ifndef FLOWBRAID_FLOW_PRINT_H
#define FLOWBRAID_FLOW_PRINT_H

#include "base/addr.h"
#include "base/buf.h"
#include "base/clock.h"
#include "flow/flow.h"

enum flow_format { FLOW_TEXT, FLOW_JSON, FLOW_CSV };

/* What the datagram itself does not say about where its flows come from. Borrowed until the next datagram. */
struct flow_context {
	struct addr exporter;
	uint16_t port;
	wall_t received;              /* by a node, or the archive's time */
	const char *const *witnesses; /* names of nodes, sorted; NULL outside of archives */
	size_t witness_count;
};

struct flow_printer {
	enum flow_format format;
	struct buf head, tail; /* owned; what all flows of the datagram at hand share, before and behind their index */
};

void flow_printer_init(struct flow_printer *p, enum flow_format format);
void flow_printer_clear(struct flow_printer *p);

/* CSV: the line with the columns' names. Else nothing. */
void flow_print_header(const struct flow_printer *p, struct buf *out);

/* To be called before the flows of each datagram. */
void flow_print_datagram(struct flow_printer *p, const struct flow_context *context, const struct proto_info *info);
/* Options records are printed, too, when given: JSON marks them with "options":true, CSV passes over them. */
void flow_print(const struct flow_printer *p, const struct flow *flow, struct buf *out);

#endif
