/* SPDX-License-Identifier: ISC
 *
 * The bodies of an archive's own records (flowbraid-archive(5) is normative): sources, witnesses, archived
 * events, ranges; those of datagrams are in entry.h. Only translation, both ways.
 */
#ifndef FLOWBRAID_ARCHIVE_RECORDS_H
#define FLOWBRAID_ARCHIVE_RECORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/rd.h"
#include "log/segment.h"

/* Bodies are kept below this, so that a list too long for one record goes on in the next. */
#define RECORDS_BODY_AIM (512u << 10)

/* One life of one lane of a node. */
struct source {
	char node[SEGMENT_NAME_SIZE];
	uint16_t lane;
	uint64_t incarnation;
};

int source_cmp(const struct source *a, const struct source *b); /* node, lane, incarnation */
void source_write(struct buf *b, const struct source *s);
enum err source_read(struct rd *r, struct source *ret) WARN_UNUSED;

/* One hearing. `source` is an index: into the file's table on disk, into a pool's in memory. */
struct witness {
	uint32_t source;
	uint16_t listener;
	uint16_t port;     /* exporter's, as heard there */
	uint64_t sequence; /* of the node's record */
	int64_t time_ns;   /* received */
};
#define WITNESS_SIZE 24

void witness_write(struct buf *b, const struct witness *w);
void witness_read(struct rd *r, struct witness *ret); /* check the reader afterwards */

/* Which definition decodes a data set: an index into the file's template table. */
#define REF_NONE 0x7fffffffu /* no definition is known */
#define REF_LATE 0x80000000u /* set: the definition came after the data */

/* Flag of a record of definitions in a shard's common file: datagrams of other shards bring these. */
#define DEFINITIONS_ELSEWHERE 1

#define DATAGRAM_MOST 65535 /* bytes of a payload */

/* An archived event's body: u32 source, u64 record sequence, then the node's body. */
#define ARCHIVED_EVENT_HEAD_SIZE 12
enum err archived_event_read(const uint8_t *body, size_t len, uint32_t *ret_source, uint64_t *ret_sequence,
    struct rd *ret_event) WARN_UNUSED;

/* What names a datagram: XXH3-128 over the payload, seeded with XXH3-64 over address and port (big-endian). */
struct digest128 identity_digest(const struct addr *addr, uint16_t port, const void *payload, size_t len);

/* The incarnation of an archive's files: XXH3-64 over the cluster's name and the header's time. */
uint64_t archive_incarnation(const char *cluster, wall_t time);

/* A damaged record whose header was sound. */
struct damaged {
	uint64_t sequence;
	struct addr addr;
	uint16_t port;
	uint32_t len;
	uint32_t body_crc;
	int64_t time_ns;
};
int damaged_cmp(const struct damaged *a, const struct damaged *b);
void damaged_write(struct buf *b, const struct damaged *d);
void damaged_read(struct rd *r, struct damaged *ret);

#endif
