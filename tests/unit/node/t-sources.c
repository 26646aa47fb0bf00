/* SPDX-License-Identifier: ISC
 *
 * The allow-list says what asking each prefix in turn says.
 */
#include "node/sources.h"

#include <stdlib.h>

#include "tests/tap.h"

static bool
plain(const struct prefix *p, size_t count, const struct addr *a)
{
	for (size_t i = 0; i < count; i++) {
		if (prefix_has(&p[i], a))
			return true;
	}
	return count == 0;
}

static void
examples(void)
{
	static const char *const texts[] = {
	    "192.0.2.0/24", "10.0.0.0/8", "10.1.0.0/16", "2001:db8::/32", "192.0.2.128/25", "198.51.100.7"};
	static const struct {
		const char *addr;
		bool want;
	} cases[] = {{"192.0.2.0", true}, {"192.0.2.255", true}, {"192.0.3.0", false}, {"192.0.1.255", false},
	    {"10.0.0.0", true}, {"10.255.255.255", true}, {"11.0.0.0", false}, {"198.51.100.7", true},
	    {"198.51.100.8", false}, {"2001:db8::", true}, {"2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", true},
	    {"2001:db9::", false}, {"0.0.0.0", false}, {"::", false}, {"255.255.255.255", false}};
	struct prefix p[6];
	struct sources s;
	struct addr a;

	for (size_t i = 0; i < 6; i++)
		(void)prefix_parse(texts[i], &p[i]);
	if (sources_init(&s, p, 6) != ERR_OK)
		abort();
	is_u64(s.count, 4, "prefixes within others are dropped");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		(void)addr_parse(cases[i].addr, &a);
		ok(sources_permit(&s, &a) == cases[i].want, "%s is%s permitted", cases[i].addr,
		    cases[i].want ? "" : " not");
	}
	sources_clear(&s);
	if (sources_init(&s, NULL, 0) != ERR_OK)
		abort();
	ok(sources_permit(&s, &a), "without a list everybody is permitted");
	sources_clear(&s);
}

static void
random_lists(void)
{
	uint32_t seed = 1, wrong = 0;

	for (int round = 0; round < 200; round++) {
		struct prefix p[40];
		struct sources s;

		for (size_t i = 0; i < 40; i++) {
			char text[64];

			seed = seed * 1664525 + 1013904223;
			(void)snprintf(text, sizeof(text), "10.0.%u.%u/%u", seed >> 30, seed >> 22 & 0xff,
			    22 + (seed >> 8) % 11);
			if (!prefix_parse(text, &p[i]))
				abort();
		}
		if (sources_init(&s, p, 40) != ERR_OK)
			abort();
		for (uint32_t host = 0; host < 1024; host++) {
			struct addr a = addr_v4(0x0a000000 + host);

			wrong += sources_permit(&s, &a) != plain(p, 40, &a);
		}
		sources_clear(&s);
	}
	is_u64(wrong, 0, "lists made at random say what their prefixes say");
}

int
main(void)
{
	examples();
	random_lists();
	return done_testing();
}
