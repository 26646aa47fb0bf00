/* SPDX-License-Identifier: ISC
 *
 * Metrics of streams and of exporters. How many series there are is limited: streams with loss go first, the one that misses
 * most before others, then the busiest; what belongs to an exporter comes with the first of its streams.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "node/report_private.h"

/* --- of streams --- */

enum stream_metric {
	STREAM_MISSING,
	STREAM_RECOVERED,
	STREAM_GAPS,
	STREAM_LATE,
	STREAM_DUPLICATES,
	STREAM_REORDERED,
	STREAM_RESETS,
	STREAM_STRAYS,
	STREAM_METRICS
};

static const struct {
	const char *name, *help;
} stream_metrics[STREAM_METRICS] = {
    [STREAM_MISSING] = {"flowbraid_sequence_missing_total",
	"Units (flows, records or datagrams) that were declared missing"},
    [STREAM_RECOVERED] = {"flowbraid_sequence_recovered_total",
	"Units that were declared missing and came later, or were none"},
    [STREAM_GAPS] = {"flowbraid_sequence_gaps_total", "Gaps that were declared"},
    [STREAM_LATE] = {"flowbraid_sequence_late_total", "Datagrams that filled a gap after it was declared"},
    [STREAM_DUPLICATES] = {"flowbraid_sequence_duplicates_total", "Datagrams that were heard before"},
    [STREAM_REORDERED] = {"flowbraid_sequence_reordered_total",
	"Datagrams that came behind a later one and filled an open gap"},
    [STREAM_RESETS] = {"flowbraid_sequence_resets_total", "Times that the stream began anew"},
    [STREAM_STRAYS] = {"flowbraid_sequence_strays_total",
	"Datagrams whose number was too far off and not confirmed"},
};

static uint64_t
stream_value(const struct seq_live_counters *c, enum stream_metric m)
{
	switch (m) {
	case STREAM_MISSING:
		return c->declared;
	case STREAM_RECOVERED:
		return c->recovered;
	case STREAM_GAPS:
		return c->gaps;
	case STREAM_LATE:
		return c->late;
	case STREAM_DUPLICATES:
		return c->duplicates;
	case STREAM_REORDERED:
		return c->reordered;
	case STREAM_RESETS:
		return c->resets;
	case STREAM_STRAYS:
		return c->strays;
	case STREAM_METRICS:
		break;
	}
	return 0;
}

/* As in `cat`: 5, 10, sflow5. */
static void
put_version(struct buf *out, uint8_t proto)
{
	if (proto == PROTO_SFLOW5)
		buf_text(out, ",version=\"sflow5\"");
	else
		buf_printf(out, ",version=\"%u\"", proto);
}

static void
put_stream(struct buf *out, const char *name, const struct report_stream *st, uint64_t value)
{
	const struct stream_key *k = &st->s.key;
	char text[ADDR_TEXT_SIZE];

	buf_printf(out, "%s{exporter=\"%s\",port=\"%u\"", name, addr_text(&k->exporter, text), k->port);
	put_version(out, k->proto);
	if (k->all)
		buf_text(out, ",obs_domain_id=\"all\"");
	else
		buf_printf(out, ",obs_domain_id=\"%" PRIu32 "\"", k->domain);
	if (k->proto == PROTO_SFLOW5)
		buf_printf(out, ",agent=\"%s\"", addr_text(&k->agent, text));
	buf_printf(out, ",lane=\"%u\"} %" PRIu64 "\n", st->lane, value);
}

static void
put_stream_metric(struct buf *out, enum stream_metric m, const struct report_streams *s)
{
	report_put_head(out, stream_metrics[m].name, stream_metrics[m].help, true);
	for (size_t i = 0; i < s->count; i++) {
		if (s->all[i].chosen)
			put_stream(out, stream_metrics[m].name, &s->all[i],
			    stream_value(&s->all[i].s.account.live.counters, m));
	}
}

/* --- of sFlow's samples --- */

enum sample_metric {
	SAMPLES_HEARD,
	SAMPLES_MISSING,
	SAMPLES_DROPPED,
	SAMPLES_TAKEN,
	SAMPLES_POOL,
	SAMPLES_SCALED,
	SAMPLE_METRICS
};

static const struct {
	const char *name, *help;
	bool counter;
} sample_metrics[SAMPLE_METRICS] = {
    [SAMPLES_HEARD] = {"flowbraid_sflow_samples_total", "Samples that were heard", true},
    [SAMPLES_MISSING] = {"flowbraid_sflow_samples_missing",
	"Samples that were not heard, by the numbers of their sources; late ones are taken off", false},
    [SAMPLES_DROPPED] = {"flowbraid_sflow_samples_dropped_total",
	"Samples that the agent says it could not take", true},
    [SAMPLES_TAKEN] = {"flowbraid_sflow_samples_taken_total",
	"Flow samples that the agent took, heard or not, of the packets of its pools", true},
    [SAMPLES_POOL] = {"flowbraid_sflow_pool_packets_total",
	"Packets that the agent took its flow samples of, by its pools", true},
    [SAMPLES_SCALED] = {"flowbraid_sflow_scaled_packets_total",
	"Packets that it took its flow samples of, by the sampling rates that it tells", true},
};

static uint64_t
sample_value(const struct seq_samples *s, enum sample_metric m)
{
	const uint64_t values[SAMPLE_METRICS] = {[SAMPLES_HEARD] = s->heard,
	    [SAMPLES_MISSING] = s->missing,
	    [SAMPLES_DROPPED] = s->dropped,
	    [SAMPLES_TAKEN] = s->taken,
	    [SAMPLES_POOL] = s->pool,
	    [SAMPLES_SCALED] = s->scaled};

	return values[m];
}

static void
put_sample_metric(struct buf *out, enum sample_metric m, const struct report_streams *s)
{
	report_put_head(out, sample_metrics[m].name, sample_metrics[m].help, sample_metrics[m].counter);
	for (size_t i = 0; i < s->count; i++) {
		if (s->all[i].chosen && s->all[i].s.key.proto == PROTO_SFLOW5)
			put_stream(out, sample_metrics[m].name, &s->all[i],
			    sample_value(&s->all[i].s.account.samples, m));
	}
}

/* --- of exporters --- */

#define SEVERAL CONF_LISTENERS_MOST /* in place of a listener's index */

static const uint8_t protos[] = {PROTO_V1, PROTO_V5, PROTO_V7, PROTO_V8, PROTO_V9, PROTO_IPFIX, PROTO_SFLOW5};
#define PROTOS (sizeof(protos) / sizeof(protos[0]))

static unsigned
index_of(uint8_t proto)
{
	unsigned i = 0;

	while (i < PROTOS - 1 && protos[i] != proto)
		i++;
	return i;
}

struct exporter {
	const struct report_stream *first;
	const struct report_lane *lane; /* that names the listeners */
	uint64_t datagrams[CONF_LISTENERS_MOST + 1];
	uint64_t records[PROTOS]; /* by version */
	uint64_t streams[PROTOS];
	uint64_t faults[FAULT_COUNT_OF_KINDS];
	uint64_t templates;
	wall_t heard;
};

static bool
same_exporter(const struct report_stream *a, const struct report_stream *b)
{
	return addr_cmp(&a->s.key.exporter, &b->s.key.exporter) == 0;
}

/* Behind the last stream of the exporter whose first one is at i. */
static size_t
sum_exporter(const struct report_streams *s, size_t i, struct exporter *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->first = &s->all[i];
	ret->lane = &s->lanes[s->all[i].lane];
	ret->heard.ns = INT64_MIN;
	for (; i < s->count && same_exporter(ret->first, &s->all[i]); i++) {
		const struct accounts_stream *st = &s->all[i].s;
		const struct account *a = &st->account;

		for (unsigned k = 0; k < ACCOUNT_LISTENERS; k++)
			ret->datagrams[a->on[k].listener < ret->lane->accounts.head.name_count
				? a->on[k].listener
				: SEVERAL] += a->on[k].datagrams;
		for (unsigned k = 0; k < FAULT_COUNT_OF_KINDS; k++)
			ret->faults[k] += a->faults[k];
		ret->records[index_of(st->key.proto)] += a->records;
		ret->streams[index_of(st->key.proto)]++;
		ret->templates += st->templates;
		if (st->heard.ns > ret->heard.ns)
			ret->heard = st->heard;
	}
	return i;
}

enum exporter_metric {
	EXPORTER_PACKETS,
	EXPORTER_RECORDS,
	EXPORTER_ERRORS,
	EXPORTER_TEMPLATES,
	EXPORTER_HEARD,
	EXPORTER_METRICS
};

static const struct {
	const char *name, *help;
	bool counter;
} exporter_metrics[EXPORTER_METRICS] = {
    [EXPORTER_PACKETS] = {"flowbraid_udp_packets_total", "Datagrams recorded, by listener and exporter",
	true},
    [EXPORTER_RECORDS] = {"flowbraid_decoder_records_total",
	"Records, counted without decoding them: as headers say, or by the lengths of sets", true},
    [EXPORTER_ERRORS] = {"flowbraid_decoder_errors_total",
	"Datagrams recorded that break their protocol's rules, by the first fault of each", true},
    [EXPORTER_TEMPLATES] = {"flowbraid_exporter_templates", "Templates that are known", false},
    [EXPORTER_HEARD] = {"flowbraid_exporter_last_heard_timestamp_seconds",
	"When its last datagram was received", false},
};

/* Puts the series of one exporter for a metric; returns how many there are. out NULL: counts only. */
static size_t
put_exporter(struct buf *out, enum exporter_metric m, const struct exporter *x)
{
	const char *name = exporter_metrics[m].name;
	char text[ADDR_TEXT_SIZE];
	size_t n = 0;

	(void)addr_text(&x->first->s.key.exporter, text);
	switch (m) {
	case EXPORTER_PACKETS:
		for (unsigned i = 0; i <= SEVERAL; i++) {
			if (x->datagrams[i] == 0)
				continue;
			n++;
			if (out == NULL)
				continue;
			buf_printf(out, "%s{exporter=\"%s\",", name, text);
			report_put_label(
			    out, "listener", i < SEVERAL ? x->lane->accounts.head.names[i] : "several");
			buf_printf(out, "} %" PRIu64 "\n", x->datagrams[i]);
		}
		return n;
	case EXPORTER_RECORDS:
		for (unsigned i = 0; i < PROTOS; i++) {
			if (x->streams[i] == 0)
				continue;
			n++;
			if (out == NULL)
				continue;
			buf_printf(out, "%s{exporter=\"%s\"", name, text);
			put_version(out, protos[i]);
			buf_printf(out, "} %" PRIu64 "\n", x->records[i]);
		}
		return n;
	case EXPORTER_ERRORS:
		for (unsigned i = 0; i < FAULT_COUNT_OF_KINDS; i++) {
			if (x->faults[i] == 0)
				continue;
			n++;
			if (out == NULL)
				continue;
			buf_printf(out, "%s{exporter=\"%s\",error=\"%s\"} %" PRIu64 "\n", name, text,
			    proto_fault_name((enum proto_fault)i), x->faults[i]);
		}
		return n;
	case EXPORTER_TEMPLATES:
		if (out != NULL)
			buf_printf(out, "%s{exporter=\"%s\"} %" PRIu64 "\n", name, text, x->templates);
		return 1;
	case EXPORTER_HEARD:
		if (out != NULL)
			buf_printf(out, "%s{exporter=\"%s\"} %" PRId64 ".%03d\n", name, text,
			    (int64_t)(x->heard.ns / NS_PER_SEC),
			    (int)(x->heard.ns % NS_PER_SEC / NS_PER_MSEC));
		return 1;
	case EXPORTER_METRICS:
		break;
	}
	return 0;
}

static void
put_exporter_metric(
    struct buf *out, enum exporter_metric m, const struct report_streams *s, struct exporter *x)
{
	report_put_head(out, exporter_metrics[m].name, exporter_metrics[m].help, exporter_metrics[m].counter);
	for (size_t i = 0, end; i < s->count; i = end) {
		bool chosen = false;

		for (end = i; end < s->count && same_exporter(&s->all[i], &s->all[end]); end++)
			chosen |= s->all[end].chosen;
		if (!chosen)
			continue;
		(void)sum_exporter(s, i, x);
		(void)put_exporter(out, m, x);
	}
}

/* --- the limit --- */

struct rank {
	uint64_t missing, datagrams;
	size_t at;        /* index of the stream */
	size_t first;     /* of its exporter's first one */
	size_t own;       /* series of the stream, */
	size_t exporters; /* and those that come with the exporter */
};

static int
by_rank(const void *va, const void *vb)
{
	const struct rank *a = va, *b = vb;

	if (a->missing != b->missing)
		return a->missing > b->missing ? -1 : 1;
	if (a->datagrams != b->datagrams)
		return a->datagrams > b->datagrams ? -1 : 1;
	return a->at < b->at ? -1 : a->at > b->at;
}

static void
rank_all(const struct report_streams *s, struct rank *ranks, struct exporter *x)
{
	for (size_t i = 0, end; i < s->count; i = end) {
		size_t series = 0;

		end = sum_exporter(s, i, x);
		for (unsigned m = 0; m < EXPORTER_METRICS; m++)
			series += put_exporter(NULL, (enum exporter_metric)m, x);
		for (size_t k = i; k < end; k++)
			ranks[k] = (struct rank){.missing = seq_live_missing(&s->all[k].s.account.live),
			    .datagrams = s->all[k].s.datagrams,
			    .at = k,
			    .first = i,
			    .own = STREAM_METRICS +
				(s->all[k].s.key.proto == PROTO_SFLOW5 ? SAMPLE_METRICS : 0U),
			    .exporters = series};
	}
	qsort(ranks, s->count, sizeof(*ranks), by_rank);
}

/* Marks the chosen ones; returns how many series are left out. */
static size_t
choose(struct report_streams *s, struct rank *ranks, bool *exporters, size_t limit)
{
	size_t used = 0, left_out = 0;
	bool full = false;

	for (size_t i = 0; i < s->count; i++) {
		const struct rank *k = &ranks[i];
		size_t series = k->own + (exporters[k->first] ? 0 : k->exporters);

		full |= used + series > limit;
		exporters[k->first] = true;
		if (full) {
			left_out += series;
			continue;
		}
		s->all[k->at].chosen = true;
		used += series;
	}
	return left_out;
}

void
report_put_streams(const struct report *r, struct buf *out)
{
	struct report_streams s;
	bool good = report_streams_read(r, &s);
	struct rank *ranks = calloc(s.count + 1, sizeof(*ranks));
	bool *exporters = calloc(s.count + 1, sizeof(*exporters));
	struct exporter *x = calloc(1, sizeof(*x));
	size_t left_out;

	if (!good || ranks == NULL || exporters == NULL || x == NULL) {
		out->failed = true;
	} else {
		rank_all(&s, ranks, x);
		left_out = choose(&s, ranks, exporters, (size_t)r->conf->status_series);
		for (unsigned m = 0; m < STREAM_METRICS; m++)
			put_stream_metric(out, (enum stream_metric)m, &s);
		for (unsigned m = 0; m < SAMPLE_METRICS; m++)
			put_sample_metric(out, (enum sample_metric)m, &s);
		for (unsigned m = 0; m < EXPORTER_METRICS; m++)
			put_exporter_metric(out, (enum exporter_metric)m, &s, x);
		report_put_head(out, "flowbraid_series_left_out",
		    "Series of streams and exporters beyond status.series, which are not shown", false);
		buf_printf(out, "flowbraid_series_left_out %zu\n", left_out);
	}
	free(x);
	free(exporters);
	free(ranks);
	report_streams_clear(&s);
}
