/* SPDX-License-Identifier: ISC
 *
 * Chosen fields of flows, as lines of comma-separated values (RFC 4180) or as JSON objects with these keys alone. A list of
 * names is read once; where its fields stand in the records of a template is found once for each template that a datagram
 * uses, and a flow allocates nothing.
 *
 * A name is an information element's, PEN/ID, or one of those that no record holds: exporter, received, flowStart and so on.
 */
#ifndef FLOWBRAID_FLOW_COLUMNS_H
#define FLOWBRAID_FLOW_COLUMNS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "flow/expr.h"
#include "flow/flow.h"

#define COLUMNS_MOST 256

struct columns;

/* names: divided by commas; NULL: those that CSV has by itself. ERR_MALFORMED, ERR_LIMIT: *ret_error says which name is wrong,
 * why, and what is spelled alike; ERR_MEMORY. */
enum err columns_parse(const char *names, struct columns **ret, struct expr_error *ret_error) WARN_UNUSED;
void columns_free(struct columns *c); /* NULL is fine */

/* Options records are shown only where the name "options" stands in the list. */
bool columns_show_options(const struct columns *c);

/* To be called for each new datagram: its templates may lie where another one's lay. */
void columns_datagram(struct columns *c);

/* The line of names. */
void columns_csv_header(const struct columns *c, struct buf *out);

/* One flow, a line. In CSV what it does not have is empty, in JSON it is left out. One thread at a time. */
void columns_csv(struct columns *c, const struct flow *f, struct flow_context *context, struct buf *out);
void columns_json(struct columns *c, const struct flow *f, struct flow_context *context, struct buf *out);

#endif
