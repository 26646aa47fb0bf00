/* SPDX-License-Identifier: ISC
 *
 * What the parts of seq_live share: places and lives (seq_live.c), what the exporter counts (seq_live_learn.c), the account
 * (seq_live_account.c).
 */
#ifndef FLOWBRAID_FLOW_SEQ_LIVE_PRIVATE_H
#define FLOWBRAID_FLOW_SEQ_LIVE_PRIVATE_H

#include "flow/seq_live.h"

#define SEQ_CONFIRM 3           /* datagrams in a row that make a jump true, or make it a stray */
#define SEQ_TEMPLATES_COUNTED 2 /* seq_live.templates when so many have told that they are counted; */
#define SEQ_OPTIONS_COUNTED 2   /* seq_live.options when so many have told that they are counted after all */
#define SEQ_TEMPLATES_NOT (-3)  /* and when the last one has told that they are not */

/* Nothing is accounted before it is learnt. */
void seq_live_account(
    struct seq_live *s, struct seq_room *room, const struct seq_rules *rules, const struct seq_heard *h);
/* More of a datagram that was accounted long ago turns out to have been heard. */
void seq_live_account_more(struct seq_live *s, struct seq_room *room, const struct seq_rules *rules,
    struct seq_range r, const struct seq_heard *h);
/* What was claimed to be missing in this life is not claimed any more. */
void seq_live_withdraw(struct seq_live *s, struct seq_room *room);
void seq_live_end_life(struct seq_live *s, struct seq_room *room);

/* Of an item before it is accounted: it may bear templates. */
void seq_live_remember_templates(struct seq_live *s, const struct seq_item *it);
/* Whether templates are counted, and options records, as the datagram tells that goes on from the last one. */
void seq_live_look_at_variants(
    struct seq_live *s, struct seq_room *room, const struct seq_rules *rules, const struct seq_heard *h);

/* Keeps what was heard before it can be accounted; accounts all of it when it is learnt. */
void seq_live_hold(
    struct seq_live *s, struct seq_room *room, const struct seq_rules *rules, const struct seq_heard *h);
/* What was held is given up: the account begins with what is heard when it is learnt. */
void seq_live_forget_early(struct seq_live *s);
/* Whether the discipline still explains what is heard. */
void seq_live_examine(
    struct seq_live *s, struct seq_room *room, const struct seq_rules *rules, const struct seq_heard *h);

#endif
