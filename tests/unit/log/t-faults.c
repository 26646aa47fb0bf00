/* SPDX-License-Identifier: ISC
 *
 * The store where each of its system calls fails, and where each write ends short or fails at each of its bytes: the
 * file holds whole records at any time, what was acknowledged is there after a death at that moment, and when the
 * fault is over the segment becomes the same, byte for byte, as without it.
 *
 * The system calls are replaced in this program; the replacements strike when they are told to.
 */
#include "log/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "log/folder.h"
#include "tests/tap.h"
#include "tests/unit/log/maker.h"

#define NOWHERE UINT64_MAX

static const wall_t now = {1700000000000000000LL};

/* --- faults --- */

enum call {
	CALL_PWRITE,
	CALL_OPENAT,
	CALL_FTRUNCATE,
	CALL_FSYNC,
	CALL_FSYNC_FOLDER,
	CALL_FDATASYNC,
	CALL_RENAME,
	CALLS
};

static struct {
	/* A write up to byte `at` (of all that are written) is short there; `failures` more calls fail. */
	uint64_t at, done;
	unsigned failures;
	int error;
	/* Other calls: how many more fail. */
	unsigned fail[CALLS];
	uint64_t direct; /* writes past the page cache that were cut */
} fault;

static bool
strikes(enum call c)
{
	if (fault.fail[c] == 0)
		return false;
	fault.fail[c]--;
	errno = fault.error;
	return true;
}

ssize_t
pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
	int flags = fcntl(fd, F_GETFL);
	ssize_t n;

	if (strikes(CALL_PWRITE))
		return -1;
	if (fault.at != NOWHERE && fault.done == fault.at) {
		if (fault.failures > 0) {
			fault.failures--;
			errno = fault.error;
			return -1;
		}
		fault.at = NOWHERE;
	}
	if (fault.at != NOWHERE && fault.done + len > fault.at) {
		len = (size_t)(fault.at - fault.done);
		if ((flags & O_DIRECT) != 0) { /* the kernel would refuse such a length */
			fault.direct++;
			(void)fcntl(fd, F_SETFL, flags & ~O_DIRECT);
		}
	}
	n = syscall(SYS_pwrite64, fd, bytes, len, offset);
	(void)fcntl(fd, F_SETFL, flags);
	fault.done += n > 0 ? (uint64_t)n : 0;
	return n;
}

int
openat(int dirfd, const char *path, int flags, ...)
{
	if (strstr(path, ".fbs") != NULL && (flags & O_CREAT) != 0 && strikes(CALL_OPENAT))
		return -1;
	return (int)syscall(SYS_openat, dirfd, path, flags, 0640);
}

int
ftruncate(int fd, off_t len)
{
	return strikes(CALL_FTRUNCATE) ? -1 : (int)syscall(SYS_ftruncate, fd, len);
}

/* Nothing here asks what a power cut would leave. */
int
fsync(int fd)
{
	struct stat st;
	bool folder = fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);

	return strikes(folder ? CALL_FSYNC_FOLDER : CALL_FSYNC) ? -1 : 0;
}

int
fdatasync(int fd)
{
	(void)fd;
	return strikes(CALL_FDATASYNC) ? -1 : 0;
}

int
renameat(int from_fd, const char *from, int to_fd, const char *to)
{
	return strikes(CALL_RENAME) ? -1 : (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, 0);
}

static void
no_faults(void)
{
	memset(&fault, 0, sizeof(fault));
	fault.at = NOWHERE;
	fault.error = EIO;
}

/* --- a log --- */

struct log {
	char path[64];
	int dirfd;
	struct store *store;
	struct appender appender;
	struct block *queue[8]; /* given, in order */
	uint32_t upto[8];
	bool complete[8];
	size_t count;
	struct block *spare[8];
	size_t spare_count;
	uint64_t given;        /* records that were given whole */
	uint64_t acknowledged; /* those that were when the last write succeeded */
	unsigned failures;
	bool die; /* at the first failure */
};

static struct block *
take(void *ctx)
{
	struct log *l = ctx;

	return l->spare_count > 0 ? l->spare[--l->spare_count] : block_new();
}

/* Writes what waits. False when a write failed. */
static bool
drain(struct log *l)
{
	while (l->count > 0) {
		if (l->failures > 0 && l->die)
			return false;
		if (store_write(l->store, l->queue[0], l->upto[0], l->complete[0]) != ERR_OK) {
			l->failures++;
			return false;
		}
		if (l->complete[0])
			l->spare[l->spare_count++] = l->queue[0];
		l->count--;
		memmove(l->queue, l->queue + 1, l->count * sizeof(l->queue[0]));
		memmove(l->upto, l->upto + 1, l->count * sizeof(l->upto[0]));
		memmove(l->complete, l->complete + 1, l->count * sizeof(l->complete[0]));
	}
	l->acknowledged = l->given;
	return true;
}

static void
give(void *ctx, struct block *b, uint32_t upto, bool complete)
{
	struct log *l = ctx;
	size_t i = l->count;

	if (i > 0 && l->queue[i - 1] == b)
		i--;
	l->queue[i] = b;
	l->upto[i] = upto;
	l->complete[i] = complete;
	l->count = i + 1;
	(void)drain(l);
}

static enum err
log_reopen(struct log *l, struct store_recovery *ret)
{
	size_t count = 0;
	enum err e = store_open(l->dirfd, "edge", "col-a", 0, now, &l->store, ret, 1, &count);

	if (e == ERR_OK && count == 0)
		*ret = (struct store_recovery){.found = false};
	return e;
}

static void
log_open(struct log *l)
{
	struct segment_header head = {
	    .kind = SEGMENT_NODE, .cluster = "edge", .node = "col-a", .incarnation = 4711, .number = 1};
	struct store_recovery r;

	memset(l, 0, sizeof(*l));
	strcpy(l->path, "/tmp/flowbraid-t-faults.XXXXXX");
	if (mkdtemp(l->path) == NULL)
		abort();
	l->dirfd = open(l->path, O_RDONLY | O_DIRECTORY);
	if (log_reopen(l, &r) != ERR_OK)
		abort();
	appender_init(&l->appender, &head, (struct block_sink){l, take, give});
}

static void
log_append(struct log *l, unsigned count, size_t len)
{
	static uint8_t body[4096];

	for (unsigned i = 0; i < count; i++) {
		struct record r = {.type = RECORD_DATAGRAM, .body = body, .len = (uint32_t)len};

		maker_body(l->appender.next_sequence, body, len);
		if (appender_record(&l->appender, &r, now, NULL) != ERR_OK)
			abort();
	}
}

static void
log_flush(struct log *l)
{
	l->given = l->appender.count;
	appender_flush(&l->appender);
}

static void
log_close(struct log *l)
{
	struct folder f;

	store_close(l->store);
	block_free(l->appender.block);
	for (size_t i = 0; i < 2; i++)
		block_free(l->appender.spare[i]);
	for (size_t i = 0; i < l->count; i++) {
		if (l->complete[i])
			block_free(l->queue[i]);
	}
	while (l->spare_count > 0)
		block_free(l->spare[--l->spare_count]);
	if (folder_list(l->dirfd, &f) != ERR_OK)
		abort();
	for (size_t i = 0; i < f.count; i++)
		(void)unlinkat(l->dirfd, f.entries[i].name, 0);
	folder_clear(&f);
	(void)close(l->dirfd);
	(void)rmdir(l->path);
}

/* The only segment; its name goes to ret_name. -1: there is none. */
static int
open_only(const struct log *l, char ret_name[FOLDER_NAME_SIZE])
{
	struct folder f;
	int fd = -1;

	if (folder_list(l->dirfd, &f) != ERR_OK || f.count > 1)
		abort();
	if (f.count == 1) {
		memcpy(ret_name, f.entries[0].name, FOLDER_NAME_SIZE);
		fd = openat(l->dirfd, ret_name, O_RDONLY);
	}
	folder_clear(&f);
	return fd;
}

/* No findings, and no bytes that are not of a whole record (where `whole`); how many records. */
static bool
is_sound(const struct log *l, bool whole, uint64_t *ret_records)
{
	char name[FOLDER_NAME_SIZE];
	int fd = open_only(l, name);
	struct walk w;

	*ret_records = 0;
	if (fd < 0)
		return true;
	walk_fd(fd, strstr(name, ".open") != NULL, true, &w);
	(void)close(fd);
	*ret_records = w.records;
	return w.findings == 0 && !w.failed && (!whole || !w.result.torn || w.result.size == 0);
}

/* --- a run: what is appended, with a fault somewhere --- */

/* small: some records, in three writes and a seal. Else a full block and a part of one, the full one in one write. */
static void
write_all(struct log *l, bool small)
{
	if (small) {
		log_append(l, 3, 100);
		log_flush(l);
		log_append(l, 2, 211);
		log_flush(l);
		log_append(l, 1, 7);
		log_flush(l);
	} else {
		log_append(l, 745,
		    1352); /* of 1408 bytes each: the header and 744 of them fill a block but for a piece */
		log_flush(l);
	}
	l->given = l->appender.count;
	appender_end(&l->appender, now);
}

static void
read_only(const struct log *l, struct buf *ret)
{
	char name[FOLDER_NAME_SIZE];
	int fd = open_only(l, name);

	if (fd < 0)
		abort();
	(void)close(fd);
	buf_reset(ret);
	if (file_slurp(l->dirfd, name, 4u << 20, ret) != ERR_OK || strstr(name, ".open") != NULL)
		buf_reset(ret);
}

static bool
same(const struct buf *a, const struct buf *b)
{
	return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

/* Until everything is written. */
static bool
go_on(struct log *l)
{
	for (int i = 0; i < 10; i++) {
		if (drain(l))
			return true;
	}
	return false;
}

/* The write that passes byte `at` is short there, and `failures` calls after it fail. 0 when all is well. */
static unsigned
run_through(bool small, uint64_t at, unsigned failures, int error, const struct buf *reference)
{
	struct buf bytes = BUF_INIT;
	unsigned bad = 0;
	uint64_t records;
	struct log l;

	no_faults();
	log_open(&l);
	fault.at = at;
	fault.failures = failures;
	fault.error = error;
	write_all(&l, small);
	bad += (l.failures > 0) != (failures > 0);
	if (l.failures > 0) /* 744 records end before the first block does, and the next one is still due */
		bad += !is_sound(&l, small || at < SEGMENT_CHUNK, &records) || records < l.acknowledged;
	bad += !go_on(&l);
	read_only(&l, &bytes);
	bad += !same(&bytes, reference);
	log_close(&l);
	buf_clear(&bytes);
	return bad;
}

/* The same, with a death at the failure; with `torn` what was written too much cannot be cut off either. */
static unsigned
die_in(bool small, uint64_t at, bool torn)
{
	struct store_recovery r;
	unsigned bad = 0;
	uint64_t acknowledged, records;
	struct log l;

	no_faults();
	log_open(&l);
	l.die = true;
	fault.at = at;
	fault.failures = UINT32_MAX;
	fault.error = ENOSPC;
	fault.fail[CALL_FTRUNCATE] = torn ? UINT32_MAX : 0;
	write_all(&l, small);
	acknowledged = l.acknowledged;
	bad += l.failures == 0;
	store_close(l.store);
	l.store = NULL;
	no_faults();
	bad += log_reopen(&l, &r) != ERR_OK || (r.found && !r.sealed && !r.removed);
	bad += !is_sound(&l, true, &records);
	bad += records < acknowledged + (records > 0); /* and the seal */
	log_close(&l);
	return bad;
}

static uint64_t
make_reference(bool small, struct buf *ret)
{
	struct log l;

	no_faults();
	log_open(&l);
	write_all(&l, small);
	read_only(&l, ret);
	log_close(&l);
	return ret->len;
}

static void
test_every_byte(void)
{
	struct buf reference = BUF_INIT;
	uint64_t size = make_reference(true, &reference);
	unsigned bad_short = 0, bad = 0, bad_death = 0, bad_torn = 0;
	static const int errors[] = {ENOSPC, EIO, EDQUOT, EFBIG};

	ok(size > SEGMENT_RECORDS_AT + SEAL_RECORD_SIZE, "a segment of %" PRIu64 " bytes without a fault",
	    size);
	for (uint64_t at = 0; at < size; at++) {
		bad_short += at > 0 && run_through(true, at, 0, 0, &reference) != 0;
		bad += run_through(true, at, 1 + (unsigned)(at % 3), errors[at % 4], &reference) != 0;
		bad_death += die_in(true, at, false) != 0;
		bad_torn += die_in(true, at, true) != 0;
	}
	is_u64(bad_short, 0, "a write short at each byte: the same bytes");
	is_u64(bad, 0, "a write failing at each byte: whole records, and then the same bytes");
	is_u64(bad_death, 0, "a death there: all that was acknowledged is there, sealed");
	is_u64(bad_torn, 0, "a death there, with a torn end: the same");
	buf_clear(&reference);
}

/* Past the page cache: the ends of the block byte by byte, and places between. */
static void
test_direct(void)
{
	struct buf reference = BUF_INIT;
	uint64_t size = make_reference(false, &reference), direct = 0;
	unsigned bad = 0, bad_short = 0, bad_death = 0, count = 0;

	ok(size > SEGMENT_CHUNK, "a segment of %" PRIu64 " bytes, one block of it full", size);
	for (uint64_t at = 0; at < size; at++) {
		if (at > 40 && at < SEGMENT_CHUNK - 40 && at % 4099 != 0 && at % 131072 != 0)
			continue;
		if (at > SEGMENT_CHUNK + 40 && at < size - 40 && at % 61 != 0)
			continue;
		bad_short += at > 0 && run_through(false, at, 0, 0, &reference) != 0;
		bad += run_through(false, at, 2, ENOSPC, &reference) != 0;
		direct += fault.direct;
		bad_death += die_in(false, at, at % 2 == 0) != 0;
		count++;
	}
	is_u64(bad_short, 0, "full blocks: a write short at %u places: the same bytes", count);
	is_u64(bad, 0, "full blocks: a write failing at each of them: the same bytes");
	is_u64(bad_death, 0, "full blocks: a death there: all that was acknowledged is there");
	if (direct > 0)
		ok(direct > 200, "full blocks: they went past the page cache");
	else
		skip("no O_DIRECT in /tmp");
	buf_clear(&reference);
}

/* Each other call, failing once and often. */
static void
test_calls(void)
{
	static const struct {
		enum call call;
		const char *name;
		bool waits; /* store_write fails until it works */
	} table[] = {
	    {CALL_PWRITE, "pwrite", true},
	    {CALL_OPENAT, "openat", true},
	    {CALL_FSYNC, "fsync of the segment", true},
	    {CALL_FSYNC_FOLDER, "fsync of the folder", false},
	    {CALL_RENAME, "renameat", false},
	};
	static const int errors[] = {EIO, ENOSPC, EROFS, EMFILE, ENOMEM, EDQUOT};
	struct buf reference = BUF_INIT, bytes = BUF_INIT;

	(void)make_reference(true, &reference);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		unsigned bad = 0, waited = 0;

		for (size_t k = 0; k < sizeof(errors) / sizeof(errors[0]); k++) {
			for (unsigned often = 1; often <= 5; often += 2) {
				struct log l;

				no_faults();
				log_open(&l);
				fault.fail[table[i].call] = often;
				fault.error = errors[k];
				write_all(&l, true);
				waited += l.failures > 0;
				bad += !go_on(&l);
				for (unsigned n = 0; n <= often; n++)
					(void)!store_name(l.store);
				bad += store_name(l.store) != ERR_OK || fault.fail[table[i].call] != 0;
				read_only(&l, &bytes);
				bad += !same(&bytes, &reference);
				log_close(&l);
			}
		}
		is_u64(bad, 0, "%s fails: the same bytes in the end", table[i].name);
		is_u64(waited, table[i].waits ? 18 : 0, "%s: writing %s", table[i].name,
		    table[i].waits ? "waits" : "goes on");
	}
	buf_clear(&reference);
	buf_clear(&bytes);
}

/* What the kernel does where writing back fails: the page is clean, and holds what it likes. */
static void
lose_page_cache(const struct log *l, uint64_t from)
{
	char name[FOLDER_NAME_SIZE];
	int fd = open_only(l, name), to;
	static const uint8_t zeros[4096];
	struct stat st;

	to = openat(l->dirfd, name, O_WRONLY);
	if (fd < 0 || to < 0 || fstat(fd, &st) != 0)
		abort();
	for (off_t at = (off_t)from; at < st.st_size; at += (off_t)sizeof(zeros)) {
		size_t n = st.st_size - at < (off_t)sizeof(zeros) ? (size_t)(st.st_size - at) : sizeof(zeros);

		if (syscall(SYS_pwrite64, to, zeros, n, at) != (long)n)
			abort();
	}
	(void)close(fd);
	(void)close(to);
}

static void
test_lost_pages(void)
{
	struct buf reference = BUF_INIT, bytes = BUF_INIT;
	struct log l;
	uint64_t records;

	(void)make_reference(true, &reference);
	no_faults();
	log_open(&l);
	log_append(&l, 3, 100);
	log_flush(&l);
	ok(store_sync(l.store) == ERR_OK && store_is_synced(l.store) && !store_is_suspect(l.store),
	    "a good sync");
	log_append(&l, 2, 211);
	log_flush(&l);
	fault.fail[CALL_FDATASYNC] = 1;
	ok(store_sync(l.store) == ERR_SYSTEM && store_is_suspect(l.store) && !store_is_synced(l.store),
	    "a failed one");
	lose_page_cache(&l, SEGMENT_RECORDS_AT + 3 * record_size(100));
	ok(store_rewrite(l.store, l.appender.block) == ERR_OK && store_sync(l.store) == ERR_OK &&
		!store_is_suspect(l.store),
	    "written again, synced");
	ok(is_sound(&l, true, &records) && records == 5, "what the kernel dropped is there again");
	log_append(&l, 1, 7);
	l.given = 6;
	fault.fail[CALL_FSYNC] = 1;
	appender_end(&l.appender, now);
	ok(l.failures == 1 && store_is_suspect(l.store), "a failed sync when sealing");
	lose_page_cache(&l, 0);
	ok(go_on(&l), "written again, sealed");
	read_only(&l, &bytes);
	ok(same(&bytes, &reference), "the same bytes as without these failures");
	is_u64(store_counters(l.store)->sync_failures, 2, "failures to sync are counted");
	is_u64(store_counters(l.store)->failures, 0, "apart from those to write");
	log_close(&l);
	buf_clear(&reference);
	buf_clear(&bytes);
}

int
main(void)
{
	test_every_byte();
	test_direct();
	test_calls();
	test_lost_pages();
	return done_testing();
}
