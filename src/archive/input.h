/* SPDX-License-Identifier: ISC
 *
 * The files behind a path: a segment, a log folder with its segments, or an archive. Opens them, tells them
 * apart, and reads bytes of them again by place, through a small buffer a file, with a limited number of open
 * descriptors however many files there are.
 */
#ifndef FLOWBRAID_ARCHIVE_INPUT_H
#define FLOWBRAID_ARCHIVE_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "archive/manifest.h"
#include "base/err.h"

struct input_open;

struct input_file {
	struct input_open *turn; /* whose turn it is to be open; its input's or the caller's */
	char *path;              /* owned */
	bool open_name;          /* its name says that it is being written */
	int fd;                  /* -1: closed for now */
	uint8_t *bytes;          /* owned; NULL while closed */
	uint64_t at;             /* offset of bytes in the file */
	size_t len;
	uint64_t used; /* when last used, for closing the one that was not for longest */
};

enum input_kind { INPUT_SEGMENT, INPUT_LOG, INPUT_ARCHIVE };

struct input {
	enum input_kind kind;
	char *path; /* owned; as given */
	struct input_file
	    *files; /* owned; a log's by lane and number; an archive's: common first, then windows by name */
	size_t count;
	struct input_open *own;   /* owned; NULL: the caller's is used */
	struct manifest manifest; /* of an archive */
};

/* The files that are open now, of one input or of many: a limited number. One thread at a time uses it and its files. */
struct input_open *input_open_new(void);    /* NULL: memory is out */
void input_open_free(struct input_open *o); /* behind its inputs; NULL is fine */

/* Opens what path names. turn: the files share it with others; NULL: they have one of their own. On failure *ret_why (static or in errno) helps the message:
 * ERR_SYSTEM: errno; ERR_MALFORMED: the manifest's line *ret_line; ERR_UNKNOWN: no log, segment or archive. */
enum err input_open(
    const char *path, struct input_open *turn, struct input *ret, unsigned *ret_line) WARN_UNUSED;
void input_clear(struct input *in);

/* A descriptor of the file, open until the next call on any file that shares input_open. -1: errno. */
int input_fd(struct input_file *f);

/* len bytes at offset, valid until the next call on this file. ERR_CUT: the file is shorter. */
enum err input_peek(struct input_file *f, uint64_t offset, size_t len, const uint8_t **ret) WARN_UNUSED;

#endif
