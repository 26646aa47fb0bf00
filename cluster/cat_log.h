/* SPDX-License-Identifier: ISC
 *
 * flowbraid cat -o: datagrams into a new log, as a node would have written it.
 */
#ifndef FLOWBRAID_CLUSTER_CAT_LOG_H
#define FLOWBRAID_CLUSTER_CAT_LOG_H

#include "archive/reader.h"

struct cat_log;

/* Makes the folder, or takes one that is empty. NULL: a message was printed. */
struct cat_log *cat_log_open(const char *path, const char *node);

/* A template definition that decodes what follows. */
void cat_log_definition(struct cat_log *l, const struct tmpl_def *def);

/* False: a message was printed, and nothing more can be added. All datagrams have to be of one cluster. */
bool cat_log_put(struct cat_log *l, const struct reader_datagram *d, const char *cluster);

/* Seals. False: a message was printed. */
bool cat_log_end(struct cat_log *l);
void cat_log_free(struct cat_log *l); /* NULL is fine */

#endif
