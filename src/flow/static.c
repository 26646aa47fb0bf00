/* SPDX-License-Identifier: ISC
 *
 * See static.h.
 */
#include "flow/static.h"

#include "flow/value.h"

#define FIELD(id_, len_, offset_) {.id = (id_), .len = (len_), .offset = (offset_)}

/* The first 36 bytes are the same in all. */
#define COMMON_FIELDS \
	FIELD(IE_SRC_IPV4, 4, 0), FIELD(IE_DST_IPV4, 4, 4), FIELD(IE_NEXT_HOP_IPV4, 4, 8), \
	FIELD(IE_IN_INTERFACE, 2, 12), FIELD(IE_OUT_INTERFACE, 2, 14), FIELD(IE_PACKETS, 4, 16), \
	FIELD(IE_OCTETS, 4, 20), FIELD(IE_START_UPTIME, 4, 24), FIELD(IE_END_UPTIME, 4, 28), \
	FIELD(IE_SRC_PORT, 2, 32), FIELD(IE_DST_PORT, 2, 34)

static const struct tmpl v1 = {
	.proto = PROTO_V1, .kind = TMPL_DATA, .field_count = 14, .record_len = 52,
	.fields = {COMMON_FIELDS, FIELD(IE_PROTOCOL, 1, 38), FIELD(IE_TOS, 1, 39), FIELD(IE_TCP_FLAGS, 1, 40)},
};

static const struct tmpl v5 = {
	.proto = PROTO_V5, .kind = TMPL_DATA, .field_count = 18, .record_len = 48,
	.fields = {COMMON_FIELDS, FIELD(IE_TCP_FLAGS, 1, 37), FIELD(IE_PROTOCOL, 1, 38), FIELD(IE_TOS, 1, 39),
	    FIELD(IE_SRC_AS, 2, 40), FIELD(IE_DST_AS, 2, 42), FIELD(IE_SRC_MASK_IPV4, 1, 44),
	    FIELD(IE_DST_MASK_IPV4, 1, 45)},
};

static const struct tmpl v7 = {
	.proto = PROTO_V7, .kind = TMPL_DATA, .field_count = 19, .record_len = 52,
	.fields = {COMMON_FIELDS, FIELD(IE_TCP_FLAGS, 1, 37), FIELD(IE_PROTOCOL, 1, 38), FIELD(IE_TOS, 1, 39),
	    FIELD(IE_SRC_AS, 2, 40), FIELD(IE_DST_AS, 2, 42), FIELD(IE_SRC_MASK_IPV4, 1, 44),
	    FIELD(IE_DST_MASK_IPV4, 1, 45), FIELD(IE_ROUTER_SC, 4, 48)},
};

const struct tmpl *
static_tmpl(enum proto proto)
{
	switch (proto) {
	case PROTO_V1:
		return &v1;
	case PROTO_V5:
		return &v5;
	case PROTO_V7:
		return &v7;
	default:
		return NULL;
	}
}
