/* SPDX-License-Identifier: ISC
 *
 * Any bytes as a NetFlow v1 datagram.
 */
#include "tests/fuzz/datagram.h"
#include "tests/fuzz/target.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	fuzz_datagram(PROTO_V1, bytes, len);
	return 0;
}
