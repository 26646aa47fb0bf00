/* SPDX-License-Identifier: ISC
 *
 * Policies: flowd's order of rules against an evaluator that knows nothing of it but the definition, on known and on random
 * sets of rules; fields by name and by flowd's groups; and what stands in a configuration.
 */
#include "flow/policy.h"

#include <stdlib.h>
#include <string.h>

#include "base/wr.h"
#include "flow/policy_conf.h"
#include "tests/tap.h"
#include "wire/proto.h"

/* --- flows of v5 --- */

struct facts {
	uint32_t from, packets;
	uint16_t to_port;
	uint8_t proto;
};

#define HEADER 24
#define RECORD 48
static uint8_t payload[HEADER + RECORD];
static struct proto_info info;
static struct flow_context context = {.port = 2055};

static struct flow
make_flow(const struct facts *f)
{
	struct wr w = wr_init(payload, sizeof(payload));

	wr_u16(&w, 5);
	wr_u16(&w, 1);
	wr_zeros(&w, HEADER - 4);
	wr_u32(&w, f->from);
	wr_zeros(&w, 12);
	wr_u32(&w, f->packets);
	wr_zeros(&w, 14);
	wr_u16(&w, f->to_port);
	wr_zeros(&w, 2);
	wr_u8(&w, f->proto);
	wr_zeros(&w, 9);
	if (!wr_ok(&w) || proto_recognise(payload, sizeof(payload), &info) != ERR_OK)
		abort();
	return (struct flow){
	    .info = &info, .tmpl = tmpl_static(PROTO_V5), .record = rd_init(payload + HEADER, RECORD)};
}

/* --- questions, in both languages --- */

static bool
is_any(const struct facts *f, uint32_t tag)
{
	return f != NULL || tag > 0;
}
static bool
is_none(const struct facts *f, uint32_t tag)
{
	return !is_any(f, tag);
}
static bool
is_tcp(const struct facts *f, uint32_t tag)
{
	return tag < 99 && f->proto == 6;
}
static bool
is_low(const struct facts *f, uint32_t tag)
{
	return tag < 99 && f->to_port < 1024;
}
static bool
is_ours(const struct facts *f, uint32_t tag)
{
	return tag < 99 && f->from >> 24 == 10;
}
static bool
is_large(const struct facts *f, uint32_t tag)
{
	return tag < 99 && f->packets > 5;
}
static bool
is_tagged(const struct facts *f, uint32_t tag)
{
	return f != NULL && tag == 3;
}
static bool
is_untagged(const struct facts *f, uint32_t tag)
{
	return f != NULL && tag == 0;
}

static const struct question {
	const char *text;
	bool (*holds)(const struct facts *f, uint32_t tag);
} questions[] = {
    {"any", is_any},
    {"not any", is_none},
    {"tcp", is_tcp},
    {"dst port < 1024", is_low},
    {"src net 10/8", is_ours},
    {"packets > 5", is_large},
    {"tag 3", is_tagged},
    {"tag 0", is_untagged},
};
#define QUESTIONS (sizeof(questions) / sizeof(questions[0]))

struct asked {
	const struct question *q;
	bool keep, quick;
	uint32_t tag;
	struct policy_counters want;
};

/* The definition: who decides when there are only the first n rules; -1: nobody. */
static int
decider(const struct asked *rules, int n, const struct facts *f)
{
	int before;

	if (n == 0)
		return -1;
	before = decider(rules, n - 1, f);
	if (before >= 0 && rules[before].quick)
		return before;
	return rules[n - 1].q->holds(f, before >= 0 ? rules[before].tag : 0) ? n - 1 : before;
}

static void
count(struct asked *rules, int n, const struct facts *f)
{
	for (int i = 0; i < n; i++) {
		int before = decider(rules, i, f), after = decider(rules, i + 1, f);

		rules[i].want.evaluations += before < 0 || !rules[before].quick;
		rules[i].want.matches += after == i;
		rules[i].want.wins += decider(rules, n, f) == i;
	}
}

static struct policy *
make_policy(const struct asked *rules, int n)
{
	struct policy *p = policy_new();
	struct expr_error error;

	for (int i = 0; i < n && p != NULL; i++) {
		const struct policy_rule r = {rules[i].q->text, rules[i].keep, rules[i].quick, rules[i].tag};

		if (policy_add_rule(p, &r, &error) != ERR_OK)
			abort();
	}
	if (p == NULL)
		abort();
	return p;
}

static bool
decides_alike(struct policy *p, struct asked *rules, int n, const struct facts *f)
{
	struct flow flow = make_flow(f);
	int want = decider(rules, n, f);
	bool keep;
	uint32_t tag;

	policy_datagram(p);
	policy_flow(p, &flow, &context, &keep, &tag);
	count(rules, n, f);
	return keep == (want < 0 || rules[want].keep) && tag == (want < 0 ? 0 : rules[want].tag);
}

static bool
counts_alike(const struct policy *p, const struct asked *rules, int n)
{
	struct policy_counters got;
	struct policy_rule r;

	for (int i = 0; i < n; i++) {
		policy_rule(p, (size_t)i, &r, &got);
		if (got.evaluations != rules[i].want.evaluations || got.matches != rules[i].want.matches ||
		    got.wins != rules[i].want.wins)
			return false;
	}
	return true;
}

/* --- random sets of rules --- */

static uint64_t state = 88172645463325252ULL;

static uint32_t
draw(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 33) % below;
}

static void
random_sets(void)
{
	unsigned wrong = 0, miscounted = 0, kept_with_tag = 0;

	for (int set = 0; set < 2000; set++) {
		struct asked rules[8] = {{.q = NULL}};
		int n = (int)draw(9);
		struct policy *p;

		for (int i = 0; i < n; i++) {
			rules[i].q = &questions[draw(QUESTIONS)];
			rules[i].keep = draw(2) == 0;
			rules[i].quick = draw(4) == 0;
			rules[i].tag = rules[i].keep ? draw(5) : 0;
		}
		p = make_policy(rules, n);
		for (int k = 0; k < 16; k++) {
			const struct facts f = {draw(2) << 24 | draw(2) * 0x0a000000, draw(12),
			    (uint16_t)(draw(2) * 2000 + 53), draw(2) != 0 ? 6 : 17};
			int d = decider(rules, n, &f);

			wrong += !decides_alike(p, rules, n, &f);
			kept_with_tag += d >= 0 && rules[d].tag > 0;
		}
		miscounted += !counts_alike(p, rules, n);
		policy_free(p);
	}
	is_u64(wrong, 0, "2000 random sets of rules decide as defined");
	is_u64(miscounted, 0, "and count as defined");
	ok(kept_with_tag > 1000, "enough of them gave tags: %u", kept_with_tag);
}

/* --- known sets: flowd's behaviour, each told in words --- */

static void
known_sets(void)
{
	static const struct facts web = {0x0a000001, 3, 80, 6}, dns = {0xc0000201, 9, 53, 17};
	static const struct question *const any = &questions[0], *const tcp = &questions[2],
					    *const low = &questions[3], *const tag3 = &questions[6];
	static const struct {
		const char *what;
		int n;
		struct asked rules[3];
		bool web, dns; /* kept */
		uint32_t web_tag, dns_tag;
	} sets[] = {
	    {"no rule keeps all", 0, {{.q = NULL}}, true, true, 0, 0},
	    {"a rule that does not match leaves a flow alone", 1, {{.q = tcp, .keep = false}}, false, true, 0,
		0},
	    {"the last match wins", 2, {{.q = any, .keep = false}, {.q = tcp, .keep = true, .tag = 7}}, true,
		false, 7, 0},
	    {"so a general rule behind it undoes it, its tag too", 2,
		{{.q = tcp, .keep = true, .tag = 7}, {.q = any, .keep = true}}, true, true, 0, 0},
	    {"unless it is quick", 2,
		{{.q = tcp, .keep = true, .tag = 7, .quick = true}, {.q = any, .keep = false}}, true, false,
		7, 0},
	    {"quick without a match stops nothing", 2,
		{{.q = tcp, .keep = false, .quick = true}, {.q = low, .keep = true, .tag = 2}}, false, true,
		0, 2},
	    {"a rule sees the tag that it would get so far", 3,
		{{.q = tcp, .keep = true, .tag = 3}, {.q = tag3, .keep = true, .tag = 4},
		    {.q = tag3, .keep = false}},
		true, true, 4, 0},
	};

	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		struct policy *p = make_policy(sets[i].rules, sets[i].n);
		struct flow f = make_flow(&web);
		bool keep[2];
		uint32_t tag[2];

		policy_datagram(p);
		policy_flow(p, &f, &context, &keep[0], &tag[0]);
		f = make_flow(&dns);
		policy_datagram(p);
		policy_flow(p, &f, &context, &keep[1], &tag[1]);
		ok(keep[0] == sets[i].web && keep[1] == sets[i].dns && tag[0] == sets[i].web_tag &&
			tag[1] == sets[i].dns_tag,
		    "%s", sets[i].what);
		is_u64(policy_unmatched(p),
		    (uint64_t)(decider(sets[i].rules, sets[i].n, &web) < 0) +
			(decider(sets[i].rules, sets[i].n, &dns) < 0),
		    "... and those that no rule matched are counted");
		policy_free(p);
	}
}

/* --- fields --- */

static const struct {
	const char *name;
	uint16_t ids[8];
} groups[] = {
    {"PROTO_FLAGS_TOS", {4, 5, 6}},
    {"SRC_ADDR4", {8}},
    {"SRC_ADDR6", {27}},
    {"SRC_ADDR", {8, 27}},
    {"DST_ADDR4", {12}},
    {"DST_ADDR6", {28}},
    {"DST_ADDR", {12, 28}},
    {"GATEWAY_ADDR4", {15}},
    {"GATEWAY_ADDR6", {62}},
    {"GATEWAY_ADDR", {15, 62}},
    {"SRCDST_PORT", {7, 11, 182, 183}},
    {"PACKETS", {2, 86}},
    {"OCTETS", {1, 85}},
    {"IF_INDICES", {10, 14}},
    {"FLOW_TIMES", {21, 22, 150, 152, 154, 156, 160}},
    {"AS_INFO", {16, 17, 9, 13, 29, 30}},
    {"FLOW_ENGINE_INFO", {38, 39}},
    {"TAG", {0}},
    {"RECV_TIME", {0}},
    {"AGENT_ADDR", {0}},
    {"AGENT_ADDR4", {0}},
    {"AGENT_ADDR6", {0}},
    {"AGENT_INFO", {0}},
    {"CRC32", {0}},
};

static void
fields(void)
{
	struct policy *p = policy_new();

	ok(policy_keeps_all_fields(p) && policy_keeps_field(p, 0, 1) && policy_keeps_field(p, 9, 1),
	    "without fields all are kept");
	policy_free(p);
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		unsigned missing = 0;

		p = policy_new();
		is_u64(policy_add_field(p, groups[i].name), ERR_OK, "group %s", groups[i].name);
		for (const uint16_t *id = groups[i].ids; *id != 0; id++)
			missing += !policy_keeps_field(p, 0, *id);
		ok(missing == 0 && !policy_keeps_field(p, 0, 61) && !policy_keeps_field(p, 9, 1) &&
			!policy_keeps_all_fields(p),
		    "it keeps its elements, and no others");
		policy_free(p);
	}
	p = policy_new();
	ok(policy_add_field(p, "sourceIPv4Address") == ERR_OK && policy_add_field(p, "29305/1") == ERR_OK &&
		policy_add_field(p, "9/5") == ERR_OK && policy_add_field(p, "0/40000") == ERR_OK &&
		policy_add_field(p, "4294967295/65535") == ERR_OK,
	    "elements by name and number");
	ok(policy_keeps_field(p, 0, 8) && policy_keeps_field(p, 29305, 1) && policy_keeps_field(p, 9, 5) &&
		policy_keeps_field(p, UINT32_MAX, 65535) && policy_keeps_field(p, 0, 40000),
	    "are kept");
	ok(policy_keeps_field(p, 0, 0x8005), "v9 writes Cisco's elements without its number");
	ok(!policy_keeps_field(p, 0, 1) && !policy_keeps_field(p, 29305, 8) && !policy_keeps_field(p, 9, 6) &&
		!policy_keeps_field(p, 0, 0x8006) && !policy_keeps_field(p, 0, 40001),
	    "others are not");
	is_u64(policy_add_field(p, "sourceIPv5Address"), ERR_UNKNOWN, "a name that is none");
	is_u64(policy_add_field(p, "1/70000"), ERR_UNKNOWN, "a number that is none");
	ok(policy_add_field(p, "ALL") == ERR_OK && policy_keeps_field(p, 77, 7) &&
		policy_keeps_field(p, 0, 1) && policy_keeps_all_fields(p),
	    "ALL keeps all");
	policy_free(p);
}

/* --- configurations --- */

static const char whole[] =
    "other = { key = 1; };\n"
    "policy = {\n"
    "  rules = (\n"
    "    { match = \"any\"; action = \"discard\"; },\n"
    "    { match = \"src ip in @ours and dst port in @web\"; action = \"keep\"; tag = 4294967295L; },\n"
    "    { match = \"interfaceName = 'a\\\\b'\"; action = \"accept\"; quick = true; }\n"
    "  );\n"
    "  fields = [ \"SRC_ADDR\", \"destinationTransportPort\" ];\n"
    "  lists = { ours = [ \"10.0.0.0/8\", \"192.0.2.1\" ]; web = [ 80, 443 ]; none = []; };\n"
    "  undecoded = \"drop\";\n"
    "};\n";

static struct policy *
read_policy(const char *text, struct buf *errors)
{
	struct policy *p = NULL;

	buf_reset(errors);
	if (policy_conf_parse(text, "conf", NULL, &p, errors) != ERR_OK)
		p = NULL;
	buf_u8(errors, 0);
	return p;
}

static void
configurations(void)
{
	static const struct facts web = {0x0a000001, 3, 443, 6}, other = {0x0b000001, 3, 443, 6};
	struct buf errors = BUF_INIT, text = BUF_INIT, again = BUF_INIT;
	struct policy *p = read_policy(whole, &errors), *q;
	struct policy_counters counters;
	struct policy_rule r;
	struct flow f;
	bool keep = false;
	uint32_t tag = 0;

	if (!ok(p != NULL, "a policy with everything: %s", (const char *)errors.data))
		return;
	f = make_flow(&web);
	policy_datagram(p);
	policy_flow(p, &f, &context, &keep, &tag);
	ok(keep && tag == UINT32_MAX, "named lists");
	f = make_flow(&other);
	policy_datagram(p);
	policy_flow(p, &f, &context, &keep, &tag);
	ok(!keep && tag == 0, "discard is drop");
	ok(!policy_keeps_undecoded(p) && policy_keeps_field(p, 0, 8) && !policy_keeps_field(p, 0, 12),
	    "fields, undecoded");
	policy_rule(p, 2, &r, &counters);
	ok(r.quick && r.keep && policy_rule_count(p) == 3, "quick, accept");
	buf_text(&text, "policy = {\n");
	policy_print(p, 1, &text);
	buf_text(&text, "};\n");
	buf_u8(&text, 0);
	q = read_policy((const char *)text.data, &errors);
	ok(q != NULL, "printed it can be read: %s", (const char *)errors.data);
	ok(q != NULL && policy_equal(p, q), "and is the same");
	if (q != NULL) {
		policy_count_on(q, p);
		policy_rule(q, 0, &r, &counters);
		is_u64(counters.evaluations, 2, "counters go on");
		policy_keep_undecoded(q, true);
		ok(!policy_equal(p, q) && !policy_equal(p, NULL) && policy_equal(NULL, NULL),
		    "others are not");
	}
	policy_free(p);
	policy_free(q);
	p = read_policy("policy = { }", &errors);
	ok(p != NULL && policy_keeps_undecoded(p) && policy_keeps_all_fields(p) && policy_rule_count(p) == 0,
	    "an empty one");
	policy_free(p);
	buf_clear(&errors);
	buf_clear(&text);
	buf_clear(&again);
}

static const struct {
	const char *text, *want;
} wrong[] = {
    {"policy = 5;", "conf:1: policy: expected a group of keys { ... }\n"},
    {"polici = { };", "conf: expected a group policy = { ... }, found none\n"},
    {"policy = {\n rulez = ();\n};", "conf:2: policy.rulez: unknown key\n"},
    {"policy = {\n rules = 5; };",
	"conf:2: policy.rules: expected a list of rules such as ( { match = \"dst port 53\"; action = \"drop\"; } )\n"},
    {"policy = { rules = (\n{ action = \"keep\"; }\n); };",
	"conf:2: policy.rules.match: is missing: an expression in quotes\n"},
    {"policy = { rules = (\n{ match = \"any\"; }\n); };",
	"conf:2: policy.rules.action: is missing: \"keep\" or \"drop\"\n"},
    {"policy = { rules = (\n{ match = \"any\";\n action = \"kep\"; }\n); };",
	"conf:3: policy.rules.action: expected \"keep\" or \"drop\", found \"kep\"\n"},
    {"policy = { rules = ( { action = \"drop\";\n match = \"tcp and port htp\"; } ); };",
	"conf:2: policy.rules.match: column 14: expected a number, found \"htp\"\n"},
    {"policy = { rules = ( { action = \"drop\"; match = \"src ip in @us\"; } ); };",
	"conf:1: policy.rules.match: column 11: there is no list \"us\"\n"},
    {"policy = { rules = ( { action = \"drop\"; match = \"any\"; tag = 3; } ); };",
	"conf:1: policy.rules.tag: what is dropped has no tag\n"},
    {"policy = { rules = ( { action = \"keep\"; match = \"any\"; tag = 0; } ); };",
	"conf:1: policy.rules.tag: expected a number from 1 to 4294967295\n"},
    {"policy = { rules = ( { action = \"keep\"; match = \"any\"; tag = \"x\"; } ); };",
	"conf:1: policy.rules.tag: expected a number from 1 to 4294967295, found \"x\"\n"},
    {"policy = { rules = ( { action = \"keep\"; match = \"any\"; quick = 1; } ); };",
	"conf:1: policy.rules.quick: expected true or false\n"},
    {"policy = { rules = ( { action = \"keep\"; match = \"any\"; fast = true; } ); };",
	"conf:1: policy.rules: unknown key fast\n"},
    {"policy = { fields = [ \"SRC_ADR\" ]; };",
	"conf:1: policy.fields: expected the IANA name of an information element, PEN/ID, or a group such as "
	"SRC_ADDR, found \"SRC_ADR\"\n"},
    {"policy = { fields = []; };",
	"conf:1: policy.fields: expected a list of information elements such as [ \"sourceIPv4Address\", "
	"\"PACKETS\" ]; without the key all are kept\n"},
    {"policy = { lists = { a = 5; }; };",
	"conf:1: policy.lists.a: expected a list such as [ \"192.0.2.0/24\", \"198.51.100.1\" ]\n"},
    {"policy = { lists = { a = [ true ]; }; };",
	"conf:1: policy.lists.a: expected texts in quotes, or numbers\n"},
    {"policy = { lists = { a = [ \"'\\\"\" ]; }; };",
	"conf:1: policy.lists.a: a value cannot hold both kinds of quotes\n"},
    {"policy = { undecoded = \"maybe\"; };",
	"conf:1: policy.undecoded: expected \"keep\" or \"drop\", found \"maybe\"\n"},
    {"policy = {\n undecoded = 1;\n fields = 2; };",
	"conf:2: policy.undecoded: expected \"keep\" or \"drop\"\n"
	"conf:3: policy.fields: expected a list of information elements such as [ \"sourceIPv4Address\", "
	"\"PACKETS\" ]; without the key all are kept\n"},
    {"policy = {", "conf:1: syntax error\n"},
};

static void
wrong_ones(void)
{
	struct buf errors = BUF_INIT;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct policy *p = read_policy(wrong[i].text, &errors);

		ok(p == NULL, "refused: case %zu", i);
		is_text((const char *)errors.data, wrong[i].want, "and told why");
		policy_free(p);
	}
	buf_clear(&errors);
}

int
main(void)
{
	known_sets();
	random_sets();
	fields();
	configurations();
	wrong_ones();
	return done_testing();
}
