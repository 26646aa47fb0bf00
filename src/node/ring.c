/* SPDX-License-Identifier: ISC
 *
 * Two pieces of shared memory: the records with the writer's words before them, and the reader's words. Positions are
 * counts of bytes that never go back. A record never wraps: where it would, filler takes what is left of the end.
 */
#include "node/ring.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "node/shared.h"

#define WORDS_SIZE 64
#define ALIGN 8
#define FILLER 0

struct writer_words {
	_Atomic uint64_t head; /* behind the last whole record */
	uint64_t lost;         /* of all lives; the writer's own */
};

struct reader_words {
	_Atomic uint64_t tail; /* where it reads next */
	_Atomic uint32_t sleeps;
	_Atomic uint32_t wants; /* the number of its last wish; 0: none yet */
	uint64_t lost;          /* as told by the last record; the reader's own */
};

/* In front of each body. Filler has the first two fields alone. */
struct item {
	uint32_t size; /* of all of it, a multiple of ALIGN */
	uint32_t type;
	uint32_t len;
	uint16_t listener, port;
	uint64_t lost; /* of all lives, before this one */
	uint64_t sequence;
	int64_t time_ns;
	struct addr addr;
	uint64_t flags;
};
_Static_assert(sizeof(struct item) % ALIGN == 0, "bodies are aligned");
_Static_assert(offsetof(struct item, len) == ALIGN, "filler has room everywhere");

struct ring {
	size_t size;
	struct shared records, reader;
	int fd;
	/* the writer's */
	uint64_t head;
	uint32_t granted;
	struct ring_counts counts;
	bool unseen; /* something was put since the last wake */
	/* the reader's */
	bool slept;
	uint8_t *copy; /* owned */
};

enum err
ring_new(size_t size, struct ring **ret)
{
	struct ring *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return ERR_MEMORY;
	r->size = size;
	r->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	r->copy = malloc(RING_BODY_MOST);
	if (r->fd < 0 || r->copy == NULL || shared_new("ring", WORDS_SIZE + size, &r->records) != ERR_OK ||
	    shared_new("ring-reader", sizeof(struct reader_words), &r->reader) != ERR_OK) {
		enum err e = r->copy == NULL ? ERR_MEMORY : ERR_SYSTEM;

		ring_free(r);
		return e;
	}
	*ret = r;
	return ERR_OK;
}

void
ring_let_go(struct ring *r)
{
	shared_clear(&r->records);
	shared_clear(&r->reader);
	free(r->copy);
	free(r);
}

void
ring_free(struct ring *r)
{
	if (r == NULL)
		return;
	if (r->fd >= 0)
		(void)close(r->fd);
	ring_let_go(r);
}

int
ring_fd(const struct ring *r)
{
	return r->fd;
}

void
ring_for_writing(struct ring *r)
{
	const struct writer_words *w = r->records.write;

	shared_for_writing(&r->records);
	shared_for_reading(&r->reader);
	r->head = atomic_load_explicit(&w->head, memory_order_relaxed);
}

void
ring_for_reading(struct ring *r)
{
	shared_for_reading(&r->records);
	shared_for_writing(&r->reader);
}

void
ring_empty(struct ring *r)
{
	const struct writer_words *from = r->records.read;
	struct reader_words *to = r->reader.write;

	atomic_store(&to->tail, atomic_load(&from->head));
	to->lost = from->lost;
}

/* --- writing --- */

static uint8_t *
place(const struct ring *r, uint64_t position)
{
	return (uint8_t *)r->records.write + WORDS_SIZE + (position & (r->size - 1));
}

static size_t
size_of(size_t len)
{
	return sizeof(struct item) + (len + ALIGN - 1) / ALIGN * ALIGN;
}

/* How much of the ring a record will take, with filler before it; 0: there is no room. */
static size_t
room_for(struct ring *r, size_t size)
{
	const struct reader_words *from = r->reader.read;
	uint64_t used = r->head - atomic_load_explicit(&from->tail, memory_order_acquire);
	size_t to_end = r->size - (size_t)(r->head & (r->size - 1));
	size_t all = to_end >= size ? size : to_end + size;

	return used <= r->size && all <= r->size - used ? all : 0;
}

bool
ring_put(struct ring *r, const struct record *record)
{
	struct writer_words *w = r->records.write;
	size_t size = size_of(record->len), all = record->len <= RING_BODY_MOST ? room_for(r, size) : 0;
	const struct item item = {.size = (uint32_t)size,
	    .type = record->type,
	    .len = record->len,
	    .listener = record->listener,
	    .port = record->port,
	    .lost = w->lost,
	    .sequence = record->sequence,
	    .time_ns = record->time.ns,
	    .addr = record->addr,
	    .flags = record->flags};
	uint8_t *at;

	if (all == 0) {
		w->lost += record->type == RECORD_DATAGRAM;
		r->counts.lost += record->type == RECORD_DATAGRAM;
		return false;
	}
	if (all > size) {
		const uint32_t filler[2] = {(uint32_t)(all - size), FILLER};

		memcpy(place(r, r->head), filler, sizeof(filler));
	}
	at = place(r, r->head + (all - size));
	memcpy(at, &item, sizeof(item));
	if (record->len > 0)
		memcpy(at + sizeof(item), record->body, record->len);
	r->head += all;
	atomic_store_explicit(&w->head, r->head, memory_order_release);
	r->counts.put += record->type == RECORD_DATAGRAM;
	r->unseen = true;
	return true;
}

void
ring_poke(const struct ring *r)
{
	static const uint64_t one = 1;

	(void)!write(r->fd, &one, sizeof(one));
}

/* Either we see that it sleeps, or it sees, before it does, what was put: both look behind a fence. */
void
ring_wake(struct ring *r)
{
	const struct reader_words *from = r->reader.read;

	if (!r->unseen)
		return;
	r->unseen = false;
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&from->sleeps, memory_order_relaxed) != 0)
		ring_poke(r); /* a reader that lets it become full is awake, or wants to lose */
}

struct ring_counts
ring_counts(const struct ring *r)
{
	return r->counts;
}

bool
ring_wanted(const struct ring *r, uint32_t *ret_number)
{
	const struct reader_words *from = r->reader.read;
	uint32_t wants = atomic_load_explicit(&from->wants, memory_order_relaxed);

	*ret_number = wants;
	return wants != r->granted;
}

void
ring_granted(struct ring *r, uint32_t number)
{
	r->granted = number;
}

/* --- reading --- */

/* The item at a position, which is moved behind it. */
static enum err
read_item(struct ring *r, uint64_t *position, struct item *ret)
{
	const struct writer_words *w = r->records.read;
	uint64_t there = atomic_load_explicit(&w->head, memory_order_acquire) - *position;
	const uint8_t *at;
	size_t to_end;

	for (;;) {
		size_t offset = (size_t)(*position & (r->size - 1));
		uint32_t begin[2];

		to_end = r->size - offset;
		at = (const uint8_t *)r->records.read + WORDS_SIZE + offset;
		if (there == 0)
			return ERR_END;
		if (there > r->size || there < sizeof(begin))
			return ERR_MALFORMED;
		memcpy(begin, at, sizeof(begin));
		if (begin[1] != FILLER)
			break;
		if (begin[0] != to_end || to_end > there)
			return ERR_MALFORMED;
		*position += to_end;
		there -= to_end;
	}
	if (there < sizeof(*ret) || to_end < sizeof(*ret))
		return ERR_MALFORMED;
	memcpy(ret, at, sizeof(*ret));
	if (ret->len > RING_BODY_MOST || ret->size != size_of(ret->len) || ret->size > there ||
	    ret->size > to_end || ret->type > UINT8_MAX)
		return ERR_MALFORMED;
	memcpy(r->copy, at + sizeof(*ret), ret->len);
	*position += ret->size;
	return ERR_OK;
}

static void
to_record(const struct ring *r, const struct item *item, struct record *ret)
{
	*ret = (struct record){.type = (enum record_type)item->type,
	    .flags = (uint8_t)item->flags,
	    .listener = item->listener,
	    .port = item->port,
	    .sequence = item->sequence,
	    .time = {item->time_ns},
	    .addr = item->addr,
	    .body = r->copy,
	    .len = item->len};
}

/* Whoever finds no sense goes on behind all that is there. */
static void
pass_over(struct ring *r)
{
	const struct writer_words *from = r->records.read;
	struct reader_words *w = r->reader.write;

	atomic_store_explicit(
	    &w->tail, atomic_load_explicit(&from->head, memory_order_acquire), memory_order_release);
}

static void
wake_up(struct ring *r)
{
	struct reader_words *w = r->reader.write;

	if (r->slept)
		atomic_store_explicit(&w->sleeps, 0, memory_order_relaxed);
	r->slept = false;
}

enum err
ring_take(struct ring *r, struct record *ret, uint64_t *ret_lost)
{
	struct reader_words *w = r->reader.write;
	uint64_t position = atomic_load_explicit(&w->tail, memory_order_relaxed);
	struct item item;
	enum err e = read_item(r, &position, &item);

	if (e == ERR_MALFORMED)
		pass_over(r);
	if (e != ERR_OK)
		return e;
	atomic_store_explicit(&w->tail, position, memory_order_release);
	to_record(r, &item, ret);
	*ret_lost = item.lost - w->lost;
	w->lost = item.lost;
	wake_up(r);
	return ERR_OK;
}

enum err
ring_look(struct ring *r, uint64_t *at, struct record *ret)
{
	const struct reader_words *w = r->reader.write;
	uint64_t tail = atomic_load_explicit(&w->tail, memory_order_relaxed), position = tail + *at;
	struct item item;
	enum err e = read_item(r, &position, &item);

	if (e != ERR_OK)
		return e;
	to_record(r, &item, ret);
	*at = position - tail;
	return ERR_OK;
}

bool
ring_sleep(struct ring *r)
{
	const struct writer_words *from = r->records.read;
	struct reader_words *w = r->reader.write;
	uint64_t counted;

	(void)!read(r->fd, &counted, sizeof(counted));
	atomic_store_explicit(&w->sleeps, 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&from->head, memory_order_acquire) ==
	    atomic_load_explicit(&w->tail, memory_order_relaxed)) {
		r->slept = true;
		return true;
	}
	atomic_store_explicit(&w->sleeps, 0, memory_order_relaxed);
	return false;
}

uint32_t
ring_want(struct ring *r)
{
	struct reader_words *w = r->reader.write;
	uint32_t number = atomic_load_explicit(&w->wants, memory_order_relaxed) + 1;

	atomic_store_explicit(&w->wants, number, memory_order_relaxed);
	return number;
}
