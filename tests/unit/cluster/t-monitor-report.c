/* SPDX-License-Identifier: ISC
 *
 * A node's documents as a monitor reads them: what stands in them, and that nothing else is taken for it.
 */
#include "cluster/monitor_report.h"

#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "tests/tap.h"

#define STREAM_HEAD \
	"{\"exporter\":\"192.0.2.1\",\"exporterPort\":5000,\"version\":9,\"domain\":256,\"lane\":1,\"unit\":\"flows\"," \
	"\"discipline\":\"datagrams\",\"learnt\":true,\"boot\":\"2027-01-15T08:00:00.000Z\",\"epoch\":2,"
#define STREAM_TAIL \
	"\"heard\":40,\"datagrams\":20,\"firstHeard\":\"2027-01-15T08:00:01Z\",\"lastHeard\":\"2027-01-15T08:00:09Z\","
#define STREAM \
	STREAM_HEAD \
	"\"first\":100,\"next\":130," STREAM_TAIL \
	"\"ranges\":[{\"from\":103,\"to\":105,\"since\":\"2027-01-15T08:00:05Z\",\"declared\":true}," \
	"{\"from\":110,\"to\":119,\"declared\":true,\"missing\":4},{\"from\":121,\"to\":121,\"declared\":false}]}"
#define GAPS_HEAD \
	"{\"cluster\":\"c\",\"node\":\"a\",\"time\":\"2027-01-15T08:00:10.5Z\",\"started\":\"2027-01-15T07:00:00Z\",\"streams\":["
static const char good_gaps[] = GAPS_HEAD STREAM "]}";
static const char good_status[] =
    "{\"version\":\"0.1.0\",\"lanes\":[{\"datagrams\":7,\"log_drops\":1,\"host_drops\":2,\"refused\":3,\"malformed\":4,"
    "\"failing\":0,\"refusing\":0,\"falling_behind\":1,\"listeners\":[{\"kernel_drops\":5},{\"kernel_drops\":6}]},"
    "{\"datagrams\":8,\"failing\":1}]}";

static enum err
read_both(const char *gaps, const char *status, struct node_report *ret, const char **ret_why)
{
	return node_report_read(gaps, strlen(gaps), status, strlen(status), ret, ret_why);
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
	is_u64(s->ranges, 2, "ranges but for the joined one");
	ok(r.missing[0].from == 103 && r.missing[0].to == 106 && r.missing[1].from == 121 &&
		r.missing[1].to == 122,
	    "their ends");
	is_u64(s->joined, 4, "and what is missing in that");
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
	ok(e == ERR_MALFORMED && strstr(why, wanted) != NULL, "%s instead of %s: %s", with, what,
	    e == ERR_OK ? "taken" : why);
	buf_clear(&b);
}

static void
test_bad(void)
{
	static const char stream[] = "a stream";

	refused("{\"cluster\"", "{\"cluster", "JSON");
	refused("\"c\"", "5", "/gaps: expected");
	refused("\"c\"", "\"c\\u0000x\"", "/gaps: expected");
	refused("\"a\"",
	    "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"",
	    "/gaps: expected");
	refused("\"2027-01-15T08:00:10.5Z\"", "\"yesterday\"", "/gaps: expected");
	refused("\"streams\":[", "\"streams\":5,\"x\":[", "/gaps: expected");
	refused("\"192.0.2.1\"", "\"host\"", stream);
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
	refused("\"from\":103", "\"from\":99", stream);
	refused("\"from\":103", "\"from\":106", stream);
	refused("\"from\":110", "\"from\":105", stream);
	refused("\"from\":110", "\"from\":\"110\"", stream);
	refused("\"ranges\":[{", "\"ranges\":[7,{", stream);
	refused("\"ranges\":[", "\"ranges\":null,\"x\":[", stream);
	refused("\"2027-01-15T08:00:00.000Z\"", "\"x\"", stream);
	refused("\"2027-01-15T08:00:00.000Z\"", "\"1969-01-15T08:00:00.000Z\"", stream);
	refused("\"2027-01-15T08:00:00.000Z\"", "\"2200-01-15T08:00:00.000Z\"", stream);
	refused("\"streams\":[{", "\"streams\":[[],{", stream);
	refused("\"version\":\"0.1.0\"", "\"version\":7", "/status");
	refused("\"lanes\":[", "\"lanes\":{},\"x\":[", "/status");
}

static void
test_odd(void)
{
	struct node_report r;
	struct buf b = BUF_INIT;
	const char *why = NULL;

	ok(read_both(
	       "{\"cluster\":\"c\",\"node\":\"a\",\"time\":\"2027-01-15T08:00:10Z\",\"started\":null,\"streams\":[]}",
	       "{\"version\":\"1\",\"lanes\":[]}", &r, &why) == ERR_OK,
	    "no streams, no lanes, not started");
	node_report_clear(&r);
	ok(read_both(GAPS_HEAD STREAM_HEAD "\"first\":null,\"next\":null," STREAM_TAIL "\"ranges\":[]}]}",
	       good_status, &r, &why) == ERR_OK,
	    "a stream without positions");
	ok(!r.streams[0].counts, "has none");
	node_report_clear(&r);
	buf_text(&b, GAPS_HEAD);
	for (unsigned i = 0; i < 3; i++) /* as of three lanes; the one heard last counts */
		buf_printf(&b,
		    STREAM_HEAD
		    "\"first\":%u,\"next\":130,\"heard\":4,\"datagrams\":2,\"firstHeard\":\"2027-01-15T08:00:01Z\","
		    "\"lastHeard\":\"2027-01-15T08:00:0%uZ\",\"ranges\":[]}%s",
		    i, i == 1 ? 9 : i + 1, i < 2 ? "," : "]}");
	buf_u8(&b, 0);
	ok(read_both((const char *)b.data, good_status, &r, &why) == ERR_OK, "a stream of several lanes");
	is_u64(r.stream_count * 10 + (uint64_t)r.streams[0].first, 11, "is one, as heard last");
	node_report_clear(&r);
	buf_clear(&b);
	buf_text(&b, GAPS_HEAD STREAM_HEAD "\"first\":0,\"next\":20000," STREAM_TAIL "\"ranges\":[");
	for (unsigned i = 0; i < 5000; i++)
		buf_printf(&b, "%s{\"from\":%u,\"to\":%u}", i > 0 ? "," : "", 4 * i, 4 * i + 1);
	buf_text(&b, "]}]}");
	buf_u8(&b, 0);
	ok(read_both((const char *)b.data, good_status, &r, &why) == ERR_OK, "5,000 ranges");
	is_u64(r.missing_count, REPORT_RANGES_MOST, "as many as are kept");
	is_u64(r.left_out, 5000 - REPORT_RANGES_MOST, "the others are counted");
	node_report_clear(&r);
	buf_clear(&b);
	for (unsigned i = 0; i < 100000; i++)
		buf_u8(&b, '[');
	buf_u8(&b, 0);
	ok(read_both((const char *)b.data, good_status, &r, &why) == ERR_MALFORMED, "deep nesting");
	buf_clear(&b);
	ok(read_both("\"\xff\"", good_status, &r, &why) == ERR_MALFORMED, "no UTF-8");
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
		if (node_report_read(good_gaps, len, good_status, sizeof(good_status) - 1, &r, &why) ==
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
			if (node_report_read(text, sizeof(text) - 1, good_status, sizeof(good_status) - 1, &r,
				&why) == ERR_OK)
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
	test_damage();
	return done_testing();
}
