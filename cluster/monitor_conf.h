/* SPDX-License-Identifier: ISC
 *
 * What a monitor is told: by options, and by a file in libconfig's syntax (flowbraid-monitor(8)). Options come first; what they leave out the
 * file says.
 */
#ifndef FLOWBRAID_CLUSTER_MONITOR_CONF_H
#define FLOWBRAID_CLUSTER_MONITOR_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/serve_secrets.h"
#include "cluster/monitor_view.h"

struct monitor_node {
	char *url;  /* owned; as people may see it, without a password */
	char *host; /* owned; without brackets */
	uint16_t port;
	bool tls;
	char *base;          /* owned; "" or "/path" without a slash at its end */
	char *authorization; /* owned; of a basic authentication, the whole value; NULL: none */
};

struct monitor_conf {
	char *cluster;              /* owned; NULL: whatever the first node says */
	struct monitor_node *nodes; /* owned */
	uint32_t node_count;
	char *ca, *certificate,
	    *key; /* owned; for asking nodes. NULL: the system's authorities; no certificate of ours */
	bool listens;
	struct addr address;
	uint16_t port;
	char *files[SERVE_FILES]; /* owned; of what it serves */
	bool is_public;
	char *page; /* owned; folder; NULL: where it is installed */
	int64_t window_ns, interval_ns, timeout_ns;
	uint64_t streams, series, answer_most;
};

void monitor_conf_init(struct monitor_conf *c);
void monitor_conf_clear(struct monitor_conf *c);

/* Each: false and a line in errors says what is wrong. */
bool monitor_conf_node(struct monitor_conf *c, const char *url, struct buf *errors);
bool monitor_conf_listen(struct monitor_conf *c, const char *text, struct buf *errors);
bool monitor_conf_duration(
    const char *name, const char *text, int64_t low, int64_t *ret_ns, struct buf *errors);
/* text: of the file called path. */
bool monitor_conf_parse(struct monitor_conf *c, const char *text, const char *path, struct buf *errors);
/* Fills in what nobody said, and checks the whole. */
bool monitor_conf_finish(struct monitor_conf *c, struct buf *errors);

/* Whether a monitor that runs with one can go on with the other; errors has a line for each thing that cannot change. */
bool monitor_conf_may_follow(
    const struct monitor_conf *from, const struct monitor_conf *to, struct buf *errors);
/* What can change: passwords and files, timeout, and limits of what is shown. */
void monitor_conf_exchange(struct monitor_conf *a, struct monitor_conf *b);

#endif
