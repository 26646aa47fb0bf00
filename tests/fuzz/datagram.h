/* SPDX-License-Identifier: ISC
 *
 * What the targets of the protocols share: one datagram through everything that touches its bytes.
 */
#ifndef FLOWBRAID_TESTS_FUZZ_DATAGRAM_H
#define FLOWBRAID_TESTS_FUZZ_DATAGRAM_H

#include <stddef.h>
#include <stdint.h>

#include "wire/proto.h"
#include "wire/template.h"

/* Recognises, checks, learns templates, decodes, prints. What tells the protocol apart is overwritten, so that a
 * fuzzer need not find it; with PROTO_NONE the bytes stand as they came. */
void fuzz_datagram(enum proto proto, const uint8_t *bytes, size_t len);

/* A definition that was found parses, and is one that a snapshot can hold. ERR_OK, for tmpl_cache_each. */
enum err fuzz_definition(void *ctx, const struct tmpl_def *def);

#endif
