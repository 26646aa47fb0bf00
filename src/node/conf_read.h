/* SPDX-License-Identifier: ISC
 *
 * Reading a configuration, for the files that it stands in: conf.c (the text, scalars, listeners) and conf_outputs.c (where
 * datagrams go besides the log).
 */
#ifndef FLOWBRAID_NODE_CONF_READ_H
#define FLOWBRAID_NODE_CONF_READ_H

#include <libconfig.h>

#include "node/conf.h"
#include "node/conf_keys.h"

/* One reading: where it is, and what was found wrong. */
struct reading {
	const char *name; /* of the text */
	struct conf *conf;
	struct buf *errors;
	bool failed;
	bool no_memory;
	char path[64]; /* of the group being read: "log." */
};

void conf_fault(struct reading *r, const config_setting_t *at, const char *key, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void conf_bad_form(struct reading *r, const struct key *k, const config_setting_t *s);
void conf_read_group(struct reading *r, const struct key *keys, const config_setting_t *group,
    const char *path, uint8_t *base);

/* conf_outputs.c */
void conf_read_forwards(struct reading *r, const struct key *k, const config_setting_t *s);
void conf_read_feeds(struct reading *r, const struct key *k, const config_setting_t *s);
void conf_read_expression(struct reading *r, const struct key *k, const config_setting_t *s, char **ret);
void conf_check_outputs(struct reading *r, const config_setting_t *root); /* beside the listeners */
void conf_clear_outputs(struct conf *c);
bool conf_mode_parse(const char *text, int64_t *ret);
bool conf_feed_format_parse(const char *text, int64_t *ret);
const char *conf_feed_format_name(int64_t format);

#endif
