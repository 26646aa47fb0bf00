/* SPDX-License-Identifier: ISC
 *
 * Answers without an end. What a reader has not taken yet is kept by the library, so it is asked how much that is before more
 * is given.
 */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <stdlib.h>

#include "base/serve_private.h"

struct serve_stream {
	struct serve_stream *next;
	struct serve *serve;
	struct evhttp_request *http; /* not ours, but it stays until it is ended */
	struct bufferevent *out;     /* of the connection */
	void (*closed)(void *ctx);
	void *ctx;
};

static void
forget(struct serve_stream *st)
{
	struct serve_stream **at = &st->serve->streams;

	while (*at != st)
		at = &(*at)->next;
	*at = st->next;
	st->serve->stream_count--;
	free(st);
}

/* The library has let go of the request, which ends with this. */
static void
on_closed(struct evhttp_connection *connection, void *arg)
{
	struct serve_stream *st = arg;
	void (*closed)(void *ctx) = st->closed;
	void *ctx = st->ctx;

	(void)connection;
	evhttp_send_reply_end(st->http);
	forget(st);
	closed(ctx);
}

enum err
serve_stream_begin(struct serve_request *r, const char *type, void (*closed)(void *ctx), void *ctx,
    struct serve_stream **ret)
{
	struct serve *s = r->serve;
	struct evhttp_connection *connection = evhttp_request_get_connection(r->http);
	const struct timeval patience = {.tv_sec = s->limits.idle_s};
	struct serve_stream *st;

	if (r->head) {
		serve_reply(r, &(struct serve_answer){.code = HTTP_OK, .type = type});
		return ERR_END;
	}
	if (s->stream_count >= s->limits.streams) {
		serve_reply_text(r, HTTP_SERVUNAVAIL, "too many streams\n");
		return ERR_LIMIT;
	}
	st = calloc(1, sizeof(*st));
	if (st == NULL) {
		serve_reply_text(r, HTTP_SERVUNAVAIL, "out of memory\n");
		return ERR_MEMORY;
	}
	*st = (struct serve_stream){.next = s->streams,
	    .serve = s,
	    .http = r->http,
	    .out = evhttp_connection_get_bufferevent(connection),
	    .closed = closed,
	    .ctx = ctx};
	s->streams = st;
	s->stream_count++;
	r->answered = true;
	connections_stream(&s->connections, bufferevent_getfd(st->out), mono_now());
	(void)bufferevent_set_timeouts(st->out, NULL, &patience); /* nothing more comes from it */
	evhttp_connection_set_closecb(connection, on_closed, st);
	serve_add_headers(r->http, type, NULL);
	evhttp_send_reply_start(r->http, HTTP_OK, NULL);
	*ret = st;
	return ERR_OK;
}

enum err
serve_stream_send(struct serve_stream *st, const void *data, size_t len)
{
	size_t waiting = evbuffer_get_length(bufferevent_get_output(st->out));
	struct evbuffer *chunk;

	if (waiting > 0 && waiting + len > st->serve->limits.behind) {
		connections_end(&st->serve->connections, bufferevent_getfd(st->out));
		return ERR_LIMIT;
	}
	chunk = evbuffer_new();
	if (chunk == NULL || evbuffer_add(chunk, data, len) != 0) {
		if (chunk != NULL)
			evbuffer_free(chunk);
		return ERR_MEMORY;
	}
	evhttp_send_reply_chunk(st->http, chunk);
	evbuffer_free(chunk);
	return ERR_OK;
}

void
serve_stream_end(struct serve_stream *st)
{
	evhttp_connection_set_closecb(evhttp_request_get_connection(st->http), NULL, NULL);
	evhttp_send_reply_end(st->http);
	forget(st);
}

void
serve_end_streams(struct serve *s)
{
	while (s->streams != NULL) {
		void (*closed)(void *ctx) = s->streams->closed;
		void *ctx = s->streams->ctx;

		serve_stream_end(s->streams);
		closed(ctx);
	}
}
