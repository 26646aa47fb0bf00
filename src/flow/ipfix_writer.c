/* SPDX-License-Identifier: ISC
 *
 * From a flow's template and bytes to those of an IPFIX record. What becomes of a field depends on the field alone, so the
 * template and each record ask the same question (form_of).
 */
#include "flow/ipfix_writer.h"

#include <stdlib.h>

#include "base/wr.h"
#include "flow/ipfix_writer_private.h"
#include "flow/list.h"
#include "flow/sampling.h"
#include "flow/value.h"

#define ENTERPRISE_BIT 0x8000
#define PEN_CISCO 9
#define SEMANTIC_UNDEFINED 255

enum { /* IANA's, for what stands behind a record's own fields */
	IE_EXPORTER_IPV4 = 130,
	IE_EXPORTER_IPV6 = 131,
	IE_LINE_CARD = 141,
	IE_METERING_PROCESS = 143,
	IE_EXPORTING_PROCESS = 144,
	IE_TEMPLATE_ID = 145,
	IE_EXPORT_VERSION = 214,
	IE_EXPORTER_PORT = 217,
	IE_COLLECTION_MILLISECONDS = 258,
	IE_ORIGINAL_EXPORTER_IPV4 = 403,
	IE_ORIGINAL_EXPORTER_IPV6 = 404,
	IE_ORIGINAL_DOMAIN = 405,
};

/* What a record has besides its own fields. */
enum {
	WITH_ORIGIN = 1, /* all but those inside of lists */
	WITH_INTERVAL = 2,
	WITH_ALGORITHM = 4,
	WITH_START = 8,
	WITH_END = 16,
	WITH_NO_SCOPE = 32, /* options: the exporter is it */
};

/* --- fields --- */

enum how { DROP, COPY, VARIABLE, LIST, TEMPLATE_ID, LEAVE_OUT };

struct form {
	enum how how;
	uint8_t type; /* of a list */
	uint32_t pen;
	uint16_t id;
	uint16_t len; /* in the template */
};

/* v9's scope types are no elements (RFC 3954 section 6.1). */
static void
name_scope(struct form *f)
{
	static const uint16_t names[] = {
	    0, IE_EXPORTING_PROCESS, IE_IN_INTERFACE, IE_LINE_CARD, IE_METERING_PROCESS, IE_TEMPLATE_ID};
	const uint16_t system = 1;

	if (f->id == 0 || f->id >= sizeof(names) / sizeof(names[0]))
		return;
	if (f->len > 4) /* of the system it says nothing that the exporter's address does not */
		f->how = f->id == system ? DROP : LEAVE_OUT;
	f->id = names[f->id];
}

static void
name_type(struct form *f, const struct tmpl *t)
{
	const struct element *e = element_find(f->pen, f->id);
	uint8_t type = e != NULL ? e->type : (uint8_t)ELEMENT_OCTETS;

	if (type >= ELEMENT_BASIC_LIST) {
		f->how = LIST;
		f->type = type;
		f->len = TMPL_VARIABLE; /* its length may change, as numbers of templates do */
	} else if (f->len == TMPL_VARIABLE) {
		f->how = VARIABLE;
	} else if (t->proto == PROTO_SFLOW5 && (type == ELEMENT_STRING || type == ELEMENT_OCTETS)) {
		f->how = VARIABLE; /* or each length would be a template of its own */
		f->len = TMPL_VARIABLE;
	}
}

static struct form
form_of(const struct tmpl *t, const struct tmpl_field *field)
{
	struct form f = {.how = COPY, .pen = field->pen, .id = field->id, .len = field->len};

	if (t->proto == PROTO_V9 && field->scope)
		name_scope(&f);
	if (f.how != COPY)
		return f;
	if (f.pen == 0 && f.id >= ENTERPRISE_BIT) { /* v9; see element_find */
		f.pen = PEN_CISCO;
		f.id &= (uint16_t)~ENTERPRISE_BIT;
	}
	if (f.len == 0 || (f.pen == 0 && (f.id == 0 || f.id == IE_PADDING)))
		f.how = DROP;
	else if (t->kind == TMPL_OPTIONS && f.pen == 0 && f.id == IE_TEMPLATE_ID)
		f.how = f.len == 2 ? TEMPLATE_ID : LEAVE_OUT;
	else if (t->proto == PROTO_IPFIX || t->proto == PROTO_SFLOW5)
		name_type(&f, t);
	return f;
}

/* --- templates --- */

static void
put_spec(struct buf *spec, uint16_t *count, uint32_t pen, uint16_t id, uint16_t len)
{
	buf_u16(spec, pen != 0 ? id | ENTERPRISE_BIT : id);
	buf_u16(spec, len);
	if (pen != 0)
		buf_u32(spec, pen);
	(*count)++;
}

static void
spec_addr(struct buf *spec, uint16_t *count, const struct addr *a, uint16_t v4, uint16_t v6)
{
	if (addr_is_v4(a))
		put_spec(spec, count, 0, v4, 4);
	else
		put_spec(spec, count, 0, v6, 16);
}

static void
spec_origin(struct buf *spec, uint16_t *count, const struct stream_key *s, unsigned with)
{
	if (!(with & WITH_NO_SCOPE))
		spec_addr(spec, count, &s->exporter, IE_EXPORTER_IPV4, IE_EXPORTER_IPV6);
	put_spec(spec, count, 0, IE_EXPORTER_PORT, 2);
	if (s->proto == PROTO_SFLOW5)
		spec_addr(spec, count, &s->agent, IE_ORIGINAL_EXPORTER_IPV4, IE_ORIGINAL_EXPORTER_IPV6);
	else
		put_spec(spec, count, 0, IE_EXPORT_VERSION, 1);
	put_spec(spec, count, 0, IE_ORIGINAL_DOMAIN, 4);
	put_spec(spec, count, 0, IE_COLLECTION_MILLISECONDS, 8);
	if (with & WITH_INTERVAL)
		put_spec(spec, count, 0, IE_SAMPLING_INTERVAL, 4);
	if (with & WITH_ALGORITHM)
		put_spec(spec, count, 0, IE_SAMPLING_ALGORITHM, 1);
	if (with & WITH_START)
		put_spec(spec, count, 0, IE_START_MILLISECONDS, 8);
	if (with & WITH_END)
		put_spec(spec, count, 0, IE_END_MILLISECONDS, 8);
}

/* Uptimes count from the header's, which IPFIX has not: where a record has nothing better, it gets absolute times. */
static unsigned
absolute_times(const struct proto_info *info, const struct tmpl *t)
{
	unsigned has = 0, better = 0;

	if (t->kind == TMPL_OPTIONS || !info->has_uptime || !info->has_time)
		return 0;
	for (uint16_t i = 0; i < t->field_count; i++) {
		const struct tmpl_field *field = &t->fields[i];

		if (field->pen != 0 || field->scope)
			continue;
		if (field->id == IE_START_UPTIME && field->len >= 1 && field->len <= 4)
			has |= WITH_START;
		else if (field->id == IE_END_UPTIME && field->len >= 1 && field->len <= 4)
			has |= WITH_END;
		else if (field->id >= IE_START_SECONDS && field->id <= IE_END_DELTA)
			better |= field->id % 2 == 0 ? WITH_START : WITH_END;
	}
	return has & ~better;
}

static enum err
describe_elements(struct ipfix_writer *w, const struct tmpl *t, struct buf *out)
{
	enum err e = ERR_OK;

	for (uint16_t i = 0; i < t->field_count && e == ERR_OK; i++) {
		struct form form = form_of(t, &t->fields[i]);

		if (form.pen != 0 && form.how != DROP)
			e = ipfix_types_describe(w, form.pen, form.id, out);
	}
	return e;
}

/* The same in the terms of this file; *with: what else there is. */
static enum err
make_template(struct ipfix_writer *w, const struct tmpl *t, unsigned *with, struct buf *out, uint16_t *ret_id)
{
	const struct stream_key *stream = &w->m.domains[w->m.at].stream;
	bool options = t->kind == TMPL_OPTIONS;
	uint16_t count = 0, scopes = 0;
	struct buf fields = BUF_INIT;
	enum err e = describe_elements(w, t, out);

	for (uint16_t i = 0; i < t->field_count; i++) {
		struct form form = form_of(t, &t->fields[i]);

		if (form.how == LEAVE_OUT)
			w->left_out = true;
		if (form.how == DROP)
			continue;
		put_spec(&fields, &count, form.pen, form.id, form.len);
		scopes += t->fields[i].scope;
	}
	buf_reset(&w->spec);
	if (options && scopes == 0)
		*with |= WITH_NO_SCOPE;
	if (*with & WITH_ORIGIN)
		spec_origin(&fields, &count, stream, *with);
	buf_u16(&w->spec, (uint16_t)(count + ((*with & WITH_NO_SCOPE) != 0)));
	if (options)
		buf_u16(&w->spec, scopes > 0 ? scopes : 1);
	if (*with & WITH_NO_SCOPE)
		spec_addr(&w->spec, &scopes, &stream->exporter, IE_EXPORTER_IPV4, IE_EXPORTER_IPV6);
	buf_bytes(&w->spec, fields.data, fields.len);
	if (e == ERR_OK && (!buf_ok(&fields) || !buf_ok(&w->spec)))
		e = ERR_MEMORY;
	buf_clear(&fields);
	if (e != ERR_OK || w->left_out)
		return e;
	return ipfix_messages_template(
	    &w->m, options ? IPFIX_SET_OPTIONS : IPFIX_SET_TEMPLATES, &w->spec, out, ret_id);
}

/* Templates of a datagram are asked for again and again. */
static enum err
find_template(struct ipfix_writer *w, const struct tmpl *t, unsigned asked, unsigned *ret_with,
    struct buf *out, uint16_t *ret_id)
{
	enum err e;

	*ret_with = asked;
	for (size_t i = 0; i < w->known_count; i++) {
		const struct known_template *k = &w->known[i];

		if (k->tmpl == t && k->asked == asked) {
			*ret_with = k->with;
			*ret_id = k->id;
			return ERR_OK;
		}
	}
	e = make_template(w, t, ret_with, out, ret_id);
	if (e == ERR_OK && !w->left_out && w->templates_stay && w->known_count < KNOWN_TEMPLATES)
		w->known[w->known_count++] = (struct known_template){t, asked, *ret_with, *ret_id};
	return e;
}

/* --- records --- */

void
ipfix_put_variable(struct buf *b, const uint8_t *bytes, size_t len)
{
	if (len < 255) {
		buf_u8(b, (uint8_t)len);
	} else {
		buf_u8(b, 255);
		buf_u16(b, (uint16_t)len);
	}
	buf_bytes(b, bytes, len);
}

static void
put_addr(struct buf *b, const struct addr *a)
{
	size_t skip = addr_is_v4(a) ? 12 : 0;

	buf_bytes(b, a->b + skip, 16 - skip);
}

/* What stands at that place is a length of two bytes: of all behind it, and what it counts besides. */
static void
end_length(struct ipfix_writer *w, size_t at, size_t besides)
{
	size_t len = w->record.len - at - 2 + besides;
	struct wr p;

	if (!buf_ok(&w->record))
		return;
	w->left_out |= len > UINT16_MAX;
	w->too_long |= len > UINT16_MAX;
	p = wr_init(w->record.data + at, 2);
	wr_u16(&p, (uint16_t)len);
}

static enum err put_list(struct ipfix_writer *w, const struct flow *f, uint8_t type, const uint8_t *bytes,
    uint16_t len, struct buf *out);

static enum err
put_field(struct ipfix_writer *w, const struct flow *f, const struct flow_value *v, struct buf *out)
{
	struct form form = form_of(f->tmpl, v->field);
	unsigned with;
	const struct tmpl *named;
	bool late;
	uint16_t id = 0;
	enum err e;

	switch (form.how) {
	case DROP:
	case LEAVE_OUT:
		return ERR_OK;
	case COPY:
		buf_bytes(&w->record, v->bytes, v->len);
		return ERR_OK;
	case VARIABLE:
		ipfix_put_variable(&w->record, v->bytes, v->len);
		return ERR_OK;
	case LIST:
		return put_list(w, f, form.type, v->bytes, v->len, out);
	case TEMPLATE_ID:
		break;
	}
	id = (uint16_t)value_u64(v->bytes, v->len);
	named = f->resolve != NULL ? f->resolve(f->resolve_ctx, FLOW_SUB_TEMPLATE, id, &late) : NULL;
	w->left_out |= named == NULL;
	if (named == NULL)
		return ERR_OK;
	e = find_template(w, named, WITH_ORIGIN | absolute_times(f->info, named), &with, out, &id);
	buf_u16(&w->record, id);
	return e;
}

/* Each value has the list's form of its element. */
static enum err
put_values(struct ipfix_writer *w, struct list l, struct buf *out)
{
	const struct element *el = element_find(l.field.pen, l.field.id);
	bool lists = el != NULL && el->type >= ELEMENT_BASIC_LIST;
	struct flow inner = *l.flow;
	struct flow_value v;
	enum err e = ERR_OK;

	inner.depth++;
	buf_u16(&w->record, l.field.pen != 0 ? l.field.id | ENTERPRISE_BIT : l.field.id);
	buf_u16(&w->record, lists ? TMPL_VARIABLE : l.field.len);
	if (l.field.pen != 0)
		buf_u32(&w->record, l.field.pen);
	while (e == ERR_OK && list_next_value(&l, &v)) {
		if (lists)
			e = put_list(w, &inner, el->type, v.bytes, v.len, out);
		else if (l.field.len == TMPL_VARIABLE)
			ipfix_put_variable(&w->record, v.bytes, v.len);
		else
			buf_bytes(&w->record, v.bytes, v.len);
	}
	return e;
}

static enum err
put_part(struct ipfix_writer *w, const struct list *l, struct list_part *part, struct buf *out)
{
	bool multi = l->type == ELEMENT_MULTI_LIST;
	unsigned with;
	uint16_t id = 0;
	size_t length_at;
	struct flow record;
	enum err e = find_template(w, part->tmpl, 0, &with, out, &id);

	buf_u16(&w->record, id);
	length_at = w->record.len;
	if (multi)
		buf_u16(&w->record, 0);
	while (e == ERR_OK && !w->left_out && list_next_record(l, part, &record)) {
		struct flow_walk walk;
		struct flow_value v;

		flow_walk_init(&walk, &record);
		while (e == ERR_OK && flow_walk_next(&walk, &v))
			e = put_field(w, &record, &v, out);
	}
	if (multi)
		end_length(w, length_at, 4);
	return e;
}

/* Records in lists have no scope; and a template of which nothing is left would be a withdrawal. */
static bool
is_for_lists(const struct tmpl *t)
{
	bool any = false;

	for (uint16_t i = 0; t != NULL && t->kind == TMPL_DATA && i < t->field_count; i++)
		any |= form_of(t, &t->fields[i]).how != DROP;
	return any;
}

static enum err
put_parts(struct ipfix_writer *w, struct list l, struct buf *out)
{
	struct list_part part;
	enum err e = ERR_OK;

	while (e == ERR_OK && list_next_part(&l, &part)) {
		if (is_for_lists(part.tmpl))
			e = put_part(w, &l, &part, out);
		else
			w->n.lists_emptied++; /* only of a list of several; see is_writable */
	}
	return e;
}

/* A subTemplateList has one template; without it there is nothing that could be written. */
static bool
is_writable(struct list l)
{
	struct list_part part;

	return l.type != ELEMENT_TEMPLATE_LIST || (list_next_part(&l, &part) && is_for_lists(part.tmpl));
}

/* A list in place of one that nobody can read. */
static enum err
put_empty_list(struct ipfix_writer *w, const struct flow *f, uint8_t type, struct buf *out)
{
	unsigned with;
	uint16_t id = 0;
	enum err e = ERR_OK;

	w->n.lists_emptied++;
	buf_u8(&w->record, SEMANTIC_UNDEFINED);
	if (type == ELEMENT_BASIC_LIST) {
		buf_u16(&w->record, IE_PADDING);
		buf_u16(&w->record, 1);
	} else if (type == ELEMENT_TEMPLATE_LIST) {
		e = find_template(w, f->tmpl, 0, &with, out, &id);
		buf_u16(&w->record, id);
	}
	return e;
}

/* Numbers of templates change, so all that is in it is written anew. */
static enum err
put_list(struct ipfix_writer *w, const struct flow *f, uint8_t type, const uint8_t *bytes, uint16_t len,
    struct buf *out)
{
	size_t length_at = w->record.len + 1;
	struct list l;
	enum err e;

	buf_u8(&w->record, 255);
	buf_u16(&w->record, 0);
	if (list_open(f, (enum element_type)type, bytes, len, &l) && is_writable(l)) {
		buf_u8(&w->record, l.semantic);
		e = type == ELEMENT_BASIC_LIST ? put_values(w, l, out) : put_parts(w, l, out);
	} else {
		e = put_empty_list(w, f, type, out);
	}
	end_length(w, length_at, 0);
	return e;
}

static uint64_t
milliseconds(const struct moment *m)
{
	return m->rank > 0 && m->time.ns > 0 ? (uint64_t)(m->time.ns / NS_PER_MSEC) : 0;
}

static void
put_origin(struct ipfix_writer *w, const struct flow *f, const struct flow_context *c, unsigned with,
    uint32_t interval, const struct moment *start, const struct moment *end)
{
	struct buf *b = &w->record;

	if (!(with & WITH_NO_SCOPE))
		put_addr(b, &c->exporter);
	buf_u16(b, c->port);
	if (f->info->proto == PROTO_SFLOW5)
		put_addr(b, &f->info->agent);
	else
		buf_u8(b, (uint8_t)f->info->proto);
	buf_u32(b, f->info->domain);
	buf_u64(b, c->received.ns > 0 ? (uint64_t)(c->received.ns / NS_PER_MSEC) : 0);
	if (with & WITH_INTERVAL)
		buf_u32(b, interval);
	if (with & WITH_ALGORITHM)
		buf_u8(b, (uint8_t)(f->info->sampling >> 14));
	if (with & WITH_START)
		buf_u64(b, milliseconds(start));
	if (with & WITH_END)
		buf_u64(b, milliseconds(end));
}

/* What the header says of sampling, or options records told. */
static unsigned
sampling_known(const struct flow *f, const struct flow_context *c, uint32_t *ret_interval)
{
	*ret_interval = 0;
	if (f->info->sampling != 0) {
		*ret_interval = f->info->sampling & 0x3fff;
		return WITH_INTERVAL | WITH_ALGORITHM;
	}
	if (!f->options && c->sampling != NULL && !sampling_stands_in(f))
		*ret_interval = sampling_of(c->sampling, f);
	return *ret_interval != 0 ? WITH_INTERVAL : 0;
}

/* Makes w->record of it. */
static enum err
make_record(struct ipfix_writer *w, const struct flow *f, const struct flow_context *c, struct buf *out,
    uint16_t *ret_id)
{
	struct moment start = {.rank = 0}, end = {.rank = 0};
	uint32_t interval;
	unsigned with = WITH_ORIGIN | sampling_known(f, c, &interval) | absolute_times(f->info, f->tmpl);
	struct flow_walk walk;
	struct flow_value v;
	enum err e = find_template(w, f->tmpl, with, &with, out, ret_id);

	if (e != ERR_OK || w->left_out)
		return e;
	if (with & WITH_NO_SCOPE)
		put_addr(&w->record, &c->exporter);
	flow_walk_init(&walk, f);
	while (e == ERR_OK && flow_walk_next(&walk, &v)) {
		if (with & (WITH_START | WITH_END))
			moment_note(f->info, &v, &start, &end);
		e = put_field(w, f, &v, out);
	}
	put_origin(w, f, c, with, interval, &start, &end);
	return e == ERR_OK && !buf_ok(&w->record) ? ERR_MEMORY : e;
}

static uint32_t
export_seconds(const struct flow *f, const struct flow_context *c)
{
	int64_t ns = f->info->has_time ? f->info->export_time.ns : c->received.ns;

	return ns > 0 ? (uint32_t)(ns / NS_PER_SEC) : 0;
}

enum err
ipfix_writer_put(struct ipfix_writer *w, const struct flow *f, const struct flow_context *c, struct buf *out)
{
	struct stream_key stream = stream_key_of(&c->exporter, c->port, f->info);
	uint16_t id = 0;
	bool anew = false;
	enum err e = ipfix_messages_turn(&w->m, &stream, export_seconds(f, c), out);

	buf_reset(&w->record);
	w->left_out = w->too_long = false;
	if (e == ERR_OK)
		e = ipfix_messages_make_room(&w->m, out, &anew);
	if (anew)
		w->known_count = 0;
	if (e == ERR_OK)
		e = make_record(w, f, c, out, &id);
	if (e == ERR_OK && !w->left_out)
		e = ipfix_messages_record(&w->m, id, &w->record, out);
	if (e == ERR_LIMIT || w->too_long) {
		w->n.too_long++;
		return ERR_OK;
	}
	if (e != ERR_OK)
		return e;
	if (w->left_out)
		w->n.options_left_out++;
	else
		(*(f->options ? &w->n.options : &w->n.flows))++;
	return ERR_OK;
}

void
ipfix_writer_datagram(struct ipfix_writer *w, bool templates_stay)
{
	w->templates_stay = templates_stay;
	w->known_count = 0;
}

enum err
ipfix_writer_flush(struct ipfix_writer *w, struct buf *out)
{
	enum err e = ipfix_messages_flush(&w->m, out);

	w->n.messages = w->m.closed;
	w->n.domains = w->m.domain_count;
	return e;
}

const struct ipfix_writer_counters *
ipfix_writer_counters(const struct ipfix_writer *w)
{
	return &w->n;
}

enum err
ipfix_writer_new(struct ipfix_writer **ret)
{
	struct ipfix_writer *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return ERR_MEMORY;
	*ret = w;
	return ERR_OK;
}

void
ipfix_writer_free(struct ipfix_writer *w)
{
	if (w == NULL)
		return;
	ipfix_messages_clear(&w->m);
	buf_clear(&w->record);
	buf_clear(&w->spec);
	buf_clear(&w->type);
	free(w);
}
