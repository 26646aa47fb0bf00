/* SPDX-License-Identifier: ISC
 *
 * Forwards and feeds of the configuration.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "flow/expr.h"
#include "node/conf_read.h"

bool
conf_mode_parse(const char *text, int64_t *ret)
{
	size_t len = strlen(text);

	if (len < 3 || len > 4 || strspn(text, "01234567") != len || (len == 4 && text[0] != '0'))
		return false;
	*ret = strtoll(text, NULL, 8);
	return true;
}

static const char *const formats[] = {[CONF_FEED_JSON] = "json", [CONF_FEED_RECORDS] = "records"};

bool
conf_feed_format_parse(const char *text, int64_t *ret)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (strcmp(text, formats[i]) == 0) {
			*ret = (int64_t)i;
			return true;
		}
	}
	return false;
}

const char *
conf_feed_format_name(int64_t format)
{
	return formats[format];
}

void
conf_read_expression(struct reading *r, const struct key *k, const config_setting_t *s, char **ret)
{
	const char *text = config_setting_get_string(s);
	struct expr_error error;
	struct expr *e;
	enum err err;

	if (text == NULL) {
		conf_bad_form(r, k, s);
		return;
	}
	err = expr_parse(text, NULL, &e, &error);
	if (err == ERR_MALFORMED)
		conf_fault(r, s, k->name, "column %zu: %s", error.column, error.message);
	else if (err == ERR_LIMIT)
		conf_fault(r, s, k->name, "too long, or too deep");
	if (err == ERR_OK)
		expr_free(e);
	free(*ret); /* a key that stands there twice is the parser's affair; this costs nothing */
	*ret = strdup(text);
	r->no_memory |= *ret == NULL || err == ERR_MEMORY;
}

/* Room for the elements of a list, or NULL. */
static void *
room_for(struct reading *r, const struct key *k, const config_setting_t *s, int most, size_t size)
{
	int count = config_setting_length(s);
	void *p;

	if (count < 1 || count > most) {
		conf_fault(r, s, k->name, "expected 1 to %d, found %d", most, count);
		return NULL;
	}
	p = calloc((size_t)count, size);
	r->no_memory |= p == NULL;
	return p;
}

void
conf_read_forwards(struct reading *r, const struct key *k, const config_setting_t *s)
{
	if (!config_setting_is_list(s)) {
		conf_bad_form(r, k, s);
		return;
	}
	r->conf->forwards = room_for(r, k, s, CONF_FORWARDS_MOST, sizeof(*r->conf->forwards));
	if (r->conf->forwards == NULL)
		return;
	for (int i = 0; i < config_setting_length(s); i++) {
		const config_setting_t *e = config_setting_get_elem(s, (unsigned)i);

		if (config_setting_is_group(e))
			conf_read_group(r, conf_forward_keys, e, "forward.",
			    (uint8_t *)&r->conf->forwards[r->conf->forward_count++]);
		else
			conf_bad_form(r, k, e);
	}
}

static void
read_feed(struct reading *r, const struct key *k, const config_setting_t *s)
{
	struct conf_feed *f = &r->conf->feeds[r->conf->feed_count++];
	const char *path = config_setting_get_string(s);
	size_t len = path != NULL ? strlen(path) : 0;

	if (config_setting_is_group(s)) {
		conf_read_group(r, conf_feed_keys, s, "feed.", (uint8_t *)f);
	} else if (len > 0 && path[0] == '/' && len < sizeof(f->path)) {
		memcpy(f->path, path, len + 1);
		f->mode = 0660;
	} else {
		conf_bad_form(r, k, s);
	}
}

/* One may stand without a list around it. */
void
conf_read_feeds(struct reading *r, const struct key *k, const config_setting_t *s)
{
	bool list = config_setting_is_list(s);

	r->conf->feeds = list ? room_for(r, k, s, CONF_FEEDS_MOST, sizeof(*r->conf->feeds))
			      : calloc(1, sizeof(*r->conf->feeds));
	if (r->conf->feeds == NULL) {
		r->no_memory |= !list;
		return;
	}
	if (!list)
		read_feed(r, k, s);
	for (int i = 0; list && i < config_setting_length(s); i++)
		read_feed(r, k, config_setting_get_elem(s, (unsigned)i));
}

/* --- what must not stand beside what --- */

static const config_setting_t *
element(const config_setting_t *root, const char *key, size_t i)
{
	const config_setting_t *s = config_setting_get_member(root, key);

	return config_setting_is_list(s) ? config_setting_get_elem(s, (unsigned)i) : s;
}

static bool
same_target(const struct conf_forward *a, const struct conf_forward *b)
{
	return addr_cmp(&a->address, &b->address) == 0 && a->port == b->port &&
	    strcmp(a->interface, b->interface) == 0;
}

/* What is sent to a listener comes back, and is sent again. */
static void
check_forward(struct reading *r, size_t i, const config_setting_t *at)
{
	const struct conf_forward *f = &r->conf->forwards[i];
	char text[CONF_LISTENER_TEXT_SIZE], other[ADDR_TEXT_SIZE];

	for (size_t k = 0; k < i; k++) {
		if (same_target(f, &r->conf->forwards[k]))
			conf_fault(r, at, NULL, "%s: a second time", conf_forward_text(f, text));
	}
	for (size_t k = 0; k < r->conf->listener_count; k++) {
		const struct conf_listener *l = &r->conf->listeners[k];

		if (addr_cmp(&f->address, &l->address) == 0 && f->port == l->port)
			conf_fault(r, at, NULL, "%s: would come back to listener %s port %u",
			    conf_forward_text(f, text), addr_text(&l->address, other), l->port);
	}
}

void
conf_check_outputs(struct reading *r, const config_setting_t *root)
{
	for (size_t i = 0; i < r->conf->forward_count; i++)
		check_forward(r, i, element(root, "forward", i));
	for (size_t i = 0; i < r->conf->feed_count; i++) {
		for (size_t k = 0; k < i; k++) {
			if (strcmp(r->conf->feeds[i].path, r->conf->feeds[k].path) == 0)
				conf_fault(r, element(root, "feed", i), NULL, "feed %s: a second time",
				    r->conf->feeds[i].path);
		}
	}
}

void
conf_clear_outputs(struct conf *c)
{
	for (size_t i = 0; i < c->forward_count; i++)
		free(c->forwards[i].sources.list);
	for (size_t i = 0; i < c->feed_count; i++)
		free(c->feeds[i].expression);
	free(c->forwards);
	free(c->feeds);
	c->forwards = NULL;
	c->feeds = NULL;
	c->forward_count = c->feed_count = 0;
}

/* --- names --- */

char *
conf_forward_text(const struct conf_forward *f, char out[CONF_LISTENER_TEXT_SIZE])
{
	char text[ADDR_TEXT_SIZE];

	(void)snprintf(out, CONF_LISTENER_TEXT_SIZE, "forward %s port %u%s%s", addr_text(&f->address, text),
	    f->port, f->interface[0] != '\0' ? " on " : "", f->interface);
	return out;
}

char *
conf_forward_name(const struct conf_forward *f, char out[CONF_LISTENER_TEXT_SIZE])
{
	struct conf_listener l = {.address = f->address, .port = f->port};

	memcpy(l.interface, f->interface, sizeof(l.interface));
	return conf_listener_name(&l, out);
}
