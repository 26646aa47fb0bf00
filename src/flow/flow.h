/* SPDX-License-Identifier: ISC
 *
 * A flow: one data record of a datagram, seen through its template. A view, that owns nothing: it holds as
 * long as the datagram's bytes and the template do. Nothing is decoded before somebody asks for it.
 */
#ifndef FLOWBRAID_FLOW_FLOW_H
#define FLOWBRAID_FLOW_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/rd.h"
#include "wire/proto.h"
#include "wire/template.h"

struct flow {
	const struct proto_info *info; /* of its datagram */
	const struct tmpl *tmpl;       /* v1, v5, v7: a static one, with IANA's numbers */
	struct rd record;              /* its bytes; all fields lie within */
	uint32_t index;                /* among the datagram's flows, or among its options records */
	bool options;                  /* an options record: says something about the exporter, is no flow */
	bool late;                     /* its template came after it */
};

/* One field of a record. */
struct flow_field {
	uint32_t pen;
	uint16_t id;          /* as element_find() wants them: see flow_element_of() for v9 */
	bool scope;           /* of an options record */
	const uint8_t *bytes;
	uint32_t len;
};

struct flow_fields {
	const struct flow *flow;
	struct rd r;
	uint16_t at;
};

void flow_fields_init(struct flow_fields *it, const struct flow *flow);
bool flow_fields_next(struct flow_fields *it, struct flow_field *ret);

/* The first field with this element; false when the template has none. */
bool flow_find(const struct flow *flow, uint32_t pen, uint16_t id, struct flow_field *ret);

/* When the flow began or ended, absolutely: from an absolute element, or from the exporter's uptime. False
 * when the record does not say. *ret_digits: decimals of a second that the exporter gave (0, 3, 6, 9). */
bool flow_start(const struct flow *flow, wall_t *ret, int *ret_digits);
bool flow_end(const struct flow *flow, wall_t *ret, int *ret_digits);

#endif
