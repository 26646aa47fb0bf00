/* SPDX-License-Identifier: ISC
 *
 * See input.h.
 */
#include "archive/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "log/folder.h"

#define PEEK_BYTES ((size_t)256 << 10)
#define OPEN_MAX_FILES 64 /* 16 MiB of buffers */
#define OPEN_SUFFIX ".open"
#define DESCRIPTORS "/proc/self/fd/"

struct input_open {
	struct input_file *files[OPEN_MAX_FILES];
	uint64_t tick;
};

struct input_open *
input_open_new(void)
{
	return calloc(1, sizeof(struct input_open));
}

void
input_open_free(struct input_open *o)
{
	free(o);
}

static void
file_shut(struct input_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
	free(f->bytes);
	f->bytes = NULL;
	f->len = 0;
	for (size_t i = 0; i < OPEN_MAX_FILES; i++) {
		if (f->turn->files[i] == f)
			f->turn->files[i] = NULL;
	}
}

/* Closes the file that was not used for longest. False when none is open. */
static bool
shut_oldest(struct input_open *o)
{
	struct input_file *oldest = NULL;

	for (size_t i = 0; i < OPEN_MAX_FILES; i++) {
		if (o->files[i] != NULL && (oldest == NULL || o->files[i]->used < oldest->used))
			oldest = o->files[i];
	}
	if (oldest != NULL)
		file_shut(oldest);
	return oldest != NULL;
}

static size_t
place_for_file(struct input_open *o)
{
	for (;;) {
		for (size_t i = 0; i < OPEN_MAX_FILES; i++) {
			if (o->files[i] == NULL)
				return i;
		}
		(void)shut_oldest(o);
	}
}

static bool
ends_open(const char *path)
{
	size_t len = strlen(path), suffix = strlen(OPEN_SUFFIX);

	return len > suffix && strcmp(path + len - suffix, OPEN_SUFFIX) == 0;
}

/* A node seals a segment while we are at it: the same bytes, more perhaps, under the sealed name. */
static void
open_sealed(struct input_file *f)
{
	f->path[strlen(f->path) - strlen(OPEN_SUFFIX)] = '\0';
	f->open_name = false;
	f->fd = open(f->path, O_RDONLY | O_CLOEXEC);
}

int
input_fd(struct input_file *f)
{
	f->used = ++f->turn->tick;
	if (f->fd < 0) {
		size_t at = place_for_file(f->turn);

		do
			f->fd = open(f->path, O_RDONLY | O_CLOEXEC);
		while (f->fd < 0 && errno == EMFILE && shut_oldest(f->turn));
		if (f->fd < 0 && errno == ENOENT && f->open_name && ends_open(f->path))
			open_sealed(f);
		if (f->fd >= 0)
			f->turn->files[at] = f;
	}
	return f->fd;
}

enum err
input_peek(struct input_file *f, uint64_t offset, size_t len, const uint8_t **ret)
{
	size_t want = len > PEEK_BYTES ? len : PEEK_BYTES;
	enum err e;

	if (f->bytes != NULL && offset >= f->at && offset - f->at <= f->len &&
	    f->len - (offset - f->at) >= len) {
		*ret = f->bytes + (offset - f->at);
		f->used = ++f->turn->tick;
		return ERR_OK;
	}
	if (input_fd(f) < 0)
		return ERR_SYSTEM;
	if (len > PEEK_BYTES || f->bytes == NULL) {
		free(f->bytes);
		f->bytes = malloc(want);
		f->len = 0;
		if (f->bytes == NULL)
			return ERR_MEMORY;
	}
	f->at = offset;
	f->len = 0;
	e = file_pread(f->fd, f->bytes, want, offset, &f->len);
	if (e != ERR_OK)
		return e;
	if (f->len < len)
		return ERR_CUT;
	*ret = f->bytes;
	return ERR_OK;
}

static char *
path_join(const char *folder, const char *name)
{
	char *p = NULL;

	if (asprintf(&p, "%s%s%s", folder, folder[0] != '\0' && folder[strlen(folder) - 1] == '/' ? "" : "/",
		name) < 0)
		return NULL;
	return p;
}

/* Of a descriptor nobody knows what its file was called: its end may be one so far. */
static bool
has_open_name(const char *path)
{
	return ends_open(path) || strncmp(path, DESCRIPTORS, strlen(DESCRIPTORS)) == 0;
}

static enum err
add_file(struct input *in, struct input_open *turn, char *path)
{
	if (path == NULL)
		return ERR_MEMORY;
	in->files[in->count++] = (struct input_file){
	    .turn = turn, .path = path, .open_name = has_open_name(path), .fd = -1};
	return ERR_OK;
}

static enum err
open_archive(int dirfd, struct input_open *turn, struct input *in, unsigned *ret_line)
{
	struct buf text = BUF_INIT;
	enum err e = file_slurp(dirfd, MANIFEST_NAME, MANIFEST_SIZE_MAX, &text);

	in->kind = INPUT_ARCHIVE;
	if (e == ERR_OK)
		e = manifest_read((const char *)text.data, text.len, &in->manifest, ret_line);
	buf_clear(&text);
	if (e != ERR_OK)
		return e;
	in->files = calloc(in->manifest.count + 1, sizeof(*in->files));
	if (in->files == NULL)
		return ERR_MEMORY;
	for (int common = 1; common >= 0; common--) {
		for (size_t i = 0; i < in->manifest.count && e == ERR_OK; i++) {
			const char *name = in->manifest.files[i].name;

			if ((strcmp(name, MANIFEST_COMMON) == 0) == (common == 1) &&
			    strcmp(name, MANIFEST_LEDGER) != 0)
				e = add_file(in, turn, path_join(in->path, name));
		}
	}
	return e;
}

static enum err
open_log(int dirfd, struct input_open *turn, struct input *in)
{
	struct folder folder;
	enum err e = folder_list(dirfd, &folder);

	in->kind = INPUT_LOG;
	if (e != ERR_OK)
		return e;
	if (folder.count == 0)
		e = ERR_UNKNOWN;
	else if ((in->files = calloc(folder.count, sizeof(*in->files))) == NULL)
		e = ERR_MEMORY;
	for (size_t i = 0; i < folder.count && e == ERR_OK; i++)
		e = add_file(in, turn, path_join(in->path, folder.entries[i].name));
	folder_clear(&folder);
	return e;
}

static enum err
open_segment(struct input_open *turn, struct input *in)
{
	in->kind = INPUT_SEGMENT;
	in->files = calloc(1, sizeof(*in->files));
	if (in->files == NULL)
		return ERR_MEMORY;
	return add_file(in, turn, strdup(in->path));
}

enum err
input_open(const char *path, struct input_open *turn, struct input *ret, unsigned *ret_line)
{
	struct input in = {.path = strdup(path)};
	struct stat st;
	enum err e;
	int dirfd;

	if (turn == NULL)
		turn = in.own = input_open_new();
	if (in.path == NULL || turn == NULL) {
		input_clear(&in);
		return ERR_MEMORY;
	}
	if (stat(path, &st) != 0) {
		e = ERR_SYSTEM;
	} else if (S_ISREG(st.st_mode)) {
		e = open_segment(turn, &in);
	} else if (!S_ISDIR(st.st_mode)) { /* a pipe would make us wait */
		e = ERR_UNKNOWN;
	} else if ((dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0) {
		e = ERR_SYSTEM;
	} else {
		if (faccessat(dirfd, MANIFEST_NAME, F_OK, 0) == 0)
			e = open_archive(dirfd, turn, &in, ret_line);
		else
			e = open_log(dirfd, turn, &in);
		close(dirfd);
	}
	if (e != ERR_OK) {
		int saved = errno;

		input_clear(&in);
		errno = saved;
		return e;
	}
	*ret = in;
	return ERR_OK;
}

void
input_clear(struct input *in)
{
	for (size_t i = 0; i < in->count; i++) {
		file_shut(&in->files[i]);
		free(in->files[i].path);
	}
	input_open_free(in->own);
	free(in->files);
	free(in->path);
	manifest_clear(&in->manifest);
	*in = (struct input){0};
}
