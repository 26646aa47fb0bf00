/* SPDX-License-Identifier: ISC
 *
 * Messages between the parent and its children, over a pair of SOCK_SEQPACKET sockets: a kind, a body, and open
 * descriptors. Neither side waits for the other. A child is not trusted: the parent reads bodies with the bounded
 * reader, and a descriptor that no kind asks for is closed.
 */
#ifndef FLOWBRAID_NODE_CHANNEL_H
#define FLOWBRAID_NODE_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/msg.h"

#define CHANNEL_BODY_MOST 8192
#define CHANNEL_FDS_MOST 253 /* SCM_MAX_FD, unix(7) */

enum channel_kind {
	/* from a child */
	CHANNEL_MESSAGE = 1, /* u8 level, text: for syslog or standard error */
	CHANNEL_STARTED,     /* it does its work from now on */
	CHANNEL_ALIVE,       /* every second; of a collector: u32 drops of each listener */
	CHANNEL_RELOADED,    /* it goes on with what CHANNEL_RELOAD brought; where it cannot, it ends */
	/* to a child */
	CHANNEL_STOP,       /* end in good order */
	CHANNEL_RELOAD,     /* see reload.h */
	CHANNEL_ROTATE,     /* begin a new segment */
	CHANNEL_STATISTICS, /* say them */
	CHANNEL_LINK,       /* u16 listener, text: what happened to its interface */
};

struct channel_message {
	enum channel_kind kind;
	uint32_t len;
	uint8_t body[CHANNEL_BODY_MOST];
	int fds[CHANNEL_FDS_MOST]; /* the receiver's, who sets those that it keeps to -1 */
	size_t fd_count;
};

/* Both ends, not blocking, closed on exec. ERR_SYSTEM. */
enum err channel_pair(int ret[2]) WARN_UNUSED;

/* SIGPIPE is to be ignored. ERR_LIMIT: no room now. ERR_END: the other side is gone. ERR_SYSTEM, ERR_MALFORMED (body or fds too many).
 * The descriptors stay the sender's. */
enum err channel_send(int channel, enum channel_kind kind, const void *body, size_t len, const int *fds,
    size_t fd_count) WARN_UNUSED;

/* The next message. ERR_LIMIT: none now. ERR_END: the other side is gone. ERR_MALFORMED: it was none, or a cut one;
 * ERR_SYSTEM. With ERR_OK the descriptors are to be taken or given to channel_close_fds. */
enum err channel_receive(int channel, struct channel_message *ret) WARN_UNUSED;
void channel_close_fds(struct channel_message *m);

/* From now on messages of base/msg go to the parent, whichever thread says them. One that there is no room for is
 * counted, and the next one says how many were lost. */
void channel_relay_messages(int channel);
/* The other end of it: says what a child said, as if we had said it. False when the body is none. */
bool channel_say_message(const struct channel_message *m);

#endif
