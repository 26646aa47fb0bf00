/* SPDX-License-Identifier: ISC
 *
 * The store in folders of the test's own: segments come out sound, sealed and chained; failing writes are
 * backed out of and gone on with; what a killed predecessor left is put in order.
 */
#include "log/store.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "log/folder.h"
#include "tests/tap.h"
#include "tests/unit/log/maker.h"

#define RECOVERIES 4

static const wall_t now = {1700000000000000000LL};

/* --- a folder, a store on it, and an appender that writes to the store at once --- */

struct bench {
	char path[64];
	int dirfd;
	struct store *store;
	struct appender appender;
	struct block *spare[4];
	unsigned free;
	enum err wrote; /* the last answer of store_write */
	int wrote_errno;
	struct block *due; /* the block of a failed write */
	uint32_t due_upto;
	bool due_complete;
	struct store_recovery recovery[RECOVERIES];
	size_t recovered;
};

static struct block *
take(void *ctx)
{
	struct bench *b = ctx;

	if (b->due != NULL)
		return NULL;
	return b->free > 0 ? b->spare[--b->free] : block_new();
}

static void
release(struct bench *b, struct block *block)
{
	if (b->free < 4)
		b->spare[b->free++] = block;
	else
		block_free(block);
}

static void
give(void *ctx, struct block *block, uint32_t upto, bool complete)
{
	struct bench *b = ctx;

	b->wrote = store_write(b->store, block, upto, complete);
	b->wrote_errno = errno;
	b->due = NULL;
	if (b->wrote != ERR_OK) {
		b->due = block;
		b->due_upto = upto;
		b->due_complete = complete;
	} else if (complete) {
		release(b, block);
	}
}

static enum err
again(struct bench *b)
{
	struct block *block = b->due;

	b->due = NULL;
	give(b, block, b->due_upto, b->due_complete);
	return b->wrote;
}

static void
bench_init(struct bench *b)
{
	memset(b, 0, sizeof(*b));
	strcpy(b->path, "/tmp/flowbraid-t-store.XXXXXX");
	if (mkdtemp(b->path) == NULL)
		abort();
	b->dirfd = open(b->path, O_RDONLY | O_DIRECTORY);
}

static enum err
bench_open(struct bench *b, uint64_t incarnation)
{
	struct segment_header head = {
	    .kind = SEGMENT_NODE,
	    .cluster = "edge",
	    .node = "col-a",
	    .incarnation = incarnation,
	};
	enum err e = store_open(
	    b->dirfd, "edge", "col-a", 0, now, &b->store, b->recovery, RECOVERIES, &b->recovered);

	if (e != ERR_OK)
		return e;
	head.number = store_next_number(b->store);
	appender_init(&b->appender, &head, (struct block_sink){b, take, give});
	return ERR_OK;
}

static void
bench_append(struct bench *b, unsigned count, size_t len)
{
	uint8_t *body = malloc(len);

	for (unsigned i = 0; i < count; i++) {
		struct record r = {.type = RECORD_DATAGRAM, .body = body, .len = (uint32_t)len};

		maker_body(b->appender.next_sequence, body, len);
		if (appender_record(&b->appender, &r, now, NULL) != ERR_OK)
			abort();
	}
	free(body);
}

/* Ends in good order. */
static void
bench_end(struct bench *b)
{
	appender_end(&b->appender, now);
	store_close(b->store);
	b->store = NULL;
}

/* As kill -9 ends it: what was given is written, nothing is sealed. */
static void
bench_kill(struct bench *b)
{
	appender_flush(&b->appender);
	block_free(b->appender.block);
	block_free(b->appender.spare[0]);
	block_free(b->appender.spare[1]);
	store_close(b->store);
	b->store = NULL;
}

static void
bench_clear(struct bench *b)
{
	struct folder f;

	while (b->free > 0)
		block_free(b->spare[--b->free]);
	if (folder_list(b->dirfd, &f) != ERR_OK)
		abort();
	for (size_t i = 0; i < f.count; i++)
		unlinkat(b->dirfd, f.entries[i].name, 0);
	folder_clear(&f);
	close(b->dirfd);
	rmdir(b->path);
}

/* The name of segment `index` of the folder; "" when there is none. */
static const char *
name_of(struct bench *b, size_t index)
{
	static char name[FOLDER_NAME_SIZE];
	struct folder f;

	name[0] = '\0';
	if (folder_list(b->dirfd, &f) != ERR_OK)
		abort();
	if (index < f.count)
		strcpy(name, f.entries[index].name);
	folder_clear(&f);
	return name;
}

static bool
is_open(const char *name)
{
	return strstr(name, ".open") != NULL;
}

static int
open_file(struct bench *b, size_t index)
{
	int fd = openat(b->dirfd, name_of(b, index), O_RDWR);

	if (fd < 0)
		abort();
	return fd;
}

static void
walk_file(struct bench *b, size_t index, struct walk *ret)
{
	int fd = open_file(b, index);

	walk_fd(fd, is_open(name_of(b, index)), true, ret);
	close(fd);
}

static uint64_t
size_of(struct bench *b, size_t index)
{
	struct stat st;

	if (fstatat(b->dirfd, name_of(b, index), &st, 0) != 0)
		abort();
	return (uint64_t)st.st_size;
}

/* --- tests --- */

static void
test_write(void)
{
	struct bench b;
	struct walk w;
	char name[FOLDER_NAME_SIZE];

	bench_init(&b);
	ok(bench_open(&b, 1) == ERR_OK && b.recovered == 0, "open: an empty folder");
	is_u64(store_next_number(b.store), 1, "open: the first number");
	is_text(store_newest(b.store), "", "open: no newest");
	is_u64(store_sync(b.store), ERR_OK, "sync: nothing to do");
	bench_append(&b, 10, 500);
	appender_flush(&b.appender);
	is_u64(store_sync(b.store), ERR_OK, "sync");
	is_text(name_of(&b, 0), "00-0000000001-20231114T221320Z.fbs.open", "the open segment's name");
	walk_file(&b, 0, &w);
	ok(w.records == 10 && w.findings == 0 && !w.result.sealed, "what was flushed can be read");
	bench_append(&b, 3000, 1464);
	appender_flush(&b.appender);
	walk_file(&b, 0, &w);
	ok(w.records == 3010 && w.findings == 0, "over several blocks");
	ok(store_counters(b.store)->failures == 0, "no failures");
	printf("# %" PRIu64 " of %" PRIu64 " writes were direct\n", store_counters(b.store)->direct_writes,
	    store_counters(b.store)->writes);
	appender_rotate(&b.appender, now);
	is_u64(store_counters(b.store)->sealed, 1, "sealed");
	strcpy(name, name_of(&b, 0));
	is_text(name, "00-0000000001-20231114T221320Z.fbs", "and renamed");
	walk_file(&b, 0, &w);
	ok(w.records == 3011 && w.findings == 0 && w.result.sealed &&
		w.result.seal.previous_number == UINT64_MAX,
	    "sound, seal and digest included");
	is_u64(store_counters(b.store)->bytes, size_of(&b, 0), "bytes are counted");
	bench_end(&b);
	is_text(name_of(&b, 1), "", "no segment without records");
	bench_clear(&b);
}

/* Every seal refers to the one before, over rotations and restarts. */
static void
test_chain(void)
{
	struct bench b;
	struct walk w;
	struct sha256 previous = {{0}};
	uint64_t number = UINT64_MAX;
	unsigned bad = 0, count = 0;

	bench_init(&b);
	for (uint64_t life = 0; life < 3; life++) {
		if (bench_open(&b, 100 + life) != ERR_OK)
			abort();
		b.appender.size_limit = 5000;
		bench_append(&b, 20, 1000);
		bench_end(&b);
	}
	for (; name_of(&b, count)[0] != '\0'; count++) {
		walk_file(&b, count, &w);
		bad += w.findings != 0 || !w.result.sealed || w.result.seal.previous_number != number ||
		    memcmp(w.result.seal.previous.b, previous.b, sizeof(previous.b)) != 0;
		number = count + 1;
		previous = seal_digest(&w.result.seal);
	}
	is_u64(count, 21, "chain: segments of three lives");
	is_u64(bad, 0, "chain: each seal refers to the one before");
	ok(bench_open(&b, 9) == ERR_OK && store_next_number(b.store) == 22, "chain: numbers go on");
	is_text(store_newest(b.store), "00-0000000021-20231114T221320Z.fbs", "chain: the newest");
	bench_end(&b);
	bench_clear(&b);
}

static void
test_lock(void)
{
	struct bench b, other;
	struct store *second = NULL;
	struct store_recovery r;
	size_t n;
	int again;

	bench_init(&b);
	if (bench_open(&b, 1) != ERR_OK)
		abort();
	again = openat(b.dirfd, ".", O_RDONLY | O_DIRECTORY);
	is_u64(folder_lock(b.dirfd), ERR_OK, "lock: taken");
	is_u64(folder_lock(b.dirfd), ERR_OK, "lock: who has it may ask again");
	is_u64(folder_lock(again), ERR_BUSY, "lock: held");
	(void)close(again);
	bench_append(&b, 1, 10);
	bench_end(&b);
	is_u64(store_open(b.dirfd, "core", "col-a", 0, now, &second, &r, 1, &n), ERR_CONFLICT,
	    "another cluster's log");
	is_text(r.why, "expected cluster \"core\" node \"col-a\", found cluster \"edge\" node \"col-a\"",
	    "says which");
	is_u64(store_open(b.dirfd, "edge", "col-b", 0, now, &second, &r, 1, &n), ERR_CONFLICT,
	    "another node's log");
	is_u64(store_open(b.dirfd, "edge", "col-b", 3, now, &second, &r, 1, &n), ERR_CONFLICT,
	    "in another lane");
	ok(n == 1 && strcmp(r.file, name_of(&b, 0)) == 0, "says in which file");
	ok(bench_open(&b, 2) == ERR_OK, "lock: free again");
	bench_end(&b);
	bench_init(&other);
	is_u64(store_open(-1, "edge", "col-a", 0, now, &second, &r, 1, &n), ERR_SYSTEM, "no folder");
	bench_clear(&other);
	bench_clear(&b);
}

/* A predecessor killed anywhere within its last record: cut, sealed, gone on. */
static void
test_torn(void)
{
	struct bench b;
	struct walk w;
	unsigned bad = 0;
	uint64_t whole;

	for (unsigned cut = 0; cut < 160; cut += 3) {
		uint64_t expected;
		int fd;

		bench_init(&b);
		if (bench_open(&b, 1) != ERR_OK)
			abort();
		bench_append(&b, 5, 100);
		bench_kill(&b);
		whole = size_of(&b, 0);
		expected = cut == 0 ? 5 : 4;
		fd = open_file(&b, 0);
		if (ftruncate(fd, (off_t)(whole - cut)) != 0)
			abort();
		close(fd);
		bad += bench_open(&b, 2) != ERR_OK || b.recovered != 1 || !b.recovery[0].sealed ||
		    b.recovery[0].records != expected || b.recovery[0].number != 1 ||
		    b.recovery[0].length != SEGMENT_RECORDS_AT + expected * record_size(100) ||
		    b.recovery[0].cut != whole - cut - b.recovery[0].length ||
		    strcmp(b.recovery[0].file, name_of(&b, 0)) != 0 || b.recovery[0].why[0] != '\0';
		walk_file(&b, 0, &w);
		bad += w.findings != 0 || !w.result.sealed || w.records != expected + 1 ||
		    w.sequences[expected] != expected;
		bench_append(&b, 1, 100);
		bench_end(&b);
		walk_file(&b, 1, &w);
		bad += w.findings != 0 || w.result.seal.previous_number != 1;
		bench_clear(&b);
	}
	is_u64(bad, 0, "torn: cut behind the last whole record, sealed, chained");
}

static void
append_bytes(struct bench *b, size_t index, const void *bytes, size_t len)
{
	int fd = open_file(b, index);

	if (file_pwrite(fd, bytes, len, size_of(b, index), NULL) != ERR_OK)
		abort();
	close(fd);
}

static void
test_other_ends(void)
{
	static const uint8_t zeros[8192];
	struct bench b;
	struct walk w;
	int fd;

	bench_init(&b);
	if (bench_open(&b, 1) != ERR_OK)
		abort();
	bench_append(&b, 5, 100);
	bench_kill(&b);
	append_bytes(&b, 0, zeros, sizeof(zeros));
	append_bytes(&b, 0, "garbage", 7);
	ok(bench_open(&b, 2) == ERR_OK && b.recovery[0].sealed && b.recovery[0].cut == sizeof(zeros) + 7,
	    "garbage with nothing good behind it is cut");
	walk_file(&b, 0, &w);
	ok(w.findings == 0 && w.records == 6, "and the rest is sound");
	bench_append(&b, 5, 100);
	appender_rotate(&b.appender, now);
	bench_kill(&b);
	fd = open_file(&b, 1);
	close(fd);
	if (renameat(b.dirfd, "00-0000000002-20231114T221320Z.fbs", b.dirfd,
		"00-0000000002-20231114T221320Z.fbs.open") != 0)
		abort();
	ok(bench_open(&b, 3) == ERR_OK && b.recovered == 1 && b.recovery[0].sealed && b.recovery[0].cut == 0,
	    "killed between seal and rename: renamed");
	walk_file(&b, 1, &w);
	ok(w.findings == 0 && w.records == 6 && !is_open(name_of(&b, 1)), "and not sealed twice");
	bench_append(&b, 1, 100);
	bench_kill(&b);
	fd = open_file(&b, 2);
	if (ftruncate(fd, 700) != 0)
		abort();
	close(fd);
	ok(bench_open(&b, 4) == ERR_OK && b.recovered == 1 && b.recovery[0].removed &&
		b.recovery[0].length == 0 && b.recovery[0].cut == 700 && !b.recovery[0].sealed &&
		name_of(&b, 2)[0] == '\0',
	    "killed within the header: removed");
	is_u64(store_next_number(b.store), 3, "and its number is given again");
	is_text(store_newest(b.store), "00-0000000002-20231114T221320Z.fbs", "the newest is the one before");
	bench_end(&b);
	bench_clear(&b);
}

static void
test_left_unsealed(void)
{
	struct bench b;
	struct walk w;
	struct buf before = BUF_INIT, after = BUF_INIT;
	struct sha256 digest;
	int fd;

	bench_init(&b);
	if (bench_open(&b, 1) != ERR_OK)
		abort();
	bench_append(&b, 5, 100);
	appender_rotate(&b.appender, now);
	bench_append(&b, 20, 100);
	bench_kill(&b);
	fd = open_file(&b, 1);
	if (pwrite(fd, "\0\0\0\0\0\0\0\0", 8, SEGMENT_RECORDS_AT + 5 * 160 + 80) != 8 ||
	    ftruncate(fd, 4200) != 0)
		abort();
	close(fd);
	if (file_slurp(b.dirfd, name_of(&b, 1), 100000, &before) != ERR_OK)
		abort();
	digest = sha256_of(before.data, before.len);
	ok(bench_open(&b, 2) == ERR_OK && b.recovered == 1 && !b.recovery[0].sealed && b.recovery[0].cut == 0,
	    "left: damage with good records behind");
	ok(b.recovery[0].length == 4200 && memcmp(b.recovery[0].digest.b, digest.b, sizeof(digest.b)) == 0,
	    "left: its length and digest");
	ok(strstr(b.recovery[0].why, "record body at offset 1824: expected crc 0x") != NULL,
	    "left: says why (%s)", b.recovery[0].why);
	if (file_slurp(b.dirfd, name_of(&b, 1), 100000, &after) != ERR_OK)
		abort();
	ok(before.len == after.len && memcmp(before.data, after.data, before.len) == 0, "left: to the byte");
	is_u64(store_next_number(b.store), 3, "left: the next number is free");
	ok(is_open(store_newest(b.store)), "left: it is the newest");
	bench_append(&b, 1, 100);
	bench_end(&b);
	walk_file(&b, 2, &w);
	ok(w.findings == 0 && w.result.seal.previous_number == 1, "left: the chain goes past it");
	buf_clear(&before);
	buf_clear(&after);
	bench_clear(&b);
}

/* Every write may fail at every place; what has been written is whole records, and goes on. */
static void
test_back_out(void)
{
	struct rlimit whole, less;
	struct bench b;
	struct walk w;
	unsigned bad = 0, failures = 0;

	signal(SIGXFSZ, SIG_IGN);
	if (getrlimit(RLIMIT_FSIZE, &whole) != 0)
		abort();
	less = whole;
	for (rlim_t limit = 100; limit < 4000; limit += 61) {
		bench_init(&b);
		if (bench_open(&b, 1) != ERR_OK)
			abort();
		bench_append(&b, 2, 300);
		less.rlim_cur = limit;
		setrlimit(RLIMIT_FSIZE, &less);
		appender_flush(&b.appender);
		if (b.wrote == ERR_OK) { /* all of it fitted; the next does not */
			bench_append(&b, 10, 300);
			appender_flush(&b.appender);
		}
		failures += b.wrote == ERR_SYSTEM && b.wrote_errno == EFBIG;
		walk_file(&b, 0, &w);
		bad += w.findings != 0 || (w.result.torn && w.result.size != 0) || w.result.size > limit ||
		    (limit > 1384 && w.records != (limit - SEGMENT_RECORDS_AT) / record_size(300));
		bad += b.due == NULL || b.due->written != w.result.size || again(&b) != ERR_SYSTEM;
		setrlimit(RLIMIT_FSIZE, &whole);
		bad += again(&b) != ERR_OK;
		bench_append(&b, 1, 300);
		bench_end(&b);
		walk_file(&b, 0, &w);
		bad += w.findings != 0 || !w.result.sealed;
		bench_clear(&b);
	}
	is_u64(failures, 64, "back-out: each limit makes a write fail");
	is_u64(bad, 0, "back-out: whole records stay, writing goes on, the seal is right");
}

/* The same where a block ends, and while sealing. */
static void
test_back_out_late(void)
{
	struct rlimit whole, less;
	struct bench b;
	struct walk w;

	if (getrlimit(RLIMIT_FSIZE, &whole) != 0)
		abort();
	less = whole;
	less.rlim_cur = SEGMENT_CHUNK + 50;
	bench_init(&b);
	if (bench_open(&b, 1) != ERR_OK)
		abort();
	bench_append(&b, 687, 1464);
	setrlimit(RLIMIT_FSIZE, &less);
	bench_append(&b, 10, 1464);
	ok(b.wrote == ERR_OK, "back-out: a whole block");
	appender_flush(&b.appender);
	ok(b.wrote == ERR_SYSTEM && b.due->written == 0, "back-out: within the record across its end");
	walk_file(&b, 0, &w);
	ok(w.findings == 0 && w.result.torn && w.result.size == SEGMENT_CHUNK && w.records == 689,
	    "reads as torn");
	setrlimit(RLIMIT_FSIZE, &whole);
	ok(again(&b) == ERR_OK, "back-out: goes on");
	walk_file(&b, 0, &w);
	ok(w.findings == 0 && !w.result.torn && w.records == 697, "all of it is there");
	less.rlim_cur = size_of(&b, 0) + 100;
	setrlimit(RLIMIT_FSIZE, &less);
	appender_rotate(&b.appender, now);
	ok(b.wrote == ERR_SYSTEM && b.wrote_errno == EFBIG, "back-out: no room for the seal");
	walk_file(&b, 0, &w);
	ok(w.findings == 0 && !w.result.torn && w.records == 697, "the segment is as before");
	setrlimit(RLIMIT_FSIZE, &whole);
	ok(again(&b) == ERR_OK, "sealed in the end");
	is_u64(store_counters(b.store)->failures, 2, "failures are counted");
	bench_end(&b);
	walk_file(&b, 0, &w);
	ok(w.findings == 0 && w.result.sealed && w.records == 698, "and sound");
	bench_clear(&b);

	bench_init(&b);
	if (bench_open(&b, 1) != ERR_OK)
		abort();
	bench_append(&b, 10, 100);
	bench_kill(&b);
	less.rlim_cur = size_of(&b, 0);
	setrlimit(RLIMIT_FSIZE, &less);
	ok(bench_open(&b, 2) == ERR_OK && !b.recovery[0].sealed &&
		strcmp(b.recovery[0].why, "cannot seal: File too large") == 0,
	    "start-up without room for a seal: left, said, gone on (%s)", b.recovery[0].why);
	setrlimit(RLIMIT_FSIZE, &whole);
	bench_append(&b, 10, 100);
	bench_kill(&b);
	ok(bench_open(&b, 3) == ERR_OK && b.recovered == 2 && b.recovery[0].sealed && b.recovery[1].sealed,
	    "the next start seals both");
	walk_file(&b, 1, &w);
	ok(w.result.sealed && w.result.seal.previous_number == 1, "in a chain");
	bench_end(&b);
	bench_clear(&b);
}

/* Appends and writes until it is killed; says after each write how many records are written. */
static void
child(struct bench *b, uint64_t incarnation, int to)
{
	if (bench_open(b, incarnation) != ERR_OK)
		_exit(1);
	b->appender.size_limit = 3u << 20;
	for (;;) {
		uint64_t next;

		bench_append(b, 1 + (unsigned)(b->appender.next_sequence % 37), 1400);
		appender_flush(&b->appender);
		next = b->appender.next_sequence;
		if (b->wrote != ERR_OK || write(to, &next, sizeof(next)) != sizeof(next))
			_exit(1);
	}
}

/* What was written when the process died is there after the next start, sealed, without a hole. */
static void
test_killed(void)
{
	struct bench b;
	struct folder f;
	unsigned bad = 0;
	uint64_t said[5] = {0}, next, found[5] = {0};

	bench_init(&b);
	for (unsigned life = 0; life < 5; life++) {
		int pipes[2];
		pid_t pid;

		if (pipe(pipes) != 0)
			abort();
		pid = fork();
		if (pid == 0)
			child(&b, 1000 + life, pipes[1]);
		close(pipes[1]);
		while (said[life] < 1500 + 1000 * life) {
			if (read(pipes[0], &next, sizeof(next)) != sizeof(next))
				abort();
			said[life] = next;
		}
		kill(pid, SIGKILL);
		if (waitpid(pid, NULL, 0) != pid)
			abort();
		while (read(pipes[0], &next, sizeof(next)) == sizeof(next))
			said[life] = next;
		close(pipes[0]);
	}
	bad += bench_open(&b, 9) != ERR_OK || b.recovered > 1 || (b.recovered == 1 && !b.recovery[0].sealed);
	store_close(b.store);
	if (folder_list(b.dirfd, &f) != ERR_OK)
		abort();
	for (size_t i = 0; i < f.count; i++) {
		int fd = openat(b.dirfd, f.entries[i].name, O_RDONLY);
		struct segment_header head;
		struct walk w;
		unsigned life;

		if (check_read_header(fd, &head) != ERR_OK)
			abort();
		life = (unsigned)(head.incarnation - 1000);
		walk_fd(fd, false, true, &w);
		bad += life > 4 || w.findings != 0 || !w.result.sealed || head.first_sequence != found[life];
		found[life] = w.result.next_sequence;
		close(fd);
	}
	for (unsigned life = 0; life < 5; life++)
		bad += found[life] < said[life];
	ok(f.count > 5, "killed: %zu segments of five lives", f.count);
	is_u64(bad, 0, "killed: nothing that was written is lost");
	folder_clear(&f);
	bench_clear(&b);
}

/* A file system that is really full. */
static void
test_full(void)
{
	struct bench b;
	struct walk w;
	unsigned bad = 0;

	bench_init(&b);
	close(b.dirfd);
	if (mount("none", b.path, "tmpfs", 0, "size=3m") != 0) {
		skip("full disk: no permission to mount a tmpfs");
		b.dirfd = open(b.path, O_RDONLY | O_DIRECTORY);
		bench_clear(&b);
		return;
	}
	b.dirfd = open(b.path, O_RDONLY | O_DIRECTORY);
	if (bench_open(&b, 1) != ERR_OK)
		abort();
	bench_append(&b, 1000, 1464);
	close(openat(b.dirfd, "ballast", O_CREAT | O_WRONLY, 0600));
	for (int fd = openat(b.dirfd, "ballast", O_WRONLY | O_APPEND); fd >= 0; fd = -1) {
		static const uint8_t page[4096];

		while (write(fd, page, sizeof(page)) == sizeof(page))
			;
		close(fd);
	}
	while (b.wrote == ERR_OK)
		bench_append(&b, 1, 1464);
	is_u64((uint64_t)b.wrote_errno, ENOSPC, "full disk: the write fails");
	bad += again(&b) != ERR_SYSTEM;
	walk_file(&b, 0, &w);
	bad += w.findings != 0 || w.records == 0;
	unlinkat(b.dirfd, "ballast", 0);
	bad += again(&b) != ERR_OK;
	bench_end(&b);
	walk_file(&b, 0, &w);
	bad += w.findings != 0 || !w.result.sealed || w.records < 1001;
	is_u64(bad, 0, "full disk: goes on when there is room");
	while (b.free > 0)
		block_free(b.spare[--b.free]);
	close(b.dirfd);
	if (umount2(b.path, MNT_DETACH) != 0)
		abort();
	rmdir(b.path);
}

int
main(void)
{
	test_write();
	test_chain();
	test_lock();
	test_torn();
	test_other_ends();
	test_left_unsealed();
	test_back_out();
	test_back_out_late();
	test_killed();
	test_full();
	return done_testing();
}
