/* SPDX-License-Identifier: ISC
 *
 * Flows as JSON, CSV and text: every type of value, names, arrays, lengths that do not fit a type.
 */
#include "flow/columns.h"
#include "flow/decode.h"
#include "flow/flow.h"
#include "tests/message.h"
#include "tests/tap.h"
#include "tests/templates.h"

static struct template_list templates;
static struct proto_info info;
static struct buf message = BUF_INIT, out = BUF_INIT;

static struct flow_context
context(void)
{
	return (struct flow_context){.exporter = addr_v4(0xc0000209),
	    .port = 4444,
	    .received = wall_from_sec(MESSAGE_SECONDS, 123456789)};
}

static struct decode
begin(void)
{
	struct addr exporter = addr_v4(0xc0000209);
	struct stream_key key;
	struct decode d;

	if (proto_recognise(message.data, message.len, &info) != ERR_OK)
		info = (struct proto_info){.cut = true};
	key = stream_key_of(&exporter, 4444, &info);
	templates_learn(&templates, &key, &info, message.data, message.len);
	decode_init(&d, message.data, message.len, &info, templates_resolve, &templates);
	return d;
}

/* The first flow, through one of the printers. */
static const char *
print(void (*printer)(const struct flow *, struct flow_context *, struct buf *))
{
	struct flow_context c = context();
	struct decode d = begin();
	struct flow f;

	buf_reset(&out);
	if (decode_next(&d, &f) != ERR_OK)
		return "no flow";
	printer(&f, &c, &out);
	buf_u8(&out, 0);
	return (const char *)out.data;
}

static void
tagged(const struct flow *f, struct flow_context *c, struct buf *b)
{
	static const uint32_t tags[] = {5, UINT32_MAX};
	struct flow with = *f;

	with.tags = tags;
	with.tag_count = 2;
	flow_text(&with, c, b);
}

/* Columns that a test chose; NULL: those of CSV. */
static const char *chosen;
static bool as_json;

static void
columns_line(const struct flow *f, struct flow_context *c, struct buf *to)
{
	struct expr_error error;
	struct columns *columns;

	if (columns_parse(chosen, &columns, &error) != ERR_OK) {
		buf_printf(to, "%zu: %s", error.column, error.message);
		return;
	}
	columns_datagram(columns);
	(as_json ? columns_json : columns_csv)(columns, f, c, to);
	columns_free(columns);
}

static const char *
csv_of(const char *names)
{
	chosen = names;
	as_json = false;
	return print(columns_line);
}

static const char *
keys_of(const char *names)
{
	chosen = names;
	as_json = true;
	return print(columns_line);
}

/* What JSON says of one field: the text between the index and the end. */
static const char *
json_of(uint16_t id, const void *bytes, uint16_t len)
{
	const char *text;
	char *at;

	message_v9(&message, 7, 5);
	message_set(&message, 0);
	message_template(&message, 300, (const uint16_t[]){id, len, 4, 1}, 2);
	message_set_end(&message);
	message_set(&message, 300);
	buf_bytes(&message, bytes, len);
	buf_u8(&message, 6);
	message_set_end(&message);
	text = print(flow_json);
	at = strstr(text, ",\"protocolIdentifier\":6");
	if (at != NULL)
		*at = '\0';
	at = strstr(text, "\"index\":0,");
	return at != NULL ? at + strlen("\"index\":0,") : text;
}

static void
test_types(void)
{
	is_text(json_of(1, "\1\2", 2), "\"octetDeltaCount\":258", "unsigned, reduced");
	is_text(json_of(1, "\xff\xff\xff\xff\xff\xff\xff\xff", 8), "\"octetDeltaCount\":18446744073709551615",
	    "largest");
	is_text(json_of(1, "\1\2\3", 3), "\"octetDeltaCount\":66051", "of three bytes");
	is_text(json_of(1, "\0\0\0\0\0\0\0\0\1", 9), "\"octetDeltaCount\":\"000000000000000001\"",
	    "too long: as it stands");
	is_text(json_of(1, "", 0), "\"octetDeltaCount\":null", "of no length");
	is_text(json_of(434, "\xff\xff\xff\xfe", 4), "\"mibObjectValueInteger\":-2", "signed");
	is_text(json_of(434, "\x80\0", 2), "\"mibObjectValueInteger\":-32768", "signed, reduced");
	is_text(json_of(320, "\x3f\xc0\0\0", 4), "\"absoluteError\":1.5", "float");
	is_text(json_of(320, "\xc0\0\0\0\0\0\0\0", 8), "\"absoluteError\":-2", "double");
	is_text(json_of(276, "\1", 1), "\"dataRecordsReliability\":true", "true");
	is_text(json_of(276, "\2", 1), "\"dataRecordsReliability\":false", "false");
	is_text(json_of(276, "\3", 1), "\"dataRecordsReliability\":\"03\"", "neither");
	is_text(json_of(8, "\xc0\0\2\xff", 4), "\"sourceIPv4Address\":\"192.0.2.255\"", "IPv4");
	is_text(json_of(8, "\xc0\0", 2), "\"sourceIPv4Address\":\"c000\"", "half of one");
	is_text(json_of(27, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16),
	    "\"sourceIPv6Address\":\"2001:db8::1\"", "IPv6");
	is_text(json_of(27, "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\1", 16),
	    "\"sourceIPv6Address\":\"::ffff:192.0.2.1\"", "IPv4-mapped");
	is_text(
	    json_of(56, "\0\x1b\x21\xbc\x24\xdd", 6), "\"sourceMacAddress\":\"00:1b:21:bc:24:dd\"", "MAC");
	is_text(json_of(82, "en0\0\0", 5), "\"interfaceName\":\"en0\"", "string, padded");
	is_text(json_of(82, "a\"\n\0b", 5), "\"interfaceName\":\"a\\\"\\n\\u0000b\"", "string, escaped");
	is_text(json_of(82, "", 0), "\"interfaceName\":\"\"", "string, empty");
	is_text(json_of(82, "B\xfcro\0", 5), "\"interfaceName\":\"42fc726f00\"", "string, not UTF-8");
	is_text(json_of(82, "gr\xc3\xbcn\xe2\x82", 7), "\"interfaceName\":\"6772c3bc6ee282\"",
	    "string, cut inside of a character");
	is_text(json_of(82, "\xc3\xbc", 2), "\"interfaceName\":\"\xc3\xbc\"", "string, UTF-8");
	is_text(json_of(320, "\x7f\xc0\0\1", 4), "\"absoluteError\":\"7fc00001\"", "float, not a number");
	is_text(json_of(320, "\xff\xf0\0\0\0\0\0\0", 8), "\"absoluteError\":\"fff0000000000000\"",
	    "float, infinite");
	is_text(json_of(320, "\x3f\xc0\0", 3), "\"absoluteError\":\"3fc000\"", "float of three bytes");
	is_text(json_of(95, "\x0d\0\1\xdf", 4), "\"applicationId\":\"0d0001df\"", "octets");
	is_text(json_of(322, "\x65\x53\xf1\0", 4), "\"observationTimeSeconds\":\"2023-11-14T22:13:20Z\"",
	    "seconds");
	is_text(json_of(323, "\0\0\x01\x8b\xcf\xe5\x68\x07", 8),
	    "\"observationTimeMilliseconds\":\"2023-11-14T22:13:20.007Z\"", "milliseconds");
	is_text(json_of(323, "\xff\xff\xff\xff\xff\xff\xff\xff", 8),
	    "\"observationTimeMilliseconds\":\"ffffffffffffffff\"", "a time beyond all");
	is_text(json_of(324, "\xe8\xfe\x6f\x80\x80\0\0\0", 8),
	    "\"observationTimeMicroseconds\":\"2023-11-14T22:13:20.500000Z\"", "microseconds");
	is_text(json_of(325, "\xe8\xfe\x6f\x80\x40\0\0\0", 8),
	    "\"observationTimeNanoseconds\":\"2023-11-14T22:13:20.250000000Z\"", "nanoseconds");
	is_text(json_of(127, "\1\2", 2), "\"0/127\":\"0102\"", "unknown");
	is_text(json_of(56701, "\1\2", 2), "\"0/56701\":\"0102\"", "unknown, of v9's own");
	is_text(json_of(33002, "\1\2", 2), "\"firewallExtendedEvent\":258", "Cisco's");
	ok(strstr(json_of(210, "\1\2", 2), "padding") == NULL, "padding is left out");
}

static void
test_v5(void)
{
	static const char *const witnesses[] = {"col-a", "col-b"};
	struct flow_context c = context();
	struct decode d;
	struct flow f;

	message_old(&message, 5, 2, 1000);
	message_old_record(&message, 5, 1);
	message_old_record(&message, 5, 2);
	is_text(print(flow_json),
	    "{\"exporter\":\"192.0.2.9\",\"exporterPort\":4444,\"version\":5,\"domain\":258,\"sequence\":1000,"
	    "\"exportTime\":\"2023-11-14T22:13:20.500000000Z\",\"received\":\"2023-11-14T22:13:20.123456789Z\","
	    "\"index\":0,\"sourceIPv4Address\":\"192.0.2.1\",\"destinationIPv4Address\":\"198.51.100.1\","
	    "\"ipNextHopIPv4Address\":\"203.0.113.1\",\"ingressInterface\":1,\"egressInterface\":2,"
	    "\"packetDeltaCount\":10,\"octetDeltaCount\":1500,\"flowStartSysUpTime\":350000,"
	    "\"flowEndSysUpTime\":359500,\"sourceTransportPort\":40000,\"destinationTransportPort\":443,"
	    "\"tcpControlBits\":27,\"protocolIdentifier\":6,\"ipClassOfService\":16,\"bgpSourceAsNumber\":64500,"
	    "\"bgpDestinationAsNumber\":64501,\"sourceIPv4PrefixLength\":24,\"destinationIPv4PrefixLength\":16,"
	    "\"samplingInterval\":100,\"samplingAlgorithm\":1,\"flowStart\":\"2023-11-14T22:13:10.500Z\","
	    "\"flowEnd\":\"2023-11-14T22:13:20.000Z\"}\n",
	    "v5 as JSON");
	is_text(csv_of(NULL),
	    "192.0.2.9,4444,5,258,1000,2023-11-14T22:13:20.123456789Z,0,2023-11-14T22:13:10.500Z,"
	    "2023-11-14T22:13:20.000Z,192.0.2.1,198.51.100.1,40000,443,6,27,16,1500,10,1,2,203.0.113.1,64500,64501,24,16\n",
	    "as CSV");
	is_text(print(flow_tools),
	    "1700000000,500000000,360000,192.0.2.9,10,1500,350000,359500,1,2,192.0.2.1,198.51.100.1,203.0.113.1,"
	    "1,2,40000,443,6,16,27,24,16,64500,64501\n",
	    "as flow-tools has it");
	is_text(print(flow_text),
	    "2023-11-14T22:13:10.500Z 9.500s 192.0.2.1:40000 > 198.51.100.1:443 tcp 1b packets 10 octets 1500 from "
	    "192.0.2.9\n",
	    "as text");
	ok(strstr(print(tagged), " from 192.0.2.9 tag 5,4294967295\n") != NULL, "with tags");
	c.witnesses = witnesses;
	c.n_witnesses = 2;
	d = begin();
	buf_reset(&out);
	while (decode_next(&d, &f) == ERR_OK)
		flow_json(&f, &c, &out);
	buf_u8(&out, 0);
	ok(strstr((char *)out.data,
	       "\"flowEnd\":\"2023-11-14T22:13:20.000Z\",\"witnesses\":[\"col-a\",\"col-b\"]}\n{") != NULL,
	    "witnesses");
	ok(strstr((char *)out.data,
	       "\"sequence\":1000,\"exportTime\":\"2023-11-14T22:13:20.500000000Z\",\"received\":"
	       "\"2023-11-14T22:13:20.123456789Z\",\"index\":1,") != NULL,
	    "the second flow has the same head");
	f.late = true;
	buf_reset(&out);
	flow_json(&f, &c, &out);
	buf_u8(&out, 0);
	ok(strstr((char *)out.data, ",\"lateTemplate\":true,") != NULL, "a template that came late");
	ok(strstr(strstr((char *)out.data, "lateTemplate") + 1, "lateTemplate") == NULL, "is told once");
}

static void
test_repeated(void)
{
	const char *text;

	message_v9(&message, 7, 5);
	message_set(&message, 0);
	message_template(&message, 301, (const uint16_t[]){7, 2, 4, 1, 7, 2, 127, 1, 7, 1, 127, 1}, 6);
	message_set_end(&message);
	message_set(&message, 301);
	buf_bytes(&message, "\0\1\6\0\2\xaa\3\xbb", 8);
	message_set_end(&message);
	text = strstr(print(flow_json), "\"index\"");
	is_text(text,
	    "\"index\":0,\"sourceTransportPort\":[1,2,3],\"protocolIdentifier\":6,\"0/127\":[\"aa\",\"bb\"]}\n",
	    "an element that stands twice is an array at its first place");
}

static void
test_options(void)
{
	message_v9(&message, 7, 5);
	message_set(&message, 1);
	message_options_template(&message, 302, (const uint16_t[]){2, 2, 1, 4, 34, 4}, 1, 3);
	message_set_end(&message);
	message_set(&message, 302);
	buf_bytes(&message, "\0\5\0\0\0\7\0\0\0\x64", 10);
	message_set_end(&message);
	is_text(strstr(print(flow_json), "\"index\""),
	    "\"index\":0,\"options\":true,\"scopeInterface\":5,\"octetDeltaCount\":7,\"samplingInterval\":100}\n",
	    "an options record: scopes have names of their own");
	is_text(csv_of(NULL), "", "none in CSV");
	is_text(print(flow_tools), "", "nor in flow-tools' lines");
	is_text(print(flow_text), "", "nor in text");
}

/* One family's addresses are empty in templates for both. */
static void
test_families(void)
{
	message_v9(&message, 7, 5);
	message_set(&message, 0);
	message_template(&message, 303, (const uint16_t[]){8, 4, 27, 16, 12, 4, 28, 16}, 4);
	message_set_end(&message);
	message_set(&message, 303);
	buf_u32(&message, 0);
	buf_bytes(&message, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16);
	buf_u32(&message, 0);
	buf_bytes(&message, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2", 16);
	message_set_end(&message);
	is_text(csv_of(NULL),
	    "192.0.2.9,4444,9,5,7,2023-11-14T22:13:20.123456789Z,0,,,2001:db8::1,2001:db8::2,"
	    ",,,,,,,,,,,,,\n",
	    "CSV takes what is not empty");
	is_text(print(flow_text),
	    "2023-11-14T22:13:20.123Z - [2001:db8::1] > [2001:db8::2] - packets - octets - from 192.0.2.9\n",
	    "and so does text");
	is_text(print(flow_tools),
	    "1700000000,0,360000,192.0.2.9,0,0,0,0,0,0,2001:db8::1,2001:db8::2,0.0.0.0,0,0,0,0,0,0,0,0,0,0,0\n",
	    "flow-tools' lines, too, and they have zeros for what is not there");
}

/* Values much longer than what the printers reserve. */
static void
test_long(void)
{
	const char *text;

	message_v9(&message, 7, 5);
	message_set(&message, 0);
	message_template(&message, 304, (const uint16_t[]){82, 20000, 95, 20000, 4, 1}, 3);
	message_set_end(&message);
	message_set(&message, 304);
	for (unsigned i = 0; i < 40000; i++)
		buf_u8(&message, i < 20000 ? 1 : 0xab);
	buf_u8(&message, 6);
	message_set_end(&message);
	text = print(flow_json);
	ok(strlen(text) > 6 * 20000 + 2 * 20000 && strstr(text, "abab\",\"protocolIdentifier\":6}\n") != NULL,
	    "long values are whole");
}

static void
test_header(void)
{
	unsigned commas = 0, values = 0;
	struct expr_error error;
	struct columns *columns;

	buf_reset(&out);
	ok(columns_parse(NULL, &columns, &error) == ERR_OK, "CSV has columns by itself");
	columns_csv_header(columns, &out);
	columns_free(columns);
	for (size_t i = 0; i < out.len; i++)
		commas += out.data[i] == ',';
	message_old(&message, 5, 1, 1);
	message_old_record(&message, 5, 1);
	for (const char *at = csv_of(NULL); *at != '\0'; at++)
		values += *at == ',';
	is_u64(values, commas, "CSV has as many values as names");
	buf_reset(&out);
	flow_tools_header(&out);
	commas = values = 0;
	for (size_t i = 0; i < out.len; i++)
		commas += out.data[i] == ',';
	for (const char *at = print(flow_tools); *at != '\0'; at++)
		values += *at == ',';
	is_u64(values, commas, "so have flow-tools' lines");
}

/* What tells absolute times gives uptimes of its flows that fit the line's. */
static void
test_flow_tools_times(void)
{
	message_ipfix(&message, 7, 5);
	message_set(&message, 2);
	message_template(&message, 300, (const uint16_t[]){152, 8, 153, 8, 4, 1}, 3);
	message_set_end(&message);
	message_set(&message, 300);
	buf_u64(&message, (MESSAGE_SECONDS - 10) * 1000ull);
	buf_u64(&message, (MESSAGE_SECONDS - 1) * 1000ull + 250);
	buf_u8(&message, 17);
	message_set_end(&message);
	is_text(print(flow_tools),
	    "1700000000,0,3487918080,192.0.2.9,0,0,3487908080,3487917330,0,0,0.0.0.0,0.0.0.0,0.0.0.0,0,0,0,0,17,0,0,"
	    "0,0,0,0\n",
	    "absolute times as uptimes");
}

static void
test_columns(void)
{
	static const char *const witnesses[] = {"col-a", "col-b"};
	struct flow_context c = context();
	struct decode d;
	struct flow f;

	message_old(&message, 5, 2, 1000);
	message_old_record(&message, 5, 1);
	message_old_record(&message, 5, 2);
	is_text(
	    csv_of(
		"sourceIPv4Address,exporter,flowEnd,samplingInterval,samplingAlgorithm,octets,0/7,sourceMacAddress,index"),
	    "192.0.2.1,192.0.2.9,2023-11-14T22:13:20.000Z,100,1,1500,40000,,0\n",
	    "chosen columns, in their order");
	is_text(
	    keys_of(
		"sourceIPv4Address,exporter,flowEnd,samplingInterval,samplingAlgorithm,octets,0/7,sourceMacAddress,index"),
	    "{\"sourceIPv4Address\":\"192.0.2.1\",\"exporter\":\"192.0.2.9\",\"flowEnd\":\"2023-11-14T22:13:20.000Z\","
	    "\"samplingInterval\":100,\"samplingAlgorithm\":1,\"octets\":1500,\"0/7\":40000,\"index\":0}\n",
	    "and as JSON, what there is of them");
	is_text(keys_of("agent,version,domain,sequence,exportTime,exporterPort,received,witnesses"),
	    "{\"version\":5,\"domain\":258,\"sequence\":1000,\"exportTime\":\"2023-11-14T22:13:20.500000000Z\","
	    "\"exporterPort\":4444,\"received\":\"2023-11-14T22:13:20.123456789Z\"}\n",
	    "what all flows of a datagram share");
	is_text(keys_of("sourceMacAddress"), "{}\n", "nothing at all in JSON");
	is_text(csv_of("sourceMacAddress"), "\"\"\n", "nothing at all in CSV is no empty line");
	is_text(csv_of("sourceMacAddress,agent"), ",\n", "nor are two of them");
	d = begin();
	c.witnesses = witnesses;
	c.n_witnesses = 2;
	buf_reset(&out);
	ok(decode_next(&d, &f) == ERR_OK, "a flow");
	chosen = "witnesses,index";
	as_json = false;
	columns_line(&f, &c, &out);
	as_json = true;
	columns_line(&f, &c, &out);
	buf_u8(&out, 0);
	is_text((const char *)out.data, "col-a col-b,0\n{\"witnesses\":[\"col-a\",\"col-b\"],\"index\":0}\n",
	    "witnesses");
}

/* interfaceName, octetDeltaCount twice, interfaceName again, of fixed lengths */
static void
strings(const char *first, const char *second)
{
	message_v9(&message, 7, 5);
	message_set(&message, 0);
	message_template(&message, 310, (const uint16_t[]){82, 12, 1, 4, 1, 4, 83, 12, 4, 1}, 5);
	message_set_end(&message);
	message_set(&message, 310);
	buf_bytes(&message, first, 12);
	buf_u32(&message, 5);
	buf_u32(&message, 6);
	buf_bytes(&message, second, 12);
	buf_u8(&message, 6);
	message_set_end(&message);
}

static void
test_quotes(void)
{
	strings("eth0\0\0\0\0\0\0\0", "a, b\0\0\0\0\0\0\0");
	is_text(csv_of("interfaceName,interfaceDescription"), "eth0,\"a, b\"\n",
	    "CSV: quotes where they are needed");
	strings("\"a\"b\0\0\0\0\0\0\0", "a\r\nb\0\0\0\0\0\0\0");
	is_text(csv_of("interfaceName,interfaceDescription"), "\"\"\"a\"\"b\",\"a\r\nb\"\n",
	    "CSV: quotes are doubled, line ends kept");
	is_text(csv_of("interfaceDescription,protocolIdentifier,interfaceName"),
	    "\"a\r\nb\",6,\"\"\"a\"\"b\"\n", "CSV: in any place");
	strings("B\xfcro\0\0\0\0\0\0\0", "\0\0\0\0\0\0\0\0\0\0\0");
	is_text(csv_of("interfaceName,interfaceDescription,index"), "42fc726f0000000000000000,,0\n",
	    "CSV: what is no UTF-8 is octets");
	is_text(csv_of("octetDeltaCount,index"), "\"[5,6]\",0\n", "CSV: an array");
	is_text(
	    keys_of("octetDeltaCount,index"), "{\"octetDeltaCount\":[5,6],\"index\":0}\n", "JSON: an array");
	is_text(csv_of("octets,index"), "5,0\n", "of those that tell the same, the first");
}

static void
test_no_columns(void)
{
	message_old(&message, 5, 1, 1);
	message_old_record(&message, 5, 1);
	is_text(csv_of("exporter,srcIPv4Address,index"),
	    "10: expected an information element or PEN/ID, found \"srcIPv4Address\"; near to it: staIPv4Address, sourceIPv4Address, sourceIPv6Address",
	    "a name that nobody knows");
	is_text(csv_of("flowstart"),
	    "1: expected an information element or PEN/ID, found \"flowstart\"; near to it: flowStart, flowFlags",
	    "case counts");
	is_text(csv_of("index,zzzzzzzzz"),
	    "7: expected an information element or PEN/ID, found \"zzzzzzzzz\"", "nothing is near");
	is_text(csv_of("index,,exporter"), "7: expected a name", "no name");
	is_text(csv_of(""), "1: expected a name", "none at all");
	is_text(csv_of("index,"), "7: expected a name", "none at the end");
	is_text(csv_of("index,exporter,index"), "16: \"index\" stands there twice", "twice");
	is_text(csv_of("4294967295/1"),
	    "1: expected an information element or PEN/ID, found \"4294967295/1\"",
	    "no such enterprise number");
	is_text(csv_of("0/65536"), "1: expected an information element or PEN/ID, found \"0/65536\"",
	    "no such element");
	is_text(csv_of("9/99"), "\"\"\n", "any number that can be");
}

/* Those of options records are shown when it is asked for them, v9's scopes have names, and Cisco's numbers two. */
static void
test_options_columns(void)
{
	message_v9(&message, 7, 5);
	message_set(&message, 1);
	message_options_template(&message, 302, (const uint16_t[]){2, 2, 1, 4, 34, 4, 33002, 2}, 1, 4);
	message_set_end(&message);
	message_set(&message, 302);
	buf_bytes(&message, "\0\5\0\0\0\7\0\0\0\x64\1\2", 12);
	message_set_end(&message);
	is_text(csv_of("index,scopeInterface"), "", "no options records");
	is_text(
	    csv_of(
		"options,scopeInterface,packetDeltaCount,octetDeltaCount,samplingInterval,firewallExtendedEvent"),
	    "true,5,,7,100,258\n", "with options");
	is_text(csv_of("options,0/33002,9/234"), "true,258,258\n", "one element however it is numbered");
}

static void
test_long_text(void)
{
	message_old(&message, 5, 2, 1000);
	message_old_record(&message, 5, 1);
	message_old_record(&message, 5, 2);
	is_text(print(flow_text_long),
	    "flow 0 of datagram 1000 from 192.0.2.9:4444, v5, domain 258\n"
	    "    exportTime: 2023-11-14T22:13:20.500000000Z\n"
	    "    received: 2023-11-14T22:13:20.123456789Z\n"
	    "    sourceIPv4Address: 192.0.2.1\n"
	    "    destinationIPv4Address: 198.51.100.1\n"
	    "    ipNextHopIPv4Address: 203.0.113.1\n"
	    "    ingressInterface: 1\n"
	    "    egressInterface: 2\n"
	    "    packetDeltaCount: 10 packets\n"
	    "    octetDeltaCount: 1500 octets\n"
	    "    flowStartSysUpTime: 350000 milliseconds\n"
	    "    flowEndSysUpTime: 359500 milliseconds\n"
	    "    sourceTransportPort: 40000\n"
	    "    destinationTransportPort: 443\n"
	    "    tcpControlBits: 27\n"
	    "    protocolIdentifier: 6\n"
	    "    ipClassOfService: 16\n"
	    "    bgpSourceAsNumber: 64500\n"
	    "    bgpDestinationAsNumber: 64501\n"
	    "    sourceIPv4PrefixLength: 24 bits\n"
	    "    destinationIPv4PrefixLength: 16 bits\n"
	    "    samplingInterval: 100\n"
	    "    samplingAlgorithm: 1\n"
	    "    flowStart: 2023-11-14T22:13:10.500Z\n"
	    "    flowEnd: 2023-11-14T22:13:20.000Z\n\n",
	    "long text");
	strings("\33[2Jx\0\0\0\0\0\0", "\"\0\0\0\0\0\0\0\0\0\0");
	is_text(strstr(print(flow_text_long), "    interfaceName"),
	    "    interfaceName: \"\\u001b[2Jx\"\n    octetDeltaCount: 5 octets\n    octetDeltaCount: 6 octets\n"
	    "    interfaceDescription: \"\\\"\"\n    protocolIdentifier: 6\n\n",
	    "strings cannot reach a terminal, and each field has its line");
}

int
main(void)
{
	test_columns();
	test_quotes();
	test_no_columns();
	test_options_columns();
	test_long_text();
	test_types();
	test_v5();
	test_repeated();
	test_options();
	test_families();
	test_long();
	test_header();
	test_flow_tools_times();
	templates_clear(&templates);
	buf_clear(&message);
	buf_clear(&out);
	return done_testing();
}
