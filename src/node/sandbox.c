/* SPDX-License-Identifier: ISC
 *
 * Roots, users, capabilities and limits. The filter of system calls has a file of its own (syscalls.c), and so has
 * Landlock.
 */
#include "node/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/msg.h"
#include "node/landlock.h"
#include "node/syscalls.h"

static bool
refuse(const char *what)
{
	msg_error("sandbox: %s: %s", what, strerror(errno));
	return false;
}

bool
identity_find(const char *user, struct identity *ret)
{
	const struct passwd *pw;

	*ret = (struct identity){.uid = geteuid(), .gid = getegid(), .group_count = SANDBOX_GROUPS_MOST};
	if (user[0] == '\0') {
		if (geteuid() == 0)
			msg_warn("running as root: `user` is not set in the configuration");
		return true;
	}
	errno = 0;
	pw = getpwnam(user);
	if (pw == NULL) {
		msg_error("user %s: %s", user, errno != 0 ? strerror(errno) : "there is no such user");
		return false;
	}
	if (geteuid() != 0) {
		if (geteuid() == pw->pw_uid)
			return true;
		msg_error("user %s: only root can become another user", user);
		return false;
	}
	ret->change = pw->pw_uid != 0;
	ret->uid = pw->pw_uid;
	ret->gid = pw->pw_gid;
	if (getgrouplist(pw->pw_name, pw->pw_gid, ret->groups, &ret->group_count) < 0) {
		msg_warn("user %s: is in %d groups, of which %d are used", user, ret->group_count,
		    SANDBOX_GROUPS_MOST);
		ret->group_count = SANDBOX_GROUPS_MOST;
	}
	return true;
}

/* --- capabilities --- */

/* Keeps those of the list that the process has; all others are gone for good. */
static bool
keep_capabilities(const cap_value_t *list, int count)
{
	cap_t have = cap_get_proc(), keep = cap_init();
	bool good = have != NULL && keep != NULL;

	for (int i = 0; good && i < count; i++) {
		cap_flag_value_t has = CAP_CLEAR;

		if (cap_get_flag(have, list[i], CAP_PERMITTED, &has) == 0 && has == CAP_SET)
			good = cap_set_flag(keep, CAP_PERMITTED, 1, &list[i], CAP_SET) == 0 &&
			    cap_set_flag(keep, CAP_EFFECTIVE, 1, &list[i], CAP_SET) == 0;
	}
	/* An exec would give root everything back, but for the bounding set (and no_new_privs). */
	for (cap_value_t c = 0; good && cap_get_bound(c) >= 0; c++) {
		bool kept = false;

		for (int i = 0; i < count; i++)
			kept |= list[i] == c;
		if (!kept && cap_get_bound(c) == 1)
			(void)cap_drop_bound(c); /* needs CAP_SETPCAP */
	}
	good = good && cap_set_proc(keep) == 0;
	if (have != NULL)
		(void)cap_free(have);
	if (keep != NULL)
		(void)cap_free(keep);
	return good;
}

/* What root lacks here, as in containers. */
static void
say_missing(const cap_value_t *list, int count)
{
	cap_t have = cap_get_proc();

	for (int i = 0; have != NULL && i < count; i++) {
		cap_flag_value_t has = CAP_CLEAR;
		char *name;

		if (cap_get_flag(have, list[i], CAP_EFFECTIVE, &has) != 0 || has == CAP_SET)
			continue;
		name = cap_to_name(list[i]);
		msg_warn("sandbox: root without %s here", name != NULL ? name : "a capability");
		(void)cap_free(name);
	}
	if (have != NULL)
		(void)cap_free(have);
}

bool
sandbox_parent(const struct identity *children, bool raw)
{
	cap_value_t list[7] = {CAP_SYS_CHROOT, CAP_SETUID, CAP_SETGID, CAP_NET_ADMIN, CAP_NET_BIND_SERVICE};
	int count = 5;

	if (raw)
		list[count++] = CAP_NET_RAW;
	if (!children->change)
		list[count++] = CAP_DAC_OVERRIDE; /* the collector stays root: its folder may be another's */

	if (geteuid() != 0) {
		msg_notice(
		    "sandbox: not root: Landlock instead of chroot, the same user for all processes, receive "
		    "buffers of at most net.core.rmem_max");
	} else {
		say_missing(list, count);
		if (!keep_capabilities(list, count))
			return refuse("cannot give up capabilities");
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return refuse("cannot set no_new_privs");
	return true;
}

/* --- a root of one's own --- */

static bool
can_chroot(void)
{
	cap_t have = cap_get_proc();
	cap_flag_value_t has = CAP_CLEAR;

	if (have != NULL) {
		(void)cap_get_flag(have, CAP_SYS_CHROOT, CAP_EFFECTIVE, &has);
		(void)cap_free(have);
	}
	return has == CAP_SET;
}

/* A folder that is gone: nothing is in it, and nothing can be made there. */
static int
empty_folder(void)
{
	char path[] = "/tmp/flowbraid-XXXXXX";
	int fd;

	if (mkdtemp(path) == NULL)
		return -1;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	(void)rmdir(path);
	return fd;
}

static bool
change_root(enum sandbox_role role, int folder)
{
	int fd = role != SANDBOX_COLLECTOR ? empty_folder() : folder;
	bool good = fd >= 0 && fchdir(fd) == 0 && chroot(".") == 0 && chdir("/") == 0;
	int saved = errno;

	if (role != SANDBOX_COLLECTOR && fd >= 0)
		(void)close(fd);
	errno = saved;
	return good;
}

/* As the user, who may enter the log folder where root without its powers over files may not. */
static bool
confine_files(enum sandbox_role role, int folder)
{
	enum err e;

	if (can_chroot()) {
		if (change_root(role, folder))
			return true;
		/* The reporter's or relay's on a host that is read-only: nothing to worry about where the next one holds. */
		msg_notice("sandbox: cannot chroot: %s; Landlock instead", strerror(errno));
	}
	e = landlock_confine(role == SANDBOX_COLLECTOR ? folder : -1);
	if (e != ERR_OK)
		msg_warn("sandbox: neither chroot nor Landlock here (%s): files of this user can be reached",
		    e == ERR_UNKNOWN ? "the kernel has none" : strerror(errno));
	return true;
}

/* --- the user --- */

/* What a child needs until its root has been changed, and what one that stays root keeps for its folder's sake. */
static const cap_value_t of_child[] = {CAP_DAC_OVERRIDE, CAP_SYS_CHROOT};

/* The capabilities of the child survive this; give_up_capabilities ends them. */
static bool
become(const struct identity *who)
{
	if (!who->change)
		return true;
	if (setgroups((size_t)who->group_count, who->groups) != 0 ||
	    setresgid(who->gid, who->gid, who->gid) != 0 || prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0 ||
	    setresuid(who->uid, who->uid, who->uid) != 0 || !keep_capabilities(&of_child[1], 1))
		return refuse("cannot become the user");
	return true;
}

static bool
give_up_capabilities(const struct identity *who)
{
	if (!keep_capabilities(of_child, who->change || geteuid() != 0 ? 0 : 1))
		return refuse("cannot give up capabilities");
	if (who->change && (setuid(0) == 0 || setgid(0) == 0)) {
		errno = EPERM;
		return refuse("root could be had back");
	}
	return true;
}

/* One that is lower already stays: whoever could raise it is gone. */
static bool
limit(int resource, rlim_t most)
{
	struct rlimit l;

	if (getrlimit((__rlimit_resource_t)resource, &l) != 0)
		return false;
	if (l.rlim_max > most)
		l.rlim_max = most;
	if (l.rlim_cur > l.rlim_max)
		l.rlim_cur = l.rlim_max;
	return setrlimit((__rlimit_resource_t)resource, &l) == 0;
}

bool
sandbox_enter(enum sandbox_role role, const struct identity *who, int folder)
{
	tzset(); /* or the C library looks for the time zone's file later, where there is none */
	if (!become(who) || !confine_files(role, folder) || !give_up_capabilities(who))
		return false;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return refuse("cannot give up ways to privileges");
	if (!limit(RLIMIT_CORE, 0))
		return refuse("cannot limit resources");
	if (role != SANDBOX_COLLECTOR && (!limit(RLIMIT_FSIZE, 0) || !limit(RLIMIT_NOFILE, SANDBOX_FDS)))
		return refuse("cannot limit resources");
	return syscalls_permit(role);
}

bool
sandbox_close(void)
{
	if (!limit(RLIMIT_NPROC, 0))
		return refuse("cannot limit resources");
	return syscalls_no_threads();
}
