/* SPDX-License-Identifier: ISC
 *
 * The key of a stream: one numbering of datagrams. Its canonical bytes sort (memcmp) as streams do:
 * by exporter, port, protocol, agent, domain. That order is the archive's.
 */
#ifndef FLOWBRAID_WIRE_STREAM_H
#define FLOWBRAID_WIRE_STREAM_H

#include <stdint.h>

#include "base/addr.h"
#include "base/rd.h"
#include "base/wr.h"
#include "wire/proto.h"

struct stream_key {
	struct addr exporter;
	struct addr agent;   /* sFlow, else zero */
	uint32_t domain;
	uint16_t port;
	uint8_t proto;       /* enum proto */
};

/* exporter 16, port 2, protocol 1, zero 1, agent 16, domain 4; big-endian */
#define STREAM_KEY_SIZE 40

struct stream_key stream_key_of(const struct addr *exporter, uint16_t port, const struct proto_info *info);
int stream_key_cmp(const struct stream_key *a, const struct stream_key *b);
uint64_t stream_key_hash(const struct stream_key *k);

void stream_key_write(struct wr *w, const struct stream_key *k);
/* What cannot be read sets r's sticky error, as does an unknown protocol or a non-zero filler. */
struct stream_key stream_key_read(struct rd *r);

#endif
