/* SPDX-License-Identifier: ISC
 *
 * Sequence accounting: order, epochs, unwrapping, strays, disciplines, sets of ranges. Every stream is given in
 * several orders; the account must not depend on them.
 */
#include "flow/seq.h"

#include "base/clock.h"
#include "tests/tap.h"

#define MOST 128

static const int64_t boot = 1700000000LL * NS_PER_SEC;
static struct seq_item items[MOST];
static size_t count;
static uint32_t epochs;

static void
begin(void)
{
	memset(items, 0, sizeof(items));
	count = 0;
}

/* A datagram that the exporter sent uptime_ms after its boot, by a clock that is off by step_ms. */
static void
sent(uint32_t sequence, uint32_t units, int64_t uptime_ms, int64_t step_ms)
{
	items[count] = (struct seq_item){.sequence = sequence,
	    .units = units,
	    .uptime_ms = (uint32_t)uptime_ms,
	    .data = true,
	    .clock_ns = boot + (uptime_ms + step_ms) * NS_PER_MSEC,
	    .tag = (uint32_t)count};
	count++;
}

/* v9 and IPFIX give whole seconds. */
static void
whole_seconds(void)
{
	for (size_t i = 0; i < count; i++)
		items[i].clock_ns = items[i].clock_ns / NS_PER_SEC * NS_PER_SEC;
}

static void
swap(size_t a, size_t b)
{
	struct seq_item t = items[a];

	items[a] = items[b];
	items[b] = t;
}

static void
shuffle(unsigned round)
{
	uint32_t x = 12345 + round;

	if (round == 1) {
		for (size_t i = 0; i < count / 2; i++)
			swap(i, count - 1 - i);
	}
	for (size_t i = 0; round > 1 && i < count; i++) {
		x = x * 1664525 + 1013904223;
		swap(i, (x >> 8) % count);
	}
}

/* Orders the items given in eight ways. `want` names tags in order, with | between epochs and ! at strays. */
static void
order_is(enum proto proto, const char *want, const char *what)
{
	struct seq_rules rules = seq_rules_for(proto);
	struct seq_item given[MOST];
	char got[MOST * 8] = "", wrong[MOST * 8] = "";

	memcpy(given, items, sizeof(given));
	for (unsigned round = 0; round < 8; round++) {
		size_t at = 0;

		memcpy(items, given, sizeof(given));
		shuffle(round);
		if (seq_order(&rules, items, count, &epochs) != ERR_OK)
			return;
		for (size_t i = 0; i < count; i++) {
			at += (size_t)snprintf(got + at, sizeof(got) - at, "%s%u%s",
			    i == 0                                     ? ""
				: items[i].epoch != items[i - 1].epoch ? "|"
								       : " ",
			    items[i].tag, items[i].stray ? "!" : "");
		}
		if (strcmp(got, want) != 0)
			memcpy(wrong, got, sizeof(wrong));
	}
	is_text(wrong[0] != '\0' ? wrong : want, want, "%s", what);
}

static enum seq_discipline
learn(enum proto proto)
{
	struct seq_rules rules = seq_rules_for(proto);

	return seq_learn(&rules, items, count, NULL);
}

/* Units missing between the first and the last of epoch 0. */
static uint64_t
missing(enum seq_discipline d)
{
	struct seq_set heard = {0}, gaps = {0};
	struct seq_range span;
	uint64_t n = UINT64_MAX;

	for (size_t i = 0; i < count; i++) {
		if (items[i].epoch == 0 && seq_set_add(&heard, seq_covers(d, &items[i])) != ERR_OK)
			return UINT64_MAX;
	}
	seq_set_close(&heard);
	if (heard.count > 0) {
		span = (struct seq_range){heard.ranges[0].from, heard.ranges[heard.count - 1].to};
		if (seq_set_missing(&heard, span, &gaps) == ERR_OK) {
			seq_set_close(&gaps);
			n = seq_set_units(&gaps);
		}
	}
	seq_set_clear(&heard);
	seq_set_clear(&gaps);
	return n;
}

static void
test_plain(void)
{
	begin();
	for (uint32_t i = 0; i < 6; i++)
		sent(1000 + 30 * i, 30, 5000 + 1000 * i, 0);
	order_is(PROTO_V5, "0 1 2 3 4 5", "v5 in a row");
	is_u64(epochs, 1, "one epoch");
	is_u64(learn(PROTO_V5), SEQ_BEFORE, "counts before");
	is_u64(missing(SEQ_BEFORE), 0, "nothing is missing");

	begin();
	for (uint32_t i = 0; i < 6; i++) {
		if (i != 2)
			sent(1000 + 30 * i, 30, 5000 + 1000 * i, 0);
	}
	order_is(PROTO_V5, "0 1 2 3 4", "one was lost");
	is_u64(missing(SEQ_BEFORE), 30, "with its flows");

	begin();
	for (uint32_t i = 0; i < 6; i++)
		sent(70 + i, 30, 5000 + 400 * i, 0);
	whole_seconds();
	order_is(PROTO_V9, "0 1 2 3 4 5", "v9 in a row, its clock in seconds");
	is_u64(learn(PROTO_V9), SEQ_DATAGRAMS, "counts datagrams");
	is_u64(missing(SEQ_DATAGRAMS), 0, "nothing is missing");

	begin();
	for (uint32_t i = 0; i < 6; i++)
		sent(70 + i, 1, 5000, 0);
	order_is(PROTO_V9, "0 1 2 3 4 5", "at one instant the sequence orders");
	begin();
	for (uint32_t i = 0; i < 6; i++)
		sent(UINT32_MAX - 2 + i, 1, 5000, 0);
	order_is(PROTO_V9, "0 1 2 3 4 5", "also across its wrap");
	is_u64(missing(SEQ_DATAGRAMS), 0, "and nothing is missing");
}

static void
test_wrap(void)
{
	begin();
	for (uint32_t i = 0; i < 6; i++)
		sent(UINT32_MAX - 75 + 30 * i, 30, 5000 + 1000 * i, 0);
	order_is(PROTO_V5, "0 1 2 3 4 5", "the sequence wraps");
	is_u64(missing(SEQ_BEFORE), 0, "nothing is missing");
	is_u64((uint64_t)(items[5].position - items[0].position), 150, "positions go on");

	begin();
	for (uint32_t i = 0; i < 8; i++)
		sent(1000 + 30 * i, 30, (1LL << 32) - 3500 + 1000 * i, 0);
	order_is(PROTO_V5, "0 1 2 3 4 5 6 7", "the uptime wraps after 49.7 days: no restart");
	is_u64(missing(SEQ_BEFORE), 0, "nothing is missing");
	begin();
	for (uint32_t i = 0; i < 8; i++)
		sent(100 + i, 30, (1LL << 32) - 3500 + 1000 * i, 0);
	whole_seconds();
	order_is(PROTO_V9, "0 1 2 3 4 5 6 7", "likewise in v9");
}

static void
test_restart(void)
{
	begin();
	for (uint32_t i = 0; i < 4; i++)
		sent(5000 + 30 * i, 30, 900000 + 1000 * i, 0);
	for (uint32_t i = 0; i < 4; i++)
		sent(30 * i, 30, 1000 * i, 950000);
	order_is(PROTO_V5, "0 1 2 3|4 5 6 7", "a restart begins an epoch");
	is_u64(epochs, 2, "the second");
	is_u64(missing(SEQ_BEFORE), 0, "and nothing is missing between them");

	begin();
	for (uint32_t i = 0; i < 4; i++)
		sent(5000 + i, 30, 900000 + 1000 * i, 0);
	for (uint32_t i = 0; i < 4; i++)
		sent(i, 30, 1000 * i, 950000);
	for (uint32_t i = 0; i < 4; i++)
		sent(i, 30, 1000 * i, 960000);
	whole_seconds();
	order_is(PROTO_V9, "0 1 2 3|4 5 6 7|8 9 10 11", "two restarts, ten seconds apart");

	begin();
	for (uint32_t i = 0; i < 4; i++)
		sent(5000 + 10 * i, 10, 900000 + 1000 * i, 0);
	for (uint32_t i = 0; i < 4; i++)
		sent(10 * i, 10, 905000 + 1000 * i, 0);
	whole_seconds();
	order_is(PROTO_IPFIX, "0 1 2 3|4 5 6 7", "IPFIX: a confirmed fall with later time is a restart");
}

/* The exporter's clock steps; its uptime goes on. */
/* IPFIX has no uptime, and from above 2^31 a fall to 0 looks like a jump ahead. */
static void
test_restart_without_uptime(void)
{
	static const uint32_t from[] = {5000000, 3000000000u, UINT32_MAX - 5000000};

	for (size_t k = 0; k < sizeof(from) / sizeof(from[0]); k++) {
		begin();
		for (uint32_t i = 0; i < 4; i++)
			sent(from[k] + 10 * i, 10, 5000 + 1000 * i, 0);
		for (uint32_t i = 0; i < 4; i++)
			sent(10 * i, 10, 20000 + 1000 * i, 0);
		order_is(PROTO_IPFIX, "0 1 2 3|4 5 6 7", "IPFIX restarts");
		is_u64(missing(SEQ_BEFORE), 0, "and that is no loss");
	}
	begin();
	for (uint32_t i = 0; i < 4; i++)
		sent(UINT32_MAX - 39 + 10 * i, 10, 5000 + 1000 * i, 0);
	for (uint32_t i = 0; i < 4; i++)
		sent(10 * i, 10, 20000 + 1000 * i, 0);
	order_is(PROTO_IPFIX, "0 1 2 3 4 5 6 7", "a wrap is no restart");
	is_u64(missing(SEQ_BEFORE), 0, "nor a loss");
}

static void
test_clock_step(void)
{
	static const int64_t steps[] = {1700, 60000, 86400000, -1700, -60000, -86400000};

	for (size_t s = 0; s < sizeof(steps) / sizeof(steps[0]); s++) {
		begin();
		for (uint32_t i = 0; i < 4; i++)
			sent(5000 + 30 * i, 30, 900000 + 1000 * i, 0);
		for (uint32_t i = 4; i < 8; i++)
			sent(5000 + 30 * i, 30, 900000 + 1000 * i, steps[s]);
		order_is(PROTO_V5, "0 1 2 3 4 5 6 7", "the exporter's clock steps: no epoch");
		is_u64(missing(SEQ_BEFORE), 0, "step of %" PRIi64 " ms: nothing is missing", steps[s]);
	}
}

/* Huawei and others correct the uptime, by minutes, after weeks. */
static void
test_uptime_set_back(void)
{
	begin();
	sent(2072, 1, 3872244664, 0);
	sent(2073, 1, 3872245664, 0);
	sent(2089, 1, 3872132129, 129535);
	sent(2090, 1, 3872133129, 129535);
	order_is(PROTO_V9, "0 1 2 3", "an uptime that was set back");
	is_u64(epochs, 1, "the same life goes on");
	is_u64(missing(SEQ_DATAGRAMS), 15, "with its gap");

	begin();
	sent(2072, 1, 100000, 0);
	sent(2073, 1, 200000, 0);
	sent(2089, 1, 1000, 300000);
	sent(2090, 1, 2000, 300000);
	order_is(PROTO_V9, "0 1|2 3", "one that began when the former was silent: a restart");

	begin();
	sent(30, 30, 59000, 0);
	sent(60, 30, 60000, 0);
	sent(90, 30, 50000, 10000);
	sent(120, 30, 51001, 9999);
	order_is(PROTO_V5, "0 1 2 3", "what boot times jitter by puts nothing before what came first");
}

/* fprobe 1.1 sets its uptime back with each burst; the last datagram of one is sent with the next, by the uptime that it has
 * come to. Numbers of a run of which six datagrams were lost. */
static void
test_uptime_set_back_each_second(void)
{
	static const struct {
		int64_t clock_us;
		uint32_t datagrams; /* without the last one */
		int64_t last_us;
		uint32_t last_ms; /* since it was set back */
	} bursts[] = {{48000913, 3, 49000713, 1000}, {49000751, 18, 50005687, 1004},
	    {50005703, 24, 51086072, 1080}, {51086099, 22, 51471158, 384}, {51471189, 21, 52000538, 530}};
	static const uint32_t lost[] = {270, 300, 330, 720, 1020, 1080};
	const uint32_t back_ms = 1048576000;
	char want[MOST * 8] = "";
	uint32_t sequence = 0;
	size_t at = 0, next_lost = 0;

	begin();
	for (size_t b = 0; b < sizeof(bursts) / sizeof(bursts[0]); b++) {
		for (uint32_t i = 0; i <= bursts[b].datagrams; i++, sequence += 30) {
			bool last = i == bursts[b].datagrams;

			if (next_lost < sizeof(lost) / sizeof(lost[0]) && sequence == lost[next_lost]) {
				next_lost++;
				continue;
			}
			sent(sequence, 30, back_ms + (last ? bursts[b].last_ms : 0), 0);
			items[count - 1].clock_ns = boot +
			    (last ? bursts[b].last_us : bursts[b].clock_us + 5 * i) * (NS_PER_MSEC / 1000);
			at += (size_t)snprintf(
			    want + at, sizeof(want) - at, "%s%zu", at > 0 ? " " : "", count - 1);
		}
	}
	order_is(PROTO_V5, want, "an uptime that is set back each second");
	is_u64(epochs, 1, "the same life goes on");
	is_u64(missing(SEQ_BEFORE), 180, "with what it lost");

	begin();
	sent(0, 30, 1000, 0);
	sent(30, 30, 1000, 1);
	sent(60, 30, 2000, 0);
	sent(90, 30, 1000, 1002);
	sent(120, 30, 1000, 1001);
	sent(150, 30, 2000, 1001);
	order_is(PROTO_V5, "0 1 2 3 4 5", "what the clock swaps stays with its neighbours");
}

static void
test_late_and_doubled(void)
{
	begin();
	for (uint32_t i = 0; i < 5; i++)
		sent(1000 + 30 * i, 30, 5000 + 1000 * i, 0);
	sent(1000 + 30 * 2, 30, 7000, 0); /* the third once more */
	order_is(PROTO_V5, "0 1 2 5 3 4", "what came twice stands side by side");
	is_u64(missing(SEQ_BEFORE), 0, "and counts once");
	is_u64(learn(PROTO_V5), SEQ_BEFORE, "the discipline is the same");
}

static void
test_strays(void)
{
	begin();
	for (uint32_t i = 0; i < 6; i++)
		sent(1000 + 30 * i, 30, 5000 + 1000 * i, 0);
	sent(2000000000, 30, 7500, 0);
	order_is(PROTO_V5, "0 1 2 6! 3 4 5", "one far ahead is a stray");
	is_u64(missing(SEQ_BEFORE), 0, "and makes no billion missing flows");

	begin();
	for (uint32_t i = 0; i < 6; i++)
		sent(2000000000 + 30 * i, 30, 5000 + 1000 * i, 0);
	sent(17, 30, 7500, 0);
	order_is(PROTO_V5, "0 1 2 6! 3 4 5", "so is one far behind");
	begin();
	for (uint32_t i = 0; i < 6; i++)
		sent(2000000000 + 30 * i, 30, 5000 + 1000 * i, 0);
	sent(17, 30, 4000, 0);
	order_is(PROTO_V5, "6! 0 1 2 3 4 5", "also at the very beginning");
	begin();
	for (uint32_t i = 0; i < 6; i++)
		sent(30 * i, 30, 5000 + 1000 * i, 0);
	sent(0x80000000, 30, 4000, 0);
	order_is(PROTO_V5, "6! 0 1 2 3 4 5", "or on the far side of the circle");
	begin();
	for (uint32_t i = 0; i < 6; i++)
		sent(30 * i, 30, 5000 + 1000 * i, 0);
	sent(2000000000, 30, 99000, 0);
	order_is(PROTO_V5, "0 1 2 3 4 5 6!", "or at the end");

	begin();
	for (uint32_t i = 0; i < 4; i++)
		sent(1000 + 30 * i, 30, 5000 + 1000 * i, 0);
	for (uint32_t i = 0; i < 4; i++)
		sent(3000000 + 30 * i, 30, 10000 + 1000 * i, 0);
	order_is(PROTO_V5, "0 1 2 3 4 5 6 7", "a jump that goes on is a loss");
	is_u64(missing(SEQ_BEFORE), 3000000 - 1120, "of so many flows");
}

static void
test_disciplines(void)
{
	static const uint32_t units[] = {3, 30, 7, 12, 30, 1, 2, 28};
	uint32_t total = 100;

	begin();
	for (uint32_t i = 0; i < 8; i++) {
		total += units[i];
		sent(total, units[i], 5000 + 1000 * i, 0);
	}
	order_is(PROTO_IPFIX, "0 1 2 3 4 5 6 7", "IPFIX of an exporter that counts after");
	is_u64(learn(PROTO_IPFIX), SEQ_AFTER, "is learnt");
	is_u64(missing(SEQ_AFTER), 0, "and nothing is missing");

	begin();
	for (uint32_t i = 0; i < 8; i++)
		sent(i, units[i], 5000 + 1000 * i, 0);
	order_is(PROTO_IPFIX, "0 1 2 3 4 5 6 7", "one that counts messages");
	is_u64(learn(PROTO_IPFIX), SEQ_DATAGRAMS, "is learnt");
	is_u64(missing(SEQ_DATAGRAMS), 0, "and nothing is missing");

	for (unsigned all = 0; all < 2; all++) {
		for (unsigned after = 0; after < 2; after++) {
			total = 100;
			begin();
			for (uint32_t i = 0; i < 8; i++) {
				uint16_t templates = i % 3 == 1 ? 2 : 0;
				uint32_t step = units[i] + (all == 1 ? templates : 0);

				sent(total + (after == 1 ? step : 0), units[i], 5000 + 1000 * i, 0);
				items[i].templates = SEQ_TEMPLATES(templates);
				total += step;
			}
			order_is(PROTO_IPFIX, "0 1 2 3 4 5 6 7",
			    all ? "one that counts templates" : "one that does not");
			is_text(seq_discipline_name(learn(PROTO_IPFIX)),
			    all         ? after ? "after+templates" : "before+templates"
				: after ? "after"
					: "before",
			    "is learnt");
			is_u64(missing(learn(PROTO_IPFIX)), 0, "and nothing is missing");
		}
	}
	for (unsigned after = 0; after < 2; after++) {
		total = 100;
		begin();
		for (uint32_t i = 0; i < 8; i++) {
			unsigned options = i % 3 == 1;

			sent(total + (after == 1 ? units[i] : 0), units[i] + options, 5000 + 1000 * i, 0);
			items[i].options = SEQ_OPTIONS(options);
			total += units[i];
		}
		order_is(PROTO_IPFIX, "0 1 2 3 4 5 6 7", "one that does not count options records");
		is_text(seq_discipline_name(learn(PROTO_IPFIX)), after ? "after-options" : "before-options",
		    "is learnt");
		is_u64(missing(learn(PROTO_IPFIX)), 0, "and nothing is missing");
	}
	begin();
	total = 100;
	for (uint32_t i = 0; i < 8; i++) {
		sent(total, 0, 5000 + 1000 * i, 0);
		items[i].units_unknown = true;
		total += i % 3 == 0 ? 1 : 20;
	}
	order_is(PROTO_IPFIX, "0 1 2 3 4 5 6 7", "sizes that are unknown, some of them 1");
	is_u64(learn(PROTO_IPFIX), SEQ_BEFORE, "are no datagrams counted");
	begin();
	for (uint32_t i = 0; i < 8; i++) {
		sent(i + (i > 3), 0, 5000 + 1000 * i, 0);
		items[i].units_unknown = true;
	}
	order_is(PROTO_IPFIX, "0 1 2 3 4 5 6 7", "always 1");
	is_u64(learn(PROTO_IPFIX), SEQ_DATAGRAMS, "are");
	begin();
	for (uint32_t i = 0; i < 3; i++)
		sent(10 + 5 * i, 5, 5000 + 1000 * i, 0);
	order_is(PROTO_IPFIX, "0 1 2", "an epoch that does not tell");
	is_text(seq_discipline_name(seq_learn(&(struct seq_rules){.standard = SEQ_BEFORE}, items, count,
		    &(struct seq_votes){.of = {[SEQ_BEFORE] = 7, [SEQ_BEFORE_ALL] = 9}})),
	    "before+templates", "others of the stream do");

	begin();
	for (uint32_t i = 0; i < 8; i++)
		sent(0, units[i], 5000 + 1000 * i, 0);
	order_is(PROTO_V5, "0 1 2 3 4 5 6 7", "one that sends 0");
	is_u64(learn(PROTO_V5), SEQ_NONE, "is learnt");
	ok(seq_covers(SEQ_NONE, &items[3]).from == seq_covers(SEQ_NONE, &items[3]).to,
	    "and accounts for nothing");

	begin();
	for (uint32_t i = 0; i < 8; i++)
		sent(10 + i, 1, 5000 + 1000 * i, 0);
	order_is(PROTO_IPFIX, "0 1 2 3 4 5 6 7", "one flow a datagram");
	is_u64(learn(PROTO_IPFIX), SEQ_BEFORE, "tells nothing apart: the standard one");
	is_u64(learn(PROTO_V9), SEQ_DATAGRAMS, "each protocol's own");
	is_u64(learn(PROTO_V1), SEQ_NONE, "v1 has none");
	begin();
	sent(5, 9, 1000, 0);
	order_is(PROTO_V5, "0", "a single datagram");
	is_u64(learn(PROTO_V5), SEQ_BEFORE, "says nothing either");
	begin();
	order_is(PROTO_V5, "", "none");
	is_u64(epochs, 0, "no epoch");
	is_text(seq_discipline_name(SEQ_BEFORE), "before", "a name");
	is_text(seq_discipline_name(SEQ_NONE), "none", "another");
}

/* Loss, late datagrams and doubles must not change what is learnt. */
static void
test_learn_with_loss(void)
{
	uint32_t sequence = 1000;

	begin();
	for (uint32_t i = 0; i < 40; i++) {
		uint32_t units = 1 + i * 7 % 30;

		if (i % 5 != 3)
			sent(sequence, units, 5000 + 1000 * i, 0);
		sequence += units;
	}
	order_is(PROTO_V5,
	    "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31",
	    "one of five was lost");
	is_u64(learn(PROTO_V5), SEQ_BEFORE, "the discipline is seen all the same");
}

static void
test_sets(void)
{
	struct seq_set s = {0}, gaps = {0};
	bool all = true;

	all &= seq_set_add(&s, (struct seq_range){20, 30}) == ERR_OK;
	all &= seq_set_add(&s, (struct seq_range){30, 35}) == ERR_OK;
	all &= seq_set_add(&s, (struct seq_range){-5, 3}) == ERR_OK;
	all &= seq_set_add(&s, (struct seq_range){7, 7}) == ERR_OK;
	all &= seq_set_add(&s, (struct seq_range){25, 28}) == ERR_OK;
	all &= seq_set_add(&s, (struct seq_range){3, 5}) == ERR_OK;
	seq_set_close(&s);
	ok(all, "ranges are added");
	is_u64(s.count, 2, "what adjoins or overlaps is joined");
	is_u64(seq_set_units(&s), 10 + 15, "units");
	ok(seq_set_missing(&s, (struct seq_range){-10, 40}, &gaps) == ERR_OK, "what is missing of a span");
	seq_set_close(&gaps);
	if (is_u64(gaps.count, 3, "before, between, behind")) {
		ok(gaps.ranges[0].from == -10 && gaps.ranges[0].to == -5, "before");
		ok(gaps.ranges[1].from == 5 && gaps.ranges[1].to == 20, "between");
		ok(gaps.ranges[2].from == 35 && gaps.ranges[2].to == 40, "behind");
	}
	seq_set_clear(&gaps);
	ok(seq_set_missing(&s, (struct seq_range){0, 22}, &gaps) == ERR_OK && seq_set_units(&gaps) == 15,
	    "of a span that begins and ends within");
	seq_set_clear(&gaps);
	seq_set_clear(&s);
	seq_set_close(&s);
	ok(seq_set_units(&s) == 0 && seq_set_missing(&s, (struct seq_range){0, 9}, &gaps) == ERR_OK &&
		seq_set_units(&gaps) == 9,
	    "of an empty set all is missing");
	seq_set_clear(&gaps);
	for (int64_t i = 0; i < 1000; i++)
		all &= seq_set_add(&s, (struct seq_range){i * 7919 % 1000 * 2, i * 7919 % 1000 * 2 + 1}) ==
		    ERR_OK;
	seq_set_close(&s);
	ok(all && s.count == 1000 && seq_set_units(&s) == 1000, "a thousand, in any order");
	seq_set_clear(&s);
}

int
main(void)
{
	test_plain();
	test_wrap();
	test_restart();
	test_restart_without_uptime();
	test_clock_step();
	test_uptime_set_back();
	test_uptime_set_back_each_second();
	test_late_and_doubled();
	test_strays();
	test_disciplines();
	test_learn_with_loss();
	test_sets();
	return done_testing();
}
