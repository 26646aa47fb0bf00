/* SPDX-License-Identifier: ISC
 *
 * Rules in their order, and a set of fields: IANA's as bits, those of others in order.
 */
#include "flow/policy.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "flow/element.h"

#define IANA_MOST 32768 /* from here on ids without a number of an enterprise are v9's own */
#define PEN_CISCO 9     /* whose numbers they are, see element_find */

struct rule {
	char *match;       /* owned */
	struct expr *expr; /* owned */
	bool keep, quick;
	uint32_t tag;
	struct policy_counters counters;
};

struct list {
	char name[POLICY_NAME_SIZE];
	struct buf text; /* as it stands in an expression */
	char **values;   /* owned, like each */
	size_t count, room;
};

struct field {
	uint32_t pen;
	uint16_t id;
};

struct policy {
	struct rule *rules; /* owned, like all here */
	size_t rule_count, rule_room;
	struct list *lists;
	size_t list_count, list_room;
	char **field_names;
	size_t name_count, name_room;
	bool some_fields; /* else all */
	bool all_fields;  /* as one of them is ALL */
	uint64_t iana[IANA_MOST / 64];
	struct field *others; /* in order */
	size_t other_count, other_room;
	bool drop_undecoded;
	uint64_t unmatched;
};

/* --- groups of fields --- */

/* flowd's names. What is always there (time, exporter, header, checksum, tag) has no elements. */
static const struct {
	const char *name;
	uint16_t ids[20]; /* up to the first 0 */
} groups[] = {
    {"TAG", {0}},
    {"RECV_TIME", {0}},
    {"PROTO_FLAGS_TOS", {4, 5, 6}},
    {"AGENT_ADDR", {0}},
    {"AGENT_ADDR4", {0}},
    {"AGENT_ADDR6", {0}},
    {"SRC_ADDR", {8, 27}},
    {"SRC_ADDR4", {8}},
    {"SRC_ADDR6", {27}},
    {"DST_ADDR", {12, 28}},
    {"DST_ADDR4", {12}},
    {"DST_ADDR6", {28}},
    {"GATEWAY_ADDR", {15, 62}},
    {"GATEWAY_ADDR4", {15}},
    {"GATEWAY_ADDR6", {62}},
    {"SRCDST_PORT", {7, 11, 180, 181, 182, 183, 32, 139}}, /* ICMP's type and code, as flowd has it */
    {"PACKETS", {2, 86}},
    {"OCTETS", {1, 85}},
    {"IF_INDICES", {10, 14}},
    {"AGENT_INFO", {0}},
    {"FLOW_TIMES", {21, 22, 150, 151, 152, 153, 154, 155, 156, 157, 158, 159, 160, 161, 162}},
    {"AS_INFO", {16, 17, 9, 13, 29, 30}},
    {"FLOW_ENGINE_INFO", {38, 39}},
    {"CRC32", {0}},
};

static int
by_number(const void *a, const void *b)
{
	const struct field *x = a, *y = b;

	if (x->pen != y->pen)
		return x->pen < y->pen ? -1 : 1;
	return (x->id > y->id) - (x->id < y->id);
}

static enum err
add_element(struct policy *p, uint32_t pen, uint16_t id)
{
	if (pen == 0 && id < IANA_MOST) {
		p->iana[id / 64] |= 1ULL << (id % 64);
		return ERR_OK;
	}
	if (array_grow(p->others, p->other_room, p->other_count) != ERR_OK)
		return ERR_MEMORY;
	p->others[p->other_count++] = (struct field){pen, id};
	qsort(p->others, p->other_count, sizeof(*p->others), by_number);
	return ERR_OK;
}

/* False: it is no group. */
static bool
add_group(struct policy *p, const char *name)
{
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		if (strcmp(groups[i].name, name) != 0)
			continue;
		for (const uint16_t *id = groups[i].ids; *id != 0; id++)
			p->iana[*id / 64] |= 1ULL << (*id % 64);
		return true;
	}
	return false;
}

enum err
policy_add_field(struct policy *p, const char *name)
{
	uint32_t pen;
	uint16_t id;
	enum err e = ERR_OK;

	if (p->name_count >= POLICY_FIELDS_MOST)
		return ERR_LIMIT;
	if (array_grow(p->field_names, p->name_room, p->name_count) != ERR_OK ||
	    (p->field_names[p->name_count] = strdup(name)) == NULL)
		return ERR_MEMORY;
	if (strcmp(name, "ALL") == 0)
		p->all_fields = true;
	else if (!add_group(p, name))
		e = element_parse(name, strlen(name), &pen, &id) ? add_element(p, pen, id) : ERR_UNKNOWN;
	if (e != ERR_OK) {
		free(p->field_names[p->name_count]);
		return e;
	}
	p->name_count++;
	p->some_fields = true;
	return ERR_OK;
}

bool
policy_keeps_all_fields(const struct policy *p)
{
	return !p->some_fields || p->all_fields;
}

static bool
has_other(const struct policy *p, uint32_t pen, uint16_t id)
{
	const struct field wanted = {pen, id};

	return p->other_count > 0 &&
	    bsearch(&wanted, p->others, p->other_count, sizeof(wanted), by_number) != NULL;
}

bool
policy_keeps_field(const struct policy *p, uint32_t pen, uint16_t id)
{
	if (policy_keeps_all_fields(p))
		return true;
	if (pen == 0 && id < IANA_MOST)
		return (p->iana[id / 64] >> (id % 64) & 1) != 0;
	return has_other(p, pen, id) || (pen == 0 && has_other(p, PEN_CISCO, (uint16_t)(id - IANA_MOST)));
}

/* --- lists --- */

static bool
is_list_name(const char *name)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	size_t len = strlen(name);

	return len >= 1 && len < POLICY_NAME_SIZE && strchr(letters, name[0]) != NULL &&
	    strspn(name,
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789_-") == len;
}

static const char *
find_list(void *ctx, const char *name)
{
	const struct policy *p = ctx;

	for (size_t i = 0; i < p->list_count; i++) {
		if (strcmp(p->lists[i].name, name) == 0)
			return p->lists[i].count > 0 ? (const char *)p->lists[i].text.data : "";
	}
	return NULL;
}

enum err
policy_add_list(struct policy *p, const char *name)
{
	struct list *l;

	if (!is_list_name(name))
		return ERR_MALFORMED;
	if (find_list(p, name) != NULL)
		return ERR_CONFLICT;
	if (p->list_count >= POLICY_LISTS_MOST)
		return ERR_LIMIT;
	if (array_grow(p->lists, p->list_room, p->list_count) != ERR_OK)
		return ERR_MEMORY;
	l = &p->lists[p->list_count++];
	*l = (struct list){.text = BUF_INIT};
	memcpy(l->name, name, strlen(name) + 1);
	return ERR_OK;
}

/* In quotes, so that one with blanks is one. */
enum err
policy_add_list_value(struct policy *p, const char *value)
{
	struct list *l;
	const char quote = strchr(value, '"') == NULL ? '"' : '\'';

	if (p->list_count == 0 || strchr(value, quote) != NULL)
		return ERR_MALFORMED;
	l = &p->lists[p->list_count - 1];
	if (array_grow(l->values, l->room, l->count) != ERR_OK ||
	    (l->values[l->count] = strdup(value)) == NULL)
		return ERR_MEMORY;
	l->count++;
	if (l->text.len > 0)
		l->text.len--; /* the end goes behind the new one */
	buf_printf(&l->text, "%c%s%c ", quote, value, quote);
	buf_u8(&l->text, 0);
	return buf_ok(&l->text) ? ERR_OK : ERR_MEMORY;
}

/* --- rules --- */

enum err
policy_add_rule(struct policy *p, const struct policy_rule *rule, struct expr_error *ret_error)
{
	const struct expr_lists lists = {.lookup = find_list, .ctx = p};
	struct rule made = {.keep = rule->keep, .quick = rule->quick, .tag = rule->keep ? rule->tag : 0};
	enum err e;

	*ret_error = (struct expr_error){.column = 0};
	if (p->rule_count >= POLICY_RULES_MOST)
		return ERR_LIMIT;
	if (array_grow(p->rules, p->rule_room, p->rule_count) != ERR_OK)
		return ERR_MEMORY;
	e = expr_parse(rule->match, &lists, &made.expr, ret_error);
	if (e != ERR_OK)
		return e;
	made.match = strdup(rule->match);
	if (made.match == NULL) {
		expr_free(made.expr);
		return ERR_MEMORY;
	}
	p->rules[p->rule_count++] = made;
	return ERR_OK;
}

void
policy_datagram(struct policy *p)
{
	for (size_t i = 0; i < p->rule_count; i++)
		expr_datagram(p->rules[i].expr);
}

void
policy_flow(
    struct policy *p, const struct flow *f, const struct flow_context *c, bool *ret_keep, uint32_t *ret_tag)
{
	struct rule *last = NULL;
	uint32_t tag = 0;

	for (size_t i = 0; i < p->rule_count; i++) {
		struct rule *r = &p->rules[i];

		r->counters.evaluations++;
		if (!expr_match(r->expr, f, c, tag))
			continue;
		r->counters.matches++;
		last = r;
		tag = r->tag;
		if (r->quick)
			break;
	}
	if (last != NULL)
		last->counters.wins++;
	else
		p->unmatched++;
	*ret_keep = last == NULL || last->keep;
	*ret_tag = tag;
}

/* --- the rest --- */

struct policy *
policy_new(void)
{
	return calloc(1, sizeof(struct policy));
}

void
policy_free(struct policy *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->rule_count; i++) {
		free(p->rules[i].match);
		expr_free(p->rules[i].expr);
	}
	for (size_t i = 0; i < p->list_count; i++) {
		for (size_t k = 0; k < p->lists[i].count; k++)
			free(p->lists[i].values[k]);
		free(p->lists[i].values);
		buf_clear(&p->lists[i].text);
	}
	for (size_t i = 0; i < p->name_count; i++)
		free(p->field_names[i]);
	free(p->field_names);
	free(p->rules);
	free(p->lists);
	free(p->others);
	free(p);
}

void
policy_keep_undecoded(struct policy *p, bool keep)
{
	p->drop_undecoded = !keep;
}

bool
policy_keeps_undecoded(const struct policy *p)
{
	return !p->drop_undecoded;
}

size_t
policy_rule_count(const struct policy *p)
{
	return p->rule_count;
}

void
policy_rule(
    const struct policy *p, size_t index, struct policy_rule *ret, struct policy_counters *ret_counters)
{
	const struct rule *r = &p->rules[index];

	*ret = (struct policy_rule){.match = r->match, .keep = r->keep, .quick = r->quick, .tag = r->tag};
	*ret_counters = r->counters;
}

uint64_t
policy_unmatched(const struct policy *p)
{
	return p->unmatched;
}

void
policy_count_on(struct policy *p, const struct policy *from)
{
	for (size_t i = 0; i < p->rule_count && i < from->rule_count; i++)
		p->rules[i].counters = from->rules[i].counters;
	p->unmatched = from->unmatched;
}

/* --- printing --- */

void
policy_print_quoted(struct buf *out, const char *text)
{
	buf_u8(out, '"');
	for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
		if (*c == '"' || *c == '\\')
			buf_printf(out, "\\%c", *c);
		else if (*c < 0x20 || *c == 0x7f)
			buf_printf(out, "\\x%02x", *c);
		else
			buf_u8(out, *c);
	}
	buf_u8(out, '"');
}

static void
print_indent(struct buf *out, int depth)
{
	for (int i = 0; i < depth; i++)
		buf_u8(out, '\t');
}

static void
print_array(struct buf *out, char *const *texts, size_t count)
{
	buf_text(out, "[ ");
	for (size_t i = 0; i < count; i++) {
		buf_text(out, i > 0 ? ", " : "");
		policy_print_quoted(out, texts[i]);
	}
	buf_text(out, count > 0 ? " ]" : "]");
}

static void
print_rule(struct buf *out, const struct rule *r)
{
	buf_text(out, "{ match = ");
	policy_print_quoted(out, r->match);
	buf_printf(out, "; action = \"%s\";", r->keep ? "keep" : "drop");
	if (r->tag > 0) /* above INT32_MAX libconfig wants an L */
		buf_printf(out, " tag = %" PRIu32 "%s;", r->tag, r->tag > INT32_MAX ? "L" : "");
	buf_printf(out, "%s }", r->quick ? " quick = true;" : "");
}

void
policy_print(const struct policy *p, int depth, struct buf *out)
{
	print_indent(out, depth);
	buf_text(out, "rules = (");
	for (size_t i = 0; i < p->rule_count; i++) {
		buf_text(out, i > 0 ? ",\n" : "\n");
		print_indent(out, depth + 1);
		print_rule(out, &p->rules[i]);
	}
	if (p->rule_count > 0) {
		buf_u8(out, '\n');
		print_indent(out, depth);
	}
	buf_text(out, ");\n");
	if (p->some_fields) {
		print_indent(out, depth);
		buf_text(out, "fields = ");
		print_array(out, p->field_names, p->name_count);
		buf_text(out, ";\n");
	}
	if (p->list_count > 0) {
		print_indent(out, depth);
		buf_text(out, "lists = {\n");
		for (size_t i = 0; i < p->list_count; i++) {
			print_indent(out, depth + 1);
			buf_printf(out, "%s = ", p->lists[i].name);
			print_array(out, p->lists[i].values, p->lists[i].count);
			buf_text(out, ";\n");
		}
		print_indent(out, depth);
		buf_text(out, "};\n");
	}
	print_indent(out, depth);
	buf_printf(out, "undecoded = \"%s\";\n", p->drop_undecoded ? "drop" : "keep");
}

bool
policy_equal(const struct policy *a, const struct policy *b)
{
	struct buf x = BUF_INIT, y = BUF_INIT;
	bool equal;

	if (a == NULL || b == NULL)
		return a == b;
	policy_print(a, 0, &x);
	policy_print(b, 0, &y);
	equal = buf_ok(&x) && buf_ok(&y) && x.len == y.len && memcmp(x.data, y.data, x.len) == 0;
	buf_clear(&x);
	buf_clear(&y);
	return equal;
}
