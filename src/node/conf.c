/* SPDX-License-Identifier: ISC
 *
 * Reading and checking the configuration. The tables of conf_keys.c say everything about a key. All faults of a file are collected, each with its line, so that one try shows them all.
 */
#include "node/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/serve_secrets.h"
#include "flow/policy_conf.h"
#include "node/conf_join.h"
#include "node/conf_keys.h"
#include "node/conf_override.h"
#include "node/conf_read.h"
#include "node/unit.h"

void
conf_fault(struct reading *r, const config_setting_t *at, const char *key, const char *fmt, ...)
{
	char what[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	policy_conf_place(r->errors, at, r->name);
	buf_text(r->errors, ": ");
	if (key != NULL)
		buf_printf(r->errors, "%s%s: ", r->path, key);
	buf_printf(r->errors, "%s\n", what);
	r->failed = true;
}

static bool
is_name(const char *text)
{
	size_t len = strlen(text);

	return len >= 1 && len < CONF_NAME_SIZE &&
	    strspn(text,
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789._-") == len;
}

/* What a value given as text must look like, for the message. */
static const char *
key_form(enum key_type type)
{
	switch (type) {
	case KEY_NAME:
		return "a name in quotes, of 1 to 63 of the characters A-Z a-z 0-9 . _ -";
	case KEY_INTERFACE:
		return "the name of an interface in quotes, of 1 to 15 characters";
	case KEY_PATH:
		return "a path in quotes";
	case KEY_FULL_PATH:
		return "a path in quotes that begins with /";
	case KEY_ADDRESS:
		return "an IPv4 or IPv6 address in quotes";
	case KEY_PORT:
		return "a number from 1 to 65535";
	case KEY_NUMBER:
		return "a whole number";
	case KEY_DURATION:
		return "a duration in quotes such as \"100ms\", \"1s\", \"5m\" or \"1h\"";
	case KEY_SIZE:
		return "a size such as \"64M\" (K, M, G, T are powers of 1024) or a number of bytes";
	case KEY_JOIN_SOURCES:
		return "a list of addresses such as [ \"192.0.2.1\", \"192.0.2.2\" ]";
	case KEY_BOOL:
		return "true or false";
	case KEY_SOURCES:
		return "a list of prefixes such as [ \"192.0.2.0/24\", \"2001:db8::/32\" ]";
	case KEY_LISTENERS:
		return "a list of listeners such as ( { address = \"239.10.10.1\"; port = 2055; interface = \"eth1\"; } )";
	case KEY_FORWARDS:
		return "a list of targets such as ( { address = \"192.0.2.9\"; port = 9995; } )";
	case KEY_FEEDS:
		return "the path of a socket in quotes, or a list such as ( { path = \"/run/flowbraid/feed\"; } )";
	case KEY_SOCKET_PATH:
		return "a path in quotes that begins with /, of 107 characters at most";
	case KEY_MODE:
		return "permissions in quotes such as \"0660\"";
	case KEY_FEED_FORMAT:
		return "\"json\" or \"records\"";
	case KEY_EXPRESSION:
		return "an expression in quotes";
	case KEY_LOG:
	case KEY_STATUS:
	case KEY_POLICY:
		break;
	}
	return "a group of keys { ... }";
}

void
conf_bad_form(struct reading *r, const struct key *k, const config_setting_t *s)
{
	const char *text = config_setting_get_string(s);

	if (text != NULL)
		conf_fault(r, s, k->name, "expected %s, found \"%.200s\"", key_form(k->type), text);
	else
		conf_fault(r, s, k->name, "expected %s", key_form(k->type));
}

static char *
number_text(int64_t v, char out[UNIT_TEXT_SIZE])
{
	(void)snprintf(out, UNIT_TEXT_SIZE, "%" PRId64, v);
	return out;
}

static void
check_range(struct reading *r, const struct key *k, const config_setting_t *s, int64_t v)
{
	char least[UNIT_TEXT_SIZE], most[UNIT_TEXT_SIZE], found[UNIT_TEXT_SIZE];
	char *(*text)(int64_t, char *) = k->type == KEY_DURATION ? unit_duration_text
	    : k->type == KEY_NUMBER                              ? number_text
								 : unit_size_text;

	if (v < k->least || v > k->most)
		conf_fault(r, s, k->name, "expected %s to %s, found %s", text(k->least, least),
		    text(k->most, most), text(v, found));
}

static bool
copy_text(const char *text, char *to, size_t size)
{
	size_t len = strlen(text);

	if (len < 1 || len >= size)
		return false;
	memcpy(to, text, len + 1);
	return true;
}

/* Stores a scalar given as text, or a default. False when it has not the form of its type. Ranges are the caller's. */
static bool
store_text(const struct key *k, const char *text, uint8_t *at)
{
	switch (k->type) {
	case KEY_NAME:
		return is_name(text) && copy_text(text, (char *)at, CONF_NAME_SIZE);
	case KEY_INTERFACE:
		return copy_text(text, (char *)at, IF_NAMESIZE);
	case KEY_PATH:
		return copy_text(text, (char *)at, CONF_PATH_SIZE);
	case KEY_FULL_PATH:
		return text[0] == '/' && copy_text(text, (char *)at, CONF_PATH_SIZE);
	case KEY_ADDRESS:
		return addr_parse(text, (struct addr *)(void *)at);
	case KEY_DURATION:
		return unit_duration_parse(text, (int64_t *)(void *)at);
	case KEY_SIZE:
		return unit_size_parse(text, (int64_t *)(void *)at);
	case KEY_NUMBER: /* a default; none is read from quotes */
		*(int64_t *)(void *)at = strtoll(text, NULL, 10);
		return true;
	case KEY_BOOL:
		*(bool *)(void *)at = strcmp(text, "true") == 0;
		return true;
	case KEY_SOCKET_PATH:
		return text[0] == '/' && copy_text(text, (char *)at, CONF_SOCKET_PATH_SIZE);
	case KEY_MODE:
		return conf_mode_parse(text, (int64_t *)(void *)at);
	case KEY_FEED_FORMAT:
		return conf_feed_format_parse(text, (int64_t *)(void *)at);
	case KEY_PORT:
	case KEY_SOURCES:
	case KEY_JOIN_SOURCES:
	case KEY_LISTENERS:
	case KEY_LOG:
	case KEY_STATUS:
	case KEY_POLICY:
	case KEY_FORWARDS:
	case KEY_FEEDS:
	case KEY_EXPRESSION:
		break;
	}
	return false;
}

static bool
store_number(const struct key *k, int64_t v, uint8_t *at)
{
	if (k->type == KEY_PORT && v >= 1 && v <= 65535) {
		*(uint16_t *)(void *)at = (uint16_t)v;
		return true;
	}
	if (k->type == KEY_NUMBER || (k->type == KEY_SIZE && v >= 0)) {
		*(int64_t *)(void *)at = v;
		return true;
	}
	return false;
}

static void
read_scalar(struct reading *r, const struct key *k, const config_setting_t *s, uint8_t *at)
{
	bool good = false;

	switch (config_setting_type(s)) {
	case CONFIG_TYPE_BOOL:
		good = k->type == KEY_BOOL;
		if (good)
			*(bool *)(void *)at = config_setting_get_bool(s) != 0;
		break;
	case CONFIG_TYPE_STRING: /* "true" is none */
		good = k->type != KEY_BOOL && k->type != KEY_NUMBER &&
		    store_text(k, config_setting_get_string(s), at);
		break;
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		good = store_number(k, config_setting_get_int64(s), at);
		break;
	default:
		break;
	}
	if (!good)
		conf_bad_form(r, k, s);
	else if (k->most != 0)
		check_range(r, k, s, *(int64_t *)(void *)at);
}

static void
read_sources(struct reading *r, const struct key *k, const config_setting_t *s, struct conf_sources *to)
{
	int count = config_setting_length(s);

	if (!config_setting_is_array(s) && !config_setting_is_list(s)) {
		conf_bad_form(r, k, s);
		return;
	}
	if (count < 1 || count > CONF_SOURCES_MOST) {
		conf_fault(r, s, k->name,
		    "expected 1 to %d prefixes, found %d; without the key every source is permitted",
		    CONF_SOURCES_MOST, count);
		return;
	}
	to->list = calloc((size_t)count, sizeof(*to->list));
	if (to->list == NULL) {
		r->no_memory = true;
		return;
	}
	for (int i = 0; i < count; i++) {
		const config_setting_t *e = config_setting_get_elem(s, (unsigned)i);
		const char *text = config_setting_get_string(e);

		if (text == NULL || !prefix_parse(text, &to->list[to->count]))
			conf_fault(r, e, k->name,
			    "expected a prefix such as \"192.0.2.0/24\", found %s%.200s%s",
			    text != NULL ? "\"" : "", text != NULL ? text : "something else",
			    text != NULL ? "\"" : "");
		else
			to->count++;
	}
}

/* Addresses, checked alone; what they must be beside the group is check_join_sources's. */
static void
read_join_sources(struct reading *r, const struct key *k, const config_setting_t *s, struct conf_listener *l)
{
	int count = config_setting_length(s);

	if (!config_setting_is_array(s) && !config_setting_is_list(s)) {
		conf_bad_form(r, k, s);
		return;
	}
	if (count < 1 || count > CONF_JOIN_SOURCES_MOST) {
		conf_fault(r, s, k->name,
		    "expected 1 to %d addresses, found %d; without the key the group is joined of every source",
		    CONF_JOIN_SOURCES_MOST, count);
		return;
	}
	l->join_sources = calloc((size_t)count, sizeof(*l->join_sources));
	if (l->join_sources == NULL) {
		r->no_memory = true;
		return;
	}
	for (int i = 0; i < count; i++) {
		const config_setting_t *e = config_setting_get_elem(s, (unsigned)i);
		const char *text = config_setting_get_string(e);

		if (text == NULL || !addr_parse(text, &l->join_sources[l->join_source_count]))
			conf_fault(r, e, k->name,
			    "expected an address such as \"192.0.2.1\", found %s%.200s%s",
			    text != NULL ? "\"" : "", text != NULL ? text : "something else",
			    text != NULL ? "\"" : "");
		else
			l->join_source_count++;
	}
}

static bool
has_source_of_family(const struct conf_listener *l)
{
	for (size_t i = 0; i < l->sources.count; i++) {
		if (conf_is_v4_prefix(&l->sources.list[i]) == addr_is_v4(&l->address))
			return true;
	}
	return false;
}

static void
check_join_sources(struct reading *r, const struct conf_listener *l, const config_setting_t *s)
{
	const config_setting_t *list = config_setting_get_member(s, "join_sources");
	char text[ADDR_TEXT_SIZE], why[CONF_JOIN_TEXT_SIZE];

	for (size_t i = 0; i < l->join_source_count; i++) {
		if (!conf_join_source_check(l, i, why))
			conf_fault(r, config_setting_get_elem(list, (unsigned)i), NULL,
			    "listener %s: join_sources: %s", addr_text(&l->address, text), why);
	}
}

/* What the table cannot say. */
static void
check_listener(struct reading *r, const struct conf_listener *l, const config_setting_t *s)
{
	char text[ADDR_TEXT_SIZE];

	if (addr_is_multicast(&l->address) && l->interface[0] == '\0')
		conf_fault(r, s, NULL,
		    "listener %s: a multicast group needs the interface on which it is joined: interface = \"...\"",
		    addr_text(&l->address, text));
	if (l->sources.count > 0 && !has_source_of_family(l))
		conf_fault(r, s, NULL,
		    "listener %s: sources permits nobody: it has no prefix of the listener's address family",
		    addr_text(&l->address, text));
	check_join_sources(r, l, s);
	for (const struct conf_listener *o = r->conf->listeners; o < l; o++) {
		if (addr_cmp(&o->address, &l->address) == 0 && o->port == l->port &&
		    strcmp(o->interface, l->interface) == 0)
			conf_fault(r, s, NULL, "listener %s port %u: the same as in line %u",
			    addr_text(&l->address, text), l->port, o->line);
	}
}

static void
read_listener(struct reading *r, const config_setting_t *s)
{
	struct conf_listener *l = &r->conf->listeners[r->conf->listener_count++];
	const char *file = config_setting_source_file(s);
	bool failed_before = r->failed;

	l->line = (unsigned)config_setting_source_line(s);
	l->file = strdup(file != NULL ? file : r->name);
	if (l->file == NULL) {
		r->no_memory = true;
		return;
	}
	r->failed = false;
	conf_read_group(r, conf_listener_keys, s, "listen.", (uint8_t *)l);
	if (!r->failed)
		check_listener(r, l, s);
	r->failed |= failed_before;
}

static void
read_listeners(struct reading *r, const struct key *k, const config_setting_t *s)
{
	int count = config_setting_length(s);

	if (!config_setting_is_list(s)) {
		conf_bad_form(r, k, s);
		return;
	}
	if (count < 1 || count > CONF_LISTENERS_MOST) {
		conf_fault(r, s, k->name, "expected 1 to %d listeners, found %d", CONF_LISTENERS_MOST, count);
		return;
	}
	r->conf->listeners = calloc((size_t)count, sizeof(*r->conf->listeners));
	if (r->conf->listeners == NULL) {
		r->no_memory = true;
		return;
	}
	for (int i = 0; i < count; i++) {
		const config_setting_t *e = config_setting_get_elem(s, (unsigned)i);

		if (!config_setting_is_group(e))
			conf_bad_form(r, k, e);
		else
			read_listener(r, e);
	}
}

static void
read_policy(struct reading *r, const config_setting_t *s)
{
	enum err e = policy_conf_read(s, r->name, &r->conf->policy, r->errors);

	r->no_memory |= e == ERR_MEMORY;
	r->failed |= e != ERR_OK;
}

/* How it may be served. */
static void
check_status(struct reading *r, const config_setting_t *s)
{
	const char *files[SERVE_FILES], *refusal;
	char text[ADDR_TEXT_SIZE];

	conf_status_files(r->conf, files);
	refusal = serve_refusal(&r->conf->status_address, files, r->conf->status_public);
	if (refusal != NULL)
		conf_fault(r, s, NULL, "status %s: %s", addr_text(&r->conf->status_address, text), refusal);
}

static void
read_status(struct reading *r, const config_setting_t *s, uint8_t *base)
{
	bool failed_before = r->failed;

	r->failed = false;
	conf_read_group(r, conf_status_keys, s, "status.", base);
	if (!r->failed)
		check_status(r, s);
	r->failed |= failed_before;
	r->conf->has_status = true;
}

static void
read_value(struct reading *r, const struct key *k, const config_setting_t *s, uint8_t *base)
{
	switch (k->type) {
	case KEY_SOURCES:
		read_sources(r, k, s, (struct conf_sources *)(void *)(base + k->offset));
		break;
	case KEY_JOIN_SOURCES:
		read_join_sources(r, k, s, (struct conf_listener *)(void *)base);
		break;
	case KEY_LISTENERS:
		read_listeners(r, k, s);
		break;
	case KEY_POLICY:
		read_policy(r, s);
		break;
	case KEY_LOG:
	case KEY_STATUS:
		if (!config_setting_is_group(s)) {
			conf_bad_form(r, k, s);
			break;
		}
		if (k->type == KEY_LOG)
			conf_read_group(r, conf_log_keys, s, "log.", base);
		else
			read_status(r, s, base);
		break;
	case KEY_FORWARDS:
		conf_read_forwards(r, k, s);
		break;
	case KEY_FEEDS:
		conf_read_feeds(r, k, s);
		break;
	case KEY_EXPRESSION:
		conf_read_expression(r, k, s, (char **)(void *)(base + k->offset));
		break;
	default:
		read_scalar(r, k, s, base + k->offset);
	}
}

/* The members of a group. Defaults are put first, so that the order of keys does not matter. */
void
conf_read_group(
    struct reading *r, const struct key *keys, const config_setting_t *group, const char *path, uint8_t *base)
{
	char outer[sizeof(r->path)];
	const struct key *k;

	memcpy(outer, r->path, sizeof(outer));
	(void)snprintf(r->path, sizeof(r->path), "%s", path);
	for (k = keys; k->name != NULL; k++) {
		if (k->otherwise != NULL)
			(void)store_text(k, k->otherwise, base + k->offset);
		if (k->need == REQUIRED && config_setting_get_member(group, k->name) == NULL)
			conf_fault(r, group, k->name, "is missing: %s", key_form(k->type));
	}
	for (int i = 0; i < config_setting_length(group); i++) {
		const config_setting_t *s = config_setting_get_elem(group, (unsigned)i);
		const char *name = config_setting_name(s);

		for (k = keys; k->name != NULL && strcmp(k->name, name) != 0; k++)
			;
		if (k->name == NULL)
			conf_fault(r, s, name, "unknown key");
		else
			read_value(r, k, s, base);
	}
	memcpy(r->path, outer, sizeof(outer));
}

/* overrides may be NULL. */
static enum err
parse(const char *text, const char *name, const char *include_folder, const struct conf_overrides *overrides,
    struct conf *ret, struct buf *errors)
{
	struct conf conf = {.listeners = NULL};
	struct reading r = {.name = name, .conf = &conf, .errors = errors};
	config_t tree;

	config_init(&tree);
	if (include_folder != NULL)
		config_set_include_dir(&tree, include_folder);
	if (config_read_string(&tree, text) != CONFIG_TRUE) {
		const char *file = config_error_file(&tree);

		buf_printf(errors, "%s:%d: %s\n", file != NULL ? file : name, config_error_line(&tree),
		    config_error_text(&tree));
		r.failed = true;
	} else if (overrides != NULL && !conf_override(&tree, overrides, errors)) {
		r.failed = true;
	} else {
		conf_read_group(&r, conf_top_keys, config_root_setting(&tree), "", (uint8_t *)&conf);
		if (!r.failed)
			conf_check_outputs(&r, config_root_setting(&tree));
	}
	config_destroy(&tree);
	if (!r.failed && !r.no_memory) {
		*ret = conf;
		return ERR_OK;
	}
	conf_clear(&conf);
	return r.no_memory ? ERR_MEMORY : ERR_MALFORMED;
}

enum err
conf_parse(const char *text, const char *name, struct conf *ret, struct buf *errors)
{
	return parse(text, name, NULL, NULL, ret, errors);
}

enum err
conf_load(const char *path, const struct conf_overrides *overrides, struct conf *ret, struct buf *errors)
{
	const char *slash = strrchr(path, '/');
	char folder[CONF_PATH_SIZE] = ".";
	struct buf text = BUF_INIT;
	enum err e = file_slurp(AT_FDCWD, path, CONF_FILE_MOST, &text);

	if (e != ERR_OK) {
		buf_printf(errors, "%s: cannot read: %s\n", path, e == ERR_LIMIT ? "too large" : err_text(e));
		buf_clear(&text);
		return e == ERR_MEMORY ? e : ERR_MALFORMED;
	}
	buf_u8(&text, 0);
	if (!buf_ok(&text)) {
		buf_clear(&text);
		return ERR_MEMORY;
	}
	if (slash != NULL && slash != path && (size_t)(slash - path) < sizeof(folder)) {
		memcpy(folder, path, (size_t)(slash - path));
		folder[slash - path] = '\0';
	}
	if (strlen((const char *)text.data) + 1 != text.len) {
		buf_printf(errors, "%s: expected text, found a zero byte at offset %zu\n", path,
		    strlen((const char *)text.data));
		e = ERR_MALFORMED;
	} else {
		e = parse((const char *)text.data, path, folder, overrides, ret, errors);
	}
	buf_clear(&text);
	return e;
}

void
conf_clear(struct conf *c)
{
	for (size_t i = 0; i < c->listener_count; i++) {
		free(c->listeners[i].sources.list);
		free(c->listeners[i].join_sources);
		free(c->listeners[i].file);
	}
	free(c->listeners);
	c->listeners = NULL;
	c->listener_count = 0;
	policy_free(c->policy);
	c->policy = NULL;
	conf_clear_outputs(c);
}
