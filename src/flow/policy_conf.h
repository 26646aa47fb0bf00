/* SPDX-License-Identifier: ISC
 *
 * A policy from a configuration, flowbraidd's or one that holds little else: the group
 *
 *	policy = {
 *		rules = ( { match = "EXPRESSION"; action = "keep"; tag = 5; quick = true; }, ... );
 *		fields = [ "sourceIPv4Address", "PACKETS", ... ];
 *		lists = { name = [ "192.0.2.0/24", ... ]; };
 *		undecoded = "keep";
 *	};
 *
 * All of its keys may be left out. policy_print gives the same back.
 */
#ifndef FLOWBRAID_FLOW_POLICY_CONF_H
#define FLOWBRAID_FLOW_POLICY_CONF_H

#include <libconfig.h>

#include "base/buf.h"
#include "base/err.h"
#include "flow/policy.h"

/* name: what messages call the text, where libconfig knows no file. On success *ret is to be freed with policy_free.
 * Otherwise ERR_MALFORMED, or ERR_MEMORY, and errors has a line "FILE:LINE: policy.KEY: what is wrong" for each fault. */
enum err policy_conf_read(
    const config_setting_t *group, const char *name, struct policy **ret, struct buf *errors) WARN_UNUSED;

/* Where a setting stands, for messages: "FILE:LINE", name where libconfig knows no file; or the text that is its hook: what a
 * program made it of. */
void policy_conf_place(struct buf *out, const config_setting_t *at, const char *name);

/* The group `policy` of a whole text; what stands beside it is not looked at. include_folder: what @include is relative to;
 * NULL: the current folder. Also ERR_MALFORMED when there is no such group. */
enum err policy_conf_parse(const char *text, const char *name, const char *include_folder,
    struct policy **ret, struct buf *errors) WARN_UNUSED;

#endif
