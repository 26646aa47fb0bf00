/* SPDX-License-Identifier: ISC
 *
 * flowd's records as datagrams: which of them are one, what each tells as JSON, when it is the same datagram and when
 * not, and what is remarked.
 */
#include "flow/flowd_datagrams.h"

#include "flow/decode.h"
#include "flow/selected.h"
#include "tests/tap.h"
#include "tests/unit/flow/flowd-build.h"

#define TAKEN_MOST 64

/* All datagrams that a store's records make. */
struct taken {
	unsigned count;
	struct flowd_datagram d[TAKEN_MOST];
	struct sha256 digest[TAKEN_MOST];
	struct flowd_remarks remarks;
	struct buf json; /* of all flows */
};

static void
take(struct taken *t, struct flowd_datagrams *d)
{
	struct selected_reader *r = selected_reader_new();
	struct flow_context context;
	struct buf body = BUF_INIT;
	struct decode decode;
	struct flow flow;
	enum err e = flowd_datagrams_take(d, &t->d[t->count], &body);

	if (e == ERR_END) {
		selected_reader_free(r);
		return;
	}
	if (e != ERR_OK || selected_open(r, body.data, body.len) != ERR_OK)
		abort();
	ok(selected_head(r)->records == SELECTED_RECORDS_REBUILT && selected_head(r)->flags == 0 &&
		selected_count(r, false) == t->d[t->count].flows,
	    "what the head says");
	t->digest[t->count] = selected_head(r)->digest;
	context = (struct flow_context){.exporter = t->d[t->count].exporter, .received = t->d[t->count].time};
	decode_init_selected(&decode, r, NULL, NULL);
	while (decode_next(&decode, &flow) == ERR_OK)
		flow_json(&flow, &context, &t->json);
	t->count++;
	buf_clear(&body);
	selected_reader_free(r);
}

static void
import(struct taken *t, int version, const struct build *records, size_t count)
{
	struct flowd_datagrams *d = flowd_datagrams_new(version == FLOWD_V2 ? 1099999999 : 0);

	*t = (struct taken){.count = 0};
	for (size_t i = 0; i < count; i++) {
		struct build one = records[i];
		struct buf b = BUF_INIT;
		struct flowd_record r;
		struct flowd_damage why;

		one.version = version;
		build_record(&b, &one);
		if (flowd_record_read(version, b.data, b.len, &r, &why) != ERR_OK)
			abort();
		if (!flowd_datagrams_fits(d, &r))
			take(t, d);
		if (flowd_datagrams_add(d, &r) != ERR_OK)
			abort();
		buf_clear(&b);
	}
	take(t, d);
	t->remarks = *flowd_datagrams_remarks(d);
	flowd_datagrams_free(d);
	buf_u8(&t->json, 0);
}

static bool
same(const struct sha256 *a, const struct sha256 *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

static void
has(const struct taken *t, const char *text)
{
	if (!ok(strstr((const char *)t->json.data, text) != NULL, "%s", text))
		printf("# %s\n", (const char *)t->json.data);
}

/* What belongs together, and what the flows are. */
static void
grouping(void)
{
	const struct build r[] = {
	    {.fields = FLOWD_ALL4, .n = 0, .sequence = 100, .netflow = 5, .type = 0x0200, .id = 0x0900},
	    {.fields = FLOWD_ALL4 | FLOWD_CRC32,
		.n = 1,
		.sequence = 100,
		.netflow = 5,
		.type = 0x0200,
		.id = 0x0900},
	    {.fields = FLOWD_ALL4, .n = 2, .sequence = 102, .netflow = 5, .type = 2, .id = 9},
	    {.fields = FLOWD_ALL4, .n = 3, .sequence = 102, .netflow = 5, .type = 2, .id = 9, .recv_usec = 1},
	    {.fields = FLOWD_ALL4, .n = 4, .sequence = 102, .netflow = 9, .type = 0, .id = 0, .recv_usec = 1},
	};
	struct taken t;

	import(&t, FLOWD_V3, r, sizeof(r) / sizeof(r[0]));
	is_u64(t.count, 4, "by sequence number, time of reception and version");
	is_u64(t.d[0].flows, 2, "two records of a datagram");
	is_u64((uint64_t)t.d[3].time.ns, 1100000001000001000, "its time is that of reception");
	has(&t,
	    "{\"exporter\":\"192.0.2.1\",\"exporterPort\":0,\"version\":5,\"domain\":521,\"sequence\":100,\"exportTime\":"
	    "\"2004-11-09T11:33:20.250000000Z\",\"received\":\"2004-11-09T11:33:21.000000000Z\",\"index\":0,");
	has(&t,
	    "\"index\":1,\"tags\":[1],\"sourceIPv4Address\":\"10.5.0.1\",\"destinationIPv4Address\":\"10.7.0.1\",\"ipNextHopIPv4Address\":"
	    "\"10.9.0.1\",\"ingressInterface\":7,\"egressInterface\":70000,\"packetDeltaCount\":4,\"octetDeltaCount\":5000000001,"
	    "\"flowStartSysUpTime\":50000,\"flowEndSysUpTime\":59000,\"sourceTransportPort\":443,\"destinationTransportPort\":1024,"
	    "\"tcpControlBits\":18,\"protocolIdentifier\":6,\"ipClassOfService\":4,\"bgpSourceAsNumber\":64512,"
	    "\"bgpDestinationAsNumber\":4200000000,\"sourceIPv4PrefixLength\":24,\"destinationIPv4PrefixLength\":16,"
	    "\"flowStart\":\"2004-11-09T11:33:10.250Z\",\"flowEnd\":\"2004-11-09T11:33:19.250Z\"}");
	has(&t, "\"version\":9,\"domain\":77,\"sequence\":102,\"exportTime\":\"2004-11-09T11:33:20Z\"");
	is_u64(t.remarks.swapped, 4, "types and ids that were put right");
	buf_clear(&t.json);
}

static void
headers(void)
{
	static const struct {
		uint16_t netflow;
		uint32_t without;
		const char *want;
	} rows[] = {
	    {1, FLOWD_FLOW_ENGINE_INFO,
		"\"version\":1,\"domain\":0,\"sequence\":0,\"exportTime\":\"2004-11-09T11:33:20.250000000Z\""},
	    {7, 0,
		"\"version\":7,\"domain\":0,\"sequence\":7,\"exportTime\":\"2004-11-09T11:33:20.250000000Z\""},
	    {9, 0, "\"version\":9,\"domain\":77,\"sequence\":7,\"exportTime\":\"2004-11-09T11:33:20Z\""},
	    {10, 0, "\"version\":10,\"domain\":0,\"sequence\":7,\"exportTime\":\"2004-11-09T11:33:20Z\""},
	    {10, 0,
		"\"systemInitTimeMilliseconds\":\"2004-11-09T11:32:20.000Z\",\"flowStart\":\"2004-11-09T11:33:10.000Z\""},
	    {8, 0, "\"version\":10,\"domain\":0,\"sequence\":7,"},
	    {9, 0, "\"engineType\":2,\"engineId\":3"},
	    {5, FLOWD_AGENT_INFO,
		"\"version\":10,\"domain\":0,\"sequence\":7,\"exportTime\":\"2004-11-09T11:33:21Z\""},
	    {5, FLOWD_AGENT_INFO | FLOWD_FLOW_ENGINE_INFO, "\"version\":10,\"domain\":0,\"sequence\":0,"},
	    {5, FLOWD_RECV_TIME, "\"received\":\"2004-11-09T11:33:20.250000000Z\""},
	    {5, FLOWD_AGENT_ADDR4, "{\"exporter\":\"::\""},
	};
	struct taken t;

	for (int version = FLOWD_V2; version <= FLOWD_V3; version++) {
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			const struct build r = {.fields = FLOWD_ALL4 & ~rows[i].without,
			    .sequence = 7,
			    .netflow = rows[i].netflow,
			    .type = 2,
			    .id = 3};
			bool v2_has_no_source = version == FLOWD_V2 && rows[i].netflow == 9;

			import(&t, version, &r, 1);
			if (!v2_has_no_source || strstr(rows[i].want, "domain") == NULL)
				has(&t, rows[i].want);
			is_u64(
			    t.remarks.timeless, (rows[i].without & FLOWD_RECV_TIME) != 0, "without a time");
			is_u64(t.remarks.agentless, (rows[i].without & FLOWD_AGENT_ADDR4) != 0,
			    "without an exporter");
			is_u64(
			    t.remarks.versions, rows[i].netflow == 8, "of a version that has no header here");
			is_u64(t.remarks.fractions, (rows[i].netflow == 8 || rows[i].netflow == 10),
			    "fractions that have no place");
			buf_clear(&t.json);
		}
	}
}

static void
identity(void)
{
	struct build a = {.fields = FLOWD_ALL4 | FLOWD_CRC32,
			 .n = 3,
			 .sequence = 7,
			 .netflow = 5,
			 .type = 2,
			 .id = 3},
		     b = a;
	struct build twice[2];
	struct taken x, y;

	import(&x, FLOWD_V3, &a, 1);
	b.recv_usec = 77;
	b.fields &= ~(FLOWD_CRC32 | FLOWD_TAG);
	import(&y, FLOWD_V3, &b, 1);
	ok(same(&x.digest[0], &y.digest[0]),
	    "v5: another host's time of reception, tag and checksum make no other datagram");
	buf_clear(&y.json);
	b = a;
	b.n = 4;
	import(&y, FLOWD_V3, &b, 1);
	ok(!same(&x.digest[0], &y.digest[0]), "another flow makes another one");
	buf_clear(&y.json);
	b = a;
	b.sequence = 8;
	import(&y, FLOWD_V3, &b, 1);
	ok(!same(&x.digest[0], &y.digest[0]), "so does the sequence number");
	buf_clear(&x.json);
	buf_clear(&y.json);

	a.fields = FLOWD_RECV_TIME | FLOWD_AGENT_ADDR4 | FLOWD_SRC_ADDR4;
	b = a;
	b.recv_usec = 77;
	import(&x, FLOWD_V3, &a, 1);
	import(&y, FLOWD_V3, &b, 1);
	ok(!same(&x.digest[0], &y.digest[0]),
	    "without a sequence number the time of reception makes the difference");
	buf_clear(&x.json);
	buf_clear(&y.json);
	twice[0] = twice[1] = a;
	import(&x, FLOWD_V3, twice, 2);
	ok(x.count == 1 && x.d[0].flows == 2, "what is alike side by side are two flows");
	buf_clear(&x.json);
}

/* Equal datagrams of a time that others part are as many as there are; so are those without any time. */
static void
twins(void)
{
	struct build r[6];
	struct taken x, y;

	for (size_t i = 0; i < 6; i++)
		r[i] = (struct build){.fields = FLOWD_RECV_TIME | FLOWD_SRC_ADDR4 |
			(i % 2 == 0 ? FLOWD_AGENT_ADDR4 : FLOWD_AGENT_ADDR6),
		    .n = 5};
	import(&x, FLOWD_V3, r, 6);
	import(&y, FLOWD_V3, r, 6);
	is_u64(x.count, 6, "equal records that others part");
	for (unsigned i = 0; i < x.count; i++) {
		for (unsigned k = i + 1; k < x.count; k++) {
			if (x.d[i].exporter.b[0] == x.d[k].exporter.b[0])
				ok(!same(&x.digest[i], &x.digest[k]), "are different flows: %u, %u", i, k);
		}
		ok(same(&x.digest[i], &y.digest[i]), "and the same ones when the store is imported again: %u",
		    i);
	}
	buf_clear(&x.json);
	buf_clear(&y.json);
	for (size_t i = 0; i < 6; i++)
		r[i].fields &= ~FLOWD_RECV_TIME;
	import(&x, FLOWD_V2, r, 6);
	ok(!same(&x.digest[0], &x.digest[2]) && !same(&x.digest[2], &x.digest[4]),
	    "the same without any time");
	is_u64((uint64_t)x.d[5].time.ns, 1099999999000000000, "which is then the store's");
	is_u64(x.remarks.timeless, 6, "that is remarked");
	buf_clear(&x.json);
}

/* Both versions tell the same of the same flows, as far as numbers fit into version 2. */
static void
versions(void)
{
	const struct build r = {.fields = FLOWD_ALL4 & ~(FLOWD_IF_INDICES | FLOWD_AS_INFO),
	    .sequence = 7,
	    .netflow = 5,
	    .type = 2,
	    .id = 3};
	struct taken x, y;

	import(&x, FLOWD_V2, &r, 1);
	import(&y, FLOWD_V3, &r, 1);
	is_text((const char *)x.json.data, (const char *)y.json.data, "versions 2 and 3 tell the same");
	ok(same(&x.digest[0], &y.digest[0]), "and are the same datagram");
	buf_clear(&x.json);
	buf_clear(&y.json);
}

static void
many(void)
{
	static struct build r[FLOWD_DATAGRAM_MOST + 5];
	struct taken t;

	for (size_t i = 0; i < sizeof(r) / sizeof(r[0]); i++)
		r[i] = (struct build){.fields = FLOWD_ALL4, .n = (uint32_t)i, .netflow = 10};
	import(&t, FLOWD_V3, r, sizeof(r) / sizeof(r[0]));
	ok(t.count == 2 && t.d[0].flows == FLOWD_DATAGRAM_MOST && t.d[1].flows == 5, "no more than %d in one",
	    FLOWD_DATAGRAM_MOST);
	buf_clear(&t.json);
}

int
main(void)
{
	grouping();
	headers();
	identity();
	twins();
	versions();
	many();
	return done_testing();
}
