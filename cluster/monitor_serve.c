/* SPDX-License-Identifier: ISC
 *
 * See monitor_serve.h.
 */
#include "cluster/monitor_serve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/serve.h"
#include "cluster/monitor_document.h"
#include "cluster/monitor_page.h"

#define PENDING_MOST 64
#define EVENT_STREAMS_MOST 1000 /* in a document that is sent again and again */

/* A document as made last, of so many streams. */
struct made {
	uint64_t streams;
	uint64_t turn; /* 0: none */
	struct buf out;
};

struct watcher {
	struct watcher *next;
	struct monitor_serve *of;
	struct serve_stream *stream;
	uint64_t streams;
};

struct monitor_serve {
	const struct monitor_conf *conf;
	const struct view *view;
	int fd;
	struct serve *serve;
	struct page *page; /* NULL: it is not installed */
	uint64_t turn;
	struct made documents[2], metrics; /* documents: as usual, and as somebody asked for */
	struct watcher *watchers;          /* owned */
};

/* --- documents --- */

/* NULL: out of memory. */
static const struct buf *
document_of(struct monitor_serve *s, uint64_t streams)
{
	struct made *m = &s->documents[streams != s->conf->streams];

	if (m->turn == s->turn && m->streams == streams)
		return &m->out;
	buf_clear(&m->out);
	m->streams = streams;
	m->turn = monitor_document(s->view, (size_t)streams, &m->out) == ERR_OK ? s->turn : 0;
	return m->turn != 0 ? &m->out : NULL;
}

static const struct buf *
metrics_of(struct monitor_serve *s)
{
	struct made *m = &s->metrics;

	if (m->turn == s->turn)
		return &m->out;
	buf_clear(&m->out);
	m->turn = monitor_metrics(s->view, (size_t)s->conf->series, &m->out) == ERR_OK ? s->turn : 0;
	return m->turn != 0 ? &m->out : NULL;
}

static uint64_t
streams_asked(const struct monitor_serve *s, const struct serve_request *r, uint64_t most)
{
	uint64_t n;

	if (!serve_query_number(r, "streams", &n))
		return s->conf->streams;
	return n < most ? n : most;
}

static void
reply(struct serve_request *r, int code, const char *type, const struct buf *body)
{
	if (body == NULL) {
		serve_reply_text(r, 503, "out of memory\n");
		return;
	}
	serve_reply(r,
	    &(struct serve_answer){
		.code = code, .type = type, .body = body->data, .len = body->len, .copy = true});
}

static void
reply_health(struct monitor_serve *s, struct serve_request *r)
{
	enum view_health h = view_health(s->view);
	struct buf out = BUF_INIT;

	monitor_reasons(s->view, &out);
	if (out.len > 0)
		buf_text(&out, "\n");
	else
		buf_printf(&out, "%s\n", view_health_name(h));
	reply(r, h == VIEW_WHOLE || h == VIEW_THINNER ? 200 : 503, "text/plain; charset=utf-8",
	    buf_ok(&out) ? &out : NULL);
	buf_clear(&out);
}

/* --- events --- */

static void
forget(struct watcher *w)
{
	struct watcher **at = &w->of->watchers;

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	free(w);
}

static void
on_closed(void *ctx)
{
	forget(ctx);
}

/* A reader that is too far behind will be ended, and says so. */
static void
send_event(struct watcher *w)
{
	const struct buf *d = document_of(w->of, w->streams);
	struct buf out = BUF_INIT;

	if (d == NULL)
		return;
	buf_text(&out, "data: ");
	buf_bytes(&out, d->data, d->len); /* one line, with its end */
	buf_text(&out, "\n");
	if (buf_ok(&out))
		(void)!serve_stream_send(w->stream, out.data, out.len);
	buf_clear(&out);
}

static void
begin_events(struct monitor_serve *s, struct serve_request *r)
{
	struct watcher *w = calloc(1, sizeof(*w));

	if (w == NULL) {
		serve_reply_text(r, 503, "out of memory\n");
		return;
	}
	*w = (struct watcher){
	    .of = s, .streams = streams_asked(s, r, EVENT_STREAMS_MOST), .next = s->watchers};
	if (serve_stream_begin(r, "text/event-stream", on_closed, w, &w->stream) != ERR_OK) {
		free(w);
		return;
	}
	s->watchers = w;
	if (serve_stream_send(w->stream, "retry: 2000\n\n", 13) == ERR_OK)
		send_event(w);
}

/* --- requests --- */

static void
reply_page(struct monitor_serve *s, struct serve_request *r)
{
	const struct page_file *f = page_find(s->page, serve_path(r));

	if (f == NULL) {
		serve_reply_text(r, 404,
		    s->page == NULL && strcmp(serve_path(r), "/") == 0
			? "the page is not installed; there are /cluster, /events, /metrics and /healthz\n"
			: "there are /, /cluster, /events, /metrics and /healthz\n");
		return;
	}
	serve_reply(r,
	    &(struct serve_answer){.code = 200,
		.type = f->type,
		.headers = serve_page_headers,
		.body = f->body.data,
		.len = f->body.len,
		.copy = true});
}

static void
on_request(void *ctx, struct serve_request *r)
{
	struct monitor_serve *s = ctx;
	const char *path = serve_path(r);

	if (strcmp(path, "/cluster") == 0)
		reply(r, 200, "application/json", document_of(s, streams_asked(s, r, VIEW_STREAMS_MOST)));
	else if (strcmp(path, "/metrics") == 0)
		reply(r, 200, "text/plain; version=0.0.4; charset=utf-8", metrics_of(s));
	else if (strcmp(path, "/healthz") == 0)
		reply_health(s, r);
	else if (strcmp(path, "/events") == 0)
		begin_events(s, r);
	else
		reply_page(s, r);
}

void
monitor_serve_turn(struct monitor_serve *s)
{
	s->turn++;
	for (struct watcher *w = s->watchers, *next; w != NULL; w = next) {
		next = w->next;
		send_event(w);
	}
}

/* --- life --- */

static int
listen_on(const struct addr *address, uint16_t port)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(address, port, &sa);
	int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1, saved;

	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0 &&
	    bind(fd, (const struct sockaddr *)&sa, len) == 0 && listen(fd, PENDING_MOST) == 0)
		return fd;
	saved = errno;
	if (fd >= 0)
		(void)close(fd);
	errno = saved;
	return -1;
}

enum err
monitor_serve_reload(struct monitor_serve *s, struct buf *errors)
{
	struct serve_secrets secrets = {.of = {BUF_INIT}};
	enum err e = serve_secrets_load((const char *const *)s->conf->files, &secrets, errors);

	if (e == ERR_OK)
		e = serve_secure(s->serve, &secrets, errors);
	serve_secrets_clear(&secrets);
	return e;
}

static enum err
load_page(struct monitor_serve *s, struct buf *errors)
{
	const char *folder = s->conf->page != NULL ? s->conf->page : MONITOR_PAGE;
	enum err e = page_load(folder, &s->page);

	if (e == ERR_SYSTEM && errno == ENOENT && s->conf->page == NULL)
		return ERR_OK; /* built without */
	if (e != ERR_OK)
		buf_printf(errors, "page %s: cannot read: %s\n", folder, err_text(e));
	return e;
}

enum err
monitor_serve_new(struct loop *loop, const struct monitor_conf *conf, const struct view *v,
    struct monitor_serve **ret, struct buf *errors)
{
	struct monitor_serve *s = calloc(1, sizeof(*s));
	char text[ADDR_TEXT_SIZE];
	enum err e;

	if (s == NULL)
		return ERR_MEMORY;
	*s = (struct monitor_serve){.conf = conf, .view = v, .turn = 1};
	s->fd = listen_on(&conf->address, conf->port);
	if (s->fd < 0) {
		buf_printf(errors, "%s port %u: cannot listen: %s\n", addr_text(&conf->address, text),
		    conf->port, strerror(errno));
		free(s);
		return ERR_SYSTEM;
	}
	e = load_page(s, errors);
	if (e == ERR_OK)
		e = serve_new(loop, s->fd, &(struct serve_limits)SERVE_LIMITS, on_request, s, &s->serve);
	if (e == ERR_OK)
		e = monitor_serve_reload(s, errors);
	if (e != ERR_OK) {
		monitor_serve_free(s);
		return e;
	}
	*ret = s;
	return ERR_OK;
}

void
monitor_serve_free(struct monitor_serve *s)
{
	if (s == NULL)
		return;
	serve_free(s->serve); /* forgets the watchers */
	while (s->watchers != NULL)
		forget(s->watchers);
	(void)close(s->fd);
	page_free(s->page);
	for (unsigned i = 0; i < 2; i++)
		buf_clear(&s->documents[i].out);
	buf_clear(&s->metrics.out);
	free(s);
}
