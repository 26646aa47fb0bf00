/* SPDX-License-Identifier: ISC
 *
 * See list.h. A list is walked once when it is opened, so that nobody prints the half of a malformed one.
 */
#include "flow/list.h"

#include "flow/value.h"

#define ENTERPRISE_BIT 0x8000

/* A basicList names the element and the length of its values (RFC 6313 section 4.5.1). */
static void
read_field(struct list *l)
{
	uint16_t id = rd_u16(&l->rest);

	l->field.len = rd_u16(&l->rest);
	l->field.id = id & (uint16_t)~ENTERPRISE_BIT;
	if (id != l->field.id)
		l->field.pen = rd_u32(&l->rest);
}

static bool
values_are_sound(struct list l)
{
	struct flow_value v;

	while (list_next_value(&l, &v))
		continue;
	return rd_ok(&l.rest) && rd_left(&l.rest) == 0;
}

static bool
parts_are_sound(struct list l)
{
	struct list_part part;
	struct flow record;

	while (list_next_part(&l, &part)) {
		if (part.tmpl == NULL)
			continue;
		while (list_next_record(&l, &part, &record))
			continue;
		if (!rd_ok(&part.rest) || rd_left(&part.rest) != 0)
			return false;
	}
	return rd_ok(&l.rest) && rd_left(&l.rest) == 0;
}

bool
list_open(const struct flow *f, enum element_type type, const uint8_t *bytes, uint16_t len, struct list *ret)
{
	struct list l = {.flow = f, .type = type, .rest = rd_init(bytes, len)};

	if (f->depth >= LIST_DEPTH_MOST)
		return false;
	l.semantic = rd_u8(&l.rest);
	if (type == ELEMENT_BASIC_LIST)
		read_field(&l);
	if (type == ELEMENT_TEMPLATE_LIST && rd_left(&l.rest) == 0)
		return false; /* it names its template also without records */
	if (!rd_ok(&l.rest) || (type == ELEMENT_BASIC_LIST ? !values_are_sound(l) : !parts_are_sound(l)))
		return false;
	*ret = l;
	return true;
}

bool
list_next_value(struct list *l, struct flow_value *ret)
{
	uint16_t len = l->field.len;
	const uint8_t *bytes;

	if (len == 0 || rd_left(&l->rest) == 0)
		return false;
	if (len == TMPL_VARIABLE)
		len = flow_variable_len(&l->rest);
	if ((bytes = rd_bytes(&l->rest, len)) == NULL)
		return false;
	*ret = (struct flow_value){.field = &l->field, .bytes = bytes, .len = len};
	return true;
}

/* A subTemplateList has one part, to its end, and that also without records; parts of a subTemplateMultiList say
 * how long they are, these four bytes included. */
bool
list_next_part(struct list *l, struct list_part *ret)
{
	uint16_t id, len;
	bool late = false;
	struct list_part part = {.tmpl = NULL};

	if (rd_left(&l->rest) == 0)
		return false;
	id = rd_u16(&l->rest);
	if (l->type == ELEMENT_TEMPLATE_LIST) {
		part.rest = rd_sub(&l->rest, rd_left(&l->rest));
	} else {
		len = rd_u16(&l->rest);
		part.rest = rd_sub(&l->rest, len >= 4 ? len - 4U : SIZE_MAX);
	}
	if (!rd_ok(&l->rest) || !rd_ok(&part.rest))
		return false;
	part.template_id = id;
	if (l->flow->resolve != NULL)
		part.tmpl = l->flow->resolve(l->flow->resolve_ctx, FLOW_SUB_TEMPLATE, id, &late);
	if (part.tmpl != NULL && !flow_template_is_sane(part.tmpl))
		part.tmpl = NULL;
	*ret = part;
	return true;
}

bool
list_next_record(const struct list *l, struct list_part *part, struct flow *ret)
{
	struct rd record;

	if (rd_left(&part->rest) == 0)
		return false;
	record = flow_take_record(&part->rest, part->tmpl);
	if (!rd_ok(&record)) {
		rd_skip(
		    &part->rest, rd_left(&part->rest) + 1); /* the rest is no record: the list is malformed */
		return false;
	}
	*ret = (struct flow){
	    .info = l->flow->info,
	    .tmpl = part->tmpl,
	    .record = record,
	    .resolve = l->flow->resolve,
	    .resolve_ctx = l->flow->resolve_ctx,
	    .depth = (uint8_t)(l->flow->depth + 1),
	};
	return true;
}
