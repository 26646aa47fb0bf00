/* SPDX-License-Identifier: ISC
 *
 * The server, asked over loopback; both ends are turned here, by one loop.
 */
#include "base/serve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/loop.h"
#include "tests/tap.h"

#define tap_note(...) (void)(printf("# "), printf(__VA_ARGS__), putchar('\n'))

static struct loop *the_loop;
static struct serve *the_server;
static struct serve_stream *the_stream;
static unsigned closed, done;
static bool (*the_condition)(void);
static mono_t until;
static int listener;
static char got[65536];
static size_t got_len;
static int reading;
static bool at_end;

static void
on_closed(void *ctx)
{
	(void)ctx;
	the_stream = NULL;
	closed++;
}

static void
on_done(void *ctx)
{
	(void)ctx;
	done++;
}

static void
answer(void *ctx, struct serve_request *r)
{
	static const char *const headers[] = {"X-One", "1", "Cache-Control", "max-age=5", NULL};
	const char *path = serve_path(r);
	uint64_t n = 0;
	char value[16] = "-";

	(void)ctx;
	if (strcmp(path, "/stream") == 0) {
		(void)!serve_stream_begin(r, "text/event-stream", on_closed, NULL, &the_stream);
	} else if (strcmp(path, "/lent") == 0) {
		serve_reply(r,
		    &(struct serve_answer){.code = 200,
			.type = "text/html",
			.headers = headers,
			.body = "lent",
			.len = 4,
			.done = on_done});
	} else if (strcmp(path, "/query") == 0) {
		bool number = serve_query_number(r, "n", &n);
		char text[64];

		(void)serve_query(r, "v", value, sizeof(value));
		(void)snprintf(text, sizeof(text), "%d %llu %s %s", number, (unsigned long long)n, value,
		    serve_header(r, "X-Asked") != NULL ? serve_header(r, "X-Asked") : "-");
		serve_reply_text(r, 200, text);
	} else if (strcmp(path, "/page") == 0) {
		serve_reply(r,
		    &(struct serve_answer){.code = 200,
			.type = "text/html",
			.headers = serve_page_headers,
			.body = "<p>",
			.len = 3});
	} else if (strcmp(path, "/silent") != 0) {
		serve_reply_text(r, 404, "nothing\n");
	}
}

static void
on_turn(void *ctx, wall_t now)
{
	(void)ctx;
	(void)now;
	while (reading >= 0 && !at_end && got_len < sizeof(got) - 1) {
		ssize_t n = recv(reading, got + got_len, sizeof(got) - 1 - got_len, MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN)
			break;
		at_end = n <= 0;
		got_len += n > 0 ? (size_t)n : 0;
	}
	got[got_len] = '\0';
	if (the_condition() || mono_now().ns > until.ns)
		loop_stop(the_loop);
}

static bool
turn_until(bool (*condition)(void), int seconds)
{
	the_condition = condition;
	until.ns = mono_now().ns + seconds * NS_PER_SEC;
	if (loop_run(the_loop) != ERR_OK)
		return false;
	return condition();
}

static bool
start(const struct serve_limits *limits)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	closed = done = 0;
	the_stream = NULL;
	return bind(listener, (struct sockaddr *)&sa, sizeof(sa)) == 0 && listen(listener, 100) == 0 &&
	    loop_new(&the_loop) == ERR_OK &&
	    loop_every(the_loop, 2 * NS_PER_MSEC, on_turn, NULL, NULL) == ERR_OK &&
	    serve_new(the_loop, listener, limits, answer, NULL, &the_server) == ERR_OK;
}

static void
stop(void)
{
	serve_free(the_server);
	loop_free(the_loop);
	(void)close(listener);
}

static int
client(void)
{
	struct sockaddr_in sa;
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)getsockname(listener, (struct sockaddr *)&sa, &len);
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) != 0)
		tap_note("connect: %s", strerror(errno));
	return fd;
}

static bool
ended(void)
{
	return at_end;
}

static void
say(int fd, const char *text)
{
	(void)!write(fd, text, strlen(text));
	reading = fd;
	got_len = 0;
	at_end = false;
}

static const char *
ask(const char *request)
{
	struct serve_limits limits = SERVE_LIMITS;
	int fd;

	if (!start(&limits))
		return "cannot start";
	fd = client();
	say(fd, request);
	if (!turn_until(ended, 10))
		tap_note("no end");
	(void)close(fd);
	reading = -1;
	stop();
	return got;
}

static bool
has(const char *text)
{
	if (strstr(got, text) != NULL)
		return true;
	tap_note("%s", got);
	return false;
}

static void
test_answers(void)
{
	(void)ask("GET /lent HTTP/1.1\r\nHost: x\r\n\r\n");
	ok(strncmp(got, "HTTP/1.1 200 ", 13) == 0 && has("\r\n\r\nlent"), "a body that is lent");
	ok(has("X-One: 1\r\n") && has("Cache-Control: max-age=5\r\n") && strstr(got, "no-store") == NULL,
	    "headers of its own");
	ok(has("nosniff") && has("Connection: close\r\n") && has("Content-Length: 4\r\n"), "those of all");
	is_u64(done, 1, "it is given back");
	(void)ask("HEAD /lent HTTP/1.1\r\nHost: x\r\n\r\n");
	ok(has("Content-Length: 4\r\n") && strcmp(strstr(got, "\r\n\r\n"), "\r\n\r\n") == 0, "HEAD: no body");
	is_u64(done, 1, "it is given back");
	(void)ask("GET /query?v=a%20b&n=18 HTTP/1.1\r\nHost: x\r\nX-Asked: y\r\n\r\n");
	ok(has("\r\n\r\n1 18 a b y"), "a query, a header");
	(void)ask("GET /query?v=0123456789abcdefg&n=1e3 HTTP/1.1\r\nHost: x\r\n\r\n");
	ok(has("\r\n\r\n0 0 - -"), "a value too long, no number");
	(void)ask("GET /query?n=18446744073709551616 HTTP/1.1\r\nHost: x\r\n\r\n");
	ok(has("\r\n\r\n0 0 - -"), "a number too large");
	(void)ask("GET /page HTTP/1.1\r\nHost: x\r\n\r\n");
	ok(has("Content-Security-Policy: default-src 'none'; script-src 'self'") && has("no-store"),
	    "a page is not let out");
	(void)ask("GET /silent HTTP/1.1\r\nHost: x\r\n\r\n");
	ok(strncmp(got, "HTTP/1.1 500 ", 13) == 0, "no answer is one");
	(void)ask("POST /lent HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx");
	ok(strncmp(got, "HTTP/1.1 405 ", 13) == 0 && has("Allow: GET, HEAD\r\n") && done == 0, "POST");
	(void)ask("HEAD /stream HTTP/1.1\r\nHost: x\r\n\r\n");
	ok(has("200 OK") && has("text/event-stream") && closed == 0, "HEAD of a stream ends");
}

/* --- streams --- */

static bool
begun(void)
{
	return the_stream != NULL;
}
static bool
one_is_there(void)
{
	return strstr(got, "one") != NULL;
}
static bool
two_is_there(void)
{
	return strstr(got, "two") != NULL;
}
static bool
is_closed(void)
{
	return closed == 1;
}
static mono_t pause_until;
static bool
paused(void)
{
	return mono_now().ns > pause_until.ns;
}

static const char stream_request[] = "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n";

static struct serve_limits
short_limits(void)
{
	struct serve_limits limits = SERVE_LIMITS;

	limits.streams = 1;
	limits.behind = 1 << 20;
	limits.total_ns = NS_PER_SEC / 2;
	limits.idle_s = 1;
	return limits;
}

static void
test_stream(void)
{
	struct serve_limits limits = short_limits();
	int one, two;

	if (!ok(start(&limits), "a server"))
		return;
	one = client();
	say(one, stream_request);
	ok(turn_until(begun, 10), "a stream begins");
	ok(the_stream != NULL && serve_stream_send(the_stream, "one", 3) == ERR_OK &&
		turn_until(one_is_there, 10),
	    "something is sent, and comes at once");
	two = client();
	say(two, stream_request);
	ok(turn_until(ended, 10) && has("HTTP/1.1 503 "), "another one is one too many");
	(void)close(two);
	/* Longer than an idle or any other connection may last. */
	reading = -1;
	pause_until.ns = mono_now().ns + 2500 * NS_PER_MSEC;
	(void)turn_until(paused, 10);
	say(one, "");
	ok(closed == 0 && the_stream != NULL && serve_stream_send(the_stream, "two", 3) == ERR_OK &&
		turn_until(two_is_there, 10),
	    "it lasts");
	is_u64(serve_counts(the_server).streams, 1, "it is counted");
	(void)close(one);
	reading = -1;
	ok(turn_until(is_closed, 10), "the client goes: said");
	is_u64(serve_counts(the_server).streams, 0, "there is room again");
	one = client();
	say(one, stream_request);
	ok(turn_until(begun, 10), "for another one");
	if (the_stream != NULL)
		serve_stream_end(the_stream);
	ok(turn_until(ended, 10) && has("\r\n0\r\n\r\n"), "which ends in good order");
	is_u64(closed, 1, "nothing is said of that");
	(void)close(one);
	the_stream = NULL;
	one = client();
	say(one, stream_request);
	ok(turn_until(begun, 10), "and one that is open");
	stop();
	is_u64(closed, 2, "is told when the server goes");
	(void)close(one);
	reading = -1;
}

/* Does not read. */
static void
test_deaf(void)
{
	static char much[200000];
	struct serve_limits limits = short_limits();
	enum err e = ERR_OK;
	size_t sent = 0;
	int fd;

	if (!ok(start(&limits), "a server"))
		return;
	fd = client();
	(void)!write(fd, stream_request, strlen(stream_request));
	ok(turn_until(begun, 10), "a stream begins");
	for (int i = 0; i < 100 && the_stream != NULL && e == ERR_OK; i++) {
		e = serve_stream_send(the_stream, much, sizeof(much));
		sent += e == ERR_OK ? sizeof(much) : 0;
	}
	ok(e == ERR_LIMIT && sent <= limits.behind && sent > limits.behind / 2,
	    "what is kept for it is limited");
	is_u64(closed, 0, "nothing is said while something is sent");
	ok(turn_until(is_closed, 10), "then it is");
	(void)close(fd);
	stop();
}

/* --- connections --- */

static bool
all_counted(void)
{
	return serve_counts(the_server).connections >= 8;
}
static bool
some_ended(void)
{
	return serve_counts(the_server).ended >= 2;
}
static bool
none_left(void)
{
	return serve_counts(the_server).connections == 0;
}

static void
test_connections(void)
{
	struct serve_limits limits = SERVE_LIMITS;
	int fds[12], other;

	limits.connections = 10;
	limits.idle_s = 60;
	limits.total_ns = 60 * NS_PER_SEC;
	if (!ok(start(&limits), "a server"))
		return;
	for (int i = 0; i < 8; i++)
		fds[i] = client();
	ok(turn_until(all_counted, 10), "silent connections are seen");
	is_u64(serve_counts(the_server).connections, 8, "and no other sockets");
	for (int i = 8; i < 12; i++)
		fds[i] = client();
	ok(turn_until(some_ended, 10), "with more of them than may be, some end");
	other = client();
	say(other, "GET /lent HTTP/1.1\r\nHost: x\r\n\r\n");
	ok(turn_until(ended, 10) && has("lent"), "and others are answered");
	for (int i = 0; i < 12; i++)
		(void)close(fds[i]);
	(void)close(other);
	reading = -1;
	stop();
}

static void
test_long_ones(void)
{
	struct serve_limits limits = SERVE_LIMITS;
	int fds[8], pair[2];
	char byte;

	limits.idle_s = 60;
	limits.total_ns = 2 * NS_PER_SEC;
	if (!ok(start(&limits) && socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "a server"))
		return;
	for (int i = 0; i < 8; i++)
		fds[i] = client();
	ok(turn_until(all_counted, 10), "silent connections");
	ok(turn_until(none_left, 20), "in the end all have lasted too long");
	is_u64(serve_counts(the_server).ended, 8, "and were ended");
	ok(send(pair[0], "x", 1, MSG_NOSIGNAL) == 1 && recv(pair[1], &byte, 1, MSG_DONTWAIT) == 1,
	    "a socket that is not the server's was not");
	for (int i = 0; i < 8; i++)
		(void)close(fds[i]);
	(void)close(pair[0]);
	(void)close(pair[1]);
	stop();
}

int
main(void)
{
	(void)signal(SIGPIPE, SIG_IGN);
	reading = -1;
	test_answers();
	test_stream();
	test_deaf();
	test_connections();
	test_long_ones();
	return done_testing();
}
