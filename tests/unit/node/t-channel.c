/* SPDX-License-Identifier: ISC
 *
 * Messages between processes: whole, with descriptors, in order; nothing waits, nothing leaks.
 */
#include "node/channel.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/tap.h"

static struct channel_message m;

static unsigned
open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned count = 0;

	while (d != NULL && readdir(d) != NULL)
		count++;
	(void)closedir(d);
	return count;
}

static void
test_bodies(int a, int b)
{
	static uint8_t body[CHANNEL_BODY_MOST + 1];

	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = (uint8_t)i;
	is_u64(channel_receive(b, &m), ERR_LIMIT, "nothing has come");
	is_u64(channel_send(a, CHANNEL_STARTED, NULL, 0, NULL, 0), ERR_OK, "sent without a body");
	is_u64(
	    channel_send(a, CHANNEL_LINK, body, CHANNEL_BODY_MOST, NULL, 0), ERR_OK, "sent with the longest");
	is_u64(channel_send(a, CHANNEL_LINK, body, sizeof(body), NULL, 0), ERR_MALFORMED,
	    "a longer one is refused");
	is_u64(channel_receive(b, &m), ERR_OK, "received");
	ok(m.kind == CHANNEL_STARTED && m.len == 0 && m.fd_count == 0, "the first one, without a body");
	is_u64(channel_receive(b, &m), ERR_OK, "received");
	ok(m.kind == CHANNEL_LINK && m.len == CHANNEL_BODY_MOST && memcmp(m.body, body, m.len) == 0,
	    "the second one, with its body");
}

static void
test_fds(int a, int b)
{
	int fds[CHANNEL_FDS_MOST], pipes[2];
	unsigned before;
	char byte = 0;

	if (pipe(pipes) != 0)
		abort();
	for (size_t i = 0; i < CHANNEL_FDS_MOST; i++)
		fds[i] = pipes[i % 2];
	before = open_fds();
	is_u64(channel_send(a, CHANNEL_RELOAD, "x", 1, fds, CHANNEL_FDS_MOST), ERR_OK,
	    "as many descriptors as there may be");
	is_u64(channel_receive(b, &m), ERR_OK, "received");
	is_u64(m.fd_count, CHANNEL_FDS_MOST, "all of them");
	ok(write(m.fds[CHANNEL_FDS_MOST - 2], "!", 1) == 1 && read(m.fds[0], &byte, 1) == 1 && byte == '!',
	    "they are what was sent");
	ok((fcntl(m.fds[0], F_GETFD) & FD_CLOEXEC) != 0, "closed on exec");
	channel_close_fds(&m);
	is_u64(open_fds(), before, "closed again");
	(void)close(pipes[0]);
	(void)close(pipes[1]);
}

/* What the other side, were it an intruder, could send. */
static void
test_strange(int a, int b)
{
	uint8_t bytes[CHANNEL_BODY_MOST + 64] = {0};
	unsigned before = open_fds();

	(void)!send(a, bytes, 1, 0);
	is_u64(channel_receive(b, &m), ERR_MALFORMED, "shorter than a kind");
	(void)!send(a, bytes, sizeof(bytes), 0);
	is_u64(channel_receive(b, &m), ERR_MALFORMED, "longer than a body may be");
	is_u64(channel_send(a, CHANNEL_MESSAGE, "", 0, NULL, 0), ERR_OK, "a message without a level");
	ok(channel_receive(b, &m) == ERR_OK && !channel_say_message(&m), "is none");
	is_u64(
	    channel_send(a, CHANNEL_MESSAGE, "\177text", 5, NULL, 0), ERR_OK, "a message of no known level");
	ok(channel_receive(b, &m) == ERR_OK && !channel_say_message(&m), "is none");
	is_u64(open_fds(), before, "nothing is left open");
}

static void
test_full(int a, int b)
{
	unsigned count = 0, got = 0;
	enum err e;

	while ((e = channel_send(a, CHANNEL_ALIVE, "0123456789", 10, NULL, 0)) == ERR_OK && count < 10000000)
		count++;
	is_u64(e, ERR_LIMIT, "whoever does not listen makes nobody wait");
	ok(count > 300, "but may be some hundred messages behind");
	while (channel_receive(b, &m) == ERR_OK)
		got++;
	is_u64(got, count, "none of which is lost");
}

static void
test_relay(int a, int b)
{
	unsigned level;

	channel_relay_messages(a);
	msg_warn("listener %d: late", 7);
	msg_divert(NULL);
	is_u64(channel_receive(b, &m), ERR_OK, "a message is relayed");
	level = m.len > 0 ? m.body[0] : 99;
	ok(m.kind == CHANNEL_MESSAGE && level == MSG_WARNING && m.len == 1 + strlen("listener 7: late") &&
		memcmp(m.body + 1, "listener 7: late", m.len - 1) == 0,
	    "with its level, without the program's name");
}

int
main(void)
{
	int pair[2];

	(void)signal(SIGPIPE, SIG_IGN);
	if (channel_pair(pair) != ERR_OK)
		abort();
	test_bodies(pair[0], pair[1]);
	test_fds(pair[0], pair[1]);
	test_strange(pair[0], pair[1]);
	test_full(pair[0], pair[1]);
	test_relay(pair[0], pair[1]);
	is_u64(channel_send(pair[0], CHANNEL_STOP, NULL, 0, NULL, 0), ERR_OK, "the last words");
	(void)close(pair[0]);
	is_u64(channel_receive(pair[1], &m), ERR_OK, "are heard");
	is_u64(channel_receive(pair[1], &m), ERR_END, "then it is gone");
	is_u64(channel_send(pair[1], CHANNEL_STOP, NULL, 0, NULL, 0), ERR_END, "which the sender sees, too");
	return done_testing();
}
