/* SPDX-License-Identifier: ISC
 *
 * A flow as a line of comma-separated values (RFC 4180) in fixed columns; what a flow does not have is empty.
 * No value here can hold a comma or a quote.
 */
#include "flow/element.h"
#include "flow/flow.h"
#include "flow/format.h"
#include "flow/value.h"

enum column { /* behind those that the head and the times fill */
	COLUMN_SRC_ADDR,
	COLUMN_DST_ADDR,
	COLUMN_SRC_PORT,
	COLUMN_DST_PORT,
	COLUMN_PROTOCOL,
	COLUMN_TCP_FLAGS,
	COLUMN_TOS,
	COLUMN_OCTETS,
	COLUMN_PACKETS,
	COLUMN_IN_INTERFACE,
	COLUMN_OUT_INTERFACE,
	COLUMN_NEXT_HOP,
	COLUMN_SRC_AS,
	COLUMN_DST_AS,
	COLUMN_SRC_MASK,
	COLUMN_DST_MASK,
	COLUMN_COUNT
};

/* Column plus 1 by element; 0: none. */
static const uint8_t column_of[] = {
    [IE_SRC_IPV4] = COLUMN_SRC_ADDR + 1,
    [IE_SRC_IPV6] = COLUMN_SRC_ADDR + 1,
    [IE_DST_IPV4] = COLUMN_DST_ADDR + 1,
    [IE_DST_IPV6] = COLUMN_DST_ADDR + 1,
    [IE_SRC_PORT] = COLUMN_SRC_PORT + 1,
    [IE_DST_PORT] = COLUMN_DST_PORT + 1,
    [IE_PROTOCOL] = COLUMN_PROTOCOL + 1,
    [IE_TCP_FLAGS] = COLUMN_TCP_FLAGS + 1,
    [IE_TOS] = COLUMN_TOS + 1,
    [IE_OCTETS] = COLUMN_OCTETS + 1,
    [IE_OCTETS_TOTAL] = COLUMN_OCTETS + 1,
    [IE_PACKETS] = COLUMN_PACKETS + 1,
    [IE_PACKETS_TOTAL] = COLUMN_PACKETS + 1,
    [IE_IN_INTERFACE] = COLUMN_IN_INTERFACE + 1,
    [IE_OUT_INTERFACE] = COLUMN_OUT_INTERFACE + 1,
    [IE_NEXT_HOP_IPV4] = COLUMN_NEXT_HOP + 1,
    [IE_NEXT_HOP_IPV6] = COLUMN_NEXT_HOP + 1,
    [IE_SRC_AS] = COLUMN_SRC_AS + 1,
    [IE_DST_AS] = COLUMN_DST_AS + 1,
    [IE_SRC_MASK_IPV4] = COLUMN_SRC_MASK + 1,
    [IE_SRC_MASK_IPV6] = COLUMN_SRC_MASK + 1,
    [IE_DST_MASK_IPV4] = COLUMN_DST_MASK + 1,
    [IE_DST_MASK_IPV6] = COLUMN_DST_MASK + 1,
};

void
flow_csv_header(struct buf *out)
{
	buf_text(out,
	    "exporter,exporterPort,version,domain,sequence,received,index,flowStart,flowEnd,sourceAddress,"
	    "destinationAddress,sourceTransportPort,destinationTransportPort,protocolIdentifier,tcpControlBits,"
	    "ipClassOfService,octetDeltaCount,packetDeltaCount,ingressInterface,egressInterface,nextHopAddress,"
	    "bgpSourceAsNumber,bgpDestinationAsNumber,sourcePrefixLength,destinationPrefixLength\n");
}

static void
make_head(struct format *f, const struct flow_context *c, const struct flow *flow)
{
	format_addr(f, &c->exporter);
	format_char(f, ',');
	format_u64(f, c->port);
	format_char(f, ',');
	format_u64(f, flow->info->proto);
	format_char(f, ',');
	format_u64(f, flow->info->domain);
	format_char(f, ',');
	format_u64(f, flow->info->sequence);
	format_char(f, ',');
	format_time(f, c->received, 9);
	format_char(f, ',');
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

/* Puts each field into its column. Of two for one column the first that is not zero stays: templates for
 * IPv4 and IPv6 at a time leave one family's addresses empty. */
static void
gather(const struct flow *flow, struct flow_value *columns, struct moment *start, struct moment *end)
{
	struct flow_walk w;
	struct flow_value v;

	flow_walk_init(&w, flow);
	while (flow_walk_next(&w, &v)) {
		uint16_t id = v.field->id;
		struct flow_value *column;

		moment_note(flow->info, &v, start, end);
		if (v.field->pen != 0 || id >= sizeof(column_of) || column_of[id] == 0)
			continue;
		column = &columns[column_of[id] - 1];
		if (column->bytes == NULL || is_zero(column))
			*column = v;
	}
}

static void
put_column(struct format *f, const struct flow_value *v)
{
	if (v->bytes == NULL)
		return;
	switch (v->field->id) {
	case IE_SRC_IPV4:
	case IE_DST_IPV4:
	case IE_NEXT_HOP_IPV4:
		if (v->len == 4)
			format_ipv4(f, v->bytes);
		break;
	case IE_SRC_IPV6:
	case IE_DST_IPV6:
	case IE_NEXT_HOP_IPV6:
		if (v->len == 16)
			format_ipv6(f, v->bytes);
		break;
	default:
		if (v->len >= 1 && v->len <= 8)
			format_u64(f, value_u64(v->bytes, v->len));
	}
}

void
flow_csv(const struct flow *flow, struct flow_context *c, struct buf *out)
{
	struct flow_value columns[COLUMN_COUNT] = {0};
	struct moment start = {.rank = 0}, end = {.rank = 0};
	struct format f;

	if (flow->options)
		return;
	gather(flow, columns, &start, &end);
	moments_finish(&start, &end);
	format_open(&f, out, c);
	format_head(&f, FORMAT_HEAD_CSV, c, flow, make_head);
	format_need(&f, (COLUMN_COUNT + 3) * FORMAT_VALUE_MOST);
	format_u64(&f, flow->index);
	format_char(&f, ',');
	if (start.rank > 0)
		format_time(&f, start.time, start.digits);
	format_char(&f, ',');
	if (end.rank > 0)
		format_time(&f, end.time, end.digits);
	for (int i = 0; i < COLUMN_COUNT; i++) {
		format_char(&f, ',');
		put_column(&f, &columns[i]);
	}
	format_char(&f, '\n');
	format_close(&f);
}
