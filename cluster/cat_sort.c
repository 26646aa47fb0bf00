/* SPDX-License-Identifier: ISC
 *
 * See cat_sort.h.
 */
#include "cluster/cat_sort.h"

#include <string.h>

#include "base/sort.h"
#include "base/spill.h"

#define TEXT_LEAST ((size_t)1 << 20)

void
cat_sort_clear(struct cat_sort *s)
{
	spill_free(s->flows);
	spill_free(s->text);
	*s = (struct cat_sort){.flows = NULL};
}

enum err
cat_sort_add(struct cat_sort *s, int64_t ns, bool flow, struct buf *text)
{
	size_t room = s->text_room > 0 ? s->text_room : TEXT_LEAST;
	enum err e = buf_ok(text) ? ERR_OK : ERR_MEMORY;

	while (room - s->len < text->len)
		room *= 2;
	if (e == ERR_OK && room > s->text_room) {
		void *grown = s->text;

		e = spill_resize(&grown, s->text_room, room);
		s->text = grown;
		s->text_room = e == ERR_OK ? room : s->text_room;
	}
	if (e == ERR_OK)
		e = spill_grow(s->flows, s->room, s->count);
	if (e != ERR_OK)
		return e;
	spill_pause();
	if (text->len > 0)
		memcpy(s->text + s->len, text->data, text->len);
	s->flows[s->count++] = (struct cat_sorted){
	    .ns = ns, .at = s->len, .len = (uint32_t)text->len, .flow = flow};
	s->len += text->len;
	buf_reset(text);
	return ERR_OK;
}

static int
by_time(const void *a, const void *b, const void *ctx)
{
	const struct cat_sorted *x = a, *y = b;

	(void)ctx;
	return x->ns < y->ns ? -1 : x->ns > y->ns;
}

enum err
cat_sort_close(struct cat_sort *s)
{
	s->next = 0;
	return sort_array(s->flows, s->count, sizeof(*s->flows), by_time, NULL);
}

bool
cat_sort_next(struct cat_sort *s, struct buf *out, bool *ret_flow)
{
	const struct cat_sorted *f;

	if (s->next == s->count)
		return false;
	f = &s->flows[s->next++];
	spill_pause();
	buf_bytes(out, s->text + f->at, f->len);
	*ret_flow = f->flow != 0;
	return true;
}
