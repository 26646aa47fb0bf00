/* SPDX-License-Identifier: ISC
 *
 * Types of private elements as options records (RFC 5610): readers show their names, and need no table of ours.
 */
#include <string.h>

#include "flow/element.h"
#include "flow/ipfix_writer_private.h"

enum {
	IE_ELEMENT_ID = 303,
	IE_DATA_TYPE = 339,
	IE_ELEMENT_DESCRIPTION = 340,
	IE_ELEMENT_NAME = 341,
	IE_ELEMENT_BEGIN = 342,
	IE_ELEMENT_END = 343,
	IE_ELEMENT_SEMANTICS = 344,
	IE_ELEMENT_UNITS = 345,
	IE_ENTERPRISE_NUMBER = 346,
};
#define VARIABLE 65535
#define PEN_REVERSE 29305 /* RFC 5103: whoever knows the element knows its reverse */

/* IANA's numbers of types; of numbers the widest one, as fields may be shorter. */
static const uint8_t data_types[] = {
    [ELEMENT_OCTETS] = 0,
    [ELEMENT_UNSIGNED] = 4,
    [ELEMENT_SIGNED] = 8,
    [ELEMENT_FLOAT] = 10,
    [ELEMENT_BOOLEAN] = 11,
    [ELEMENT_MAC] = 12,
    [ELEMENT_STRING] = 13,
    [ELEMENT_SECONDS] = 14,
    [ELEMENT_MILLISECONDS] = 15,
    [ELEMENT_MICROSECONDS] = 16,
    [ELEMENT_NANOSECONDS] = 17,
    [ELEMENT_IPV4] = 18,
    [ELEMENT_IPV6] = 19,
    [ELEMENT_BASIC_LIST] = 20,
    [ELEMENT_TEMPLATE_LIST] = 21,
    [ELEMENT_MULTI_LIST] = 22,
};

/* Place of a word in a list, which is its number; 0 when it is not there. */
static uint8_t
number_of(const char *const *words, size_t count, const char *word)
{
	for (size_t i = 1; i < count; i++) {
		if (strcmp(words[i], word) == 0)
			return (uint8_t)i;
	}
	return 0;
}
#define NUMBER_OF(words, word) number_of((words), sizeof(words) / sizeof((words)[0]), (word))

static enum err
type_template(struct ipfix_writer *w, struct buf *out, uint16_t *ret_id)
{
	/* All that RFC 5610 has, since readers ask for all. */
	static const uint16_t fields[][2] = {{IE_ENTERPRISE_NUMBER, 4}, {IE_ELEMENT_ID, 2}, {IE_DATA_TYPE, 1},
	    {IE_ELEMENT_SEMANTICS, 1}, {IE_ELEMENT_UNITS, 2}, {IE_ELEMENT_BEGIN, 8}, {IE_ELEMENT_END, 8},
	    {IE_ELEMENT_NAME, VARIABLE}, {IE_ELEMENT_DESCRIPTION, VARIABLE}};
	const uint16_t scopes = 2;

	buf_reset(&w->spec);
	buf_u16(&w->spec, sizeof(fields) / sizeof(fields[0]));
	buf_u16(&w->spec, scopes);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		buf_u16(&w->spec, fields[i][0]);
		buf_u16(&w->spec, fields[i][1]);
	}
	return buf_ok(&w->spec) ? ipfix_messages_template(&w->m, IPFIX_SET_OPTIONS, &w->spec, out, ret_id)
				: ERR_MEMORY;
}

enum err
ipfix_types_describe(struct ipfix_writer *w, uint32_t pen, uint16_t id, struct buf *out)
{
	static const char *const semantics[] = {
	    "default", "quantity", "totalCounter", "deltaCounter", "identifier", "flags", "list"};
	static const char *const units[] = {"none", "bits", "octets", "packets", "flows", "seconds",
	    "milliseconds", "microseconds", "nanoseconds", "4-octet words", "messages", "hops", "entries"};
	const struct element *e = element_find(pen, id);
	uint16_t template_id = 0;
	bool is_new;
	enum err err;

	if (e == NULL || pen == PEN_REVERSE)
		return ERR_OK;
	err = ipfix_messages_describe(&w->m, pen, id, &is_new);
	if (err != ERR_OK || !is_new || (err = type_template(w, out, &template_id)) != ERR_OK)
		return err;
	buf_reset(&w->type);
	buf_u32(&w->type, pen);
	buf_u16(&w->type, id);
	buf_u8(&w->type, data_types[e->type]);
	buf_u8(&w->type, NUMBER_OF(semantics, e->semantics));
	buf_u16(&w->type, NUMBER_OF(units, e->unit));
	buf_u64(&w->type, 0); /* no range */
	buf_u64(&w->type, 0);
	ipfix_put_variable(&w->type, (const uint8_t *)e->name, strlen(e->name));
	buf_u8(&w->type, 0); /* no description */
	if (!buf_ok(&w->type))
		return ERR_MEMORY;
	w->n.types++;
	return ipfix_messages_record(&w->m, template_id, &w->type, out);
}
