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
struct conf_overrides;
struct policy;

#define CONF_FILE_MOST (1U << 20)
#define CONF_NAME_SIZE 64
#define CONF_PATH_SIZE 1024
#define CONF_LISTENERS_MOST 250 /* a reload hands over as many sockets at once, see node/channel.h */
#define CONF_SOURCES_MOST 65536
#define CONF_JOIN_SOURCES_MOST 1024
#define CONF_LANES_MOST 64
#define CONF_FORWARDS_MOST 32
#define CONF_FEEDS_MOST 16
#define CONF_SOCKET_PATH_SIZE 108 /* sun_path, unix(7) */

/* Owned prefixes. None: everybody. */
struct conf_sources {
	struct prefix *list;
	size_t count;
};

struct conf_listener {
	struct addr address;
	uint16_t port;
	char interface[IF_NAMESIZE]; /* "": none named */
	struct conf_sources sources; /* whose datagrams are taken */
	struct addr *join_sources;   /* owned; whom the group is joined of. None: everybody */
	size_t join_source_count;
	int64_t receive_buffer; /* bytes asked of the kernel */
	int64_t rate_limit;     /* datagrams a second of one exporter; 0: none */
	char *file;             /* owned: where the listener is described, for messages */
	unsigned line;
};

/* Where each datagram goes besides the log. */
struct conf_forward {
	struct addr address;
	uint16_t port;
	char interface[IF_NAMESIZE]; /* "": as the routes say */
	int64_t hops;                /* 0: as the kernel does */
	bool exporter_address;       /* it comes from there, not from us */
	struct conf_sources sources; /* whose datagrams go there */
};

enum conf_feed_format { CONF_FEED_JSON, CONF_FEED_RECORDS };

/* A socket at which programs of this host read what comes. */
struct conf_feed {
	char path[CONF_SOCKET_PATH_SIZE];
	int64_t mode;
	int64_t format;   /* enum conf_feed_format */
	char *expression; /* owned; NULL: everything */
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

	struct policy *policy;         /* owned; NULL: none, whole datagrams are recorded */
	struct conf_forward *forwards; /* owned */
	size_t forward_count;
	struct conf_feed *feeds; /* owned */
	size_t feed_count;

	bool has_status;
	struct addr status_address;
	uint16_t status_port;
	int64_t status_series;                   /* of streams and exporters, in /metrics */
	int64_t status_silence_ns;               /* without any datagram, that is not well; 0: it is */
	char status_certificate[CONF_PATH_SIZE]; /* this and the next: "": none */
	char status_key[CONF_PATH_SIZE];
	char status_client_ca[CONF_PATH_SIZE];
	char status_users[CONF_PATH_SIZE];
	bool status_public; /* everybody may read it */

	char user[CONF_NAME_SIZE];    /* "": stay who we are */
	char pidfile[CONF_PATH_SIZE]; /* "": none */
};

/* Reads a configuration from a file, or from text that messages call `name`; @include is relative to the
 * file's folder; overrides (may be NULL) go over what stands in it. On success *ret is to be cleared with conf_clear. Otherwise ERR_MALFORMED, or ERR_MEMORY,
 * and errors has a line "FILE:LINE: KEY: what is wrong" for each fault. */
enum err conf_load(const char *path, const struct conf_overrides *overrides, struct conf *ret,
    struct buf *errors) WARN_UNUSED;
enum err conf_parse(const char *text, const char *name, struct conf *ret, struct buf *errors) WARN_UNUSED;
void conf_clear(struct conf *c);

/* The files of the status, in the order of base/serve_secrets.h. */
void conf_status_files(const struct conf *c, const char *ret[]);

/* Appends the whole configuration, defaults included, in a form that conf_parse reads to the same. */
void conf_print(const struct conf *c, struct buf *out);

/* "listener 239.10.10.1 port 2055 (flowbraid.conf:4)" in out; the subject of messages. Returns out. */
#define CONF_LISTENER_TEXT_SIZE 256
char *conf_listener_text(const struct conf_listener *l, char out[CONF_LISTENER_TEXT_SIZE]);
/* Without the place in the file, in the form that stays the same when others come and go: "239.10.10.1:2055%eth1",
 * "[2001:db8::1]:2055". */
char *conf_listener_name(const struct conf_listener *l, char out[CONF_LISTENER_TEXT_SIZE]);

/* Whether anything goes anywhere but to the log. */
static inline bool
conf_has_outputs(const struct conf *c)
{
	return c->forward_count > 0 || c->feed_count > 0;
}

/* Whether both have the same outputs. False also when memory is out. */
bool conf_same_outputs(const struct conf *a, const struct conf *b);

/* "forward 192.0.2.9 port 9995", the subject of messages; and "192.0.2.9:9995%eth1", "[2001:db8::9]:9995", its name.
 * Each returns out. */
char *conf_forward_text(const struct conf_forward *f, char out[CONF_LISTENER_TEXT_SIZE]);
char *conf_forward_name(const struct conf_forward *f, char out[CONF_LISTENER_TEXT_SIZE]);

/* Whether a node that runs with `from` can go on with `to`. If not, errors has a line for each key that only a new start
 * can change. */
bool conf_can_follow(const struct conf *from, const struct conf *to, struct buf *errors);

#endif
