/* SPDX-License-Identifier: ISC
 *
 * See report_changes.h. That gaps are joined is no change: who was told of each of them knows more than the joined range says.
 */
#include "node/report_changes.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/json.h"
#include "node/report_private.h"

#define MARKS 8                        /* so many generations back it is known what changed */
#define GONE_MOST 4096                 /* streams that are no more, and are remembered */
#define BOOT_SLACK_NS (NS_PER_SEC / 2) /* boot times jitter; so much is no news */

/* Since this generation a stream has been as it was below a position. */
struct mark {
	uint64_t generation;
	int64_t from;
};

/* What hardly ever changes: told whole. */
struct nature {
	uint8_t discipline;
	bool learnt, shared, spans, has_boot;
	int64_t boot_ns, first, first_ns;
	uint64_t epoch;
};

/* Of sFlow. */
struct sampled {
	uint64_t heard, missing, dropped, taken, pool, scaled;
};

struct known {
	struct stream_key key;
	uint16_t lane;
	uint64_t id;
	struct nature nature;
	int64_t next, last_ns;
	uint64_t datagrams, heard;
	struct sampled samples;
	uint64_t whole;           /* generation in which its nature changed last */
	struct mark marks[MARKS]; /* both ascend */
	uint8_t mark_count;
	size_t range, ranges; /* in the changes' */
};

struct missing {
	struct seq_range range;
	uint64_t units; /* less than its length: joined */
};

struct gone {
	uint64_t id, generation;
};

struct changes {
	uint64_t start, generation;
	uint64_t base; /* no difference from a generation before it can be told */
	uint64_t last_id;
	bool has_started;
	wall_t time, started;
	struct known *streams; /* owned; by key and lane */
	size_t count, room;
	struct missing *missing; /* owned */
	size_t missing_count, missing_room;
	struct gone gone[GONE_MOST];
	uint64_t gone_count; /* ever */
};

struct changes *
changes_new(uint64_t start)
{
	struct changes *c = calloc(1, sizeof(*c));

	if (c != NULL)
		c->start = start;
	return c;
}

void
changes_free(struct changes *c)
{
	if (c == NULL)
		return;
	free(c->streams);
	free(c->missing);
	free(c);
}

/* --- looking --- */

static bool
is_joined(const struct missing *m)
{
	return m->units < (uint64_t)(m->range.to - m->range.from);
}

static enum err
take_missing(struct changes *c, const struct accounts_stream *stream, struct known *k)
{
	struct accounts_stream s = *stream;
	struct seq_gap g;

	k->range = c->missing_count;
	while (accounts_gap(&s, &g)) {
		if (!seq_gap_is_known((enum seq_gap_state)g.state))
			continue;
		if (array_grow(c->missing, c->missing_room, c->missing_count) != ERR_OK)
			return ERR_MEMORY;
		c->missing[c->missing_count++] = (struct missing){g.range, g.missing};
		k->ranges++;
	}
	return ERR_OK;
}

static struct known
known_of(const struct report_stream *st)
{
	const struct seq_live *live = &st->s.account.live;
	const struct seq_samples *s = &st->s.account.samples;

	return (struct known){.key = st->s.key,
	    .lane = st->lane,
	    .nature = {.discipline = live->discipline,
		.learnt = live->learnt || st->s.shared,
		.shared = st->s.shared,
		.spans = live->spans,
		.has_boot = st->s.has_boot,
		.boot_ns = st->s.has_boot ? st->s.boot.ns : 0,
		.first = live->spans ? live->first : 0,
		.first_ns = live->first_ns,
		.epoch = live->counters.resets + 1},
	    .next = live->spans ? live->next : 0,
	    .last_ns = live->last_ns,
	    .datagrams = live->counters.datagrams,
	    .heard = live->counters.heard,
	    .samples = {.heard = s->heard,
		.missing = s->missing,
		.dropped = s->dropped,
		.taken = s->taken,
		.pool = s->pool,
		.scaled = s->scaled}};
}

static bool
same_nature(const struct nature *a, struct nature *b)
{
	if (a->has_boot && b->has_boot && llabs(a->boot_ns - b->boot_ns) < BOOT_SLACK_NS)
		b->boot_ns = a->boot_ns;
	return a->discipline == b->discipline && a->learnt == b->learnt && a->shared == b->shared &&
	    a->spans == b->spans && a->has_boot == b->has_boot && a->boot_ns == b->boot_ns &&
	    a->first == b->first && a->first_ns == b->first_ns && a->epoch == b->epoch;
}

/* From where on what is missing is not what it was. Behind what was told last all is new. */
static int64_t
find_change(
    const struct known *was, const struct missing *old, const struct known *is, const struct missing *new)
{
	size_t i = 0, k = 0;

	while (k < is->ranges && new[k].range.from < was->next) {
		const struct missing *n = &new[k];

		if (is_joined(n) && n->range.to <= was->next) {
			while (i < was->ranges && old[i].range.to <= n->range.to)
				i++;
		} else if (i < was->ranges && old[i].range.from == n->range.from &&
		    old[i].range.to == n->range.to && old[i].units == n->units) {
			i++;
		} else {
			break;
		}
		k++;
	}
	if (k < is->ranges && new[k].range.from < was->next &&
	    (i == was->ranges || new[k].range.from < old[i].range.from))
		return new[k].range.from;
	return i < was->ranges && old[i].range.from < was->next ? old[i].range.from : was->next;
}

/* A change at a position hides later ones of generations before: those who ask since then are told from the lower one on. */
static void
put_mark(struct known *k, uint64_t generation, int64_t from)
{
	while (k->mark_count > 0 && k->marks[k->mark_count - 1].from >= from)
		k->mark_count--;
	if (k->mark_count == MARKS) {
		k->marks[1].from = k->marks[0].from;
		memmove(&k->marks[0], &k->marks[1], (MARKS - 1) * sizeof(k->marks[0]));
		k->mark_count--;
	}
	k->marks[k->mark_count++] = (struct mark){generation, from};
}

/* A stream that was there before. */
static void
go_on(struct changes *c, const struct known *was, const struct missing *old, struct known *is)
{
	int64_t from;

	is->id = was->id;
	if (!same_nature(&was->nature, &is->nature) || is->datagrams < was->datagrams ||
	    is->next < was->next) {
		is->whole = c->generation;
		return;
	}
	is->whole = was->whole;
	memcpy(is->marks, was->marks, sizeof(is->marks));
	is->mark_count = was->mark_count;
	from = find_change(was, old, is, c->missing + is->range);
	if (from < was->next || is->next != was->next || is->datagrams != was->datagrams ||
	    is->heard != was->heard || is->last_ns != was->last_ns)
		put_mark(is, c->generation, from);
}

static int
known_cmp(const struct known *a, const struct known *b)
{
	int c = stream_key_cmp(&a->key, &b->key);

	return c != 0 ? c : (int)a->lane - (int)b->lane;
}

static void
put_gone(struct changes *c, uint64_t id)
{
	struct gone *g = &c->gone[c->gone_count++ % GONE_MOST];

	if (g->generation > c->base)
		c->base = g->generation; /* it is forgotten: who has not been told of it is told all */
	*g = (struct gone){id, c->generation};
}

/* What the generation before knew. */
struct former {
	struct known *streams;
	size_t count;
	struct missing *missing;
};

static enum err
take_streams(struct changes *c, const struct former *former, const struct report_streams *s)
{
	size_t i = 0;
	enum err e = ERR_OK;

	for (size_t k = 0; k < s->count && e == ERR_OK; k++) {
		struct known is = known_of(&s->all[k]);

		if (is.datagrams == 0)
			continue;
		e = array_grow(c->streams, c->room, c->count);
		if (e == ERR_OK)
			e = take_missing(c, &s->all[k].s, &is);
		while (i < former->count && known_cmp(&former->streams[i], &is) < 0)
			put_gone(c, former->streams[i++].id);
		if (i < former->count && known_cmp(&former->streams[i], &is) == 0) {
			go_on(c, &former->streams[i], former->missing + former->streams[i].range, &is);
			i++;
		} else {
			is.id = ++c->last_id;
			is.whole = c->generation;
		}
		if (e == ERR_OK)
			c->streams[c->count++] = is;
	}
	while (i < former->count)
		put_gone(c, former->streams[i++].id);
	return e;
}

bool
changes_look(struct changes *c, const struct report *r)
{
	const struct former former = {c->streams, c->count, c->missing};
	struct report_streams s;
	wall_t started = {0};
	bool good = report_streams_read(r, &s), has_started;

	c->streams = NULL;
	c->missing = NULL;
	c->count = c->room = c->missing_count = c->missing_room = 0;
	c->generation++;
	c->time = r->now;
	if (good) {
		has_started = report_find_started(&s, &started);
		if (has_started != c->has_started || started.ns != c->started.ns)
			c->base = c->generation;
		c->has_started = has_started;
		c->started = started;
		good = take_streams(c, &former, &s) == ERR_OK;
	}
	report_streams_clear(&s);
	free(former.streams);
	free(former.missing);
	return good;
}

/* --- telling --- */

uint64_t
changes_since(const struct changes *c, const char *token)
{
	uint64_t start, generation;
	char *end;

	errno = 0;
	start = strtoull(token, &end, 16);
	if (*end != '-' || start != c->start)
		return 0;
	generation = strtoull(end + 1, &end, 10);
	if (*end != '\0' || errno != 0 || generation < c->base || generation > c->generation)
		return 0;
	return generation;
}

static void
put_i64(struct json *j, const char *key, int64_t v)
{
	json_key(j, key);
	json_i64(j, v);
}

static void
put_null(struct json *j, const char *key)
{
	json_key(j, key);
	json_null(j);
}

static void
put_token(const struct changes *c, struct json *j, const char *key, uint64_t generation)
{
	char text[48];

	(void)snprintf(text, sizeof(text), "%" PRIx64 "-%" PRIu64, c->start, generation);
	json_put_text(j, key, text);
}

static void
put_head(const struct changes *c, const struct conf *conf, uint64_t since, struct json *j)
{
	char text[WALL_TEXT_SIZE];

	json_object(j);
	json_put_text(j, "cluster", conf->cluster);
	json_put_text(j, "node", conf->node);
	json_put_text(j, "time", wall_text(c->time, 3, text));
	if (c->has_started)
		json_put_text(j, "started", wall_text(c->started, 3, text));
	else
		put_null(j, "started");
	put_token(c, j, "token", c->generation);
	if (since > 0)
		put_token(c, j, "since", since);
	else
		put_null(j, "since");
	json_end(j);
}

/* Where something is missing from a position on: how far from what stands before, and how many; a joined range as less than nothing, and how
 * many of that are missing. */
static void
put_missing(const struct changes *c, const struct known *k, int64_t from, struct json *j)
{
	for (size_t i = 0; i < k->ranges; i++) {
		const struct missing *m = &c->missing[k->range + i];
		int64_t length = m->range.to - m->range.from;

		if (m->range.from < from)
			continue;
		json_i64(j, m->range.from - from);
		json_i64(j, is_joined(m) ? -length : length);
		if (is_joined(m))
			json_u64(j, m->units);
		from = m->range.to;
	}
}

static void
put_whole(const struct changes *c, const struct known *k, struct json *j)
{
	const struct nature *n = &k->nature;
	enum seq_discipline d = (enum seq_discipline)n->discipline;

	json_object(j);
	json_put_u64(j, "id", k->id);
	report_put_key(j, &k->key, k->lane);
	json_put_text(j, "unit", seq_unit_name((enum proto)k->key.proto, d));
	json_put_text(j, "discipline", n->shared ? "shared" : seq_discipline_name(d));
	json_put_bool(j, "learnt", n->learnt);
	json_put_u64(j, "epoch", n->epoch);
	if (n->has_boot)
		put_i64(j, "boot", n->boot_ns);
	else
		put_null(j, "boot");
	put_i64(j, "firstHeard", n->first_ns);
	put_i64(j, "lastHeard", k->last_ns);
	if (n->spans) {
		put_i64(j, "first", n->first);
		put_i64(j, "next", k->next);
	} else {
		put_null(j, "first");
		put_null(j, "next");
	}
	json_put_u64(j, "datagrams", k->datagrams);
	json_put_u64(j, "heard", k->heard);
	json_key(j, "missing");
	json_array(j);
	put_missing(c, k, n->first, j);
	json_end(j);
	json_end(j);
}

static void
put_change(const struct changes *c, const struct known *k, int64_t from, struct json *j)
{
	/* What has been joined since is told from its beginning. */
	for (size_t i = 0; i < k->ranges; i++) {
		const struct seq_range r = c->missing[k->range + i].range;

		if (r.from < from && r.to > from)
			from = r.from;
	}
	json_array(j);
	json_u64(j, k->id);
	json_i64(j, k->next);
	json_u64(j, k->datagrams);
	json_u64(j, k->heard);
	json_i64(j, k->last_ns);
	json_i64(j, from);
	put_missing(c, k, from, j);
	json_end(j);
}

/* False: nothing. */
static bool
put_stream(const struct changes *c, const struct known *k, uint64_t since, struct json *j)
{
	if (since == 0 || k->whole > since) {
		put_whole(c, k, j);
		return true;
	}
	for (unsigned i = 0; i < k->mark_count; i++) {
		if (k->marks[i].generation > since) {
			put_change(c, k, k->marks[i].from, j);
			return true;
		}
	}
	return false;
}

/* They change with a datagram, and only then. False: it has none. */
static bool
put_samples(const struct known *k, struct json *j)
{
	const struct sampled *s = &k->samples;
	const uint64_t each[] = {k->id, s->heard, s->missing, s->dropped, s->taken, s->pool, s->scaled};

	if (k->key.proto != PROTO_SFLOW5 || k->key.all)
		return false;
	json_object(j);
	json_key(j, "samples");
	json_array(j);
	for (size_t i = 0; i < sizeof(each) / sizeof(each[0]); i++)
		json_u64(j, each[i]);
	json_end(j);
	json_end(j);
	return true;
}

static void
put_all_gone(const struct changes *c, uint64_t since, struct json *j)
{
	uint64_t kept = c->gone_count < GONE_MOST ? c->gone_count : GONE_MOST;

	json_object(j);
	json_key(j, "gone");
	json_array(j);
	for (uint64_t i = 0; i < kept && since > 0; i++) {
		const struct gone *g = &c->gone[(c->gone_count - 1 - i) % GONE_MOST];

		if (g->generation <= since)
			break;
		json_u64(j, g->id);
	}
	json_end(j);
	json_put_bool(j, "end", true);
	json_end(j);
}

void
changes_put(const struct changes *c, const struct conf *conf, uint64_t since, struct buf *out)
{
	struct json j;

	json_init(&j, out);
	put_head(c, conf, since, &j);
	buf_text(out, "\n");
	for (size_t i = 0; i < c->count; i++) {
		json_init(&j, out);
		if (!put_stream(c, &c->streams[i], since, &j))
			continue;
		buf_text(out, "\n");
		json_init(&j, out);
		if (put_samples(&c->streams[i], &j))
			buf_text(out, "\n");
	}
	json_init(&j, out);
	put_all_gone(c, since, &j);
	buf_text(out, "\n");
}
