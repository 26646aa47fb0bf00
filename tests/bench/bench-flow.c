/* SPDX-License-Identifier: ISC
 *
 * Million flows a second of one core: counting, decoding, and printing in each form, for v5 and v9 datagrams of
 * 30 flows, sFlow ones of 7 samples.
 */
#include <stdio.h>
#include <time.h>

#include "flow/columns.h"
#include "flow/decode.h"
#include "flow/flow.h"
#include "tests/message.h"
#include "tests/sample.h"
#include "tests/templates.h"

#define FLOWS 30

typedef void (*printer)(const struct flow *, struct flow_context *, struct buf *);

static struct template_list templates;

static double
cpu_seconds(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
say(const char *protocol, const char *what, uint64_t flows, double begin)
{
	printf("%-5s %-7s %8.2f million flows/s\n", protocol, what,
	    (double)flows / (cpu_seconds() - begin) / 1e6);
}

static void
bench_count(const char *protocol, const struct buf *b)
{
	double begin = cpu_seconds();
	uint64_t flows = 0;

	for (unsigned i = 0; i < 2000000; i++) {
		struct proto_info info;
		struct decode d;

		if (proto_recognise(b->data, b->len, &info) != ERR_OK)
			return;
		decode_init(&d, b->data, b->len, &info, templates_resolve, &templates);
		flows += decode_count(&d);
	}
	say(protocol, "count", flows, begin);
}

static void
bench_print(const char *protocol, const char *what, const struct buf *b, printer print)
{
	struct buf out = BUF_INIT;
	double begin = cpu_seconds();
	uint64_t flows = 0;

	for (unsigned i = 0; i < 50000; i++) {
		struct flow_context c = {.exporter = addr_v4(0xc0000201), .port = 2055};
		struct proto_info info;
		struct decode d;
		struct flow f;

		if (proto_recognise(b->data, b->len, &info) != ERR_OK)
			return;
		c.received = info.export_time;
		buf_reset(&out);
		decode_init(&d, b->data, b->len, &info, templates_resolve, &templates);
		while (decode_next(&d, &f) == ERR_OK) {
			flows++;
			if (print != NULL)
				print(&f, &c, &out);
		}
	}
	say(protocol, what, flows, begin);
	buf_clear(&out);
}

static struct columns *columns;

static void
print_csv(const struct flow *f, struct flow_context *c, struct buf *out)
{
	if (f->index == 0)
		columns_datagram(columns);
	columns_csv(columns, f, c, out);
}

static void
bench(const char *protocol, const struct buf *b)
{
	struct addr exporter = addr_v4(0xc0000201);
	struct proto_info info;
	struct stream_key key;

	if (proto_recognise(b->data, b->len, &info) != ERR_OK)
		return;
	key = stream_key_of(&exporter, 2055, &info);
	templates_learn(&templates, &key, &info, b->data, b->len);
	bench_count(protocol, b);
	bench_print(protocol, "decode", b, NULL);
	bench_print(protocol, "json", b, flow_json);
	bench_print(protocol, "csv", b, print_csv);
	bench_print(protocol, "text", b, flow_text);
}

static void
make_v9(struct buf *b)
{
	static const uint16_t fields[] = {8, 4, 12, 4, 15, 4, 10, 4, 14, 4, 2, 8, 1, 8, 22, 4, 21, 4, 7, 2,
	    11, 2, 6, 1, 4, 1, 5, 1, 16, 4, 17, 4, 9, 1, 13, 1};

	message_v9(b, 1, 5);
	message_set(b, 0);
	message_template(b, 256, fields, sizeof(fields) / 4);
	message_set_end(b);
	message_set(b, 256);
	for (uint32_t i = 0; i < FLOWS; i++) {
		buf_u32(b, 0xc0000201);
		buf_u32(b, 0xc6336401 + i);
		buf_u32(b, 0xcb007101);
		buf_u32(b, 1);
		buf_u32(b, 2);
		buf_u64(b, 10);
		buf_u64(b, 15000);
		buf_u32(b, 350000);
		buf_u32(b, 359000);
		buf_u16(b, 40000);
		buf_u16(b, 443);
		buf_u8(b, 0x1b);
		buf_u8(b, 6);
		buf_u8(b, 0);
		buf_u32(b, 64500);
		buf_u32(b, 64501);
		buf_u16(b, 0x1818);
	}
	message_set_end(b);
}

int
main(void)
{
	struct buf b = BUF_INIT;
	struct expr_error error;
	struct sample sample;

	if (columns_parse(NULL, &columns, &error) != ERR_OK)
		return 1;
	message_old(&b, 5, FLOWS, 1000);
	for (uint8_t i = 0; i < FLOWS; i++)
		message_old_record(&b, 5, i);
	bench("v5", &b);
	make_v9(&b);
	bench("v9", &b);
	sample_begin(&sample, 4);
	for (int i = 0; i < 7; i++)
		sample_flow(&sample);
	sample_end(&sample);
	bench("sFlow", &sample.bytes);
	buf_clear(&sample.bytes);
	columns_free(columns);
	templates_clear(&templates);
	buf_clear(&b);
	return 0;
}
