/* SPDX-License-Identifier: ISC
 *
 * The ledger as a JSON document. The same bytes for the same ledger: an archive keeps it.
 */
#include "base/json.h"
#include "cluster/absent.h"
#include "cluster/ledger.h"

static void
json_version(struct json *j, uint8_t proto)
{
	json_key(j, "version");
	if (proto == PROTO_SFLOW5)
		json_text(j, "sflow5");
	else
		json_u64(j, proto);
}

static void
json_wall(struct json *j, const char *key, int64_t ns)
{
	char text[WALL_TEXT_SIZE];

	json_put_text(j, key, wall_text((wall_t){ns}, 9, text));
}

/* Those that there are. */
static void
causes_json(const uint64_t by_cause[CAUSE_COUNT], struct json *j)
{
	json_key(j, "causes");
	json_object(j);
	for (unsigned c = 0; c < CAUSE_COUNT; c++) {
		if (by_cause[c] > 0)
			json_put_u64(j, cause_name((enum cause)c), by_cause[c]);
	}
	json_end(j);
}

static void
stream_json(const struct ledger_epoch *e, struct json *j)
{
	const struct stream_key *k = e->stream;
	char addr[ADDR_TEXT_SIZE];

	json_put_text(j, "exporter", addr_text(&k->exporter, addr));
	json_put_u64(j, "exporterPort", k->port);
	json_version(j, k->proto);
	if (e->epoch->all)
		json_put_text(j, "domain", "all");
	else
		json_put_u64(j, "domain", k->domain);
	if (k->proto == PROTO_SFLOW5)
		json_put_text(j, "agent", addr_text(&k->agent, addr));
}

/* Longest first. What nobody heard has as many causes as nodes have; none: network or exporter. */
static void
longest_json(
    const struct ledger *l, const struct pool *p, const struct missing_longest *longest, struct json *j)
{
	json_array(j);
	for (size_t i = 0; i < longest->count; i++) {
		const struct missing_gap *g = &longest->gaps[i];
		const struct ledger_epoch *e = &l->epochs[g->epoch];

		json_object(j);
		if (g->node != MISSING_ALL)
			json_put_text(j, "node", p->nodes[g->node]);
		stream_json(e, j);
		json_put_u64(j, "epoch", e->epoch->number);
		json_put_text(j, "unit", e->unit);
		json_put_u64(j, "missing", (uint64_t)(g->r.to - g->r.from));
		json_key(j, "range");
		json_array(j);
		json_i64(j, g->r.from);
		json_i64(j, g->r.to - 1);
		json_end(j);
		json_wall(j, "from", g->from_ns);
		json_wall(j, "to", g->to_ns);
		json_key(j, "causes");
		json_array(j);
		for (unsigned c = 0; c < CAUSE_COUNT; c++) {
			if ((g->causes >> c & 1) != 0)
				json_text(j, cause_name((enum cause)c));
		}
		json_end(j);
		json_end(j);
	}
	json_end(j);
}

static void
epoch_json(const struct ledger_epoch *l, const struct pool *p, struct json *j)
{
	json_object(j);
	stream_json(l, j);
	json_put_u64(j, "epoch", l->epoch->number);
	json_wall(j, "first", l->first_ns);
	json_wall(j, "last", l->last_ns);
	json_put_text(j, "unit", l->unit);
	json_put_text(j, "discipline", ledger_discipline_name(l));
	if (!l->epoch->all) /* each datagram is one of a domain, too */
		json_put_u64(j, "datagrams", l->datagrams);
	if (l->selected > 0 && !l->epoch->all)
		json_put_u64(j, "selected", l->selected);
	json_put_u64(j, "heard", l->heard);
	json_put_u64(j, "missing", l->missing);
	json_put_u64(j, "unexplained", l->unexplained);
	json_put_u64(j, "strays", l->strays);
	json_put_u64(j, "conflicts", l->conflicts);
	json_key(j, "ranges");
	json_array(j);
	for (size_t i = 0; i < l->gaps.count; i++) {
		json_array(j);
		json_i64(j, l->gaps.ranges[i].from);
		json_i64(j, l->gaps.ranges[i].to - 1);
		json_end(j);
	}
	json_end(j);
	json_key(j, "nodes");
	json_array(j);
	for (size_t n = 0; n < p->node_count; n++) {
		json_object(j);
		json_put_text(j, "node", p->nodes[n]);
		json_put_u64(j, "heard", l->nodes[n].heard);
		json_put_u64(j, "missing", l->nodes[n].missing);
		causes_json(l->nodes[n].by_cause, j);
		json_end(j);
	}
	json_end(j);
	json_end(j);
}

void
ledger_json(const struct ledger *l, const struct pool *p, const struct absent *removed, struct buf *out)
{
	struct json j;

	json_init(&j, out);
	json_object(&j);
	json_put_text(&j, "cluster", p->cluster);
	json_put_u64(&j, "residual_missing", l->residual);
	json_put_u64(&j, "unexplained", l->unexplained);
	json_put_u64(&j, "heard", l->heard);
	json_key(&j, "loss_percent");
	json_double(&j, ledger_loss(l));
	json_put_u64(&j, "conflicts", l->conflicts);
	json_key(&j, "streams");
	json_array(&j);
	for (size_t i = 0; i < l->count; i++)
		epoch_json(&l->epochs[i], p, &j);
	json_end(&j);
	json_key(&j, "longest");
	longest_json(l, p, &l->gaps, &j);
	json_key(&j, "longest_of_nodes");
	longest_json(l, p, &l->node_gaps, &j);
	if (removed != NULL && removed->count > 0) {
		json_key(&j, "removed");
		absent_json(removed, &j);
	}
	json_end(&j);
	buf_u8(out, '\n');
}
