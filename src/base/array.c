/* SPDX-License-Identifier: ISC
 *
 * See array.h.
 */
#include "base/array.h"

#include <stdlib.h>

enum err
array_grow_bytes(void **array, size_t *room, size_t count, size_t size)
{
	size_t want = *room > 0 ? 2 * *room : 16;
	void *p;

	if (count < *room)
		return ERR_OK;
	p = reallocarray(*array, want, size);
	if (p == NULL)
		return ERR_MEMORY;
	*array = p;
	*room = want;
	return ERR_OK;
}
