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

/* A token goes into an address. */
static const char token_chars[] = "0123456789abcdefghijklmnopqrstuvwxyz-";

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

/* A number in an array. */
static bool
item(const struct json_object *list, size_t at, int64_t least, int64_t most, int64_t *ret)
{
	const struct json_object *v = json_object_array_get_idx(list, at);

	if (v == NULL || !json_object_is_type(v, json_type_int) || json_object_get_int64(v) < least ||
	    json_object_get_int64(v) > most)
		return false;
	*ret = json_object_get_int64(v);
	return true;
}

/* From `at` on: how far each begins behind the end of the one before, and its length; or minus its length, and what is missing of it.
 * They lie between s->from and s->next, in order. */
static enum err
read_ranges(const struct json_object *list, size_t at, struct report_stream *s, struct node_report *r)
{
	size_t count = json_object_array_length(list);
	int64_t pos = s->from;

	s->range = r->missing_count;
	s->ranges = 0;
	while (at < count) {
		int64_t skip, length, missing;

		if (!item(list, at, 0, s->next - pos, &skip) ||
		    !item(list, at + 1, -POSITION_MOST, POSITION_MOST, &length) || length == 0)
			return ERR_MALFORMED;
		at += 2;
		missing = length;
		if (length < 0) {
			length = -length;
			if (!item(list, at++, 1, length, &missing))
				return ERR_MALFORMED;
		}
		pos += skip;
		if (length > s->next - pos)
			return ERR_MALFORMED;
		pos += length;
		if (s->ranges == REPORT_STREAM_RANGES_MOST || r->missing_count == REPORT_RANGES_MOST) {
			r->left_out++;
			continue;
		}
		if (array_grow(r->missing, r->missing_room, r->missing_count) != ERR_OK)
			return ERR_MEMORY;
		r->missing[r->missing_count++] = (struct report_range){
		    .range = {pos - length, pos}, .missing = (uint64_t)missing};
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

static bool
get_ns(const struct json_object *object, const char *key, int64_t *ret)
{
	uint64_t ns;

	if (!get_u64(object, key, (uint64_t)TIME_MOST, &ns))
		return false;
	*ret = (int64_t)ns;
	return true;
}

static struct report_stream *
find_told(const struct node_told *t, uint64_t id)
{
	size_t low = 0, high = t->count;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (t->streams[mid].id == id)
			return &t->streams[mid];
		if (t->streams[mid].id < id)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

/* An object tells all of a stream. fresh: those that were not known. */
static enum err
read_whole(const struct json_object *v, struct node_told *t, struct node_told *fresh, struct node_report *r)
{
	const struct json_object *missing = get(v, "missing", json_type_array);
	struct report_stream s = {.boot_ns = REPORT_NO_BOOT}, *known;
	enum err e;

	s.unit = read_unit(v);
	if (s.unit == NULL || missing == NULL || !get_u64(v, "id", INT64_MAX, &s.id) ||
	    !read_key(v, &s.key) || !read_span(v, &s) || !get_u64(v, "lane", UINT16_MAX, &s.lane) ||
	    !get_u64(v, "epoch", INT64_MAX, &s.epoch) || !get_u64(v, "datagrams", INT64_MAX, &s.datagrams) ||
	    !get_u64(v, "heard", INT64_MAX, &s.heard) || !get_ns(v, "firstHeard", &s.since_ns) ||
	    !get_ns(v, "lastHeard", &s.heard_ns))
		return ERR_MALFORMED;
	if (get(v, "boot", json_type_int) != NULL && !get_ns(v, "boot", &s.boot_ns))
		return ERR_MALFORMED;
	s.from = s.first;
	known = find_told(t, s.id);
	if (known == NULL && t->count + fresh->count >= REPORT_STREAMS_MOST) {
		r->left_out++;
		return ERR_OK;
	}
	e = read_ranges(missing, 0, &s, r);
	if (e != ERR_OK)
		return e;
	if (known != NULL) {
		*known = s;
		return ERR_OK;
	}
	if (array_grow(fresh->streams, fresh->room, fresh->count) != ERR_OK)
		return ERR_MEMORY;
	fresh->streams[fresh->count++] = s;
	return ERR_OK;
}

/* An array tells what changed of one that is known. One that there was no room for stays out. */
static enum err
read_change(const struct json_object *v, struct node_told *t, struct node_report *r)
{
	int64_t id, next, datagrams, heard;
	struct report_stream *s;

	if (!item(v, 0, 0, INT64_MAX, &id) || !item(v, 1, -POSITION_MOST, POSITION_MOST, &next) ||
	    !item(v, 2, 0, INT64_MAX, &datagrams) || !item(v, 3, 0, INT64_MAX, &heard))
		return ERR_MALFORMED;
	s = find_told(t, (uint64_t)id);
	if (s == NULL)
		return t->count < REPORT_STREAMS_MOST ? ERR_MALFORMED : ERR_OK;
	if (next < s->first || !item(v, 4, 0, TIME_MOST, &s->heard_ns) ||
	    !item(v, 5, s->first, next, &s->from))
		return ERR_MALFORMED;
	s->next = next;
	s->datagrams = (uint64_t)datagrams;
	s->heard = (uint64_t)heard;
	return read_ranges(v, 6, s, r);
}

/* Numbers of a stream's samples; one that was told whole in this answer may not be in order yet. */
static enum err
read_samples(const struct json_object *v, struct node_told *t, struct node_told *fresh)
{
	int64_t n[7];
	struct report_stream *s;

	for (size_t i = 0; i < sizeof(n) / sizeof(n[0]); i++) {
		if (!item(v, i, 0, INT64_MAX, &n[i]))
			return ERR_MALFORMED;
	}
	s = find_told(t, (uint64_t)n[0]);
	if (s == NULL && fresh->count > 0 && fresh->streams[fresh->count - 1].id == (uint64_t)n[0])
		s = &fresh->streams[fresh->count - 1];
	if (s != NULL)
		s->samples = (struct report_samples){.heard = (uint64_t)n[1],
		    .missing = (uint64_t)n[2],
		    .dropped = (uint64_t)n[3],
		    .taken = (uint64_t)n[4],
		    .pool = (uint64_t)n[5],
		    .scaled = (uint64_t)n[6]};
	return ERR_OK;
}

static enum err
read_gone(const struct json_object *list, struct node_told *t)
{
	size_t n = 0;

	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct report_stream *s;
		int64_t id;

		if (!item(list, i, 0, INT64_MAX, &id))
			return ERR_MALFORMED;
		s = find_told(t, (uint64_t)id);
		if (s != NULL)
			s->unit = NULL; /* a mark */
	}
	for (size_t i = 0; i < t->count; i++) {
		if (t->streams[i].unit != NULL)
			t->streams[n++] = t->streams[i];
	}
	t->count = n;
	return ERR_OK;
}

static int
id_cmp(const void *va, const void *vb)
{
	const struct report_stream *a = va, *b = vb;

	return (a->id > b->id) - (a->id < b->id);
}

/* ERR_MALFORMED: one id is of two streams. */
static enum err
add_fresh(struct node_told *t, const struct node_told *fresh)
{
	for (size_t i = 0; i < fresh->count; i++) {
		if (array_grow(t->streams, t->room, t->count) != ERR_OK)
			return ERR_MEMORY;
		t->streams[t->count++] = fresh->streams[i];
	}
	if (fresh->count > 0)
		qsort(t->streams, t->count, sizeof(*t->streams), id_cmp);
	for (size_t i = 1; i < t->count; i++) {
		if (t->streams[i - 1].id == t->streams[i].id)
			return ERR_MALFORMED;
	}
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
static enum err
settle_streams(const struct node_told *t, struct node_report *r)
{
	size_t n = 0;

	r->streams = calloc(t->count + 1, sizeof(*r->streams));
	if (r->streams == NULL)
		return ERR_MEMORY;
	r->stream_count = t->count;
	if (t->count > 0)
		memcpy(r->streams, t->streams, t->count * sizeof(*r->streams));
	if (t->count > 1)
		qsort(r->streams, r->stream_count, sizeof(*r->streams), stream_cmp);
	for (size_t i = 0; i < r->stream_count; i++) {
		if (n == 0 || stream_key_cmp(&r->streams[n - 1].key, &r->streams[i].key) != 0)
			r->streams[n++] = r->streams[i];
	}
	r->stream_count = n;
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

struct lines {
	const char *at, *end;
};

/* The next line as JSON. ERR_END: there is none. */
static enum err
next_line(struct lines *l, struct json_object **ret)
{
	const char *begin = l->at,
		   *end = begin < l->end ? memchr(begin, '\n', (size_t)(l->end - begin)) : NULL;

	if (begin == l->end)
		return ERR_END;
	if (end == NULL || end - begin > (ptrdiff_t)REPORT_LINE_MOST)
		return ERR_MALFORMED;
	l->at = end + 1;
	*ret = parse(begin, (size_t)(end - begin));
	return *ret != NULL ? ERR_OK : ERR_MALFORMED;
}

static enum err
read_head(struct lines *l, struct node_told *t, struct node_report *r)
{
	struct json_object *v, *since = NULL;
	char token[REPORT_TOKEN_SIZE];
	bool good;

	if (next_line(l, &v) != ERR_OK)
		return ERR_MALFORMED;
	good = get_text(v, "cluster", r->cluster, sizeof(r->cluster)) &&
	    get_text(v, "node", r->node, sizeof(r->node)) && get_time(v, "time", &r->time_ns) &&
	    get_text(v, "token", token, sizeof(token)) && token[strspn(token, token_chars)] == '\0' &&
	    json_object_object_get_ex(v, "since", &since);
	if (good && !get_time(v, "started", &r->started_ns))
		r->started_ns = REPORT_NOT_STARTED;
	if (good && since == NULL) {
		node_told_forget(t);
		r->whole = true;
	} else if (good) {
		const char *text = get_string(v, "since");

		good = text != NULL && t->token[0] != '\0' && strcmp(text, t->token) == 0;
	}
	json_object_put(v);
	if (good)
		memcpy(t->token, token, sizeof(token));
	return good ? ERR_OK : ERR_MALFORMED;
}

/* The streams, and the last line, behind which nothing stands. */
static enum err
read_streams(struct lines *l, struct node_told *t, struct node_told *fresh, struct node_report *r)
{
	struct json_object *v;
	bool ended = false;
	enum err e;

	while ((e = next_line(l, &v)) == ERR_OK && !ended) {
		const struct json_object *gone = get(v, "gone", json_type_array),
					 *samples = get(v, "samples", json_type_array);

		if (gone != NULL) {
			e = get(v, "end", json_type_boolean) != NULL ? read_gone(gone, t) : ERR_MALFORMED;
			ended = true;
		} else if (json_object_is_type(v, json_type_array)) {
			e = read_change(v, t, r);
		} else if (samples != NULL) {
			e = read_samples(samples, t, fresh);
		} else {
			e = read_whole(v, t, fresh, r);
		}
		json_object_put(v);
		if (e != ERR_OK)
			return e;
	}
	if (e == ERR_OK)
		json_object_put(v);
	return e == ERR_END && ended ? ERR_OK : ERR_MALFORMED;
}

static enum err
read_gaps(struct node_told *t, struct lines *l, struct node_report *r, const char **ret_why)
{
	struct node_told fresh = {.streams = NULL};
	enum err e;

	*ret_why = "/gaps: expected cluster, node, time, started, token and since";
	e = read_head(l, t, r);
	if (e != ERR_OK)
		return e;
	/* What is not told of has not changed. */
	for (size_t i = 0; i < t->count; i++) {
		t->streams[i].from = t->streams[i].next;
		t->streams[i].ranges = 0;
	}
	*ret_why = "/gaps: a stream is not as flowbraidd(8) has it";
	e = read_streams(l, t, &fresh, r);
	if (e == ERR_OK)
		e = add_fresh(t, &fresh);
	if (e == ERR_OK)
		e = settle_streams(t, r);
	free(fresh.streams);
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

void
node_told_forget(struct node_told *t)
{
	free(t->streams);
	*t = (struct node_told){.streams = NULL};
}

enum err
node_report_read(struct node_told *told, const char *gaps, size_t gaps_len, const char *status,
    size_t status_len, struct node_report *ret, const char **ret_why)
{
	struct node_report r = {.streams = NULL};
	struct lines lines = {gaps, gaps + gaps_len};
	struct json_object *s = parse(status, status_len);
	enum err e;

	*ret_why = "/status: not JSON";
	e = s != NULL ? read_gaps(told, &lines, &r, ret_why) : ERR_MALFORMED;
	if (e == ERR_OK)
		e = read_status(s, &r, ret_why);
	json_object_put(s);
	if (e != ERR_OK) {
		node_report_clear(&r);
		node_told_forget(told);
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
