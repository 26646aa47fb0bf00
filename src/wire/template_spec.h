/* SPDX-License-Identifier: ISC
 *
 * How a template record reads. Shared by what finds definitions and what parses them; inside wire only.
 */
#ifndef FLOWBRAID_WIRE_TEMPLATE_SPEC_H
#define FLOWBRAID_WIRE_TEMPLATE_SPEC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rd.h"
#include "wire/template.h"

/* A template record up to its field specifiers. */
struct spec_head {
	uint8_t kind; /* enum tmpl_kind */
	uint16_t id;
	uint16_t scopes;
	uint16_t fields;  /* scopes included */
	uint32_t odd_len; /* v9: bytes of specifiers that are no whole number of them; else 0 */
};
struct spec_head spec_head_read(struct rd *r, enum proto proto, bool options);

/* One field specifier; only pen, id and len of the answer are set. */
struct tmpl_field spec_field_read(struct rd *r, enum proto proto);

/* What a whole record says. */
struct spec {
	struct spec_head head;
	bool variable;
	uint32_t record_len;
	bool usable;
};
/* Takes one template record from r. False: it is cut, and what follows cannot be found. */
bool spec_read(struct rd *r, enum proto proto, bool options, struct spec *ret);

#endif
