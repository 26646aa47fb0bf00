/* SPDX-License-Identifier: ISC
 *
 * The table that elements.awk makes; for element.c alone, and for tests that look at all of it.
 */
#ifndef FLOWBRAID_FLOW_ELEMENT_TABLE_H
#define FLOWBRAID_FLOW_ELEMENT_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "flow/element.h"

extern const struct element element_list[];
extern const size_t element_count;
extern const uint16_t element_iana[]; /* by id: places in element_list plus 1; 0: none */
extern const uint16_t element_iana_count;
extern const uint16_t element_others[]; /* by hash, with linear probing */
extern const uint16_t element_slots;

#endif
