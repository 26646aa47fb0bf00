/* SPDX-License-Identifier: ISC
 *
 * Any bytes as a NetFlow v9 datagram.
 */
#include "tests/fuzz/datagram.h"
#include "tests/fuzz/target.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	fuzz_datagram(PROTO_V9, bytes, len);
	return 0;
}
