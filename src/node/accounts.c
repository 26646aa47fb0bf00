/* SPDX-License-Identifier: ISC
 *
 * Written straight into the board. Layout: the head of a snapshot; u64 started, u32 streams, u32 numberings, u32 gaps, u32 most gaps, u64
 * joined; for each stream its key and numbers in the order below, u32 gaps, and for each gap 33 bytes. It lives between two
 * processes of one build.
 */
#include "node/accounts.h"

#include "base/wr.h"
#include "node/intake.h"

/* All streams with all gaps fit: what is not listed here is less than 400 bytes a stream. */
_Static_assert(
    (16384 + 8192) * 400 + ACCOUNT_GAPS_MOST * 33 + (CONF_LISTENERS_MOST + 1) * CONF_LISTENER_TEXT_SIZE <
	ACCOUNTS_ROOM,
    "room for all accounts");

enum { FLAG_LEARNT = 1, FLAG_SPANS = 2, FLAG_JOINED = 4, FLAG_BOOT = 8, FLAG_ALL = 16, FLAG_SHARED = 32 };

#define COUNTERS 13

/* The numbers of the account that are plain counters, in one order for both ways. */
static void
counters_of(struct seq_live_counters *c, uint64_t *out[COUNTERS])
{
	uint64_t *all[COUNTERS] = {&c->datagrams, &c->heard, &c->declared, &c->recovered, &c->unknown,
	    &c->gaps, &c->late, &c->duplicates, &c->reordered, &c->resets, &c->strays, &c->clock_steps,
	    &c->wraps};

	for (unsigned i = 0; i < COUNTERS; i++)
		out[i] = all[i];
}

static void
put_key(struct wr *w, const struct stream_key *k)
{
	wr_bytes(w, k->exporter.b, sizeof(k->exporter.b));
	wr_bytes(w, k->agent.b, sizeof(k->agent.b));
	wr_u32(w, k->domain);
	wr_u16(w, k->port);
	wr_u8(w, k->proto);
}

static void
put_gap(struct wr *w, const struct seq_gap *g)
{
	wr_u64(w, (uint64_t)g->range.from);
	wr_u64(w, (uint64_t)g->range.to);
	wr_u64(w, (uint64_t)g->since_ns);
	wr_u64(w, g->missing);
	wr_u8(w, g->state);
}

/* How many gaps are told. While it is not decided whether it shares a counter, its open gaps may be none, so of what lies behind the
 * first one nothing is said. */
static uint32_t
told_gaps(const struct seq_live *live, int64_t *ret_next)
{
	uint32_t n = live->held ? live->gaps.first_open : live->gaps.count;

	while (n < live->gaps.count && live->gaps.all[n].state != SEQ_GAP_OPEN)
		n++;
	*ret_next = n < live->gaps.count ? live->gaps.all[n].range.from : live->next;
	return n;
}

static void
put_live(struct wr *w, const struct seq_live *live, enum proto proto, int more_flags)
{
	const struct seq_rules rules = seq_rules_for(proto);
	struct seq_live_counters counters = live->counters;
	uint64_t *each[COUNTERS];
	int64_t boot = 0, next;
	bool has_boot = seq_live_boot(live, &rules, &boot);

	(void)told_gaps(live, &next);
	wr_u8(w, live->discipline);
	wr_u8(w,
	    (uint8_t)((live->learnt ? FLAG_LEARNT : 0) | (live->spans ? FLAG_SPANS : 0) |
		(live->gaps.joined ? FLAG_JOINED : 0) | (has_boot ? FLAG_BOOT : 0) | more_flags));
	wr_u64(w, (uint64_t)boot);
	wr_u64(w, (uint64_t)live->first);
	wr_u64(w, (uint64_t)next);
	wr_u64(w, (uint64_t)live->first_ns);
	wr_u64(w, (uint64_t)live->last_ns);
	wr_u32(w, live->last.sequence);
	counters_of(&counters, each);
	for (unsigned i = 0; i < COUNTERS; i++)
		wr_u64(w, *each[i]);
	wr_u64(w, live->gaps.open);
	wr_u64(w, live->gaps.unknown);
}

static void
put_gaps(struct wr *w, const struct seq_live *live)
{
	int64_t next;
	uint32_t gaps = told_gaps(live, &next);

	wr_u32(w, gaps);
	for (uint32_t i = 0; i < gaps; i++)
		put_gap(w, &live->gaps.all[i]);
}

static void
put_stream(struct wr *w, const struct stream *st, uint32_t templates, int flags)
{
	const struct account *a = &st->account;

	put_key(w, &st->key);
	wr_u64(w, (uint64_t)st->heard.ns);
	wr_u64(w, st->datagrams);
	wr_u32(w, templates);
	put_live(w, &a->live, (enum proto)st->key.proto, flags);
	wr_u64(w, a->records);
	for (unsigned i = 0; i < FAULT_COUNT_OF_KINDS; i++)
		wr_u32(w, a->faults[i]);
	for (unsigned i = 0; i < ACCOUNT_LISTENERS; i++) {
		wr_u64(w, a->on[i].datagrams);
		wr_u16(w, a->on[i].listener);
	}
	wr_u64(w, a->samples.heard);
	wr_u64(w, a->samples.missing);
	wr_u64(w, a->samples.dropped);
	wr_u64(w, a->samples.unfollowed);
	wr_u64(w, a->samples.taken);
	wr_u64(w, a->samples.pool);
	wr_u64(w, a->samples.scaled);
	put_gaps(w, &a->live);
}

static bool
is_together(const struct seq_shared *shared)
{
	return shared != NULL && shared->sharing == SEQ_TOGETHER;
}

/* As a stream of which nothing but its numbers is known. */
static void
put_numbering(struct wr *w, const struct numbering *n)
{
	const struct stream st = {.key = n->key,
	    .heard = {n->shared->all.last_ns},
	    .account.live = n->shared->all,
	    .datagrams = n->shared->all.counters.datagrams};

	put_stream(w, &st, 0, FLAG_ALL);
}

static uint32_t
count_templates(const struct intake *in, const struct stream_key *key)
{
	return key->proto == PROTO_V9 || key->proto == PROTO_IPFIX ? tmpl_cache_count(in->templates, key) : 0;
}

void
accounts_put(struct board *b, const struct buf *head, wall_t started, const struct intake *in)
{
	const struct streams *s = &in->streams;
	size_t room;
	void *place = board_begin(b, &room);
	struct wr w = wr_init(place, room);
	uint32_t gaps = 0, numberings = 0;

	for (uint32_t i = 0; i < s->count; i++)
		gaps += s->all[i].account.live.gaps.count;
	for (uint32_t i = 0; i < s->numberings.count; i++) {
		if (is_together(s->numberings.all[i].shared)) {
			gaps += s->numberings.all[i].shared->all.gaps.count;
			numberings++;
		}
	}
	wr_bytes(&w, head->data, head->len);
	wr_u64(&w, (uint64_t)started.ns);
	wr_u32(&w, s->count);
	wr_u32(&w, numberings);
	wr_u32(&w, gaps);
	wr_u32(&w, (uint32_t)s->room.gaps.most);
	wr_u64(&w, s->room.gaps.joined);
	for (uint32_t i = 0; i < s->count; i++)
		put_stream(&w, &s->all[i], count_templates(in, &s->all[i].key),
		    is_together(streams_shared(s, &s->all[i])) ? FLAG_SHARED : 0);
	for (uint32_t i = 0; i < s->numberings.count; i++) {
		if (is_together(s->numberings.all[i].shared))
			put_numbering(&w, &s->numberings.all[i]);
	}
	if (wr_ok(&w))
		board_end(b, wr_len(&w));
}

/* --- reading --- */

enum err
accounts_open(const void *bytes, size_t len, struct accounts *ret)
{
	struct accounts a = {.count = 0};
	enum err e = snapshot_open(bytes, len, &a.head);

	if (e != ERR_OK)
		return e;
	a.streams = a.head.values;
	a.started.ns = (int64_t)rd_u64(&a.streams);
	a.count = rd_u32(&a.streams);
	a.numberings = rd_u32(&a.streams);
	a.count += a.numberings;
	a.gaps = rd_u32(&a.streams);
	a.gaps_most = rd_u32(&a.streams);
	a.joined = rd_u64(&a.streams);
	if (!rd_ok(&a.streams)) {
		snapshot_close(&a.head);
		return ERR_MALFORMED;
	}
	*ret = a;
	return ERR_OK;
}

static void
read_live(struct rd *r, struct accounts_stream *s)
{
	struct seq_live *live = &s->account.live;
	uint64_t *each[COUNTERS];
	uint8_t flags;

	live->discipline = rd_u8(r);
	flags = rd_u8(r);
	live->learnt = (flags & FLAG_LEARNT) != 0;
	live->spans = (flags & FLAG_SPANS) != 0;
	live->gaps.joined = (flags & FLAG_JOINED) != 0;
	s->has_boot = (flags & FLAG_BOOT) != 0;
	s->key.all = (flags & FLAG_ALL) != 0;
	s->shared = (flags & FLAG_SHARED) != 0;
	s->boot.ns = (int64_t)rd_u64(r);
	live->first = (int64_t)rd_u64(r);
	live->next = (int64_t)rd_u64(r);
	live->first_ns = (int64_t)rd_u64(r);
	live->last_ns = (int64_t)rd_u64(r);
	live->last.sequence = rd_u32(r);
	counters_of(&live->counters, each);
	for (unsigned i = 0; i < COUNTERS; i++)
		*each[i] = rd_u64(r);
	live->gaps.open = rd_u64(r);
	live->gaps.unknown = rd_u64(r);
}

bool
accounts_next(struct accounts *a, struct accounts_stream *ret)
{
	struct rd *r = &a->streams;
	struct accounts_stream s = {.gaps = 0};

	rd_copy(r, s.key.exporter.b, sizeof(s.key.exporter.b));
	rd_copy(r, s.key.agent.b, sizeof(s.key.agent.b));
	s.key.domain = rd_u32(r);
	s.key.port = rd_u16(r);
	s.key.proto = rd_u8(r);
	s.heard.ns = (int64_t)rd_u64(r);
	s.datagrams = rd_u64(r);
	s.templates = rd_u32(r);
	read_live(r, &s);
	s.account.records = rd_u64(r);
	for (unsigned i = 0; i < FAULT_COUNT_OF_KINDS; i++)
		s.account.faults[i] = rd_u32(r);
	for (unsigned i = 0; i < ACCOUNT_LISTENERS; i++) {
		s.account.on[i].datagrams = rd_u64(r);
		s.account.on[i].listener = rd_u16(r);
	}
	s.account.samples.heard = rd_u64(r);
	s.account.samples.missing = rd_u64(r);
	s.account.samples.dropped = rd_u64(r);
	s.account.samples.unfollowed = rd_u64(r);
	s.account.samples.taken = rd_u64(r);
	s.account.samples.pool = rd_u64(r);
	s.account.samples.scaled = rd_u64(r);
	s.gaps = rd_u32(r);
	if (!rd_ok(r) || s.gaps > SEQ_GAPS_MOST)
		return false;
	s.ranges = rd_sub(r, (size_t)s.gaps * 33);
	if (!rd_ok(r))
		return false;
	*ret = s;
	return true;
}

bool
accounts_gap(struct accounts_stream *s, struct seq_gap *ret)
{
	if (s->gaps == 0)
		return false;
	s->gaps--;
	ret->range.from = (int64_t)rd_u64(&s->ranges);
	ret->range.to = (int64_t)rd_u64(&s->ranges);
	ret->since_ns = (int64_t)rd_u64(&s->ranges);
	ret->missing = rd_u64(&s->ranges);
	ret->state = rd_u8(&s->ranges);
	return rd_ok(&s->ranges);
}
