/* SPDX-License-Identifier: ISC
 *
 * The view of a record: its fields, and when the flow began and ended.
 */
#include "flow/flow.h"

#include "flow/value.h"

#define NTP_TO_UNIX 2208988800LL /* seconds from 1900 to 1970 */

bool
flow_get(const struct flow *f, uint32_t pen, uint16_t id, struct flow_value *ret)
{
	struct flow_walk w;
	struct flow_value v;

	flow_walk_init(&w, f);
	while (flow_walk_next(&w, &v)) {
		if (v.field->id == id && v.field->pen == pen &&
		    (!v.field->scope || f->info->proto != PROTO_V9)) {
			*ret = v;
			return true;
		}
	}
	return false;
}

bool
flow_get_u64(const struct flow *f, uint32_t pen, uint16_t id, uint64_t *ret)
{
	struct flow_value v;

	if (!flow_get(f, pen, id, &v) || v.len < 1 || v.len > 8)
		return false;
	*ret = value_u64(v.bytes, v.len);
	return true;
}

/* NTP's form of a time (RFC 7011 section 6.1.9): seconds from 1900 and a binary fraction. Rounded, since most
 * decimal fractions have no exact binary one. */
static wall_t
ntp_time(uint64_t v, uint64_t units)
{
	int64_t sec = (int64_t)(v >> 32) - NTP_TO_UNIX;
	uint64_t fraction = ((v & UINT32_MAX) * units + (1ULL << 31)) >> 32;

	if (sec < 0) /* the era that begins in 2036 */
		sec += 1LL << 32;
	return wall_from_sec(sec, (int64_t)(fraction * (uint64_t)(NS_PER_SEC / (int64_t)units)));
}

bool
value_time(enum element_type type, const uint8_t *bytes, uint16_t len, wall_t *ret, int *ret_digits)
{
	uint64_t v;

	if (len < 1 || len > 8)
		return false;
	v = value_u64(bytes, len);
	switch (type) {
	case ELEMENT_SECONDS:
		if (v > INT64_MAX / NS_PER_SEC)
			return false;
		*ret = wall_from_sec((int64_t)v, 0);
		*ret_digits = 0;
		return true;
	case ELEMENT_MILLISECONDS:
		if (v > INT64_MAX / NS_PER_MSEC)
			return false;
		*ret = (wall_t){(int64_t)v * NS_PER_MSEC};
		*ret_digits = 3;
		return true;
	case ELEMENT_MICROSECONDS:
	case ELEMENT_NANOSECONDS:
		if (len != 8)
			return false;
		*ret_digits = type == ELEMENT_MICROSECONDS ? 6 : 9;
		*ret = ntp_time(v, type == ELEMENT_MICROSECONDS ? 1000000 : 1000000000);
		return true;
	default:
		return false;
	}
}

/* Uptime counts milliseconds in 32 bits, and wraps after 49.7 days: a flow began up to that long before the
 * datagram was sent. An hour of it is left for exporters that date flows after their datagram. */
static wall_t
uptime_to_wall(const struct proto_info *info, uint32_t then)
{
	uint32_t ago = info->uptime_ms - then;
	int64_t ms = ago <= UINT32_MAX - 3600000 ? (int64_t)ago : (int64_t)ago - (1LL << 32);

	return (wall_t){info->export_time.ns - ms * NS_PER_MSEC};
}

/* The same without an uptime in the header, for a boot that the record tells. The wrap that is nearest before
 * the export time is meant, where there is one. */
static void
moment_from_boot(const struct proto_info *info, struct moment *m)
{
	const int64_t wrap = (1LL << 32) * NS_PER_MSEC;
	int64_t ns, most;

	if (!m->has_uptime || !m->has_boot || m->rank > 1)
		return;
	ns = m->boot.ns + (int64_t)m->uptime_ms * NS_PER_MSEC;
	most = info->export_time.ns + 3600 * NS_PER_SEC;
	if (info->has_time && ns < most)
		ns += (most - ns) / wrap * wrap;
	m->time.ns = ns;
	m->rank = 1;
	m->digits = 3;
}

static void
put_boot(const struct proto_info *info, const struct flow_value *v, struct moment *m)
{
	int digits;

	/* not so late that adding an uptime could overflow */
	m->has_boot = value_time(ELEMENT_MILLISECONDS, v->bytes, v->len, &m->boot, &digits) &&
	    m->boot.ns < INT64_MAX / 2;
	moment_from_boot(info, m);
}

static void
put_duration(const struct flow_value *v, struct moment *m)
{
	bool ms = v->field->id == IE_DURATION_MILLISECONDS;

	if (v->len < 1 || v->len > 4)
		return;
	m->has_duration = true;
	m->duration_ns = (int64_t)value_u64(v->bytes, v->len) * (ms ? NS_PER_MSEC : 1000);
	m->duration_digits = ms ? 3 : 6;
}

void
moments_finish(struct moment *start, struct moment *end)
{
	struct moment *there = start->rank > 0 ? start : end, *other = start->rank > 0 ? end : start;
	int64_t ns = there->time.ns, by = there == start ? start->duration_ns : -start->duration_ns;

	if (there->rank == 0 || other->rank != 0 || !start->has_duration || (by > 0 && ns > INT64_MAX - by) ||
	    (by < 0 && ns < INT64_MIN - by))
		return;
	other->time.ns = ns + by;
	other->rank = there->rank;
	other->digits = there->digits < start->duration_digits ? there->digits : start->duration_digits;
}

static const struct role {
	uint8_t rank; /* 0: the element is no begin or end */
	bool end;
	uint8_t type;
} roles[] = {
    [IE_START_UPTIME] = {1, false, 0},
    [IE_END_UPTIME] = {1, true, 0},
    [IE_START_DELTA] = {2, false, 0},
    [IE_END_DELTA] = {2, true, 0},
    [IE_START_SECONDS] = {3, false, ELEMENT_SECONDS},
    [IE_END_SECONDS] = {3, true, ELEMENT_SECONDS},
    [IE_START_MILLISECONDS] = {4, false, ELEMENT_MILLISECONDS},
    [IE_END_MILLISECONDS] = {4, true, ELEMENT_MILLISECONDS},
    [IE_START_MICROSECONDS] = {5, false, ELEMENT_MICROSECONDS},
    [IE_END_MICROSECONDS] = {5, true, ELEMENT_MICROSECONDS},
    [IE_START_NANOSECONDS] = {6, false, ELEMENT_NANOSECONDS},
    [IE_END_NANOSECONDS] = {6, true, ELEMENT_NANOSECONDS},
};

void
moment_put(
    const struct proto_info *info, const struct flow_value *v, struct moment *start, struct moment *end)
{
	uint16_t id = v->field->id;
	const struct role *role;
	struct moment *m;
	wall_t time;
	int digits = 3;

	if (v->field->pen != 0 || v->field->scope)
		return;
	if (id == IE_SYSTEM_INIT && !info->has_uptime) {
		put_boot(info, v, start);
		put_boot(info, v, end);
		return;
	}
	if (id == IE_DURATION_MILLISECONDS || id == IE_DURATION_MICROSECONDS)
		put_duration(v, start);
	if (id >= sizeof(roles) / sizeof(roles[0]))
		return;
	role = &roles[id];
	m = role->end ? end : start;
	if (role->rank <= m->rank)
		return;
	if (role->rank > 2) {
		if (!value_time((enum element_type)role->type, v->bytes, v->len, &time, &digits))
			return;
	} else if (v->len < 1 || v->len > 4 || !info->has_time) { /* 4, or less (RFC 7011 section 6.2) */
		return;
	} else if (role->rank == 2) {
		time.ns = info->export_time.ns - (int64_t)value_u64(v->bytes, v->len) * 1000;
		digits = 6;
	} else if (info->has_uptime) {
		time = uptime_to_wall(info, (uint32_t)value_u64(v->bytes, v->len));
	} else {
		m->has_uptime = true;
		m->uptime_ms = (uint32_t)value_u64(v->bytes, v->len);
		moment_from_boot(info, m);
		return;
	}
	m->time = time;
	m->rank = role->rank;
	m->digits = (uint8_t)digits;
}

void
flow_times(const struct flow *f, struct flow_times *ret)
{
	struct moment start = {.rank = 0}, end = {.rank = 0};
	struct flow_walk w;
	struct flow_value v;

	flow_walk_init(&w, f);
	while (flow_walk_next(&w, &v))
		moment_note(f->info, &v, &start, &end);
	moments_finish(&start, &end);
	ret->start = start.time;
	ret->end = end.time;
	ret->start_digits = start.rank == 0 ? -1 : start.digits;
	ret->end_digits = end.rank == 0 ? -1 : end.digits;
}

static bool
give(wall_t time, int digits, wall_t *ret, int *ret_digits)
{
	if (digits < 0)
		return false;
	*ret = time;
	if (ret_digits != NULL)
		*ret_digits = digits;
	return true;
}

bool
flow_start(const struct flow *f, wall_t *ret, int *ret_digits)
{
	struct flow_times t;

	flow_times(f, &t);
	return give(t.start, t.start_digits, ret, ret_digits);
}

bool
flow_end(const struct flow *f, wall_t *ret, int *ret_digits)
{
	struct flow_times t;

	flow_times(f, &t);
	return give(t.end, t.end_digits, ret, ret_digits);
}
