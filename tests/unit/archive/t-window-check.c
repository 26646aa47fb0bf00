/* SPDX-License-Identifier: ISC
 *
 * What verify finds in bodies whose checksums are right: a window as a liar would have written it.
 */
#include <fcntl.h>
#include <unistd.h>

#include "archive/window_check.h"
#include "base/compress.h"
#include "log/check.h"
#include "tests/tap.h"
#include "tests/unit/archive/world.h"

#define PATHS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* Lets the check see the window's records; of the one of that type that comes first, the byte at a place is changed, or it
 * is left out (at < 0). The findings' number, and the first one. */
static unsigned
walk(enum record_type type, int at, bool quick, struct finding *ret)
{
	struct window_check w = {.quick = quick};
	struct buf body = BUF_INIT;
	struct check *c;
	struct record r;
	struct finding f;
	unsigned findings = 0;
	bool done = false;
	int fd = open("archive/20231114T221500Z.fbw", O_RDONLY);
	enum err e;

	if (fd < 0 || check_open(fd, false, false, &c) != ERR_OK)
		give_up("no window");
	while (check_next(c, &r, &f) == CHECK_RECORD) {
		if (r.type == type && !done) {
			done = true;
			if (at < 0)
				continue;
			buf_bytes(&body, r.body, r.len);
			body.data[at] ^= 1;
			r.body = body.data;
		}
		if (!window_check_record(&w, SEGMENT_WINDOW, &r, &f, &e) && findings++ == 0)
			*ret = f;
	}
	check_close(c);
	window_check_clear(&w);
	buf_clear(&body);
	close(fd);
	return findings;
}

static void
finds(enum record_type type, int at, const char *what, const char *name)
{
	struct finding f = {.what = "nothing"};
	unsigned n = walk(type, at, false, &f);

	ok(n >= 1, "%s: a finding", name);
	is_text(f.what, what, "... of the %s", what);
}

int
main(void)
{
	struct log_folder log;
	struct finding f;

	world_open();
	log_folder_open(&log, "log", "lab", "a", 1);
	for (uint32_t i = 0; i < 400; i++) {
		const struct buf *b = world_v5(i, 30);
		struct record r = world_record(RECORD_DATAGRAM, WORLD_T0 + i, b->data, b->len);

		log_folder_add(&log, &r);
	}
	log_folder_close(&log, true);
	world_archive("archive", 300 * NS_PER_SEC, PATHS("log"));
	is_u64(walk(RECORD_SELECTED, 0, false, &f), 0, "an honest window: no finding");
	finds(RECORD_ENTRIES, 8, "digest of a payload", "another digest");
	finds(RECORD_ENTRIES, 60 + 8, "entry of a datagram",
	    "another sequence"); /* export time 60, sequence 68 */
	finds(RECORD_ENTRIES, 4, "record body", "a time behind the next one's");
	finds(RECORD_ENTRIES, 46, "record body", "a protocol that is none");
	finds(RECORD_ENTRIES, ENTRY_HEAD_SIZE + 3, "record body",
	    "a witness of a source that is not in the table");
	finds(RECORD_ENTRIES, 43, "record body", "another length than the payloads'");
	finds(RECORD_PAYLOADS, CHUNK_HEAD_SIZE + 100, "digest of a payload", "another payload");
	if (compress_version() != NULL) /* else it is a codec that this build cannot judge */
		finds(RECORD_PAYLOADS, 0, "record body", "payloads of another codec");
	finds(RECORD_PAYLOADS, 4, "record body", "another length");
	finds(RECORD_PAYLOADS, -1, "record type", "no payloads");
	finds(RECORD_ENTRIES, -1, "record body", "no entries");
	finds(RECORD_CONTENTS, 27, "contents", "one datagram more than there are");
	finds(RECORD_SOURCES, 10, "record body", "a table that is none");
	is_u64(
	    walk(RECORD_PAYLOADS, CHUNK_HEAD_SIZE + 100, true, &f), 0, "quick: payloads are not looked into");
	world_close();
	return done_testing();
}
