/* SPDX-License-Identifier: ISC
 *
 * Flows of any protocol as IPFIX messages, one behind the other: what an IPFIX file is (RFC 5655). Each stream has an
 * observation domain of its own, numbered from 1 in the order in which they are met. A record keeps the fields of its own
 * template, in IPFIX's terms, and what only header and log knew is added behind them: exporter, times, sampling. A message
 * has the export time of its flows, since fields may count from it.
 *
 *	ipfix_writer_new(&w);
 *	for each datagram: ipfix_writer_datagram(w, templates_stay);
 *		for each flow: ipfix_writer_put(w, &flow, &context, &out);
 *	ipfix_writer_flush(w, &out);
 */
#ifndef FLOWBRAID_FLOW_IPFIX_WRITER_H
#define FLOWBRAID_FLOW_IPFIX_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "flow/flow.h"

struct ipfix_writer;

#define IPFIX_WRITER_MESSAGE_AIM 16384  /* a message that is so long is closed */
#define IPFIX_WRITER_MESSAGE_MOST 65507 /* longer ones fit in no datagram */

struct ipfix_writer_counters {
	uint64_t flows, options; /* data records written, of either kind */
	uint64_t types;          /* RFC 5610: descriptions of private elements */
	uint64_t messages, domains;
	uint64_t options_left_out; /* their scope has no form in IPFIX, or is a template that is not known */
	uint64_t too_long;         /* records that fit in no message */
	uint64_t lists_emptied;    /* structured data that is malformed, or of templates that are not known */
};

enum err ipfix_writer_new(struct ipfix_writer **ret) WARN_UNUSED;
void ipfix_writer_free(struct ipfix_writer *w); /* NULL is fine */

/* A new datagram begins: templates of the last one may be gone. templates_stay: those of this one live as long as it; those of
 * sFlow and of selected flows are made for each flow. */
void ipfix_writer_datagram(struct ipfix_writer *w, bool templates_stay);

/* Appends messages that are full to out. ERR_OK also when the record was left out, which is counted. */
enum err ipfix_writer_put(
    struct ipfix_writer *w, const struct flow *f, const struct flow_context *c, struct buf *out) WARN_UNUSED;

/* Appends the message that is not full. */
enum err ipfix_writer_flush(struct ipfix_writer *w, struct buf *out) WARN_UNUSED;

const struct ipfix_writer_counters *ipfix_writer_counters(const struct ipfix_writer *w);

#endif
