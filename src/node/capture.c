/* SPDX-License-Identifier: ISC
 *
 * libpcap, and counts of what is no whole UDP packet.
 */
#include "node/capture.h"

#include <inttypes.h>
#include <pcap/pcap.h>
#include <stdlib.h>

#include "base/msg.h"

struct capture {
	const char *path; /* borrowed */
	pcap_t *pcap;     /* owned */
	enum frame_link link;
	uint64_t kinds[PACKET_COUNT_OF_KINDS];
};

static bool
find_link(int dlt, enum frame_link *ret)
{
	switch (dlt) {
	case DLT_EN10MB:
		*ret = LINK_ETHERNET;
		return true;
	case DLT_RAW:
	case DLT_IPV4:
	case DLT_IPV6:
		*ret = LINK_RAW;
		return true;
	case DLT_LINUX_SLL:
		*ret = LINK_COOKED;
		return true;
	case DLT_LINUX_SLL2:
		*ret = LINK_COOKED2;
		return true;
	case DLT_NULL:
	case DLT_LOOP:
		*ret = LINK_NULL;
		return true;
	default:
		return false;
	}
}

struct capture *
capture_open(const char *path)
{
	char error[PCAP_ERRBUF_SIZE];
	struct capture *c = calloc(1, sizeof(*c));
	const char *name;
	int dlt;

	if (c == NULL) {
		msg_error("%s: out of memory", path);
		return NULL;
	}
	c->path = path;
	c->pcap = pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, error);
	if (c->pcap == NULL) {
		msg_error("%s: cannot read the capture: %s", path, error);
		free(c);
		return NULL;
	}
	dlt = pcap_datalink(c->pcap);
	if (!find_link(dlt, &c->link)) {
		name = pcap_datalink_val_to_name(dlt);
		msg_error("%s: expected a capture of Ethernet or raw IP, found link type %s (%d)", path,
		    name != NULL ? name : "unknown", dlt);
		pcap_close(c->pcap);
		free(c);
		return NULL;
	}
	return c;
}

void
capture_close(struct capture *c)
{
	if (c == NULL)
		return;
	if (c->kinds[PACKET_FRAGMENT] > 0)
		msg_warn("%s: %" PRIu64 " fragments of UDP datagrams passed over", c->path,
		    c->kinds[PACKET_FRAGMENT]);
	if (c->kinds[PACKET_BAD] > 0)
		msg_warn("%s: %" PRIu64 " frames with impossible lengths passed over", c->path,
		    c->kinds[PACKET_BAD]);
	pcap_close(c->pcap);
	free(c);
}

enum capture_step
capture_next(struct capture *c, struct packet *ret, wall_t *ret_time)
{
	struct pcap_pkthdr *head;
	const u_char *frame;
	int result;

	while ((result = pcap_next_ex(c->pcap, &head, &frame)) == 1) {
		enum packet_kind kind = packet_parse(c->link, frame, head->caplen, ret);

		c->kinds[kind]++;
		if (kind != PACKET_UDP)
			continue;
		/* tv_usec holds nanoseconds, as asked when opening */
		*ret_time = wall_from_sec(head->ts.tv_sec, head->ts.tv_usec);
		return CAPTURE_PACKET;
	}
	if (result == PCAP_ERROR_BREAK)
		return CAPTURE_END;
	msg_error("%s: cannot read on after %" PRIu64 " UDP packets: %s", c->path, c->kinds[PACKET_UDP],
	    pcap_geterr(c->pcap));
	return CAPTURE_ERROR;
}
