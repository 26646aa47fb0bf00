/* SPDX-License-Identifier: ISC
 *
 * Entries of datagrams and chunks of payloads: what was written is read, every prefix is refused, and so is what lies.
 */
#include "archive/entry.h"

#include <string.h>

#include "archive/tables.h"
#include "base/compress.h"
#include "tests/message.h"
#include "tests/tap.h"

static struct buf body;

static struct entry
a_v9_entry(void)
{
	struct entry e = {.time_ns = -5,
	    .digest = {1, 2},
	    .addr = addr_v4(0xc0000201),
	    .port = 2055,
	    .len = 100,
	    .flags = RECORD_MALFORMED,
	    .defines = true,
	    .info = {.proto = PROTO_V9,
		.domain = 7,
		.sequence = 8,
		.count = 9,
		.uptime_ms = 10,
		.export_time = {11}},
	    .sampling = 12,
	    .set_count = 1,
	    .definition_count = 1,
	    .witness_count = 1};
	return e;
}

static void
put(const struct entry *e)
{
	const struct witness w = {
	    .source = 7, .listener = 1, .port = 2055, .sequence = 1ULL << 40, .time_ns = -5};

	buf_reset(&body);
	entry_write_head(&body, e);
	for (uint32_t i = 0; i < e->set_count; i++)
		entry_write_set(&body, &(struct entry_set){.id = 300, .len = 20, .ref = REF_LATE | 4});
	for (uint32_t i = 0; i < e->definition_count; i++)
		entry_write_definition(&body, &(struct entry_definition){.at = 3, .data_sets = 1});
	for (uint32_t i = 0; i < e->witness_count; i++)
		witness_write(&body, &w);
}

static enum err
read_back(size_t len, struct entry *ret)
{
	struct rd r = rd_init(body.data, len);
	enum err e = entry_read(&r, ret);

	return e == ERR_OK && rd_left(&r) != 0 ? ERR_LIMIT : e;
}

static void
whole(void)
{
	struct entry want = a_v9_entry(), e;
	struct entry_definition d;
	struct entry_set s;
	struct witness w;
	unsigned refused = 0;

	put(&want);
	ok(read_back(body.len, &e) == ERR_OK, "an entry comes back");
	ok(e.time_ns == -5 && e.digest.hi == 1 && e.digest.lo == 2 && e.port == 2055 && e.len == 100 &&
		e.flags == RECORD_MALFORMED && !e.more && e.defines && e.sampling == 12 &&
		addr_cmp(&e.addr, &want.addr) == 0,
	    "with all that its head holds");
	ok(e.info.proto == PROTO_V9 && e.info.domain == 7 && e.info.sequence == 8 && e.info.count == 9 &&
		e.info.uptime_ms == 10 && e.info.export_time.ns == 11,
	    "and what the datagram's header said");
	entry_read_set(&e.sets, &s);
	ok(s.id == 300 && s.len == 20 && s.ref == (REF_LATE | 4) && rd_left(&e.sets) == 0, "its data set");
	entry_read_definition(&e.definitions, &d);
	ok(d.at == 3 && d.data_sets == 1 && rd_left(&e.definitions) == 0, "its definition");
	witness_read(&e.witnesses, &w);
	ok(w.source == 7 && w.sequence == 1ULL << 40 && rd_left(&e.witnesses) == 0, "its witness");
	for (size_t i = 1; i < body.len; i++)
		refused += read_back(i, &e) == ERR_CUT;
	is_u64(refused, body.len - 1, "every prefix is refused");
	ok(read_back(0, &e) == ERR_END, "and nothing is the end");
	want.info.proto = PROTO_SFLOW5;
	want.info.agent = addr_v4(0xc0000209);
	want.set_count = want.definition_count = 0;
	want.defines = false;
	put(&want);
	ok(read_back(body.len, &e) == ERR_OK && addr_cmp(&e.info.agent, &want.info.agent) == 0 &&
		body.len == ENTRY_HEAD_SIZE + ENTRY_AGENT_SIZE + WITNESS_SIZE,
	    "of sFlow with its agent");
}

static void
refuse(const struct entry *lie, const char *name)
{
	struct entry e;

	put(lie);
	ok(read_back(body.len, &e) == ERR_MALFORMED, "refused: %s", name);
}

static void
lies(void)
{
	struct entry e = a_v9_entry(), got;

	e.info.proto = (enum proto)11;
	refuse(&e, "a protocol that is none");
	e.info.proto = PROTO_V5;
	refuse(&e, "data sets of v5");
	e = a_v9_entry();
	e.witness_count = 0;
	refuse(&e, "nobody heard it");
	e = a_v9_entry();
	e.len = 23;
	refuse(&e, "data sets longer than the payload");
	e = a_v9_entry();
	e.defines = false;
	refuse(&e, "definitions without template sets");
	e = a_v9_entry();
	e.set_count = 0;
	refuse(&e, "a definition behind more data sets than there are");
	e = a_v9_entry();
	e.more = true;
	refuse(&e, "more witnesses with a payload");
	e = (struct entry){.witness_count = 1, .info = {.sequence = 1}};
	refuse(&e, "a sequence of no protocol");
	e = a_v9_entry();
	put(&e);
	body.data[47] = 1; /* zero byte behind the protocol */
	ok(read_back(body.len, &got) != ERR_OK, "refused: filler that is not 0");
	put(&e);
	body.data[ENTRY_HEAD_SIZE] = 0; /* id 44 */
	ok(read_back(body.len, &got) == ERR_MALFORMED, "refused: a data set with a template set's id");
}

static void
fits(void)
{
	struct entry e = {.info = {.proto = PROTO_NONE}};
	struct buf b = BUF_INIT;

	message_v9(&b, 7, 5);
	message_set(&b, 300);
	buf_u64(&b, 1);
	message_set_end(&b);
	e.info = entry_info(b.data, b.len);
	e.len = (uint16_t)b.len;
	e.set_count = 1;
	buf_reset(&body);
	entry_write_set(&body, &(struct entry_set){.id = 300, .len = 8, .ref = REF_NONE});
	e.sets = rd_init(body.data, body.len);
	ok(e.info.proto == PROTO_V9 && entry_fits(&e, b.data, NULL), "an entry fits its payload");
	e.info.sequence++;
	ok(!entry_fits(&e, b.data, NULL), "another sequence does not");
	e.info.sequence--;
	e.defines = true;
	ok(!entry_fits(&e, b.data, NULL), "nor template sets that are not there");
	e.defines = false;
	body.data[3] = 9;
	ok(!entry_fits(&e, b.data, NULL), "nor another length of a data set");
	body.data[3] = 8;
	e.set_count = 0;
	ok(!entry_fits(&e, b.data, NULL), "nor one data set less");
	e = (struct entry){.len = 3, .info = {.proto = PROTO_NONE}};
	ok(entry_fits(&e, (const uint8_t *)"abc", NULL), "what is no protocol has no facts");
	buf_clear(&b);
}

/* Selected flows in place of a payload. */
static void
selected(void)
{
	struct selected_head h = {.len = 72, .records = 1, .skeleton_len = 24};
	struct entry e = {.selected = true, .len = 72, .records = 1, .witness_count = 1}, got;
	struct selected_writer *w = selected_writer_new();
	struct selected_reader *r = selected_reader_new();
	struct buf b = BUF_INIT, flows = BUF_INIT;

	message_old(&b, 5, 1, 100);
	message_old_record(&b, 5, 1);
	h.skeleton = b.data;
	h.digest = sha256_of(b.data, b.len);
	selected_begin(w, &h);
	selected_record(w, false, 0, false, NULL, 0);
	selected_field(w, 0, 0, 8, false, b.data + 24, 4);
	ok(selected_end(w, &flows) == ERR_OK, "a body");
	e.info = entry_info(b.data, b.len);
	e.body_len = (uint32_t)flows.len;
	e.sha256 = h.digest;
	put(&e);
	ok(read_back(body.len, &got) == ERR_OK && got.selected && got.len == 72 && got.records == 1 &&
		entry_bytes(&got) == flows.len && memcmp(got.sha256.b, h.digest.b, SHA256_SIZE) == 0,
	    "an entry of selected flows comes back");
	ok(read_back(body.len - 1, &got) == ERR_CUT, "not when it is cut");
	ok(entry_fits(&e, flows.data, r), "and fits its body");
	e.records++;
	ok(!entry_fits(&e, flows.data, r), "another number of records does not");
	e.records--;
	e.sha256.b[31] ^= 1;
	ok(!entry_fits(&e, flows.data, r), "nor another payload's digest");
	e.sha256.b[31] ^= 1;
	e.len++;
	ok(!entry_fits(&e, flows.data, r), "nor another length of it");
	e.len--;
	flows.data[flows.len - 1] ^= 1;
	ok(!entry_fits(&e, flows.data, r), "nor what is no body");
	e.body_len = SELECTED_MOST + 1;
	refuse(&e, "a body longer than any");
	e = a_v9_entry();
	e.more = e.selected = true;
	e.len = 0;
	e.set_count = e.definition_count = 0;
	e.defines = false;
	refuse(&e, "a body of more witnesses");
	selected_writer_free(w);
	selected_reader_free(r);
	buf_clear(&b);
	buf_clear(&flows);
}

/* One pair of two datagrams, packed with a codec. */
static void
pairs(int level)
{
	static uint8_t zeros[3000];
	struct compressor *c = level > 0 ? compressor_new(level) : NULL;
	struct buf entries = BUF_INIT, payloads = BUF_INIT;
	struct pair p = PAIR_INIT;
	struct entry e = {.witness_count = 1, .len = 3000};
	struct chunk chunk;
	unsigned refused = 0;

	for (int i = 0; i < 2; i++) {
		put(&e);
		buf_bytes(&entries, body.data, body.len);
	}
	chunk_write_head(&payloads, level > 0 ? COMPRESS_ZSTD : COMPRESS_NONE, 6000);
	for (int i = 0; i < 2 && level == 0; i++)
		buf_bytes(&payloads, zeros, sizeof(zeros));
	if (level > 0) {
		uint8_t both[6000] = {0};

		ok(compressor_add(c, both, sizeof(both), &payloads) == ERR_OK && payloads.len < 100,
		    "zeros are compressed");
	}
	ok(!pair_waits(&p) && pair_match(&p, payloads.data, payloads.len, &chunk) != ERR_OK,
	    "payloads without entries are refused");
	ok(pair_take(&p, entries.data, entries.len) == ERR_OK && pair_waits(&p) && p.size == 6000,
	    "two entries wait");
	ok(pair_match(&p, payloads.data, payloads.len, &chunk) == ERR_OK && pair_open(&p, &chunk) == ERR_OK &&
		p.bytes.len == 6000 && memcmp(p.bytes.data + 3000, zeros, 3000) == 0,
	    "for their payloads");
	for (size_t i = 0; i < payloads.len; i++)
		refused += pair_match(&p, payloads.data, i, &chunk) != ERR_OK ||
		    pair_open(&p, &chunk) != ERR_OK;
	is_u64(refused, payloads.len, "every prefix of these is refused");
	payloads.data[0] = 2;
	ok(pair_match(&p, payloads.data, payloads.len, &chunk) == ERR_OK &&
		pair_open(&p, &chunk) == ERR_UNKNOWN,
	    "a codec that nobody knows");
	payloads.data[1] = 1;
	ok(pair_match(&p, payloads.data, payloads.len, &chunk) == ERR_MALFORMED, "filler that is not 0");
	payloads.data[1] = 0;
	payloads.data[7]++;
	ok(pair_match(&p, payloads.data, payloads.len, &chunk) == ERR_MALFORMED,
	    "another length than the entries'");
	ok(pair_take(&p, entries.data, entries.len - 1) == ERR_CUT && !pair_waits(&p),
	    "entries that are cut");
	compressor_free(c);
	buf_clear(&entries);
	buf_clear(&payloads);
	pair_clear(&p);
}

static void
compression(void)
{
	uint8_t bytes[1000], out[1000];
	uint32_t state = 1;
	struct decompressor *d = NULL;
	struct compressor *c = compressor_new(1);
	struct buf b = BUF_INIT;

	if (c == NULL) {
		skip("this build has no zstd");
		return;
	}
	pairs(1);
	pairs(compress_level_most());
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)((state = state * 1664525 + 1013904223) >> 24);
	ok(compressor_add(c, bytes, sizeof(bytes), &b) == ERR_LIMIT && b.len == 0,
	    "what does not become shorter is not compressed");
	ok(decompress(&d, COMPRESS_ZSTD, bytes, sizeof(bytes), out, sizeof(out)) == ERR_MALFORMED,
	    "bytes that are no zstd are refused");
	decompressor_free(d);
	compressor_free(c);
	buf_clear(&b);
}

static void
tables(void)
{
	struct contents c = {.sources = 2, .definitions = 1, .states = 0, .events = 3, .datagrams = 4}, got;
	struct record r = {.type = RECORD_CONTENTS};
	struct finding f = {.lost_first = 5, .lost_last = 5};
	struct tables t = {.known = false};
	unsigned refused = 0;

	buf_reset(&body);
	contents_write(&body, &c);
	ok(contents_read(body.data, body.len, &got) == ERR_OK && got.sources == 2 && got.definitions == 1 &&
		got.states == 0 && got.events == 3 && got.datagrams == 4 && body.len == CONTENTS_SIZE,
	    "contents come back");
	for (size_t i = 0; i < body.len; i++)
		refused += contents_read(body.data, i, &got) == ERR_CUT;
	is_u64(refused, body.len, "every prefix is refused");
	r.body = body.data;
	r.len = (uint32_t)body.len;
	ok(tables_record(&t, &r) == ERR_OK, "the first record tells how long tables are");
	t.got = (struct contents){.sources = 2, .definitions = 1};
	tables_finding(&t, &f);
	ok(!t.broken, "what is lost behind whole tables does not break them");
	t.got.definitions = 0;
	f.has_header = true;
	f.record.type = RECORD_ENTRIES;
	tables_finding(&t, &f);
	ok(!t.broken, "nor does what is known to be part of none");
	f.has_header = false;
	tables_finding(&t, &f);
	ok(t.broken, "a record that may have been part of one does");
	t = (struct tables){.known = false};
	tables_finding(&t, &(struct finding){.lost_first = 1, .lost_last = 1});
	ok(!t.broken, "the contents alone are lost: nothing is broken");
	tables_finding(&t, &f);
	ok(t.broken, "more is lost before any other record: broken");
	t = (struct tables){.over = true};
	tables_finding(&t, &f);
	ok(!t.broken, "behind another record: not");
}

int
main(void)
{
	whole();
	lies();
	selected();
	fits();
	pairs(0);
	compression();
	tables();
	buf_clear(&body);
	return done_testing();
}
