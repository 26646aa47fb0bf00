/* SPDX-License-Identifier: ISC
 *
 * The configuration of a node: one table of keys (conf_keys.c) says type, range, default and whether a reload may
 * change it. A configuration is read and checked whole; there is no half of one.
 *
 * (Not named config.h: that is what configure writes.)
 */
#ifndef FLOWBRAID_NODE_CONF_H
#define FLOWBRAID_NODE_CONF_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"

struct buf;

#define CONF_FILE_MOST (1U << 20)
#define CONF_NAME_SIZE 64
#define CONF_PATH_SIZE 1024
#define CONF_LISTENERS_MOST 250 /* a reload hands over as many sockets at once, see node/channel.h */
#define CONF_SOURCES_MOST 65536
#define CONF_JOIN_SOURCES_MOST 1024
#define CONF_LANES_MOST 64

struct conf_listener {
	struct addr address;
	uint16_t port;
	char interface[IF_NAMESIZE]; /* "": none named */
	struct prefix *sources;      /* owned; whose datagrams are taken. None: everybody's */
	size_t source_count;
	struct addr *join_sources; /* owned; whom the group is joined of. None: everybody */
	size_t join_source_count;
	int64_t receive_buffer; /* bytes asked of the kernel */
	int64_t rate_limit;     /* datagrams a second of one exporter; 0: none */
	char *file;             /* owned: where the listener is described, for messages */
	unsigned line;
};

struct conf {
	char cluster[CONF_NAME_SIZE];
	char node[CONF_NAME_SIZE];
	struct conf_listener *listeners; /* owned */
	size_t listener_count;
	int64_t lanes; /* collectors that share what comes */

	char log_directory[CONF_PATH_SIZE];
	int64_t log_rotate_ns;
	int64_t log_size; /* most bytes of a segment */
	int64_t log_sync_ns;
	int64_t log_flush_ns;
	int64_t log_memory;    /* bytes of blocks that wait for the disk */
	int64_t log_retain_ns; /* retention; 0: no such limit */
	int64_t log_retain_size;
	int64_t log_minimum_free;
	bool log_keep_unmerged;

	bool has_status;
	struct addr status_address;
	uint16_t status_port;
	int64_t status_series;     /* of streams and exporters, in /metrics */
	int64_t status_silence_ns; /* without any datagram, that is not well; 0: it is */

	char user[CONF_NAME_SIZE];    /* "": stay who we are */
	char pidfile[CONF_PATH_SIZE]; /* "": none */
};

/* Reads a configuration from a file, or from text that messages call `name`; @include is relative to the
 * file's folder. On success *ret is to be cleared with conf_clear. Otherwise ERR_MALFORMED, or ERR_MEMORY,
 * and errors has a line "FILE:LINE: KEY: what is wrong" for each fault. */
enum err conf_load(const char *path, struct conf *ret, struct buf *errors) WARN_UNUSED;
enum err conf_parse(const char *text, const char *name, struct conf *ret, struct buf *errors) WARN_UNUSED;
void conf_clear(struct conf *c);

/* Appends the whole configuration, defaults included, in a form that conf_parse reads to the same. */
void conf_print(const struct conf *c, struct buf *out);

/* "listener 239.10.10.1 port 2055 (flowbraid.conf:4)" in out; the subject of messages. Returns out. */
#define CONF_LISTENER_TEXT_SIZE 256
char *conf_listener_text(const struct conf_listener *l, char out[CONF_LISTENER_TEXT_SIZE]);
/* Without the place in the file, in the form that stays the same when others come and go: "239.10.10.1:2055%eth1",
 * "[2001:db8::1]:2055". */
char *conf_listener_name(const struct conf_listener *l, char out[CONF_LISTENER_TEXT_SIZE]);

/* Whether a node that runs with `from` can go on with `to`. If not, errors has a line for each key that only a new start
 * can change. */
bool conf_can_follow(const struct conf *from, const struct conf *to, struct buf *errors);

#endif
