/* SPDX-License-Identifier: ISC
 *
 * The cache of templates: what it keeps, in which order it gives it, and what goes when a limit is met.
 */
#include "tests/tap.h"
#include "tests/unit/wire/build-export.h"
#include "wire/template.h"

static struct tmpl_cache *
new_cache(uint32_t streams, uint32_t templates, size_t bytes)
{
	const struct tmpl_cache_limits limits = {.streams = streams, .templates = templates, .bytes = bytes};
	struct tmpl_cache *c = tmpl_cache_new(&limits);

	if (c == NULL)
		abort();
	return c;
}

static struct stream_key
key_of(uint32_t domain)
{
	return (struct stream_key){
	    .exporter = addr_v4(0xc0000201), .port = 2055, .proto = PROTO_V9, .domain = domain};
}

/* Defines template id of the stream with this domain: `fields` fields of 4 bytes. */
static enum err
define(struct tmpl_cache *c, uint32_t domain, uint16_t id, uint16_t fields, uint32_t sequence)
{
	struct buf b = BUF_INIT;
	struct tmpl_def def = {.stream = key_of(domain), .id = id, .kind = TMPL_DATA, .sequence = sequence};
	enum err e;

	buf_u16(&b, id);
	buf_u16(&b, fields);
	for (uint16_t i = 0; i < fields; i++) {
		buf_u16(&b, (uint16_t)(i + 1));
		buf_u16(&b, 4);
	}
	def.bytes = b.data;
	def.len = (uint16_t)b.len;
	e = tmpl_cache_put(c, &def);
	buf_clear(&b);
	return e;
}

static enum err
note(void *ctx, const struct tmpl_def *def)
{
	struct buf *b = ctx;

	buf_printf(b, "%s%u:%u", b->len > 0 ? " " : "", def->stream.domain, def->id);
	return ERR_OK;
}

static void
holds(struct tmpl_cache *c, const char *want, const char *what)
{
	struct buf b = BUF_INIT;
	enum err e = tmpl_cache_each(c, note, &b);

	buf_u8(&b, 0);
	if (ok(e == ERR_OK && buf_ok(&b), "%s: walked", what))
		is_text((const char *)b.data, want, "%s", what);
	buf_clear(&b);
}

static uint32_t sequence_of(struct tmpl_cache *c, uint32_t domain, uint16_t id);

struct wanted {
	uint32_t domain, sequence;
	uint16_t id;
};

static enum err
find(void *ctx, const struct tmpl_def *def)
{
	struct wanted *w = ctx;

	if (def->stream.domain != w->domain || def->id != w->id)
		return ERR_OK;
	w->sequence = def->sequence;
	return ERR_CONFLICT; /* ends the walk */
}

static uint32_t
sequence_of(struct tmpl_cache *c, uint32_t domain, uint16_t id)
{
	struct wanted w = {.domain = domain, .id = id};

	return tmpl_cache_each(c, find, &w) == ERR_CONFLICT ? w.sequence : 0;
}

static void
test_order(void)
{
	static const uint32_t domains[] = {5, 1, 9, 0, 300, 7};
	struct tmpl_cache *c = new_cache(16, 16, 0);
	unsigned failed = 0;

	for (size_t i = 0; i < sizeof(domains) / sizeof(domains[0]); i++) {
		failed += define(c, domains[i], 300, 1, 1) != ERR_OK;
		failed += define(c, domains[i], 256, 1, 1) != ERR_OK;
	}
	is_u64(failed, 0, "definitions are taken");
	holds(c, "0:256 0:300 1:256 1:300 5:256 5:300 7:256 7:300 9:256 9:300 300:256 300:300",
	    "by stream, then id");
	tmpl_cache_free(c);
	tmpl_cache_free(NULL);
}

static enum err
refuse_second(void *ctx, const struct tmpl_def *def)
{
	unsigned *calls = ctx;

	(void)def;
	return ++*calls == 2 ? ERR_LIMIT : ERR_OK;
}

static enum err
put(void *ctx, const struct tmpl_def *def)
{
	return tmpl_cache_put(ctx, def);
}

/* What a snapshot holds, loaded into an empty cache, is the same snapshot. */
static void
test_snapshot(void)
{
	struct tmpl_cache *c = new_cache(4, 4, 0), *copy = new_cache(4, 4, 0);
	unsigned failed = 0, calls = 0;

	holds(c, "", "an empty cache");
	for (uint16_t i = 0; i < 4; i++)
		failed += define(c, 9U - i, (uint16_t)(260 - i), (uint16_t)(i + 1), 7U + i) != ERR_OK;
	ok(failed == 0 && tmpl_cache_each(c, refuse_second, &calls) == ERR_LIMIT,
	    "the callback's error is returned");
	is_u64(calls, 2, "at once");
	ok(tmpl_cache_each(c, put, copy) == ERR_OK, "a snapshot loads");
	holds(copy, "6:257 7:258 8:259 9:260", "and holds what was saved");
	is_u64(sequence_of(copy, 6, 257), 10, "with its origin");
	tmpl_cache_free(c);
	tmpl_cache_free(copy);
}

static void
test_repeats(void)
{
	struct tmpl_cache *c = new_cache(4, 4, 0);
	const struct tmpl *t;
	struct stream_key key = key_of(1);

	ok(define(c, 1, 256, 2, 10) == ERR_OK && define(c, 1, 256, 2, 11) == ERR_OK, "repeated");
	is_u64(sequence_of(c, 1, 256), 10, "keeps its first origin");
	is_u64(tmpl_cache_counters(c)->definitions, 1, "and counts once");
	t = tmpl_cache_get(c, &key, 256);
	ok(t != NULL && t->field_count == 2, "parsed when asked for");
	ok(tmpl_cache_get(c, &key, 256) == t, "and kept");
	ok(define(c, 1, 256, 3, 12) == ERR_OK, "changed");
	is_u64(sequence_of(c, 1, 256), 12, "has the new origin");
	t = tmpl_cache_get(c, &key, 256);
	ok(t != NULL && t->field_count == 3, "and the new fields");
	ok(tmpl_cache_get(c, &key, 257) == NULL, "an id that is not held");
	key.domain++;
	ok(tmpl_cache_get(c, &key, 256) == NULL, "a stream that is not held");
	is_u64(sequence_of(c, 1, 256), 12, "looking changes nothing");
	tmpl_cache_free(c);
}

static void
test_learn(void)
{
	struct tmpl_cache *c = new_cache(4, 4, 0);
	struct export x = export_new(PROTO_IPFIX);
	struct proto_info info;
	struct stream_key key;

	export_template(&x, 256, FIELDS({8, 4, 0}));
	export_template(&x, 257, FIELDS({8, 4, 0}));
	export_withdrawal(&x, 2, 256);
	export_withdrawal(&x, 2, 2);
	export_end(&x);
	info = export_info(&x);
	key = export_key(&x);
	ok(tmpl_cache_learn(c, &key, &info, x.bytes.data, x.bytes.len) == ERR_OK, "a datagram is learnt");
	holds(c, "258:256 258:257", "withdrawals change nothing");
	is_u64(tmpl_cache_counters(c)->ignored_withdrawals, 2, "but are counted");
	export_lie(&x, PLACE_SET_LENGTH, 0);
	ok(tmpl_cache_learn(c, &key, &info, x.bytes.data, x.bytes.len) == ERR_OK, "so is one with a fault");
	tmpl_cache_free(c);
	export_free(&x);
}

/* What does not bring a definition makes no stream. */
static void
test_no_definitions(void)
{
	struct tmpl_cache *c = new_cache(1, 4, 0);
	struct export x = export_new(PROTO_V9);
	struct proto_info info;
	struct stream_key key;

	ok(define(c, 1, 256, 1, 1) == ERR_OK, "the only stream");
	export_template(&x, 255, FIELDS({8, 4, 0}));
	export_data(&x, 256, 2, 8);
	export_end(&x);
	info = export_info(&x);
	key = export_key(&x);
	ok(tmpl_cache_learn(c, &key, &info, x.bytes.data, x.bytes.len) == ERR_OK,
	    "a datagram without definitions");
	holds(c, "1:256", "does not push it out");
	tmpl_cache_free(c);
	export_free(&x);
}

static void
test_streams_limit(void)
{
	struct tmpl_cache *c = new_cache(3, 4, 0);
	unsigned failed = 0;

	failed += define(c, 1, 256, 1, 1) != ERR_OK;
	failed += define(c, 2, 256, 1, 1) != ERR_OK;
	failed += define(c, 3, 256, 1, 1) != ERR_OK;
	failed += define(c, 1, 256, 1, 1) != ERR_OK; /* a sign of life */
	failed += define(c, 4, 256, 1, 1) != ERR_OK;
	is_u64(failed, 0, "four streams where three fit");
	holds(c, "1:256 3:256 4:256", "the one defined longest ago goes");
	for (uint32_t i = 0; i < 1000; i++)
		failed += define(c, 1000 + i, 256, 1, 1) != ERR_OK;
	is_u64(failed, 0, "a flood of streams");
	holds(c, "1997:256 1998:256 1999:256", "the last ones stay");
	is_u64(tmpl_cache_counters(c)->evicted_streams, 1001, "each eviction is counted");
	tmpl_cache_free(c);
}

static void
test_templates_limit(void)
{
	struct tmpl_cache *c = new_cache(2, 3, 0);
	unsigned failed = 0;

	failed += define(c, 1, 258, 1, 1) != ERR_OK;
	failed += define(c, 1, 257, 1, 1) != ERR_OK;
	failed += define(c, 1, 256, 1, 1) != ERR_OK;
	failed += define(c, 1, 258, 1, 1) != ERR_OK; /* repeated */
	failed += define(c, 1, 300, 1, 1) != ERR_OK;
	is_u64(failed, 0, "four templates where three fit");
	holds(c, "1:256 1:258 1:300", "the one defined longest ago goes");
	failed += define(c, 1, 256, 2, 1) != ERR_OK;
	holds(c, "1:256 1:258 1:300", "a changed one takes its own place");
	for (uint16_t i = 0; i < 500; i++)
		failed += define(c, 1, (uint16_t)(1000 + i), 1, 1) != ERR_OK;
	is_u64(failed, 0, "a flood of templates");
	holds(c, "1:1497 1:1498 1:1499", "the last ones stay");
	is_u64(tmpl_cache_counters(c)->evicted_templates, 501, "each eviction is counted");
	tmpl_cache_free(c);
}

/* A definition of n fields has 4 + 4 n bytes, and costs so many more. */
static void
test_bytes_limit(void)
{
	struct tmpl_cache *c = new_cache(8, 8, 3 * TMPL_CACHE_DEF_COST + 100);
	const uint16_t all = (2 * TMPL_CACHE_DEF_COST + 100 - 4) / 4; /* fields of one that leaves no room */
	unsigned failed = 0;

	failed += define(c, 1, 256, 9, 1) != ERR_OK;
	failed += define(c, 2, 256, 9, 1) != ERR_OK;
	failed += define(c, 2, 257, 4, 1) != ERR_OK;
	holds(c, "1:256 2:256 2:257", "just what fits");
	failed += define(c, 2, 258, 1, 1) != ERR_OK;
	holds(c, "2:256 2:257 2:258", "another stream goes first");
	failed += define(c, 2, 259, 10, 1) != ERR_OK;
	holds(c, "2:257 2:258 2:259", "then what the stream itself defined longest ago");
	failed += define(c, 2, 260, all, 1) != ERR_OK;
	holds(c, "2:260", "one that fills all");
	failed += define(c, 3, 256, all + 1, 1) != ERR_OK;
	is_u64(tmpl_cache_counters(c)->refused_templates, 1, "one that is longer is refused, and counted");
	failed += define(c, 3, 256, 1, 1) != ERR_OK;
	holds(c, "3:256", "and nothing is stuck");
	is_u64(failed, 0, "none of it is an error");
	tmpl_cache_free(c);
}

static void
test_no_room(void)
{
	struct tmpl_cache *c = new_cache(0, 4, 0);

	ok(define(c, 1, 256, 1, 1) == ERR_LIMIT, "no streams allowed");
	holds(c, "", "nothing held");
	tmpl_cache_free(c);
	c = new_cache(4, 0, 0);
	ok(define(c, 1, 256, 1, 1) == ERR_LIMIT, "no templates allowed");
	tmpl_cache_free(c);
}

/* flowd lost state with 129 exporters, 65 source ids, 9 templates of one source. */
static void
test_what_flowd_lost(void)
{
	struct tmpl_cache *c = new_cache(1024, 64, 0);
	unsigned failed = 0, lost = 0;

	for (int round = 0; round < 2; round++) {
		for (uint32_t domain = 0; domain < 130; domain++) {
			for (uint16_t id = 256; id < 256 + 10; id++)
				failed += define(c, domain, id, 3, 1) != ERR_OK;
		}
	}
	for (uint32_t domain = 0; domain < 130; domain++) {
		struct stream_key key = key_of(domain);

		for (uint16_t id = 256; id < 256 + 10; id++)
			lost += tmpl_cache_get(c, &key, id) == NULL;
	}
	is_u64(failed + lost, 0, "130 sources of 10 templates are all held");
	is_u64(tmpl_cache_counters(c)->definitions, 1300, "each of them once");
	tmpl_cache_free(c);
}

/* --- a guard --- */

/* Exporters by the last byte of their address: each has an account, those below `kept` are kept. */
static struct {
	uint8_t kept;
	uint64_t life; /* accounts are named after it, too */
	size_t share, charged[256];
	unsigned permits;
} world;

static uint64_t
world_owner(void *ctx, const struct addr *exporter)
{
	(void)ctx;
	return world.life << 32 | (exporter->b[15] + 1u);
}

static bool
world_keeps(void *ctx, uint64_t owner)
{
	(void)ctx;
	return owner >> 32 == world.life && (uint32_t)owner <= world.kept;
}

static bool
world_charge(void *ctx, uint64_t owner, size_t bytes)
{
	(void)ctx;
	if (owner >> 32 != world.life || world.charged[(uint8_t)(owner - 1)] + bytes > world.share)
		return false;
	world.charged[(uint8_t)(owner - 1)] += bytes;
	return true;
}

static void
world_discharge(void *ctx, uint64_t owner, size_t bytes)
{
	(void)ctx;
	if (owner >> 32 == world.life)
		world.charged[(uint8_t)(owner - 1)] -= bytes;
}

static bool
world_permits(void *ctx, const struct addr *exporter)
{
	(void)ctx;
	(void)exporter;
	if (world.permits == 0)
		return false;
	world.permits--;
	return true;
}

static struct tmpl_cache *
new_guarded(uint32_t streams, size_t bytes, uint8_t kept, size_t share)
{
	const struct tmpl_cache_limits limits = {
	    .streams = streams,
	    .templates = 8,
	    .bytes = bytes,
	    .seed = 99,
	    .guard = {.owner = world_owner,
		.keeps = world_keeps,
		.charge = world_charge,
		.discharge = world_discharge,
		.permits = world_permits},
	};
	struct tmpl_cache *c = tmpl_cache_new(&limits);

	if (c == NULL)
		abort();
	memset(&world, 0, sizeof(world));
	world.kept = kept;
	world.share = share;
	world.permits = UINT32_MAX;
	return c;
}

/* Defines a template of one field for the exporter with this last byte. */
static enum err
define_by(struct tmpl_cache *c, uint8_t exporter, uint32_t domain, uint16_t id, uint16_t element)
{
	const uint8_t bytes[] = {
	    (uint8_t)(id >> 8), (uint8_t)id, 0, 1, (uint8_t)(element >> 8), (uint8_t)element, 0, 4};
	struct tmpl_def def = {
	    .stream = key_of(domain), .id = id, .kind = TMPL_DATA, .bytes = bytes, .len = sizeof(bytes)};

	def.stream.exporter = addr_v4(0xc0000200u + exporter);
	return tmpl_cache_put(c, &def);
}

#define ONE (TMPL_CACHE_DEF_COST + 8) /* what such a definition costs */

static void
test_kept_streams(void)
{
	struct tmpl_cache *c = new_guarded(8, 0, 2, 1 << 20);
	unsigned failed = 0;
	size_t charged = 0;

	failed += define_by(c, 0, 1, 256, 1) != ERR_OK;
	failed += define_by(c, 1, 2, 256, 1) != ERR_OK;
	for (uint32_t i = 0; i < 10000; i++)
		failed += define_by(c, (uint8_t)(2 + i % 250), 1000 + i, 256, 1) != ERR_OK;
	is_u64(failed, 0, "a flood of streams");
	holds(c, "1:256 2:256 10994:256 10995:256 10996:256 10997:256 10998:256 10999:256",
	    "pushes out none that is kept");
	is_u64(world.charged[0], TMPL_CACHE_STREAM_CHARGE + ONE, "what is kept stands on its account");
	for (unsigned i = 0; i < 256; i++)
		charged += world.charged[i];
	is_u64(charged, 8 * (TMPL_CACHE_STREAM_CHARGE + ONE), "and what was evicted does not");

	world.kept = 255;
	ok(define_by(c, 9, 9, 256, 1) == ERR_LIMIT, "when all are kept a new stream has no place");
	is_u64(tmpl_cache_counters(c)->refused_templates, 1, "and is counted");
	ok(define_by(c, 1, 2, 256, 7) == ERR_OK, "those that are kept may change");
	world.kept = 1;
	ok(define_by(c, 9, 9, 256, 1) == ERR_OK, "when some are not kept any more");
	holds(c, "1:256 2:256 9:256 10995:256 10996:256 10997:256 10998:256 10999:256",
	    "the one among them that was defined longest ago goes");
	tmpl_cache_free(c);
}

/* An exporter may be kept only later, or be another one meanwhile, for the guard. */
static void
test_kept_later(void)
{
	struct tmpl_cache *c = new_guarded(4, 0, 0, 1 << 20);

	ok(define_by(c, 0, 1, 256, 1) == ERR_OK, "defined while nobody is kept");
	world.life++;
	memset(world.charged, 0, sizeof(world.charged));
	world.kept = 1;
	for (uint32_t i = 0; i < 100; i++)
		(void)!define_by(c, (uint8_t)(1 + i % 200), 1000 + i, 256, 1);
	holds(c, "1:256 1097:256 1098:256 1099:256", "it is kept without being defined again");
	is_u64(world.charged[0], TMPL_CACHE_STREAM_CHARGE + ONE, "and stands on the new account");
	tmpl_cache_free(c);
}

static void
test_share(void)
{
	struct tmpl_cache *c = new_guarded(8, 0, 1, 2 * TMPL_CACHE_STREAM_CHARGE + 3 * ONE);

	(void)!define_by(c, 0, 1, 256, 1);
	(void)!define_by(c, 0, 2, 256, 1);
	(void)!define_by(c, 0, 3, 256, 1); /* more than its share */
	for (uint32_t i = 0; i < 100; i++)
		(void)!define_by(c, (uint8_t)(1 + i % 200), 1000 + i, 256, 1);
	holds(c, "1:256 2:256 1094:256 1095:256 1096:256 1097:256 1098:256 1099:256",
	    "an exporter keeps its share, and no more");
	(void)!define_by(c, 0, 1, 257, 1);
	(void)!define_by(
	    c, 0, 2, 257, 1); /* more than its share: the stream stands on no account from now on */
	for (uint32_t i = 0; i < 100; i++)
		(void)!define_by(c, (uint8_t)(1 + i % 200), 2000 + i, 256, 1);
	holds(c, "1:256 1:257 2093:256 2094:256 2095:256 2096:256 2097:256 2098:256 2099:256",
	    "also where a stream grows beyond it");
	is_u64(world.charged[0], TMPL_CACHE_STREAM_CHARGE + 2 * ONE, "its account is right");
	tmpl_cache_free(c);
}

static void
test_kept_bytes(void)
{
	struct tmpl_cache *c = new_guarded(1000, 100 * ONE, 10, 1 << 20);
	uint64_t refused;

	for (uint8_t i = 0; i < 10; i++) {
		for (uint16_t id = 256; id < 262; id++)
			(void)!define_by(c, i, i, id, 1);
	}
	for (uint32_t i = 0; i < 1000; i++)
		(void)!define_by(c, (uint8_t)(10 + i % 200), 1000 + i, 256, 1);
	is_u64(tmpl_cache_counters(c)->evicted_streams, 1000 - 40, "newcomers share the bytes that are left");
	for (uint16_t id = 256; id < 264; id++)
		(void)!define_by(c, 10, 77, id, 1);
	is_u64(tmpl_cache_counters(c)->evicted_streams, 1000 - 40 + 6, "one of them pushes out others");
	is_u64(tmpl_cache_counters(c)->evicted_templates, 2, "up to its part, then what is its own");
	refused = tmpl_cache_counters(c)->refused_templates;
	world.permits = 2;
	for (uint16_t id = 300; id < 310; id++)
		(void)!define_by(c, 11, 78, id, 1);
	(void)!define_by(c, 12, 79, 256, 1);
	is_u64(tmpl_cache_counters(c)->refused_templates - refused, 9, "only so many are permitted");
	is_u64(sequence_of(c, 79, 256), 0, "and make no stream");
	for (uint8_t i = 0; i < 10; i++) {
		for (uint16_t id = 256; id < 262; id++)
			(void)!define_by(c, i, i, id, 1);
	}
	is_u64(tmpl_cache_counters(c)->refused_templates - refused, 9, "repeating needs no permission");
	tmpl_cache_free(c);
}

/* A template for the same domain from another address or port is another stream's. */
static void
test_poison(enum proto proto)
{
	struct tmpl_cache *c = new_cache(16, 16, 0);
	struct export x = export_new(proto), lie = export_new(proto);
	struct proto_info info, lie_info;
	struct stream_key key, other;
	const struct tmpl *t;

	export_template(&x, 300, FIELDS({8, 4, 0}, {12, 4, 0}));
	export_end(&x);
	export_template(&lie, 300, FIELDS({1, 8, 0}));
	export_end(&lie);
	info = export_info(&x);
	lie_info = export_info(&lie);
	key = other = export_key(&x);
	ok(tmpl_cache_learn(c, &key, &info, x.bytes.data, x.bytes.len) == ERR_OK, "%s: a template",
	    proto_name(proto));
	other.port++;
	ok(tmpl_cache_learn(c, &other, &lie_info, lie.bytes.data, lie.bytes.len) == ERR_OK,
	    "%s: another one with its domain and id, from another port", proto_name(proto));
	other.port--;
	other.exporter.b[15]++;
	ok(tmpl_cache_learn(c, &other, &lie_info, lie.bytes.data, lie.bytes.len) == ERR_OK,
	    "%s: from another address", proto_name(proto));
	t = tmpl_cache_get(c, &key, 300);
	ok(t != NULL && t->field_count == 2, "%s: the stream's own stays", proto_name(proto));
	t = tmpl_cache_get(c, &other, 300);
	ok(t != NULL && t->field_count == 1, "%s: the other has its own", proto_name(proto));
	tmpl_cache_free(c);
	export_free(&x);
	export_free(&lie);
}

int
main(void)
{
	test_order();
	test_snapshot();
	test_repeats();
	test_learn();
	test_no_definitions();
	test_streams_limit();
	test_templates_limit();
	test_bytes_limit();
	test_no_room();
	test_what_flowd_lost();
	test_kept_streams();
	test_kept_later();
	test_share();
	test_kept_bytes();
	test_poison(PROTO_V9);
	test_poison(PROTO_IPFIX);
	return done_testing();
}
