/* SPDX-License-Identifier: ISC
 *
 * See stream.h.
 */
#include "wire/stream.h"

#include "base/hash.h"
#include "base/wr.h"

struct stream_key
stream_key_of(const struct addr *exporter, uint16_t port, const struct proto_info *info)
{
	return (struct stream_key){.exporter = *exporter,
	    .agent = info->agent,
	    .domain = info->domain,
	    .port = port,
	    .proto = (uint8_t)info->proto};
}

int
stream_numbering_cmp(const struct stream_key *a, const struct stream_key *b)
{
	int c = addr_cmp(&a->exporter, &b->exporter);

	if (c != 0)
		return c;
	if (a->port != b->port)
		return a->port < b->port ? -1 : 1;
	if (a->proto != b->proto)
		return a->proto < b->proto ? -1 : 1;
	return addr_cmp(&a->agent, &b->agent);
}

int
stream_key_cmp(const struct stream_key *a, const struct stream_key *b)
{
	int c = stream_numbering_cmp(a, b);

	if (c != 0)
		return c;
	if (a->all != b->all)
		return a->all ? 1 : -1;
	return a->domain < b->domain ? -1 : a->domain > b->domain;
}

static void
key_bytes(const struct stream_key *k, uint8_t out[STREAM_KEY_SIZE])
{
	struct wr w = wr_init(out, STREAM_KEY_SIZE);

	wr_bytes(&w, k->exporter.b, sizeof(k->exporter.b));
	wr_u16(&w, k->port);
	wr_u8(&w, k->proto);
	wr_u8(&w, 0);
	wr_bytes(&w, k->agent.b, sizeof(k->agent.b));
	wr_u32(&w, k->domain);
}

uint64_t
stream_key_hash(const struct stream_key *k, uint64_t seed)
{
	uint8_t bytes[STREAM_KEY_SIZE];

	key_bytes(k, bytes);
	return hash_bytes_seeded(bytes, sizeof(bytes), seed);
}

void
stream_key_write(struct buf *b, const struct stream_key *k)
{
	uint8_t *p = buf_room(b, STREAM_KEY_SIZE);

	if (p != NULL)
		key_bytes(k, p);
}

enum err
stream_key_read(struct rd *r, struct stream_key *ret)
{
	struct stream_key k = {0};
	uint8_t filler;

	rd_copy(r, k.exporter.b, sizeof(k.exporter.b));
	k.port = rd_u16(r);
	k.proto = rd_u8(r);
	filler = rd_u8(r);
	rd_copy(r, k.agent.b, sizeof(k.agent.b));
	k.domain = rd_u32(r);
	if (!rd_ok(r))
		return ERR_CUT;
	if (filler != 0)
		return ERR_MALFORMED;
	*ret = k;
	return ERR_OK;
}
