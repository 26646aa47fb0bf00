/* SPDX-License-Identifier: ISC
 *
 * What is recorded of a datagram by a policy: which flows with which fields and tags, and what when not all can be decoded,
 * or when a template changes within the datagram.
 */
#include "node/picker.h"

#include <stdlib.h>
#include <string.h>

#include "flow/decode.h"
#include "flow/policy_conf.h"
#include "tests/message.h"
#include "tests/tap.h"

static struct picker picker;
static struct policy *policy;
static struct tmpl_cache *templates;
static struct selected_reader *reader;
static struct buf payload = BUF_INIT;

static struct policy *
read_policy(const char *text)
{
	struct buf errors = BUF_INIT;
	struct policy *p;

	if (policy_conf_parse(text, "conf", NULL, &p, &errors) != ERR_OK)
		abort();
	buf_clear(&errors);
	return p;
}

static void
begin(const char *text)
{
	const struct tmpl_cache_limits limits = {.streams = 4, .templates = 4};

	policy = read_policy(text);
	templates = tmpl_cache_new(&limits);
	picker_init(&picker);
	if (templates == NULL || picker_follow(&picker, policy) != ERR_OK)
		abort();
}

static void
end(void)
{
	picker_clear(&picker);
	policy_free(policy);
	tmpl_cache_free(templates);
}

/* As node/intake does. */
static enum picker_choice
pick(void)
{
	struct addr from = addr_v4(0xc0000201);
	struct proto_info info;
	struct stream_key key;
	struct picker_datagram d = {.payload = payload.data,
	    .len = (uint32_t)payload.len,
	    .key = &key,
	    .info = &info,
	    .time = {5},
	    .templates = templates};
	uint64_t before = tmpl_cache_counters(templates)->definitions;

	if (proto_recognise(payload.data, payload.len, &info) != ERR_OK)
		abort();
	key = stream_key_of(&from, 4000, &info);
	if (tmpl_cache_learn(templates, &key, &info, payload.data, payload.len) != ERR_OK)
		abort();
	d.learnt = tmpl_cache_counters(templates)->definitions != before;
	return picker_pick(&picker, &d);
}

/* "INDEX[:TAG](PEN/ID ID ...) ..." of what was recorded. */
static const char *
recorded(void)
{
	static char text[1024];
	size_t n = 0;
	struct decode d;
	struct flow f;

	text[0] = '\0';
	if (selected_open(reader, picker.body.data, picker.body.len) != ERR_OK)
		return "not valid";
	decode_init_selected(&d, reader, NULL, NULL);
	while (decode_next(&d, &f) == ERR_OK) {
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%u", n > 0 ? " " : "", f.index);
		for (unsigned i = 0; i < f.tag_count; i++)
			n += (size_t)snprintf(text + n, sizeof(text) - n, ":%u", f.tags[i]);
		for (uint16_t i = 0; i < f.tmpl->field_count; i++)
			n += (size_t)snprintf(
			    text + n, sizeof(text) - n, "%c%u", i == 0 ? '(' : ',', f.tmpl->fields[i].id);
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s", f.tmpl->field_count > 0 ? ")" : "");
	}
	return text;
}

static void
v5(void)
{
	message_old(&payload, 5, 3, 77);
	for (uint8_t host = 1; host <= 3; host++)
		message_old_record(&payload, 5, host);
}

static void
fixed_layouts(void)
{
	struct sha256 digest;
	const struct selected_head *h;

	begin(
	    "policy = { rules = ( { match = \"dst ip 198.51.100.2\"; action = \"drop\"; },\n"
	    "{ match = \"dst ip 198.51.100.3\"; action = \"keep\"; tag = 9; } ); fields = [ \"DST_ADDR\", \"PACKETS\" ]; };");
	v5();
	is_u64(pick(), PICKER_SELECTED, "v5: selected flows");
	is_text(recorded(), "0(12,2) 2:9(12,2)", "those that are kept, with tags and those fields");
	h = selected_head(reader);
	digest = sha256_of(payload.data, payload.len);
	ok(memcmp(&h->digest, &digest, sizeof(digest)) == 0 && h->len == payload.len, "of this datagram");
	ok(h->records == 3 && h->info.sequence == 77 && h->flags == 0, "whose header and count are there");
	is_u64(picker.counters.kept, 2, "kept ones are counted");
	is_u64(picker.counters.dropped, 1, "so are dropped ones");
	payload.len -= 20;
	is_u64(pick(), PICKER_WHOLE, "with a record that is cut it is kept whole");
	payload.len = 20;
	is_u64(pick(), PICKER_WHOLE, "what ends in its header, too");
	ok(picker.counters.selected == 1 && picker.counters.whole == 2, "which is counted");
	end();
	begin("policy = { rules = ( { match = \"all\"; action = \"drop\"; } ); undecoded = \"drop\"; };");
	v5();
	payload.len = 20;
	is_u64(pick(), PICKER_WHOLE, "also where what is undecoded is dropped: there is no flow in it");
	v5();
	is_u64(pick(), PICKER_SELECTED, "of nothing a record is made, too");
	is_text(recorded(), "", "without a flow");
	end();
}

static const uint16_t address_octets[] = {8, 4, 1, 4}, octets_address[] = {1, 4, 8, 4};

static void
put_template(uint16_t set, const uint16_t *fields)
{
	message_set(&payload, set);
	message_template(&payload, 256, fields, 2);
	message_set_end(&payload);
}

static void
put_data(uint32_t first, uint32_t second)
{
	message_set(&payload, 256);
	buf_u32(&payload, first);
	buf_u32(&payload, second);
	message_set_end(&payload);
}

static void
begin_message(bool v9)
{
	if (v9)
		message_v9(&payload, 5, 1);
	else
		message_ipfix(&payload, 5, 1);
}

/* IPFIX's header tells the length. */
static enum picker_choice
pick_message(bool v9)
{
	if (!v9)
		message_put_u16(&payload, 2, (uint16_t)payload.len);
	return pick();
}

static void
sets(bool v9, bool drop)
{
	const char *name = v9 ? "v9" : "IPFIX";
	uint16_t set = v9 ? 0 : 2;
	enum picker_choice undecoded = drop ? PICKER_SELECTED : PICKER_WHOLE;
	char text[256];

	(void)snprintf(text, sizeof(text),
	    "policy = { rules = ( { match = \"bytes 5\"; action = \"drop\"; } ); undecoded = \"%s\"; };",
	    drop ? "drop" : "keep");
	begin(text);
	begin_message(v9);
	put_data(0x0a000001, 6);
	is_u64(pick_message(v9), undecoded, "%s: no template yet: %s", name, drop ? "selected" : "whole");
	if (drop) {
		is_text(recorded(), "", "without its flows");
		ok(selected_head(reader)->records == SELECTED_RECORDS_UNKNOWN &&
			selected_head(reader)->flags == SELECTED_UNDECODED,
		    "and it says that there may be some");
	}
	begin_message(v9);
	put_template(set, address_octets);
	put_data(0x0a000001, 6);
	put_data(0x0a000002, 5);
	is_u64(pick_message(v9), PICKER_SELECTED, "%s: a template and its data", name);
	is_text(recorded(), "0(8,1)", "one is dropped");
	ok(selected_head(reader)->skeleton_len == selected_head(reader)->info.header_len + 4 + 12,
	    "the template is in the skeleton");
	begin_message(v9);
	put_data(0x0a000002, 5);
	put_data(0x0a000001, 6);
	is_u64(pick_message(v9), PICKER_SELECTED, "%s: data for a template that is known", name);
	is_text(recorded(), "1(8,1)", "one is dropped");
	begin_message(v9);
	put_data(0x0a000001, 6);
	put_template(set, address_octets);
	is_u64(pick_message(v9), PICKER_SELECTED, "%s: a template that is repeated behind its data", name);
	is_text(recorded(), "0(8,1)", "changes nothing");
	begin_message(v9);
	put_data(0x0a000001, 6);
	put_template(set, octets_address);
	put_data(6, 0x0a000001);
	is_u64(pick_message(v9), undecoded, "%s: one that changes between data", name);
	if (drop)
		is_text(recorded(), "0(1,8)", "leaves those before it undecoded");
	is_u64(picker.counters.whole, drop ? 0 : 2, "whole ones are counted");
	end();
}

static void
follows(void)
{
	static const char one[] = "policy = { rules = ( { match = \"all\"; action = \"keep\"; } ); };",
			  other[] = "policy = { rules = ( { match = \"any\"; action = \"keep\"; } ); };";
	struct policy *again = read_policy(one), *different = read_policy(other);
	struct policy_counters n;
	struct policy_rule r;

	begin(one);
	v5();
	(void)pick();
	is_u64(picker_follow(&picker, again), ERR_OK, "the same policy again");
	(void)pick();
	policy_rule(again, 0, &r, &n);
	ok(n.evaluations == 6 && n.matches == 6 && n.wins == 6, "its counters go on");
	is_u64(picker_follow(&picker, different), ERR_OK, "another one");
	(void)pick();
	policy_rule(different, 0, &r, &n);
	is_u64(n.wins, 3, "begins to count");
	is_u64(picker.counters.kept, 9, "what all of them kept is counted on");
	is_u64(picker_follow(&picker, NULL), ERR_OK, "and none");
	end();
	policy_free(again);
	policy_free(different);
}

int
main(void)
{
	reader = selected_reader_new();
	if (reader == NULL)
		abort();
	fixed_layouts();
	sets(true, false);
	sets(true, true);
	sets(false, false);
	sets(false, true);
	follows();
	selected_reader_free(reader);
	buf_clear(&payload);
	return done_testing();
}
