/* SPDX-License-Identifier: ISC
 *
 * A reader of libflowbraid: paths, datagrams, flows. The work is archive/reader's; here its answers get the form that the
 * public header promises, and errors their text.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"

/* Statuses are the errors of the layers. */
static_assert((int)FLOWBRAID_END == (int)ERR_END && (int)FLOWBRAID_CUT == (int)ERR_CUT &&
	(int)FLOWBRAID_MALFORMED == (int)ERR_MALFORMED && (int)FLOWBRAID_UNKNOWN == (int)ERR_UNKNOWN &&
	(int)FLOWBRAID_CHECKSUM == (int)ERR_CHECKSUM && (int)FLOWBRAID_LIMIT == (int)ERR_LIMIT &&
	(int)FLOWBRAID_MEMORY == (int)ERR_MEMORY && (int)FLOWBRAID_SYSTEM == (int)ERR_SYSTEM &&
	(int)FLOWBRAID_BUSY == (int)ERR_BUSY && (int)FLOWBRAID_CONFLICT == (int)ERR_CONFLICT,
    "a status of the library is not that of the layers");
static_assert((int)FLOWBRAID_PROTOCOL_V1 == (int)PROTO_V1 && (int)FLOWBRAID_PROTOCOL_V5 == (int)PROTO_V5 &&
	(int)FLOWBRAID_PROTOCOL_V7 == (int)PROTO_V7 && (int)FLOWBRAID_PROTOCOL_V8 == (int)PROTO_V8 &&
	(int)FLOWBRAID_PROTOCOL_V9 == (int)PROTO_V9 && (int)FLOWBRAID_PROTOCOL_IPFIX == (int)PROTO_IPFIX &&
	(int)FLOWBRAID_PROTOCOL_SFLOW == (int)PROTO_SFLOW5,
    "a protocol of the library is not that of the layers");

const char *
flowbraid_version(void)
{
	return FLOWBRAID_VERSION;
}

/* Keeps what is to be said of a failure; the text, made with buf_printf before, gets its end. */
static enum flowbraid_status
failed(struct flowbraid_reader *r, enum flowbraid_status status)
{
	buf_u8(&r->error, 0);
	if (!buf_ok(&r->error)) {
		buf_clear(&r->error);
		return FLOWBRAID_MEMORY;
	}
	return status;
}

static void
forget_error(struct flowbraid_reader *r)
{
	buf_reset(&r->error);
	r->column = 0;
}

static enum flowbraid_status
misused(struct flowbraid_reader *r, const char *why)
{
	forget_error(r);
	buf_text(&r->error, why);
	return failed(r, FLOWBRAID_MISUSE);
}

static void
on_finding(void *ctx, const char *path, const struct finding *f)
{
	struct flowbraid_reader *r = ctx;

	if (r->on_finding == NULL)
		return;
	buf_reset(&r->line);
	buf_printf(&r->line, "%s: offset %" PRIu64 ": %s: expected %s, found %s", path, f->offset, f->what,
	    f->expected, f->found);
	buf_u8(&r->line, 0);
	if (buf_ok(&r->line))
		r->on_finding(r->on_finding_ctx, (const char *)r->line.data);
	else
		buf_clear(&r->line);
}

enum flowbraid_status
flowbraid_reader_new(struct flowbraid_reader **ret_reader)
{
	struct flowbraid_reader *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return FLOWBRAID_MEMORY;
	r->options = (struct reader_options){
	    .span = {INT64_MIN, INT64_MAX}, .names = true, .finding = on_finding, .ctx = r};
	r->shown.owner = r;
	*ret_reader = r;
	return FLOWBRAID_OK;
}

/* The datagram at hand is over. */
static void
leave_datagram(struct flowbraid_reader *r)
{
	if (r->has_datagram)
		r->undecoded += r->at.decode->sets_unknown;
	r->has_datagram = false;
}

/* The next path is read with other options. */
static void
leave_reader(struct flowbraid_reader *r)
{
	leave_datagram(r);
	if (r->reader != NULL)
		r->findings += reader_findings(r->reader);
	reader_free(r->reader);
	r->reader = NULL;
	r->open = false;
}

void
flowbraid_reader_free(struct flowbraid_reader *r)
{
	if (r == NULL)
		return;
	leave_reader(r);
	expr_free(r->expr);
	free(r->fields);
	buf_clear(&r->json);
	buf_clear(&r->line);
	buf_clear(&r->error);
	free(r);
}

enum flowbraid_status
flowbraid_reader_select(struct flowbraid_reader *r, const char *expression)
{
	struct expr_error fault = {.column = 0};
	struct expr *new = NULL;
	enum err e;

	forget_error(r);
	e = expression != NULL ? expr_parse(expression, NULL, &new, &fault) : ERR_OK;
	if (e == ERR_MALFORMED || e == ERR_LIMIT) {
		buf_printf(&r->error, "expression, column %zu: %s", fault.column, fault.message);
		r->column = fault.column;
		return failed(r, (enum flowbraid_status)e);
	}
	if (e != ERR_OK) {
		buf_text(&r->error, err_text(e));
		return failed(r, (enum flowbraid_status)e);
	}
	expr_free(r->expr);
	r->expr = new;
	if (r->expr != NULL)
		expr_datagram(r->expr);
	return FLOWBRAID_OK;
}

void
flowbraid_reader_span(struct flowbraid_reader *r, int64_t from_ns, int64_t to_ns)
{
	r->options.span = (struct pool_span){from_ns, to_ns};
}

void
flowbraid_reader_with_options(struct flowbraid_reader *r, int with)
{
	r->with_options = with != 0;
}

void
flowbraid_reader_on_finding(struct flowbraid_reader *r, flowbraid_on_finding *function, void *ctx)
{
	r->on_finding = function;
	r->on_finding_ctx = ctx;
}

enum flowbraid_status
flowbraid_reader_open(struct flowbraid_reader *r, const char *path)
{
	enum err e;

	forget_error(r);
	leave_reader(r);
	e = reader_new(&r->options, &r->reader);
	if (e == ERR_OK)
		e = reader_open(r->reader, path, &r->error);
	if (e != ERR_OK) {
		if (r->error.len == 0)
			buf_printf(&r->error, "%s: %s", path, err_text(e));
		return failed(r, (enum flowbraid_status)e);
	}
	r->open = true;
	return FLOWBRAID_OK;
}

static void
show_datagram(struct flowbraid_reader *r)
{
	const struct reader_datagram *d = &r->at;
	struct flowbraid_datagram *seen = &r->datagram;

	*seen = (struct flowbraid_datagram){.payload = d->payload,
	    .len = d->len,
	    .received_ns = d->time.ns,
	    .export_ns = d->info->has_time ? d->info->export_time.ns : 0,
	    .domain = d->info->domain,
	    .sequence = d->info->sequence,
	    .uptime_ms = d->info->uptime_ms,
	    .port = d->port,
	    .protocol = (uint8_t)d->info->proto,
	    .has_export_time = d->info->has_time,
	    .has_sequence = d->info->has_sequence,
	    .has_uptime = d->info->has_uptime,
	    .witness_count = d->witness_count,
	    .witnesses = d->witnesses,
	    .number = seen->number + 1};
	memcpy(seen->exporter, d->exporter.b, sizeof(seen->exporter));
	memcpy(seen->agent, d->info->agent.b, sizeof(seen->agent));
	r->context = (struct flow_context){.exporter = d->exporter,
	    .port = d->port,
	    .received = d->time,
	    .witnesses = d->witnesses,
	    .n_witnesses = d->witness_count,
	    .sampling = d->sampling};
}

static enum flowbraid_status
path_is_over(struct flowbraid_reader *r, enum err e)
{
	r->open = false;
	if (e == ERR_END)
		return FLOWBRAID_END;
	buf_printf(&r->error, "%s: %s", reader_path(r->reader), err_text(e));
	return failed(r, (enum flowbraid_status)e);
}

enum flowbraid_status
flowbraid_reader_next_datagram(struct flowbraid_reader *r, const struct flowbraid_datagram **ret_datagram)
{
	enum err e;

	if (r->reader == NULL)
		return misused(r, "no path is open");
	leave_datagram(r);
	if (!r->open)
		return FLOWBRAID_END;
	forget_error(r);
	e = reader_next(r->reader, &r->at);
	if (e != ERR_OK)
		return path_is_over(r, e);
	r->has_datagram = true;
	show_datagram(r);
	if (r->expr != NULL)
		expr_datagram(r->expr);
	*ret_datagram = &r->datagram;
	return FLOWBRAID_OK;
}

static void
show_flow(struct flowbraid_reader *r)
{
	const struct flow *f = &r->flow;
	struct rd record = f->record;
	size_t len = rd_left(&record);
	struct flow_times times;

	flow_times(f, &times);
	r->shown.seen = (struct flowbraid_flow){.datagram = &r->datagram,
	    .record = rd_bytes(&record, len),
	    .record_len = len,
	    .start_ns = times.start.ns,
	    .end_ns = times.end.ns,
	    .start_digits = (int8_t)times.start_digits,
	    .end_digits = (int8_t)times.end_digits,
	    .options = f->options,
	    .late = f->late,
	    .index = f->index,
	    .tags = f->tags,
	    .tag_count = f->tag_count};
}

static bool
is_wanted(struct flowbraid_reader *r)
{
	if (r->expr != NULL)
		return !r->flow.options && expr_match(r->expr, &r->flow, &r->context, 0);
	return !r->flow.options || r->with_options;
}

enum flowbraid_status
flowbraid_reader_next_flow(struct flowbraid_reader *r, const struct flowbraid_flow **ret_flow)
{
	if (!r->has_datagram)
		return misused(r, "there is no datagram at hand");
	while (decode_next(r->at.decode, &r->flow) == ERR_OK) {
		if (is_wanted(r)) {
			show_flow(r);
			*ret_flow = &r->shown.seen;
			return FLOWBRAID_OK;
		}
	}
	return FLOWBRAID_END;
}

enum flowbraid_status
flowbraid_reader_next(struct flowbraid_reader *r, const struct flowbraid_flow **ret_flow)
{
	const struct flowbraid_datagram *d;
	enum flowbraid_status status = FLOWBRAID_OK;

	while (status == FLOWBRAID_OK) {
		if (r->has_datagram && flowbraid_reader_next_flow(r, ret_flow) == FLOWBRAID_OK)
			return FLOWBRAID_OK;
		status = flowbraid_reader_next_datagram(r, &d);
	}
	return status;
}

const char *
flowbraid_reader_error(const struct flowbraid_reader *r)
{
	return r->error.len > 0 ? (const char *)r->error.data : "";
}

size_t
flowbraid_reader_error_column(const struct flowbraid_reader *r)
{
	return r->column;
}

const char *
flowbraid_reader_file(const struct flowbraid_reader *r)
{
	return r->reader != NULL ? reader_path(r->reader) : "";
}

uint64_t
flowbraid_reader_findings(const struct flowbraid_reader *r)
{
	return r->findings + (r->reader != NULL ? reader_findings(r->reader) : 0);
}

uint64_t
flowbraid_reader_undecoded(const struct flowbraid_reader *r)
{
	return r->undecoded + (r->has_datagram ? r->at.decode->sets_unknown : 0);
}
