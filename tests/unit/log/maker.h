/* SPDX-License-Identifier: ISC
 *
 * Segments for tests of the log layer, in memory: made by the appender, sealed as the store does it.
 */
#ifndef FLOWBRAID_TESTS_LOG_MAKER_H
#define FLOWBRAID_TESTS_LOG_MAKER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "log/append.h"
#include "log/check.h"

#define MAKER_BLOCKS 8
#define MAKER_INCARNATION 0x1122334455667788ULL

/* A sink that keeps what it is given. One segment: a second one goes to `next` when that is there. */
struct maker {
	struct appender appender;
	struct block *blocks[MAKER_BLOCKS]; /* free ones */
	unsigned free, least;               /* blocks to be had; fewer than least are not given */
	struct buf out;                     /* the segment so far, seal included */
	struct buf digests;
	unsigned sealed, gives;
	struct seal seal; /* the last one */
};

void maker_init(struct maker *m, uint64_t first_sequence);
void maker_clear(struct maker *m);

/* A datagram record whose body is `len` bytes made from the sequence. */
enum err maker_datagram(struct maker *m, size_t len);
void maker_body(uint64_t sequence, uint8_t *out, size_t len);

/* A whole small segment: `count` datagrams of `len` bytes each, an event among them, and a seal if wanted. */
void maker_segment(struct buf *ret, unsigned count, size_t len, uint64_t first_sequence, bool seal);

/* Where record number `index` of a segment begins. */
size_t maker_offset(const struct buf *segment, unsigned index);

/* A walk over bytes as a file of their own. */
struct walk {
	unsigned records, findings;
	uint64_t sequences[64]; /* of the first records */
	struct finding first;   /* with findings */
	struct finding last;
	struct check_result result;
	bool has_header;
	bool failed;
};

void walk_bytes(const void *bytes, size_t len, bool open_name, bool hash, struct walk *ret);
void walk_fd(int fd, bool open_name, bool hash, struct walk *ret);

#endif
