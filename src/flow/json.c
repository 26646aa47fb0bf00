/* SPDX-License-Identifier: ISC
 *
 * A flow as one JSON object on a line. Keys are the elements' names; an element that stands twice in the
 * template is an array at its first place.
 */
#include <math.h>
#include <string.h>

#include "base/json.h"
#include "flow/element.h"
#include "flow/flow.h"
#include "flow/format.h"
#include "flow/list.h"
#include "flow/print.h"
#include "flow/sampling.h"
#include "flow/value.h"

#define KEY_MOST (ELEMENT_NAME_SIZE + 8)

/* The element's name with the comma before and the colon behind it; in_object: it is not the first of one. */
static void
put_key(struct format *f, const struct element *e, const struct flow_value *v, bool in_object)
{
	format_need(f, KEY_MOST + FORMAT_VALUE_MOST);
	if (e != NULL) {
		format_text(f, e->key + !in_object, e->key_len - (size_t)!in_object);
		return;
	}
	if (in_object)
		format_char(f, ',');
	format_char(f, '"');
	format_u64(f, v->field->pen);
	format_char(f, '/');
	format_u64(f, v->field->id);
	format_literal(f, "\":");
}

static inline void
put_quote(struct format *f, bool bare)
{
	if (!bare)
		format_char(f, '"');
}

static void
put_hex(struct format *f, const uint8_t *bytes, uint16_t len, bool bare)
{
	put_quote(f, bare);
	format_hex(f, bytes, len);
	put_quote(f, bare);
}

/* Text of fixed length is padded with zeros. What is no text stays whole. */
static void
put_string(struct format *f, const uint8_t *bytes, uint16_t len, bool bare)
{
	struct json j;

	if (!json_is_utf8(bytes, len)) {
		put_hex(f, bytes, len, bare);
		return;
	}
	while (len > 0 && bytes[len - 1] == 0)
		len--;
	format_close(f);
	json_init(&j, f->out);
	json_text_len(&j, bytes, len);
	format_open(f, f->out, f->context);
}

static void
put_float(struct format *f, const uint8_t *bytes, uint16_t len, bool bare)
{
	struct json j;
	double v = value_double(bytes, len);

	if (!isfinite(v)) { /* JSON has no number for it */
		put_hex(f, bytes, len, bare);
		return;
	}
	format_close(f);
	json_init(&j, f->out);
	json_double(&j, v);
	format_open(f, f->out, f->context);
}

static void put_list(struct format *f, const struct list *list);

/* A value of a length that its type does not allow is shown as it stands; none is null. */
void
print_value(struct format *f, const struct flow *flow, const struct element *e, const uint8_t *bytes,
    uint16_t len, bool bare)
{
	enum element_type type = e != NULL ? (enum element_type)e->type : ELEMENT_OCTETS;
	bool number = len >= 1 && len <= 8;
	struct list list;
	wall_t time;
	int digits;

	if (type == ELEMENT_UNSIGNED && number) {
		format_u64(f, value_u64(bytes, len));
	} else if (type == ELEMENT_SIGNED && number) {
		format_i64(f, value_i64(bytes, len));
	} else if (type == ELEMENT_IPV4 && len == 4) {
		put_quote(f, bare);
		format_ipv4(f, bytes);
		put_quote(f, bare);
	} else if (type == ELEMENT_IPV6 && len == 16) {
		put_quote(f, bare);
		format_ipv6(f, bytes);
		put_quote(f, bare);
	} else if (type == ELEMENT_MAC && len == 6) {
		put_quote(f, bare);
		format_mac(f, bytes);
		put_quote(f, bare);
	} else if (type >= ELEMENT_SECONDS && type <= ELEMENT_NANOSECONDS &&
	    value_time(type, bytes, len, &time, &digits)) {
		put_quote(f, bare);
		format_time(f, time, digits);
		put_quote(f, bare);
	} else if (type == ELEMENT_STRING) {
		put_string(f, bytes, len, bare);
	} else if (type == ELEMENT_BOOLEAN && len == 1 && (bytes[0] == 1 || bytes[0] == 2)) {
		if (bytes[0] == 1)
			format_literal(f, "true");
		else
			format_literal(f, "false");
	} else if (type == ELEMENT_FLOAT && (len == 4 || len == 8)) {
		put_float(f, bytes, len, bare);
	} else if (type >= ELEMENT_BASIC_LIST && list_open(flow, type, bytes, len, &list)) {
		put_list(f, &list);
	} else if (len == 0 && type != ELEMENT_OCTETS) {
		format_literal(f, "null");
	} else {
		put_hex(f, bytes, len, bare);
	}
}

/* All values of v's element: its own, and those of the fields behind it. */
static void
put_array(struct format *f, const struct flow *flow, const struct element *e, const struct flow_value *v,
    const struct flow_walk *at)
{
	struct flow_walk ahead = *at;
	uint16_t next = v->field->again;
	struct flow_value other;

	format_char(f, '[');
	print_value(f, flow, e, v->bytes, v->len, false);
	while (flow_walk_next(&ahead, &other)) {
		if (ahead.at - 1 != next)
			continue;
		next = other.field->again;
		format_need(f, FORMAT_VALUE_MOST);
		format_char(f, ',');
		print_value(f, flow, e, other.bytes, other.len, false);
	}
	format_char(f, ']');
}

/* in_object: something stands before the first field. False: none was put. */
static bool
put_fields(struct format *f, const struct flow *flow, bool in_object, flow_json_left_out *left_out, void *ctx,
    struct moment *start, struct moment *end)
{
	struct flow_walk w;
	struct flow_value v;

	flow_walk_init(&w, flow);
	while (flow_walk_next(&w, &v)) {
		const struct element *e;

		if (!v.field->first || (v.field->id == IE_PADDING && v.field->pen == 0) ||
		    (left_out != NULL && left_out(ctx, &v)))
			continue;
		e = value_element(flow, &v);
		put_key(f, e, &v, in_object);
		in_object = true;
		if (v.field->again != TMPL_NO_FIELD)
			put_array(f, flow, e, &v, &w);
		else
			print_value(f, flow, e, v.bytes, v.len, false);
		moment_note(flow->info, &v, start, end);
	}
	return in_object;
}

static void
put_semantic(struct format *f, uint8_t semantic)
{
	static const char names[][16] = {"noneOf", "exactlyOneOf", "oneOrMoreOf", "allOf", "ordered"};

	format_need(f, KEY_MOST + FORMAT_VALUE_MOST);
	format_literal(f, "{\"semantic\":");
	if (semantic == 255) {
		format_literal(f, "\"undefined\"");
	} else if (semantic < sizeof(names) / sizeof(names[0])) {
		format_char(f, '"');
		format_text(f, names[semantic], strlen(names[semantic]));
		format_char(f, '"');
	} else {
		format_u64(f, semantic);
	}
}

/* "element":"name","elements":[value, ...] */
static void
put_values(struct format *f, struct list list)
{
	const struct element *e = element_find(list.field.pen, list.field.id);
	struct flow inner = *list.flow;
	struct flow_value v;
	bool more = false;

	inner.depth++;
	format_need(f, KEY_MOST + FORMAT_VALUE_MOST);
	format_literal(f, ",\"element\":\"");
	if (e != NULL) {
		format_text(f, e->name, strlen(e->name));
	} else {
		format_u64(f, list.field.pen);
		format_char(f, '/');
		format_u64(f, list.field.id);
	}
	format_need(f, KEY_MOST + FORMAT_VALUE_MOST);
	format_literal(f, "\",\"elements\":[");
	for (; list_next_value(&list, &v); more = true) {
		format_need(f, KEY_MOST + FORMAT_VALUE_MOST);
		if (more)
			format_char(f, ',');
		print_value(f, &inner, e, v.bytes, v.len, false);
	}
}

/* "elements":[{record}, ...]; records whose template is not known stay octets. */
static void
put_records(struct format *f, struct list list)
{
	struct moment start = {.rank = 0}, end = {.rank = 0};
	struct list_part part;
	struct flow record;
	const char *comma = "";

	format_literal(f, ",\"elements\":[");
	while (list_next_part(&list, &part)) {
		if (part.tmpl == NULL) {
			format_need(f, KEY_MOST + FORMAT_VALUE_MOST);
			format_text(f, comma, strlen(comma));
			format_literal(f, "{\"template\":");
			format_u64(f, part.template_id);
			format_literal(f, ",\"octets\":");
			put_hex(f, part.rest.at, (uint16_t)rd_left(&part.rest), false);
			format_char(f, '}');
			comma = ",";
			continue;
		}
		for (; list_next_record(&list, &part, &record); comma = ",") {
			format_need(f, KEY_MOST + FORMAT_VALUE_MOST);
			format_text(f, comma, strlen(comma));
			format_char(f, '{');
			(void)put_fields(f, &record, false, NULL, NULL, &start, &end);
			format_need(f, FORMAT_VALUE_MOST);
			format_char(f, '}');
		}
	}
}

static void
put_list(struct format *f, const struct list *list)
{
	put_semantic(f, list->semantic);
	if (list->type == ELEMENT_BASIC_LIST)
		put_values(f, *list);
	else
		put_records(f, *list);
	format_need(f, FORMAT_VALUE_MOST);
	format_literal(f, "]}");
}

static void
put_moment(struct format *f, const char *key, size_t key_len, const struct moment *m)
{
	if (m->rank == 0)
		return;
	format_need(f, KEY_MOST + FORMAT_VALUE_MOST);
	format_text(f, key, key_len);
	format_time(f, m->time, m->digits);
	format_char(f, '"');
}

static void
put_witnesses(struct format *f, const struct flow_context *c)
{
	struct json j;

	if (c->witnesses == NULL)
		return;
	format_literal(f, ",\"witnesses\":");
	format_close(f);
	json_init(&j, f->out);
	json_array(&j);
	for (size_t i = 0; i < c->n_witnesses; i++)
		json_text(&j, c->witnesses[i]);
	json_end(&j);
	format_open(f, f->out, f->context);
}

static void
put_hearings(struct format *f, const struct flow_context *c)
{
	if (c->hearings == NULL)
		return;
	format_literal(f, ",\"hearings\":");
	format_close(f);
	buf_bytes(f->out, c->hearings, c->hearings_len);
	format_open(f, f->out, f->context);
}

static void
make_head(struct format *f, const struct flow_context *c, const struct flow *flow)
{
	const struct proto_info *info = flow->info;

	format_literal(f, "{\"exporter\":\"");
	format_addr(f, &c->exporter);
	format_literal(f, "\",\"exporterPort\":");
	format_u64(f, c->port);
	format_literal(f, ",\"version\":");
	format_text(f, proto_version_json(info->proto), strlen(proto_version_json(info->proto)));
	if (info->proto == PROTO_SFLOW5) {
		format_literal(f, ",\"agent\":\"");
		format_addr(f, &info->agent);
		format_char(f, '"');
	}
	format_literal(f, ",\"domain\":");
	format_u64(f, info->domain);
	format_literal(f, ",\"sequence\":");
	format_u64(f, info->sequence);
	if (info->has_time) {
		format_literal(f, ",\"exportTime\":\"");
		format_time(f, info->export_time, format_export_digits(info->proto));
		format_char(f, '"');
	}
	format_literal(f, ",\"received\":\"");
	format_time(f, c->received, 9);
	format_literal(f, "\",\"index\":");
}

/* What the header says, or options records told; a record that tells it itself needs no help. */
bool
print_sampling(
    const struct flow *flow, const struct flow_context *c, uint32_t *ret_interval, int *ret_algorithm)
{
	*ret_algorithm = -1;
	if (flow->info->sampling != 0) {
		*ret_interval = flow->info->sampling & 0x3fff;
		*ret_algorithm = flow->info->sampling >> 14;
		return true;
	}
	if (flow->options || c->sampling == NULL || sampling_stands_in(flow))
		return false;
	*ret_interval = sampling_of(c->sampling, flow);
	return *ret_interval != 0;
}

static void
put_sampling(struct format *f, const struct flow *flow, const struct flow_context *c)
{
	uint32_t interval;
	int algorithm;

	if (!print_sampling(flow, c, &interval, &algorithm))
		return;
	format_literal(f, ",\"samplingInterval\":");
	format_u64(f, interval);
	if (algorithm < 0)
		return;
	format_literal(f, ",\"samplingAlgorithm\":");
	format_u64(f, (uint64_t)algorithm);
}

static void
put_tags(struct format *f, const struct flow *flow)
{
	if (flow->tag_count == 0)
		return;
	format_need(f, KEY_MOST + 11 * (size_t)flow->tag_count);
	format_literal(f, ",\"tags\":[");
	for (unsigned i = 0; i < flow->tag_count; i++) {
		if (i > 0)
			format_char(f, ',');
		format_u64(f, flow->tags[i]);
	}
	format_char(f, ']');
	format_need(f, KEY_MOST + FORMAT_VALUE_MOST);
}

void
flow_json(const struct flow *flow, struct flow_context *c, struct buf *out)
{
	struct moment start = {.rank = 0}, end = {.rank = 0};
	struct format f;

	format_open(&f, out, c);
	format_head(&f, FORMAT_HEAD_JSON, c, flow, make_head);
	format_u64(&f, flow->index);
	if (flow->options)
		format_literal(&f, ",\"options\":true");
	if (flow->late)
		format_literal(&f, ",\"lateTemplate\":true");
	put_tags(&f, flow);
	(void)put_fields(&f, flow, true, NULL, NULL, &start, &end);
	format_need(&f, KEY_MOST + FORMAT_VALUE_MOST);
	put_sampling(&f, flow, c);
	moments_finish(&start, &end);
	put_moment(&f, ",\"flowStart\":\"", sizeof(",\"flowStart\":\"") - 1, &start);
	put_moment(&f, ",\"flowEnd\":\"", sizeof(",\"flowEnd\":\"") - 1, &end);
	format_need(&f, KEY_MOST);
	put_witnesses(&f, c);
	format_need(&f, KEY_MOST);
	put_hearings(&f, c);
	format_need(&f, KEY_MOST);
	format_literal(&f, "}\n");
	format_close(&f);
}

bool
flow_json_others(
    const struct flow *flow, flow_json_left_out *left_out, void *ctx, struct flow_context *c, struct buf *out)
{
	struct moment start = {.rank = 0}, end = {.rank = 0};
	struct format f;
	bool any;

	format_open(&f, out, c);
	format_need(&f, KEY_MOST);
	format_char(&f, '{');
	any = put_fields(&f, flow, false, left_out, ctx, &start, &end);
	format_need(&f, KEY_MOST);
	format_char(&f, '}');
	format_close(&f);
	return any;
}
