/* SPDX-License-Identifier: ISC
 *
 * Template definitions: v9 and IPFIX, sound and not; canonical bytes; the parsed form; and the cache.
 */
#include "wire/template.h"

#include "tests/message.h"
#include "tests/tap.h"

static const uint16_t fields[] = {8, 4, 12, 4, 1, 8};
static const uint16_t scoped[] = {1, 4, 34, 4, 35, 1};
static struct stream_key stream;

/* Puts the datagram's definitions into defs; returns how many there are. */
static unsigned
definitions(const uint8_t *bytes, size_t len, struct tmpl_def *defs, unsigned room, enum proto_fault *ret_fault)
{
	struct proto_info info;
	struct tmpl_defs it;
	struct tmpl_def def;
	struct addr exporter = addr_v4(0xc0000201);
	unsigned n = 0;

	*ret_fault = FAULT_NONE;
	if (proto_recognise(bytes, len, &info) != ERR_OK)
		return 0;
	stream = stream_key_of(&exporter, 2055, &info);
	tmpl_defs_init(&it, &stream, &info, bytes, len);
	while (tmpl_defs_next(&it, &def) == ERR_OK) {
		if (n < room)
			defs[n] = def;
		n++;
	}
	*ret_fault = it.fault;
	return n;
}

static void
put_v9(struct buf *b)
{
	message_v9(b, 77, 5);
	message_set(b, 0);
	message_template(b, 256, fields, 3);
	message_template(b, 257, fields, 1);
	message_set_end(b);
	message_set(b, 1);
	message_options_template(b, 258, scoped, 1, 3);
	buf_u16(b, 0); /* padding */
	message_set_end(b);
}

static void
test_v9(struct buf *b)
{
	struct tmpl_def defs[4];
	enum proto_fault fault;
	struct tmpl *t = NULL;

	put_v9(b);
	is_u64(definitions(b->data, b->len, defs, 4, &fault), 3, "three definitions");
	is_u64(fault, FAULT_NONE, "and no fault");
	ok(defs[0].id == 256 && defs[1].id == 257 && defs[2].id == 258, "ids");
	ok(defs[0].kind == TMPL_DATA && defs[2].kind == TMPL_OPTIONS, "kinds");
	ok(defs[0].len == 16 && defs[1].len == 8 && defs[2].len == 18, "lengths");
	ok(defs[0].sequence == 77 && defs[0].uptime_ms == MESSAGE_UPTIME &&
		defs[0].export_time.ns == MESSAGE_SECONDS * NS_PER_SEC,
	    "origin");
	if (ok(tmpl_parse(&defs[0], &t) == ERR_OK, "a data template parses")) {
		ok(t->id == 256 && t->kind == TMPL_DATA && t->field_count == 3 && t->scope_count == 0 && !t->variable,
		    "head");
		is_u64(t->record_len, 16, "length of its records");
		ok(t->fields[2].id == 1 && t->fields[2].len == 8 && t->fields[2].offset == 8 && t->fields[2].pen == 0,
		    "a field");
		tmpl_free(t);
	}
	if (ok(tmpl_parse(&defs[2], &t) == ERR_OK, "an options template parses")) {
		ok(t->kind == TMPL_OPTIONS && t->scope_count == 1 && t->field_count == 3 && t->record_len == 9, "head");
		tmpl_free(t);
	}
}

static void
test_ipfix(struct buf *b)
{
	static const uint16_t with_pen[] = {0x8000 | 100, 4, 0, 25461, 82, 65535, 1, 4};
	struct tmpl_def defs[4];
	enum proto_fault fault;
	struct tmpl *t = NULL;

	message_ipfix(b, 1, 2);
	message_set(b, 2);
	buf_u16(b, 300);
	buf_u16(b, 3);
	message_u16s(b, with_pen, 8);
	buf_u16(b, 301); /* a withdrawal */
	buf_u16(b, 0);
	message_set_end(b);
	message_set(b, 3);
	buf_u16(b, 302);
	buf_u16(b, 2);
	buf_u16(b, 1);
	message_u16s(b, (const uint16_t[]){149, 4, 41, 8}, 4);
	message_set_end(b);
	is_u64(definitions(b->data, b->len, defs, 4, &fault), 3, "IPFIX: three definitions");
	is_u64(fault, FAULT_NONE, "and no fault");
	is_u64(defs[1].kind, TMPL_WITHDRAWN, "a withdrawal is one");
	is_u64(tmpl_parse(&defs[1], &t), ERR_UNKNOWN, "but no template");
	if (ok(tmpl_parse(&defs[0], &t) == ERR_OK, "enterprise and variable fields parse")) {
		ok(t->fields[0].pen == 25461 && t->fields[0].id == 100, "enterprise number");
		ok(t->variable && t->fields[1].len == TMPL_VARIABLE && t->record_len == 9, "variable length");
		tmpl_free(t);
	}
	if (ok(tmpl_parse(&defs[2], &t) == ERR_OK, "options template")) {
		ok(t->scope_count == 1 && t->field_count == 2 && t->kind == TMPL_OPTIONS, "scope");
		tmpl_free(t);
	}
}

/* A lie costs its definition, or its set's rest when the next one cannot be found. */
static void
test_lies(struct buf *b)
{
	static const struct {
		size_t at;
		uint16_t value;
		unsigned left; /* definitions that are still found */
		const char *what;
	} lies[] = {
	    {24, 255, 2, "an id of a reserved set"},
	    {26, 0, 1, "no fields"},
	    {26, 9, 1, "more fields than there are bytes"},
	    {26, 65535, 1, "far more"},
	};
	struct tmpl_def defs[4];
	enum proto_fault fault;

	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		put_v9(b);
		message_put_u16(b, lies[i].at, lies[i].value);
		is_u64(definitions(b->data, b->len, defs, 4, &fault), lies[i].left, "%s", lies[i].what);
		is_u64(fault, FAULT_TEMPLATE, "is a fault");
		is_u64(defs[lies[i].left - 1].id, 258, "and costs no other set");
	}
	put_v9(b);
	for (size_t at = 30; at < 42; at += 4)
		message_put_u16(b, at, 0);
	ok(definitions(b->data, b->len, defs, 4, &fault) == 2 && defs[0].id == 257 && fault == FAULT_TEMPLATE,
	    "records of length 0");
	put_v9(b);
	message_put_u16(b, 48 + 4 + 2, 3);
	ok(definitions(b->data, b->len, defs, 4, &fault) == 2 && fault == FAULT_TEMPLATE, "a scope of three quarters");
	put_v9(b);
	message_put_u16(b, 20 + 2, 0);
	ok(definitions(b->data, b->len, defs, 4, &fault) == 0 && fault == FAULT_SET_LENGTH, "a set of length 0");
}

static void
test_prefixes(struct buf *b)
{
	unsigned bad = 0;

	put_v9(b);
	for (size_t len = 2; len < b->len; len++) {
		uint8_t *cut = malloc(len);
		struct tmpl_def defs[4];
		enum proto_fault fault;
		/* sets are taken whole: 28 bytes with two definitions, then one of 24 */
		unsigned n = 0, want = len < 20 + 28 ? 0 : 2;

		memcpy(cut, b->data, len);
		n = definitions(cut, len, defs, 4, &fault);
		bad += n != want;
		free(cut);
	}
	is_u64(bad, 0, "every prefix gives the definitions of the whole sets in it");
}

static void
test_canonical(struct buf *b)
{
	struct tmpl_def defs[4], again;
	enum proto_fault fault;
	struct buf out = BUF_INIT, twice = BUF_INIT;
	struct tmpl *t;
	struct rd r;
	unsigned bad = 0;

	put_v9(b);
	(void)definitions(b->data, b->len, defs, 4, &fault);
	tmpl_def_write(&out, &defs[2]);
	r = rd_init(out.data, out.len);
	if (ok(tmpl_def_read(&r, &again) == ERR_OK && rd_left(&r) == 0, "canonical bytes read back")) {
		tmpl_def_write(&twice, &again);
		ok(out.len == twice.len && memcmp(out.data, twice.data, out.len) == 0, "and are written the same");
		ok(tmpl_parse(&again, &t) == ERR_OK && t->scope_count == 1, "and parse the same");
		tmpl_free(t);
	}
	for (size_t len = 0; len < out.len; len++) {
		uint8_t *cut = malloc(len > 0 ? len : 1);

		memcpy(cut, out.data, len);
		r = rd_init(cut, len);
		bad += tmpl_def_read(&r, &again) != ERR_CUT;
		free(cut);
	}
	is_u64(bad, 0, "no prefix is a definition");
	/* Bytes that lie are refused when parsed, not before: archives keep what they were given. */
	bad = 0;
	for (size_t i = 0; i < out.len; i++) {
		uint8_t *copy = malloc(out.len);

		memcpy(copy, out.data, out.len);
		copy[i] ^= 0xff;
		r = rd_init(copy, out.len);
		if (tmpl_def_read(&r, &again) == ERR_OK && tmpl_parse(&again, &t) == ERR_OK) {
			bad += t->record_len == 0 || t->field_count == 0 || t->scope_count > t->field_count;
			tmpl_free(t);
		}
		free(copy);
	}
	is_u64(bad, 0, "with any byte changed: refused, or sound");
	buf_clear(&out);
	buf_clear(&twice);
}

static struct tmpl_cache *cache;
static char seen[256];

static enum err
note(void *ctx, const struct tmpl_def *def)
{
	size_t at = strlen(seen);

	(void)ctx;
	(void)snprintf(seen + at, sizeof(seen) - at, "%u/%u@%u ", def->stream.domain, def->id, def->sequence);
	return ERR_OK;
}

static enum err
stop(void *ctx, const struct tmpl_def *def)
{
	(void)def;
	++*(unsigned *)ctx;
	return ERR_LIMIT;
}

static const char *
held(void)
{
	seen[0] = '\0';
	if (tmpl_cache_each(cache, note, NULL) != ERR_OK)
		return "error";
	return seen;
}

static void
learn(struct buf *b, uint32_t domain, uint16_t id, uint16_t count, uint32_t sequence)
{
	struct proto_info info;
	struct addr exporter = addr_v4(0xc0000201);
	struct stream_key key;

	message_v9(b, sequence, domain);
	message_set(b, 0);
	message_template(b, id, fields, count);
	message_set_end(b);
	if (proto_recognise(b->data, b->len, &info) != ERR_OK)
		return;
	key = stream_key_of(&exporter, 2055, &info);
	if (tmpl_cache_learn(cache, &key, &info, b->data, b->len) != ERR_OK)
		fprintf(stderr, "not learnt\n");
}

static void
test_cache(struct buf *b)
{
	struct tmpl_cache_limits limits = {.streams = 3, .templates = 2};
	const struct tmpl_cache_counters *c;
	unsigned calls = 0;

	cache = tmpl_cache_new(&limits);
	if (!ok(cache != NULL, "a cache"))
		return;
	c = tmpl_cache_counters(cache);
	is_text(held(), "", "it is empty");
	learn(b, 2, 300, 1, 1);
	learn(b, 1, 257, 1, 2);
	learn(b, 1, 256, 1, 3);
	is_text(held(), "1/256@3 1/257@2 2/300@1 ", "by stream, then id");
	learn(b, 1, 257, 1, 50);
	is_text(held(), "1/256@3 1/257@2 2/300@1 ", "what is repeated keeps its origin");
	is_u64(c->definitions, 3, "and is not counted");
	learn(b, 1, 257, 2, 51);
	is_text(held(), "1/256@3 1/257@51 2/300@1 ", "what is changed takes the place");
	learn(b, 1, 258, 1, 52);
	is_text(held(), "1/257@51 1/258@52 2/300@1 ", "of a stream's templates the one defined longest ago is evicted");
	is_u64(c->evicted_templates, 1, "which is counted");
	learn(b, 3, 256, 1, 60);
	learn(b, 2, 300, 1, 61); /* uses stream 2: the oldest is now 1 */
	learn(b, 4, 256, 1, 62);
	is_text(held(), "2/300@1 3/256@60 4/256@62 ", "the stream that was used longest ago is evicted");
	is_u64(c->evicted_streams, 1, "which is counted");
	is_u64(tmpl_cache_each(cache, stop, &calls), ERR_LIMIT, "the callback's error is returned");
	is_u64(calls, 1, "at once");
	for (uint32_t i = 0; i < 1000; i++)
		learn(b, i % 7, (uint16_t)(256 + i % 5), (uint16_t)(1 + i % 3), i);
	ok(strlen(held()) > 0 && c->evicted_streams > 100, "limits hold under a flood");
	tmpl_cache_free(cache);
	tmpl_cache_free(NULL);
}

/* A snapshot loaded into another cache gives the same snapshot. */
static struct tmpl_cache *copy;

static enum err
put(void *ctx, const struct tmpl_def *def)
{
	(void)ctx;
	return tmpl_cache_put(copy, def);
}

static void
test_snapshot(struct buf *b)
{
	struct tmpl_cache_limits limits = {.streams = 8, .templates = 8};
	char first[sizeof(seen)];

	cache = tmpl_cache_new(&limits);
	copy = tmpl_cache_new(&limits);
	for (uint32_t i = 0; i < 9; i++)
		learn(b, i % 3, (uint16_t)(300 - i), 2, i);
	memcpy(first, held(), sizeof(first));
	ok(tmpl_cache_each(cache, put, NULL) == ERR_OK, "a snapshot loads");
	tmpl_cache_free(cache);
	cache = copy;
	is_text(held(), first, "and is the same when taken again");
	tmpl_cache_free(cache);
}

int
main(void)
{
	struct buf b = BUF_INIT;

	test_v9(&b);
	test_ipfix(&b);
	test_lies(&b);
	test_prefixes(&b);
	test_canonical(&b);
	test_cache(&b);
	test_snapshot(&b);
	buf_clear(&b);
	return done_testing();
}
