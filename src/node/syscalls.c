/* SPDX-License-Identifier: ISC
 *
 * Lists for libseccomp: what is seen here (tests/node/81-syscalls.t compares), and what the C library and libevent take
 * instead in other versions and on other architectures.
 */
#include "node/syscalls.h"

#include "base/msg.h"
#include "config.h"

/* AddressSanitizer looks for leaks with calls that are not ours. */
#if defined(HAVE_SECCOMP) && !defined(__SANITIZE_ADDRESS__)
#define FILTER 1
#endif
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#undef FILTER
#endif
#endif

#ifdef FILTER
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

/* clang-format off */
/* Memory (glibc asks how much there is when it sorts), threads, time, ends, the event loop. */
static const int everyone[] = {
    SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise),
    SCMP_SYS(futex), SCMP_SYS(futex_time64), SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(gettid), SCMP_SYS(getpid),
    SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigreturn), SCMP_SYS(sigreturn),
    SCMP_SYS(restart_syscall), SCMP_SYS(sched_getaffinity), SCMP_SYS(sysinfo),
    SCMP_SYS(clock_gettime), SCMP_SYS(clock_gettime64), SCMP_SYS(clock_getres), SCMP_SYS(gettimeofday), SCMP_SYS(time),
    SCMP_SYS(nanosleep), SCMP_SYS(clock_nanosleep), SCMP_SYS(clock_nanosleep_time64),
    SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(getrandom), SCMP_SYS(seccomp),
    SCMP_SYS(setrlimit), SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getegid),
    SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_pwait2),
    SCMP_SYS(eventfd2), SCMP_SYS(pipe2),
    SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(close),
    SCMP_SYS(recvmsg), SCMP_SYS(getsockopt), SCMP_SYS(fstat), SCMP_SYS(fstat64), SCMP_SYS(newfstatat),
};

/* The log, through its folder's descriptor, and the listeners' sockets. */
static const int collector[] = {
    SCMP_SYS(recvmmsg), SCMP_SYS(recvmmsg_time64),
    SCMP_SYS(openat), SCMP_SYS(pread64), SCMP_SYS(pwrite64), SCMP_SYS(lseek), SCMP_SYS(_llseek), SCMP_SYS(getdents64),
    SCMP_SYS(fsync), SCMP_SYS(fdatasync), SCMP_SYS(ftruncate), SCMP_SYS(ftruncate64),
    SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(unlinkat), SCMP_SYS(fstatfs), SCMP_SYS(fstatfs64),
    SCMP_SYS(statx), SCMP_SYS(sched_setaffinity),
};

/* Connections that come to a socket that is there. */
static const int reporter[] = {
    SCMP_SYS(accept4), SCMP_SYS(readv), SCMP_SYS(recvfrom), SCMP_SYS(sendto),
    SCMP_SYS(shutdown), SCMP_SYS(setsockopt), SCMP_SYS(getsockname), SCMP_SYS(getpeername),
};

/* Readers that come to a socket that is there. What it sends goes where a socket leads already: see add_conditions. */
static const int relay[] = {
    SCMP_SYS(accept4), SCMP_SYS(recvfrom),
};

static const int never[] = {
    SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev),
    SCMP_SYS(mount), SCMP_SYS(umount2), SCMP_SYS(pivot_root), SCMP_SYS(chroot), SCMP_SYS(setns), SCMP_SYS(unshare),
    SCMP_SYS(bpf), SCMP_SYS(perf_event_open), SCMP_SYS(kexec_load), SCMP_SYS(init_module), SCMP_SYS(finit_module),
    SCMP_SYS(delete_module), SCMP_SYS(keyctl), SCMP_SYS(add_key), SCMP_SYS(userfaultfd), SCMP_SYS(reboot),
    SCMP_SYS(open_by_handle_at), SCMP_SYS(fork), SCMP_SYS(vfork), SCMP_SYS(io_uring_setup), SCMP_SYS(personality),
};
/* clang-format on */

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* Calls that this architecture has not are passed over by libseccomp. */
static int
add_all(scmp_filter_ctx f, uint32_t action, const int *list, size_t count)
{
	int e = 0;

	for (size_t i = 0; i < count && e == 0; i++) {
		if (list[i] != __NR_SCMP_ERROR)
			e = seccomp_rule_add(f, action, list[i], 0);
	}
	return e;
}

/* Not those that have signals sent to an owner (F_SETOWN, F_SETSIG). */
static const int of_fcntl[] = {F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC};
/* For the filter itself. */
static const int of_prctl[] = {PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP};

static int
add_fcntl_and_prctl(scmp_filter_ctx f)
{
	int e = 0;

	for (size_t i = 0; e == 0 && i < COUNT(of_fcntl); i++) {
		const struct scmp_arg_cmp is = SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)of_fcntl[i], 0);

		e = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, is);
		if (e == 0)
			e = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(fcntl64), 1, is);
	}
	for (size_t i = 0; e == 0 && i < COUNT(of_prctl); i++)
		e = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
		    SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)of_prctl[i], 0));
	return e;
}

/* Memory that nothing is run in; a thread, never a process; signals to itself (abort); limits of its own; how much there
 * is to read, and nothing that a terminal or socket can be told besides; of the relay, to send without naming an address. */
static int
add_conditions(scmp_filter_ctx f, enum sandbox_role role)
{
	int e = seccomp_rule_add(
	    f, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));

	if (e == 0)
		e = seccomp_rule_add(
		    f, SCMP_ACT_ALLOW, SCMP_SYS(mmap2), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (e == 0)
		e = seccomp_rule_add(
		    f, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (e == 0)
		e = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
		    SCMP_A0(SCMP_CMP_MASKED_EQ, 0x00010000 /* CLONE_THREAD */, 0x00010000));
	if (e == 0)
		e = seccomp_rule_add(
		    f, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0));
	if (e == 0)
		e = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1, SCMP_A0(SCMP_CMP_EQ, 0, 0));
	if (e == 0 && role == SANDBOX_REPORTER)
		e = seccomp_rule_add(
		    f, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)FIONREAD, 0));
	if (e == 0 && role == SANDBOX_RELAY)
		e = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(sendto), 1, SCMP_A4(SCMP_CMP_EQ, 0, 0));
	if (e == 0)
		e = add_fcntl_and_prctl(f);
	/* Its flags lie in memory, where no filter looks; the C library then takes clone. */
	if (e == 0)
		e = seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	return e;
}

static bool
load(scmp_filter_ctx f, int e)
{
	if (e == 0)
		e = seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1);
	if (e == 0)
		e = seccomp_load(f);
	seccomp_release(f);
	if (e != 0)
		msg_error("sandbox: cannot filter system calls: %s", strerror(-e));
	return e == 0;
}

bool
syscalls_permit(enum sandbox_role role)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int e = f != NULL ? 0 : -ENOMEM;

	if (e == 0)
		e = add_all(f, SCMP_ACT_KILL_PROCESS, never, COUNT(never));
	if (e == 0)
		e = add_all(f, SCMP_ACT_ALLOW, everyone, COUNT(everyone));
	if (e == 0 && role == SANDBOX_COLLECTOR)
		e = add_all(f, SCMP_ACT_ALLOW, collector, COUNT(collector));
	if (e == 0 && role == SANDBOX_REPORTER)
		e = add_all(f, SCMP_ACT_ALLOW, reporter, COUNT(reporter));
	if (e == 0 && role == SANDBOX_RELAY)
		e = add_all(f, SCMP_ACT_ALLOW, relay, COUNT(relay));
	if (e == 0)
		e = add_conditions(f, role);
	return load(f, e);
}

/* What the first filter permits for the sake of threads and of this one. Filters add up. */
static const int until_closed[] = {SCMP_SYS(clone), SCMP_SYS(setrlimit), SCMP_SYS(prlimit64), SCMP_SYS(prctl),
    SCMP_SYS(seccomp), SCMP_SYS(sched_setaffinity)};

bool
syscalls_no_threads(void)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
	int e = f != NULL ? 0 : -ENOMEM;

	if (e == 0)
		e = add_all(f, SCMP_ACT_ERRNO(EPERM), until_closed, COUNT(until_closed));
	return load(f, e);
}

#else /* FILTER */

bool
syscalls_permit(enum sandbox_role role)
{
	(void)role;
	msg_notice("sandbox: this build does not filter system calls");
	return true;
}

bool
syscalls_no_threads(void)
{
	return true;
}
#endif
