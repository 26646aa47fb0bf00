/* SPDX-License-Identifier: ISC
 *
 * See conflicts.h. The ledger has counted; only epochs in which it found some are looked at again.
 */
#include "cluster/conflicts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

struct numbered {
	int64_t position;
	uint32_t datagram;
};

static int
by_position(const void *va, const void *vb)
{
	const struct numbered *a = va, *b = vb;

	if (a->position != b->position)
		return a->position < b->position ? -1 : 1;
	return a->datagram < b->datagram ? -1 : a->datagram > b->datagram;
}

static enum err
note(struct conflicts *c, const struct ledger_epoch *l, uint32_t sequence, const struct numbered *n,
    size_t count)
{
	struct conflict one = {.epoch = l, .sequence = sequence, .count = count, .first = c->datagram_count};

	if (c->count == CONFLICTS_MOST) {
		c->more++;
		return ERR_OK;
	}
	for (; one.listed < count && one.listed < CONFLICTS_DATAGRAMS_MOST; one.listed++) {
		if (array_grow(c->datagrams, c->datagram_room, c->datagram_count) != ERR_OK)
			return ERR_MEMORY;
		c->datagrams[c->datagram_count++] = n[one.listed].datagram;
	}
	if (array_grow(c->list, c->room, c->count) != ERR_OK)
		return ERR_MEMORY;
	c->list[c->count++] = one;
	return ERR_OK;
}

static enum err
look_at_epoch(
    const struct pool *p, const struct plan *plan, const struct ledger_epoch *l, struct conflicts *c)
{
	const struct seq_item *items = plan_epoch_items(plan, l->epoch);
	struct numbered *all = malloc((l->epoch->count + 1) * sizeof(*all));
	size_t n = 0;
	enum err e = all != NULL ? ERR_OK : ERR_MEMORY;

	for (size_t i = 0; i < l->epoch->count && e == ERR_OK; i++) {
		if (ledger_is_numbered(p, l->discipline, &items[i]))
			all[n++] = (struct numbered){items[i].position, items[i].tag};
	}
	if (n > 0)
		qsort(all, n, sizeof(*all), by_position);
	for (size_t i = 0, end; i < n && e == ERR_OK; i = end) {
		for (end = i + 1; end < n && all[end].position == all[i].position; end++)
			continue;
		if (end - i > 1)
			e = note(c, l, p->datagrams[all[i].datagram].sequence, &all[i], end - i);
	}
	free(all);
	return e;
}

enum err
conflicts_find(const struct pool *p, const struct plan *plan, const struct ledger *l, struct conflicts *ret)
{
	struct conflicts c = {.list = NULL};
	enum err e = ERR_OK;

	for (size_t i = 0; i < l->count && e == ERR_OK; i++) {
		if (l->epochs[i].conflicts > 0)
			e = look_at_epoch(p, plan, &l->epochs[i], &c);
	}
	if (e != ERR_OK) {
		conflicts_clear(&c);
		return e;
	}
	*ret = c;
	return ERR_OK;
}

void
conflicts_clear(struct conflicts *c)
{
	free(c->list);
	free(c->datagrams);
	*c = (struct conflicts){.list = NULL};
}

/* Witnesses stand by node. */
static bool
next_node(const struct pool *p, const struct pool_datagram *d, uint32_t *at, const char **ret)
{
	const struct witness *w = &p->witnesses[d->hearing];
	uint32_t node;

	if (*at == d->hearings)
		return false;
	node = p->sources[w[*at].source].node;
	*ret = p->nodes[node];
	while (*at < d->hearings && p->sources[w[*at].source].node == node)
		(*at)++;
	return true;
}

static void
payload_json(const struct pool *p, const struct pool_datagram *d, struct json *j)
{
	char text[WALL_TEXT_SIZE], digest[DIGEST128_TEXT_SIZE];
	const char *node;
	uint32_t at = 0;

	json_object(j);
	json_put_text(j, "digest", digest128_text(&d->digest, digest));
	json_put_u64(j, "bytes", d->len);
	json_put_text(j, "time", wall_text((wall_t){d->time_ns}, 9, text));
	json_key(j, "nodes");
	json_array(j);
	while (next_node(p, d, &at, &node))
		json_text(j, node);
	json_end(j);
	json_end(j);
}

void
conflicts_json(const struct conflicts *c, const struct pool *p, struct json *j)
{
	char addr[ADDR_TEXT_SIZE];

	json_array(j);
	for (size_t i = 0; i < c->count; i++) {
		const struct conflict *one = &c->list[i];
		const struct stream_key *key = one->epoch->stream;
		const char *version = proto_version_json((enum proto)key->proto);

		json_object(j);
		json_put_text(j, "exporter", addr_text(&key->exporter, addr));
		json_put_u64(j, "exporterPort", key->port);
		json_key(j, "version");
		json_raw(j, version, strlen(version));
		if (one->epoch->epoch->all)
			json_put_text(j, "domain", "all");
		else
			json_put_u64(j, "domain", key->domain);
		if (key->proto == PROTO_SFLOW5)
			json_put_text(j, "agent", addr_text(&key->agent, addr));
		json_put_u64(j, "epoch", one->epoch->epoch->number);
		json_put_u64(j, "sequence", one->sequence);
		json_put_u64(j, "datagrams", one->count);
		json_key(j, "payloads");
		json_array(j);
		for (size_t k = 0; k < one->listed; k++)
			payload_json(p, &p->datagrams[c->datagrams[one->first + k]], j);
		json_end(j);
		json_end(j);
	}
	json_end(j);
}

void
conflicts_text(const struct conflicts *c, const struct pool *p, struct buf *out)
{
	const size_t most = 8;
	char addr[ADDR_TEXT_SIZE], text[WALL_TEXT_SIZE], digest[DIGEST128_TEXT_SIZE];

	for (size_t i = 0; i < c->count && i < most; i++) {
		const struct conflict *one = &c->list[i];
		const struct stream_key *key = one->epoch->stream;

		buf_printf(out, "    conflict: exporter %s port %u %s ", addr_text(&key->exporter, addr),
		    key->port, proto_name((enum proto)key->proto));
		if (one->epoch->epoch->all)
			buf_text(out, "all domains");
		else
			buf_printf(out, "domain %" PRIu32, key->domain);
		if (key->proto == PROTO_SFLOW5)
			buf_printf(out, " agent %s", addr_text(&key->agent, addr));
		buf_printf(out, ", epoch %" PRIu32 ", sequence %" PRIu32 ": %zu datagrams\n",
		    one->epoch->epoch->number, one->sequence, one->count);
		for (size_t k = 0; k < one->listed && k < most; k++) {
			const struct pool_datagram *d = &p->datagrams[c->datagrams[one->first + k]];
			const char *node, *sep = " ";
			uint32_t at = 0;

			buf_printf(out, "        %s, %" PRIu32 " bytes, %s, heard by",
			    digest128_text(&d->digest, digest), d->len,
			    wall_text((wall_t){d->time_ns}, 9, text));
			for (; next_node(p, d, &at, &node); sep = ", ")
				buf_printf(out, "%s%s", sep, node);
			buf_u8(out, '\n');
		}
	}
	if (c->count + c->more > most)
		buf_printf(out, "    conflicts of %" PRIu64 " more numbers\n", c->count + c->more - most);
}
