/* SPDX-License-Identifier: ISC
 *
 * The sets of a v9 or IPFIX datagram, one after the other (RFC 3954 section 5, RFC 7011 section 3.3).
 * The count in v9's header is not believed. Up to three zero bytes behind the last set are padding.
 * Datagrams of other protocols have no sets.
 */
#ifndef FLOWBRAID_WIRE_SETS_H
#define FLOWBRAID_WIRE_SETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rd.h"
#include "wire/proto.h"

#define SET_HEADER_SIZE 4
#define SET_ID_DATA 256 /* ids from here on are those of data sets, and of templates */

enum set_kind { SET_TEMPLATE, SET_OPTIONS_TEMPLATE, SET_DATA, SET_RESERVED };

struct set {
	enum set_kind kind;
	uint16_t id;
	struct rd body; /* without the set's header */
	size_t offset;  /* of the set's header in the datagram */
};

struct sets {
	struct rd r;
	enum proto proto;
	bool stopped;           /* no next set can be found */
	enum proto_fault fault; /* the first; FAULT_LENGTH and FAULT_STRAY do not end the walk early */
};

void sets_init(struct sets *it, const struct proto_info *info, const uint8_t *payload, size_t len);

/* ERR_END behind the last set; ERR_MALFORMED, with it->fault, where no next set can be found. Either stays. */
enum err sets_next(struct sets *it, struct set *ret) WARN_UNUSED;

#endif
