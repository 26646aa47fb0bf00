/* SPDX-License-Identifier: ISC
 *
 * The records of v1, v5 and v7 as templates with IANA's elements, so that there is one way to decode.
 * Cisco, "NetFlow Export Datagram Format". What is padding there has no field here.
 */
#ifndef FLOWBRAID_FLOW_STATIC_H
#define FLOWBRAID_FLOW_STATIC_H

#include "wire/template.h"

const struct tmpl *static_tmpl(enum proto proto); /* NULL: the protocol has none */

#endif
