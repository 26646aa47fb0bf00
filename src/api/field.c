/* SPDX-License-Identifier: ISC
 *
 * The fields of the flow at hand, by place, by name, by number; and elements.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "flow/element.h"
#include "flow/typed.h"

static_assert((int)FLOWBRAID_OCTETS == (int)ELEMENT_OCTETS &&
	(int)FLOWBRAID_UNSIGNED == (int)ELEMENT_UNSIGNED && (int)FLOWBRAID_SIGNED == (int)ELEMENT_SIGNED &&
	(int)FLOWBRAID_FLOAT == (int)ELEMENT_FLOAT && (int)FLOWBRAID_BOOLEAN == (int)ELEMENT_BOOLEAN &&
	(int)FLOWBRAID_MAC == (int)ELEMENT_MAC && (int)FLOWBRAID_TEXT == (int)ELEMENT_STRING &&
	(int)FLOWBRAID_SECONDS == (int)ELEMENT_SECONDS &&
	(int)FLOWBRAID_NANOSECONDS == (int)ELEMENT_NANOSECONDS && (int)FLOWBRAID_IPV4 == (int)ELEMENT_IPV4 &&
	(int)FLOWBRAID_IPV6 == (int)ELEMENT_IPV6 && (int)FLOWBRAID_BASIC_LIST == (int)ELEMENT_BASIC_LIST &&
	(int)FLOWBRAID_MULTI_LIST == (int)ELEMENT_MULTI_LIST,
    "a type of the library is not that of the layers");

static void
put_value(const struct typed *t, struct flowbraid_field *ret)
{
	switch (t->type) {
	case ELEMENT_UNSIGNED:
	case ELEMENT_BOOLEAN:
	case ELEMENT_MAC:
		ret->value.u64 = t->u64;
		break;
	case ELEMENT_SIGNED:
		ret->value.i64 = t->i64;
		break;
	case ELEMENT_FLOAT:
		ret->value.f64 = t->f64;
		break;
	case ELEMENT_SECONDS:
	case ELEMENT_MILLISECONDS:
	case ELEMENT_MICROSECONDS:
	case ELEMENT_NANOSECONDS:
		ret->value.time_ns = t->time.ns;
		break;
	case ELEMENT_IPV4:
	case ELEMENT_IPV6:
		memcpy(ret->value.address, t->addr.b, sizeof(ret->value.address));
		break;
	case ELEMENT_OCTETS:
	case ELEMENT_STRING:
	case ELEMENT_BASIC_LIST:
	case ELEMENT_TEMPLATE_LIST:
	case ELEMENT_MULTI_LIST:
		break;
	}
}

static void
show_field(const struct flow *f, const struct flow_value *v, struct flowbraid_field *ret)
{
	struct typed t;

	typed_read(f, v, &t);
	*ret = (struct flowbraid_field){.name = t.element != NULL ? t.element->name : NULL,
	    .unit = t.element != NULL ? t.element->unit : "",
	    .bytes = t.bytes,
	    .pen = v->field->pen,
	    .id = v->field->id,
	    .len = t.len,
	    .type = t.absent ? FLOWBRAID_ABSENT : (uint8_t)t.type,
	    .scope = v->field->scope};
	put_value(&t, ret);
}

enum flowbraid_status
flowbraid_flow_fields(
    const struct flowbraid_flow *f, const struct flowbraid_field **ret_fields, size_t *ret_count)
{
	struct flowbraid_reader *r = api_owner(f);
	size_t want = r->flow.tmpl->field_count, count = 0;
	struct flow_walk w;
	struct flow_value v;

	if (want > r->field_room) { /* grows with the largest template, not with datagrams */
		struct flowbraid_field *fields = reallocarray(r->fields, want, sizeof(*fields));

		if (fields == NULL)
			return FLOWBRAID_MEMORY;
		r->fields = fields;
		r->field_room = want;
	}
	flow_walk_init(&w, &r->flow);
	while (count < want && flow_walk_next(&w, &v))
		show_field(&r->flow, &v, &r->fields[count++]);
	*ret_fields = r->fields;
	*ret_count = count;
	return FLOWBRAID_OK;
}

int
flowbraid_flow_element(
    const struct flowbraid_flow *f, uint32_t pen, uint16_t id, struct flowbraid_field *ret_field)
{
	const struct flow *flow = &api_owner(f)->flow;
	struct flow_value v;

	if (!flow_get(flow, pen, id, &v))
		return 0;
	show_field(flow, &v, ret_field);
	return 1;
}

/* "PEN/ID", decimal. */
static bool
read_number_pair(const char *name, uint32_t *ret_pen, uint16_t *ret_id)
{
	uint64_t parts[2] = {0, 0};
	unsigned part = 0, digits = 0;

	for (; *name != '\0'; name++) {
		if (*name == '/' && part == 0 && digits > 0) {
			part = 1;
			digits = 0;
		} else if (*name >= '0' && *name <= '9' && digits < 10) {
			parts[part] = parts[part] * 10 + (uint64_t)(*name - '0');
			digits++;
		} else {
			return false;
		}
	}
	if (part != 1 || digits == 0 || parts[0] > UINT32_MAX || parts[1] > UINT16_MAX)
		return false;
	*ret_pen = (uint32_t)parts[0];
	*ret_id = (uint16_t)parts[1];
	return true;
}

int
flowbraid_flow_field(const struct flowbraid_flow *f, const char *name, struct flowbraid_field *ret_field)
{
	const struct flow *flow = &api_owner(f)->flow;
	struct flow_walk w;
	struct flow_value v;
	uint32_t pen;
	uint16_t id;

	if (read_number_pair(name, &pen, &id))
		return flowbraid_flow_element(f, pen, id, ret_field);
	/* a flow has some twenty fields, the registry many more elements */
	flow_walk_init(&w, flow);
	while (flow_walk_next(&w, &v)) {
		show_field(flow, &v, ret_field);
		if (ret_field->name != NULL && strcmp(ret_field->name, name) == 0)
			return 1;
	}
	return 0;
}

int
flowbraid_flow_u64(const struct flowbraid_flow *f, const char *name, uint64_t *ret_value)
{
	struct flowbraid_field field;

	if (!flowbraid_flow_field(f, name, &field) ||
	    (field.type != FLOWBRAID_UNSIGNED && field.type != FLOWBRAID_BOOLEAN &&
		field.type != FLOWBRAID_MAC))
		return 0;
	*ret_value = field.value.u64;
	return 1;
}

int
flowbraid_flow_i64(const struct flowbraid_flow *f, const char *name, int64_t *ret_value)
{
	struct flowbraid_field field;

	if (!flowbraid_flow_field(f, name, &field) || field.type != FLOWBRAID_SIGNED)
		return 0;
	*ret_value = field.value.i64;
	return 1;
}

int
flowbraid_flow_double(const struct flowbraid_flow *f, const char *name, double *ret_value)
{
	struct flowbraid_field field;

	if (!flowbraid_flow_field(f, name, &field) || field.type != FLOWBRAID_FLOAT)
		return 0;
	*ret_value = field.value.f64;
	return 1;
}

int
flowbraid_flow_time(const struct flowbraid_flow *f, const char *name, int64_t *ret_ns)
{
	struct flowbraid_field field;

	if (!flowbraid_flow_field(f, name, &field) || field.type < FLOWBRAID_SECONDS ||
	    field.type > FLOWBRAID_NANOSECONDS)
		return 0;
	*ret_ns = field.value.time_ns;
	return 1;
}

int
flowbraid_flow_address(const struct flowbraid_flow *f, const char *name, uint8_t ret_address[16])
{
	struct flowbraid_field field;

	if (!flowbraid_flow_field(f, name, &field) ||
	    (field.type != FLOWBRAID_IPV4 && field.type != FLOWBRAID_IPV6))
		return 0;
	memcpy(ret_address, field.value.address, sizeof(field.value.address));
	return 1;
}

static int
show_element(const struct element *e, struct flowbraid_element *ret)
{
	if (e == NULL)
		return 0;
	*ret = (struct flowbraid_element){.name = e->name,
	    .unit = e->unit,
	    .semantics = e->semantics,
	    .pen = e->pen,
	    .id = e->id,
	    .type = e->type};
	return 1;
}

int
flowbraid_element_by_name(const char *name, struct flowbraid_element *ret_element)
{
	return show_element(element_by_name(name), ret_element);
}

int
flowbraid_element_by_id(uint32_t pen, uint16_t id, struct flowbraid_element *ret_element)
{
	return show_element(element_find(pen, id), ret_element);
}
