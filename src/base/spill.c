/* SPDX-License-Identifier: ISC
 *
 * See spill.h. A thread looks every few milliseconds how much the process holds, and gives back the pages of all files
 * when it is too much: whoever uses the arrays need not know. Room in the files is reserved before it is mapped, so that
 * a full disk is an error and no SIGBUS.
 */
#include "base/spill.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"

#define LOOK_EVERY_NS 1000000 /* what can be touched anew in between must fit into LIMIT_MARGIN */
#define LOOK_EVERY_CALLS 512
#define LIMIT_MARGIN 4 /* pages go back at the limit less a quarter */
#define SMALL_SHARE 64 /* arrays of less than this share of the limit are ordinary memory */

struct region {
	void *at;
	size_t size;
	int fd;
};

static struct {
	pthread_mutex_t lock; /* of the table of regions */
	uint64_t limit;
	size_t small; /* what is smaller is ordinary memory; 0: everything is */
	int dirfd, statm;
	bool watched;
	struct region *regions;
	size_t count, room;
	uint64_t bytes, drops;
} spill = {.lock = PTHREAD_MUTEX_INITIALIZER, .dirfd = -1, .statm = -1};

static uint64_t
resident_bytes(void)
{
	char text[128];
	unsigned long long all, resident;
	ssize_t n = pread(spill.statm, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return sscanf(text, "%llu %llu", &all, &resident) == 2
	    ? (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE)
	    : 0;
}

static void
give_back_when_needed(void)
{
	if (resident_bytes() <= spill.limit - spill.limit / LIMIT_MARGIN)
		return;
	pthread_mutex_lock(&spill.lock);
	for (size_t i = 0; i < spill.count; i++)
		madvise(spill.regions[i].at, spill.regions[i].size, MADV_DONTNEED);
	spill.drops++;
	pthread_mutex_unlock(&spill.lock);
}

void
spill_pause(void)
{
	static unsigned calls;

	if (spill.watched && ++calls % LOOK_EVERY_CALLS == 0)
		give_back_when_needed();
}

static void *
watch(void *ctx)
{
	(void)ctx;
	setpriority(PRIO_PROCESS, (id_t)gettid(),
	    -10); /* it runs for microseconds, but then at once; not everybody may */
	for (;;) {
		struct timespec pause = {.tv_nsec = LOOK_EVERY_NS};

		nanosleep(&pause, NULL);
		give_back_when_needed();
	}
	return NULL;
}

enum err
spill_limit(const char *folder, uint64_t bytes)
{
	int dirfd;

	if (bytes < SPILL_LIMIT_LEAST)
		return ERR_LIMIT;
	dirfd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0)
		return ERR_SYSTEM;
	if (spill.statm < 0)
		spill.statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	if (spill.statm < 0) {
		int saved = errno;

		close(dirfd);
		errno = saved;
		return ERR_SYSTEM;
	}
	pthread_mutex_lock(&spill.lock);
	if (spill.dirfd >= 0)
		close(spill.dirfd);
	spill.dirfd = dirfd;
	spill.limit = bytes;
	spill.small = (size_t)(bytes / SMALL_SHARE);
	pthread_mutex_unlock(&spill.lock);
	return ERR_OK;
}

/* The first file starts the thread; a process that needs none has none. */
static bool
start_watching(void)
{
	pthread_t thread;

	if (!spill.watched && (errno = pthread_create(&thread, NULL, watch, NULL)) == 0) {
		pthread_detach(thread);
		spill.watched = true;
	}
	return spill.watched;
}

static int
unlinked_file(void)
{
	int fd = openat(spill.dirfd, ".", O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT)) {
		char name[64];

		snprintf(name, sizeof(name), ".spill.%ld.tmp", (long)getpid());
		fd = openat(spill.dirfd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd >= 0)
			unlinkat(spill.dirfd, name, 0);
	}
	return fd;
}

/* Room in the file is taken now: touching a page of it later cannot fail. */
static bool
reserve(int fd, size_t from, size_t to)
{
	errno = posix_fallocate(fd, (off_t)from, (off_t)(to - from));
	return errno == 0;
}

static struct region *
region_of(const void *at)
{
	for (size_t i = 0; at != NULL && i < spill.count; i++) {
		if (spill.regions[i].at == at)
			return &spill.regions[i];
	}
	return NULL;
}

static void *
region_new(size_t bytes)
{
	struct region r = {.size = bytes};

	if (!start_watching() || array_grow(spill.regions, spill.room, spill.count) != ERR_OK)
		return NULL;
	r.fd = unlinked_file();
	if (r.fd < 0)
		return NULL;
	r.at = reserve(r.fd, 0, bytes) ? mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, r.fd, 0)
				       : MAP_FAILED;
	if (r.at == MAP_FAILED) {
		int saved = errno;

		close(r.fd);
		errno = saved;
		return NULL;
	}
	spill.regions[spill.count++] = r;
	spill.bytes += bytes;
	return r.at;
}

static bool
region_resize(struct region *r, size_t bytes)
{
	void *at;

	if (bytes > r->size && !reserve(r->fd, r->size, bytes))
		return false;
	at = mremap(r->at, r->size, bytes, MREMAP_MAYMOVE);
	if (at == MAP_FAILED)
		return false;
	spill.bytes += bytes - r->size;
	r->at = at;
	r->size = bytes;
	return true;
}

static bool
is_small(size_t bytes)
{
	return spill.small == 0 || bytes < spill.small;
}

void *
spill_alloc(size_t bytes)
{
	void *p;

	if (is_small(bytes))
		return calloc(1, bytes);
	pthread_mutex_lock(&spill.lock);
	p = region_new(bytes);
	pthread_mutex_unlock(&spill.lock);
	return p;
}

void
spill_free(void *memory)
{
	struct region *r;

	pthread_mutex_lock(&spill.lock);
	r = region_of(memory);
	if (r != NULL) {
		munmap(r->at, r->size);
		close(r->fd);
		spill.bytes -= r->size;
		*r = spill.regions[--spill.count];
	}
	pthread_mutex_unlock(&spill.lock);
	if (r == NULL)
		free(memory);
}

/* Ordinary memory moves to a file when it has become large. */
static enum err
move_to_file(void **memory, size_t old_bytes, size_t new_bytes)
{
	void *p = region_new(new_bytes);

	if (p == NULL)
		return errno == ENOMEM ? ERR_MEMORY : ERR_SYSTEM;
	if (old_bytes > 0)
		memcpy(p, *memory, old_bytes < new_bytes ? old_bytes : new_bytes);
	free(*memory);
	*memory = p;
	return ERR_OK;
}

enum err
spill_resize(void **memory, size_t old_bytes, size_t new_bytes)
{
	struct region *r;
	enum err e = ERR_OK;

	pthread_mutex_lock(&spill.lock);
	r = region_of(*memory);
	if (r != NULL) {
		if (!region_resize(r, new_bytes))
			e = errno == ENOMEM ? ERR_MEMORY : ERR_SYSTEM;
		else
			*memory = r->at;
	} else if (is_small(new_bytes)) {
		void *p = realloc(*memory, new_bytes);

		if (p == NULL)
			e = ERR_MEMORY;
		else
			*memory = p;
	} else {
		e = move_to_file(memory, old_bytes, new_bytes);
	}
	pthread_mutex_unlock(&spill.lock);
	return e;
}

enum err
spill_grow_bytes(void **array, size_t *room, size_t count, size_t size)
{
	size_t want = *room > 0 ? 2 * *room : 16;
	enum err e;

	if (count < *room)
		return ERR_OK;
	if (want > SIZE_MAX / size)
		return ERR_MEMORY;
	e = spill_resize(array, *room * size, want * size);
	if (e == ERR_OK)
		*room = want;
	return e;
}

uint64_t
spill_bytes(void)
{
	return spill.bytes;
}

uint64_t
spill_drops(void)
{
	uint64_t drops;

	pthread_mutex_lock(&spill.lock);
	drops = spill.drops;
	pthread_mutex_unlock(&spill.lock);
	return drops;
}
