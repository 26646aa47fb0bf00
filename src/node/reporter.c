/* SPDX-License-Identifier: ISC
 *
 * libevent's HTTP server, with limits on what a client can make it hold: a request is short, comes within seconds, and
 * its connection ends with the answer; a document is made once a second at most, and all who read it share its bytes.
 */
#include "node/reporter.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/msg.h"
#include "node/channel.h"
#include "node/connections.h"
#include "node/loop.h"
#include "node/report.h"

#define PENDING_MOST 64
#define HEADERS_MOST 8192
#define BODY_MOST 1024
#define INPUT_MOST 16384 /* bytes of a connection that wait to be looked at */
#define IDLE_S 5
#define BIND_PAUSE_NS (20 * NS_PER_MSEC)
#define CONNECTION_MOST_NS (10 * NS_PER_SEC)
#define FRESH_NS NS_PER_SEC /* collectors put up something new as often */
static const struct timeval full_pause = {.tv_usec = 20000};

enum { EXIT_CLEAN = 0, EXIT_CANNOT = 2 };

enum path { PATH_STATUS, PATH_METRICS, PATH_HEALTH, PATH_GAPS, PATH_COUNT };

/* Lives as long as somebody reads it. */
struct document {
	unsigned users;
	bool good;
	mono_t made;
	struct buf out;
};

struct reporter {
	const struct reporter_start *start;
	int channel;
	struct loop *loop;
	struct evhttp *http;
	struct evconnlistener *listener; /* owned by http */
	struct connections connections;
	uint64_t requests;
	struct document *latest[PATH_COUNT]; /* NULL: none */
	struct channel_message message;
};

/* --- the socket --- */

static bool
is_local(const struct addr *a)
{
	static const struct prefix local[] = {{.addr = {{[10] = 0xff, [11] = 0xff, [12] = 127}}, .bits = 104},
	    {.addr = {{[15] = 1}}, .bits = 128}};

	return prefix_has(&local[0], a) || prefix_has(&local[1], a);
}

static void
share_port(int fd, int value)
{
	if (fd >= 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &value, sizeof(value));
}

/* An orphan of a killed parent may still hold the address. */
static int
bind_patiently(int fd, const struct sockaddr_storage *sa, socklen_t len, int64_t patience_ns)
{
	const struct timespec pause = {.tv_sec = 0, .tv_nsec = BIND_PAUSE_NS};
	mono_t until = {mono_now().ns + patience_ns};
	int e;

	while ((e = bind(fd, (const struct sockaddr *)sa, len)) != 0 && errno == EADDRINUSE &&
	    mono_now().ns < until.ns)
		(void)nanosleep(&pause, NULL);
	return e;
}

int
reporter_listen(const struct conf *conf, int beside, int64_t patience_ns)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(&conf->status_address, conf->status_port, &sa);
	int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1, saved;
	char text[ADDR_TEXT_SIZE];
	bool good;

	(void)addr_text(&conf->status_address, text);
	share_port(beside, 1);
	if (beside >= 0)
		share_port(fd, 1);
	good = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0 &&
	    (sa.ss_family != AF_INET6 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)) == 0) &&
	    bind_patiently(fd, &sa, len, patience_ns) == 0 && listen(fd, PENDING_MOST) == 0;
	saved = errno;
	share_port(beside, 0);
	share_port(fd, 0);
	if (good && !is_local(&conf->status_address))
		msg_warn("status %s port %u: whoever reaches this address can read it: there is neither "
			 "authentication nor encryption",
		    text, conf->status_port);
	if (good)
		return fd;
	msg_error("status %s port %u: cannot listen: %s", text, conf->status_port, strerror(saved));
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

/* --- documents --- */

static void
let_go(struct document *d)
{
	if (d == NULL || --d->users > 0)
		return;
	buf_clear(&d->out);
	free(d);
}

static struct document *
make_document(struct reporter *p, enum path path, mono_t now)
{
	const struct report r = {.conf = p->start->conf,
	    .boards = p->start->boards,
	    .accounts = p->start->accounts,
	    .lanes = p->start->lanes,
	    .relay = p->start->relay_board,
	    .restarts = p->start->restarts,
	    .requests = p->requests,
	    .ended = p->connections.ended,
	    .now = wall_now(),
	    .mono = now};
	struct document *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->users = 1;
	d->good = true;
	d->made = now;
	if (path == PATH_STATUS)
		report_status(&r, &d->out);
	else if (path == PATH_METRICS)
		report_metrics(&r, &d->out);
	else if (path == PATH_GAPS)
		report_gaps(&r, &d->out);
	else
		d->good = report_health(&r, &d->out);
	if (buf_ok(&d->out))
		return d;
	let_go(d);
	return NULL;
}

/* NULL: out of memory. */
static struct document *
document_of(struct reporter *p, enum path path)
{
	mono_t now = mono_now();

	if (p->latest[path] != NULL && now.ns - p->latest[path]->made.ns < FRESH_NS)
		return p->latest[path];
	let_go(p->latest[path]);
	p->latest[path] = make_document(p, path, now);
	return p->latest[path];
}

/* --- answers --- */

static void
on_sent(const void *data, size_t len, void *ctx)
{
	(void)data;
	(void)len;
	let_go(ctx);
}

static void
reply(struct evhttp_request *req, int code, const char *reason, const char *type, struct evbuffer *body)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(req);

	(void)evhttp_add_header(headers, "Content-Type", type);
	(void)evhttp_add_header(headers, "Cache-Control", "no-store");
	(void)evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
	(void)evhttp_add_header(headers, "Connection", "close");
	evhttp_send_reply(req, code, reason, body);
}

static void
reply_document(struct reporter *p, struct evhttp_request *req, enum path path)
{
	static const char *const types[PATH_COUNT] = {
	    "application/json",
	    "text/plain; version=0.0.4; charset=utf-8",
	    "text/plain; charset=utf-8",
	    "application/json",
	};
	struct document *d = document_of(p, path);
	struct evbuffer *body = evbuffer_new();

	if (d == NULL || body == NULL ||
	    evbuffer_add_reference(body, d->out.data, d->out.len, on_sent, d) != 0) {
		evhttp_send_error(req, HTTP_SERVUNAVAIL, "out of memory");
	} else {
		d->users++;
		reply(req, d->good ? HTTP_OK : HTTP_SERVUNAVAIL, d->good ? "OK" : "Service Unavailable",
		    types[path], body);
	}
	if (body != NULL)
		evbuffer_free(body);
}

static void
reply_text(struct evhttp_request *req, int code, const char *reason, const char *text)
{
	struct evbuffer *body = evbuffer_new();

	if (body != NULL && evbuffer_add(body, text, strlen(text)) == 0)
		reply(req, code, reason, "text/plain; charset=utf-8", body);
	else
		evhttp_send_error(req, HTTP_SERVUNAVAIL, "out of memory");
	if (body != NULL)
		evbuffer_free(body);
}

static void
on_request(struct evhttp_request *req, void *ctx)
{
	static const char *const paths[PATH_COUNT] = {"/status", "/metrics", "/healthz", "/gaps"};
	struct reporter *p = ctx;
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(req);
	const char *path = uri != NULL ? evhttp_uri_get_path(uri) : NULL;
	enum evhttp_cmd_type command = evhttp_request_get_command(req);

	p->requests++;
	if (command != EVHTTP_REQ_GET && command != EVHTTP_REQ_HEAD) {
		(void)evhttp_add_header(evhttp_request_get_output_headers(req), "Allow", "GET, HEAD");
		reply_text(req, HTTP_BADMETHOD, "Method Not Allowed", "only GET and HEAD\n");
		return;
	}
	for (unsigned i = 0; path != NULL && i < PATH_COUNT; i++) {
		if (strcmp(path, paths[i]) == 0) {
			reply_document(p, req, (enum path)i);
			return;
		}
	}
	reply_text(req, HTTP_NOTFOUND, "Not Found", "there are /status, /metrics, /gaps and /healthz\n");
}

/* --- connections --- */

/* While an answer is written the library looks at nothing that comes, and would keep it all. */
static struct bufferevent *
on_connection(struct event_base *base, void *ctx)
{
	struct bufferevent *b = bufferevent_socket_new(base, -1, 0);

	(void)ctx;
	if (b != NULL)
		bufferevent_setwatermark(b, EV_READ, 0, INPUT_MOST);
	return b;
}

static struct reporter *the_reporter; /* whom the library cannot name in on_full */

static void
on_room(evutil_socket_t fd, short what, void *ctx)
{
	struct reporter *p = ctx;

	(void)fd;
	(void)what;
	(void)evconnlistener_enable(p->listener);
}

/* No descriptor is left. Without a pause the library would ask again at once, and take the whole CPU. */
static void
on_full(struct evconnlistener *listener, void *http)
{
	struct reporter *p = the_reporter;

	(void)http;
	connections_make_room(&p->connections, mono_now());
	if (event_base_once(loop_base(p->loop), -1, EV_TIMEOUT, on_room, p, &full_pause) == 0)
		(void)evconnlistener_disable(listener);
}

/* --- life --- */

static void
on_channel(void *ctx, wall_t now)
{
	struct reporter *p = ctx;
	enum err e;

	(void)now;
	while ((e = channel_receive(p->channel, &p->message)) == ERR_OK) {
		if (p->message.kind == CHANNEL_STOP)
			loop_stop(p->loop);
		channel_close_fds(&p->message);
	}
	if (e != ERR_LIMIT)
		loop_stop(p->loop);
}

static void
on_second(void *ctx, wall_t now)
{
	struct reporter *p = ctx;

	(void)now;
	connections_limit(&p->connections, CONNECTION_MOST_NS, mono_now());
	(void)!channel_send(p->channel, CHANNEL_ALIVE, NULL, 0, NULL, 0);
}

static bool
serve(struct reporter *p)
{
	struct evhttp_bound_socket *bound;

	p->http = evhttp_new(loop_base(p->loop));
	if (p->http == NULL)
		return false;
	bound = evhttp_accept_socket_with_handle(p->http, p->start->socket);
	if (bound == NULL)
		return false;
	p->listener = evhttp_bound_socket_get_listener(bound);
	the_reporter = p;
	evconnlistener_set_error_cb(p->listener, on_full);
	evhttp_set_bevcb(p->http, on_connection, p);
	evhttp_set_timeout(p->http, IDLE_S);
	evhttp_set_max_headers_size(p->http, HEADERS_MOST);
	evhttp_set_max_body_size(p->http, BODY_MOST);
	evhttp_set_allowed_methods(p->http,
	    EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST | EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE |
		EVHTTP_REQ_OPTIONS | EVHTTP_REQ_PATCH); /* all but the first two are refused in our words */
	evhttp_set_gencb(p->http, on_request, p);
	connections_init(&p->connections);
	return true;
}

static bool
run(struct reporter *p)
{
	enum err e = loop_new(&p->loop);

	if (e == ERR_OK && !serve(p))
		e = ERR_MEMORY;
	if (e == ERR_OK)
		e = loop_on_readable(p->loop, p->channel, on_channel, p, NULL);
	if (e == ERR_OK)
		e = loop_every(p->loop, NS_PER_SEC, on_second, p, NULL);
	if (e == ERR_OK)
		e = channel_send(p->channel, CHANNEL_STARTED, NULL, 0, NULL, 0);
	if (e == ERR_OK)
		e = loop_run(p->loop);
	if (e != ERR_OK)
		msg_error("status: cannot serve: %s", err_text(e));
	if (p->http != NULL)
		evhttp_free(p->http);
	for (unsigned i = 0; i < PATH_COUNT; i++)
		let_go(p->latest[i]);
	loop_free(p->loop);
	return e == ERR_OK;
}

int
reporter_main(void *ctx, int channel)
{
	const struct reporter_start *start = ctx;
	struct reporter *p = calloc(1, sizeof(*p));
	bool good;

	if (p == NULL)
		return EXIT_CANNOT;
	p->start = start;
	p->channel = channel;
	for (unsigned i = 0; i < start->lanes; i++) {
		board_for_reading(start->boards[i]);
		board_for_reading(start->accounts[i]);
		ring_let_go(start->rings[i]);
	}
	board_for_reading(start->relay_board);
	good = sandbox_enter(SANDBOX_REPORTER, start->identity, -1) && sandbox_close() && run(p);
	free(p);
	return good ? EXIT_CLEAN : EXIT_CANNOT;
}
