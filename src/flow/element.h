/* SPDX-License-Identifier: ISC
 *
 * Information elements: what a field of a template means. The table is made at build time from
 * elements.tsv, which elements.py makes from registry files.
 */
#ifndef FLOWBRAID_FLOW_ELEMENT_H
#define FLOWBRAID_FLOW_ELEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Abstract data types, RFC 7011 section 6.1, RFC 6313. */
enum element_type {
	ELEMENT_OCTETS = 0,
	ELEMENT_UNSIGNED,
	ELEMENT_SIGNED,
	ELEMENT_FLOAT,
	ELEMENT_BOOLEAN,
	ELEMENT_MAC,
	ELEMENT_STRING,
	ELEMENT_SECONDS,
	ELEMENT_MILLISECONDS,
	ELEMENT_MICROSECONDS,
	ELEMENT_NANOSECONDS,
	ELEMENT_IPV4,
	ELEMENT_IPV6,
	ELEMENT_BASIC_LIST, /* from here on: structured data */
	ELEMENT_TEMPLATE_LIST,
	ELEMENT_MULTI_LIST,
};

struct element {
	uint32_t pen;
	uint16_t id;
	uint8_t type;    /* enum element_type */
	uint8_t key_len; /* of key */
	const char *name;
	const char *key;       /* ,"name": as JSON output wants it */
	const char *semantics; /* IANA's words; "" when the registry has none */
	const char *unit;      /* "" when it has none */
};

/* NULL when unknown. v9's own ids above 32767 are found with pen 0. */
const struct element *element_find(uint32_t pen, uint16_t id);
const struct element *element_by_name(const char *name);

/* An element's IANA name, or PEN/ID of whatever one. */
bool element_parse(const char *text, size_t len, uint32_t *ret_pen, uint16_t *ret_id);

/* A v9 scope field's type (1 system ... 5 template); element_find(0, id) for others. */
const struct element *element_scope_v9(uint16_t id);

#define ELEMENT_NAME_SIZE 72
#endif
