/* SPDX-License-Identifier: ISC
 *
 * The bounded writer: what it writes the reader reads, and it never writes past the end.
 */
#include "base/wr.h"

#include "base/rd.h"
#include "tests/tap.h"

static void
put_all(struct wr *w)
{
	wr_u8(w, 0x12);
	wr_u16(w, 0x3456);
	wr_u32(w, 0x789abcde);
	wr_u64(w, 0xf00102030405060);
	wr_bytes(w, "xyz", 3);
	wr_zeros(w, 2);
}

#define ALL 20

int
main(void)
{
	uint8_t out[ALL + 1];
	struct wr w = wr_init(out, ALL);
	struct rd r;
	unsigned wrong = 0;

	put_all(&w);
	ok(wr_ok(&w) && wr_len(&w) == ALL && wr_left(&w) == 0, "all of it fits");
	r = rd_init(out, wr_len(&w));
	ok(rd_u8(&r) == 0x12 && rd_u16(&r) == 0x3456 && rd_u32(&r) == 0x789abcde &&
		rd_u64(&r) == 0xf00102030405060,
	    "the reader reads what was written");
	ok(memcmp(rd_bytes(&r, 3), "xyz", 3) == 0 && rd_u16(&r) == 0 && rd_ok(&r), "bytes and zeros, too");
	for (size_t size = 0; size < ALL; size++) {
		memset(out, 0xee, sizeof(out));
		w = wr_init(out, size);
		put_all(&w);
		wrong += wr_ok(&w) || wr_len(&w) > size;
		for (size_t i = size; i < sizeof(out); i++)
			wrong += out[i] != 0xee;
	}
	is_u64(wrong, 0, "in less room it fails, and touches nothing behind the end");
	w = wr_init(out, 3);
	wr_u32(&w, 1);
	wr_u8(&w, 1);
	ok(!wr_ok(&w) && wr_len(&w) == 0, "the error is sticky");
	ok(wr_room(&w, 0) == NULL, "and there is no room left");
	return done_testing();
}
