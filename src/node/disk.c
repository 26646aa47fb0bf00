/* SPDX-License-Identifier: ISC
 *
 * A queue of (block, upto, complete) and one thread that takes from its head. Only the newest block can be
 * given several times, so giving it again while it still waits changes its entry, and the queue needs no more
 * places than there are blocks.
 *
 * A write that failed is tried again every 100 ms for as long as the node lives; the appender goes on into
 * the free blocks meanwhile. Messages tell only when that begins and ends.
 *
 * Blocks that were written through the page cache become free when they are synced, or when no other is left. After
 * a failed sync they are kept, written again and synced again until that works: what is lost then is what finds no
 * block, and is counted like all that a failing disk costs.
 */
#include "node/disk.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/msg.h"

#define FREE_KEPT 8 /* blocks that are kept for the next burst */
#define RETRY_NS (100 * NS_PER_MSEC)
#define SYNC_AGAIN_NS NS_PER_SEC     /* at most, after a failed sync */
#define PATIENCE_NS (5 * NS_PER_SEC) /* for a failing disk, when stopping or with wait */

struct entry {
	struct block *block;
	uint32_t upto;
	bool complete;
};

struct disk {
	struct disk_options options;
	struct store *store; /* borrowed; the thread's */
	_Atomic int64_t sync_ns;
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows, down to the next comment */
	pthread_cond_t work;  /* for the thread: something was given, or stop */
	pthread_cond_t freed; /* for the appender: a block is free, or given up */
	struct block *free;   /* the last one that became free first: it is the one that is in the cache */
	size_t free_count, made, most;
	struct block *held, **held_end; /* written, not synced; the oldest first */
	size_t held_count;
	bool holding;         /* these are not free now */
	uint64_t left_memory; /* bytes of blocks that were taken from there, since the last good sync */
	bool refusing;
	struct entry *queue; /* ring of `places` */
	size_t places, head, count;
	bool stop;
	bool given_up;
	uint64_t given, written;               /* bytes */
	struct disk_trouble ended[DISK_WORKS]; /* not taken yet */
	struct disk_status status;             /* store, unsure, failing */
	/* the appender's */
	uint64_t completed;
	const struct block *last_given; /* not complete yet; NULL: none */
	uint32_t last_upto;
	/* the thread's */
	struct disk_trouble trouble[DISK_WORKS]; /* failures 0: it works */
	mono_t failing_since[DISK_WORKS];
	mono_t synced;
	struct block *current; /* being written, or written in part; NULL: none */
	uint32_t current_upto; /* written */
	struct entry left;     /* at the end: what could not be written */
};

/* --- the appender's side --- */

static struct block *
take_held(struct disk *d)
{
	struct block *b = d->held;

	d->held = b->next;
	if (d->held == NULL)
		d->held_end = &d->held;
	d->held_count--;
	b->next = NULL;
	return b;
}

/* Once refused, the appender is refused until an eighth of the blocks is free: a disk that is a little too slow
 * makes few long losses, each with its event, and not many short ones. */
static struct block *
take_free(struct disk *d)
{
	struct block *b = d->free;
	size_t to_be_had = d->free_count + d->most - d->made + (d->holding ? 0 : d->held_count);

	if (d->refusing && to_be_had < d->most / 8)
		return NULL;
	if (b != NULL) {
		d->free = b->next;
		d->free_count--;
		b->next = NULL;
	} else if (d->made < d->most) {
		b = block_new();
		if (b != NULL)
			d->made++;
	} else if (!d->holding && d->held != NULL) {
		b = take_held(d);
		d->left_memory += b->written;
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
	while (b == NULL && d->options.wait && !d->given_up && (d->count > 0 || d->holding)) {
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

	uint32_t before = d->last_given == b ? d->last_upto : 0;

	d->completed += complete;
	d->last_given = complete ? NULL : b;
	d->last_upto = upto;
	(void)pthread_mutex_lock(&d->lock);
	d->given += upto - before;
	last = &d->queue[(d->head + d->count + d->places - 1) % d->places];
	if (d->count == 0 || last->block != b) {
		last = &d->queue[(d->head + d->count) % d->places];
		d->count++;
	}
	*last = (struct entry){.block = b, .upto = upto, .complete = complete};
	(void)pthread_cond_signal(&d->work);
	(void)pthread_mutex_unlock(&d->lock);
}

void
disk_set_sync(struct disk *d, int64_t sync_ns)
{
	atomic_store_explicit(&d->sync_ns, sync_ns, memory_order_relaxed);
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

bool
disk_take_trouble(struct disk *d, struct disk_trouble *ret)
{
	bool found = false;

	(void)pthread_mutex_lock(&d->lock);
	for (size_t i = 0; i < DISK_WORKS && !found; i++) {
		found = d->ended[i].failures > 0;
		if (found) {
			*ret = d->ended[i];
			d->ended[i].failures = 0;
		}
	}
	(void)pthread_mutex_unlock(&d->lock);
	return found;
}

void
disk_status(struct disk *d, struct disk_status *ret)
{
	size_t unfree;

	(void)pthread_mutex_lock(&d->lock);
	*ret = d->status;
	unfree = d->made - d->free_count - (d->holding ? 0 : d->held_count);
	ret->waiting = d->given - d->written;
	ret->memory = (uint64_t)d->most * SEGMENT_CHUNK;
	ret->used = (uint64_t)unfree * SEGMENT_CHUNK;
	ret->refusing = d->refusing;
	ret->made = (uint64_t)d->made * SEGMENT_CHUNK;
	if (ret->failing[DISK_SYNCING])
		ret->unsure += d->left_memory;
	(void)pthread_mutex_unlock(&d->lock);
}

/* --- the thread: what fails --- */

static const struct {
	const char *verb, *again, *meanwhile;
} works[DISK_WORKS] = {
    [DISK_WRITING] = {"write", "writing", "wait in memory"},
    [DISK_SYNCING] = {"sync", "syncing", "are kept in memory, to be written again"},
    [DISK_NAMING] = {"rename or sync the folder", "renaming and syncing the folder", NULL},
};

const char *
disk_work_name(enum disk_work work)
{
	return works[work].verb;
}

static void
trouble_begins(struct disk *d, enum disk_work work, int error)
{
	struct disk_trouble *t = &d->trouble[work];

	*t = (struct disk_trouble){.work = work, .error = error, .from = wall_now()};
	d->failing_since[work] = mono_now();
	if (works[work].meanwhile != NULL)
		msg_error("%s: cannot %s: %s; up to %" PRId64 " MiB %s", d->options.name, works[work].verb,
		    strerror(error), d->options.memory >> 20, works[work].meanwhile);
	else
		msg_error("%s: cannot %s: %s", d->options.name, works[work].verb, strerror(error));
}

/* For the event. One that was not taken yet is told together with this one. */
static void
trouble_ends(struct disk *d, enum disk_work work)
{
	struct disk_trouble *t = &d->trouble[work], *ended = &d->ended[work];

	t->to = wall_now();
	if (work == DISK_SYNCING) {
		(void)pthread_mutex_lock(&d->lock);
		t->unsure = d->left_memory;
		(void)pthread_mutex_unlock(&d->lock);
	}
	msg_notice("%s: %s again after %" PRId64 " s", d->options.name, works[work].again,
	    (int64_t)((mono_now().ns - d->failing_since[work].ns) / NS_PER_SEC));
	if (t->unsure > 0)
		msg_error("%s: %" PRIu64
			  " bytes may be missing: their sync failed when they had left the memory",
		    d->options.name, t->unsure);
	(void)pthread_mutex_lock(&d->lock);
	d->status.unsure += t->unsure;
	if (ended->failures > 0) {
		t->from = ended->from;
		t->error = ended->error;
		t->failures += ended->failures;
		t->unsure += ended->unsure;
	}
	*ended = *t;
	(void)pthread_mutex_unlock(&d->lock);
	t->failures = 0;
}

/* Takes note of how some work went. errno is that of a failure. */
static void
note(struct disk *d, enum disk_work work, enum err e)
{
	struct disk_trouble *t = &d->trouble[work];
	int error = errno;

	if (e == ERR_OK) {
		if (t->failures > 0)
			trouble_ends(d, work);
	} else {
		if (t->failures == 0)
			trouble_begins(d, work, e == ERR_SYSTEM ? error : EIO);
		t->failures++;
	}
	(void)pthread_mutex_lock(&d->lock);
	d->status.failing[work] = t->failures > 0;
	d->status.store = *store_counters(d->store);
	(void)pthread_mutex_unlock(&d->lock);
}

/* --- the thread: syncing --- */

static void
put_free(struct disk *d, struct block *b)
{
	b->next = d->free;
	d->free = b;
	d->free_count++;
	(void)pthread_cond_signal(&d->freed);
}

/* A complete block. */
static void
release(struct disk *d, struct block *b)
{
	bool synced = !b->cached || store_is_synced(d->store);

	(void)pthread_mutex_lock(&d->lock);
	if (synced) {
		put_free(d, b);
	} else {
		b->next = NULL;
		*d->held_end = b;
		d->held_end = &b->next;
		d->held_count++;
		(void)pthread_cond_signal(&d->freed);
	}
	(void)pthread_mutex_unlock(&d->lock);
}

/* From a failed sync to a good one. A capture is there to be read again, so its reader waits for no sync: then only
 * while the list is walked. */
static void
hold(struct disk *d, bool on)
{
	(void)pthread_mutex_lock(&d->lock);
	d->holding = on;
	if (!on)
		(void)pthread_cond_signal(&d->freed);
	(void)pthread_mutex_unlock(&d->lock);
}

static void
sync_worked(struct disk *d)
{
	(void)pthread_mutex_lock(&d->lock);
	while (d->held != NULL)
		put_free(d, take_held(d));
	d->holding = false;
	d->left_memory = 0;
	(void)pthread_mutex_unlock(&d->lock);
}

/* After a failed sync, before the next one. */
static enum err
write_again(struct disk *d)
{
	struct block *b;
	enum err e = ERR_OK;

	if (!store_is_suspect(d->store))
		return ERR_OK;
	hold(d, true);
	for (b = d->held; b != NULL && e == ERR_OK; b = b->next)
		e = store_rewrite(d->store, b);
	if (e == ERR_OK && d->current != NULL && d->current->cached)
		e = store_rewrite(d->store, d->current);
	if (d->options.wait)
		hold(d, false);
	return e;
}

static int64_t
sync_period(const struct disk *d)
{
	bool failing = d->trouble[DISK_SYNCING].failures > 0;
	int64_t period = atomic_load_explicit(&d->sync_ns, memory_order_relaxed);

	return failing && period > SYNC_AGAIN_NS ? SYNC_AGAIN_NS : period;
}

/* What a slow disk needed for a while is given back, a block each sync, so that a load that goes up and down does not make
 * and free them all the time. */
static void
give_back(struct disk *d)
{
	struct block *b = NULL;

	(void)pthread_mutex_lock(&d->lock);
	if (d->free_count > FREE_KEPT) {
		b = d->free;
		d->free = b->next;
		d->free_count--;
		d->made--;
	}
	(void)pthread_mutex_unlock(&d->lock);
	block_free(b);
}

static void
sync_if_due(struct disk *d)
{
	mono_t now = mono_now();
	enum err e;

	if (now.ns - d->synced.ns < sync_period(d))
		return;
	d->synced = now;
	give_back(d);
	e = write_again(d);
	if (e == ERR_OK)
		e = store_sync(d->store);
	note(d, DISK_SYNCING, e);
	if (e == ERR_OK)
		sync_worked(d);
	else
		hold(d, !d->options.wait);
	note(d, DISK_NAMING, store_name(d->store));
}

/* --- the thread: writing --- */

/* After a write that failed, old segments may go to make room. True when some did, so that another try is worth while;
 * else errno is as it was. */
static bool
make_room(struct disk *d)
{
	int failure = errno;
	bool made = d->options.retention != NULL && (failure == ENOSPC || failure == EDQUOT) &&
	    retention_run(d->options.retention, d->store, true, wall_now(), mono_now());

	errno = failure;
	return made;
}

/* Sealing syncs, too. */
static enum err
write_once(struct disk *d, const struct entry *e)
{
	bool suspect = store_is_suspect(d->store);
	uint64_t sync_failures = store_counters(d->store)->sync_failures;
	enum err result = e->complete && e->block->last ? write_again(d) : ERR_OK;

	if (result == ERR_OK)
		result = store_write(d->store, e->block, e->upto, e->complete);
	while (result == ERR_SYSTEM && make_room(d)) /* a rolling log on a full disk is no failure */
		result = store_write(d->store, e->block, e->upto, e->complete);
	if (result != ERR_OK && store_counters(d->store)->sync_failures > sync_failures) {
		note(d, DISK_SYNCING, result);
		hold(d, !d->options.wait);
		return result;
	}
	note(d, DISK_WRITING, result);
	if (result == ERR_OK && e->complete && e->block->last) {
		if (suspect)
			note(d, DISK_SYNCING, ERR_OK);
		sync_worked(d);
	}
	return result;
}

static void
retain_if_due(struct disk *d)
{
	if (d->options.retention != NULL)
		(void)retention_run(d->options.retention, d->store, false, wall_now(), mono_now());
}

/* Writes an entry, however often it takes. False when it was given up. */
static bool
write_entry(struct disk *d, const struct entry *e)
{
	const struct timespec pause = {.tv_sec = 0, .tv_nsec = RETRY_NS};
	uint32_t before = e->block == d->current ? d->current_upto : 0;
	mono_t begun = {0};
	bool patient;

	d->current = e->block;
	while (write_once(d, e) != ERR_OK) {
		if (begun.ns == 0)
			begun = mono_now();
		(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
		(void)pthread_mutex_lock(&d->lock);
		patient = !d->stop && !d->options.wait;
		(void)pthread_mutex_unlock(&d->lock);
		if (!patient && mono_now().ns - begun.ns > PATIENCE_NS)
			return false;
		if (d->trouble[DISK_WRITING].failures > 0)
			sync_if_due(d); /* what could be written does not wait for what cannot */
	}
	d->current = e->complete ? NULL : e->block;
	d->current_upto = e->upto;
	(void)pthread_mutex_lock(&d->lock);
	d->written += e->upto - before;
	(void)pthread_mutex_unlock(&d->lock);
	return true;
}

static struct timespec
deadline_in(int64_t ns)
{
	int64_t at = mono_now().ns + ns;

	return (struct timespec){.tv_sec = at / NS_PER_SEC, .tv_nsec = at % NS_PER_SEC};
}

/* The next entry; false when there is none and none will come. Syncs while there is nothing to do. */
static bool
next_entry(struct disk *d, struct entry *ret)
{
	bool found;

	(void)pthread_mutex_lock(&d->lock);
	while (d->count == 0 && !d->stop) {
		struct timespec until = deadline_in(sync_period(d));

		if (pthread_cond_timedwait(&d->work, &d->lock, &until) == ETIMEDOUT) {
			(void)pthread_mutex_unlock(&d->lock);
			sync_if_due(d);
			retain_if_due(d);
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
			release(d, e.block);
		sync_if_due(d);
		retain_if_due(d);
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

	while (d->held != NULL)
		block_free(take_held(d));
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
	atomic_init(&d->sync_ns, options->sync_ns);
	d->store = store;
	d->most = (size_t)(options->memory / SEGMENT_CHUNK);
	d->held_end = &d->held;
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

/* Frees the blocks that were not written, counting their bytes, those whose sync failed included. A block may stand
 * in two entries. */
static uint64_t
drop_queue(struct disk *d)
{
	uint64_t lost = 0;

	if (d->left.block == NULL)
		return 0;
	if (d->holding) {
		for (const struct block *b = d->held; b != NULL; b = b->next)
			lost += b->written;
	}
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
