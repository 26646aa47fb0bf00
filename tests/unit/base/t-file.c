/* SPDX-License-Identifier: ISC
 *
 * Whole reads and writes, and replacement of a file in a folder of the test's own.
 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "tests/tap.h"

static char folder[] = "/tmp/flowbraid-t-file.XXXXXX";

static bool
holds(int dirfd, const char *path, const char *want)
{
	struct buf b = BUF_INIT;
	bool same = file_slurp(dirfd, path, 1000, &b) == ERR_OK && b.len == strlen(want) &&
	    memcmp(b.data, want, b.len) == 0;

	buf_clear(&b);
	return same;
}

static void
test_pread_pwrite(int dirfd)
{
	int fd = openat(dirfd, "numbers", O_RDWR | O_CREAT, 0600);
	char got[16] = "";
	size_t len = 99;

	ok(file_pwrite(fd, "0123456789", 10, 0, &len) == ERR_OK && len == 10, "write");
	ok(file_pwrite(fd, "ab", 2, 4, NULL) == ERR_OK, "write at an offset");
	ok(file_pread(fd, got, 4, 3, &len) == ERR_OK && len == 4 && memcmp(got, "3ab6", 4) == 0,
	    "read at an offset");
	ok(file_pread(fd, got, 16, 6, &len) == ERR_OK && len == 4, "a read is short only at the end");
	ok(file_pread(fd, got, 16, 60, &len) == ERR_OK && len == 0, "and empty behind it");
	close(fd);
	fd = openat(dirfd, "numbers", O_RDONLY);
	len = 99;
	ok(file_pwrite(fd, "x", 1, 0, &len) == ERR_SYSTEM && errno == EBADF && len == 0,
	    "a failed write says how far it came");
	close(fd);
	ok(file_pread(-1, got, 1, 0, &len) == ERR_SYSTEM && errno == EBADF, "a failed read");
	fd = open("/dev/full", O_WRONLY);
	ok(file_pwrite(fd, "x", 1, 0, NULL) == ERR_SYSTEM && errno == ENOSPC, "a full disk");
	close(fd);
}

static void
test_slurp(int dirfd)
{
	struct buf b = BUF_INIT;

	buf_text(&b, "head ");
	ok(file_slurp(dirfd, "numbers", 10, &b) == ERR_OK && b.len == 15 &&
		memcmp(b.data, "head 0123ab6789", 15) == 0,
	    "a file is appended to the buffer");
	ok(file_slurp(dirfd, "numbers", 9, &b) == ERR_LIMIT && b.len == 15,
	    "a file beyond the limit adds nothing");
	ok(file_slurp(dirfd, "absent", 9, &b) == ERR_SYSTEM && errno == ENOENT && b.len == 15,
	    "nor does an absent one");
	ok(file_slurp(dirfd, ".", 9, &b) == ERR_SYSTEM && errno == EISDIR && b.len == 15,
	    "nor does a folder");
	buf_clear(&b);
}

static void
test_replace(int dirfd)
{
	struct stat st;
	int stale = openat(dirfd, "state.tmp", O_CREAT | O_WRONLY, 0400);

	close(stale);
	ok(file_replace(dirfd, "state", "one", 3, 0640) == ERR_OK && holds(dirfd, "state", "one"),
	    "a new file, beside a stale temporary one");
	ok(fstatat(dirfd, "state", &st, 0) == 0 && (st.st_mode & 0777) == 0640, "with its mode");
	ok(file_replace(dirfd, "state", "two!", 4, 0600) == ERR_OK && holds(dirfd, "state", "two!"),
	    "replaced");
	ok(file_replace(dirfd, "state", "", 0, 0600) == ERR_OK && holds(dirfd, "state", ""),
	    "replaced by nothing");
	ok(faccessat(dirfd, "state.tmp", F_OK, 0) != 0, "no temporary file stays");
	ok(file_replace(dirfd, "no/such", "x", 1, 0600) == ERR_SYSTEM && errno == ENOENT, "no folder");
	ok(mkdirat(dirfd, "sub", 0700) == 0 && file_replace(dirfd, "sub/state", "x", 1, 0600) == ERR_OK &&
		holds(dirfd, "sub/state", "x"),
	    "a path with a folder in it");
	ok(mkdirat(dirfd, "taken", 0700) == 0 && file_replace(dirfd, "taken", "x", 1, 0600) == ERR_SYSTEM &&
		errno == EISDIR && faccessat(dirfd, "taken.tmp", F_OK, 0) != 0,
	    "what cannot be replaced is left, and nothing beside it");
}

int
main(void)
{
	static const char *const made[] = {"numbers", "state", "sub/state"};
	int dirfd;

	umask(022);
	if (mkdtemp(folder) == NULL || (dirfd = open(folder, O_RDONLY | O_DIRECTORY)) < 0) {
		ok(false, "%s: %s", folder, strerror(errno));
		return done_testing();
	}
	test_pread_pwrite(dirfd);
	test_slurp(dirfd);
	test_replace(dirfd);
	for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++)
		unlinkat(dirfd, made[i], 0);
	unlinkat(dirfd, "sub", AT_REMOVEDIR);
	unlinkat(dirfd, "taken", AT_REMOVEDIR);
	close(dirfd);
	ok(rmdir(folder) == 0, "nothing else was made");
	return done_testing();
}
