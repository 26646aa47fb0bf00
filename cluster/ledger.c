/* SPDX-License-Identifier: ISC
 *
 * See ledger.h. All counting is set arithmetic over unwrapped sequence numbers: what one node missed is the
 * cluster's span without what that node heard, what everybody missed is the span without what anybody heard.
 */
#include "cluster/ledger.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/spill.h"
#include "cluster/absent.h"

static const char *
unit_of(const struct stream_key *k, enum seq_discipline d)
{
	if (d == SEQ_DATAGRAMS || d == SEQ_NONE)
		return "datagrams";
	return k->proto == PROTO_IPFIX ? "records" : "flows";
}

static int
i64_cmp(const void *va, const void *vb)
{
	int64_t a = *(const int64_t *)va, b = *(const int64_t *)vb;

	return a < b ? -1 : a > b;
}

static bool
is_chosen(const struct pool *p, const struct seq_item *item)
{
	return item->tag >= p->first && item->tag < p->end;
}

/* Different datagrams of one epoch that bear data under one number. */
static enum err
count_conflicts(const struct pool *p, const struct seq_item *items, size_t count, uint64_t *ret)
{
	int64_t *positions = malloc((count + 1) * sizeof(*positions));
	size_t n = 0;

	if (positions == NULL)
		return ERR_MEMORY;
	for (size_t i = 0; i < count; i++) {
		if (items[i].data && !items[i].stray && is_chosen(p, &items[i]))
			positions[n++] = items[i].position;
	}
	qsort(positions, n, sizeof(*positions), i64_cmp);
	for (size_t i = 1; i < n; i++)
		*ret += positions[i] == positions[i - 1];
	free(positions);
	return ERR_OK;
}

/* What only datagrams of the span tell; *span: from their first unit to behind their last. */
static void
note_chosen(struct ledger_epoch *l, const struct pool_datagram *d, const struct seq_item *item,
    struct seq_range covers, struct seq_range *span)
{
	l->datagrams++;
	l->strays += item->stray;
	if (l->first_ns > d->time_ns)
		l->first_ns = d->time_ns;
	if (l->last_ns < d->time_ns)
		l->last_ns = d->time_ns;
	if (covers.from == covers.to)
		return;
	if (span->from == span->to)
		*span = covers;
	if (span->from > covers.from)
		span->from = covers.from;
	if (span->to < covers.to)
		span->to = covers.to;
}

/* What the cluster heard, and for each node what it heard, as closed sets. */
static enum err
gather(const struct pool *p, const struct plan *plan, struct ledger_epoch *l, struct seq_set *all,
    struct seq_set *each, struct seq_range *span)
{
	const struct seq_item *items = &plan->items[l->epoch->first];
	enum err e = ERR_OK;

	for (size_t i = 0; i < l->epoch->count && e == ERR_OK; i++) {
		const struct pool_datagram *d = &p->datagrams[items[i].tag];
		struct seq_range covers = seq_covers(l->discipline, &items[i]);

		spill_pause();
		if (is_chosen(p, &items[i]))
			note_chosen(l, d, &items[i], covers, span);
		e = seq_set_add(all, covers);
		for (uint32_t k = 0; k < d->hearings && e == ERR_OK; k++) {
			uint32_t node = p->sources[p->witnesses[d->hearing + k].source].node;

			if (k > 0 && node == p->sources[p->witnesses[d->hearing + k - 1].source].node)
				continue;
			e = seq_set_add(&each[node], covers);
			if (l->discipline == SEQ_NONE && is_chosen(p, &items[i]))
				l->nodes[node].heard++;
		}
	}
	seq_set_close(all);
	for (size_t n = 0; n < p->node_count; n++)
		seq_set_close(&each[n]);
	return e;
}

static enum err
account(const struct pool *p, const struct plan *plan, struct ledger_epoch *l, struct seq_set *all,
    struct seq_set *each)
{
	struct seq_range span = {0, 0};
	enum err e = gather(p, plan, l, all, each, &span);
	uint64_t units;

	l->heard = l->discipline == SEQ_NONE ? l->datagrams : 0;
	if (e != ERR_OK || span.from == span.to)
		return e;
	units = (uint64_t)(span.to - span.from);
	e = seq_set_missing(all, span, &l->gaps);
	l->missing = seq_set_units(&l->gaps);
	l->heard = units - l->missing;
	for (size_t n = 0; n < p->node_count && e == ERR_OK; n++) {
		struct seq_set missing = {0};

		e = seq_set_missing(&each[n], span, &missing);
		l->nodes[n].missing = seq_set_units(&missing);
		l->nodes[n].heard = units - l->nodes[n].missing;
		seq_set_clear(&missing);
	}
	if (e == ERR_OK)
		e = count_conflicts(p, &plan->items[l->epoch->first], l->epoch->count, &l->conflicts);
	return e;
}

static enum err
make_epoch(
    const struct pool *p, const struct plan *plan, const struct plan_epoch *epoch, struct ledger_epoch *ret)
{
	struct ledger_epoch l = {.epoch = epoch,
	    .stream = &p->streams[epoch->stream].key,
	    .discipline = epoch->discipline,
	    .first_ns = INT64_MAX,
	    .last_ns = INT64_MIN};
	struct seq_set all = {0}, *each = calloc(p->node_count + 1, sizeof(*each));
	enum err e = ERR_MEMORY;

	l.unit = unit_of(l.stream, l.discipline);
	l.nodes = calloc(p->node_count + 1, sizeof(*l.nodes));
	if (each != NULL && l.nodes != NULL)
		e = account(p, plan, &l, &all, each);
	for (size_t n = 0; each != NULL && n < p->node_count; n++)
		seq_set_clear(&each[n]);
	free(each);
	seq_set_clear(&all);
	*ret = l;
	return e;
}

static void
epoch_clear(struct ledger_epoch *l)
{
	seq_set_clear(&l->gaps);
	free(l->nodes);
	*l = (struct ledger_epoch){.nodes = NULL};
}

enum err
ledger_make(const struct pool *p, const struct plan *plan, struct ledger *ret)
{
	struct ledger l = {.epochs = calloc(plan->epoch_count + 1, sizeof(*l.epochs))};
	enum err e = l.epochs != NULL ? ERR_OK : ERR_MEMORY;

	for (size_t i = 0; i < plan->epoch_count && e == ERR_OK; i++) {
		if (p->streams[plan->epochs[i].stream].key.proto == PROTO_NONE)
			continue;
		e = make_epoch(p, plan, &plan->epochs[i], &l.epochs[l.count]);
		l.residual += l.epochs[l.count].missing;
		l.conflicts += l.epochs[l.count].conflicts;
		l.count++;
		if (e == ERR_OK && l.epochs[l.count - 1].datagrams == 0) /* none of the span */
			epoch_clear(&l.epochs[--l.count]);
	}
	if (e != ERR_OK) {
		ledger_clear(&l);
		return e;
	}
	*ret = l;
	return ERR_OK;
}

void
ledger_clear(struct ledger *l)
{
	for (size_t i = 0; i < l->count; i++)
		epoch_clear(&l->epochs[i]);
	free(l->epochs);
	*l = (struct ledger){0};
}

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

static void
epoch_json(const struct ledger_epoch *l, const struct pool *p, struct json *j)
{
	char addr[ADDR_TEXT_SIZE];

	json_object(j);
	json_put_text(j, "exporter", addr_text(&l->stream->exporter, addr));
	json_put_u64(j, "exporterPort", l->stream->port);
	json_version(j, l->stream->proto);
	json_put_u64(j, "domain", l->stream->domain);
	if (l->stream->proto == PROTO_SFLOW5)
		json_put_text(j, "agent", addr_text(&l->stream->agent, addr));
	json_put_u64(j, "epoch", l->epoch->number);
	json_wall(j, "first", l->first_ns);
	json_wall(j, "last", l->last_ns);
	json_put_text(j, "unit", l->unit);
	json_put_text(j, "discipline", seq_discipline_name(l->discipline));
	json_put_u64(j, "datagrams", l->datagrams);
	json_put_u64(j, "heard", l->heard);
	json_put_u64(j, "missing", l->missing);
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
	json_put_u64(&j, "conflicts", l->conflicts);
	json_key(&j, "streams");
	json_array(&j);
	for (size_t i = 0; i < l->count; i++)
		epoch_json(&l->epochs[i], p, &j);
	json_end(&j);
	if (removed != NULL && removed->count > 0) {
		json_key(&j, "removed");
		absent_json(removed, &j);
	}
	json_end(&j);
	buf_u8(out, '\n');
}

static void
stream_text(const struct stream_key *k, struct buf *out)
{
	char addr[ADDR_TEXT_SIZE];

	buf_printf(out, "exporter %s port %u %s domain %" PRIu32, addr_text(&k->exporter, addr), k->port,
	    proto_name((enum proto)k->proto), k->domain);
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

static double
percent(uint64_t missing, uint64_t heard)
{
	return missing + heard > 0 ? 100.0 * (double)missing / (double)(missing + heard) : 0;
}

void
ledger_text(const struct ledger *l, const struct pool *p, struct buf *out)
{
	for (size_t i = 0; i < l->count; i++) {
		const struct ledger_epoch *e = &l->epochs[i];
		char first[WALL_TEXT_SIZE], last[WALL_TEXT_SIZE];

		stream_text(e->stream, out);
		buf_printf(out, ", epoch %" PRIu32 ", %s to %s, counted in %s (%s)\n", e->epoch->number,
		    wall_text((wall_t){e->first_ns}, 0, first), wall_text((wall_t){e->last_ns}, 0, last),
		    e->unit, seq_discipline_name(e->discipline));
		buf_printf(out, "    %-20s heard %10" PRIu64 "   missing %10" PRIu64 "   %6.2f %%\n",
		    "cluster", e->heard, e->missing, percent(e->missing, e->heard));
		for (size_t n = 0; n < p->node_count; n++) {
			buf_printf(out, "    %-20s heard %10" PRIu64 "   missing %10" PRIu64 "   %6.2f %%\n",
			    p->nodes[n], e->nodes[n].heard, e->nodes[n].missing,
			    percent(e->nodes[n].missing, e->nodes[n].heard));
		}
		if (e->strays > 0)
			buf_printf(out, "    stray datagrams (not accounted): %" PRIu64 "\n", e->strays);
		if (e->conflicts > 0)
			buf_printf(
			    out, "    conflicts (one number, two datagrams): %" PRIu64 "\n", e->conflicts);
		ranges_text(e, out);
	}
	buf_printf(out, "%zu streams and epochs, missing by all: %" PRIu64 "\n", l->count, l->residual);
}
