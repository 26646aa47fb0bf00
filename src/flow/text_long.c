/* SPDX-License-Identifier: ISC
 *
 * A flow as lines for people, all that it tells:
 *
 *	flow 0 of datagram 7 from 203.0.113.1:2055, v9, domain 256
 *	    received: 2026-11-23T10:00:30.000000000Z
 *	    sourceIPv4Address: 192.0.2.1
 *	    octetDeltaCount: 1500 octets
 *	    flowStart: 2026-11-23T10:00:00.000Z
 *
 * and an empty line behind it. Fields stand in the template's order, one that stands there twice has two lines; values have
 * the forms of RFC 7373, strings those of JSON, so that nothing that an exporter sends gets at a terminal.
 */
#include <string.h>

#include "flow/element.h"
#include "flow/flow.h"
#include "flow/format.h"
#include "flow/print.h"
#include "flow/value.h"

#define LINE_MOST (2 * ELEMENT_NAME_SIZE + 2 * FORMAT_VALUE_MOST)

static void
begin_line(struct format *f, const char *name)
{
	format_need(f, LINE_MOST);
	format_literal(f, "    ");
	format_text(f, name, strlen(name));
	format_literal(f, ": ");
}

static void
put_first_line(struct format *f, const struct flow *flow)
{
	const struct proto_info *info = flow->info;
	const struct flow_context *c = f->context;
	bool v4 = addr_is_v4(&c->exporter);

	if (flow->options)
		format_literal(f, "options record ");
	else
		format_literal(f, "flow ");
	format_u64(f, flow->index);
	format_literal(f, " of datagram ");
	format_u64(f, info->sequence);
	format_literal(f, " from ");
	if (!v4)
		format_char(f, '[');
	format_addr(f, &c->exporter);
	if (!v4)
		format_char(f, ']');
	format_char(f, ':');
	format_u64(f, c->port);
	format_literal(f, ", ");
	format_text(f, proto_name(info->proto), strlen(proto_name(info->proto)));
	format_literal(f, ", domain ");
	format_u64(f, info->domain);
	if (flow->late)
		format_literal(f, ", by a template that came later");
	format_char(f, '\n');
}

static void
put_time(struct format *f, const char *name, wall_t t, int digits)
{
	begin_line(f, name);
	format_time(f, t, digits);
	format_char(f, '\n');
}

static void
put_header(struct format *f, const struct flow *flow)
{
	const struct proto_info *info = flow->info;

	if (info->proto == PROTO_SFLOW5) {
		begin_line(f, "agent");
		format_addr(f, &info->agent);
		format_char(f, '\n');
	}
	if (info->has_time)
		put_time(f, "exportTime", info->export_time, format_export_digits(info->proto));
	put_time(f, "received", f->context->received, 9);
}

/* Its text says itself what it counts in. */
static bool
is_date(const struct element *e)
{
	return e->type >= ELEMENT_SECONDS && e->type <= ELEMENT_NANOSECONDS;
}

static void
put_field(struct format *f, const struct flow *flow, const struct flow_value *v)
{
	const struct element *e = value_element(flow, v);

	if (e != NULL) {
		begin_line(f, e->name);
	} else {
		format_need(f, LINE_MOST);
		format_literal(f, "    ");
		format_u64(f, v->field->pen);
		format_char(f, '/');
		format_u64(f, v->field->id);
		format_literal(f, ": ");
	}
	print_value(f, flow, e, v->bytes, v->len, true);
	format_need(f, LINE_MOST);
	if (e != NULL && e->unit[0] != '\0' && v->len > 0 && !is_date(e)) {
		format_char(f, ' ');
		format_text(f, e->unit, strlen(e->unit));
	}
	format_char(f, '\n');
}

static void
put_sampling(struct format *f, const struct flow *flow)
{
	uint32_t interval;
	int algorithm;

	if (!print_sampling(flow, f->context, &interval, &algorithm))
		return;
	begin_line(f, "samplingInterval");
	format_u64(f, interval);
	format_char(f, '\n');
	if (algorithm < 0)
		return;
	begin_line(f, "samplingAlgorithm");
	format_u64(f, (uint64_t)algorithm);
	format_char(f, '\n');
}

static void
put_witnesses(struct format *f, const struct flow_context *c)
{
	if (c->witnesses == NULL)
		return;
	begin_line(f, "witnesses");
	for (size_t i = 0; i < c->n_witnesses; i++) {
		format_need(f, strlen(c->witnesses[i]) + FORMAT_VALUE_MOST);
		if (i > 0)
			format_char(f, ' ');
		format_text(f, c->witnesses[i], strlen(c->witnesses[i]));
	}
	format_char(f, '\n');
}

void
flow_text_long(const struct flow *flow, struct flow_context *c, struct buf *out)
{
	struct moment start = {.rank = 0}, end = {.rank = 0};
	struct flow_walk w;
	struct flow_value v;
	struct format f;

	format_open(&f, out, c);
	format_need(&f, LINE_MOST + 2 * FORMAT_VALUE_MOST);
	put_first_line(&f, flow);
	put_header(&f, flow);
	flow_walk_init(&w, flow);
	while (flow_walk_next(&w, &v)) {
		if (v.field->id == IE_PADDING && v.field->pen == 0)
			continue;
		put_field(&f, flow, &v);
		moment_note(flow->info, &v, &start, &end);
	}
	put_sampling(&f, flow);
	moments_finish(&start, &end);
	if (start.rank > 0)
		put_time(&f, "flowStart", start.time, start.digits);
	if (end.rank > 0)
		put_time(&f, "flowEnd", end.time, end.digits);
	put_witnesses(&f, c);
	format_need(&f, LINE_MOST);
	format_char(&f, '\n');
	format_close(&f);
}
