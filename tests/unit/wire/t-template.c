/* SPDX-License-Identifier: ISC
 *
 * Definitions in datagrams, good ones beside bad ones; their canonical bytes; their parsed form; the built-in ones.
 */
#include "tests/tap.h"
#include "tests/unit/wire/build-export.h"
#include "wire/template.h"

static const enum proto both[] = {PROTO_V9, PROTO_IPFIX};

/* The definitions of a datagram as text: "256 257o w300", then "!" and the fault. The bytes are of exact size. */
static const char *
list_bytes(const uint8_t *bytes, size_t len, const struct stream_key *key, uint32_t *ret_bad)
{
	static const char *const kinds[] = {[TMPL_DATA] = "", [TMPL_OPTIONS] = "o", [TMPL_WITHDRAWN] = "w"};
	static char text[2048];
	struct proto_info info;
	struct tmpl_defs defs;
	struct tmpl_def def;
	size_t at = 0;

	text[0] = '\0';
	if (proto_recognise(bytes, len, &info) != ERR_OK)
		return "unknown";
	tmpl_defs_init(&defs, key, &info, bytes, len);
	while (tmpl_defs_next(&defs, &def) == ERR_OK && at < sizeof(text) - 64)
		at += (size_t)snprintf(text + at, 32, "%s%u%s", at > 0 ? " " : "", def.id, kinds[def.kind]);
	if (defs.fault != FAULT_NONE)
		(void)snprintf(text + at, 64, "%s! %s", at > 0 ? " " : "", proto_fault_name(defs.fault));
	*ret_bad = defs.bad;
	return text;
}

static const char *
list(const struct export *x, uint32_t *ret_bad)
{
	struct stream_key key = export_key(x);

	return list_bytes(x->bytes.data, x->bytes.len, &key, ret_bad);
}

/* Ends the datagram, compares its definitions, frees it. */
static void
is_list(struct export *x, const char *want, uint32_t want_bad, const char *what)
{
	uint32_t bad;

	if (x->set_at != 0)
		export_close(x);
	export_end(x);
	is_text(list(x, &bad), want, "%s: %s", proto_name(x->proto), what);
	is_u64(bad, want_bad, "%s: %s: passed over", proto_name(x->proto), what);
	export_free(x);
}

static void
put_good(struct export *x, uint16_t id)
{
	export_template(x, id, FIELDS({8, 4, 0}, {12, 4, 0}));
}

/* A template set with a good definition, the given bytes, and a good definition behind them. */
static void
between(enum proto p, const void *bytes, size_t len, const char *want, uint32_t bad, const char *what)
{
	struct export x = export_new(p);

	export_open(&x, p == PROTO_V9 ? 0 : 2);
	put_good(&x, 256);
	export_bytes(&x, bytes, len);
	put_good(&x, 258);
	is_list(&x, want, bad, what);
}

static void
test_unusable(enum proto p)
{
	static const uint8_t low[] = {0, 255, 0, 1, 0, 8, 0, 4}, zero[] = {1, 1, 0, 0},
			     empty[] = {1, 1, 0, 1, 0, 8, 0, 0},
			     long_[] = {1, 1, 0, 2, 0, 8, 0xff, 0xf0, 0, 12, 0, 12},
			     odd[] = {1, 1, 0, 1, 0x7f, 0xff, 0, 3};
	struct export x;

	between(p, low, sizeof(low), "256 258 ! template", 1, "an id of sets costs only itself");
	between(p, empty, sizeof(empty), "256 258 ! template", 1, "a record of length 0 costs only itself");
	between(p, long_, sizeof(long_), "256 258 ! template", 1,
	    "a record longer than any set costs only itself");
	between(
	    p, odd, sizeof(odd), "256 257 258", 0, "an element that nobody knows, of odd length, is kept");
	if (p == PROTO_V9)
		between(p, zero, sizeof(zero), "256 258 ! template", 1, "no fields costs only itself");
	else
		between(p, zero, sizeof(zero), "256 257w 258", 0, "no fields is a withdrawal");

	x = export_new(p);
	export_open(&x, p == PROTO_V9 ? 0 : 2);
	put_good(&x, 256);
	put_good(&x, 257);
	export_lie(&x, PLACE_FIELD_COUNT, 3);
	export_close(&x);
	put_good(&x, 258);
	is_list(&x, "256 258 ! template", 1, "a cut definition costs the rest of its set only");
}

static void
test_scopes(void)
{
	struct export x = export_new(PROTO_IPFIX);

	export_open(&x, 3);
	export_options(&x, 257, 1, FIELDS({1, 4, 0}, {34, 4, 0}));
	export_lie(&x, PLACE_SCOPE_COUNT, 3);
	export_options(&x, 259, 1, FIELDS({1, 4, 0}, {34, 4, 0}));
	is_list(&x, "259o ! template", 1, "more scopes than fields cost only themselves");
}

/* v9 gives lengths in bytes: one that is no whole number of specifiers still says where the next one begins. */
static void
test_odd_length(void)
{
	static const uint8_t odd[] = {1, 1, 0, 5, 0, 4, 0, 1, 0, 4, 0, 34, 0, 4, 0};
	struct export x = export_new(PROTO_V9);

	export_open(&x, 1);
	export_bytes(&x, odd, sizeof(odd));
	export_options(&x, 258, 1, FIELDS({1, 4, 0}, {34, 4, 0}));
	is_list(&x, "258o ! template", 1, "options of an odd length cost only themselves");
}

static void
test_many_fields(enum proto p)
{
	struct export_field *fields = calloc(TMPL_FIELDS_MOST + 1, sizeof(*fields));
	struct export x = export_new(p);

	for (size_t i = 0; fields != NULL && i <= TMPL_FIELDS_MOST; i++)
		fields[i] = (struct export_field){.id = 210, .len = 1};
	export_open(&x, p == PROTO_V9 ? 0 : 2);
	export_template(&x, 256, fields, TMPL_FIELDS_MOST);
	export_template(&x, 257, fields, TMPL_FIELDS_MOST + 1);
	put_good(&x, 258);
	is_list(&x, "256 258 ! template", 1, "more fields than permitted");
	free(fields);
}

static void
test_padding(enum proto p)
{
	static const uint8_t zeros[64];
	struct export x;

	for (size_t len = 0; len <= sizeof(zeros); len += len < 8 ? 1 : 28) {
		x = export_new(p);
		export_open(&x, p == PROTO_V9 ? 0 : 2);
		put_good(&x, 256);
		export_bytes(&x, zeros, len);
		export_close(&x);
		put_good(&x, 258);
		is_list(&x, "256 258", 0, "zeros at a set's end are padding");
	}
	for (size_t len = 1; len <= 3; len++) {
		x = export_new(p);
		export_open(&x, p == PROTO_V9 ? 0 : 2);
		put_good(&x, 256);
		export_bytes(&x, zeros, len - 1);
		EXPORT_BYTES(&x, 7);
		export_close(&x);
		put_good(&x, 258);
		is_list(&x, "256 258 ! stray bytes", 0, "1 to 3 other bytes are stray");
	}
	x = export_new(p);
	export_open(&x, p == PROTO_V9 ? 0 : 2);
	is_list(&x, "", 0, "a template set with nothing in it");
}

/* Many zero definitions before a byte that is none: they must not be looked through again for each. */
static void
test_zeros_are_cheap(void)
{
	static const uint8_t zeros[64000];
	struct export x = export_new(PROTO_V9);

	export_open(&x, 0);
	export_bytes(&x, zeros, sizeof(zeros));
	EXPORT_BYTES(&x, 1, 1, 0, 1, 0, 8, 0, 4);
	is_list(&x, "257 ! template", sizeof(zeros) / 4, "zeros before a definition are unusable ones");
}

static void
test_withdrawals(void)
{
	struct export x = export_new(PROTO_IPFIX);

	export_withdrawal(&x, 2, 256);
	export_withdrawal(&x, 3, 257);
	export_withdrawal(&x, 2, 2);
	export_withdrawal(&x, 3, 3);
	export_withdrawal(&x, 2, 5);
	put_good(&x, 258);
	is_list(&x, "256w 257w 2w 3w 258 ! template", 1, "withdrawals, of one and of all");
}

/* How many data sets stand before each definition: which of them it does not hold for yet. */
static void
test_data_sets(enum proto p)
{
	static const unsigned want[] = {0, 0, 2, 3};
	struct export x = export_new(p);
	struct proto_info info;
	struct stream_key key;
	struct tmpl_defs defs;
	struct tmpl_def def;
	unsigned n = 0, wrong = 0;

	put_good(&x, 256);
	put_good(&x, 257);
	export_data(&x, 256, 1, 8);
	export_data(&x, 999, 1, 8);
	put_good(&x, 256);
	export_open(&x, 100); /* reserved: no data set */
	export_close(&x);
	export_data(&x, 256, 1, 8);
	put_good(&x, 258);
	export_end(&x);
	info = export_info(&x);
	key = export_key(&x);
	tmpl_defs_init(&defs, &key, &info, x.bytes.data, x.bytes.len);
	while (tmpl_defs_next(&defs, &def) == ERR_OK && n < 4)
		wrong += defs.data_sets != want[n++];
	ok(n == 4 && wrong == 0, "%s: data sets before each definition", proto_name(p));
	export_free(&x);
}

static void
test_prefixes(enum proto p)
{
	struct export x = export_new(p);
	struct stream_key key;
	unsigned wrong = 0;

	put_good(&x, 256);
	export_options(&x, 257, 1, FIELDS({1, 4, 0}, {34, 4, 9}));
	put_good(&x, 258);
	export_end(&x);
	key = export_key(&x);
	for (size_t len = 2; len < x.bytes.len; len++) {
		uint8_t *bytes = export_prefix(&x, len);
		uint32_t bad;
		const char *text = list_bytes(bytes, len, &key, &bad);

		wrong += strstr(text, "258") != NULL || (p == PROTO_IPFIX && strchr(text, '!') == NULL);
		free(bytes);
	}
	is_u64(wrong, 0, "%s: no prefix gives a definition that is not whole", proto_name(p));
	export_free(&x);
}

/* The first definition of a datagram; its bytes live as long as that. */
static struct tmpl_def
first_def(const struct export *x)
{
	struct proto_info info = export_info(x);
	struct stream_key key = export_key(x);
	struct tmpl_defs defs;
	struct tmpl_def def;

	tmpl_defs_init(&defs, &key, &info, x->bytes.data, x->bytes.len);
	if (tmpl_defs_next(&defs, &def) != ERR_OK)
		abort();
	return def;
}

static struct export one_template(enum proto p)
{
	struct export x = export_new(p);

	export_template(&x, 300, FIELDS({8, 4, 0}, {12, 4, 0}, {8, 4, 0}, {1, 8, 0}, {8, 2, 0}));
	export_end(&x);
	return x;
}

static void
test_canonical(enum proto p)
{
	struct export x = one_template(p);
	struct tmpl_def def = first_def(&x), back;
	struct buf b = BUF_INIT;
	unsigned taken = 0, differ = 0;
	struct rd r;

	is_u64(def.sequence, EXPORT_SEQUENCE, "%s: origin: sequence", proto_name(p));
	is_u64(def.uptime_ms, p == PROTO_V9 ? EXPORT_UPTIME : 0, "%s: origin: uptime", proto_name(p));
	is_u64(
	    (uint64_t)(def.export_time.ns / NS_PER_SEC), EXPORT_SECONDS, "%s: origin: time", proto_name(p));
	tmpl_def_write(&b, &def);
	r = rd_init(b.data, b.len);
	ok(tmpl_def_read(&r, &back) == ERR_OK && rd_left(&r) == 0, "%s: canonical bytes read back",
	    proto_name(p));
	is_u64((uint64_t)tmpl_def_cmp(&def, &back), 0, "%s: the same", proto_name(p));
	for (size_t len = 0; len < b.len; len++) {
		r = rd_init(b.data, len);
		taken += tmpl_def_read(&r, &back) != ERR_CUT;
	}
	is_u64(taken, 0, "%s: every prefix is refused", proto_name(p));
	for (size_t i = 0; i < b.len;
	     i++) { /* what is still accepted is another definition, and writes the same bytes */
		struct buf again = BUF_INIT;

		b.data[i] ^= 0x01;
		r = rd_init(b.data, b.len);
		if (tmpl_def_read(&r, &back) == ERR_OK) {
			tmpl_def_write(&again, &back);
			differ += again.len != b.len - rd_left(&r) ||
			    memcmp(again.data, b.data, again.len) != 0 || tmpl_def_cmp(&def, &back) == 0;
		}
		b.data[i] ^= 0x01;
		buf_clear(&again);
	}
	is_u64(differ, 0, "%s: what reads writes the same bytes", proto_name(p));
	buf_clear(&b);
	export_free(&x);
}

static void
refuse(const struct tmpl_def *def, const char *what)
{
	struct buf b = BUF_INIT;
	struct tmpl_def back;
	struct tmpl *t;
	struct rd r;

	tmpl_def_write(&b, def);
	r = rd_init(b.data, b.len);
	ok(tmpl_def_read(&r, &back) == ERR_MALFORMED, "read refuses %s", what);
	ok(tmpl_parse(def, &t) == ERR_MALFORMED, "parse refuses %s", what);
	buf_clear(&b);
}

static void
refuse_bytes(const uint8_t *bytes, size_t len, const char *what)
{
	struct tmpl_def def = {
	    .stream.proto = PROTO_V9, .kind = TMPL_DATA, .bytes = bytes, .len = (uint16_t)len};

	def.id = (uint16_t)(bytes[0] << 8 | bytes[1]);
	refuse(&def, what);
}

static void
test_refusals(void)
{
	static const uint8_t low[] = {0, 255, 0, 1, 0, 8, 0, 4}, trailing[] = {1, 0, 0, 1, 0, 8, 0, 4, 0},
			     none[] = {1, 0, 0, 0}, empty[] = {1, 0, 0, 1, 0, 8, 0, 0},
			     cut[] = {1, 0, 0, 1, 0, 8, 0}, variable[] = {1, 0, 0, 1, 0, 82, 0xff, 0xff};
	struct export x = one_template(PROTO_V9);
	struct tmpl_def def = first_def(&x);

	refuse_bytes(low, sizeof(low), "an id below 256");
	refuse_bytes(trailing, sizeof(trailing), "trailing bytes");
	refuse_bytes(none, sizeof(none), "no fields");
	refuse_bytes(empty, sizeof(empty), "a record of no length");
	refuse_bytes(cut, sizeof(cut), "a cut specifier");
	refuse_bytes(variable, sizeof(variable), "variable length in v9");
	def.id++;
	refuse(&def, "an id that the bytes do not have");
	def.id--;
	def.stream.proto = PROTO_V5;
	refuse(&def, "a protocol without templates");
	def.stream.proto = PROTO_V9;
	def.kind = TMPL_OPTIONS;
	refuse(&def, "a kind that the bytes do not have");
	def.kind = 0;
	refuse(&def, "a kind that does not exist");
	export_free(&x);
}

static void
test_withdrawn(void)
{
	struct export x = export_new(PROTO_IPFIX);
	struct tmpl_def def, back;
	struct buf b = BUF_INIT;
	struct tmpl *t;
	struct rd r;

	export_withdrawal(&x, 3, 3);
	export_end(&x);
	def = first_def(&x);
	ok(tmpl_parse(&def, &t) == ERR_UNKNOWN, "a withdrawal does not parse");
	tmpl_def_write(&b, &def);
	r = rd_init(b.data, b.len);
	ok(tmpl_def_read(&r, &back) == ERR_OK && back.kind == TMPL_WITHDRAWN && back.id == 3,
	    "but reads back");
	buf_clear(&b);
	export_free(&x);
}

static void
test_order(void)
{
	struct export x = one_template(PROTO_V9);
	struct tmpl_def a = first_def(&x), b = a;

	b.stream.domain++;
	b.id--;
	ok(tmpl_def_cmp(&a, &b) < 0 && tmpl_def_cmp(&b, &a) > 0, "order: stream first");
	b = a;
	b.id++;
	b.kind--;
	ok(tmpl_def_cmp(&a, &b) < 0 && tmpl_def_cmp(&b, &a) > 0, "order: then id");
	b = a;
	b.export_time.ns++;
	b.sequence--;
	ok(tmpl_def_cmp(&a, &b) < 0 && tmpl_def_cmp(&b, &a) > 0, "order: time before sequence");
	b = a;
	b.uptime_ms++;
	ok(tmpl_def_cmp(&a, &b) < 0 && tmpl_def_cmp(&b, &a) > 0, "order: uptime last");
	export_free(&x);
}

static void
is_field(const struct tmpl *t, uint16_t at, struct tmpl_field want)
{
	const struct tmpl_field *f = &t->fields[at];

	ok(f->pen == want.pen && f->id == want.id && f->len == want.len && f->offset == want.offset &&
		f->again == want.again && f->first == want.first && f->scope == want.scope,
	    "%s: template %u, field %u", proto_name(t->proto), t->id, at);
}

static void
test_parse(enum proto p)
{
	struct export x = one_template(p);
	struct tmpl_def def = first_def(&x);
	struct tmpl *t = NULL;

	ok(tmpl_parse(&def, &t) == ERR_OK, "%s: parsed", proto_name(p));
	if (t == NULL)
		return;
	ok(t->proto == p && t->id == 300 && t->kind == TMPL_DATA && t->scope_count == 0, "%s: head",
	    proto_name(p));
	is_u64(t->field_count, 5, "%s: fields", proto_name(p));
	is_u64(t->record_len, 22, "%s: length", proto_name(p));
	ok(!t->variable, "%s: fixed", proto_name(p));
	is_field(t, 0, (struct tmpl_field){.id = 8, .len = 4, .again = 2, .first = true});
	is_field(t, 1,
	    (struct tmpl_field){.id = 12, .len = 4, .offset = 4, .again = TMPL_NO_FIELD, .first = true});
	is_field(t, 2, (struct tmpl_field){.id = 8, .len = 4, .offset = 8, .again = 4});
	is_field(t, 3,
	    (struct tmpl_field){.id = 1, .len = 8, .offset = 12, .again = TMPL_NO_FIELD, .first = true});
	is_field(t, 4, (struct tmpl_field){.id = 8, .len = 2, .offset = 20, .again = TMPL_NO_FIELD});
	tmpl_free(t);
	tmpl_free(NULL);
	export_free(&x);
}

static void
test_parse_ipfix(void)
{
	struct export x = export_new(PROTO_IPFIX);
	struct tmpl_def def;
	struct tmpl *t = NULL;

	export_template(&x, 256, FIELDS({82, TMPL_VARIABLE, 0}, {82, 4, 9}, {82, TMPL_VARIABLE, 9}));
	export_end(&x);
	def = first_def(&x);
	if (!ok(tmpl_parse(&def, &t) == ERR_OK, "IPFIX: enterprise and variable fields"))
		return;
	ok(t->variable && t->record_len == 6, "IPFIX: the shortest record");
	is_field(
	    t, 0, (struct tmpl_field){.id = 82, .len = TMPL_VARIABLE, .again = TMPL_NO_FIELD, .first = true});
	is_field(
	    t, 1, (struct tmpl_field){.pen = 9, .id = 82, .len = 4, .offset = 1, .again = 2, .first = true});
	is_field(t, 2,
	    (struct tmpl_field){
		.pen = 9, .id = 82, .len = TMPL_VARIABLE, .offset = 5, .again = TMPL_NO_FIELD});
	tmpl_free(t);
	export_free(&x);
}

/* In v9 the scope type 1 is not the element 1; in IPFIX scopes are elements like all. */
static void
test_parse_options(enum proto p)
{
	struct export x = export_new(p);
	struct tmpl_def def;
	struct tmpl *t = NULL;
	bool apart = p == PROTO_V9;

	export_options(&x, 257, 1, FIELDS({1, 4, 0}, {1, 4, 0}, {34, 4, 0}));
	export_end(&x);
	def = first_def(&x);
	if (!ok(tmpl_parse(&def, &t) == ERR_OK && t->kind == TMPL_OPTIONS && t->scope_count == 1,
		"%s: options", proto_name(p)))
		return;
	is_field(t, 0,
	    (struct tmpl_field){
		.id = 1, .len = 4, .again = apart ? TMPL_NO_FIELD : 1, .first = true, .scope = true});
	is_field(t, 1,
	    (struct tmpl_field){.id = 1, .len = 4, .offset = 4, .again = TMPL_NO_FIELD, .first = apart});
	is_field(t, 2,
	    (struct tmpl_field){.id = 34, .len = 4, .offset = 8, .again = TMPL_NO_FIELD, .first = true});
	tmpl_free(t);
	export_free(&x);
}

/* v9 has no enterprise bit: ids above 32767 are the exporter's own. */
static void
test_parse_v9_high(void)
{
	struct export x = export_new(PROTO_V9);
	struct tmpl_def def;
	struct tmpl *t = NULL;

	export_template(&x, 256, FIELDS({33000, 4, 0}));
	export_end(&x);
	def = first_def(&x);
	if (!ok(tmpl_parse(&def, &t) == ERR_OK, "v9: an id above 32767"))
		return;
	is_field(t, 0, (struct tmpl_field){.id = 33000, .len = 4, .again = TMPL_NO_FIELD, .first = true});
	tmpl_free(t);
	export_free(&x);
}

/* Built-in templates: fields ascend, lie within the record, and stand once each. */
static void
test_static(enum proto p, uint32_t len, uint16_t fields)
{
	const struct tmpl *t = tmpl_static(p);
	unsigned wrong = 0;
	uint32_t end = 0;

	if (!ok(t != NULL && t->proto == p, "%s: has a built-in template", proto_name(p)))
		return;
	is_u64(t->record_len, len, "%s: length of its records", proto_name(p));
	is_u64(t->field_count, fields, "%s: number of its fields", proto_name(p));
	for (uint16_t i = 0; i < t->field_count; i++) {
		const struct tmpl_field *f = &t->fields[i];

		wrong += f->offset < end || f->again != TMPL_NO_FIELD || !f->first || f->scope || f->len == 0;
		for (uint16_t k = 0; k < i; k++)
			wrong += t->fields[k].id == f->id;
		end = f->offset + f->len;
	}
	ok(wrong == 0 && end <= len, "%s: its fields", proto_name(p));
}

static void
test_v5_layout(void)
{
	static const uint16_t elements[] = {8, 12, 15, 10, 14, 2, 1, 22, 21, 7, 11, 6, 4, 5, 16, 17, 9, 13};
	static const uint8_t offsets[] = {
	    0, 4, 8, 12, 14, 16, 20, 24, 28, 32, 34, 37, 38, 39, 40, 42, 44, 45};
	const struct tmpl *t = tmpl_static(PROTO_V5);
	unsigned wrong = 0;

	for (size_t i = 0; i < sizeof(elements) / sizeof(elements[0]); i++)
		wrong += t->fields[i].id != elements[i] || t->fields[i].offset != offsets[i];
	is_u64(wrong, 0, "v5: elements and their places");
	ok(tmpl_static(PROTO_V9) == NULL && tmpl_static(PROTO_V8) == NULL && tmpl_static(PROTO_NONE) == NULL,
	    "others have no built-in template");
}

int
main(void)
{
	for (size_t i = 0; i < 2; i++) {
		test_unusable(both[i]);
		test_many_fields(both[i]);
		test_padding(both[i]);
		test_data_sets(both[i]);
		test_prefixes(both[i]);
		test_canonical(both[i]);
		test_parse(both[i]);
		test_parse_options(both[i]);
	}
	test_scopes();
	test_odd_length();
	test_zeros_are_cheap();
	test_withdrawals();
	test_refusals();
	test_withdrawn();
	test_order();
	test_parse_ipfix();
	test_parse_v9_high();
	test_static(PROTO_V1, 48, 14);
	test_static(PROTO_V5, 48, 18);
	test_static(PROTO_V7, 52, 19);
	test_v5_layout();
	return done_testing();
}
