/* SPDX-License-Identifier: ISC
 *
 * Checks of join_sources, one address at a time, so that each message can name its line.
 */
#include "node/conf_join.h"

#include <stdio.h>

/* True when one of the first `count` sources is it. */
static bool
is_among(const struct conf_listener *l, size_t count, const struct addr *source)
{
	for (size_t i = 0; i < count; i++) {
		if (addr_cmp(&l->join_sources[i], source) == 0)
			return true;
	}
	return false;
}

static bool
is_unspecified(const struct addr *a)
{
	static const uint8_t zeros[16];

	return addr_is_v4(a) ? memcmp(a->b + 12, zeros, 4) == 0 : memcmp(a->b, zeros, 16) == 0;
}

static bool
is_permitted(const struct conf_listener *l, const struct addr *source)
{
	for (size_t i = 0; i < l->sources.count; i++) {
		if (prefix_has(&l->sources.list[i], source))
			return true;
	}
	return l->sources.count == 0;
}

bool
conf_join_source_check(const struct conf_listener *l, size_t i, char why[CONF_JOIN_TEXT_SIZE])
{
	const struct addr *source = &l->join_sources[i];
	const char *what = NULL;
	char text[ADDR_TEXT_SIZE];

	if (!addr_is_multicast(&l->address))
		what = "only a multicast group can be joined; for other addresses there is `sources`";
	else if (addr_is_v4(source) != addr_is_v4(&l->address))
		what = "is not of the group's address family";
	else if (addr_is_multicast(source) || is_unspecified(source))
		what = "is not the address of a host";
	else if (is_among(l, i, source))
		what = "stands there twice";
	else if (!is_permitted(l, source))
		what = "is not permitted by `sources`";
	if (what != NULL)
		(void)snprintf(why, CONF_JOIN_TEXT_SIZE, "%s: %s", addr_text(source, text), what);
	return what == NULL;
}

bool
conf_same_join_sources(const struct conf_listener *a, const struct conf_listener *b)
{
	if (a->join_source_count != b->join_source_count)
		return false;
	/* None stands in a list twice. */
	for (size_t i = 0; i < a->join_source_count; i++) {
		if (!is_among(b, b->join_source_count, &a->join_sources[i]))
			return false;
	}
	return true;
}

bool
conf_lacks_join_sources(const struct conf_listener *l)
{
	const uint8_t *b = l->address.b;

	if (l->join_source_count > 0)
		return false;
	if (addr_is_v4(&l->address))
		return b[12] == 232;
	return b[0] == 0xff && b[1] >> 4 == 3 && b[2] == 0 && b[3] == 0;
}
