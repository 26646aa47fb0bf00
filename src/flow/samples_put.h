/* SPDX-License-Identifier: ISC
 *
 * How the record of a sample is put together, and our own elements for what sFlow says and IANA has no name for.
 * Inside of samples*.c only.
 */
#ifndef FLOWBRAID_FLOW_SAMPLES_PUT_H
#define FLOWBRAID_FLOW_SAMPLES_PUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rd.h"
#include "flow/samples.h"
#include "wire/frame.h"

#define SAMPLES_FORMATS_MOST 32
#define SAMPLES_OTHERS_MOST 16 /* formats that are named, of those that are not decoded */

/* Under PEN_SFLOW, as in elements-own.tsv. */
enum {
	SFLOW_SAMPLE_FORMAT = 1,
	SFLOW_SAMPLE_SEQUENCE = 2,
	SFLOW_SOURCE_CLASS = 3,
	SFLOW_SOURCE_INDEX = 4,
	SFLOW_INPUT_COUNT = 5,
	SFLOW_OUTPUT_COUNT = 6,
	SFLOW_DROP_REASON = 7,
	SFLOW_HEADER_PROTOCOL = 8,
	SFLOW_STRIPPED = 9,
	SFLOW_INGRESS_PRIORITY = 10,
	SFLOW_EGRESS_PRIORITY = 11,
	SFLOW_ROUTER_AS = 12,
	SFLOW_AS_PATH = 13,
	SFLOW_LOCAL_PREFERENCE = 14,
	SFLOW_DESTINATION_USER = 15,
	SFLOW_URL_DIRECTION = 16,
	SFLOW_MPLS_IN = 17,
	SFLOW_MPLS_OUT = 18,
	SFLOW_VXLAN_NETWORK = 19,
	SFLOW_EGRESS_QUEUE = 20,
	SFLOW_ACL_NUMBER = 21,
	SFLOW_ACL_NAME = 22,
	SFLOW_ACL_DIRECTION = 23,
	SFLOW_FUNCTION = 24,
	SFLOW_UNDECODED = 25,
	SFLOW_COUNTER_ELEMENTS = 100, /* samples_counters.c numbers them on from here */
};

/* IANA's that only samples need. */
enum {
	IE_FLOW_LABEL = 31,
	IE_ICMP_TYPE_CODE_IPV4 = 32,
	IE_FRAGMENT_ID = 54,
	IE_SRC_MAC = 56,
	IE_VLAN = 58,
	IE_POST_VLAN = 59,
	IE_IP_VERSION = 60,
	IE_BGP_NEXT_HOP_IPV4 = 18,
	IE_BGP_NEXT_HOP_IPV6 = 63,
	IE_MPLS_LABEL = 70, /* the top one, and on to 79 */
	IE_DST_MAC = 80,
	IE_FRAGMENT_OFFSET = 88,
	IE_FORWARDING_STATUS = 89,
	IE_NEXT_AS = 128,
	IE_PREV_AS = 129,
	IE_DROPPED_OCTETS = 132,
	IE_DROPPED_PACKETS = 133,
	IE_ICMP_TYPE_CODE_IPV6 = 139,
	IE_PACKETS_IGNORED = 164,
	IE_ICMP_TYPE_IPV4 = 176,
	IE_ICMP_CODE_IPV4 = 177,
	IE_ICMP_TYPE_IPV6 = 178,
	IE_ICMP_CODE_IPV6 = 179,
	IE_TTL = 192,
	IE_FRAGMENT_FLAGS = 197,
	IE_MPLS_TTL = 200,
	IE_NAT_SRC_IPV4 = 225,
	IE_NAT_DST_IPV4 = 226,
	IE_NAT_SRC_PORT = 227,
	IE_NAT_DST_PORT = 228,
	IE_DOT1Q_VLAN = 243,
	IE_DOT1Q_PRIORITY = 244,
	IE_DOT1Q_CUSTOMER_VLAN = 245,
	IE_DOT1Q_CUSTOMER_PRIORITY = 246,
	IE_ETHERTYPE = 256,
	IE_NAT_SRC_IPV6 = 281,
	IE_NAT_DST_IPV6 = 282,
	IE_GRE_KEY = 296,
	IE_FRAME_SECTION = 315,
	IE_PACKETS_OBSERVED = 318,
	IE_LAYER2_SEGMENT = 351,
	IE_LAYER2_OCTETS = 352,
	IE_USER_NAME = 371,
	IE_DROPPED_LAYER2_OCTETS = 424,
	IE_HTTP_HOST = 460,
	IE_HTTP_TARGET = 461,
	IE_BGP_COMMUNITY = 483,
};

/* These add a field. What no longer fits is left out: an agent that says more than SAMPLES_BYTES of one packet lies.
 * A number has 1, 2, 3, 4 or 8 bytes. */
void samples_number(struct samples *s, uint32_t pen, uint16_t id, size_t len, uint64_t v);
void samples_bytes(struct samples *s, uint32_t pen, uint16_t id, const void *bytes, size_t len);

/* A format of records, and what puts one; false, with nothing put, when it is shorter than its format. */
struct samples_format {
	uint32_t format;
	bool (*put)(struct samples *s, struct rd r);
};

const struct samples_format *samples_flow(size_t *ret_count);
const struct samples_format *samples_counters(size_t *ret_count);

#endif
