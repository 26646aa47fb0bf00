/* SPDX-License-Identifier: ISC
 *
 * The library's server, and what it lacks: how many connections there may be, how long one may take, and how much is kept of
 * what comes while an answer is being written.
 */
#include "base/serve.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/loop.h"
#include "base/serve_private.h"
#include "base/serve_secrets.h"
#include "base/serve_tls.h"
#include "base/serve_users.h"

#define INPUT_MOST 16384 /* bytes of a connection that wait to be looked at */

static const struct timeval full_pause = {.tv_usec = 20000};
static const struct timeval a_second = {.tv_sec = 1};

static struct serve *all; /* whom the library cannot name in on_full */

/* --- what is asked --- */

const char *
serve_path(const struct serve_request *r)
{
	return r->path;
}

const char *
serve_header(const struct serve_request *r, const char *name)
{
	return evhttp_find_header(evhttp_request_get_input_headers(r->http), name);
}

bool
serve_query(const struct serve_request *r, const char *key, char *out, size_t size)
{
	const char *query = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(r->http));
	struct evkeyvalq parameters;
	const char *value;
	bool good = false;

	if (query == NULL || evhttp_parse_query_str(query, &parameters) != 0)
		return false;
	value = evhttp_find_header(&parameters, key);
	if (value != NULL && strlen(value) < size) {
		memcpy(out, value, strlen(value) + 1);
		good = true;
	}
	evhttp_clear_headers(&parameters);
	return good;
}

bool
serve_query_number(const struct serve_request *r, const char *key, uint64_t *ret)
{
	char text[20]; /* no overflow */
	size_t digits;

	if (!serve_query(r, key, text, sizeof(text)))
		return false;
	digits = strspn(text, "0123456789");
	if (digits == 0 || text[digits] != '\0')
		return false;
	*ret = strtoull(text, NULL, 10);
	return true;
}

/* --- answers --- */

const char *const serve_page_headers[] = {"Content-Security-Policy",
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
    "Referrer-Policy", "no-referrer", "X-Frame-Options", "DENY", "Cross-Origin-Opener-Policy", "same-origin",
    "Cross-Origin-Resource-Policy", "same-origin", NULL};

void
serve_add_headers(struct evhttp_request *http, const char *type, const char *const *more)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(http);

	for (; more != NULL && more[0] != NULL; more += 2)
		(void)evhttp_add_header(headers, more[0], more[1]);
	(void)evhttp_add_header(headers, "Content-Type", type);
	if (evhttp_find_header(headers, "Cache-Control") == NULL)
		(void)evhttp_add_header(headers, "Cache-Control", "no-store");
	(void)evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
	(void)evhttp_add_header(headers, "Connection", "close");
}

static void
on_sent(const void *data, size_t len, void *arg)
{
	const struct serve_answer *a = arg;

	(void)data;
	(void)len;
	a->done(a->ctx);
	free(arg);
}

/* False: memory is out; whoever lent the body has been told. */
static bool
fill(struct evbuffer *body, const struct serve_answer *a)
{
	struct serve_answer *kept;

	if (a->done == NULL)
		return (a->copy ? evbuffer_add(body, a->body, a->len)
				: evbuffer_add_reference(body, a->body, a->len, NULL, NULL)) == 0;
	kept = malloc(sizeof(*kept));
	if (kept != NULL)
		*kept = *a;
	if (kept != NULL && evbuffer_add_reference(body, a->body, a->len, on_sent, kept) == 0)
		return true;
	free(kept);
	a->done(a->ctx);
	return false;
}

void
serve_reply(struct serve_request *r, const struct serve_answer *a)
{
	struct evbuffer *body = NULL;
	char length[24];

	if (r->answered)
		return;
	r->answered = true;
	if (r->head || a->len == 0) {
		(void)snprintf(length, sizeof(length), "%zu", a->len);
		(void)evhttp_add_header(evhttp_request_get_output_headers(r->http), "Content-Length", length);
		if (a->done != NULL)
			a->done(a->ctx);
	} else {
		body = evbuffer_new();
		if (body == NULL && a->done != NULL)
			a->done(a->ctx);
		if (body == NULL || !fill(body, a)) {
			evhttp_send_reply(r->http, HTTP_SERVUNAVAIL, NULL, NULL);
			if (body != NULL)
				evbuffer_free(body);
			return;
		}
	}
	serve_add_headers(r->http, a->type, a->headers);
	evhttp_send_reply(r->http, a->code, NULL, body);
	if (body != NULL)
		evbuffer_free(body);
}

void
serve_reply_text(struct serve_request *r, int code, const char *text)
{
	const struct serve_answer a = {.code = code,
	    .type = "text/plain; charset=utf-8",
	    .body = text,
	    .len = strlen(text),
	    .copy = true};

	serve_reply(r, &a);
}

/* False: refused, and answered. */
static bool
may_ask(struct serve *s, struct serve_request *r)
{
	const struct sockaddr *sa = evhttp_connection_get_addr(evhttp_request_get_connection(r->http));
	struct addr client = {{0}};
	enum serve_verdict v = SERVE_KNOWN;
	uint16_t port;

	if (sa != NULL)
		(void)addr_from_sockaddr(sa, &client, &port);
	if (s->users != NULL)
		v = serve_users_ask(s->users, serve_header(r, "Authorization"), &client, mono_now);
	if (v == SERVE_KNOWN)
		return true;
	s->refused++;
	(void)evhttp_add_header(evhttp_request_get_output_headers(r->http),
	    v == SERVE_LATER ? "Retry-After" : "WWW-Authenticate",
	    v == SERVE_LATER ? "2" : "Basic realm=\"flowbraid\", charset=\"UTF-8\"");
	serve_reply_text(
	    r, v == SERVE_LATER ? 429 : 401, v == SERVE_LATER ? "too many attempts\n" : "who are you?\n");
	return false;
}

static void
on_request(struct evhttp_request *http, void *ctx)
{
	struct serve *s = ctx;
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(http);
	enum evhttp_cmd_type command = evhttp_request_get_command(http);
	struct serve_request r = {.serve = s,
	    .http = http,
	    .path = uri != NULL ? evhttp_uri_get_path(uri) : NULL,
	    .head = command == EVHTTP_REQ_HEAD};

	s->requests++;
	if (command != EVHTTP_REQ_GET && command != EVHTTP_REQ_HEAD) {
		(void)evhttp_add_header(evhttp_request_get_output_headers(http), "Allow", "GET, HEAD");
		serve_reply_text(&r, HTTP_BADMETHOD, "only GET and HEAD\n");
	} else if (r.path == NULL) {
		serve_reply_text(&r, HTTP_BADREQUEST, "no request\n");
	} else if (may_ask(s, &r)) {
		s->call(s->ctx, &r);
		if (!r.answered)
			serve_reply_text(&r, HTTP_INTERNAL, "no answer\n");
	}
}

/* --- connections --- */

static void
on_room(evutil_socket_t fd, short what, void *ctx)
{
	struct serve *s = ctx;

	(void)fd;
	(void)what;
	(void)evconnlistener_enable(s->listener);
}

/* Those that are shut down are closed behind this turn of the loop; until then no others are taken. */
static void
make_room(struct serve *s)
{
	connections_make_room(&s->connections, mono_now());
	s->fresh = 0;
	if (event_add(s->room, &full_pause) == 0)
		(void)evconnlistener_disable(s->listener);
}

/* No descriptor is left. Without a pause the library would ask again at once, and take the whole CPU. */
static void
on_full(struct evconnlistener *listener, void *http)
{
	(void)http;
	for (struct serve *s = all; s != NULL; s = s->next) {
		if (s->listener == listener)
			make_room(s);
	}
}

/* While an answer is written the library looks at nothing that comes, and would keep it all. */
static struct bufferevent *
on_connection(struct event_base *base, void *ctx)
{
	struct serve *s = ctx;
	struct bufferevent *b = s->tls != NULL ? serve_tls_connection(s->tls, base)
					       : bufferevent_socket_new(base, -1, 0);

	if (b != NULL)
		bufferevent_setwatermark(b, EV_READ, 0, INPUT_MOST);
	if (s->connections.count + ++s->fresh >= s->limits.connections) {
		connections_look(&s->connections, mono_now());
		s->fresh = 0;
		if (s->connections.count >= s->limits.connections)
			make_room(s);
	}
	return b;
}

static void
on_second(evutil_socket_t fd, short what, void *ctx)
{
	struct serve *s = ctx;

	(void)fd;
	(void)what;
	connections_limit(&s->connections, s->limits.total_ns, mono_now());
	s->fresh = 0;
}

struct serve_counts
serve_counts(const struct serve *s)
{
	return (struct serve_counts){.requests = s->requests,
	    .refused = s->refused,
	    .ended = s->connections.ended,
	    .connections = s->connections.count,
	    .streams = s->stream_count};
}

/* --- life --- */

enum err
serve_secure(struct serve *s, const struct serve_secrets *secrets, struct buf *errors)
{
	static const char *const nameless[SERVE_FILES] = {"", "", "", ""};
	struct ssl_ctx_st *tls = NULL;
	struct serve_users *users = NULL;
	struct buf ignored = BUF_INIT;
	enum err e = ERR_OK;

	if (secrets->of[SERVE_CERTIFICATE].len > 0)
		e = serve_tls_new(secrets, nameless, &tls, errors != NULL ? errors : &ignored);
	if (e == ERR_OK && secrets->of[SERVE_USERS].len > 0)
		e = serve_users_new(
		    &secrets->of[SERVE_USERS], "", &users, errors != NULL ? errors : &ignored);
	buf_clear(&ignored);
	if (e != ERR_OK) {
		serve_tls_free(tls);
		return e;
	}
	serve_tls_free(s->tls);
	serve_users_free(s->users);
	s->tls = tls;
	s->users = users;
	return ERR_OK;
}

static void
set_limits(struct serve *s)
{
	evhttp_set_bevcb(s->http, on_connection, s);
	evhttp_set_timeout(s->http, s->limits.idle_s);
	evhttp_set_max_headers_size(s->http, (ev_ssize_t)s->limits.headers);
	evhttp_set_max_body_size(s->http, (ev_ssize_t)s->limits.body);
	evhttp_set_allowed_methods(s->http,
	    EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST | EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE |
		EVHTTP_REQ_OPTIONS | EVHTTP_REQ_PATCH); /* all but the first two are refused in our words */
	evhttp_set_gencb(s->http, on_request, s);
}

/* The descriptor stays the caller's whatever happens. */
static enum err
listen_on(struct serve *s, struct event_base *base, int fd)
{
	struct evhttp_bound_socket *bound;

	s->listener = evconnlistener_new(base, NULL, NULL, LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE, 0, fd);
	if (s->listener == NULL)
		return ERR_MEMORY;
	evconnlistener_set_error_cb(s->listener, on_full);
	bound = evhttp_bind_listener(s->http, s->listener);
	if (bound != NULL)
		return ERR_OK;
	evconnlistener_free(s->listener);
	s->listener = NULL;
	return ERR_MEMORY;
}

enum err
serve_new(struct loop *loop, int fd, const struct serve_limits *limits, serve_call call, void *ctx,
    struct serve **ret)
{
	struct event_base *base = loop_base(loop);
	struct serve *s = calloc(1, sizeof(*s));
	enum err e = s != NULL ? connections_init(&s->connections, fd, limits->descriptors) : ERR_MEMORY;

	if (s == NULL)
		return e;
	s->limits = *limits;
	s->call = call;
	s->ctx = ctx;
	s->next = all;
	all = s;
	if (e == ERR_OK) {
		s->http = evhttp_new(base);
		s->second = event_new(base, -1, EV_PERSIST, on_second, s);
		s->room = evtimer_new(base, on_room, s);
		e = s->http != NULL && s->second != NULL && s->room != NULL &&
			event_add(s->second, &a_second) == 0
		    ? ERR_OK
		    : ERR_MEMORY;
	}
	if (e == ERR_OK) {
		set_limits(s);
		e = listen_on(s, base, fd);
	}
	if (e == ERR_OK)
		*ret = s;
	else
		serve_free(s);
	return e;
}

void
serve_free(struct serve *s)
{
	struct serve **at = &all;

	if (s == NULL)
		return;
	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	serve_end_streams(s);
	if (s->http != NULL)
		evhttp_free(s->http);
	if (s->second != NULL)
		event_free(s->second);
	if (s->room != NULL)
		event_free(s->room);
	connections_clear(&s->connections);
	serve_tls_free(s->tls);
	serve_users_free(s->users);
	free(s);
}
