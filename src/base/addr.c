/* SPDX-License-Identifier: ISC
 *
 * Addresses and prefixes.
 */
#include "base/addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>

static const uint8_t v4_mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

struct addr
addr_v4(uint32_t host_order)
{
	struct addr a;
	uint32_t be = htonl(host_order);

	memcpy(a.b, v4_mapped, sizeof(v4_mapped));
	memcpy(a.b + 12, &be, sizeof(be));
	return a;
}

bool
addr_is_v4(const struct addr *a)
{
	return memcmp(a->b, v4_mapped, sizeof(v4_mapped)) == 0;
}

bool
addr_is_multicast(const struct addr *a)
{
	return addr_is_v4(a) ? (a->b[12] & 0xf0) == 0xe0 : a->b[0] == 0xff;
}

char *
addr_text(const struct addr *a, char out[ADDR_TEXT_SIZE])
{
	char *at = out;

	if (!addr_is_v4(a)) {
		if (inet_ntop(AF_INET6, a->b, out, ADDR_TEXT_SIZE) == NULL)
			out[0] = '\0'; /* cannot happen: the family is known and the text fits */
		return out;
	}
	for (int i = 12; i < 16; i++) {
		uint8_t v = a->b[i];

		if (v >= 100)
			*at++ = (char)('0' + v / 100);
		if (v >= 10)
			*at++ = (char)('0' + v / 10 % 10);
		*at++ = (char)('0' + v % 10);
		*at++ = i < 15 ? '.' : '\0';
	}
	return out;
}

bool
addr_parse(const char *text, struct addr *ret)
{
	struct addr a;
	struct in_addr v4;

	if (inet_pton(AF_INET, text, &v4) == 1) {
		*ret = addr_v4(ntohl(v4.s_addr));
		return true;
	}
	if (inet_pton(AF_INET6, text, a.b) == 1) {
		*ret = a;
		return true;
	}
	return false;
}

bool
addr_from_sockaddr(const struct sockaddr *sa, struct addr *ret, uint16_t *ret_port)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	switch (sa->sa_family) {
	case AF_INET:
		memcpy(&in, sa, sizeof(in));
		*ret = addr_v4(ntohl(in.sin_addr.s_addr));
		*ret_port = ntohs(in.sin_port);
		return true;
	case AF_INET6:
		memcpy(&in6, sa, sizeof(in6));
		memcpy(ret->b, &in6.sin6_addr, sizeof(ret->b));
		*ret_port = ntohs(in6.sin6_port);
		return true;
	default:
		return false;
	}
}

socklen_t
addr_to_sockaddr(const struct addr *a, uint16_t port, struct sockaddr_storage *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (addr_is_v4(a)) {
		struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};

		memcpy(&in.sin_addr, a->b + 12, 4);
		memcpy(ret, &in, sizeof(in));
		return sizeof(in);
	} else {
		struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

		memcpy(&in6.sin6_addr, a->b, sizeof(a->b));
		memcpy(ret, &in6, sizeof(in6));
		return sizeof(in6);
	}
}

/* A decimal number of at most three digits, and nothing else. */
static bool
parse_bits(const char *text, unsigned *ret)
{
	unsigned v = 0;
	size_t len = strlen(text);

	if (len < 1 || len > 3)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		v = v * 10 + (unsigned)(text[i] - '0');
	}
	*ret = v;
	return true;
}

bool
prefix_parse(const char *text, struct prefix *ret)
{
	char host[ADDR_TEXT_SIZE];
	const char *slash = strchr(text, '/');
	size_t len = slash != NULL ? (size_t)(slash - text) : strlen(text);
	struct prefix p;
	unsigned bits, most;

	if (len >= sizeof(host))
		return false;
	memcpy(host, text, len);
	host[len] = '\0';
	if (!addr_parse(host, &p.addr))
		return false;
	most = strchr(host, ':') == NULL ? 32 : 128;
	bits = most;
	if (slash != NULL && (!parse_bits(slash + 1, &bits) || bits > most))
		return false;
	p.bits = (uint8_t)(128 - most + bits);
	if (p.bits < 128) {
		p.addr.b[p.bits / 8] &= (uint8_t)(0xff00 >> (p.bits % 8));
		memset(p.addr.b + p.bits / 8 + 1, 0, 15 - p.bits / 8);
	}
	*ret = p;
	return true;
}

bool
prefix_has(const struct prefix *p, const struct addr *a)
{
	size_t whole = p->bits / 8;
	uint8_t mask = (uint8_t)(0xff00 >> (p->bits % 8));

	return memcmp(p->addr.b, a->b, whole) == 0 &&
	    (mask == 0 || ((p->addr.b[whole] ^ a->b[whole]) & mask) == 0);
}
