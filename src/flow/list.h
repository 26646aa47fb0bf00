/* SPDX-License-Identifier: ISC
 *
 * Structured data (RFC 6313): the lists that an IPFIX field can hold. For the flow layer itself.
 *
 *	if (list_open(flow, type, bytes, len, &list))
 *		while (list_next_value(&list, &v)) ...                           a basicList
 *		while (list_next_part(&list, &part))                             the others
 *			while (list_next_record(&list, &part, &record)) ...      when part.tmpl is known
 */
#ifndef FLOWBRAID_FLOW_LIST_H
#define FLOWBRAID_FLOW_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rd.h"
#include "flow/element.h"
#include "flow/flow.h"

#define LIST_DEPTH_MOST 8 /* lists in lists; deeper ones are octets */

struct list {
	const struct flow *flow; /* whose field it is */
	enum element_type type;
	uint8_t semantic;
	struct tmpl_field field; /* of a basicList's values: pen, id and len; len may be TMPL_VARIABLE */
	struct rd rest;
};

/* Records of one template. */
struct list_part {
	uint16_t template_id;
	const struct tmpl *tmpl; /* NULL: not known */
	struct rd rest;
};

/* False when the list is malformed or too deep; otherwise all that is in it can be had. */
bool list_open(
    const struct flow *f, enum element_type type, const uint8_t *bytes, uint16_t len, struct list *ret);
/* Each is false at the end. */
bool list_next_value(struct list *l, struct flow_value *ret); /* ret->field points into l */
bool list_next_part(struct list *l, struct list_part *ret);
bool list_next_record(const struct list *l, struct list_part *part, struct flow *ret);

#endif
