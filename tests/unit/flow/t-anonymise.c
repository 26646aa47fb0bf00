/* SPDX-License-Identifier: ISC
 *
 * Stand-ins: the published vectors of Crypto-PAn's own distribution and of its later implementations; prefixes are kept; a flow
 * has none of its addresses any more.
 */
#include "flow/anonymise.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "tests/tap.h"

/* Key and addresses of the distribution's sample trace; IPv6 as other implementations agree on it. */
static const uint8_t sample_key[ANONYMISE_KEY_SIZE] = {21, 34, 23, 141, 51, 164, 207, 128, 19, 10, 91, 22, 73,
    144, 125, 16, 216, 152, 143, 131, 121, 121, 101, 39, 98, 87, 76, 45, 42, 132, 34, 2};
static const char text_key[] = "32-char-str-for-AES-key-and-pad.";

static const struct {
	const uint8_t *key;
	const char *address, *stand_in;
} vectors[] = {
    {sample_key, "128.11.68.132", "135.242.180.132"},
    {sample_key, "129.118.74.4", "134.136.186.123"},
    {sample_key, "130.132.252.244", "133.68.164.234"},
    {sample_key, "141.223.7.43", "141.167.8.160"},
    {sample_key, "141.233.145.108", "141.129.237.235"},
    {sample_key, "152.163.225.39", "151.140.114.167"},
    {sample_key, "156.29.3.236", "147.225.12.42"},
    {sample_key, "165.247.96.84", "162.9.99.234"},
    {sample_key, "166.107.77.190", "160.132.178.185"},
    {sample_key, "192.102.249.13", "252.138.62.131"},
    {sample_key, "192.215.32.125", "252.43.47.189"},
    {sample_key, "24.0.250.221", "100.15.198.226"},
    {sample_key, "64.34.154.117", "0.221.154.117"},
    {sample_key, "10.185.25.118", "117.161.29.118"},
    {sample_key, "::1", "78ff:f001:9fc0:20df:8380:b1f1:704:ed"},
    {sample_key, "::2", "78ff:f001:9fc0:20df:8380:b1f1:704:ef"},
    {sample_key, "::ffff", "78ff:f001:9fc0:20df:8380:b1f1:704:f838"},
    {sample_key, "2001:db8::1", "4401:2bc:603f:d91d:27f:ff8e:e6f1:dc1e"},
    {sample_key, "2001:db8::2", "4401:2bc:603f:d91d:27f:ff8e:e6f1:dc1c"},
    {(const uint8_t *)text_key, "192.0.2.1", "192.0.125.244"},
};

static struct anonymiser *
make(const uint8_t *key)
{
	struct anonymiser *a;

	if (anonymiser_new(key, &a) != ERR_OK)
		abort();
	return a;
}

static void
published(void)
{
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct anonymiser *a = make(vectors[i].key);
		bool v4 = strchr(vectors[i].address, ':') == NULL;
		char text[INET6_ADDRSTRLEN];
		uint8_t bytes[16];

		for (int again = 0; again < 2; again++) {
			(void)inet_pton(v4 ? AF_INET : AF_INET6, vectors[i].address, bytes);
			is_u64(anonymise_address(a, bytes, v4 ? 4 : 16), ERR_OK, "%s", vectors[i].address);
			is_text(inet_ntop(v4 ? AF_INET : AF_INET6, bytes, text, sizeof(text)),
			    vectors[i].stand_in, "%s: %s", vectors[i].address,
			    again ? "met before" : "at first");
		}
		anonymiser_free(a);
	}
}

static unsigned
shared_bits(const uint8_t *a, const uint8_t *b, size_t len)
{
	for (unsigned i = 0; i < 8 * len; i++) {
		if (((a[i / 8] ^ b[i / 8]) & (0x80 >> (i % 8))) != 0)
			return i;
	}
	return (unsigned)(8 * len);
}

static void
prefixes(size_t len)
{
	struct anonymiser *a = make(sample_key);
	unsigned wrong = 0;

	srandom(1);
	for (int i = 0; i < 20000; i++) {
		uint8_t x[16], y[16], sx[16], sy[16];
		size_t keep = (size_t)random() % (len + 1);

		for (size_t k = 0; k < len; k++) {
			x[k] = (uint8_t)random();
			y[k] = k < keep ? x[k] : (uint8_t)random();
		}
		memcpy(sx, x, 16);
		memcpy(sy, y, 16);
		if (anonymise_address(a, sx, len) != ERR_OK || anonymise_address(a, sy, len) != ERR_OK)
			abort();
		wrong += shared_bits(x, y, len) != shared_bits(sx, sy, len);
	}
	is_u64(wrong, 0, "%zu bytes: stand-ins share as many bits as addresses do", len);
	anonymiser_free(a);
}

static bool
contains(const struct rd *r, const char *hex, size_t len)
{
	size_t total = (size_t)(r->end - r->base);

	return memmem(r->base, total, hex, len) != NULL;
}

static void
flow_of_v5(void)
{
	struct proto_info info = {.proto = PROTO_V5};
	struct buf scratch = BUF_INIT;
	struct anonymiser *a = make(sample_key);
	uint8_t record[48] = {0};
	struct flow f = {.info = &info, .tmpl = tmpl_static(PROTO_V5)};

	memcpy(record, "\x80\x0b\x44\x84\x81\x76\x4a\x04\x82\x84\xfc\xf4", 12);
	record[32] = 4;
	record[33] = 210;
	f.record = rd_init(record, sizeof(record));
	is_u64(anonymise_flow(a, &f, &scratch), ERR_OK, "a v5 record");
	ok(memcmp(f.record.base, "\x87\xf2\xb4\x84\x86\x88\xba\x7b\x85\x44\xa4\xea", 12) == 0,
	    "source, destination and next hop have their stand-ins");
	ok(memcmp(f.record.base + 12, record + 12, 36) == 0, "the rest is as it was");
	ok(memcmp(record, "\x80\x0b\x44\x84", 4) == 0, "and so is the datagram");
	ok(!contains(&f.record, "\x80\x0b\x44\x84", 4), "no address is left");
	buf_clear(&scratch);
	anonymiser_free(a);
}

/* A template of an IPv6 address, a section of a packet and a number behind them. */
static void
flow_with_packet(void)
{
	static const uint8_t definition[] = {1, 0, 0, 3, 0, 27, 0, 16, 1, 0x39, 0xff, 0xff, 0, 1, 0, 4};
	uint8_t record[16 + 1 + 6 + 4] = {
	    0x20, 0x01, 0x0d, 0xb8, [15] = 1, [16] = 6, [17] = 0x45, 1, 2, 3, 4, 5, 0, 0, 1, 0};
	struct tmpl_def def = {.id = 256, .kind = TMPL_DATA, .bytes = definition, .len = sizeof(definition)};
	struct proto_info info = {.proto = PROTO_IPFIX};
	struct anonymiser *a = make(sample_key);
	struct buf scratch = BUF_INIT;
	struct tmpl *t = NULL;
	struct flow f = {.info = &info};
	uint64_t octets = 0;

	def.stream.proto = PROTO_IPFIX;
	if (tmpl_parse(&def, &t) != ERR_OK)
		abort();
	f.tmpl = t;
	f.record = rd_init(record, sizeof(record));
	is_u64(anonymise_flow(a, &f, &scratch), ERR_OK, "a record with a section of a packet");
	ok(memcmp(f.record.base, "\x44\x01\x02\xbc\x60\x3f", 6) == 0, "the IPv6 address has its stand-in");
	ok(memcmp(f.record.base + 16, "\x06\0\0\0\0\0\0", 7) == 0,
	    "the section is blank, and as long as it was");
	ok(flow_get_u64(&f, 0, 1, &octets) && octets == 256, "what stands behind it can be read");
	tmpl_free(t);
	buf_clear(&scratch);
	anonymiser_free(a);
}

int
main(void)
{
	struct anonymiser *a = make(sample_key);
	uint8_t bytes[16] = {0};

	is_u64(anonymise_address(a, bytes, 6), ERR_MALFORMED, "neither IPv4 nor IPv6");
	anonymiser_free(a);
	published();
	prefixes(4);
	prefixes(16);
	flow_of_v5();
	flow_with_packet();
	return done_testing();
}
