/* SPDX-License-Identifier: ISC
 *
 * Between the parts of flowbraid cat: its options (cat_options.c), what is done with
 * datagrams and flows (cat.c), and logs that grow (cat_follow.c).
 */
#ifndef FLOWBRAID_CLUSTER_CAT_PRIVATE_H
#define FLOWBRAID_CLUSTER_CAT_PRIVATE_H

#include "archive/reader.h"
#include "cluster/cat_log.h"
#include "cluster/cat_sort.h"
#include "cluster/command.h"
#include "cluster/select.h"
#include "cluster/undecoded.h"
#include "flow/anonymise.h"
#include "flow/columns.h"
#include "flow/policy_view.h"

enum cat_format { CAT_TEXT, CAT_LONG, CAT_JSON, CAT_CSV, CAT_FLOW_TOOLS };

struct cat {
	struct command_options o;
	enum cat_format format;
	const char *fields; /* borrowed: as given; NULL: those of the format */
	bool count;
	bool one_by_one; /* witnesses */
	bool explain;
	bool follow;
	bool sort;
	bool format_given;
	const char *log;  /* borrowed: a folder to be written; NULL: flows are printed */
	const char *node; /* borrowed: whose that log is */
	struct selection selection;
	struct policy *policy; /* owned; NULL: none. What it leaves is what the expression sees */
	struct policy_view *view;
	bool counters;                 /* of its rules, in the end */
	struct columns *columns;       /* owned; NULL: the format has none */
	struct anonymiser *anonymiser; /* owned; NULL: addresses are shown */
	struct buf anonymous;          /* a record without its addresses */
	uint64_t most;                 /* flows to be printed; 0: all */
	bool stop;                     /* standard output takes no more */
	bool gone;                     /* ... because nobody reads it: no fault */
	bool over;                     /* what is followed has ended */
	bool enough;                   /* all that -n asked for has been printed */
	struct buf out;
	struct buf hearings;    /* of the datagram at hand, as text */
	struct cat_log *writer; /* owned; of log */
	struct cat_sort sorted; /* owned */
	uint64_t flows;
	struct undecoded undecoded;
};

/* The flows of one datagram. False: no more are wanted. */
bool cat_datagram(void *ctx, const struct reader_datagram *d);

/* Writes what was printed so far. */
void cat_flush(struct cat *c);

/* All datagrams of a log that grows, until a signal comes. False: a message was printed. */
bool cat_follow(struct cat *c, const char *path, uint64_t *ret_findings);

/* Reads the options; paths begin at optind then. False: *ret_exit says how to end; what is to be said was said. */
bool cat_options(struct cat *c, int argc, char **argv, int *ret_exit);

#endif
