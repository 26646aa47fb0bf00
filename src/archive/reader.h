/* SPDX-License-Identifier: ISC
 *
 * The datagrams of a log, a segment or an archive, one after the other in the order in which they stand there, each with
 * what decodes it. An archive's windows say themselves which definition decodes which data set; a log is read twice,
 * first for its templates, so that a set is decoded also when its template came later.
 *
 *	reader_open(r, path, &why);
 *	while (reader_next(r, &d) == ERR_OK)
 *		while (decode_next(d.decode, &flow) == ERR_OK) ...
 */
#ifndef FLOWBRAID_ARCHIVE_READER_H
#define FLOWBRAID_ARCHIVE_READER_H

#include "archive/hearings.h"
#include "archive/pool.h"
#include "flow/decode.h"
#include "flow/sampling.h"

struct reader;

struct reader_options {
	struct pool_span span; /* datagrams whose time lies in it */
	bool names;            /* of an archive: names of the nodes that heard each */
	bool hearings;         /* each hearing, by itself */
	/* Told of damage, with the file; may be NULL. */
	void (*finding)(void *ctx, const char *path, const struct finding *f);
	/* Told of each template definition that may decode what follows, before that is handed out; may be NULL. */
	void (*definition)(void *ctx, const struct tmpl_def *def);
	void *ctx;
};

/* All of it lives until the next call on the reader. */
struct reader_datagram {
	struct addr exporter;
	uint16_t port;
	const char *cluster;                  /* whose it is */
	uint8_t flags;                        /* enum record_flag, in an archive of all hearings */
	uint16_t listener;                    /* of a log's record; in an archive 0 */
	wall_t time;                          /* received; in an archive the archive's */
	const uint8_t *payload;               /* NULL: there are only selected flows */
	size_t len;                           /* of the payload as it came */
	const struct selected_head *selected; /* of these; else NULL */
	const uint8_t *selected_body;         /* ... as they stand in a record (flow/selected.h) */
	size_t selected_len;
	const struct proto_info *info;
	struct decode *decode;        /* begun */
	const char *const *witnesses; /* sorted; NULL: none are known */
	size_t witness_count;
	struct hearings *hearings;
	const struct sampling_state *sampling; /* NULL: nothing is known */
};

enum err reader_new(const struct reader_options *o, struct reader **ret) WARN_UNUSED;
void reader_free(struct reader *r);

/* Begins with a path, and ends the one before. *ret_why (emptied first) is the whole message when it is not ERR_OK. Of a log it
 * reads everything, and holds to the limit of base/spill. */
enum err reader_open(struct reader *r, const char *path, struct buf *ret_why) WARN_UNUSED;

/* ERR_END: there is no more; another error: reader_path tells in which file, and the path is over. */
enum err reader_next(struct reader *r, struct reader_datagram *ret) WARN_UNUSED;

/* The file at hand. */
const char *reader_path(const struct reader *r);

/* Damage so far, in all paths. */
uint64_t reader_findings(const struct reader *r);

#endif
