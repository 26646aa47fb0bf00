/* SPDX-License-Identifier: ISC
 *
 * Between reading (selected.c), writing (selected_writer.c) and uniting (selected_unite.c) of selected flows. A body:
 *
 *	digest 32, length 2, flags 2, records 4, length of the skeleton 2, skeleton,
 *	flows, and behind them options records that the skeleton has not, each group:
 *		layouts 2, and each: fields 2, and each: place 2, PEN 4, id 2, length 2
 *		records 4, and each: at 2, index 4, flags 1, tags 1, layout 2, tags 4 each, the fields' bytes
 */
#ifndef FLOWBRAID_FLOW_SELECTED_PRIVATE_H
#define FLOWBRAID_FLOW_SELECTED_PRIVATE_H

#include "flow/selected.h"

#define SELECTED_HEAD_SIZE (SELECTED_IDENTITY_SIZE + 8)
#define SELECTED_FIELD_SIZE 10  /* in a layout */
#define SELECTED_RECORD_SIZE 10 /* without tags and fields */
#define SELECTED_GROUPS 2       /* flows, options records */
#define SELECTED_LATE 1         /* flag of a record */

/* As selected_record, with the record's place by itself. */
void selected_record_at(struct selected_writer *w, bool options, uint16_t at, uint32_t index, bool late,
    const uint32_t *tags, size_t n_tags);

/* The places of the fields of the flow that selected_next gave last. */
const uint16_t *selected_places(const struct selected_reader *r);

#endif
