/* SPDX-License-Identifier: ISC
 *
 * See proto.h. Header layouts: Cisco "NetFlow Export Datagram Format" (v1, v5, v7, v8), RFC 3954 section 5.1,
 * RFC 7011 section 3.1, sFlow version 5 section 5.
 */
#include "wire/proto.h"

#include "base/rd.h"
#include "wire/sets.h"
#include "wire/sflow.h"
#include "wire/template.h"

#define VERSION_SIZE 2

const char *
proto_name(enum proto p)
{
	switch (p) {
	case PROTO_V1:
		return "v1";
	case PROTO_V5:
		return "v5";
	case PROTO_V7:
		return "v7";
	case PROTO_V8:
		return "v8";
	case PROTO_V9:
		return "v9";
	case PROTO_IPFIX:
		return "IPFIX";
	case PROTO_SFLOW5:
		return "sFlow 5";
	case PROTO_NONE:
		break;
	}
	return "none";
}

const char *
proto_version_json(enum proto p)
{
	switch (p) {
	case PROTO_V1:
		return "1";
	case PROTO_V5:
		return "5";
	case PROTO_V7:
		return "7";
	case PROTO_V8:
		return "8";
	case PROTO_V9:
		return "9";
	case PROTO_IPFIX:
		return "10";
	case PROTO_SFLOW5:
		return "\"sflow5\"";
	case PROTO_NONE:
		break;
	}
	return "null";
}

const char *
proto_fault_name(enum proto_fault f)
{
	static const char *const names[] = {"none", "header cut", "message length", "record count",
	    "set length", "sample length", "template", "stray bytes"};

	return (unsigned)f < FAULT_COUNT_OF_KINDS ? names[f] : "unknown";
}

/* v1, v5, v7 and v8 begin alike: count, uptime, seconds, nanoseconds. */
static void
read_old(struct rd *r, struct proto_info *info)
{
	uint32_t sec;

	info->count = rd_u16(r);
	info->uptime_ms = rd_u32(r);
	sec = rd_u32(r);
	info->export_time = wall_from_sec(sec, rd_u32(r));
	info->has_uptime = info->has_time = true;
	if (info->proto == PROTO_V1)
		return;
	info->sequence = rd_u32(r);
	info->has_sequence = true;
	if (info->proto == PROTO_V7) {
		rd_skip(r, 4);
		return;
	}
	info->domain = rd_u16(r);
	if (info->proto == PROTO_V5) {
		info->sampling = rd_u16(r);
		return;
	}
	info->aggregation = rd_u8(r);
	rd_skip(r, 5); /* its version, reserved */
}

static void
read_v9(struct rd *r, struct proto_info *info)
{
	info->count = rd_u16(r);
	info->uptime_ms = rd_u32(r);
	info->export_time = wall_from_sec(rd_u32(r), 0);
	info->sequence = rd_u32(r);
	info->domain = rd_u32(r);
	info->has_uptime = info->has_time = info->has_sequence = true;
}

static void
read_ipfix(struct rd *r, struct proto_info *info)
{
	rd_skip(r, 2);
	info->export_time = wall_from_sec(rd_u32(r), 0);
	info->sequence = rd_u32(r);
	info->domain = rd_u32(r);
	info->has_time = info->has_sequence = true;
}

static enum err
read_sflow(struct rd *r, struct proto_info *info)
{
	uint32_t kind = rd_u32(r);

	if (rd_ok(r) && kind != 1 && kind != 2)
		return ERR_UNKNOWN;
	if (kind == 1)
		info->agent = addr_v4(rd_u32(r));
	else
		rd_copy(r, info->agent.b, sizeof(info->agent.b));
	info->domain = rd_u32(r);
	info->sequence = rd_u32(r);
	info->uptime_ms = rd_u32(r);
	info->count = rd_u32(r);
	info->has_sequence = info->has_uptime = true;
	return ERR_OK;
}

/* Reads a header of a fixed size: looked at once as a whole, so that compilers drop the tests of each number. */
static inline void
read_whole(struct rd *r, size_t size, void (*read)(struct rd *, struct proto_info *), struct proto_info *info)
{
	struct rd header = rd_sub(r, size - VERSION_SIZE);

	if (rd_ok(&header))
		read(&header, info);
}

static enum err
read_header(struct rd *r, struct proto_info *info)
{
	switch (rd_u16(r)) {
	case 0: /* sFlow's version has 32 bits */
		if (rd_u16(r) != 5)
			return ERR_UNKNOWN;
		info->proto = PROTO_SFLOW5;
		return read_sflow(r, info);
	case PROTO_V1:
		info->proto = PROTO_V1;
		read_whole(r, 16, read_old, info);
		return ERR_OK;
	case PROTO_V5:
		info->proto = PROTO_V5;
		read_whole(r, 24, read_old, info);
		return ERR_OK;
	case PROTO_V7:
		info->proto = PROTO_V7;
		read_whole(r, 24, read_old, info);
		return ERR_OK;
	case PROTO_V8:
		info->proto = PROTO_V8;
		read_whole(r, 28, read_old, info);
		return ERR_OK;
	case PROTO_V9:
		info->proto = PROTO_V9;
		read_whole(r, 20, read_v9, info);
		return ERR_OK;
	case PROTO_IPFIX:
		info->proto = PROTO_IPFIX;
		read_whole(r, PROTO_IPFIX_HEADER_SIZE, read_ipfix, info);
		return ERR_OK;
	default:
		return ERR_UNKNOWN;
	}
}

enum err
proto_recognise(const uint8_t *payload, size_t len, struct proto_info *ret)
{
	struct rd r = rd_init(payload, len);
	struct proto_info info = {.proto = PROTO_NONE};
	enum err e = len >= VERSION_SIZE ? read_header(&r, &info) : ERR_UNKNOWN;

	if (e != ERR_OK)
		return e;
	info.header_len = (uint32_t)rd_offset(&r);
	if (!rd_ok(&r)) { /* which stream it belongs to cannot be known: none of its numbers is believed */
		info = (struct proto_info){.proto = info.proto, .cut = true, .header_len = (uint32_t)len};
	}
	*ret = info;
	return ERR_OK;
}

static enum proto_fault
check_count(size_t len, const struct proto_info *info, size_t record_len)
{
	size_t body = len - info->header_len;

	return body == info->count * record_len ? FAULT_NONE : FAULT_COUNT;
}

/* A scheme that does not exist has no length that would be right. */
static enum proto_fault
check_aggregates(size_t len, const struct proto_info *info)
{
	/* by scheme: AS, protocol-port, source, destination and both prefixes; the Catalyst's destination,
	 * source-destination and full flow; then AS and so on with TOS, last prefix-port with TOS */
	static const uint8_t lengths[] = {0, 28, 28, 32, 32, 40, 32, 40, 44, 32, 32, 32, 32, 40, 40};

	if (info->aggregation == 0 || info->aggregation >= sizeof(lengths))
		return FAULT_COUNT;
	return check_count(len, info, lengths[info->aggregation]);
}

static enum proto_fault
check_samples(const uint8_t *payload, size_t len, const struct proto_info *info)
{
	struct sflow it;
	struct sflow_sample sample;

	sflow_init(&it, info, payload, len);
	while (sflow_next(&it, &sample) == ERR_OK)
		continue;
	return it.fault;
}

static enum proto_fault
check_sets(const uint8_t *payload, size_t len, const struct proto_info *info)
{
	struct stream_key none = {0};
	struct tmpl_defs defs;
	struct tmpl_def def;
	struct sets it;
	struct set set;
	bool templates = false;

	sets_init(&it, info, payload, len);
	while (sets_next(&it, &set) == ERR_OK)
		templates |= set.kind == SET_TEMPLATE || set.kind == SET_OPTIONS_TEMPLATE;
	if (it.fault != FAULT_NONE || !templates)
		return it.fault;
	tmpl_defs_init(&defs, &none, info, payload, len);
	while (tmpl_defs_next(&defs, &def) == ERR_OK)
		continue;
	return defs.fault;
}

enum proto_fault
proto_check(const uint8_t *payload, size_t len, const struct proto_info *info)
{
	if (info->cut)
		return FAULT_HEADER_CUT;
	switch (info->proto) {
	case PROTO_V1:
		return check_count(len, info, 48);
	case PROTO_V5:
		return check_count(len, info, 48);
	case PROTO_V7:
		return check_count(len, info, 52);
	case PROTO_V9:
	case PROTO_IPFIX:
		return check_sets(payload, len, info);
	case PROTO_V8:
		return check_aggregates(len, info);
	case PROTO_SFLOW5:
		return check_samples(payload, len, info);
	case PROTO_NONE:
		break;
	}
	return FAULT_NONE;
}
