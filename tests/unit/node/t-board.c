/* SPDX-License-Identifier: ISC
 *
 * A notice is read whole or not at all, by another process, which cannot change it.
 */
#include "node/board.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "tests/tap.h"

#define ROOM 65536
#define ROUNDS 20000

/* Notice number n: n bytes of its low byte. */
static bool
is_notice(const struct buf *b)
{
	for (size_t i = 0; i < b->len; i++) {
		if (b->data[i] != (uint8_t)b->len)
			return false;
	}
	return true;
}

static _Noreturn void
write_on(struct board *b)
{
	static uint8_t bytes[ROOM];

	board_for_writing(b);
	for (size_t n = 1;; n = n % (ROOM - 1) + 1) {
		memset(bytes, (int)(n & 0xff), n);
		(void)!board_put(b, bytes, n);
	}
}

/* Another process writes as fast as it can. */
static void
test_race(void)
{
	struct buf got = BUF_INIT;
	struct board *b;
	unsigned whole = 0, torn = 0, wrong = 0;
	pid_t pid;

	if (board_new(ROOM, &b) != ERR_OK || (pid = fork()) < 0)
		abort();
	if (pid == 0)
		write_on(b);
	board_for_reading(b);
	for (unsigned i = 0; whole < ROUNDS && i < 1000 * ROUNDS; i++) {
		enum err e = board_get(b, &got);

		whole += e == ERR_OK;
		torn += e == ERR_CHECKSUM;
		wrong += e == ERR_OK && !is_notice(&got);
	}
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	is_u64(whole, ROUNDS, "notices are read while they are replaced");
	is_u64(wrong, 0, "none is a mixture of two");
	printf("# %u were being replaced\n", torn);
	buf_clear(&got);
	board_free(b);
}

/* Where the memory is mapped, and how: "r--s". NULL: not at all. */
static void *
find_mapping(char ret_access[5])
{
	FILE *f = fopen("/proc/self/maps", "r");
	void *at = NULL;
	char line[512];

	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		if (strstr(line, "memfd:board") != NULL && sscanf(line, "%p-%*s", &at) == 1)
			(void)sscanf(line, "%*s %4s", ret_access);
	}
	if (f != NULL)
		(void)fclose(f);
	return at;
}

static void
test_read_only(void)
{
	struct board *b;
	int status = -1;
	pid_t pid;

	if (board_new(ROOM, &b) != ERR_OK || (pid = fork()) < 0)
		abort();
	board_for_reading(b);
	if (pid == 0) {
		char access[5] = "";
		void *at = find_mapping(access);

		if (at == NULL || strcmp(access, "r--s") != 0)
			_exit(2);
		_exit(mprotect(at, 4096, PROT_READ | PROT_WRITE) == 0);
	}
	(void)waitpid(pid, &status, 0);
	ok(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a reader cannot make it writable");
	board_free(b);
}

int
main(void)
{
	struct buf got = BUF_INIT;
	struct board *b;

	if (board_new(8, &b) != ERR_OK)
		abort();
	is_u64(board_get(b, &got), ERR_END, "nothing yet");
	is_u64(board_put(b, "12345678", 8), ERR_OK, "put up");
	ok(board_get(b, &got) == ERR_OK && got.len == 8 && memcmp(got.data, "12345678", 8) == 0, "read");
	is_u64(board_put(b, "123456789", 9), ERR_LIMIT, "too long");
	ok(board_get(b, &got) == ERR_OK && got.len == 8, "what was there stays");
	is_u64(board_put(b, "", 0), ERR_OK, "an empty one");
	ok(board_get(b, &got) == ERR_OK && got.len == 0, "read");
	board_free(b);
	buf_clear(&got);
	test_race();
	test_read_only();
	return done_testing();
}
