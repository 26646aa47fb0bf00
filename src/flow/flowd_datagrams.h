/* SPDX-License-Identifier: ISC
 *
 * From flowd's records back to datagrams: those that came in one are a record of selected flows (flow/selected.h), with a header
 * of the protocol that they came by, as far as flowd kept what stood in it. How many flows a datagram had before flowd's filter is
 * not known.
 *
 * Which records came in one datagram: neighbours with the same agent, AGENT_INFO, FLOW_ENGINE_INFO and time of
 * reception. Without AGENT_INFO the header is that of IPFIX.
 *
 * Identity: where a sequence number and the agent's times tell datagrams apart (NetFlow v5, v7, v9), what the agent sent and flowd
 * kept, so that stores of two hosts that heard the same are found to be the same, whenever they heard it. Elsewhere equal records
 * may be different flows: there the time of reception belongs to it, and the how manieth of equal ones it is.
 */
#ifndef FLOWBRAID_FLOW_FLOWD_DATAGRAMS_H
#define FLOWBRAID_FLOW_FLOWD_DATAGRAMS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "flow/flowd_store.h"

#define FLOWD_DATAGRAM_MOST 1000 /* records in one */

struct flowd_datagram {
	struct addr exporter; /* all zero: flowd did not keep it */
	wall_t time;          /* of reception */
	uint32_t flows;
};

/* What could not be told as flowd has it. */
struct flowd_remarks {
	uint64_t
	    timeless; /* records without time of reception: the agent's is taken, or that of the record before */
	uint64_t agentless; /* records without an agent's address */
	uint64_t swapped;   /* engine types and ids that stood there in the other byte order, put right */
	uint64_t versions;  /* records of a NetFlow version that there is no header for: as IPFIX */
	uint64_t
	    fractions; /* records whose export time has a fraction of a second that their header has no place for */
	uint64_t sequences; /* records with a sequence number that their header has no place for (v1) */
};

struct flowd_datagrams;

/* begun: of the store, as flowd_store_begun says. NULL: memory is out. */
struct flowd_datagrams *flowd_datagrams_new(uint32_t begun);
void flowd_datagrams_free(struct flowd_datagrams *d);                  /* NULL is fine */
void flowd_datagrams_begun(struct flowd_datagrams *d, uint32_t begun); /* another store's records follow */

/* Whether a record belongs to those at hand. When not: take them before it is added. */
bool flowd_datagrams_fits(const struct flowd_datagrams *d, const struct flowd_record *r);
/* Copies what it needs. */
enum err flowd_datagrams_add(struct flowd_datagrams *d, const struct flowd_record *r) WARN_UNUSED;
/* Those at hand, as the body of a record of selected flows, which is appended. ERR_END: none are at hand. */
enum err flowd_datagrams_take(
    struct flowd_datagrams *d, struct flowd_datagram *ret, struct buf *body) WARN_UNUSED;

const struct flowd_remarks *flowd_datagrams_remarks(const struct flowd_datagrams *d);

#endif
