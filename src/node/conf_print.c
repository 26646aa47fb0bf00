/* SPDX-License-Identifier: ISC
 *
 * The configuration as text that reads to the same; and what of it a running node can follow.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "flow/policy.h"
#include "node/conf_keys.h"
#include "node/conf_read.h"
#include "node/unit.h"

static void print_group(
    struct buf *out, const struct key *keys, const uint8_t *base, const struct conf *c, int depth);

static void
print_prefixes(struct buf *out, const struct conf_sources *all)
{
	char text[ADDR_TEXT_SIZE];

	buf_text(out, "[ ");
	for (size_t i = 0; i < all->count; i++) {
		const struct prefix *p = &all->list[i];
		bool v4 = conf_is_v4_prefix(p);

		buf_printf(out, "%s\"%s/%d\"", i > 0 ? ", " : "", addr_text(&p->addr, text),
		    v4 ? p->bits - 96 : p->bits);
	}
	buf_text(out, " ]");
}

static void
print_addresses(struct buf *out, const struct conf_listener *l)
{
	char text[ADDR_TEXT_SIZE];

	buf_text(out, "[ ");
	for (size_t i = 0; i < l->join_source_count; i++)
		buf_printf(out, "%s\"%s\"", i > 0 ? ", " : "", addr_text(&l->join_sources[i], text));
	buf_text(out, " ]");
}

static void
print_list(
    struct buf *out, const struct key *keys, const void *all, size_t size, size_t count, const struct conf *c)
{
	buf_text(out, "(\n");
	for (size_t i = 0; i < count; i++) {
		buf_text(out, "\t{\n");
		print_group(out, keys, (const uint8_t *)all + i * size, c, 2);
		buf_text(out, i + 1 < count ? "\t},\n" : "\t}\n");
	}
	buf_text(out, ")");
}

static void
print_value(struct buf *out, const struct key *k, const uint8_t *base, const struct conf *c)
{
	const uint8_t *at = base + k->offset;
	char text[UNIT_TEXT_SIZE > ADDR_TEXT_SIZE ? UNIT_TEXT_SIZE : ADDR_TEXT_SIZE];

	switch (k->type) {
	case KEY_NAME:
	case KEY_INTERFACE:
	case KEY_PATH:
	case KEY_FULL_PATH:
	case KEY_SOCKET_PATH:
		policy_print_quoted(out, (const char *)at);
		break;
	case KEY_ADDRESS:
		policy_print_quoted(out, addr_text((const struct addr *)(const void *)at, text));
		break;
	case KEY_PORT:
		buf_printf(out, "%u", *(const uint16_t *)(const void *)at);
		break;
	case KEY_NUMBER:
		buf_printf(out, "%" PRId64, *(const int64_t *)(const void *)at);
		break;
	case KEY_DURATION:
		policy_print_quoted(out, unit_duration_text(*(const int64_t *)(const void *)at, text));
		break;
	case KEY_SIZE:
		policy_print_quoted(out, unit_size_text(*(const int64_t *)(const void *)at, text));
		break;
	case KEY_JOIN_SOURCES:
		print_addresses(out, (const struct conf_listener *)(const void *)base);
		break;
	case KEY_BOOL:
		buf_text(out, *(const bool *)(const void *)at ? "true" : "false");
		break;
	case KEY_POLICY:
		buf_text(out, "{\n");
		policy_print(c->policy, 1, out);
		buf_text(out, "}");
		break;
	case KEY_SOURCES:
		print_prefixes(out, (const struct conf_sources *)(const void *)at);
		break;
	case KEY_LISTENERS:
		print_list(
		    out, conf_listener_keys, c->listeners, sizeof(*c->listeners), c->listener_count, c);
		break;
	case KEY_FORWARDS:
		print_list(out, conf_forward_keys, c->forwards, sizeof(*c->forwards), c->forward_count, c);
		break;
	case KEY_FEEDS:
		print_list(out, conf_feed_keys, c->feeds, sizeof(*c->feeds), c->feed_count, c);
		break;
	case KEY_MODE:
		buf_printf(out, "\"%04o\"", (unsigned)*(const int64_t *)(const void *)at);
		break;
	case KEY_FEED_FORMAT:
		policy_print_quoted(out, conf_feed_format_name(*(const int64_t *)(const void *)at));
		break;
	case KEY_EXPRESSION:
		policy_print_quoted(out, *(char *const *)(const void *)at);
		break;
	case KEY_LOG:
	case KEY_STATUS:
		buf_text(out, "{\n");
		print_group(out, k->type == KEY_LOG ? conf_log_keys : conf_status_keys, base, c, 1);
		buf_text(out, "}");
		break;
	}
}

/* True for what is not set, and has no default that it would be set to. */
static bool
is_absent(const struct key *k, const uint8_t *base, const struct conf *c)
{
	if (k->need == REQUIRED || k->otherwise != NULL)
		return false;
	if (k->type == KEY_SOURCES)
		return ((const struct conf_sources *)(const void *)(base + k->offset))->count == 0;
	if (k->type == KEY_FORWARDS)
		return c->forward_count == 0;
	if (k->type == KEY_FEEDS)
		return c->feed_count == 0;
	if (k->type == KEY_EXPRESSION)
		return *(char *const *)(const void *)(base + k->offset) == NULL;
	if (k->type == KEY_JOIN_SOURCES)
		return ((const struct conf_listener *)(const void *)base)->join_source_count == 0;
	if (k->type == KEY_STATUS)
		return !c->has_status;
	if (k->type == KEY_POLICY)
		return c->policy == NULL;
	if (k->type == KEY_DURATION || k->type == KEY_SIZE || k->type == KEY_NUMBER)
		return *(const int64_t *)(const void *)(base + k->offset) == 0;
	return base[k->offset] == '\0';
}

static void
print_group(struct buf *out, const struct key *keys, const uint8_t *base, const struct conf *c, int depth)
{
	for (const struct key *k = keys; k->name != NULL; k++) {
		if (is_absent(k, base, c))
			continue;
		for (int i = 0; i < depth; i++)
			buf_u8(out, '\t');
		buf_printf(out, "%s = ", k->name);
		print_value(out, k, base, c);
		buf_text(out, ";\n");
	}
}

void
conf_print(const struct conf *c, struct buf *out)
{
	print_group(out, conf_top_keys, (const uint8_t *)c, c, 0);
}

char *
conf_listener_text(const struct conf_listener *l, char out[CONF_LISTENER_TEXT_SIZE])
{
	char text[ADDR_TEXT_SIZE];

	(void)snprintf(out, CONF_LISTENER_TEXT_SIZE, "listener %s port %u%s%s (%s:%u)",
	    addr_text(&l->address, text), l->port, l->interface[0] != '\0' ? " on " : "", l->interface,
	    l->file, l->line);
	return out;
}

char *
conf_listener_name(const struct conf_listener *l, char out[CONF_LISTENER_TEXT_SIZE])
{
	char text[ADDR_TEXT_SIZE];
	bool v4 = addr_is_v4(&l->address);

	(void)snprintf(out, CONF_LISTENER_TEXT_SIZE, "%s%s%s:%u%s%s", v4 ? "" : "[",
	    addr_text(&l->address, text), v4 ? "" : "]", l->port, l->interface[0] != '\0' ? "%" : "",
	    l->interface);
	return out;
}

/* --- following --- */

bool
conf_same_outputs(const struct conf *a, const struct conf *b)
{
	const struct conf *each[2] = {a, b};
	struct buf text[2] = {BUF_INIT, BUF_INIT};
	bool same;

	for (int i = 0; i < 2; i++) {
		const struct conf *c = each[i];

		print_list(
		    &text[i], conf_forward_keys, c->forwards, sizeof(*c->forwards), c->forward_count, c);
		print_list(&text[i], conf_feed_keys, c->feeds, sizeof(*c->feeds), c->feed_count, c);
	}
	same = buf_ok(&text[0]) && buf_ok(&text[1]) && text[0].len == text[1].len &&
	    memcmp(text[0].data, text[1].data, text[0].len) == 0;
	buf_clear(&text[0]);
	buf_clear(&text[1]);
	return same;
}

static void
compare_group(const struct key *keys, const char *path, const struct conf *from, const struct conf *to,
    struct buf *errors)
{
	struct buf a = BUF_INIT, b = BUF_INIT;

	for (const struct key *k = keys; k->name != NULL; k++) {
		if (k->type == KEY_LOG)
			compare_group(conf_log_keys, "log.", from, to, errors);
		if (k->reloadable)
			continue;
		buf_reset(&a);
		buf_reset(&b);
		print_value(&a, k, (const uint8_t *)from, from);
		print_value(&b, k, (const uint8_t *)to, to);
		if (a.len != b.len || memcmp(a.data, b.data, a.len) != 0)
			buf_printf(errors, "%s%s: cannot change from %.*s to %.*s without a new start\n",
			    path, k->name, (int)a.len, (const char *)a.data, (int)b.len,
			    (const char *)b.data);
	}
	buf_clear(&a);
	buf_clear(&b);
}

bool
conf_can_follow(const struct conf *from, const struct conf *to, struct buf *errors)
{
	size_t before = errors->len;

	compare_group(conf_top_keys, "", from, to, errors);
	return errors->len == before && buf_ok(errors);
}
