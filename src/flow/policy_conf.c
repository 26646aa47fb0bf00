/* SPDX-License-Identifier: ISC
 *
 * Lists are read before rules, whatever their order, since rules name them. All faults are collected.
 */
#include "flow/policy_conf.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct reading {
	const char *name;
	struct policy *policy;
	struct buf *errors;
	bool failed;
	bool no_memory;
};

void
policy_conf_place(struct buf *out, const config_setting_t *at, const char *name)
{
	const char *made_of = config_setting_get_hook(at), *file = config_setting_source_file(at);
	unsigned line = (unsigned)config_setting_source_line(at);

	if (made_of != NULL)
		buf_printf(out, "-D %.200s", made_of);
	else /* a whole text has no line of its own */
		buf_printf(out, "%s:%u", file != NULL ? file : name, line > 0 ? line : 1);
}

static void __attribute__((format(printf, 4, 5)))
fault(struct reading *r, const config_setting_t *at, const char *key, const char *fmt, ...)
{
	char what[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	policy_conf_place(r->errors, at, r->name);
	buf_printf(r->errors, ": policy%s%s: %s\n", key[0] != '\0' ? "." : "", key, what);
	r->failed = true;
}

/* What the policy did not take. */
static void
refused(struct reading *r, const config_setting_t *at, const char *key, enum err e, const char *what)
{
	if (e == ERR_MEMORY)
		r->no_memory = true;
	else
		fault(r, at, key, "%s", e == ERR_LIMIT ? "too many" : what);
}

static void
bad_form(struct reading *r, const config_setting_t *at, const char *key, const char *form)
{
	const char *text = config_setting_get_string(at);

	fault(r, at, key, "expected %s%s%.200s%s", form, text != NULL ? ", found \"" : "",
	    text != NULL ? text : "", text != NULL ? "\"" : "");
}

static bool
is_sequence(const config_setting_t *s)
{
	return config_setting_is_array(s) || config_setting_is_list(s);
}

/* --- lists --- */

static void
read_list_value(struct reading *r, const config_setting_t *s, const char *key)
{
	char number[24];
	const char *text = config_setting_get_string(s);
	int type = config_setting_type(s);
	enum err e;

	if (type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64) {
		(void)snprintf(number, sizeof(number), "%lld", config_setting_get_int64(s));
		text = number;
	}
	if (text == NULL) {
		fault(r, s, key, "expected texts in quotes, or numbers");
		return;
	}
	e = policy_add_list_value(r->policy, text);
	if (e != ERR_OK)
		refused(r, s, key, e, "a value cannot hold both kinds of quotes");
}

static void
read_list(struct reading *r, const config_setting_t *s)
{
	const char *name = config_setting_name(s);
	char key[128];
	enum err e;

	(void)snprintf(key, sizeof(key), "lists.%.100s", name);
	if (!is_sequence(s)) {
		bad_form(r, s, key, "a list such as [ \"192.0.2.0/24\", \"198.51.100.1\" ]");
		return;
	}
	e = policy_add_list(r->policy, name);
	if (e != ERR_OK) {
		refused(r, s, key, e,
		    "expected a name of 1 to 63 of the characters A-Z a-z 0-9 _ -, a letter first");
		return;
	}
	for (int i = 0; i < config_setting_length(s); i++)
		read_list_value(r, config_setting_get_elem(s, (unsigned)i), key);
}

static void
read_lists(struct reading *r, const config_setting_t *s)
{
	if (!config_setting_is_group(s)) {
		bad_form(r, s, "lists", "a group of lists such as { servers = [ \"192.0.2.0/24\" ]; }");
		return;
	}
	for (int i = 0; i < config_setting_length(s); i++)
		read_list(r, config_setting_get_elem(s, (unsigned)i));
}

/* --- rules --- */

/* True when the text is one of these; *ret says whether it is the first or the second word, in either language. */
static bool
read_choice(const config_setting_t *s, const char *const yes[2], const char *const no[2], bool *ret)
{
	const char *text = config_setting_get_string(s);

	for (int i = 0; i < 2 && text != NULL; i++) {
		if (strcmp(text, yes[i]) == 0 || strcmp(text, no[i]) == 0) {
			*ret = strcmp(text, yes[i]) == 0;
			return true;
		}
	}
	return false;
}

static void
read_rule_key(struct reading *r, const config_setting_t *s, struct policy_rule *rule)
{
	static const char *const keep[] = {"keep", "accept"}, *const drop[] = {"drop", "discard"};
	const char *name = config_setting_name(s);
	int type = config_setting_type(s);

	if (strcmp(name, "match") == 0) {
		rule->match = config_setting_get_string(s);
		if (rule->match == NULL)
			fault(r, s, "rules.match", "expected an expression in quotes");
	} else if (strcmp(name, "action") == 0) {
		if (!read_choice(s, keep, drop, &rule->keep))
			bad_form(r, s, "rules.action", "\"keep\" or \"drop\"");
	} else if (strcmp(name, "tag") == 0) {
		int64_t v = config_setting_get_int64(s);

		rule->tag = (uint32_t)v;
		if ((type != CONFIG_TYPE_INT && type != CONFIG_TYPE_INT64) || v < 1 || v > UINT32_MAX)
			bad_form(r, s, "rules.tag", "a number from 1 to 4294967295");
	} else if (strcmp(name, "quick") == 0) {
		rule->quick = config_setting_get_bool(s) != 0;
		if (type != CONFIG_TYPE_BOOL)
			bad_form(r, s, "rules.quick", "true or false");
	} else {
		fault(r, s, "rules", "unknown key %s", name);
	}
}

static void
read_rule(struct reading *r, const config_setting_t *s)
{
	struct policy_rule rule = {.match = NULL};
	const config_setting_t *match = config_setting_get_member(s, "match");
	bool failed_before = r->failed;
	struct expr_error error;
	enum err e;

	r->failed = false;
	if (match == NULL)
		fault(r, s, "rules.match", "is missing: an expression in quotes");
	if (config_setting_get_member(s, "action") == NULL)
		fault(r, s, "rules.action", "is missing: \"keep\" or \"drop\"");
	for (int i = 0; i < config_setting_length(s); i++)
		read_rule_key(r, config_setting_get_elem(s, (unsigned)i), &rule);
	if (!r->failed && !rule.keep && rule.tag != 0)
		fault(r, s, "rules.tag", "what is dropped has no tag");
	if (!r->failed) {
		e = policy_add_rule(r->policy, &rule, &error);
		if (e == ERR_MEMORY)
			r->no_memory = true;
		else if (e != ERR_OK && error.column == 0)
			fault(r, s, "rules", "expected at most %d rules", POLICY_RULES_MOST);
		else if (e != ERR_OK)
			fault(r, match, "rules.match", "column %zu: %s", error.column, error.message);
	}
	r->failed |= failed_before;
}

static void
read_rules(struct reading *r, const config_setting_t *s)
{
	static const char form[] =
	    "a list of rules such as ( { match = \"dst port 53\"; action = \"drop\"; } )";

	if (!config_setting_is_list(s)) {
		bad_form(r, s, "rules", form);
		return;
	}
	for (int i = 0; i < config_setting_length(s) && !r->no_memory; i++) {
		const config_setting_t *e = config_setting_get_elem(s, (unsigned)i);

		if (config_setting_is_group(e))
			read_rule(r, e);
		else
			bad_form(r, e, "rules", form);
	}
}

/* --- fields --- */

static void
read_fields(struct reading *r, const config_setting_t *s)
{
	int count = config_setting_length(s);

	if (!is_sequence(s) || count < 1) {
		bad_form(r, s, "fields",
		    "a list of information elements such as [ \"sourceIPv4Address\", \"PACKETS\" ]; "
		    "without the key all are kept");
		return;
	}
	for (int i = 0; i < count; i++) {
		const config_setting_t *f = config_setting_get_elem(s, (unsigned)i);
		const char *name = config_setting_get_string(f);
		enum err e = name != NULL ? policy_add_field(r->policy, name) : ERR_UNKNOWN;

		if (e == ERR_UNKNOWN)
			bad_form(r, f, "fields",
			    "the IANA name of an information element, PEN/ID, or a group such as SRC_ADDR");
		else if (e != ERR_OK)
			refused(r, f, "fields", e, err_text(e));
	}
}

/* --- the group --- */

static void
read_undecoded(struct reading *r, const config_setting_t *s)
{
	static const char *const keep[] = {"keep", "accept"}, *const drop[] = {"drop", "discard"};
	bool kept;

	if (read_choice(s, keep, drop, &kept))
		policy_keep_undecoded(r->policy, kept);
	else
		bad_form(r, s, "undecoded", "\"keep\" or \"drop\"");
}

static void
read_key(struct reading *r, const config_setting_t *s)
{
	const char *name = config_setting_name(s);

	if (strcmp(name, "rules") == 0)
		read_rules(r, s);
	else if (strcmp(name, "fields") == 0)
		read_fields(r, s);
	else if (strcmp(name, "undecoded") == 0)
		read_undecoded(r, s);
	else if (strcmp(name, "lists") != 0) /* those were read */
		fault(r, s, name, "unknown key");
}

enum err
policy_conf_read(const config_setting_t *group, const char *name, struct policy **ret, struct buf *errors)
{
	struct reading r = {.name = name, .policy = policy_new(), .errors = errors};
	const config_setting_t *lists = config_setting_get_member(group, "lists");

	if (r.policy == NULL)
		return ERR_MEMORY;
	if (!config_setting_is_group(group)) {
		bad_form(&r, group, "", "a group of keys { ... }");
	} else {
		if (lists != NULL)
			read_lists(&r, lists);
		for (int i = 0; i < config_setting_length(group); i++)
			read_key(&r, config_setting_get_elem(group, (unsigned)i));
	}
	if (!r.failed && !r.no_memory) {
		*ret = r.policy;
		return ERR_OK;
	}
	policy_free(r.policy);
	return r.no_memory ? ERR_MEMORY : ERR_MALFORMED;
}

enum err
policy_conf_parse(
    const char *text, const char *name, const char *include_folder, struct policy **ret, struct buf *errors)
{
	const config_setting_t *group;
	config_t tree;
	enum err e = ERR_MALFORMED;

	config_init(&tree);
	if (include_folder != NULL)
		config_set_include_dir(&tree, include_folder);
	if (config_read_string(&tree, text) != CONFIG_TRUE) {
		const char *file = config_error_file(&tree);

		buf_printf(errors, "%s:%d: %s\n", file != NULL ? file : name, config_error_line(&tree),
		    config_error_text(&tree));
	} else if ((group = config_lookup(&tree, "policy")) == NULL) {
		buf_printf(errors, "%s: expected a group policy = { ... }, found none\n", name);
	} else {
		e = policy_conf_read(group, name, ret, errors);
	}
	config_destroy(&tree);
	return e;
}
