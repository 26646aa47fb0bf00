/* SPDX-License-Identifier: ISC
 *
 * sFlow's samples as flows: what each prints as, and that counting agrees with decoding whatever is cut or wrong.
 */
#include <string.h>

#include "flow/columns.h"
#include "flow/decode.h"
#include "flow/flow.h"
#include "tests/sample.h"
#include "tests/tap.h"

static const struct addr exporter = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1}};

/* Each record of a datagram as a line of JSON. */
static void
print_json(const uint8_t *bytes, size_t len, struct buf *out, struct decode *d)
{
	struct flow_context context = {.exporter = exporter, .port = 6343, .received = {1}};
	struct proto_info info;
	struct flow f;

	buf_reset(out);
	if (proto_recognise(bytes, len, &info) != ERR_OK)
		return;
	decode_init(d, bytes, len, &info, NULL, NULL);
	while (decode_next(d, &f) == ERR_OK)
		flow_json(&f, &context, out);
	buf_u8(out, 0);
}

static const char *
line(const struct buf *out, size_t number)
{
	char *at = (char *)out->data, *end;

	while (number-- > 0)
		at = strchr(at, '\n') + 1;
	end = strchr(at, '\n');
	*end = '\0';
	return at;
}

#define HEAD(agent) \
	"{\"exporter\":\"192.0.2.1\",\"exporterPort\":6343,\"version\":\"sflow5\",\"agent\":\"" agent \
	"\",\"domain\":3,\"sequence\":77,\"received\":\"1970-01-01T00:00:00.000000001Z\","

static const char *const wanted[] = {
    HEAD(
	"198.51.100.7") "\"index\":0,\"sflowSampleFormat\":1,\"sflowSampleSequence\":1,\"sflowSourceClass\":0,"
			"\"sflowSourceIndex\":7,\"samplingInterval\":1024,\"selectorIdTotalPktsObserved\":2048,"
			"\"ignoredPacketTotalCount\":3,\"ingressInterface\":7,\"egressInterface\":8,\"packetDeltaCount\":1,"
			"\"octetDeltaCount\":1500,\"layer2OctetDeltaCount\":1526,\"sflowHeaderProtocol\":1,\"sflowStrippedOctets\":4,"
			"\"destinationMacAddress\":\"02:00:00:00:00:01\",\"sourceMacAddress\":\"02:00:00:00:00:02\","
			"\"ethernetType\":2048,\"dot1qVlanId\":100,\"dot1qPriority\":1,\"dot1qCustomerVlanId\":200,"
			"\"dot1qCustomerPriority\":2,\"ipVersion\":4,\"sourceIPv4Address\":\"192.0.2.1\","
			"\"destinationIPv4Address\":\"198.51.100.2\",\"protocolIdentifier\":6,\"ipClassOfService\":184,\"ipTTL\":61,"
			"\"fragmentIdentification\":4660,\"fragmentFlags\":64,\"fragmentOffset\":0,\"sourceTransportPort\":40000,"
			"\"destinationTransportPort\":443,\"tcpControlBits\":27,\"vlanId\":100,\"sflowIngressPriority\":1,"
			"\"ipNextHopIPv4Address\":\"203.0.113.2\",\"sourceIPv4PrefixLength\":24,\"destinationIPv4PrefixLength\":25,"
			"\"bgpNextHopIPv4Address\":\"203.0.113.1\",\"bgpSourceAsNumber\":64501,\"bgpDestinationAsNumber\":64505,"
			"\"bgpPrevAdjacentAsNumber\":64502,\"bgpNextAdjacentAsNumber\":64503,\"sflowRouterAsNumber\":64500,"
			"\"sflowDestinationAsPath\":[64503,64504,64505],\"bgpCommunity\":[1000,2000],\"sflowLocalPreference\":100}",

    HEAD(
	"198.51.100.7") "\"index\":0,\"options\":true,\"sflowSampleFormat\":2,\"sflowSampleSequence\":2,"
			"\"sflowSourceClass\":0,\"sflowSourceIndex\":7,\"ifIndex\":0,\"ifType\":1,\"ifSpeed\":8589934595,"
			"\"ifDirection\":4,\"ifStatus\":5,\"ifInOctets\":25769803783,\"ifInUcastPkts\":8,\"ifInMulticastPkts\":9,"
			"\"ifInBroadcastPkts\":10,\"ifInDiscards\":11,\"ifInErrors\":12,\"ifInUnknownProtos\":13,"
			"\"ifOutOctets\":60129542159,\"ifOutUcastPkts\":16,\"ifOutMulticastPkts\":17,\"ifOutBroadcastPkts\":18,"
			"\"ifOutDiscards\":19,\"ifOutErrors\":20,\"ifPromiscuousMode\":21,\"dot3StatsAlignmentErrors\":100,"
			"\"dot3StatsFCSErrors\":101,\"dot3StatsSingleCollisionFrames\":102,\"dot3StatsMultipleCollisionFrames\":103,"
			"\"dot3StatsSQETestErrors\":104,\"dot3StatsDeferredTransmissions\":105,\"dot3StatsLateCollisions\":106,"
			"\"dot3StatsExcessiveCollisions\":107,\"dot3StatsInternalMacTransmitErrors\":108,"
			"\"dot3StatsCarrierSenseErrors\":109,\"dot3StatsFrameTooLongs\":110,\"dot3StatsInternalMacReceiveErrors\":111,"
			"\"dot3StatsSymbolErrors\":112,\"sflowUndecodedFormats\":2000}",

    HEAD(
	"198.51.100.7") "\"index\":1,\"sflowSampleFormat\":3,\"sflowSampleSequence\":3,\"sflowSourceClass\":0,"
			"\"sflowSourceIndex\":70000,\"samplingInterval\":512,\"selectorIdTotalPktsObserved\":1024,"
			"\"ignoredPacketTotalCount\":0,\"ingressInterface\":70000,\"sflowOutputInterfaceCount\":5,"
			"\"packetDeltaCount\":1,\"octetDeltaCount\":98,\"layer2OctetDeltaCount\":116,\"sflowHeaderProtocol\":1,"
			"\"sflowStrippedOctets\":4,\"destinationMacAddress\":[\"02:00:00:00:00:03\",\"02:00:00:00:00:05\"],"
			"\"sourceMacAddress\":[\"02:00:00:00:00:04\",\"02:00:00:00:00:06\"],\"ethernetType\":[2048,34525],"
			"\"ipVersion\":[4,6],\"sourceIPv4Address\":\"192.0.2.3\",\"destinationIPv4Address\":\"192.0.2.4\","
			"\"protocolIdentifier\":[17,17],\"ipClassOfService\":[0,0],\"ipTTL\":[64,63],\"fragmentIdentification\":0,"
			"\"fragmentFlags\":0,\"fragmentOffset\":0,\"sourceTransportPort\":[1000,5353],"
			"\"destinationTransportPort\":[4789,53],\"layer2SegmentId\":72057594037928036,"
			"\"sflowVxlanNetworkIdentifier\":100,\"sourceIPv6Address\":\"2001:db8::1\","
			"\"destinationIPv6Address\":\"2001:db8::2\",\"flowLabelIPv6\":74565,\"sflowUndecodedFormats\":36866}",

    HEAD(
	"198.51.100.7") "\"index\":1,\"options\":true,\"sflowSampleFormat\":4,\"sflowSampleSequence\":4,"
			"\"sflowSourceClass\":2,\"sflowSourceIndex\":1,\"processorCpu5s\":100,\"processorCpu1m\":200,"
			"\"processorCpu5m\":300,\"processorTotalMemory\":4096,\"processorFreeMemory\":2048}",

    HEAD(
	"198.51.100.7") "\"index\":2,\"sflowSampleFormat\":5,\"sflowSampleSequence\":5,\"sflowSourceClass\":0,"
			"\"sflowSourceIndex\":7,\"ignoredPacketTotalCount\":6,\"ingressInterface\":7,\"egressInterface\":8,"
			"\"forwardingStatus\":128,\"sflowDropReason\":263,\"droppedPacketDeltaCount\":1,"
			"\"droppedOctetDeltaCount\":1500,\"sflowHeaderProtocol\":11,\"sflowStrippedOctets\":4,\"ipVersion\":4,"
			"\"sourceIPv4Address\":\"192.0.2.1\",\"destinationIPv4Address\":\"198.51.100.2\",\"protocolIdentifier\":6,"
			"\"ipClassOfService\":184,\"ipTTL\":61,\"fragmentIdentification\":4660,\"fragmentFlags\":64,"
			"\"fragmentOffset\":0,\"sourceTransportPort\":40000,\"destinationTransportPort\":443,\"tcpControlBits\":27,"
			"\"sflowDropFunction\":\"fn\"}",
};
#define WANTED (sizeof(wanted) / sizeof(wanted[0]))

static void
test_json(void)
{
	static const char *const names[] = {
	    "a flow", "counters", "a tunnel", "expanded counters", "a discarded packet"};
	struct sample s;
	struct buf out = BUF_INIT;
	struct decode d;

	sample_everything(&s, 4);
	print_json(s.bytes.data, s.bytes.len, &out, &d);
	ok(d.flows == 3 && d.options == 2 && d.samples_unknown == 1 && d.sets_malformed == 0, "the counts");
	is_u64(d.samples.records_unknown, 2, "records of unknown formats");
	for (size_t i = 0; i < WANTED; i++) {
		struct buf copy = BUF_INIT;

		buf_bytes(&copy, out.data, out.len);
		is_text(line(&copy, i), wanted[i], "%s", names[i]);
		buf_clear(&copy);
	}
	buf_clear(&s.bytes);
	sample_everything(&s, 6);
	print_json(s.bytes.data, s.bytes.len, &out, &d);
	ok(strstr((char *)out.data, "\"agent\":\"2001:db8::c633:6407\",\"domain\":3") != NULL,
	    "an agent over IPv6");
	buf_clear(&s.bytes);
	buf_clear(&out);
}

static void
test_other_forms(void)
{
	struct flow_context context = {.exporter = exporter, .port = 6343};
	struct sample s;
	struct buf text = BUF_INIT, csv = BUF_INIT;
	struct proto_info info;
	struct expr_error error;
	struct columns *columns;
	struct decode d;
	struct flow f;

	sample_everything(&s, 4);
	ok(columns_parse(NULL, &columns, &error) == ERR_OK, "columns");
	ok(proto_recognise(s.bytes.data, s.bytes.len, &info) == ERR_OK, "known");
	decode_init(&d, s.bytes.data, s.bytes.len, &info, NULL, NULL);
	while (decode_next(&d, &f) == ERR_OK) {
		struct flow_context other = context;

		flow_text(&f, &context, &text);
		columns_csv(columns, &f, &other, &csv);
	}
	buf_u8(&text, 0);
	buf_u8(&csv, 0);
	is_text(line(&text, 0),
	    "1970-01-01T00:00:00.000Z - 192.0.2.1:40000 > 198.51.100.2:443 tcp 1b packets 1 octets 1500 from 192.0.2.1",
	    "text");
	is_text(line(&csv, 0),
	    "192.0.2.1,6343,sflow5,3,77,1970-01-01T00:00:00.000000000Z,0,,,192.0.2.1,198.51.100.2,40000,443,6,27,184,1500,1,7,8,"
	    "203.0.113.2,64501,64505,24,25",
	    "CSV");
	columns_free(columns);
	buf_clear(&s.bytes);
	buf_clear(&text);
	buf_clear(&csv);
}

/* A sample with one record whose body is these words. */
static struct sample
one_record(uint32_t format, const uint32_t *words, size_t count)
{
	struct sample s;

	sample_begin(&s, 4);
	sample_open(&s, 1);
	sample_words(&s, 8, 1U, 7U, 1U, 1U, 0U, 1U, 2U, 1U);
	sample_open(&s, format);
	for (size_t i = 0; i < count; i++)
		sample_words(&s, 1, words[i]);
	sample_close(&s);
	sample_close(&s);
	sample_end(&s);
	return s;
}

static const struct record {
	uint32_t format;
	uint32_t words[14];
	size_t count;
	const char *json;
} records[] = {
    {2, {64, 0x02000000, 0x00010000, 0x02000000, 0x00020000, 0x0806}, 6,
	"\"layer2OctetDeltaCount\":64,\"destinationMacAddress\":\"02:00:00:00:00:02\","
	"\"sourceMacAddress\":\"02:00:00:00:00:01\",\"ethernetType\":2054}"},
    {3, {60, 17, 0xc0000201, 0xc0000202, 53, 1024, 0, 8}, 8,
	"\"octetDeltaCount\":60,\"ipVersion\":4,\"sourceIPv4Address\":\"192.0.2.1\","
	"\"destinationIPv4Address\":\"192.0.2.2\",\"protocolIdentifier\":17,\"ipClassOfService\":8,"
	"\"sourceTransportPort\":53,\"destinationTransportPort\":1024}"},
    {4, {80, 6, 0x20010db8, 0, 0, 1, 0x20010db8, 0, 0, 2, 80, 1024, 2, 0}, 14,
	"\"octetDeltaCount\":80,\"ipVersion\":6,\"sourceIPv6Address\":\"2001:db8::1\","
	"\"destinationIPv6Address\":\"2001:db8::2\",\"protocolIdentifier\":6,\"ipClassOfService\":0,"
	"\"sourceTransportPort\":80,\"destinationTransportPort\":1024,\"tcpControlBits\":2}"},
    {1001, {1, 2, 3, 4}, 4,
	"\"vlanId\":1,\"sflowIngressPriority\":2,\"postVlanId\":3,\"sflowEgressPriority\":4}"},
    {1002, {2, 0x20010db8, 0, 0, 9, 48, 64}, 7,
	"\"ipNextHopIPv6Address\":\"2001:db8::9\",\"sourceIPv6PrefixLength\":48,\"destinationIPv6PrefixLength\":64}"},
    {1003, {1, 0xcb007101, 1, 2, 3, 0, 0, 5}, 8,
	"\"bgpNextHopIPv4Address\":\"203.0.113.1\",\"bgpSourceAsNumber\":2,\"bgpPrevAdjacentAsNumber\":3,"
	"\"sflowRouterAsNumber\":1,\"sflowLocalPreference\":5}"},
    {1004, {106, 2, 0x61620000, 106, 1, 0x63000000}, 6,
	"\"userName\":\"ab\",\"sflowDestinationUserName\":\"c\"}"},
    {1005, {1, 1, 0x2f000000, 3, 0x612e6200}, 5,
	"\"sflowUrlDirection\":1,\"httpRequestTarget\":\"/\",\"httpRequestHost\":\"a.b\"}"},
    {1006, {1, 0xcb007101, 2, 16, 17, 1, 18}, 7,
	"\"ipNextHopIPv4Address\":\"203.0.113.1\",\"sflowMplsInLabels\":[16,17],\"sflowMplsOutLabels\":18}"},
    {1007, {1, 0xcb007101, 1, 0xcb007102}, 4,
	"\"postNATSourceIPv4Address\":\"203.0.113.1\",\"postNATDestinationIPv4Address\":\"203.0.113.2\"}"},
    {1020, {1, 2}, 2, "\"postNAPTSourceTransportPort\":1,\"postNAPTDestinationTransportPort\":2}"},
    {1036, {7}, 1, "\"sflowEgressQueue\":7}"},
    {1037, {5, 3, 0x61636c00, 1}, 4,
	"\"sflowAclNumber\":5,\"sflowAclName\":\"acl\",\"sflowAclDirection\":1}"},
    /* PPP: nobody reads it, and its octets are there */
    {1, {7, 100, 0, 4, 0xff030021}, 5,
	"\"layer2OctetDeltaCount\":100,\"sflowHeaderProtocol\":7,\"sflowStrippedOctets\":0,"
	"\"dataLinkFrameSection\":\"ff030021\"}"},
};

/* Each format, and each a word short: then it is named and nothing is made of it. */
static void
test_records(void)
{
	static const char all[] = "\"packetDeltaCount\":1,";
	struct buf out = BUF_INIT;
	struct decode d;
	char short_json[64];

	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		const struct record *r = &records[i];
		struct sample s = one_record(r->format, r->words, r->count);
		const char *got;

		print_json(s.bytes.data, s.bytes.len, &out, &d);
		got = strstr(line(&out, 0), all);
		is_text(got != NULL ? got + sizeof(all) - 1 : "", r->json, "format %u", r->format);
		buf_clear(&s.bytes);
		s = one_record(r->format, r->words, r->count - 1);
		print_json(s.bytes.data, s.bytes.len, &out, &d);
		(void)snprintf(short_json, sizeof(short_json), "\"sflowUndecodedFormats\":%u}", r->format);
		got = strstr(line(&out, 0), all);
		is_text(got != NULL ? got + sizeof(all) - 1 : "", short_json, "format %u, a word short",
		    r->format);
		is_u64(d.samples.records_malformed, 1, "counted");
		buf_clear(&s.bytes);
	}
	buf_clear(&out);
}

/* More of a list than is shown; a record never outgrows what it is put into. */
static void
test_long_lists(void)
{
	struct sample s;
	struct buf out = BUF_INIT;
	struct decode d;
	struct flow f;
	struct proto_info info;
	uint64_t v = 0;

	sample_begin(&s, 4);
	sample_open(&s, 1);
	sample_words(&s, 8, 1U, 7U, 1U, 1U, 0U, 1U, 2U, 1U);
	sample_open(&s, 1003);
	sample_words(&s, 6, 1U, 0xcb007101U, 1U, 2U, 3U, 3U);
	for (uint32_t segment = 0; segment < 3; segment++) {
		sample_words(&s, 2, 2U, 2000U);
		for (uint32_t i = 0; i < 2000; i++)
			sample_words(&s, 1, 10000 * segment + i);
	}
	sample_words(&s, 1, 3000U);
	for (uint32_t i = 0; i < 3000; i++)
		sample_words(&s, 1, i);
	sample_words(&s, 1, 100U);
	sample_close(&s);
	sample_close(&s);
	sample_end(&s);
	ok(proto_recognise(s.bytes.data, s.bytes.len, &info) == ERR_OK, "known");
	decode_init(&d, s.bytes.data, s.bytes.len, &info, NULL, NULL);
	ok(decode_next(&d, &f) == ERR_OK && f.tmpl->field_count <= SAMPLES_FIELDS_MOST, "a path of 6000 ASs");
	ok(flow_get_u64(&f, 0, 17, &v) && v == 21999, "the destination is the last of them");
	ok(flow_get_u64(&f, 0, 128, &v) && v == 0, "the next is the first");
	ok(decode_next(&d, &f) == ERR_END, "the end");
	buf_clear(&s.bytes);
	buf_clear(&out);
}

/* Counts as decode_count and as decode_next have it. */
static bool
agree(const uint8_t *bytes, size_t len)
{
	struct proto_info info;
	struct decode d, c;
	struct flow f;
	uint32_t flows = 0;

	if (proto_recognise(bytes, len, &info) != ERR_OK)
		return true;
	decode_init(&d, bytes, len, &info, NULL, NULL);
	while (decode_next(&d, &f) == ERR_OK)
		flows += !f.options;
	decode_init(&c, bytes, len, &info, NULL, NULL);
	return decode_count(&c) == flows && flows == d.flows && c.flows == d.flows &&
	    c.options == d.options && c.samples_unknown == d.samples_unknown &&
	    c.sets_malformed == d.sets_malformed && c.fault == d.fault;
}

static void
test_agreement(void)
{
	struct sample s;
	size_t bad = 0;

	sample_everything(&s, 4);
	for (size_t len = 0; len <= s.bytes.len; len++) {
		uint8_t *copy = malloc(len > 0 ? len : 1);

		if (copy == NULL)
			abort();
		memcpy(copy, s.bytes.data, len);
		bad += !agree(copy, len);
		free(copy);
	}
	is_u64(bad, 0, "each prefix is counted as it is decoded");
	for (size_t at = 4; at < s.bytes.len; at++) {
		uint8_t kept = s.bytes.data[at];

		for (int bit = 0; bit < 8; bit++) {
			s.bytes.data[at] = (uint8_t)(kept ^ 1 << bit);
			bad += !agree(s.bytes.data, s.bytes.len);
		}
		s.bytes.data[at] = kept;
	}
	is_u64(bad, 0, "so is each changed bit");
	buf_clear(&s.bytes);
}

int
main(void)
{
	test_json();
	test_other_forms();
	test_records();
	test_long_lists();
	test_agreement();
	return done_testing();
}
