/* SPDX-License-Identifier: ISC
 *
 * See shards.h.
 */
#include "cluster/shards.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/msg.h"

static const struct manifest_shard *
shard_of(const struct input *in)
{
	return in->kind == INPUT_ARCHIVE && in->manifest.shard.of > 0 ? &in->manifest.shard : NULL;
}

/* Names those that are not there. */
static void
complain(const struct input *in, const bool *has, uint32_t of)
{
	struct buf missing = BUF_INIT;

	for (uint32_t i = 0; i < of; i++) {
		if (!has[i])
			buf_printf(&missing, "%s%" PRIu32 "/%" PRIu32, missing.len > 0 ? ", " : "", i, of);
	}
	msg_error("%s: shard %" PRIu32 "/%" PRIu32 " of an archive, of which these are missing: %.*s",
	    in->path, in->manifest.shard.number, of, (int)missing.len, (char *)missing.data);
	buf_clear(&missing);
}

bool
shards_are_whole(const struct pool *p)
{
	bool has[MANIFEST_SHARDS_MOST] = {false};
	const struct input *first = NULL;
	uint32_t count = 0;

	for (size_t i = 0; i < p->input_count; i++) {
		const struct manifest_shard *s = shard_of(p->inputs[i]);

		if (s == NULL)
			continue;
		if (first == NULL)
			first = p->inputs[i];
		if (s->of != first->manifest.shard.of) {
			msg_error("%s: one of %" PRIu32 " shards, but %s is one of %" PRIu32,
			    p->inputs[i]->path, s->of, first->path, first->manifest.shard.of);
			return false;
		}
		count += !has[s->number];
		has[s->number] = true;
	}
	if (first == NULL || count == first->manifest.shard.of)
		return true;
	complain(first, has, first->manifest.shard.of);
	return false;
}

bool
shards_fit(const struct pool *p, const struct manifest_shard *shard)
{
	for (size_t i = 0; i < p->input_count; i++) {
		const struct manifest_shard *s = shard_of(p->inputs[i]);

		if (s != NULL && (s->of != shard->of || s->number != shard->number)) {
			msg_error("%s: shard %" PRIu32 "/%" PRIu32 ", of which none of %" PRIu32 "/%" PRIu32
				  " can be made",
			    p->inputs[i]->path, s->number, s->of, shard->number, shard->of);
			return false;
		}
	}
	return true;
}
