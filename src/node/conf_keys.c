/* SPDX-License-Identifier: ISC
 *
 * All keys: name, type, place, whether it is needed, default, range, whether a reload may change it.
 */
#include "node/conf_keys.h"

#include <stddef.h>

#include "base/clock.h"
#include "base/serve_secrets.h"

#define KIB 1024LL
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define TIB (1024 * GIB)
#define MSEC NS_PER_MSEC
#define SEC NS_PER_SEC
#define HOUR (3600 * SEC)
#define DAY (24 * HOUR)

const struct key conf_listener_keys[] = {
    {"address", KEY_ADDRESS, offsetof(struct conf_listener, address), REQUIRED, NULL, 0, 0, true},
    {"port", KEY_PORT, offsetof(struct conf_listener, port), REQUIRED, NULL, 0, 0, true},
    {"interface", KEY_INTERFACE, offsetof(struct conf_listener, interface), OPTIONAL, NULL, 0, 0, true},
    {"sources", KEY_SOURCES, offsetof(struct conf_listener, sources), OPTIONAL, NULL, 0, 0, true},
    {"join_sources", KEY_JOIN_SOURCES, 0, OPTIONAL, NULL, 0, 0, true},
    {"receive_buffer", KEY_SIZE, offsetof(struct conf_listener, receive_buffer), OPTIONAL, "16M", 64 * KIB,
	GIB - 1, true},
    {"rate_limit", KEY_NUMBER, offsetof(struct conf_listener, rate_limit), OPTIONAL, NULL, 0, 10000000, true},
    {.name = NULL},
};

const struct key conf_log_keys[] = {
    {"directory", KEY_PATH, offsetof(struct conf, log_directory), REQUIRED, NULL, 0, 0, false},
    {"rotate", KEY_DURATION, offsetof(struct conf, log_rotate_ns), OPTIONAL, "5m", SEC, 24 * HOUR, true},
    {"size", KEY_SIZE, offsetof(struct conf, log_size), OPTIONAL, "1G", MIB, 1024 * GIB, true},
    {"sync", KEY_DURATION, offsetof(struct conf, log_sync_ns), OPTIONAL, "1s", 10 * MSEC, HOUR, true},
    {"flush", KEY_DURATION, offsetof(struct conf, log_flush_ns), OPTIONAL, "100ms", 2 * MSEC, 10 * SEC, true},
    {"memory", KEY_SIZE, offsetof(struct conf, log_memory), OPTIONAL, "64M", 8 * MIB, 256 * GIB, false},
    {"retain", KEY_DURATION, offsetof(struct conf, log_retain_ns), OPTIONAL, NULL, SEC, 36500 * DAY, true},
    {"retain_size", KEY_SIZE, offsetof(struct conf, log_retain_size), OPTIONAL, NULL, MIB, 1024 * TIB, true},
    {"minimum_free", KEY_SIZE, offsetof(struct conf, log_minimum_free), OPTIONAL, NULL, MIB, 1024 * TIB,
	true},
    {"keep_unmerged", KEY_BOOL, offsetof(struct conf, log_keep_unmerged), OPTIONAL, "false", 0, 0, true},
    {.name = NULL},
};

const struct key conf_status_keys[] = {
    {"address", KEY_ADDRESS, offsetof(struct conf, status_address), REQUIRED, NULL, 0, 0, true},
    {"port", KEY_PORT, offsetof(struct conf, status_port), REQUIRED, NULL, 0, 0, true},
    {"series", KEY_NUMBER, offsetof(struct conf, status_series), OPTIONAL, "2000", 0, 1000000, true},
    {"silence", KEY_DURATION, offsetof(struct conf, status_silence_ns), OPTIONAL, NULL, SEC, 24 * HOUR, true},
    {"certificate", KEY_FULL_PATH, offsetof(struct conf, status_certificate), OPTIONAL, NULL, 0, 0, true},
    {"key", KEY_FULL_PATH, offsetof(struct conf, status_key), OPTIONAL, NULL, 0, 0, true},
    {"client_ca", KEY_FULL_PATH, offsetof(struct conf, status_client_ca), OPTIONAL, NULL, 0, 0, true},
    {"users", KEY_FULL_PATH, offsetof(struct conf, status_users), OPTIONAL, NULL, 0, 0, true},
    {"public", KEY_BOOL, offsetof(struct conf, status_public), OPTIONAL, "false", 0, 0, true},
    {.name = NULL},
};

const struct key conf_forward_keys[] = {
    {"address", KEY_ADDRESS, offsetof(struct conf_forward, address), REQUIRED, NULL, 0, 0, true},
    {"port", KEY_PORT, offsetof(struct conf_forward, port), REQUIRED, NULL, 0, 0, true},
    {"interface", KEY_INTERFACE, offsetof(struct conf_forward, interface), OPTIONAL, NULL, 0, 0, true},
    {"hops", KEY_NUMBER, offsetof(struct conf_forward, hops), OPTIONAL, NULL, 0, 255, true},
    {"exporter_address", KEY_BOOL, offsetof(struct conf_forward, exporter_address), OPTIONAL, "false", 0, 0,
	true},
    {"sources", KEY_SOURCES, offsetof(struct conf_forward, sources), OPTIONAL, NULL, 0, 0, true},
    {.name = NULL},
};

const struct key conf_feed_keys[] = {
    {"path", KEY_SOCKET_PATH, offsetof(struct conf_feed, path), REQUIRED, NULL, 0, 0, true},
    {"mode", KEY_MODE, offsetof(struct conf_feed, mode), OPTIONAL, "0660", 0, 0, true},
    {"format", KEY_FEED_FORMAT, offsetof(struct conf_feed, format), OPTIONAL, "json", 0, 0, true},
    {"expression", KEY_EXPRESSION, offsetof(struct conf_feed, expression), OPTIONAL, NULL, 0, 0, true},
    {.name = NULL},
};

const struct key conf_top_keys[] = {
    {"cluster", KEY_NAME, offsetof(struct conf, cluster), REQUIRED, NULL, 0, 0, false},
    {"node", KEY_NAME, offsetof(struct conf, node), REQUIRED, NULL, 0, 0, false},
    {"listen", KEY_LISTENERS, 0, REQUIRED, NULL, 0, 0, true},
    {"lanes", KEY_NUMBER, offsetof(struct conf, lanes), OPTIONAL, "1", 1, CONF_LANES_MOST, false},
    {"log", KEY_LOG, 0, REQUIRED, NULL, 0, 0, true},
    {"status", KEY_STATUS, 0, OPTIONAL, NULL, 0, 0, true},
    {"policy", KEY_POLICY, 0, OPTIONAL, NULL, 0, 0, true},
    {"forward", KEY_FORWARDS, 0, OPTIONAL, NULL, 0, 0, true},
    {"feed", KEY_FEEDS, 0, OPTIONAL, NULL, 0, 0, true},
    {"user", KEY_NAME, offsetof(struct conf, user), OPTIONAL, NULL, 0, 0, false},
    {"pidfile", KEY_FULL_PATH, offsetof(struct conf, pidfile), OPTIONAL, NULL, 0, 0, false},
    {.name = NULL},
};

void
conf_status_files(const struct conf *c, const char *ret[])
{
	ret[SERVE_CERTIFICATE] = c->status_certificate;
	ret[SERVE_KEY] = c->status_key;
	ret[SERVE_CLIENT_CA] = c->status_client_ca;
	ret[SERVE_USERS] = c->status_users;
}
