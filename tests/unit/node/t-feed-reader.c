/* SPDX-License-Identifier: ISC
 *
 * Readers that read well, slowly and not at all: what they get and what they are told of as lost is all that there was, in
 * whole lines and whole records, and memory has its limit.
 */
#include "node/feed_reader.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log/check.h"
#include "log/event.h"
#include "tests/tap.h"

static const struct segment_header head = {.cluster = "c", .node = "n", .incarnation = 77, .time = {5}};
static struct buf got = BUF_INIT; /* what the reader has read */

static void
read_some(struct feed_reader *r, size_t most)
{
	size_t len = feed_reader_waiting(r);

	len = len < most ? len : most;
	buf_bytes(&got, r->out.data + r->at, len);
	feed_reader_gone(r, len);
}

static uint64_t
random_below(uint64_t n)
{
	static uint64_t seed = 9;

	seed = seed * 6364136223846793005U + 1442695040888963407U;
	return (seed >> 33) % n;
}

/* --- lines: {"n":NUMBER,"x":"..."} --- */

static uint64_t
put_lines(struct feed_reader *r, uint64_t first, unsigned count, size_t filler)
{
	struct buf text = BUF_INIT;

	for (unsigned i = 0; i < count; i++) {
		buf_printf(&text, "{\"n\":%llu,\"x\":\"", (unsigned long long)(first + i));
		for (size_t k = 0; k < filler; k++)
			buf_u8(&text, 'x');
		buf_text(&text, "\"}\n");
	}
	feed_reader_lines(r, text.data, text.len, (wall_t){(int64_t)first});
	buf_clear(&text);
	return first + count;
}

/* Lines and losses are to be in order: each number is the one before and what was lost between. */
static void
check_lines(uint64_t all, uint64_t want_missed, const char *name)
{
	char *at = (char *)got.data, *end;
	uint64_t next = 0, missed = 0, lost;
	bool good = true;

	buf_u8(&got, 0);
	for (; good && *at != '\0'; at = end + 1) {
		end = strchr(at, '\n');
		if (end == NULL) {
			good = false;
			break;
		}
		*end = '\0';
		if (strncmp(at, "{\"n\":", 5) == 0) {
			good = strtoull(at + 5, NULL, 10) == next && end[-1] == '}';
			next++;
			continue;
		}
		lost = 0;
		if (strncmp(at, "{\"lost\":", 8) == 0)
			lost = strtoull(at + 8, NULL, 10);
		if (strstr(at, "\"lostDatagrams\":") != NULL)
			missed += strtoull(strstr(at, "\"lostDatagrams\":") + 16, NULL, 10);
		good = end[-1] == '}' && (lost > 0 || strncmp(at, "{\"lostD", 7) == 0);
		next += lost;
	}
	if (!ok(good, "%s: whole lines, in order, with what is lost between them", name))
		printf("# %.60s, after %llu\n", at, (unsigned long long)next);
	is_u64(next, all, "%s: lines and losses are all that there was", name);
	is_u64(missed, want_missed, "%s: datagrams that never came as far", name);
	buf_clear(&got);
}

static void
finish(struct feed_reader *r)
{
	while (feed_reader_waiting(r) > 0) {
		read_some(r, 100000);
		feed_reader_tell(r, (wall_t){1});
	}
}

static void
test_lines(void)
{
	struct feed_reader r;
	uint64_t n = 0, missed = 0;
	size_t most = 0;

	feed_reader_begin(&r, CONF_FEED_JSON, &head);
	for (unsigned i = 0; i < 1000; i++) {
		n = put_lines(&r, n, 30, 200);
		read_some(&r, SIZE_MAX);
	}
	is_u64(r.all_lost, 0, "a reader that reads loses nothing");
	is_u64(r.all_given, n, "and what it was given is counted");
	check_lines(n, 0, "reading");

	n = 0;
	feed_reader_clear(&r);
	feed_reader_begin(&r, CONF_FEED_JSON, &head);
	for (unsigned i = 0; i < 3000; i++) {
		n = put_lines(&r, n, 30, 200);
		most = r.out.len > most ? r.out.len : most;
	}
	ok(r.all_lost > 0 && r.all_given > 0, "one that does not read loses");
	is_u64(r.all_given + r.all_lost, n, "given and lost are all");
	ok(most <= FEED_READER_MOST, "what waits for it has a limit");
	finish(&r);
	check_lines(n, 0, "not reading");

	n = 0;
	feed_reader_clear(&r);
	feed_reader_begin(&r, CONF_FEED_JSON, &head);
	for (unsigned i = 0; i < 20000; i++) {
		if (random_below(50) == 0) {
			feed_reader_miss(&r, i % 3, (wall_t){1});
			missed += i % 3;
		}
		n = put_lines(&r, n, (unsigned)random_below(40), random_below(400));
		most = r.out.len > most ? r.out.len : most;
		if (random_below(4) == 0)
			read_some(&r, random_below(20000));
		if (random_below(2000) == 0)
			read_some(&r, SIZE_MAX);
	}
	ok(r.all_lost > 0, "one that is slow loses");
	ok(most <= FEED_READER_MOST / 8 * 9 + 200, "what waits for it has a limit");
	finish(&r);
	is_u64(r.all_given + r.all_lost, n, "given and lost are all");
	check_lines(n, missed, "slow");
	feed_reader_clear(&r);
}

/* --- records --- */

static void
put_record(struct feed_reader *r, uint64_t number)
{
	static uint8_t body[2000];
	const struct record record = {.type = RECORD_DATAGRAM,
	    .port = 7,
	    .time = {(int64_t)number},
	    .addr = addr_v4(0xc0000201),
	    .body = body,
	    .len = (uint32_t)(number % sizeof(body))};

	body[0] = (uint8_t)number;
	feed_reader_record(r, &record);
}

static void
check_records(uint64_t all, uint64_t want_missed)
{
	char path[] = "/tmp/t-feed-reader-XXXXXX";
	int fd = mkstemp(path);
	uint64_t next = 0, lost = 0;
	struct finding finding;
	enum check_step step;
	struct record r;
	struct event e;
	struct check *c;
	bool good = true;

	if (fd < 0 || write(fd, got.data, got.len) != (ssize_t)got.len ||
	    check_open(fd, true, false, &c) != ERR_OK)
		abort();
	(void)unlink(path);
	while ((step = check_next(c, &r, &finding)) == CHECK_RECORD) {
		if (r.type == RECORD_DATAGRAM) {
			good &= (uint64_t)r.time.ns == next + lost - want_missed || want_missed > 0;
			next++;
		} else if (r.type == RECORD_EVENT) {
			good &= event_init(&e, r.body, r.len) && e.kind == EVENT_LOG_DROP;
			lost += event_u64(&e, EVENT_KEY_COUNT, 0);
			good &= event_u64(&e, EVENT_KEY_FROM, 0) <= event_u64(&e, EVENT_KEY_TO, 0);
		}
	}
	ok(good && step == CHECK_END, "a segment without damage, with events of what was lost");
	is_text(check_header(c)->node, "n", "of this node");
	is_u64(next + lost, all + want_missed, "records and losses are all that there was");
	ok(lost > 0 && next > 0, "some of either");
	check_close(c);
	(void)close(fd);
	buf_clear(&got);
}

static void
test_records(uint64_t missed)
{
	struct feed_reader r;
	uint64_t n = 0;

	feed_reader_begin(&r, CONF_FEED_RECORDS, &head);
	feed_reader_templates(&r, "x", 1, (wall_t){3});
	for (unsigned i = 0; i < 30000; i++) {
		if (i == 20000)
			feed_reader_miss(&r, missed, (wall_t){(int64_t)i});
		put_record(&r, n++);
		if (random_below(4) == 0)
			read_some(&r, random_below(6000));
	}
	is_u64(r.all_given + r.all_lost, n, "given and lost are all");
	finish(&r);
	check_records(n, missed);
	feed_reader_clear(&r);
}

int
main(void)
{
	test_lines();
	test_records(0);
	test_records(12);
	return done_testing();
}
