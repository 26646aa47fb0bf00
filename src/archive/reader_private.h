/* SPDX-License-Identifier: ISC
 *
 * Between the parts of the reader: paths and logs (reader.c), and the files of archives (reader_archive.c).
 */
#ifndef FLOWBRAID_ARCHIVE_READER_PRIVATE_H
#define FLOWBRAID_ARCHIVE_READER_PRIVATE_H

#include "archive/entry.h"
#include "archive/reader.h"
#include "archive/tables.h"
#include "archive/unpack.h"

/* A log, read once for all that it brings. */
struct log_view {
	struct pool pool;
	struct plan plan;
	struct unpack *unpack; /* owned */
};

/* The file of an archive at hand. */
struct archive_view {
	struct archive_template {
		struct tmpl *parsed; /* owned; NULL where not parsable */
		struct tmpl_def def; /* without its bytes */
	} * templates;               /* owned */
	size_t template_count, template_room;
	const struct archive_template *resolved; /* of the data set resolved last, or NULL */
	wall_t export_time;                      /* of the datagram at hand */
	struct source *sources;                  /* owned: the file's table */
	size_t source_count, source_room;
	struct sampling_state *states; /* owned, and what they hold; likewise */
	size_t state_count, state_room;
	struct tables tables;
	bool skip;          /* the next payloads have lost their entries */
	bool pass;          /* ... lie beside the span */
	bool behind;        /* the rest of the file lies behind the span */
	struct pair pair;   /* entries that wait for their payloads, or whose datagrams are handed out now */
	bool paired;        /* that: they are handed out */
	struct rd entries;  /* what is left of them */
	size_t payloads_at; /* the payload of the next one, in the pair's */
	struct held {       /* a datagram that more witnesses may follow */
		bool any;
		struct entry entry;
		const uint8_t *payload; /* both point into the pair, or into kept */
		struct buf kept;        /* owned; its references and payload, when the pair is over */
	} held;
	struct entry next; /* the datagram behind the held one, when has_next */
	const uint8_t *next_payload;
	bool has_next;
	bool release;           /* no more of its witnesses can follow */
	bool handed;            /* the held one was handed out, and ends with the next call */
	const char **witnesses; /* owned: names for the held one */
	size_t witness_count, witness_room;
	struct rd sets; /* of the datagram handed out: what decodes each data set */
	size_t ref_count;
};

struct reader {
	struct reader_options o;
	struct input input;       /* an archive, or a file of one */
	struct log_view *log;     /* owned; NULL: an archive, or nothing is open */
	struct source log_source; /* of its file at hand */
	size_t file;              /* the next one */
	struct input_file *at;
	struct check *check; /* of it; owned; NULL: none is open */
	bool ended;          /* all of its records were read */
	uint64_t findings, findings_before;
	struct archive_view archive;
	struct hearings hearings;
	struct proto_info info;           /* of the datagram handed out */
	struct selected_reader *selected; /* owned; NULL: none was needed yet */
	struct decode decode;
};

void reader_tell(struct reader *r, const struct finding *f);

/* A good record of an archive's file, and damage in it. What is whole then is handed out by archive_view_next. */
enum err archive_view_record(struct reader *r, const struct record *rec) WARN_UNUSED;
void archive_view_finding(struct reader *r, const struct finding *f);

/* The next datagram of what was read. ERR_END: another record has to be read. ended: none comes any more. */
enum err archive_view_next(struct reader *r, bool ended, struct reader_datagram *ret) WARN_UNUSED;

/* The end of a file: its tables are forgotten. */
void archive_view_end(struct reader *r);
void archive_view_clear(struct archive_view *v);

#endif
