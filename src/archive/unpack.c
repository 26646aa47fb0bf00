/* SPDX-License-Identifier: ISC
 *
 * See unpack.h.
 */
#include "archive/unpack.h"

#include <stdlib.h>

struct unpack {
	const struct pool *p;
	const struct plan *plan;
	struct tmpl **templates; /* owned; by definition, parsed at first use */
	const uint32_t *refs;    /* of the datagram at hand */
	size_t ref_count;
};

enum err
unpack_new(const struct pool *p, const struct plan *plan, struct unpack **ret)
{
	struct unpack *u = calloc(1, sizeof(*u));

	if (u == NULL)
		return ERR_MEMORY;
	*u = (struct unpack){
	    .p = p, .plan = plan, .templates = calloc(p->definition_count + 1, sizeof(*u->templates))};
	if (u->templates == NULL) {
		free(u);
		return ERR_MEMORY;
	}
	*ret = u;
	return ERR_OK;
}

void
unpack_free(struct unpack *u)
{
	if (u == NULL)
		return;
	for (size_t i = 0; i < u->p->definition_count; i++)
		tmpl_free(u->templates[i]);
	free(u->templates);
	free(u);
}

const struct tmpl *
unpack_template(struct unpack *u, uint32_t definition)
{
	if (definition == REF_NONE)
		return NULL;
	if (u->templates[definition] == NULL &&
	    tmpl_parse(&u->plan->definitions[definition], &u->templates[definition]) != ERR_OK)
		return NULL;
	return u->templates[definition];
}

static const struct tmpl *
resolve(void *ctx, unsigned data_set, uint16_t set_id, bool *ret_late)
{
	struct unpack *u = ctx;

	(void)set_id;
	if (data_set >= u->ref_count)
		return NULL;
	*ret_late = (u->refs[data_set] & REF_LATE) != 0;
	return unpack_template(u, u->refs[data_set] & ~REF_LATE);
}

void
unpack_start(struct unpack *u, size_t place, const uint8_t *payload, size_t len,
    const struct proto_info *info, struct decode *ret)
{
	u->refs = &u->plan->refs[u->plan->refs_at[place]];
	u->ref_count = u->p->set_lists[u->p->datagrams[u->plan->order[place]].sets].count;
	decode_init(ret, payload, len, info, resolve, u);
}
