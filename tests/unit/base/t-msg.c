/* SPDX-License-Identifier: ISC
 *
 * Messages on standard error, which the test turns into a pipe; and the rate limit on virtual time.
 */
#include "base/msg.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "tests/tap.h"

static int from_stderr;

/* What was said since last time. */
static const char *
said(void)
{
	static char text[8192];
	ssize_t n = read(from_stderr, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void
test_messages(void)
{
	char longer[5000];
	const char *text;

	msg_info("exporter %s: %d flows", "192.0.2.1", 30);
	is_text(said(), "flowbraid: exporter 192.0.2.1: 30 flows\n", "before msg_init");
	msg_init("t-msg", false, MSG_NOTICE);
	msg_info("not of interest");
	is_text(said(), "", "below the level nothing is said");
	msg_notice("fine");
	is_text(said(), "t-msg: fine\n", "at the level it is");
	msg_error("a\nforged: line\033[2J\x7f \xc3\xbc");
	is_text(said(), "t-msg: a?forged: line?[2J? \xc3\xbc\n", "control characters are replaced");
	errno = ENOSPC;
	msg_warn("disk: %m");
	ok(errno == ENOSPC, "errno is kept");
	is_text(said(), "t-msg: disk: No space left on device\n", "and can be said");
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	msg_error("%s", longer);
	text = said();
	ok(strlen(text) < 2100 && text[strlen(text) - 1] == '\n',
	    "a message too long is cut, and is still a line");
}

static void
test_limit(void)
{
	struct msg_limit l = MSG_LIMIT_INIT(2, 10);
	mono_t now = {100 * NS_PER_SEC};
	uint64_t held = 77;

	ok(msg_limit_pass(&l, now, &held) && held == 0, "the first passes");
	ok(msg_limit_pass(&l, now, &held) && held == 0, "the second, too");
	held = 77;
	now.ns += 9 * NS_PER_SEC;
	ok(!msg_limit_pass(&l, now, &held) && !msg_limit_pass(&l, now, &held) &&
		!msg_limit_pass(&l, now, &held) && held == 77,
	    "three more within the interval are held back");
	now.ns += NS_PER_SEC;
	ok(msg_limit_pass(&l, now, &held) && held == 3, "the next interval tells how many");
	ok(msg_limit_pass(&l, now, &held) && held == 0, "once");
	ok(!msg_limit_pass(&l, now, &held), "and has its own burst");
}

int
main(void)
{
	int fds[2], old = dup(STDERR_FILENO);

	if (old < 0 || pipe(fds) != 0 || dup2(fds[1], STDERR_FILENO) < 0 ||
	    fcntl(fds[0], F_SETFL, O_NONBLOCK) != 0) {
		ok(false, "standard error into a pipe: %s", strerror(errno));
		return done_testing();
	}
	from_stderr = fds[0];
	test_messages();
	dup2(old, STDERR_FILENO);
	test_limit();
	return done_testing();
}
