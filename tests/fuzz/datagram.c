/* SPDX-License-Identifier: ISC
 *
 * The way of a datagram's bytes: recognition, the check of its lengths, templates into the cache and out of it,
 * decoding with them, and every form of output. Different ways to the same number must agree.
 */
#include "tests/fuzz/datagram.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "flow/decode.h"
#include "flow/flow.h"
#include "wire/template.h"

#define TEMPLATES_MOST 64

/* The templates that the datagram itself defines. */
struct resolver {
	struct tmpl *templates[TEMPLATES_MOST];
	size_t count;
};

static const struct tmpl *
resolve(void *ctx, unsigned data_set_ordinal, uint16_t set_id, bool *ret_late)
{
	const struct resolver *r = ctx;

	*ret_late = data_set_ordinal % 2 == 1;
	for (size_t i = r->count; i > 0; i--) {
		if (r->templates[i - 1]->id == set_id)
			return r->templates[i - 1];
	}
	return NULL;
}

static void
parse_templates(const struct stream_key *stream, const struct proto_info *info, const uint8_t *bytes,
    size_t len, struct resolver *r)
{
	struct tmpl_defs defs;
	struct tmpl_def def;

	tmpl_defs_init(&defs, stream, info, bytes, len);
	while (tmpl_defs_next(&defs, &def) == ERR_OK) {
		if (r->count < TEMPLATES_MOST && tmpl_parse(&def, &r->templates[r->count]) == ERR_OK)
			r->count++;
	}
}

/* A definition from the cache must be one that a snapshot can hold. */
static enum err
write_and_read(void *ctx, const struct tmpl_def *d)
{
	struct buf *b = ctx;
	struct tmpl_def again;
	struct rd r;
	size_t len;

	buf_reset(b);
	tmpl_def_write(b, d);
	len = b->len;
	(void)buf_room(b, len); /* so that the second copy does not move the first, which is read from */
	b->len = len;
	r = rd_init(b->data, len);
	if (tmpl_def_read(&r, &again) != ERR_OK || rd_left(&r) != 0)
		abort();
	tmpl_def_write(b, &again);
	if (b->len != 2 * len || memcmp(b->data, b->data + len, len) != 0)
		abort();
	return ERR_OK;
}

static void
decode(const uint8_t *bytes, size_t len, const struct proto_info *info, struct resolver *r, struct buf *out)
{
	static const char *const witnesses[] = {"a", "b"};
	struct flow_context context = {.port = 1, .witnesses = witnesses, .n_witnesses = 2};
	struct decode d;
	struct flow flow;
	wall_t time;
	uint32_t flows = 0;

	decode_init(&d, bytes, len, info, resolve, r);
	while (decode_next(&d, &flow) == ERR_OK) {
		flows += !flow.options;
		(void)flow_start(&flow, &time, NULL);
		(void)flow_end(&flow, &time, NULL);
		buf_reset(out);
		flow_json(&flow, &context, out);
		flow_text(&flow, &context, out);
		flow_csv(&flow, &context, out);
	}
	if (flows != d.flows)
		abort();
	decode_init(&d, bytes, len, info, resolve, r);
	if (decode_count(&d) != flows)
		abort();
}

void
fuzz_datagram(uint16_t version, const uint8_t *bytes, size_t len)
{
	const struct tmpl_cache_limits limits = {.streams = 4, .templates = 8};
	struct tmpl_cache *cache = tmpl_cache_new(&limits);
	struct resolver r = {.count = 0};
	struct stream_key stream;
	struct addr exporter = addr_v4(0xc0000201);
	struct buf out = BUF_INIT;
	struct proto_info info;
	uint8_t *copy = malloc(len > 0 ? len : 1);

	if (copy == NULL || cache == NULL)
		abort();
	if (len > 0)
		memcpy(copy, bytes, len);
	if (len >= 2) {
		copy[0] = (uint8_t)(version >> 8);
		copy[1] = (uint8_t)version;
	}
	if (proto_recognise(copy, len, &info) == ERR_OK) {
		stream = stream_key_of(&exporter, 2055, &info);
		(void)proto_check(copy, len, &info);
		decode(copy, len, &info, &r, &out);
		if (tmpl_cache_learn(cache, &stream, &info, copy, len) != ERR_OK ||
		    tmpl_cache_each(cache, write_and_read, &out) != ERR_OK)
			abort();
		parse_templates(&stream, &info, copy, len, &r);
		decode(copy, len, &info, &r, &out);
	}
	for (size_t i = 0; i < r.count; i++)
		free(r.templates[i]);
	free(copy);
	tmpl_cache_free(cache);
	buf_clear(&out);
}
