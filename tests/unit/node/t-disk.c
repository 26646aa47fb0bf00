/* SPDX-License-Identifier: ISC
 *
 * The writing thread against a disk that fails (a limit on file size): the memory is bounded, nothing that was
 * accepted is lost, writing goes on by itself.
 */
#include "node/disk.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "log/check.h"
#include "tests/tap.h"

#define BODY 1464

static char folder[] = "/tmp/flowbraid-disk.XXXXXX";
static int dirfd_of_log;

static void
limit_files(rlim_t bytes)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_FSIZE, &l) != 0)
		abort();
	l.rlim_cur = bytes;
	if (setrlimit(RLIMIT_FSIZE, &l) != 0)
		abort();
}

static struct store *
open_store(void)
{
	struct store_recovery recovered[4];
	struct store *s;
	size_t count;

	if (store_open(dirfd_of_log, "c", "n", 0, wall_from_sec(1700000000, 0), &s, recovered, 4, &count) !=
	    ERR_OK)
		abort();
	return s;
}

static bool
append(struct appender *a, uint64_t i)
{
	static uint8_t body[BODY];
	struct record r = {
	    .type = RECORD_DATAGRAM, .time = wall_from_sec(1700000000, 0), .body = body, .len = BODY};

	memcpy(body, &i, sizeof(i));
	return appender_record(a, &r, r.time, NULL) == ERR_OK;
}

static uint64_t
append_many(struct appender *a, uint64_t from, uint64_t most)
{
	uint64_t i = 0;

	while (i < most && append(a, from + i))
		i++;
	return i;
}

/* Until nothing more is accepted for 200 ms. */
static uint64_t
append_until_stuck(struct appender *a)
{
	uint64_t count = 0;

	for (int idle = 0; idle < 20; idle++) {
		uint64_t more = append_many(a, count, 100000);

		if (more > 0)
			idle = 0;
		count += more;
		(void)nanosleep(&(struct timespec){.tv_nsec = 10 * NS_PER_MSEC}, NULL);
	}
	return count;
}

/* Waits until a record is accepted. */
static bool
append_in_time(struct appender *a, uint64_t i)
{
	for (int tries = 0; tries < 1000; tries++) {
		if (append(a, i))
			return true;
		(void)nanosleep(&(struct timespec){.tv_nsec = 10 * NS_PER_MSEC}, NULL);
	}
	return false;
}

/* Records in all files of the folder, each expected to be in order; removes the files. */
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
			if (step == CHECK_FINDING ||
			    (r.type == RECORD_DATAGRAM && memcmp(r.body, &count, sizeof(count)) != 0))
				wrong++;
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
begin(struct appender *a, struct disk *d, struct store *s)
{
	struct segment_header head = {
	    .kind = SEGMENT_NODE,
	    .cluster = "c",
	    .node = "n",
	    .incarnation = 77,
	    .number = store_next_number(s),
	    .first_sequence = 1,
	};

	appender_init(a, &head, disk_sink(d));
}

static void
failing_disk(void)
{
	const struct disk_options options = {.name = "log", .memory = 8 << 20, .sync_ns = NS_PER_SEC};
	struct store *s = open_store();
	uint64_t accepted, wrong, lost = 1;
	struct appender a;
	struct disk *d;

	if (disk_start(s, &options, &d) != ERR_OK)
		abort();
	begin(&a, d, s);
	limit_files(3 << 20);
	accepted = append_until_stuck(&a);
	ok(accepted >= 8 * (uint64_t)(SEGMENT_CHUNK / record_size(BODY)),
	    "the memory is used up before a record is refused");
	ok(accepted <= 12 * (uint64_t)(SEGMENT_CHUNK / record_size(BODY)), "and not more than it");
	ok(!append(&a, accepted), "refused again");
	limit_files(RLIM_INFINITY);
	ok(append_in_time(&a, accepted), "it goes on by itself");
	accepted++;
	for (int i = 0; i < 10; i++) {
		if (append_in_time(&a, accepted))
			accepted++;
		appender_flush(&a);
	}
	appender_end(&a, wall_from_sec(1700000001, 0));
	ok(disk_stop(d, &lost), "everything is written at the end");
	is_u64(lost, 0, "nothing is left");
	store_close(s);
	is_u64(read_back(&wrong), accepted, "what was accepted stands in the log");
	is_u64(wrong, 0, "in its order, without a finding");
}

static bool
gives_back(struct disk *d, uint64_t most)
{
	struct disk_status status = {.made = UINT64_MAX};

	for (int tries = 0; tries < 2000 && status.made > most; tries++) {
		(void)nanosleep(&(struct timespec){.tv_nsec = 10 * NS_PER_MSEC}, NULL);
		disk_status(d, &status);
	}
	return status.made <= most;
}

/* What a slow disk used up is not kept for ever. */
static void
memory_is_given_back(void)
{
	const struct disk_options options = {.name = "log", .memory = 32 << 20, .sync_ns = 10 * NS_PER_MSEC};
	struct store *s = open_store();
	struct disk_status status;
	uint64_t accepted, wrong, lost;
	struct appender a;
	struct disk *d;

	if (disk_start(s, &options, &d) != ERR_OK)
		abort();
	begin(&a, d, s);
	limit_files(3 << 20);
	accepted = append_until_stuck(&a);
	disk_status(d, &status);
	is_u64(status.made, 32 << 20, "a disk that fails uses up the memory");
	limit_files(RLIM_INFINITY);
	ok(gives_back(d, 12 << 20), "when it works again, most of it is given back");
	while (append_in_time(&a, accepted) && ++accepted % 100000 != 0)
		;
	appender_end(&a, wall_from_sec(1700000001, 0));
	ok(disk_stop(d, &lost), "and had again when it is needed");
	store_close(s);
	is_u64(read_back(&wrong), accepted, "all that was accepted stands in the log");
	is_u64(wrong, 0, "in its order, without a finding");
}

/* With wait an appender is never refused while the disk works: more goes through than the memory holds. */
static void
waiting(void)
{
	const struct disk_options options = {
	    .name = "log", .memory = 8 << 20, .sync_ns = NS_PER_SEC, .wait = true};
	struct store *s = open_store();
	uint64_t accepted, wrong;
	struct appender a;
	struct disk *d;

	if (disk_start(s, &options, &d) != ERR_OK)
		abort();
	begin(&a, d, s);
	accepted = append_many(&a, 0, 30000);
	is_u64(accepted, 30000, "with wait nothing is refused");
	ok(disk_completed(d) >= 30, "blocks were completed");
	ok(!disk_is_given_up(d), "the disk is not given up");
	appender_end(&a, wall_from_sec(1700000001, 0));
	ok(disk_stop(d, NULL), "everything is written at the end");
	store_close(s);
	is_u64(read_back(&wrong), 30000, "and stands in the log");
	is_u64(wrong, 0, "in its order, without a finding");
}

int
main(void)
{
	(void)signal(SIGXFSZ, SIG_IGN);
	if (mkdtemp(folder) == NULL)
		abort();
	dirfd_of_log = open(folder, O_RDONLY | O_DIRECTORY);
	failing_disk();
	memory_is_given_back();
	waiting();
	ok(disk_stop(NULL, NULL), "no disk to stop");
	(void)close(dirfd_of_log);
	(void)rmdir(folder);
	return done_testing();
}
