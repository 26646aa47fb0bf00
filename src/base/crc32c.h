/* SPDX-License-Identifier: ISC
 *
 * CRC32C (Castagnoli, reflected polynomial 0x82F63B78; RFC 3720 appendix B.4 has the vectors).
 * crc32c uses isa-l where it was found at build time, else the portable tables; both give the same.
 */
#ifndef FLOWBRAID_BASE_CRC32C_H
#define FLOWBRAID_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Continues from `crc`, the result over what stood before (0 at the start). Pre- and post-inverted. */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t len);
uint32_t crc32c_portable(uint32_t crc, const void *bytes, size_t len);

#endif
