/* SPDX-License-Identifier: ISC
 *
 * The writing thread where syncs fail as they do on Linux: the pages that could not be written are lost, and the next
 * sync says that all is well. What is still in memory is written again; what is not is told.
 *
 * fsync and fdatasync are replaced in this program. A failing one overwrites with zeros what was written through the
 * page cache since the last good one.
 */
#include "node/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "log/check.h"
#include "tests/tap.h"

#define BODY 1464

static char folder[] = "/tmp/flowbraid-disk-sync.XXXXXX";
static int dirfd_of_log;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned failing; /* syncs of segments that fail from now on */
static unsigned failed;
static off_t dirty_from, dirty_to; /* written through the page cache, not synced */

ssize_t
pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
	if ((fcntl(fd, F_GETFL) & O_DIRECT) == 0) {
		(void)pthread_mutex_lock(&lock);
		if (dirty_to == 0 || offset < dirty_from)
			dirty_from = offset;
		if (offset + (off_t)len > dirty_to)
			dirty_to = offset + (off_t)len;
		(void)pthread_mutex_unlock(&lock);
	}
	return syscall(SYS_pwrite64, fd, bytes, len, offset);
}

static int
sync_segment(int fd)
{
	static const uint8_t zeros[4096];
	struct stat st;
	int result = 0;

	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		return 0;
	(void)pthread_mutex_lock(&lock);
	if (failing > 0) {
		failing--;
		failed++;
		for (off_t at = dirty_from; at < dirty_to; at += (off_t)sizeof(zeros)) {
			size_t n = dirty_to - at < (off_t)sizeof(zeros) ? (size_t)(dirty_to - at)
									: sizeof(zeros);

			if (syscall(SYS_pwrite64, fd, zeros, n, at) != (long)n)
				abort();
		}
		errno = EIO;
		result = -1;
	} else {
		dirty_to = 0;
	}
	(void)pthread_mutex_unlock(&lock);
	return result;
}

int
fsync(int fd)
{
	return sync_segment(fd);
}

int
fdatasync(int fd)
{
	return sync_segment(fd);
}

static void
fail_syncs(unsigned count)
{
	(void)pthread_mutex_lock(&lock);
	failing = count;
	failed = 0;
	(void)pthread_mutex_unlock(&lock);
}

static unsigned
failed_syncs(void)
{
	unsigned n;

	(void)pthread_mutex_lock(&lock);
	n = failed;
	(void)pthread_mutex_unlock(&lock);
	return n;
}

static void
a_while(void)
{
	(void)nanosleep(&(struct timespec){.tv_nsec = 5 * NS_PER_MSEC}, NULL);
}

/* --- a log --- */

struct log {
	struct store *store;
	struct disk *disk;
	struct appender appender;
	uint64_t count; /* accepted */
};

static void
log_begin(struct log *l, int64_t sync_ns)
{
	const struct disk_options options = {.name = "log", .memory = 8 << 20, .sync_ns = sync_ns};
	struct segment_header head = {
	    .kind = SEGMENT_NODE, .cluster = "c", .node = "n", .incarnation = 77, .number = 1};
	struct store_recovery recovered[1];
	size_t count;

	l->count = 0;
	if (store_open(dirfd_of_log, "c", "n", 0, wall_from_sec(1700000000, 0), &l->store, recovered, 1,
		&count) != ERR_OK ||
	    disk_start(l->store, &options, &l->disk) != ERR_OK)
		abort();
	appender_init(&l->appender, &head, disk_sink(l->disk));
}

/* Each write ends within a block, so that all of it goes through the page cache. */
static void
log_append(struct log *l, uint64_t most)
{
	static uint8_t body[BODY];
	struct record r = {
	    .type = RECORD_DATAGRAM, .time = wall_from_sec(1700000000, 0), .body = body, .len = BODY};
	struct disk_status status;

	for (uint64_t i = 0; i < most; i++) {
		memcpy(body, &l->count, sizeof(l->count));
		if (appender_record(&l->appender, &r, r.time, NULL) != ERR_OK)
			return;
		l->count++;
		if (l->count % 300 != 0)
			continue;
		appender_flush(&l->appender);
		do { /* until it is written */
			disk_status(l->disk, &status);
			if (status.waiting > 0)
				a_while();
		} while (status.waiting > 0 && !status.failing[DISK_WRITING]);
	}
}

/* The failures that were asked for are over, and the thread has seen that. */
static bool
wait_until_synced(struct log *l)
{
	struct disk_status status;

	for (int i = 0; i < 2000; i++) {
		bool over;

		(void)pthread_mutex_lock(&lock);
		over = failing == 0 && failed > 0;
		disk_status(l->disk, &status);
		over = over && status.store.sync_failures == failed && !status.failing[DISK_SYNCING];
		(void)pthread_mutex_unlock(&lock);
		if (over)
			return true;
		a_while();
	}
	return false;
}

/* Datagrams in all segments, which are removed. */
static uint64_t
read_back(uint64_t *ret_wrong)
{
	DIR *d = opendir(folder);
	uint64_t count = 0, wrong = 0;
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL) {
		int fd = openat(dirfd_of_log, e->d_name, O_RDONLY);
		struct finding finding;
		enum check_step step;
		struct record r;
		struct check *c;

		if (e->d_name[0] == '.' || check_open(fd, false, true, &c) != ERR_OK) {
			(void)close(fd);
			continue;
		}
		while ((step = check_next(c, &r, &finding)) == CHECK_RECORD || step == CHECK_FINDING) {
			wrong += step == CHECK_FINDING ||
			    (r.type == RECORD_DATAGRAM && memcmp(r.body, &count, sizeof(count)) != 0);
			count += step == CHECK_RECORD && r.type == RECORD_DATAGRAM;
		}
		check_close(c);
		(void)close(fd);
		(void)unlinkat(dirfd_of_log, e->d_name, 0);
	}
	if (d != NULL)
		(void)closedir(d);
	*ret_wrong = wrong;
	return count;
}

static void
log_end(struct log *l, uint64_t *ret_lost)
{
	*ret_lost = 1;
	appender_end(&l->appender, wall_from_sec(1700000001, 0));
	ok(disk_stop(l->disk, ret_lost), "everything is written at the end");
	store_close(l->store);
}

/* --- tests --- */

/* Three blocks and a part of the next; syncs fail, pages are lost, each time. */
static void
while_running(void)
{
	struct disk_trouble t;
	struct disk_status status;
	uint64_t lost, wrong;
	struct log l;

	fail_syncs(0);
	log_begin(&l, 20 * NS_PER_MSEC);
	log_append(&l, 300);
	fail_syncs(3);
	log_append(&l, 2000);
	ok(wait_until_synced(&l), "running: a sync works in the end");
	disk_status(l.disk, &status);
	is_u64(status.store.sync_failures, 3, "running: failures are counted");
	is_u64(status.store.failures, 0, "running: none of them to write");
	is_u64(status.unsure, 0, "running: nothing had left the memory");
	is_u64(status.memory, 8 << 20, "running: the memory that there is");
	ok(status.store.writes > 5 && status.store.bytes > 300 * BODY, "running: writes are counted");
	ok(disk_take_trouble(l.disk, &t) && t.work == DISK_SYNCING && t.failures == 3 && t.error == EIO &&
		t.unsure == 0 && t.from.ns > 0 && t.to.ns >= t.from.ns,
	    "running: the trouble is told");
	ok(!disk_take_trouble(l.disk, &t), "running: once");
	log_append(&l, 300);
	log_end(&l, &lost);
	is_u64(lost, 0, "running: nothing is left");
	is_u64(read_back(&wrong), l.count, "running: what was accepted stands in the log");
	is_u64(wrong, 0, "running: in its order, without a finding");
}

/* While no sync works, what was written is not free: the memory is used up, and not more is accepted. */
static void
used_up(void)
{
	struct disk_status status;
	uint64_t lost, wrong;
	struct log l;

	fail_syncs(0);
	log_begin(&l, 20 * NS_PER_MSEC);
	log_append(&l, 300);
	fail_syncs(UINT32_MAX);
	while (failed_syncs() == 0)
		log_append(&l, 10);
	for (int i = 0; i < 20; i++)
		log_append(&l, 1000);
	ok(l.count < 12 * (uint64_t)(SEGMENT_CHUNK / BODY), "used up: refused when the memory is full");
	disk_status(l.disk, &status);
	ok(status.failing[DISK_SYNCING] && status.refusing && status.used > status.memory / 2,
	    "used up: told");
	(void)pthread_mutex_lock(&lock);
	failing = 0;
	(void)pthread_mutex_unlock(&lock);
	ok(wait_until_synced(&l), "used up: a sync works in the end");
	log_append(&l, 300);
	log_end(&l, &lost);
	is_u64(read_back(&wrong), l.count, "used up: what was accepted stands in the log");
	is_u64(wrong, 0, "used up: in its order, without a finding");
}

/* No sync until the seal: by then blocks had to be used again. */
static void
left_the_memory(void)
{
	struct disk_trouble t = {.failures = 0};
	struct disk_status status;
	uint64_t wrong, lost;
	struct log l;

	fail_syncs(0);
	log_begin(&l, 3600 * NS_PER_SEC);
	log_append(&l, 20 * (uint64_t)(SEGMENT_CHUNK / BODY));
	ok(l.count == 20 * (uint64_t)(SEGMENT_CHUNK / BODY), "left: more was accepted than the memory holds");
	fail_syncs(1);
	appender_rotate(&l.appender, wall_from_sec(1700000001, 0));
	ok(wait_until_synced(&l), "left: sealed in the end");
	disk_status(l.disk, &status);
	ok(status.unsure > 10 * (uint64_t)SEGMENT_CHUNK && status.unsure < 20 * (uint64_t)SEGMENT_CHUNK,
	    "left: the bytes that were gone are counted");
	ok(disk_take_trouble(l.disk, &t) && t.unsure == status.unsure, "left: and told");
	log_end(&l, &lost);
	(void)read_back(&wrong);
	ok(wrong > 0, "left: this test does lose pages");
}

int
main(void)
{
	if (mkdtemp(folder) == NULL)
		abort();
	dirfd_of_log = open(folder, O_RDONLY | O_DIRECTORY);
	while_running();
	used_up();
	left_the_memory();
	(void)close(dirfd_of_log);
	(void)rmdir(folder);
	return done_testing();
}
