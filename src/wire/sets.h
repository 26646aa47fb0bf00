/* SPDX-License-Identifier: ISC
 *
 * The sets of a datagram, one after another: v9 flow sets and IPFIX sets as they stand; v1, v5 and v7 look
 * like one data set (its id is the version) whose template is built in, so that whoever decodes has one
 * path. v8 and sFlow have no sets here. Header counts are not trusted: lengths alone decide.
 */
#ifndef FLOWBRAID_WIRE_SETS_H
#define FLOWBRAID_WIRE_SETS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/rd.h"
#include "wire/proto.h"

#define SET_HEADER 4
#define SET_ID_FIRST_DATA 256

enum set_kind {
	SET_TEMPLATE,
	SET_OPTIONS_TEMPLATE,
	SET_DATA,
	SET_RESERVED, /* an id that means nothing in this protocol: skip */
};

struct set {
	enum set_kind kind;
	uint16_t id;
	struct rd body;  /* behind the set's header; borrowed from the payload */
	size_t offset;   /* of the set (its header, where it has one) in the payload */
};

struct sets {
	struct rd rest;
	const struct proto_info *info; /* borrowed */
	enum proto_fault fault;        /* the first that was met; FAULT_STRAY does not stop the walk's good end */
	bool done;
};

/* payload and info must outlive the walk. */
void sets_init(struct sets *s, const uint8_t *payload, size_t len, const struct proto_info *info);

/* ERR_OK: *ret is the next set. ERR_END: no more (s->fault may be FAULT_STRAY, FAULT_RECORDS_* or
 * FAULT_MESSAGE_LENGTH: what was given is usable all the same). ERR_MALFORMED: the rest is not to be had,
 * s->fault says why; from then on ERR_END. */
enum err sets_next(struct sets *s, struct set *ret) WARN_UNUSED;

#endif
