/* SPDX-License-Identifier: ISC
 *
 * What the targets of the protocols share: one datagram through everything that touches its bytes.
 */
#ifndef FLOWBRAID_TESTS_FUZZ_DATAGRAM_H
#define FLOWBRAID_TESTS_FUZZ_DATAGRAM_H

#include <stddef.h>
#include <stdint.h>

/* Recognises, checks, learns templates, decodes, prints; the version word is overwritten, so that a fuzzer need
 * not find it (0: sFlow's 5, which has 32 bits). */
void fuzz_datagram(uint16_t version, const uint8_t *bytes, size_t len);

#endif
