/* SPDX-License-Identifier: ISC
 *
 * The event loop: what programs use of libevent besides its HTTP, so that one file knows it. Times are read here once a
 * wake-up and handed to whoever is called.
 */
#ifndef FLOWBRAID_BASE_LOOP_H
#define FLOWBRAID_BASE_LOOP_H

#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"

struct loop;

typedef void (*loop_call)(void *ctx, wall_t now);

enum err loop_new(struct loop **ret) WARN_UNUSED;
void loop_free(struct loop *l); /* NULL is fine */

/* Each stays until loop_forget or loop_free; ret may be NULL. Signals are to be blocked when they are asked for,
 * and are let through while loop_run runs. */
struct loop_watch;
enum err loop_on_readable(
    struct loop *l, int fd, loop_call call, void *ctx, struct loop_watch **ret) WARN_UNUSED;
enum err loop_on_writable(
    struct loop *l, int fd, loop_call call, void *ctx, struct loop_watch **ret) WARN_UNUSED;
enum err loop_on_signal(struct loop *l, int signal, loop_call call, void *ctx) WARN_UNUSED;
enum err loop_every(
    struct loop *l, int64_t period_ns, loop_call call, void *ctx, struct loop_watch **ret) WARN_UNUSED;
/* Also from within its own call; nothing of the call may follow. NULL is fine. */
void loop_forget(struct loop *l, struct loop_watch *w);

enum err loop_run(struct loop *l) WARN_UNUSED; /* until loop_stop, or ERR_SYSTEM; may be called again */
void loop_stop(struct loop *l);

/* Sleeps before the next wake-up, so that more comes together; the shortest asked for in this one holds.
 * Below a second. */
void loop_pause(struct loop *l, int64_t ns);

/* For libevent's own servers, which add to it what they need. */
struct event_base;
struct event_base *loop_base(struct loop *l);

#endif
