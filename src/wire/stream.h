/* SPDX-License-Identifier: ISC
 *
 * A stream: one numbering of datagrams. Streams are ordered by exporter, port, protocol, agent, domain;
 * files are written in that order.
 */
#ifndef FLOWBRAID_WIRE_STREAM_H
#define FLOWBRAID_WIRE_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/buf.h"
#include "base/rd.h"
#include "wire/proto.h"

struct stream_key {
	struct addr exporter;
	struct addr agent; /* sFlow; else zero */
	uint32_t domain;
	uint16_t port;
	uint8_t proto; /* enum proto */
	bool all;      /* no stream, but all those that differ in the domain alone (which is 0) together */
};

#define STREAM_KEY_SIZE 40

struct stream_key stream_key_of(const struct addr *exporter, uint16_t port, const struct proto_info *info);
int stream_key_cmp(const struct stream_key *a, const struct stream_key *b);
/* What is all of them comes behind the streams. 0: they are of one numbering, which is all but the domain. The streams of one are neighbours in the order of keys. */
int stream_numbering_cmp(const struct stream_key *a, const struct stream_key *b);
uint64_t stream_key_hash(const struct stream_key *k, uint64_t seed); /* hash_bytes_seeded */

/* STREAM_KEY_SIZE canonical bytes: exporter 16, port 2, protocol 1, zero 1, agent 16, domain 4. */
void stream_key_write(struct buf *b, const struct stream_key *k);
/* ERR_CUT, or ERR_MALFORMED for bytes that stream_key_write does not write. */
enum err stream_key_read(struct rd *r, struct stream_key *ret) WARN_UNUSED;

#endif
