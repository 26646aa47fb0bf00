/* SPDX-License-Identifier: ISC
 *
 * Makes system calls on the log fail as a test asks: a shared object for LD_PRELOAD.
 *
 * FAULT_CONTROL names a file of 4096 bytes that is mapped when the program is loaded, so that it does not matter in
 * what sandbox the program runs later:
 *
 *	byte 0      '+' when what follows is in force; anything else while it is being changed
 *	bytes 1...  rules, one a line, ended by a NUL: CALL ERROR SKIP COUNT. After SKIP calls the next COUNT ones fail
 *	            with ERROR (ENOSPC ...); with ERROR short:N they write N bytes at most. A line that is no rule makes
 *	            a text differ from the one before.
 *	byte 512    written from here: how often each rule has struck, one number of 15 digits a line
 *
 * Calls: create, open-rw, open-direct, open, open-folder (openat by what it is for), pwrite, pread, ftruncate, fsync,
 * fsync-folder, fdatasync, renameat, unlinkat, fstatat, fstat, flock, readdir, close. Only files whose name contains
 * ".fbs" and their folder are concerned.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONTROL_SIZE 4096
#define TEXT_SIZE 511
#define HITS_AT 512
#define RULES_MOST 8
#define FDS_MOST 1024

struct rule {
	char call[32];
	int error; /* 0: short */
	size_t most;
	uint64_t skip, count, hits;
};

enum what { NOT_OURS, SEGMENT, FOLDER };

static char *control; /* NULL: nothing ever fails */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char text[TEXT_SIZE];
static struct rule rules[RULES_MOST];
static size_t rule_count;
static enum what fds[FDS_MOST];

static int (*real_openat)(int, const char *, int, ...);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_pread)(int, void *, size_t, off_t);
static int (*real_ftruncate)(int, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_renameat)(int, const char *, int, const char *);
static int (*real_unlinkat)(int, const char *, int);
static int (*real_fstatat)(int, const char *, struct stat *, int);
static int (*real_fstat)(int, struct stat *);
static int (*real_flock)(int, int);
static struct dirent *(*real_readdir)(DIR *);
static int (*real_close)(int);

static const struct {
	const char *name;
	void *to;
} reals[] = {
    {"openat", &real_openat},
    {"pwrite", &real_pwrite},
    {"pread", &real_pread},
    {"ftruncate", &real_ftruncate},
    {"fsync", &real_fsync},
    {"fdatasync", &real_fdatasync},
    {"renameat", &real_renameat},
    {"unlinkat", &real_unlinkat},
    {"fstatat", &real_fstatat},
    {"fstat", &real_fstat},
    {"flock", &real_flock},
    {"readdir", &real_readdir},
    {"close", &real_close},
};

static const struct {
	const char *name;
	int error;
} errors[] = {
    {"EACCES", EACCES},
    {"EDQUOT", EDQUOT},
    {"EFBIG", EFBIG},
    {"EINTR", EINTR},
    {"EINVAL", EINVAL},
    {"EIO", EIO},
    {"EMFILE", EMFILE},
    {"ENOLCK", ENOLCK},
    {"ENOMEM", ENOMEM},
    {"ENOSPC", ENOSPC},
    {"EROFS", EROFS},
};

__attribute__((constructor)) static void
load(void)
{
	const char *path = getenv("FAULT_CONTROL");
	void *at = MAP_FAILED;
	int fd;

	for (size_t i = 0; i < sizeof(reals) / sizeof(reals[0]); i++) {
		void *real = dlsym(RTLD_NEXT, reals[i].name);

		memcpy(reals[i].to, &real, sizeof(real));
	}
	fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
	if (fd >= 0) {
		at = mmap(NULL, CONTROL_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		(void)real_close(fd);
	}
	if (at != MAP_FAILED)
		control = at;
}

/* False when the line is no rule. */
static bool
parse_rule(char *line, struct rule *ret)
{
	struct rule r = {.error = -1};
	char *save, *call = strtok_r(line, " ", &save), *error = strtok_r(NULL, " ", &save);
	char *skip = strtok_r(NULL, " ", &save), *count = strtok_r(NULL, " ", &save);

	if (count == NULL || strlen(call) >= sizeof(r.call))
		return false;
	memcpy(r.call, call, strlen(call) + 1);
	r.skip = strtoull(skip, NULL, 10);
	r.count = strtoull(count, NULL, 10);
	if (strncmp(error, "short:", 6) == 0) {
		r.error = 0;
		r.most = strtoull(error + 6, NULL, 10);
	}
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		if (strcmp(error, errors[i].name) == 0)
			r.error = errors[i].error;
	}
	*ret = r;
	return r.error >= 0;
}

static void
show_hits(void)
{
	for (size_t i = 0; i < rule_count; i++)
		(void)snprintf(
		    control + HITS_AT + 16 * i, 17, "%015llu\n", (unsigned long long)rules[i].hits);
}

/* The rules that are in force now. */
static void
read_rules(void)
{
	char copy[TEXT_SIZE], *line, *save;

	if (*(volatile char *)control != '+') {
		rule_count = 0;
		text[0] = '\0';
		return;
	}
	if (strncmp(text, control + 1, TEXT_SIZE - 1) == 0)
		return;
	memcpy(text, control + 1, TEXT_SIZE - 1);
	memcpy(copy, text, TEXT_SIZE);
	rule_count = 0;
	for (line = strtok_r(copy, "\n", &save); line != NULL && rule_count < RULES_MOST;
	     line = strtok_r(NULL, "\n", &save))
		rule_count += parse_rule(line, &rules[rule_count]);
	show_hits();
}

/* True when the call is to fail (errno), or, where most is not NULL, to be cut to *most bytes. */
static bool
strikes(const char *call, size_t *most)
{
	bool struck = false;
	int error = 0;

	if (control == NULL)
		return false;
	(void)pthread_mutex_lock(&lock);
	read_rules();
	for (size_t i = 0; i < rule_count && !struck; i++) {
		struct rule *r = &rules[i];

		if (strcmp(r->call, call) != 0 || r->count == 0 || (r->error == 0 && most == NULL))
			continue;
		if (r->skip > 0) {
			r->skip--;
			continue;
		}
		r->count--;
		r->hits++;
		struck = true;
		error = r->error;
		if (error == 0)
			*most = r->most;
		show_hits();
	}
	(void)pthread_mutex_unlock(&lock);
	if (struck && error != 0) {
		errno = error;
		if (most != NULL)
			*most = 0;
	}
	return struck;
}

static enum what
what_is(int fd)
{
	return fd >= 0 && fd < FDS_MOST ? fds[fd] : NOT_OURS;
}

int
openat(int dirfd, const char *path, int flags, ...)
{
	enum what what = strstr(path, ".fbs") != NULL ? SEGMENT : strcmp(path, ".") == 0 ? FOLDER : NOT_OURS;
	const char *call = "open";
	mode_t mode = 0;
	va_list ap;
	int fd;

	va_start(ap, flags);
	if ((flags & (O_CREAT | O_TMPFILE)) != 0)
		mode = va_arg(ap, mode_t);
	va_end(ap);
	if (what == FOLDER)
		call = "open-folder";
	else if ((flags & O_CREAT) != 0)
		call = "create";
	else if ((flags & O_DIRECT) != 0)
		call = "open-direct";
	else if ((flags & O_ACCMODE) == O_RDWR)
		call = "open-rw";
	if (what != NOT_OURS && strikes(call, NULL))
		return -1;
	fd = real_openat(dirfd, path, flags, mode);
	if (fd >= 0 && fd < FDS_MOST)
		fds[fd] = what;
	return fd;
}

ssize_t
pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
	size_t most = len;
	int flags;
	ssize_t n;

	if (what_is(fd) != SEGMENT || !strikes("pwrite", &most))
		return real_pwrite(fd, bytes, len, offset);
	if (most == 0)
		return -1;
	/* The kernel refuses lengths that are not aligned past the page cache. */
	flags = fcntl(fd, F_GETFL);
	(void)fcntl(fd, F_SETFL, flags & ~O_DIRECT);
	n = real_pwrite(fd, bytes, most < len ? most : len, offset);
	(void)fcntl(fd, F_SETFL, flags);
	return n;
}

ssize_t
pread(int fd, void *bytes, size_t len, off_t offset)
{
	return what_is(fd) == SEGMENT && strikes("pread", NULL) ? -1 : real_pread(fd, bytes, len, offset);
}

int
ftruncate(int fd, off_t len)
{
	return what_is(fd) == SEGMENT && strikes("ftruncate", NULL) ? -1 : real_ftruncate(fd, len);
}

int
fsync(int fd)
{
	enum what what = what_is(fd);

	return what != NOT_OURS && strikes(what == FOLDER ? "fsync-folder" : "fsync", NULL) ? -1
											    : real_fsync(fd);
}

int
fdatasync(int fd)
{
	return what_is(fd) == SEGMENT && strikes("fdatasync", NULL) ? -1 : real_fdatasync(fd);
}

int
renameat(int from_fd, const char *from, int to_fd, const char *to)
{
	return strstr(from, ".fbs") != NULL && strikes("renameat", NULL)
	    ? -1
	    : real_renameat(from_fd, from, to_fd, to);
}

int
unlinkat(int dirfd, const char *path, int flags)
{
	return strstr(path, ".fbs") != NULL && strikes("unlinkat", NULL) ? -1
									 : real_unlinkat(dirfd, path, flags);
}

int
fstatat(int dirfd, const char *path, struct stat *st, int flags)
{
	return strstr(path, ".fbs") != NULL && strikes("fstatat", NULL)
	    ? -1
	    : real_fstatat(dirfd, path, st, flags);
}

int
fstat(int fd, struct stat *st)
{
	return what_is(fd) == SEGMENT && strikes("fstat", NULL) ? -1 : real_fstat(fd, st);
}

int
flock(int fd, int operation)
{
	return strikes("flock", NULL) ? -1 : real_flock(fd, operation); /* nothing else is locked */
}

struct dirent *
readdir(DIR *dir)
{
	return what_is(dirfd(dir)) == FOLDER && strikes("readdir", NULL) ? NULL : real_readdir(dir);
}

/* As the kernel does it: the descriptor is gone, whatever the answer. */
int
close(int fd)
{
	enum what what = what_is(fd);
	int result;

	if (what != NOT_OURS)
		fds[fd] = NOT_OURS;
	result = real_close(fd);
	return what == SEGMENT && strikes("close", NULL) ? -1 : result;
}
