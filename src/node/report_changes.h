/* SPDX-License-Identifier: ISC
 *
 * /gaps?since=TOKEN: the accounts of all streams for a monitor that asks every second, who gets what changed since the answer before and no
 * more. The reporter remembers what the boards held when somebody asked last, and from which position on each stream has changed lately, so
 * those who ask at their own pace are served from one memory, however many they are. Whoever cannot be told the difference is told all.
 */
#ifndef FLOWBRAID_NODE_REPORT_CHANGES_H
#define FLOWBRAID_NODE_REPORT_CHANGES_H

#include "node/report.h"

struct changes;

/* start: tells this life of the reporter from others. NULL: out of memory. */
struct changes *changes_new(uint64_t start);
void changes_free(struct changes *c); /* NULL is fine */

/* Looks at the boards; a generation begins. False: out of memory; it is of no use any more. */
bool changes_look(struct changes *c, const struct report *r);

/* Which generation a token names: 0 when it is none that a difference can be told from. */
uint64_t changes_since(const struct changes *c, const char *token);
/* Lines of JSON, see flowbraidd(8). since: as changes_since says. */
void changes_put(const struct changes *c, const struct conf *conf, uint64_t since, struct buf *out);

#endif
