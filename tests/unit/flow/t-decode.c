/* SPDX-License-Identifier: ISC
 *
 * From datagrams to flows: v1, v5, v7, v9, IPFIX; sets without template, broken ones, every prefix; times.
 */
#include "flow/decode.h"

#include "flow/flow.h"
#include "tests/message.h"
#include "tests/tap.h"
#include "tests/templates.h"

static struct template_list templates;
static struct proto_info info;
static bool say_late;

static const uint16_t fields[] = {8, 4, 12, 4, 7, 2, 11, 2, 4, 1, 1, 4, 22, 4, 21, 4};
#define FIELD_COUNT 8

static const struct tmpl *
resolve(void *ctx, unsigned data_set, uint16_t set_id, bool *ret_late)
{
	*ret_late = say_late;
	return templates_resolve(ctx, data_set, set_id, ret_late);
}

static struct decode
begin(const uint8_t *bytes, size_t len)
{
	struct addr exporter = addr_v4(0xc0000201);
	struct stream_key key;
	struct decode d;

	if (proto_recognise(bytes, len, &info) != ERR_OK)
		info = (struct proto_info){.cut = true};
	key = stream_key_of(&exporter, 2055, &info);
	templates_learn(&templates, &key, &info, bytes, len);
	decode_init(&d, bytes, len, &info, resolve, &templates);
	return d;
}

/* Decodes all, and counts all: both must agree in everything they tell. */
static struct decode
decode_all(const struct buf *b, struct flow *flows, unsigned room)
{
	struct decode d = begin(b->data, b->len), counting = begin(b->data, b->len);
	struct flow f;
	unsigned n = 0;

	while (decode_next(&d, &f) == ERR_OK) {
		if (n < room)
			flows[n] = f;
		n++;
	}
	ok(decode_next(&d, &f) == ERR_END, "the end stays the end");
	is_u64(decode_count(&counting), d.flows, "the count is the same");
	ok(counting.options == d.options && counting.sets_unknown == d.sets_unknown &&
		counting.sets_malformed == d.sets_malformed && counting.sets_late == d.sets_late &&
		counting.fault == d.fault,
	    "and so are the counters");
	return d;
}

static void
value_is(const struct flow *f, uint16_t id, uint64_t want, const char *what)
{
	uint64_t got = UINT64_MAX;

	ok(flow_get_u64(f, 0, id, &got), "%s", what);
	is_u64(got, want, "its value");
}

static void
test_old(struct buf *b, uint16_t version)
{
	struct flow flows[2];
	struct decode d;
	wall_t start, end;
	int digits = 0;

	message_old(b, version, 2, 4000);
	message_old_record(b, version, 1);
	message_old_record(b, version, 2);
	d = decode_all(b, flows, 2);
	if (!is_u64(d.flows, 2, "v%u: two flows", version))
		return;
	is_u64(d.fault, FAULT_NONE, "no fault");
	ok(flows[0].index == 0 && flows[1].index == 1 && !flows[1].options && !flows[1].late, "their places");
	value_is(&flows[0], 8, 0xc0000201, "source");
	value_is(&flows[1], 12, 0xc6336402, "destination");
	value_is(&flows[1], 15, 0xcb007101, "next hop");
	value_is(&flows[1], 10, 1, "in");
	value_is(&flows[1], 14, 2, "out");
	value_is(&flows[1], 2, 10, "packets");
	value_is(&flows[1], 1, 1500, "octets");
	value_is(&flows[1], 7, 40000, "source port");
	value_is(&flows[1], 11, 443, "destination port");
	value_is(&flows[1], 4, 6, "protocol");
	value_is(&flows[1], 5, 0x10, "TOS");
	value_is(&flows[1], 6, 0x1b, "TCP flags");
	if (version != 1) {
		value_is(&flows[1], 16, 64500, "source AS");
		value_is(&flows[1], 17, 64501, "destination AS");
		value_is(&flows[1], 9, 24, "source mask");
		value_is(&flows[1], 13, 16, "destination mask");
	}
	if (version == 7)
		value_is(&flows[1], 43, 0xcb007102, "router");
	ok(flow_start(&flows[0], &start, &digits) && flow_end(&flows[0], &end, NULL), "it has times");
	is_u64((uint64_t)start.ns, (MESSAGE_SECONDS - 10) * 1000000000ULL + 500000000, "start");
	is_u64((uint64_t)end.ns, MESSAGE_SECONDS * 1000000000ULL, "end");
	is_u64((uint64_t)digits, 3, "in milliseconds");

	message_put_u16(b, 2, 3);
	d = decode_all(b, flows, 2);
	ok(d.flows == 2 && d.fault == FAULT_COUNT, "a count that is too high: what is there");
	message_put_u16(b, 2, 1);
	d = decode_all(b, flows, 2);
	ok(d.flows == 1 && d.fault == FAULT_COUNT, "a count that is too low: as many as it says");
	b->len -= 1;
	message_put_u16(b, 2, 2);
	d = decode_all(b, flows, 2);
	ok(d.flows == 1 && d.fault == FAULT_COUNT, "a record that is cut is none");
}

static void
put_record(struct buf *b, uint8_t host)
{
	buf_u32(b, 0xc0000201);
	buf_u32(b, 0xc6336400U + host);
	buf_u16(b, 40000);
	buf_u16(b, 53);
	buf_u8(b, 17);
	buf_u32(b, 120);
	buf_u32(b, 350000);
	buf_u32(b, 359500);
}

static void
put_template(struct buf *b)
{
	message_set(b, 0);
	message_template(b, 256, fields, FIELD_COUNT);
	message_set_end(b);
}

static void
put_data(struct buf *b, uint16_t id, unsigned records)
{
	message_set(b, id);
	for (unsigned i = 0; i < records; i++)
		put_record(b, (uint8_t)i);
	while (b->len % 4 != 0)
		buf_u8(b, 0);
	message_set_end(b);
}

static void
put_options(struct buf *b)
{
	static const uint16_t scoped[] = {1, 4, 34, 4, 35, 1};

	message_set(b, 1);
	message_options_template(b, 257, scoped, 1, 3);
	buf_u16(b, 0);
	message_set_end(b);
	message_set(b, 257);
	buf_u32(b, 0xc0000201);
	buf_u32(b, 100);
	buf_u8(b, 2);
	buf_u8(b, 0);
	buf_u16(b, 0);
	message_set_end(b);
}

static void
test_v9(struct buf *b)
{
	struct flow flows[8];
	struct flow_value v;
	struct decode d;

	message_v9(b, 77, 5);
	put_template(b);
	put_data(b, 256, 2);
	put_options(b);
	put_data(b, 256, 1);
	d = decode_all(b, flows, 8);
	ok(d.flows == 3 && d.options == 1 && d.sets_unknown == 0 && d.sets_malformed == 0 &&
		d.fault == FAULT_NONE,
	    "v9: three flows and an options record");
	ok(flows[0].index == 0 && flows[1].index == 1 && flows[3].index == 2 && flows[2].options &&
		flows[2].index == 0,
	    "flows are counted apart from options");
	value_is(&flows[3], 8, 0xc0000201, "source");
	value_is(&flows[1], 1, 120, "octets");
	value_is(&flows[2], 34, 100, "sampling interval");
	ok(!flow_get(&flows[2], 0, 1, &v), "a scope's type is no element");
	ok(!flow_get(&flows[0], 0, 2, &v), "what the template has not the flow has not");
	ok(!flow_get(&flows[0], 1, 1, &v), "nor another enterprise's element");
	say_late = true;
	d = decode_all(b, flows, 8);
	ok(flows[0].late && flows[2].late && d.sets_late == 3, "late, says the resolver");
	say_late = false;
}

/* Sets that cannot be decoded cost themselves alone. */
static void
test_lies(struct buf *b)
{
	struct flow flows[8];
	struct decode d;

	message_v9(b, 78, 5);
	put_data(b, 999, 2);
	put_data(b, 256, 1);
	d = decode_all(b, flows, 8);
	ok(d.flows == 1 && d.sets_unknown == 1 && d.sets_malformed == 0, "no template");
	decode_init(&d, b->data, b->len, &info, NULL, NULL);
	ok(decode_count(&d) == 0 && d.sets_unknown == 2, "nobody who knows templates");

	message_v9(b, 79, 5);
	message_set(b, 256);
	put_record(b, 1);
	for (unsigned i = 0; i < 8; i++)
		buf_u8(b, 7);
	message_set_end(b);
	put_data(b, 256, 1);
	d = decode_all(b, flows, 8);
	ok(d.flows == 2 && d.sets_malformed == 1, "a set that ends with more than padding");

	message_v9(b, 80, 5);
	message_set(b, 256);
	message_set_end(b);
	put_data(b, 256, 1);
	d = decode_all(b, flows, 8);
	ok(d.flows == 1 && d.sets_malformed == 0, "a set without records");

	message_v9(b, 81, 5);
	put_data(b, 256, 1);
	put_data(b, 256, 1);
	message_put_u16(b, message_set_at + 2, 0);
	d = decode_all(b, flows, 8);
	ok(d.flows == 1 && d.sets_malformed == 1 && d.fault == FAULT_SET_LENGTH, "a set of length 0");

	message_v9(b, 82, 5);
	put_data(b, 256, 1);
	buf_u8(b, 0);
	buf_u16(b, 0);
	d = decode_all(b, flows, 8);
	ok(d.flows == 1 && d.sets_malformed == 0, "three stray bytes");
}

/* A template of many empty fields would make a million values of a few bytes. */
static void
test_amplifier(struct buf *b)
{
	struct decode d;
	struct flow flows[2];

	message_v9(b, 83, 5);
	message_set(b, 0);
	buf_u16(b, 300);
	buf_u16(b, 1000);
	buf_u16(b, 4);
	buf_u16(b, 1);
	for (unsigned i = 1; i < 1000; i++)
		buf_u32(b, 0x00010000);
	message_set_end(b);
	message_set(b, 300);
	for (unsigned i = 0; i < 1000; i++)
		buf_u8(b, 6);
	message_set_end(b);
	d = decode_all(b, flows, 2);
	ok(d.flows == 0 && d.sets_malformed == 1, "a template of empty fields is refused");
}

static void
test_ipfix(struct buf *b)
{
	static const uint16_t variable[] = {8, 4, 82, 65535, 1, 8};
	struct flow flows[4];
	struct flow_value v;
	struct decode d;

	message_ipfix(b, 1, 7);
	message_set(b, 2);
	message_template(b, 400, variable, 3);
	message_set_end(b);
	message_set(b, 400);
	buf_u32(b, 0xc0000201);
	buf_u8(b, 3);
	buf_text(b, "en0");
	buf_u64(b, 1500);
	buf_u32(b, 0xc0000202);
	buf_u8(b, 255);
	buf_u16(b, 300);
	for (unsigned i = 0; i < 300; i++)
		buf_u8(b, 'x');
	buf_u64(b, 1501);
	message_set_end(b);
	d = decode_all(b, flows, 4);
	if (!is_u64(d.flows, 2, "IPFIX: variable lengths"))
		return;
	ok(flow_get(&flows[0], 0, 82, &v) && v.len == 3 && memcmp(v.bytes, "en0", 3) == 0, "a short one");
	ok(flow_get(&flows[1], 0, 82, &v) && v.len == 300, "a long one");
	value_is(&flows[1], 1, 1501, "what stands behind it");
	message_put_u16(b, b->len - 310, 60000);
	d = decode_all(b, flows, 4);
	ok(d.flows == 1 && d.sets_malformed == 1, "one that runs past the end costs the rest of its set");
}

static void
test_prefixes(struct buf *b)
{
	unsigned bad = 0;

	message_v9(b, 90, 5);
	put_template(b);
	put_data(b, 256, 3);
	put_options(b);
	for (size_t len = 2; len < b->len; len++) {
		uint8_t *cut = malloc(len);
		struct decode d, counting;
		struct flow f;
		struct flow_walk w;
		struct flow_value v;
		uint32_t sum = 0;

		memcpy(cut, b->data, len);
		d = begin(cut, len);
		counting = begin(cut, len);
		while (decode_next(&d, &f) == ERR_OK) {
			flow_walk_init(&w, &f);
			while (flow_walk_next(&w, &v))
				sum += v.len > 0 ? v.bytes[v.len - 1] : 0;
		}
		bad += decode_count(&counting) != d.flows || (d.flows != 0 && d.flows != 3) ||
		    sum == UINT32_MAX;
		free(cut);
	}
	is_u64(bad, 0, "every prefix: whole sets only, counted as decoded");
}

static void
time_is(struct buf *b, uint16_t id, uint16_t len, uint64_t value, const char *want)
{
	struct flow f;
	struct decode d;
	wall_t t;
	int digits;
	char text[WALL_TEXT_SIZE];

	message_v9(b, 95, 5);
	message_set(b, 0);
	message_template(b, 500, (const uint16_t[]){id, len}, 1);
	message_set_end(b);
	message_set(b, 500);
	if (len == 8)
		buf_u64(b, value);
	else
		buf_u32(b, (uint32_t)value);
	message_set_end(b);
	d = begin(b->data, b->len);
	if (decode_next(&d, &f) != ERR_OK || !flow_start(&f, &t, &digits))
		is_text("none", want, "element %u", id);
	else
		is_text(wall_text(t, digits, text), want, "element %u, %" PRIu64, id, value);
}

static void
test_times(struct buf *b)
{
	uint64_t ntp = (uint64_t)(MESSAGE_SECONDS + 2208988800U) << 32;

	time_is(b, 22, 4, MESSAGE_UPTIME, "2023-11-14T22:13:20.000Z");
	time_is(b, 22, 4, MESSAGE_UPTIME - 1, "2023-11-14T22:13:19.999Z");
	time_is(b, 22, 4, MESSAGE_UPTIME + 5, "2023-11-14T22:13:20.005Z");  /* later than its datagram */
	time_is(b, 22, 4, UINT32_MAX - 639999, "2023-11-14T21:56:40.000Z"); /* before the uptime wrapped */
	time_is(b, 22, 4, 0, "2023-11-14T22:07:20.000Z");
	time_is(b, 22, 8, 0, "none");
	time_is(b, 150, 4, MESSAGE_SECONDS, "2023-11-14T22:13:20Z");
	time_is(b, 152, 8, MESSAGE_SECONDS * 1000ULL + 7, "2023-11-14T22:13:20.007Z");
	time_is(b, 152, 8, UINT64_MAX, "none");
	time_is(b, 154, 8, ntp | 0x80000000, "2023-11-14T22:13:20.500000Z");
	time_is(b, 154, 8, ntp | 0x1f9acffa, "2023-11-14T22:13:20.123456Z");
	time_is(b, 156, 8, ntp | 0x40000000, "2023-11-14T22:13:20.250000000Z");
	time_is(b, 154, 8, 0, "2036-02-07T06:28:16.000000Z"); /* NTP's second era */
	time_is(b, 156, 8, ntp | 0x1f9add37, "2023-11-14T22:13:20.123456789Z");
	time_is(b, 156, 8, ntp | 0xffffffff, "2023-11-14T22:13:21.000000000Z"); /* rounded up */
	time_is(b, 154, 4, 5, "none");
	time_is(b, 158, 4, 1500000, "2023-11-14T22:13:18.500000Z");
	time_is(b, 158, 4, UINT32_MAX, "2023-11-14T21:01:45.032705Z");
	time_is(b, 1, 4, 5, "none");
	time_is(b, 160, 8, 5, "none");
}

/* A value of one field of the record that test_moments() builds. */
struct time_field {
	uint16_t id, len;
	uint64_t value;
};

/* The start and end of an IPFIX record, whose header has no uptime. */
static void
moments_are(
    struct buf *b, const struct time_field *record, uint16_t count, const char *want, const char *what)
{
	char text[2 * WALL_TEXT_SIZE + 1] = "none", start_text[WALL_TEXT_SIZE], end_text[WALL_TEXT_SIZE];
	struct flow f;
	struct decode d;
	wall_t start, end;
	int start_digits, end_digits;

	message_ipfix(b, 96, 5);
	message_set(b, 2);
	buf_u16(b, 501);
	buf_u16(b, count);
	for (uint16_t i = 0; i < count; i++) {
		buf_u16(b, record[i].id);
		buf_u16(b, record[i].len);
	}
	message_set_end(b);
	message_set(b, 501);
	for (uint16_t i = 0; i < count; i++) {
		for (uint16_t at = record[i].len; at > 0; at--)
			buf_u8(b, (uint8_t)(record[i].value >> 8 * (at - 1)));
	}
	message_set_end(b);
	d = begin(b->data, b->len);
	if (decode_next(&d, &f) == ERR_OK && flow_start(&f, &start, &start_digits) &&
	    flow_end(&f, &end, &end_digits))
		(void)snprintf(text, sizeof(text), "%s %s", wall_text(start, start_digits, start_text),
		    wall_text(end, end_digits, end_text));
	is_text(text, want, "%s", what);
}

#define MOMENTS(want, what, ...) \
	moments_are(b, (const struct time_field[]){__VA_ARGS__}, \
	    sizeof((const struct time_field[]){__VA_ARGS__}) / sizeof(struct time_field), want, what)

static void
test_moments(struct buf *b)
{
	const uint64_t now = MESSAGE_SECONDS * 1000ULL, boot = now - 86400000, wrap = 1ULL << 32;
	const uint64_t ntp = (uint64_t)(MESSAGE_SECONDS + 2208988800U) << 32;

	MOMENTS("none", "IPFIX: an uptime alone says nothing", {22, 4, 1}, {21, 4, 2});
	MOMENTS("2023-11-13T22:13:21.000Z 2023-11-13T22:13:22.500Z", "uptimes, and the boot behind them",
	    {22, 4, 1000}, {21, 4, 2500}, {160, 8, boot});
	MOMENTS("2023-11-13T22:13:21.000Z 2023-11-13T22:13:22.500Z", "and before them", {160, 8, boot},
	    {22, 4, 1000}, {21, 4, 2500});
	MOMENTS("2023-11-13T22:13:21.000Z 2023-11-13T22:13:22.500Z", "and between; shortened", {22, 2, 1000},
	    {160, 8, boot}, {21, 3, 2500});
	MOMENTS("2023-11-14T22:13:19.000Z 2023-11-14T22:13:20.000Z", "a boot that is two wraps ago",
	    {160, 8, now - 2 * wrap - 500}, {22, 4, (uint32_t)(0U - 500U)}, {21, 4, 500});
	MOMENTS("none", "a boot that no clock can hold", {160, 8, UINT64_MAX}, {22, 4, 1}, {21, 4, 2});
	MOMENTS("2023-11-14T22:13:19Z 2023-11-14T22:13:20Z", "seconds, whatever the boot", {22, 4, 1},
	    {21, 4, 2}, {150, 4, MESSAGE_SECONDS - 1}, {151, 4, MESSAGE_SECONDS}, {160, 8, boot});
	MOMENTS("2023-11-14T22:13:19.001Z 2023-11-14T22:13:20.002Z", "milliseconds before seconds",
	    {150, 4, MESSAGE_SECONDS - 2}, {151, 4, MESSAGE_SECONDS - 2}, {152, 8, now - 999},
	    {153, 8, now + 2});
	MOMENTS("2023-11-14T22:13:20.500000Z 2023-11-14T22:13:20.250000Z", "microseconds before milliseconds",
	    {154, 8, ntp | 0x80000000}, {155, 8, ntp | 0x40000000}, {152, 8, now}, {153, 8, now});
	MOMENTS("2023-11-14T22:13:20.500000000Z 2023-11-14T22:13:20.250000000Z", "nanoseconds before all",
	    {154, 8, ntp}, {155, 8, ntp}, {156, 8, ntp | 0x80000000}, {157, 8, ntp | 0x40000000});
	MOMENTS("2023-11-14T22:13:19.999999Z 2023-11-14T22:13:20.000000Z", "deltas; shortened", {158, 4, 1},
	    {159, 2, 0});
	MOMENTS("2023-11-14T22:13:20.000Z 2023-11-14T22:13:21.500Z", "a begin and a duration", {161, 4, 1500},
	    {152, 8, now});
	MOMENTS("2023-11-14T22:13:18.500Z 2023-11-14T22:13:20.000Z", "an end and a duration in microseconds",
	    {153, 8, now}, {162, 4, 1500000});
	MOMENTS("2023-11-14T22:13:20.250000Z 2023-11-14T22:13:20.250007Z", "with the precision of both",
	    {154, 8, ntp | 0x40000000}, {162, 4, 7});
	MOMENTS("2023-11-14T22:13:20Z 2023-11-14T22:13:21Z", "of the seconds", {150, 4, MESSAGE_SECONDS},
	    {161, 2, 1500});
	MOMENTS("2023-11-14T22:13:20.000Z 2023-11-14T22:13:20.002Z",
	    "both are told: no duration is asked for", {152, 8, now}, {153, 8, now + 2}, {161, 4, 77});
	MOMENTS("none", "a duration alone", {161, 4, 77});
	MOMENTS("none", "an end that no clock can hold", {152, 8, (uint64_t)INT64_MAX / 1000000},
	    {161, 4, UINT32_MAX});
}

int
main(void)
{
	struct buf b = BUF_INIT;

	test_old(&b, 1);
	test_old(&b, 5);
	test_old(&b, 7);
	test_v9(&b);
	test_lies(&b);
	test_amplifier(&b);
	test_ipfix(&b);
	test_prefixes(&b);
	test_times(&b);
	test_moments(&b);
	templates_clear(&templates);
	buf_clear(&b);
	return done_testing();
}
