/* SPDX-License-Identifier: ISC
 *
 * CRC32C by isa-l, which uses the processor's crc32 and carry-less multiplication, or by tables, eight
 * bytes a step ("slicing by 8", Kounavis and Berry 2005). The tables are made before main runs, so that
 * threads need no lock.
 */
#include "config.h"

#include "base/crc32c.h"

#include <endian.h>
#include <stdbool.h>
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

#if defined(HAVE_ISAL) && defined(__x86_64__)
/* isa-l takes some 20 ns to come to its point. For a record header the plain instruction has ended by then. */
#define SHORT_MOST 128

static bool have_instruction, have_avx;

__attribute__((constructor)) static void
look_for_instructions(void)
{
	__builtin_cpu_init();
	have_instruction = __builtin_cpu_supports("sse4.2") != 0;
	have_avx = __builtin_cpu_supports("avx") != 0;
}

static inline bool
is_short(size_t len)
{
	return len <= SHORT_MOST && have_instruction;
}

__attribute__((target("sse4.2"))) static uint32_t
crc32c_short(uint32_t crc, const uint8_t *at, size_t len)
{
	uint64_t v = ~crc;

	for (; len >= 8; at += 8, len -= 8) {
		uint64_t word;

		memcpy(&word, at, sizeof(word));
		v = __builtin_ia32_crc32di(v, word);
	}
	if (len >= 4) {
		uint32_t word;

		memcpy(&word, at, sizeof(word));
		v = __builtin_ia32_crc32si((uint32_t)v, word);
		at += 4;
		len -= 4;
	}
	for (; len > 0; at++, len--)
		v = __builtin_ia32_crc32qi((uint32_t)v, *at);
	return ~(uint32_t)v;
}

/* isa-l leaves the upper halves of vector registers in use; SHA-256 after it takes a third longer then. */
__attribute__((target("avx"), noinline)) static void
release_vectors(void)
{
	__builtin_ia32_vzeroupper();
}

static inline void
tidy(void)
{
	if (have_avx)
		release_vectors();
}
#elif defined(HAVE_ISAL)
static inline bool
is_short(size_t len)
{
	(void)len;
	return false;
}

static uint32_t
crc32c_short(uint32_t crc, const uint8_t *at, size_t len)
{
	return crc32c_portable(crc, at, len);
}

static inline void
tidy(void)
{
}
#endif

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

	if (is_short(len))
		return crc32c_short(crc, bytes, len);
	for (; len > most; at.out += most, len -= most)
		v = crc32_iscsi(at.out, (int)most, v);
	v = crc32_iscsi(at.out, (int)len, v);
	tidy();
	return ~v;
}
#else
uint32_t
crc32c(uint32_t crc, const void *bytes, size_t len)
{
	return crc32c_portable(crc, bytes, len);
}
#endif
