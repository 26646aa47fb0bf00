/* SPDX-License-Identifier: ISC
 *
 * At first it asks each collector for the templates. What the life before it left in the rings waits until they
 * have come, for a second at most; templates that stand in there are learnt meanwhile. Then it is a loop
 * over what comes.
 */
#include "node/relay.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "base/msg.h"
#include "node/channel.h"
#include "node/feed.h"
#include "node/forward.h"
#include "base/loop.h"
#include "node/snapshot.h"

#define RECORDS_A_TURN 256
#define PRIME_NS NS_PER_SEC
#define PRIME_PAUSE_NS (20 * NS_PER_MSEC)
#define END_NS NS_PER_SEC /* for what waits in rings, and for readers, at the end */
#define END_PAUSE_NS (5 * NS_PER_MSEC)
#define STREAMS_MOST 16384
#define TEMPLATES_MOST 1024 /* of one stream */

enum { EXIT_CLEAN = 0, EXIT_CANNOT = 2 };

struct source {
	struct relay *relay;
	struct ring *ring;
	uint32_t wish;
	bool primed;
	uint64_t looked; /* as far as this ahead */
};

struct relay {
	const struct relay_start *start;
	int channel;
	struct loop *loop;
	struct loop_watch *prime;
	mono_t prime_until;
	struct source *sources; /* owned; one a lane */
	struct tmpl_cache *templates;
	struct forwards *forwards;
	struct feeds *feeds;
	struct msg_limit said_malformed;
	struct buf notice;
	struct channel_message message;
};

/* --- templates --- */

static void
learn_templates(struct relay *x, const struct record *r)
{
	struct rd body = rd_init(r->body, r->len);
	struct tmpl_def def;

	while (rd_left(&body) > 0 && tmpl_def_read(&body, &def) == ERR_OK) {
		if (tmpl_cache_put(x->templates, &def) != ERR_OK)
			return;
	}
}

static void
learn(struct relay *x, const struct record *r)
{
	struct stream_key key;
	struct proto_info info;

	if (r->type == RECORD_TEMPLATES) {
		learn_templates(x, r);
		return;
	}
	if (r->type != RECORD_DATAGRAM || proto_recognise(r->body, r->len, &info) != ERR_OK ||
	    (info.proto != PROTO_V9 && info.proto != PROTO_IPFIX))
		return;
	key = stream_key_of(&r->addr, r->port, &info);
	(void)!tmpl_cache_learn(x->templates, &key, &info, r->body, r->len);
}

/* --- datagrams --- */

static void
take(struct relay *x, const struct record *r, uint64_t lost_before, wall_t now, mono_t mono)
{
	if (x->feeds != NULL)
		learn(x, r);
	if (r->type != RECORD_DATAGRAM)
		return;
	forwards_send(x->forwards, r, mono);
	if (x->feeds != NULL)
		feeds_take(x->feeds, r, lost_before, now);
}

/* False: there is more. */
static bool
take_some(struct source *s, wall_t now)
{
	struct relay *x = s->relay;
	mono_t mono = mono_now();
	enum err e = ERR_OK;
	uint64_t lost, held;
	struct record r;

	for (int i = 0; i < RECORDS_A_TURN && e == ERR_OK; i++) {
		e = ring_take(s->ring, &r, &lost);
		if (e == ERR_OK)
			take(x, &r, lost, now, mono);
	}
	if (x->feeds != NULL)
		feeds_flush(x->feeds, now);
	if (e == ERR_MALFORMED && msg_limit_pass(&x->said_malformed, mono, &held))
		msg_error("relay: a collector wrote what it must not; passed over");
	return e == ERR_END;
}

static void
on_ring(void *ctx, wall_t now)
{
	struct source *s = ctx;

	if (!take_some(s, now) || !ring_sleep(s->ring))
		ring_poke(s->ring);
}

/* --- the beginning --- */

static bool
is_primed(struct source *s)
{
	struct record r;

	while (!s->primed && ring_look(s->ring, &s->looked, &r) == ERR_OK) {
		learn(s->relay, &r);
		s->primed = r.type == RECORD_TEMPLATES && r.len == 0 && r.sequence == s->wish;
	}
	return s->primed;
}

static enum err
begin(struct relay *x)
{
	enum err e = ERR_OK;

	loop_forget(x->loop, x->prime);
	x->prime = NULL;
	for (unsigned i = 0; e == ERR_OK && i < x->start->lanes; i++) {
		e = loop_on_readable(x->loop, ring_fd(x->sources[i].ring), on_ring, &x->sources[i], NULL);
		ring_poke(x->sources[i].ring);
	}
	return e;
}

static void
on_prime(void *ctx, wall_t now)
{
	struct relay *x = ctx;
	bool all = true;
	enum err e;

	(void)now;
	for (unsigned i = 0; i < x->start->lanes; i++)
		all &= is_primed(&x->sources[i]);
	if (!all && mono_now().ns < x->prime_until.ns)
		return;
	e = begin(x);
	if (e == ERR_OK)
		return;
	msg_error("relay: cannot begin: %s", err_text(e));
	loop_stop(x->loop);
}

/* --- what the parent says, and hears --- */

static void
put_up_notice(struct relay *x, wall_t now)
{
	const struct conf *conf = x->start->conf;

	buf_reset(&x->notice);
	snapshot_begin(&x->notice, now, mono_now(), 0, conf->forward_count + conf->feed_count);
	for (size_t i = 0; i < conf->forward_count; i++) {
		char text[CONF_LISTENER_TEXT_SIZE];

		snapshot_name(&x->notice, conf_forward_name(&conf->forwards[i], text));
	}
	for (size_t i = 0; i < conf->feed_count; i++)
		snapshot_name(&x->notice, conf->feeds[i].path);
	snapshot_put(&x->notice, METRIC_RELAY_RESTARTS, SNAPSHOT_ALL, x->start->restarts);
	forwards_put(x->forwards, &x->notice);
	if (x->feeds != NULL)
		feeds_put(x->feeds, &x->notice, (uint16_t)conf->forward_count);
	if (buf_ok(&x->notice))
		(void)!board_put(x->start->board, x->notice.data, x->notice.len);
	else
		buf_clear(&x->notice);
}

static void
on_second(void *ctx, wall_t now)
{
	struct relay *x = ctx;

	if (x->feeds != NULL)
		feeds_tick(x->feeds, now, mono_now());
	/* A collector that was killed may have put something in and woken nobody. */
	for (unsigned i = 0; x->prime == NULL && i < x->start->lanes; i++)
		ring_poke(x->sources[i].ring);
	if (x->start->conf->has_status)
		put_up_notice(x, now);
	(void)!channel_send(x->channel, CHANNEL_ALIVE, NULL, 0, NULL, 0);
}

static void
on_channel(void *ctx, wall_t now)
{
	struct relay *x = ctx;
	enum err e;

	(void)now;
	while ((e = channel_receive(x->channel, &x->message)) == ERR_OK) {
		if (x->message.kind == CHANNEL_STOP)
			loop_stop(x->loop);
		if (x->message.kind == CHANNEL_STATISTICS) {
			forwards_say(x->forwards);
			if (x->feeds != NULL)
				feeds_say(x->feeds);
		}
		channel_close_fds(&x->message);
	}
	if (e != ERR_LIMIT)
		loop_stop(x->loop);
}

/* --- life --- */

static enum err
open_feeds(struct relay *x)
{
	struct tmpl_cache_limits limits = {.streams = STREAMS_MOST, .templates = TEMPLATES_MOST};

	if (x->start->conf->feed_count == 0)
		return ERR_OK;
	if (getrandom(&limits.seed, sizeof(limits.seed), 0) != (ssize_t)sizeof(limits.seed))
		return ERR_SYSTEM;
	x->templates = tmpl_cache_new(&limits);
	if (x->templates == NULL)
		return ERR_MEMORY;
	return feeds_new(x->loop, x->start->conf, x->start->outputs->feed_fds, x->templates, &x->feeds);
}

static enum err
prepare(struct relay *x)
{
	enum err e = loop_new(&x->loop);

	x->sources = calloc(x->start->lanes, sizeof(*x->sources));
	if (e == ERR_OK && x->sources == NULL)
		e = ERR_MEMORY;
	if (e == ERR_OK)
		e = forwards_new(x->start->conf, x->start->outputs->forward_fds, &x->forwards);
	if (e == ERR_OK)
		e = open_feeds(x);
	if (e != ERR_OK)
		return e;
	for (unsigned i = 0; i < x->start->lanes; i++) {
		x->sources[i] = (struct source){.relay = x, .ring = x->start->rings[i]};
		/* Without feeds nothing is decoded. */
		x->sources[i].primed = x->feeds == NULL;
		if (x->feeds != NULL)
			x->sources[i].wish = ring_want(x->sources[i].ring);
	}
	x->prime_until.ns = mono_now().ns + PRIME_NS;
	return ERR_OK;
}

/* What is in the rings by now, and what readers take of it, for a little while. */
static void
finish(struct relay *x)
{
	const struct timespec pause = {.tv_nsec = END_PAUSE_NS};
	mono_t until = {mono_now().ns + END_NS};

	for (unsigned i = 0; i < x->start->lanes; i++) {
		while (!take_some(&x->sources[i], wall_now()) && mono_now().ns < until.ns)
			;
	}
	while (x->feeds != NULL && feeds_are_waiting(x->feeds) && mono_now().ns < until.ns) {
		(void)nanosleep(&pause, NULL);
		feeds_flush_all(x->feeds, wall_now());
	}
}

static bool
run(struct relay *x)
{
	enum err e = prepare(x);

	if (e == ERR_OK)
		e = loop_on_readable(x->loop, x->channel, on_channel, x, NULL);
	if (e == ERR_OK)
		e = loop_every(x->loop, NS_PER_SEC, on_second, x, NULL);
	if (e == ERR_OK)
		e = loop_every(x->loop, PRIME_PAUSE_NS, on_prime, x, &x->prime);
	if (e == ERR_OK)
		e = channel_send(x->channel, CHANNEL_STARTED, NULL, 0, NULL, 0);
	if (e == ERR_OK)
		e = loop_run(x->loop);
	if (e == ERR_OK)
		finish(x);
	else
		msg_error("relay: cannot run: %s", err_text(e));
	feeds_free(x->feeds);
	forwards_free(x->forwards);
	tmpl_cache_free(x->templates);
	loop_free(x->loop);
	free(x->sources);
	buf_clear(&x->notice);
	return e == ERR_OK;
}

int
relay_main(void *ctx, int channel)
{
	const struct relay_start *start = ctx;
	struct relay *x = calloc(1, sizeof(*x));
	bool good;

	if (x == NULL)
		return EXIT_CANNOT;
	x->start = start;
	x->channel = channel;
	x->said_malformed = (struct msg_limit)MSG_LIMIT_INIT(1, 60);
	board_for_writing(start->board);
	for (unsigned i = 0; i < start->lanes; i++) {
		ring_for_reading(start->rings[i]);
		board_free(start->boards[i]);
	}
	good = sandbox_enter(SANDBOX_RELAY, start->identity, -1) && sandbox_close() && run(x);
	free(x);
	return good ? EXIT_CLEAN : EXIT_CANNOT;
}
