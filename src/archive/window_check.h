/* SPDX-License-Identifier: ISC
 *
 * What no checksum says of an archive's file: that its bodies have their form and order, that each payload is what its
 * entry says, and that all of what its first record promises is there.
 */
#ifndef FLOWBRAID_ARCHIVE_WINDOW_CHECK_H
#define FLOWBRAID_ARCHIVE_WINDOW_CHECK_H

#include "archive/entry.h"
#include "archive/tables.h"

struct window_check {
	bool quick;    /* payloads are left as they are */
	bool damaged;  /* log/check had a finding: numbers cannot be as promised */
	bool skip;     /* the next payloads have lost their entries */
	bool has_last; /* a datagram was before */
	struct entry last;
	struct tables tables;
	struct contents got;
	struct pair pair;
	struct selected_reader *reader; /* owned; NULL: none was needed yet */
};

/* A good record, in order. False: *ret_finding says what is wrong (offset and record excepted). ERR_UNKNOWN in *ret_error:
 * this build cannot read its compression; ERR_MEMORY. */
bool window_check_record(struct window_check *w, enum segment_kind kind, const struct record *r,
    struct finding *ret_finding, enum err *ret_error);
/* log/check had a finding. */
void window_check_damage(struct window_check *w, const struct finding *f);
void window_check_clear(struct window_check *w);

#endif
