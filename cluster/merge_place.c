/* SPDX-License-Identifier: ISC
 *
 * See merge_place.h.
 */
#include "cluster/merge_place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/input.h"
#include "base/msg.h"

/* Who holds the lock, for a message. */
static const char *
holder(int fd, char pid[32])
{
	ssize_t n = pread(fd, pid, 31, 0);

	pid[n > 0 ? n : 0] = '\0';
	return pid[0] != '\0' ? pid : "unknown";
}

static bool
take_lock(const struct place *p, int fd, bool wait)
{
	char pid[32];
	int failed;

	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return true;
	if (!wait) {
		msg_error("%s: another merge writes to it (process %s)", p->out, holder(fd, pid));
		return false;
	}
	msg_notice("%s: another merge writes to it (process %s); waiting", p->out, holder(fd, pid));
	do
		failed = flock(fd, LOCK_EX);
	while (failed != 0 && errno == EINTR);
	if (failed != 0)
		msg_error("%s.lock: %s", p->out, strerror(errno));
	return failed == 0;
}

/* One merge into an archive at a time: a lock on a file beside it. */
static int
lock_archive(const struct place *p, bool wait)
{
	char *path = NULL, pid[32];
	int fd, n;

	if (asprintf(&path, "%s.lock", p->out) < 0)
		return -1;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0) {
		msg_error("%s: %s", path, strerror(errno));
	} else if (!take_lock(p, fd, wait)) {
		close(fd);
		fd = -1;
	} else {
		n = snprintf(pid, sizeof(pid), "%ld", (long)getpid());
		if (ftruncate(fd, 0) != 0 || pwrite(fd, pid, (size_t)n, 0) != n)
			msg_warn("%s: %s", path, strerror(errno)); /* only the next one's message suffers */
	}
	free(path);
	return fd;
}

static bool
is_empty_folder(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *de;
	bool empty = d != NULL;

	while (d != NULL && (de = readdir(d)) != NULL)
		empty &= strcmp(de->d_name, ".") == 0 || strcmp(de->d_name, "..") == 0;
	if (d != NULL)
		closedir(d);
	return empty;
}

/* What stands at -o now: nothing (or an empty folder), or an archive, which takes part. */
static bool
look_at_output(struct place *p)
{
	struct stat st;
	struct input in;
	unsigned line = 0;
	enum err e;

	p->archive = false;
	if (stat(p->given, &st) != 0) {
		if (errno == ENOENT)
			return true;
		msg_error("%s: %s", p->given, strerror(errno));
		return false;
	}
	if (S_ISDIR(st.st_mode) && is_empty_folder(p->given))
		return true;
	e = input_open(p->given, NULL, &in, &line);
	if (e == ERR_OK && in.kind == INPUT_ARCHIVE) {
		p->archive = true;
		input_clear(&in);
		return true;
	}
	if (e == ERR_OK) {
		input_clear(&in);
		msg_error("%s: exists and is no archive; it is left as it is", p->given);
	} else if (line > 0) {
		msg_error(
		    "%s/%s:%u: %s; the archive is left as it is", p->given, MANIFEST_NAME, line, err_text(e));
	} else {
		msg_error("%s: exists and is no archive (%s); it is left as it is", p->given, err_text(e));
	}
	return false;
}

/* A name that a merge writes, also half way. Nothing else is ever removed. */
static bool
is_ours(const char *name)
{
	size_t len = strlen(name);

	if (len > 4 && strcmp(name + len - 4, ".tmp") == 0)
		len -= 4;
	return (len > 4 && strncmp(name + len - 4, ".fbw", 4) == 0) ||
	    (len == strlen(MANIFEST_NAME) && strncmp(name, MANIFEST_NAME, len) == 0) ||
	    (len == strlen(MANIFEST_COMMON) && strncmp(name, MANIFEST_COMMON, len) == 0) ||
	    (len == strlen(MANIFEST_LEDGER) && strncmp(name, MANIFEST_LEDGER, len) == 0);
}

/* False, with errno: something stays, because no merge wrote it or for another reason. */
static bool
remove_folder(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *de;

	while (d != NULL && (de = readdir(d)) != NULL) {
		if (is_ours(de->d_name))
			unlinkat(dirfd(d), de->d_name, 0);
	}
	if (d != NULL)
		closedir(d);
	return rmdir(path) == 0 || errno == ENOENT;
}

/* The folder itself is replaced, not a link to it, and work and lock stand beside it. */
static bool
settle_output(struct place *p)
{
	size_t len = strlen(p->given);

	p->out = realpath(p->given, NULL);
	if (p->out == NULL && errno == ENOENT) {
		while (len > 1 && p->given[len - 1] == '/')
			len--;
		p->out = strndup(p->given, len);
	}
	if (p->out == NULL)
		msg_error("%s: %s", p->given, strerror(errno));
	return p->out != NULL;
}

bool
place_open(struct place *p, const char *given, bool lock, bool wait)
{
	*p = (struct place){.given = given, .lock = -1};
	if (!settle_output(p))
		return false;
	if (lock && (p->lock = lock_archive(p, wait)) < 0)
		return false;
	return look_at_output(p);
}

void
place_close(struct place *p)
{
	free(p->out);
	free(p->work);
	if (p->lock >= 0)
		close(p->lock);
	p->lock = -1;
}

bool
place_is(const struct place *p, const char *path)
{
	struct stat a, b;

	return p->archive && stat(p->out, &a) == 0 && stat(path, &b) == 0 && a.st_dev == b.st_dev &&
	    a.st_ino == b.st_ino;
}

/* What stands at its name is what a killed merge left; nobody else is at it, since we hold the lock. */
static bool
make_work_folder(struct place *p)
{
	if (asprintf(&p->work, "%s.new", p->out) < 0) {
		p->work = NULL;
		msg_error("%s: %s", p->out, err_text(ERR_MEMORY));
		return false;
	}
	if (!remove_folder(p->work)) {
		msg_error("%s: stands where the new archive is to be written, and no merge left it: %s",
		    p->work, strerror(errno));
		return false;
	}
	if (mkdir(p->work, 0755) != 0) {
		msg_error("%s: %s", p->work, strerror(errno));
		return false;
	}
	return true;
}

bool
place_begin(struct place *p, int *ret_dirfd)
{
	int fd;

	if (!make_work_folder(p))
		return false;
	fd = open(p->work, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		msg_error("%s: %s", p->work, strerror(errno));
		place_give_up(p);
		return false;
	}
	*ret_dirfd = fd;
	return true;
}

void
place_give_up(const struct place *p)
{
	(void)remove_folder(p->work);
}

static void
sync_parent(const struct place *p)
{
	char *parent = strdup(p->out);
	int fd = parent != NULL ? open(dirname(parent), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (fd < 0 || fsync(fd) != 0)
		msg_warn("%s: folder not synced: %s", p->out, strerror(errno));
	if (fd >= 0)
		close(fd);
	free(parent);
}

bool
place_swap(const struct place *p)
{
	bool swapped = renameat2(AT_FDCWD, p->work, AT_FDCWD, p->out, RENAME_EXCHANGE) == 0;

	if (!swapped && (errno != ENOENT || rename(p->work, p->out) != 0)) {
		msg_error("%s: cannot take the place of %s: %s", p->work, p->out, strerror(errno));
		return false;
	}
	sync_parent(p);
	if (swapped && !remove_folder(p->work))
		msg_warn("%s: left of the former archive, besides what a merge wrote: %s", p->work,
		    strerror(errno));
	return true;
}
