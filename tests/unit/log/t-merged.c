/* SPDX-License-Identifier: ISC
 *
 * The list of merged segments: what is written is read back; every other line lists nothing.
 */
#include "log/merged.h"

#include "tests/tap.h"

#define A "00-0000000001-20231114T221320Z.fbs"
#define B "00-0000000002-20231114T221820Z.fbs"
#define HEX "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static struct sha256
digest(unsigned from)
{
	struct sha256 d;

	for (unsigned i = 0; i < SHA256_SIZE; i++)
		d.b[i] = (uint8_t)(from + i);
	return d;
}

static void
round_trip(void)
{
	struct sha256 one = digest(0), two = digest(200);
	struct buf text = BUF_INIT;
	struct merged m;

	merged_put(&text, B, &two);
	merged_put(&text, A, &one);
	merged_put(&text, A, &two); /* a log's segment and a copy of it that went on in another way */
	ok(merged_parse(text.data, text.len, &m) == ERR_OK, "a list is read");
	is_u64(m.count, 3, "all of its lines");
	is_u64(m.bad, 0, "none is bad");
	ok(merged_has(&m, A, &one) && merged_has(&m, A, &two) && merged_has(&m, B, &two),
	    "what is listed is found");
	ok(!merged_has(&m, B, &one), "not with another digest");
	ok(!merged_has(&m, "00-0000000003-20231114T221820Z.fbs", &one), "nor what is not listed");
	merged_clear(&m);

	for (size_t i = 0; i < text.len; i++) {
		size_t lines = 0;

		for (size_t k = 0; k < i; k++)
			lines += text.data[k] == '\n';
		if (merged_parse(text.data, i, &m) != ERR_OK || m.count != lines ||
		    m.bad != (i > 0 && text.data[i - 1] != '\n'))
			ok(false, "prefix of %zu bytes: %zu lines, %zu bad", i, m.count, m.bad);
		merged_clear(&m);
	}
	buf_clear(&text);
}

static void
bad_lines(void)
{
	static const char *const bad[] = {
	    "\n",
	    A "\n",
	    A " \n",
	    A "  " HEX "\n",
	    A " " HEX " \n",
	    A " " HEX "\r\n",
	    A " 0" HEX "\n",
	    A ".open " HEX "\n",
	    "README " HEX "\n",
	    "../" A " " HEX "\n",
	    A " 000102030405060708090A0B0C0D0E0F101112131415161718191a1b1c1d1e1f\n",
	    A " g00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n",
	    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx " HEX "\n",
	};
	static const char zero[] = A "\0" HEX "\n";
	struct sha256 d = digest(0);
	struct buf text = BUF_INIT;
	struct merged m;

	merged_put(&text, B, &d);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		buf_reset(&text);
		merged_put(&text, B, &d);
		buf_text(&text, bad[i]);
		merged_put(&text, A, &d);
		ok(merged_parse(text.data, text.len, &m) == ERR_OK && m.count == 2 && m.bad == 1 &&
			m.bad_at == 2 && merged_has(&m, A, &d) && merged_has(&m, B, &d),
		    "a bad line between two good ones: %.*s", (int)strcspn(bad[i], "\r\n"), bad[i]);
		merged_clear(&m);
	}
	ok(merged_parse(zero, sizeof(zero) - 1, &m) == ERR_OK && m.count == 0 && m.bad == 1, "a zero byte");
	merged_clear(&m);
	ok(merged_parse("", 0, &m) == ERR_OK && m.count == 0 && m.bad == 0 && !merged_has(&m, A, &d),
	    "an empty list");
	merged_clear(&m);

	/* Each bit of a line: it lists nothing, or another segment or digest. */
	buf_reset(&text);
	merged_put(&text, A, &d);
	for (size_t i = 0; i < text.len * 8; i++) {
		text.data[i / 8] ^= (uint8_t)(1U << i % 8);
		if (merged_parse(text.data, text.len, &m) == ERR_OK && merged_has(&m, A, &d))
			ok(false, "bit %zu changed: still listed", i);
		merged_clear(&m);
		text.data[i / 8] ^= (uint8_t)(1U << i % 8);
	}
	buf_clear(&text);
}

int
main(void)
{
	round_trip();
	bad_lines();
	return done_testing();
}
