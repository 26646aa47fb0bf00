/* SPDX-License-Identifier: ISC
 *
 * What decides the bytes of a window's file besides the payloads that its entries name: a digest over header and all
 * records but those, so that a window that stands somewhere is known for the one that would be written.
 */
#ifndef FLOWBRAID_ARCHIVE_WINDOW_SUM_H
#define FLOWBRAID_ARCHIVE_WINDOW_SUM_H

#include "base/digest.h"
#include "log/segment.h"

struct window_sum;

struct window_sum *window_sum_new(void); /* NULL: memory is out */
void window_sum_free(struct window_sum *s);
void window_sum_start(struct window_sum *s, const struct segment_header *head);
void window_sum_add(struct window_sum *s, const struct record *r);
struct digest128 window_sum_end(const struct window_sum *s);

#endif
