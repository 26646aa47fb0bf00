/* SPDX-License-Identifier: ISC
 *
 * Structured data (RFC 6313) as JSON: the three kinds of lists, lists in lists, unknown templates, and every way in
 * which a list can be malformed.
 */
#include "flow/decode.h"
#include "flow/flow.h"
#include "tests/message.h"
#include "tests/tap.h"
#include "tests/templates.h"

#define BASIC 291
#define TEMPLATE 292
#define MULTI 293
#define VARIABLE 0xffff

static struct template_list templates;
static struct buf message = BUF_INIT, out = BUF_INIT, inner = BUF_INIT;

/* Templates 400: ingressInterface, octets of one byte each; 401: a name of variable length; 402: a basicList and
 * octets; 403: more empty fields than anybody needs. */
static void
put_sub_templates(void)
{
	message_set(&message, 2);
	message_template(&message, 400, (const uint16_t[]){10, 1, 1, 1}, 2);
	message_template(&message, 401, (const uint16_t[]){82, VARIABLE}, 1);
	message_template(&message, 402, (const uint16_t[]){BASIC, VARIABLE, 1, 1}, 2);
	buf_u16(&message, 403);
	buf_u16(&message, 100);
	for (unsigned i = 0; i < 100; i++) {
		buf_u16(&message, 10);
		buf_u16(&message, i == 0);
	}
	message_set_end(&message);
}

/* JSON of a flow that has a list of these bytes, and another field behind it. */
static const char *
json_of(uint16_t element, const void *bytes, size_t len)
{
	static const char before[] = "\"index\":0,", behind[] = ",\"protocolIdentifier\":6}\n";
	struct flow_context c = {.exporter = addr_v4(0xc0000209), .port = 4444};
	struct proto_info info;
	struct stream_key key;
	struct decode d;
	struct flow f;
	char *at, *end;

	message_ipfix(&message, 7, 5);
	put_sub_templates();
	message_set(&message, 2);
	message_template(&message, 300, (const uint16_t[]){element, VARIABLE, 4, 1}, 2);
	message_set_end(&message);
	message_set(&message, 300);
	buf_u8(&message, 255);
	buf_u16(&message, (uint16_t)len);
	buf_bytes(&message, bytes, len);
	buf_u8(&message, 6);
	message_set_end(&message);
	if (proto_recognise(message.data, message.len, &info) != ERR_OK)
		return "not recognised";
	key = stream_key_of(&c.exporter, c.port, &info);
	templates_learn(&templates, &key, &info, message.data, message.len);
	decode_init(&d, message.data, message.len, &info, templates_resolve, &templates);
	if (decode_next(&d, &f) != ERR_OK)
		return "no flow";
	buf_reset(&out);
	flow_json(&f, &c, &out);
	buf_u8(&out, 0);
	at = strstr((char *)out.data, before);
	end = strstr((char *)out.data, behind);
	if (at == NULL || end == NULL)
		return (const char *)out.data;
	*end = '\0';
	return at + sizeof(before) - 1;
}

#define LIST(element, bytes, want, what) \
	is_text(json_of(element, bytes, sizeof(bytes) - 1), \
	    (element) == BASIC          ? "\"basicList\":" want \
		: (element) == TEMPLATE ? "\"subTemplateList\":" want \
					: "\"subTemplateMultiList\":" want, \
	    what)

static void
test_basic(void)
{
	LIST(BASIC, "\3\0\12\0\1\1\2\3",
	    "{\"semantic\":\"allOf\",\"element\":\"ingressInterface\",\"elements\":[1,2,3]}", "a basicList");
	LIST(BASIC, "\4\0\122\377\377\3en0\0\377\0\2lo",
	    "{\"semantic\":\"ordered\",\"element\":\"interfaceName\",\"elements\":[\"en0\",\"\",\"lo\"]}",
	    "of values of variable length");
	LIST(BASIC, "\1\x80\1\0\2\0\0\x63\x75\1\2\3\4",
	    "{\"semantic\":\"exactlyOneOf\",\"element\":\"25461/1\",\"elements\":[\"0102\",\"0304\"]}",
	    "of an unknown enterprise's element");
	LIST(BASIC, "\2\0\10\0\4\300\0\2\1",
	    "{\"semantic\":\"oneOrMoreOf\",\"element\":\"sourceIPv4Address\",\"elements\":[\"192.0.2.1\"]}",
	    "of an address");
	LIST(BASIC, "\0\0\12\0\1",
	    "{\"semantic\":\"noneOf\",\"element\":\"ingressInterface\",\"elements\":[]}", "without values");
	LIST(BASIC, "\377\0\12\0\0",
	    "{\"semantic\":\"undefined\",\"element\":\"ingressInterface\",\"elements\":[]}", "of no length");
	LIST(BASIC, "\7\0\12\0\1\1", "{\"semantic\":7,\"element\":\"ingressInterface\",\"elements\":[1]}",
	    "a semantic that nobody has given a meaning");
	LIST(BASIC, "\3\1\43\377\377\7\0\0\12\0\1\1\2",
	    "{\"semantic\":\"allOf\",\"element\":\"basicList\",\"elements\":[{\"semantic\":\"noneOf\",\"element\":"
	    "\"ingressInterface\",\"elements\":[1,2]}]}",
	    "a list of lists");
	LIST(BASIC, "", "null", "none at all");
}

static void
test_templates(void)
{
	LIST(TEMPLATE, "\3\1\220\1\2\3\4",
	    "{\"semantic\":\"allOf\",\"elements\":[{\"ingressInterface\":1,\"octetDeltaCount\":2},"
	    "{\"ingressInterface\":3,\"octetDeltaCount\":4}]}",
	    "a subTemplateList");
	LIST(TEMPLATE, "\3\1\221\3en0\2lo",
	    "{\"semantic\":\"allOf\",\"elements\":[{\"interfaceName\":\"en0\"},{\"interfaceName\":\"lo\"}]}",
	    "of records of variable length");
	LIST(TEMPLATE, "\3\1\222\7\4\0\12\0\1\5\6\7",
	    "{\"semantic\":\"allOf\",\"elements\":[{\"basicList\":{\"semantic\":\"ordered\",\"element\":"
	    "\"ingressInterface\",\"elements\":[5,6]},\"octetDeltaCount\":7}]}",
	    "of records with lists");
	LIST(TEMPLATE, "\3\1\220", "{\"semantic\":\"allOf\",\"elements\":[]}", "without records");
	LIST(TEMPLATE, "\3\3\347\1\2\3",
	    "{\"semantic\":\"allOf\",\"elements\":[{\"template\":999,\"octets\":\"010203\"}]}",
	    "of a template that is not known");
	LIST(TEMPLATE, "\3\1\223\1",
	    "{\"semantic\":\"allOf\",\"elements\":[{\"template\":403,\"octets\":\"01\"}]}",
	    "of a template of empty fields");
	LIST(MULTI, "\377\1\220\0\6\1\2\1\221\0\10\3en0\1\220\0\4\3\347\0\5\11\1\220\0\10\3\4\5\6",
	    "{\"semantic\":\"undefined\",\"elements\":[{\"ingressInterface\":1,\"octetDeltaCount\":2},"
	    "{\"interfaceName\":\"en0\"},{\"template\":999,\"octets\":\"09\"},"
	    "{\"ingressInterface\":3,\"octetDeltaCount\":4},{\"ingressInterface\":5,\"octetDeltaCount\":6}]}",
	    "a subTemplateMultiList");
	LIST(MULTI, "\3", "{\"semantic\":\"allOf\",\"elements\":[]}", "without anything");
}

/* What is malformed is shown as it stands; what stands around it is not touched. */
static void
test_malformed(void)
{
	LIST(BASIC, "\3", "\"03\"", "a basicList without an element");
	LIST(BASIC, "\3\0\12\0", "\"03000a00\"", "cut in its head");
	LIST(BASIC, "\3\x80\1\0\2\0\0", "\"03800100020000\"", "cut in its enterprise number");
	LIST(BASIC, "\3\0\12\0\2\1\2\3", "\"03000a0002010203\"", "half a value");
	LIST(BASIC, "\3\0\12\0\0\1", "\"03000a000001\"", "values of no length that go on for ever");
	LIST(BASIC, "\3\0\122\377\377\4en0", "\"030052ffff04656e30\"", "a value past the end");
	LIST(BASIC, "\3\0\122\377\377\377\0", "\"030052ffffff00\"", "half a length");
	LIST(TEMPLATE, "\3", "\"03\"", "a subTemplateList without a template");
	LIST(TEMPLATE, "\3\1", "\"0301\"", "with half of its id");
	LIST(TEMPLATE, "\3\1\220\1\2\3", "\"030190010203\"", "with half a record");
	LIST(TEMPLATE, "\3\1\221\4en0", "\"03019104656e30\"", "with a record past the end");
	LIST(MULTI, "\3\1\220\0", "\"03019000\"", "a subTemplateMultiList that is cut");
	LIST(MULTI, "\3\1\220\0\3\1", "\"030190000301\"", "with a length below its own");
	LIST(MULTI, "\3\1\220\0\7\1\2", "\"03019000070102\"", "with a length past the end");
	LIST(MULTI, "\3\1\220\0\7\1\2\3", "\"0301900007010203\"", "with half a record");
	LIST(BASIC, "\3\1\43\377\377\1\3\7\0\0\12\0\1\1\2",
	    "{\"semantic\":\"allOf\",\"element\":\"basicList\",\"elements\":[\"03\",{\"semantic\":\"noneOf\","
	    "\"element\":\"ingressInterface\",\"elements\":[1,2]}]}",
	    "an inner list costs itself");
}

/* basicLists in basicLists, by levels. */
static void
nest(unsigned levels)
{
	buf_reset(&inner);
	for (unsigned left = levels; left > 0; left--) {
		buf_u8(&inner, 3);
		buf_u16(&inner, left > 1 ? BASIC : 10);
		buf_u16(&inner, left > 1 ? VARIABLE : 1);
		if (left > 1) {
			buf_u8(&inner, 255);
			buf_u16(&inner, (uint16_t)(8 * (left - 1) - 3 + 1));
		}
	}
	buf_u8(&inner, 9);
}

static unsigned
count_of(const char *text, const char *what)
{
	unsigned n = 0;

	for (; (text = strstr(text, what)) != NULL; text++)
		n++;
	return n;
}

static void
test_depth(void)
{
	const char *text;

	nest(8);
	text = json_of(BASIC, inner.data, inner.len);
	is_u64(count_of(text, "semantic"), 8, "eight levels are shown");
	ok(strstr(text, "\"elements\":[9]") != NULL, "to the value");
	nest(9);
	text = json_of(BASIC, inner.data, inner.len);
	is_u64(count_of(text, "semantic"), 8, "of nine, eight");
	ok(strstr(text, "\"elements\":[\"03000a000109\"]") != NULL, "and the ninth as octets");
	nest(4000);
	text = json_of(BASIC, inner.data, inner.len);
	is_u64(count_of(text, "semantic"), 8, "nor more of four thousand");
}

/* A list as long as a datagram, and every prefix of one that has everything. */
static void
test_long(void)
{
	static const char all[] = "\3\1\222\22\3\1\43\377\377\5\4\0\12\0\1\6\4\0\12\0\1\7\6";
	unsigned closed = 0;
	const char *text;

	buf_reset(&inner);
	buf_u8(&inner, 3);
	buf_u16(&inner, 10);
	buf_u16(&inner, 1);
	for (unsigned i = 0; i < 60000; i++)
		buf_u8(&inner, (uint8_t)i);
	text = json_of(BASIC, inner.data, inner.len);
	is_u64(count_of(text, ","), 60000 + 1, "sixty thousand values");
	for (size_t len = 0; len < sizeof(all); len++) {
		text = json_of(TEMPLATE, all, len);
		closed += count_of(text, "{") == count_of(text, "}") &&
		    count_of(text, "[") == count_of(text, "]") &&
		    strncmp(text, "\"subTemplateList\":", 18) == 0;
	}
	is_u64(closed, sizeof(all), "every prefix of a list is one value");
}

/* Nobody knows templates: a flow that was made without a resolver. */
static void
test_without_resolver(void)
{
	struct flow_context c = {.port = 1};
	struct proto_info info;
	struct decode d;
	struct flow f;

	(void)json_of(TEMPLATE, "\3\1\220\1\2", 5);
	if (proto_recognise(message.data, message.len, &info) != ERR_OK)
		return;
	decode_init(&d, message.data, message.len, &info, templates_resolve, &templates);
	if (!ok(decode_next(&d, &f) == ERR_OK, "a flow"))
		return;
	f.resolve = NULL;
	buf_reset(&out);
	flow_json(&f, &c, &out);
	buf_u8(&out, 0);
	ok(strstr((char *)out.data, "\"elements\":[{\"template\":400,\"octets\":\"0102\"}]") != NULL,
	    "without a resolver: octets");
}

int
main(void)
{
	test_basic();
	test_templates();
	test_malformed();
	test_depth();
	test_long();
	test_without_resolver();
	templates_clear(&templates);
	buf_clear(&message);
	buf_clear(&out);
	buf_clear(&inner);
	return done_testing();
}
