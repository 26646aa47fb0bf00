/* SPDX-License-Identifier: ISC
 *
 * Set arithmetic over segment numbers, as the ledger's over sequence numbers.
 */
#include "cluster/absent.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/msg.h"
#include "log/event.h"
#include "log/folder.h"

#define FIRST_NUMBER 1 /* of a lane's segments */

static void
lane_clear(struct absent_lane *l)
{
	seq_set_clear(&l->present);
	seq_set_clear(&l->removed);
}

void
absent_clear(struct absent *a)
{
	for (size_t i = 0; i < a->count; i++)
		lane_clear(&a->lanes[i]);
	free(a->lanes);
	*a = (struct absent){.lanes = NULL};
}

/* Lanes and nodes are few. */
static enum err
lane_of(struct absent *a, const char *node, uint16_t lane, struct absent_lane **ret)
{
	for (size_t i = 0; i < a->count; i++) {
		if (a->lanes[i].lane == lane && strcmp(a->lanes[i].node, node) == 0) {
			*ret = &a->lanes[i];
			return ERR_OK;
		}
	}
	if (array_grow(a->lanes, a->room, a->count) != ERR_OK)
		return ERR_MEMORY;
	*ret = &a->lanes[a->count++];
	**ret = (struct absent_lane){.lane = lane};
	memcpy((*ret)->node, node, strnlen(node, sizeof((*ret)->node) - 1));
	return ERR_OK;
}

static enum err
add_number(struct seq_set *s, uint64_t number)
{
	return number < INT64_MAX ? seq_set_add(s, (struct seq_range){(int64_t)number, (int64_t)number + 1})
				  : ERR_OK;
}

enum err
absent_present(struct absent *a, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct folder_entry entry;
	struct absent_lane *l;
	enum err e;

	if (!folder_name_parse(slash != NULL ? slash + 1 : path, &entry))
		return ERR_OK;
	e = lane_of(a, "", entry.lane, &l);
	return e == ERR_OK ? add_number(&l->present, entry.number) : e;
}

enum err
absent_event(struct absent *a, const char *node, uint16_t lane, const uint8_t *body, size_t len)
{
	struct absent_lane *l;
	struct event event;
	uint64_t number;
	enum err e;

	if (!event_init(&event, body, len) || event.kind != EVENT_REMOVED)
		return ERR_OK;
	number = event_u64(&event, EVENT_KEY_SEGMENT, UINT64_MAX);
	e = lane_of(a, node, lane, &l);
	if (e == ERR_OK) {
		l->bytes += event_u64(&event, EVENT_KEY_COUNT, 0);
		e = add_number(&l->removed, number);
	}
	return e;
}

static void
say_range(const struct absent_lane *l, const char *path, struct seq_range r, uint64_t told)
{
	const char *part = r.from == FIRST_NUMBER ? "the oldest part" : "between others";
	uint64_t units = (uint64_t)(r.to - r.from);

	if (told == units)
		msg_notice("%s: lane %u: segments %" PRId64 " to %" PRId64
			   " are gone, %s: removed by retention, as event records tell",
		    path, l->lane, r.from, r.to - 1, part);
	else if (r.from == FIRST_NUMBER)
		msg_notice("%s: lane %u: segments %" PRId64 " to %" PRId64 " are gone, %s: of %" PRIu64
			   " event records that are left tell that retention removed them",
		    path, l->lane, r.from, r.to - 1, part, told);
	else
		msg_warn("%s: lane %u: segments %" PRId64 " to %" PRId64 " are gone, %s: of %" PRIu64
			 " no event record that is left tells why",
		    path, l->lane, r.from, r.to - 1, part, units - told);
}

static void
put_range(const struct absent_lane *l, const char *path, struct seq_range r, uint64_t told, struct json *j)
{
	json_object(j);
	json_put_text(j, "path", path);
	json_put_u64(j, "lane", l->lane);
	json_put_u64(j, "from", (uint64_t)r.from);
	json_put_u64(j, "to", (uint64_t)r.to - 1);
	json_put_u64(j, "removed", told);
	json_end(j);
}

static enum err
tell_range(const struct absent_lane *l, const char *path, struct seq_range r, struct json *j)
{
	struct seq_set untold = {.ranges = NULL};
	enum err e = seq_set_missing(&l->removed, r, &untold);
	uint64_t told = (uint64_t)(r.to - r.from) - seq_set_units(&untold);

	seq_set_clear(&untold);
	if (e == ERR_OK) {
		say_range(l, path, r, told);
		put_range(l, path, r, told, j);
	}
	return e;
}

static enum err
tell_lane(struct absent_lane *l, const char *path, struct json *j)
{
	struct seq_range span = {FIRST_NUMBER, FIRST_NUMBER};
	struct seq_set gone = {.ranges = NULL};
	enum err e;

	seq_set_close(&l->present);
	seq_set_close(&l->removed);
	if (l->present.count > 0)
		span.to = l->present.ranges[l->present.count - 1].to;
	if (span.to <= span.from)
		return ERR_OK;
	e = seq_set_missing(&l->present, span, &gone);
	for (size_t i = 0; i < gone.count && e == ERR_OK; i++)
		e = tell_range(l, path, gone.ranges[i], j);
	seq_set_clear(&gone);
	return e;
}

enum err
absent_tell(struct absent *a, const char *path, struct json *j)
{
	enum err e = ERR_OK;

	for (size_t i = 0; i < a->count && e == ERR_OK; i++)
		e = tell_lane(&a->lanes[i], path, j);
	return e;
}

/* --- of a pool --- */

static int
lane_order(const void *l, const void *r)
{
	const struct absent_lane *a = l, *b = r;
	int order = strcmp(a->node, b->node);

	return order != 0 ? order : (a->lane > b->lane) - (a->lane < b->lane);
}

enum err
absent_of_pool(const struct pool *p, struct absent *ret)
{
	struct absent a = {.lanes = NULL};
	enum err e = ERR_OK;

	for (size_t i = 0; i < p->event_count && e == ERR_OK; i++) {
		const struct pool_event *event = &p->events[i];
		const struct source *s = &p->sources[event->source].id;

		e = absent_event(&a, s->node, s->lane, p->bytes.data + event->at, event->len);
	}
	if (e != ERR_OK) {
		absent_clear(&a);
		return e;
	}
	for (size_t i = 0; i < a.count; i++)
		seq_set_close(&a.lanes[i].removed);
	if (a.count > 1)
		qsort(a.lanes, a.count, sizeof(*a.lanes), lane_order);
	*ret = a;
	return ERR_OK;
}

void
absent_json(const struct absent *a, struct json *j)
{
	json_array(j);
	for (size_t i = 0; i < a->count; i++) {
		const struct absent_lane *l = &a->lanes[i];

		json_object(j);
		json_put_text(j, "node", l->node);
		json_put_u64(j, "lane", l->lane);
		json_put_u64(j, "segments", seq_set_units(&l->removed));
		json_put_u64(j, "bytes", l->bytes);
		json_key(j, "ranges");
		json_array(j);
		for (size_t k = 0; k < l->removed.count; k++) {
			json_array(j);
			json_i64(j, l->removed.ranges[k].from);
			json_i64(j, l->removed.ranges[k].to - 1);
			json_end(j);
		}
		json_end(j);
		json_end(j);
	}
	json_end(j);
}

void
absent_text(const struct absent *a, struct buf *out)
{
	for (size_t i = 0; i < a->count; i++) {
		const struct absent_lane *l = &a->lanes[i];

		buf_printf(out,
		    "node %s lane %u: %" PRIu64 " segments, %" PRIu64
		    " bytes, were removed from its log by retention; what no other path holds of them counts "
		    "as missing\n",
		    l->node, l->lane, seq_set_units(&l->removed), l->bytes);
	}
}
