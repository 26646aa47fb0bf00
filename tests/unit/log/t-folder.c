/* SPDX-License-Identifier: ISC
 *
 * Segment names: which are, which are not, and their order.
 */
#include "log/folder.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/tap.h"

static void
test_names(void)
{
	static const char *const wrong[] = {
	    "",
	    "00-0000000001-20231114T221320Z",
	    "00-0000000001-20231114T221320Z.fbs.ope",
	    "00-0000000001-20231114T221320Z.fbs.open.open",
	    "00-0000000001-20231114T221320Z.fbs.tmp",
	    "0-0000000001-20231114T221320Z.fbs",
	    "000-0000000001-20231114T221320Z.fbs",
	    "00-000000001-20231114T221320Z.fbs",
	    "00-00000000001-20231114T221320Z.fbs",
	    "65536-0000000001-20231114T221320Z.fbs",
	    "00-18446744073709551616-20231114T221320Z.fbs",
	    "00-0000000001-2023111xT221320Z.fbs",
	    "00-0000000001-20231114T22132Z.fbs",
	    "x00-0000000001-20231114T221320Z.fbs",
	    "00-0000000001",
	};
	char name[FOLDER_NAME_SIZE];
	struct folder_entry e;
	wall_t t;

	folder_name_make(0, 1, (wall_t){1700000000000000000LL}, false, name);
	is_text(name, "00-0000000001-20231114T221320Z.fbs", "a sealed name");
	ok(folder_name_parse(name, &e) && e.lane == 0 && e.number == 1 && !e.open &&
		strcmp(e.name, name) == 0,
	    "is parsed");
	folder_name_make(65535, UINT64_MAX, (wall_t){INT64_MIN}, true, name);
	is_text(name, "65535-18446744073709551615-16770921T001243Z.fbs.open", "the longest open name");
	ok(folder_name_parse(name, &e) && e.lane == 65535 && e.number == UINT64_MAX && e.open, "is parsed");
	ok(folder_name_time("00-0000000001-20231114T221320Z.fbs", &t) && t.ns == 1700000000000000000LL,
	    "the time in a name");
	ok(!folder_name_time("00-0000000001-20231314T221320Z.fbs", &t), "a time that is none");
	ok(!folder_name_time("README", &t), "the time of no segment");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ok(!folder_name_parse(wrong[i], &e), "no segment: \"%s\"", wrong[i]);
}

static void
test_list(void)
{
	static const char *const files[] = {
	    "01-0000000001-20231114T221320Z.fbs",
	    "00-0000000010-20231114T221320Z.fbs.open",
	    "00-0000000009-20231114T221320Z.fbs",
	    "00-10000000000-20231114T221320Z.fbs",
	    "README",
	    "00-0000000011-20231114T221320Z.fbs.tmp",
	};
	static const char *const order[] = {
	    "00-0000000009-20231114T221320Z.fbs",
	    "00-0000000010-20231114T221320Z.fbs.open",
	    "00-10000000000-20231114T221320Z.fbs",
	    "01-0000000001-20231114T221320Z.fbs",
	};
	char path[] = "/tmp/flowbraid-t-folder.XXXXXX";
	struct folder f;
	int dirfd;

	if (mkdtemp(path) == NULL)
		abort();
	dirfd = open(path, O_RDONLY | O_DIRECTORY);
	ok(folder_list(dirfd, &f) == ERR_OK && f.count == 0, "an empty folder");
	folder_clear(&f);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		close(openat(dirfd, files[i], O_CREAT | O_WRONLY, 0600));
	for (int again = 0; again < 2; again++) {
		ok(folder_list(dirfd, &f) == ERR_OK && f.count == 4, "segments are listed, nothing else");
		for (size_t i = 0; i < f.count && i < 4; i++)
			is_text(f.entries[i].name, order[i], "in order: %zu", i);
		folder_clear(&f);
	}
	ok(folder_list(-1, &f) == ERR_SYSTEM, "no folder");
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		unlinkat(dirfd, files[i], 0);
	close(dirfd);
	rmdir(path);
}

int
main(void)
{
	test_names();
	test_list();
	return done_testing();
}
