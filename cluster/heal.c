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
	*ret = h;
	return ERR_OK;
}

void
heal_clear(struct heal_report *h)
{
	free(h->list);
	*h = (struct heal_report){0};
}

/* A node that has the datagram whole. */
static const char *
healer(const struct pool *p, const struct healed *one)
{
	return p->sources[p->witnesses[p->datagrams[one->datagram].hearing].source].id.node;
}

void
heal_json(const struct heal_report *h, const struct pool *p, struct json *j)
{
	json_array(j);
	for (size_t i = 0; i < h->healed; i++) {
		json_object(j);
		json_put_text(j, "node", p->sources[h->list[i].source].id.node);
		json_put_u64(j, "record", h->list[i].sequence);
		json_put_text(j, "from", healer(p, &h->list[i]));
		json_end(j);
	}
	json_end(j);
}

void
heal_text(const struct heal_report *h, const struct pool *p, struct buf *out)
{
	if (h->damaged == 0)
		return;
	buf_printf(out, "    damaged records: %" PRIu64 ", healed %" PRIu64 ", unattributed %" PRIu64 "\n",
	    h->damaged, h->healed, h->damaged - h->healed);
	for (size_t i = 0; i < h->healed && i < 20; i++) {
		buf_printf(out, "    node %s record %" PRIu64 " healed from node %s\n",
		    p->sources[h->list[i].source].id.node, h->list[i].sequence, healer(p, &h->list[i]));
	}
}
