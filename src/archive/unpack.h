/* SPDX-License-Identifier: ISC
 *
 * Decoding a pool's datagrams with the definitions that a plan gives them.
 */
#ifndef FLOWBRAID_ARCHIVE_UNPACK_H
#define FLOWBRAID_ARCHIVE_UNPACK_H

#include "archive/plan.h"
#include "flow/decode.h"

struct unpack;

/* p and plan (its definitions, order and refs) must outlive it. */
enum err unpack_new(const struct pool *p, const struct plan *plan, struct unpack **ret) WARN_UNUSED;
void unpack_free(struct unpack *u);

/* Begins with the datagram at that place of the archive's order; its payload is at hand, or its selected flows, of which
 * the place may hold others than these. What is decoded holds until the next start. ERR_UNKNOWN: it is of no protocol;
 * ERR_MALFORMED: no selected flows; ERR_MEMORY. */
enum err unpack_start(struct unpack *u, size_t place, const uint8_t *payload, size_t len,
    struct proto_info *ret_info, struct decode *ret) WARN_UNUSED;

/* What was begun last, when it is of selected flows. */
const struct selected_head *unpack_selected(const struct unpack *u);

/* Which of two definitions of one template stands for it in a list of a datagram: the last one that was there, else
 * the next. best may be NULL. */
bool unpack_prefers(const struct tmpl_def *def, const struct tmpl_def *best, wall_t export_time);

/* The parsed form of a definition of the pool; NULL when it has none. */
const struct tmpl *unpack_template(struct unpack *u, uint32_t definition);

#endif
