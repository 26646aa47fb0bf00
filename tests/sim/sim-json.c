/* SPDX-License-Identifier: ISC
 *
 * A reader of JSON for what the commands print: strings are taken as they stand, without escapes.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim.h"

struct reader {
	const char *at, *end;
	bool bad;
};

static void
skip_space(struct reader *r)
{
	while (r->at < r->end && strchr(" \t\r\n", *r->at) != NULL)
		r->at++;
}

static bool
take(struct reader *r, char c)
{
	skip_space(r);
	if (r->at >= r->end || *r->at != c)
		return false;
	r->at++;
	return true;
}

static void
read_text(struct reader *r, const char **ret, size_t *ret_len)
{
	*ret = r->at;
	while (r->at < r->end && *r->at != '"')
		r->at += *r->at == '\\' && r->at + 1 < r->end ? 2 : 1;
	*ret_len = (size_t)(r->at - *ret);
	r->bad |= r->at++ >= r->end;
}

static struct json_value *read_value(struct reader *r);

static void
read_members(struct reader *r, struct json_value *v, char end)
{
	struct json_value **tail = &v->first;

	if (take(r, end))
		return;
	do {
		const char *key = NULL;
		size_t len = 0;

		if (end == '}') {
			r->bad |= !take(r, '"');
			read_text(r, &key, &len);
			r->bad |= !take(r, ':');
		}
		if (r->bad)
			return;
		*tail = read_value(r);
		(*tail)->key = key;
		(*tail)->key_len = len;
		tail = &(*tail)->next;
	} while (!r->bad && take(r, ','));
	r->bad |= !take(r, end);
}

static struct json_value *
read_value(struct reader *r)
{
	struct json_value *v = sim_alloc(sizeof(*v));

	if (take(r, '{')) {
		v->kind = JSON_OBJECT;
		read_members(r, v, '}');
	} else if (take(r, '[')) {
		v->kind = JSON_ARRAY;
		read_members(r, v, ']');
	} else if (take(r, '"')) {
		v->kind = JSON_TEXT;
		read_text(r, &v->text, &v->len);
	} else {
		v->text = r->at;
		while (r->at < r->end && strchr(",]} \t\r\n", *r->at) == NULL)
			r->at++;
		v->len = (size_t)(r->at - v->text);
		r->bad |= v->len == 0;
		if (v->len > 0 && strchr("-0123456789", *v->text) != NULL) {
			v->kind = JSON_NUMBER;
			v->number = strtoll(v->text, NULL, 10);
		} else if (v->len > 0) {
			v->kind = *v->text == 'n' ? JSON_NULL : JSON_BOOL;
			v->number = *v->text == 't';
		}
	}
	return v;
}

struct json_value *
json_parse(const char *text, size_t len)
{
	struct reader r = {text, text + len, false};
	struct json_value *v = read_value(&r);

	skip_space(&r);
	if (!r.bad && r.at == r.end)
		return v;
	json_free(v);
	return NULL;
}

void
json_free(struct json_value *v)
{
	while (v != NULL) {
		struct json_value *next = v->next;

		json_free(v->first);
		free(v);
		v = next;
	}
}

const struct json_value *
json_get(const struct json_value *object, const char *key)
{
	const struct json_value *v = object != NULL ? object->first : NULL;

	while (v != NULL &&
	    (v->key == NULL || v->key_len != strlen(key) || memcmp(v->key, key, v->key_len) != 0))
		v = v->next;
	return v;
}

int64_t
json_number(const struct json_value *object, const char *key)
{
	const struct json_value *v = json_get(object, key);

	return v != NULL && v->kind == JSON_NUMBER ? v->number : INT64_MIN;
}

bool
json_is(const struct json_value *v, const char *text)
{
	return v != NULL && v->text != NULL && v->len == strlen(text) && memcmp(v->text, text, v->len) == 0;
}
