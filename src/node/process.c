/* SPDX-License-Identifier: ISC
 *
 * System calls of start-up, each with its message.
 */
#include "node/process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/msg.h"

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
	(void)chdir("/"); /* keep no file system busy */
	if (write(b->ready, "", 1) != 1)
		msg_warn("whoever started this did not wait for it");
	(void)close(b->ready);
	b->ready = -1;
}

static const struct passwd *
find_user(const char *user)
{
	const struct passwd *pw;

	errno = 0;
	pw = getpwnam(user);
	if (pw == NULL)
		msg_error("user %s: %s", user, errno != 0 ? strerror(errno) : "there is no such user");
	return pw;
}

int
folder_open(const char *path, const char *user)
{
	bool made = mkdir(path, 0750) == 0;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct passwd *pw;

	if (fd < 0) {
		msg_error("log %s: %s", path, strerror(errno));
		return -1;
	}
	if (!made || user[0] == '\0' || geteuid() != 0)
		return fd;
	pw = find_user(user);
	if (pw != NULL && fchown(fd, pw->pw_uid, pw->pw_gid) == 0)
		return fd;
	if (pw != NULL)
		msg_error("log %s: cannot give it to user %s: %s", path, user, strerror(errno));
	(void)close(fd);
	return -1;
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

bool
user_become(const char *user)
{
	const struct passwd *pw;

	if (user[0] == '\0') {
		if (geteuid() == 0)
			msg_warn("running as root: `user` is not set in the configuration");
		return true;
	}
	pw = find_user(user);
	if (pw == NULL)
		return false;
	if (geteuid() != 0) {
		if (geteuid() == pw->pw_uid)
			return true;
		msg_error("user %s: only root can become another user", user);
		return false;
	}
	if (initgroups(pw->pw_name, pw->pw_gid) != 0 || setgid(pw->pw_gid) != 0 || setuid(pw->pw_uid) != 0) {
		msg_error("user %s: cannot become it: %s", user, strerror(errno));
		return false;
	}
	return true;
}
