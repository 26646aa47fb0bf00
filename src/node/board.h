/* SPDX-License-Identifier: ISC
 *
 * A notice board: shared memory in which one process puts up what it wants known, and another one reads it. Neither
 * can make the other wait. The reader has it read-only, and does not trust what stands there: it gets a copy
 * that a checksum says is whole, to be read with the bounded reader.
 */
#ifndef FLOWBRAID_NODE_BOARD_H
#define FLOWBRAID_NODE_BOARD_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct buf;
struct board;

/* Before the processes part: both have it then. room: bytes of the longest notice. */
enum err board_new(size_t room, struct board **ret) WARN_UNUSED;
void board_free(struct board *b); /* NULL is fine */

/* In a child: what it will do with it. The other way to reach the memory is gone. */
void board_for_writing(struct board *b);
void board_for_reading(struct board *b);

/* The same in two steps, without a copy: the place for the next notice, to be filled with no more than *ret_room bytes; and
 * that it has been. Nobody sees it before. */
void *board_begin(struct board *b, size_t *ret_room);
void board_end(struct board *b, size_t len);

/* ERR_LIMIT: longer than the room; what was there stays. */
enum err board_put(struct board *b, const void *bytes, size_t len) WARN_UNUSED;

/* The latest notice. ERR_END: there was none yet; ERR_CHECKSUM: it was being replaced, ask again. ERR_MEMORY. */
enum err board_get(const struct board *b, struct buf *ret) WARN_UNUSED;

#endif
