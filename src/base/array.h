/* SPDX-License-Identifier: ISC
 *
 * Growing an array by doubling: the one place where room for elements is computed.
 */
#ifndef FLOWBRAID_BASE_ARRAY_H
#define FLOWBRAID_BASE_ARRAY_H

#include <stddef.h>

#include "base/err.h"

/* Makes room for one element more than count. On ERR_MEMORY nothing has changed. */
enum err array_grow_bytes(void **array, size_t *room, size_t count, size_t size) WARN_UNUSED;

/* array: lvalue of a pointer to elements; room: lvalue, how many it has room for. */
#define array_grow(array, room, count) array_grow_bytes((void **)&(array), &(room), (count), sizeof(*(array)))

#endif
