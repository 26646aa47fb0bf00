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
int command_merged(int argc, char **argv);
int command_export(int argc, char **argv);
int command_replay(int argc, char **argv);
int command_import(int argc, char **argv);
int command_monitor(int argc, char **argv);

/* Options that every subcommand has; set while it parses its own. */
struct command_options {
	bool json, quiet;
	uint64_t memory; /* bytes that the process may hold; 0: COMMAND_MEMORY */
	bool has_from, has_to;
	struct pool_span span; /* --from and --to; valid with has_from, has_to */
	int64_t margin_ns;     /* look at what lies so near to the span, too */
	double *max_loss;      /* --max-loss is understood: where it goes; NULL: it is not */
	bool heals, decodes; /* read all that is needed to heal what is damaged, to know what options told */
};

#define COMMAND_MEMORY ((uint64_t)1 << 30)

/* Reads all paths into the pool and closes it; findings and progress go to standard error. false: a message
 * was printed, exit EXIT_UNABLE. */
bool command_read(struct pool *p, char **paths, int count, const struct command_options *o);

/* Told of each file, too; may be NULL. */
typedef void command_file(void *ctx, const struct pool_file *f, const struct pool_tally *t);
bool command_read_files(struct pool *p, char **paths, int count, const struct command_options *o,
    command_file *on_file, void *ctx);

/* Reads the options of a command that reports on paths (--json, --memory, --from, --to, --max-loss, -q), which begin at optind then,
 * and keeps to the memory. False: *ret_exit says how to end; what is to be said was said. */
bool command_report_options(
    struct command_options *o, const char *usage, int argc, char **argv, int *ret_exit);

/* Keeps the process within o->memory: what does not fit goes to unlinked files in the folder (NULL: TMPDIR, or /var/tmp).
 * Before anything is read. false: a message was printed. */
bool command_limit_memory(const struct command_options *o, const char *folder);

/* Where files without a name lie: TMPDIR, or /var/tmp. */
const char *command_folder(void);

/* One line of progress, when standard error is a terminal and o is not quiet. Empty text: takes it away. */
void command_progress(const struct command_options *o, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

void command_finding(const char *path, const struct finding *f);

/* Writes the buffer to standard output. false: a message was printed (not for a reader that went away). */
bool command_output(struct buf *b);

/* "5m", "300s", "1h", "100ms": ns. False when it is none. */
bool command_duration(const char *text, int64_t *ret_ns);

/* --from and --to, for getopt_long, and their values. false: a message was printed. */
enum { COMMAND_OPTION_FROM = 256, COMMAND_OPTION_TO };
#define COMMAND_TIMES \
	{"from", required_argument, NULL, COMMAND_OPTION_FROM}, \
	{ \
		"to", required_argument, NULL, COMMAND_OPTION_TO \
	}
bool command_time(struct command_options *o, int option, const char *text);
static inline bool
command_limited(const struct command_options *o)
{
	return o->has_from || o->has_to;
}
struct pool_span command_span(const struct command_options *o);

/* What command_read does about them, for whoever reads otherwise: before anything is added (alone: one path will be), and
 * when all was. */
void command_choose(struct pool *p, const struct command_options *o, bool alone);
enum err command_add_rest(struct pool *p, const struct command_options *o, const struct pool_report *report,
    struct buf *ret_why) WARN_UNUSED;

/* The value of --memory, "256M" or "4G". false: a message was printed. */
struct anonymiser;
bool command_memory(const char *text, uint64_t *ret_bytes);
/* Made with the key in a file: 32 bytes, or 64 hexadecimal digits. NULL: a message has said why. */
struct anonymiser *command_anonymiser(const char *path);
/* A share of 0 to 100. false: a message was printed. */
bool command_percent(const char *option, const char *text, double *ret);
/* A whole number above 0; else a message says so. */
bool command_number(const char *text, uint64_t *ret);

#endif
