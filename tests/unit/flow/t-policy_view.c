/* SPDX-License-Identifier: ISC
 *
 * What a policy leaves of flows, against their own fields with those left out that it does not keep: random templates, with
 * fields of variable length and elements that stand twice.
 */
#include "flow/policy_view.h"

#include <stdlib.h>
#include <string.h>

#include "flow/policy_conf.h"
#include "tests/message.h"
#include "tests/tap.h"

static uint64_t state = 88172645463325252ULL;
static struct flow_context context;
static struct proto_info info = {.proto = PROTO_IPFIX};

static uint32_t
draw(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 33) % below;
}

/* A template of a few elements, so that some stand twice. */
static struct tmpl *
draw_template(bool variable)
{
	struct buf b = BUF_INIT;
	struct tmpl_def def = {.stream = {.proto = PROTO_IPFIX}, .id = 256, .kind = TMPL_DATA};
	uint16_t count = (uint16_t)(1 + draw(12));
	struct tmpl *t = NULL;

	buf_u16(&b, 256);
	buf_u16(&b, count);
	for (uint16_t i = 0; i < count; i++) {
		bool private = draw(4) == 0;

		buf_u16(&b, (uint16_t)((1 + draw(9)) | (private ? 0x8000 : 0)));
		buf_u16(&b, variable && draw(3) == 0 ? TMPL_VARIABLE : (uint16_t)(1 + draw(8)));
		if (private)
			buf_u32(&b, 9999);
	}
	def.bytes = b.data;
	def.len = (uint16_t)b.len;
	if (tmpl_parse(&def, &t) != ERR_OK)
		abort();
	buf_clear(&b);
	return t;
}

static void
draw_record(const struct tmpl *t, struct buf *b)
{
	buf_reset(b);
	for (uint16_t i = 0; i < t->field_count; i++) {
		uint32_t len = t->fields[i].len;

		if (len == TMPL_VARIABLE) {
			len = draw(3) == 0 ? 250 + draw(20) : draw(5);
			if (len >= 255 || draw(5) == 0) {
				buf_u8(b, 255);
				buf_u16(b, (uint16_t)len);
			} else {
				buf_u8(b, (uint8_t)len);
			}
		}
		for (uint32_t k = 0; k < len; k++)
			buf_u8(b, (uint8_t)draw(256));
	}
}

/* The same fields, but for those that are not kept. */
static bool
same_fields(const struct policy *p, const struct flow *whole, const struct flow *left)
{
	struct flow_walk a, b;
	struct flow_value x, y;

	flow_walk_init(&a, whole);
	flow_walk_init(&b, left);
	while (flow_walk_next(&a, &x)) {
		if (!policy_keeps_field(p, x.field->pen, x.field->id))
			continue;
		if (!flow_walk_next(&b, &y) || y.field->id != x.field->id || y.field->pen != x.field->pen ||
		    y.len != x.len || (x.len > 0 && memcmp(x.bytes, y.bytes, x.len) != 0))
			return false;
	}
	return !flow_walk_next(&b, &y);
}

static bool
chains_hold(const struct tmpl *t)
{
	for (uint16_t i = 0; i < t->field_count; i++) {
		const struct tmpl_field *f = &t->fields[i];
		uint16_t next = i;
		bool first = true;

		for (uint16_t k = 0; k < i; k++)
			first &= t->fields[k].id != f->id || t->fields[k].pen != f->pen;
		for (next++; next < t->field_count; next++) {
			if (t->fields[next].id == f->id && t->fields[next].pen == f->pen)
				break;
		}
		if (f->first != first || f->again != (next < t->field_count ? next : TMPL_NO_FIELD))
			return false;
	}
	return true;
}

static struct policy *
draw_policy(void)
{
	struct policy *p = policy_new();
	char name[32];

	for (uint32_t i = draw(8) + 1; i > 0; i--) {
		(void)snprintf(name, sizeof(name), "%u/%u", draw(3) == 0 ? 9999 : 0, 1 + draw(9));
		if (policy_add_field(p, name) != ERR_OK)
			abort();
	}
	return p;
}

/* Several templates in each datagram, in turns. */
static void
random_views(void)
{
	unsigned wrong = 0, unchained = 0, variable = 0;
	struct buf records[3] = {BUF_INIT, BUF_INIT, BUF_INIT};

	for (int n = 0; n < 500; n++) {
		struct policy *p = draw_policy();
		struct policy_view *v = policy_view_new(p);

		for (int datagram = 0; datagram < 3; datagram++) {
			struct tmpl *t[3];

			policy_view_datagram(v);
			for (int i = 0; i < 3; i++) {
				t[i] = draw_template(draw(2) == 0);
				draw_record(t[i], &records[i]);
			}
			for (int i = 0; i < 9; i++) {
				const struct flow whole = {.info = &info,
				    .tmpl = t[i % 3],
				    .record = rd_init(records[i % 3].data, records[i % 3].len)};
				struct flow left = whole;

				wrong += policy_view_flow(v, &context, &left) != ERR_OK ||
				    !same_fields(p, &whole, &left);
				unchained += !chains_hold(left.tmpl);
				variable += left.tmpl->variable;
			}
			for (int i = 0; i < 3; i++)
				tmpl_free(t[i]);
		}
		policy_view_free(v);
		policy_free(p);
	}
	is_u64(wrong, 0, "views have the fields that are kept, as they were");
	is_u64(unchained, 0, "elements that stand twice are chained");
	ok(variable > 1000, "%u of them had variable lengths", variable);
	for (int i = 0; i < 3; i++)
		buf_clear(&records[i]);
}

static void
decisions(void)
{
	static const char text[] =
	    "policy = { rules = ( { match = \"dst ip 198.51.100.2\"; action = \"drop\"; },\n"
	    "{ match = \"dst ip 198.51.100.3\"; action = \"keep\"; tag = 6; } ); };";
	static const uint32_t had[] = {5, 6, 7};
	struct buf errors = BUF_INIT, record = BUF_INIT;
	struct proto_info v5 = {.proto = PROTO_V5};
	struct policy_view *v;
	struct policy *p;
	struct flow f[4];

	if (policy_conf_parse(text, "conf", NULL, &p, &errors) != ERR_OK)
		abort();
	v = policy_view_new(p);
	for (uint8_t host = 0; host < 4; host++)
		message_old_record(&record, 5, host);
	for (size_t i = 0; i < 4; i++)
		f[i] = (struct flow){
		    .info = &v5, .tmpl = tmpl_static(PROTO_V5), .record = rd_init(record.data + i * 48, 48)};
	policy_view_datagram(v);
	ok(policy_view_flow(v, &context, &f[1]) == ERR_OK && f[1].tag_count == 0 &&
		f[1].tmpl == tmpl_static(PROTO_V5),
	    "one that is kept as it is");
	ok(policy_view_flow(v, &context, &f[2]) == ERR_END, "one that is dropped");
	ok(policy_view_flow(v, &context, &f[3]) == ERR_OK && f[3].tag_count == 1 && f[3].tags[0] == 6,
	    "one that gets a tag");
	ok(policy_view_flow(v, &context, &f[3]) == ERR_OK && f[3].tag_count == 1, "it gets it once");
	f[3].tags = &had[0];
	f[3].tag_count = 1;
	ok(policy_view_flow(v, &context, &f[3]) == ERR_OK && f[3].tag_count == 2 && f[3].tags[0] == 5 &&
		f[3].tags[1] == 6,
	    "behind a smaller one that it had");
	f[3].tags = &had[2];
	f[3].tag_count = 1;
	ok(policy_view_flow(v, &context, &f[3]) == ERR_OK && f[3].tag_count == 2 && f[3].tags[0] == 6 &&
		f[3].tags[1] == 7,
	    "before a larger one");
	f[2].options = true;
	ok(policy_view_flow(v, &context, &f[2]) == ERR_OK, "options records are no flows");
	policy_view_free(v);
	policy_free(p);
	buf_clear(&errors);
	buf_clear(&record);
}

int
main(void)
{
	decisions();
	random_views();
	return done_testing();
}
