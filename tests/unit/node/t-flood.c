/* SPDX-License-Identifier: ISC
 *
 * Ten well-behaved exporters, and between their datagrams a flood from forged addresses, with virtual time: what is
 * recorded and known of the ten is what it would be without the flood. And what else a sender can make expensive.
 */
#include "node/intake.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/message.h"
#include "tests/tap.h"

#ifdef __SANITIZE_ADDRESS__ /* gcc */
#define ASAN
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ASAN
#endif
#endif

#define START 1700000000
#define EXPORTERS 10
#define SLOW 9 /* sends once a minute; the others ten times a second */
#define TEMPLATE 300

static struct intake in;
static struct buf payload = BUF_INIT;
static int64_t now; /* ns since START */

struct good {
	struct addr addr;
	uint16_t proto;
	uint32_t sent, recorded;
	int64_t due;
};

static struct good goods[EXPORTERS];

/* --- blocks: records are counted and thrown away --- */

static struct {
	uint64_t records, datagrams;
	uint8_t carry[2 << 20]; /* a record that goes on in the next block */
	size_t carried;
	uint64_t sum_of_templates;
	unsigned segments;
	struct addr first_defined[EXPORTERS]; /* in the last snapshot */
	unsigned defined;
} sink;

static void
count_templates(const struct record *r, const uint8_t *body)
{
	struct rd rd = rd_init(body, r->len);
	struct tmpl_def def;

	while (rd_left(&rd) > 0 && tmpl_def_read(&rd, &def) == ERR_OK) {
		if (sink.defined < EXPORTERS)
			sink.first_defined[sink.defined] = def.stream.exporter;
		sink.defined++;
	}
}

static void
count_records(const uint8_t *bytes, size_t len)
{
	size_t at = 0;

	memcpy(sink.carry + sink.carried, bytes, len);
	sink.carried += len;
	while (at + RECORD_HEADER_SIZE <= sink.carried) {
		struct record r;

		if (record_header_read(sink.carry + at, record_seed(5), &r) != ERR_OK)
			abort();
		if (at + record_size(r.len) > sink.carried)
			break;
		sink.records++;
		sink.datagrams += r.type == RECORD_DATAGRAM;
		for (int i = 0; i < EXPORTERS && r.type == RECORD_DATAGRAM; i++)
			goods[i].recorded += addr_cmp(&r.addr, &goods[i].addr) == 0;
		if (r.type == RECORD_TEMPLATES)
			count_templates(&r, sink.carry + at + RECORD_HEADER_SIZE);
		at += record_size(r.len);
	}
	sink.carried -= at;
	memmove(sink.carry, sink.carry + at, sink.carried);
}

static struct block *
sink_take(void *ctx)
{
	(void)ctx;
	return block_new();
}

static void
sink_give(void *ctx, struct block *b, uint32_t upto, bool complete)
{
	uint32_t skip = b->first ? SEGMENT_RECORDS_AT : 0;

	(void)ctx;
	if (!complete)
		return;
	if (b->first) {
		sink.carried = 0;
		sink.defined = 0;
	}
	if (upto > skip)
		count_records(b->data + skip, upto - skip);
	sink.segments += b->last;
	block_free(b);
}

/* --- the world --- */

static wall_t
wall(void)
{
	return (wall_t){START * NS_PER_SEC + now};
}

static void
begin(void)
{
	const struct segment_header head = {.kind = SEGMENT_NODE,
	    .cluster = "c",
	    .node = "n",
	    .incarnation = 5,
	    .number = 1,
	    .first_sequence = 1};
	struct buf errors = BUF_INIT;
	struct conf conf;

	now = 0;
	memset(&sink, 0, sizeof(sink));
	if (conf_parse(
		"cluster = \"c\"; node = \"n\"; log = { directory = \"x\"; rotate = \"1d\"; size = \"1T\"; };\n"
		"listen = ( { address = \"127.0.0.1\"; port = 1; },\n"
		"  { address = \"127.0.0.1\"; port = 2; rate_limit = 100; } );\n",
		"c", &conf, &errors) != ERR_OK ||
	    intake_init(&in, &conf, &head, (struct block_sink){.take = sink_take, .give = sink_give},
		wall()) != ERR_OK)
		abort();
	conf_clear(&conf);
}

static void
end(void)
{
	intake_stopping(&in, wall());
	appender_end(&in.appender, wall());
	intake_clear(&in);
}

static void
take(uint16_t listener, const struct addr *from, uint16_t port)
{
	const struct intake_datagram d = {
	    .payload = payload.data,
	    .len = (uint32_t)payload.len,
	    .listener = listener,
	    .port = port,
	    .from = *from,
	    .time = wall(),
	};

	intake_take(&in, &d, wall());
}

static void
message(uint16_t proto, uint32_t sequence, bool template)
{
	static const uint16_t fields[] = {8, 4, 12, 4, 1, 4};

	if (proto == 5) {
		message_old(&payload, 5, 1, sequence);
		message_old_record(&payload, 5, 1);
		return;
	}
	if (proto == 9)
		message_v9(&payload, sequence, 77);
	else
		message_ipfix(&payload, sequence, 77);
	message_set(&payload, template ? proto == 9 ? 0 : 2 : TEMPLATE);
	if (template)
		message_template(&payload, TEMPLATE, fields, 3);
	else
		message_u16s(&payload, fields, 6); /* a record of 12 bytes */
	message_set_end(&payload);
}

/* Those that are due send; a template in their first datagram alone. */
static void
good_ones(void)
{
	for (int i = 0; i < EXPORTERS; i++) {
		struct good *g = &goods[i];

		if (g->due > now)
			continue;
		message(g->proto, g->sent, g->sent == 0);
		take(0, &g->addr, 4000);
		g->sent++;
		g->due += i == SLOW ? 60 * NS_PER_SEC : NS_PER_SEC / 10;
	}
	intake_tick(&in, wall());
}

static uint32_t forged; /* so many addresses */

/* Each from another address and port: all protocols, most with a template. */
static void
flood(uint32_t count, int64_t span)
{
	int64_t begun = now;

	for (uint32_t i = 0; i < count; i++) {
		const struct addr from = addr_v4(0x0b000000 + forged++);

		now = begun + span / count * i;
		good_ones();
		message(i % 4 == 0 ? 5 : i % 4 == 1 ? 10 : 9, forged, true);
		take(0, &from, (uint16_t)forged);
	}
}

static void
pass_time(int64_t span)
{
	for (int64_t until = now + span; now < until; now += NS_PER_SEC / 10)
		good_ones();
}

static uint64_t
resident(void)
{
	unsigned long size, pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f == NULL || fscanf(f, "%lu %lu", &size, &pages) != 2)
		abort();
	(void)fclose(f);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void
known(const char *when)
{
	unsigned templates = 0, streams = 0, protected = 0;

	for (int i = 0; i < EXPORTERS; i++) {
		const struct good *g = &goods[i];
		const struct stream_key key = {.exporter = g->addr,
		    .port = 4000,
		    .proto = (uint8_t)g->proto,
		    .domain = g->proto == 5 ? 0x0102 : 77};
		const struct tmpl *t = tmpl_cache_get(in.templates, &key, TEMPLATE);

		templates += t != NULL && t->field_count == 3;
		protected += exporters_protect(&in.exporters, &g->addr);
		for (uint32_t k = 0; k < in.streams.count; k++)
			streams += stream_key_cmp(&in.streams.all[k].key, &key) == 0 &&
			    in.streams.all[k].datagrams == g->sent;
	}
	is_u64(protected, EXPORTERS, "%s: the ten are protected", when);
	is_u64(templates, 7, "%s: all their templates are known", when);
	is_u64(streams, EXPORTERS, "%s: and their streams, with right counts", when);
}

static void
ten_and_a_flood(void)
{
	uint64_t before, after, sent = 0, recorded = 0;
	unsigned first = 0;

	begin();
	for (int i = 0; i < EXPORTERS; i++)
		goods[i] = (struct good){.addr = addr_v4(0xc0000201 + (uint32_t)i),
		    .proto = i < 3 ? 5
			: i < 6    ? 9
				   : 10};
	pass_time(200 * NS_PER_SEC);
	before = resident();
	flood(100000, NS_PER_SEC);
	known("100,000 addresses in a second");
	flood(1000000, 200 * NS_PER_SEC);
	known("a million in 200 s");
	after = resident();
	is_u64(in.exporters.count, 16384, "exporters have their limit");
	is_u64(in.exporters.counters.evicted, forged + EXPORTERS - 16384, "who had to go is counted");
	is_u64(in.streams.count, 16384, "streams have theirs");
	is_u64(in.streams.evicted, forged + EXPORTERS - 16384, "and are counted");
	ok(tmpl_cache_counters(in.templates)->evicted_streams > 500000, "templates were evicted");
	printf("# memory: %.1f MiB more after %u addresses\n", (double)(after - before) / 1048576, forged);
#ifdef ASAN
	printf("# not compared: AddressSanitizer keeps what was freed\n");
#else
	ok(after - before < 40 << 20, "memory is bounded");
#endif
	appender_rotate(&in.appender, wall());
	good_ones();
	is_u64(sink.segments, 1, "a new segment");
	end();
	for (int i = 0; i < EXPORTERS; i++) {
		sent += goods[i].sent;
		recorded += goods[i].recorded;
	}
	is_u64(recorded, sent, "each datagram of the ten is recorded");
	is_u64(sink.datagrams, sent + forged, "as are the forged ones");
	for (unsigned i = 0; i < 7; i++)
		first += sink.first_defined[i].b[12] == 0xc0;
	is_u64(first, 7, "the snapshot begins with the templates of the ten");
	ok(sink.defined > 7, "and has others behind them");
}

/* Definitions that change all the time: each costs a hundred times what its bytes cost otherwise. */
static void
changing_templates(void)
{
	const struct addr from = addr_v4(0x0b000000);
	uint64_t definitions;

	begin();
	for (uint32_t i = 0; i < 1000; i++) {
		message_v9(&payload, i, 1);
		message_set(&payload, 0);
		for (uint16_t id = 256; id < 256 + 180; id++) {
			buf_u16(&payload, id);
			buf_u16(&payload, 1);
			buf_u16(&payload, (uint16_t)(1 + i));
			buf_u16(&payload, 4);
		}
		message_set_end(&payload);
		take(0, &from, 4000);
	}
	definitions = tmpl_cache_counters(in.templates)->definitions;
	is_u64(definitions, 20000, "only so many definitions a second are taken over");
	is_u64(
	    tmpl_cache_counters(in.templates)->refused_templates, 180000 - 20000, "the others are counted");
	is_u64(in.counters.datagrams, 1000, "every datagram is recorded");
	end();
}

static void
rate_limit(void)
{
	const struct addr a = addr_v4(0xc0000201), b = addr_v4(0xc0000202);

	begin();
	for (uint32_t i = 0; i < 500; i++) {
		message(5, i, false);
		take(1, &a, 4000);
		take(0, &b, 4000);
		if (i % 10 == 0)
			take(1, &b, 4000);
	}
	is_u64(in.counters.limited, 400, "an exporter that is too fast is limited");
	is_u64(in.counters.datagrams, 100 + 500 + 50, "the rest is recorded, and what others send");
	now += NS_PER_SEC / 2;
	for (uint32_t i = 0; i < 100; i++)
		take(1, &a, 4000);
	is_u64(in.counters.datagrams, 650 + 50, "half a second later it may send half as much");
	end();
}

int
main(void)
{
	ten_and_a_flood();
	changing_templates();
	rate_limit();
	buf_clear(&payload);
	return done_testing();
}
