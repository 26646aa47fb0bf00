/* SPDX-License-Identifier: ISC
 *
 * A datagram is decoded once a feed that somebody reads. Bytes go out when a batch of datagrams has been dealt with, and
 * whenever a reader's socket has room again.
 */
#include "node/feed.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/msg.h"
#include "flow/decode.h"
#include "flow/expr.h"
#include "flow/flow.h"
#include "node/feed_reader.h"
#include "node/snapshot.h"

#define TEMPLATES_AIM 32768 /* bytes of definitions in one record, about */
#define ACCEPT_A_TURN 16
#define FLUSH_AT ((size_t)64 << 10)

struct member {
	struct feeds *feeds;
	struct feed *feed;
	int fd;
	struct feed_reader reader;
	struct loop_watch *readable, *writable; /* writable: NULL while it takes what comes */
};

struct feed {
	struct feeds *feeds;
	const struct conf_feed *conf;
	int fd;
	struct loop_watch *watch; /* NULL: no more can be accepted for the time being */
	struct expr *expr;        /* owned; NULL: everything */
	unsigned readers;
	uint64_t refused, given, lost; /* of readers that have gone */
	struct msg_limit said_lost, said_refused;
};

struct feeds {
	struct loop *loop;
	const struct conf *conf;
	struct tmpl_cache *templates;
	struct feed *all; /* owned */
	size_t count;
	struct member *members[FEED_READERS_MOST]; /* owned; the first member_count */
	size_t member_count;
	struct buf text; /* of the datagram at hand */
	mono_t mono;     /* at the last tick */
};

/* --- readers --- */

static void
forget(struct member *m)
{
	struct feeds *f = m->feeds;
	size_t i = 0;

	while (f->members[i] != m)
		i++;
	f->members[i] = f->members[--f->member_count];
	loop_forget(f->loop, m->readable);
	loop_forget(f->loop, m->writable);
	(void)close(m->fd);
	m->feed->readers--;
	m->feed->given += m->reader.all_given;
	m->feed->lost += m->reader.all_lost;
	feed_reader_clear(&m->reader);
	free(m);
}

static void on_writable(void *ctx, wall_t now);

/* True while it is there. */
static bool
flush(struct member *m, wall_t now)
{
	struct feed_reader *r = &m->reader;
	bool full = false;

	feed_reader_tell(r, now);
	while (buf_ok(&r->out) && feed_reader_waiting(r) > 0 && !full) {
		ssize_t n = write(m->fd, r->out.data + r->at, feed_reader_waiting(r));

		if (n > 0)
			feed_reader_gone(r, (size_t)n);
		else if (n < 0 && errno != EAGAIN && errno != EINTR) {
			forget(m);
			return false;
		} else {
			full = n == 0 || errno == EAGAIN;
		}
		feed_reader_tell(r, now);
	}
	if (!buf_ok(&r->out)) {
		msg_error("feed %s: out of memory: a reader is let go", m->feed->conf->path);
		forget(m);
		return false;
	}
	if (full && m->writable == NULL &&
	    loop_on_writable(m->feeds->loop, m->fd, on_writable, m, &m->writable) != ERR_OK) {
		forget(m);
		return false;
	}
	if (!full && m->writable != NULL) {
		loop_forget(m->feeds->loop, m->writable);
		m->writable = NULL;
	}
	return true;
}

static void
on_writable(void *ctx, wall_t now)
{
	(void)flush(ctx, now);
}

/* A reader has nothing to say; that it has gone is seen here. */
static void
on_readable(void *ctx, wall_t now)
{
	struct member *m = ctx;
	uint8_t ignored[4096];
	ssize_t n = recv(m->fd, ignored, sizeof(ignored), MSG_DONTWAIT);

	(void)now;
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		forget(m);
}

/* --- what a reader of records begins with --- */

struct definitions {
	struct feed_reader *reader;
	struct buf *body;
	wall_t now;
};

static enum err
each_definition(void *ctx, const struct tmpl_def *def)
{
	struct definitions *d = ctx;

	if (d->body->len > 0 && d->body->len + def->len > TEMPLATES_AIM) {
		feed_reader_templates(d->reader, d->body->data, d->body->len, d->now);
		buf_reset(d->body);
	}
	tmpl_def_write(d->body, def);
	return buf_ok(d->body) ? ERR_OK : ERR_MEMORY;
}

static void
give_templates(struct feeds *f, struct feed_reader *r, wall_t now)
{
	struct buf body = BUF_INIT;
	struct definitions d = {.reader = r, .body = &body, .now = now};

	if (tmpl_cache_each(f->templates, each_definition, &d) == ERR_OK && buf_ok(&body))
		feed_reader_templates(r, body.data, body.len, now);
	buf_clear(&body);
}

static bool
begin(struct feed *feed, struct feed_reader *r, wall_t now)
{
	struct segment_header head = {.time = now};

	/* Its own: who reads one feed must not be able to make records that another reader's tools believe. */
	if (getrandom(&head.incarnation, sizeof(head.incarnation), 0) != (ssize_t)sizeof(head.incarnation))
		return false;
	memcpy(head.cluster, feed->feeds->conf->cluster, sizeof(feed->feeds->conf->cluster));
	memcpy(head.node, feed->feeds->conf->node, sizeof(feed->feeds->conf->node));
	feed_reader_begin(r, (enum conf_feed_format)feed->conf->format, &head);
	if (feed->conf->format == CONF_FEED_RECORDS)
		give_templates(feed->feeds, r, now);
	return true;
}

_Static_assert(FEED_READERS_MOST == 32, "as the message says");

static void
welcome(struct feed *feed, int fd, wall_t now)
{
	struct feeds *f = feed->feeds;
	struct member *m = f->member_count < FEED_READERS_MOST ? calloc(1, sizeof(*m)) : NULL;
	uint64_t held;

	if (m == NULL || !begin(feed, &m->reader, now) ||
	    loop_on_readable(f->loop, fd, on_readable, m, &m->readable) != ERR_OK) {
		feed->refused++;
		if (msg_limit_pass(&feed->said_refused, f->mono, &held))
			msg_warn("feed %s: a reader is refused: %s", feed->conf->path,
			    m == NULL && f->member_count == FEED_READERS_MOST ? "there are 32 already"
									      : "out of memory");
		if (m != NULL)
			feed_reader_clear(&m->reader);
		free(m);
		(void)close(fd);
		return;
	}
	m->feeds = f;
	m->feed = feed;
	m->fd = fd;
	f->members[f->member_count++] = m;
	feed->readers++;
	(void)flush(m, now);
}

static void
on_connection(void *ctx, wall_t now)
{
	struct feed *feed = ctx;

	for (int i = 0; i < ACCEPT_A_TURN; i++) {
		int fd = accept4(feed->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			welcome(feed, fd, now);
			continue;
		}
		/* Without a descriptor the loop would ask again at once; feeds_tick goes on. */
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
			loop_forget(feed->feeds->loop, feed->watch);
			feed->watch = NULL;
		}
		return;
	}
}

/* --- datagrams --- */

struct known {
	struct tmpl_cache *templates;
	struct stream_key stream;
};

static const struct tmpl *
resolve(void *ctx, unsigned ordinal, uint16_t id, bool *ret_late)
{
	struct known *k = ctx;

	(void)ordinal;
	(void)ret_late;
	return tmpl_cache_get(k->templates, &k->stream, id);
}

/* The place where a policy of the node, which keeps a part of what the log would hold, is to have its say: before the
 * expression, and in give() for the body of a record. */
static bool
shows(struct feed *feed, const struct flow *f, const struct flow_context *c)
{
	return feed->expr == NULL || (!f->options && expr_match(feed->expr, f, c, 0));
}

/* All flows that the feed shows, as text, or whether there is one: then text is NULL. */
static bool
show(struct feed *feed, const struct record *r, const struct proto_info *info, struct buf *text)
{
	struct known known = {
	    .templates = feed->feeds->templates, .stream = stream_key_of(&r->addr, r->port, info)};
	struct flow_context context = {.exporter = r->addr, .port = r->port, .received = r->time};
	struct decode d;
	struct flow f;
	bool any = false;

	if (feed->expr != NULL)
		expr_datagram(feed->expr);
	decode_init(&d, r->body, r->len, info, resolve, &known);
	while ((text != NULL || !any) && decode_next(&d, &f) == ERR_OK) {
		if (!shows(feed, &f, &context))
			continue;
		any = true;
		if (text != NULL)
			flow_json(&f, &context, text);
	}
	return any;
}

/* Template and options sets, without which what comes later cannot be read. */
static bool
has_definitions(const struct record *r, const struct proto_info *info)
{
	struct sets sets;
	struct set set;

	if (info->proto != PROTO_V9 && info->proto != PROTO_IPFIX)
		return false;
	sets_init(&sets, info, r->body, r->len);
	while (sets_next(&sets, &set) == ERR_OK) {
		if (set.kind == SET_TEMPLATE || set.kind == SET_OPTIONS_TEMPLATE)
			return true;
	}
	return false;
}

static void
give(struct feed *feed, const struct record *r, const struct proto_info *info)
{
	struct feeds *f = feed->feeds;
	bool json = feed->conf->format == CONF_FEED_JSON;

	buf_reset(&f->text);
	if (json && !show(feed, r, info, &f->text))
		return;
	if (!json && feed->expr != NULL && !has_definitions(r, info) && !show(feed, r, info, NULL))
		return;
	if (!buf_ok(&f->text)) { /* the lines of this datagram, whose number is not known */
		buf_clear(&f->text);
		return;
	}
	for (size_t i = 0; i < f->member_count; i++) {
		if (f->members[i]->feed != feed)
			continue;
		if (json)
			feed_reader_lines(&f->members[i]->reader, f->text.data, f->text.len, r->time);
		else
			feed_reader_record(&f->members[i]->reader, r);
	}
}

/* Those for whom as much waits, but for those who had no room lately. */
static void
flush_those(struct feeds *f, size_t least, wall_t now)
{
	for (size_t i = f->member_count; i-- > 0;) { /* from the end: one that goes is replaced by the last */
		struct member *m = f->members[i];

		if (m->writable == NULL && feed_reader_waiting(&m->reader) >= least)
			(void)flush(m, now);
	}
}

void
feeds_take(struct feeds *f, const struct record *datagram, uint64_t lost_before, wall_t now)
{
	struct proto_info info;

	if (f->member_count == 0)
		return;
	for (size_t i = 0; i < f->member_count; i++)
		feed_reader_miss(&f->members[i]->reader, lost_before, datagram->time);
	if (proto_recognise(datagram->body, datagram->len, &info) != ERR_OK)
		return;
	for (size_t i = 0; i < f->count; i++) {
		if (f->all[i].readers > 0)
			give(&f->all[i], datagram, &info);
	}
	flush_those(f, FLUSH_AT, now);
}

void
feeds_flush(struct feeds *f, wall_t now)
{
	flush_those(f, 0, now);
}

void
feeds_flush_all(struct feeds *f, wall_t now)
{
	for (size_t i = f->member_count; i-- > 0;)
		(void)flush(f->members[i], now);
}

bool
feeds_are_waiting(const struct feeds *f)
{
	for (size_t i = 0; i < f->member_count; i++) {
		if (feed_reader_waiting(&f->members[i]->reader) > 0)
			return true;
	}
	return false;
}

/* --- every second --- */

static uint64_t
sum_given(const struct feeds *f, const struct feed *feed, uint64_t *ret_lost)
{
	uint64_t given = feed->given, lost = feed->lost;

	for (size_t i = 0; i < f->member_count; i++) {
		if (f->members[i]->feed != feed)
			continue;
		given += f->members[i]->reader.all_given;
		lost += f->members[i]->reader.all_lost;
	}
	*ret_lost = lost;
	return given;
}

void
feeds_tick(struct feeds *f, wall_t now, mono_t mono)
{
	f->mono = mono;
	feeds_flush(f, now);
	for (size_t i = 0; i < f->count; i++) {
		struct feed *feed = &f->all[i];

		if (feed->watch == NULL)
			(void)!loop_on_readable(f->loop, feed->fd, on_connection, feed, &feed->watch);
	}
	for (size_t i = 0; i < f->member_count; i++) {
		struct feed *feed = f->members[i]->feed;
		uint64_t held;

		if (f->members[i]->reader.lost > 0 && msg_limit_pass(&feed->said_lost, mono, &held))
			msg_warn("feed %s: a reader does not keep up: it has lost %" PRIu64 " %s",
			    feed->conf->path, f->members[i]->reader.all_lost,
			    feed->conf->format == CONF_FEED_JSON ? "lines" : "records");
	}
}

void
feeds_put(const struct feeds *f, struct buf *b, uint16_t first)
{
	for (size_t i = 0; i < f->count; i++) {
		uint16_t name = (uint16_t)(first + i);
		uint64_t lost, given = sum_given(f, &f->all[i], &lost);

		snapshot_put(b, METRIC_FEED_READERS, name, f->all[i].readers);
		snapshot_put(b, METRIC_FEED_REFUSED, name, f->all[i].refused);
		snapshot_put(b, METRIC_FEED_SENT, name, given);
		snapshot_put(b, METRIC_FEED_LOST, name, lost);
	}
}

void
feeds_say(const struct feeds *f)
{
	for (size_t i = 0; i < f->count; i++) {
		uint64_t lost, given = sum_given(f, &f->all[i], &lost);

		msg_info("feed %s: %u readers, %" PRIu64 " %s given, %" PRIu64 " lost", f->all[i].conf->path,
		    f->all[i].readers, given, f->all[i].conf->format == CONF_FEED_JSON ? "lines" : "records",
		    lost);
	}
}

/* --- life --- */

static enum err
open_feed(struct feed *feed)
{
	struct expr_error error;
	enum err e = ERR_OK;

	if (feed->conf->expression != NULL)
		e = expr_parse(feed->conf->expression, NULL, &feed->expr, &error);
	if (e == ERR_OK)
		e = loop_on_readable(feed->feeds->loop, feed->fd, on_connection, feed, &feed->watch);
	return e;
}

enum err
feeds_new(struct loop *loop, const struct conf *conf, const int *fds, struct tmpl_cache *templates,
    struct feeds **ret)
{
	struct feeds *f = calloc(1, sizeof(*f));
	enum err e = ERR_OK;

	if (f == NULL)
		return ERR_MEMORY;
	f->loop = loop;
	f->conf = conf;
	f->templates = templates;
	f->all = calloc(conf->feed_count + 1, sizeof(*f->all));
	if (f->all == NULL)
		e = ERR_MEMORY;
	while (e == ERR_OK && f->count < conf->feed_count) {
		struct feed *feed = &f->all[f->count];

		*feed = (struct feed){.feeds = f,
		    .conf = &conf->feeds[f->count],
		    .fd = fds[f->count],
		    .said_lost = MSG_LIMIT_INIT(1, 60),
		    .said_refused = MSG_LIMIT_INIT(1, 60)};
		f->count++;
		e = open_feed(feed);
	}
	if (e != ERR_OK) {
		feeds_free(f);
		return e;
	}
	*ret = f;
	return ERR_OK;
}

void
feeds_free(struct feeds *f)
{
	if (f == NULL)
		return;
	while (f->member_count > 0)
		forget(f->members[0]);
	for (size_t i = 0; i < f->count; i++) {
		loop_forget(f->loop, f->all[i].watch);
		expr_free(f->all[i].expr);
	}
	free(f->all);
	buf_clear(&f->text);
	free(f);
}
