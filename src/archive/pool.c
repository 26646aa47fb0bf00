/* SPDX-License-Identifier: ISC
 *
 * See pool.h. Inputs, and what may be asked; pool_datagrams.c is about what stands in them.
 */
#include "archive/pool.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/chunks.h"
#include "archive/pool_private.h"
#include "base/spill.h"

void
pool_init(struct pool *p)
{
	*p = (struct pool){.cluster = "", .span = {INT64_MIN, INT64_MAX}};
}

void
pool_clear(struct pool *p)
{
	for (size_t i = 0; i < p->input_count; i++) {
		input_clear(p->inputs[i]);
		free(p->inputs[i]);
	}
	for (size_t i = 0; i < p->source_count; i++) {
		seq_set_clear(&p->sources[i].read);
		seq_set_clear(&p->sources[i].lost);
		free(p->sources[i].damaged);
	}
	input_open_free(p->turn);
	free(p->inputs);
	free(p->files);
	free(p->sources);
	free(p->nodes);
	spill_free(p->datagrams);
	spill_free(p->witnesses);
	spill_free(p->chain);
	spill_free(p->events);
	spill_free(p->definitions);
	spill_free(p->places);
	free(p->streams);
	spill_free(p->set_lists);
	spill_free(p->sets);
	spill_free(p->bytes.data);
	spill_free(p->bodies.data);
	pool_clear_selected(p);
	chunks_free(p->chunks);
	hash_clear(&p->by_source);
	hash_clear(&p->by_digest);
	hash_clear(&p->by_stream);
	hash_clear(&p->by_definition);
	hash_clear(&p->by_set_list);
	pool_init(p);
}

enum err
pool_source(struct pool *p, const struct source *id, uint32_t *ret)
{
	uint64_t hv = hash_bytes(id->node, strlen(id->node)) ^ id->incarnation ^ id->lane;
	struct hash_probe probe;
	enum err e;

	for (uint32_t i = hash_first(&p->by_source, hv, &probe); i != HASH_NONE;
	     i = hash_next(&p->by_source, &probe)) {
		if (source_cmp(&p->sources[i].id, id) == 0) {
			*ret = i;
			return ERR_OK;
		}
	}
	if ((e = array_grow(p->sources, p->source_room, p->source_count)) != ERR_OK)
		return e;
	if ((e = hash_add(&p->by_source, hv, (uint32_t)p->source_count)) != ERR_OK)
		return e;
	p->sources[p->source_count] = (struct pool_source){
	    .id = *id, .first_ns = INT64_MAX, .last_ns = INT64_MIN};
	*ret = (uint32_t)p->source_count++;
	return ERR_OK;
}

enum err
pool_damaged(struct pool_source *s, const struct damaged *d)
{
	enum err e = array_grow(s->damaged, s->damaged_room, s->damaged_count);

	if (e == ERR_OK)
		e = seq_set_add(&s->lost, (struct seq_range){(int64_t)d->sequence, (int64_t)d->sequence + 1});
	if (e == ERR_OK)
		s->damaged[s->damaged_count++] = *d;
	return e;
}

enum err
pool_cluster(struct pool *p, const char *path, const char *cluster, struct buf *ret_why)
{
	for (const char *c = cluster; *c != '\0' || c == cluster; c++) { /* it becomes a line of a manifest */
		if (iscntrl((unsigned char)*c)) {
			buf_printf(ret_why, "%s: the name of its cluster is none", path);
			return ERR_MALFORMED;
		}
	}
	if (p->cluster[0] == '\0')
		snprintf(p->cluster, sizeof(p->cluster), "%s", cluster);
	if (strcmp(p->cluster, cluster) == 0)
		return ERR_OK;
	buf_printf(
	    ret_why, "%s: belongs to cluster %s, the inputs before it to %s", path, cluster, p->cluster);
	return ERR_CONFLICT;
}

bool
pool_needs(const struct input *in, const struct input_file *f, const struct pool_span *span)
{
	const char *name = strrchr(f->path, '/');
	wall_t start;

	if (in->kind != INPUT_ARCHIVE || !manifest_window_start(name != NULL ? name + 1 : f->path, &start))
		return true;
	return start.ns < span->to_ns &&
	    (span->from_ns == INT64_MIN || start.ns > span->from_ns - in->manifest.window_ns);
}

static bool
is_left_out(const struct pool *p, const struct input *in, const struct input_file *f)
{
	struct pool_span wide = p->span;

	if (wide.from_ns > INT64_MIN + p->margin_ns)
		wide.from_ns -= p->margin_ns;
	if (wide.to_ns < INT64_MAX - p->margin_ns)
		wide.to_ns += p->margin_ns;
	return p->needed_windows && !pool_needs(in, f, &wide);
}

enum err
pool_add(struct pool *p, const char *path, const struct pool_report *report, struct buf *ret_why)
{
	struct input *in = malloc(sizeof(*in)), **inputs;
	unsigned line = 0;
	enum err e;

	if (in == NULL)
		return ERR_MEMORY;
	if (p->turn == NULL && (p->turn = input_open_new()) == NULL) {
		free(in);
		return ERR_MEMORY;
	}
	e = input_open(path, p->turn, in, &line);
	if (e != ERR_OK) {
		free(in);
		if (e == ERR_UNKNOWN && line == 0)
			buf_printf(ret_why, "%s: neither a log folder, nor a segment, nor an archive", path);
		else if (line > 0)
			buf_printf(ret_why, "%s/%s:%u: %s", path, MANIFEST_NAME, line, err_text(e));
		else
			buf_printf(ret_why, "%s: %s", path, err_text(e));
		return e;
	}
	inputs = reallocarray(p->inputs, p->input_count + 1, sizeof(*inputs));
	if (inputs == NULL) {
		input_clear(in);
		free(in);
		return ERR_MEMORY;
	}
	p->inputs = inputs;
	p->inputs[p->input_count++] = in;
	if (in->kind == INPUT_ARCHIVE && (e = pool_cluster(p, path, in->manifest.cluster, ret_why)) != ERR_OK)
		return e;
	for (size_t i = 0; i < in->count; i++) {
		if ((e = array_grow(p->files, p->file_room, p->file_count)) != ERR_OK)
			return e;
		p->files[p->file_count] = (struct pool_file){.input = in, .file = &in->files[i]};
		if (is_left_out(p, in, &in->files[i])) {
			p->files[p->file_count++].left_out = true;
			continue;
		}
		e = pool_read_file(p, (uint32_t)p->file_count++, report, ret_why);
		if (e != ERR_OK)
			return e;
	}
	return ERR_OK;
}

enum err
pool_add_rest(struct pool *p, const struct pool_report *report, struct buf *ret_why)
{
	enum err e = ERR_OK;

	for (size_t i = 0; i < p->file_count && e == ERR_OK; i++) {
		if (p->files[i].left_out)
			e = pool_read_file(p, (uint32_t)i, report, ret_why);
		p->files[i].left_out = false;
	}
	return e;
}

enum err
pool_peek(const struct pool *p, const struct pool_datagram *d, const uint8_t **ret)
{
	const struct pool_file *f;

	if (d->selected != POOL_NONE && p->selected[d->selected].copy != POOL_NONE)
		return pool_unite(p, d, ret);
	if (d->file == POOL_NONE) {
		*ret = p->bodies.data + d->offset;
		return ERR_OK;
	}
	f = &p->files[d->file];
	if (d->within == POOL_NONE)
		return input_peek(f->file, d->offset, d->len, ret);
	return chunks_get(p->chunks, f->file, f->seed, d->offset, d->within, d->len, ret);
}

enum err
pool_payload(struct pool *p, const struct pool_datagram *d, const uint8_t **ret)
{
	const uint8_t *bytes;
	struct digest128 digest;
	enum err e = pool_peek(p, d, &bytes);

	if (e != ERR_OK)
		return e;
	digest = identity_digest(&d->addr, d->port, bytes, d->len);
	if (digest128_cmp(&digest, &d->digest) != 0) {
		if (d->within != POOL_NONE)
			p->chunks->failed = true;
		return ERR_CHECKSUM;
	}
	*ret = bytes;
	return ERR_OK;
}

enum err
pool_index(struct pool *p)
{
	enum err e = ERR_OK;

	hash_clear(&p->by_digest);
	for (size_t i = 0; i < p->datagram_count && e == ERR_OK; i++)
		e = hash_add(&p->by_digest, p->datagrams[i].digest.lo, (uint32_t)i);
	return e == ERR_OK ? pool_index_selected(p) : e;
}

uint32_t
pool_find(const struct pool *p, const struct digest128 *digest)
{
	struct hash_probe probe;
	uint32_t at = hash_first(&p->by_digest, digest->lo, &probe);

	while (at != HASH_NONE && digest128_cmp(&p->datagrams[at].digest, digest) != 0)
		at = hash_next(&p->by_digest, &probe);
	return at;
}

size_t
pool_nodes_of(const struct pool *p, const struct pool_datagram *d)
{
	const struct witness *w = &p->witnesses[d->hearing];
	size_t n = 1;

	for (uint32_t i = 1; i < d->hearings; i++)
		n += p->sources[w[i].source].node != p->sources[w[i - 1].source].node;
	return n;
}
