/* SPDX-License-Identifier: ISC
 *
 * The path of a datagram, and the event records around it, with virtual time and blocks that stay in memory.
 */
#include "node/intake.h"

#include <stdlib.h>

#include "base/clock.h"
#include "tests/message.h"
#include "tests/tap.h"

#define START 1700000000 /* 100 s before a multiple of 5 minutes */

/* A sink that keeps what it is given: complete blocks, one after the other. */
static struct {
	int free; /* blocks that may be taken */
	struct buf bytes;
	uint32_t segments; /* ended */
	uint32_t seed;
} sink;

static struct block *
sink_take(void *ctx)
{
	(void)ctx;
	if (sink.free == 0)
		return NULL;
	sink.free--;
	return block_new();
}

static void
sink_give(void *ctx, struct block *b, uint32_t upto, bool complete)
{
	uint32_t skip = b->first ? SEGMENT_RECORDS_AT : 0;

	(void)ctx;
	if (!complete)
		return;
	if (upto > skip)
		buf_bytes(&sink.bytes, b->data + skip, upto - skip);
	sink.segments += b->last;
	block_free(b);
	sink.free++;
}

static struct intake in;
static struct buf payload = BUF_INIT;

static wall_t
at(double sec)
{
	return (wall_t){START * NS_PER_SEC + (int64_t)(sec * 1000 + (sec < 0 ? -0.5 : 0.5)) * NS_PER_MSEC};
}

static void
begin(void)
{
	const struct segment_header head = {.kind = SEGMENT_NODE,
	    .cluster = "c",
	    .node = "n",
	    .incarnation = 5,
	    .number = 1,
	    .first_sequence = 1};
	struct buf errors = BUF_INIT;
	struct conf conf;

	sink.free = 8;
	buf_reset(&sink.bytes);
	sink.segments = 0;
	sink.seed = record_seed(5);
	if (conf_parse("cluster = \"c\"; node = \"n\"; log = { directory = \"x\"; };\n"
		       "listen = ( { address = \"127.0.0.1\"; port = 1; },\n"
		       "  { address = \"127.0.0.1\"; port = 2; sources = [ \"192.0.2.0/24\" ]; } );\n",
		"c", &conf, &errors) != ERR_OK ||
	    intake_init(&in, &conf, &head, (struct block_sink){.take = sink_take, .give = sink_give},
		at(0)) != ERR_OK)
		abort();
	conf_clear(&conf);
}

static void
end(double sec)
{
	intake_stopping(&in, at(sec));
	appender_end(&in.appender, at(sec));
}

static void
take(uint16_t listener, uint32_t from, double sec)
{
	const struct intake_datagram d = {
	    .payload = payload.data,
	    .len = (uint32_t)payload.len,
	    .listener = listener,
	    .port = 4000,
	    .from = addr_v4(from),
	    .time = at(sec),
	};

	intake_take(&in, &d, at(sec));
}

static void
v5(uint32_t sequence)
{
	message_old(&payload, 5, 1, sequence);
	message_old_record(&payload, 5, 1);
}

/* The kinds of all records in their order: d datagram, D flagged malformed, t templates, or the digit of an
 * event's kind (1 start, 2 stop, 3 heartbeat, 4 kernel drop, 5 log drop, 6 clock step). */
static const char *
kinds(void)
{
	static char text[4096];
	size_t at_byte = 0, n = 0;

	while (at_byte + RECORD_HEADER_SIZE <= sink.bytes.len && n + 1 < sizeof(text)) {
		struct record r;

		if (record_header_read(sink.bytes.data + at_byte, sink.seed, &r) != ERR_OK)
			break;
		r.body = sink.bytes.data + at_byte + RECORD_HEADER_SIZE;
		if (r.type == RECORD_DATAGRAM)
			text[n++] = (r.flags & RECORD_MALFORMED) != 0 ? 'D' : 'd';
		else if (r.type == RECORD_TEMPLATES)
			text[n++] = 't';
		else
			text[n++] = (char)('0' + (r.body[0] << 8 | r.body[1]));
		at_byte += record_size(r.len);
	}
	text[n] = '\0';
	return text;
}

/* The nth event of a kind. */
static uint64_t
event_value(enum event_kind kind, int nth, enum event_key key)
{
	size_t at_byte = 0;

	while (at_byte + RECORD_HEADER_SIZE <= sink.bytes.len) {
		struct event e;
		struct record r;

		if (record_header_read(sink.bytes.data + at_byte, sink.seed, &r) != ERR_OK)
			break;
		if (r.type == RECORD_EVENT &&
		    event_init(&e, sink.bytes.data + at_byte + RECORD_HEADER_SIZE, r.len) && e.kind == kind &&
		    nth-- == 0)
			return event_u64(&e, key, UINT64_MAX);
		at_byte += record_size(r.len);
	}
	return UINT64_MAX;
}

static void
takes_and_refuses(void)
{
	begin();
	intake_started(&in, "1.2", NULL, 0, at(0));
	v5(1);
	take(0, 0xc0000201, 1);
	take(1, 0xc0000201, 1);
	take(1, 0xc6336401, 1);
	payload.data[1] = 99;
	take(0, 0xc0000201, 1);
	v5(2);
	payload.len -= 3;
	take(0, 0xc0000201, 1);
	payload.len = 10;
	take(0, 0xc0000201, 1);
	payload.len = 1;
	take(0, 0xc0000201, 1);
	end(2);
	is_text(kinds(), "1ddDD2", "records: start, two datagrams, two malformed ones, stop");
	is_u64(event_value(EVENT_STOP, 0, EVENT_KEY_DATAGRAMS), 4, "counter of datagrams");
	is_u64(event_value(EVENT_STOP, 0, EVENT_KEY_BYTES), 72 * 2 + 69 + 10, "of their bytes");
	is_u64(event_value(EVENT_STOP, 0, EVENT_KEY_REFUSED), 1, "of refused ones");
	is_u64(event_value(EVENT_STOP, 0, EVENT_KEY_UNKNOWN), 2, "of unknown ones");
	is_u64(event_value(EVENT_STOP, 0, EVENT_KEY_MALFORMED), 2, "of malformed ones");
	is_u64(in.counters.faults[FAULT_COUNT] + in.counters.faults[FAULT_HEADER_CUT], 2, "by reason");
	intake_clear(&in);
}

static void
template_v9(uint16_t id)
{
	static const uint16_t fields[] = {8, 4, 12, 4, 1, 4};

	message_v9(&payload, 77, 5);
	message_set(&payload, 0);
	buf_u16(&payload, id);
	buf_u16(&payload, 3);
	for (size_t i = 0; i < 6; i++)
		buf_u16(&payload, fields[i]);
	message_set_end(&payload);
}

static void
templates_and_time(void)
{
	begin();
	template_v9(300);
	take(0, 0xc0000201, 1);
	template_v9(301);
	take(0, 0xc0000201, 2);
	intake_tick(&in, at(9.9));
	intake_tick(&in, at(10));
	intake_tick(&in, at(19.9));
	intake_tick(&in, at(20.1));
	intake_tick(
	    &in, at(100)); /* a multiple of 5 minutes: rotation, then the heartbeat into the new segment */
	is_u64(sink.segments, 1, "a segment ends at a multiple of the period");
	v5(1);
	take(0, 0xc0000201, 101);
	end(102);
	is_text(kinds(), "tdd33t3d2", "a heartbeat each 10 s; a segment begins with templates");
	is_u64(event_value(EVENT_HEARTBEAT, 0, EVENT_KEY_DATAGRAMS), 2, "a heartbeat's counter");
	intake_clear(&in);

	begin();
	v5(1);
	take(0, 0xc0000201, 99);
	intake_tick(&in, at(-250)); /* the clock was set back */
	take(0, 0xc0000201, -250);
	end(-249);
	is_u64(sink.segments, 2, "a clock that was set back begins a segment");
	is_text(kinds(), "d3d2", "and the heartbeats go on");
	intake_clear(&in);
}

static void
kernel_drops(void)
{
	begin();
	v5(1);
	take(0, 0xc0000201, 1);
	intake_kernel_drops(&in, 0, 5, at(1.5));
	intake_tick(&in, at(1.6));
	intake_kernel_drops(&in, 0, 7, at(1.7));
	take(0, 0xc0000201, 1.7);
	intake_tick(&in, at(1.8));
	intake_kernel_drops(&in, 0, 1, at(1.9));
	intake_tick(&in, at(2.7));
	intake_kernel_drops(&in, 1, 2, at(2.8));
	end(3);
	is_text(kinds(), "d4d442", "one event a second and listener, and what is left at the end");
	is_u64(event_value(EVENT_KERNEL_DROP, 0, EVENT_KEY_COUNT), 5, "the first");
	is_u64(
	    event_value(EVENT_KERNEL_DROP, 0, EVENT_KEY_FROM), (uint64_t)at(1).ns, "since the last datagram");
	is_u64(event_value(EVENT_KERNEL_DROP, 0, EVENT_KEY_TO), (uint64_t)at(1.5).ns, "until it was seen");
	is_u64(
	    event_value(EVENT_KERNEL_DROP, 1, EVENT_KEY_COUNT), 8, "what came in the second after it is one");
	is_u64(event_value(EVENT_KERNEL_DROP, 2, EVENT_KEY_LISTENER), 1, "of the other listener");
	is_u64(event_value(EVENT_KERNEL_DROP, 2, EVENT_KEY_FROM), (uint64_t)at(0).ns, "since it was opened");
	is_u64(event_value(EVENT_STOP, 0, EVENT_KEY_KERNEL_DROPS), 15, "the counter has all");
	intake_clear(&in);
}

/* With lanes: of no listener. */
static void
host_drops(void)
{
	begin();
	v5(1);
	take(0, 0xc0000201, 1);
	intake_host_drops(&in, 5, at(1), at(1.5));
	intake_tick(&in, at(1.6));
	intake_host_drops(&in, 7, at(1.6), at(1.7));
	intake_tick(&in, at(1.8));
	intake_host_drops(&in, 1, at(1.8), at(1.9));
	intake_tick(&in, at(2.7));
	intake_host_drops(&in, 2, at(2.7), at(2.8));
	end(3);
	is_text(kinds(), "d4442", "host drops: one event a second, and what is left at the end");
	is_u64(event_value(EVENT_KERNEL_DROP, 0, EVENT_KEY_COUNT), 5, "host drops: the first");
	is_u64(event_value(EVENT_KERNEL_DROP, 1, EVENT_KEY_COUNT), 8,
	    "host drops: what came in the second after it is one");
	is_u64(event_value(EVENT_KERNEL_DROP, 1, EVENT_KEY_FROM), (uint64_t)at(1.6).ns,
	    "host drops: since it was asked");
	is_u64(event_value(EVENT_KERNEL_DROP, 1, EVENT_KEY_TO), (uint64_t)at(1.9).ns, "host drops: until");
	is_u64(event_value(EVENT_KERNEL_DROP, 0, EVENT_KEY_LISTENER), UINT64_MAX, "host drops: no listener");
	is_u64(event_value(EVENT_STOP, 0, EVENT_KEY_KERNEL_DROPS), 15, "host drops: the counter has all");
	intake_clear(&in);
}

static unsigned
count_of(char kind)
{
	unsigned n = 0;

	for (const char *k = kinds(); *k != '\0'; k++)
		n += *k == kind;
	return n;
}

/* Ticks of a host for so many seconds, from there on by its clock. */
static double
run(double from, double seconds)
{
	for (int i = 0; i < (int)(seconds * 20); i++) {
		from += 0.05;
		intake_tick(&in, at(from));
	}
	return from;
}

/* A clock that is set by `step` while it is heard each 10 s; whether all goes on as if it were not. */
static void
clock_set(double step)
{
	const int64_t ns = (int64_t)step * NS_PER_SEC;
	double now;

	begin();
	v5(1);
	take(0, 0xc0000201, 1);
	now = run(1, 8); /* the next heartbeat is due in a second */
	now += step;
	intake_clock(&in, ns, 0, at(now));
	now = run(now, 60);
	is_u64((uint64_t)in.steady.ns, (uint64_t)at(69).ns,
	    "set by %g s: intervals are measured as if it were not", step);
	end(now);
	is_u64(count_of('3'), 6, "set by %g s: a heartbeat each 10 s", step);
	is_u64(count_of('6'), 1, "set by %g s: one event", step);
	is_u64(
	    event_value(EVENT_CLOCK_STEP, 0, EVENT_KEY_STEP), (uint64_t)ns, "set by %g s: by how much", step);
	is_u64(sink.segments, step < -300 || step > 300 ? 2 : 1,
	    "set by %g s: a segment ends where the period does", step);
	intake_clear(&in);
}

static void
clock_steps(void)
{
	clock_set(3);
	clock_set(-3);
	clock_set(-9);
	clock_set(3600);
	clock_set(-3600);
	clock_set(86400);
	clock_set(-86400);

	/* NTP puts it right by some ms, at the end of a period. */
	begin();
	v5(1);
	take(0, 0xc0000201, 99);
	for (int i = 0; i < 10; i++) {
		intake_tick(&in, at(100));
		take(0, 0xc0000201, 100);
		intake_tick(&in, at(99.995));
		take(0, 0xc0000201, 99.995);
	}
	(void)run(100, 350);
	v5(2);
	take(0, 0xc0000201, 450);
	end(450);
	is_u64(sink.segments, 3, "a clock that goes back over the end of a period ends it once");
	intake_clear(&in);

	/* It raves. */
	begin();
	for (int i = 0; i < 400; i++) {
		const double now = i * 0.05 + i % 2 * 86400.;

		if (i > 0)
			intake_clock(&in, (i % 2 == 0 ? -86400 : 86400) * NS_PER_SEC, 0, at(now));
		intake_tick(&in, at(now));
		take(0, 0xc0000201, now);
	}
	end(20);
	ok(sink.segments >= 2 && sink.segments <= 3, "one that raves for 20 s ends few (%u)", sink.segments);
	is_u64(count_of('6'), 40, "and not each step is an event");
	is_u64(count_of('d'), 400, "all is recorded");
	intake_clear(&in);
}

/* from, to of the nth loss of a kind. */
static bool
spans(enum event_kind kind, int nth, double from, double to)
{
	return event_value(kind, nth, EVENT_KEY_FROM) == (uint64_t)at(from).ns &&
	    event_value(kind, nth, EVENT_KEY_TO) == (uint64_t)at(to).ns;
}

static void
losses_and_steps(void)
{
	begin();
	v5(1);
	take(0, 0xc0000201, 5);
	intake_kernel_drops(&in, 0, 3, at(-3595)); /* set back, and nobody has noticed yet */
	intake_tick(&in, at(-3595));
	end(-3595);
	ok(spans(EVENT_KERNEL_DROP, 0, -3595, 5),
	    "dropped while the clock was set back: no span ends before it begins");
	intake_clear(&in);

	begin();
	take(0, 0xc0000201, 5);
	intake_kernel_drops(&in, 0, 3, at(6));
	intake_clock(&in, -3600 * NS_PER_SEC, 0, at(-3594));
	intake_kernel_drops(&in, 0, 4, at(-3593));
	intake_tick(&in, at(-3592));
	end(-3592);
	ok(spans(EVENT_KERNEL_DROP, 0, 5, 6), "drops before a step are told by the clock before it");
	ok(spans(EVENT_KERNEL_DROP, 1, -3595, -3593),
	    "those behind it by the new clock, since the last datagram");
	is_text(kinds(), "d4642", "in their order");
	intake_clear(&in);

	begin();
	take(0, 0xc0000201, 5);
	take(0, 0xc0000201, 3605.5); /* set ahead, and nobody has noticed yet */
	intake_clock(&in, 3600 * NS_PER_SEC, 0, at(3606));
	intake_kernel_drops(&in, 0, 4, at(3607));
	end(3608);
	ok(spans(EVENT_KERNEL_DROP, 0, 3605.5, 3607),
	    "a datagram between a step and its notice is of the new clock");
	intake_clear(&in);

	begin();
	take(0, 0xc0000201, 5);
	take(0, 0xc0000201, -3594.5);
	intake_clock(&in, -3600 * NS_PER_SEC, 0, at(-3594));
	intake_kernel_drops(&in, 0, 4, at(-3593));
	end(-3592);
	ok(spans(EVENT_KERNEL_DROP, 0, -3594.5, -3593), "also when it was set back");
	intake_clear(&in);

	/* The memory is used up. An event is no smaller than the smallest datagram. */
	begin();
	sink.free = 1;
	payload.len = 10;
	while (in.counters.log_drops == 0)
		take(0, 0xc0000201, 5);
	intake_clock(&in, -5 * NS_PER_SEC, 0, at(0));
	take(0, 0xc0000201, 1);
	intake_tick(&in, at(2));
	sink.free = 8;
	intake_clock(&in, 0, 7 * NS_PER_SEC, at(10));
	intake_tick(&in, at(10));
	end(11);
	ok(spans(EVENT_LOG_DROP, 0, 1, 5),
	    "not recorded before a step and behind it: no span ends before it begins");
	is_u64(event_value(EVENT_LOG_DROP, 0, EVENT_KEY_COUNT), 2, "all are counted");
	is_u64(event_value(EVENT_CLOCK_STEP, 0, EVENT_KEY_STEP), 7 * NS_PER_SEC, "sleep is told");
	is_u64(event_value(EVENT_CLOCK_STEP, 1, EVENT_KEY_STEP), (uint64_t)(-5 * NS_PER_SEC),
	    "a step for which there was no room is told later");
	is_u64(event_value(EVENT_CLOCK_STEP, 2, EVENT_KEY_STEP), UINT64_MAX, "once");
	intake_clear(&in);
}

static void
log_drops(void)
{
	const char *text;
	uint64_t kept;

	begin();
	sink.free = 1;
	for (int i = 0; i < 10000; i++) {
		v5((uint32_t)i);
		take(0, 0xc0000201, 1 + i / 1000.0);
	}
	kept = in.counters.datagrams;
	ok(kept > 7000 && kept < 10000, "without a block datagrams are dropped");
	intake_tick(&in, at(10.5));
	sink.free = 8;
	take(0, 0xc0000201, 11);
	end(12);
	text = kinds();
	ok(strlen(text) == 4095 && strspn(text, "d") == 4095, "records up to then");
	is_u64(event_value(EVENT_LOG_DROP, 0, EVENT_KEY_COUNT), 10000 - kept, "the event has their number");
	is_u64(event_value(EVENT_LOG_DROP, 0, EVENT_KEY_FROM), (uint64_t)at(1 + (double)kept / 1000.0).ns,
	    "and the time of the first");
	is_u64(event_value(EVENT_LOG_DROP, 0, EVENT_KEY_TO), (uint64_t)at(10.999).ns, "and of the last");
	is_u64(event_value(EVENT_LOG_DROP, 1, EVENT_KEY_COUNT), UINT64_MAX, "there is one event");
	is_u64(event_value(EVENT_STOP, 0, EVENT_KEY_LOG_DROPS), 10000 - kept, "the counter has them too");
	is_u64(event_value(EVENT_STOP, 0, EVENT_KEY_DATAGRAMS), kept + 1, "recording goes on behind it");
	intake_clear(&in);
}

int
main(void)
{
	takes_and_refuses();
	templates_and_time();
	kernel_drops();
	host_drops();
	clock_steps();
	losses_and_steps();
	log_drops();
	buf_clear(&sink.bytes);
	buf_clear(&payload);
	return done_testing();
}
