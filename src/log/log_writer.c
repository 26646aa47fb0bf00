/* SPDX-License-Identifier: ISC
 *
 * See log_writer.h. A write or a sync that failed is not asked again: who imports has the source still, and makes the log anew.
 */
#include "log/log_writer.h"

#include <errno.h>
#include <stdlib.h>

struct log_writer {
	struct appender a;
	struct store *store;
	struct block *free; /* blocks that the appender does not hold */
	enum err failed;    /* the first failure, */
	int error;          /* and its errno */
};

static void
note_failure(struct log_writer *w, enum err e)
{
	if (e == ERR_OK || w->failed != ERR_OK)
		return;
	w->failed = e;
	w->error = errno;
}

static enum err
result(struct log_writer *w)
{
	errno = w->error;
	return w->failed;
}

static struct block *
take(void *ctx)
{
	struct log_writer *w = ctx;
	struct block *b = w->free;

	if (b == NULL)
		return block_new();
	w->free = b->next;
	return b;
}

static void
give(void *ctx, struct block *b, uint32_t upto, bool complete)
{
	struct log_writer *w = ctx;

	if (w->failed == ERR_OK)
		note_failure(w, store_write(w->store, b, upto, complete));
	if (complete) {
		b->next = w->free;
		w->free = b;
	}
}

enum err
log_writer_open(int dirfd, const struct segment_header *head, uint64_t size, wall_t now,
    struct log_writer **ret, struct store_recovery *ret_recovery, size_t recovery_max, size_t *ret_recovered)
{
	struct segment_header first = *head;
	struct log_writer *w = calloc(1, sizeof(*w));
	enum err e;

	if (w == NULL)
		return ERR_MEMORY;
	e = store_open(dirfd, head->cluster, head->node, head->lane, now, &w->store, ret_recovery,
	    recovery_max, ret_recovered);
	if (e != ERR_OK) {
		free(w);
		return e;
	}
	first.kind = SEGMENT_NODE;
	first.number = store_next_number(w->store);
	first.first_sequence = 1;
	appender_init(&w->a, &first, (struct block_sink){w, take, give});
	w->a.size_limit = size;
	*ret = w;
	return ERR_OK;
}

void
log_writer_snapshots(
    struct log_writer *w, void (*snapshot)(void *ctx, struct appender *a, wall_t now), void *ctx)
{
	w->a.snapshot = snapshot;
	w->a.snapshot_ctx = ctx;
}

enum err
log_writer_record(struct log_writer *w, const struct record *r)
{
	enum err e;

	if (w->failed != ERR_OK)
		return result(w);
	e = appender_record(&w->a, r, r->time, NULL);
	if (e != ERR_OK)
		return e == ERR_LIMIT ? ERR_MEMORY : e;
	return result(w);
}

void
log_writer_rotate(struct log_writer *w, wall_t now)
{
	appender_rotate(&w->a, now);
}

enum err
log_writer_flush(struct log_writer *w)
{
	appender_flush(&w->a);
	return result(w);
}

enum err
log_writer_end(struct log_writer *w, wall_t now)
{
	appender_end(&w->a, now);
	if (w->failed == ERR_OK)
		note_failure(w, store_name(w->store));
	return result(w);
}

void
log_writer_free(struct log_writer *w)
{
	if (w == NULL)
		return;
	block_free(w->a.block);
	for (size_t i = 0; i < sizeof(w->a.spare) / sizeof(w->a.spare[0]); i++)
		block_free(w->a.spare[i]);
	while (w->free != NULL) {
		struct block *b = w->free;

		w->free = b->next;
		block_free(b);
	}
	store_close(w->store);
	free(w);
}
