/* SPDX-License-Identifier: ISC
 *
 * See monitor_document.h: the JSON document, and reasons.
 */
#include "cluster/monitor_document.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/json.h"

double
monitor_percent(uint64_t part, uint64_t whole)
{
	return whole == 0 || part == 0 ? 0 : part >= whole ? 100 : 100 * ((double)part / (double)whole);
}

double
monitor_rate_of(const struct report_samples *s, bool by_pool)
{
	return s->taken == 0 ? 0 : (double)(by_pool ? s->pool : s->scaled) / (double)s->taken;
}

double
monitor_stream_rate(const struct view *v, const struct view_stream *s)
{
	double rate = 0;

	for (uint32_t n = 0; n < v->node_count; n++)
		rate = s->at[n].rate > rate ? s->at[n].rate : rate;
	return rate;
}

/* --- order --- */

struct ranked {
	const struct view_stream *s;
	uint64_t residual, missing;
	double rate;
};

static int
ranked_cmp(const void *va, const void *vb)
{
	const struct ranked *a = va, *b = vb;
	int c = (a->residual < b->residual) - (a->residual > b->residual);

	if (c == 0)
		c = (a->missing < b->missing) - (a->missing > b->missing);
	if (c == 0)
		c = (a->rate < b->rate) - (a->rate > b->rate);
	return c != 0 ? c : stream_key_cmp(&a->s->key, &b->s->key);
}

const struct view_stream **
monitor_streams(const struct view *v)
{
	const struct view_stream **list = calloc(v->stream_count + 1, sizeof(struct view_stream *));
	struct ranked *ranks = calloc(v->stream_count + 1, sizeof(*ranks));

	if (list == NULL || ranks == NULL) {
		free(list);
		free(ranks);
		return NULL;
	}
	for (size_t i = 0; i < v->stream_count; i++) {
		const struct view_stream *s = v->streams[i];

		ranks[i] = (struct ranked){
		    .s = s, .residual = s->residual_units, .rate = monitor_stream_rate(v, s)};
		for (uint32_t n = 0; n < v->node_count; n++)
			ranks[i].missing += s->at[n].units;
	}
	qsort(ranks, v->stream_count, sizeof(*ranks), ranked_cmp);
	for (size_t i = 0; i < v->stream_count; i++)
		list[i] = ranks[i].s;
	free(ranks);
	return list;
}

/* --- reasons --- */

static const char *
node_name(const struct view_node *n)
{
	return n->name[0] != '\0' ? n->name : n->url;
}

/* A line, while there is room. */
static bool
next_reason(struct buf *out, unsigned *count)
{
	if (++*count > MONITOR_REASONS_MOST)
		return false;
	if (out->len > 0)
		buf_text(out, "\n");
	return true;
}

static void
node_reasons(const struct view *v, uint32_t i, struct buf *out, unsigned *count)
{
	const struct view_node *n = &v->nodes[i];
	uint64_t heard, missing;

	view_node_sums(v, i, VIEW_RECENT_NS, &heard, &missing);
	if (n->state != VIEW_UP && next_reason(out, count))
		buf_printf(out, "node %s %s%s%s", node_name(n),
		    n->state == VIEW_NEVER ? "has not answered yet" : "does not answer any more",
		    n->why[0] != '\0' ? ": " : "", n->why);
	if (n->failing && next_reason(out, count))
		buf_printf(out, "node %s cannot write its log", node_name(n));
	if (n->behind && next_reason(out, count))
		buf_printf(out, "node %s falls behind", node_name(n));
	if (llabs(n->skew_ns) >= VIEW_SKEW_NS && next_reason(out, count))
		buf_printf(out, "node %s: its clock is %.1f s %s", node_name(n),
		    (double)llabs(n->skew_ns) / (double)NS_PER_SEC, n->skew_ns > 0 ? "ahead" : "behind");
	if (n->state == VIEW_UP && missing > 0 && next_reason(out, count))
		buf_printf(out, "node %s misses %" PRIu64 " datagrams (%.2f %%) of the last %d minutes",
		    node_name(n), missing, monitor_percent(missing, heard + missing),
		    (int)(VIEW_RECENT_NS / NS_PER_SEC / 60));
}

void
monitor_reasons(const struct view *v, struct buf *out)
{
	uint64_t residual = view_residual(v, VIEW_RECENT_NS);
	unsigned count = 0;
	char text[ADDR_TEXT_SIZE];

	if (residual > 0 && next_reason(out, &count))
		buf_printf(out, "%" PRIu64 " datagrams of the last %d minutes are missing on all nodes",
		    residual, (int)(VIEW_RECENT_NS / NS_PER_SEC / 60));
	for (uint32_t n = 0; n < v->node_count; n++)
		node_reasons(v, n, out, &count);
	for (size_t i = 0; i < v->stream_count; i++) {
		const struct view_stream *s = v->streams[i];

		if (view_is_thin(v, s) && next_reason(out, &count))
			buf_printf(out, "%" PRIu32 " of %" PRIu32 " nodes hear %s port %u", s->hearing,
			    v->node_count, addr_text(&s->key.exporter, text), s->key.port);
	}
	if (count > MONITOR_REASONS_MOST)
		buf_printf(out, "\nand %u more", count - MONITOR_REASONS_MOST);
}

/* --- the document --- */

static void
put_double(struct json *j, const char *key, double v)
{
	json_key(j, key);
	json_double(j, v);
}

static void
put_null(struct json *j, const char *key)
{
	json_key(j, key);
	json_null(j);
}

static void
put_time(struct json *j, const char *key, int64_t ns)
{
	char text[WALL_TEXT_SIZE];

	json_put_text(j, key, wall_text((wall_t){ns}, 3, text));
}

static void
put_reasons(struct json *j, const struct view *v)
{
	struct buf lines = BUF_INIT;

	monitor_reasons(v, &lines);
	json_key(j, "reasons");
	json_array(j);
	for (size_t at = 0, i = 0; i <= lines.len && lines.len > 0; i++) {
		if (i < lines.len && lines.data[i] != '\n')
			continue;
		json_text_len(j, lines.data + at, i - at);
		at = i + 1;
	}
	json_end(j);
	if (!buf_ok(&lines))
		j->out->failed = true;
	buf_clear(&lines);
}

static void
put_node(struct json *j, const struct view *v, uint32_t i)
{
	static const char *const states[] = {"never", "up", "down"};
	const struct view_node *n = &v->nodes[i];
	uint64_t heard, missing;

	view_node_sums(v, i, v->window_ns, &heard, &missing);
	json_object(j);
	json_put_text(j, "name", node_name(n));
	json_put_text(j, "url", n->url);
	json_put_text(j, "state", states[n->state]);
	json_put_text(j, "why", n->why);
	json_put_text(j, "version", n->version);
	if (n->has_answered)
		put_double(
		    j, "answeredSecondsAgo", (double)((v->steady.ns - n->answered.ns) / NS_PER_MSEC) / 1000);
	else
		put_null(j, "answeredSecondsAgo");
	put_double(j, "skewSeconds", (double)(n->skew_ns / NS_PER_MSEC) / 1000);
	json_put_bool(j, "behind", n->behind);
	json_put_bool(j, "failing", n->failing);
	put_double(j, "rate", n->rate);
	json_put_u64(j, "streams", n->streams);
	json_put_u64(j, "missing", missing);
	put_double(j, "lossPercent", monitor_percent(missing, heard + missing));
	json_end(j);
}

static void
put_key(struct json *j, const struct stream_key *k, const char *unit)
{
	char exporter[ADDR_TEXT_SIZE], agent[ADDR_TEXT_SIZE];
	const char *version = proto_version_json((enum proto)k->proto);
	struct buf id = BUF_INIT;

	(void)addr_text(&k->exporter, exporter);
	(void)addr_text(&k->agent, agent);
	buf_printf(&id, addr_is_v4(&k->exporter) ? "%s:%u/%s/" : "[%s]:%u/%s/", exporter, k->port,
	    k->proto == PROTO_SFLOW5 ? "sflow5" : version);
	if (k->all)
		buf_text(&id, "all");
	else
		buf_printf(&id, "%" PRIu32, k->domain);
	if (k->proto == PROTO_SFLOW5)
		buf_printf(&id, "/%s", agent);
	json_key(j, "id");
	json_text_len(j, id.data, id.len);
	json_put_text(j, "exporter", exporter);
	json_put_u64(j, "exporterPort", k->port);
	json_key(j, "version");
	json_raw(j, version, strlen(version));
	if (k->all)
		json_put_text(j, "domain", "all");
	else
		json_put_u64(j, "domain", k->domain);
	if (k->proto == PROTO_SFLOW5)
		json_put_text(j, "agent", agent);
	else
		put_null(j, "agent");
	json_put_text(j, "unit", unit);
	buf_clear(&id);
}

static const char *
state_at(const struct view *v, const struct view_stream *s, uint32_t n)
{
	switch (v->nodes[n].state) {
	case VIEW_NEVER:
		return "never";
	case VIEW_DOWN:
		return "down";
	default:
		return view_hears(v, s, n) ? "hears" : s->at[n].told ? "stalled" : "silent";
	}
}

/* Null but for sFlow. */
static void
put_samples(struct json *j, const struct view_stream *s, uint32_t node)
{
	const struct report_samples *n = &s->at[node].samples;

	if (s->key.proto != PROTO_SFLOW5) {
		put_null(j, "samples");
		return;
	}
	json_key(j, "samples");
	json_object(j);
	json_put_u64(j, "heard", n->heard);
	json_put_u64(j, "missing", n->missing);
	json_put_u64(j, "dropped", n->dropped);
	put_double(j, "samplingRate", monitor_rate_of(n, false));
	put_double(j, "effectiveRate", monitor_rate_of(n, true));
	json_end(j);
}

static void
put_stream(struct json *j, const struct view *v, const struct view_stream *s)
{
	json_object(j);
	put_key(j, &s->key, s->unit);
	put_double(j, "rate", monitor_stream_rate(v, s));
	json_put_u64(j, "hearing", s->hearing);
	json_put_u64(j, "of", v->node_count);
	json_put_bool(j, "accounted", s->counts);
	json_put_u64(j, "residual", s->residual_units);
	put_double(j, "residualPercent", monitor_percent(s->residual_units, s->sent_units));
	put_time(j, "lastHeard", s->heard_ns);
	json_key(j, "nodes");
	json_array(j);
	for (uint32_t n = 0; n < v->node_count; n++) {
		json_object(j);
		json_put_text(j, "state", state_at(v, s, n));
		put_double(j, "rate", s->at[n].rate);
		json_put_u64(j, "missing", s->at[n].units);
		put_double(j, "lossPercent", monitor_percent(s->at[n].units, s->sent_units));
		put_samples(j, s, n);
		json_end(j);
	}
	json_end(j);
	json_end(j);
}

static enum err
put_streams(struct json *j, const struct view *v, size_t most)
{
	const struct view_stream **streams = monitor_streams(v);

	if (streams == NULL)
		return ERR_MEMORY;
	json_put_u64(j, "streamsTotal", v->stream_count);
	json_key(j, "streams");
	json_array(j);
	for (size_t i = 0; i < v->stream_count && i < most; i++)
		put_stream(j, v, streams[i]);
	json_end(j);
	free(streams);
	return ERR_OK;
}

static int64_t
end_of(const struct view *v, uint64_t bucket)
{
	return bucket < v->bucket ? v->began[(bucket + 1) % VIEW_BUCKETS].ns : v->now.ns;
}

static void
put_gap(struct json *j, const struct view *v, const struct view_gap *g)
{
	json_object(j);
	put_key(j, &g->key, g->unit);
	json_put_u64(j, "missing", g->units);
	put_time(j, "from", v->began[g->from % VIEW_BUCKETS].ns);
	put_time(j, "to", end_of(v, g->to));
	if (g->all) {
		json_put_text(j, "nodes", "all");
	} else {
		json_key(j, "nodes");
		json_array(j);
		for (uint32_t n = 0; n < v->node_count; n++) {
			if ((g->nodes >> n & 1) != 0)
				json_text(j, node_name(&v->nodes[n]));
		}
		json_end(j);
	}
	json_put_text(j, "cause", view_cause(v, g));
	json_end(j);
}

static void
put_gaps(struct json *j, const struct view *v)
{
	struct view_gap gaps[MONITOR_GAPS_MOST];
	size_t count = view_gaps(v, gaps, MONITOR_GAPS_MOST);

	json_key(j, "gaps");
	json_array(j);
	for (size_t i = 0; i < count; i++)
		put_gap(j, v, &gaps[i]);
	json_end(j);
}

/* Null where nobody knows. */
static void
put_bucket(struct json *j, const struct view *v, uint32_t node, uint64_t bucket, uint64_t value)
{
	if (view_knows(v, node, bucket))
		json_u64(j, value);
	else
		json_null(j);
}

static void
put_row(
    struct json *j, const struct view *v, uint32_t node, const char *key, const uint64_t row[VIEW_BUCKETS])
{
	json_key(j, key);
	json_array(j);
	for (uint64_t b = view_oldest(v); b <= v->bucket; b++)
		put_bucket(j, v, node, b, row[b % VIEW_BUCKETS]);
	json_end(j);
}

static void
put_timeline(struct json *j, const struct view *v)
{
	json_key(j, "timeline");
	json_object(j);
	put_time(j, "start", v->began[view_oldest(v) % VIEW_BUCKETS].ns);
	put_double(j, "stepSeconds", (double)v->step_ns / (double)NS_PER_SEC);
	put_row(j, v, VIEW_ALL, "all", v->residual);
	json_key(j, "nodes");
	json_array(j);
	for (uint32_t n = 0; n < v->node_count; n++) {
		json_object(j);
		json_put_text(j, "name", node_name(&v->nodes[n]));
		put_row(j, v, n, "heard", v->nodes[n].heard);
		put_row(j, v, n, "missing", v->nodes[n].missing);
		json_key(j, "trouble");
		json_array(j);
		for (uint64_t b = view_oldest(v); b <= v->bucket; b++)
			put_bucket(j, v, n, b, v->nodes[n].trouble[b % VIEW_BUCKETS]);
		json_end(j);
		json_end(j);
	}
	json_end(j);
	json_end(j);
}

enum err
monitor_document(const struct view *v, size_t streams_most, struct buf *out)
{
	struct json j;
	enum err e;

	json_init(&j, out);
	json_object(&j);
	json_put_text(&j, "cluster", v->cluster);
	put_time(&j, "time", v->now.ns);
	json_put_text(&j, "health", view_health_name(view_health(v)));
	put_reasons(&j, v);
	put_double(&j, "windowSeconds", (double)v->window_ns / (double)NS_PER_SEC);
	put_double(&j, "stepSeconds", (double)v->step_ns / (double)NS_PER_SEC);
	json_put_u64(&j, "residual", view_residual(v, v->window_ns));
	json_put_u64(&j, "leftOut", v->left_out);
	json_key(&j, "nodes");
	json_array(&j);
	for (uint32_t n = 0; n < v->node_count; n++)
		put_node(&j, v, n);
	json_end(&j);
	e = put_streams(&j, v, streams_most);
	put_gaps(&j, v);
	put_timeline(&j, v);
	json_end(&j);
	buf_text(out, "\n");
	return e == ERR_OK && !buf_ok(out) ? ERR_MEMORY : e;
}
