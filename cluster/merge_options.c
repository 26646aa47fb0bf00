/* SPDX-License-Identifier: ISC
 *
 * See merge_options.h.
 */
#include "cluster/merge_options.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/compress.h"
#include "base/msg.h"
#include "cluster/shards.h"
#include "flow/policy_conf.h"

#define LEVEL_STANDARD 1

void
merge_options_init(struct merge_options *o)
{
	const char *version = compress_version();

	*o = (struct merge_options){.window_ns = 0};
	if (version != NULL) {
		o->compression.level = LEVEL_STANDARD;
		(void)snprintf(o->compression.version, sizeof(o->compression.version), "%s", version);
	}
}

/* none, zstd or zstd:LEVEL. */
bool
merge_options_compression(struct merge_options *o, const char *text)
{
	struct manifest_compression c = {.level = 0};
	const char *version = compress_version();
	char *end;
	long level = LEVEL_STANDARD;

	if (strcmp(text, "none") == 0) {
		o->compression = c;
		o->recompress = true;
		return true;
	}
	if (strncmp(text, "zstd", 4) != 0 || (text[4] != '\0' && text[4] != ':')) {
		msg_error("--compression %s: expected none, zstd or zstd:LEVEL", text);
		return false;
	}
	if (version == NULL) {
		msg_error("--compression %s: this flowbraid was built without zstd", text);
		return false;
	}
	if (text[4] == ':') {
		level = strtol(text + 5, &end, 10);
		if (text[5] == '\0' || *end != '\0' || level < 1 || level > compress_level_most()) {
			msg_error(
			    "--compression %s: expected a level from 1 to %d", text, compress_level_most());
			return false;
		}
	}
	c.level = (int)level;
	(void)snprintf(c.version, sizeof(c.version), "%s", version);
	o->compression = c;
	o->recompress = true;
	return true;
}

/* An archive among the inputs says how this one is compressed, unless it was said; all must say the same, and this
 * build must be able to do it, so that the result does not depend on who merges. */
static bool
settle_compression(struct merge_options *o, const struct pool *p)
{
	const struct input *first = NULL;
	struct buf a = BUF_INIT, b = BUF_INIT;
	bool ok = true;

	for (size_t i = 0; i < p->input_count && !o->recompress && ok; i++) {
		const struct input *in = p->inputs[i];

		if (in->kind != INPUT_ARCHIVE)
			continue;
		if (first == NULL) {
			first = in;
			o->compression = in->manifest.compression;
		} else if (!manifest_compression_same(&o->compression, &in->manifest.compression)) {
			manifest_compression_text(&o->compression, &a);
			manifest_compression_text(&in->manifest.compression, &b);
			msg_error("%s: compression %.*s, but %s has %.*s; say --compression", in->path,
			    (int)b.len, (char *)b.data, first->path, (int)a.len, (char *)a.data);
			ok = false;
		}
	}
	if (ok && o->compression.level != 0 &&
	    (compress_version() == NULL || strcmp(compress_version(), o->compression.version) != 0)) {
		msg_error("%s: compressed by zstd %s, but this flowbraid has %s; say --compression",
		    first != NULL ? first->path : "merge", o->compression.version,
		    compress_version() != NULL ? compress_version() : "none");
		ok = false;
	}
	buf_clear(&a);
	buf_clear(&b);
	return ok;
}

void
merge_options_clear(struct merge_options *o)
{
	policy_free(o->policy);
	o->policy = NULL;
}

static bool
same_text(const struct buf *a, const struct buf *b)
{
	return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

/* The policy that an archive's manifest holds. */
static struct policy *
policy_of(const struct input *in)
{
	const struct buf *text = &in->manifest.policy;
	struct buf group = BUF_INIT, errors = BUF_INIT;
	struct policy *policy = NULL;
	enum err e = ERR_MEMORY;

	buf_text(&group, "policy = {\n");
	buf_bytes(&group, text->data, text->len);
	buf_text(&group, "};\n");
	buf_u8(&group, 0);
	if (buf_ok(&group))
		e = policy_conf_parse((const char *)group.data, in->path, NULL, &policy, &errors);
	if (e != ERR_OK)
		msg_error("%s: its policy cannot be read: %.*s", in->path, (int)errors.len,
		    errors.len > 0 ? (const char *)errors.data : "");
	buf_clear(&group);
	buf_clear(&errors);
	return e == ERR_OK ? policy : NULL;
}

/* Inputs without one are made less by it; but an archive is not changed behind its owner's back. */
bool
merge_options_policy(struct merge_options *o, const struct pool *p, const struct input *target)
{
	struct buf text = BUF_INIT;
	const char *from = "--policy";
	bool ok = true;

	if (o->policy != NULL)
		policy_print(o->policy, 0, &text);
	if (o->policy != NULL && target != NULL && target->manifest.policy.len == 0) {
		msg_error("%s: has no policy, and would lose what --policy drops; write another archive",
		    target->path);
		ok = false;
	}
	for (size_t i = 0; i < p->input_count && ok; i++) {
		const struct input *in = p->inputs[i];

		if (in->kind != INPUT_ARCHIVE || in->manifest.policy.len == 0)
			continue;
		if (o->policy == NULL) {
			ok = (o->policy = policy_of(in)) != NULL;
			buf_bytes(&text, in->manifest.policy.data, in->manifest.policy.len);
			from = in->path;
		} else if (!same_text(&text, &in->manifest.policy)) {
			msg_error("%s: made with another policy than %s", in->path, from);
			ok = false;
		}
	}
	if (ok && !buf_ok(&text)) {
		msg_error("merge: %s", err_text(ERR_MEMORY));
		ok = false;
	}
	buf_clear(&text);
	return ok;
}

bool
merge_options_settle(struct merge_options *o, const struct pool *p)
{
	const char *from = "--window";

	if (o->shard.of > 0 ? !shards_fit(p, &o->shard) : !shards_are_whole(p))
		return false;
	for (size_t i = 0; i < p->input_count; i++) {
		const struct input *in = p->inputs[i];

		if (in->kind != INPUT_ARCHIVE)
			continue;
		if (in->manifest.limited) {
			msg_error(
			    "%s: holds but a part (--from, --to), which is no input of a merge", in->path);
			return false;
		}
		if (o->window_ns != 0 && in->manifest.window_ns != o->window_ns) {
			msg_error("%s: windows of %" PRId64 " ns, but %s has %" PRId64
				  " ns; make an archive of one length",
			    in->path, in->manifest.window_ns, from, o->window_ns);
			return false;
		}
		o->window_ns = in->manifest.window_ns;
		from = in->path;
	}
	if (o->window_ns == 0)
		o->window_ns = 300 * NS_PER_SEC;
	return settle_compression(o, p);
}
