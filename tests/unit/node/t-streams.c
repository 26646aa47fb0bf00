/* SPDX-License-Identifier: ISC
 *
 * The table of streams: counts, what goes on, its limit, and who has to go.
 */
#include "node/streams.h"

#include <stdlib.h>

#include "tests/tap.h"

static struct exporters x;
static struct streams s;

static struct stream_key
key_of(uint32_t n, uint32_t domain)
{
	return (struct stream_key){
	    .exporter = addr_v4(0x0a000000 + n), .port = 2055, .proto = PROTO_V9, .domain = domain};
}

static bool
hear(uint32_t n, uint32_t domain, uint32_t sequence, int64_t sec)
{
	struct stream_key k = key_of(n, domain);
	struct exporter_state *e;
	struct stream *st;
	bool goes_on;

	exporters_time(&x, wall_from_sec(sec, 0));
	e = exporters_heard(&x, &k.exporter);
	goes_on = streams_heard(&s, &k, e, sequence, wall_from_sec(sec, 0), &st);
	if (goes_on)
		exporters_went_on(&x, e);
	return goes_on;
}

static void
begin(void)
{
	const struct exporters_limits limits = {.exporters = 1000,
	    .kept = 500,
	    .streams = 8,
	    .all_streams = 50,
	    .bytes = 1000,
	    .all_bytes = 1000,
	    .definitions = 1,
	    .all_definitions = 1};

	if (exporters_init(&x, &limits, 1) != ERR_OK || streams_init(&s, 100, &x, 2) != ERR_OK)
		abort();
}

static void
end(void)
{
	streams_clear(&s);
	exporters_clear(&x);
}

static const struct stream *
find(uint32_t n, uint32_t domain)
{
	struct stream_key k = key_of(n, domain);

	for (uint32_t i = 0; i < s.count; i++) {
		if (stream_key_cmp(&s.all[i].key, &k) == 0)
			return &s.all[i];
	}
	return NULL;
}

static void
counts(void)
{
	uint64_t wrong = 0;

	begin();
	for (uint32_t round = 0; round < 3; round++) {
		for (uint32_t n = 0; n < 100; n++)
			(void)hear(n, 0, 1000 * round + n, 10 + round);
	}
	is_u64(s.count, 100, "streams");
	for (uint32_t n = 0; n < 100; n++) {
		const struct stream *st = &s.all[n];
		struct stream_key k = key_of(n, 0);

		wrong += stream_key_cmp(&st->key, &k) != 0 || st->datagrams != 3 ||
		    st->sequence != 2000 + n || !st->moved;
	}
	is_u64(wrong, 0, "each with its key, last sequence and count");
	end();
}

static void
sequences(void)
{
	begin();
	ok(!hear(1, 0, 4294967290, 1), "a stream's first datagram goes on from nothing");
	ok(hear(1, 0, 4294967295, 1), "the next one does");
	ok(hear(1, 0, 20, 1), "around the end of the numbers, too");
	ok(hear(1, 0, 20, 1), "also where the number stays the same");
	ok(!hear(1, 0, 19, 1), "one that is late does not");
	ok(hear(1, 0, 19 + STREAM_WINDOW, 1), "a gap is no break");
	ok(!hear(1, 0, 20 + 2 * STREAM_WINDOW, 1), "a jump is");
	ok(!hear(1, 1, 20 + 2 * STREAM_WINDOW, 1), "another domain is another stream");
	end();
}

static void
protection(void)
{
	unsigned lost = 0;

	begin();
	for (uint32_t minute = 0; minute < 5; minute++) {
		(void)hear(1, 0, minute, 60 * minute);
		(void)hear(2, minute, 0, 60 * minute); /* a new stream each time */
	}
	(void)hear(1, 77, 0, 300);
	for (uint32_t n = 0; n < 100000; n++) {
		(void)hear(1000 + n, 0, 0, 301);
		lost += n % 1000 == 0 && (find(1, 0) == NULL || find(1, 77) == NULL);
	}
	is_u64(lost, 0, "100,000 newcomers evict no stream of a protected exporter, old or new");
	ok(find(2, 0) == NULL, "but of one that is not");
	is_u64(s.count, 100, "the table has its limit");
	is_u64(s.evicted, 100000 + 7 - 100, "evictions are counted");
	is_u64(s.refused, 0, "there was always a place");
	is_u64(find(1, 0)->datagrams, 5, "counts are kept");

	for (uint32_t n = 0; n < 100; n++)
		(void)hear(1, 100 + n, 0, 302);
	ok(find(1, 0) != NULL && find(1, 77) != NULL, "its own streams evict none of them");
	is_u64(x.kept_streams, 8, "and only so many are protected");
	for (uint32_t n = 0; n < 1000; n++)
		(void)hear(200000 + n, 0, 0, 303);
	ok(find(1, 105) != NULL && find(1, 106) == NULL, "others go before newcomers do");
	end();
}

/* A datagram with data, whose number goes into the account. */
static void
count(uint32_t n, uint32_t domain, uint32_t sequence, int64_t sec)
{
	const struct seq_rules rules = seq_rules_for(PROTO_V9);
	const struct seq_heard h = {.received_ns = sec * NS_PER_SEC,
	    .item = {.sequence = sequence,
		.units = 1,
		.data = true,
		.tag = sequence,
		.uptime_ms = (uint32_t)sec * 1000,
		.clock_ns = sec * NS_PER_SEC}};
	struct stream *st = &s.all[0];

	(void)hear(n, domain, sequence, sec);
	st = &s.all[s.last];
	if (streams_shared(&s, st) != NULL)
		(void)seq_shared_take(streams_shared(&s, st), &st->account.live, &s.room.gaps, &rules, &h);
	else
		seq_live_take(&st->account.live, &s.room.gaps, &rules, &h);
}

static void
numberings(void)
{
	const struct stream *a, *b;
	uint64_t missing = 0;

	begin();
	for (uint32_t i = 0; i < 60; i++) {
		if (i < 20)
			count(1, 5, i, 100 + i); /* alone */
		else if (i != 7 && i != 40)
			count(1, 5 + i % 2, i, 100 + i); /* with another domain */
		if (i == 10)
			ok(streams_shared(&s, find(1, 5)) == NULL, "one stream has no account of all");
	}
	streams_time(&s, wall_from_sec(1000, 0));
	a = find(1, 5);
	b = find(1, 6);
	ok(a != NULL && b != NULL && streams_shared(&s, a) != NULL &&
		streams_shared(&s, a) == streams_shared(&s, b),
	    "two of one numbering have one");
	ok(streams_shared(&s, a)->sharing == SEQ_TOGETHER, "which share a counter");
	is_u64(seq_live_missing(&streams_shared(&s, a)->all), 1, "of which one is missing");
	missing = seq_live_missing(&a->account.live) + seq_live_missing(&b->account.live);
	is_u64(missing, 0, "and of the streams themselves none");
	for (uint32_t n = 0; n < 30; n++)
		count(2, n, n, 2000 + n);
	is_u64(s.numberings.shared, 2, "another exporter has another one");
	for (uint32_t n = 0; n < 1000; n++)
		(void)hear(1000 + n, 0, 0, 3000);
	ok(find(1, 5) == NULL && find(2, 29) == NULL, "newcomers evict all of these");
	is_u64(s.numberings.shared, 0, "whose accounts go with the last stream");
	is_u64(s.room.gaps.used, 0, "and all room is given back");
	ok(s.numberings.count <= 101, "places are used again");
	for (uint32_t n = 0; n < 100000; n++)
		(void)hear(7, n, 0, 3001);
	ok(s.numberings.shared == 1 && s.count == 100, "100,000 domains of one exporter are one numbering");
	end();
}

int
main(void)
{
	counts();
	sequences();
	protection();
	numberings();
	return done_testing();
}
