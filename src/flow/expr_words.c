/* SPDX-License-Identifier: ISC
 *
 * Names and values.
 */
#include "flow/expr_words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/clock.h"

#define NUMBER UINT64_MAX
#define E(id, type) \
	{ \
		0, (id), ELEMENT_##type \
	}

static const struct expr_word words[] = {
    {"host", {"src ip", "dst ip"}, EXPR_FIELD, EXPR_VALUES_ADDRESS, 0, true, false, {2, 2},
	{{E(8, IPV4), E(27, IPV6)}, {E(12, IPV4), E(28, IPV6)}}},
    {"port", {"src port", "dst port"}, EXPR_FIELD, EXPR_VALUES_NUMBER, 65535, true, false, {3, 3},
	{{E(7, UNSIGNED), E(182, UNSIGNED), E(180, UNSIGNED)},
	    {E(11, UNSIGNED), E(183, UNSIGNED), E(181, UNSIGNED)}}},
    {"as", {"src as", "dst as"}, EXPR_FIELD, EXPR_VALUES_NUMBER, UINT32_MAX, true, false, {1, 1},
	{{E(16, UNSIGNED)}, {E(17, UNSIGNED)}}},
    {"mask", {"src mask", "dst mask"}, EXPR_FIELD, EXPR_VALUES_NUMBER, 128, true, false, {2, 2},
	{{E(9, UNSIGNED), E(29, UNSIGNED)}, {E(13, UNSIGNED), E(30, UNSIGNED)}}},
    {"mac", {"src mac", "dst mac"}, EXPR_FIELD, EXPR_VALUES_MAC, NUMBER, true, false, {1, 1},
	{{E(56, MAC)}, {E(80, MAC)}}},
    {"vlan", {"src vlan", "dst vlan"}, EXPR_FIELD, EXPR_VALUES_NUMBER, 65535, true, false, {1, 1},
	{{E(58, UNSIGNED)}, {E(59, UNSIGNED)}}},
    {"if", {"in if", "out if"}, EXPR_FIELD, EXPR_VALUES_NUMBER, UINT32_MAX, true, true, {1, 1},
	{{E(10, UNSIGNED)}, {E(14, UNSIGNED)}}},
    {"in_ifndx", {"in if", NULL}, EXPR_FIELD, EXPR_VALUES_NUMBER, UINT32_MAX, false, false, {1, 0},
	{{E(10, UNSIGNED)}}},
    {"out_ifndx", {"out if", NULL}, EXPR_FIELD, EXPR_VALUES_NUMBER, UINT32_MAX, false, false, {1, 0},
	{{E(14, UNSIGNED)}}},
    {"nexthop", {"nexthop", NULL}, EXPR_FIELD, EXPR_VALUES_ADDRESS, 0, false, false, {2, 0},
	{{E(15, IPV4), E(62, IPV6)}}},
    {"proto", {"proto", NULL}, EXPR_FIELD, EXPR_VALUES_PROTO, 255, false, false, {1, 0}, {{E(4, UNSIGNED)}}},
    {"tos", {"tos", NULL}, EXPR_FIELD, EXPR_VALUES_NUMBER, 255, false, false, {1, 0}, {{E(5, UNSIGNED)}}},
    {"flags", {"flags", NULL}, EXPR_FIELD, EXPR_VALUES_NUMBER, 65535, false, false, {1, 0},
	{{E(6, UNSIGNED)}}},
    {"packets", {"packets", NULL}, EXPR_FIELD, EXPR_VALUES_NUMBER, NUMBER, false, false, {2, 0},
	{{E(2, UNSIGNED), E(86, UNSIGNED)}}},
    {"bytes", {"bytes", NULL}, EXPR_FIELD, EXPR_VALUES_NUMBER, NUMBER, false, false, {2, 0},
	{{E(1, UNSIGNED), E(85, UNSIGNED)}}},
    {"icmp-type", {"icmp-type", NULL}, EXPR_FIELD, EXPR_VALUES_NUMBER, 255, false, false, {2, 0},
	{{E(176, UNSIGNED), E(178, UNSIGNED)}}},
    {"icmp-code", {"icmp-code", NULL}, EXPR_FIELD, EXPR_VALUES_NUMBER, 255, false, false, {2, 0},
	{{E(177, UNSIGNED), E(179, UNSIGNED)}}},
    {"exporter", {"exporter", NULL}, EXPR_EXPORTER, EXPR_VALUES_ADDRESS, 0, false, false, {0, 0}, {{{0}}}},
    {"exporter-port", {"exporter-port", NULL}, EXPR_EXPORTER_PORT, EXPR_VALUES_NUMBER, 65535, false, false,
	{0, 0}, {{{0}}}},
    {"version", {"version", NULL}, EXPR_VERSION, EXPR_VALUES_NUMBER, 255, false, false, {0, 0}, {{{0}}}},
    {"domain", {"domain", NULL}, EXPR_DOMAIN, EXPR_VALUES_NUMBER, UINT32_MAX, false, false, {0, 0}, {{{0}}}},
    {"tag", {"tag", NULL}, EXPR_TAG, EXPR_VALUES_NUMBER, UINT32_MAX, false, false, {0, 0}, {{{0}}}},
    {"duration", {"duration", NULL}, EXPR_DURATION, EXPR_VALUES_NUMBER, NUMBER, false, false, {0, 0},
	{{{0}}}},
    {"bps", {"bps", NULL}, EXPR_BPS, EXPR_VALUES_NUMBER, NUMBER, false, false, {0, 0}, {{{0}}}},
    {"pps", {"pps", NULL}, EXPR_PPS, EXPR_VALUES_NUMBER, NUMBER, false, false, {0, 0}, {{{0}}}},
    {"bpp", {"bpp", NULL}, EXPR_BPP, EXPR_VALUES_NUMBER, NUMBER, false, false, {0, 0}, {{{0}}}},
    {"time", {"time", NULL}, EXPR_TIME_OF_DAY, EXPR_VALUES_CLOCK, NUMBER, false, false, {0, 0}, {{{0}}}},
    {"day", {"day", NULL}, EXPR_DAY, EXPR_VALUES_DAY, 6, false, false, {0, 0}, {{{0}}}},
    {"flowStart", {"flowStart", NULL}, EXPR_START, EXPR_VALUES_TIME, NUMBER, false, false, {0, 0}, {{{0}}}},
    {"flowEnd", {"flowEnd", NULL}, EXPR_END, EXPR_VALUES_TIME, NUMBER, false, false, {0, 0}, {{{0}}}},
    {"received", {"received", NULL}, EXPR_RECEIVED, EXPR_VALUES_TIME, NUMBER, false, false, {0, 0}, {{{0}}}},
};

static const struct {
	const char *name, *means;
} same[] = {
    {"ip", "host"},
    {"net", "host"},
    {"addr", "host"},
    {"gateway", "nexthop"},
    {"octets", "bytes"},
    {"agent", "exporter"},
    {"router", "exporter"},
    {"interface", "if"},
    {"tcp_flags", "flags"},
    {"days", "day"},
};

const struct expr_word *
expr_word_find(const struct expr_token *t)
{
	struct expr_token means = *t;

	if (t->kind != EXPR_TOKEN_WORD)
		return NULL;
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		if (expr_token_is(t, same[i].name)) {
			means.text = same[i].means;
			means.len = strlen(means.text);
		}
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (expr_token_is(&means, words[i].name))
			return &words[i];
	}
	return NULL;
}

/* --- values --- */

static const struct {
	const char *name;
	uint8_t number;
} protos[] = {{"icmp", 1}, {"igmp", 2}, {"ipip", 4}, {"tcp", 6}, {"egp", 8}, {"igp", 9}, {"udp", 17},
    {"dccp", 33}, {"rsvp", 46}, {"gre", 47}, {"esp", 50}, {"ah", 51}, {"icmp6", 58}, {"eigrp", 88},
    {"ospf", 89}, {"pim", 103}, {"vrrp", 112}, {"l2tp", 115}, {"sctp", 132}, {"udplite", 136}};

static const char *const days[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

const char *
expr_proto_name(uint64_t number)
{
	for (size_t i = 0; i < sizeof(protos) / sizeof(protos[0]); i++) {
		if (protos[i].number == number)
			return protos[i].name;
	}
	return NULL;
}

static bool
decimal(const char *text, size_t len, uint64_t *ret)
{
	uint64_t v = 0;

	for (size_t i = 0; i < len; i++) {
		uint64_t d = (uint64_t)(text[i] - '0');

		if (text[i] < '0' || text[i] > '9' || v > (UINT64_MAX - d) / 10)
			return false;
		v = v * 10 + d;
	}
	*ret = v;
	return len > 0;
}

static bool
hexadecimal(const char *text, size_t len, uint64_t *ret)
{
	uint64_t v = 0;

	if (len < 3 || len > 18 || text[0] != '0' || (text[1] | 0x20) != 'x')
		return false;
	for (size_t i = 2; i < len; i++) {
		const char *digits = "0123456789abcdef", *d;

		d = strchr(digits, text[i] >= 'A' && text[i] <= 'F' ? text[i] | 0x20 : text[i]);
		if (d == NULL || *d == '\0')
			return false;
		v = v << 4 | (uint64_t)(d - digits);
	}
	*ret = v;
	return true;
}

/* 1500, 10k, 0x1f; k, m, g and t are powers of 1000, as in nfdump. */
static bool
number(const char *text, size_t len, uint64_t *ret)
{
	static const char units[] = "kmgt";
	uint64_t factor = 1, v;
	const char *u;

	if (hexadecimal(text, len, ret))
		return true;
	u = len > 1 ? strchr(units, text[len - 1] | 0x20) : NULL;
	if (u != NULL && *u != '\0') {
		for (const char *c = units; c <= u; c++)
			factor *= 1000;
		len--;
	}
	if (!decimal(text, len, &v) || v > UINT64_MAX / factor)
		return false;
	*ret = v * factor;
	return true;
}

static bool
copy(const char *text, size_t len, char *out, size_t size)
{
	if (len == 0 || len >= size)
		return false;
	memcpy(out, text, len);
	out[len] = '\0';
	return true;
}

static bool
mac(const char *text, size_t len, uint64_t *ret)
{
	char t[24];
	unsigned b[6];
	int end = 0;

	if (!copy(text, len, t, sizeof(t)) ||
	    sscanf(t, "%2x:%2x:%2x:%2x:%2x:%2x%n", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5], &end) != 6 ||
	    (size_t)end != len)
		return false;
	*ret = 0;
	for (int i = 0; i < 6; i++)
		*ret = *ret << 8 | b[i];
	return true;
}

/* HH:MM or HH:MM:SS; 24:00 is the end of the day. */
static bool
clock_time(const char *text, size_t len, uint64_t *ret)
{
	unsigned h, m, s = 0;
	char t[16];
	int end = 0;

	if (!copy(text, len, t, sizeof(t)) || sscanf(t, "%2u:%2u%n", &h, &m, &end) != 2)
		return false;
	if ((size_t)end != len && (sscanf(t, "%2u:%2u:%2u%n", &h, &m, &s, &end) != 3 || (size_t)end != len))
		return false;
	if (h > 24 || m > 59 || s > 59 || (h == 24 && (m > 0 || s > 0)))
		return false;
	*ret = (uint64_t)NS_PER_SEC * (h * 3600 + m * 60 + s);
	return true;
}

static bool
moment(const char *text, size_t len, uint64_t *ret)
{
	char t[64];
	wall_t w;

	if (!copy(text, len, t, sizeof(t)) || !wall_parse(t, &w) || w.ns < 0)
		return false;
	*ret = (uint64_t)w.ns;
	return true;
}

static bool
named(const char *text, size_t len, const char *name)
{
	return strlen(name) == len && strncmp(text, name, len) == 0;
}

static bool
proto(const char *text, size_t len, uint64_t *ret)
{
	for (size_t i = 0; i < sizeof(protos) / sizeof(protos[0]); i++) {
		if (named(text, len, protos[i].name)) {
			*ret = protos[i].number;
			return true;
		}
	}
	return number(text, len, ret);
}

static bool
day(const char *text, size_t len, uint64_t *ret)
{
	for (size_t i = 0; i < 7; i++) {
		if (len == 3 && strncasecmp(text, days[i], 3) == 0) {
			*ret = i;
			return true;
		}
	}
	return false;
}

static bool
boolean(const char *text, size_t len, uint64_t *ret)
{
	*ret = named(text, len, "true") ? 1 : 2; /* RFC 7011 section 6.1.5 */
	return *ret == 1 || named(text, len, "false");
}

static bool
signed_number(const char *text, size_t len, uint64_t *ret)
{
	bool minus = len > 0 && text[0] == '-';
	uint64_t v;

	if (!number(text + minus, len - minus, &v) || v > (uint64_t)INT64_MAX + minus)
		return false;
	*ret = (minus ? ~v + 1 : v) ^ (1ULL << 63);
	return true;
}

bool
expr_value(enum expr_values values, uint64_t most, const char *text, size_t len, uint64_t *ret)
{
	switch (values) {
	case EXPR_VALUES_NUMBER:
		return number(text, len, ret) && *ret <= most;
	case EXPR_VALUES_SIGNED:
		return signed_number(text, len, ret);
	case EXPR_VALUES_PROTO:
		return proto(text, len, ret) && *ret <= most;
	case EXPR_VALUES_MAC:
		return mac(text, len, ret);
	case EXPR_VALUES_DAY:
		return day(text, len, ret);
	case EXPR_VALUES_CLOCK:
		return clock_time(text, len, ret);
	case EXPR_VALUES_TIME:
		return moment(text, len, ret);
	case EXPR_VALUES_BOOLEAN:
		return boolean(text, len, ret);
	case EXPR_VALUES_ADDRESS:
	case EXPR_VALUES_BYTES:
		break;
	}
	return false;
}

const char *
expr_values_name(enum expr_values values)
{
	switch (values) {
	case EXPR_VALUES_NUMBER:
	case EXPR_VALUES_SIGNED:
		return "a number";
	case EXPR_VALUES_PROTO:
		return "a protocol";
	case EXPR_VALUES_ADDRESS:
		return "an address or prefix";
	case EXPR_VALUES_MAC:
		return "a MAC address such as 00:11:22:33:44:55";
	case EXPR_VALUES_DAY:
		return "a day: mon tue wed thu fri sat sun";
	case EXPR_VALUES_CLOCK:
		return "a time of day such as 08:30";
	case EXPR_VALUES_TIME:
		return "a time such as \"2026-11-25 08:30\"";
	case EXPR_VALUES_BOOLEAN:
		return "true or false";
	case EXPR_VALUES_BYTES:
		break;
	}
	return "a text in quotes, or 0x and hexadecimal digits";
}

void
expr_value_text(struct buf *out, enum expr_values values, uint64_t v)
{
	char text[WALL_TEXT_SIZE];

	switch (values) {
	case EXPR_VALUES_PROTO:
		if (expr_proto_name(v) != NULL) {
			buf_text(out, expr_proto_name(v));
			return;
		}
		break;
	case EXPR_VALUES_SIGNED:
		buf_printf(out, "%lld", (long long)(v ^ (1ULL << 63)));
		return;
	case EXPR_VALUES_MAC:
		for (int i = 40; i >= 0; i -= 8)
			buf_printf(out, "%02x%s", (unsigned)(v >> i & 0xff), i > 0 ? ":" : "");
		return;
	case EXPR_VALUES_DAY:
		buf_text(out, days[v % 7]);
		return;
	case EXPR_VALUES_CLOCK:
		v /= (uint64_t)NS_PER_SEC;
		buf_printf(out, "%02u:%02u", (unsigned)(v / 3600), (unsigned)(v / 60 % 60));
		if (v % 60 > 0)
			buf_printf(out, ":%02u", (unsigned)(v % 60));
		return;
	case EXPR_VALUES_TIME:
		buf_text(out, wall_text((wall_t){(int64_t)v}, v % (uint64_t)NS_PER_SEC > 0 ? 9 : 0, text));
		return;
	case EXPR_VALUES_BOOLEAN:
		buf_text(out, v == 1 ? "true" : "false");
		return;
	default:
		break;
	}
	buf_decimal(out, v);
}

/* --- flags and addresses --- */

static const char flag_letters[] = "FSRPAUEC";

bool
expr_flags(const char *text, size_t len, uint64_t *ret)
{
	uint64_t v = 0;

	if (number(text, len, ret))
		return *ret <= 65535;
	for (size_t i = 0; i < len; i++) {
		const char *at = strchr(flag_letters, text[i]);

		if (text[i] == '\0' || at == NULL)
			return false;
		v |= 1ULL << (at - flag_letters);
	}
	*ret = v;
	return len > 0;
}

/* Dotted quads may be cut where a prefix says how much of them counts. */
static bool
short_prefix(const char *text, struct prefix *ret)
{
	char full[64], *slash;
	unsigned dots = 0;

	if (!copy(text, strlen(text), full, 40))
		return false;
	slash = strchr(full, '/');
	if (slash == NULL || strchr(full, ':') != NULL)
		return false;
	for (const char *c = full; c < slash; c++)
		dots += *c == '.';
	if (dots >= 3)
		return false;
	memmove(slash + 2 * (3 - dots), slash, strlen(slash) + 1);
	for (; dots < 3; dots++, slash += 2)
		memcpy(slash, ".0", 2);
	return prefix_parse(full, ret);
}

static void
ends_of(const struct prefix *p, struct expr_addresses *ret)
{
	memcpy(ret->low, p->addr.b, 16);
	memcpy(ret->high, p->addr.b, 16);
	for (unsigned bit = p->bits; bit < 128; bit++)
		ret->high[bit / 8] |= (uint8_t)(0x80 >> (bit % 8));
}

bool
expr_addresses(const char *text, size_t len, struct expr_addresses *ret)
{
	char t[128], *dash;
	struct prefix p;
	struct addr a, b;

	if (!copy(text, len, t, sizeof(t)))
		return false;
	if (prefix_parse(t, &p) || short_prefix(t, &p)) {
		ends_of(&p, ret);
		return true;
	}
	dash = strchr(t, '-');
	if (dash == NULL)
		return false;
	*dash = '\0';
	if (!addr_parse(t, &a) || !addr_parse(dash + 1, &b) || addr_is_v4(&a) != addr_is_v4(&b) ||
	    addr_cmp(&a, &b) > 0)
		return false;
	memcpy(ret->low, a.b, 16);
	memcpy(ret->high, b.b, 16);
	return true;
}
