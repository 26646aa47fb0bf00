/* SPDX-License-Identifier: ISC
 *
 * CRC32C by isa-l, which uses the processor's crc32 and carry-less multiplication, or by tables, eight
 * bytes a step ("slicing by 8", Kounavis and Berry 2005). The tables are made before main runs, so that
 * threads need no lock.
 */
#include "config.h"

#include "base/crc32c.h"

#include <endian.h>
#include <string.h>

#ifdef HAVE_ISAL
#include <isa-l/crc.h>
#endif

#define POLYNOMIAL 0x82f63b78U

static uint32_t tables[8][256];

__attribute__((constructor)) static void
make_tables(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t v = i;

		for (int bit = 0; bit < 8; bit++)
			v = (v >> 1) ^ (v & 1 ? POLYNOMIAL : 0);
		tables[0][i] = v;
	}
	for (uint32_t i = 0; i < 256; i++) {
		for (int k = 1; k < 8; k++)
			tables[k][i] = (tables[k - 1][i] >> 8) ^ tables[0][tables[k - 1][i] & 0xff];
	}
}

uint32_t
crc32c_portable(uint32_t crc, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;
	uint32_t v = ~crc;

	for (; len >= 8; at += 8, len -= 8) {
		uint64_t word;
		uint32_t lo, hi;

		memcpy(&word, at, sizeof(word));
		word = le64toh(word);
		lo = v ^ (uint32_t)word;
		hi = (uint32_t)(word >> 32);
		v = tables[7][lo & 0xff] ^ tables[6][(lo >> 8) & 0xff] ^ tables[5][(lo >> 16) & 0xff] ^
		    tables[4][lo >> 24] ^ tables[3][hi & 0xff] ^ tables[2][(hi >> 8) & 0xff] ^
		    tables[1][(hi >> 16) & 0xff] ^ tables[0][hi >> 24];
	}
	for (; len > 0; at++, len--)
		v = (v >> 8) ^ tables[0][(v ^ *at) & 0xff];
	return ~v;
}

#ifdef HAVE_ISAL
/* crc32_iscsi inverts neither its start value nor its result, takes an int for a length, and a pointer to
 * bytes that it does not change. */
uint32_t
crc32c(uint32_t crc, const void *bytes, size_t len)
{
	const size_t most = 1U << 30;
	union {
		const void *in;
		unsigned char *out;
	} at = {.in = bytes};
	uint32_t v = ~crc;

	for (; len > most; at.out += most, len -= most)
		v = crc32_iscsi(at.out, (int)most, v);
	return ~crc32_iscsi(at.out, (int)len, v);
}
#else
uint32_t
crc32c(uint32_t crc, const void *bytes, size_t len)
{
	return crc32c_portable(crc, bytes, len);
}
#endif
