/* SPDX-License-Identifier: ISC
 *
 * Reading the file; what is wrong in it, a message a line.
 */
#include "cluster/policy_file.h"

#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/msg.h"
#include "flow/policy_conf.h"

#define FILE_MOST ((size_t)1 << 20)

static enum err
load(const char *path, char *folder, struct policy **ret, struct buf *errors)
{
	struct buf text = BUF_INIT;
	enum err e = file_slurp(AT_FDCWD, path, FILE_MOST, &text);

	buf_u8(&text, 0);
	if (e != ERR_OK) {
		buf_printf(errors, "%s: cannot read: %s\n", path, e == ERR_LIMIT ? "too large" : err_text(e));
	} else if (!buf_ok(&text)) {
		e = ERR_MEMORY;
	} else if (strlen((const char *)text.data) + 1 != text.len) {
		buf_printf(errors, "%s: expected text, found a zero byte at offset %zu\n", path,
		    strlen((const char *)text.data));
		e = ERR_MALFORMED;
	} else {
		e = policy_conf_parse((const char *)text.data, path, dirname(folder), ret, errors);
	}
	buf_clear(&text);
	return e;
}

struct policy *
policy_file_load(const char *path)
{
	struct policy *p = NULL;
	struct buf errors = BUF_INIT;
	char *folder = strdup(path), *rest;
	enum err e = folder != NULL ? load(path, folder, &p, &errors) : ERR_MEMORY;

	buf_u8(&errors, 0);
	if (e == ERR_MEMORY || !buf_ok(&errors))
		msg_error("%s: %s", path, err_text(ERR_MEMORY));
	rest = buf_ok(&errors) ? (char *)errors.data : NULL;
	for (char *line; (line = strsep(&rest, "\n")) != NULL && line[0] != '\0';)
		msg_error("%s", line);
	buf_clear(&errors);
	free(folder);
	return e == ERR_OK ? p : NULL;
}

void
policy_file_tell(const struct policy *p)
{
	for (size_t i = 0; i < policy_rule_count(p); i++) {
		struct policy_counters n;
		struct policy_rule r;

		policy_rule(p, i, &r, &n);
		msg_info("policy: rule %zu: %" PRIu64 " evaluations, %" PRIu64 " matches, %" PRIu64
			 " wins: %s %.200s",
		    i + 1, n.evaluations, n.matches, n.wins, r.keep ? "keep" : "drop", r.match);
	}
	msg_info("policy: no rule matched %" PRIu64 " flows", policy_unmatched(p));
}
