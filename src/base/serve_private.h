/* SPDX-License-Identifier: ISC
 *
 * The server, for the files that it stands in: serve.c (connections, requests, answers) and serve_stream.c (answers without
 * an end).
 */
#ifndef FLOWBRAID_BASE_SERVE_PRIVATE_H
#define FLOWBRAID_BASE_SERVE_PRIVATE_H

#include <event2/http.h>

#include "base/serve.h"
#include "base/serve_connections.h"

struct event;
struct evconnlistener;
struct serve_users;
struct ssl_ctx_st;

struct serve {
	struct serve *next; /* of all in the process */
	struct serve_limits limits;
	serve_call call;
	void *ctx;
	struct evhttp *http;             /* owned */
	struct evconnlistener *listener; /* owned by http */
	struct event *second, *room;     /* owned */
	struct connections connections;
	unsigned fresh;               /* accepted since they were counted */
	struct serve_stream *streams; /* owned */
	unsigned stream_count;
	struct ssl_ctx_st *tls;    /* owned; NULL: plain */
	struct serve_users *users; /* owned; NULL: everybody may ask */
	uint64_t requests, refused;
};

struct serve_request {
	struct serve *serve;
	struct evhttp_request *http;
	const char *path;
	bool head;
	bool answered;
};

/* Headers that each answer has. */
void serve_add_headers(struct evhttp_request *http, const char *type, const char *const *more);
/* Ends all, and tells their owners. */
void serve_end_streams(struct serve *s);

#endif
