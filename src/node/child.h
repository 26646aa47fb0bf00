/* SPDX-License-Identifier: ISC
 *
 * A child of the parent: its process, its channel, and how often it had to be started again. Children are made by
 * fork alone, so they have what the parent knew; what they may keep open is named, all else is closed.
 */
#ifndef FLOWBRAID_NODE_CHILD_H
#define FLOWBRAID_NODE_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/msg.h"
#include "node/sandbox.h"

#define CHILD_NAME_SIZE 32
#define CHILD_KEEP_MOST 300
#define CHILD_SILENT_NS (60 * NS_PER_SEC) /* a started one that says nothing for so long is hung */

struct child {
	char name[CHILD_NAME_SIZE]; /* the subject of messages */
	pid_t pid;                  /* 0: none runs */
	int channel;                /* -1: none */
	bool started;               /* it said so */
	bool ready_once;            /* some life of it did */
	mono_t begun, heard;
	mono_t due;        /* with no pid: when to start it again */
	unsigned failures; /* lives in a row that ended early */
	uint64_t restarts; /* lives after the first */
	struct msg_limit messages;
};

void child_init(struct child *c, const char *name);

/* What runs in the child; the process ends with what it returns. */
typedef int (*child_main)(void *ctx, int channel);

/* Forks. keep: descriptors that the child needs besides its channel. foreground: its standard streams stay.
 * False: a message has said why, and c->due tells when to try again. */
bool child_start(struct child *c, child_main run, void *ctx, const int *keep, size_t keep_count,
    bool foreground, mono_t now);

/* SIGKILL, if it runs. who: what the children are; another user's process is killed in that user's name. */
void child_kill(const struct child *c, const struct identity *who);

/* It has ended with this status (wait(2)): says so unless that was expected, and decides when to start it again.
 * Closes the channel, which is to be read to its end before. */
void child_ended(struct child *c, int status, bool expected, mono_t now);

/* What the child's end of a channel says of it: true when the message was of the child's life, and has been dealt
 * with. */
struct channel_message;
bool child_heard(struct child *c, const struct channel_message *m, mono_t now);

#endif
