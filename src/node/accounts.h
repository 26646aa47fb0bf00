/* SPDX-License-Identifier: ISC
 *
 * What a collector puts on its second board each second, for /gaps and the metrics of streams: the accounts of all
 * streams that it follows, with the gaps of each.
 */
#ifndef FLOWBRAID_NODE_ACCOUNTS_H
#define FLOWBRAID_NODE_ACCOUNTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "node/account.h"
#include "node/board.h"
#include "node/snapshot.h"

#define ACCOUNTS_ROOM ((size_t)15 << 20)

struct intake;

/* head: what snapshot_begin wrote. */
void accounts_put(struct board *b, const struct buf *head, wall_t started, const struct intake *in);

/* Reading; it does not trust the bytes. */
struct accounts {
	struct snapshot head;
	wall_t started;           /* the collector */
	uint32_t count;           /* streams, and numberings; */
	uint32_t numberings;      /* of which so many */
	uint32_t gaps, gaps_most; /* of all */
	uint64_t joined;
	struct rd streams;
};
/* As snapshot_open, and with snapshot_close(&ret->head). */
enum err accounts_open(const void *bytes, size_t len, struct accounts *ret) WARN_UNUSED;

/* One stream. Of `account` those members are filled whose values are shown: counters, numbers of live, sums of gaps and
 * samples, faults, records, listeners. */
struct accounts_stream {
	struct stream_key key; /* all: of a numbering whose streams share a counter */
	bool shared;           /* it shares a counter, and stands in that of all */
	struct account account;
	wall_t heard;       /* last */
	uint64_t datagrams; /* recorded, also those without a sequence that could be read */
	uint32_t templates;
	bool has_boot;
	wall_t boot;
	uint32_t gaps;
	struct rd ranges; /* so many times what accounts_gap reads */
};
bool accounts_next(struct accounts *a, struct accounts_stream *ret);
bool accounts_gap(struct accounts_stream *s, struct seq_gap *ret);

#endif
