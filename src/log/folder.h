/* SPDX-License-Identifier: ISC
 *
 * The names in a log folder, in the order in which they were written.
 */
#ifndef FLOWBRAID_LOG_FOLDER_H
#define FLOWBRAID_LOG_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"

#define FOLDER_NAME_SIZE 64

struct folder_entry {
	char name[FOLDER_NAME_SIZE];
	uint16_t lane;
	uint64_t number;
	bool open; /* being written, or left by a crash */
};

struct folder {
	struct folder_entry *entries; /* owned; by lane, then number */
	size_t count;
};

/* Whoever writes there holds this lock, on the open folder that dirfd names and all its copies (flock(2)), from before
 * store_open on. ERR_BUSY: another one does. */
enum err folder_lock(int dirfd) WARN_UNUSED;

/* Lists the segments in dirfd; other names are passed over. */
enum err folder_list(int dirfd, struct folder *ret) WARN_UNUSED;
void folder_clear(struct folder *f);

bool folder_name_parse(const char *name, struct folder_entry *ret);
/* When a segment of that name was begun, to the second. */
bool folder_name_time(const char *name, wall_t *ret);
void folder_name_make(uint16_t lane, uint64_t number, wall_t begun, bool open, char out[FOLDER_NAME_SIZE]);

#endif
