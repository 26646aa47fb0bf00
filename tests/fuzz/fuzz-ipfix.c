/* SPDX-License-Identifier: ISC
 *
 * Any bytes as an IPFIX message.
 */
#include "tests/fuzz/datagram.h"
#include "tests/fuzz/target.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	fuzz_datagram(PROTO_IPFIX, bytes, len);
	return 0;
}
