/* SPDX-License-Identifier: ISC
 *
 * Addresses and prefixes: text there and back, the kernel's form, which prefix has which address.
 */
#include "base/addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "tests/tap.h"

static void
test_text(void)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
	    {"0.0.0.0", "0.0.0.0"},
	    {"192.0.2.1", "192.0.2.1"},
	    {"255.10.100.99", "255.10.100.99"},
	    {"::ffff:192.0.2.1", "192.0.2.1"},
	    {"2001:DB8::1", "2001:db8::1"},
	    {"::", "::"},
	    {"::1", "::1"},
	    {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
	};
	static const char *const none[] = {
	    "", "1.2.3", "1.2.3.256", "1.2.3.4 ", "01.2.3.4.5", "::1%lo", "host", "1.2.3.4/8"};
	char text[ADDR_TEXT_SIZE];
	struct addr a, kept;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ok(addr_parse(cases[i].in, &a), "'%s' is an address", cases[i].in);
		is_text(addr_text(&a, text), cases[i].out, "its text");
	}
	a = kept = addr_v4(0x01020304);
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		ok(!addr_parse(none[i], &a) && addr_cmp(&a, &kept) == 0,
		    "'%s' is none, and the result is untouched", none[i]);
}

static void
test_every_v4(void)
{
	unsigned wrong = 0;

	for (uint32_t i = 0; i < 65536; i++) {
		struct addr a = addr_v4(i * 65537 + 12345);
		struct in_addr in = {.s_addr = htonl(i * 65537 + 12345)};
		char got[ADDR_TEXT_SIZE], want[INET_ADDRSTRLEN];

		wrong += strcmp(addr_text(&a, got), inet_ntop(AF_INET, &in, want, sizeof(want))) != 0;
	}
	is_u64(wrong, 0, "dotted quads agree with inet_ntop");
}

static void
test_kinds(void)
{
	static const struct {
		const char *text;
		bool v4, multicast;
	} cases[] = {
	    {"192.0.2.1", true, false},
	    {"223.255.255.255", true, false},
	    {"224.0.0.1", true, true},
	    {"239.255.255.255", true, true},
	    {"240.0.0.1", true, false},
	    {"ff02::1", false, true},
	    {"2001:db8::1", false, false},
	};
	struct addr a;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ok(addr_parse(cases[i].text, &a) && addr_is_v4(&a) == cases[i].v4 &&
			addr_is_multicast(&a) == cases[i].multicast,
		    "%s: IPv%d, %smulticast", cases[i].text, cases[i].v4 ? 4 : 6,
		    cases[i].multicast ? "" : "no ");
	}
}

static void
test_sockaddr(void)
{
	static const char *const texts[] = {"192.0.2.1", "2001:db8::5"};
	static const socklen_t sizes[] = {sizeof(struct sockaddr_in), sizeof(struct sockaddr_in6)};
	struct sockaddr_storage ss;
	struct sockaddr_in6 mapped = {.sin6_family = AF_INET6, .sin6_port = htons(99)};
	struct sockaddr unix_address = {.sa_family = AF_UNIX};
	struct addr a, back;
	uint16_t port;

	for (size_t i = 0; i < 2; i++) {
		ok(addr_parse(texts[i], &a), "%s", texts[i]);
		is_u64(addr_to_sockaddr(&a, 2055, &ss), sizes[i], "size of its sockaddr");
		ok(addr_from_sockaddr((struct sockaddr *)&ss, &back, &port) && addr_cmp(&a, &back) == 0 &&
			port == 2055,
		    "sockaddr there and back");
	}
	inet_pton(AF_INET6, "::ffff:192.0.2.1", &mapped.sin6_addr);
	a = addr_v4(0xc0000201);
	ok(addr_from_sockaddr((struct sockaddr *)&mapped, &back, &port) && addr_cmp(&a, &back) == 0 &&
		port == 99,
	    "an exporter heard over a dual-stack socket is the same exporter");
	ok(!addr_from_sockaddr(&unix_address, &back, &port), "another family is no address");
}

static void
test_prefix(void)
{
	static const struct {
		const char *prefix, *addr;
		bool has;
	} cases[] = {
	    {"192.0.2.0/24", "192.0.2.255", true},
	    {"192.0.2.0/24", "192.0.3.0", false},
	    {"192.0.2.77/24", "192.0.2.1", true},
	    {"192.0.2.128/25", "192.0.2.127", false},
	    {"192.0.2.128/25", "192.0.2.200", true},
	    {"192.0.2.1", "192.0.2.1", true},
	    {"192.0.2.1", "192.0.2.0", false},
	    {"192.0.2.1/32", "192.0.2.2", false},
	    {"0.0.0.0/0", "255.1.2.3", true},
	    {"0.0.0.0/0", "2001:db8::1", false},
	    {"2001:db8::/32", "2001:db8:ffff::1", true},
	    {"2001:db8::/32", "2001:db9::1", false},
	    {"2001:db8::/33", "2001:db8:8000::", false},
	    {"::/0", "2001:db8::1", true},
	    {"::1/128", "::1", true},
	    {"::1", "::2", false},
	};
	static const char *const none[] = {"", "/24", "192.0.2.0/", "192.0.2.0/33", "192.0.2.0/-1",
	    "192.0.2.0/ 8", "192.0.2.0/0x8", "::/129", "::/1000", "192.0.2.0/24/24",
	    "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000/1"};
	struct prefix p;
	struct addr a;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ok(prefix_parse(cases[i].prefix, &p) && addr_parse(cases[i].addr, &a) &&
			prefix_has(&p, &a) == cases[i].has,
		    "%s has %s%s", cases[i].prefix, cases[i].has ? "" : "not ", cases[i].addr);
	}
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		ok(!prefix_parse(none[i], &p), "'%s' is no prefix", none[i]);
}

int
main(void)
{
	test_text();
	test_every_v4();
	test_kinds();
	test_sockaddr();
	test_prefix();
	return done_testing();
}
