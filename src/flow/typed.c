/* SPDX-License-Identifier: ISC
 *
 * See typed.h.
 */
#include "flow/typed.h"

#include <string.h>

#include "base/json.h"
#include "flow/list.h"
#include "flow/value.h"

/* What is no UTF-8 is no text, and stays whole. */
static bool
read_text(struct typed *t)
{
	if (!json_is_utf8(t->bytes, t->len))
		return false;
	while (t->len > 0 && t->bytes[t->len - 1] == 0)
		t->len--;
	return true;
}

static bool
read_boolean(struct typed *t)
{
	if (t->len != 1 || (t->bytes[0] != 1 && t->bytes[0] != 2)) /* RFC 7011 section 6.1.5 */
		return false;
	t->u64 = t->bytes[0] == 1;
	return true;
}

/* False: the value can be shown as octets only. */
static bool
read_value(const struct flow *f, enum element_type type, struct typed *t)
{
	bool number = t->len >= 1 && t->len <= 8;
	struct list list;
	int digits;

	switch (type) {
	case ELEMENT_OCTETS:
		return false;
	case ELEMENT_UNSIGNED:
		t->u64 = number ? value_u64(t->bytes, t->len) : 0;
		return number;
	case ELEMENT_SIGNED:
		t->i64 = number ? value_i64(t->bytes, t->len) : 0;
		return number;
	case ELEMENT_FLOAT:
		t->f64 = t->len == 4 || t->len == 8 ? value_double(t->bytes, t->len) : 0;
		return t->len == 4 || t->len == 8;
	case ELEMENT_BOOLEAN:
		return read_boolean(t);
	case ELEMENT_MAC:
		t->u64 = t->len == 6 ? value_u64(t->bytes, t->len) : 0;
		return t->len == 6;
	case ELEMENT_STRING:
		return read_text(t);
	case ELEMENT_SECONDS:
	case ELEMENT_MILLISECONDS:
	case ELEMENT_MICROSECONDS:
	case ELEMENT_NANOSECONDS:
		return value_time(type, t->bytes, t->len, &t->time, &digits);
	case ELEMENT_IPV4:
		if (t->len != 4)
			return false;
		t->addr = addr_v4((uint32_t)value_u64(t->bytes, t->len));
		return true;
	case ELEMENT_IPV6:
		if (t->len != sizeof(t->addr.b))
			return false;
		memcpy(t->addr.b, t->bytes, sizeof(t->addr.b));
		return true;
	case ELEMENT_BASIC_LIST:
	case ELEMENT_TEMPLATE_LIST:
	case ELEMENT_MULTI_LIST:
		return list_open(f, type, t->bytes, t->len, &list);
	}
	return false;
}

void
typed_read(const struct flow *f, const struct flow_value *v, struct typed *ret)
{
	const struct element *e = value_element(f, v);
	enum element_type type = e != NULL ? (enum element_type)e->type : ELEMENT_OCTETS;

	ret->element = e;
	ret->bytes = v->bytes;
	ret->len = v->len;
	ret->absent = false;
	ret->type = type;
	if (read_value(f, type, ret))
		return;
	ret->absent = v->len == 0 && type != ELEMENT_OCTETS;
	ret->type = ELEMENT_OCTETS;
}
