/* SPDX-License-Identifier: ISC
 *
 * See monitor_conf.h: what a monitor that runs can take over from another configuration. What its view and its socket were made for it
 * cannot; it refuses the whole then, so that there is no half of a configuration.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cluster/monitor_conf.h"

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool
refuse(struct buf *errors, const char *key, const char *from, const char *to)
{
	buf_printf(errors, "%s: cannot change from %s to %s without a new start\n", key,
	    from != NULL ? from : "none", to != NULL ? to : "none");
	return false;
}

static bool
may_text(const char *key, const char *from, const char *to, struct buf *errors)
{
	return same_text(from, to) || refuse(errors, key, from, to);
}

static bool
may_duration(const char *key, int64_t from_ns, int64_t to_ns, struct buf *errors)
{
	if (from_ns == to_ns)
		return true;
	buf_printf(errors, "%s: cannot change from %" PRId64 "ms to %" PRId64 "ms without a new start\n", key,
	    (int64_t)(from_ns / NS_PER_MSEC), (int64_t)(to_ns / NS_PER_MSEC));
	return false;
}

static bool
may_nodes(const struct monitor_conf *from, const struct monitor_conf *to, struct buf *errors)
{
	bool good = true;

	for (uint32_t i = 0; i < from->node_count || i < to->node_count; i++) {
		char key[32];

		(void)snprintf(key, sizeof(key), "node %" PRIu32, i + 1);
		good = may_text(key, i < from->node_count ? from->nodes[i].url : NULL,
			   i < to->node_count ? to->nodes[i].url : NULL, errors) &&
		    good;
	}
	return good;
}

static void
text_of_listen(const struct monitor_conf *c, char *out, size_t size)
{
	char address[ADDR_TEXT_SIZE];

	if (c->listens)
		(void)snprintf(out, size, "%s port %u", addr_text(&c->address, address), c->port);
	else
		(void)snprintf(out, size, "none");
}

static bool
may_listen(const struct monitor_conf *from, const struct monitor_conf *to, struct buf *errors)
{
	char was[ADDR_TEXT_SIZE + 16], is[ADDR_TEXT_SIZE + 16];

	text_of_listen(from, was, sizeof(was));
	text_of_listen(to, is, sizeof(is));
	return may_text("listen", was, is, errors);
}

bool
monitor_conf_may_follow(const struct monitor_conf *from, const struct monitor_conf *to, struct buf *errors)
{
	bool nodes = may_nodes(from, to, errors),
	     cluster = may_text("cluster", from->cluster, to->cluster, errors),
	     listen = may_listen(from, to, errors), page = may_text("page", from->page, to->page, errors),
	     window = may_duration("window", from->window_ns, to->window_ns, errors),
	     interval = may_duration("interval", from->interval_ns, to->interval_ns, errors);

	return nodes && cluster && listen && page && window && interval;
}

static void
swap_text(char **a, char **b)
{
	char *text = *a;

	*a = *b;
	*b = text;
}

static void
swap_u64(uint64_t *a, uint64_t *b)
{
	uint64_t v = *a;

	*a = *b;
	*b = v;
}

void
monitor_conf_exchange(struct monitor_conf *a, struct monitor_conf *b)
{
	int64_t timeout_ns = a->timeout_ns;
	bool is_public = a->is_public;

	for (uint32_t i = 0; i < a->node_count; i++)
		swap_text(&a->nodes[i].authorization, &b->nodes[i].authorization);
	for (unsigned i = 0; i < SERVE_FILES; i++)
		swap_text(&a->files[i], &b->files[i]);
	swap_text(&a->ca, &b->ca);
	swap_text(&a->certificate, &b->certificate);
	swap_text(&a->key, &b->key);
	swap_u64(&a->streams, &b->streams);
	swap_u64(&a->series, &b->series);
	a->timeout_ns = b->timeout_ns;
	b->timeout_ns = timeout_ns;
	a->is_public = b->is_public;
	b->is_public = is_public;
}
