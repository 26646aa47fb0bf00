/* SPDX-License-Identifier: ISC
 *
 * What the parts of make-corpus share.
 */
#ifndef FLOWBRAID_TESTS_FUZZ_MAKE_CORPUS_H
#define FLOWBRAID_TESTS_FUZZ_MAKE_CORPUS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Writes b as NAME/FILE and empties it. */
void save(const char *name, const char *file, struct buf *b);

void put_u16s(struct buf *b, const uint16_t *values, size_t count);
#define PUT_U16S(b, ...) \
	put_u16s((b), (const uint16_t[]){__VA_ARGS__}, \
	    sizeof((const uint16_t[]){__VA_ARGS__}) / sizeof(uint16_t))
void put_v5(struct buf *b, uint16_t flows, uint32_t sequence);
void put_v9_header(struct buf *b, uint16_t records);
/* Template 256: addresses, ports, protocol, bytes, times. */
void put_v9_template(struct buf *b);
/* Options template 257: scope system, then sampling interval and algorithm; padded. */
void put_v9_options_template(struct buf *b);
void put_v9_data(struct buf *b);

void make_segments(void);
void make_archives(void);
void make_selected(void);

#endif
