/* SPDX-License-Identifier: ISC
 *
 * An HTTP server for documents that are read: libevent's, with limits on what a client can make it hold. Requests are GET
 * and HEAD, short, and come within seconds; a connection ends with its answer, unless that is a stream of events. What is
 * served, and to whom, is its owner's matter. It runs in the owner's loop and thread, and reads the clock, as the loop does.
 * Writing to a connection that is gone must not end the process: SIGPIPE is to be ignored.
 */
#ifndef FLOWBRAID_BASE_SERVE_H
#define FLOWBRAID_BASE_SERVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct buf;
struct loop;
struct serve;
struct serve_secrets;
struct serve_request;
struct serve_stream;

struct serve_limits {
	unsigned
	    connections; /* at once, streams included; beyond it the oldest go. Below the process's descriptors */
	int descriptors;      /* the process has none of this number or above */
	unsigned streams;     /* at once; others are told 503 */
	size_t headers, body; /* bytes of a request */
	int idle_s;           /* a connection on which nothing moves */
	int64_t total_ns;     /* the longest life of a connection that is no stream */
	size_t behind;        /* bytes that a stream's reader has not taken yet */
};
#define SERVE_LIMITS \
	{ \
		.connections = 200, .descriptors = 1024, .streams = 50, .headers = 8192, .body = 1024, \
		.idle_s = 5, .total_ns = 10000000000LL, .behind = 4U << 20 \
	}

/* One answer to each request, before it returns: serve_reply, serve_reply_text or serve_stream_begin. */
typedef void (*serve_call)(void *ctx, struct serve_request *r);

/* fd: listening, not waiting; it stays the caller's, and is open longer than the server. When all other descriptors of the process are
 * open that it has on the same port. */
enum err serve_new(struct loop *loop, int fd, const struct serve_limits *limits, serve_call call, void *ctx,
    struct serve **ret) WARN_UNUSED;
/* Ends all connections; streams are told. Before loop_free. NULL is fine. */
void serve_free(struct serve *s);

/* From the next connection on: TLS, with client certificates, and users, as far as there are any. What is there already goes on as
 * it began, but for users, who are asked anew. When it fails all stays as it was, and errors (may be NULL) tells why. */
enum err serve_secure(struct serve *s, const struct serve_secrets *secrets, struct buf *errors) WARN_UNUSED;

struct serve_counts {
	uint64_t requests;
	uint64_t refused;     /* of them, for want of a password that is right */
	uint64_t ended;       /* connections that were ended for their age or for others' sake */
	unsigned connections; /* now, as seen last */
	unsigned streams;     /* now */
};
struct serve_counts serve_counts(const struct serve *s);

/* --- what is asked; valid until it is answered --- */

const char *serve_path(
    const struct serve_request *r); /* as sent, not decoded, without the query; never NULL */
/* Copies the decoded value of a key of the query, a list of key=value; false: absent, or longer than fits. */
bool serve_query(const struct serve_request *r, const char *key, char *out, size_t size);
bool serve_query_number(const struct serve_request *r, const char *key, uint64_t *ret);
const char *serve_header(const struct serve_request *r, const char *name); /* NULL: none */

/* --- answers --- */

struct serve_answer {
	int code; /* 200, 404 ... */
	const char *type;
	const char *const *headers; /* more of them: name, value, name, value, NULL; or NULL */
	const void *body; /* borrowed until done is called (at once, or when it was sent, or never will be) */
	size_t len;
	void (*done)(void *ctx); /* NULL: the body is static, or copy is set */
	void *ctx;
	bool copy; /* the body is copied */
};

/* A HEAD is answered without the body. Besides its own headers an answer has Cache-Control: no-store (unless it brings one)
 * and X-Content-Type-Options: nosniff. */
void serve_reply(struct serve_request *r, const struct serve_answer *a);
/* text/plain; copied. */
void serve_reply_text(struct serve_request *r, int code, const char *text);

/* Headers for a page of one's own and what it is made of: nothing is loaded from elsewhere, no script or style stands in the
 * page itself, nobody frames it, and the address goes nowhere. For serve_answer.headers. */
extern const char *const serve_page_headers[];

/* --- answers without an end, as server-sent events are --- */

/* closed: the client has gone, or was ended; the stream is no more. Not called behind serve_stream_end. When this fails the
 * request has been answered: ERR_END to a HEAD, ERR_LIMIT when there are enough streams (503), ERR_MEMORY. */
enum err serve_stream_begin(struct serve_request *r, const char *type, void (*closed)(void *ctx), void *ctx,
    struct serve_stream **ret) WARN_UNUSED;
/* Copies. ERR_LIMIT: the reader is too far behind; nothing was sent, and the connection is being ended: `closed` will be called,
 * never from within. A reader that vanished is found by sending: send something every now and then. */
enum err serve_stream_send(struct serve_stream *s, const void *data, size_t len) WARN_UNUSED;
void serve_stream_end(struct serve_stream *s); /* in good order */

#endif
