/* SPDX-License-Identifier: ISC
 *
 * The bounded reader: values, the sticky error, sub-readers, and every prefix of an input.
 */
#include "base/rd.h"

#include "tests/tap.h"

static const uint8_t input[] = {
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24};

static void
test_values(void)
{
	struct rd r = rd_init(input, sizeof(input)), s;
	uint8_t copy[2];

	is_u64(rd_u8(&r), 0x01, "u8");
	is_u64(rd_u16(&r), 0x0203, "u16");
	is_u64(rd_u32(&r), 0x04050607, "u32");
	is_u64(rd_u64(&r), 0x08090a0b0c0d0e0f, "u64");
	is_u64(rd_offset(&r), 15, "offset");
	is_u64(rd_uint(&r, 3), 0x101112, "a number of three bytes");
	s = rd_sub(&r, 3);
	is_u64(rd_u16(&s), 0x1314, "a sub-reader reads on");
	ok(rd_u16(&s) == 0 && !rd_ok(&s) && rd_left(&s) == 0, "and does not see what stands behind it");
	ok(rd_ok(&r) && rd_left(&r) == 3, "which is not its parent's error");
	rd_copy(&r, copy, sizeof(copy));
	ok(copy[0] == 0x16 && copy[1] == 0x17, "copy");
	rd_skip(&r, 1);
	ok(rd_ok(&r) && rd_left(&r) == 0, "read to the end");
	ok(rd_bytes(&r, 0) != NULL && rd_ok(&r), "nothing can be read at the end");
}

static void
test_sticky(void)
{
	struct rd r = rd_init(input, 5), s;
	uint8_t copy[4] = {9, 9, 9, 9};

	rd_skip(&r, 2);
	is_u64(rd_u32(&r), 0, "a read past the end gives zero");
	ok(!rd_ok(&r), "and fails");
	ok(rd_u8(&r) == 0 && rd_u16(&r) == 0 && rd_u64(&r) == 0 && rd_uint(&r, 1) == 0 &&
		rd_bytes(&r, 0) == NULL,
	    "all that follow give zeros");
	rd_copy(&r, copy, sizeof(copy));
	ok(copy[0] == 0 && copy[3] == 0, "a copy gives zeros");
	s = rd_sub(&r, 0);
	ok(!rd_ok(&s), "a sub-reader of a failed reader has failed");
	r = rd_init(input, 5);
	s = rd_sub(&r, 6);
	ok(!rd_ok(&s) && !rd_ok(&r) && rd_left(&s) == 0, "a sub-reader longer than its parent fails both");
	r = rd_init(input, 5);
	ok(rd_bytes(&r, SIZE_MAX) == NULL && !rd_ok(&r), "a length that would wrap fails");
	r = rd_init(input, 16);
	ok(rd_uint(&r, 9) == 0 && !rd_ok(&r), "no number has nine bytes");
	r = rd_init(input, 16);
	ok(rd_uint(&r, 0) == 0 && !rd_ok(&r), "nor none");
}

/* A little message: u16 length of a body of u8 kind, u32 value, reduced number of 3 bytes; then a u64. */
static bool
parse(struct rd *r)
{
	struct rd body = rd_sub(r, rd_u16(r));

	(void)rd_u8(&body);
	(void)rd_u32(&body);
	(void)rd_uint(&body, 3);
	(void)rd_u64(r);
	return rd_ok(r) && rd_ok(&body);
}

static void
test_every_prefix(void)
{
	static const uint8_t whole[] = {0, 8, 1, 0, 0, 0, 2, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 4};
	unsigned accepted = 0;
	struct rd r;

	for (size_t len = 0; len < sizeof(whole); len++) {
		uint8_t *cut = malloc(
		    len); /* of this size exactly, so that a sanitizer sees a read too far */

		if (len > 0)
			memcpy(cut, whole, len);
		r = rd_init(cut, len);
		accepted += parse(&r);
		free(cut);
	}
	is_u64(accepted, 0, "no prefix of a message is a message");
	r = rd_init(whole, sizeof(whole));
	ok(parse(&r) && rd_left(&r) == 0, "the whole is");
	r = rd_init(NULL, 0);
	ok(!parse(&r), "no bytes at all are refused, too");
}

int
main(void)
{
	test_values();
	test_sticky();
	test_every_prefix();
	return done_testing();
}
