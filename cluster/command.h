/* SPDX-License-Identifier: ISC
 *
 * What the subcommands of flowbraid share: exit codes, options, reading of paths, findings as messages.
 */
#ifndef FLOWBRAID_CLUSTER_COMMAND_H
#define FLOWBRAID_CLUSTER_COMMAND_H

#include <stdbool.h>

#include "archive/pool.h"
#include "base/buf.h"

enum { EXIT_CLEAN = 0, EXIT_FOUND = 1, EXIT_UNABLE = 2 };

int command_merge(int argc, char **argv);
int command_verify(int argc, char **argv);
int command_gaps(int argc, char **argv);
int command_info(int argc, char **argv);
int command_cat(int argc, char **argv);

/* Options that every subcommand has; set while it parses its own. */
struct command_options {
	bool json, quiet;
	uint64_t memory; /* bytes that the process may hold; 0: COMMAND_MEMORY */
};

#define COMMAND_MEMORY ((uint64_t)1 << 30)

/* Reads all paths into the pool and closes it; findings and progress go to standard error. false: a message
 * was printed, exit EXIT_UNABLE. */
bool command_read(struct pool *p, char **paths, int count, const struct command_options *o);

/* Told of each file, too; may be NULL. */
typedef void command_file(void *ctx, const struct pool_file *f, const struct pool_tally *t);
bool command_read_files(struct pool *p, char **paths, int count, const struct command_options *o,
    command_file *on_file, void *ctx);

/* Keeps the process within o->memory: what does not fit goes to unlinked files in the folder (NULL: TMPDIR, or /var/tmp).
 * Before anything is read. false: a message was printed. */
bool command_limit_memory(const struct command_options *o, const char *folder);

/* One line of progress, when standard error is a terminal and o is not quiet. Empty text: takes it away. */
void command_progress(const struct command_options *o, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

void command_finding(const char *path, const struct finding *f);

/* Writes the buffer to standard output. false: a message was printed (not for a reader that went away). */
bool command_output(struct buf *b);

/* "5m", "300s", "1h", "100ms": ns. False when it is none. */
bool command_duration(const char *text, int64_t *ret_ns);

/* The value of --memory, "256M" or "4G". false: a message was printed. */
bool command_memory(const char *text, uint64_t *ret_bytes);

#endif
