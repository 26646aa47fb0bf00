/* SPDX-License-Identifier: ISC
 *
 * A flow as a line of the values that flow-tools' flow-export -f2 and flowd-reader -c print, for whoever has programs that read
 * those. All columns are numbers or addresses and always there: what a flow does not have is 0. Its begin and end are uptimes of
 * the exporter in milliseconds; where the protocol tells absolute times, the uptimes that sysuptime and the line's time make of
 * them. Where its header has no uptime (IPFIX), sysuptime counts from 1970, modulo 2^32 as all uptimes do.
 */
#include "flow/flow.h"
#include "flow/format.h"
#include "flow/value.h"

enum column { /* in the order of the line; the ones before are the datagram's */
	COLUMN_PACKETS,
	COLUMN_OCTETS,
	COLUMN_FIRST,
	COLUMN_LAST,
	COLUMN_ENGINE_TYPE,
	COLUMN_ENGINE_ID,
	COLUMN_SRC_ADDR,
	COLUMN_DST_ADDR,
	COLUMN_NEXT_HOP,
	COLUMN_INPUT,
	COLUMN_OUTPUT,
	COLUMN_SRC_PORT,
	COLUMN_DST_PORT,
	COLUMN_PROTOCOL,
	COLUMN_TOS,
	COLUMN_TCP_FLAGS,
	COLUMN_SRC_MASK,
	COLUMN_DST_MASK,
	COLUMN_SRC_AS,
	COLUMN_DST_AS,
	COLUMN_COUNT
};

/* Column plus 1 by element; 0: none. */
static const uint8_t column_of[] = {
    [IE_PACKETS] = COLUMN_PACKETS + 1,
    [IE_PACKETS_TOTAL] = COLUMN_PACKETS + 1,
    [IE_OCTETS] = COLUMN_OCTETS + 1,
    [IE_OCTETS_TOTAL] = COLUMN_OCTETS + 1,
    [IE_START_UPTIME] = COLUMN_FIRST + 1,
    [IE_END_UPTIME] = COLUMN_LAST + 1,
    [IE_ENGINE_TYPE] = COLUMN_ENGINE_TYPE + 1,
    [IE_ENGINE_ID] = COLUMN_ENGINE_ID + 1,
    [IE_SRC_IPV4] = COLUMN_SRC_ADDR + 1,
    [IE_SRC_IPV6] = COLUMN_SRC_ADDR + 1,
    [IE_DST_IPV4] = COLUMN_DST_ADDR + 1,
    [IE_DST_IPV6] = COLUMN_DST_ADDR + 1,
    [IE_NEXT_HOP_IPV4] = COLUMN_NEXT_HOP + 1,
    [IE_NEXT_HOP_IPV6] = COLUMN_NEXT_HOP + 1,
    [IE_IN_INTERFACE] = COLUMN_INPUT + 1,
    [IE_OUT_INTERFACE] = COLUMN_OUTPUT + 1,
    [IE_SRC_PORT] = COLUMN_SRC_PORT + 1,
    [IE_DST_PORT] = COLUMN_DST_PORT + 1,
    [IE_PROTOCOL] = COLUMN_PROTOCOL + 1,
    [IE_TOS] = COLUMN_TOS + 1,
    [IE_TCP_FLAGS] = COLUMN_TCP_FLAGS + 1,
    [IE_SRC_MASK_IPV4] = COLUMN_SRC_MASK + 1,
    [IE_SRC_MASK_IPV6] = COLUMN_SRC_MASK + 1,
    [IE_DST_MASK_IPV4] = COLUMN_DST_MASK + 1,
    [IE_DST_MASK_IPV6] = COLUMN_DST_MASK + 1,
    [IE_SRC_AS] = COLUMN_SRC_AS + 1,
    [IE_DST_AS] = COLUMN_DST_AS + 1,
};

void
flow_tools_header(struct buf *out)
{
	buf_text(out,
	    "#:unix_secs,unix_nsecs,sysuptime,exaddr,dpkts,doctets,first,last,engine_type,engine_id,srcaddr,dstaddr,"
	    "nexthop,input,output,srcport,dstport,prot,tos,tcp_flags,src_mask,dst_mask,src_as,dst_as\n");
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

/* Each field into its column. Of two for one column the first that is not zero stays, as in CSV. */
static void
gather(const struct flow *flow, struct flow_value *columns, struct moment *start, struct moment *end)
{
	struct flow_walk w;
	struct flow_value v;

	flow_walk_init(&w, flow);
	while (flow_walk_next(&w, &v)) {
		struct flow_value *column;

		moment_note(flow->info, &v, start, end);
		if (v.field->pen != 0 || v.field->id >= sizeof(column_of) || column_of[v.field->id] == 0)
			continue;
		column = &columns[column_of[v.field->id] - 1];
		if (column->bytes == NULL || is_zero(column))
			*column = v;
	}
	moments_finish(start, end);
}

static void
put_addr(struct format *f, const struct flow_value *v)
{
	static const uint8_t none[4];

	if (v->bytes != NULL && v->len == 16)
		format_ipv6(f, v->bytes);
	else
		format_ipv4(f, v->bytes != NULL && v->len == 4 ? v->bytes : none);
}

static void
put_number(struct format *f, const struct flow_value *v)
{
	format_u64(f, v->bytes != NULL && v->len >= 1 && v->len <= 8 ? value_u64(v->bytes, v->len) : 0);
}

/* The exporter's uptimes as they stand, if the header has one to hold them against. */
static void
put_uptime(struct format *f, const struct flow_value *v, const struct moment *m,
    const struct proto_info *info, wall_t now, uint32_t uptime_ms)
{
	if ((v->bytes == NULL || !info->has_uptime) && m->rank > 0)
		format_u64(f, (uint32_t)((int64_t)uptime_ms + (m->time.ns - now.ns) / NS_PER_MSEC));
	else
		put_number(f, v);
}

static void
put_column(struct format *f, enum column column, const struct flow_value *v, const struct proto_info *info)
{
	bool in_header = info->proto == PROTO_V5 || info->proto == PROTO_V8;

	format_char(f, ',');
	if (column >= COLUMN_SRC_ADDR && column <= COLUMN_NEXT_HOP)
		put_addr(f, v);
	else if (column == COLUMN_ENGINE_TYPE && in_header)
		format_u64(f, info->domain >> 8);
	else if (column == COLUMN_ENGINE_ID && in_header)
		format_u64(f, info->domain & 0xff);
	else
		put_number(f, v);
}

void
flow_tools(const struct flow *flow, struct flow_context *c, struct buf *out)
{
	struct flow_value columns[COLUMN_COUNT] = {0};
	struct moment start = {.rank = 0}, end = {.rank = 0};
	const struct proto_info *info = flow->info;
	wall_t now = info->has_time ? info->export_time : c->received;
	uint32_t uptime_ms = info->has_uptime ? info->uptime_ms : (uint32_t)(now.ns / NS_PER_MSEC);
	struct format f;

	if (flow->options)
		return;
	gather(flow, columns, &start, &end);
	format_open(&f, out, c);
	format_need(&f, (COLUMN_COUNT + 4) * FORMAT_VALUE_MOST);
	format_i64(&f, now.ns / NS_PER_SEC);
	format_char(&f, ',');
	format_i64(&f, now.ns % NS_PER_SEC);
	format_char(&f, ',');
	format_u64(&f, uptime_ms);
	format_char(&f, ',');
	format_addr(&f, &c->exporter);
	for (int i = 0; i < COLUMN_COUNT; i++) {
		if (i == COLUMN_FIRST || i == COLUMN_LAST) {
			format_char(&f, ',');
			put_uptime(&f, &columns[i], i == COLUMN_FIRST ? &start : &end, info, now, uptime_ms);
		} else {
			put_column(&f, (enum column)i, &columns[i], info);
		}
	}
	format_char(&f, '\n');
	format_close(&f);
}
