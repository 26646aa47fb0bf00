/* SPDX-License-Identifier: ISC
 *
 * Memory for arrays that may become larger than what the process may hold. Small ones are ordinary memory. Large ones
 * lie in unlinked files that are mapped: when the process comes near its limit their pages are given back, and come
 * again from the file when they are touched. So the limit holds whatever the size; what it costs is locality, and
 * whoever walks such an array in order pays least.
 *
 * The limit is the process's, like its memory. Without spill_limit all of it is ordinary memory.
 */
#ifndef FLOWBRAID_BASE_SPILL_H
#define FLOWBRAID_BASE_SPILL_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define SPILL_LIMIT_LEAST ((uint64_t)32 << 20)

/* From now on the process shall hold at most so many bytes (resident), and large arrays go to files in the folder, which
 * is opened anew. What there is already stays where it is. */
enum err spill_limit(const char *folder, uint64_t bytes) WARN_UNUSED;

/* All of these: ERR_MEMORY, or ERR_SYSTEM when the folder has no room. What is got goes back through spill_free alone. */
void *spill_alloc(size_t bytes); /* NULL: errno; zeroed */
void spill_free(void *memory);
enum err spill_resize(void **memory, size_t old_bytes, size_t new_bytes) WARN_UNUSED;

/* Makes room for one element more than count, as array_grow does. */
enum err spill_grow_bytes(void **array, size_t *room, size_t count, size_t size) WARN_UNUSED;
#define spill_grow(array, room, count) spill_grow_bytes((void **)&(array), &(room), (count), sizeof(*(array)))

/* Whoever walks a large array calls this for each element or so: it looks itself now and then, for the thread may have to wait
 * for a processor. One thread of a process, or any while there is no limit. */
void spill_pause(void);

/* Bytes that lie in files now, and how often pages were given back. For reports and tests. */
uint64_t spill_bytes(void);
uint64_t spill_drops(void);

#endif
