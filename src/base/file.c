/* SPDX-License-Identifier: ISC
 *
 * Whole reads, whole writes, and replacement of a file that a crash cannot leave half done.
 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"

enum err
file_pread(int fd, void *dst, size_t len, uint64_t offset, size_t *ret_len)
{
	uint8_t *at = dst;
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd, at + done, len - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ERR_SYSTEM;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	*ret_len = done;
	return ERR_OK;
}

enum err
file_pwrite(int fd, const void *src, size_t len, uint64_t offset, size_t *ret_len)
{
	const uint8_t *at = src;
	size_t done = 0;
	enum err e = ERR_OK;

	while (done < len) {
		ssize_t n = pwrite(fd, at + done, len - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			if (n == 0)
				errno = EIO;
			e = ERR_SYSTEM;
			break;
		}
		done += (size_t)n;
	}
	if (ret_len != NULL)
		*ret_len = done;
	return e;
}

/* Closes without losing the errno of what went wrong before. */
static void
close_quietly(int fd)
{
	int saved = errno;

	(void)close(fd);
	errno = saved;
}

/* read() and not pread(): it may be a pipe. */
enum err
file_slurp_fd(int fd, size_t most, struct buf *b)
{
	const size_t piece = 65536;
	size_t begin = b->len;

	for (;;) {
		uint8_t *at = buf_room(b, piece);
		ssize_t n;

		if (at == NULL)
			return ERR_MEMORY;
		do
			n = read(fd, at, piece);
		while (n < 0 && errno == EINTR);
		b->len -= piece;
		if (n < 0)
			return ERR_SYSTEM;
		if (n == 0)
			return ERR_OK;
		b->len += (size_t)n;
		if (b->len - begin > most)
			return ERR_LIMIT;
	}
}

enum err
file_slurp(int dirfd, const char *path, size_t most, struct buf *b)
{
	size_t begin = b->len;
	int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);
	enum err e;

	if (fd < 0)
		return ERR_SYSTEM;
	e = file_slurp_fd(fd, most, b);
	close_quietly(fd);
	if (e != ERR_OK)
		b->len = begin;
	return e;
}

enum err
file_sync_folder(int dirfd, const char *path)
{
	char *copy = strdup(path);
	enum err e = ERR_OK;
	int fd;

	if (copy == NULL)
		return ERR_MEMORY;
	fd = openat(dirfd, dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(copy);
	if (fd < 0)
		return ERR_SYSTEM;
	if (fsync(fd) != 0)
		e = ERR_SYSTEM;
	close_quietly(fd);
	return e;
}

static enum err
write_new(int dirfd, const char *path, const void *bytes, size_t len, mode_t mode)
{
	int fd = openat(dirfd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	enum err e;

	if (fd < 0)
		return ERR_SYSTEM;
	e = file_pwrite(fd, bytes, len, 0, NULL);
	if (e == ERR_OK && fsync(fd) != 0)
		e = ERR_SYSTEM;
	close_quietly(fd);
	return e;
}

enum err
file_replace(int dirfd, const char *path, const void *bytes, size_t len, mode_t mode)
{
	char *tmp;
	enum err e;
	int saved;

	if (asprintf(&tmp, "%s.tmp", path) < 0)
		return ERR_MEMORY;
	if (unlinkat(dirfd, tmp, 0) != 0 && errno != ENOENT) {
		e = ERR_SYSTEM;
	} else {
		e = write_new(dirfd, tmp, bytes, len, mode);
		if (e == ERR_OK && renameat(dirfd, tmp, dirfd, path) != 0)
			e = ERR_SYSTEM;
		if (e != ERR_OK) {
			saved = errno;
			(void)unlinkat(dirfd, tmp, 0);
			errno = saved;
		}
	}
	saved = errno;
	free(tmp);
	errno = saved;
	return e == ERR_OK ? file_sync_folder(dirfd, path) : e;
}

/* To the end of what is there. */
static enum err
copy_all(int from, int to)
{
	static uint8_t piece[256 << 10];
	uint64_t at = 0;
	size_t n;
	enum err e;

	while ((e = file_pread(from, piece, sizeof(piece), at, &n)) == ERR_OK && n > 0) {
		if ((e = file_pwrite(to, piece, n, at, NULL)) != ERR_OK)
			break;
		at += n;
	}
	return e == ERR_OK && fsync(to) != 0 ? ERR_SYSTEM : e;
}

enum err
file_link(const char *from, int dirfd, const char *name, mode_t mode)
{
	int in, out;
	enum err e;

	if (linkat(AT_FDCWD, from, dirfd, name, 0) == 0)
		return ERR_OK;
	if (errno == EEXIST || errno == ENOENT || (in = open(from, O_RDONLY | O_CLOEXEC)) < 0)
		return ERR_SYSTEM;
	out = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	e = out >= 0 ? copy_all(in, out) : ERR_SYSTEM;
	if (out >= 0 && close(out) != 0 && e == ERR_OK)
		e = ERR_SYSTEM;
	close(in);
	return e;
}
