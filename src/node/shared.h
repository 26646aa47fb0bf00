/* SPDX-License-Identifier: ISC
 *
 * Memory that one process writes and another one reads and cannot change, however hostile it is. Who makes both has both
 * ways to it; each of them gives one up.
 */
#ifndef FLOWBRAID_NODE_SHARED_H
#define FLOWBRAID_NODE_SHARED_H

#include <stddef.h>

#include "base/err.h"

struct shared {
	size_t size;
	void *write; /* NULL: not for this process */
	const void *read;
};

/* Zeros. name: what /proc shows of it. ERR_SYSTEM. */
enum err shared_new(const char *name, size_t size, struct shared *ret) WARN_UNUSED;
void shared_clear(struct shared *s);

/* In a child: the other way to reach the memory goes. */
void shared_for_writing(struct shared *s);
void shared_for_reading(struct shared *s);

#endif
