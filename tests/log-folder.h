/* SPDX-License-Identifier: ISC
 *
 * A node's log for tests and benchmarks: records in, segments out, through log/append and log/store, in one
 * thread. Gives up (exit 2) on any failure.
 */
#ifndef FLOWBRAID_TESTS_LOG_FOLDER_H
#define FLOWBRAID_TESTS_LOG_FOLDER_H

#include <stdio.h>
#include <stdlib.h>

#include "log/append.h"

struct log_folder {
	struct appender a;
	struct store *store;
	struct block *free; /* blocks that the appender does not hold */
};

void log_folder_open(
    struct log_folder *f, const char *path, const char *cluster, const char *node, uint64_t incarnation);
void log_folder_add(struct log_folder *f, const struct record *r);
/* sealed: end in good order; else leave the last segment open, as a killed node does. */
void log_folder_close(struct log_folder *f, bool sealed);

_Noreturn static inline void
give_up(const char *what)
{
	fprintf(stderr, "%s\n", what);
	exit(2);
}

#endif
