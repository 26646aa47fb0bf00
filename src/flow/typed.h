/* SPDX-License-Identifier: ISC
 *
 * A field's value in its own type, for programs; flow_json shows the same as text.
 */
#ifndef FLOWBRAID_FLOW_TYPED_H
#define FLOWBRAID_FLOW_TYPED_H

#include <stdbool.h>
#include <stdint.h>

#include "flow/element.h"
#include "flow/flow.h"

struct typed {
	const struct element *element; /* NULL: nobody knows it */
	enum element_type
	    type; /* which member holds it; ELEMENT_OCTETS, too, where the length is none of the element's type */
	bool absent; /* no bytes where the type has some */
	union {
		uint64_t u64; /* ELEMENT_UNSIGNED; ELEMENT_BOOLEAN as 0 and 1; ELEMENT_MAC */
		int64_t i64;
		double f64;
		wall_t time;
		struct addr addr; /* ELEMENT_IPV4, ELEMENT_IPV6 */
	};
	const uint8_t *bytes; /* in the record; text that is filled up with zeros ends before them */
	uint16_t len;
};

/* f: whose field it is. */
void typed_read(const struct flow *f, const struct flow_value *v, struct typed *ret);

#endif
