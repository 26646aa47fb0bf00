/* SPDX-License-Identifier: ISC
 *
 * Selected flows: what is written is read, every prefix and every other form is refused, and the union of copies is
 * one whatever the order and grouping.
 */
#include <string.h>

#include "flow/decode.h"
#include "flow/selected.h"
#include "tests/message.h"
#include "tests/sample.h"
#include "tests/tap.h"
#include "tests/templates.h"

static struct selected_writer *writer;
static struct selected_reader *reader;
static struct selected_union uniting;
static struct template_list templates;
static const struct addr exporter = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1}};

/* What a policy keeps: by the places' bits, flows and elements. */
struct wish {
	uint64_t flows; /* by index */
	uint64_t ids;   /* of elements below 64 */
	uint32_t tag;   /* 0: none */
};

static bool
wish_flow(void *ctx, const struct flow *f, uint32_t *tags, size_t *n_tags)
{
	const struct wish *w = ctx;

	if (w->tag != 0) {
		tags[0] = w->tag;
		tags[1] = 1;
		tags[2] = w->tag;
		*n_tags = 3;
	}
	return (w->flows >> (f->index & 63) & 1) != 0;
}

static bool
wish_field(void *ctx, const struct tmpl_field *f)
{
	const struct wish *w = ctx;

	return f->id >= 64 || (w->ids >> f->id & 1) != 0;
}

#define ALL UINT64_MAX
static const struct wish everything = {ALL, ALL, 0};

static enum err
select_of(const struct buf *payload, const struct wish *wish, struct buf *out, bool *ret_complete)
{
	struct selected_choice choice = {(void *)(uintptr_t)wish, wish_flow, wish_field};
	struct sha256 digest = sha256_of(payload->data, payload->len);
	struct proto_info info;
	struct stream_key key;

	buf_reset(out);
	if (proto_recognise(payload->data, payload->len, &info) != ERR_OK)
		return ERR_UNKNOWN;
	key = stream_key_of(&exporter, 2055, &info);
	templates_learn(&templates, &key, &info, payload->data, payload->len);
	return selected_write(writer, payload->data, payload->len, &info, &digest, templates_resolve,
	    &templates, &choice, out, ret_complete);
}

/* Each record as a line of JSON, of a whole datagram or of a body. */
static void
print_all(struct decode *d, struct buf *out)
{
	struct flow_context context = {.exporter = exporter, .port = 2055, .received = {1}};
	struct flow f;

	buf_reset(out);
	while (decode_next(d, &f) == ERR_OK)
		flow_json(&f, &context, out);
	buf_u8(out, 0);
}

static void
print_body(const struct buf *body, struct buf *out)
{
	struct decode d;

	buf_reset(out);
	buf_u8(out, 0);
	if (!ok(selected_open(reader, body->data, body->len) == ERR_OK, "a body that can be read"))
		return;
	decode_init_selected(&d, reader, templates_resolve, &templates);
	print_all(&d, out);
}

static size_t
lines(const struct buf *text)
{
	size_t n = 0;

	for (size_t i = 0; i < text->len; i++)
		n += text->data[i] == '\n';
	return n;
}

/* --- datagrams --- */

static void
make_v5(struct buf *b)
{
	message_old(b, 5, 3, 4000);
	for (uint8_t i = 1; i <= 3; i++)
		message_old_record(b, 5, i);
}

/* Options template and its data, a template, data sets of three records in two sets. */
static void
make_v9(struct buf *b)
{
	static const uint16_t options[] = {1, 4, 34, 4, 35, 1};
	static const uint16_t fields[] = {8, 4, 12, 4, 7, 2, 11, 2, 4, 1, 1, 4, 8, 4};

	message_v9(b, 77, 5);
	message_set(b, 1);
	message_options_template(b, 257, options, 1, 3);
	buf_u16(b, 0);
	message_set_end(b);
	message_set(b, 0);
	message_template(b, 256, fields, 7);
	message_set_end(b);
	for (uint32_t i = 0; i < 3; i++) {
		if (i != 1)
			message_set(b, 256);
		buf_u32(b, 0xc0000200 + i);
		buf_u32(b, 0xc6336400 + i);
		buf_u32(b, 40000u << 16 | 443);
		buf_u8(b, 6);
		buf_u32(b, 1500 + i);
		buf_u32(b, 0xcb007100 + i);
		if (i == 0)
			continue;
		message_set_end(b);
		if (i == 1) {
			message_set(b, 257);
			buf_u32(b, 0);
			buf_u32(b, 100);
			buf_u8(b, 2);
			message_set_end(b);
		}
	}
}

/* Fields of variable length, short and long, and a private one. */
static void
make_ipfix(struct buf *b)
{
	static uint8_t text[300];

	memset(text, 'x', sizeof(text));
	message_ipfix(b, 1000, 7);
	message_set(b, 2);
	buf_u16(b, 300);
	buf_u16(b, 4);
	buf_u32(b, 8u << 16 | 4);
	buf_u32(b, 82u << 16 | TMPL_VARIABLE);
	buf_u32(b, (0x8000u | 5) << 16 | 2);
	buf_u32(b, 9999);
	buf_u32(b, 1u << 16 | 8);
	message_set_end(b);
	message_set(b, 300);
	for (uint32_t i = 0; i < 4; i++) {
		uint16_t len = (uint16_t)(i == 3 ? 300 : i * 3);

		buf_u32(b, 0x0a000000 + i);
		if (i >= 2) { /* the long form, of a short text, too */
			buf_u8(b, 255);
			buf_u16(b, len);
		} else {
			buf_u8(b, (uint8_t)len);
		}
		buf_bytes(b, text, len);
		buf_u16(b, (uint16_t)i);
		buf_u64(b, 100 + i);
	}
	message_set_end(b);
}

/* Everything that is known of sFlow, the two samples excepted whose format nobody knows. */
static void
make_sflow(struct buf *b)
{
	struct sample s;

	sample_begin(&s, 4);
	sample_flow(&s);
	sample_counters(&s);
	sample_flow(&s);
	sample_end(&s);
	buf_reset(b);
	buf_bytes(b, s.bytes.data, s.bytes.len);
	buf_clear(&s.bytes);
}

typedef void (*maker)(struct buf *);
static const struct {
	const char *name;
	maker make;
	size_t records, flows;
	bool in_order; /* options do not stand between flows */
} datagrams[] = {{"v5", make_v5, 3, 3, true}, {"v9", make_v9, 4, 3, false}, {"IPFIX", make_ipfix, 4, 4, true},
    {"sFlow", make_sflow, 3, 2, false}};
#define DATAGRAMS (sizeof(datagrams) / sizeof(datagrams[0]))

/* --- what is written is read --- */

static bool
has_all_lines(const char *have, const char *want)
{
	bool all = true;

	for (const char *end; *want != '\0' && all; want = end + 1) {
		char line[8192];

		end = strchr(want, '\n');
		snprintf(line, sizeof(line), "%.*s", (int)(end - want + 1), want);
		all = strstr(have, line) != NULL;
		if (!all)
			printf("# missing: %s", line);
	}
	return all;
}

static void
test_all_kept(void)
{
	struct buf payload = BUF_INIT, body = BUF_INIT, whole = BUF_INIT, got = BUF_INIT;

	for (size_t i = 0; i < DATAGRAMS; i++) {
		const struct selected_head *h;
		struct proto_info info;
		struct decode d;
		bool complete = false;

		datagrams[i].make(&payload);
		ok(select_of(&payload, &everything, &body, &complete) == ERR_OK && complete,
		    "%s: written, and nothing is passed over", datagrams[i].name);
		if (proto_recognise(payload.data, payload.len, &info) != ERR_OK)
			ok(false, "no datagram");
		decode_init(&d, payload.data, payload.len, &info, templates_resolve, &templates);
		print_all(&d, &whole);
		print_body(&body, &got);
		is_u64(lines(&whole), datagrams[i].records, "as many records as were made");
		is_u64(lines(&got), datagrams[i].records, "and as many are read");
		ok(has_all_lines((char *)got.data, (char *)whole.data), "each is what it was");
		h = selected_head(reader);
		is_u64(h->records, datagrams[i].records, "the number of records");
		is_u64(h->len, payload.len, "the length of the whole");
		is_u64(h->info.sequence, info.sequence, "the sequence");
		is_u64((uint64_t)h->info.export_time.ns, (uint64_t)info.export_time.ns, "the export time");
		is_u64(selected_count(reader, false), datagrams[i].flows, "the number of flows");
		decode_init_selected(&d, reader, templates_resolve, &templates);
		is_u64(decode_count(&d), 0, "a reader that is at its end has none");
		ok(selected_open(reader, body.data, body.len) == ERR_OK, "opened again");
		decode_init_selected(&d, reader, templates_resolve, &templates);
		is_u64(decode_count(&d), datagrams[i].flows, "counted");
	}
	buf_clear(&payload);
	buf_clear(&body);
	buf_clear(&whole);
	buf_clear(&got);
}

static void
test_chosen(void)
{
	struct wish wish = {1 << 1, 1ULL << 8 | 1ULL << 1, 7};
	struct buf payload = BUF_INIT, body = BUF_INIT, got = BUF_INIT;
	bool complete;

	make_v9(&payload);
	ok(select_of(&payload, &wish, &body, &complete) == ERR_OK, "one flow, two elements");
	print_body(&body, &got);
	is_u64(lines(&got), 2, "and the options record");
	ok(strstr((char *)got.data,
	       "\"index\":1,\"tags\":[1,7],\"sourceIPv4Address\":[\"192.0.2.1\",\"203.0.113.1\"],"
	       "\"octetDeltaCount\":1501}") != NULL,
	    "its place, tags in order and once, both fields of one element");
	ok(strstr((char *)got.data, "\"samplingInterval\":100,\"samplingAlgorithm\":2") != NULL,
	    "the options record is whole");
	wish.flows = 0;
	ok(select_of(&payload, &wish, &body, &complete) == ERR_OK && complete, "none");
	print_body(&body, &got);
	is_u64(lines(&got), 1, "the options record alone");
	is_u64(selected_head(reader)->records, 4, "the datagram's records are told");
	buf_clear(&payload);
	buf_clear(&body);
	buf_clear(&got);
}

static void
test_incomplete(void)
{
	struct buf payload = BUF_INIT, body = BUF_INIT;
	bool complete = true;

	message_v9(&payload, 77, 6);
	message_set(&payload, 999);
	buf_u32(&payload, 1);
	message_set_end(&payload);
	ok(select_of(&payload, &everything, &body, &complete) == ERR_OK && !complete,
	    "a data set without template: not complete");
	ok(selected_open(reader, body.data, body.len) == ERR_OK &&
		selected_head(reader)->records == SELECTED_RECORDS_UNKNOWN &&
		selected_head(reader)->flags == SELECTED_UNDECODED,
	    "and the body says so");
	make_v5(&payload);
	buf_u8(&payload, 0);
	ok(select_of(&payload, &everything, &body, &complete) == ERR_OK && !complete,
	    "a length that does not fit: not complete");
	make_v5(&payload);
	payload.len = 10;
	ok(select_of(&payload, &everything, &body, &complete) == ERR_LIMIT, "a cut header: no body");
	buf_clear(&payload);
	buf_clear(&body);
}

/* --- what is no body --- */

static void
test_broken(void)
{
	struct buf payload = BUF_INIT, body = BUF_INIT, got = BUF_INIT;

	for (size_t i = 0; i < DATAGRAMS; i++) {
		struct wish wish = {ALL, ALL, 9};
		unsigned accepted = 0, unsound = 0;
		bool complete;

		datagrams[i].make(&payload);
		if (select_of(&payload, &wish, &body, &complete) != ERR_OK)
			ok(false, "%s: written", datagrams[i].name);
		for (size_t len = 0; len < body.len; len++) {
			uint8_t *exact = malloc(len + 1); /* so that a sanitizer sees one read too many */

			memcpy(exact, body.data, len);
			accepted += selected_open(reader, exact, len) == ERR_OK;
			free(exact);
		}
		is_u64(accepted, 0, "%s: no prefix is a body", datagrams[i].name);
		for (size_t at = 0; at < body.len; at++) {
			for (unsigned bit = 0; bit < 8; bit++) {
				struct flow f;
				uint32_t n = 0;

				body.data[at] ^= (uint8_t)(1u << bit);
				if (selected_open(reader, body.data, body.len) == ERR_OK) {
					uint32_t want = selected_count(reader, false) +
					    selected_count(reader, true);

					while (selected_next(reader, &f))
						n++;
					unsound += n != want;
				}
				body.data[at] ^= (uint8_t)(1u << bit);
			}
		}
		is_u64(unsound, 0, "%s: what opens with a bit changed reads to its end", datagrams[i].name);
		buf_u8(&body, 0);
		ok(selected_open(reader, body.data, body.len) == ERR_MALFORMED, "nothing may stand behind");
	}
	buf_clear(&payload);
	buf_clear(&body);
	buf_clear(&got);
}

/* --- field by field --- */

static void
begin_small(struct buf *payload)
{
	static struct selected_head h;

	make_v5(payload);
	h = (struct selected_head){.digest = sha256_of(payload->data, payload->len),
	    .len = (uint16_t)payload->len,
	    .records = 3,
	    .skeleton = payload->data,
	    .skeleton_len = 24};
	selected_begin(writer, &h);
}

static void
test_limits(void)
{
	static uint8_t bytes[60000];
	struct buf payload = BUF_INIT, body = BUF_INIT;
	uint32_t tags[SELECTED_TAGS_MOST + 1];

	begin_small(&payload);
	selected_record(writer, false, 5, false, NULL, 0);
	selected_field(writer, 0, 0, 8, false, bytes, 4);
	selected_record(writer, false, 5, false, NULL, 0);
	ok(selected_end(writer, &body) == ERR_MALFORMED, "the same place twice");
	begin_small(&payload);
	selected_record(writer, false, 5, false, NULL, 0);
	selected_field(writer, 3, 0, 8, false, bytes, 4);
	selected_field(writer, 3, 0, 12, false, bytes, 4);
	ok(selected_end(writer, &body) == ERR_MALFORMED, "two fields at one place");
	begin_small(&payload);
	for (uint32_t i = 0; i < 11; i++) {
		selected_record(writer, false, i, false, NULL, 0);
		selected_field(writer, 3, 0, 8, true, bytes, sizeof(bytes));
	}
	ok(selected_end(writer, &body) == ERR_OK && body.len > 11 * sizeof(bytes), "a long body");
	ok(selected_open(reader, body.data, body.len) == ERR_OK, "which is read");
	begin_small(&payload);
	for (uint32_t i = 0; i < 13; i++) {
		selected_record(writer, false, i, false, NULL, 0);
		selected_field(writer, 3, 0, 8, true, bytes, sizeof(bytes));
	}
	ok(selected_end(writer, &body) == ERR_LIMIT, "one that is too long");
	for (uint32_t i = 0; i <= SELECTED_TAGS_MOST; i++)
		tags[i] = 1000 - i;
	begin_small(&payload);
	selected_record(writer, false, 1, false, tags, SELECTED_TAGS_MOST);
	buf_reset(&body);
	ok(selected_end(writer, &body) == ERR_OK && selected_open(reader, body.data, body.len) == ERR_OK,
	    "as many tags as there may be, and no field");
	begin_small(&payload);
	selected_record(writer, false, 1, false, tags, SELECTED_TAGS_MOST + 1);
	ok(selected_end(writer, &body) == ERR_LIMIT, "one more");
	buf_clear(&payload);
	buf_clear(&body);
}

/* --- union --- */

static uint32_t
unite(const struct buf *a, const struct buf *b, struct buf *out)
{
	uint32_t conflicts = 0;
	enum err e;

	buf_reset(out);
	e = selected_unite(&uniting, a->data, a->len, b->data, b->len, out, &conflicts);
	if (e != ERR_OK)
		ok(false, "a union: %s", err_text(e));
	return conflicts;
}

static bool
same(const struct buf *a, const struct buf *b)
{
	return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

static uint64_t random_state = 1;
static uint32_t
draw(uint32_t below)
{
	random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)((random_state >> 33) % below);
}

/* A body of any flows and fields of one datagram; values are what their place says, or a lie. */
static void
random_body(struct buf *payload, struct buf *out, bool lies)
{
	enum err e;

	begin_small(payload);
	for (uint32_t i = draw(3); i < 8; i += 1 + draw(4)) {
		uint32_t tags[4];
		size_t n = draw(4);

		for (size_t k = 0; k < n; k++)
			tags[k] = draw(5);
		selected_record(writer, false, i, draw(2) != 0, tags, n);
		for (uint16_t place = (uint16_t)draw(2); place < 6; place = (uint16_t)(place + 1 + draw(3))) {
			uint32_t value = i * 100 + place + (lies ? draw(2) : 0);
			uint8_t bytes[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16),
			    (uint8_t)(value >> 8), (uint8_t)value};
			bool variable = place == 4 || (lies && draw(4) == 0);

			selected_field(writer, place, place == 5 ? 9999 : 0, (uint16_t)(100 + place),
			    variable, bytes, lies && draw(4) == 0 ? 2 : 4);
		}
	}
	buf_reset(out);
	if ((e = selected_end(writer, out)) != ERR_OK)
		ok(false, "a random body: %s", err_text(e));
}

static void
test_laws(bool lies)
{
	struct buf payload = BUF_INIT, a = BUF_INIT, b = BUF_INIT, c = BUF_INIT, x = BUF_INIT, y = BUF_INIT,
		   z = BUF_INIT;
	unsigned commute = 0, group = 0, repeat = 0, absorb = 0;
	uint64_t conflicts = 0;

	for (unsigned i = 0; i < 2000; i++) {
		random_body(&payload, &a, lies);
		random_body(&payload, &b, lies);
		random_body(&payload, &c, lies);
		unite(&a, &a, &x);
		repeat += same(&a, &x);
		conflicts += unite(&a, &b, &x);
		unite(&b, &a, &y);
		commute += same(&x, &y);
		unite(&x, &b, &y);
		absorb += same(&x, &y);
		unite(&x, &c, &y);
		unite(&b, &c, &x);
		unite(&a, &x, &z);
		group += same(&y, &z);
	}
	is_u64(repeat, 2000, "%s: with itself it is itself", lies ? "lies" : "truths");
	is_u64(commute, 2000, "the order does not matter");
	is_u64(absorb, 2000, "a part adds nothing");
	is_u64(group, 2000, "the grouping does not matter");
	ok((conflicts > 0) == lies, "lies contradict each other, truths do not: %" PRIu64, conflicts);
	buf_clear(&payload);
	buf_clear(&a);
	buf_clear(&b);
	buf_clear(&c);
	buf_clear(&x);
	buf_clear(&y);
	buf_clear(&z);
}

/* Parts of a real datagram give back the whole. */
static void
test_union_of_parts(void)
{
	static const struct wish parts[2] = {{3, 1ULL << 8 | 1ULL << 4, 0}, {6, ~(1ULL << 8), 0}};
	struct buf payload = BUF_INIT, a = BUF_INIT, b = BUF_INIT, x = BUF_INIT, got = BUF_INIT;
	bool complete;

	for (size_t i = 0; i < DATAGRAMS; i++) {
		struct wish one = everything, other = everything;

		one.flows = 1;
		other.flows = ~1ULL;
		datagrams[i].make(&payload);
		if (select_of(&payload, &one, &a, &complete) != ERR_OK ||
		    select_of(&payload, &other, &b, &complete) != ERR_OK)
			ok(false, "%s: written", datagrams[i].name);
		is_u64(
		    unite(&a, &b, &x), 0, "%s: two halves do not contradict each other", datagrams[i].name);
		if (select_of(&payload, &everything, &a, &complete) != ERR_OK)
			ok(false, "%s: written", datagrams[i].name);
		ok(same(&x, &a), "and are the whole");
	}
	make_v9(&payload);
	if (select_of(&payload, &parts[0], &a, &complete) != ERR_OK ||
	    select_of(&payload, &parts[1], &b, &complete) != ERR_OK)
		ok(false, "written");
	unite(&a, &b, &x);
	print_body(&x, &got);
	is_u64(lines(&got), 4, "flows of either");
	ok(strstr((char *)got.data,
	       "\"index\":1,\"sourceIPv4Address\":[\"192.0.2.1\",\"203.0.113.1\"],"
	       "\"destinationIPv4Address\":\"198.51.100.1\"") != NULL,
	    "fields of either, in the template's order");
	buf_clear(&payload);
	buf_clear(&a);
	buf_clear(&b);
	buf_clear(&x);
	buf_clear(&got);
}

/* Where a node cannot decode the first set, the others' flows stay at their places. */
static void
test_union_with_unknown(void)
{
	static const uint16_t fields[] = {8, 4, 1, 4};
	struct buf payload = BUF_INIT, a = BUF_INIT, b = BUF_INIT, x = BUF_INIT, got = BUF_INIT;
	struct wish third = {1 << 2, ALL, 0};
	bool complete;

	message_v9(&payload, 1, 9);
	message_set(&payload, 0);
	message_template(&payload, 400, fields, 2);
	message_set_end(&payload);
	if (select_of(&payload, &everything, &a, &complete) != ERR_OK)
		ok(false, "templates");
	message_v9(&payload, 2, 9);
	for (uint16_t set = 0; set < 2; set++) {
		message_set(&payload, set == 0 ? 401 : 400);
		for (uint32_t i = 0; i < 2; i++) {
			buf_u32(&payload, 0x0a000000 + set * 2u + i);
			buf_u32(&payload, 1000 + set * 2u + i);
		}
		message_set_end(&payload);
	}
	ok(select_of(&payload, &everything, &a, &complete) == ERR_OK && !complete,
	    "a set of a template to come");
	message_v9(&x, 3, 9);
	message_set(&x, 0);
	message_template(&x, 401, fields, 2);
	message_set_end(&x);
	ok(select_of(&x, &everything, &b, &complete) == ERR_OK, "the template");
	ok(select_of(&payload, &third, &b, &complete) == ERR_OK && complete,
	    "who knows it keeps the third flow");
	is_u64(unite(&a, &b, &x), 0, "which is no other one");
	print_body(&x, &got);
	is_u64(lines(&got), 2, "and one of the two that the other has");
	ok(strstr((char *)got.data,
	       "\"index\":2,\"sourceIPv4Address\":\"10.0.0.2\",\"octetDeltaCount\":1002}") != NULL,
	    "at the index of who could count");
	buf_clear(&payload);
	buf_clear(&a);
	buf_clear(&b);
	buf_clear(&x);
	buf_clear(&got);
}

static void
test_too_many(void)
{
	static uint8_t bytes[60000];
	struct buf payload = BUF_INIT, a = BUF_INIT, b = BUF_INIT, x = BUF_INIT, y = BUF_INIT;
	uint32_t conflicts;

	for (uint32_t part = 0; part < 2; part++) {
		begin_small(&payload);
		for (uint32_t i = 0; i < 7; i++) {
			selected_record(writer, false, 2 * i + part, false, NULL, 0);
			selected_field(writer, 3, 0, 8, true, bytes, sizeof(bytes));
		}
		ok(selected_end(writer, part == 0 ? &a : &b) == ERR_OK, "a long one");
	}
	unite(&a, &b, &x);
	ok(selected_open(reader, x.data, x.len) == ERR_OK &&
		selected_head(reader)->flags == SELECTED_TOO_MANY && selected_count(reader, false) == 0,
	    "two that do not fit into one: no flow, and it is told");
	unite(&x, &a, &y);
	ok(same(&x, &y), "which stays");
	a.data[0] ^= 1;
	ok(selected_unite(&uniting, a.data, a.len, b.data, b.len, &x, &conflicts) == ERR_CONFLICT,
	    "two datagrams are not united");
	buf_clear(&payload);
	buf_clear(&a);
	buf_clear(&b);
	buf_clear(&x);
	buf_clear(&y);
}

int
main(void)
{
	writer = selected_writer_new();
	reader = selected_reader_new();
	uniting = (struct selected_union){selected_reader_new(), selected_reader_new(), writer};
	if (writer == NULL || reader == NULL || uniting.a == NULL || uniting.b == NULL)
		return 1;
	test_all_kept();
	test_chosen();
	test_incomplete();
	test_broken();
	test_limits();
	test_laws(false);
	test_laws(true);
	test_union_of_parts();
	test_union_with_unknown();
	test_too_many();
	templates_clear(&templates);
	selected_reader_free(uniting.a);
	selected_reader_free(uniting.b);
	selected_reader_free(reader);
	selected_writer_free(writer);
	return done_testing();
}
