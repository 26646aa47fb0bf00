/* SPDX-License-Identifier: ISC
 *
 * A merge that does not come to its end: killed at one of its system calls, or out of space in the middle of a write.
 * The archive is what it was, or what the merge would have made of it.
 *
 * The system call is told by its number, with ptrace, and not by a time, so that a seed does the same again.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/digest.h"
#include "cluster/command.h"
#include "tests/sim/sim.h"

/* Names and bytes of all files; of a folder that is not there, zeros. */
static struct sha256
digest_folder(const char *path)
{
	struct sha256 none = {{0}}, d;
	struct sha256_ctx *sha = sha256_new();
	struct dirent **list;
	int n = scandir(path, &list, NULL, alphasort);

	if (sha == NULL)
		abort();
	for (int i = 0; i < n; i++) {
		char file[512];
		uint8_t bytes[16384];
		ssize_t got;
		int fd;

		snprintf(file, sizeof(file), "%s/%s", path, list[i]->d_name);
		sha256_add(sha, list[i]->d_name, strlen(list[i]->d_name) + 1);
		fd = list[i]->d_name[0] != '.' ? open(file, O_RDONLY | O_CLOEXEC) : -1;
		while (fd >= 0 && (got = read(fd, bytes, sizeof(bytes))) > 0)
			sha256_add(sha, bytes, (size_t)got);
		if (fd >= 0)
			close(fd);
		free(list[i]);
	}
	d = sha256_end(sha);
	sha256_free(sha);
	if (n < 0)
		return none;
	free(list);
	return d;
}

static bool
is_same(const struct sha256 *a, const struct sha256 *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

/* Lets the child make so many steps, each into or out of a system call. True: it was killed then. */
static bool
kill_after(pid_t pid, uint64_t steps)
{
	int status;

	while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
		int deliver = WSTOPSIG(status) == SIGSTOP || WSTOPSIG(status) == SIGTRAP ? 0
											 : WSTOPSIG(status);

		if (steps-- == 0) {
			(void)kill(pid, SIGKILL);
			(void)waitpid(pid, &status, 0);
			return true;
		}
		if (ptrace(PTRACE_SYSCALL, pid, NULL, deliver) != 0)
			break;
	}
	return false;
}

static bool
run_killed(struct world *w, struct rng *r, const char *const *argv)
{
	/* most merges here make a thousand system calls; the last ones change the archive */
	uint64_t steps = rng_below(r, 1U << rng_between(r, 6, 12));
	pid_t pid = fork();

	if (pid < 0)
		abort();
	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
			_exit(0);
		(void)raise(SIGSTOP);
		_exit(sim_command(w, argv, NULL, NULL));
	}
	return kill_after(pid, steps);
}

static void
run_full(struct world *w, struct rng *r, const char *const *argv)
{
	struct rlimit before, limit;
	int status;

	if (getrlimit(RLIMIT_FSIZE, &before) != 0)
		abort();
	(void)signal(SIGXFSZ, SIG_IGN);
	limit = before;
	limit.rlim_cur = rng_below(r, 1U << rng_between(r, 8, 16));
	(void)setrlimit(RLIMIT_FSIZE, &limit);
	status = sim_command(w, argv, NULL, NULL);
	(void)setrlimit(RLIMIT_FSIZE, &before);
	w->stopped += status == EXIT_UNABLE;
}

/* The merge of these arguments into that archive, ended before its end; then whole. */
int
sim_stopped_merge(struct world *w, struct rng *r, const char *archive, const char *const *argv)
{
	struct sha256 before = digest_folder(archive), between, after;
	int status;

	if (rng_chance(r, 60))
		w->stopped += run_killed(w, r, argv);
	else
		run_full(w, r, argv);
	between = digest_folder(archive);
	status = sim_command(w, argv, NULL, NULL);
	after = digest_folder(archive);
	CHECK(w, is_same(&between, &before) || is_same(&between, &after),
	    "merge -o %s: stopped in the middle, it left neither the former archive nor the new one",
	    archive);
	return status;
}
