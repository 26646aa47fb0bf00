/* SPDX-License-Identifier: ISC
 *
 * The growable buffer: contents after growth, big-endian numbers, decimal, sticky failure.
 */
#include "base/buf.h"

#include "tests/tap.h"

static void
test_numbers(void)
{
	static const uint8_t want[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
	struct buf b = BUF_INIT;

	buf_u8(&b, 0x01);
	buf_u16(&b, 0x0203);
	buf_u32(&b, 0x04050607);
	buf_u64(&b, 0x08090a0b0c0d0e0f);
	ok(b.len == sizeof(want) && memcmp(b.data, want, sizeof(want)) == 0, "numbers are big-endian");
	buf_clear(&b);
	ok(b.data == NULL && b.len == 0 && b.room == 0 && buf_ok(&b), "a cleared buffer is like a new one");
}

static void
test_decimal(void)
{
	static const uint64_t values[] = {0, 9, 10, 99, 4294967295, 18446744073709551615U};
	struct buf b = BUF_INIT;
	char want[32];

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		buf_reset(&b);
		buf_decimal(&b, values[i]);
		buf_u8(&b, 0);
		snprintf(want, sizeof(want), "%" PRIu64, values[i]);
		is_text((char *)b.data, want, "decimal %s", want);
	}
	buf_clear(&b);
}

static void
test_growth(void)
{
	struct buf b = BUF_INIT;
	bool same = true;

	for (unsigned i = 0; i < 100000; i++)
		buf_u32(&b, i);
	for (unsigned i = 0; i < 100000; i++) {
		const uint8_t *p = b.data + 4 * i;

		same = same &&
		    ((uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]) == i;
	}
	is_u64(b.len, 400000, "length after 100,000 numbers");
	ok(same && buf_ok(&b), "growing keeps what was there");
	buf_clear(&b);
}

static void
test_printf(void)
{
	struct buf b = BUF_INIT;

	buf_text(&b, "a=");
	buf_printf(&b, "%d,%s", 42, "x");
	buf_bytes(&b, NULL, 0);
	buf_printf(&b, "%300s", "end");
	is_u64(b.len, 306, "printf counts no NUL");
	ok(memcmp(b.data, "a=42,x   ", 9) == 0 && memcmp(b.data + 303, "end", 3) == 0, "printf appends");
	buf_clear(&b);
}

static void
test_failure(void)
{
	struct buf b = BUF_INIT;

	buf_text(&b, "kept");
	ok(buf_room(&b, SIZE_MAX / 2) == NULL && !buf_ok(&b), "a length that cannot be had fails");
	buf_text(&b, "lost");
	ok(b.len == 4 && memcmp(b.data, "kept", 4) == 0, "after a failure nothing is appended");
	buf_clear(&b);
	buf_text(&b, "again");
	ok(buf_ok(&b) && b.len == 5, "clearing ends the failure");
	buf_clear(&b);
}

int
main(void)
{
	test_numbers();
	test_decimal();
	test_growth();
	test_printf();
	test_failure();
	return done_testing();
}
