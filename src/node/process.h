/* SPDX-License-Identifier: ISC
 *
 * What flowbraidd does as a process of its host: going to the background, its pid file, its log folder, giving
 * up privileges. Each says by a message what went wrong.
 */
#ifndef FLOWBRAID_NODE_PROCESS_H
#define FLOWBRAID_NODE_PROCESS_H

#include <stdbool.h>

/* Forks. The caller goes on in the child; the parent stays until the child is ready, so that whoever started
 * it sees the messages of a failed start, and its exit status. */
struct background {
	int ready; /* -1: in the foreground */
};
bool background_begin(struct background *ret);
void background_ready(struct background *b); /* standard streams go to /dev/null */

/* The folder, which is made when it is not there (mode 0750, given to `user`, "" for nobody else). -1: failed. */
int folder_open(const char *path, const char *user);

/* Opened early, while that is permitted; written when the process is the one to stay. */
struct pidfile {
	int fd;           /* -1: none */
	const char *path; /* borrowed */
};
bool pidfile_open(const char *path, struct pidfile *ret); /* "": none */
bool pidfile_write(const struct pidfile *p);
void pidfile_remove(struct pidfile *p); /* or empties it, where the folder is not ours to write */

/* Becomes `user` with its groups, for good. "": stays, and warns when that is root. */
bool user_become(const char *user);

#endif
