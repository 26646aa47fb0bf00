/* SPDX-License-Identifier: ISC
 *
 * Makes the first inputs of the fuzz targets: small valid ones, a folder for each target.
 *
 *	make -C build tests/fuzz/make-corpus && build/tests/fuzz/make-corpus tests/fuzz/corpus
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/records.h"
#include "base/buf.h"
#include "base/file.h"
#include "log/event.h"
#include "log/segment.h"
#include "tests/sample.h"
#include "wire/template.h"

static int corpus;

/* Writes b as NAME/FILE and empties it. */
static void
save(const char *name, const char *file, struct buf *b)
{
	char path[256];
	enum err e;

	(void)mkdirat(corpus, name, 0777);
	(void)snprintf(path, sizeof(path), "%s/%s", name, file);
	e = file_replace(corpus, path, b->data, b->len, 0666);
	if (e != ERR_OK) {
		fprintf(stderr, "make-corpus: %s: %s\n", path, err_text(e));
		exit(1);
	}
	buf_reset(b);
}

static void
put_v5(struct buf *b, uint16_t flows, uint32_t sequence)
{
	buf_u16(b, 5);
	buf_u16(b, flows);
	buf_u32(b, 360000);     /* sysUptime */
	buf_u32(b, 1700000000); /* seconds */
	buf_u32(b, 500000000);  /* nanoseconds */
	buf_u32(b, sequence);
	buf_u16(b, 0x0102); /* engine type and id */
	buf_u16(b, 0x4064); /* sampling: mode 1, 1 in 100 */
	for (uint16_t i = 0; i < flows; i++) {
		buf_u32(b, 0xc0000201);
		buf_u32(b, 0xc6336401U + i);
		buf_u32(b, 0xcb007101);
		buf_u16(b, 1);
		buf_u16(b, 2);
		buf_u32(b, 10);
		buf_u32(b, 1500);
		buf_u32(b, 350000);
		buf_u32(b, 359000);
		buf_u16(b, 40000);
		buf_u16(b, 443);
		buf_u32(b, 0x001b0600); /* padding, TCP flags, protocol, TOS */
		buf_u16(b, 64500);
		buf_u16(b, 64501);
		buf_u32(b, 0x18180000); /* masks, padding */
	}
}

static void
put_v9_header(struct buf *b, uint16_t records)
{
	buf_u16(b, 9);
	buf_u16(b, records);
	buf_u32(b, 360000);
	buf_u32(b, 1700000000);
	buf_u32(b, 77); /* sequence */
	buf_u32(b, 5);  /* source id */
}

static void
put_u16s(struct buf *b, const uint16_t *values, size_t count)
{
	for (size_t i = 0; i < count; i++)
		buf_u16(b, values[i]);
}

/* Template 256: addresses, ports, protocol, bytes, times. */
static void
put_v9_template(struct buf *b)
{
	static const uint16_t set[] = {0, 40, 256, 8, 8, 4, 12, 4, 7, 2, 11, 2, 4, 1, 1, 4, 22, 4, 21, 4};

	put_u16s(b, set, sizeof(set) / sizeof(set[0]));
}

/* Options template 257: scope system, then sampling interval and algorithm; padded. */
static void
put_v9_options_template(struct buf *b)
{
	static const uint16_t set[] = {1, 24, 257, 4, 8, 1, 4, 34, 4, 35, 1, 0};

	put_u16s(b, set, sizeof(set) / sizeof(set[0]));
}

static void
put_v9_data(struct buf *b)
{
	buf_u16(b, 256);
	buf_u16(b, 56); /* two records of 25 bytes, 2 of padding */
	for (uint32_t i = 0; i < 2; i++) {
		buf_u32(b, 0xc0000201);
		buf_u32(b, 0xc6336401U + i);
		buf_u16(b, 40000);
		buf_u16(b, 53);
		buf_u8(b, 17);
		buf_u32(b, 120);
		buf_u32(b, 350000);
		buf_u32(b, 359000);
	}
	buf_u16(b, 0);
}

static void
put_v9_options(struct buf *b)
{
	buf_u16(b, 257);
	buf_u16(b, 16); /* a record of 9 bytes, 3 of padding */
	buf_u32(b, 1);
	buf_u32(b, 100);
	buf_u8(b, 2);
	buf_u8(b, 0);
	buf_u16(b, 0);
}

#define PUT_U16S(b, ...) \
	put_u16s((b), (const uint16_t[]){__VA_ARGS__}, \
	    sizeof((const uint16_t[]){__VA_ARGS__}) / sizeof(uint16_t))

/* What killed other collectors, or made them spin. */
static void
make_bad_v9(void)
{
	struct buf b = BUF_INIT;

	put_v9_header(&b, 3);
	PUT_U16S(&b, 0, 20, 256, 0, 257, 1, 8, 4, 0, 0); /* no fields; sound; padding */
	PUT_U16S(&b, 256, 8, 1, 2, 257, 8, 3, 4);
	save("v9", "template-without-fields", &b);
	put_v9_header(&b, 2);
	PUT_U16S(&b, 1, 0, 7, 0);
	save("v9", "set-of-no-length", &b);
	put_v9_header(&b, 1);
	put_v9_template(&b);
	buf_bytes(&b, "\1\2\3", 3);
	save("v9", "stray", &b);
	put_v9_header(&b, 2);
	PUT_U16S(
	    &b, 0, 24, 256, 4, 8, 4, 8, 4, 1, 0, 999, 5); /* twice the same, an empty one, an unknown one */
	PUT_U16S(&b, 256, 20, 1, 2, 3, 4, 5, 6, 7, 8);
	save("v9", "odd-fields", &b);
	put_v9_header(&b, 1);
	PUT_U16S(&b, 0, 12, 256, 1, 8, 0xffff);
	save("v9", "endless-field", &b);
	buf_clear(&b);
}

/* The header and what stands in body, which is emptied. */
static void
save_ipfix(const char *file, struct buf *body)
{
	struct buf b = BUF_INIT;

	buf_u16(&b, 10);
	buf_u16(&b, (uint16_t)(16 + body->len));
	buf_u32(&b, 1700000000);
	buf_u32(&b, 77); /* sequence */
	buf_u32(&b, 5);  /* observation domain */
	buf_bytes(&b, body->data, body->len);
	save("ipfix", file, &b);
	buf_clear(&b);
	buf_reset(body);
}

/* Template 256: address, interfaceName of variable length, an enterprise's field, flowStartMilliseconds. */
static void
put_ipfix_template(struct buf *b)
{
	PUT_U16S(b, 2, 28, 256, 4, 8, 4, 82, 0xffff, 0x8000 | 1, 4, 0, 25461, 152, 8);
}

static void
put_ipfix_data(struct buf *b)
{
	static const char name[] = "eth0", other[300];

	buf_u16(b, 256);
	buf_u16(b, 4 + 21 + 319);
	for (int i = 0; i < 2; i++) {
		buf_u32(b, 0xc0000201);
		if (i == 0) {
			buf_u8(b, 4);
			buf_bytes(b, name, 4);
		} else { /* a length of three bytes */
			buf_u8(b, 255);
			buf_u16(b, sizeof(other));
			buf_bytes(b, other, sizeof(other));
		}
		buf_u32(b, 7);
		buf_u64(b, 1700000000123);
	}
}

/* RFC 6313: templates 257 with one list of each kind and 258 with two numbers, and a record. */
static void
put_ipfix_lists(struct buf *b)
{
	static const char lists[] = "\7\3\0\12\0\1\1\2" /* basicList: ingressInterface 1, 2 */
				    "\7\3\1\2\1\2\3\4"  /* subTemplateList: 258, two records */
				    "\15\377\1\2\0\6\5\6\3\347\0\6\7\7" /* subTemplateMultiList: 258, 999 */
				    "\23\3\1\43\377\377\6\4\0\12\0\1\6\6\3\1\2\1\2\3"; /* lists in a list */

	PUT_U16S(b, 2, 36, 257, 4, 291, 0xffff, 292, 0xffff, 293, 0xffff, 291, 0xffff, 258, 2, 10, 1, 1, 1);
	buf_u16(b, 257);
	buf_u16(b, (uint16_t)(4 + sizeof(lists) - 1));
	buf_bytes(b, lists, sizeof(lists) - 1);
}

static void
make_ipfix(void)
{
	struct buf b = BUF_INIT;

	put_ipfix_template(&b);
	PUT_U16S(
	    &b, 3, 18, 257, 2, 1, 149, 4, 41, 8); /* options template: scope observation domain, messages */
	save_ipfix("templates", &b);
	put_ipfix_template(&b);
	put_ipfix_data(&b);
	save_ipfix("variable-length", &b);
	put_ipfix_template(&b);
	PUT_U16S(&b, 3, 18, 257, 2, 1, 149, 4, 41, 8);
	PUT_U16S(&b, 257, 16, 0, 5, 0, 0, 0, 9);
	save_ipfix("options", &b);
	put_ipfix_template(&b);
	PUT_U16S(&b, 2, 12, 256, 0, 2, 0);
	put_ipfix_data(&b);
	save_ipfix("withdrawals", &b);
	put_ipfix_lists(&b);
	save_ipfix("structured-data", &b);
	PUT_U16S(&b, 2, 12, 256, 1, 82, 0xffff);
	PUT_U16S(&b, 256, 8, 0xffff, 0xff00); /* a length past the end */
	save_ipfix("length-past-the-end", &b);
	PUT_U16S(&b, 2, 0);
	save_ipfix("set-of-no-length", &b);
	buf_clear(&b);
}

static void
make_datagrams(void)
{
	struct buf b = BUF_INIT;

	put_v5(&b, 1, 1000);
	save("v5", "one-flow", &b);
	put_v5(&b, 30, 1001);
	save("v5", "thirty-flows", &b);
	put_v5(&b, 0, 1031);
	save("v5", "no-flow", &b);

	put_v9_header(&b, 2);
	put_v9_template(&b);
	put_v9_options_template(&b);
	save("v9", "templates", &b);
	put_v9_header(&b, 4);
	put_v9_template(&b);
	put_v9_data(&b);
	put_v9_data(&b);
	save("v9", "template-and-data", &b);
	put_v9_header(&b, 5);
	put_v9_template(&b);
	put_v9_options_template(&b);
	put_v9_options(&b);
	put_v9_data(&b);
	save("v9", "options", &b);
	put_v9_header(&b, 1);
	put_v9_data(&b);
	save("v9", "data-without-template", &b);
	buf_clear(&b);
}

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

static void
make_sflow(void)
{
	struct sample s;

	sample_everything(&s, 4);
	save("sflow", "everything", &s.bytes);
	buf_clear(&s.bytes);
	sample_everything(&s, 6);
	sample_put(&s, s.lengths[2], 0x7ffffffc); /* a record's */
	save("sflow", "long-record", &s.bytes);
	buf_clear(&s.bytes);
	sample_begin(&s, 4);
	sample_flow(&s);
	sample_end(&s);
	save("sflow", "flow", &s.bytes);
	buf_clear(&s.bytes);
	sample_begin(&s, 6);
	sample_counters(&s);
	sample_end(&s);
	save("sflow", "counters", &s.bytes);
	buf_clear(&s.bytes);
	sample_begin(&s, 4);
	sample_end(&s);
	save("sflow", "no-sample", &s.bytes);
	buf_clear(&s.bytes);
}

static void
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
put_archived(struct buf *b, const struct buf *payload, uint32_t refs, uint32_t witnesses)
{
	buf_u32(b, (uint32_t)payload->len);
	buf_u32(b, refs);
	buf_u32(b, witnesses);
	buf_u32(b, REF_NONE);
	buf_bytes(b, payload->data, payload->len);
	for (uint32_t i = 0; i < refs; i++)
		buf_u32(b, 0);
	for (uint32_t i = 0; i < witnesses; i++)
		witness_write(
		    b, &(struct witness){.source = i, .port = 2055, .sequence = 7 + i, .time_ns = 1});
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

static void
make_archives(void)
{
	struct buf b = BUF_INIT, body = BUF_INIT, message = BUF_INIT, none = BUF_INIT;

	buf_u8(&b, 0);
	buf_text(&b,
	    "flowbraid-archive 1\ncluster lab\nwindow 300000000000\nstream-key port\ncompression none\n"
	    "file 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff 10 a\n");
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
	put_sources(&body);
	put_piece(&b, RECORD_SOURCES, 0, &body);
	put_definition(&body, &message);
	put_piece(&b, RECORD_TEMPLATES, 0, &body);
	buf_u32(&body, 1);
	buf_u64(&body, 3);
	event_begin(&body, EVENT_STOP);
	put_piece(&b, RECORD_ARCHIVED_EVENT, 0, &body);
	put_v9_header(&message, 1);
	put_v9_data(&message);
	put_archived(&body, &message, 1, 2);
	put_piece(&b, RECORD_ARCHIVED, 0, &body);
	put_archived(&body, &none, 0, 1);
	put_piece(&b, RECORD_ARCHIVED, ARCHIVED_MORE, &body);
	save("archive", "window", &b);

	buf_u8(&b, SEGMENT_COMMON);
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

int
main(int argc, char **argv)
{
	corpus = argc == 2 ? open(argv[1], O_RDONLY | O_DIRECTORY) : -1;
	if (corpus < 0) {
		fprintf(stderr, "usage: make-corpus FOLDER\n");
		return 2;
	}
	make_datagrams();
	make_bad_v9();
	make_ipfix();
	make_sflow();
	make_segments();
	make_archives();
	return 0;
}
