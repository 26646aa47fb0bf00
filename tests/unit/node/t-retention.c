/* SPDX-License-Identifier: ISC
 *
 * When passes are made, that no removal goes untold, and that a clock which is set ahead does not empty the log. The
 * messages are read from standard error.
 */
#include "node/retention.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/log-folder.h"
#include "tests/tap.h"

#define FIRST 1700000000
#define DAY (86400 * NS_PER_SEC)
#define WAITING_MOST 256

static char path[] = "/tmp/flowbraid-t-retention.XXXXXX";
static struct log_folder log_folder; /* open, with a segment being written */
static uint64_t made;                /* segments */
static int messages;

/* Segments of a minute each; the last one stays open. */
static void
make_segments(uint64_t count)
{
	static const uint8_t body[8];

	for (uint64_t i = 0; i < count; i++, made++) {
		struct record r = {.type = RECORD_DATAGRAM,
		    .time = wall_from_sec(FIRST + (int64_t)made * 60, 0),
		    .body = body,
		    .len = sizeof(body)};

		if (made > 0)
			appender_rotate(&log_folder.a, r.time);
		log_folder_add(&log_folder, &r);
	}
	appender_flush(&log_folder.a);
}

static size_t
files(void)
{
	struct folder f;
	size_t count;

	if (folder_list(store_folder(log_folder.store), &f) != ERR_OK)
		abort();
	count = f.count;
	folder_clear(&f);
	return count;
}

static struct retention *
new_retention(struct retain_limits limits)
{
	const struct retention_options options = {
	    .name = "log x", .cluster = "edge", .node = "a", .limits = limits};
	struct retention *r;

	if (retention_new(log_folder.store, &options, &r) != ERR_OK)
		abort();
	return r;
}

static bool
run(struct retention *r, wall_t now, int64_t mono_sec)
{
	return retention_run(r, log_folder.store, false, now, (mono_t){mono_sec * NS_PER_SEC});
}

static uint64_t
take_all(struct retention *r, uint64_t first)
{
	struct expire_removed e;
	uint64_t count = 0;

	while (retention_peek(r, &e)) {
		if (e.number != first + count)
			ok(false, "number %" PRIu64 " in place of %" PRIu64, e.number, first + count);
		retention_take(r);
		count++;
	}
	return count;
}

/* How often a text stands in the messages. */
static unsigned
said(const char *text)
{
	static char all[65536];
	ssize_t n = pread(messages, all, sizeof(all) - 1, 0);
	unsigned count = 0;

	all[n > 0 ? n : 0] = '\0';
	for (const char *at = all; (at = strstr(at, text)) != NULL; at++)
		count++;
	return count;
}

static wall_t
at(uint64_t segment)
{
	return wall_from_sec(FIRST + (int64_t)segment * 60 + 1, 0);
}

static void
passes(void)
{
	struct retention *r = new_retention((struct retain_limits){.age_ns = 600 * NS_PER_SEC});
	struct retain_limits none = {.age_ns = 0};

	ok(!run(r, at(0), 5), "before the first write nothing is looked at");
	make_segments(20);
	ok(run(r, at(19), 5), "a pass");
	is_u64(files(), 11, "what is older went");
	ok(!run(r, at(25), 5), "no other pass in the same second");
	ok(run(r, at(25), 365), "six minutes later another one");
	is_u64(files(), 5, "went on");
	is_u64(take_all(r, 1), 15, "each removal is told of, in its order");
	is_u64(said("removing the oldest segments"), 1, "one message about all of them");
	retention_set(r, &none);
	ok(!run(r, at(1000), 5000), "a reload without limits");
	retention_free(r);
}

static void
clock_steps(void)
{
	struct retention *r = new_retention((struct retain_limits){.age_ns = DAY});
	wall_t now = at(19), wrong = {now.ns + 3650 * DAY};

	ok(!run(r, now, 10), "nothing is old");
	ok(!run(r, wrong, 11), "the clock is set ten years ahead: nothing goes");
	is_u64(said("the clock was set ahead by 315359999 s: nothing is removed by age for 3600 s"), 1,
	    "it is said");
	ok(!run(r, (wall_t){wrong.ns + 1800 * NS_PER_SEC}, 11 + 1800), "nor half an hour later");
	ok(!run(r, (wall_t){now.ns + 1900 * NS_PER_SEC}, 11 + 1900), "it is set right");
	ok(!run(r, (wall_t){now.ns + 9000 * NS_PER_SEC}, 11 + 9000), "nothing went");
	is_u64(files(), 5, "all are there");
	ok(!run(r, wrong, 11 + 9001), "set ahead again");
	ok(run(r, (wall_t){wrong.ns + 3601 * NS_PER_SEC}, 11 + 9001 + 3601),
	    "and left so: after an hour it is believed");
	(void)take_all(r, 16);
	retention_free(r);
}

/* Nobody takes what was removed: then it stops. */
static void
untold(void)
{
	struct retention *r = new_retention((struct retain_limits){.size = 1});
	uint64_t first = made - files() + 1, before = files();
	int64_t second = 0;

	make_segments(WAITING_MOST + 100);
	before += WAITING_MOST + 100;
	while (run(r, at(made), ++second))
		;
	is_u64(files(), before - WAITING_MOST, "as many go as events wait for");
	ok(!run(r, at(made), ++second), "and no more");
	is_u64(take_all(r, first), WAITING_MOST, "all of them can be told");
	ok(run(r, at(made), ++second), "then it goes on");
	retention_end(r);
	is_u64(take_all(r, first + WAITING_MOST), before - WAITING_MOST - files(), "also at the end");
	make_segments(10);
	before = files();
	ok(!run(r, at(made), second + 100), "after the end nothing is removed");
	is_u64(files(), before, "nothing");
	retention_free(r);
	retention_free(NULL);
}

static void
remove_folder(void)
{
	struct folder f;

	if (folder_list(store_folder(log_folder.store), &f) != ERR_OK)
		abort();
	for (size_t i = 0; i < f.count; i++)
		(void)unlinkat(store_folder(log_folder.store), f.entries[i].name, 0);
	folder_clear(&f);
	(void)rmdir(path);
}

int
main(void)
{
	char name[64];

	if (mkdtemp(path) == NULL)
		abort();
	(void)snprintf(name, sizeof(name), "%s.messages", path);
	messages = open(name, O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0600);
	if (messages < 0 || dup2(messages, STDERR_FILENO) < 0)
		abort();
	(void)unlink(name);
	log_folder_open(&log_folder, path, "edge", "a", 77);
	passes();
	clock_steps();
	untold();
	remove_folder();
	return done_testing();
}
