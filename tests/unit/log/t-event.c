/* SPDX-License-Identifier: ISC
 *
 * Event bodies, whole and cut at each byte.
 */
#include "log/event.h"

#include <string.h>

#include "tests/tap.h"

static void
test_round_trip(void)
{
	struct buf b = BUF_INIT;
	struct event e;
	struct rd v;
	uint16_t key;

	event_begin(&b, EVENT_TAIL_CUT);
	event_put_u64(&b, EVENT_KEY_SEGMENT, 12);
	event_put_text(&b, EVENT_KEY_TEXT, "hello");
	event_put_bytes(&b, (enum event_key)999, "\1\2", 2);
	event_put_u64(&b, EVENT_KEY_STEP, (uint64_t)-5);
	event_put_u64(&b, EVENT_KEY_SEGMENT, 13);
	ok(buf_ok(&b) && event_init(&e, b.data, b.len) && e.kind == EVENT_TAIL_CUT, "kind");
	is_u64(event_u64(&e, EVENT_KEY_SEGMENT, 0), 12, "the first value of a key");
	is_u64(event_u64(&e, EVENT_KEY_STEP, 0), (uint64_t)-5, "a negative number behind an unknown key");
	is_u64(event_u64(&e, EVENT_KEY_COUNT, 77), 77, "a key that is not there");
	is_u64(event_u64(&e, EVENT_KEY_TEXT, 78), 78, "a value that is no number");
	ok(event_next(&e, &key, &v) && key == EVENT_KEY_SEGMENT && rd_u64(&v) == 12, "first item");
	ok(event_next(&e, &key, &v) && key == EVENT_KEY_TEXT && rd_left(&v) == 5 &&
		memcmp(v.at, "hello", 5) == 0,
	    "text");
	ok(event_next(&e, &key, &v) && key == 999 && rd_left(&v) == 2, "unknown key");
	ok(event_next(&e, &key, &v) && event_next(&e, &key, &v) && !event_next(&e, &key, &v), "the end");
	for (size_t i = 0; i < b.len; i++) {
		unsigned items = 0;

		if (!event_init(&e, b.data, i)) {
			ok(i < 2, "prefix of %zu bytes has no kind", i);
			continue;
		}
		while (event_next(&e, &key, &v))
			items++;
		if (items > 4)
			ok(false, "prefix of %zu bytes has %u items", i, items);
	}
	buf_clear(&b);
}

static void
test_long_text(void)
{
	struct buf b = BUF_INIT;
	struct event e;
	struct rd v;
	uint16_t key;
	char *text = malloc(70001);

	memset(text, 'x', 70000);
	text[70000] = '\0';
	event_begin(&b, EVENT_START);
	event_put_text(&b, EVENT_KEY_TEXT, text);
	event_put_u64(&b, EVENT_KEY_COUNT, 1);
	ok(event_init(&e, b.data, b.len) && event_next(&e, &key, &v) && rd_left(&v) == 65535,
	    "long text is cut");
	is_u64(event_u64(&e, EVENT_KEY_COUNT, 0), 1, "and what follows can be read");
	free(text);
	buf_clear(&b);
}

static void
test_names(void)
{
	is_text(event_kind_name(EVENT_START), "start", "name of a kind");
	is_text(event_kind_name(EVENT_LEFT_UNSEALED), "left unsealed", "name of a kind of two words");
	is_text(event_kind_name(EVENT_DISK), "disk", "name of the last kind");
	is_text(
	    event_kind_name((enum event_kind)(EVENT_DISK + 1)), "event", "name of a number without a kind");
	is_text(event_kind_name((enum event_kind)0), "event", "name of no kind");
	is_text(event_kind_name((enum event_kind)4711), "event", "name of an unknown kind");
}

int
main(void)
{
	test_round_trip();
	test_long_text();
	test_names();
	return done_testing();
}
