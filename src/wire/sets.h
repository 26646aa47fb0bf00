/* SPDX-License-Identifier: ISC
 *
 * The sets of a v9 or IPFIX datagram, one after the other (RFC 3954 section 5, RFC 7011 section 3.3).
 * The count in v9's header is not believed. Up to three bytes behind the last set count as padding.
 */
#ifndef FLOWBRAID_WIRE_SETS_H
#define FLOWBRAID_WIRE_SETS_H

#include <stddef.h>
#include <stdint.h>

#include "base/rd.h"
#include "wire/proto.h"

enum set_kind { SET_TEMPLATE, SET_OPTIONS_TEMPLATE, SET_DATA, SET_RESERVED };

struct set {
	enum set_kind kind;
	uint16_t id;
	struct rd body;  /* without the set's header */
	size_t offset;   /* of the set's header in the datagram */
};

struct sets {
	struct rd r;
	enum proto proto;
	enum proto_fault fault; /* why the walk ended early */
};

void sets_init(struct sets *it, const struct proto_info *info, const uint8_t *payload, size_t len);

/* ERR_END behind the last set; ERR_MALFORMED, with it->fault, where no next set can be found. */
enum err sets_next(struct sets *it, struct set *ret) WARN_UNUSED;

#endif
