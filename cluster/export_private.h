/* SPDX-License-Identifier: ISC
 *
 * Between flowbraid export (export.c), which selects flows, and the forms that it can give them.
 */
#ifndef FLOWBRAID_CLUSTER_EXPORT_PRIVATE_H
#define FLOWBRAID_CLUSTER_EXPORT_PRIVATE_H

#include <stdbool.h>

#include "archive/reader.h"
#include "flow/flow.h"

/* Each is false when it cannot go on, and has said why. */
struct export_form {
	bool (*datagram)(void *to, const struct reader_datagram *d); /* whose flows follow */
	bool (*flow)(void *to, const struct flow *f, struct flow_context *c);
	bool (*finish)(void *to, bool quiet); /* all is there: the file gets its name */
	void (*drop)(void *to);               /* always the last: frees, and removes what was not finished */
};

extern const struct export_form export_ipfix, export_sqlite;

/* NULL: a message has said why. */
void *export_ipfix_open(const char *path);
void *export_sqlite_open(const char *path, bool append);

/* A file that gets its name when it is whole: until then it is path.tmp. */
struct export_place {
	const char *path; /* borrowed */
	char *temporary;  /* owned; NULL: none */
};
/* False when there is such a file already, or memory is out. What a killed export left is removed. */
bool export_place_init(struct export_place *p, const char *path);
/* Syncs the file and names it; never in place of another. */
bool export_place_finish(struct export_place *p);
/* Removes the temporary one, if it is there still. */
void export_place_clear(struct export_place *p);

#endif
