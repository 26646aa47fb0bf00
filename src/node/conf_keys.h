/* SPDX-License-Identifier: ISC
 *
 * The table of keys, which says everything about a key. Reading (conf.c), printing and comparing (conf_print.c) walk it.
 */
#ifndef FLOWBRAID_NODE_CONF_KEYS_H
#define FLOWBRAID_NODE_CONF_KEYS_H

#include "node/conf.h"

enum key_type {
	KEY_NAME,      /* 1 to 63 of A-Z a-z 0-9 . _ - */
	KEY_INTERFACE, /* text as long as an interface's name may be */
	KEY_PATH,      /* text */
	KEY_FULL_PATH, /* text that begins with / */
	KEY_ADDRESS,   /* IPv4 or IPv6, numeric */
	KEY_PORT,
	KEY_DURATION,     /* "100ms" "1s" "5m" "1h" */
	KEY_SIZE,         /* "64M", or a number of bytes */
	KEY_NUMBER,       /* whole; without a default 0 is as if it were not there */
	KEY_BOOL,         /* true or false */
	KEY_SOURCES,      /* [ "192.0.2.0/24", ... ] */
	KEY_JOIN_SOURCES, /* [ "192.0.2.1", ... ] */
	KEY_LISTENERS,    /* ( { ... }, ... ) */
	KEY_LOG,          /* { ... } */
	KEY_STATUS,
	KEY_POLICY,      /* { ... }, see flow/policy_conf.h */
	KEY_FORWARDS,    /* ( { ... }, ... ) */
	KEY_FEEDS,       /* ( { ... }, ... ), one group, or text: its path */
	KEY_SOCKET_PATH, /* text that begins with / and is short enough for a socket */
	KEY_MODE,        /* "0660" */
	KEY_FEED_FORMAT, /* "json" or "records" */
	KEY_EXPRESSION,  /* text in the language of flow/expr.h */
};

enum key_need { REQUIRED, OPTIONAL };

struct key {
	const char *name;
	enum key_type type;
	size_t offset;
	enum key_need need;
	const char *otherwise; /* value of an optional key, as it would be written; NULL: none */
	int64_t least, most;   /* DURATION: ns; SIZE: bytes; NUMBER */
	bool reloadable;
};

extern const struct key conf_top_keys[], conf_listener_keys[], conf_log_keys[], conf_status_keys[],
    conf_forward_keys[], conf_feed_keys[];

static inline bool
conf_is_v4_prefix(const struct prefix *p)
{
	return p->bits >= 96 && addr_is_v4(&p->addr);
}

#endif
