/* SPDX-License-Identifier: ISC
 *
 * A queue of (block, upto, complete) and one thread that takes from its head. Only the newest block can be
 * given several times, so giving it again while it still waits changes its entry, and the queue needs no more
 * places than there are blocks.
 *
 * A write that failed is tried again every 100 ms for as long as the node lives; the appender goes on into
 * the free blocks meanwhile. Messages tell only when that begins and ends.
 */
#include "node/disk.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/msg.h"

#define RETRY_NS (100 * NS_PER_MSEC)
#define PATIENCE_NS (5 * NS_PER_SEC) /* for a failing disk, when stopping or with wait */

struct entry {
	struct block *block;
	uint32_t upto;
	bool complete;
};

struct disk {
	struct disk_options options;
	struct store *store; /* borrowed; the thread's */
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows, down to the next comment */
	pthread_cond_t work;  /* for the thread: something was given, or stop */
	pthread_cond_t freed; /* for the appender: a block is free, or given up */
	struct block *free;   /* the last one that became free first: it is the one that is in the cache */
	size_t free_count, made, most;
	bool refusing;
	struct entry *queue; /* ring of `places` */
	size_t places, head, count;
	bool stop;
	bool given_up;
	/* the appender's */
	uint64_t completed;
	/* the thread's */
	mono_t failing_since; /* 0: writing works */
	mono_t synced;
	bool sync_failing;
	struct entry left; /* at the end: what could not be written */
};

/* --- the appender's side --- */

/* Once refused, the appender is refused until an eighth of the blocks is free: a disk that is a little too slow
 * makes few long losses, each with its event, and not many short ones. */
static struct block *
take_free(struct disk *d)
{
	struct block *b = d->free;

	if (d->refusing && d->free_count + d->most - d->made < d->most / 8)
		return NULL;
	if (b != NULL) {
		d->free = b->next;
		d->free_count--;
		b->next = NULL;
	} else if (d->made < d->most) {
		b = block_new();
		if (b != NULL)
			d->made++;
	}
	return b;
}

static struct block *
sink_take(void *ctx)
{
	struct disk *d = ctx;
	struct block *b;

	(void)pthread_mutex_lock(&d->lock);
	b = take_free(d);
	while (b == NULL && d->options.wait && !d->given_up && d->count > 0) {
		(void)pthread_cond_wait(&d->freed, &d->lock);
		b = take_free(d);
	}
	d->refusing = b == NULL;
	(void)pthread_mutex_unlock(&d->lock);
	return b;
}

static void
sink_give(void *ctx, struct block *b, uint32_t upto, bool complete)
{
	struct disk *d = ctx;
	struct entry *last;

	d->completed += complete;
	(void)pthread_mutex_lock(&d->lock);
	last = &d->queue[(d->head + d->count + d->places - 1) % d->places];
	if (d->count == 0 || last->block != b) {
		last = &d->queue[(d->head + d->count) % d->places];
		d->count++;
	}
	*last = (struct entry){.block = b, .upto = upto, .complete = complete};
	(void)pthread_cond_signal(&d->work);
	(void)pthread_mutex_unlock(&d->lock);
}

struct block_sink
disk_sink(struct disk *d)
{
	return (struct block_sink){.ctx = d, .take = sink_take, .give = sink_give};
}

uint64_t
disk_completed(const struct disk *d)
{
	return d->completed;
}

bool
disk_is_given_up(struct disk *d)
{
	bool given_up;

	(void)pthread_mutex_lock(&d->lock);
	given_up = d->given_up;
	(void)pthread_mutex_unlock(&d->lock);
	return given_up;
}

/* --- the thread --- */

static struct timespec
deadline_in(int64_t ns)
{
	int64_t at = mono_now().ns + ns;

	return (struct timespec){.tv_sec = at / NS_PER_SEC, .tv_nsec = at % NS_PER_SEC};
}

static void
say_state(struct disk *d, enum err e)
{
	const char *why = err_text(e); /* first: it reads errno */
	mono_t now = mono_now();

	if (e != ERR_OK && d->failing_since.ns == 0) {
		d->failing_since = now;
		msg_error("%s: cannot write: %s; up to %" PRId64 " MiB wait in memory", d->options.name, why,
		    d->options.memory >> 20);
	} else if (e == ERR_OK && d->failing_since.ns != 0) {
		msg_notice("%s: writing again after %" PRId64 " s", d->options.name,
		    (int64_t)((now.ns - d->failing_since.ns) / NS_PER_SEC));
		d->failing_since.ns = 0;
	}
}

static void
sync_if_due(struct disk *d)
{
	mono_t now = mono_now();
	enum err e;

	if (now.ns - d->synced.ns < d->options.sync_ns)
		return;
	d->synced = now;
	e = store_sync(d->store);
	if ((e != ERR_OK) != d->sync_failing) {
		d->sync_failing = e != ERR_OK;
		if (e != ERR_OK)
			msg_error("%s: cannot sync: %s", d->options.name, err_text(e));
		else
			msg_notice("%s: syncing again", d->options.name);
	}
}

/* Writes an entry, however often it takes. False when it was given up. */
static bool
write_entry(struct disk *d, const struct entry *e)
{
	const struct timespec pause = {.tv_sec = 0, .tv_nsec = RETRY_NS};
	enum err result;
	bool patient;

	for (;;) {
		result = store_write(d->store, e->block, e->upto, e->complete);
		say_state(d, result);
		if (result == ERR_OK)
			return true;
		(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
		(void)pthread_mutex_lock(&d->lock);
		patient = !d->stop && !d->options.wait;
		(void)pthread_mutex_unlock(&d->lock);
		if (!patient && mono_now().ns - d->failing_since.ns > PATIENCE_NS)
			return false;
	}
}

/* The next entry; false when there is none and none will come. Syncs while there is nothing to do. */
static bool
next_entry(struct disk *d, struct entry *ret)
{
	bool found;

	(void)pthread_mutex_lock(&d->lock);
	while (d->count == 0 && !d->stop) {
		struct timespec until = deadline_in(d->options.sync_ns);

		if (pthread_cond_timedwait(&d->work, &d->lock, &until) == ETIMEDOUT) {
			(void)pthread_mutex_unlock(&d->lock);
			sync_if_due(d);
			(void)pthread_mutex_lock(&d->lock);
		}
	}
	found = d->count > 0;
	if (found) {
		*ret = d->queue[d->head];
		d->head = (d->head + 1) % d->places;
		d->count--;
	}
	(void)pthread_mutex_unlock(&d->lock);
	return found;
}

static void
put_free(struct disk *d, struct block *b)
{
	(void)pthread_mutex_lock(&d->lock);
	b->next = d->free;
	d->free = b;
	d->free_count++;
	(void)pthread_cond_signal(&d->freed);
	(void)pthread_mutex_unlock(&d->lock);
}

static void *
disk_main(void *arg)
{
	struct disk *d = arg;
	struct entry e;

	while (next_entry(d, &e)) {
		if (!write_entry(d, &e)) {
			(void)pthread_mutex_lock(&d->lock);
			d->left = e;
			d->given_up = true;
			(void)pthread_cond_broadcast(&d->freed);
			(void)pthread_mutex_unlock(&d->lock);
			return NULL;
		}
		if (e.complete)
			put_free(d, e.block);
		sync_if_due(d);
	}
	d->synced.ns = INT64_MIN / 2; /* long ago */
	sync_if_due(d);
	return NULL;
}

/* --- life --- */

static void
disk_free(struct disk *d)
{
	struct block *b;

	while ((b = d->free) != NULL) {
		d->free = b->next;
		block_free(b);
	}
	free(d->queue);
	(void)pthread_mutex_destroy(&d->lock);
	(void)pthread_cond_destroy(&d->work);
	(void)pthread_cond_destroy(&d->freed);
	free(d);
}

/* The thread takes no signals: they are the event loop's. */
static int
start_thread(struct disk *d)
{
	sigset_t all, before;
	int result;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	result = pthread_create(&d->thread, NULL, disk_main, d);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return result;
}

enum err
disk_start(struct store *store, const struct disk_options *options, struct disk **ret)
{
	struct disk *d = calloc(1, sizeof(*d));
	pthread_condattr_t attr;
	int result;

	if (d == NULL)
		return ERR_MEMORY;
	d->options = *options;
	d->store = store;
	d->most = (size_t)(options->memory / SEGMENT_CHUNK);
	d->places = d->most + 1; /* a block in the thread's hand may be given again */
	d->synced = mono_now();
	(void)pthread_mutex_init(&d->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&d->work, &attr);
	(void)pthread_cond_init(&d->freed, &attr);
	(void)pthread_condattr_destroy(&attr);
	d->queue = calloc(d->places, sizeof(*d->queue));
	result = d->queue != NULL ? start_thread(d) : ENOMEM;
	if (result != 0) {
		disk_free(d);
		errno = result;
		return result == ENOMEM ? ERR_MEMORY : ERR_SYSTEM;
	}
	*ret = d;
	return ERR_OK;
}

/* Frees the blocks that were not written, counting their bytes. A block may stand in two entries. */
static uint64_t
drop_queue(struct disk *d)
{
	uint64_t lost = 0;

	if (d->left.block == NULL)
		return 0;
	d->queue[(d->head + d->places - 1) % d->places] = d->left;
	d->head = (d->head + d->places - 1) % d->places;
	d->count++;
	for (size_t i = 0; i < d->count; i++) {
		struct entry *e = &d->queue[(d->head + i) % d->places];
		bool again = i + 1 < d->count && d->queue[(d->head + i + 1) % d->places].block == e->block;

		if (again)
			continue;
		lost += e->upto - e->block->written;
		block_free(e->block);
	}
	d->count = 0;
	return lost;
}

bool
disk_stop(struct disk *d, uint64_t *ret_lost_bytes)
{
	uint64_t lost;
	bool whole;

	if (d == NULL)
		return true;
	(void)pthread_mutex_lock(&d->lock);
	d->stop = true;
	(void)pthread_cond_signal(&d->work);
	(void)pthread_mutex_unlock(&d->lock);
	(void)pthread_join(d->thread, NULL);
	whole = !d->given_up;
	lost = drop_queue(d);
	if (ret_lost_bytes != NULL)
		*ret_lost_bytes = lost;
	disk_free(d);
	return whole;
}
