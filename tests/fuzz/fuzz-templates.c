/* SPDX-License-Identifier: ISC
 *
 * The cache of templates over a sequence of datagrams, against a model that holds the same definitions in plain
 * arrays and searches them. The first byte tells the limits; then come datagrams, each
 *
 *	a byte: bit 0 IPFIX, else v9; bits 1 and 2 the domain; bit 3 the port; bit 7 the node is started again
 *	two bytes: the length of its sets
 *	its sets
 *
 * After each datagram the cache has what the model has, and counts alike. Started again, a node knows what its
 * snapshot holds, and the datagram is decoded as before.
 */
#include <string.h>

#include "base/buf.h"
#include "base/rd.h"
#include "flow/decode.h"
#include "flow/flow.h"
#include "tests/fuzz/datagram.h"
#include "tests/fuzz/target.h"

#define STREAMS_MOST 3
#define TEMPLATES_MOST 7
#define DATAGRAMS_MOST 64
#define KINDS 16 /* of streams */

struct known {
	struct tmpl_def def; /* its bytes are owned */
	uint64_t told;       /* when last */
};

struct known_stream {
	struct stream_key key;
	uint64_t told;
	unsigned count;
	struct known defs[TEMPLATES_MOST];
};

struct model {
	struct tmpl_cache_limits limits;
	struct tmpl_cache_counters counters;
	uint64_t now;
	unsigned count;
	struct known_stream streams[STREAMS_MOST];
};

static size_t
cost(const struct tmpl_def *def)
{
	return (size_t)TMPL_CACHE_DEF_COST + def->len;
}

static size_t
model_bytes(const struct model *m)
{
	size_t sum = 0;

	for (unsigned i = 0; i < m->count; i++) {
		for (unsigned k = 0; k < m->streams[i].count; k++)
			sum += cost(&m->streams[i].defs[k].def);
	}
	return sum;
}

static void
drop_def(struct known_stream *s, unsigned at)
{
	free((void *)(uintptr_t)s->defs[at].def.bytes);
	s->defs[at] = s->defs[--s->count];
}

static void
drop_oldest_def(struct model *m, struct known_stream *s)
{
	unsigned oldest = 0;

	for (unsigned i = 1; i < s->count; i++) {
		if (s->defs[i].told < s->defs[oldest].told)
			oldest = i;
	}
	drop_def(s, oldest);
	m->counters.evicted_templates++;
}

/* Moves the last stream to its place. */
static void
drop_oldest_stream(struct model *m)
{
	unsigned oldest = 0;

	for (unsigned i = 1; i < m->count; i++) {
		if (m->streams[i].told < m->streams[oldest].told)
			oldest = i;
	}
	while (m->streams[oldest].count > 0)
		drop_def(&m->streams[oldest], 0);
	m->streams[oldest] = m->streams[--m->count];
	m->counters.evicted_streams++;
}

static struct known_stream *
model_stream(struct model *m, const struct stream_key *key)
{
	for (unsigned i = 0; i < m->count; i++) {
		if (stream_key_cmp(&m->streams[i].key, key) == 0)
			return &m->streams[i];
	}
	return NULL;
}

static struct known *
model_def(struct model *m, const struct stream_key *key, uint16_t id)
{
	struct known_stream *s = model_stream(m, key);

	for (unsigned i = 0; s != NULL && i < s->count; i++) {
		if (s->defs[i].def.id == id)
			return &s->defs[i];
	}
	return NULL;
}

static void
model_insert(struct model *m, const struct tmpl_def *def)
{
	struct known_stream *s = model_stream(m, &def->stream);
	uint8_t *bytes = malloc(def->len);

	must(bytes != NULL);
	memcpy(bytes, def->bytes, def->len);
	while (s->count >= m->limits.templates)
		drop_oldest_def(m, s);
	while (model_bytes(m) + cost(def) > m->limits.bytes) {
		if (m->count > 1)
			drop_oldest_stream(m);
		else
			drop_oldest_def(m, s);
		s = model_stream(m, &def->stream);
	}
	s->defs[s->count] = (struct known){.def = *def, .told = ++m->now};
	s->defs[s->count++].def.bytes = bytes;
	m->counters.definitions++;
}

static enum err
model_take(struct model *m, const struct tmpl_def *def)
{
	struct known_stream *s;
	struct known *old;

	if (def->kind == TMPL_WITHDRAWN) {
		m->counters.ignored_withdrawals++;
		return ERR_OK;
	}
	if (m->limits.streams == 0 || m->limits.templates == 0)
		return ERR_LIMIT;
	s = model_stream(m, &def->stream);
	if (s == NULL) {
		if (m->count == m->limits.streams)
			drop_oldest_stream(m);
		s = &m->streams[m->count++];
		*s = (struct known_stream){.key = def->stream};
	}
	s->told = ++m->now;
	old = model_def(m, &def->stream, def->id);
	if (old != NULL && old->def.kind == def->kind && old->def.len == def->len &&
	    memcmp(old->def.bytes, def->bytes, def->len) == 0) {
		old->told = ++m->now;
		return ERR_OK;
	}
	if (cost(def) > m->limits.bytes) {
		m->counters.refused_templates++;
		return ERR_OK;
	}
	if (old != NULL)
		drop_def(s, (unsigned)(old - s->defs));
	model_insert(m, def);
	return ERR_OK;
}

static void
model_clear(struct model *m)
{
	for (unsigned i = 0; i < m->count; i++) {
		while (m->streams[i].count > 0)
			drop_def(&m->streams[i], 0);
	}
}

/* What is known, in the order of tmpl_cache_each. */
struct listing {
	const struct tmpl_def *defs[STREAMS_MOST * TEMPLATES_MOST];
	size_t count;
	size_t at; /* of the walk */
};

static int
by_def(const void *a, const void *b)
{
	const struct tmpl_def *const *da = a, *const *db = b;

	return tmpl_def_cmp(*da, *db);
}

static void
list(const struct model *m, struct listing *ret)
{
	struct listing l = {.count = 0};

	for (unsigned i = 0; i < m->count; i++) {
		for (unsigned k = 0; k < m->streams[i].count; k++)
			l.defs[l.count++] = &m->streams[i].defs[k].def;
	}
	if (l.count > 0)
		qsort(l.defs, l.count, sizeof(l.defs[0]), by_def);
	*ret = l;
}

static enum err
expect(void *ctx, const struct tmpl_def *def)
{
	struct listing *l = ctx;

	must(l->at < l->count && tmpl_def_cmp(def, l->defs[l->at]) == 0);
	l->at++;
	return fuzz_definition(NULL, def);
}

static struct stream_key
key_of(unsigned kind)
{
	return (struct stream_key){
	    .exporter = addr_v4(0xc0000201),
	    .domain = kind >> 1 & 3,
	    .port = (uint16_t)(2055 + (kind >> 3 & 1)),
	    .proto = kind % 2 == 0 ? PROTO_V9 : PROTO_IPFIX,
	};
}

/* The parsed form, which a cache makes once, is that of the definition that is known now. */
static void
check_parsed(const struct tmpl *t, const struct tmpl_def *def)
{
	struct tmpl *fresh;

	must(tmpl_parse(def, &fresh) == ERR_OK);
	must(t->proto == fresh->proto && t->id == fresh->id && t->kind == fresh->kind);
	must(t->record_len == fresh->record_len && t->scope_count == fresh->scope_count &&
	    t->field_count == fresh->field_count && t->variable == fresh->variable);
	must(memcmp(t->fields, fresh->fields, t->field_count * sizeof(t->fields[0])) == 0);
	tmpl_free(fresh);
}

static void
compare(struct tmpl_cache *c, struct model *m)
{
	const struct tmpl_cache_counters *counted = tmpl_cache_counters(c);
	struct listing l;

	list(m, &l);
	must(tmpl_cache_each(c, expect, &l) == ERR_OK && l.at == l.count);
	must(memcmp(counted, &m->counters, sizeof(*counted)) == 0);
	must(m->count <= m->limits.streams && model_bytes(m) <= m->limits.bytes);
	for (size_t i = 0; i < l.count; i++) {
		for (unsigned kind = 0; kind < KINDS; kind++) {
			struct stream_key key = key_of(kind);
			const struct tmpl *t = tmpl_cache_get(c, &key, l.defs[i]->id);
			const struct known *known = model_def(m, &key, l.defs[i]->id);

			must((t != NULL) == (known != NULL));
			if (t != NULL)
				check_parsed(t, &known->def);
		}
	}
}

struct datagram {
	struct buf bytes;
	struct proto_info info;
	struct stream_key stream;
	struct tmpl_cache *cache; /* to decode it with */
};

static const struct tmpl *
resolve(void *ctx, unsigned ordinal, uint16_t set_id, bool *ret_late)
{
	struct datagram *d = ctx;

	(void)ordinal;
	(void)ret_late;
	return tmpl_cache_get(d->cache, &d->stream, set_id);
}

static void
decode(struct datagram *d, struct tmpl_cache *cache, struct buf *out)
{
	struct flow_context context = {.port = d->stream.port};
	struct decode decoder;
	struct flow flow;

	d->cache = cache;
	decode_init(&decoder, d->bytes.data, d->bytes.len, &d->info, resolve, d);
	while (decode_next(&decoder, &flow) == ERR_OK)
		flow_json(&flow, &context, out);
}

static enum err
write_def(void *ctx, const struct tmpl_def *def)
{
	tmpl_def_write(ctx, def);
	return ERR_OK;
}

/* A cache with what the snapshot holds. */
static struct tmpl_cache *
read_snapshot(const struct buf *snapshot, const struct tmpl_cache_limits *limits)
{
	struct tmpl_cache *c = tmpl_cache_new(limits);
	struct rd r = rd_init(snapshot->data, snapshot->len);
	struct tmpl_def def;

	must(c != NULL);
	while (rd_left(&r) > 0)
		must(tmpl_def_read(&r, &def) == ERR_OK && tmpl_cache_put(c, &def) == ERR_OK);
	return c;
}

/* Cache and model of a node that knows what the snapshot of its last life says. */
static void
start_again(struct tmpl_cache **c, struct model *m, struct datagram *d)
{
	struct buf snapshot = BUF_INIT, second = BUF_INIT, before = BUF_INIT, after = BUF_INIT;
	struct model fresh = {.limits = m->limits};
	struct tmpl_cache *again;
	struct listing l;

	must(tmpl_cache_each(*c, write_def, &snapshot) == ERR_OK);
	again = read_snapshot(&snapshot, &m->limits);
	must(tmpl_cache_each(again, write_def, &second) == ERR_OK);
	must(second.len == snapshot.len);
	must(snapshot.len == 0 || memcmp(second.data, snapshot.data, snapshot.len) == 0);
	decode(d, *c, &before);
	decode(d, again, &after);
	must(before.len == after.len);
	must(before.len == 0 || memcmp(before.data, after.data, before.len) == 0);

	list(m, &l);
	for (size_t i = 0; i < l.count; i++)
		must(model_take(&fresh, l.defs[i]) == ERR_OK);
	must(fresh.counters.definitions == l.count && fresh.counters.evicted_templates == 0 &&
	    fresh.counters.evicted_streams == 0);
	model_clear(m);
	*m = fresh;
	tmpl_cache_free(*c);
	*c = again;
	compare(*c, m);
	buf_clear(&snapshot);
	buf_clear(&second);
	buf_clear(&before);
	buf_clear(&after);
}

/* A datagram of the kind with these sets. */
static void
put_datagram(struct datagram *d, unsigned kind, uint32_t sequence, const uint8_t *sets, size_t len)
{
	struct addr exporter;

	d->stream = key_of(kind);
	exporter = d->stream.exporter;
	buf_reset(&d->bytes);
	buf_u16(&d->bytes, d->stream.proto);
	if (d->stream.proto == PROTO_V9) {
		buf_u16(&d->bytes, 1);
		buf_u32(&d->bytes, 1000 * sequence); /* sysUptime */
	} else {
		buf_u16(&d->bytes, (uint16_t)(16 + len));
	}
	buf_u32(&d->bytes, 1700000000 + sequence);
	buf_u32(&d->bytes, sequence);
	buf_u32(&d->bytes, d->stream.domain);
	buf_bytes(&d->bytes, sets, len);
	must(proto_recognise(d->bytes.data, d->bytes.len, &d->info) == ERR_OK);
	d->stream = stream_key_of(&exporter, d->stream.port, &d->info);
}

static void
learn(struct tmpl_cache *c, struct model *m, const struct datagram *d)
{
	struct tmpl_defs defs;
	struct tmpl_def def;
	enum err e = ERR_OK;

	tmpl_defs_init(&defs, &d->stream, &d->info, d->bytes.data, d->bytes.len);
	while (e == ERR_OK && tmpl_defs_next(&defs, &def) == ERR_OK)
		e = model_take(m, &def);
	must(tmpl_cache_learn(c, &d->stream, &d->info, d->bytes.data, d->bytes.len) == e);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const size_t all_bytes[] = {TMPL_CACHE_BYTES, 500, 1000, 4096};
	struct rd in = rd_init(bytes, len);
	uint8_t first = rd_u8(&in);
	struct model m = {
	    .limits = {
		.streams = first & 3, .templates = first >> 2 & 7, .bytes = all_bytes[first >> 5 & 3]}};
	struct tmpl_cache *c = tmpl_cache_new(&m.limits);
	struct datagram d = {.bytes = BUF_INIT};

	must(c != NULL);
	for (uint32_t i = 0; i < DATAGRAMS_MOST && rd_left(&in) >= 3; i++) {
		unsigned what = rd_u8(&in);
		size_t size = rd_u16(&in);

		if (size > rd_left(&in))
			size = rd_left(&in);
		put_datagram(&d, what % KINDS, i, rd_bytes(&in, size), size);
		learn(c, &m, &d);
		compare(c, &m);
		if ((what & 0x80) != 0)
			start_again(&c, &m, &d);
	}
	tmpl_cache_free(c);
	model_clear(&m);
	buf_clear(&d.bytes);
	return 0;
}
