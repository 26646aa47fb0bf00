/* SPDX-License-Identifier: ISC
 *
 * The datagrams of a log that is being written, as they come, and of segments that come through a pipe. What is read is read
 * once: templates are learnt on the way, from the snapshot with which each segment begins and from datagrams, so a data set
 * whose template comes later is not decoded.
 *
 *	follow_open(&o, path, &f, &why);
 *	for (;;) {
 *		while (follow_next(f, &d) == ERR_OK) ...
 *		... wait until follow_fd(f) is readable, then follow_read(f)
 *	}
 */
#ifndef FLOWBRAID_ARCHIVE_FOLLOW_H
#define FLOWBRAID_ARCHIVE_FOLLOW_H

#include "archive/reader.h"

struct follow;

struct follow_options {
	struct pool_span span; /* datagrams that were received in it */
	uint64_t seed;         /* a secret, against streams that are chosen to collide */
	void *ctx;
	/* Told of damage, and of segments of a lane that went before they were read; may be NULL. */
	void (*finding)(void *ctx, const char *path, const struct finding *f);
	void (*gone)(void *ctx, uint16_t lane, uint64_t first, uint64_t last);
};

/* A log's folder, which may be empty yet. *ret_why (emptied first) is the whole message when it is not ERR_OK. */
enum err follow_open(
    const struct follow_options *o, const char *path, struct follow **ret, struct buf *ret_why) WARN_UNUSED;
/* Segments from a descriptor, which stays the caller's; folder: where they lie while they are read. */
enum err follow_open_stream(const struct follow_options *o, int fd, const char *folder, struct follow **ret,
    struct buf *ret_why) WARN_UNUSED;
void follow_close(struct follow *f); /* NULL is fine */

/* The next datagram; of several lanes the one that was received first of what is there. ERR_END: there is none now. Another
 * error: follow_path tells where. */
enum err follow_next(struct follow *f, struct reader_datagram *ret) WARN_UNUSED;

/* To wait on; and to be called when it is readable. ERR_END: there will be no more, when what is there was read. */
int follow_fd(const struct follow *f);
enum err follow_read(struct follow *f) WARN_UNUSED;

const char *follow_path(const struct follow *f);

#endif
