/* SPDX-License-Identifier: ISC
 *
 * What the printers of flows share besides text (format.h): a value in the form that its element's type gives it. JSON's
 * forms are those of RFC 7373 where that has one: addresses, times, numbers and octets look alike everywhere.
 */
#ifndef FLOWBRAID_FLOW_PRINT_H
#define FLOWBRAID_FLOW_PRINT_H

#include "flow/element.h"
#include "flow/format.h"

/* As JSON. bare: addresses, times and octets without their quotes; strings keep them. A value of a length that its type does
 * not allow is shown as octets. e may be NULL. */
void print_value(struct format *f, const struct flow *flow, const struct element *e, const uint8_t *bytes,
    uint16_t len, bool bare);

/* The element of a field; NULL when nobody knows it. */

/* The interval and the algorithm (-1: none) that hold for a flow whose record does not tell it itself. False: not known. */
bool print_sampling(
    const struct flow *flow, const struct flow_context *c, uint32_t *ret_interval, int *ret_algorithm);

#endif
