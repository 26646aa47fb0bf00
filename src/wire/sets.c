/* SPDX-License-Identifier: ISC
 *
 * See sets.h.
 */
#include "wire/sets.h"

#define SET_HEADER_SIZE 4

void
sets_init(struct sets *it, const struct proto_info *info, const uint8_t *payload, size_t len)
{
	*it = (struct sets){.r = rd_init(payload, len), .proto = info->proto, .fault = info->cut ? FAULT_HEADER_CUT : FAULT_NONE};
	if (info->proto == PROTO_IPFIX && !info->cut) {
		struct rd head = it->r;
		size_t says;

		rd_skip(&head, 2);
		says = rd_u16(&head);
		if (says < len && says >= info->header_len) /* what stands behind the message is not its */
			it->r = rd_init(payload, says);
		if (says != len)
			it->fault = FAULT_LENGTH;
	}
	rd_skip(&it->r, info->header_len);
}

static enum set_kind
kind_of(enum proto proto, uint16_t id)
{
	uint16_t templates = proto == PROTO_V9 ? 0 : 2;

	if (id >= 256)
		return SET_DATA;
	if (id == templates)
		return SET_TEMPLATE;
	return id == templates + 1 ? SET_OPTIONS_TEMPLATE : SET_RESERVED;
}

enum err
sets_next(struct sets *it, struct set *ret)
{
	struct set set;
	uint16_t len;

	if (it->fault == FAULT_HEADER_CUT || it->fault == FAULT_SET_LENGTH)
		return ERR_MALFORMED;
	if (rd_left(&it->r) < SET_HEADER_SIZE) /* less than a set's header: padding */
		return ERR_END;
	set.offset = rd_offset(&it->r);
	set.id = rd_u16(&it->r);
	len = rd_u16(&it->r);
	if (len < SET_HEADER_SIZE || (size_t)len - SET_HEADER_SIZE > rd_left(&it->r)) {
		it->fault = FAULT_SET_LENGTH;
		return ERR_MALFORMED;
	}
	set.kind = kind_of(it->proto, set.id);
	set.body = rd_sub(&it->r, (size_t)len - SET_HEADER_SIZE);
	*ret = set;
	return ERR_OK;
}
