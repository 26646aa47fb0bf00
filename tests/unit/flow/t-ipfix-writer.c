/* SPDX-License-Identifier: ISC
 *
 * IPFIX messages of flows: lengths, sequence numbers and domains, templates told once and withdrawn when their numbers run out, lists,
 * scopes, and what fits in no message. That values are right is shown by others' readers (tests/golden/ipfix.t).
 */
#include <string.h>

#include "base/rd.h"
#include "flow/decode.h"
#include "flow/ipfix_writer.h"
#include "tests/message.h"
#include "tests/tap.h"
#include "tests/templates.h"

#define VARIABLE 0xffff

static struct template_list templates;
static struct buf message = BUF_INIT, out = BUF_INIT;
static struct ipfix_writer *writer; /* of the test at hand */

static void
need(bool good, const char *what)
{
	if (good)
		return;
	ok(false, "%s", what);
	exit(1);
}

static void
begin(void)
{
	ipfix_writer_free(writer);
	buf_reset(&out);
	need(ipfix_writer_new(&writer) == ERR_OK, "no memory");
}

/* The message, from 192.0.2.(host). */
static void
put_message(uint8_t host)
{
	struct flow_context c = {.exporter = addr_v4(0xc0000200 + host), .port = 4444};
	struct proto_info info;
	struct stream_key key;
	struct decode d;
	struct flow f;

	c.received.ns = 1700000001123456789;
	need(proto_recognise(message.data, message.len, &info) == ERR_OK, "not recognised");
	key = stream_key_of(&c.exporter, c.port, &info);
	templates_learn(&templates, &key, &info, message.data, message.len);
	decode_init(&d, message.data, message.len, &info, templates_resolve, &templates);
	ipfix_writer_datagram(writer, true);
	while (decode_next(&d, &f) == ERR_OK) {
		need(ipfix_writer_put(writer, &f, &c, &out) == ERR_OK, "ipfix_writer_put");
	}
}

static void
flush(void)
{
	need(ipfix_writer_flush(writer, &out) == ERR_OK, "ipfix_writer_flush");
}

/* What is wrong with the messages in out; "" when nothing is. Sets are counted by kind. */
static unsigned messages, template_sets, options_sets, data_sets;
static const char *
faults(void)
{
	static uint32_t next[16];
	static struct template_list again;
	struct rd r = rd_init(out.data, out.len);

	memset(next, 0, sizeof(next));
	messages = template_sets = options_sets = data_sets = 0;
	templates_clear(&again);
	while (rd_left(&r) > 0) {
		struct rd ahead = r;
		const uint8_t *at = r.at;
		struct flow_context c = {.port = 1};
		struct proto_info info;
		struct stream_key key;
		struct decode d;
		uint16_t len;

		rd_skip(&ahead, 2);
		len = rd_u16(&ahead);
		if (rd_bytes(&r, len) == NULL || len > IPFIX_WRITER_MESSAGE_MOST ||
		    proto_recognise(at, len, &info) != ERR_OK || info.proto != PROTO_IPFIX ||
		    proto_check(at, len, &info) != FAULT_NONE)
			return "no message";
		if (info.domain == 0 || info.domain >= 16)
			return "another domain";
		if (info.sequence != next[info.domain])
			return "another sequence number";
		key = stream_key_of(&c.exporter, c.port, &info);
		templates_learn(&again, &key, &info, at, len);
		decode_init(&d, at, len, &info, templates_resolve, &again);
		next[info.domain] += decode_count(&d);
		next[info.domain] += d.options;
		if (d.sets_unknown > 0 || d.sets_malformed > 0)
			return "a set without a template";
		for (struct rd sets = rd_init(at + 16, len - 16U); rd_left(&sets) > 0;) {
			uint16_t id = rd_u16(&sets), set_len = rd_u16(&sets);

			rd_skip(&sets, set_len - 4U);
			template_sets += id == 2;
			options_sets += id == 3;
			data_sets += id >= 256;
		}
		messages++;
	}
	templates_clear(&again);
	return "";
}

static void
old_flows(uint16_t version, uint16_t count, uint32_t sequence, uint8_t host)
{
	message_old(&message, version, count, sequence);
	for (uint16_t i = 0; i < count; i++)
		message_old_record(&message, version, (uint8_t)i);
	put_message(host);
}

static void
test_messages(void)
{
	begin();
	for (unsigned i = 0; i < 100; i++)
		old_flows(5, 30, 30 * i, 1);
	old_flows(5, 30, 0, 2);
	old_flows(7, 27, 0, 2);
	old_flows(5, 30, 3000, 1);
	flush();
	is_text(faults(), "", "v5 and v7 of two exporters");
	ok(messages > 10 && messages < 40, "long messages: %u", messages);
	is_u64(template_sets, 3, "a template for each of three domains");
	is_u64(ipfix_writer_counters(writer)->flows, 3000 + 30 + 27 + 30, "all flows");
	is_u64(ipfix_writer_counters(writer)->domains, 3, "domains");
	is_u64(ipfix_writer_counters(writer)->messages, messages, "messages");
}

static void
test_empty(void)
{
	begin();
	flush();
	is_u64(out.len, 0, "nothing of nothing");
}

/* Looks at what is in out, and empties it: withdrawals, and the number of the first template behind the last of them. */
static unsigned withdrawals;
static uint16_t first_behind;
static void
look_for_withdrawals(void)
{
	for (struct rd r = rd_init(out.data, out.len); rd_left(&r) > 0;) {
		struct rd header = r, one;

		rd_skip(&header, 2);
		one = rd_sub(&r, rd_u16(&header));
		rd_skip(&one, 16);
		while (rd_left(&one) > 0) {
			uint16_t id = rd_u16(&one);
			struct rd set = rd_sub(&one, rd_u16(&one) - 4U);
			uint16_t number = rd_u16(&set);

			if (id <= 3 && number == id && rd_u16(&set) == 0) {
				withdrawals++;
				first_behind = 0;
			} else if (id == 2 && first_behind == 0) {
				first_behind = number;
			}
		}
	}
	buf_reset(&out);
}

/* Another layout in each datagram, more than there are numbers. */
static void
test_numbers_run_out(void)
{
	begin();
	first_behind = 1;
	for (unsigned i = 0; i < 70000; i++) {
		message_ipfix(&message, i, 5);
		message_set(&message, 2);
		message_template(&message, 300,
		    (const uint16_t[]){82, (uint16_t)(1 + i % 300), 83, (uint16_t)(1 + i / 300)}, 2);
		message_set_end(&message);
		message_set(&message, 300);
		for (unsigned k = 0; k < 2 + i % 300 + i / 300; k++)
			buf_u8(&message, 'a');
		message_set_end(&message);
		put_message(1);
		if (out.len > 1 << 20)
			look_for_withdrawals();
	}
	flush();
	look_for_withdrawals();
	is_u64(ipfix_writer_counters(writer)->flows, 70000, "all flows of 70,000 templates");
	is_u64(withdrawals, 2, "both kinds are withdrawn, once");
	is_u64(first_behind, 256, "and numbering begins anew");
}

static void
test_lists(void)
{
	begin();
	message_ipfix(&message, 0, 5);
	message_set(&message, 2);
	message_template(&message, 400, (const uint16_t[]){10, 1, 1, 1}, 2);
	message_template(&message, 300, (const uint16_t[]){292, VARIABLE, 4, 1}, 2);
	message_template(&message, 402, (const uint16_t[]){210, 1}, 1); /* padding alone */
	message_set_end(&message);
	message_set(&message, 3);
	message_u16s(
	    &message, (const uint16_t[]){403, 2, 1, 210, 1, 1, 1}, 7); /* options, the scope is padding */
	message_set_end(&message);
	message_set(&message, 300);
	buf_bytes(&message, "\x05\x03\x01\x92\x01\x02\x06", 7);
	buf_bytes(&message, "\x05\x03\x01\x93\x01\x02\x06", 7);
	buf_bytes(&message, "\x05\x03\x01\x90\x01\x02\x06", 7); /* of template 400 */
	buf_bytes(&message, "\x05\x03\x01\x91\x01\x02\x06", 7); /* of one that nobody knows */
	buf_bytes(&message, "\x04\x03\x01\x90\x01\x06", 6);     /* cut */
	message_set_end(&message);
	put_message(1);
	flush();
	is_text(faults(), "", "lists");
	is_u64(ipfix_writer_counters(writer)->flows, 5, "flows with lists");
	is_u64(ipfix_writer_counters(writer)->lists_emptied, 4, "four lists cannot be read, or written");
}

static void
test_scopes(void)
{
	begin();
	message_v9(&message, 0, 5);
	message_set(&message, 1);
	message_options_template(&message, 300, (const uint16_t[]){1, 4, 34, 4}, 1, 2); /* system */
	message_options_template(&message, 301, (const uint16_t[]){5, 2, 34, 4}, 1, 2); /* template */
	message_options_template(
	    &message, 302, (const uint16_t[]){2, 8, 34, 4}, 1, 2); /* an interface of 8 octets */
	message_options_template(&message, 303, (const uint16_t[]){34, 4}, 0, 1); /* none */
	message_set_end(&message);
	message_set(&message, 300);
	buf_u32(&message, 1);
	buf_u32(&message, 100);
	message_set_end(&message);
	message_set(&message, 301);
	buf_u16(&message, 999); /* not known */
	buf_u32(&message, 100);
	message_set_end(&message);
	message_set(&message, 302);
	buf_u64(&message, 1);
	buf_u32(&message, 100);
	message_set_end(&message);
	message_set(&message, 303);
	buf_u32(&message, 100);
	message_set_end(&message);
	put_message(1);
	flush();
	is_text(faults(), "", "options");
	is_u64(ipfix_writer_counters(writer)->options, 2, "system, and no scope at all");
	is_u64(ipfix_writer_counters(writer)->options_left_out, 2, "an unknown template, a long interface");
}

static void
test_too_long(void)
{
	begin();
	message_ipfix(&message, 0, 5);
	message_set(&message, 2);
	message_template(&message, 300, (const uint16_t[]){82, VARIABLE}, 1);
	message_set_end(&message);
	message_set(&message, 300);
	buf_u8(&message, 255);
	buf_u16(&message, 65480);
	for (unsigned i = 0; i < 65480; i++)
		buf_u8(&message, 'a');
	message_set_end(&message);
	put_message(1);
	old_flows(5, 1, 0, 1);
	flush();
	is_text(faults(), "", "after a record that fits in no message");
	is_u64(ipfix_writer_counters(writer)->too_long, 1, "it is counted");
	is_u64(ipfix_writer_counters(writer)->flows, 1, "and the next flow is there");
}

int
main(void)
{
	test_messages();
	test_empty();
	test_lists();
	test_scopes();
	test_too_long();
	test_numbers_run_out();
	templates_clear(&templates);
	ipfix_writer_free(writer);
	buf_clear(&message);
	buf_clear(&out);
	return done_testing();
}
