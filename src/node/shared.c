/* SPDX-License-Identifier: ISC
 *
 * A memfd mapped twice; the second time through a descriptor that was opened for reading, so that not even mprotect makes
 * that mapping writable.
 */
#include "node/shared.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int
open_read_only(int fd)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_RDONLY | O_CLOEXEC);
}

enum err
shared_new(const char *name, size_t size, struct shared *ret)
{
	struct shared s = {.size = size};
	int fd = memfd_create(name, MFD_CLOEXEC), read_only = -1;
	void *w = MAP_FAILED, *r = MAP_FAILED;

	if (fd < 0)
		return ERR_SYSTEM;
	if (ftruncate(fd, (off_t)size) == 0)
		read_only = open_read_only(fd);
	if (read_only >= 0) {
		w = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		r = mmap(NULL, size, PROT_READ, MAP_SHARED, read_only, 0);
		(void)close(read_only);
	}
	(void)close(fd);
	s.write = w != MAP_FAILED ? w : NULL;
	s.read = r != MAP_FAILED ? r : NULL;
	if (s.write == NULL || s.read == NULL) {
		shared_clear(&s);
		return ERR_SYSTEM;
	}
	*ret = s;
	return ERR_OK;
}

static void
unmap(const struct shared *s, const void *at)
{
	void *p;

	if (at == NULL)
		return;
	memcpy(&p, &at, sizeof(p)); /* munmap does not ask whether it was constant */
	(void)munmap(p, s->size);
}

void
shared_for_writing(struct shared *s)
{
	unmap(s, s->read);
	s->read = NULL;
}

void
shared_for_reading(struct shared *s)
{
	unmap(s, s->write);
	s->write = NULL;
}

void
shared_clear(struct shared *s)
{
	shared_for_writing(s);
	shared_for_reading(s);
}
