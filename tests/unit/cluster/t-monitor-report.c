/* SPDX-License-Identifier: ISC
 *
 * A node's documents as a monitor reads them: what stands in them, and that nothing else is taken for it.
 */
#include "cluster/monitor_report.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "tests/tap.h"

#define HEAD_OF(token, since) \
	"{\"cluster\":\"c\",\"node\":\"a\",\"time\":\"2027-01-15T08:00:10.5Z\",\"started\":\"2027-01-15T07:00:00Z\"," \
	"\"token\":\"" token "\",\"since\":" since "}\n"
#define HEAD HEAD_OF("5-1", "null")
#define STREAM_OF(id, port) \
	"{\"id\":" id ",\"exporter\":\"192.0.2.1\",\"exporterPort\":" port \
	",\"version\":9,\"domain\":256,\"lane\":1,\"unit\":\"flows\"," \
	"\"discipline\":\"datagrams\",\"learnt\":true,\"epoch\":2,\"boot\":1800000000000000000," \
	"\"firstHeard\":1800000001000000000,\"lastHeard\":1800000009000000000,"
#define NUMBERS "\"datagrams\":20,\"heard\":40,"
#define STREAM STREAM_OF("7", "5000") "\"first\":100,\"next\":130," NUMBERS "\"missing\":[3,3,4,-10,4,1,1]}\n"
#define END "{\"gone\":[],\"end\":true}\n"
static const char good_gaps[] = HEAD STREAM END;
static const char good_status[] =
    "{\"version\":\"0.1.0\",\"lanes\":[{\"datagrams\":7,\"log_drops\":1,\"host_drops\":2,\"refused\":3,\"malformed\":4,"
    "\"failing\":0,\"refusing\":0,\"falling_behind\":1,\"listeners\":[{\"kernel_drops\":5},{\"kernel_drops\":6}]},"
    "{\"datagrams\":8,\"failing\":1}]}";

static struct node_told told;

static enum err
read_both(const char *gaps, const char *status, struct node_report *ret, const char **ret_why)
{
	return node_report_read(&told, gaps, strlen(gaps), status, strlen(status), ret, ret_why);
}

static void
test_good(void)
{
	struct node_report r;
	const struct report_stream *s;
	const char *why = "";

	if (!ok(read_both(good_gaps, good_status, &r, &why) == ERR_OK, "a report: %s", why))
		return;
	s = r.streams;
	is_text(r.cluster, "c", "cluster");
	is_text(r.node, "a", "node");
	is_text(r.version, "0.1.0", "version");
	is_u64((uint64_t)(r.time_ns - r.started_ns), 3610500000000, "times");
	is_u64(r.stream_count, 1, "one stream");
	is_u64(s->key.port, 5000, "port");
	is_u64(s->key.proto, PROTO_V9, "version 9");
	is_u64(s->key.domain, 256, "domain");
	is_u64(s->lane * 10 + s->epoch, 12, "lane and epoch");
	is_text(s->unit, "flows", "unit");
	ok(s->counts && s->first == 100 && s->next == 130, "positions");
	is_u64(s->heard * 100 + s->datagrams, 4020, "counters");
	is_u64((uint64_t)(s->heard_ns - s->since_ns), 8000000000, "heard");
	is_u64((uint64_t)(r.time_ns - s->boot_ns), 10500000000, "boot");
	ok(r.whole && s->from == 100, "all is told");
	is_u64(s->ranges, 3, "ranges");
	ok(r.missing[0].range.from == 103 && r.missing[0].range.to == 106 && r.missing[0].missing == 3 &&
		r.missing[2].range.from == 121 && r.missing[2].range.to == 122,
	    "their ends");
	ok(r.missing[1].range.from == 110 && r.missing[1].range.to == 120 && r.missing[1].missing == 4,
	    "a joined one");
	is_u64(r.datagrams, 15, "datagrams of both lanes");
	is_u64(r.kernel_drops, 13, "kernel drops");
	is_u64(r.log_drops * 100 + r.refused * 10 + r.malformed, 134, "other counters");
	ok(r.failing && r.falling_behind, "states");
	node_report_clear(&r);
}

/* with: takes the place of what, which stands in the good one. */
static void
refused(const char *what, const char *with, const char *wanted)
{
	struct buf b = BUF_INIT;
	struct node_report r;
	const char *why = NULL, *at = strstr(good_gaps, what), *in = good_gaps;
	bool status = at == NULL;
	enum err e;

	if (status)
		at = strstr(in = good_status, what);
	if (at == NULL) {
		ok(false, "%s stands in neither", what);
		return;
	}
	buf_bytes(&b, in, (size_t)(at - in));
	buf_text(&b, with);
	buf_text(&b, at + strlen(what));
	buf_u8(&b, 0);
	e = read_both(
	    status ? good_gaps : (const char *)b.data, status ? (const char *)b.data : good_status, &r, &why);
	if (e == ERR_OK)
		node_report_clear(&r);
	ok(e == ERR_MALFORMED && strstr(why, wanted) != NULL, "%.*s instead of %.*s: %s",
	    (int)strcspn(with, "\n"), with, (int)strcspn(what, "\n"), what, e == ERR_OK ? "taken" : why);
	buf_clear(&b);
}

static void
test_bad(void)
{
	static const char stream[] = "a stream";

	refused("{\"cluster\"", "{\"cluster", "/gaps: expected");
	refused("\"c\"", "5", "/gaps: expected");
	refused("\"c\"", "\"c\\u0000x\"", "/gaps: expected");
	refused("\"a\"",
	    "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"",
	    "/gaps: expected");
	refused("\"2027-01-15T08:00:10.5Z\"", "\"yesterday\"", "/gaps: expected");
	refused("\"5-1\"", "\"5 1\"", "/gaps: expected");
	refused("\"5-1\"", "\"5\\r\\nHost: x\"", "/gaps: expected");
	refused("\"since\":null", "\"since\":\"5-0\"", "/gaps: expected"); /* nobody asked for that */
	refused("\"since\":null", "\"since\":7", "/gaps: expected");
	refused(",\"since\":null", "", "/gaps: expected");
	refused("\"192.0.2.1\"", "\"host\"", stream);
	refused("\"id\":7", "\"id\":-7", stream);
	refused("\"id\":7,", "", stream);
	refused("5000", "65536", stream);
	refused("5000", "-1", stream);
	refused("5000", "5e3", stream);
	refused("\"version\":9", "\"version\":6", stream);
	refused("\"version\":9", "\"version\":\"9\"", stream);
	refused("\"version\":9", "\"version\":\"sflow5\"", stream); /* without an agent */
	refused("256", "4294967296", stream);
	refused("\"flows\"", "\"pigs\"", stream);
	refused("\"learnt\":true", "\"learnt\":1", stream);
	refused("\"first\":100", "\"first\":131", stream);
	refused("\"first\":100", "\"first\":-2000000000000000000", stream);
	refused("\"next\":130", "\"next\":9223372036854775807", stream);
	refused("\"next\":130", "\"next\":99999999999999999999999", stream);
	refused("\"next\":130,", "", stream);
	refused("\"next\":130", "\"next\":121", stream); /* a range ends behind it */
	refused("[3,", "[-1,", stream);
	refused("[3,", "[31,", stream);
	refused("[3,", "[\"3\",", stream);
	refused("[3,3", "[3,0", stream);
	refused("4,-10,4", "4,-10,0", stream);
	refused("4,-10,4", "4,-10,11", stream);
	refused("4,-10,4", "4,-90,4", stream);
	refused("1,1]", "1,10]", stream);
	refused("1,1]", "1]", stream);
	refused("1,1]", "1,-1]", stream);
	refused("\"missing\":[", "\"missing\":null,\"x\":[", stream);
	refused("1800000000000000000", "-5", stream);
	refused("1800000000000000000", "9000000000000000000", stream);
	refused("1800000009000000000", "\"x\"", stream);
	refused("{\"id\"", "[[7]]\n{\"id\"", stream);
	refused("{\"id\"", "[7,130,20,40,1800000009000000000,100]\n{\"id\"", stream); /* not known yet */
	refused("{\"gone\"", "7\n{\"gone\"", stream);
	refused("{\"gone\"", "\n{\"gone\"", stream);
	refused("\"gone\":[]", "\"gone\":[\"7\"]", stream);
	refused("{\"gone\"", "{\"samples\":[7,1,2,3,4,5]}\n{\"gone\"", stream);
	refused("{\"gone\"", "{\"samples\":[7,1,2,3,4,5,-6]}\n{\"gone\"", stream);
	refused("\"end\":true", "\"end\":7", stream);
	refused(END, END END, stream);
	refused(END, END STREAM, stream);
	refused(END, "", stream);
	refused(END, STREAM END, stream); /* an id twice */
	refused("\"version\":\"0.1.0\"", "\"version\":7", "/status");
	refused("\"lanes\":[", "\"lanes\":{},\"x\":[", "/status");
}

static void
test_odd(void)
{
	struct node_report r;
	struct buf b = BUF_INIT;
	const char *why = NULL;

	ok(read_both("{\"cluster\":\"c\",\"node\":\"a\",\"time\":\"2027-01-15T08:00:10Z\",\"started\":null,"
		     "\"token\":\"1-1\",\"since\":null}\n" END,
	       "{\"version\":\"1\",\"lanes\":[]}", &r, &why) == ERR_OK,
	    "no streams, no lanes, not started");
	node_report_clear(&r);
	ok(read_both(HEAD STREAM_OF("1", "5") "\"first\":null,\"next\":null," NUMBERS "\"missing\":[]}\n" END,
	       good_status, &r, &why) == ERR_OK,
	    "a stream without positions");
	ok(!r.streams[0].counts, "has none");
	node_report_clear(&r);
	buf_text(&b, HEAD);
	for (unsigned i = 0; i < 3; i++) /* as of three lanes; the one heard last counts */
		buf_printf(&b,
		    "{\"id\":%u,\"exporter\":\"192.0.2.1\",\"exporterPort\":5,\"version\":9,\"domain\":256,"
		    "\"lane\":%u,\"unit\":\"flows\",\"discipline\":\"datagrams\",\"learnt\":true,\"epoch\":2,"
		    "\"boot\":null,\"firstHeard\":1800000001000000000,\"lastHeard\":180000000%u000000000,"
		    "\"first\":%u,\"next\":130," NUMBERS "\"missing\":[]}\n",
		    3 - i, i, i == 1 ? 9 : i + 1, i);
	buf_text(&b, END);
	buf_u8(&b, 0);
	ok(read_both((const char *)b.data, good_status, &r, &why) == ERR_OK, "a stream of several lanes");
	is_u64(r.stream_count * 10 + (uint64_t)r.streams[0].first, 11, "is one, as heard last");
	node_report_clear(&r);
	buf_clear(&b);
	buf_text(&b, HEAD STREAM_OF("1", "5") "\"first\":0,\"next\":20000," NUMBERS "\"missing\":[");
	for (unsigned i = 0; i < 5000; i++)
		buf_printf(&b, "%s2,2", i > 0 ? "," : "");
	buf_text(&b, "]}\n" END);
	buf_u8(&b, 0);
	ok(read_both((const char *)b.data, good_status, &r, &why) == ERR_OK, "5,000 ranges");
	is_u64(r.missing_count, REPORT_STREAM_RANGES_MOST, "as many as are kept");
	is_u64(r.left_out, 5000 - REPORT_STREAM_RANGES_MOST, "the others are counted");
	node_report_clear(&r);
	buf_clear(&b);
	buf_text(&b, HEAD);
	for (unsigned i = 0; i < REPORT_LINE_MOST; i++)
		buf_u8(&b, ' ');
	buf_text(&b, END);
	buf_u8(&b, 0);
	ok(read_both((const char *)b.data, good_status, &r, &why) == ERR_MALFORMED,
	    "a line that is too long");
	buf_clear(&b);
	buf_text(&b, HEAD);
	for (unsigned i = 0; i < 100000; i++)
		buf_u8(&b, '[');
	buf_text(&b, "\n" END);
	buf_u8(&b, 0);
	ok(read_both((const char *)b.data, good_status, &r, &why) == ERR_MALFORMED, "deep nesting");
	buf_clear(&b);
	ok(read_both(HEAD "\"\xff\"\n" END, good_status, &r, &why) == ERR_MALFORMED, "no UTF-8");
}

static bool
reads(const char *gaps, struct node_report *r)
{
	const char *why = NULL;

	return read_both(gaps, good_status, r, &why) == ERR_OK || (printf("# %s\n", why) < 0);
}

#define CHANGE "[7,140,30,60,1800000010000000000,121,0,1,8,-8,2]\n"

static void
test_differences(void)
{
	static const char change[] = HEAD_OF("5-2", "\"5-1\"") CHANGE END;
	struct node_report r;

	if (!ok(reads(HEAD STREAM STREAM_OF("8", "5001") "\"first\":1,\"next\":9," NUMBERS
							 "\"missing\":[2,2]}\n" END,
		    &r),
		"two streams"))
		return;
	is_text(told.token, "5-1", "the token to ask with");
	node_report_clear(&r);
	if (!ok(reads(change, &r), "a difference"))
		return;
	is_u64(r.stream_count, 2, "has both of them");
	ok(!r.whole && r.streams[0].first == 100 && r.streams[0].from == 121 && r.streams[0].next == 140,
	    "one goes on");
	is_u64(r.streams[0].heard * 100 + r.streams[0].datagrams, 6030, "with its counters");
	is_u64((uint64_t)r.streams[0].heard_ns, 1800000010000000000, "and time");
	is_u64(r.missing_count, 2, "it tells of ranges");
	ok(r.missing[0].range.from == 121 && r.missing[1].range.from == 130 && r.missing[1].range.to == 138 &&
		r.missing[1].missing == 2,
	    "from a position on");
	ok(r.streams[1].from == 9 && r.streams[1].ranges == 0 && r.streams[1].first == 1,
	    "the other one is as it was");
	is_text(told.token, "5-2", "the next token");
	node_report_clear(&r);
	if (!ok(reads(HEAD_OF("5-3", "\"5-2\"") STREAM_OF("6", "4999") "\"first\":1,\"next\":9," NUMBERS
								       "\"missing\":[]}\n"
								       "{\"gone\":[8,5],\"end\":true}\n",
		    &r),
		"one more, and one is gone"))
		return;
	ok(r.stream_count == 2 && r.streams[0].key.port == 4999 && r.streams[1].key.port == 5000 &&
		r.streams[1].from == 140 && r.streams[1].next == 140,
	    "so these are left");
	node_report_clear(&r);
	ok(reads(HEAD_OF("5-4",
		     "\"5-3\"") "[7,141,31,61,1800000010000000000,140]\n{\"samples\":[7,1,2,3,4,5,6]}\n" END,
	       &r) &&
		r.streams[1].samples.missing == 2 && r.streams[1].samples.dropped == 3 &&
		r.streams[1].samples.scaled == 6,
	    "samples");
	node_report_clear(&r);
	ok(!reads(change, &r), "a difference from another answer is none");
	is_text(told.token, "", "and all is to be told again");
	is_u64(told.count, 0, "as nothing is remembered");
	ok(!reads(HEAD_OF("5-4", "\"\"") END, &r), "nor is one from nothing");
	ok(reads(good_gaps, &r), "all is told");
	node_report_clear(&r);
	ok(!reads(HEAD_OF("5-2", "\"5-1\"") "[7,99,30,60,1800000010000000000,99]\n" END, &r),
	    "no stream falls behind its beginning");
	ok(reads(good_gaps, &r), "all is told");
	node_report_clear(&r);
	ok(!reads(HEAD_OF("5-2", "\"5-1\"") "[7,140,30,60,1800000010000000000,141]\n" END, &r),
	    "or is told of from behind its end");
	ok(reads(good_gaps, &r), "all is told");
	node_report_clear(&r);
	ok(reads(
	       HEAD STREAM_OF("8", "5001") "\"first\":1,\"next\":9," NUMBERS "\"missing\":[2,2]}\n" END, &r),
	    "all is told though a difference could be");
	is_u64(r.stream_count, 1, "what was told before is no more");
	node_report_clear(&r);
	node_told_forget(&told);
}

/* Every prefix, and every byte changed: never taken for the whole, never a crash. */
static void
test_damage(void)
{
	char text[sizeof(good_gaps)];
	unsigned taken = 0;
	struct node_report r;
	const char *why;

	for (size_t len = 0; len < sizeof(good_gaps) - 1; len++) {
		if (node_report_read(&told, good_gaps, len, good_status, sizeof(good_status) - 1, &r, &why) ==
		    ERR_OK) {
			taken++;
			node_report_clear(&r);
		}
	}
	is_u64(taken, 0, "no prefix is taken");
	for (size_t i = 0; i < sizeof(good_gaps) - 1; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			memcpy(text, good_gaps, sizeof(text));
			text[i] = (char)((unsigned char)text[i] ^ 1U << bit);
			if (node_report_read(&told, text, sizeof(text) - 1, good_status,
				sizeof(good_status) - 1, &r, &why) == ERR_OK)
				node_report_clear(&r);
		}
	}
	ok(true, "every bit changed");
}

int
main(void)
{
	test_good();
	test_bad();
	test_odd();
	test_differences();
	test_damage();
	node_told_forget(&told);
	return done_testing();
}
