/* SPDX-License-Identifier: ISC
 *
 * Looking up elements in the table that elements.awk makes.
 */
#include "flow/element.h"

#include <stdlib.h>
#include <string.h>

#include "flow/element_table.h"

#define PEN_CISCO 9
#define ENTERPRISE_BIT 0x8000

static const struct element *
find_private(uint32_t pen, uint16_t id)
{
	size_t slot = (size_t)(((uint64_t)pen * 31 + id) % element_slots);

	while (element_others[slot] != 0) {
		const struct element *e = &element_list[element_others[slot] - 1];

		if (e->pen == pen && e->id == id)
			return e;
		slot = slot + 1 < element_slots ? slot + 1 : 0;
	}
	return NULL;
}

const struct element *
element_find(uint32_t pen, uint16_t id)
{
	if (pen != 0)
		return find_private(pen, id);
	if (id < element_iana_count)
		return element_iana[id] != 0 ? &element_list[element_iana[id] - 1] : NULL;
	/* Cisco numbers the same elements so in v9, where there are no enterprise numbers. */
	return id >= ENTERPRISE_BIT ? find_private(PEN_CISCO, (uint16_t)(id & ~ENTERPRISE_BIT)) : NULL;
}

const struct element *
element_by_name(const char *name)
{
	for (size_t i = 0; i < element_count; i++) {
		if (strcmp(element_list[i].name, name) == 0)
			return &element_list[i];
	}
	return NULL;
}

static bool
parse_numbers(const char *text, size_t len, uint32_t *ret_pen, uint16_t *ret_id)
{
	unsigned long long pen, id;
	char *slash, *end;

	pen = strtoull(text, &slash, 10);
	if (strspn(text, "0123456789/") != len || *slash != '/')
		return false;
	id = strtoull(slash + 1, &end, 10);
	if (end == slash + 1 || *end != '\0' || pen > UINT32_MAX || id > UINT16_MAX)
		return false;
	*ret_pen = (uint32_t)pen;
	*ret_id = (uint16_t)id;
	return true;
}

bool
element_parse(const char *text, size_t len, uint32_t *ret_pen, uint16_t *ret_id)
{
	char name[ELEMENT_NAME_SIZE];
	const struct element *e;

	if (len >= sizeof(name))
		return false;
	memcpy(name, text, len);
	name[len] = '\0';
	if (name[0] >= '0' && name[0] <= '9')
		return parse_numbers(name, len, ret_pen, ret_id);
	e = element_by_name(name);
	if (e == NULL)
		return false;
	*ret_pen = e->pen;
	*ret_id = e->id;
	return true;
}

/* RFC 3954 section 6.1. What stands for the system says nothing; the others are numbers. */
const struct element *
element_scope_v9(uint16_t id)
{
#define SCOPE(n, name) \
	{ \
		0, n, ELEMENT_UNSIGNED, sizeof(name) + 3, name, ",\"" name "\":", "identifier", "" \
	}
	static const struct element scopes[] = {
	    SCOPE(1, "scopeSystem"),
	    SCOPE(2, "scopeInterface"),
	    SCOPE(3, "scopeLineCard"),
	    SCOPE(4, "scopeCache"),
	    SCOPE(5, "scopeTemplate"),
	};
#undef SCOPE

	if (id >= 1 && id <= sizeof(scopes) / sizeof(scopes[0]))
		return &scopes[id - 1];
	return element_find(0, id);
}
