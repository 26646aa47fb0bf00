/* SPDX-License-Identifier: ISC
 *
 * IPFIX data sets of a stream that came before their template: of each its place in the stream and its length, so that its
 * records can be counted when the template comes. Those of templates with fields of variable length cannot: that takes the
 * bytes, which only the log has. Bounded; what finds no place stays unknown.
 */
#ifndef FLOWBRAID_NODE_ACCOUNT_LATE_H
#define FLOWBRAID_NODE_ACCOUNT_LATE_H

#include "flow/seq_live.h"
#include "wire/template.h"

#define ACCOUNT_LATE_MOST 1024 /* of one stream */

struct account_late_set;

struct account_late {
	struct account_late_set *all; /* owned; zero-initialise the struct */
	uint16_t count, room;
	uint64_t templates; /* tmpl_cache_state when they were looked at */
};

/* Sets that all streams have room for. */
struct account_late_room {
	size_t used, most;
};

/* Notes the sets of a datagram that have no template. item: as it was counted. */
void account_late_note(struct account_late *l, struct account_late_room *room, struct tmpl_cache *templates,
    const struct stream_key *key, const struct proto_info *info, const uint8_t *payload, size_t len,
    const struct seq_item *item);

/* Recounts those whose template has come, in the account of the stream and in that of all of its numbering (NULL: there is
 * none). Returns how many records they hold. */
uint64_t account_late_recount(struct account_late *l, struct account_late_room *room,
    struct tmpl_cache *templates, const struct stream_key *key, struct seq_live *live, struct seq_live *all,
    struct seq_room *gaps, int64_t now_ns);

void account_late_clear(struct account_late *l, struct account_late_room *room);

#endif
