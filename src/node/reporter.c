/* SPDX-License-Identifier: ISC
 *
 * libevent's HTTP server, with limits on what a client can make it hold.
 */
#include "node/reporter.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/msg.h"
#include "node/channel.h"
#include "node/loop.h"
#include "node/report.h"

#define PENDING_MOST 64
#define HEADERS_MOST 8192
#define BODY_MOST 1024
#define TIMEOUT_S 10
#define BIND_PAUSE_NS (20 * NS_PER_MSEC)

enum { EXIT_CLEAN = 0, EXIT_CANNOT = 2 };

struct reporter {
	const struct reporter_start *start;
	int channel;
	struct loop *loop;
	struct evhttp *http;
	struct evconnlistener *listener; /* http's */
	struct buf out;
	struct channel_message message;
};

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
reporter_listen(const struct conf *conf, int64_t patience_ns)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(&conf->status_address, conf->status_port, &sa);
	int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
	char text[ADDR_TEXT_SIZE];

	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0 &&
	    bind_patiently(fd, &sa, len, patience_ns) == 0 && listen(fd, PENDING_MOST) == 0)
		return fd;
	msg_error("status %s port %u: cannot listen: %s", addr_text(&conf->status_address, text),
	    conf->status_port, strerror(errno));
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

/* --- answers --- */

static void
answer(struct reporter *p, struct evhttp_request *req, int code, const char *reason, const char *type)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(req);
	struct evbuffer *body = evbuffer_new();

	if (body == NULL || !buf_ok(&p->out) || evbuffer_add(body, p->out.data, p->out.len) != 0) {
		evhttp_send_error(req, HTTP_SERVUNAVAIL, "out of memory");
		if (body != NULL)
			evbuffer_free(body);
		buf_clear(&p->out);
		return;
	}
	(void)evhttp_add_header(headers, "Content-Type", type);
	(void)evhttp_add_header(headers, "Cache-Control", "no-store");
	(void)evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
	evhttp_send_reply(req, code, reason, body);
	evbuffer_free(body);
}

static struct report
collect(struct reporter *p)
{
	const struct report r = {
	    .conf = p->start->conf, .boards = p->start->boards, .lanes = p->start->lanes, .now = wall_now()};

	buf_reset(&p->out);
	return r;
}

static void
on_status(struct evhttp_request *req, void *ctx)
{
	struct reporter *p = ctx;
	struct report r = collect(p);

	report_status(&r, &p->out);
	answer(p, req, HTTP_OK, "OK", "application/json");
}

static void
on_metrics(struct evhttp_request *req, void *ctx)
{
	struct reporter *p = ctx;
	struct report r = collect(p);

	report_metrics(&r, &p->out);
	answer(p, req, HTTP_OK, "OK", "text/plain; version=0.0.4; charset=utf-8");
}

static void
on_health(struct evhttp_request *req, void *ctx)
{
	struct reporter *p = ctx;
	struct report r = collect(p);
	bool good = report_health(&r, &p->out);

	answer(p, req, good ? HTTP_OK : HTTP_SERVUNAVAIL, good ? "OK" : "Service Unavailable",
	    "text/plain; charset=utf-8");
}

static void
on_other(struct evhttp_request *req, void *ctx)
{
	struct reporter *p = ctx;

	buf_reset(&p->out);
	buf_text(&p->out, "there are /status, /metrics and /healthz\n");
	answer(p, req, HTTP_NOTFOUND, "Not Found", "text/plain; charset=utf-8");
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

/* No descriptor is left. The listening socket would be ready again and again; it is not asked before the next second. */
static void
on_accept_error(struct evconnlistener *listener, void *ctx)
{
	(void)ctx;
	(void)evconnlistener_disable(listener);
}

static void
on_second(void *ctx, wall_t now)
{
	struct reporter *p = ctx;

	(void)now;
	(void)evconnlistener_enable(p->listener);
	(void)!channel_send(p->channel, CHANNEL_ALIVE, NULL, 0, NULL, 0);
}

static bool
serve(struct reporter *p)
{
	struct evhttp_bound_socket *bound;

	p->http = evhttp_new(loop_base(p->loop));
	bound = p->http != NULL ? evhttp_accept_socket_with_handle(p->http, p->start->socket) : NULL;
	if (bound == NULL)
		return false;
	p->listener = evhttp_bound_socket_get_listener(bound);
	evconnlistener_set_error_cb(p->listener, on_accept_error);
	evhttp_set_timeout(p->http, TIMEOUT_S);
	evhttp_set_max_headers_size(p->http, HEADERS_MOST);
	evhttp_set_max_body_size(p->http, BODY_MOST);
	evhttp_set_allowed_methods(p->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
	evhttp_set_gencb(p->http, on_other, p);
	return evhttp_set_cb(p->http, "/status", on_status, p) == 0 &&
	    evhttp_set_cb(p->http, "/metrics", on_metrics, p) == 0 &&
	    evhttp_set_cb(p->http, "/healthz", on_health, p) == 0;
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
	for (unsigned i = 0; i < start->lanes; i++)
		board_for_reading(start->boards[i]);
	good = sandbox_enter(SANDBOX_REPORTER, start->identity, -1) && sandbox_close() && run(p);
	buf_clear(&p->out);
	free(p);
	return good ? EXIT_CLEAN : EXIT_CANNOT;
}
