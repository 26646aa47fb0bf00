/* SPDX-License-Identifier: ISC
 *
 * See heal.h.
 */
#include "cluster/heal.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/array.h"

/* A damaged record that is looked for. */
struct wanted {
	uint32_t source;
	const struct damaged *d;
	uint32_t crc; /* of its body, with seed 0 */
	bool found;
};

/* Of what is wanted: by address, port and length, once each; and by these and the CRC. */
struct indexes {
	struct hash shape, content;
};

static uint64_t
shape_hash(const struct addr *addr, uint16_t port, uint32_t len)
{
	return hash_bytes(addr->b, sizeof(addr->b)) ^ ((uint64_t)port << 32 | len) * 0x9e3779b97f4a7c15u;
}

static uint64_t
content_hash(const struct addr *addr, uint16_t port, uint32_t len, uint32_t crc)
{
	return shape_hash(addr, port, len) ^ crc * 0xc2b2ae3d27d4eb4fu;
}

/* The CRC that the record's body would have with seed 0. A CRC is linear: what the seed adds to it depends on the
 * length alone, so it is the same as for zeros. So one CRC of a datagram is compared with those of all sources. */
static uint32_t
plain_crc(const struct damaged *d, uint64_t incarnation)
{
	static const uint8_t zeros[DATAGRAM_MOST];

	return d->body_crc ^ record_body_crc(record_seed(incarnation), zeros, d->len) ^
	    record_body_crc(0, zeros, d->len);
}

static enum err
note(struct heal_report *h, const struct wanted *w, uint32_t datagram)
{
	if (array_grow(h->list, h->room, h->healed) != ERR_OK)
		return ERR_MEMORY;
	h->list[h->healed++] = (struct healed){w->source, w->d->sequence, datagram};
	return ERR_OK;
}

static enum err
try_datagram(
    struct pool *p, uint32_t datagram, struct wanted *wanted, const struct indexes *by, struct heal_report *h)
{
	const struct pool_datagram *d = &p->datagrams[datagram];
	const uint8_t *payload;
	struct hash_probe probe;
	uint32_t at, crc;
	enum err e;

	if (hash_first(&by->shape, shape_hash(&d->addr, d->port, d->len), &probe) == HASH_NONE)
		return ERR_OK;
	if ((e = pool_payload(p, d, &payload)) != ERR_OK)
		return e;
	crc = record_body_crc(0, payload, d->len);
	at = hash_first(&by->content, content_hash(&d->addr, d->port, d->len, crc), &probe);
	for (; at != HASH_NONE; at = hash_next(&by->content, &probe)) {
		struct wanted *w = &wanted[at];

		if (w->found || w->crc != crc || w->d->len != d->len || w->d->port != d->port ||
		    addr_cmp(&w->d->addr, &d->addr) != 0)
			continue;
		w->found = true;
		if ((e = note(h, w, datagram)) != ERR_OK)
			return e;
	}
	return ERR_OK;
}

static int
by_place(const void *va, const void *vb)
{
	const struct healed *a = va, *b = vb;

	if (a->source != b->source)
		return a->source < b->source ? -1 : 1;
	return a->sequence < b->sequence ? -1 : a->sequence > b->sequence;
}

/* Lists what is damaged, under both hashes. */
static enum err
list_wanted(const struct pool *p, struct wanted *wanted, struct indexes *by, size_t *ret_count)
{
	struct hash_probe probe;
	size_t n = 0;
	enum err e = ERR_OK;

	for (size_t i = 0; i < p->source_count && e == ERR_OK; i++) {
		for (size_t k = 0; k < p->sources[i].damaged_count && e == ERR_OK; k++) {
			const struct damaged *d = &p->sources[i].damaged[k];
			uint64_t shape = shape_hash(&d->addr, d->port, d->len);

			if (d->len > DATAGRAM_MOST) /* its header is not what it seems */
				continue;
			wanted[n] = (struct wanted){
			    (uint32_t)i, d, plain_crc(d, p->sources[i].id.incarnation), false};
			if (hash_first(&by->shape, shape, &probe) == HASH_NONE)
				e = hash_add(&by->shape, shape, (uint32_t)n);
			if (e == ERR_OK)
				e = hash_add(&by->content,
				    content_hash(&d->addr, d->port, d->len, wanted[n].crc), (uint32_t)n);
			n++;
		}
	}
	*ret_count = n;
	return e;
}

/* By place; a record is healed once, whatever inputs say of it. */
static void
settle(struct heal_report *h)
{
	size_t n = 0;

	if (h->healed > 0)
		qsort(h->list, h->healed, sizeof(*h->list), by_place);
	for (size_t i = 0; i < h->healed; i++) {
		if (n == 0 || by_place(&h->list[n - 1], &h->list[i]) != 0)
			h->list[n++] = h->list[i];
	}
	h->healed = n;
}

enum err
heal_look(struct pool *p, struct heal_report *ret)
{
	struct heal_report h = {0};
	struct indexes by = {.shape = {0}};
	struct wanted *wanted;
	size_t count = 0;
	enum err e;

	for (size_t i = 0; i < p->source_count; i++) {
		h.damaged += seq_set_units(&p->sources[i].lost);
		count += p->sources[i].damaged_count;
	}
	wanted = calloc(count + 1, sizeof(*wanted));
	if (wanted == NULL)
		return ERR_MEMORY;
	e = list_wanted(p, wanted, &by, &count);
	for (size_t i = 0; i < p->datagram_count && e == ERR_OK && count > 0; i++)
		e = try_datagram(p, (uint32_t)i, wanted, &by, &h);
	free(wanted);
	hash_clear(&by.shape);
	hash_clear(&by.content);
	if (e != ERR_OK) {
		heal_clear(&h);
		return e;
	}
	settle(&h);
	if (life_of_pool(p, &h.lives) != ERR_OK) {
		heal_clear(&h);
		return ERR_MEMORY;
	}
	*ret = h;
	return ERR_OK;
}

void
heal_moved(struct heal_report *h, const uint32_t *moved)
{
	for (size_t i = 0; i < h->healed; i++)
		h->list[i].datagram = moved[h->list[i].datagram];
}

void
heal_clear(struct heal_report *h)
{
	free(h->list);
	free(h->lives);
	*h = (struct heal_report){0};
}

/* A node that has the datagram whole; another one than the damaged record's, if there is one. */
static const char *
healer(const struct pool *p, const struct healed *one)
{
	const struct pool_datagram *d = &p->datagrams[one->datagram];
	const struct witness *w = &p->witnesses[d->hearing];
	uint32_t i = 0;

	while (i < d->hearings && p->sources[w[i].source].node == p->sources[one->source].node)
		i++;
	return p->sources[w[i < d->hearings ? i : 0].source].id.node;
}

/* A damaged record that is not healed: one with a sound header, or several without. */
struct rest {
	uint32_t source;
	uint64_t first, last;
	const struct damaged *d; /* NULL: no header */
};

typedef void on_rest(void *ctx, const struct rest *r);

static bool
is_healed(const struct heal_report *h, uint32_t source, uint64_t sequence)
{
	struct healed key = {.source = source, .sequence = sequence};

	return h->healed > 0 && bsearch(&key, h->list, h->healed, sizeof(*h->list), by_place) != NULL;
}

/* Damaged records stand by sequence, and each lies in a lost range; what lies between them has no header. */
static void
walk_range(const struct heal_report *h, const struct pool *p, uint32_t source, struct seq_range range,
    size_t *at, on_rest *told, void *ctx)
{
	const struct pool_source *s = &p->sources[source];
	uint64_t next = (uint64_t)range.from, end = (uint64_t)range.to;

	for (; *at < s->damaged_count && s->damaged[*at].sequence < end; (*at)++) {
		const struct damaged *d = &s->damaged[*at];

		if (d->sequence < next)
			continue;
		if (d->sequence > next)
			told(ctx, &(struct rest){source, next, d->sequence - 1, NULL});
		if (!is_healed(h, source, d->sequence))
			told(ctx, &(struct rest){source, d->sequence, d->sequence, d});
		next = d->sequence + 1;
	}
	if (next < end)
		told(ctx, &(struct rest){source, next, end - 1, NULL});
}

static void
walk_rest(const struct heal_report *h, const struct pool *p, on_rest *told, void *ctx)
{
	for (uint32_t i = 0; i < p->source_count; i++) {
		size_t at = 0;

		for (size_t k = 0; k < p->sources[i].lost.count; k++)
			walk_range(h, p, i, p->sources[i].lost.ranges[k], &at, told, ctx);
	}
}

struct listing {
	const struct heal_report *h;
	const struct pool *p;
	struct json *j;
	struct buf *out;
	size_t count;
};

static void
json_place(const struct listing *l, uint32_t source)
{
	json_put_text(l->j, "node", l->p->sources[source].id.node);
	json_put_u64(l->j, "lane", l->p->sources[source].id.lane);
	json_put_u64(l->j, "life", l->h->lives[source].number);
}

void
heal_json(const struct heal_report *h, const struct pool *p, struct json *j)
{
	struct listing l = {.h = h, .p = p, .j = j};
	char text[WALL_TEXT_SIZE];

	json_array(j);
	for (size_t i = 0; i < h->healed && i < HEAL_LISTED_MOST; i++) {
		const struct pool_datagram *d = &p->datagrams[h->list[i].datagram];
		char addr[ADDR_TEXT_SIZE];

		json_object(j);
		json_place(&l, h->list[i].source);
		json_put_u64(j, "record", h->list[i].sequence);
		json_put_text(j, "from", healer(p, &h->list[i]));
		json_put_text(j, "exporter", addr_text(&d->addr, addr));
		json_put_u64(j, "exporterPort", d->port);
		json_put_text(j, "time", wall_text((wall_t){d->time_ns}, 9, text));
		json_end(j);
	}
	json_end(j);
}

static void
rest_json(void *ctx, const struct rest *r)
{
	struct listing *l = ctx;
	char addr[ADDR_TEXT_SIZE], text[WALL_TEXT_SIZE];

	if (l->count++ >= HEAL_LISTED_MOST)
		return;
	json_object(l->j);
	json_place(l, r->source);
	json_put_u64(l->j, "record", r->first);
	json_put_u64(l->j, "last", r->last);
	if (r->d != NULL) {
		json_put_text(l->j, "exporter", addr_text(&r->d->addr, addr));
		json_put_u64(l->j, "exporterPort", r->d->port);
		json_put_text(l->j, "received", wall_text((wall_t){r->d->time_ns}, 9, text));
		json_put_u64(l->j, "bytes", r->d->len);
	}
	json_end(l->j);
}

void
heal_json_rest(const struct heal_report *h, const struct pool *p, struct json *j)
{
	struct listing l = {.h = h, .p = p, .j = j};

	json_array(j);
	walk_rest(h, p, rest_json, &l);
	json_end(j);
}

#define TEXT_MOST 20

static void
rest_text(void *ctx, const struct rest *r)
{
	struct listing *l = ctx;
	const struct source *id = &l->p->sources[r->source].id;
	char addr[ADDR_TEXT_SIZE], text[WALL_TEXT_SIZE];

	if (l->count++ >= TEXT_MOST)
		return;
	buf_printf(l->out, "    node %s lane %u life %" PRIu32 " record %" PRIu64, id->node, id->lane,
	    l->h->lives[r->source].number, r->first);
	if (r->last > r->first)
		buf_printf(l->out, " to %" PRIu64, r->last);
	buf_printf(l->out, " not healed");
	if (r->d != NULL)
		buf_printf(l->out, ": from exporter %s port %u, %" PRIu32 " bytes, %s",
		    addr_text(&r->d->addr, addr), r->d->port, r->d->len,
		    wall_text((wall_t){r->d->time_ns}, 9, text));
	buf_u8(l->out, '\n');
}

void
heal_text(const struct heal_report *h, const struct pool *p, struct buf *out)
{
	struct listing l = {.h = h, .p = p, .out = out};

	if (h->damaged == 0)
		return;
	buf_printf(out, "    damaged records: %" PRIu64 ", healed %" PRIu64 ", unattributed %" PRIu64 "\n",
	    h->damaged, h->healed, h->damaged - h->healed);
	for (size_t i = 0; i < h->healed && i < TEXT_MOST; i++) {
		const struct source *id = &p->sources[h->list[i].source].id;

		buf_printf(out,
		    "    node %s lane %u life %" PRIu32 " record %" PRIu64 " healed from node %s\n", id->node,
		    id->lane, h->lives[h->list[i].source].number, h->list[i].sequence,
		    healer(p, &h->list[i]));
	}
	if (h->healed > TEXT_MOST)
		buf_printf(out, "    %" PRIu64 " more are healed\n", h->healed - TEXT_MOST);
	walk_rest(h, p, rest_text, &l);
	if (l.count > TEXT_MOST)
		buf_printf(out, "    %zu more places are not healed\n", l.count - TEXT_MOST);
}
