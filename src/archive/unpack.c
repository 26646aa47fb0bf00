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
	wall_t export_time;                   /* likewise */
	uint32_t definition;                  /* of the data set resolved last; REF_NONE: none */
	struct selected_reader *reader;       /* owned; NULL: none was needed yet */
	const struct selected_head *selected; /* the reader's, or NULL */
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
	selected_reader_free(u->reader);
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

bool
unpack_prefers(const struct tmpl_def *def, const struct tmpl_def *best, wall_t export_time)
{
	bool there = def->export_time.ns <= export_time.ns;
	bool best_there = best != NULL && best->export_time.ns <= export_time.ns;
	int c;

	if (best == NULL || there != best_there)
		return best == NULL || there;
	c = (def->export_time.ns > best->export_time.ns) - (def->export_time.ns < best->export_time.ns);
	if (c == 0) /* RFC 1982 */
		c = (int32_t)(def->sequence - best->sequence) > 0 ? 1 : -1;
	return there ? c > 0 : c < 0;
}

/* A template that a list names, of the stream of the data set resolved last. */
static const struct tmpl *
resolve_named(struct unpack *u, uint16_t id)
{
	const struct pool_definition *all = u->p->definitions;
	const struct tmpl_def *best = NULL;

	for (size_t i = 0; u->definition != REF_NONE && i < u->p->definition_count; i++) {
		const struct tmpl_def *def = &u->plan->definitions[i];

		if (u->plan->held[i] != 0 && def->id == id && all[i].stream == all[u->definition].stream &&
		    unpack_prefers(def, best, u->export_time))
			best = def;
	}
	return best != NULL ? unpack_template(u, (uint32_t)(best - u->plan->definitions)) : NULL;
}

static const struct tmpl *
resolve(void *ctx, unsigned data_set, uint16_t set_id, bool *ret_late)
{
	struct unpack *u = ctx;

	if (data_set == FLOW_SUB_TEMPLATE)
		return resolve_named(u, set_id);
	u->definition = REF_NONE;
	if (data_set >= u->ref_count)
		return NULL;
	*ret_late = (u->refs[data_set] & REF_LATE) != 0;
	if ((u->refs[data_set] & ~REF_LATE) != REF_NONE)
		u->definition = u->refs[data_set] & ~REF_LATE;
	return unpack_template(u, u->refs[data_set] & ~REF_LATE);
}

/* The skeleton at hand may have other sets than the one whose definitions are known. */
static bool
has_sets_of(const struct unpack *u, size_t place, const struct selected_head *h)
{
	const struct pool_set_list *list = &u->p->set_lists[u->p->datagrams[place].sets];
	uint32_t n = 0;
	struct sets it;
	struct set set;

	sets_init(&it, &h->info, h->skeleton, h->skeleton_len);
	while (sets_next(&it, &set) == ERR_OK) {
		if (set.kind != SET_DATA)
			continue;
		if (n >= list->count || u->p->sets[list->at + n].id != set.id)
			return false;
		n++;
	}
	return n == list->count;
}

static enum err
start_selected(struct unpack *u, size_t place, const uint8_t *body, size_t len, struct proto_info *ret_info,
    struct decode *ret)
{
	const struct selected_head *h;
	enum err e;

	if (u->reader == NULL && (u->reader = selected_reader_new()) == NULL)
		return ERR_MEMORY;
	if ((e = selected_open(u->reader, body, len)) != ERR_OK)
		return e == ERR_CUT ? ERR_MALFORMED : e;
	h = selected_head(u->reader);
	u->selected = h;
	u->export_time = h->info.export_time;
	if (!has_sets_of(u, place, h))
		u->ref_count = 0;
	*ret_info = h->info;
	decode_init_selected(ret, u->reader, resolve, u);
	return ERR_OK;
}

enum err
unpack_start(struct unpack *u, size_t place, const uint8_t *payload, size_t len, struct proto_info *ret_info,
    struct decode *ret)
{
	u->refs = &u->plan->refs[u->plan->refs_at[place]];
	u->definition = REF_NONE;
	u->ref_count = u->p->set_lists[u->p->datagrams[place].sets].count;
	u->selected = NULL;
	if (u->p->datagrams[place].selected != POOL_NONE)
		return start_selected(u, place, payload, len, ret_info, ret);
	if (proto_recognise(payload, len, ret_info) != ERR_OK)
		return ERR_UNKNOWN;
	u->export_time = ret_info->export_time;
	decode_init(ret, payload, len, ret_info, resolve, u);
	return ERR_OK;
}

const struct selected_head *
unpack_selected(const struct unpack *u)
{
	return u->selected;
}
