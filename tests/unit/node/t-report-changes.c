/* SPDX-License-Identifier: ISC
 *
 * Differences between a node's answers: whoever follows them, at whatever pace, however many get lost, knows at the end what one knows who is
 * told all each time.
 */
#include "node/report_changes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/accounts.h"
#include "node/intake.h"
#include "tests/tap.h"

#define STREAMS 4
#define MOST 4000 /* datagrams of a life */
#define T0 ((int64_t)1800000000 * NS_PER_SEC)
#define FOLLOWERS 3

/* What somebody knows of a stream, as flowbraidd(8) has it. */
struct known {
	int64_t id; /* 0: nothing */
	int64_t first, next, datagrams, units, last_ns;
	char whole[600]; /* what was told with all */
	bool heard[MOST];
};

struct follower {
	char token[64];
	struct known streams[STREAMS]; /* by port */
};

static struct stream streams[STREAMS];
static struct tmpl_cache *templates;
static struct intake in;
static struct board *board, *empty;
static struct conf conf = {.cluster = "c", .node = "a"};
static struct changes *changes;
static struct follower all[FOLLOWERS], parts[FOLLOWERS];
static wall_t now, started;
static uint64_t seed;
static int64_t last_from; /* of a row */
static uint64_t rows, wholes, joined, resets, bytes, bytes_all;

static unsigned
draw(unsigned n)
{
	seed = seed * 6364136223846793005U + 1442695040888963407U;
	return (unsigned)(seed >> 33) % n;
}

/* --- the node --- */

static uint32_t sent[STREAMS], boots[STREAMS];
static bool lost[STREAMS][MOST];

static void
hear(unsigned i, uint32_t number)
{
	const struct seq_rules rules = seq_rules_for(PROTO_V9);
	const struct seq_heard h = {
	    .item = {.sequence = number,
		.units = 1,
		.uptime_ms = 1000 + 100 * number,
		.clock_ns = T0 + boots[i] * 1000 * NS_PER_SEC + (int64_t)number * 100 * NS_PER_MSEC,
		.data = true,
		.tag = number + 1000003U * boots[i]},
	    .received_ns = now.ns};

	seq_live_take(&streams[i].account.live, &in.streams.room.gaps, &rules, &h);
	streams[i].heard = now;
	streams[i].datagrams++;
}

static void export(unsigned i)
{
	uint32_t number = sent[i]++;

	if ((lost[i][number] = draw(6) == 0))
		return;
	hear(i, number);
}

static void
export_late(unsigned i)
{
	uint32_t back = draw(60) + 1;

	if (back > sent[i] || !lost[i][sent[i] - back])
		return;
	lost[i][sent[i] - back] = false;
	hear(i, sent[i] - back);
}

static void
begin_again(unsigned i)
{
	boots[i]++;
	sent[i] = 0;
	resets++;
	memset(lost[i], 0, sizeof(lost[i]));
}

static void
forget(unsigned i)
{
	seq_live_clear(&streams[i].account.live, &in.streams.room.gaps);
	streams[i].account = (struct account){.records = 0};
	streams[i].datagrams = 0;
}

static void
put(void)
{
	struct buf head = BUF_INIT;

	snapshot_begin(&head, now, (mono_t){now.ns}, 0, 0);
	accounts_put(board, &head, started, &in);
	buf_clear(&head);
}

/* --- those who follow --- */

static void
take_ranges(struct known *k, int64_t from, int64_t next, const char *at)
{
	int64_t pos = from, told = k->next;
	char *end;

	for (;;) {
		int64_t skip = strtoll(at, &end, 10), length, missing;

		if (end == at)
			break;
		length = missing = strtoll(end + 1, &end, 10);
		if (length < 0) {
			length = -length;
			missing = strtoll(end + 1, &end, 10);
			joined++;
		}
		at = *end == ',' ? end + 1 : end;
		for (; skip > 0; skip--)
			k->heard[pos++ - k->first] = true;
		for (; length > 0; length--, pos++) {
			if (missing < length && pos >= told)
				k->heard[pos - k->first] = true;
		}
	}
	for (; pos < next; pos++)
		k->heard[pos - k->first] = true;
	k->next = next;
}

static int64_t
number(const char *line, const char *key)
{
	char text[32];
	const char *at;

	(void)snprintf(text, sizeof(text), "\"%s\":", key);
	at = strstr(line, text);
	return at != NULL ? strtoll(at + strlen(text), NULL, 10) : -1;
}

static void
take_whole(struct follower *f, const char *line)
{
	struct known *k = &f->streams[number(line, "exporterPort")], was = *k;
	const char *last = strstr(line, "\"lastHeard\"");

	wholes++;
	k->id = number(line, "id");
	k->first = strstr(line, "\"first\":null") != NULL ? 0 : number(line, "first");
	k->datagrams = number(line, "datagrams");
	k->units = number(line, "heard");
	k->last_ns = number(line, "lastHeard");
	(void)snprintf(k->whole, sizeof(k->whole), "%.*s", (int)(last - line), line);
	if (was.id != k->id || was.first != k->first || number(was.whole, "epoch") != number(line, "epoch")) {
		memset(k->heard, 0, sizeof(k->heard));
		k->next = k->first;
	}
	if (strstr(line, "\"first\":null") == NULL)
		take_ranges(k, k->first, number(line, "next"), strstr(line, "\"missing\":[") + 11);
}

static void
take_row(struct follower *f, const char *line)
{
	int64_t id = 0, next = 0, datagrams = 0, units = 0, last = 0, from = 0;
	int at = 0;

	rows++;
	(void)sscanf(line, "[%" SCNi64 ",%" SCNi64 ",%" SCNi64 ",%" SCNi64 ",%" SCNi64 ",%" SCNi64 "%n", &id,
	    &next, &datagrams, &units, &last, &from, &at);
	last_from = from;
	for (unsigned i = 0; i < STREAMS; i++) {
		struct known *k = &f->streams[i];

		if (k->id != id)
			continue;
		k->datagrams = datagrams;
		k->units = units;
		k->last_ns = last;
		if (strstr(k->whole, "\"first\":null") == NULL)
			take_ranges(k, from, next, line + at + (line[at] == ','));
	}
}

static void
take_gone(struct follower *f, const char *line)
{
	for (const char *at = strchr(line, '[') + 1; *at != ']'; at += strcspn(at, ",]"), at += *at == ',') {
		for (unsigned i = 0; i < STREAMS; i++) {
			if (f->streams[i].id == strtoll(at, NULL, 10))
				f->streams[i].id = 0;
		}
	}
}

/* all: as if nothing was known. */
static void
ask(struct follower *f, bool whole, bool arrives)
{
	struct buf out = BUF_INIT;
	const char *token;
	char *rest;

	changes_put(changes, &conf, changes_since(changes, whole ? "" : f->token), &out);
	buf_u8(&out, 0);
	if (f == &parts[0])
		bytes += out.len;
	if (f == &all[0])
		bytes_all += out.len;
	if (!arrives) {
		buf_clear(&out);
		return;
	}
	rest = (char *)out.data;
	if (strstr(rest, "\"since\":null") != NULL) {
		for (unsigned i = 0; i < STREAMS; i++)
			f->streams[i].id = f->streams[i].id != 0 ? -f->streams[i].id : 0;
	}
	token = strstr(rest, "\"token\":\"") + 9;
	(void)snprintf(f->token, sizeof(f->token), "%.*s", (int)strcspn(token, "\""), token);
	for (char *line; (line = strsep(&rest, "\n")) != NULL && *line != '\0';) {
		if (*line == '[')
			take_row(f, line);
		else if (strncmp(line, "{\"gone\"", 7) == 0)
			take_gone(f, line);
		else if (strncmp(line, "{\"id\"", 5) == 0) {
			struct known *k = &f->streams[number(line, "exporterPort")];

			if (k->id == -number(line, "id"))
				k->id = -k->id;
			take_whole(f, line);
		}
	}
	for (unsigned i = 0; i < STREAMS; i++)
		f->streams[i].id = f->streams[i].id < 0 ? 0 : f->streams[i].id;
	buf_clear(&out);
}

static bool
same(const struct known *a, const struct known *b)
{
	if (a->id == 0 && b->id == 0)
		return true;
	return a->id == b->id && a->first == b->first && a->next == b->next && a->datagrams == b->datagrams &&
	    a->units == b->units && a->last_ns == b->last_ns && strcmp(a->whole, b->whole) == 0 &&
	    memcmp(a->heard, b->heard, sizeof(a->heard)) == 0;
}

static bool
look(void)
{
	struct board *boards[1] = {empty}, *accounts[1] = {board};
	const struct report r = {
	    .conf = &conf, .boards = boards, .accounts = accounts, .lanes = 1, .relay = empty, .now = now};

	return changes_look(changes, &r);
}

/* --- a history --- */

static void
begin(unsigned long n)
{
	seed = n * 2654435761U + 1;
	now.ns = T0;
	started = now;
	memset(streams, 0, sizeof(streams));
	memset(all, 0, sizeof(all));
	memset(parts, 0, sizeof(parts));
	memset(sent, 0, sizeof(sent));
	memset(boots, 0, sizeof(boots));
	memset(lost, 0, sizeof(lost));
	in.templates = templates;
	in.streams.all = streams;
	in.streams.count = STREAMS;
	in.streams.room = (struct account_room){.gaps.most = draw(2) ? 100000 : 16 + draw(100)};
	for (unsigned i = 0; i < STREAMS; i++) {
		streams[i].numbering = NUMBERING_NONE;
		streams[i].key = (struct stream_key){
		    .exporter = addr_v4(0xc0000201), .port = (uint16_t)i, .proto = PROTO_V9};
	}
	changes = changes_new(n + 1);
	if (changes == NULL)
		abort();
}

static void
end(void)
{
	for (unsigned i = 0; i < STREAMS; i++)
		forget(i);
	changes_free(changes);
}

static bool
history(unsigned long n)
{
	bool good = true;

	begin(n);
	for (unsigned second = 0; second < 120 && good; second++) {
		now.ns += NS_PER_SEC;
		for (unsigned i = 0; i < STREAMS; i++) {
			for (unsigned k = draw(4) > 0 ? draw(25) : 0; k > 0; k--)
				export(i);
			if (draw(3) == 0)
				export_late(i);
			seq_live_time(&streams[i].account.live, now.ns);
			if (draw(60) == 0)
				begin_again(i);
			if (draw(80) == 0)
				forget(i);
		}
		in.streams.count = draw(10) > 0 ? STREAMS : STREAMS - 1;
		if (draw(100) == 0)
			started = now;
		put();
		good = look();
		for (unsigned f = 0; f < FOLLOWERS && good; f++) {
			bool arrives = draw(8) > 0;

			if (draw(4 * f + 1) > 0) /* the others at their own pace */
				continue;
			ask(&all[f], true, arrives);
			ask(&parts[f], false, arrives);
			for (unsigned i = 0; i < STREAMS; i++) {
				if (!same(&all[f].streams[i], &parts[f].streams[i])) {
					printf("# seed %lu, second %u, follower %u, stream %u\n", n, second,
					    f, i);
					good = false;
				}
			}
		}
	}
	end();
	return good;
}

/* That ranges are joined is not worth a word to who was told of each. */
static void
test_joining(void)
{
	uint64_t were = 0;
	bool good = true;

	begin(1);
	in.streams.room.gaps.most = 16;
	joined = 0;
	for (unsigned second = 0; second < 60; second++) {
		int64_t next = parts[0].streams[0].next;

		now.ns += NS_PER_SEC;
		for (unsigned k = 0; k < 10; k++) {
			lost[0][sent[0]] = k % 5 == 3;
			if (k % 5 != 3)
				hear(0, sent[0]);
			sent[0]++;
		}
		seq_live_time(&streams[0].account.live, now.ns);
		put();
		good = look() && good;
		rows = 0;
		ask(&all[0], true, true);
		were += joined;
		joined = 0;
		ask(&parts[0], false, true);
		good = good && (second < 5 || (rows == 1 && last_from >= next));
	}
	ok(good && were > 0 && joined == 0, "joined ranges are not told again");
	end();
}

static void
test_tokens(void)
{
	begin(0);
	now.ns += NS_PER_SEC;
	export(0);
	put();
	ok(look(), "a look");
	ask(&parts[0], false, true);
	is_text(parts[0].token, "1-1", "a token");
	is_u64(changes_since(changes, "1-1"), 1, "is known");
	is_u64(changes_since(changes, ""), 0, "none");
	is_u64(changes_since(changes, "1-2"), 0, "of the future");
	is_u64(changes_since(changes, "2-1"), 0, "of another life");
	is_u64(changes_since(changes, "1-1x") + changes_since(changes, "1") + changes_since(changes, "-") +
		changes_since(changes, "1-99999999999999999999999"),
	    0, "broken");
	started.ns++;
	put();
	ok(look(), "a collector begins");
	is_u64(changes_since(changes, "1-1"), 0, "no difference from what was before");
	end();
}

int
main(int argc, char **argv)
{
	const struct tmpl_cache_limits limits = {.streams = 10, .templates = 10};
	unsigned long from = argc > 1 ? strtoul(argv[1], NULL, 10) : 1,
		      count = argc > 2 ? strtoul(argv[2], NULL, 10) : 200;
	unsigned bad = 0;

	if ((templates = tmpl_cache_new(&limits)) == NULL || board_new(ACCOUNTS_ROOM, &board) != ERR_OK ||
	    board_new(SNAPSHOT_ROOM, &empty) != ERR_OK)
		abort();
	test_tokens();
	test_joining();
	for (unsigned long i = from; i < from + count; i++)
		bad += !history(i);
	is_u64(bad, 0, "%lu histories", count);
	ok(3 * bytes < bytes_all, "differences are a small part of all");
	ok(rows > 10 * count && joined > count && resets > count, "with all that there is");
	printf("# %" PRIu64 " rows, %" PRIu64 " told whole, %" PRIu64 " joined ranges, %" PRIu64
	       " of %" PRIu64 " bytes\n",
	    rows, wholes, joined, bytes, bytes_all);
	board_free(board);
	board_free(empty);
	tmpl_cache_free(templates);
	return done_testing();
}
