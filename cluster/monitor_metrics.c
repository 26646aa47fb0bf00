/* SPDX-License-Identifier: ISC
 *
 * See monitor_document.h: metrics. What is missing is a gauge, not a counter: late datagrams and the window take off again.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "cluster/monitor_document.h"

static void
put_help(struct buf *out, const char *name, const char *help)
{
	buf_printf(
	    out, "# HELP flowbraid_cluster_%s %s\n# TYPE flowbraid_cluster_%s gauge\n", name, help, name);
}

static void
put_label(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\\' || *text == '"')
			buf_u8(out, '\\');
		if (*text == '\n')
			buf_text(out, "\\n");
		else
			buf_u8(out, (uint8_t)*text);
	}
}

static const char *
name_of(const struct view_node *n)
{
	return n->name[0] != '\0' ? n->name : n->url;
}

static double
node_value(const struct view *v, uint32_t i, unsigned what)
{
	const struct view_node *n = &v->nodes[i];
	uint64_t heard, missing;

	view_node_sums(v, i, v->window_ns, &heard, &missing);
	switch (what) {
	case 0:
		return n->state == VIEW_UP;
	case 1:
		return n->behind;
	case 2:
		return n->failing;
	case 3:
		return (double)n->skew_ns / (double)NS_PER_SEC;
	case 4:
		return n->rate;
	case 5:
		return n->streams;
	case 6:
		return (double)missing;
	default:
		return monitor_percent(missing, heard + missing) / 100;
	}
}

static void
put_nodes(const struct view *v, struct buf *out)
{
	static const char *const metrics[][2] = {
	    {"node_up", "1: the node answers."},
	    {"node_behind", "1: the node drops datagrams, or hears most streams later than others."},
	    {"node_failing", "1: the node cannot write its log."},
	    {"node_skew_seconds", "How far the node's clock is ahead of the monitor's."},
	    {"node_datagrams_per_second", "Datagrams that the node records."},
	    {"node_streams", "Streams that the node hears."},
	    {"node_missing_datagrams", "Datagrams of the window that the node has not heard."},
	    {"node_loss_ratio", "What part of the window's datagrams the node has not heard."},
	};

	for (unsigned m = 0; m < sizeof(metrics) / sizeof(metrics[0]); m++) {
		put_help(out, metrics[m][0], metrics[m][1]);
		for (uint32_t n = 0; n < v->node_count; n++) {
			buf_printf(out, "flowbraid_cluster_%s{node=\"", metrics[m][0]);
			put_label(out, name_of(&v->nodes[n]));
			buf_printf(out, "\"} %.15g\n", node_value(v, n, m));
		}
	}
}

static void
put_one(struct buf *out, const char *name, const char *help, uint64_t value)
{
	put_help(out, name, help);
	buf_printf(out, "flowbraid_cluster_%s %" PRIu64 "\n", name, value);
}

static void
put_key(struct buf *out, const struct stream_key *k)
{
	char exporter[ADDR_TEXT_SIZE], agent[ADDR_TEXT_SIZE];
	bool sflow = k->proto == PROTO_SFLOW5;

	buf_printf(out, "exporter=\"%s\",port=\"%u\",version=\"%s\",", addr_text(&k->exporter, exporter),
	    k->port, sflow ? "sflow5" : proto_version_json((enum proto)k->proto));
	if (k->all)
		buf_text(out, "obs_domain_id=\"all\"");
	else
		buf_printf(out, "obs_domain_id=\"%" PRIu32 "\"", k->domain);
	if (sflow)
		buf_printf(out, ",agent=\"%s\"", addr_text(&k->agent, agent));
}

static void
put_streams(const struct view *v, const struct view_stream *const *streams, size_t count, struct buf *out)
{
	put_help(out, "stream_redundancy", "Nodes that hear the stream.");
	for (size_t i = 0; i < count; i++) {
		buf_text(out, "flowbraid_cluster_stream_redundancy{");
		put_key(out, &streams[i]->key);
		buf_printf(out, "} %" PRIu32 "\n", streams[i]->hearing);
	}
	put_help(out, "stream_residual_missing_units",
	    "Units (flows, records or datagrams) of the stream in the window that no node has heard.");
	for (size_t i = 0; i < count; i++) {
		buf_text(out, "flowbraid_cluster_stream_residual_missing_units{");
		put_key(out, &streams[i]->key);
		buf_printf(out, ",unit=\"%s\"} %" PRIu64 "\n", streams[i]->unit, streams[i]->residual_units);
	}
	put_help(
	    out, "stream_missing_units", "Units of the stream in the window that the node has not heard.");
	for (size_t i = 0; i < count; i++) {
		for (uint32_t n = 0; n < v->node_count; n++) {
			buf_text(out, "flowbraid_cluster_stream_missing_units{");
			put_key(out, &streams[i]->key);
			buf_printf(out, ",unit=\"%s\",node=\"", streams[i]->unit);
			put_label(out, name_of(&v->nodes[n]));
			buf_printf(out, "\"} %" PRIu64 "\n", streams[i]->at[n].units);
		}
	}
}

#define SAMPLE_METRICS 4

static double
sample_value(const struct report_samples *s, unsigned what)
{
	switch (what) {
	case 0:
		return (double)s->missing;
	case 1:
		return (double)s->dropped;
	default:
		return monitor_rate_of(s, what == 3);
	}
}

/* Of sFlow alone. */
static void
put_samples(const struct view *v, const struct view_stream *const *streams, size_t count, struct buf *out)
{
	static const char *const metrics[SAMPLE_METRICS][2] = {
	    {"stream_samples_missing",
		"Samples of the stream that the node has not heard since its collector began."},
	    {"stream_samples_dropped", "Samples that the agent told the node that it could not take."},
	    {"stream_sampling_rate", "One of how many packets is sampled, as the agent says."},
	    {"stream_effective_sampling_rate",
		"One of how many packets is sampled, as the agent's pools show."},
	};

	for (unsigned m = 0; m < SAMPLE_METRICS; m++) {
		put_help(out, metrics[m][0], metrics[m][1]);
		for (size_t i = 0; i < count; i++) {
			for (uint32_t n = 0; n < v->node_count && streams[i]->key.proto == PROTO_SFLOW5;
			     n++) {
				buf_printf(out, "flowbraid_cluster_%s{", metrics[m][0]);
				put_key(out, &streams[i]->key);
				buf_text(out, ",node=\"");
				put_label(out, name_of(&v->nodes[n]));
				buf_printf(out, "\"} %.15g\n", sample_value(&streams[i]->at[n].samples, m));
			}
		}
	}
}

static size_t
series_of(const struct view *v, const struct view_stream *s)
{
	return v->node_count + 2U +
	    (s->key.proto == PROTO_SFLOW5 ? SAMPLE_METRICS * (size_t)v->node_count : 0);
}

enum err
monitor_metrics(const struct view *v, size_t series_most, struct buf *out)
{
	const struct view_stream **streams = monitor_streams(v);
	size_t count = 0, left_out = 0;
	uint64_t up = 0, thin = 0;

	if (streams == NULL)
		return ERR_MEMORY;
	while (count < v->stream_count && series_of(v, streams[count]) <= series_most) {
		series_most -= series_of(v, streams[count]);
		count++;
	}
	for (size_t i = count; i < v->stream_count; i++)
		left_out += series_of(v, streams[i]);
	for (uint32_t n = 0; n < v->node_count; n++)
		up += v->nodes[n].state == VIEW_UP;
	for (size_t i = 0; i < v->stream_count; i++)
		thin += view_is_thin(v, v->streams[i]);
	put_help(out, "health", "1 for the state that the cluster is in.");
	for (unsigned h = VIEW_WHOLE; h <= VIEW_BLIND; h++)
		buf_printf(out, "flowbraid_cluster_health{state=\"%s\"} %d\n",
		    view_health_name((enum view_health)h), view_health(v) == (enum view_health)h);
	put_one(out, "nodes", "Nodes that are asked.", v->node_count);
	put_one(out, "nodes_up", "Nodes that answer.", up);
	put_one(out, "streams", "Streams that some node has heard in the window.", v->stream_count);
	put_one(out, "streams_thin", "Streams that some nodes hear, and others do not.", thin);
	put_one(out, "residual_missing_datagrams", "Datagrams of the window that no node has heard.",
	    view_residual(v, v->window_ns));
	put_one(out, "residual_missing_recent_datagrams",
	    "Datagrams of the last five minutes that no node has heard.", view_residual(v, VIEW_RECENT_NS));
	put_nodes(v, out);
	put_streams(v, streams, count, out);
	put_samples(v, streams, count, out);
	put_one(out, "series_left_out", "Series of streams beyond the limit.", left_out);
	free(streams);
	return buf_ok(out) ? ERR_OK : ERR_MEMORY;
}
