/* SPDX-License-Identifier: ISC
 *
 * What flowbraidd does as a process of its host: going to the background, its pid file, its log folder.
 * Each says by a message what went wrong.
 */
#ifndef FLOWBRAID_NODE_PROCESS_H
#define FLOWBRAID_NODE_PROCESS_H

#include <stdbool.h>

#include "node/sandbox.h"

/* Forks. The caller goes on in the child; the parent stays until the child is ready, so that whoever started
 * it sees the messages of a failed start, and its exit status. */
struct background {
	int ready; /* -1: in the foreground */
};
bool background_begin(struct background *ret);
void background_ready(struct background *b); /* standard streams go to /dev/null */

/* As many open files as this process may have: listeners and lanes multiply. */
void files_permit_many(void);

/* The folder, which is made when it is not there (mode 0750, and given to whom the children become). -1: failed. */
int folder_open(const char *path, const struct identity *children);
/* Takes its lock, which all that have the descriptor hold together until the last of them is gone. Waits some seconds for
 * what a killed node's children still have to write. False: somebody else keeps it. */
bool folder_take(int folder, const char *path);

/* Opened early, while that is permitted; written when the process is the one to stay. */
struct pidfile {
	int fd;           /* -1: none */
	const char *path; /* borrowed */
};
bool pidfile_open(const char *path, struct pidfile *ret); /* "": none */
bool pidfile_write(const struct pidfile *p);
void pidfile_remove(struct pidfile *p); /* or empties it, where the folder is not ours to write */

#endif
