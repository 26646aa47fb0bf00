/* SPDX-License-Identifier: ISC
 *
 * The simplest resolver of templates, for tests: keeps the last definition of each stream and id in a list.
 */
#ifndef FLOWBRAID_TESTS_TEMPLATES_H
#define FLOWBRAID_TESTS_TEMPLATES_H

#include <stdlib.h>

#include "flow/decode.h"
#include "wire/template.h"

struct template_list {
	struct stream_key stream; /* of the datagram at hand */
	size_t count;
	struct {
		struct stream_key stream;
		struct tmpl *tmpl; /* owned */
	} known[256];
};

static inline void
templates_learn(struct template_list *l, const struct stream_key *stream, const struct proto_info *info,
    const uint8_t *payload, size_t len)
{
	struct tmpl_defs defs;
	struct tmpl_def def;
	struct tmpl *t;

	l->stream = *stream;
	tmpl_defs_init(&defs, stream, info, payload, len);
	while (tmpl_defs_next(&defs, &def) == ERR_OK) {
		size_t i = 0;

		if (tmpl_parse(&def, &t) != ERR_OK)
			continue;
		while (i < l->count &&
		    (l->known[i].tmpl->id != t->id || stream_key_cmp(&l->known[i].stream, stream) != 0))
			i++;
		if (i == sizeof(l->known) / sizeof(l->known[0])) {
			tmpl_free(t);
			continue;
		}
		if (i < l->count)
			tmpl_free(l->known[i].tmpl);
		else
			l->count++;
		l->known[i].stream = *stream;
		l->known[i].tmpl = t;
	}
}

static inline const struct tmpl *
templates_resolve(void *ctx, unsigned data_set, uint16_t set_id, bool *ret_late)
{
	const struct template_list *l = ctx;

	(void)data_set;
	(void)ret_late;
	for (size_t i = 0; i < l->count; i++) {
		if (l->known[i].tmpl->id == set_id && stream_key_cmp(&l->known[i].stream, &l->stream) == 0)
			return l->known[i].tmpl;
	}
	return NULL;
}

static inline void
templates_clear(struct template_list *l)
{
	for (size_t i = 0; i < l->count; i++)
		tmpl_free(l->known[i].tmpl);
	l->count = 0;
}

#endif
