/* SPDX-License-Identifier: ISC
 *
 * The ledger as a table for people: each exporter's streams with what it sent by its own count, what the cluster heard and what is
 * missing by all; below, each node with what it missed, and why; in the end the longest gaps.
 */
#include <inttypes.h>

#include "cluster/ledger.h"

static void
stream_text(const struct ledger_epoch *e, struct buf *out)
{
	const struct stream_key *k = e->stream;
	char addr[ADDR_TEXT_SIZE];

	buf_printf(out, "exporter %s port %u %s ", addr_text(&k->exporter, addr), k->port,
	    proto_name((enum proto)k->proto));
	if (e->epoch->all)
		buf_text(out, "all domains");
	else
		buf_printf(out, "domain %" PRIu32, k->domain);
	if (k->proto == PROTO_SFLOW5)
		buf_printf(out, " agent %s", addr_text(&k->agent, addr));
}

static void
ranges_text(const struct ledger_epoch *l, struct buf *out)
{
	const size_t most = 8;

	for (size_t i = 0; i < l->gaps.count && i < most; i++) {
		struct seq_range r = l->gaps.ranges[i];

		buf_printf(out, "%s%" PRId64, i == 0 ? "    missing by all: " : ", ", r.from);
		if (r.to - r.from > 1)
			buf_printf(out, "-%" PRId64, r.to - 1);
	}
	if (l->gaps.count > most)
		buf_printf(out, " and %zu more", l->gaps.count - most);
	if (l->gaps.count > 0)
		buf_u8(out, '\n');
}

static void
causes_text(const uint64_t by_cause[CAUSE_COUNT], struct buf *out)
{
	const char *before = "   ";

	for (unsigned c = 0; c < CAUSE_COUNT; c++) {
		if (by_cause[c] == 0)
			continue;
		buf_printf(out, "%s%s %" PRIu64, before, cause_text((enum cause)c), by_cause[c]);
		before = ", ";
	}
}

static void
line_text(const char *who, uint64_t heard, uint64_t missing, struct buf *out)
{
	buf_printf(out, "    %-20s heard %10" PRIu64 "   missing %10" PRIu64 "   %6.2f %%", who, heard,
	    missing, ledger_percent(missing, heard));
}

static void
epoch_text(const struct ledger_epoch *e, const struct pool *p, struct buf *out)
{
	char first[WALL_TEXT_SIZE], last[WALL_TEXT_SIZE];

	stream_text(e, out);
	buf_printf(out, ", epoch %" PRIu32 ", %s to %s, ", e->epoch->number,
	    wall_text((wall_t){e->first_ns}, 0, first), wall_text((wall_t){e->last_ns}, 0, last));
	if (e->epoch->shared)
		buf_printf(out, "counted with all domains of its exporter, see there; %s\n", e->unit);
	else if (e->discipline == SEQ_NONE)
		buf_printf(out, "counts nothing that can be accounted; %s\n", e->unit);
	else
		buf_printf(out, "sent %" PRIu64 " %s by its own count (%s)\n", e->heard + e->missing, e->unit,
		    ledger_discipline_name(e));
	line_text("cluster", e->heard, e->missing, out);
	if (e->unexplained > 0)
		buf_printf(out, "   network or exporter %" PRIu64, e->unexplained);
	buf_u8(out, '\n');
	for (size_t n = 0; n < p->node_count; n++) {
		line_text(p->nodes[n], e->nodes[n].heard, e->nodes[n].missing, out);
		causes_text(e->nodes[n].by_cause, out);
		buf_u8(out, '\n');
	}
	if (e->selected > 0 && !e->epoch->all)
		buf_printf(
		    out, "    datagrams of which only selected flows are kept: %" PRIu64 "\n", e->selected);
	if (e->strays > 0)
		buf_printf(out, "    stray datagrams (not accounted): %" PRIu64 "\n", e->strays);
	if (e->conflicts > 0)
		buf_printf(out, "    conflicts (one number, two datagrams): %" PRIu64 "\n", e->conflicts);
	ranges_text(e, out);
}

static void
gap_text(const struct ledger *l, const struct pool *p, const struct missing_gap *g, struct buf *out)
{
	const struct ledger_epoch *e = &l->epochs[g->epoch];
	char from[WALL_TEXT_SIZE], to[WALL_TEXT_SIZE];
	const char *before = ": ";

	buf_printf(out, "    %" PRId64 " %s, %s to %s, %s, ", g->r.to - g->r.from, e->unit,
	    wall_text((wall_t){g->from_ns}, 3, from), wall_text((wall_t){g->to_ns}, 3, to),
	    g->node == MISSING_ALL ? "by all" : p->nodes[g->node]);
	stream_text(e, out);
	if (g->causes == 0)
		buf_text(out, ": network or exporter");
	for (unsigned c = 0; c < CAUSE_COUNT; c++) {
		if ((g->causes >> c & 1) == 0)
			continue;
		buf_printf(out, "%s%s", before, cause_text((enum cause)c));
		before = ", ";
	}
	buf_u8(out, '\n');
}

static void
longest_text(const struct ledger *l, const struct pool *p, const struct missing_longest *longest,
    const char *head, struct buf *out)
{
	if (longest->count > 0)
		buf_text(out, head);
	for (size_t i = 0; i < longest->count; i++)
		gap_text(l, p, &longest->gaps[i], out);
}

void
ledger_text(const struct ledger *l, const struct pool *p, struct buf *out)
{
	for (size_t i = 0; i < l->count; i++)
		epoch_text(&l->epochs[i], p, out);
	longest_text(l, p, &l->gaps, "longest gaps that nobody heard\n", out);
	longest_text(l, p, &l->node_gaps, "longest gaps of nodes\n", out);
	buf_printf(out, "%zu streams and epochs, missing by all: %" PRIu64 " (%.4f %%)\n", l->count,
	    l->residual, ledger_loss(l));
}
