/* SPDX-License-Identifier: ISC
 *
 * Each wall, tried from inside: a process enters the sandbox as a collector, reporter or relay does, and then tries to do what
 * an intruder would.
 */
#include "node/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config.h"
#include "tests/tap.h"

#if defined(HAVE_SECCOMP) && !defined(__SANITIZE_ADDRESS__)
#define FILTERED true
#else
#define FILTERED false
#endif

static int folder;   /* the log, open */
static pid_t victim; /* another process of the user */
static int udp;      /* a bound socket, as a collector has them, but open both ways */
static int led;      /* a connected one, as the relay has them */
static struct sockaddr_in udp_at = {.sin_family = AF_INET};
static char outside_path[] = "/tmp/t-sandbox-outside-XXXXXX";

/* Each true when it got through. */

static bool
open_passwd(void)
{
	return open("/etc/passwd", O_RDONLY) >= 0;
}

static bool
open_upwards(void)
{
	return openat(folder, "../../../../../../etc/passwd", O_RDONLY) >= 0;
}

static bool
open_outside(void)
{
	return open(outside_path, O_RDONLY | O_DIRECTORY) >= 0;
}

static bool
write_outside(void)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/x", outside_path);
	return open(path, O_WRONLY | O_CREAT, 0600) >= 0;
}

static bool
open_proc(void)
{
	return open("/proc/self/maps", O_RDONLY) >= 0;
}

static bool
udp_socket(void)
{
	return socket(AF_INET, SOCK_DGRAM, 0) >= 0;
}

static bool
unix_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0) >= 0;
}

static bool
become_root(void)
{
	return setuid(0) == 0 || setresuid(0, 0, 0) == 0;
}

static bool
fork_on(void)
{
	pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);

	if (pid == 0)
		_exit(0);
	return pid > 0;
}

static void *
nothing(void *arg)
{
	return arg;
}

static bool
more_threads(void)
{
	pthread_t t;

	return pthread_create(&t, NULL, nothing, NULL) == 0;
}

static bool
kill_others(void)
{
	return kill(victim, 0) == 0 || syscall(SYS_tgkill, victim, victim, SIGTERM) == 0;
}

static bool
run_memory(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
	    MAP_FAILED;
}

static bool
run_later(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p != MAP_FAILED && mprotect(p, 4096, PROT_READ | PROT_EXEC) == 0;
}

/* As if somebody had typed it: refused by name, for a pipe would refuse it in another way. */
static bool
type_ahead(void)
{
	int ends[2];

	return pipe2(ends, 0) == 0 && (ioctl(ends[0], TIOCSTI, "x") == 0 || errno != EPERM);
}

static bool
open_log(void)
{
	return openat(folder, "mine", O_WRONLY | O_CREAT, 0600) >= 0;
}

static bool
send_from_listener(void)
{
	char byte = 0;
	struct iovec part = {.iov_base = &byte, .iov_len = 1};
	struct msghdr m = {
	    .msg_name = &udp_at, .msg_namelen = sizeof(udp_at), .msg_iov = &part, .msg_iovlen = 1};

	return sendmsg(udp, &m, 0) == 1 ||
	    sendto(udp, &byte, 1, 0, (struct sockaddr *)&udp_at, sizeof(udp_at)) == 1;
}

static bool
connect_again(void)
{
	return connect(udp, (struct sockaddr *)&udp_at, sizeof(udp_at)) == 0;
}

static bool
have_signals_sent(void)
{
	return fcntl(udp, F_SETOWN, victim) == 0;
}

static bool
limit_others(void)
{
	struct rlimit l = {.rlim_cur = 1000000, .rlim_max = 1000000};

	return prlimit(victim, RLIMIT_CPU, &l, NULL) == 0;
}

static bool
rename_itself(void)
{
	return prctl(PR_SET_NAME, "init", 0, 0, 0) == 0;
}

static bool
raise_limits(void)
{
	struct rlimit l = {.rlim_cur = 100, .rlim_max = 100};

	return setrlimit(RLIMIT_CORE, &l) == 0;
}

static bool
move_to_cpu(void)
{
	cpu_set_t all;

	return sched_getaffinity(0, sizeof(all), &all) == 0 && sched_setaffinity(0, sizeof(all), &all) == 0;
}

static bool
execute(void)
{
	char *const args[] = {(char[]){"true"}, NULL};

	(void)execv("/bin/true", args);
	return false; /* an end by SIGSYS, or an error */
}

static bool
chroot_again(void)
{
	return chroot(".") == 0;
}

static bool
trace(void)
{
	return ptrace(PTRACE_ATTACH, victim, NULL, NULL) == 0;
}

static bool
mount_something(void)
{
	return mount("none", "/", "tmpfs", 0, NULL) == 0;
}

static bool
new_namespace(void)
{
	return syscall(SYS_unshare, 0x10000000 /* CLONE_NEWUSER */) == 0;
}

enum who { COLLECTOR = 1, REPORTER = 2, RELAY = 4, ALL = 7 };

static const struct {
	const char *what;
	bool (*attempt)(void);
	enum who who;
	bool deadly;      /* with a filter it ends the process */
	bool filter_only; /* nothing but the filter stands in its way */
} attempts[] = {
    {"open a file of the host", open_passwd, ALL, false, false},
    {"leave the folder upwards", open_upwards, ALL, false, false},
    {"open another folder", open_outside, ALL, false, false},
    {"make a file elsewhere", write_outside, ALL, false, false},
    {"look into /proc", open_proc, ALL, false, false},
    {"open a UDP socket", udp_socket, ALL, false, true},
    {"open a Unix socket", unix_socket, ALL, false, true},
    {"become root again", become_root, ALL, false, false},
    {"make a process", fork_on, ALL, false, false},
    {"make a thread", more_threads, ALL, false, false},
    {"send a signal to another process of its user", kill_others, ALL, false, true},
    {"send from a socket to an address", send_from_listener, COLLECTOR | RELAY, false, true},
    {"connect a socket to another address", connect_again, ALL, false, true},
    {"have signals sent to another process of its user", have_signals_sent, ALL, false, true},
    {"limit another process of its user", limit_others, ALL, false, true},
    {"pass for another program", rename_itself, ALL, false, true},
    {"have memory to write and run", run_memory, ALL, false, true},
    {"run memory that was written", run_later, ALL, false, true},
    {"type on a terminal", type_ahead, ALL, false, true},
    {"open a file in the log", open_log, REPORTER | RELAY, false, false},
    {"raise its limits", raise_limits, ALL, false, false},
    {"choose its CPU", move_to_cpu, ALL, false, true},
    {"execute a program", execute, ALL, true, false},
    {"change its root again", chroot_again, ALL, true, false},
    {"trace another process of its user", trace, ALL, true, true},
    {"mount something", mount_something, ALL, true, false},
    {"make a namespace", new_namespace, ALL, true, true},
};

/* The wait status of a process that enters and tries; it exits 0 when it was kept from it, 1 when not, 3 when it could
 * not enter. */
static int
in_sandbox(enum sandbox_role role, const struct identity *who, bool (*attempt)(void))
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		/* Without a filter it must not hold a folder outside, as node/child sees to it. */
		if (role != SANDBOX_COLLECTOR && !FILTERED)
			(void)close(folder);
		if (!sandbox_enter(role, who, role == SANDBOX_COLLECTOR ? folder : -1) || !sandbox_close())
			_exit(3);
		_exit(attempt() ? 1 : 0);
	}
	(void)waitpid(pid, &status, 0);
	return status;
}

static void
try_all(enum sandbox_role role, const struct identity *who, const char *name)
{
	static const enum who whose[] = {
	    [SANDBOX_COLLECTOR] = COLLECTOR, [SANDBOX_REPORTER] = REPORTER, [SANDBOX_RELAY] = RELAY};

	for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
		int status;

		if ((attempts[i].who & whose[role]) == 0)
			continue;
		if (attempts[i].filter_only && !FILTERED) {
			ok(true, "%s: %s # SKIP this build filters no system calls", name, attempts[i].what);
			continue;
		}
		status = in_sandbox(role, who, attempts[i].attempt);
		if (attempts[i].deadly && FILTERED)
			ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "%s cannot %s, and ends of it",
			    name, attempts[i].what);
		else
			ok(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s cannot %s", name,
			    attempts[i].what);
	}
}

static bool
write_log(void)
{
	int fd = openat(folder, "segment", O_RDWR | O_CREAT | O_EXCL, 0640);

	return fd >= 0 && pwrite(fd, "x", 1, 0) == 1 && fdatasync(fd) == 0 && ftruncate(fd, 0) == 0 &&
	    renameat(folder, "segment", folder, "sealed") == 0 && unlinkat(folder, "sealed", 0) == 0 &&
	    fsync(folder) == 0;
}

/* It is connected to itself. */
static bool
send_where_it_leads(void)
{
	char byte = 'x';

	return send(led, &byte, 1, MSG_DONTWAIT) == 1 && recv(led, &byte, 1, MSG_DONTWAIT) == 1;
}

static void
as(const struct identity *who, const char *whom)
{
	char name[64];

	(void)snprintf(name, sizeof(name), "%s, the collector", whom);
	ok(in_sandbox(SANDBOX_COLLECTOR, who, write_log) == 1 << 8,
	    "%s can write, rename and remove in its log", name);
	try_all(SANDBOX_COLLECTOR, who, name);
	(void)snprintf(name, sizeof(name), "%s, the reporter", whom);
	try_all(SANDBOX_REPORTER, who, name);
	(void)snprintf(name, sizeof(name), "%s, the relay", whom);
	ok(in_sandbox(SANDBOX_RELAY, who, send_where_it_leads) == 1 << 8,
	    "%s can send where a socket leads already", name);
	try_all(SANDBOX_RELAY, who, name);
}

/* Nobody's sandbox: what an attempt is worth. */
static void
try_outside(void)
{
	for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
		int status = -1;
		pid_t pid;

		if (attempts[i].deadly || attempts[i].attempt == become_root)
			continue;
		pid = fork();
		if (pid == 0)
			_exit(attempts[i].attempt() ? 1 : 0);
		(void)waitpid(pid, &status, 0);
		ok(WIFEXITED(status) && WEXITSTATUS(status) == 1, "without a sandbox anybody can %s",
		    attempts[i].what);
	}
}

static void
open_udp(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(udp_at);

	udp_at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	udp = socket(AF_INET, SOCK_DGRAM, 0);
	if (udp < 0 || bind(udp, (struct sockaddr *)&udp_at, len) != 0 ||
	    getsockname(udp, (struct sockaddr *)&udp_at, &len) != 0)
		abort();
	at.sin_port = 0;
	led = socket(AF_INET, SOCK_DGRAM, 0);
	if (led < 0 || bind(led, (struct sockaddr *)&at, len) != 0 ||
	    getsockname(led, (struct sockaddr *)&at, &len) != 0 ||
	    connect(led, (struct sockaddr *)&at, len) != 0)
		abort();
}

static void
begin_victim(const struct identity *who)
{
	victim = fork();
	if (victim != 0)
		return;
	if (who->change &&
	    (setresgid(who->gid, who->gid, who->gid) != 0 || setresuid(who->uid, who->uid, who->uid) != 0))
		_exit(3);
	for (;;)
		(void)pause();
}

/* Who a node that was not started by root is. */
static void
without_root(const struct identity *nobody)
{
	struct identity who;

	if (nobody->change &&
	    (setresgid(nobody->gid, nobody->gid, nobody->gid) != 0 ||
		setresuid(nobody->uid, nobody->uid, nobody->uid) != 0))
		abort();
	if (!identity_find("", &who))
		abort();
	try_outside();
	as(&who, "not root");
}

int
main(void)
{
	char log[] = "/tmp/t-sandbox-XXXXXX";
	struct identity who;
	int outside;

	if (mkdtemp(log) == NULL || mkdtemp(outside_path) == NULL ||
	    (folder = open(log, O_RDONLY | O_DIRECTORY)) < 0 ||
	    (outside = open(outside_path, O_RDONLY | O_DIRECTORY)) < 0)
		abort();
	if (!identity_find(geteuid() == 0 ? "nobody" : "", &who))
		skip_all("there is no user nobody");
	if (who.change && (fchown(folder, who.uid, who.gid) != 0 || fchown(outside, who.uid, who.gid) != 0))
		abort();
	open_udp();
	begin_victim(&who);
	if (who.change)
		as(&who, "root as nobody");
	without_root(&who);
	(void)kill(victim, SIGKILL);
	(void)unlinkat(outside, "x", 0);
	(void)rmdir(outside_path);
	(void)unlinkat(folder, "mine", 0);
	(void)rmdir(log);
	return done_testing();
}
