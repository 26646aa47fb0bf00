/* SPDX-License-Identifier: ISC
 *
 * A ring in shared memory: a collector puts records in, the relay takes them out. The writer never waits and trusts
 * nothing: what the reader says is how far it has read, and a lie costs it records, nobody else anything. The
 * records lie where the reader cannot change them; it takes copies, as it does not trust the writer either. What finds no
 * room is counted, in each record behind it, too. Ring and counts outlive both processes: a life goes on where the one
 * before it stopped.
 */
#ifndef FLOWBRAID_NODE_RING_H
#define FLOWBRAID_NODE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "log/segment.h"

struct ring;

/* Before the processes part. size: bytes, a power of two, at least RING_LEAST. */
#define RING_LEAST 4096
enum err ring_new(size_t size, struct ring **ret) WARN_UNUSED;
void ring_free(struct ring *r); /* NULL is fine */

/* In a child that has nothing to do with it: the memory goes; its descriptor is closed already. */
void ring_let_go(struct ring *r);
/* In a child: what it will do with it. */
void ring_for_writing(struct ring *r);
void ring_for_reading(struct ring *r);
/* Whoever has both ways: what is in it is forgotten. Nobody reads meanwhile. */
void ring_empty(struct ring *r);

/* An eventfd, open in whoever made it and to be kept in both children: readable when there may be something to read. */
int ring_fd(const struct ring *r);

/* --- the writer --- */

/* type, flags, listener, port, time, addr, sequence and body are carried. False: there is no room, or the body is longer
 * than RING_BODY_MOST. Then it is counted, if it is a datagram. */
#define RING_BODY_MOST 65536
bool ring_put(struct ring *r, const struct record *record);
/* Once behind the last of several: wakes a reader that sleeps, in one system call at most. */
void ring_wake(struct ring *r);

struct ring_counts {
	uint64_t put, lost; /* datagrams, in this life of the writer */
};
struct ring_counts ring_counts(const struct ring *r);

/* True when the reader wants what it needs to begin with (and *ret_number names this wish), until ring_granted. */
bool ring_wanted(const struct ring *r, uint32_t *ret_number);
void ring_granted(struct ring *r, uint32_t number);

/* --- the reader --- */

/* The next record, in a copy that lives until the next call of either of the two, and how many datagrams were lost right
 * before it. ERR_END: there is none now. ERR_MALFORMED: the writer wrote what it must not; all that is there
 * is passed over. */
enum err ring_take(struct ring *r, struct record *ret, uint64_t *ret_lost) WARN_UNUSED;
/* The same without taking it: *at begins at 0, and is where to go on. */
enum err ring_look(struct ring *r, uint64_t *at, struct record *ret) WARN_UNUSED;

/* Before going to sleep. False: there is something to read. */
bool ring_sleep(struct ring *r);
/* As if the writer had woken it: to be called again. */
void ring_poke(const struct ring *r);
/* Asks for what it needs to begin with. Returns the wish's number. */
uint32_t ring_want(struct ring *r);

#endif
