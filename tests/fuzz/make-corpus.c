/* SPDX-License-Identifier: ISC
 *
 * Makes the first inputs of the fuzz targets: small valid ones, a folder for each target.
 *
 *	make -C build tests/fuzz/make-corpus && build/tests/fuzz/make-corpus tests/fuzz/corpus
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/fuzz/make-corpus.h"
#include "tests/sample.h"

static int corpus;

void
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

/* What the headers of v1, v5, v7 and v8 begin with. */
static void
put_old_header(struct buf *b, uint16_t version, uint16_t flows)
{
	buf_u16(b, version);
	buf_u16(b, flows);
	buf_u32(b, 360000);     /* sysUptime */
	buf_u32(b, 1700000000); /* seconds */
	buf_u32(b, 500000000);  /* nanoseconds */
}

/* What the records of v1, v5 and v7 begin with. */
static void
put_old_record(struct buf *b, uint16_t i)
{
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
}

static void
put_v1(struct buf *b, uint16_t flows)
{
	put_old_header(b, 1, flows);
	for (uint16_t i = 0; i < flows; i++) {
		put_old_record(b, i);
		buf_u32(b, 0x0600);     /* padding, protocol, TOS */
		buf_u32(b, 0x1b000000); /* TCP flags, padding */
		buf_u32(b, 0);
	}
}

static void
put_v7(struct buf *b, uint16_t flows, uint32_t sequence)
{
	put_old_header(b, 7, flows);
	buf_u32(b, sequence);
	buf_u32(b, 0);
	for (uint16_t i = 0; i < flows; i++) {
		put_old_record(b, i);
		buf_u32(b, 0x001b0600); /* flags, TCP flags, protocol, TOS */
		buf_u16(b, 64500);
		buf_u16(b, 64501);
		buf_u32(b, 0x18180000);
		buf_u32(b, 0xcb007102); /* the router that was bypassed */
	}
}

/* Records of AS aggregation: 28 bytes, of which nobody reads one. */
static void
put_v8(struct buf *b, uint16_t flows, uint32_t sequence)
{
	put_old_header(b, 8, flows);
	buf_u32(b, sequence);
	buf_u32(b, 0x01020102); /* engine type and id, aggregation and its version */
	buf_u32(b, 0);
	for (uint32_t i = 0; i < 7U * flows; i++)
		buf_u32(b, i);
}

void
put_v5(struct buf *b, uint16_t flows, uint32_t sequence)
{
	put_old_header(b, 5, flows);
	buf_u32(b, sequence);
	buf_u16(b, 0x0102); /* engine type and id */
	buf_u16(b, 0x4064); /* sampling: mode 1, 1 in 100 */
	for (uint16_t i = 0; i < flows; i++) {
		put_old_record(b, i);
		buf_u32(b, 0x001b0600); /* padding, TCP flags, protocol, TOS */
		buf_u16(b, 64500);
		buf_u16(b, 64501);
		buf_u32(b, 0x18180000); /* masks, padding */
	}
}

void
put_v9_header(struct buf *b, uint16_t records)
{
	buf_u16(b, 9);
	buf_u16(b, records);
	buf_u32(b, 360000);
	buf_u32(b, 1700000000);
	buf_u32(b, 77); /* sequence */
	buf_u32(b, 5);  /* source id */
}

void
put_u16s(struct buf *b, const uint16_t *values, size_t count)
{
	for (size_t i = 0; i < count; i++)
		buf_u16(b, values[i]);
}

void
put_v9_template(struct buf *b)
{
	static const uint16_t set[] = {0, 40, 256, 8, 8, 4, 12, 4, 7, 2, 11, 2, 4, 1, 1, 4, 22, 4, 21, 4};

	put_u16s(b, set, sizeof(set) / sizeof(set[0]));
}

void
put_v9_options_template(struct buf *b)
{
	static const uint16_t set[] = {1, 24, 257, 4, 8, 1, 4, 34, 4, 35, 1, 0};

	put_u16s(b, set, sizeof(set) / sizeof(set[0]));
}

void
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

	put_v1(&b, 1);
	save("v1", "one-flow", &b);
	put_v1(&b, 24);
	save("v1", "twenty-four-flows", &b);
	put_v1(&b, 0);
	save("v1", "no-flow", &b);
	put_v7(&b, 1, 1000);
	save("v7", "one-flow", &b);
	put_v7(&b, 27, 1001);
	save("v7", "twenty-seven-flows", &b);
	put_v7(&b, 0, 1028);
	save("v7", "no-flow", &b);

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

/* One datagram of each protocol, for the target that leaves the version as it is. */
static void
make_any(void)
{
	struct buf b = BUF_INIT;
	struct sample s;

	put_v1(&b, 1);
	save("any", "v1", &b);
	put_v5(&b, 1, 1000);
	save("any", "v5", &b);
	put_v7(&b, 1, 1000);
	save("any", "v7", &b);
	put_v8(&b, 2, 1000);
	save("any", "v8", &b);
	put_v9_header(&b, 2);
	put_v9_template(&b);
	put_v9_data(&b);
	save("any", "v9", &b);
	PUT_U16S(&b, 10, 16 + 12 + 8, 0x6553, 0xf100, 0, 77, 0, 5);
	PUT_U16S(&b, 2, 12, 256, 1, 10, 4, 256, 8, 0, 7);
	save("any", "ipfix", &b);
	sample_begin(&s, 4);
	sample_flow(&s);
	sample_end(&s);
	save("any", "sflow", &s.bytes);
	PUT_U16S(&b, 0, 5, 0, 3, 0, 0, 0, 0); /* sFlow of an agent whose address is of no kind */
	save("any", "unknown", &b);
	buf_clear(&s.bytes);
	buf_clear(&b);
}

/* Limits as fuzz-templates reads them. */
#define LIMITS(streams, templates, bytes) ((streams) | (templates) << 2 | (bytes) << 5)
#define IPFIX 1 /* its bits of a datagram */
#define DOMAIN(n) ((n) << 1)
#define PORT 8
#define AGAIN 0x80

/* A datagram of these sets, as fuzz-templates takes it; empties sets. */
static void
put_step(struct buf *b, unsigned what, struct buf *sets)
{
	buf_u8(b, (uint8_t)what);
	buf_u16(b, (uint16_t)sets->len);
	buf_bytes(b, sets->data, sets->len);
	buf_reset(sets);
}

/* Template sets of one definition with one field. */
static void
put_small_template(struct buf *b, unsigned what, uint16_t id, uint16_t element)
{
	struct buf sets = BUF_INIT;

	PUT_U16S(&sets, (what & IPFIX) != 0 ? 2 : 0, 12, id, 1, element, 4);
	put_step(b, what, &sets);
	buf_clear(&sets);
}

static void
make_templates(void)
{
	struct buf b = BUF_INIT, sets = BUF_INIT;

	buf_u8(&b, LIMITS(3, 7, 0)); /* learnt, used, started again, data alone; in two streams */
	put_v9_template(&sets);
	put_v9_options_template(&sets);
	put_step(&b, 0, &sets);
	put_ipfix_template(&sets);
	put_ipfix_data(&sets);
	put_step(&b, IPFIX, &sets);
	put_v9_data(&sets);
	put_v9_options(&sets);
	put_step(&b, AGAIN, &sets);
	put_ipfix_data(&sets);
	put_step(&b, IPFIX | AGAIN, &sets);
	save("templates", "restart", &b);

	buf_u8(&b, LIMITS(2, 4, 0)); /* an id of another layout and of another kind, as it was, withdrawn */
	put_small_template(&b, IPFIX, 256, 8);
	put_small_template(&b, IPFIX, 256, 12);
	PUT_U16S(&sets, 3, 14, 256, 1, 1, 149, 4, 256, 8, 0, 5);
	put_step(&b, IPFIX, &sets);
	put_small_template(&b, IPFIX, 256, 8);
	put_small_template(&b, IPFIX, 256, 8);
	PUT_U16S(&sets, 2, 8, 256, 0, 256, 8, 0xc000, 0x0201);
	put_step(&b, IPFIX | AGAIN, &sets);
	PUT_U16S(&sets, 2, 8, 2, 0);
	put_step(&b, IPFIX | AGAIN, &sets);
	save("templates", "replaced", &b);

	buf_u8(&b,
	    LIMITS(
		2, 2, 0)); /* streams by domain, protocol and port, templates: one more than there may be */
	for (uint16_t id = 256; id < 259; id++)
		put_small_template(&b, 0, id, 8);
	put_small_template(&b, 0, 257, 8);
	put_small_template(&b, 0, 256, 8);
	put_small_template(&b, IPFIX, 256, 8);
	put_small_template(&b, 0, 256, 8);
	put_small_template(&b, PORT, 256, 12);
	put_small_template(&b, DOMAIN(3) | AGAIN, 256, 12);
	save("templates", "limits", &b);

	buf_u8(&b,
	    LIMITS(
		3, 7, 1)); /* bytes: the other stream goes, then one's own, then it is too long by itself */
	put_small_template(&b, 0, 256, 8);
	for (uint16_t id = 256; id < 259; id++)
		put_small_template(&b, PORT, id, 8);
	PUT_U16S(&sets, 0, 4 + 4 + 80 * 4, 256, 80);
	for (uint16_t i = 1; i <= 80; i++)
		PUT_U16S(&sets, i, 4);
	put_step(&b, DOMAIN(1) | AGAIN, &sets);
	save("templates", "bytes", &b);

	buf_u8(&b, LIMITS(0, 1, 0));
	put_small_template(&b, 0, 256, 8);
	save("templates", "no-stream", &b);
	buf_clear(&b);
	buf_clear(&sets);
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
	make_any();
	make_templates();
	make_segments();
	make_archives();
	make_selected();
	return 0;
}
