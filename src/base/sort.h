/* SPDX-License-Identifier: ISC
 *
 * Sorting of large arrays, with an argument for the comparison. Stable. Made for input that is nearly in order and for
 * memory that is large (base/spill): halves are sorted one after the other and joined only where they are not in order
 * already, so pages are touched in order.
 */
#ifndef FLOWBRAID_BASE_SORT_H
#define FLOWBRAID_BASE_SORT_H

#include <stddef.h>

#include "base/err.h"

typedef int (*sort_cmp)(const void *a, const void *b, const void *ctx);

/* ERR_MEMORY, ERR_SYSTEM: no room for half of the array besides; its order is then undefined, its elements are all there. */
enum err sort_array(void *base, size_t count, size_t size, sort_cmp cmp, const void *ctx) WARN_UNUSED;

#endif
