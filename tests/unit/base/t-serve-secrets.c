/* SPDX-License-Identifier: ISC
 *
 * What may be served where, and secrets on their way to another process. Files that cannot be used are tests/node/83-tls.t's.
 */
#include "base/serve_secrets.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/tap.h"

#define tap_note(...) (void)(printf("# "), printf(__VA_ARGS__), putchar('\n'))

static void
test_refusals(void)
{
	static const char *const addresses[] = {
	    "127.0.0.1", "127.9.9.9", "::1", "0.0.0.0", "::", "192.0.2.1", "126.0.0.1", "::2"};

	for (size_t a = 0; a < sizeof(addresses) / sizeof(addresses[0]); a++) {
		struct addr address = {{0}};
		bool local = a < 3,
		     good = addr_parse(addresses[a], &address) && serve_is_local(&address) == local;

		for (unsigned set = 0; set < 32; set++) {
			const char *files[SERVE_FILES];
			bool tls = (set & 3) == 3, half = !tls && (set & 3) != 0, ca = set & 4,
			     users = set & 8, open = set & 16;
			bool want = !half && !(ca && !tls) &&
			    (local || ((tls || !users) && (ca || users || open)));

			for (unsigned i = 0; i < SERVE_FILES; i++)
				files[i] = set & 1U << i ? "/x" : i & 1 ? NULL : "";
			if ((serve_refusal(&address, files, open) == NULL) != want) {
				good = false;
				tap_note("%s: set %u", addresses[a], set);
			}
		}
		ok(good, "%s: what may be served there", addresses[a]);
	}
}

static void
test_pack(void)
{
	struct serve_secrets s = {.of = {BUF_INIT}}, t = {.of = {BUF_INIT}};
	int fd = -1;
	char byte = 0;

	buf_text(&s.of[SERVE_KEY], "key");
	buf_text(&s.of[SERVE_USERS], "who");
	ok(serve_secrets_pack(&s, &fd) == ERR_OK && serve_secrets_unpack(fd, &t) == ERR_OK,
	    "packed and unpacked");
	ok(serve_secrets_equal(&s, &t), "they are the same");
	t.of[SERVE_KEY].data[2] = 'x';
	ok(!serve_secrets_equal(&s, &t), "and then not");
	ok(pwrite(fd, &byte, 1, 0) < 0 && ftruncate(fd, 0) < 0 &&
		mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED,
	    "nobody can change the file");
	serve_secrets_clear(&t);
	(void)close(fd);
	ok(!serve_secrets_equal(&s, &t), "none is not the same");
	serve_secrets_clear(&s);
	ok(serve_secrets_equal(&s, &t), "none and none are");
	ok(serve_secrets_pack(&s, &fd) == ERR_OK && serve_secrets_unpack(fd, &t) == ERR_OK &&
		t.of[SERVE_KEY].len == 0,
	    "none is packed, too");
	(void)close(fd);
	fd = memfd_create("x", MFD_CLOEXEC);
	ok(serve_secrets_unpack(fd, &t) == ERR_MALFORMED, "an empty file");
	ok(write(fd, "\0\0\0\3\0\0\0\0\0\0\0\0\0\0\0\0ab", 18) == 18 &&
		serve_secrets_unpack(fd, &t) == ERR_CUT,
	    "one that is cut");
	(void)close(fd);
}

static void
test_load(void)
{
	static const char *const files[SERVE_FILES] = {NULL, NULL, NULL, "/nonexistent/users"};
	struct serve_secrets s = {.of = {BUF_INIT}};
	struct buf errors = BUF_INIT;

	ok(serve_secrets_load(files, &s, &errors) == ERR_SYSTEM, "a file that is not there");
	buf_u8(&errors, 0);
	is_text(
	    (const char *)errors.data, "users /nonexistent/users: No such file or directory\n", "is named");
	buf_clear(&errors);
	serve_secrets_clear(&s);
}

int
main(void)
{
	test_refusals();
	test_pack();
	test_load();
	return done_testing();
}
