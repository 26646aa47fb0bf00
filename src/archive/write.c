/* SPDX-License-Identifier: ISC
 *
 * See write.h. A file is a segment: its records go through log/append, its blocks through a sink that writes
 * and hashes them at once.
 */
#include <stdlib.h>
#include <string.h>

#include "archive/write_private.h"
#include "base/file.h"

enum err
archive_writer_new(
    struct pool *p, const struct plan *plan, int dirfd, struct manifest *m, struct archive_writer **ret)
{
	struct archive_writer *w = calloc(1, sizeof(*w));
	size_t most = p->source_count > p->definition_count ? p->source_count : p->definition_count;

	if (w == NULL)
		return ERR_MEMORY;
	*w = (struct archive_writer){
	    .p = p, .plan = plan, .dirfd = dirfd, .m = m, .datagram = p->first, .event = p->event_first};
	w->source_at = malloc((p->source_count + 1) * sizeof(*w->source_at));
	w->definition_at = malloc((p->definition_count + 1) * sizeof(*w->definition_at));
	w->state_at = malloc((plan->state_count + 1) * sizeof(*w->state_at));
	w->table = malloc((most + 1) * sizeof(*w->table));
	w->file = segment_file_new();
	w->sum = window_sum_new();
	if (w->source_at == NULL || w->definition_at == NULL || w->state_at == NULL || w->table == NULL ||
	    w->file == NULL || w->sum == NULL) {
		archive_writer_free(w);
		return ERR_MEMORY;
	}
	for (size_t i = 0; i < p->source_count; i++)
		w->source_at[i] = POOL_NONE;
	for (size_t i = 0; i < p->definition_count; i++)
		w->definition_at[i] = POOL_NONE;
	for (size_t i = 0; i < plan->state_count; i++)
		w->state_at[i] = REF_NONE;
	*ret = w;
	return ERR_OK;
}

void
archive_writer_free(struct archive_writer *w)
{
	if (w == NULL)
		return;
	segment_file_free(w->file);
	window_sum_free(w->sum);
	free(w->source_at);
	free(w->definition_at);
	free(w->state_at);
	free(w->table);
	buf_clear(&w->body);
	buf_clear(&w->payloads);
	buf_clear(&w->packed);
	compressor_free(w->compressor);
	free(w);
}

struct segment_header
writer_head(const struct archive_writer *w, enum segment_kind kind, wall_t time)
{
	struct segment_header h = {.kind = kind,
	    .incarnation = archive_incarnation(w->m->cluster, time),
	    .first_sequence = 1,
	    .time = time};

	memcpy(h.cluster, w->m->cluster, sizeof(h.cluster));
	return h;
}

enum err
writer_begin(struct archive_writer *w, const char *name, struct segment_header head)
{
	return segment_file_begin(w->file, w->dirfd, name, &head);
}

enum err
writer_end(struct archive_writer *w, const char *name)
{
	struct sha256 digest;
	uint64_t size;
	enum err e = segment_file_end(w->file, &size, &digest);

	return e == ERR_OK ? manifest_add(w->m, name, size, &digest) : e;
}

enum err
writer_put(struct archive_writer *w, enum record_type type, wall_t time, const struct buf *body)
{
	struct record r = {
	    .type = type, .flags = w->flags, .time = time, .body = body->data, .len = (uint32_t)body->len};

	if (!buf_ok(body))
		return ERR_MEMORY;
	if (!w->summing)
		return segment_file_put(w->file, &r);
	window_sum_add(w->sum, &r);
	return ERR_OK;
}

enum err
writer_put_list(struct archive_writer *w, enum record_type type, wall_t time, struct buf *body, bool last)
{
	enum err e = ERR_OK;

	if (body->len > 0 && (last || body->len >= RECORDS_BODY_AIM)) {
		e = writer_put(w, type, time, body);
		buf_reset(body);
	}
	return e;
}

enum err
writer_put_contents(struct archive_writer *w, wall_t time, const struct contents *c)
{
	buf_reset(&w->body);
	contents_write(&w->body, c);
	return writer_put(w, RECORD_CONTENTS, time, &w->body);
}

enum err
writer_put_sources(struct archive_writer *w, wall_t time)
{
	uint32_t n = 0;
	enum err e = ERR_OK;

	buf_reset(&w->body);
	for (size_t i = 0; i < w->p->source_count && e == ERR_OK; i++) {
		if (w->source_at[i] == POOL_NONE)
			continue;
		w->source_at[i] = n++;
		source_write(&w->body, &w->p->sources[i].id);
		e = writer_put_list(w, RECORD_SOURCES, time, &w->body, false);
	}
	return e == ERR_OK ? writer_put_list(w, RECORD_SOURCES, time, &w->body, true) : e;
}

static int
by_definition_bytes(const void *va, const void *vb, void *ctx)
{
	const struct pool *p = ctx;
	const struct pool_definition *a = &p->definitions[*(const uint32_t *)va];
	const struct pool_definition *b = &p->definitions[*(const uint32_t *)vb];
	int c = memcmp(p->bytes.data + a->at, p->bytes.data + b->at, a->len < b->len ? a->len : b->len);

	return c != 0 ? c : (a->len > b->len) - (a->len < b->len);
}

enum err
writer_put_definitions(struct archive_writer *w, wall_t time, uint32_t count)
{
	enum err e = ERR_OK;

	if (count > 0)
		qsort_r(w->table, count, sizeof(*w->table), by_definition_bytes, w->p);
	buf_reset(&w->body);
	for (uint32_t i = 0; i < count && e == ERR_OK; i++) {
		const struct pool_definition *d = &w->p->definitions[w->table[i]];

		w->definition_at[w->table[i]] = i;
		buf_bytes(&w->body, w->p->bytes.data + d->at, d->len);
		e = writer_put_list(w, RECORD_TEMPLATES, time, &w->body, false);
	}
	return e == ERR_OK ? writer_put_list(w, RECORD_TEMPLATES, time, &w->body, true) : e;
}

static enum err
put_ranges(struct archive_writer *w, const struct pool_source *s, uint32_t at)
{
	const struct seq_set *sets[2] = {&s->read, &s->lost};
	size_t done[3] = {0}, all[3] = {s->read.count, s->lost.count, s->damaged_count};
	const size_t sizes[3] = {16, 16, 44};

	do { /* as many records as the lists need; each stands for itself */
		size_t now[3], room = RECORDS_BODY_AIM;
		enum err e;

		for (unsigned k = 0; k < 3; k++) {
			now[k] = all[k] - done[k] < room / sizes[k] ? all[k] - done[k] : room / sizes[k];
			room -= now[k] * sizes[k];
		}
		buf_reset(&w->body);
		buf_u32(&w->body, at);
		for (unsigned k = 0; k < 3; k++)
			buf_u32(&w->body, (uint32_t)now[k]);
		buf_u64(&w->body, (uint64_t)s->first_ns);
		buf_u64(&w->body, (uint64_t)s->last_ns);
		for (unsigned k = 0; k < 2; k++) {
			for (size_t i = done[k]; i < done[k] + now[k]; i++) {
				buf_u64(&w->body, (uint64_t)sets[k]->ranges[i].from);
				buf_u64(&w->body, (uint64_t)sets[k]->ranges[i].to);
			}
		}
		for (size_t i = done[2]; i < done[2] + now[2]; i++)
			damaged_write(&w->body, &s->damaged[i]);
		for (unsigned k = 0; k < 3; k++)
			done[k] += now[k];
		if ((e = writer_put(w, RECORD_RANGES, (wall_t){0}, &w->body)) != ERR_OK)
			return e;
	} while (done[0] < all[0] || done[1] < all[1] || done[2] < all[2]);
	return ERR_OK;
}

/* Lists the definitions that snapshots hold in w->table; or those that only datagrams of other shards bring. */
static uint32_t
list_definitions(struct archive_writer *w, bool elsewhere)
{
	const struct pool *p = w->p;
	uint32_t n = 0;

	for (size_t i = 0; i < p->datagram_count && elsewhere; i++) {
		for (uint32_t k = 0; k < p->datagrams[i].places; k++)
			w->definition_at[p->places[p->datagrams[i].place + k].definition] = 0;
	}
	for (size_t i = 0; i < p->definition_count; i++) {
		if (elsewhere ? !p->definitions[i].snapshot && w->definition_at[i] == POOL_NONE
			      : p->definitions[i].snapshot)
			w->table[n++] = (uint32_t)i;
	}
	for (size_t i = 0; i < p->definition_count; i++)
		w->definition_at[i] = POOL_NONE;
	return n;
}

/* A shard cannot do without the second ones: they may decode what it holds. */
static enum err
put_all_definitions(struct archive_writer *w)
{
	enum err e = writer_put_definitions(w, (wall_t){0}, list_definitions(w, false));

	if (e == ERR_OK && w->m->shard.of > 0) {
		w->flags = DEFINITIONS_ELSEWHERE;
		e = writer_put_definitions(w, (wall_t){0}, list_definitions(w, true));
		w->flags = 0;
	}
	for (size_t i = 0; i < w->p->definition_count; i++)
		w->definition_at[i] = POOL_NONE;
	return e;
}

enum err
archive_write_common(struct archive_writer *w)
{
	struct pool *p = w->p;
	struct contents contents = {.sources = (uint32_t)p->source_count};
	enum err e;

	if (p->source_count == 0) /* no segment had a record */
		return ERR_OK;
	contents.definitions = list_definitions(w, false);
	if (w->m->shard.of > 0)
		contents.definitions += list_definitions(w, true);
	e = writer_begin(w, MANIFEST_COMMON, writer_head(w, SEGMENT_COMMON, (wall_t){0}));
	for (size_t i = 0; i < p->source_count; i++)
		w->source_at[i] = 0;
	if (e == ERR_OK)
		e = writer_put_contents(w, (wall_t){0}, &contents);
	if (e == ERR_OK)
		e = writer_put_sources(w, (wall_t){0});
	for (size_t i = 0; i < p->source_count && e == ERR_OK; i++)
		e = put_ranges(w, &p->sources[i], (uint32_t)i);
	if (e == ERR_OK)
		e = put_all_definitions(w);
	for (size_t i = 0; i < p->source_count; i++)
		w->source_at[i] = POOL_NONE;
	return e == ERR_OK ? writer_end(w, MANIFEST_COMMON) : e;
}

enum err
archive_write_file(struct archive_writer *w, const char *name, const void *bytes, size_t len)
{
	struct sha256 digest = sha256_of(bytes, len);
	enum err e = file_replace(w->dirfd, name, bytes, len, 0644);

	return e == ERR_OK ? manifest_add(w->m, name, len, &digest) : e;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct manifest_file *)a)->name, ((const struct manifest_file *)b)->name);
}

enum err
archive_write_manifest(struct archive_writer *w)
{
	struct buf text = BUF_INIT;
	enum err e;

	qsort(w->m->files, w->m->count, sizeof(*w->m->files), by_name);
	manifest_write(w->m, &text);
	e = buf_ok(&text) ? file_replace(w->dirfd, MANIFEST_NAME, text.data, text.len, 0644) : ERR_MEMORY;
	buf_clear(&text);
	return e;
}

int64_t
archive_writer_hash_ns(const struct archive_writer *w)
{
	return segment_file_hash_ns(w->file);
}
