/* SPDX-License-Identifier: ISC
 *
 * Columns as CSV and JSON. In CSV an array or a list is the text that it is in JSON, in quotes.
 */
#include <string.h>

#include "base/json.h"
#include "flow/columns_private.h"
#include "flow/print.h"
#include "flow/value.h"

#define NAME_MOST (ELEMENT_NAME_SIZE + 8)
#define USUAL_MOST (FORMAT_DIGITS_MOST + 4) /* a comma, then a number or an IPv4 address */

struct line {
	struct format f;
	struct columns *c;
	const struct flow *flow;
	bool json;
	struct moment start, end;
	uint32_t interval; /* of sampling, when the record does not tell it */
	int algorithm;
	bool has_sampling, asked_sampling;
};

/* --- CSV's quotes --- */

/* What was written behind start becomes one value. */
static void
quote_from(struct buf *out, size_t start)
{
	size_t len = out->len - start, quotes = 0, to;
	bool needed = false;
	uint8_t *at;

	if (!buf_ok(out))
		return;
	for (size_t i = start; i < out->len; i++) {
		quotes += out->data[i] == '"';
		needed |= out->data[i] == '"' || out->data[i] == ',' || out->data[i] == '\n' ||
		    out->data[i] == '\r';
	}
	if (!needed || buf_room(out, quotes + 2) == NULL)
		return;
	at = out->data + start;
	to = len + quotes + 2;
	at[--to] = '"';
	while (len > 0) {
		at[--to] = at[--len];
		if (at[len] == '"')
			at[--to] = '"';
	}
	at[0] = '"';
}

static size_t
begin_text(struct format *f)
{
	format_close(f);
	return f->out->len;
}

static void
end_text(struct format *f, size_t start)
{
	quote_from(f->out, start);
	format_open(f, f->out, f->context);
}

/* --- values --- */

static bool
is_csv_text(const struct element *e, const uint8_t *bytes, uint16_t len)
{
	return e != NULL && e->type == ELEMENT_STRING && json_is_utf8(bytes, len);
}

/* Text of fixed length is padded with zeros. */
static void
put_csv_text(struct format *f, const uint8_t *bytes, uint16_t len)
{
	size_t start = begin_text(f);

	while (len > 0 && bytes[len - 1] == 0)
		len--;
	buf_bytes(f->out, bytes, len);
	end_text(f, start);
}

static void
put_csv_any(struct line *l, const struct slot *s)
{
	const struct flow_value *v = &s->value;
	size_t start;

	if (v->len == 0)
		return;
	if (is_csv_text(s->element, v->bytes, v->len)) {
		put_csv_text(&l->f, v->bytes, v->len);
	} else if (s->element != NULL && s->element->type >= ELEMENT_BASIC_LIST) {
		start = begin_text(&l->f);
		format_open(&l->f, l->f.out, l->f.context);
		print_value(&l->f, l->flow, s->element, v->bytes, v->len, true);
		format_close(&l->f);
		end_text(&l->f, start);
	} else {
		print_value(&l->f, l->flow, s->element, v->bytes, v->len, true);
	}
}

static inline void
put_slot(struct line *l, const struct slot *s)
{
	const struct flow_value *v = &s->value;

	if (s->form == SLOT_UNSIGNED) {
		format_u64(&l->f, value_u64(v->bytes, v->len));
	} else if (l->json) {
		print_value(&l->f, l->flow, s->element, v->bytes, v->len, false);
	} else if (s->form == SLOT_IPV4) {
		format_ipv4(&l->f, v->bytes);
	} else {
		put_csv_any(l, s);
	}
	format_need(&l->f, NAME_MOST + FORMAT_VALUE_MOST);
}

/* An element that stands there several times. */
static void
put_array(struct line *l, const struct slot *s)
{
	bool json = l->json, more = false;
	size_t start = begin_text(&l->f);

	format_open(&l->f, l->f.out, l->f.context);
	l->json = true;
	format_char(&l->f, '[');
	for (;; s = &l->c->slots[s->next]) {
		if (s->value.bytes != NULL) {
			if (more)
				format_char(&l->f, ',');
			put_slot(l, s);
			more = true;
		}
		if (s->next == COLUMNS_NONE)
			break;
	}
	format_char(&l->f, ']');
	l->json = json;
	format_close(&l->f);
	if (json)
		format_open(&l->f, l->f.out, l->f.context);
	else
		end_text(&l->f, start);
}

static bool
is_zero(const struct flow_value *v)
{
	for (uint16_t i = 0; i < v->len; i++) {
		if (v->bytes[i] != 0)
			return false;
	}
	return true;
}

/* Templates for IPv4 and IPv6 at a time leave one family's addresses empty. */
static const struct slot *
choose(const struct columns *c, const struct column *col)
{
	const struct slot *s = &c->slots[col->slot];

	while (s->next != COLUMNS_NONE && (s->value.bytes == NULL || is_zero(&s->value)))
		s = &c->slots[s->next];
	return s->value.bytes != NULL ? s : NULL;
}

/* --- what is the same for all flows of a datagram --- */

static bool
has_head(const struct line *l, const struct column *col)
{
	switch (col->what) {
	case COLUMN_AGENT:
		return l->flow->info->proto == PROTO_SFLOW5;
	case COLUMN_EXPORT_TIME:
		return l->flow->info->has_time;
	case COLUMN_WITNESSES:
		return l->f.context->witnesses != NULL;
	default:
		return true;
	}
}

/* In CSV names stand beside each other: they hold neither spaces nor what needs quotes. */
static void
put_witnesses(struct line *l)
{
	const struct flow_context *context = l->f.context;
	struct json j;

	format_close(&l->f);
	json_init(&j, l->f.out);
	if (l->json)
		json_array(&j);
	for (size_t i = 0; i < context->n_witnesses; i++) {
		if (l->json)
			json_text(&j, context->witnesses[i]);
		else
			buf_printf(l->f.out, "%s%s", i > 0 ? " " : "", context->witnesses[i]);
	}
	if (l->json)
		json_end(&j);
	format_open(&l->f, l->f.out, l->f.context);
}

static void
put_version(struct line *l)
{
	const char *text = proto_version_json(l->flow->info->proto);

	if (!l->json && l->flow->info->proto == PROTO_SFLOW5)
		format_literal(&l->f, "sflow5");
	else
		format_text(&l->f, text, strlen(text));
}

static void
put_quoted_time(struct line *l, wall_t t, int digits)
{
	if (l->json)
		format_char(&l->f, '"');
	format_time(&l->f, t, digits);
	if (l->json)
		format_char(&l->f, '"');
}

static void
put_addr(struct line *l, const struct addr *a)
{
	if (l->json)
		format_char(&l->f, '"');
	format_addr(&l->f, a);
	if (l->json)
		format_char(&l->f, '"');
}

static void
put_head(struct line *l, const struct column *col)
{
	const struct proto_info *info = l->flow->info;
	const struct flow_context *context = l->f.context;

	switch (col->what) {
	case COLUMN_EXPORTER:
		put_addr(l, &context->exporter);
		break;
	case COLUMN_EXPORTER_PORT:
		format_u64(&l->f, context->port);
		break;
	case COLUMN_VERSION:
		put_version(l);
		break;
	case COLUMN_AGENT:
		put_addr(l, &info->agent);
		break;
	case COLUMN_DOMAIN:
		format_u64(&l->f, info->domain);
		break;
	case COLUMN_SEQUENCE:
		format_u64(&l->f, info->sequence);
		break;
	case COLUMN_EXPORT_TIME:
		put_quoted_time(l, info->export_time, format_export_digits(info->proto));
		break;
	case COLUMN_RECEIVED:
		put_quoted_time(l, context->received, 9);
		break;
	default:
		put_witnesses(l);
	}
}

/* --- columns --- */

/* Before a value: its key, or the comma alone. */
static void
put_name(struct line *l, const struct column *col, bool first)
{
	if (!first || l->json)
		format_char(&l->f, ',');
	if (!l->json)
		return;
	format_char(&l->f, '"');
	format_text(&l->f, col->name, col->name_len);
	format_literal(&l->f, "\":");
}

static bool
has_sampling(struct line *l, bool algorithm)
{
	if (!l->asked_sampling) {
		l->has_sampling = print_sampling(l->flow, l->f.context, &l->interval, &l->algorithm);
		l->asked_sampling = true;
	}
	return l->has_sampling && (!algorithm || l->algorithm >= 0);
}

static bool
is_algorithm(const struct column *col)
{
	return col->name_len == sizeof("samplingAlgorithm") - 1;
}

static void
put_field(struct line *l, const struct column *col, bool first)
{
	const struct slot *s = col->slot != COLUMNS_NONE ? &l->c->slots[col->slot] : NULL;

	if (s != NULL && col->what == COLUMN_EITHER)
		s = choose(l->c, col);
	if (s != NULL && s->value.bytes != NULL) {
		put_name(l, col, first);
		if (s->next != COLUMNS_NONE && col->what == COLUMN_FIELD)
			put_array(l, s);
		else
			put_slot(l, s);
	} else if (col->sampling && has_sampling(l, is_algorithm(col))) {
		put_name(l, col, first);
		format_u64(&l->f, is_algorithm(col) ? (uint64_t)l->algorithm : l->interval);
	} else if (!l->json) {
		put_name(l, col, first);
	}
}

static void
put_true(struct line *l, const struct column *col, bool is_so, bool first)
{
	if (is_so || !l->json)
		put_name(l, col, first);
	if (is_so)
		format_literal(&l->f, "true");
}

static void
put_moment(struct line *l, const struct column *col, const struct moment *m, bool first)
{
	if (m->rank > 0 || !l->json)
		put_name(l, col, first);
	if (m->rank > 0)
		put_quoted_time(l, m->time, m->digits);
}

static void
put_column(struct line *l, const struct column *col, bool first)
{
	switch ((enum column_what)col->what) {
	case COLUMN_FIELD:
	case COLUMN_EITHER:
		put_field(l, col, first);
		break;
	case COLUMN_START:
		put_moment(l, col, &l->start, first);
		break;
	case COLUMN_END:
		put_moment(l, col, &l->end, first);
		break;
	case COLUMN_INDEX:
		put_name(l, col, first);
		format_u64(&l->f, l->flow->index);
		break;
	case COLUMN_OPTIONS:
		put_true(l, col, l->flow->options, first);
		break;
	case COLUMN_LATE:
		put_true(l, col, l->flow->late, first);
		break;
	default:
		if (has_head(l, col) || !l->json)
			put_name(l, col, first);
		if (has_head(l, col))
			put_head(l, col);
	}
}

/* The text of each run of columns that are the same for all flows of the datagram. */
static void
make_heads(struct line *l)
{
	struct columns *c = l->c;
	struct line head = *l;

	buf_reset(&c->heads);
	for (uint16_t i = 0; i < c->count; i++) {
		uint16_t end = i;

		if (c->columns[i].what >= COLUMN_INDEX)
			continue;
		c->head_at[i] = (uint32_t)c->heads.len;
		format_open(&head.f, &c->heads, l->f.context);
		for (; end < c->count && c->columns[end].what < COLUMN_INDEX; end++) {
			format_need(&head.f, NAME_MOST + FORMAT_VALUE_MOST);
			put_column(&head, &c->columns[end], end == 0);
		}
		format_close(&head.f);
		c->head_len[i] = (uint32_t)c->heads.len - c->head_at[i];
		c->head_end[i] = end;
		i = end;
	}
	c->has_heads = buf_ok(&c->heads);
}

/* CSV of the most usual fields: one of a column, a number or an address. False: it is none. */
static inline bool
put_usual(struct line *l, const struct column *col, bool first)
{
	const struct slot *s;
	uint8_t *at, *end;

	if (l->json || col->slot == COLUMNS_NONE)
		return false;
	s = &l->c->slots[col->slot];
	if (s->form == SLOT_ANY || s->next != COLUMNS_NONE || s->value.bytes == NULL)
		return false;
	format_need(&l->f, USUAL_MOST);
	at = end = wr_room(&l->f.w, USUAL_MOST);
	if (at == NULL)
		return true; /* memory is out, which the buffer says */
	*end = ',';
	end += !first;
	if (s->form == SLOT_UNSIGNED)
		end = format_digits(end, value_u64(s->value.bytes, s->value.len));
	else
		end = format_octets(end, s->value.bytes);
	wr_back(&l->f.w, (size_t)(at + USUAL_MOST - end));
	return true;
}

static void
put_line(struct line *l)
{
	struct columns *c = l->c;

	for (uint16_t i = 0; i < c->count;) {
		if (put_usual(l, &c->columns[i], i == 0)) {
			i++;
		} else if (c->columns[i].what >= COLUMN_INDEX) {
			format_need(&l->f, NAME_MOST + FORMAT_VALUE_MOST);
			put_column(l, &c->columns[i], i == 0);
			i++;
		} else {
			format_need(&l->f, c->head_len[i] + NAME_MOST + FORMAT_VALUE_MOST);
			format_text(&l->f, (const char *)c->heads.data + c->head_at[i], c->head_len[i]);
			i = c->head_end[i];
		}
	}
}

static void
note_times(struct line *l)
{
	if (!l->c->wants_times)
		return;
	for (size_t i = 0; i < l->c->slot_count; i++) {
		const struct slot *s = &l->c->slots[i];

		if (s->column == COLUMNS_TIMES && s->value.bytes != NULL)
			moment_put(l->flow->info, &s->value, &l->start, &l->end);
	}
	moments_finish(&l->start, &l->end);
}

/* False: the flow is not shown, or memory is out. */
static bool
begin_line(struct line *l, struct flow_context *context, struct buf *out)
{
	if (l->flow->options && !l->c->shows_options)
		return false;
	if (!columns_place(l->c, l->flow)) {
		out->failed = true;
		return false;
	}
	note_times(l);
	format_open(&l->f, out, context);
	if (!l->c->has_heads)
		make_heads(l);
	if (!l->c->has_heads) {
		out->failed = true;
		return false;
	}
	format_need(&l->f, NAME_MOST + FORMAT_VALUE_MOST);
	return true;
}

void
columns_csv(struct columns *c, const struct flow *f, struct flow_context *context, struct buf *out)
{
	struct line l = {.c = c, .flow = f};
	size_t start = out->len;

	if (!begin_line(&l, context, out))
		return;
	put_line(&l);
	format_need(&l.f, FORMAT_VALUE_MOST);
	if (c->count == 1 && out->len - wr_left(&l.f.w) == start)
		format_literal(&l.f, "\"\""); /* an empty line would be no record */
	format_char(&l.f, '\n');
	format_close(&l.f);
}

/* Each key brings the comma before it; the first one's becomes the bracket. */
void
columns_json(struct columns *c, const struct flow *f, struct flow_context *context, struct buf *out)
{
	struct line l = {.c = c, .flow = f, .json = true};
	size_t start = out->len;

	if (!begin_line(&l, context, out))
		return;
	put_line(&l);
	format_close(&l.f);
	if (!buf_ok(out))
		return;
	if (out->len == start)
		buf_u8(out, '{');
	else
		out->data[start] = '{';
	buf_text(out, "}\n");
}

void
columns_csv_header(const struct columns *c, struct buf *out)
{
	if (c->header != NULL) {
		buf_text(out, c->header);
	} else {
		for (uint16_t i = 0; i < c->count; i++)
			buf_printf(out, "%s%s", i > 0 ? "," : "", c->columns[i].name);
	}
	buf_text(out, "\n");
}
