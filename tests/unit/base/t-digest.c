/* SPDX-License-Identifier: ISC
 *
 * SHA-256 against FIPS 180-2's examples, XXH3-128 against the published value for no input.
 */
#include "base/digest.h"

#include "tests/tap.h"

static void
test_sha256(void)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
	    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
	    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
	    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
	};
	struct sha256_ctx *c = sha256_new();
	char text[SHA256_TEXT_SIZE];
	struct sha256 d;

	if (!ok(c != NULL, "a context"))
		return;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = strlen(cases[i].in), cut = len / 3;

		d = sha256_of(cases[i].in, len);
		is_text(sha256_text(&d, text), cases[i].want, "SHA-256 of '%s'", cases[i].in);
		sha256_start(c);
		sha256_add(c, cases[i].in, cut);
		sha256_add(c, cases[i].in + cut, len - cut);
		d = sha256_end(c);
		is_text(sha256_text(&d, text), cases[i].want, "the same in two pieces");
	}
	sha256_free(c);
	sha256_free(NULL);
}

static void
test_digest128(void)
{
	struct digest128 a = digest128_of("", 0), b = digest128_of("x", 1), c = digest128_seeded("x", 1, 7);
	char text[DIGEST128_TEXT_SIZE];

	ok(a.hi == 0x99aa06d3014798d8U && a.lo == 0x6001c324468d497fU, "XXH3-128 of nothing");
	ok(digest128_cmp(&b, &c) != 0, "a seed changes the digest");
	b = (struct digest128){1, 5};
	c = (struct digest128){2, 4};
	ok(digest128_cmp(&b, &c) < 0 && digest128_cmp(&c, &b) > 0 && digest128_cmp(&b, &b) == 0,
	    "order by hi");
	c = (struct digest128){1, 6};
	ok(digest128_cmp(&b, &c) < 0 && digest128_cmp(&c, &b) > 0, "then by lo");
	is_text(digest128_text(&a, text), "99aa06d3014798d86001c324468d497f", "as text");
}

int
main(void)
{
	test_sha256();
	test_digest128();
	return done_testing();
}
