/* SPDX-License-Identifier: ISC
 *
 * Any bytes as a datagram of any protocol, or none: also v8, which is recognised alone.
 */
#include "tests/fuzz/datagram.h"
#include "tests/fuzz/target.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	fuzz_datagram(PROTO_NONE, bytes, len);
	return 0;
}
