/* SPDX-License-Identifier: ISC
 *
 * Expressions: what they select of some flows that are known, what is wrong with those that are wrong and where, and that an
 * explanation means the same.
 */
#include "flow/expr.h"

#include <stdlib.h>
#include <string.h>

#include "base/wr.h"
#include "tests/tap.h"
#include "wire/proto.h"

/* Two flows of a v5 datagram: TCP 10.1.2.3:1025 > 192.0.2.9:443 and UDP 172.16.0.1:53 > 10.1.2.3:40000. */
#define V5_HEADER 24
#define V5_RECORD 48
static uint8_t payload[V5_HEADER + 2 * V5_RECORD];
static struct proto_info info;
static struct flow flows[2];
static struct flow_context context;

struct v5 {
	uint32_t from, to, next;
	uint16_t in, out;
	uint32_t packets, octets, start, end;
	uint16_t from_port, to_port;
	uint8_t flags, proto, tos;
	uint16_t from_as, to_as;
	uint8_t from_mask, to_mask;
};

static void
put_v5(struct wr *w, const struct v5 *f)
{
	wr_u32(w, f->from);
	wr_u32(w, f->to);
	wr_u32(w, f->next);
	wr_u16(w, f->in);
	wr_u16(w, f->out);
	wr_u32(w, f->packets);
	wr_u32(w, f->octets);
	wr_u32(w, f->start);
	wr_u32(w, f->end);
	wr_u16(w, f->from_port);
	wr_u16(w, f->to_port);
	wr_u8(w, 0);
	wr_u8(w, f->flags);
	wr_u8(w, f->proto);
	wr_u8(w, f->tos);
	wr_u16(w, f->from_as);
	wr_u16(w, f->to_as);
	wr_u8(w, f->from_mask);
	wr_u8(w, f->to_mask);
	wr_u16(w, 0);
}

/* Sent on Wednesday 2026-11-25 at 10:00:00; the flows began 60 s and 1 s before. */
static void
make_flows(void)
{
	static const struct v5 records[2] = {
	    {0x0a010203, 0xc0000209, 0x0a0101fe, 7, 9, 10, 15000, 940000, 950000, 1025, 443, 0x12, 6, 8,
		64512, 65000, 24, 16},
	    {0xac100001, 0x0a010203, 0, 9, 7, 1, 100, 999000, 999000, 53, 40000, 0, 17, 0, 0, 64512, 0, 24},
	};
	struct wr w = wr_init(payload, sizeof(payload));

	wr_u16(&w, 5);
	wr_u16(&w, 2);
	wr_u32(&w, 1000000);
	wr_u32(&w, 1795600800);
	wr_u32(&w, 0);
	wr_u32(&w, 77);
	wr_u8(&w, 1);
	wr_u8(&w, 2);
	wr_u16(&w, 0);
	for (int i = 0; i < 2; i++)
		put_v5(&w, &records[i]);
	if (!wr_ok(&w) || proto_recognise(payload, sizeof(payload), &info) != ERR_OK)
		abort();
	for (uint32_t i = 0; i < 2; i++)
		flows[i] = (struct flow){.info = &info,
		    .tmpl = tmpl_static(PROTO_V5),
		    .record = rd_init(payload + V5_HEADER + i * V5_RECORD, V5_RECORD),
		    .index = i};
	context = (struct flow_context){.port = 2055, .received = wall_from_sec(1795600801, 0)};
	(void)addr_parse("198.51.100.7", &context.exporter);
}

static const struct {
	const char *text;
	unsigned want; /* bit 0: the first flow, bit 1: the second one */
} cases[] = {
    {"any", 3},
    {"tcp", 1},
    {"udp", 2},
    {"proto tcp", 1},
    {"proto 17", 2},
    {"proto 0x11", 2},
    {"proto in [tcp, udp]", 3},
    {"proto != tcp", 2},
    {"not tcp", 2},
    {"! tcp", 2},
    {"not not tcp", 1},
    {"src ip 10.1.2.3", 1},
    {"dst ip 10.1.2.3", 2},
    {"ip 10.1.2.3", 3},
    {"host 10.1.2.3", 3},
    {"10.1.2.3", 0}, /* see below: an error */
    {"src 10.1.2.3", 1},
    {"src or dst host 192.0.2.9", 1},
    {"src and dst host 192.0.2.9", 0},
    {"src and dst net 0.0.0.0/0", 3},
    {"src and dst net 10.0.0.0/8", 0},
    {"src net 10.0.0.0/8", 1},
    {"src net 10/8", 1},
    {"src net 172.16/12", 2},
    {"net 192.0.2.0/24", 1},
    {"net 2001:db8::/32", 0},
    {"ip in [192.0.2.9, 172.16.0.0/16]", 3},
    {"ip in [192.0.2.9 172.17.0.0/16]", 1},
    {"src ip in [10.1.2.0-10.1.2.3]", 1},
    {"src ip in [10.1.2.0-10.1.2.2]", 0},
    {"src ip not in [10.0.0.0/8]", 2},
    {"src ip != 10.1.2.3", 2},
    {"src ip = 10.1.2.3 or 172.16.0.1", 3},
    {"port 443", 1},
    {"src port 443", 0},
    {"dst port 443", 1},
    {"dst port 443-450", 1},
    {"dst port 444-450", 0},
    {"port 53 or 443", 3},
    {"port 53,443", 3},
    {"port in [53]", 2},
    {"dst port > 443", 2},
    {"dst port >= 443", 3},
    {"dst port < 40000", 1},
    {"dst port <= 40000", 3},
    {"port < 54", 2},
    {"port > 65535", 0},
    {"bytes > 1k", 1},
    {"bytes 15k", 1},
    {"bytes > 15k", 0},
    {"bytes < 101", 2},
    {"octets = 100", 2},
    {"packets 1", 2},
    {"packets >= 1", 3},
    {"flags S/SA", 0},
    {"flags SA/SA", 1},
    {"flags SA", 1},
    {"flags S", 1},
    {"tcp_flags mask 0x12 equals 0x12", 1},
    {"tcp_flags mask 0x12 equals 0x02", 0},
    {"tcp_flags mask 0x01 equals 0", 3},
    {"not tcp_flags mask SA equals SA and udp", 2},
    {"flags A", 1},
    {"flags F", 0},
    {"flags 0x12", 1},
    {"flags = SA", 1},
    {"flags = S", 0},
    {"not flags F", 3},
    {"flags != SA", 2},
    {"tos 8", 1},
    {"in if 7", 1},
    {"out if 7", 2},
    {"if 7", 3},
    {"in if in [7, 8]", 1},
    {"as 64512", 3},
    {"src as 64512", 1},
    {"dst as 64512", 2},
    {"src mask 24", 1},
    {"nexthop 10.1.1.254", 1},
    {"next ip 10.1.1.254", 0}, /* an error */
    {"exporter 198.51.100.7", 3},
    {"router ip 198.51.100.0/24", 3},
    {"exporter 198.51.100.8", 0},
    {"exporter-port 2055", 3},
    {"version 5", 3},
    {"version 9", 0},
    {"domain 258", 3},
    {"sflow", 0},
    {"ipv4", 3},
    {"ipv6", 0},
    {"duration 10k", 1},
    {"duration 0", 2},
    {"bps > 11999 and bps < 12001", 1},
    {"pps 1", 1},
    {"bpp 1500", 1},
    {"time 09:58-10:00", 3},
    {"time 09:59", 3},
    {"time 09:00-09:59:00", 0},
    {"time 22:00-06:00", 0},
    {"time 22:00-10:00", 3},
    {"time 09:00-24:00", 3},
    {"time < 24:00", 3},
    {"time > 23:59", 0},
    {"before 24:00", 3},
    {"day wed", 3},
    {"days Wed", 3},
    {"days Sat,Sun", 0},
    {"days Sat,Wed or tcp", 3},
    {"after 10:00", 0},
    {"src 10.0.0.0/8 and dst any", 1},
    {"src any and dst 10.0.0.0/8", 2},
    {"dst any", 3},
    {"not dst 10.0.0.0/8", 1},
    {"in_ifndx 7", 1},
    {"in_ifndx 9", 2},
    {"out_ifndx 7-8", 2},
    {"agent 198.51.100.0/24 and inet", 3},
    {"day sat,sun", 0},
    {"day mon-fri", 3},
    {"day fri-tue", 0},
    {"after 08:30", 3},
    {"before 08:30", 0},
    {"after \"2026-11-25 09:59:30\"", 2},
    {"before \"2026-11-25 09:59:30\"", 1},
    {"flowStart = \"2026-11-25 09:59:00\"", 1},
    {"flowEnd >= 2026-11-25T09:59:59Z", 2},
    {"received > \"2026-11-25 10:00\"", 3},
    {"octetDeltaCount > 1000", 1},
    {"sourceIPv4Address = 10.1.2.3", 1},
    {"sourceIPv4Address in 10.0.0.0/8", 1},
    {"destinationTransportPort in [443, 40000]", 3},
    {"protocolIdentifier = udp", 2},
    {"0/4 = 17", 2},
    {"has sourceIPv4Address", 3},
    {"has sourceIPv6Address", 0},
    {"has 29305/1", 0},
    {"29305/1 = 5", 0},
    {"29305/1 in [5, 7-9]", 0},
    {"29305/1 != 5,7", 0},
    {"99999/1 = 0x0507", 0},
    {"0/4 in [17]", 2},
    {"99999/1 = ''", 0},
    {"99999/1 = 0x", 0},
    {"interfaceName = ''", 0},
    {"29305/1 != 5", 0}, /* what is not there is not different either */
    {"not 29305/1 = 5", 3},
    {"interfaceName = \"eth0\"", 0},
    {"interfaceName != \"eth0\"", 0},
    {"tag 5", 0},
    {"tcp and dst port 443 or udp and src port 53", 3},
    {"tcp and (dst port 80 or src port 1025)", 1},
    {"(tcp or udp) and not (src port 53)", 1},
    {"tcp && dst port 443 || icmp", 1},
    {"src net 10.0.0.0/8 and dst port 443-450 and not proto udp and bytes > 1k and exporter 198.51.100.7 and flags S/S",
	1},
    {"ip @admins", 3},
    {"src ip in @admins", 1},
    {"port in [@web 53]", 3},
};

static const char *
lookup(void *ctx, const char *name)
{
	(void)ctx;
	if (strcmp(name, "admins") == 0)
		return "10.1.2.3, 192.0.2.128/25";
	return strcmp(name, "web") == 0 ? "80 443" : NULL;
}
static const struct expr_lists lists = {.lookup = lookup};

static unsigned
select_of(struct expr *e)
{
	unsigned got = 0;

	expr_datagram(e);
	for (unsigned i = 0; i < 2; i++)
		got |= (unsigned)expr_match(e, &flows[i], &context, 0) << i;
	return got;
}

static void
selections(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf text = BUF_INIT, again = BUF_INIT;
		struct expr_error error;
		struct expr *e = NULL, *f = NULL;

		if (strcmp(cases[i].text, "10.1.2.3") == 0 ||
		    strcmp(cases[i].text, "next ip 10.1.1.254") == 0)
			continue;
		if (expr_parse(cases[i].text, &lists, &e, &error) != ERR_OK) {
			ok(false, "%s: column %zu: %s", cases[i].text, error.column, error.message);
			continue;
		}
		is_u64(select_of(e), cases[i].want, "%s", cases[i].text);
		expr_explain(e, &text);
		buf_u8(&text, 0);
		if (expr_parse((const char *)text.data, NULL, &f, &error) != ERR_OK) {
			ok(false, "explained: %s: column %zu: %s", (const char *)text.data, error.column,
			    error.message);
		} else {
			expr_explain(f, &again);
			buf_u8(&again, 0);
			ok(select_of(f) == cases[i].want &&
				strcmp((char *)text.data, (char *)again.data) == 0,
			    "explained: %s", (const char *)text.data);
		}
		expr_free(e);
		expr_free(f);
		buf_clear(&text);
		buf_clear(&again);
	}
}

static const struct {
	const char *text;
	size_t column;
	const char *message;
} faults[] = {
    {"", 1,
	"expected what to ask for, such as src, port, proto, bytes, or an information element, found the end"},
    {"10.1.2.3", 1,
	"expected what to ask for, such as src, port, proto, bytes, or an information element, found \"10.1.2.3\""},
    {"src", 4, "expected an address, host, net, port, as, mask, mac, vlan or if, found the end"},
    {"src prt 80", 5, "expected an address, host, net, port, as, mask, mac, vlan or if, found \"prt\""},
    {"port", 5, "expected a number, found the end"},
    {"port htp", 6, "expected a number, found \"htp\""},
    {"port 65536", 6, "expected a number, found \"65536\""},
    {"port 90-80", 6, "expected a number, found \"90-80\""},
    {"tcp port 80", 5, "expected and, or, or the end, found \"port\""},
    {"tcp and", 8,
	"expected what to ask for, such as src, port, proto, bytes, or an information element, found the end"},
    {"(tcp", 5, "expected and, or, or \")\", found the end"},
    {"tcp)", 4, "expected and, or, or the end, found \")\""},
    {"host 10.0.0.1/33", 6, "expected an address or prefix, found \"10.0.0.1/33\""},
    {"host > 10.0.0.1", 6, "addresses have no order: = and != and in [ ] compare them"},
    {"src proto tcp", 1, "\"proto\" has no such side"},
    {"in port 80", 1,
	"expected what to ask for, such as src, port, proto, bytes, or an information element, found \"in\""},
    {"flags X", 7, "expected flags such as S or S/SA, of F S R P A U E C, found \"X\""},
    {"tcp_flags mask 0x02 equals 0x12", 28,
	"flags that are to be set are not among those that are looked at"},
    {"tcp_flags mask x equals 0x12", 16, "expected flags such as 0x12, or of F S R P A U E C, found \"x\""},
    {"tcp_flags mask 1 equal 1", 18, "expected equals, found \"equal\""},
    {"tcp_flags mask 1 equals", 24, "expected flags such as 0x12, or of F S R P A U E C, found the end"},
    {"flags SA/S", 7, "flags that are to be set are not among those that are looked at"},
    {"port in [80", 12, "expected ], found the end"},
    {"port in [80, x]", 14, "expected a number, found \"x\""},
    {"ip @nobody", 4, "there is no list \"nobody\""},
    {"port @admins", 6, "list admins: expected a number, found \"10.1.2.3\""},
    {"interfaceName = \"eth0", 18, "the quote does not end"},
    {"interfaceName > \"a\"", 15, "texts and octets have no order: = and != compare them"},
    {"octetDeltacount > 5", 1,
	"expected what to ask for, such as src, port, proto, bytes, or an information element, found \"octetDeltacount\""},
    {"time 25:00", 6, "expected a time of day such as 08:30, found \"25:00\""},
    {"day someday", 5, "expected a day: mon tue wed thu fri sat sun, found \"someday\""},
    {"after noon", 7,
	"expected a time of day such as 08:30, or a time such as \"2026-11-25 08:30\", found \"noon\""},
    {"before 00:00", 8, "nothing is before that"},
    {"after 24:00", 7, "nothing is after that"},
    {"time 24:00-06:00", 6, "expected a time of day such as 08:30, found \"24:00-06:00\""},
    {"time >= 24:00", 9, "expected a time of day such as 08:30, found \"24:00\""},
    {"4294967296/1 = 5", 1,
	"expected what to ask for, such as src, port, proto, bytes, or an information element, found \"4294967296/1\""},
    {"1/65536 = 5", 1,
	"expected what to ask for, such as src, port, proto, bytes, or an information element, found \"1/65536\""},
    {"has nothing", 5, "expected the name of an information element, found \"nothing\""},
};

static void
wrong_ones(void)
{
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		struct expr_error error;
		struct expr *e = NULL;

		is_u64(expr_parse(faults[i].text, &lists, &e, &error), ERR_MALFORMED, "refused: %s",
		    faults[i].text);
		is_u64(error.column, faults[i].column, "where: %s", faults[i].text);
		is_text(error.message, faults[i].message, "why: %s", faults[i].text);
		expr_free(e);
	}
}

static void
bounds(void)
{
	static char deep[1024], many[70000];
	struct expr_error error;
	struct expr *e = NULL;

	memset(deep, '(', sizeof(deep) - 1);
	is_u64(expr_parse(deep, NULL, &e, &error), ERR_LIMIT, "too many brackets");
	memset(many, ' ', sizeof(many) - 1);
	is_u64(expr_parse(many, NULL, &e, &error), ERR_LIMIT, "too long a text");
	is_u64(expr_parse("tag 5 or tag 7", NULL, &e, &error), ERR_OK, "tags");
	expr_datagram(e);
	ok(expr_match(e, &flows[0], &context, 5) && expr_match(e, &flows[0], &context, 7) &&
		!expr_match(e, &flows[0], &context, 6),
	    "tags are the policy's");
	expr_free(e);
}

/* Several nodes may have given tags; a rule at work sees its own, too. */
static void
tags(void)
{
	static const uint32_t both[] = {5, 7};
	static const struct {
		const char *text;
		unsigned
		    want; /* bit 0: no tag, bit 1: 9 by the policy at work, bit 2: 5 and 7, bit 3: all of them */
	} asked[] = {{"tag 0", 1}, {"tag 5", 12}, {"tag 6", 0}, {"tag 9", 10}, {"tag 6-8", 12},
	    {"tag != 5", 3}, {"tag != 0", 14}, {"not tag 7", 3}, {"tag in [9, 5]", 14}, {"tag > 7", 10}};
	struct expr_error error;
	struct expr *e = NULL;

	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		struct flow none = flows[0], some = flows[0];
		unsigned got;

		some.tags = both;
		some.tag_count = 2;
		if (expr_parse(asked[i].text, NULL, &e, &error) != ERR_OK)
			abort();
		expr_datagram(e);
		got = (unsigned)expr_match(e, &none, &context, 0) |
		    (unsigned)expr_match(e, &none, &context, 9) << 1 |
		    (unsigned)expr_match(e, &some, &context, 0) << 2 |
		    (unsigned)expr_match(e, &some, &context, 9) << 3;
		is_u64(got, asked[i].want, "%s", asked[i].text);
		expr_free(e);
	}
}

/* Samples of one sFlow datagram have their templates in one place. */
static void
templates_in_one_place(void)
{
	static union {
		struct tmpl tmpl;
		uint8_t room[sizeof(struct tmpl) + 2 * sizeof(struct tmpl_field)];
	} view;
	static const uint8_t record[] = {0, 53, 0, 0, 0, 80};
	struct proto_info sflow = {.proto = PROTO_SFLOW5};
	struct flow f = {.info = &sflow, .tmpl = &view.tmpl, .record = rd_init(record, sizeof(record))};
	struct expr_error error;
	struct expr *e = NULL;

	if (expr_parse("dst port 53", NULL, &e, &error) != ERR_OK)
		abort();
	expr_datagram(e);
	view.tmpl = (struct tmpl){.proto = PROTO_SFLOW5, .field_count = 2, .record_len = 6};
	view.tmpl.fields[0] = (struct tmpl_field){.id = 7, .len = 2, .again = TMPL_NO_FIELD, .first = true};
	view.tmpl.fields[1] = (struct tmpl_field){
	    .id = 11, .len = 4, .offset = 2, .again = TMPL_NO_FIELD, .first = true};
	ok(!expr_match(e, &f, &context, 0), "the port is 80");
	view.tmpl.fields[0].id = 11;
	view.tmpl.fields[1].id = 7;
	ok(expr_match(e, &f, &context, 0), "in the next sample it is 53, and stands elsewhere");
	expr_free(e);
}

/* A record that ends before its template does matches nothing, and nothing is read behind it. */
static void
cut_records(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct expr_error error;
		struct expr *e = NULL;

		if (expr_parse(cases[i].text, &lists, &e, &error) != ERR_OK)
			continue;
		for (size_t len = 0; len < V5_RECORD; len++) {
			uint8_t *copy = malloc(len + 1);
			struct flow f = flows[0];

			if (copy == NULL)
				abort();
			memcpy(copy, payload + V5_HEADER, len);
			f.record = rd_init(copy, len);
			expr_datagram(e);
			(void)expr_match(e, &f, &context, 0);
			free(copy);
		}
		expr_free(e);
	}
	ok(true, "cut records are survived (for sanitizers)");
}

int
main(void)
{
	make_flows();
	selections();
	wrong_ones();
	bounds();
	tags();
	templates_in_one_place();
	cut_records();
	return done_testing();
}
