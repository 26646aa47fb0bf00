/* SPDX-License-Identifier: ISC
 *
 * Passes over real folders: the oldest of this log go, and nothing else; a file that changed since it was chosen stays;
 * the list of what is merged is honoured.
 */
#include "log/expire.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "log/check.h"
#include "log/merged.h"
#include "log/segment.h"
#include "log/store.h"
#include "tests/log-folder.h"
#include "tests/tap.h"

#define SEGMENTS 6
#define FIRST 1700000000
#define MOST 16

static char path[] = "/tmp/flowbraid-t-expire.XXXXXX";
static int dirfd_of_log;
static struct expire_removed removed[MOST];
static struct expire_result res;
static const struct retain_limits by_size = {.size = 1};

static void
name_of(unsigned i, char out[FOLDER_NAME_SIZE])
{
	folder_name_make(0, i + 1, wall_from_sec(FIRST + i * 300, 0), false, out);
}

static void
empty_folder(void)
{
	struct folder f;

	if (folder_list(dirfd_of_log, &f) != ERR_OK)
		abort();
	for (size_t i = 0; i < f.count; i++)
		(void)unlinkat(dirfd_of_log, f.entries[i].name, 0);
	folder_clear(&f);
	(void)unlinkat(dirfd_of_log, MERGED_NAME, 0);
}

static void
make_log(const char *node)
{
	static const uint8_t body[100];
	struct log_folder f;

	log_folder_open(&f, path, "edge", node, 77);
	for (unsigned i = 0; i < SEGMENTS; i++) {
		struct record r = {.type = RECORD_DATAGRAM,
		    .time = wall_from_sec(FIRST + i * 300, 0),
		    .body = body,
		    .len = sizeof(body)};

		log_folder_add(&f, &r);
		appender_rotate(&f.a, r.time);
	}
	log_folder_close(&f, true);
}

/* Which of the SEGMENTS are there: "110111". */
static const char *
there(void)
{
	static char out[SEGMENTS + 1];
	char name[FOLDER_NAME_SIZE];

	for (unsigned i = 0; i < SEGMENTS; i++) {
		name_of(i, name);
		out[i] = faccessat(dirfd_of_log, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ? '1' : '0';
	}
	return out;
}

static struct expire *
new_expire(void)
{
	struct expire *x;

	if (expire_new(dirfd_of_log, "edge", "a", 0, &x) != ERR_OK)
		abort();
	return x;
}

static enum err
pass(struct expire *x, const struct retain_limits *l, const char *writing, size_t most)
{
	return expire_pass(x, l, wall_from_sec(FIRST + 10000, 0), false, writing, removed, most, &res);
}

static struct sha256
seal_of(const char *name)
{
	struct seal seal;
	int fd = openat(dirfd_of_log, name, O_RDONLY);

	if (check_read_seal(fd, &seal) != ERR_OK)
		abort();
	close(fd);
	return seal_digest(&seal);
}

static void
flip(const char *name, off_t from_end)
{
	int fd = openat(dirfd_of_log, name, O_RDWR);
	off_t at = lseek(fd, 0, SEEK_END) - from_end;
	uint8_t byte;

	if (pread(fd, &byte, 1, at) != 1)
		abort();
	byte ^= 1;
	if (pwrite(fd, &byte, 1, at) != 1)
		abort();
	close(fd);
}

static void
oldest_go(void)
{
	struct expire *x = new_expire();
	char name[FOLDER_NAME_SIZE];
	struct sha256 seal;
	struct stat st;

	make_log("a");
	name_of(0, name);
	seal = seal_of(name);
	if (fstatat(dirfd_of_log, name, &st, 0) != 0)
		abort();
	ok(pass(x, &(struct retain_limits){.size = 0}, "", MOST) == ERR_OK && res.removed == 0,
	    "no limits: nothing goes");
	ok(pass(x, &by_size, "", 2) == ERR_OK, "a pass");
	is_u64(res.removed, 2, "no more than wanted");
	ok(res.choice.more, "and it says that there is more");
	is_text(there(), "001111", "the oldest went");
	is_text(removed[0].file, name, "the first one's name");
	is_u64(removed[0].number, 1, "number");
	is_u64(removed[0].bytes, (uint64_t)st.st_size, "length");
	ok(removed[0].reason == RETAIN_BY_SIZE && removed[0].sealed &&
		memcmp(removed[0].seal.b, seal.b, SHA256_SIZE) == 0,
	    "reason, and digest of its seal");
	ok(pass(x, &by_size, "", MOST) == ERR_OK && res.removed == 3, "the next pass takes the rest");
	is_text(there(), "000001", "but the newest one");
	ok(res.choice.unmet == RETAIN_BY_SIZE, "and the limit is not kept to");
	expire_free(x);
	empty_folder();
}

static void
by_age(void)
{
	const struct retain_limits l = {.age_ns = 1000 * NS_PER_SEC};
	struct expire *x = new_expire();
	struct timespec old[2] = {{.tv_sec = 1}, {.tv_sec = 1}};

	make_log("a");
	for (unsigned i = 0; i < SEGMENTS; i++) {
		char name[FOLDER_NAME_SIZE];

		name_of(i, name);
		(void)utimensat(dirfd_of_log, name, old, 0);
	}
	ok(expire_pass(x, &l, wall_from_sec(FIRST + 1000, 0), false, "", removed, MOST, &res) == ERR_OK &&
		res.removed == 0,
	    "by age: the time of the file says nothing");
	ok(expire_pass(x, &l, wall_from_sec(FIRST + 1601, 0), false, "", removed, MOST, &res) == ERR_OK &&
		res.removed == 2 && removed[1].reason == RETAIN_BY_AGE,
	    "by age: the header does");
	is_text(there(), "001111", "the oldest went");
	expire_free(x);
	empty_folder();
}

static void
what_stays(void)
{
	struct expire *x = new_expire();
	char name[FOLDER_NAME_SIZE], other[FOLDER_NAME_SIZE + 8], writing[FOLDER_NAME_SIZE];

	make_log("b");
	ok(pass(x, &by_size, "", MOST) == ERR_OK && res.removed == 0, "another node's log is left alone");
	is_u64(res.foreign, SEGMENTS, "and counted");
	name_of(0, name);
	is_text(res.first_foreign, name, "the first one is named");
	empty_folder();

	make_log("a");
	expire_stale(x);
	(void)renameat(dirfd_of_log, name, dirfd_of_log, "elsewhere");
	(void)symlinkat("elsewhere", dirfd_of_log, name); /* a good segment, and yet no file of this folder */
	name_of(1, other);
	(void)unlinkat(dirfd_of_log, other, 0);
	(void)mkdirat(dirfd_of_log, other, 0700);
	name_of(2, other);
	flip(other, 1); /* reserved byte of the seal: damaged */
	name_of(3, other);
	(void)unlinkat(dirfd_of_log, other, 0);
	close(openat(dirfd_of_log, other, O_CREAT | O_WRONLY, 0600)); /* no header */
	close(openat(dirfd_of_log, "01-0000000001-20231114T221320Z.fbs", O_CREAT | O_WRONLY, 0600));
	ok(pass(x, &by_size, "", MOST) == ERR_OK, "a pass over odd files");
	is_u64(res.removed, 2, "a damaged one and a sealed one go");
	ok(!removed[0].sealed && removed[0].number == 3 && removed[1].sealed && removed[1].number == 5,
	    "it is told which one was damaged");
	is_text(there(), "110101", "a link, a folder and a file without a header stay");
	is_u64(res.foreign, 3, "they are counted");
	ok(faccessat(dirfd_of_log, "01-0000000001-20231114T221320Z.fbs", F_OK, 0) == 0,
	    "another lane's file is not touched");
	name_of(1, other);
	(void)unlinkat(dirfd_of_log, other, AT_REMOVEDIR);
	(void)unlinkat(dirfd_of_log, "elsewhere", 0);
	expire_free(x);
	empty_folder();

	x = new_expire();
	make_log("a");
	name_of(1, name);
	(void)snprintf(other, sizeof(other), "%s.open", name);
	(void)renameat(dirfd_of_log, name, dirfd_of_log, other);
	memcpy(writing, other, strlen(other) + 1);
	ok(pass(x, &by_size, writing, MOST) == ERR_OK && res.removed == 4, "the segment being written");
	ok(faccessat(dirfd_of_log, writing, F_OK, 0) == 0, "stays");
	expire_free(x);
	empty_folder();
}

static void
changes(void)
{
	const struct retain_limits none = {.age_ns = INT64_MAX};
	struct expire *x = new_expire();
	char name[FOLDER_NAME_SIZE];

	make_log("a");
	ok(pass(x, &none, "", MOST) == ERR_OK && res.removed == 0,
	    "a pass that removes nothing has looked at all files");
	name_of(0, name);
	flip(name, 1);
	name_of(1, name);
	(void)unlinkat(dirfd_of_log, name, 0);
	ok(pass(x, &by_size, "", MOST) == ERR_OK && res.removed == 3,
	    "one that was damaged since, and one that is gone");
	is_text(there(), "100001", "are not taken for what they were");
	ok(pass(x, &by_size, "", MOST) == ERR_OK && res.removed == 1 && !removed[0].sealed,
	    "the next pass knows better");
	is_u64(res.foreign, 0, "and nothing is foreign");
	expire_free(x);
	empty_folder();
}

static void
list(unsigned from, unsigned to, const char *more)
{
	struct buf text = BUF_INIT;

	for (unsigned i = from; i < to; i++) {
		char name[FOLDER_NAME_SIZE];
		struct sha256 d;

		name_of(i, name);
		d = seal_of(name);
		merged_put(&text, name, &d);
	}
	buf_text(&text, more);
	if (file_replace(dirfd_of_log, MERGED_NAME, text.data, text.len, 0644) != ERR_OK)
		abort();
	buf_clear(&text);
}

static void
merged(void)
{
	const struct retain_limits keep = {.size = 1, .keep_unmerged = true};
	struct expire *x = new_expire();
	char name[FOLDER_NAME_SIZE];
	struct buf text = BUF_INIT;
	struct sha256 seal;

	make_log("a");
	ok(pass(x, &keep, "", MOST) == ERR_OK && res.removed == 0 && !res.list_found,
	    "no list: everything stays");
	is_u64(res.choice.unmerged, 5, "it is told how many");
	list(1, 3, "x\n");
	ok(pass(x, &keep, "", MOST) == ERR_OK && res.removed == 2 && res.list_found && res.list_new,
	    "what is listed goes");
	is_text(there(), "100111", "and only that");
	is_u64(res.list_bad, 1, "a bad line is told");
	is_u64(res.list_bad_at, 3, "and where");
	ok(pass(x, &keep, "", MOST) == ERR_OK && res.removed == 0 && !res.list_new && res.list_bad == 1,
	    "the list is not new again");
	name_of(4, name);
	seal = seal_of(name);
	name_of(3, name);
	merged_put(&text, name, &seal); /* another one's seal */
	buf_u8(&text, 0);
	list(4, 5, (const char *)text.data);
	buf_clear(&text);
	ok(pass(x, &keep, "", MOST) == ERR_OK && res.removed == 1,
	    "one that is listed with another seal stays");
	is_text(there(), "100101", "the other one went");
	(void)unlinkat(dirfd_of_log, MERGED_NAME, 0);
	(void)symlinkat("/etc/passwd", dirfd_of_log, MERGED_NAME);
	ok(pass(x, &keep, "", MOST) == ERR_OK && !res.list_found, "a link is no list");
	expire_free(x);
	empty_folder();
}

static void
room(void)
{
	struct expire *x = new_expire();

	make_log("a");
	ok(pass(x, &(struct retain_limits){.minimum_free = 1}, "", MOST) == ERR_OK && res.removed == 0,
	    "the file system's free bytes are asked for: enough");
	ok(pass(x, &(struct retain_limits){.minimum_free = UINT64_MAX / 2}, "", MOST) == ERR_OK &&
		res.removed == 5 && removed[0].reason == RETAIN_BY_FREE,
	    "not enough");
	make_log("a");
	expire_stale(x);
	ok(expire_pass(x, &(struct retain_limits){.size = 1 << 30}, wall_from_sec(FIRST, 0), true, "",
	       removed, MOST, &res) == ERR_OK &&
		res.removed == 1 && removed[0].reason == RETAIN_BY_FULL,
	    "a full disk: one");
	expire_free(x);
	empty_folder();
}

int
main(void)
{
	if (mkdtemp(path) == NULL)
		abort();
	dirfd_of_log = open(path, O_RDONLY | O_DIRECTORY);
	oldest_go();
	by_age();
	what_stays();
	changes();
	merged();
	room();
	expire_free(NULL);
	(void)close(dirfd_of_log);
	(void)rmdir(path);
	return done_testing();
}
