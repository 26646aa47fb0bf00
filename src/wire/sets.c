/* SPDX-License-Identifier: ISC
 *
 * See sets.h.
 */
#include "wire/sets.h"

/* The message's own length bounds an IPFIX message: what stands behind it is not its. */
static void
bound_message(struct sets *it, const struct proto_info *info, const uint8_t *payload, size_t len)
{
	struct rd head = it->r;
	size_t says;

	rd_skip(&head, 2);
	says = rd_u16(&head);
	if (says == len)
		return;
	it->fault = FAULT_LENGTH;
	if (says < len && says >= info->header_len)
		it->r = rd_init(payload, says);
}

void
sets_init(struct sets *it, const struct proto_info *info, const uint8_t *payload, size_t len)
{
	*it = (struct sets){.r = rd_init(payload, len), .proto = info->proto};
	if (info->cut) {
		it->fault = FAULT_HEADER_CUT;
		it->stopped = true;
		return;
	}
	if (info->proto == PROTO_IPFIX)
		bound_message(it, info, payload, len);
	rd_skip(&it->r, info->proto == PROTO_V9 || info->proto == PROTO_IPFIX ? info->header_len : len);
}

static enum set_kind
kind_of(enum proto proto, uint16_t id)
{
	uint16_t templates = proto == PROTO_V9 ? 0 : 2;

	if (id >= SET_ID_DATA)
		return SET_DATA;
	if (id == templates)
		return SET_TEMPLATE;
	return id == templates + 1 ? SET_OPTIONS_TEMPLATE : SET_RESERVED;
}

static void
note(struct sets *it, enum proto_fault fault)
{
	if (it->fault == FAULT_NONE)
		it->fault = fault;
}

/* Less than a set's header is left. */
static enum err
end(struct sets *it)
{
	while (rd_left(&it->r) > 0) {
		if (rd_u8(&it->r) != 0)
			note(it, FAULT_STRAY);
	}
	return ERR_END;
}

enum err
sets_next(struct sets *it, struct set *ret)
{
	struct set set;
	size_t len;

	if (it->stopped)
		return ERR_MALFORMED;
	if (rd_left(&it->r) < SET_HEADER_SIZE)
		return end(it);
	set.offset = rd_offset(&it->r);
	set.id = rd_u16(&it->r);
	len = rd_u16(&it->r);
	if (len < SET_HEADER_SIZE || len - SET_HEADER_SIZE > rd_left(&it->r)) {
		note(it, FAULT_SET_LENGTH);
		it->stopped = true;
		return ERR_MALFORMED;
	}
	set.kind = kind_of(it->proto, set.id);
	set.body = rd_sub(&it->r, len - SET_HEADER_SIZE);
	*ret = set;
	return ERR_OK;
}
