/* SPDX-License-Identifier: ISC
 *
 * What stands in datagrams and is no flow for whoever prints or exports flows: counted, and said at the end.
 */
#ifndef FLOWBRAID_CLUSTER_UNDECODED_H
#define FLOWBRAID_CLUSTER_UNDECODED_H

#include "archive/reader.h"

struct undecoded {
	uint64_t sets, reserved_sets, malformed_sets, unknown_samples, v8;
	uint64_t faults[FAULT_COUNT_OF_KINDS]; /* datagrams */
};

/* When all flows of a datagram were decoded, or counted. */
void undecoded_note(struct undecoded *u, const struct reader_datagram *d);

void undecoded_tell(const struct undecoded *u);

#endif
