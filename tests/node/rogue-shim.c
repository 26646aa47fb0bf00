/* SPDX-License-Identifier: ISC
 *
 * A preload library that turns a collector into what an intruder could make of it: it says on its channel what stands in
 * the file that ROGUE_SHIM names, one byte: 'k' a message of no kind, 'e' an empty one (as if it had gone). '-': nothing,
 * it behaves.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static const volatile char *what;
static pid_t parent;
static ssize_t (*real_writev)(int, const struct iovec *, int);

__attribute__((constructor)) static void
shim_begin(void)
{
	const char *path = getenv("ROGUE_SHIM");
	int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *p = dlsym(RTLD_NEXT, "writev");

	parent = getpid();
	if (p == NULL)
		abort();
	memcpy(&real_writev, &p, sizeof(p));
	if (fd < 0)
		return;
	p = mmap(NULL, 1, PROT_READ, MAP_SHARED, fd, 0);
	if (p != MAP_FAILED)
		what = p;
	(void)close(fd);
}

/* The filter of system calls permits nothing that would tell a collector from others. */
static int
is_channel(int fd)
{
	int type = 0;
	socklen_t len = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_SEQPACKET;
}

ssize_t
writev(int fd, const struct iovec *parts, int count)
{
	if (what == NULL || *what == '-' || getpid() == parent || !is_channel(fd))
		return real_writev(fd, parts, count);
	if (*what == 'k')
		(void)!write(fd, "\1\1", 2);
	else
		(void)!write(fd, "", 0);
	return real_writev(fd, parts, count);
}
