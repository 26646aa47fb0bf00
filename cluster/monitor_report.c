/* SPDX-License-Identifier: ISC
 *
 * See monitor_report.h.
 */
#include "cluster/monitor_report.h"

#include <json-c/json.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"

/* So far from 0 a position may be: sums of some of them do not overflow. */
#define POSITION_MOST ((int64_t)1 << 60)

/* The same for times: the year 2096. */
#define TIME_MOST ((int64_t)4000000000 * NS_PER_SEC)

static const char *const unit_names[] = {"flows", "records", "datagrams"};

static const struct json_object *
get(const struct json_object *object, const char *key, enum json_type type)
{
	struct json_object *v;

	return json_object_object_get_ex(object, key, &v) && json_object_is_type(v, type) ? v : NULL;
}

/* NULL: none, or one with a NUL in it. */
static const char *
get_string(const struct json_object *object, const char *key)
{
	struct json_object *v;

	if (!json_object_object_get_ex(object, key, &v) || !json_object_is_type(v, json_type_string) ||
	    strlen(json_object_get_string(v)) != (size_t)json_object_get_string_len(v))
		return NULL;
	return json_object_get_string(v);
}

static bool
get_u64(const struct json_object *object, const char *key, uint64_t most, uint64_t *ret)
{
	const struct json_object *v = get(object, key, json_type_int);

	if (v == NULL || json_object_get_int64(v) < 0 || (uint64_t)json_object_get_int64(v) > most)
		return false;
	*ret = (uint64_t)json_object_get_int64(v);
	return true;
}

static bool
get_position(const struct json_object *object, const char *key, int64_t *ret)
{
	const struct json_object *v = get(object, key, json_type_int);

	if (v == NULL || json_object_get_int64(v) < -POSITION_MOST ||
	    json_object_get_int64(v) > POSITION_MOST)
		return false;
	*ret = json_object_get_int64(v);
	return true;
}

static bool
get_text(const struct json_object *object, const char *key, char *ret, size_t size)
{
	const char *text = get_string(object, key);

	if (text == NULL || strlen(text) >= size)
		return false;
	memcpy(ret, text, strlen(text) + 1);
	return true;
}

static bool
get_time(const struct json_object *object, const char *key, int64_t *ret)
{
	const char *text = get_string(object, key);
	wall_t t;

	if (text == NULL || !wall_parse(text, &t) || t.ns < 0 || t.ns > TIME_MOST)
		return false;
	*ret = t.ns;
	return true;
}

static bool
get_addr(const struct json_object *object, const char *key, struct addr *ret)
{
	const char *text = get_string(object, key);

	return text != NULL && addr_parse(text, ret);
}

static bool
read_version(const struct json_object *s, uint8_t *ret)
{
	const char *text = get_string(s, "version");
	uint64_t v = 0;

	*ret = PROTO_SFLOW5;
	if (text != NULL)
		return strcmp(text, "sflow5") == 0;
	if (!get_u64(s, "version", PROTO_IPFIX, &v))
		return false;
	*ret = (uint8_t)v;
	return v == PROTO_V1 || v == PROTO_V5 || v >= PROTO_V7;
}

static bool
read_key(const struct json_object *s, struct stream_key *ret)
{
	const char *all = get_string(s, "domain");
	uint64_t port, domain = 0;

	ret->all = all != NULL && strcmp(all, "all") == 0;
	if (!get_addr(s, "exporter", &ret->exporter) || !get_u64(s, "exporterPort", UINT16_MAX, &port) ||
	    (!ret->all && !get_u64(s, "domain", UINT32_MAX, &domain)) || !read_version(s, &ret->proto))
		return false;
	ret->port = (uint16_t)port;
	ret->domain = (uint32_t)domain;
	return ret->proto != PROTO_SFLOW5 || get_addr(s, "agent", &ret->agent);
}

static const char *
read_unit(const struct json_object *s)
{
	const char *text = get_string(s, "unit");

	for (size_t i = 0; text != NULL && i < sizeof(unit_names) / sizeof(unit_names[0]); i++) {
		if (strcmp(text, unit_names[i]) == 0)
			return unit_names[i];
	}
	return NULL;
}

/* In order and apart from each other, between first and next. Of those that were joined only the sum is taken: most of what lies within
 * was heard. */
static enum err
read_ranges(const struct json_object *list, struct report_stream *s, struct node_report *r)
{
	size_t count = list != NULL ? json_object_array_length(list) : 0;
	int64_t behind = s->first;

	if (list == NULL)
		return ERR_MALFORMED;
	s->range = r->missing_count;
	for (size_t i = 0; i < count; i++) {
		const struct json_object *v = json_object_array_get_idx(list, i);
		struct seq_range range;
		uint64_t units;

		if (!get_position(v, "from", &range.from) || !get_position(v, "to", &range.to) ||
		    range.from < behind || range.to < range.from || range.to >= s->next)
			return ERR_MALFORMED;
		behind = ++range.to;
		if (get_u64(v, "missing", (uint64_t)(range.to - range.from), &units)) {
			s->joined += units;
			continue;
		}
		if (s->ranges == REPORT_RANGES_MOST) {
			r->left_out++;
			continue;
		}
		if (array_grow(r->missing, r->missing_room, r->missing_count) != ERR_OK)
			return ERR_MEMORY;
		r->missing[r->missing_count++] = range;
		s->ranges++;
	}
	return ERR_OK;
}

/* A stream whose numbers tell nothing yet has null for them. */
static bool
read_span(const struct json_object *v, struct report_stream *s)
{
	const char *discipline = get_string(v, "discipline");
	struct json_object *first = NULL, *learnt = NULL;

	if (discipline == NULL || !json_object_object_get_ex(v, "first", &first) ||
	    !json_object_object_get_ex(v, "learnt", &learnt) ||
	    !json_object_is_type(learnt, json_type_boolean))
		return false;
	s->shared = strcmp(discipline, "shared") == 0;
	if (first == NULL)
		return true;
	s->counts = strcmp(discipline, "none") != 0 && !s->shared && json_object_get_boolean(learnt);
	return get_position(v, "first", &s->first) && get_position(v, "next", &s->next) &&
	    s->first <= s->next;
}

static enum err
read_stream(const struct json_object *v, struct node_report *r)
{
	struct report_stream s = {.boot_ns = REPORT_NO_BOOT};
	enum err e;

	s.unit = read_unit(v);
	if (s.unit == NULL || !read_key(v, &s.key) || !read_span(v, &s) ||
	    !get_u64(v, "lane", UINT16_MAX, &s.lane) || !get_u64(v, "epoch", INT64_MAX, &s.epoch) ||
	    !get_u64(v, "datagrams", INT64_MAX, &s.datagrams) || !get_u64(v, "heard", INT64_MAX, &s.heard) ||
	    !get_time(v, "firstHeard", &s.since_ns) || !get_time(v, "lastHeard", &s.heard_ns))
		return ERR_MALFORMED;
	if (get_string(v, "boot") != NULL && !get_time(v, "boot", &s.boot_ns))
		return ERR_MALFORMED;
	if (r->stream_count == REPORT_STREAMS_MOST) {
		r->left_out++;
		return ERR_OK;
	}
	e = read_ranges(get(v, "ranges", json_type_array), &s, r);
	if (e != ERR_OK)
		return e;
	if (array_grow(r->streams, r->stream_room, r->stream_count) != ERR_OK)
		return ERR_MEMORY;
	r->streams[r->stream_count++] = s;
	return ERR_OK;
}

static int
stream_cmp(const void *va, const void *vb)
{
	const struct report_stream *a = va, *b = vb;
	int c = stream_key_cmp(&a->key, &b->key);

	return c != 0 ? c : (a->heard_ns < b->heard_ns) - (a->heard_ns > b->heard_ns);
}

/* One of each; a stream moves to another lane when their number changes. */
static void
settle_streams(struct node_report *r)
{
	size_t n = 0;

	if (r->stream_count > 1)
		qsort(r->streams, r->stream_count, sizeof(*r->streams), stream_cmp);
	for (size_t i = 0; i < r->stream_count; i++) {
		if (n == 0 || stream_key_cmp(&r->streams[n - 1].key, &r->streams[i].key) != 0)
			r->streams[n++] = r->streams[i];
	}
	r->stream_count = n;
}

static enum err
read_gaps(const struct json_object *root, struct node_report *r, const char **ret_why)
{
	const struct json_object *list = get(root, "streams", json_type_array);
	enum err e = ERR_OK;

	*ret_why = "/gaps: expected cluster, node, time, started and streams";
	if (!get_text(root, "cluster", r->cluster, sizeof(r->cluster)) ||
	    !get_text(root, "node", r->node, sizeof(r->node)) || !get_time(root, "time", &r->time_ns) ||
	    list == NULL)
		return ERR_MALFORMED;
	if (!get_time(root, "started", &r->started_ns)) /* null: no collector has begun yet */
		r->started_ns = r->time_ns;
	*ret_why = "/gaps: a stream is not as flowbraidd(8) has it";
	for (size_t i = 0; i < json_object_array_length(list) && e == ERR_OK; i++)
		e = read_stream(json_object_array_get_idx(list, i), r);
	settle_streams(r);
	return e;
}

static void
add(const struct json_object *object, const char *key, uint64_t *sum)
{
	uint64_t v;

	if (get_u64(object, key, INT64_MAX, &v))
		*sum += v;
}

static void
read_listeners(const struct json_object *list, struct node_report *r)
{
	for (size_t i = 0; list != NULL && i < json_object_array_length(list); i++)
		add(json_object_array_get_idx(list, i), "kernel_drops", &r->kernel_drops);
}

static enum err
read_status(const struct json_object *root, struct node_report *r, const char **ret_why)
{
	const struct json_object *lanes = get(root, "lanes", json_type_array);

	*ret_why = "/status: expected version and lanes";
	if (!get_text(root, "version", r->version, sizeof(r->version)) || lanes == NULL)
		return ERR_MALFORMED;
	for (size_t i = 0; i < json_object_array_length(lanes); i++) {
		const struct json_object *lane = json_object_array_get_idx(lanes, i);
		uint64_t failing = 0, behind = 0;

		add(lane, "datagrams", &r->datagrams);
		add(lane, "log_drops", &r->log_drops);
		add(lane, "host_drops", &r->kernel_drops);
		add(lane, "refused", &r->refused);
		add(lane, "malformed", &r->malformed);
		add(lane, "failing", &failing);
		add(lane, "refusing", &failing);
		add(lane, "falling_behind", &behind);
		r->failing |= failing > 0;
		r->falling_behind |= behind > 0;
		read_listeners(get(lane, "listeners", json_type_array), r);
	}
	return ERR_OK;
}

/* Not deep: what a node sends has five levels. NULL: it is not that. */
static struct json_object *
parse(const char *text, size_t len)
{
	struct json_tokener *t = json_tokener_new_ex(16);
	struct json_object *v = NULL;

	if (t == NULL)
		return NULL;
	json_tokener_set_flags(t, JSON_TOKENER_VALIDATE_UTF8);
	if (len <= INT_MAX)
		v = json_tokener_parse_ex(t, text, (int)len);
	if (v != NULL && json_tokener_get_error(t) != json_tokener_success) {
		json_object_put(v);
		v = NULL;
	}
	json_tokener_free(t);
	return v;
}

enum err
node_report_read(const char *gaps, size_t gaps_len, const char *status, size_t status_len,
    struct node_report *ret, const char **ret_why)
{
	struct node_report r = {.streams = NULL};
	struct json_object *g = parse(gaps, gaps_len), *s = parse(status, status_len);
	enum err e;

	*ret_why = "not JSON";
	e = g != NULL && s != NULL ? read_gaps(g, &r, ret_why) : ERR_MALFORMED;
	if (e == ERR_OK)
		e = read_status(s, &r, ret_why);
	json_object_put(g);
	json_object_put(s);
	if (e != ERR_OK) {
		node_report_clear(&r);
		return e;
	}
	*ret = r;
	return ERR_OK;
}

void
node_report_clear(struct node_report *r)
{
	free(r->streams);
	free(r->missing);
	*r = (struct node_report){.streams = NULL};
}
