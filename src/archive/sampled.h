/* SPDX-License-Identifier: ISC
 *
 * What options records have told of sampling so far, stream by stream, for whoever reads datagrams once.
 */
#ifndef FLOWBRAID_ARCHIVE_SAMPLED_H
#define FLOWBRAID_ARCHIVE_SAMPLED_H

#include "base/err.h"
#include "flow/decode.h"
#include "flow/sampling.h"
#include "wire/stream.h"

struct sampled;

struct sampled *sampled_new(uint64_t seed); /* NULL: memory is out */
void sampled_free(struct sampled *s);       /* NULL is fine */

/* Takes over what a datagram of v9 or IPFIX tells. Streams beyond a limit are passed over. */
enum err sampled_learn(struct sampled *s, const struct stream_key *key, const struct proto_info *info,
    const uint8_t *payload, size_t len, decode_resolve resolve, void *ctx) WARN_UNUSED;

/* NULL: nothing is known. Lives until the next call of sampled_learn. */
const struct sampling_state *sampled_of(const struct sampled *s, const struct stream_key *key);

#endif
