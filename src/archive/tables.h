/* SPDX-License-Identifier: ISC
 *
 * Whether the tables of an archive's file are whole: records behind them name sources, definitions and states by their
 * places, which mean nothing when a part of a table was lost. The file's first record tells how long they are, so that
 * damage behind them is known to lie there.
 */
#ifndef FLOWBRAID_ARCHIVE_TABLES_H
#define FLOWBRAID_ARCHIVE_TABLES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "log/check.h"

struct contents {
	uint32_t sources, definitions, states;
	uint64_t events, datagrams;
};
#define CONTENTS_SIZE 28

void contents_write(struct buf *b, const struct contents *c);
enum err contents_read(const uint8_t *body, size_t len, struct contents *ret) WARN_UNUSED;

struct tables {
	bool known;           /* the first record was read */
	struct contents want; /* what it says */
	struct contents got;  /* the reader's: elements read so far */
	bool over;            /* a record that is part of no table was read */
	bool broken;
};

/* A good record, before the reader takes what it holds. ERR_MALFORMED: it should tell the contents and does not. */
enum err tables_record(struct tables *t, const struct record *r) WARN_UNUSED;
void tables_finding(struct tables *t, const struct finding *f);

#endif
