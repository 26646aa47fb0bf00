/* SPDX-License-Identifier: ISC
 *
 * What base/serve is asked for: a document is made once a second at most, and all who read it share its bytes.
 */
#include "node/reporter.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/loop.h"
#include "base/msg.h"
#include "base/serve.h"
#include "base/serve_secrets.h"
#include "node/channel.h"
#include "node/report.h"
#include "node/report_changes.h"

#define PENDING_MOST 64
#define BIND_PAUSE_NS (20 * NS_PER_MSEC)
#define FRESH_NS NS_PER_SEC /* collectors put up something new as often */
#define DIFFERENCES 4       /* that are kept for others who ask the same */
#define TOKEN_SIZE 64

enum { EXIT_CLEAN = 0, EXIT_CANNOT = 2 };

/* PATH_CHANGES: /gaps for who names an answer that he has. */
enum path { PATH_STATUS, PATH_METRICS, PATH_HEALTH, PATH_GAPS, PATHS, PATH_CHANGES = PATHS, PATH_COUNT };

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
	struct serve *serve;
	struct serve_secrets secrets;   /* until they are used */
	struct document *latest[PATHS]; /* NULL: none */
	struct changes *changes;        /* NULL: nobody has asked for any */
	mono_t looked;                  /* when for them last */
	struct {
		uint64_t since;
		struct document *document; /* NULL: none */
	} differences[DIFFERENCES];
	unsigned difference; /* the one that was made last */
	struct channel_message message;
};

/* --- the socket --- */

/* What was permitted, and is still worth a word. */
static void
warn_of_readers(const struct conf *conf)
{
	char text[ADDR_TEXT_SIZE];

	if (serve_is_local(&conf->status_address) || conf->status_users[0] != '\0' ||
	    conf->status_client_ca[0] != '\0')
		return;
	msg_warn("status %s port %u: whoever reaches this address can read it: there is %s",
	    addr_text(&conf->status_address, text), conf->status_port,
	    conf->status_key[0] != '\0' ? "no authentication" : "neither authentication nor encryption");
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
	if (good) {
		warn_of_readers(conf);
		return fd;
	}
	msg_error("status %s port %u: cannot listen: %s", text, conf->status_port, strerror(saved));
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

/* --- what is kept from others --- */

bool
reporter_secrets(const struct conf *conf, int *ret_fd)
{
	const char *files[SERVE_FILES];
	struct serve_secrets secrets = {.of = {BUF_INIT}};
	struct buf errors = BUF_INIT;
	enum err e;
	int fd = -1;

	conf_status_files(conf, files);
	e = serve_secrets_load(files, &secrets, &errors);
	buf_u8(&errors, 0);
	if (e != ERR_OK && errors.len > 1 && buf_ok(&errors)) {
		char *rest = (char *)errors.data;

		for (char *line; (line = strsep(&rest, "\n")) != NULL && line[0] != '\0';)
			msg_error("status.%s", line);
	} else if (e != ERR_OK) {
		msg_error("status: files cannot be read: %s", err_text(e));
	}
	buf_clear(&errors);
	if (e == ERR_OK && (files[SERVE_CERTIFICATE][0] != '\0' || files[SERVE_USERS][0] != '\0') &&
	    (e = serve_secrets_pack(&secrets, &fd)) != ERR_OK)
		msg_error("status: files cannot be handed on: %s", err_text(e));
	serve_secrets_clear(&secrets);
	if (e == ERR_OK)
		*ret_fd = fd;
	return e == ERR_OK;
}

bool
reporter_same_secrets(int a, int b)
{
	struct serve_secrets x = {.of = {BUF_INIT}}, y = {.of = {BUF_INIT}};
	bool same = (a < 0 || serve_secrets_unpack(a, &x) == ERR_OK) &&
	    (b < 0 || serve_secrets_unpack(b, &y) == ERR_OK) && serve_secrets_equal(&x, &y);

	serve_secrets_clear(&x);
	serve_secrets_clear(&y);
	return same;
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

static struct report
report_of(struct reporter *p, mono_t now)
{
	const struct serve_counts counts = serve_counts(p->serve);

	return (struct report){.conf = p->start->conf,
	    .boards = p->start->boards,
	    .accounts = p->start->accounts,
	    .lanes = p->start->lanes,
	    .relay = p->start->relay_board,
	    .restarts = p->start->restarts,
	    .requests = counts.requests,
	    .refused = counts.refused,
	    .ended = counts.ended,
	    .now = wall_now(),
	    .mono = now};
}

static struct document *
document_new(mono_t now)
{
	struct document *d = calloc(1, sizeof(*d));

	if (d != NULL)
		*d = (struct document){.users = 1, .good = true, .made = now};
	return d;
}

/* NULL: it could not be made whole. */
static struct document *
document_made(struct document *d)
{
	if (buf_ok(&d->out))
		return d;
	let_go(d);
	return NULL;
}

static struct document *
make_document(struct reporter *p, enum path path, mono_t now)
{
	const struct report r = report_of(p, now);
	struct document *d = document_new(now);

	if (d == NULL)
		return NULL;
	if (path == PATH_STATUS)
		report_status(&r, &d->out);
	else if (path == PATH_METRICS)
		report_metrics(&r, &d->out);
	else if (path == PATH_GAPS)
		report_gaps(&r, &d->out);
	else
		d->good = report_health(&r, &d->out);
	return document_made(d);
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

static void
forget_differences(struct reporter *p)
{
	for (unsigned i = 0; i < DIFFERENCES; i++) {
		let_go(p->differences[i].document);
		p->differences[i].document = NULL;
	}
}

static bool
look_for_changes(struct reporter *p)
{
	mono_t now = mono_now();
	const struct report r = report_of(p, now);

	if (p->changes != NULL && now.ns - p->looked.ns < FRESH_NS)
		return true;
	if (p->changes == NULL)
		p->changes = changes_new((uint64_t)r.now.ns);
	forget_differences(p);
	p->looked = now;
	if (p->changes != NULL && changes_look(p->changes, &r))
		return true;
	changes_free(p->changes);
	p->changes = NULL;
	return false;
}

/* NULL: out of memory. */
static struct document *
changes_of(struct reporter *p, const char *token)
{
	struct document *d;
	uint64_t since;

	if (!look_for_changes(p))
		return NULL;
	since = changes_since(p->changes, token);
	for (unsigned i = 0; i < DIFFERENCES; i++) {
		if (p->differences[i].document != NULL && p->differences[i].since == since)
			return p->differences[i].document;
	}
	d = document_new(p->looked);
	if (d == NULL)
		return NULL;
	changes_put(p->changes, p->start->conf, since, &d->out);
	d = document_made(d);
	p->difference = (p->difference + 1) % DIFFERENCES;
	let_go(p->differences[p->difference].document);
	p->differences[p->difference].since = since;
	p->differences[p->difference].document = d;
	return d;
}

/* --- answers --- */

static void
on_sent(void *ctx)
{
	let_go(ctx);
}

static void
reply_document(struct serve_request *r, enum path path, struct document *d)
{
	static const char *const types[PATH_COUNT] = {
	    "application/json",
	    "text/plain; version=0.0.4; charset=utf-8",
	    "text/plain; charset=utf-8",
	    "application/json",
	    "application/x-ndjson",
	};

	if (d == NULL) {
		serve_reply_text(r, 503, "out of memory\n");
		return;
	}
	d->users++;
	serve_reply(r,
	    &(struct serve_answer){.code = d->good ? 200 : 503,
		.type = types[path],
		.body = d->out.data,
		.len = d->out.len,
		.done = on_sent,
		.ctx = d});
}

static void
on_request(void *ctx, struct serve_request *r)
{
	static const char *const paths[PATHS] = {"/status", "/metrics", "/healthz", "/gaps"};
	struct reporter *p = ctx;
	char token[TOKEN_SIZE];

	for (unsigned i = 0; i < PATHS; i++) {
		if (strcmp(serve_path(r), paths[i]) != 0)
			continue;
		if (i == PATH_GAPS && serve_query(r, "since", token, sizeof(token)))
			reply_document(r, PATH_CHANGES, changes_of(p, token));
		else
			reply_document(r, (enum path)i, document_of(p, (enum path)i));
		return;
	}
	serve_reply_text(r, 404, "there are /status, /metrics, /gaps and /healthz\n");
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
	(void)!channel_send(p->channel, CHANNEL_ALIVE, NULL, 0, NULL, 0);
}

static bool
run(struct reporter *p)
{
	struct serve_limits limits = SERVE_LIMITS;
	enum err e = loop_new(&p->loop);

	limits.descriptors = SANDBOX_FDS;
	if (e == ERR_OK)
		e = serve_new(p->loop, p->start->socket, &limits, on_request, p, &p->serve);
	if (e == ERR_OK)
		e = serve_secure(p->serve, &p->secrets, NULL);
	serve_secrets_clear(&p->secrets);
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
	serve_free(p->serve);
	for (unsigned i = 0; i < PATHS; i++)
		let_go(p->latest[i]);
	forget_differences(p);
	changes_free(p->changes);
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
	if (start->secrets >= 0) {
		if (serve_secrets_unpack(start->secrets, &p->secrets) != ERR_OK) {
			msg_error("status: what its files held is lost");
			free(p);
			return EXIT_CANNOT;
		}
		(void)close(start->secrets);
	}
	good = sandbox_enter(SANDBOX_REPORTER, start->identity, -1) && sandbox_close() && run(p);
	free(p);
	return good ? EXIT_CLEAN : EXIT_CANNOT;
}
