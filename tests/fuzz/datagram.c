/* SPDX-License-Identifier: ISC
 *
 * The way of a datagram's bytes: recognition, the check of its lengths, templates into the cache and out of it,
 * decoding with them, and every form of output. Different ways to the same thing must agree.
 */
#include "tests/fuzz/datagram.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "flow/columns.h"
#include "flow/decode.h"
#include "flow/flow.h"
#include "flow/ipfix_writer.h"
#include "tests/fuzz/target.h"

/* One datagram, in memory of exactly its size. */
struct input {
	const uint8_t *bytes;
	size_t len;
	struct proto_info info;
	enum proto_fault fault;
	struct stream_key stream, stream_again;
	struct tmpl_cache *cache, *again; /* its templates; those that it is exported with */
};

static const struct tmpl *
resolve(void *ctx, unsigned data_set_ordinal, uint16_t set_id, bool *ret_late)
{
	struct input *in = ctx;

	*ret_late = data_set_ordinal % 2 == 1;
	return tmpl_cache_get(in->cache, &in->stream, set_id);
}

static const struct tmpl *
resolve_again(void *ctx, unsigned data_set_ordinal, uint16_t set_id, bool *ret_late)
{
	struct input *in = ctx;

	(void)data_set_ordinal;
	(void)ret_late;
	return tmpl_cache_get(in->again, &in->stream_again, set_id);
}

/* Sets lie one behind the other within the datagram. */
static void
walk_sets(const struct input *in)
{
	size_t at = in->info.header_len;
	struct sets it;
	struct set set;

	sets_init(&it, &in->info, in->bytes, in->len);
	while (sets_next(&it, &set) == ERR_OK) {
		must(set.offset == at && set.body.at == in->bytes + at + SET_HEADER_SIZE);
		at += SET_HEADER_SIZE + rd_left(&set.body);
		must(at <= in->len);
	}
}

/* Fields lie one behind the other, and each element's are chained in order. */
static void
check_fields(const struct tmpl *t)
{
	uint32_t at = 0;

	must(t->field_count > 0 && t->record_len > 0 && t->scope_count <= t->field_count);
	for (uint16_t i = 0; i < t->field_count; i++) {
		const struct tmpl_field *f = &t->fields[i];

		must(f->offset == at && f->scope == (i < t->scope_count));
		must(f->again == TMPL_NO_FIELD ||
		    (f->again > i && f->again < t->field_count && !t->fields[f->again].first &&
			t->fields[f->again].id == f->id && t->fields[f->again].pen == f->pen));
		at += t->variable && f->len == TMPL_VARIABLE ? 1 : f->len;
	}
	must(at == t->record_len);
}

enum err
fuzz_definition(void *ctx, const struct tmpl_def *d)
{
	struct buf b = BUF_INIT;
	struct tmpl_def again;
	struct tmpl *t;
	struct rd r;

	(void)ctx;
	if (d->kind != TMPL_WITHDRAWN) {
		must(tmpl_parse(d, &t) == ERR_OK);
		check_fields(t);
		tmpl_free(t);
	}
	tmpl_def_write(&b, d);
	r = rd_init(b.data, b.len);
	must(tmpl_def_read(&r, &again) == ERR_OK && rd_left(&r) == 0 && tmpl_def_cmp(d, &again) == 0);
	buf_clear(&b);
	return ERR_OK;
}

/* Definitions are found one behind the other; a fault among them is one that the check of the whole sees. */
static void
walk_definitions(const struct input *in)
{
	const uint8_t *end = in->bytes;
	struct tmpl_defs defs;
	struct tmpl_def def;

	tmpl_defs_init(&defs, &in->stream, &in->info, in->bytes, in->len);
	while (tmpl_defs_next(&defs, &def) == ERR_OK) {
		must(def.bytes >= end && def.len >= 4);
		end = def.bytes + def.len;
		must(end <= in->bytes + in->len);
		(void)fuzz_definition(NULL, &def);
	}
	must((defs.fault != FAULT_NONE || defs.sets.fault != FAULT_NONE) == (in->fault != FAULT_NONE));
}

/* Columns that stand in any template, and some that are alike; then those of CSV. */
static void
show_columns(const struct flow *flow, struct flow_context *context, struct buf *out)
{
	static const char *const lists[] = {NULL,
	    "options,exporter,witnesses,index,sourceAddress,interfaceName,applicationName,basicList,"
	    "subTemplateList,flowStart,octets,octetDeltaCount,samplingInterval,0/1,9/12235,scopeInterface"};
	static struct columns *columns[2];
	struct expr_error error;

	for (unsigned i = 0; i < 2; i++) {
		if (columns[i] == NULL)
			must(columns_parse(lists[i], &columns[i], &error) == ERR_OK);
		columns_datagram(columns[i]);
		columns_csv(columns[i], flow, context, out);
		columns_datagram(columns[i]);
		columns_json(columns[i], flow, context, out);
	}
}

static void
decode(struct input *in, struct buf *out)
{
	static const char *const witnesses[] = {"a", "b"};
	struct flow_context context = {.port = 1, .witnesses = witnesses, .n_witnesses = 2};
	struct decode d;
	struct flow flow;
	wall_t time;
	uint32_t flows = 0;

	decode_init(&d, in->bytes, in->len, &in->info, resolve, in);
	while (decode_next(&d, &flow) == ERR_OK) {
		flows += !flow.options;
		if (in->info.proto == PROTO_SFLOW5)
			check_fields(flow.tmpl);
		(void)flow_start(&flow, &time, NULL);
		(void)flow_end(&flow, &time, NULL);
		buf_reset(out);
		flow_json(&flow, &context, out);
		flow_text(&flow, &context, out);
		flow_text_long(&flow, &context, out);
		show_columns(&flow, &context, out);
	}
	must(flows == d.flows);
	decode_init(&d, in->bytes, in->len, &in->info, resolve, in);
	must(decode_count(&d) == flows);
	if (tmpl_static(in->info.proto) != NULL && in->fault == FAULT_NONE)
		must(flows == in->info.count);
	if (in->info.proto == PROTO_V8)
		must(flows == 0);
}

/* All of it as IPFIX: sound messages, which hold as many records as were put. */
static void
export_flows(struct input *in)
{
	struct flow_context context = {.port = 1, .received = {1700000000 * NS_PER_SEC}};
	const struct ipfix_writer_counters *n;
	struct ipfix_writer *w;
	struct buf out = BUF_INIT;
	struct decode d;
	struct flow flow;
	uint64_t records = 0;

	must(ipfix_writer_new(&w) == ERR_OK);
	decode_init(&d, in->bytes, in->len, &in->info, resolve, in);
	while (decode_next(&d, &flow) == ERR_OK)
		must(ipfix_writer_put(w, &flow, &context, &out) == ERR_OK);
	must(ipfix_writer_flush(w, &out) == ERR_OK);
	n = ipfix_writer_counters(w);
	must(n->flows + n->options + n->options_left_out + n->too_long == (uint64_t)d.flows + d.options);
	for (struct rd r = rd_init(out.data, out.len); rd_left(&r) > 0;) {
		struct rd header = r;
		struct proto_info info;
		const uint8_t *message;
		uint16_t len;

		rd_skip(&header, 2);
		len = rd_u16(&header);
		message = rd_bytes(&r, len);
		must(message != NULL && proto_recognise(message, len, &info) == ERR_OK);
		must(info.sequence == records && proto_check(message, len, &info) == FAULT_NONE);
		in->stream_again = stream_key_of(&context.exporter, context.port, &info);
		must(tmpl_cache_learn(in->again, &in->stream_again, &info, message, len) == ERR_OK);
		decode_init(&d, message, len, &info, resolve_again, in);
		records += decode_count(&d);
		records += d.options;
		must(d.sets_malformed == 0 && d.sets_unknown == 0);
	}
	must(records == n->flows + n->options + n->types);
	ipfix_writer_free(w);
	buf_clear(&out);
}

static void
take(struct input *in)
{
	const struct tmpl_cache_limits limits = {.streams = 4, .templates = 8, .bytes = 4096};
	const struct tmpl_cache_limits many = {.streams = 4, .templates = 65536};
	struct addr exporter = addr_v4(0xc0000201);
	struct buf out = BUF_INIT;

	in->cache = tmpl_cache_new(&limits);
	in->again = tmpl_cache_new(&many);
	must(in->cache != NULL && in->again != NULL);
	in->stream = stream_key_of(&exporter, 2055, &in->info);
	in->fault = proto_check(in->bytes, in->len, &in->info);
	if (in->info.proto == PROTO_V9 || in->info.proto == PROTO_IPFIX) {
		walk_sets(in);
		walk_definitions(in);
		decode(in, &out); /* no template is known yet */
	}
	must(tmpl_cache_learn(in->cache, &in->stream, &in->info, in->bytes, in->len) == ERR_OK);
	must(tmpl_cache_each(in->cache, fuzz_definition, NULL) == ERR_OK);
	decode(in, &out);
	export_flows(in);
	tmpl_cache_free(in->again);
	tmpl_cache_free(in->cache);
	buf_clear(&out);
}

/* Makes the bytes begin as the protocol's do. */
static void
begin_as(enum proto proto, uint8_t *bytes, size_t len)
{
	if (proto == PROTO_NONE || len < 2)
		return;
	bytes[0] = 0;
	bytes[1] = proto == PROTO_SFLOW5 ? 0 : (uint8_t)proto;
	if (proto != PROTO_SFLOW5 || len < 8)
		return;
	memset(bytes + 2, 0, 5);
	bytes[3] = 5;
	bytes[7] = bytes[7] % 2 == 1 ? 1 : 2; /* the agent's address: IPv4 or IPv6 */
}

void
fuzz_datagram(enum proto proto, const uint8_t *bytes, size_t len)
{
	uint8_t *copy = malloc(len > 0 ? len : 1);
	struct input in = {.bytes = copy, .len = len};
	enum err e;

	must(copy != NULL);
	if (len > 0)
		memcpy(copy, bytes, len);
	begin_as(proto, copy, len);
	e = proto_recognise(copy, len, &in.info);
	if (proto != PROTO_NONE && len >= 8)
		must(e == ERR_OK && in.info.proto == proto);
	if (e == ERR_OK)
		take(&in);
	free(copy);
}
