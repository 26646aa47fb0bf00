/* SPDX-License-Identifier: ISC
 *
 * Segments of nodes and of archives, sound and damaged, and a manifest.
 */
#include <stdlib.h>
#include <string.h>

#include "archive/entry.h"
#include "archive/tables.h"
#include "base/compress.h"
#include "log/event.h"
#include "log/segment.h"
#include "tests/fuzz/make-corpus.h"
#include "wire/template.h"

static uint64_t sequence;

static void
put_record(struct buf *b, const struct segment_header *head, enum record_type type, const struct buf *body)
{
	static const uint8_t zeros[8];
	uint32_t seed = record_seed(head->incarnation);
	struct record r = {
	    .type = type,
	    .sequence = sequence++,
	    .time = head->time,
	    .len = (uint32_t)body->len,
	    .body_crc = record_body_crc(seed, body->data, body->len),
	};
	uint8_t header[RECORD_HEADER_SIZE];

	record_header_write(&r, seed, header);
	buf_bytes(b, header, sizeof(header));
	buf_bytes(b, body->data, body->len);
	buf_bytes(b, zeros, record_size(body->len) - RECORD_HEADER_SIZE - body->len);
}

/* A seal over less than one chunk. */
static void
put_seal(struct buf *b, const struct segment_header *head)
{
	struct sha256 chunk = sha256_of(b->data, b->len);
	struct seal s = {
	    .count = sequence - head->first_sequence,
	    .first = head->first_sequence,
	    .last = sequence - 1,
	    .length = b->len,
	    .digest = sha256_of(chunk.b, sizeof(chunk.b)),
	    .previous_number = UINT64_MAX,
	};
	uint8_t record[SEAL_RECORD_SIZE];

	seal_record_write(&s, sequence, head->time, record_seed(head->incarnation), record);
	buf_bytes(b, record, sizeof(record));
}

/* Damage of three kinds between good records, and a payload that holds a record of the same incarnation. */
static void
make_damaged(const struct segment_header *head, const uint8_t *header)
{
	struct buf b = BUF_INIT, body = BUF_INIT;
	uint8_t inner[RECORD_HEADER_SIZE];
	struct record r = {.type = RECORD_DATAGRAM, .sequence = head->first_sequence + 1};
	uint32_t seed = record_seed(head->incarnation);
	size_t places[4];

	sequence = head->first_sequence;
	buf_bytes(&b, header, SEGMENT_RECORDS_AT);
	r.body_crc = record_body_crc(seed, NULL, 0);
	record_header_write(&r, seed, inner);
	for (int i = 0; i < 6; i++) {
		if (i < 4)
			places[i] = b.len;
		buf_reset(&body);
		buf_u64(&body, 0x0005000100000000);
		buf_bytes(&body, inner, sizeof(inner));
		put_record(&b, head, RECORD_DATAGRAM, &body);
	}
	put_seal(&b, head);
	b.data[20] ^= 1;                                               /* the first copy of the header */
	b.data[places[1] + 9] ^= 1;                                    /* a record's header */
	b.data[places[2] + RECORD_HEADER_SIZE] ^= 1;                   /* a body */
	memset(b.data + places[3], 0, places[1] - SEGMENT_RECORDS_AT); /* a hole */
	save("segment", "damaged", &b);
	buf_clear(&b);
	buf_clear(&body);
}

void
make_segments(void)
{
	struct segment_header head = {
	    .kind = SEGMENT_NODE,
	    .cluster = "edge",
	    .node = "col-a",
	    .incarnation = 0x0123456789abcdef,
	    .number = 7,
	    .first_sequence = 1,
	    .time = wall_from_sec(1700000000, 0),
	};
	uint8_t header[SEGMENT_RECORDS_AT];
	struct buf b = BUF_INIT, body = BUF_INIT;

	sequence = head.first_sequence;
	segment_header_write(&head, header);
	buf_bytes(&b, header, sizeof(header));
	event_begin(&body, EVENT_START);
	event_put_text(&body, EVENT_KEY_TEXT, "0.1.0");
	put_record(&b, &head, RECORD_EVENT, &body);
	buf_reset(&body);
	put_v5(&body, 1, 1);
	put_record(&b, &head, RECORD_DATAGRAM, &body);
	buf_reset(&body);
	event_begin(&body, EVENT_HEARTBEAT);
	event_put_u64(&body, EVENT_KEY_DATAGRAMS, 1);
	put_record(&b, &head, RECORD_EVENT, &body);
	put_seal(&b, &head);
	save("segment", "sealed", &b);
	make_damaged(&head, header);

	sequence = head.first_sequence;
	buf_bytes(&b, header, sizeof(header));
	put_seal(&b, &head);
	save("segment", "empty", &b);
	buf_clear(&b);
	buf_clear(&body);
}

/* A record as fuzz-archive takes it; empties body. */
static void
put_piece(struct buf *b, enum record_type type, uint8_t flags, struct buf *body)
{
	buf_u8(b, (uint8_t)type);
	buf_u8(b, flags);
	buf_u8(b, 1); /* second */
	buf_u16(b, (uint16_t)body->len);
	buf_bytes(b, body->data, body->len);
	buf_reset(body);
}

static void
put_sources(struct buf *b)
{
	const struct source sources[] = {
	    {.node = "a", .incarnation = 1}, {.node = "b", .lane = 1, .incarnation = 2}};

	source_write(b, &sources[0]);
	source_write(b, &sources[1]);
}

static void
put_definition(struct buf *b, struct buf *message)
{
	struct addr exporter = addr_v4(0xc0000201);
	struct proto_info info;
	struct stream_key key;
	struct tmpl_defs defs;
	struct tmpl_def def;

	put_v9_header(message, 1);
	put_v9_template(message);
	if (proto_recognise(message->data, message->len, &info) != ERR_OK)
		abort();
	key = stream_key_of(&exporter, 0, &info);
	tmpl_defs_init(&defs, &key, &info, message->data, message->len);
	if (tmpl_defs_next(&defs, &def) != ERR_OK)
		abort();
	tmpl_def_write(b, &def);
	buf_reset(message);
}

static void
put_witnesses(struct buf *b, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		witness_write(
		    b, &(struct witness){.source = i, .port = 2055, .sequence = 7 + i, .time_ns = 1});
}

/* Two datagrams of v9: one with a data set, one with a template; then more witnesses of the second. */
static void
put_pair(struct buf *b, struct buf *body, bool zstd)
{
	struct addr exporter = addr_v4(0xc0000201);
	struct buf payloads = BUF_INIT, one = BUF_INIT;
	struct compressor *c = compressor_new(3);

	for (unsigned i = 0; i < 2; i++) {
		struct entry en = {.time_ns = 1, .addr = exporter, .port = 2055, .sampling = REF_NONE};

		put_v9_header(&one, (uint16_t)(1 + i));
		if (i == 0)
			put_v9_data(&one);
		else
			put_v9_template(&one);
		en.info = entry_info(one.data, one.len);
		en.digest = identity_digest(&exporter, 2055, one.data, one.len);
		en.len = (uint16_t)one.len;
		en.set_count = 1 - i;
		en.defines = i == 1;
		en.definition_count = i;
		en.witness_count = 2 - i;
		entry_write_head(body, &en);
		if (i == 0)
			entry_write_set(
			    body, &(struct entry_set){.id = 256, .len = (uint16_t)(one.len - 24)});
		else
			entry_write_definition(body, &(struct entry_definition){.at = 0});
		put_witnesses(body, en.witness_count);
		buf_bytes(&payloads, one.data, one.len);
		if (i == 1) {
			en.more = true;
			en.len = 0;
			en.definition_count = 0;
			entry_write_head(body, &en);
			put_witnesses(body, 1);
		}
		buf_reset(&one);
	}
	put_piece(b, RECORD_ENTRIES, 0, body);
	chunk_write_head(body, zstd ? COMPRESS_ZSTD : COMPRESS_NONE, (uint32_t)payloads.len);
	if (!zstd)
		buf_bytes(body, payloads.data, payloads.len);
	else if (c == NULL || compressor_add(c, payloads.data, payloads.len, body) != ERR_OK)
		abort();
	put_piece(b, RECORD_PAYLOADS, 0, body);
	compressor_free(c);
	buf_clear(&one);
	buf_clear(&payloads);
}

static void
put_contents(struct buf *b, struct buf *body, uint32_t events, uint32_t datagrams)
{
	contents_write(body,
	    &(struct contents){.sources = 2, .definitions = 1, .events = events, .datagrams = datagrams});
	put_piece(b, RECORD_CONTENTS, 0, body);
}

static void
put_ranges(struct buf *b)
{
	buf_u32(b, 1); /* source */
	for (unsigned i = 0; i < 3; i++)
		buf_u32(b, 1); /* read, lost, damaged */
	for (uint64_t i = 1; i <= 6; i++)
		buf_u64(b, i); /* first and last time, two ranges */
	damaged_write(b, &(struct damaged){.sequence = 5, .addr = addr_v4(0xc0000201), .len = 24});
}

void
make_archives(void)
{
	struct buf b = BUF_INIT, body = BUF_INIT, message = BUF_INIT;
	char end[SHA256_TEXT_SIZE];
	struct sha256 d;

	buf_u8(&b, 0);
	buf_text(&b,
	    "flowbraid-archive 1\ncluster lab\nwindow 300000000000\nstream-key port\ncompression none\n"
	    "file 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff 10 a\n");
	d = sha256_of(b.data + 1, b.len - 1);
	buf_printf(&b, "end %s\n", sha256_text(&d, end));
	save("archive", "manifest", &b);

	buf_u8(&b, SEGMENT_NODE);
	put_definition(&body, &message);
	put_piece(&b, RECORD_TEMPLATES, 0, &body);
	put_v9_header(&body, 3);
	put_v9_data(&body);
	put_v9_template(&body);
	put_v9_options_template(&body);
	put_v9_data(&body);
	put_piece(&b, RECORD_DATAGRAM, 0, &body);
	event_begin(&body, EVENT_START);
	put_piece(&b, RECORD_EVENT, 0, &body);
	save("archive", "node", &b);

	buf_u8(&b, SEGMENT_WINDOW);
	put_contents(&b, &body, 1, 4);
	put_sources(&body);
	put_piece(&b, RECORD_SOURCES, 0, &body);
	put_definition(&body, &message);
	put_piece(&b, RECORD_TEMPLATES, 0, &body);
	buf_u32(&body, 1);
	buf_u64(&body, 3);
	event_begin(&body, EVENT_STOP);
	put_piece(&b, RECORD_ARCHIVED_EVENT, 0, &body);
	put_pair(&b, &body, false);
	put_pair(&b, &body, true);
	save("archive", "window", &b);

	buf_u8(&b, SEGMENT_COMMON);
	put_contents(&b, &body, 0, 0);
	put_sources(&body);
	put_piece(&b, RECORD_SOURCES, 0, &body);
	put_ranges(&body);
	put_piece(&b, RECORD_RANGES, 0, &body);
	buf_reset(&message);
	put_definition(&body, &message);
	put_piece(&b, RECORD_TEMPLATES, 0, &body);
	save("archive", "common", &b);
	buf_clear(&b);
	buf_clear(&body);
	buf_clear(&message);
}
