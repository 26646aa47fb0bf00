/* SPDX-License-Identifier: ISC
 *
 * CRC32C: the vectors of RFC 3720 appendix B.4, and both implementations against each other on random
 * lengths, alignments and cuts.
 */
#include "base/crc32c.h"

#include "tests/tap.h"

static uint64_t seed = 1;

static uint32_t
next_random(void)
{
	seed = seed * 6364136223846793005U + 1442695040888963407U;
	return (uint32_t)(seed >> 33);
}

static void
test_vectors(void)
{
	static const uint8_t read_command[48] = {0x01, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x14,
	    0, 0, 0, 0, 0, 0x04, 0, 0, 0, 0, 0x14, 0, 0, 0, 0x18, 0x28, 0, 0, 0, 0, 0, 0, 0, 0x02};
	uint8_t zeros[32] = {0}, ones[32], up[32], down[32];
	struct {
		const char *name;
		const uint8_t *bytes;
		size_t len;
		uint32_t want;
	} cases[] = {
	    {"32 zeros", zeros, 32, 0x8a9136aa},
	    {"32 ones", ones, 32, 0x62a8ab43},
	    {"32 incrementing", up, 32, 0x46dd794e},
	    {"32 decrementing", down, 32, 0x113fdb5c},
	    {"an iSCSI read command", read_command, 48, 0xd9963a56},
	    {"123456789", (const uint8_t *)"123456789", 9, 0xe3069283},
	    {"nothing", zeros, 0, 0},
	};

	memset(ones, 0xff, sizeof(ones));
	for (uint8_t i = 0; i < 32; i++) {
		up[i] = i;
		down[i] = (uint8_t)(31 - i);
	}
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		is_u64(crc32c(0, cases[i].bytes, cases[i].len), cases[i].want, "%s", cases[i].name);
		is_u64(crc32c_portable(0, cases[i].bytes, cases[i].len), cases[i].want, "%s, portable",
		    cases[i].name);
	}
}

static void
test_agreement(void)
{
	static uint8_t bytes[9000];
	unsigned differ = 0, broken = 0;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)next_random();
	for (unsigned round = 0; round < 20000; round++) {
		size_t at = next_random() % 64;
		size_t len = round % 4 == 0 ? next_random() % 8000 : next_random() % 200;
		size_t cut = next_random() % (len + 1);
		uint32_t start = next_random();
		uint32_t whole = crc32c(start, bytes + at, len);

		differ += whole != crc32c_portable(start, bytes + at, len);
		broken += whole != crc32c(crc32c(start, bytes + at, cut), bytes + at + cut, len - cut);
		broken += whole !=
		    crc32c_portable(crc32c(start, bytes + at, cut), bytes + at + cut, len - cut);
	}
	is_u64(differ, 0, "both implementations agree on 20,000 random pieces");
	is_u64(broken, 0, "a sum in two parts is the sum of the whole");
}

int
main(void)
{
	test_vectors();
	test_agreement();
	return done_testing();
}
