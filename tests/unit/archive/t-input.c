/* SPDX-License-Identifier: ISC
 *
 * What a path names, and reading files by place while they are renamed and descriptors are few.
 */
#include "archive/input.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/tap.h"
#include "tests/unit/archive/world.h"

static void
kinds(void)
{
	struct input in;
	unsigned line = 0;

	mkdir("empty", 0777);
	ok(input_open("empty", NULL, &in, &line) == ERR_UNKNOWN && line == 0, "an empty folder is nothing");
	ok(input_open("nowhere", NULL, &in, &line) == ERR_SYSTEM && errno == ENOENT,
	    "and a path that is not there");
	mkfifo("pipe", 0666);
	ok(input_open("pipe", NULL, &in, &line) == ERR_UNKNOWN, "a pipe is refused, and not waited for");
	mkdir("bad", 0777);
	world_save("bad/manifest", "flowbraid-archive 1\ncluster lab\nwindow x\n", 41);
	ok(input_open("bad", NULL, &in, &line) == ERR_MALFORMED && line == 3,
	    "a manifest that is wrong: its line is told");
	world_save("00-0000000001-20231114T221500Z.fbs.open", "x", 1);
	ok(input_open("00-0000000001-20231114T221500Z.fbs.open", NULL, &in, &line) == ERR_OK &&
		in.kind == INPUT_SEGMENT && in.files[0].open_name,
	    "a segment by itself, which says that it is open");
	input_clear(&in);
}

static void
renamed(void)
{
	static const char sealed[] = "log/00-0000000001-20231114T221500Z.fbs";
	struct input in;
	const uint8_t *bytes;
	unsigned line;

	mkdir("log", 0777);
	world_save("log/00-0000000001-20231114T221500Z.fbs.open", "abcd", 4);
	if (input_open("log", NULL, &in, &line) != ERR_OK)
		give_up("log");
	ok(in.kind == INPUT_LOG && in.count == 1 && in.files[0].open_name, "a log with an open segment");
	rename("log/00-0000000001-20231114T221500Z.fbs.open", sealed);
	ok(input_peek(&in.files[0], 1, 2, &bytes) == ERR_OK && memcmp(bytes, "bc", 2) == 0,
	    "sealed between listing and opening: it is read under its new name");
	ok(!in.files[0].open_name, "and counts as sealed");
	ok(input_peek(&in.files[0], 2, 3, &bytes) == ERR_CUT, "what lies behind its end is not read");
	input_clear(&in);
	if (input_open("log", NULL, &in, &line) != ERR_OK)
		give_up("log");
	unlink(sealed);
	ok(input_peek(&in.files[0], 0, 1, &bytes) == ERR_SYSTEM && errno == ENOENT,
	    "a sealed one that is gone is gone");
	input_clear(&in);
}

/* More files than may be open, each read twice in turn. */
static void
many(int files, rlim_t descriptors)
{
	struct rlimit limit, few;
	struct input in;
	unsigned line, right = 0;
	char name[64];

	for (int i = 0; i < files; i++) {
		(void)snprintf(name, sizeof(name), "many/00-%010d-20231114T221500Z.fbs", i + 1);
		world_save(name, &i, sizeof(i));
	}
	getrlimit(RLIMIT_NOFILE, &limit);
	few = (struct rlimit){descriptors, limit.rlim_max};
	if (input_open("many", NULL, &in, &line) != ERR_OK || setrlimit(RLIMIT_NOFILE, &few) != 0)
		give_up("many");
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < files; i++) {
			const uint8_t *bytes;

			right += input_peek(&in.files[i], 0, sizeof(i), &bytes) == ERR_OK &&
			    memcmp(bytes, &i, sizeof(i)) == 0;
		}
	}
	is_u64(right, 2 * (uint64_t)files, "%d files are read with %d descriptors", files, (int)descriptors);
	input_clear(&in);
	setrlimit(RLIMIT_NOFILE, &limit);
}

int
main(void)
{
	world_open();
	kinds();
	renamed();
	mkdir("many", 0777);
	many(300, 1024);
	many(300, 20);
	world_close();
	return done_testing();
}
