/* SPDX-License-Identifier: ISC
 *
 * See ipfix_message.h.
 */
#include "flow/ipfix_message.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/wr.h"
#include "flow/ipfix_writer.h"

#define HEADER_SIZE 16
#define SET_HEADER_SIZE 4
#define TEMPLATES_MOST (65536 - IPFIX_TEMPLATE_FIRST)
#define TEMPLATES_CROWDED (TEMPLATES_MOST - 8192)

static void
forget_templates(struct ipfix_messages *m)
{
	buf_clear(&m->specs);
	free(m->ends);
	hash_clear(&m->by_spec);
	m->ends = NULL;
	m->count = m->room = 0;
}

void
ipfix_messages_clear(struct ipfix_messages *m)
{
	for (size_t i = 0; i < m->domain_count; i++) {
		buf_clear(&m->domains[i].told);
		buf_clear(&m->domains[i].described);
		hash_clear(&m->domains[i].by_element);
	}
	forget_templates(m);
	free(m->domains);
	hash_clear(&m->by_stream);
	buf_clear(&m->bytes);
	*m = (struct ipfix_messages){.domains = NULL};
}

static enum err
find_domain(struct ipfix_messages *m, const struct stream_key *stream, size_t *ret)
{
	uint64_t hv = stream_key_hash(stream, 0);
	struct hash_probe p;
	enum err e;

	for (uint32_t v = hash_first(&m->by_stream, hv, &p); v != HASH_NONE;
	     v = hash_next(&m->by_stream, &p)) {
		if (stream_key_cmp(&m->domains[v].stream, stream) == 0) {
			*ret = v;
			return ERR_OK;
		}
	}
	e = array_grow(m->domains, m->domain_room, m->domain_count);
	if (e == ERR_OK)
		e = hash_add(&m->by_stream, hv, (uint32_t)m->domain_count);
	if (e != ERR_OK)
		return e;
	m->domains[m->domain_count] = (struct ipfix_domain){.stream = *stream, .generation = m->generation};
	*ret = m->domain_count++;
	return ERR_OK;
}

static void
put_u16_at(struct buf *b, size_t at, uint16_t v)
{
	struct wr w;

	if (!buf_ok(b))
		return;
	w = wr_init(b->data + at, sizeof(v));
	wr_u16(&w, v);
}

static void
close_set(struct ipfix_messages *m)
{
	if (m->set_at > 0)
		put_u16_at(&m->bytes, m->set_at + 2, (uint16_t)(m->bytes.len - m->set_at));
	m->set_at = 0;
}

static void
open_message(struct ipfix_messages *m)
{
	if (m->bytes.len > 0)
		return;
	buf_u16(&m->bytes, 10);
	buf_u16(&m->bytes, 0); /* the length, when it is known */
	buf_u32(&m->bytes, m->export_time);
	buf_u32(&m->bytes, m->domains[m->at].sequence);
	buf_u32(&m->bytes, (uint32_t)(m->at + 1));
}

enum err
ipfix_messages_flush(struct ipfix_messages *m, struct buf *out)
{
	if (m->bytes.len == 0)
		return ERR_OK;
	close_set(m);
	put_u16_at(&m->bytes, 2, (uint16_t)m->bytes.len);
	buf_bytes(out, m->bytes.data, m->bytes.len);
	if (!buf_ok(&m->bytes) || !buf_ok(out))
		return ERR_MEMORY;
	buf_reset(&m->bytes);
	m->domains[m->at].sequence += m->records;
	m->records = 0;
	m->closed++;
	return ERR_OK;
}

enum err
ipfix_messages_turn(
    struct ipfix_messages *m, const struct stream_key *stream, uint32_t export_time, struct buf *out)
{
	size_t at;
	enum err e = find_domain(m, stream, &at);

	if (e == ERR_OK && (at != m->at || export_time != m->export_time))
		e = ipfix_messages_flush(m, out);
	if (e == ERR_OK) {
		m->at = at;
		m->export_time = export_time;
	}
	return e;
}

/* Room for so many bytes in a set. */
static enum err
open_set(struct ipfix_messages *m, uint16_t set_id, size_t len, struct buf *out)
{
	size_t most = IPFIX_WRITER_MESSAGE_MOST - SET_HEADER_SIZE;
	enum err e;

	if (len > most - HEADER_SIZE)
		return ERR_LIMIT;
	if ((m->bytes.len >= IPFIX_WRITER_MESSAGE_AIM || m->bytes.len + len > most) &&
	    (e = ipfix_messages_flush(m, out)) != ERR_OK)
		return e;
	open_message(m);
	if (m->set_at > 0 && m->set_id == set_id)
		return ERR_OK;
	close_set(m);
	m->set_at = m->bytes.len;
	m->set_id = set_id;
	buf_u16(&m->bytes, set_id);
	buf_u16(&m->bytes, 0);
	return ERR_OK;
}

enum err
ipfix_messages_record(struct ipfix_messages *m, uint16_t id, const struct buf *record, struct buf *out)
{
	enum err e = open_set(m, id, record->len, out);

	if (e != ERR_OK)
		return e;
	buf_bytes(&m->bytes, record->data, record->len);
	m->records++;
	return buf_ok(&m->bytes) ? ERR_OK : ERR_MEMORY;
}

/* The kind is part of what is compared. */
static bool
is_spec(const struct ipfix_messages *m, size_t place, uint16_t set_id, const struct buf *spec)
{
	size_t at = place > 0 ? m->ends[place - 1] : 0, len = m->ends[place] - at;

	return len == spec->len + 1 && m->specs.data[at] == set_id &&
	    memcmp(m->specs.data + at + 1, spec->data, spec->len) == 0;
}

static enum err
add_spec(struct ipfix_messages *m, uint64_t hv, uint16_t set_id, const struct buf *spec)
{
	enum err e = m->count < TEMPLATES_MOST ? array_grow(m->ends, m->room, m->count) : ERR_LIMIT;

	if (e == ERR_OK)
		e = hash_add(&m->by_spec, hv, (uint32_t)m->count);
	if (e != ERR_OK)
		return e;
	buf_u8(&m->specs, (uint8_t)set_id);
	buf_bytes(&m->specs, spec->data, spec->len);
	m->ends[m->count++] = m->specs.len;
	return buf_ok(&m->specs) ? ERR_OK : ERR_MEMORY;
}

static enum err
find_spec(struct ipfix_messages *m, uint16_t set_id, const struct buf *spec, size_t *ret_place)
{
	uint64_t hv = hash_bytes(spec->data, spec->len);
	struct hash_probe p;

	for (uint32_t v = hash_first(&m->by_spec, hv, &p); v != HASH_NONE; v = hash_next(&m->by_spec, &p)) {
		if (is_spec(m, v, set_id, spec)) {
			*ret_place = v;
			return ERR_OK;
		}
	}
	*ret_place = m->count;
	return add_spec(m, hv, set_id, spec);
}

/* ERR_END: the domain was told before. */
static enum err
note_told(struct ipfix_domain *d, size_t place)
{
	uint8_t bit = (uint8_t)(1 << place % 8);

	while (d->told.len <= place / 8 && buf_ok(&d->told))
		buf_u8(&d->told, 0);
	if (!buf_ok(&d->told))
		return ERR_MEMORY;
	if (d->told.data[place / 8] & bit)
		return ERR_END;
	d->told.data[place / 8] |= bit;
	return ERR_OK;
}

enum err
ipfix_messages_template(
    struct ipfix_messages *m, uint16_t set_id, const struct buf *spec, struct buf *out, uint16_t *ret_id)
{
	size_t place;
	enum err e = spec->len + 2 <= IPFIX_WRITER_MESSAGE_MOST - HEADER_SIZE - SET_HEADER_SIZE
	    ? find_spec(m, set_id, spec, &place)
	    : ERR_LIMIT;

	if (e != ERR_OK)
		return e;
	*ret_id = (uint16_t)(IPFIX_TEMPLATE_FIRST + place);
	if ((e = note_told(&m->domains[m->at], place)) != ERR_OK)
		return e == ERR_END ? ERR_OK : e;
	if ((e = open_set(m, set_id, spec->len + 2, out)) != ERR_OK)
		return e;
	buf_u16(&m->bytes, *ret_id);
	buf_bytes(&m->bytes, spec->data, spec->len);
	return buf_ok(&m->bytes) ? ERR_OK : ERR_MEMORY;
}

/* All templates of a kind at once (RFC 7011 section 8.1): the number is the set's, and there are no fields. */
static enum err
withdraw(struct ipfix_messages *m, struct buf *out)
{
	enum err e;

	for (uint16_t set_id = IPFIX_SET_TEMPLATES; set_id <= IPFIX_SET_OPTIONS; set_id++) {
		close_set(m); /* withdrawals and templates share no set */
		if ((e = open_set(m, set_id, 4, out)) != ERR_OK)
			return e;
		buf_u16(&m->bytes, set_id);
		buf_u16(&m->bytes, 0);
		close_set(m);
	}
	return ERR_OK;
}

enum err
ipfix_messages_make_room(struct ipfix_messages *m, struct buf *out, bool *ret_anew)
{
	struct ipfix_domain *d = &m->domains[m->at];

	*ret_anew = m->count >= TEMPLATES_CROWDED;
	if (*ret_anew) {
		forget_templates(m);
		m->generation++;
	}
	if (d->generation == m->generation)
		return ERR_OK;
	d->generation = m->generation;
	buf_reset(&d->told);
	return withdraw(m, out);
}

enum err
ipfix_messages_describe(struct ipfix_messages *m, uint32_t pen, uint16_t id, bool *ret_is_new)
{
	struct ipfix_domain *d = &m->domains[m->at];
	uint8_t key[8];
	struct wr w = wr_init(key, sizeof(key));
	struct hash_probe p;
	uint64_t hv;
	enum err e;

	wr_u32(&w, pen);
	wr_u32(&w, id);
	hv = hash_bytes(key, sizeof(key));
	*ret_is_new = false;
	for (uint32_t v = hash_first(&d->by_element, hv, &p); v != HASH_NONE;
	     v = hash_next(&d->by_element, &p)) {
		if (memcmp(d->described.data + v * sizeof(key), key, sizeof(key)) == 0)
			return ERR_OK;
	}
	e = hash_add(&d->by_element, hv, (uint32_t)(d->described.len / sizeof(key)));
	if (e != ERR_OK)
		return e;
	buf_bytes(&d->described, key, sizeof(key));
	*ret_is_new = true;
	return buf_ok(&d->described) ? ERR_OK : ERR_MEMORY;
}
