/* SPDX-License-Identifier: ISC
 *
 * /gaps: the accounts of all streams, as JSON. Reading them from the boards is shared with the metrics.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "node/report_private.h"

/* --- reading --- */

static int
by_key(const void *va, const void *vb)
{
	const struct report_stream *a = va, *b = vb;
	int c = stream_key_cmp(&a->s.key, &b->s.key);

	return c != 0 ? c : (int)a->lane - (int)b->lane;
}

bool
report_streams_read(const struct report *r, struct report_streams *ret)
{
	size_t most = 0;

	ret->lane_count = r->lanes;
	ret->all = NULL;
	ret->count = 0;
	for (unsigned i = 0; i < r->lanes; i++) {
		struct report_lane *l = &ret->lanes[i];

		l->bytes = (struct buf)BUF_INIT;
		l->there = report_read_board(r->accounts[i], &l->bytes) &&
		    accounts_open(l->bytes.data, l->bytes.len, &l->accounts) == ERR_OK;
		most += l->there ? l->accounts.count : 0;
	}
	ret->all = calloc(most + 1, sizeof(*ret->all));
	if (ret->all == NULL)
		return false;
	for (unsigned i = 0; i < r->lanes; i++) {
		struct report_lane *l = &ret->lanes[i];

		while (l->there && ret->count < most && accounts_next(&l->accounts, &ret->all[ret->count].s))
			ret->all[ret->count++].lane = (uint16_t)i;
	}
	qsort(ret->all, ret->count, sizeof(*ret->all), by_key);
	return true;
}

void
report_streams_clear(struct report_streams *s)
{
	for (unsigned i = 0; i < s->lane_count; i++) {
		if (s->lanes[i].there)
			snapshot_close(&s->lanes[i].accounts.head);
		buf_clear(&s->lanes[i].bytes);
	}
	free(s->all);
	s->all = NULL;
}

/* --- JSON --- */

static void
put_i64(struct json *j, const char *key, int64_t v)
{
	json_key(j, key);
	json_i64(j, v);
}

static void
put_time(struct json *j, const char *key, wall_t t, int digits)
{
	char text[WALL_TEXT_SIZE];

	json_put_text(j, key, wall_text(t, digits, text));
}

static void
put_null(struct json *j, const char *key)
{
	json_key(j, key);
	json_null(j);
}

static void
put_ranges(struct json *j, const struct accounts_stream *stream)
{
	struct accounts_stream s = *stream;
	struct seq_gap g;

	json_key(j, "ranges");
	json_array(j);
	while (accounts_gap(&s, &g)) {
		if (!seq_gap_is_known((enum seq_gap_state)g.state))
			continue;
		json_object(j);
		put_i64(j, "from", g.range.from);
		put_i64(j, "to", g.range.to - 1);
		put_time(j, "since", (wall_t){g.since_ns}, 3);
		json_put_bool(j, "declared", g.state != SEQ_GAP_OPEN);
		if (g.state == SEQ_GAP_JOINED)
			json_put_u64(j, "missing", g.missing);
		json_end(j);
	}
	json_end(j);
}

static void
put_samples(struct json *j, const struct seq_samples *s)
{
	json_key(j, "samples");
	json_object(j);
	json_put_u64(j, "heard", s->heard);
	json_put_u64(j, "missing", s->missing);
	json_put_u64(j, "dropped", s->dropped);
	json_put_u64(j, "unfollowed", s->unfollowed);
	json_put_u64(j, "taken", s->taken);
	json_put_u64(j, "pool", s->pool);
	json_put_u64(j, "scaled", s->scaled);
	json_end(j);
}

void
report_put_key(struct json *j, const struct stream_key *k, unsigned lane)
{
	char text[ADDR_TEXT_SIZE];
	const char *version = proto_version_json((enum proto)k->proto);

	json_put_text(j, "exporter", addr_text(&k->exporter, text));
	json_put_u64(j, "exporterPort", k->port);
	json_key(j, "version");
	json_raw(j, version, strlen(version));
	if (k->all)
		json_put_text(j, "domain", "all");
	else
		json_put_u64(j, "domain", k->domain);
	if (k->proto == PROTO_SFLOW5)
		json_put_text(j, "agent", addr_text(&k->agent, text));
	json_put_u64(j, "lane", lane);
}

static void
put_numbers(struct json *j, const struct seq_live *live)
{
	const struct seq_live_counters *c = &live->counters;

	json_put_u64(j, "epoch", c->resets + 1);
	if (live->spans) {
		put_i64(j, "first", live->first);
		put_i64(j, "next", live->next);
	} else {
		put_null(j, "first");
		put_null(j, "next");
	}
	json_put_u64(j, "sequence", live->last.sequence);
	json_put_u64(j, "heard", c->heard);
	json_put_u64(j, "datagrams", c->datagrams);
	json_put_u64(j, "missing", seq_live_missing(live));
	json_put_u64(j, "open", live->gaps.open);
	json_put_u64(j, "unknown", c->unknown + live->gaps.unknown);
	json_put_u64(j, "gaps", c->gaps);
	json_put_u64(j, "reordered", c->reordered);
	json_put_u64(j, "late", c->late);
	json_put_u64(j, "duplicates", c->duplicates);
	json_put_u64(j, "resets", c->resets);
	json_put_u64(j, "strays", c->strays);
	json_put_bool(j, "coalesced", live->gaps.joined);
	put_time(j, "firstHeard", (wall_t){live->first_ns}, 9);
	put_time(j, "lastHeard", (wall_t){live->last_ns}, 9);
}

static void
put_stream(struct json *j, const struct report_stream *st)
{
	const struct seq_live *live = &st->s.account.live;
	enum seq_discipline d = st->s.shared ? SEQ_NONE : (enum seq_discipline)live->discipline;

	json_object(j);
	report_put_key(j, &st->s.key, st->lane);
	json_put_text(j, "unit", seq_unit_name((enum proto)st->s.key.proto, d));
	json_put_text(j, "discipline", st->s.shared ? "shared" : seq_discipline_name(d));
	json_put_bool(j, "learnt", live->learnt || st->s.shared);
	if (st->s.has_boot)
		put_time(j, "boot", st->s.boot, 3);
	else
		put_null(j, "boot");
	put_numbers(j, live);
	if (st->s.key.proto == PROTO_SFLOW5 && !st->s.key.all)
		put_samples(j, &st->s.account.samples);
	put_ranges(j, &st->s);
	json_end(j);
}

static void
put_lanes(struct json *j, const struct report_streams *s)
{
	json_key(j, "lanes");
	json_array(j);
	for (unsigned i = 0; i < s->lane_count; i++) {
		const struct report_lane *l = &s->lanes[i];

		json_object(j);
		json_put_u64(j, "lane", i);
		if (l->there) {
			put_time(j, "time", l->accounts.head.time, 3);
			put_time(j, "started", l->accounts.started, 3);
			json_put_u64(j, "streams", l->accounts.count - l->accounts.numberings);
			json_put_u64(j, "ranges", l->accounts.gaps);
			json_put_u64(j, "rangesMost", l->accounts.gaps_most);
			json_put_u64(j, "coalesced", l->accounts.joined);
		}
		json_end(j);
	}
	json_end(j);
}

bool
report_find_started(const struct report_streams *s, wall_t *ret)
{
	wall_t latest = {INT64_MIN};

	for (unsigned i = 0; i < s->lane_count; i++) {
		if (!s->lanes[i].there)
			return false;
		if (s->lanes[i].accounts.started.ns > latest.ns)
			latest = s->lanes[i].accounts.started;
	}
	*ret = latest;
	return true;
}

void
report_gaps(const struct report *r, struct buf *out)
{
	struct report_streams s;
	wall_t started;
	struct json j;

	if (!report_streams_read(r, &s)) {
		report_streams_clear(&s);
		out->failed = true;
		return;
	}
	json_init(&j, out);
	json_object(&j);
	json_put_text(&j, "cluster", r->conf->cluster);
	json_put_text(&j, "node", r->conf->node);
	put_time(&j, "time", r->now, 3);
	if (report_find_started(&s, &started))
		put_time(&j, "started", started, 3);
	else
		put_null(&j, "started");
	put_lanes(&j, &s);
	json_key(&j, "streams");
	json_array(&j);
	for (size_t i = 0; i < s.count; i++) {
		if (s.all[i].s.account.live.counters.datagrams > 0)
			put_stream(&j, &s.all[i]);
	}
	json_end(&j);
	json_end(&j);
	buf_text(out, "\n");
	report_streams_clear(&s);
}
