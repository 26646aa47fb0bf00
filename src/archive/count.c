/* SPDX-License-Identifier: ISC
 *
 * See count.h. Payloads are read again from their files, in the exporter's order.
 */
#include "archive/count.h"

#include <stdlib.h>

#include "flow/decode.h"

struct count {
	struct pool *p;
	const struct plan *plan;
	struct tmpl **templates; /* owned; by definition, parsed at first use */
	const uint32_t *refs;    /* of the datagram at hand */
	size_t ref_count;
};

enum err
count_new(struct pool *p, const struct plan *plan, struct count **ret)
{
	struct count *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return ERR_MEMORY;
	*c = (struct count){
	    .p = p, .plan = plan, .templates = calloc(p->definition_count + 1, sizeof(*c->templates))};
	if (c->templates == NULL) {
		free(c);
		return ERR_MEMORY;
	}
	*ret = c;
	return ERR_OK;
}

void
count_free(struct count *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->p->definition_count; i++)
		tmpl_free(c->templates[i]);
	free(c->templates);
	free(c);
}

static const struct tmpl *
resolve(void *ctx, unsigned data_set, uint16_t set_id, bool *ret_late)
{
	struct count *c = ctx;
	uint32_t definition;

	(void)set_id;
	(void)ret_late;
	if (data_set >= c->ref_count)
		return NULL;
	definition = c->refs[data_set] & ~REF_LATE;
	if (definition == REF_NONE)
		return NULL;
	if (c->templates[definition] == NULL &&
	    tmpl_parse(&c->plan->definitions[definition], &c->templates[definition]) != ERR_OK)
		return NULL;
	return c->templates[definition];
}

enum err
count_items(struct count *c, struct seq_item *items, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct pool_datagram *d = &c->p->datagrams[c->plan->order[items[i].tag]];
		const uint8_t *payload;
		struct proto_info info;
		struct decode decode;
		enum err e = pool_payload(c->p, d, &payload);

		if (e != ERR_OK)
			return e;
		if (proto_recognise(payload, d->len, &info) != ERR_OK)
			continue;
		c->refs = &c->plan->refs[c->plan->refs_at[items[i].tag]];
		c->ref_count = c->p->set_lists[d->sets].count;
		decode_init(&decode, payload, d->len, &info, resolve, c);
		(void)decode_count(&decode);
		items[i].units = decode.flows + decode.options;
		items[i].units_unknown = decode.sets_unknown > 0 || decode.sets_malformed > 0;
	}
	return ERR_OK;
}
