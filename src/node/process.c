/* SPDX-License-Identifier: ISC
 *
 * System calls of start-up, each with its message.
 */
#include "node/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/msg.h"
#include "log/folder.h"

#define LOCK_PAUSE_NS (50 * NS_PER_MSEC)
#define LOCK_PATIENCE_NS \
	(8 * NS_PER_SEC) /* a collector whose parent was killed drains for 1 s, and gives a failing disk 5 */

/* In the parent: leaves when the child is ready, or with its status. */
static _Noreturn void
wait_for_child(pid_t child, int ready)
{
	int status;
	char byte;

	if (read(ready, &byte, 1) == 1)
		_exit(0);
	if (waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) != 0)
		_exit(WEXITSTATUS(status));
	_exit(2);
}

bool
background_begin(struct background *ret)
{
	int ready[2];
	pid_t child;

	if (pipe2(ready, O_CLOEXEC) != 0) {
		msg_error("cannot go to the background: %s", strerror(errno));
		return false;
	}
	child = fork();
	if (child < 0) {
		msg_error("cannot go to the background: %s", strerror(errno));
		(void)close(ready[0]);
		(void)close(ready[1]);
		return false;
	}
	if (child > 0) {
		(void)close(ready[1]);
		wait_for_child(child, ready[0]);
	}
	(void)close(ready[0]);
	(void)setsid();
	ret->ready = ready[1];
	return true;
}

void
background_ready(struct background *b)
{
	int null;

	if (b->ready < 0)
		return;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null >= 0) {
		for (int fd = 0; fd <= 2; fd++)
			(void)dup2(null, fd);
		if (null > 2)
			(void)close(null);
	}
	if (chdir("/") != 0)
		msg_warn(
		    "working directory: cannot leave it, and keep its file system busy: %s", strerror(errno));
	if (write(b->ready, "", 1) != 1)
		msg_warn("whoever started this did not wait for it");
	(void)close(b->ready);
	b->ready = -1;
}

void
files_permit_many(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) != 0 || l.rlim_cur == l.rlim_max)
		return;
	l.rlim_cur = l.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &l) != 0)
		msg_warn("no more than a default of open files: %s", strerror(errno));
}

int
folder_open(const char *path, const struct identity *children)
{
	bool made = mkdir(path, 0750) == 0;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0) {
		msg_error("log %s: %s", path, strerror(errno));
		return -1;
	}
	if (!made || !children->change || fchown(fd, children->uid, children->gid) == 0)
		return fd;
	msg_error(
	    "log %s: cannot give it to user %lu: %s", path, (unsigned long)children->uid, strerror(errno));
	(void)close(fd);
	return -1;
}

bool
folder_take(int folder, const char *path)
{
	const struct timespec pause = {.tv_sec = 0, .tv_nsec = LOCK_PAUSE_NS};
	mono_t until = {mono_now().ns + LOCK_PATIENCE_NS};
	enum err e = folder_lock(folder);

	if (e == ERR_BUSY)
		msg_notice("log %s: another process writes there; waiting for it to end", path);
	while (e == ERR_BUSY && mono_now().ns < until.ns) {
		(void)nanosleep(&pause, NULL);
		e = folder_lock(folder);
	}
	if (e == ERR_BUSY)
		msg_error("log %s: another process writes there", path);
	else if (e != ERR_OK)
		msg_error("log %s: cannot lock: %s", path, err_text(e));
	return e == ERR_OK;
}

bool
pidfile_open(const char *path, struct pidfile *ret)
{
	*ret = (struct pidfile){.fd = -1, .path = path};
	if (path[0] == '\0')
		return true;
	ret->fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (ret->fd >= 0)
		return true;
	msg_error("pidfile %s: %s", path, strerror(errno));
	return false;
}

bool
pidfile_write(const struct pidfile *p)
{
	char text[32];
	int len;

	if (p->fd < 0)
		return true;
	len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	if (ftruncate(p->fd, 0) == 0 && file_pwrite(p->fd, text, (size_t)len, 0, NULL) == ERR_OK)
		return true;
	msg_error("pidfile %s: %s", p->path, strerror(errno));
	return false;
}

void
pidfile_remove(struct pidfile *p)
{
	if (p->fd < 0)
		return;
	if (unlink(p->path) != 0 && ftruncate(p->fd, 0) != 0)
		msg_warn("pidfile %s: %s", p->path, strerror(errno));
	(void)close(p->fd);
	p->fd = -1;
}
