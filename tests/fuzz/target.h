/* SPDX-License-Identifier: ISC
 *
 * What a fuzz target defines: takes any bytes, returns 0, and neither crashes nor leaks.
 */
#ifndef FLOWBRAID_TESTS_FUZZ_TARGET_H
#define FLOWBRAID_TESTS_FUZZ_TARGET_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static inline void
must(int truth)
{
	if (!truth)
		abort();
}

#endif
