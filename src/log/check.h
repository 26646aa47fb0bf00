/* SPDX-License-Identifier: ISC
 *
 * The validity rules of a segment, all of them, and the only code that decides them. Readers, verify and
 * start-up recovery walk a segment with this; nobody else parses one.
 *
 * Damage is local: what is bad becomes a finding, and the walk goes on at the next good record. A record
 * behind a damaged place is believed only when its sequence lies ahead of the last good one by no more than
 * the skipped bytes can hold, because a payload may contain a forged record.
 */
#ifndef FLOWBRAID_LOG_CHECK_H
#define FLOWBRAID_LOG_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "log/segment.h"

#define FINDING_TEXT_SIZE 112

struct finding {
	uint64_t offset;  /* in the file */
	uint64_t length;  /* bytes that are lost to it; 0: none (a header copy, say) */
	const char *what; /* static text */
	char expected[FINDING_TEXT_SIZE];
	char found[FINDING_TEXT_SIZE];
	bool has_header; /* a record whose header is sound and whose body is not: record tells */
	struct record record;
	uint64_t lost_first, lost_last; /* record sequences lost to it; lost_last < lost_first: none known */
};

enum check_step {
	CHECK_RECORD,  /* a good record */
	CHECK_FINDING, /* something is wrong; go on */
	CHECK_END,     /* the end of the segment; the state below is final */
	CHECK_ERROR,   /* reading failed: errno */
};

struct check; /* opaque, one segment */

/* fd: open for reading; stays the caller's. open_name: the file's name says that it is being written, so a
 * partial last record is its end so far. hash: compare the seal's digest with the bytes (costs SHA-256).
 * Only what the file holds now is read. ERR_MEMORY, ERR_SYSTEM. */
enum err check_open(int fd, bool open_name, bool hash, struct check **ret) WARN_UNUSED;
void check_close(struct check *c);

/* From now on bodies of records of that type are not read: their record's body is NULL, and its header alone speaks for
 * it. Not with hash. */
void check_step_over(struct check *c, enum record_type type);
void check_step_over_none(struct check *c);

/* One step. A record's body stays valid until the next call. */
enum check_step check_next(struct check *c, struct record *ret_record, struct finding *ret_finding);

/* The file is being written, by a node or from a pipe: until check_ends a place that is not whole yet is no damage, and
 * CHECK_END says that nothing more is there so far. The file is looked at anew by each step behind that. Not with hash. */
void check_grows(struct check *c);
void check_ends(struct check *c);

/* Valid after the first step; NULL when no header could be read. */
const struct segment_header *check_header(const struct check *c);

/* Where the record of the last step begins in the file. */
uint64_t check_offset(const struct check *c);

struct check_result {
	bool sealed;      /* a good seal was read */
	struct seal seal; /* when sealed */
	bool torn;        /* an open segment ends within a record */
	uint64_t tail;    /* end of the last good record */
	uint64_t size;    /* of the file */
	uint64_t records; /* good ones, seal included */
	uint64_t findings;
	uint64_t next_sequence; /* behind the last good record */
	bool tail_only;         /* no finding has a good record behind it, and neither a seal nor the header
	                         * speaks against it: what stands before tail is all that is good */
	bool hashed;
	struct sha256 digest; /* with hash: over the chunks before tail, or before the seal when sealed */
};

void check_result(const struct check *c, struct check_result *ret); /* after CHECK_END */

/* The two ends of a segment, without a walk over what stands between: the header (either copy), and the seal.
 * ERR_CUT: too short, or no seal at the end; else as segment_header_read and seal_read; ERR_SYSTEM. */
enum err check_read_header(int fd, struct segment_header *ret) WARN_UNUSED;
enum err check_read_seal(int fd, struct seal *ret) WARN_UNUSED;

struct buf;

/* One record again, at a place that a walk told; seed: record_seed of its segment's incarnation. Its body stands in
 * *body, which is emptied first. ERR_CUT: the file ends before; ERR_CHECKSUM, ERR_MALFORMED: it is no good record
 * (any more); ERR_MEMORY, ERR_SYSTEM. */
enum err check_read_record(
    int fd, uint32_t seed, uint64_t offset, struct buf *body, struct record *ret) WARN_UNUSED;

#endif
