/* SPDX-License-Identifier: ISC
 *
 * The appender: what stands in the blocks is a sound segment, whatever the record sizes; appends are all or
 * nothing; segments begin and end where they should.
 */
#include "log/append.h"

#include <string.h>

#include "tests/tap.h"
#include "tests/unit/log/maker.h"

static void
test_sizes(void)
{
	static const size_t sizes[] = {0, 1, 7, 8, 9, 1464, 65507, RECORD_BODY_MAX - 1, RECORD_BODY_MAX};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct buf b = BUF_INIT;
		struct walk w;
		unsigned count = sizes[i] > 100000 ? 5 : 50;

		maker_segment(&b, count, sizes[i], 1000, true);
		walk_bytes(b.data, b.len, false, true, &w);
		ok(w.findings == 0 && w.records == count + 1 && w.result.sealed, "records of %zu bytes",
		    sizes[i]);
		is_u64(b.len, SEGMENT_RECORDS_AT + count * record_size(sizes[i]) + SEAL_RECORD_SIZE,
		    "and nothing between them");
		is_u64(w.sequences[count], 1000 + count, "sequences go on to the seal");
		buf_clear(&b);
	}
}

/* A record may end anywhere around the end of a block, and begin there. */
static void
test_block_ends(void)
{
	unsigned bad = 0, seals = 0;

	for (size_t back = 0; back <= 200; back += 8) {
		struct buf b = BUF_INIT;
		struct walk w;
		struct maker m;

		maker_init(&m, 0);
		if (maker_datagram(&m, SEGMENT_CHUNK - SEGMENT_RECORDS_AT - 2 * RECORD_HEADER_SIZE - back) !=
			ERR_OK ||
		    maker_datagram(&m, 0) != ERR_OK || maker_datagram(&m, 64) != ERR_OK)
			bad++;
		appender_end(&m.appender, (wall_t){0});
		walk_bytes(m.out.data, m.out.len, false, true, &w);
		if (w.findings != 0 || w.records != 4)
			bad++;
		maker_clear(&m);
		maker_init(&m, 0);
		if (maker_datagram(&m, SEGMENT_CHUNK - SEGMENT_RECORDS_AT - RECORD_HEADER_SIZE - back) !=
		    ERR_OK)
			bad++;
		appender_end(&m.appender, (wall_t){0});
		walk_bytes(m.out.data, m.out.len, false, true, &w);
		if (w.findings == 0 && w.records == 2)
			seals++;
		maker_clear(&m);
		buf_clear(&b);
	}
	is_u64(bad, 0, "records around the end of a block");
	is_u64(seals, 26, "seals around the end of a block");
}

static void
test_all_or_nothing(void)
{
	struct maker m;
	struct walk w;
	uint64_t before;

	maker_init(&m, 5);
	m.least = MAKER_BLOCKS;
	ok(maker_datagram(&m, 100) == ERR_LIMIT && m.appender.next_sequence == 5 && m.appender.block == NULL,
	    "no block for a segment: nothing happens");
	m.least = MAKER_BLOCKS - 1;
	ok(maker_datagram(&m, 100) == ERR_OK && maker_datagram(&m, 200) == ERR_OK, "one block");
	before = m.appender.block->len;
	ok(maker_datagram(&m, RECORD_BODY_MAX) == ERR_LIMIT, "no block for the rest of a record");
	ok(m.appender.block->len == before && m.appender.next_sequence == 7,
	    "nothing was written, no sequence used");
	ok(maker_datagram(&m, 300) == ERR_OK && m.appender.next_sequence == 8, "a smaller one still fits");
	ok(maker_datagram(&m, RECORD_BODY_MAX) == ERR_LIMIT, "again");
	m.least = 0;
	ok(maker_datagram(&m, RECORD_BODY_MAX) == ERR_OK, "with blocks it goes on");
	appender_end(&m.appender, (wall_t){0});
	is_u64(m.free, MAKER_BLOCKS, "all blocks came back");
	walk_bytes(m.out.data, m.out.len, false, true, &w);
	ok(w.findings == 0 && w.records == 5 && w.sequences[3] == 8, "the segment is sound");
	maker_clear(&m);

	maker_init(&m, 5);
	m.appender.size_limit = 10000;
	m.least = MAKER_BLOCKS - 1;
	ok(maker_datagram(&m, 9000) == ERR_OK, "rotation: the first segment");
	ok(maker_datagram(&m, 9000) == ERR_LIMIT && m.sealed == 0 && m.appender.next_sequence == 6,
	    "rotation: without a block the old segment goes on");
	m.least = 0;
	ok(maker_datagram(&m, 9000) == ERR_OK && m.sealed == 1, "rotation: with a block it ends");
	appender_end(&m.appender, (wall_t){0});
	maker_clear(&m);
}

static void
test_refused(void)
{
	struct record r = {.type = RECORD_DATAGRAM, .body = NULL, .len = RECORD_BODY_MAX + 1};
	struct maker m;
	uint64_t sequence = 99;

	maker_init(&m, 0);
	ok(appender_record(&m.appender, &r, (wall_t){0}, &sequence) == ERR_MALFORMED && sequence == 99,
	    "too long");
	r.len = 0;
	r.type = (enum record_type)0;
	ok(appender_record(&m.appender, &r, (wall_t){0}, &sequence) == ERR_MALFORMED, "type 0");
	r.type = RECORD_EVENT;
	ok(appender_record(&m.appender, &r, (wall_t){0}, &sequence) == ERR_OK && sequence == 0, "no body");
	appender_end(&m.appender, (wall_t){0});
	maker_clear(&m);
}

static void
test_rotation(void)
{
	struct maker m;
	struct walk w;
	uint64_t least = UINT64_MAX, most = 0, number = 0;
	unsigned seen = 0, bad = 0;

	maker_init(&m, 0);
	m.appender.size_limit = 20000;
	for (unsigned i = 0; i < 1000; i++) {
		if (maker_datagram(&m, 1000) != ERR_OK)
			bad++;
		if (m.sealed == seen)
			continue;
		seen = m.sealed;
		walk_bytes(m.out.data, m.out.len, false, true, &w);
		bad += w.findings + !w.result.sealed;
		if (m.out.len < least)
			least = m.out.len;
		if (m.out.len > most)
			most = m.out.len;
		number = m.appender.head.number;
	}
	is_u64(bad, 0, "rotation: each segment is sound");
	ok(most <= 20000 + SEAL_RECORD_SIZE && least >= 20000 - record_size(1000),
	    "rotation: none is too large or small");
	is_u64(number, 7 + seen, "rotation: numbers go on");
	appender_rotate(&m.appender, (wall_t){0});
	seen = m.sealed;
	appender_rotate(&m.appender, (wall_t){0});
	is_u64(m.sealed, seen, "rotation: no segment, nothing to end");
	appender_end(&m.appender, (wall_t){0});
	maker_clear(&m);
}

/* Who does not know selected flows must not read a segment that has some. */
static void
test_selected(void)
{
	struct record r = {.type = RECORD_SELECTED, .body = (const uint8_t *)"flows", .len = 5};
	struct maker m;
	struct walk w;
	bool fine;

	maker_init(&m, 0);
	fine = maker_datagram(&m, 10) == ERR_OK && m.appender.head.incompatible == 0;
	ok(fine && appender_record(&m.appender, &r, (wall_t){0}, NULL) == ERR_OK && m.sealed == 1,
	    "selected flows end a segment whose header knows of none");
	ok(maker_datagram(&m, 10) == ERR_OK &&
		appender_record(&m.appender, &r, (wall_t){0}, NULL) == ERR_OK && m.sealed == 1,
	    "and stand with others in the next one");
	appender_end(&m.appender, (wall_t){0});
	walk_bytes(m.out.data, m.out.len, false, true, &w);
	ok(w.findings == 0 && m.appender.head.incompatible == SEGMENT_SELECTED && m.out.data[19] == 1,
	    "whose header tells");
	maker_clear(&m);
}

static void
snapshot(void *ctx, struct appender *a, wall_t now)
{
	struct record r = {.type = RECORD_TEMPLATES, .body = (const uint8_t *)"templates", .len = 9};
	unsigned *calls = ctx;

	++*calls;
	for (int i = 0; i < 3; i++) {
		if (appender_record(a, &r, now, NULL) != ERR_OK)
			abort();
	}
}

static void
test_snapshot(void)
{
	struct maker m;
	struct walk w;
	unsigned calls = 0;
	uint64_t sequence = 0;
	struct record r = {.type = RECORD_EVENT};

	maker_init(&m, 0);
	m.appender.size_limit = 1100; /* less than a snapshot: must not rotate within it */
	m.appender.snapshot = snapshot;
	m.appender.snapshot_ctx = &calls;
	ok(appender_record(&m.appender, &r, (wall_t){0}, &sequence) == ERR_OK && sequence == 3 && calls == 1,
	    "snapshot: stands before the first record");
	ok(appender_record(&m.appender, &r, (wall_t){0}, &sequence) == ERR_OK && sequence == 8 && calls == 2,
	    "snapshot: at the head of each segment");
	walk_bytes(m.out.data, m.out.len, false, true, &w);
	ok(w.findings == 0 && w.records == 5, "snapshot: the segment is sound");
	appender_end(&m.appender, (wall_t){0});
	maker_clear(&m);
}

static void
test_flush(void)
{
	struct maker m;

	maker_init(&m, 0);
	appender_flush(&m.appender);
	is_u64(m.gives, 0, "flush: nothing to give");
	ok(maker_datagram(&m, 100) == ERR_OK, "flush: a record");
	appender_flush(&m.appender);
	appender_flush(&m.appender);
	is_u64(m.gives, 1, "flush: given once");
	ok(maker_datagram(&m, 100) == ERR_OK, "flush: another record");
	appender_flush(&m.appender);
	is_u64(m.gives, 2, "flush: given again");
	appender_end(&m.appender, (wall_t){0});
	maker_clear(&m);
}

int
main(void)
{
	test_sizes();
	test_block_ends();
	test_all_or_nothing();
	test_refused();
	test_rotation();
	test_selected();
	test_snapshot();
	test_flush();
	return done_testing();
}
