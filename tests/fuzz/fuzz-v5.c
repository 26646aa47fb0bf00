/* SPDX-License-Identifier: ISC
 *
 * Any bytes as a NetFlow v5 datagram.
 */
#include "tests/fuzz/datagram.h"
#include "tests/fuzz/target.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	fuzz_datagram(PROTO_V5, bytes, len);
	return 0;
}
