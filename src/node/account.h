/* SPDX-License-Identifier: ISC
 *
 * What a node counts of one stream besides recording it: what is missing (flow/seq_live), records, faults, and on which
 * listeners it is heard. Bounded by what all streams share.
 */
#ifndef FLOWBRAID_NODE_ACCOUNT_H
#define FLOWBRAID_NODE_ACCOUNT_H

#include "flow/seq_live.h"
#include "flow/seq_samples.h"
#include "flow/seq_shared_live.h"
#include "node/account_late.h"
#include "wire/proto.h"
#include "wire/stream.h"
#include "wire/template.h"

#define ACCOUNT_LISTENERS 3    /* what comes on yet another one is counted with the last */
#define ACCOUNT_SEVERAL 0xffff /* ... which then has no index; nor has one that is gone */
#define ACCOUNT_LENGTHS 4
#define ACCOUNT_GAPS_MOST 131072
#define ACCOUNT_SOURCES_MOST 65536
#define ACCOUNT_LATE_ROOM 65536

struct account {
	struct seq_live live;
	struct seq_samples samples; /* sFlow */
	struct account_late late;   /* IPFIX */
	uint64_t records; /* v1 to v9: as headers say; IPFIX: that could be counted; sFlow: samples */
	uint32_t faults[FAULT_COUNT_OF_KINDS];
	struct {
		uint64_t datagrams;
		uint16_t listener;
	} on[ACCOUNT_LISTENERS];
	/* IPFIX: how long a record of a template is, to spare look-ups, as long as no template changes. */
	struct {
		uint64_t templates; /* tmpl_cache_state */
		uint32_t record_len;
		uint16_t id; /* 0: none */
		bool options;
	} lengths[ACCOUNT_LENGTHS];
};

struct account_room {
	struct seq_room gaps;
	struct seq_sources_room sources;
	struct account_late_room late;
};

/* A datagram that was recorded. */
struct account_input {
	const struct stream_key *key;
	const struct proto_info *info;
	const uint8_t *payload;
	size_t len;
	uint32_t fingerprint; /* of the payload */
	uint16_t listener;
	enum proto_fault fault;
	wall_t time;
	struct seq_shared *shared; /* the account of all streams of its numbering; NULL: it is alone */
};

void account_take(struct account *a, struct account_room *room, struct tmpl_cache *templates,
    const struct account_input *in);
/* Listeners have other indexes now. from: for each of the new ones the old one. */
void account_renumber(struct account *a, const uint16_t *from, size_t count);
void account_clear(struct account *a, struct account_room *room);

#endif
