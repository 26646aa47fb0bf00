/* SPDX-License-Identifier: ISC
 *
 * Between the two parts of flowbraid cat: what prints (cat.c) and what reads archives (cat_archive.c).
 */
#ifndef FLOWBRAID_CLUSTER_CAT_PRIVATE_H
#define FLOWBRAID_CLUSTER_CAT_PRIVATE_H

#include "archive/entry.h"
#include "archive/tables.h"
#include "cluster/command.h"
#include "cluster/hearings.h"
#include "cluster/select.h"
#include "flow/anonymise.h"
#include "flow/decode.h"
#include "flow/sampling.h"

enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_CSV };

struct cat;

/* What is done with each datagram in place of printing its flows. False: no more of them are wanted. */
typedef bool cat_datagram(
    struct cat *c, void *ctx, const struct record *r, const uint8_t *payload, size_t len);

struct cat {
	struct command_options o;
	cat_datagram *datagram; /* NULL: flows are printed */
	void *datagram_ctx;
	enum format format;
	bool count;
	bool one_by_one; /* witnesses */
	bool explain;
	struct selection selection;
	struct anonymiser *anonymiser; /* owned; NULL: addresses are shown */
	struct buf anonymous;          /* a record without its addresses */
	uint64_t most;                 /* flows to be printed; 0: all */
	struct pool_span span;
	bool pass;   /* the next payloads lie beside the span */
	bool behind; /* the rest of the archive's file lies behind the span */
	bool stop;   /* standard output takes no more */
	bool gone;   /* ... because nobody reads it: no fault */
	bool enough; /* all that -n asked for has been printed */
	struct buf out;
	uint64_t flows, findings, undecoded_sets, reserved_sets, malformed_sets, unknown_samples, v8;
	uint64_t faults[FAULT_COUNT_OF_KINDS]; /* datagrams */
	/* the file or log at hand */
	struct cat_template {
		struct tmpl *parsed; /* owned; NULL where not parsable */
		struct tmpl_def def; /* without its bytes */
	} * templates;               /* owned */
	size_t template_count, template_room;
	const struct cat_template *resolved; /* of the data set resolved last, or NULL */
	wall_t export_time;                  /* of the archived datagram at hand */
	struct source *sources;              /* owned: an archive file's table */
	size_t source_count, source_room;
	struct tables tables; /* the archive file's */
	struct pair pair;     /* entries that wait for their payloads */
	bool skip;            /* the next payloads have lost their entries */
	struct held {         /* a datagram that more witnesses may follow */
		bool any;
		struct entry entry;
		const uint8_t *payload; /* both point into the pair, or into kept */
		struct buf kept;        /* owned; its references and payload, when the pair is over */
	} held;
	const char **witnesses; /* owned: names for the datagram at hand */
	size_t witness_count, witness_room;
	struct hearings hearings;      /* of it, when they are asked for */
	struct buf hearings_text;      /* owned */
	struct sampling_state *states; /* owned, and what they hold; likewise */
	size_t state_count, state_room;
	struct rd sets; /* the archived datagram at hand: what decodes each data set */
	size_t ref_count;
};

#define CAT_INIT \
	{ \
		.out = BUF_INIT, .hearings_text = BUF_INIT, .pair = PAIR_INIT \
	}

/* The datagrams of each path in turn, in the order in which they stand there. False: something could not be read. */
bool cat_walk(struct cat *c, char **paths, int count);
void cat_clear(struct cat *c);

/* All flows of one datagram, which d begins to decode. */
void cat_flows(struct cat *c, const struct record *r, const uint8_t *payload, size_t len, struct decode *d,
    const struct sampling_state *sampling);

static inline bool
cat_in_span(const struct cat *c, int64_t ns)
{
	return ns >= c->span.from_ns && ns < c->span.to_ns;
}

/* A good record of an archive's file, and damage in it; path and offset are for messages. */
enum err cat_archive_record(
    struct cat *c, const struct record *r, const char *path, uint64_t offset) WARN_UNUSED;
void cat_archive_finding(struct cat *c, const struct finding *f);

/* The end of the file: what was held is printed, and its tables are forgotten. */
void cat_archive_end(struct cat *c);

#endif
