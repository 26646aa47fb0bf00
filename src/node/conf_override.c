/* SPDX-License-Identifier: ISC
 *
 * The value is read by libconfig as a configuration of its own, and what came out of it is copied into the tree.
 */
#include "node/conf_override.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_SIZE 128

struct override {
	const char *text; /* "PATH=VALUE" */
	const char *value;
	struct buf *errors;
};

static bool __attribute__((format(printf, 2, 3))) wrong(const struct override *o, const char *fmt, ...)
{
	char what[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	buf_printf(o->errors, "-D %s: %s\n", o->text, what);
	return false;
}

/* --- copying --- */

static bool
copy_scalar(config_setting_t *to, const config_setting_t *from)
{
	switch (config_setting_type(from)) {
	case CONFIG_TYPE_INT:
		return config_setting_set_int(to, config_setting_get_int(from)) == CONFIG_TRUE;
	case CONFIG_TYPE_INT64:
		return config_setting_set_int64(to, config_setting_get_int64(from)) == CONFIG_TRUE;
	case CONFIG_TYPE_FLOAT:
		return config_setting_set_float(to, config_setting_get_float(from)) == CONFIG_TRUE;
	case CONFIG_TYPE_BOOL:
		return config_setting_set_bool(to, config_setting_get_bool(from)) == CONFIG_TRUE;
	case CONFIG_TYPE_STRING:
		return config_setting_set_string(to, config_setting_get_string(from)) == CONFIG_TRUE;
	default:
		return false;
	}
}

/* name: NULL in lists. As deep as libconfig's parser permits. */
static bool
copy_setting(
    const struct override *o, config_setting_t *parent, const char *name, const config_setting_t *from)
{
	config_setting_t *to = config_setting_add(parent, name, config_setting_type(from));

	if (to == NULL)
		return false;
	config_setting_set_hook(to, (void *)(uintptr_t)o->text);
	if (!config_setting_is_aggregate(from))
		return copy_scalar(to, from);
	for (int i = 0; i < config_setting_length(from); i++) {
		const config_setting_t *e = config_setting_get_elem(from, (unsigned)i);

		if (!copy_setting(o, to, config_setting_name(e), e))
			return false;
	}
	return true;
}

/* --- values --- */

/* Reads the value into `made`, whose only setting it becomes. instead_of: what stands there; NULL: nothing. */
static bool
read_value(const struct override *o, const config_setting_t *instead_of, config_t *made)
{
	bool text = instead_of != NULL && config_setting_type(instead_of) == CONFIG_TYPE_STRING &&
	    o->value[0] != '"';
	struct buf whole = BUF_INIT;
	config_setting_t *root, *s;

	buf_printf(&whole, "value = %s;", o->value);
	buf_u8(&whole, 0);
	config_init(made);
	if (!text && buf_ok(&whole) && strstr(o->value, "@include") == NULL)
		text = config_read_string(made, (const char *)whole.data) != CONFIG_TRUE ||
		    config_setting_length(config_root_setting(made)) != 1;
	buf_clear(&whole);
	if (!text && config_setting_length(config_root_setting(made)) == 1)
		return true;
	config_destroy(made);
	config_init(made);
	root = config_root_setting(made);
	s = config_setting_add(root, "value", CONFIG_TYPE_STRING);
	return s != NULL && config_setting_set_string(s, o->value) == CONFIG_TRUE;
}

static bool
put_member(const struct override *o, config_setting_t *group, const char *name, const config_setting_t *value)
{
	if (config_setting_get_member(group, name) != NULL)
		(void)config_setting_remove(group, name);
	return copy_setting(o, group, name, value) || wrong(o, "cannot set %s", name);
}

/* What is in a list keeps its place, so it is changed and not replaced. */
static bool
put_element(const struct override *o, config_setting_t *element, const config_setting_t *value)
{
	config_setting_set_hook(element, (void *)(uintptr_t)o->text);
	return copy_scalar(element, value) ||
	    wrong(o, "in a list only texts and numbers can be changed, each into one of its kind");
}

/* --- paths --- */

/* The next part of the path in name; *at moves on. */
static bool
next_part(const struct override *o, const char **at, char name[NAME_SIZE])
{
	size_t len = strcspn(*at, ".=");

	if (len < 1 || len >= NAME_SIZE)
		return wrong(o, "expected PATH=VALUE such as log.directory=/var/log or listen.[0].port=9995");
	memcpy(name, *at, len);
	name[len] = '\0';
	*at += len;
	return true;
}

static config_setting_t *
find_element(const config_setting_t *list, const char *name)
{
	char *end;
	unsigned long i;

	if (!isdigit((unsigned char)name[1]))
		return NULL;
	i = strtoul(name + 1, &end, 10);
	return strcmp(end, "]") == 0 && i < (unsigned long)config_setting_length(list)
	    ? config_setting_get_elem(list, (unsigned)i)
	    : NULL;
}

/* The setting of that name in s; groups that are missing on the way are made. */
static config_setting_t *
step(const struct override *o, config_setting_t *s, const char *name, bool last)
{
	config_setting_t *next = NULL;
	bool element = name[0] == '[';

	if (element && config_setting_is_aggregate(s)) {
		next = find_element(s, name);
		if (next == NULL)
			(void)wrong(o, "there is no element %s", name);
	} else if (!element && config_setting_is_group(s)) {
		next = config_setting_get_member(s, name);
		if (next == NULL && !last) {
			next = config_setting_add(s, name, CONFIG_TYPE_GROUP);
			if (next == NULL)
				(void)wrong(o, "%s is no name of a group", name);
			else
				config_setting_set_hook(next, (void *)(uintptr_t)o->text);
		}
	} else {
		(void)wrong(
		    o, "there can be no %s, since that is in no %s", name, element ? "list" : "group");
	}
	return next;
}

static bool
apply(config_t *tree, struct override *o)
{
	config_setting_t *s = config_root_setting(tree), *next = NULL;
	const char *at = o->text;
	size_t before = o->errors->len;
	char name[NAME_SIZE];
	config_t made;
	bool good;

	for (;;) {
		if (!next_part(o, &at, name))
			return false;
		if (*at == '\0')
			return wrong(o, "expected PATH=VALUE, found no =");
		next = step(o, s, name, *at == '=');
		if (o->errors->len != before)
			return false;
		if (*at++ == '=')
			break;
		s = next;
	}
	o->value = at;
	good = read_value(o, next, &made);
	if (!good)
		(void)wrong(o, "out of memory");
	else if (name[0] == '[')
		good = put_element(o, next, config_setting_get_elem(config_root_setting(&made), 0));
	else
		good = put_member(o, s, name, config_setting_get_elem(config_root_setting(&made), 0));
	config_destroy(&made);
	return good;
}

bool
conf_override(config_t *tree, const struct conf_overrides *o, struct buf *errors)
{
	bool good = true;

	for (size_t i = 0; i < o->count; i++) {
		struct override one = {.text = o->all[i], .errors = errors};

		good &= apply(tree, &one);
	}
	return good;
}
