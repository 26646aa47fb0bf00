/* SPDX-License-Identifier: ISC
 *
 * See monitor_numbering.h.
 */
#include "cluster/monitor_numbering.h"

static void
withdraw(const struct view *v, struct view_stream *s)
{
	for (uint32_t n = 0; n < v->node_count; n++) {
		s->at[n].current = false;
		s->at[n].heard.count = s->at[n].missing.count = 0;
	}
	s->residual.count = 0;
	s->first = s->limit = s->next;
	s->counts = false;
	s->changed = true;
}

bool
numbering_takes(const struct view *v, struct view_stream *s, uint32_t node, const struct report_stream *r)
{
	bool shared = r->shared;

	s->at[node].shared = r->shared;
	for (uint32_t n = 0; n < v->node_count; n++)
		shared |= s->at[n].shared;
	if (shared && s->counts)
		withdraw(v, s);
	return r->counts && !shared;
}

/* The first stream that is not before it. */
static size_t
find(const struct node_report *r, const struct stream_key *key)
{
	size_t low = 0, high = r->stream_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (stream_key_cmp(&r->streams[mid].key, key) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

const struct report_stream *
numbering_stand_in(const struct node_report *r, const struct stream_key *all)
{
	struct stream_key key = *all;
	const struct report_stream *only;
	size_t i;

	key.all = false;
	i = find(r, &key);
	if (i == r->stream_count || stream_numbering_cmp(&r->streams[i].key, all) != 0)
		return NULL;
	only = &r->streams[i];
	if (i + 1 < r->stream_count && stream_numbering_cmp(&r->streams[i + 1].key, all) == 0)
		return NULL;
	return only->counts && !only->key.all ? only : NULL;
}
