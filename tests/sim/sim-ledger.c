/* SPDX-License-Identifier: ISC
 *
 * The ledger against what exporters sent: for each life of each stream what the cluster and each node heard and
 * missed. Where two lives cannot be told apart by what is known of them, or what a stream counts cannot be learnt
 * from it, the rules of flowbraid-archive(5) say so too, and such a life is passed over (and counted).
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cluster/command.h"
#include "tests/sim/sim.h"

struct span {
	int64_t from, to;
};

/* One life as the archive can know it. */
struct life {
	uint32_t *items; /* datagrams in order: archived, and those of which a snapshot has a definition */
	uint32_t count, archived;
};

static bool
is_known(const struct world *w, const struct expect *e, uint32_t sent)
{
	const struct sent *s = &w->sent[sent];

	if (e->of_sent[sent] != NONE)
		return true;
	for (uint32_t p = s->parts_at; p < s->parts_at + s->parts; p++) {
		if (e->known[p])
			return true;
	}
	return false;
}

static struct life
make_life(const struct world *w, const struct expect *e, const struct sim_stream *st, uint32_t number)
{
	struct life l = {.count = 0};

	for (uint32_t i = 0; i < st->sent_count; i++) {
		if (w->sent[st->sent[i]].life != number || !is_known(w, e, st->sent[i]))
			continue;
		GROW(l.items, l.count);
		l.items[l.count++] = st->sent[i];
		l.archived += e->of_sent[st->sent[i]] != NONE;
	}
	return l;
}

/* --- can two lives be told apart? --- */

static int64_t
clock_of(const struct world *w, const struct expect *e, const struct sim_stream *st, uint32_t sent)
{
	if (st->proto == PROTO_SFLOW5)
		return e->of_sent[sent] != NONE ? e->datagrams[e->of_sent[sent]].time_ns : 0;
	return w->sent[sent].export_ns;
}

/* IPFIX: three datagrams in sequence, all below the highest number before, and later; and what was before is not itself
 * taken for strays. */
static bool
falls(const struct world *w, const struct life *a, const struct life *b)
{
	const struct sent *top = &w->sent[a->items[0]];

	for (uint32_t i = 1; i < a->count; i++) {
		if (w->sent[a->items[i]].number > top->number)
			top = &w->sent[a->items[i]];
	}
	if (b->count < 3)
		return false;
	if (a->count < 3 &&
	    llabs((int64_t)(int32_t)(w->sent[b->items[0]].sequence - top->sequence)) > 1 << 20)
		return false;
	for (uint32_t i = 0; i < 3; i++) {
		const struct sent *s = &w->sent[b->items[i]];

		if ((int32_t)(s->sequence - top->sequence) >= 0 || s->order <= top->order)
			return false;
	}
	return true;
}

static bool
are_apart(const struct world *w, const struct expect *e, const struct sim_stream *st, const struct life *a,
    const struct life *b)
{
	const struct sent *a_first, *a_last = &w->sent[a->items[a->count - 1]];
	const struct sent *b_first = &w->sent[b->items[0]], *b_last = &w->sent[b->items[b->count - 1]];
	int64_t a_boot, b_boot, slack = st->proto == PROTO_SFLOW5 ? 40 * NS_PER_SEC : 3 * NS_PER_SEC;
	int32_t ahead = (int32_t)(b_first->sequence - a_last->sequence);
	int32_t behind;
	uint32_t first = a->count - 1;

	while (first > 0 && w->sent[a->items[first - 1]].uptime_ms <= w->sent[a->items[first]].uptime_ms)
		first--; /* since its uptime wrapped */
	a_first = &w->sent[a->items[first]];
	behind = (int32_t)(a_first->sequence - b_last->sequence);
	if (st->counting == COUNT_ZERO && st->proto != PROTO_V1)
		return false;
	if (st->proto == PROTO_IPFIX)
		return falls(w, a, b);
	a_boot = clock_of(w, e, st, a->items[a->count - 1]) - (int64_t)a_last->uptime_ms * NS_PER_MSEC;
	b_boot = clock_of(w, e, st, b->items[0]) - (int64_t)b_first->uptime_ms * NS_PER_MSEC;
	if (llabs(b_boot - a_boot) <= slack)
		return false;
	if (llabs(b_boot - a_boot - ((int64_t)1 << 32) * NS_PER_MSEC) <=
	    40 * NS_PER_SEC) /* as if it had wrapped */
		return false;
	if (b_first->uptime_ms >= a_last->uptime_ms && ahead >= 0)
		return false;
	if (b_boot <
	    clock_of(w, e, st, a->items[a->count - 1]) + slack) /* it had booted before, so it goes on */
		return false;
	return !(a_first->uptime_ms >= b_last->uptime_ms && a_first->uptime_ms - b_last->uptime_ms <= 60000 &&
	    behind >= 0);
}

static bool
lives_are_apart(
    const struct world *w, const struct expect *e, const struct sim_stream *st, const struct life *lives)
{
	const struct life *last = NULL;

	if (st->proto == PROTO_SFLOW5 && w->huge_skew)
		return false; /* what is known of its clock comes from nodes */
	for (uint32_t i = 0; i < st->lives; i++) {
		if (st->proto == PROTO_SFLOW5 && lives[i].count > lives[i].archived)
			return false;
		if (lives[i].count == 0)
			continue;
		if (last != NULL && !are_apart(w, e, st, last, &lives[i]))
			return false;
		last = &lives[i];
	}
	return true;
}

bool
sim_lives_known(const struct world *w, const struct expect *e, const struct sim_stream *st)
{
	struct life *lives = sim_alloc((st->lives + 1) * sizeof(*lives));
	bool known;

	for (uint32_t i = 0; i < st->lives; i++)
		lives[i] = make_life(w, e, st, i);
	known = lives_are_apart(w, e, st, lives);
	for (uint32_t i = 0; i < st->lives; i++)
		free(lives[i].items);
	free(lives);
	return known;
}

/* --- what does it count? --- */

struct units {
	int64_t n, templates, options;
	bool unknown; /* some of its sets have no definition */
	bool wrong;   /* ... or another one than they were made with, so that nobody knows what is counted */
};

static struct units
units_of(const struct world *w, const struct expect *e, const struct sim_stream *st, uint32_t sent)
{
	const struct sent *s = &w->sent[sent];
	struct units u = {.n = s->units,
	    .templates = st->proto == PROTO_IPFIX ? s->templates : 0,
	    .options = st->proto == PROTO_IPFIX ? s->options : 0};

	if (st->proto != PROTO_IPFIX)
		return u;
	if (e->of_sent[sent] != NONE && !e->datagrams[e->of_sent[sent]].whole) {
		const struct expect_datagram *d = &e->datagrams[e->of_sent[sent]];

		u.unknown = d->records == UINT32_MAX;
		u.wrong = !u.unknown && d->records != s->units;
		u.n = u.unknown ? 0 : s->units;
		u.options = 0; /* which of them are options is not known */
		return u;
	}
	u.n = u.options = 0;
	for (uint32_t p = s->parts_at; p < s->parts_at + s->parts; p++) {
		if (w->parts[p].defines)
			continue;
		u.unknown |= e->sets[p].layout == NONE;
		u.wrong |= e->sets[p].layout != NONE && e->sets[p].layout != w->parts[p].layout;
		u.n += e->sets[p].layout != NONE ? w->parts[p].flows : 0;
		if (e->sets[p].layout != NONE && w->streams[s->stream].layouts[e->sets[p].layout].options)
			u.options += w->parts[p].flows;
	}
	return u;
}

static bool
explains(enum counting c, const struct sent *a, const struct sent *b, struct units ua, struct units ub)
{
	int64_t step = b->number - a->number;

	switch (c) {
	case COUNT_BEFORE:
		return step == ua.n && !ua.unknown;
	case COUNT_AFTER:
		return step == ub.n && !ub.unknown;
	case COUNT_DATAGRAMS:
		return step == 1;
	case COUNT_BEFORE_ALL:
		return step == ua.n + ua.templates && !ua.unknown;
	case COUNT_AFTER_ALL:
		return step == ub.n + ub.templates && !ub.unknown;
	case COUNT_BEFORE_FLOWS:
		return step == ua.n - ua.options && !ua.unknown;
	case COUNT_AFTER_FLOWS:
		return step == ub.n - ub.options && !ub.unknown;
	default:
		return step == 0 && a->data && b->data;
	}
}

static void
vote(const struct world *w, const struct expect *e, const struct sim_stream *st, const struct life *l,
    int64_t votes[COUNTINGS])
{
	int64_t against = 0;
	uint32_t last = NONE;

	for (uint32_t i = 0; i < l->count; i++) {
		bool yes[COUNTINGS];
		unsigned n = 0;
		struct units ua, ub;

		if (e->of_sent[l->items[i]] == NONE)
			continue;
		if (last != NONE) {
			ua = units_of(w, e, st, last);
			ub = units_of(w, e, st, l->items[i]);
			for (unsigned k = 0; k < COUNTINGS; k++)
				n += yes[k] = explains(
				    (enum counting)k, &w->sent[last], &w->sent[l->items[i]], ua, ub);
			for (unsigned k = 0; n < COUNTINGS && k < COUNTINGS; k++)
				votes[k] += yes[k];
			against += n == 0 && (ua.unknown || ub.unknown);
		}
		last = l->items[i];
	}
	votes[COUNT_DATAGRAMS] -= against;
	votes[COUNT_ZERO] -= against;
}

/* flowbraid-archive(5): the discipline that explains most neighbouring pairs, of those that tell them apart, in this life; or,
 * among those that explain as many, in all lives. */
static enum counting
learnt(const struct world *w, const struct expect *e, const struct sim_stream *st, const struct life *l)
{
	enum counting best = st->proto == PROTO_V9 || st->proto == PROTO_SFLOW5 ? COUNT_DATAGRAMS
										: COUNT_BEFORE;
	int64_t votes[COUNTINGS] = {0}, all[COUNTINGS] = {0};

	vote(w, e, st, l, votes);
	for (uint32_t i = 0; i < st->lives; i++) {
		struct life other = make_life(w, e, st, i);

		vote(w, e, st, &other, all);
		free(other.items);
	}
	for (unsigned k = 0; k < COUNTINGS; k++) {
		if (votes[k] < 0)
			votes[k] = 0;
		if (all[k] < 0)
			all[k] = 0;
	}
	for (unsigned k = 0; k < COUNTINGS; k++) {
		if (votes[k] > votes[best] || (votes[k] == votes[best] && all[k] > all[best]))
			best = (enum counting)k;
	}
	return best;
}

/* --- is it counted with others? --- */

struct said {
	int64_t across, within; /* pairs of two streams; of one */
};

/* What pairs say for their being counted together: those that the discipline explains and whose numbers differ, less those that bear data under
 * one number. */
static struct said
says(const struct world *w, const struct expect *e, const struct sim_stream *st, const struct life *l)
{
	enum counting counts = learnt(w, e, st, l);
	uint32_t last = NONE;
	struct said sum = {.across = 0};

	for (uint32_t i = 0; i < l->count && counts != COUNT_ZERO; i++) {
		uint32_t sent = l->items[i];

		if (e->of_sent[sent] == NONE)
			continue;
		if (last != NONE) {
			const struct sent *a = &w->sent[last], *b = &w->sent[sent];
			struct units ua = units_of(w, e, st, last), ub = units_of(w, e, st, sent);

			int64_t *to = a->stream == b->stream ? &sum.within : &sum.across;

			if (a->number == b->number)
				*to -= a->data && b->data && !ua.unknown && !ub.unknown;
			else
				*to += explains(counts, a, b, ua, ub);
		}
		last = sent;
	}
	return sum;
}

static const struct world *sorting;

static int
in_order(const void *va, const void *vb)
{
	const struct sent *a = &sorting->sent[*(const uint32_t *)va],
			  *b = &sorting->sent[*(const uint32_t *)vb];

	if (a->order != b->order)
		return a->order < b->order ? -1 : 1;
	if (a->number != b->number)
		return a->number < b->number ? -1 : 1;
	return a->data != b->data ? (a->data ? 1 : -1) : a < b ? -1 : a > b;
}

/* All streams of an exporter that shares a counter, as one, in the exporter's order; sent is to be freed. */
static struct sim_stream
all_of(const struct world *w, uint32_t exporter)
{
	struct sim_stream all = {.sent = NULL};
	uint32_t *sent = NULL, count = 0;

	for (uint32_t i = 0; i < w->stream_count; i++) {
		const struct sim_stream *st = &w->streams[i];

		if (st->exporter != exporter)
			continue;
		if (count == 0)
			all = *st;
		for (uint32_t k = 0; k < st->sent_count; k++) {
			GROW(sent, count);
			sent[count++] = st->sent[k];
		}
	}
	sorting = w;
	if (count > 0)
		qsort(sent, count, sizeof(*sent), in_order);
	all.sent = sent;
	all.sent_count = count;
	return all;
}

/* Streams that are archived at all; and whether what is archived of them shows that they share a counter. */
enum shows { SHOWS_OWN, SHOWS_THIN, SHOWS_SHARED };

/* THIN: so little that the code, which may cut lives otherwise, need not see the same. */
static enum shows
shows_shared(const struct world *w, const struct expect *e, uint32_t exporter)
{
	struct sim_stream all = all_of(w, exporter);
	struct life l = make_life(w, e, &all, 0);
	struct said together = says(w, e, &all, &l);
	int64_t apart = 0;
	unsigned streams = 0;

	for (uint32_t i = 0; i < w->stream_count; i++) {
		struct life own;

		if (w->streams[i].exporter != exporter)
			continue;
		own = make_life(w, e, &w->streams[i], 0);
		apart += says(w, e, &w->streams[i], &own).within;
		streams += own.archived > 0;
		free(own.items);
	}
	free(l.items);
	free(all.sent);
	if (streams < 2 || together.across < 1)
		return SHOWS_OWN;
	if (together.across < 4 || llabs(together.across + together.within - apart) < 2)
		return SHOWS_THIN;
	return together.within >= apart || together.across + together.within > apart ? SHOWS_SHARED
										     : SHOWS_OWN;
}

/* --- what was heard? --- */

static int
span_cmp(const void *va, const void *vb)
{
	const struct span *a = va, *b = vb;

	return a->from != b->from ? (a->from < b->from ? -1 : 1) : a->to < b->to ? -1 : a->to > b->to;
}

/* Sorts and joins; returns how many units. */
static int64_t
join(struct span *s, uint32_t *count)
{
	uint32_t n = 0;
	int64_t units = 0;

	if (*count == 0)
		return 0;
	qsort(s, *count, sizeof(*s), span_cmp);
	for (uint32_t i = 1; i < *count; i++) {
		if (s[i].from > s[n].to)
			s[++n] = s[i];
		else if (s[i].to > s[n].to)
			s[n].to = s[i].to;
	}
	*count = n + 1;
	for (uint32_t i = 0; i <= n; i++)
		units += s[i].to - s[i].from;
	return units;
}

static bool
is_after(enum counting c)
{
	return c == COUNT_AFTER || c == COUNT_AFTER_ALL || c == COUNT_AFTER_FLOWS;
}

/* What a datagram takes of the numbers. */
static int64_t
numbers_of(enum counting c, struct units u)
{
	if (c == COUNT_DATAGRAMS)
		return 1;
	if (c == COUNT_BEFORE_ALL || c == COUNT_AFTER_ALL)
		return u.n + u.templates;
	return u.n - (c == COUNT_BEFORE_FLOWS || c == COUNT_AFTER_FLOWS ? u.options : 0);
}

static struct span
covers(enum counting c, int64_t at, int64_t units)
{
	switch (c) {
	case COUNT_BEFORE:
	case COUNT_BEFORE_ALL:
	case COUNT_BEFORE_FLOWS:
		return (struct span){at, at + units};
	case COUNT_AFTER:
	case COUNT_AFTER_ALL:
	case COUNT_AFTER_FLOWS:
		return (struct span){at - units, at};
	case COUNT_DATAGRAMS:
		return (struct span){at, at + 1};
	default:
		return (struct span){0, 0};
	}
}

struct account {
	struct span *all, *spans; /* of each archived datagram, in order; all: joined */
	uint32_t all_count, count;
	int64_t heard;
};

/* What each archived datagram of the life covers. A set that cannot be counted reaches to the next number. */
static void
make_account(const struct world *w, const struct expect *e, const struct sim_stream *st, const struct life *l,
    struct account *ret)
{
	struct account a = {.spans = sim_alloc((l->count + 1) * sizeof(*a.spans)),
	    .all = sim_alloc((l->count + 1) * sizeof(*a.all))};
	int64_t *units = sim_alloc((l->count + 1) * sizeof(*units));
	const struct sent *first = &w->sent[l->items[0]];
	uint32_t last = NONE;

	for (uint32_t i = 0; i < l->count; i++) {
		uint32_t sent = l->items[i];
		struct units u = units_of(w, e, st, sent);

		units[i] = numbers_of(st->counting, u);
		if (e->of_sent[sent] == NONE)
			continue;
		if (last != NONE) {
			uint32_t unknown = is_after(st->counting) ? i : last;
			int64_t step = w->sent[sent].number - w->sent[l->items[last]].number;

			if (units_of(w, e, st, l->items[unknown]).unknown && step > units[unknown])
				units[unknown] = step;
		}
		last = i;
	}
	for (uint32_t i = 0; i < l->count; i++) {
		struct span s = covers(
		    st->counting, w->sent[l->items[i]].number - first->number + first->sequence, units[i]);

		if (e->of_sent[l->items[i]] == NONE)
			continue;
		a.spans[a.count++] = s;
		if (s.from < s.to)
			a.all[a.all_count++] = s;
	}
	a.heard = join(a.all, &a.all_count);
	free(units);
	*ret = a;
}

static int64_t
heard_by(const struct expect *e, const struct life *l, const struct account *a, uint32_t node)
{
	struct span *s = sim_alloc((l->count + 1) * sizeof(*s));
	uint32_t n = 0, at = 0;
	int64_t units;

	for (uint32_t i = 0; i < l->count; i++) {
		if (e->of_sent[l->items[i]] == NONE)
			continue;
		if (((e->datagrams[e->of_sent[l->items[i]]].nodes >> node) & 1) != 0 &&
		    a->spans[at].from < a->spans[at].to)
			s[n++] = a->spans[at];
		at++;
	}
	units = join(s, &n);
	free(s);
	return units;
}

/* --- against the ledger --- */

static bool
is_of_stream(const struct world *w, const struct json_value *v, const struct sim_stream *st)
{
	const struct exporter *x = &w->exporters[st->exporter];
	char addr[ADDR_TEXT_SIZE], version[8];

	snprintf(version, sizeof(version), "%d", st->proto == PROTO_SFLOW5 ? 0 : (int)st->proto);
	if (st->whole != json_is(json_get(v, "domain"), "all"))
		return false;
	return json_is(json_get(v, "exporter"), addr_text(&x->addr, addr)) &&
	    json_number(v, "exporterPort") == x->port &&
	    json_is(json_get(v, "version"), st->proto == PROTO_SFLOW5 ? "sflow5" : version) &&
	    (st->whole || json_number(v, "domain") == st->domain);
}

static const char *
discipline_name(enum counting c)
{
	return c == COUNT_BEFORE      ? "before"
	    : c == COUNT_AFTER        ? "after"
	    : c == COUNT_DATAGRAMS    ? "datagrams"
	    : c == COUNT_BEFORE_ALL   ? "before+templates"
	    : c == COUNT_AFTER_ALL    ? "after+templates"
	    : c == COUNT_BEFORE_FLOWS ? "before-options"
	    : c == COUNT_AFTER_FLOWS  ? "after-options"
				      : "none";
}

static int64_t
sum_of(const struct json_value *object)
{
	int64_t sum = 0;

	for (const struct json_value *v = object != NULL ? object->first : NULL; v != NULL; v = v->next)
		sum += v->number;
	return sum;
}

/* Of the datagrams that the node did not hear those of which units are missing; NONE: they do not add up to what is missing,
 * since some were not known to have been sent, or could not be counted. */
static uint32_t
missed_by(const struct world *w, const struct expect *e, const struct sim_stream *st, uint32_t life,
    uint32_t node, int64_t missing, struct missed_units *ret)
{
	uint32_t n = 0, before = NONE, counted = 0;
	int64_t sum = 0;

	for (uint32_t i = 0; i < st->sent_count; i++) {
		const struct sent *s = &w->sent[st->sent[i]];
		uint32_t of = e->of_sent[st->sent[i]];
		int64_t units = numbers_of(st->counting,
		    (struct units){.n = s->units, .templates = s->templates, .options = s->options});

		if (s->life != life || units == 0)
			continue;
		if (of != NONE) {
			for (; counted < n; counted++) {
				if (ret[counted].behind == NONE)
					ret[counted].behind = of;
			}
			before = of;
		}
		if (before == NONE || (of != NONE && ((e->datagrams[of].nodes >> node) & 1) != 0))
			continue;
		ret[n++] = (struct missed_units){st->sent[i], units, before, of};
	}
	while (n > 0 && ret[n - 1].behind == NONE) /* behind the end of the span */
		n--;
	for (uint32_t i = 0; i < n; i++)
		sum += ret[i].units;
	return sum == missing ? n : NONE;
}

/* Also one that bears templates alone. */
static bool
has_heard_any(const struct expect *e, const struct life *l, uint32_t node)
{
	for (uint32_t i = 0; i < l->count; i++) {
		uint32_t of = e->of_sent[l->items[i]];

		if (of != NONE && ((e->datagrams[of].nodes >> node) & 1) != 0)
			return true;
	}
	return false;
}

static void
check_causes(struct world *w, const struct expect *e, const struct sim_stream *st, const struct life *l,
    uint32_t node, const struct json_value *n, const char *what)
{
	struct missed_units *missed = sim_alloc((st->sent_count + 1) * sizeof(*missed));
	uint32_t count = missed_by(
	    w, e, st, w->sent[l->items[0]].life, node, json_number(n, "missing"), missed);

	if (count != NONE)
		causes_truth_check(w, w->causes, node, has_heard_any(e, l, node), missed, count,
		    json_get(n, "causes"), what);
	free(missed);
}

static void
check_nodes(struct world *w, const struct expect *e, const struct sim_stream *st, const struct life *l,
    const struct account *a, const struct json_value *v, const char *what)
{
	int64_t span = a->all_count > 0 ? a->all[a->all_count - 1].to - a->all[0].from : 0;
	const struct json_value *n = json_get(v, "nodes");

	n = n != NULL ? n->first : NULL;
	for (uint32_t node = 0; node < w->node_count; node++) {
		int64_t heard;

		if (((e->nodes >> node) & 1) == 0)
			continue;
		if (!CHECK(w, n != NULL && json_is(json_get(n, "node"), w->nodes[node].name),
			"ledger: %s: node %s is missing", what, w->nodes[node].name))
			return;
		heard = heard_by(e, l, a, node);
		CHECK(w, json_number(n, "heard") == heard && json_number(n, "missing") == span - heard,
		    "ledger: %s: node %s heard %" PRId64 " and missed %" PRId64 ", not %" PRId64
		    " and %" PRId64,
		    what, w->nodes[node].name, json_number(n, "heard"), json_number(n, "missing"), heard,
		    span - heard);
		CHECK(w, sum_of(json_get(n, "causes")) == json_number(n, "missing"),
		    "ledger: %s: node %s: the causes are of %" PRId64 " units", what, w->nodes[node].name,
		    sum_of(json_get(n, "causes")));
		check_causes(w, e, st, l, node, n, what);
		n = n->next;
	}
	CHECK(w, n == NULL, "ledger: %s: more nodes than there are", what);
}

static void
check_ranges(struct world *w, const struct account *a, const struct json_value *v, const char *what)
{
	const struct json_value *r = json_get(v, "ranges");

	r = r != NULL ? r->first : NULL;
	for (uint32_t i = 1; i < a->all_count; i++, r = r->next) {
		int64_t from = a->all[i - 1].to, to = a->all[i].from - 1;

		if (!CHECK(w, r != NULL && r->first != NULL && r->first->next != NULL,
			"ledger: %s: gap %" PRId64 "-%" PRId64 " is missing", what, from, to))
			return;
		CHECK(w, r->first->number == from && r->first->next->number == to,
		    "ledger: %s: gap %" PRId64 "-%" PRId64 ", not %" PRId64 "-%" PRId64, what,
		    r->first->number, r->first->next->number, from, to);
	}
	CHECK(w, r == NULL, "ledger: %s: a gap that there is not", what);
}

static void
check_life(struct world *w, const struct expect *e, const struct sim_stream *st, const struct life *l,
    const struct json_value *v, const char *what)
{
	enum counting counts = st->proto == PROTO_V1 ? COUNT_ZERO : learnt(w, e, st, l);
	const struct json_value *name = json_get(v, "discipline");
	enum shows shows;
	struct account a;

	CHECK(w, st->whole || json_number(v, "datagrams") == l->archived,
	    "ledger: %s: %" PRId64 " datagrams, not %u", what, json_number(v, "datagrams"), l->archived);
	CHECK(w, json_number(v, "strays") == 0, "ledger: %s: %" PRId64 " strays", what,
	    json_number(v, "strays"));
	for (uint32_t i = 0; i < l->count; i++) {
		if (e->of_sent[l->items[i]] != NONE && units_of(w, e, st, l->items[i]).wrong)
			return;
	}
	shows = st->shared ? shows_shared(w, e, st->exporter) : SHOWS_OWN;
	if (shows == SHOWS_THIN)
		return;
	if (shows == SHOWS_SHARED && !st->whole) {
		CHECK(w, json_is(name, "shared") && json_number(v, "missing") == 0,
		    "ledger: %s: discipline %.*s, not shared, and %" PRId64 " missing", what,
		    name != NULL ? (int)name->len : 0, name != NULL ? name->text : "",
		    json_number(v, "missing"));
		return;
	}
	if (!st->shared && json_is(name, "shared")) { /* few pairs may look like that */
		CHECK(w, says(w, e, st, l).within < 3,
		    "ledger: %s: shared, although it has a counter of its own", what);
		return;
	}
	/* Pairs of one instant have no order among them when all numbers are 0. */
	if (st->counting != COUNT_ZERO)
		CHECK(w, json_is(name, discipline_name(counts)), "ledger: %s: discipline %.*s, not %s", what,
		    name != NULL ? (int)name->len : 0, name != NULL ? name->text : "",
		    discipline_name(counts));
	if (counts != st->counting || !json_is(name, discipline_name(counts)))
		return;
	w->ledgers++;
	w->shared += st->whole;
	make_account(w, e, st, l, &a);
	if (counts == COUNT_ZERO) {
		CHECK(w, json_number(v, "heard") == l->archived && json_number(v, "missing") == 0,
		    "ledger: %s: %" PRId64 " heard, %" PRId64 " missing of a stream without numbers", what,
		    json_number(v, "heard"), json_number(v, "missing"));
	} else {
		int64_t span = a.all_count > 0 ? a.all[a.all_count - 1].to - a.all[0].from : 0;

		CHECK(w, json_number(v, "heard") == a.heard && json_number(v, "missing") == span - a.heard,
		    "ledger: %s: heard %" PRId64 " and missed %" PRId64 ", not %" PRId64 " and %" PRId64,
		    what, json_number(v, "heard"), json_number(v, "missing"), a.heard, span - a.heard);
		CHECK(w, json_number(v, "conflicts") == 0, "ledger: %s: %" PRId64 " conflicts", what,
		    json_number(v, "conflicts"));
		check_ranges(w, &a, v, what);
		check_nodes(w, e, st, l, &a, v, what);
	}
	free(a.all);
	free(a.spans);
}

static void
check_stream(
    struct world *w, const struct expect *e, const struct sim_stream *st, const struct json_value *streams)
{
	struct life *lives = sim_alloc((st->lives + 1) * sizeof(*lives));
	const struct json_value *v = streams != NULL ? streams->first : NULL;
	bool known;
	char what[64];

	for (uint32_t i = 0; i < st->lives; i++)
		lives[i] = make_life(w, e, st, i);
	known = lives_are_apart(w, e, st, lives);
	for (uint32_t i = 0; known && i < st->lives; i++) {
		if (lives[i].archived == 0)
			continue;
		while (v != NULL && !is_of_stream(w, v, st))
			v = v->next;
		snprintf(what, sizeof(what), "%s %u (%s) life %u",
		    st->whole ? "all streams of exporter" : "stream",
		    st->whole ? st->exporter : (unsigned)(st - w->streams), proto_name(st->proto), i);
		if (!CHECK(w, v != NULL, "ledger: %s is missing", what))
			break;
		check_life(w, e, st, &lives[i], v, what);
		v = v->next;
	}
	while (known && v != NULL && !is_of_stream(w, v, st))
		v = v->next;
	CHECK(w, !known || v == NULL, "ledger: stream %u (%s): more epochs than lives",
	    st->whole ? st->exporter : (unsigned)(st - w->streams), proto_name(st->proto));
	for (uint32_t i = 0; i < st->lives; i++)
		free(lives[i].items);
	free(lives);
}

/* The ledger in the archive is what `gaps` prints of it. */
static void
check_gaps(struct world *w, const char *archive, const char *ledger, size_t ledger_len)
{
	const char *const argv[] = {"gaps", "-q", "--json", archive, NULL};
	size_t len = 0;
	char *out = NULL;
	int status = sim_command(w, argv, &out, &len);

	CHECK(w, status != EXIT_UNABLE, "gaps: exit %d", status);
	CHECK(w, len == ledger_len && memcmp(out, ledger, len) == 0,
	    "gaps: not what the archive's ledger says");
	free(out);
}

void
check_ledger(struct world *w, const struct expect *e, const char *archive)
{
	char path[256], *text;
	int fd;
	struct stat st;
	struct json_value *v;

	snprintf(path, sizeof(path), "%s/ledger.json", archive);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (!CHECK(w, fd >= 0 && fstat(fd, &st) == 0, "archive: no ledger"))
		return;
	text = sim_alloc((size_t)st.st_size + 1);
	if (read(fd, text, (size_t)st.st_size) != st.st_size)
		abort();
	close(fd);
	v = json_parse(text, (size_t)st.st_size);
	if (CHECK(w, v != NULL, "ledger: no JSON")) {
		w->causes = causes_truth_new(w, e);
		for (uint32_t i = 0; i < w->stream_count; i++)
			check_stream(w, e, &w->streams[i], json_get(v, "streams"));
		for (uint32_t i = 0; i < w->stream_count; i++) {
			struct sim_stream all;

			if (!w->streams[i].shared ||
			    (i > 0 && w->streams[i - 1].exporter == w->streams[i].exporter) ||
			    shows_shared(w, e, w->streams[i].exporter) != SHOWS_SHARED)
				continue;
			all = all_of(w, w->streams[i].exporter);
			all.whole = true;
			check_stream(w, e, &all, json_get(v, "streams"));
			free(all.sent);
		}
		check_gaps(w, archive, text, (size_t)st.st_size);
		causes_truth_free(w->causes);
	}
	json_free(v);
	free(text);
}
