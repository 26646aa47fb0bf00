/* SPDX-License-Identifier: ISC
 *
 * Between the parts of the pool: inputs (pool.c), adding what stands in them (pool_datagrams.c), reading files (pool_read.c).
 */
#ifndef FLOWBRAID_ARCHIVE_POOL_PRIVATE_H
#define FLOWBRAID_ARCHIVE_POOL_PRIVATE_H

#include "archive/entry.h"
#include "archive/pool.h"
#include "base/array.h"

/* The cluster that everything belongs to; the first input tells. ERR_CONFLICT: *ret_why says it. */
enum err pool_cluster(struct pool *p, const char *path, const char *cluster, struct buf *ret_why) WARN_UNUSED;
enum err pool_keep_bytes(struct pool_bytes *b, const void *bytes, size_t len, size_t *ret_at) WARN_UNUSED;
enum err pool_source(struct pool *p, const struct source *id, uint32_t *ret) WARN_UNUSED;

/* What stands for a datagram that belongs to another shard; it has no witnesses here. */
#define POOL_ELSEWHERE (POOL_NONE - 1)

/* A body that stands in a file of a log, before it is looked for: whole, and in no stream yet. */
struct pool_datagram pool_body_of(const struct addr *addr, uint16_t port, const uint8_t *body, uint32_t len,
    uint32_t file, uint64_t offset);
/* Finds the datagram, or adds it with what its header says. */
enum err pool_datagram(struct pool *p, const struct addr *addr, uint16_t port, uint8_t flags,
    const uint8_t *payload, uint32_t len, uint32_t file, uint64_t offset, uint32_t *ret) WARN_UNUSED;
/* Finds the datagram that an entry of a window tells of, or adds it; its payload is read only where another has its
 * digest. definitions: what it brings, as the pool has them. */
enum err pool_entry(struct pool *p, const struct entry *en, const uint32_t *definitions, uint32_t file,
    uint64_t offset, uint32_t within, uint32_t *ret) WARN_UNUSED;
/* The same of selected flows. ERR_MALFORMED: it is no body of any. */
enum err pool_selected(struct pool *p, const struct addr *addr, uint16_t port, uint8_t flags,
    const uint8_t *body, uint32_t len, uint32_t file, uint64_t offset, uint32_t *ret) WARN_UNUSED;
enum err pool_witness(struct pool *p, uint32_t datagram, const struct witness *w) WARN_UNUSED;
enum err pool_event(struct pool *p, uint32_t source, uint64_t sequence, int64_t time_ns, const uint8_t *body,
    size_t len) WARN_UNUSED;
enum err pool_definition(
    struct pool *p, const struct tmpl_def *def, bool snapshot, uint32_t *ret) WARN_UNUSED;
/* Definitions have other places: an index of them. */
enum err pool_index_definitions(struct pool *p) WARN_UNUSED;
enum err pool_damaged(struct pool_source *s, const struct damaged *d) WARN_UNUSED;

/* Parts of adding a datagram: finding it (HASH_NONE: it is new; self: what is to be found, payload NULL: it stands where self
 * says), adding it as the last one, and its sets. */
enum err pool_find_same(
    struct pool *p, const struct pool_datagram *self, const uint8_t *payload, uint32_t *ret) WARN_UNUSED;
/* Whether another shard keeps it. */
bool pool_is_elsewhere(const struct pool *p, const struct pool_datagram *self, const struct proto_info *info);
enum err pool_new(
    struct pool *p, const struct pool_datagram *self, const struct proto_info *info) WARN_UNUSED;
enum err pool_look_into_sets(struct pool *p, uint32_t index, const struct proto_info *info,
    const uint8_t *payload, size_t len) WARN_UNUSED;
/* The definitions of a datagram that another shard keeps: they may decode what this one does. */
enum err pool_take_definitions(struct pool *p, const struct addr *addr, uint16_t port,
    const struct proto_info *info, const uint8_t *payload, size_t len) WARN_UNUSED;

/* What uniting needs; made when the first selected flows come. */
struct pool_selecting {
	struct selected_union uniting; /* owned */
	struct buf all, next;          /* owned */
};
enum err pool_begin_selecting(struct pool *p) WARN_UNUSED;

/* Selected flows (pool_selected.c). What a datagram that is not whole is known by besides its bytes; *ret: index. */
enum err pool_add_selected(struct pool *p, const struct pool_selected *s, uint32_t *ret) WARN_UNUSED;
bool pool_bears_data(const struct proto_info *info, uint32_t records, uint32_t sets);
/* The union of the copies. */
enum err pool_unite(const struct pool *p, const struct pool_datagram *d, const uint8_t **ret) WARN_UNUSED;
/* Before anything is sorted: copies of one datagram become one. */
enum err pool_settle_selected(struct pool *p) WARN_UNUSED;
/* ... for each copy what the policy leaves of it. */
enum err pool_choose_selected(struct pool *p) WARN_UNUSED;
/* Puts a body into p->bodies, and makes the datagram one of selected flows that stands there. */
enum err pool_put_body(struct pool *p, uint32_t index, const struct buf *body) WARN_UNUSED;
enum err pool_take_head(struct pool *p, uint32_t index, const struct selected_head *h) WARN_UNUSED;
enum err pool_sort_again(struct pool *p, uint32_t **ret_moved) WARN_UNUSED;
enum err pool_index_selected(struct pool *p) WARN_UNUSED;
void pool_clear_selected(struct pool *p);

/* All records of one file. */
enum err pool_read_file(
    struct pool *p, uint32_t file, const struct pool_report *report, struct buf *ret_why) WARN_UNUSED;

#endif
